"""Supplies arrive: expected stock becomes stock on hand, and what was promised of it is held there."""

from collections import Counter, defaultdict
from collections.abc import Container, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, case, update
from sqlmodel import col, select

from oms_api.inventory import queries, rules
from oms_api.inventory.events import ReservationFilled, SupplyReceived
from oms_api.inventory.models import RESERVATION, SUPPLY, UNITS_MAX, Position, Reservation, ReservationLine, Supply
from oms_api.inventory.service import ledger
from oms_api.inventory.service.bring import takes_of, use
from oms_api.inventory.service.ledger import Delta, Key
from oms_api.inventory.service.places import check_size
from oms_api.kit import ids
from oms_api.kit.db import Tx, any_of, json_rows, mine, prepared, table_of
from oms_api.kit.errors import ExceedsRemaining, Invalid, LimitExceeded, NotFound, Refusal, refuse
from oms_api.kit.events import emit
from oms_api.network import LOCATION

_arrived = json_rows("arrived", {"id": Uuid(), "units": BigInteger(), "filled": BigInteger(), "done": BigInteger()})
_RECEIVE = prepared(
    update(table_of(Supply))
    .where(
        mine(Supply),
        col(Supply.id) == _arrived.c.id,
        col(Supply.quantity) >= _arrived.c.units,
        col(Supply.received) <= UNITS_MAX - _arrived.c.units,
    )
    .values(
        quantity=case((_arrived.c.done == 1, 0), else_=col(Supply.quantity) - _arrived.c.units),
        received=col(Supply.received) + _arrived.c.units,
        reserved=col(Supply.reserved) - _arrived.c.filled,
        version=col(Supply.version) + 1,
    )
    .returning(Supply)
)
_filled = json_rows("filled", {"id": Uuid(), "units": BigInteger()})
# A line that is filled in part keeps waiting with the rest; what it got becomes a line of its own.
_FILL = prepared(
    update(table_of(ReservationLine))
    .where(mine(ReservationLine), col(ReservationLine.id) == _filled.c.id)
    .values(
        supply_id=case((col(ReservationLine.quantity) == _filled.c.units, None), else_=col(ReservationLine.supply_id)),
        asked=case(
            (col(ReservationLine.quantity) == _filled.c.units, col(ReservationLine.asked)),
            else_=col(ReservationLine.asked) - _filled.c.units,
        ),
        quantity=case(
            (col(ReservationLine.quantity) == _filled.c.units, col(ReservationLine.quantity)),
            else_=col(ReservationLine.quantity) - _filled.c.units,
        ),
    )
)
# Who takes a cart over or extends it changes its reservation first and then its lines, without their position's lock.
_LOCK_WAITING = prepared(
    select(Reservation.id)
    .where(
        mine(Reservation),
        col(Reservation.id).in_(
            select(ReservationLine.reservation_id).where(
                mine(ReservationLine), any_of(ReservationLine.supply_id, "supplies"), queries.HELD
            )
        ),
    )
    .order_by(col(Reservation.id))
    .with_for_update(key_share=True)
)


class Receipt(NamedTuple):
    """Units of a supply that arrived. `close`: no more will come."""

    reference: str
    quantity: int
    close: bool = False


