"""Hold units for a demand: the one place where oversell would happen."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, String, Uuid, and_, func, literal_column, or_, update
from sqlmodel import col

from oms_api import network
from oms_api.inventory import queries, rules
from oms_api.inventory.errors import InsufficientStock
from oms_api.inventory.events import ReservationCreated
from oms_api.inventory.models import RESERVATION, Position, Reservation, ReservationLine, ReservationState, Supply
from oms_api.inventory.service import ledger
from oms_api.inventory.service.daily import NOT_COUNTED, count
from oms_api.inventory.service.expire import free_expired
from oms_api.inventory.service.ledger import Key
from oms_api.kit import clock, ids
from oms_api.kit.db import Tx, columns, json_rows, mine, now, prepared, table_of
from oms_api.kit.errors import Details, Path, refuse
from oms_api.kit.events import emit
from oms_api.network import Location


class Wanted(NamedTuple):
    """Units to hold at a location, or of a supply that will arrive there, to be delivered by a method.

    `ship_by` and `deliver_by`: when they were promised to leave and to arrive; `rationed`: they are counted in shares
    too. All three are kept with them.
    """

    sku: str
    location_id: UUID
    quantity: int
    supply_id: UUID | None = None
    line_id: UUID | None = None
    method: str | None = None
    ship_by: datetime | None = None
    deliver_by: date | None = None
    rationed: bool = False


_wanted = json_rows("wanted", {"sku": String(), "location_id": Uuid(), "quantity": BigInteger(), "method": String()})
# What is kept back is read here, not sent by the caller: a plan may be older than the rule.
_kept = func.coalesce(
    queries.kept_by_rule(col(Position.sku), col(Position.location_id), _wanted.c.method),
    col(Position.safety_stock)
    + columns(col(Location.safety_stock))
    .where(mine(Location), col(Location.id) == col(Position.location_id))
    .scalar_subquery(),
)
_positions = (
    columns(
        col(Position.id),
        (col(Position.on_hand) - _kept - col(Position.reserved)).label("free"),
        _wanted.c.quantity,
    )
    .join(_wanted, and_(col(Position.sku) == _wanted.c.sku, col(Position.location_id) == _wanted.c.location_id))
    .where(mine(Position))
    .order_by(col(Position.sku), col(Position.location_id))
    .with_for_update(of=Position, key_share=True)
    .cte("locked")
)
# Judged by the locked row, as it is after waiting for others: the row of the statement's snapshot may still be full
# when they have given units back. A quantity of 0 only takes the lock: its units are held of a supply.
_HOLD = prepared(
    update(table_of(Position))
    .where(
        mine(Position),
        col(Position.id) == _positions.c.id,
        or_(_positions.c.quantity == 0, _positions.c.free >= _positions.c.quantity),
    )
    .values(reserved=col(Position.reserved) + _positions.c.quantity, updated_at=now())
    .returning(
        col(Position.sku),
        col(Position.location_id),
        # in words: of columns, SQLAlchemy leaves the table out here for SQLite, and any rule's SKU is equal to itself
        queries.capped_by_rule(literal_column("positions.sku")).label("capped"),
    )
)
_supplied = json_rows("supplied", {"id": Uuid(), "sku": String(), "location_id": Uuid(), "units": BigInteger()})
_HOLD_SUPPLY = prepared(
    update(table_of(Supply))
    .where(
        mine(Supply),
        col(Supply.id) == _supplied.c.id,
        col(Supply.sku) == _supplied.c.sku,
        col(Supply.location_id) == _supplied.c.location_id,
        col(Supply.quantity) - col(Supply.reserved) >= _supplied.c.units,
    )
    .values(reserved=col(Supply.reserved) + _supplied.c.units)
    .returning(col(Supply.id), col(Supply.sku), col(Supply.location_id))
)


async def reserve(
    tx: Tx,
    wanted: Sequence[Wanted],
    *,
    owner_id: UUID | None = None,
    expires_at: datetime | None = None,
    channel: str | None = None,
    floats: bool = False,
    demand_class: str | None = None,
) -> Reservation:
    """Hold all of these units or none: for an order (`owner_id`), or for a cart until `expires_at`.

    `channel` (a handle) is where they are sold; with `floats` they are held for it as a whole, until they are pinned.
    Raises InsufficientStock for each SKU that is short, with what was asked and what can be had. What expired
    reservations hold is given back first where it is needed. Three statements, a fourth when supplies are among
    the wanted, for any number of them; three more where a rule counts units by day.
    """
    if not wanted or any(want.quantity < 1 for want in wanted):
        raise ValueError("reserve at least one unit of each")
    if (owner_id is None) == (expires_at is None):
        raise ValueError("a reservation belongs to an owner or expires, one of both")
    missing, capped = await hold_units(tx, wanted)
    if missing and await free_expired(tx, {(want.sku, want.location_id) for want in missing}):
        missing, more = await hold_units(tx, missing)
        capped |= more
    if missing:
        await refuse_short(tx, wanted, missing)
    counted = await count(tx, [want for want in wanted if want.sku in capped], channel) if capped else {}
    at = clock.now()
    reservation = await tx.add(
        Reservation,
        tenant_id=tx.tenant_id,
        id=ids.new(),
        state=ReservationState.OPEN,
        owner_id=owner_id,
        expires_at=expires_at,
        version=1,
        created_at=at,
        demand_class=demand_class,
    )
    lines = await tx.insert(
        ReservationLine,
        [
            {
                "tenant_id": tx.tenant_id,
                "id": ids.new(),
                "reservation_id": reservation.id,
                "sku": want.sku,
                "location_id": want.location_id,
                "supply_id": want.supply_id,
                "asked": want.quantity,
                "quantity": want.quantity,
                "line_id": want.line_id,
                "expires_at": expires_at,
                "floats": floats or None,
                "ship_by": want.ship_by,
                "deliver_by": want.deliver_by,
                "rationed": want.rationed,
                **counted.get(want, NOT_COUNTED),
            }
            for want in wanted
        ],
    )
    emit(
        tx,
        ReservationCreated(lines=ledger.told((line, line.asked) for line in lines), expires_at=expires_at),
        subject=RESERVATION.ref(reservation.id),
        owner=owner_id,
        added=["reservation"],
    )
    return reservation


def _source(want: Wanted) -> tuple[str, UUID, UUID | None]:
    """Where the units are taken from: a position, or a supply for it."""
    return want.sku, want.location_id, want.supply_id


async def hold_units(tx: Tx, wanted: Sequence[Wanted]) -> tuple[list[Wanted], set[str]]:
    """Raise `reserved` of positions and supplies where they have enough; those of `wanted` that came up short, and the
    SKUs that a rule counts by day."""
    claims: dict[Key, int] = defaultdict(int)
    methods: dict[Key, str | None] = {}
    supplied: dict[tuple[str, UUID, UUID | None], int] = defaultdict(int)
    for want in wanted:
        claims[want.sku, want.location_id] += want.quantity if want.supply_id is None else 0
        methods[want.sku, want.location_id] = want.method
        if want.supply_id is not None:
            supplied[_source(want)] += want.quantity
    held = await tx.all(
        _HOLD,
        {
            "wanted": [
                {"sku": sku, "location_id": location_id, "quantity": units, "method": methods[sku, location_id]}
                for (sku, location_id), units in sorted(claims.items())
            ]
        },
    )
    got: set[tuple[str, UUID, UUID | None]] = {(row.sku, row.location_id, None) for row in held}
    if supplied:
        asked = [
            {"id": id_, "sku": sku, "location_id": location_id, "units": units}
            for (sku, location_id, id_), units in supplied.items()
        ]
        got |= {(row.sku, row.location_id, row.id) for row in await tx.all(_HOLD_SUPPLY, {"supplied": asked})}
    return [want for want in wanted if _source(want) not in got], {row.sku for row in held if row.capped}


async def refuse_short(
    tx: Tx, wanted: Sequence[Wanted], missing: Sequence[Wanted], paths: Mapping[str, Path] | None = None
) -> None:
    """Raise InsufficientStock for each SKU that is missing, at its path in the input where that is known."""
    short = {want.sku for want in missing}
    at = {want.location_id for want in wanted if want.sku in short}
    stock, incoming = await queries.stock(tx, sorted(short), sorted(at), method=missing[0].method)
    places = await network.locations_by_id(tx, sorted(at))
    positions = {(row.sku, row.location_id): row for row in stock}
    supplies = {row.id: row.quantity for row in incoming}
    lacking = {_source(want) for want in missing}
    requested: dict[str, int] = defaultdict(int)
    available: dict[str, int] = defaultdict(int)
    counted: set[tuple[str, UUID, UUID | None]] = set()
    for want in wanted:
        if want.sku not in short:
            continue
        requested[want.sku] += want.quantity
        source = _source(want)
        if source not in lacking:
            available[want.sku] += want.quantity
        elif source not in counted:
            counted.add(source)
            position = positions.get((want.sku, want.location_id))
            if want.supply_id is not None:
                available[want.sku] += supplies.get(want.supply_id, 0)
            elif position is not None:
                available[want.sku] += max(0, position.free(places[want.location_id].safety_stock))
    problems = []
    for sku in sorted(short):
        details: Details = {"sku": sku, "requested": requested[sku], "available": available[sku]}
        coming = [(row.expected_at, row.quantity) for row in incoming if row.sku == sku]
        later = rules.covered_at(coming, requested[sku] - available[sku])
        if later is not None:
            details["next_available_at"] = later
        problems.append(
            InsufficientStock(
                f"{available[sku]} of {requested[sku]} {sku} can be had where they were wanted; "
                "ask for fewer, or for a new promise.",
                path=(paths or {}).get(sku, ()),
                details=details,
            )
        )
    refuse(problems)
