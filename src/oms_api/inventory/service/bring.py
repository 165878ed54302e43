"""Supply that is announced because units of it are sold: what it is made or moved from is set aside until it comes.

What it takes leaves AVAILABLE, so that nobody else is promised it, and stands IN_TRANSFER where it was. It is used up
as the supply comes, and put back when nobody wants the supply any more.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, update
from sqlmodel import col

from oms_api.inventory import queries
from oms_api.inventory.models import SUPPLY, Position, StockBucket, Supply, SupplyKind
from oms_api.inventory.service import ledger
from oms_api.inventory.service.announce import tell
from oms_api.inventory.service.expire import free_expired
from oms_api.inventory.service.ledger import Delta, Key
from oms_api.inventory.service.reserve import Wanted, hold_units, refuse_short
from oms_api.kit import clock
from oms_api.kit.db import Tx, json_rows, mine, prepared, table_of
from oms_api.kit.errors import LimitExceeded

Takes = tuple[tuple[str, UUID, int], ...]
"""(SKU, location, units of it in one)."""

_less = json_rows("less", {"id": Uuid(), "units": BigInteger()})
_WITHDRAW = prepared(
    update(table_of(Supply))
    .where(mine(Supply), col(Supply.id) == _less.c.id)
    .values(quantity=col(Supply.quantity) - _less.c.units, version=col(Supply.version) + 1)
    .returning(Supply)
)


class Brought(NamedTuple):
    """Units that are to be brought to a location because they are sold: by `origin`, on its day `capacity_on`."""

    id: UUID
    sku: str
    location_id: UUID
    quantity: int
    kind: SupplyKind
    expected_at: datetime
    origin: str
    capacity_on: date | None
    takes: Takes = ()


def takes_of(row: Supply) -> Takes:
    return tuple((sku, UUID(location_id), units) for sku, location_id, units in row.takes or ())


async def bring(tx: Tx, brought: Sequence[Brought], *, method: str | None = None) -> None:
    """Announce these supplies and set aside what they take, all or none; the positions of their keys must be locked.

    Raises InsufficientStock when what they take is not free. One statement, four more when they take something.
    """
    at = clock.now()
    rows = await tx.insert(
        Supply,
        [
            {
                "tenant_id": tx.tenant_id,
                "id": one.id,
                "reference": f"{one.origin}:{SUPPLY(one.id)}",
                "sku": one.sku,
                "location_id": one.location_id,
                "kind": one.kind,
                "quantity": one.quantity,
                "reserved": 0,
                "received": 0,
                "expected_at": one.expected_at,
                "origin": one.origin,
                "capacity_on": one.capacity_on,
                "takes": [[sku, str(location_id), units] for sku, location_id, units in one.takes] or None,
                "version": 1,
                "created_at": at,
            }
            for one in brought
        ],
    )
    for row in rows:
        tell(tx, None, row)
    wanted = [
        Wanted(sku, location_id, one.quantity * units, method=method)
        for one in brought
        for sku, location_id, units in one.takes
    ]
    if not wanted:
        return
    missing, _ = await hold_units(tx, wanted)
    if missing and await free_expired(tx, {(want.sku, want.location_id) for want in missing}):
        missing, _ = await hold_units(tx, missing)
    if missing:
        await refuse_short(tx, wanted, missing)
    await _shift(tx, [(row, row.quantity) for row in rows], reason="set_aside")


async def count_in(tx: Tx, units: Sequence[tuple[str, UUID, int]], *, reason: str) -> None:
    """Units that are there whenever they are sold are counted in, their positions locked. Two statements."""
    deltas = [Delta(*one) for one in units]
    rows = await ledger.change(tx, deltas)
    for delta in deltas:
        if (delta.sku, delta.location_id) not in rows:
            raise LimitExceeded(f"{delta.sku} cannot have so many units at its location.")
    await ledger.record(tx, deltas, rows, reason=reason)


async def withdraw(tx: Tx, supply_id: UUID) -> None:
    """What nobody wants any more of a supply that was brought for its units is withdrawn, what it took is put back.

    Not when some of it came, or when it is on its way (IN_TRANSIT): it then comes as any supply does. Run again it
    changes nothing. Six statements at most.
    """
    row: Supply | None = (await queries.supplies_by_id(tx, [supply_id])).get(supply_id)
    if row is None or row.origin is None:
        return
    keys = {(sku, location_id) for sku, location_id, _ in takes_of(row)}
    await ledger.lock(tx, {(row.sku, row.location_id), *keys})
    before: Supply = (await queries.supplies_by_id(tx, [supply_id]))[supply_id]
    spare = before.quantity - before.reserved
    if spare <= 0 or before.received or before.kind is SupplyKind.IN_TRANSIT:
        return
    after: list[Supply] = await tx.all(_WITHDRAW, {"less": [{"id": supply_id, "units": spare}]})
    tell(tx, before, after[0])
    if keys:
        await _shift(tx, [(before, -spare)], reason="put_back")


async def use(tx: Tx, came: Iterable[tuple[Supply, int]]) -> None:
    """Units of these supplies came: what they were made or moved from is used up. Their positions must be locked.

    What is not IN_TRANSFER any more (somebody moved it) is not taken twice. None, or three statements.
    """
    units: Counter[Key] = Counter()
    of: dict[Key, Supply] = {}
    for row, count in came:
        for sku, location_id, each in takes_of(row):
            units[sku, location_id] += count * each
            of.setdefault((sku, location_id), row)
    if not +units:
        return
    positions = await ledger.lock(tx, units)
    deltas = [
        Delta(*key, -gone, StockBucket.IN_TRANSFER, SUPPLY.ref(of[key].id))
        for key, count in sorted(units.items())
        if (gone := min(count, positions[key].in_transfer))
    ]
    if deltas:
        await ledger.record(tx, deltas, await ledger.change(tx, deltas), reason="used")


async def _shift(tx: Tx, supplies: Sequence[tuple[Supply, int]], *, reason: str) -> None:
    """Set aside what so many units of these supplies take, no longer held; or put it back when negative."""
    positions: dict[Key, Position] = {}
    if any(units < 0 for _, units in supplies):
        keys = {(sku, id_) for row, _ in supplies for sku, id_, _ in takes_of(row)}
        positions = await ledger.lock(tx, keys)
    deltas: list[Delta] = []
    held: Counter[Key] = Counter()
    for row, units in supplies:
        for sku, location_id, each in takes_of(row):
            some, key = units * each, (sku, location_id)
            if some < 0:  # what somebody has moved away is not put back twice
                some = max(some, -positions[key].in_transfer)
            else:
                held[key] -= some
            if some:
                source = SUPPLY.ref(row.id)
                deltas += [Delta(*key, -some, source=source), Delta(*key, some, StockBucket.IN_TRANSFER, source)]
    if deltas:
        await ledger.record(tx, deltas, await ledger.change(tx, deltas, held), reason=reason)
