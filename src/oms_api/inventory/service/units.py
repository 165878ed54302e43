"""Units of an order that nobody wants any more, that leave, or that come back."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Uuid, exists, update
from sqlmodel import col

from oms_api.inventory import queries, rules
from oms_api.inventory.events import ReservationReleased
from oms_api.inventory.models import (
    RESERVATION,
    Reservation,
    ReservationLine,
    ReservationState,
    StockBucket,
)
from oms_api.inventory.rules import Units
from oms_api.inventory.service import ledger
from oms_api.inventory.service.daily import give_back
from oms_api.inventory.service.ledger import Delta, Key, LetGo
from oms_api.kit import ids
from oms_api.kit.db import Tx, any_of, mine, param, prepared, table_of
from oms_api.kit.errors import ExceedsRemaining, LimitExceeded, refuse
from oms_api.kit.events import emit

_CLOSE = prepared(
    update(table_of(Reservation))
    .where(
        mine(Reservation),
        any_of(Reservation.id, "ids"),
        col(Reservation.state) == ReservationState.OPEN,
        ~exists().where(
            mine(ReservationLine), col(ReservationLine.reservation_id) == col(Reservation.id), queries.HELD
        ),
    )
    .values(state=ReservationState.CLOSED, version=col(Reservation.version) + 1)
)
_RATION = prepared(
    update(table_of(ReservationLine))
    .where(
        mine(ReservationLine),
        col(ReservationLine.reservation_id) == param("of", Uuid()),
        any_of(ReservationLine.sku, "skus"),
    )
    .values(rationed=True)
)


async def let_go(tx: Tx, owner_id: UUID, units: Sequence[Units] | None = None) -> list[LetGo]:
    """Give units that an owner holds back, of supplies first, or all that it holds. At most seven statements.

    Gives those that are counted in shares too: `promising.let_go` gives them back there.
    Raises ExceedsRemaining when it does not hold so many.
    """
    if units is None:
        before = (await queries.reservation_lines_of(tx, [owner_id])).get(owner_id, [])
        await ledger.lock(tx, {(line.sku, line.location_id) for line in before if line.quantity})
        lines = (await queries.reservation_lines_of(tx, [owner_id])).get(owner_id, [])
        taken = [(line, line.quantity) for line in lines if line.quantity]
    else:
        await ledger.lock(tx, {(unit.sku, unit.location_id) for unit in units})
        lines = (await queries.reservation_lines_of(tx, [owner_id])).get(owner_id, [])
        taken = _taken(sorted(lines, key=lambda line: line.supply_id is None), units)
    if not taken:
        return []
    await ledger.change(tx, (), await ledger.take_lines(tx, taken))
    await give_back(tx, taken)
    await close(tx, taken)
    of: dict[UUID, list[tuple[ReservationLine, int]]] = defaultdict(list)
    for line, count in taken:
        of[line.reservation_id].append((line, count))
    for id_, parts in of.items():
        emit(
            tx,
            ReservationReleased(lines=ledger.told(parts)),
            subject=RESERVATION.ref(id_),
            owner=owner_id,
            updated=["lines"],
        )
    return ledger.rationed(taken)


async def ration(tx: Tx, reservation_id: UUID, skus: Sequence[str]) -> None:
    """From now on units of these SKUs are counted in shares too. One statement."""
    await tx.run(_RATION, {"of": reservation_id, "skus": skus})


async def ship(tx: Tx, owner_id: UUID, units: Sequence[Units], source: ids.Ref) -> None:
    """Units that an owner holds on hand left the location: on hand and reserved fall. Six statements.

    A parcel that left is a fact: units of it that the books did not have on hand are booked in as `found` first.
    Raises ExceedsRemaining when the owner does not hold so many there.
    """
    positions = await ledger.lock(tx, {(unit.sku, unit.location_id) for unit in units})
    lines = (await queries.reservation_lines_of(tx, [owner_id])).get(owner_id, [])
    taken = _taken([line for line in lines if line.supply_id is None], units)
    leaving: dict[Key, int] = defaultdict(int)
    for line, count in taken:
        leaving[line.sku, line.location_id] += count
    found = [
        Delta(*key, count - positions[key].on_hand, source=source)
        for key, count in leaving.items()
        if count > positions[key].on_hand
    ]
    shipped = [Delta(*key, -count, source=source) for key, count in leaving.items()]
    rows = await ledger.change(tx, [*found, *shipped], await ledger.take_lines(tx, taken))
    if found:
        await ledger.record(tx, found, rows, reason="found")
    await ledger.record(tx, shipped, rows, reason="shipped")
    await close(tx, taken)
    ledger.tell_short(tx, [rows[delta.sku, delta.location_id] for delta in found])


async def restock(
    tx: Tx, rows: Sequence[tuple[str, UUID, int, StockBucket]], source: ids.Ref, reason: str = "returned"
) -> None:
    """Units came back to a bucket: (SKU, location, quantity, bucket). Three statements.

    Raises LimitExceeded when a bucket would go beyond 2,147,483,647 units.
    """
    deltas = [
        Delta(sku, location_id, quantity, bucket, source) for sku, location_id, quantity, bucket in rows if quantity
    ]
    if not deltas:
        return
    keys = {(delta.sku, delta.location_id) for delta in deltas}
    await ledger.open_positions(tx, keys)
    now = await ledger.change(tx, deltas)
    refuse(
        [
            LimitExceeded(f"{sku} cannot take so many more units at its location.")
            for sku, location_id in sorted(keys)
            if (sku, location_id) not in now
        ]
    )
    await ledger.record(tx, deltas, now, reason=reason)


def _taken(lines: Sequence[ReservationLine], units: Sequence[Units]) -> list[tuple[ReservationLine, int]]:
    taken, missing = rules.allocate(lines, units)
    refuse(
        [
            ExceedsRemaining(
                f"{units[i].quantity - count} of {units[i].sku} are held there, not {units[i].quantity}.",
                details={"sku": units[i].sku, "remaining_quantity": units[i].quantity - count},
            )
            for i, count in missing.items()
        ]
    )
    return taken


async def close(tx: Tx, taken: Sequence[tuple[ReservationLine, int]]) -> None:
    """Close the reservations of these lines that hold nothing any more."""
    await tx.run(_CLOSE, {"ids": sorted({line.reservation_id for line, _ in taken})})
