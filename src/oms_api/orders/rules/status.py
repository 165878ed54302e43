"""An order's status, what may be done with it, and when its money suffices."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from oms_api.kit.money import Money
from oms_api.kit.states import States
from oms_api.network import PaymentRule
from oms_api.orders.models import Order, OrderStatus

O = OrderStatus  # noqa: E741 - five letters less in a table

STATES: States[OrderStatus] = States({"orderConfirm": {O.PENDING: O.CONFIRMED}})

# in which money may still be asked for
PAYABLE = frozenset({O.PENDING, O.CONFIRMED, O.PARTIALLY_SHIPPED, O.SHIPPED})


class Counted(Protocol):
    """A line by its units."""

    quantity: int
    shipped: int
    delivered: int
    returned: int
    cancelled: int


class Funds(NamedTuple):
    """Money of an order, settled by providers' answers; minor units.

    `authorized` less what was let go again, captured money included; `captured`; `refunded`.
    """

    authorized: int = 0
    captured: int = 0
    refunded: int = 0


def status(present: OrderStatus, lines: Iterable[Counted], outstanding: int) -> OrderStatus:
    """The status that follows from the lines' units and the money still owed either way.

    PENDING ends by a decision only, or when nothing is left; COMPLETED stays (a later return has a state of its own).
    """
    left = arrived = gone = 0
    for line in lines:
        left += line.quantity - line.cancelled
        arrived += line.delivered + line.returned
        gone += line.shipped + line.delivered + line.returned
    if not left:
        return O.CANCELLED
    if present in (O.PENDING, O.COMPLETED, O.CANCELLED):
        return present
    if not gone:
        return O.CONFIRMED
    if gone < left:
        return O.PARTIALLY_SHIPPED
    return O.COMPLETED if arrived == left and outstanding == 0 else O.SHIPPED


def outstanding(order: Order, funds: Funds) -> int:
    """Positive when the customer owes, negative when we owe. Authorized, not yet captured money does not lessen it."""
    return order.total_minor - order.credited_minor - funds.captured + funds.refunded


def missing(rule: PaymentRule, total: int, funds: Funds) -> int:
    """What the channel's rule still wants before the order may be confirmed; 0 when it is met."""
    if rule is PaymentRule.NONE:
        return 0
    there = funds.captured if rule is PaymentRule.CAPTURED else funds.authorized
    return max(0, total - (there - funds.refunded))


def is_paid(order: Order, funds: Funds) -> bool:
    """Whether money covers the order, so that it does not lapse; an order that costs nothing is never paid."""
    there = funds.authorized - funds.refunded
    return there > 0 and order.total_minor <= there


class Standing(NamedTuple):
    """What an action's permission depends on. `remaining`: what may still be authorized, minor units."""

    order: Order
    rule: PaymentRule
    funds: Funds
    remaining: int


class Action(NamedTuple):
    """A mutation on an order; `why_not` says in words why it would be refused now, or None."""

    name: str
    scope: str
    why_not: Callable[[Standing], str | None]


ACTIONS: list[Action] = []


def action(name: str, scope: str) -> Callable[[Callable[[Standing], str | None]], Callable[[Standing], str | None]]:
    """List a mutation in `Order.actions`. Upper domains add theirs: `@orders.action("orderCancel", "orders:write")`."""

    def wrap(why_not: Callable[[Standing], str | None]) -> Callable[[Standing], str | None]:
        ACTIONS.append(Action(name, scope, why_not))
        return why_not

    return wrap


def allowed(standing: Standing) -> list[str]:
    """Mutations on the order that its state permits now, whoever asks."""
    return [name for name, _, why_not in ACTIONS if why_not(standing) is None]


@action("orderConfirm", "orders:write")
def _confirm(standing: Standing) -> str | None:
    order = standing.order
    if not STATES.may("orderConfirm", order.status):
        return f"It is {order.status}."
    if short := missing(standing.rule, order.total_minor, standing.funds):
        return f"{Money(short, order.currency)} must be {standing.rule} first."
    return None


@action("paymentAuthorize", "payments:write")
def _authorize(standing: Standing) -> str | None:
    if standing.order.status not in PAYABLE:
        return f"It is {standing.order.status}."
    return "Nothing is left to authorize." if standing.remaining <= 0 else None
