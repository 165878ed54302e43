"""Money of units that were cancelled."""

from uuid import UUID

from oms_api import orders, payments
from oms_api.fulfillment import queries, rules
from oms_api.fulfillment.models import CANCELLATION, Cancellation, RefundTarget
from oms_api.kit import ids
from oms_api.kit.db import Tx


async def settle(tx: Tx, before: orders.Order, after: orders.Order, cancellation: Cancellation) -> None:
    """Let go what is reserved for an order of which nothing is left, and give back what was taken for these units.

    Both in the name of the cancellation, so once. With NONE what was taken stays, as negative `outstanding`.
    """
    cause = CANCELLATION.ref(cancellation.id)
    if after.status is orders.OrderStatus.CANCELLED:
        await payments.void_payable(tx, after.id, cause)
    if cancellation.refund_to is RefundTarget.ORIGINAL_PAYMENT:
        await _refund(tx, after, before.total_minor - after.total_minor, cause)


async def refund_late(tx: Tx, order_id: UUID, captured_minor: int, cause: ids.Ref) -> None:
    """Give back what was taken of units that had been cancelled by then, at most what this capture took.

    A capture may be under way while its order is cancelled, or take all that was once reserved. Nothing happens unless
    the last cancellation wanted the money back.
    """
    if order_id not in await orders.orders_by_id(tx, [order_id]):
        return
    order = await orders.lock(tx, order_id)
    last = await queries.last_cancellation(tx, order_id)
    if last is not None and last.refund_to is RefundTarget.ORIGINAL_PAYMENT:
        await _refund(tx, order, captured_minor, cause)


async def _refund(tx: Tx, order: orders.Order, at_most: int, cause: ids.Ref) -> None:
    paid = (await payments.payments_of(tx, [order.id])).get(order.id, [])
    amount = rules.to_refund(
        at_most,
        owed=order.total_minor - order.credited_minor,
        captured=sum(row.captured_minor for row in paid),
        given_back=sum(row.refunded_minor + row.refunding_minor for row in paid),
    )
    if amount:
        await payments.refund_payable(tx, order.id, amount, cause=cause)
