"""Units that are held go on being held at another location, in one step: moved there, or pinned there."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, or_, update
from sqlmodel import col

from oms_api.inventory import queries
from oms_api.inventory.events import ReservationMoved
from oms_api.inventory.models import RESERVATION, Reservation, ReservationLine, ReservationState
from oms_api.inventory.service import ledger
from oms_api.inventory.service.daily import NOT_COUNTED, count, give_back
from oms_api.inventory.service.expire import free_expired
from oms_api.inventory.service.hold import TOUCH, refuse_change
from oms_api.inventory.service.ledger import Key
from oms_api.inventory.service.reserve import Wanted, hold_units, refuse_short
from oms_api.kit import ids
from oms_api.kit.db import Tx, mine, now, param, prepared, table_of
from oms_api.kit.errors import ExceedsRemaining, Path, Refusal, refuse
from oms_api.kit.events import emit
from oms_api.network import LOCATION

_seen = param("seen", BigInteger())
_TOUCH_OWNED = prepared(
    update(table_of(Reservation))
    .where(
        mine(Reservation),
        col(Reservation.id) == param("of", Uuid()),
        col(Reservation.state) == ReservationState.OPEN,
        or_(col(Reservation.owner_id) == param("owner", Uuid()), col(Reservation.expires_at) > now()),
        or_(_seen.is_(None), col(Reservation.version) == _seen),
    )
    .values(version=col(Reservation.version) + 1)
    .returning(Reservation)
)


class Relocation(NamedTuple):
    """Units of a SKU that go to a location: those held at another one, or (`from_id` None) those that the channel holds
    as a whole. `quantity` None: all of them. `method` as in `Wanted`."""

    sku: str
    to_id: UUID
    quantity: int | None = None
    from_id: UUID | None = None
    method: str | None = None
    path: Path = ()


class Moved(NamedTuple):
    """Units that are held at a location from now on; until now at another, or `pinned`: there for the channel as a
    whole."""

    sku: str
    units: int
    from_id: UUID
    to_id: UUID
    pinned: bool
    ship_by: datetime | None
    awaited: bool


async def relocate(
    tx: Tx,
    id: UUID,
    relocations: Sequence[Relocation],
    *,
    expected_version: int | None = None,
    owner_id: UUID | None = None,
) -> tuple[Reservation, list[Moved]]:
    """Hold units at other locations from now on, all or none: given back there and held here in one step.

    A cart's reservation, or that of `owner_id`, whose lock the caller then has. Units that wait for supply can be
    pinned where it will arrive, not moved. Raises InsufficientStock, ExceedsRemaining, NotFound, Expired,
    VersionConflict, InvalidTransition. At most ten statements.
    """
    before = (await queries.lines_by_reservation(tx, [id])).get(id, [])
    skus = {one.sku for one in relocations}
    targets = {(one.sku, one.to_id) for one in relocations}
    here = {(line.sku, line.location_id) for line in before if line.sku in skus}
    await ledger.lock(tx, here | targets)
    if owner_id is None:
        row: Reservation | None = await tx.first(TOUCH, {"of": id, "seen": expected_version})
    else:
        row = await tx.first(_TOUCH_OWNED, {"of": id, "seen": expected_version, "owner": owner_id})
    pinned = all(one.from_id is None for one in relocations)
    if row is None:
        action = "reservationPin" if pinned else "reservationTransfer"
        await refuse_change(tx, id, expected_version, action, ("input", "id"))
    lines = [line for line in (await queries.lines_by_reservation(tx, [id]))[id] if line.quantity]
    taken = _taken(lines, relocations)
    leaving = [one for one in taken if one[0].location_id != one[2].to_id]
    await give_back(tx, [(line, units) for line, units, _ in leaving])
    counted = await _held_there(tx, leaving)
    given: dict[Key, int] = defaultdict(int)
    for line, units, _ in leaving:
        given[line.sku, line.location_id] -= units
    await ledger.cut_lines(tx, _summed(taken))
    if given:
        await ledger.change(tx, (), given)
    await tx.insert(
        ReservationLine,
        [
            {
                **line.__dict__,
                "id": ids.new(),
                "location_id": one.to_id,
                "asked": units,
                "quantity": units,
                "floats": None,
                **counted.get((line.id, one.to_id), {}),
            }
            for line, units, one in taken
        ],
    )
    emit(
        tx,
        ReservationMoved(lines=_told(taken), pinned=pinned),
        subject=RESERVATION.ref(id),
        owner=row.owner_id,
        updated=["lines"],
    )
    return row, [
        Moved(line.sku, units, line.location_id, one.to_id, pinned, line.ship_by, line.supply_id is not None)
        for line, units, one in taken
    ]


Taken = tuple[ReservationLine, int, Relocation]


def _told(taken: Sequence[Taken]) -> list[dict[str, Any]]:
    return [
        {"sku": line.sku, "locationId": LOCATION(one.to_id), "fromLocationId": LOCATION(line.location_id),
         "quantity": units}
        for line, units, one in taken
    ]  # fmt: skip


def _taken(lines: Sequence[ReservationLine], relocations: Sequence[Relocation]) -> list[Taken]:
    """Which units go where; those that stand there already first. Raises ExceedsRemaining."""
    left = {line.id: line.quantity for line in lines}
    taken: list[Taken] = []
    problems: list[Refusal] = []
    for one in relocations:
        fitting = [
            line
            for line in lines
            if line.sku == one.sku
            and (line.location_id == one.from_id if one.from_id is not None else line.floats)
            and (line.supply_id is None or (one.from_id is None and line.location_id == one.to_id))
        ]
        there = sum(left[line.id] for line in fitting)
        wanted = there if one.quantity is None else one.quantity
        if wanted > there or not there:
            problems.append(
                ExceedsRemaining(
                    f"{there} of {one.sku} can go there, not {wanted or 'any'}; what waits for supply stays with it.",
                    path=one.path,
                    details={"sku": one.sku, "remaining_quantity": there},
                )
            )
            continue
        for line in sorted(fitting, key=lambda line: (line.location_id != one.to_id, line.id)):
            some = min(wanted, left[line.id])
            if some:
                left[line.id] -= some
                wanted -= some
                taken.append((line, some, one))
    refuse(problems)
    return taken


def _summed(taken: Sequence[Taken]) -> list[tuple[ReservationLine, int]]:
    units: dict[UUID, int] = defaultdict(int)
    of = {line.id: line for line, _, _ in taken}
    for line, some, _ in taken:
        units[line.id] += some
    return [(of[id_], some) for id_, some in units.items()]


async def _held_there(tx: Tx, taken: Sequence[Taken]) -> dict[tuple[UUID, UUID], Mapping[str, Any]]:
    """Hold the units where they go, by the same guard as any other; what each must remember of the day that it counts
    against, by line and location."""
    if not taken:
        return {}
    wanted = [Wanted(line.sku, one.to_id, units, method=one.method) for line, units, one in taken]
    missing, capped = await hold_units(tx, wanted)
    if missing and await free_expired(tx, {(want.sku, want.location_id) for want in missing}):
        missing, more = await hold_units(tx, missing)
        capped |= more
    if missing:
        await refuse_short(
            tx, wanted, missing, {want.sku: one.path for want, (_, _, one) in zip(wanted, taken, strict=True)}
        )
    channel = next((line.counted_for for line, _, _ in taken if line.counted_for), None)
    counted = await count(tx, [want for want in wanted if want.sku in capped], channel) if capped else {}
    return {
        (line.id, one.to_id): counted.get(want, NOT_COUNTED) for want, (line, _, one) in zip(wanted, taken, strict=True)
    }
