"""Money of units that were cancelled."""

from oms_api import orders, payments
from oms_api.fulfillment import rules
from oms_api.fulfillment.models import CANCELLATION, Cancellation, RefundTarget
from oms_api.kit.db import Tx


async def settle(tx: Tx, before: orders.Order, after: orders.Order, cancellation: Cancellation) -> None:
    """Let go what is reserved for an order of which nothing is left, and give back what was taken for these units.

    Both in the name of the cancellation, so once. With NONE what was taken stays, as negative `outstanding`.
    """
    cause = CANCELLATION.ref(cancellation.id)
    if after.status is orders.OrderStatus.CANCELLED:
        await payments.void_payable(tx, after.id, cause)
    if cancellation.refund_to is RefundTarget.NONE:
        return
    paid = (await payments.payments_of(tx, [after.id])).get(after.id, [])
    amount = rules.to_refund(
        before.total_minor - after.total_minor,
        owed=after.total_minor - after.credited_minor,
        captured=sum(row.captured_minor for row in paid),
        given_back=sum(row.refunded_minor + row.refunding_minor for row in paid),
    )
    if amount:
        await payments.refund_payable(tx, after.id, amount, cause=cause)
