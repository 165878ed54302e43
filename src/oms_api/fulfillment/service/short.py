"""Stock that was promised is not there: units of an order are taken back, and find another place or wait."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from oms_api import inventory, orders, promising
from oms_api.fulfillment import queries
from oms_api.fulfillment.events import FulfillmentCancelled
from oms_api.fulfillment.models import FULFILLMENT, FulfillmentLine
from oms_api.fulfillment.service.answer import answered
from oms_api.fulfillment.service.cancel import Why, cancel_order
from oms_api.fulfillment.service.work import OrderWork, change, open_order, told
from oms_api.inventory import Place, ReservationLine, Units
from oms_api.kit.db import Tx, changed
from oms_api.kit.events import emit
from oms_api.orders import ORDER, Move, UnitState

Taken = list[tuple[FulfillmentLine, int]]


async def give_up_short(tx: Tx, place: Place, order_id: UUID) -> None:
    """Take back what an order holds of units that are not there: first those that no location works on yet.

    Of a kit whole units are given up, with their other parts. The units are BACKORDERED and planned again at once;
    `promise.changed` says when they arrive now. Nothing happens when nothing is short any more.
    """
    work = await open_order(tx, order_id)
    taken = await inventory.short_of(tx, place, order_id)
    held = (await inventory.reservation_lines_of(tx, [order_id])).get(order_id, [])
    short: dict[UUID, int] = defaultdict(int)
    for row, units in taken:
        if row.line_id is not None:
            short[row.line_id] += units
    if not short:
        return
    await promising.take_back(tx, place, order_id, taken)
    moves: list[Move] = []
    off: Taken = []
    beside: list[Units] = []
    for line_id, units in short.items():
        rows = [row for row in held if row.line_id == line_id and row.quantity]
        line = work.order_lines[line_id]
        parts = orders.parts_of(line)
        here = sum(row.quantity for row in rows if _is_at(row, place)) if place.supply_id is None else units
        loose = units if place.supply_id is not None else min(units, here - _at_work(work, line_id, place))
        lines_loose, lines_work = -(-loose // parts[place.sku]), -(-(units - loose) // parts[place.sku])
        if place.supply_id is None:
            moves.append(Move(line_id, UnitState.RESERVED, UnitState.BACKORDERED, min(lines_loose, line.reserved)))
            lines_work = min(lines_work, line.allocated)
            moves.append(Move(line_id, UnitState.ALLOCATED, UnitState.BACKORDERED, lines_work))
            work.order_lines[line_id] = changed(line, allocated=line.allocated - lines_work)
        gone = _off_work(work, line_id, parts, lines_work, place)
        off += gone
        beside += _beside(work, rows, parts, lines_loose + lines_work, dict(_cut(taken, line_id)), gone)
    if beside:
        await promising.let_go(tx, order_id, beside)
    asked = await _off(tx, work, off)
    moves = [move for move in moves if move.quantity]
    if moves:
        await orders.move(tx, order_id, moves)
    for why, line_id, units in asked:
        await cancel_order(tx, order_id, lines=[(line_id, units)], why=why)
    await orders.cover_short(tx, order_id, short.keys())


async def _off(tx: Tx, work: OrderWork, off: Taken) -> list[tuple[Why, UUID, int]]:
    """Take units off locations' work: they are the order's again, like those that a location refused.

    Gives the units by order line that their location was asked to cancel: it cannot send them any more, so that is
    done, and its question is closed once nothing of it is left.
    """
    if not off:
        return []
    freed = {line.id: max(0, units - line.free) for line, units in off}
    figures = {line.id: {"cancelled": units, "moved": units, "asked": -freed[line.id]} for line, units in off}
    if steps := await change(tx, work, figures):
        raise AssertionError(f"what goes back to the order moves nothing else in it, not {steps}")
    _tell(tx, work, off)
    if not any(freed.values()):
        return []
    questions = await queries.asked_of(tx, work.order.id)
    wanted: dict[UUID, tuple[Why, int]] = {}
    for line, _ in off:
        if freed[line.id]:
            question = questions[line.fulfillment_id]
            if not any(part.asked for part in work.of_fulfillment(line.fulfillment_id)):
                await answered(tx, question)
            count = max(-(-freed[line.id] // line.per_unit), wanted.get(line.order_line_id, (None, 0))[1])
            wanted[line.order_line_id] = (Why(question.reason, question.refund_to), count)
    return [(why, line_id, count) for line_id, (why, count) in wanted.items()]


def _is_at(row: ReservationLine, place: Place) -> bool:
    return (row.sku, row.location_id, row.supply_id) == place


def _at_work(work: OrderWork, line_id: UUID, place: Place) -> int:
    return sum(
        part.remaining
        for part in work.of_line(line_id)
        if part.sku == place.sku and work.fulfillments[part.fulfillment_id].location_id == place.location_id
    )


def _cut(taken: Iterable[tuple[ReservationLine, int]], line_id: UUID) -> Iterable[tuple[UUID, int]]:
    return ((row.id, units) for row, units in taken if row.line_id == line_id)


def _off_work(work: OrderWork, line_id: UUID, parts: Mapping[str, int], count: int, place: Place) -> Taken:
    """Units of locations' work that make up `count` units of the order line, those of the short place first."""
    found: Taken = []
    for sku, each in parts.items():
        wanted = count * each
        lines = [part for part in work.of_line(line_id) if part.sku == sku and part.remaining]
        for part in sorted(
            lines,
            key=lambda part: (work.fulfillments[part.fulfillment_id].location_id != place.location_id, part.id),
        ):
            some = min(wanted, part.remaining)
            if some:
                found.append((part, some))
                wanted -= some
    return found


def _beside(
    work: OrderWork,
    rows: Sequence[ReservationLine],
    parts: Mapping[str, int],
    count: int,
    cut: Mapping[UUID, int],
    gone: Taken,
) -> list[Units]:
    """What else is held for these units of the line: the other parts of a kit, there where the work was first."""
    worked: dict[tuple[str, UUID], int] = defaultdict(int)
    for part, units in gone:
        worked[part.sku, work.fulfillments[part.fulfillment_id].location_id] += units
    found: list[Units] = []
    for sku, each in parts.items():
        wanted = count * each - sum(cut.get(row.id, 0) for row in rows if row.sku == sku)
        own = [row for row in rows if row.sku == sku]
        for row in sorted(own, key=lambda row: ((row.sku, row.location_id) not in worked, row.id)):
            some = min(wanted, row.quantity - cut.get(row.id, 0))
            if some > 0:
                found.append(Units(row.line_id, sku, row.location_id, some))
                wanted -= some
    return found


def _tell(tx: Tx, work: OrderWork, off: Taken) -> None:
    of: dict[UUID, Taken] = defaultdict(list)
    for line, units in off:
        of[line.fulfillment_id].append((line, units))
    for id_, parts in of.items():
        emit(
            tx,
            FulfillmentCancelled(
                order_id=ORDER(work.order.id), status=work.fulfillments[id_].status, lines=told(parts)
            ),
            subject=FULFILLMENT.ref(id_),
            owner=work.order.id,
            updated=["status", "lines"],
        )
