"""An order is committed: by decision, or because its money suffices."""

from collections.abc import Sequence
from uuid import UUID

from oms_api import network, payments
from oms_api.kit.db import Reading, Tx
from oms_api.kit.errors import check_version
from oms_api.kit.events import emit
from oms_api.kit.money import Money
from oms_api.network import PaymentRule
from oms_api.orders import queries
from oms_api.orders.events import OrderConfirmed
from oms_api.orders.models import ORDER, Order, OrderStatus, UnitState
from oms_api.orders.rules.status import STATES, missing, outstanding, status
from oms_api.orders.rules.units import Move, parts_of
from oms_api.orders.service.funds import funds_of, not_now, paid_for
from oms_api.orders.service.row import lock, save
from oms_api.orders.service.units import shift
from oms_api.payments import Payment


async def confirm(tx: Tx, order_id: UUID, *, expected_version: int | None = None) -> Order:
    """Commit a pending order whose channel's payment rule is met.

    Raises NotFound, VersionConflict, InvalidTransition (with what is missing).
    """
    order = await lock(tx, order_id)
    check_version(order.version, expected_version, ORDER(order.id))
    if not STATES.may("orderConfirm", order.status):
        raise await not_now(
            tx, order, "orderConfirm", f"Order {order.number} is {order.status}; orderConfirm needs PENDING."
        )
    rule = await _rule(tx, order)
    short = missing(rule, order.total_minor, funds_of(await paid_for(tx, order)))
    if short:
        raise await not_now(
            tx,
            order,
            "orderConfirm",
            f"Order {order.number} may be confirmed when it is {rule} in full; {Money(short, order.currency)} are "
            "missing.",
        )
    return await _commit(tx, order)


async def settle_money(tx: Tx, order_id: UUID) -> Order | None:
    """Take note of what became of an order's payments: confirm it, complete it, or let money go that came too late.

    Harmless when repeated, whatever the order of the facts: what has been noted already changes nothing. None when the
    payable is no order.
    """
    order = await queries.locked(tx, order_id)
    if order is None:
        return None
    paid = await paid_for(tx, order)
    seen = sum(payment.version for payment in paid)
    if seen == order.payments_version:
        return order
    if order.status is OrderStatus.CANCELLED:
        await payments.void_payable(tx, order.id, ORDER.ref(order.id))
        return await save(tx, order, payments_version=seen)
    funds = funds_of(paid)
    if order.status is OrderStatus.PENDING and order.auto_confirm:
        if not missing(await _rule(tx, order), order.total_minor, funds):
            return await _commit(tx, order, paid)
    elif order.status is OrderStatus.SHIPPED and outstanding(order, funds) == 0:
        lines = (await queries.lines_of(tx, [order.id]))[order.id]
        return await save(tx, order, payments_version=seen, status=status(order.status, lines, 0))
    return await save(tx, order, payments_version=seen)


async def _rule(reading: Reading, order: Order) -> PaymentRule:
    channel = (await network.channels_by_id(reading, [order.channel_id]))[order.channel_id]
    return channel.payment_rule


async def _commit(tx: Tx, order: Order, paid: Sequence[Payment] | None = None) -> Order:
    """Confirm a locked order; what needs no stock is handed over at once."""
    emit(
        tx,
        OrderConfirmed(number=str(order.number), total_minor=order.total_minor, currency=order.currency),
        subject=ORDER.ref(order.id),
        updated=["status"],
    )
    lines = (await queries.lines_of(tx, [order.id]))[order.id]
    handed = [
        Move(line.id, UnitState.RESERVED, UnitState.DELIVERED, line.reserved)
        for line in lines
        if line.reserved and not parts_of(line)
    ]
    seen = order.payments_version if paid is None else sum(payment.version for payment in paid)
    if handed:
        return await shift(tx, order, handed, present=OrderStatus.CONFIRMED, payments_version=seen)
    return await save(tx, order, status=OrderStatus.CONFIRMED, payments_version=seen)
