"""Carry out what a wave proposes for some orders, in one transaction: all of it, or none."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from itertools import chain
from uuid import UUID

from oms_api import allocation, inventory, promising, sourcing
from oms_api.inventory import ReservationLine
from oms_api.kit.db import Tx
from oms_api.kit.errors import InvalidTransition
from oms_api.kit.events import emit
from oms_api.orders import queries
from oms_api.orders.events import OrderBackordersFilled
from oms_api.orders.models import ORDER, Order, OrderLine, UnitState
from oms_api.orders.rules.units import Move, described
from oms_api.orders.service.redate import OVER, dates_changed
from oms_api.orders.service.row import lock
from oms_api.orders.service.units import shift
from oms_api.orders.service.wave.gather import AWAITED, Planned
from oms_api.orders.service.wave.moves import Moves
from oms_api.sourcing import Asked, DecisionReason, Demand, Objective, Plan

REASON = "wave"


async def carry_out(tx: Tx, moves: Sequence[Moves]) -> None:
    """Let go and hold anew what these moves say; who takes and who gives are in one transaction, so that nobody else
    comes between. Raises InvalidTransition when an order is not as it was read, InsufficientStock, NoCapacity."""
    by_order: dict[UUID, list[Moves]] = defaultdict(list)
    for one in moves:
        by_order[one.piece.order.id].append(one)
    ids = sorted(by_order)
    orders = {order_id: await lock(tx, order_id) for order_id in ids}
    found = await queries.lines_of(tx, ids)
    lines = {order_id: {line.id: line for line in found.get(order_id, ())} for order_id in ids}
    held: dict[UUID | None, list[ReservationLine]] = defaultdict(list)
    for row in chain.from_iterable((await inventory.reservation_lines_of(tx, ids)).values()):
        if row.quantity:
            held[row.line_id].append(row)
    for order_id in ids:
        for one in by_order[order_id]:
            for planned in one.piece.lines:
                _check(orders[order_id], lines[order_id].get(planned.line.id), held[planned.line.id], planned)
    shared = {
        part.sku
        for one in moves
        if one.piece.offer.question.shelf.limits is not None
        for _, parts in one.taken
        for part in parts
    }
    if shared:  # before positions, as whoever holds anything does
        await allocation.lock(tx, shared)
    for order_id, some in sorted(by_order.items()):
        released = [units for one in some for units in one.released]
        if released:
            await promising.let_go(tx, order_id, released)
    for order_id, some in sorted(by_order.items()):
        for one in some:
            if one.taken:
                await promising.hold(
                    tx,
                    one.piece.offer.promised(one.taken),
                    owner_id=order_id,
                    expires_at=None,
                    line_ids=[planned.line.id for planned in one.piece.lines],
                )
                await _write_down(tx, one)
    for order_id, some in sorted(by_order.items()):
        await _tell(tx, orders[order_id], lines[order_id], some)


def _check(order: Order, line: OrderLine | None, held: Sequence[ReservationLine], planned: Planned) -> None:
    before = planned.line
    known = {row.id: row.quantity for row in planned.rows}
    if (
        order.status in OVER
        or line is None
        or (line.backordered, line.reserved, line.allocated) != (before.backordered, before.reserved, before.allocated)
        or {row.id: row.quantity for row in held if row.id in known} != known
    ):
        raise InvalidTransition(f"{ORDER(order.id)} is not any more as the wave has read it; run another wave.")


async def _tell(tx: Tx, order: Order, lines: dict[UUID, OrderLine], some: Sequence[Moves]) -> None:
    """Units of the order's lines wait no more, or wait again; who was promised a date hears of another."""
    gained = {line_id: count for one in some for line_id, count in one.gained.items() if count}
    came = {line_id: count for line_id, count in gained.items() if count > 0}
    if came:
        emit(
            tx,
            OrderBackordersFilled(lines=described(lines, came)),
            subject=ORDER.ref(order.id),
            updated=["lines.quantities"],
        )
    moves = [
        Move(line_id, UnitState.BACKORDERED, UnitState.RESERVED, count)
        if count > 0
        else Move(line_id, UnitState.RESERVED, UnitState.BACKORDERED, -count)
        for line_id, count in gained.items()
    ]
    if moves:
        order = await shift(tx, order, moves)
    days: dict[UUID, date | None] = {
        change.line_id: change.new_promised_on
        for one in some
        for change in one.lines
        if change.new_promised_on != change.promised_on
    }
    await dates_changed(tx, order, lines, days, reason=REASON)


async def _write_down(tx: Tx, one: Moves) -> None:
    """Keep the decision: what the wave left this order to choose from, so that made again it is the same."""
    question = one.piece.offer.question
    sent = [(source, units) for source, units in one.share.sent if not source.location.startswith(AWAITED)]
    total: dict[str, int] = defaultdict(int)
    for _, units in sent:
        for sku, count in units.items():
            total[sku] += count
    facts = {demand.sku: demand for demand in one.piece.offer.demands}
    asked = Asked(
        cart=question.steering.cart,
        demands=tuple(
            Demand(sku, count, facts[sku].grams, facts[sku].cm3, facts[sku].value)
            for sku, count in sorted(total.items())
        ),
        sources=tuple(source._replace(stock=dict(units)) for source, units in sent),
        spots=(),
        fallback=Objective.CHEAPEST,
        aside=one.piece.offer.asides({source.location for source, _ in sent}),
    )
    found = sourcing.decide(asked, ()).plan
    if isinstance(found, Plan):
        await sourcing.record(
            tx,
            owner_id=one.piece.order.id,
            reason=DecisionReason.WAVE,
            currency=question.network.channel.currency,
            live=sourcing.NOTHING,
            made=[(asked, found)],
        )