async def receive_supplies(tx: Tx, receipts: Sequence[Receipt]) -> tuple[list[Supply], list[Position]]:
    """Supplies arrived, in whole or in part: stock on hand in one step, all or none.

    More than is still to come is refused with ExceedsRemaining: raise the supply by supplyPut first, so that its
    announcement and what came of it stay comparable. Demands that wait for the supply get the units, orders before
    carts, each oldest first; they hold them on hand from now on (`reservation.filled`). Raises Invalid, NotFound,
    LimitExceeded too.
    """
    check_size(receipts, "receipts")
    refuse(_receipt_problems(receipts))
    known = await queries.supplies_by_reference(tx, [row.reference for row in receipts])
    refuse(
        [
            NotFound(
                f"{row.reference[:100]!r} is not a known supply; announce it with supplyPut, or book what came "
                "with inventoryAdjust.",
                path=("input", "receipts", i, "reference"),
            )
            for i, row in enumerate(receipts)
            if row.reference not in known
        ]
    )
    of = [known[row.reference] for row in receipts]
    keys = [(row.sku, row.location_id) for row in of]
    await ledger.lock(tx, {*keys, *((sku, id_) for supply in of for sku, id_, _ in takes_of(supply))})
    arrived = {supply.id: row.quantity for supply, row in zip(of, receipts, strict=True)}
    await tx.all(_LOCK_WAITING, {"supplies": list(arrived)})
    waiting = await queries.lines_by_supply(tx, list(arrived))
    filled = rules.fill((line for lines in waiting.values() for line in lines), arrived)
    held: dict[UUID, int] = defaultdict(int)
    for line, units in filled:
        held[line.supply_id] += units  # type: ignore[index]  # only lines of supplies are filled
    saved: dict[UUID, Supply] = {
        row.id: row
        for row in await tx.all(
            _RECEIVE,
            {
                "arrived": [
                    {"id": supply.id, "units": row.quantity, "filled": held[supply.id], "done": int(row.close)}
                    for supply, row in zip(of, receipts, strict=True)
                ]
            },
        )
    }
    if len(saved) < len(of):
        await _refuse(tx, receipts, {row.reference for row in saved.values()})
    await _fill(tx, filled)
    deltas = [
        Delta(supply.sku, supply.location_id, row.quantity, source=SUPPLY.ref(supply.id))
        for supply, row in zip(of, receipts, strict=True)
    ]
    reserved: dict[Key, int] = defaultdict(int)
    for line, units in filled:
        reserved[line.sku, line.location_id] += units
    rows = await ledger.change(tx, deltas, reserved)
    refuse(
        [
            LimitExceeded(
                f"{key[0]} would have more than {UNITS_MAX:,} units on hand with {row.quantity} more.",
                path=("input", "receipts", i, "quantity"),
            )
            for i, (key, row) in enumerate(zip(keys, receipts, strict=True))
            if key not in rows
        ]
    )
    await ledger.record(tx, [delta for delta in deltas if delta.quantity], rows, reason="received")
    await use(tx, [(supply, arrived[supply.id]) for supply in of])
    for supply in of:
        _tell_received(tx, saved[supply.id], arrived[supply.id])
    return [saved[supply.id] for supply in of], [rows[key] for key in dict.fromkeys(keys)]


async def _fill(tx: Tx, filled: Sequence[tuple[ReservationLine, int]]) -> None:
    """Lines hold units on hand in place of units to come."""
    if not filled:
        return
    await tx.run(_FILL, {"filled": [{"id": line.id, "units": units} for line, units in filled]})
    await tx.insert(
        ReservationLine,
        [
            {**line.__dict__, "id": ids.new(), "supply_id": None, "asked": units, "quantity": units}
            for line, units in filled
            if units < line.quantity
        ],
    )
    of: dict[UUID, list[tuple[ReservationLine, int]]] = defaultdict(list)
    for line, units in filled:
        of[line.reservation_id].append((line, units))
    reservations = await queries.reservations_by_id(tx, list(of))
    for id_, lines in of.items():
        emit(
            tx,
            ReservationFilled(lines=ledger.told(lines)),
            subject=RESERVATION.ref(id_),
            owner=reservations[id_].owner_id,
            updated=["lines"],
        )


async def _refuse(tx: Tx, receipts: Sequence[Receipt], received: Container[str]) -> None:
    """Why the guarded change left some supplies out."""
    now = await queries.supplies_by_reference(tx, [row.reference for row in receipts])
    problems: list[Refusal] = []
    for i, row in enumerate(receipts):
        path = ("input", "receipts", i, "quantity")
        left = now[row.reference].quantity
        if row.reference in received:
            continue
        if row.quantity > left:
            problems.append(
                ExceedsRemaining(
                    f"{left} of {row.reference} are still to come, not {row.quantity}; raise it with supplyPut first.",
                    path=path,
                    details={"remaining_quantity": left},
                )
            )
        else:
            problems.append(
                LimitExceeded(
                    f"{row.reference} would have received more than {UNITS_MAX:,} units; announce a new supply.",
                    path=path,
                )
            )
    refuse(problems)


def _receipt_problems(receipts: Sequence[Receipt]) -> list[Refusal]:
    problems: list[Refusal] = []
    counted = Counter(row.reference for row in receipts)
    for i, row in enumerate(receipts):
        path = ("input", "receipts", i)
        if counted[row.reference] > 1:
            problems.append(
                Invalid(f"{row.reference} is named twice; send each supply once.", path=(*path, "reference"))
            )
        if row.quantity < 0 or (row.quantity == 0 and not row.close):
            problems.append(
                Invalid(
                    f"{row.quantity} units arrived; send at least 1, or 0 with close when no more will come.",
                    path=(*path, "quantity"),
                )
            )
    return problems


def _tell_received(tx: Tx, row: Supply, units: int) -> None:
    emit(
        tx,
        SupplyReceived(
            reference=row.reference,
            sku=row.sku,
            location_id=LOCATION(row.location_id),
            arrived=units,
            quantity=row.quantity,
        ),
        subject=SUPPLY.ref(row.id),
        updated=["quantity", "received"],
    )
    ledger.tell_supply_short(tx, row)
