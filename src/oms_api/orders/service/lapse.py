"""An unpaid order gives its units back when its channel's payment window ends."""

from datetime import timedelta
from uuid import UUID

from oms_api import network, payments
from oms_api.kit import clock
from oms_api.kit.db import Tx
from oms_api.kit.events import emit
from oms_api.orders import queries
from oms_api.orders.events import OrderLapsed
from oms_api.orders.models import ORDER, Order, OrderStatus
from oms_api.orders.rules.status import is_paid
from oms_api.orders.service.funds import funds_of, paid_for
from oms_api.orders.service.row import put_off
from oms_api.orders.service.units import cancel

REASON = "lapsed"


async def lapse(tx: Tx, order_id: UUID) -> Order | None:
    """Cancel the order if it is still unpaid and its window has ended; money that is held for it is let go.

    The order's lock and its state decide between this and a payment: whoever comes first. An order that was paid but
    awaits a decision is looked at again after another window.
    """
    order = await queries.locked(tx, order_id)
    now = clock.now()
    if order is None or order.status is not OrderStatus.PENDING or order.lapses_at is None or order.lapses_at > now:
        return order
    paid = await paid_for(tx, order)
    if is_paid(order, funds_of(paid)):
        channel = (await network.channels_by_id(tx, [order.channel_id]))[order.channel_id]
        return await put_off(tx, order, now + timedelta(seconds=channel.payment_window_s))
    emit(tx, OrderLapsed(number=str(order.number)), subject=ORDER.ref(order.id), updated=["status"])
    lapsed = await cancel(tx, order, None, reason=REASON)
    await payments.void_payable(tx, order.id, ORDER.ref(order.id))
    for payment in paid:
        # part of it was taken already: it goes back; what others took is theirs to give back
        if payment.captured_minor > payment.refunded_minor + payment.refunding_minor and not payment.external:
            await payments.refund(tx, payment.id, cause=ORDER.ref(order.id))
    return lapsed
