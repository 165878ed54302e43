"""`paymentAuthorize`: money for an order is asked for, and what the provider answers may confirm it."""

from typing import Any
from uuid import UUID

from oms_api import payments
from oms_api.kit.db import Tx
from oms_api.kit.errors import ExceedsRemaining, Path
from oms_api.kit.graphql.fields import Effect, Outcome
from oms_api.kit.money import Money
from oms_api.orders import queries
from oms_api.orders.models import OrderStatus
from oms_api.orders.rules.status import PAYABLE
from oms_api.orders.service.confirm import settle_money
from oms_api.orders.service.funds import not_now, paid_for, remaining
from oms_api.orders.service.new import Amount
from oms_api.orders.service.row import lock
from oms_api.payments import Operation

AMOUNT: Path = ("input", "amount")


async def authorize(
    tx: Tx, order_id: UUID, *, amount: Amount | None, provider: str, reference: str | None = None
) -> Operation:
    """Want to reserve money for an order: all that is left when no amount is named.

    Under the order's lock, so that concurrent requests see each other's. Raises NotFound, InvalidTransition,
    InvalidAmount, ExceedsRemaining, and what the provider's handle is refused for.
    """
    order = await lock(tx, order_id)
    if order.status not in PAYABLE:
        states = " or ".join(status for status in OrderStatus if status in PAYABLE)
        raise await not_now(
            tx,
            order,
            "paymentAuthorize",
            f"Order {order.number} is {order.status}; money can be authorized while it is {states}.",
        )
    wanted = amount.minor(AMOUNT, order.currency) if amount is not None else None
    left = remaining(order, await paid_for(tx, order))
    if wanted is None and left <= 0:
        nothing = Money(0, order.currency)
        raise ExceedsRemaining(
            f"Nothing of order {order.number} is left to authorize.",
            path=("input", "order"),
            details={"remaining_amount": nothing},
        )
    return await payments.authorize(
        tx,
        payable_id=order.id,
        amount_minor=left if wanted is None else wanted,
        currency=order.currency,
        ceiling_minor=order.total_minor - order.credited_minor,
        provider=provider,
        reference=reference,
    )


async def recorded(tx: Tx, operation_id: UUID, answer: Any) -> Outcome:
    """Write down what `payments.call` answered and what follows for the order, together: the answer shows CONFIRMED.

    The order is locked before its payments, as in every other change of it.
    """
    operation = await payments.operation(tx, operation_id)
    if operation is not None:
        await queries.locked(tx, operation.payable_id)
    outcome = await payments.record(tx, operation_id, answer)
    if operation is not None:
        await settle_money(tx, operation.payable_id)
    return outcome


EFFECT = Effect(call=payments.call, record=recorded)
