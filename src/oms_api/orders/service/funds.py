"""An order's money, read from its payments."""

from collections.abc import Iterable

from oms_api import network, payments
from oms_api.kit.db import Reading
from oms_api.kit.errors import InvalidTransition
from oms_api.orders.models import Order
from oms_api.orders.rules.status import Funds, Standing, allowed
from oms_api.payments import Payment


def funds_of(paid: Iterable[Payment]) -> Funds:
    """What providers have settled."""
    authorized = captured = refunded = 0
    for payment in paid:
        authorized += payment.authorized_minor - payment.voided_minor
        captured += payment.captured_minor
        refunded += payment.refunded_minor
    return Funds(authorized, captured, refunded)


async def paid_for(reading: Reading, order: Order) -> list[Payment]:
    """Its payments, oldest first."""
    return list((await payments.payments_of(reading, [order.id])).get(order.id, ()))


def remaining(order: Order, paid: Iterable[Payment]) -> int:
    """What may still be authorized, minor units: what is sold and not credited, less all that payments took of it or
    are about to take, and did not give back."""
    committed = sum(
        payment.authorized_minor + payment.authorizing_minor - payment.voided_minor - payment.refunded_minor
        for payment in paid
    )
    return order.total_minor - order.credited_minor - committed


async def allowed_actions(reading: Reading, order: Order) -> list[str]:
    """Mutations on the order that its state permits now: what an INVALID_TRANSITION tells. Two statements."""
    paid = await paid_for(reading, order)
    channel = (await network.channels_by_id(reading, [order.channel_id]))[order.channel_id]
    return allowed(Standing(order, channel.payment_rule, funds_of(paid), remaining(order, paid)))


async def not_now(reading: Reading, order: Order, verb: str, why: str) -> InvalidTransition:
    """The refusal of a verb that an order does not permit as it stands, with every other that its state does."""
    now = [name for name in await allowed_actions(reading, order) if name != verb]
    return InvalidTransition(
        why + (f" Allowed now: {', '.join(now)}." if now else ""),
        path=("input", "order"),
        details={"current_state": str(order.status), "allowed_actions": now},
    )
