"""Pure decisions of payments: what is left, what an answer does to a payment, where it stands, when to ask again."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from oms_api.payments.models import (
    ExternalState,
    Operation,
    OperationKind,
    OperationState,
    Payment,
    PaymentStatus,
)

# The first attempt is the request's own: until then nobody else asks.
ATTENDED_S = 20
ATTEMPTS_MAX = 8
BACK_OFF_FIRST_S = 20
BACK_OFF_FACTOR = 3
POLL_MIN_S = 15
POLL_MAX_S = 900
ACTION_WINDOW = timedelta(hours=24)

IN_FLIGHT = {
    OperationKind.AUTHORIZE: "authorizing_minor",
    OperationKind.CAPTURE: "capturing_minor",
    OperationKind.VOID: "voiding_minor",
    OperationKind.REFUND: "refunding_minor",
}
SETTLED = {
    OperationKind.AUTHORIZE: "authorized_minor",
    OperationKind.CAPTURE: "captured_minor",
    OperationKind.VOID: "voided_minor",
    OperationKind.REFUND: "refunded_minor",
}


def status(
    *, authorized: int, captured: int, refunded: int, voided: int, authorizing: int, waiting: bool, let_go: bool
) -> PaymentStatus:
    """Where a payment stands. `waiting`: for its customer; `let_go`: it was let go before it was authorized."""
    if captured:
        given_back = refunded == captured and captured + voided == authorized
        return PaymentStatus.REFUNDED if given_back else PaymentStatus.CAPTURED
    if authorized:
        return PaymentStatus.VOIDED if voided == authorized else PaymentStatus.AUTHORIZED
    if authorizing:
        return PaymentStatus.REQUIRES_ACTION if waiting else PaymentStatus.PENDING
    return PaymentStatus.VOIDED if let_go else PaymentStatus.FAILED


def status_of(payment: Mapping[str, Any], *, waiting: bool) -> PaymentStatus:
    return status(
        authorized=payment["authorized_minor"],
        captured=payment["captured_minor"],
        refunded=payment["refunded_minor"],
        voided=payment["voided_minor"],
        authorizing=payment["authorizing_minor"],
        waiting=waiting,
        let_go=payment["let_go"],
    )


def capturable(payment: Payment) -> int:
    """What can still be taken. Money that somebody else has to collect is captured when it is there."""
    if payment.let_go:
        return 0
    due = payment.authorizing_minor if payment.external else 0
    spent = payment.captured_minor + payment.capturing_minor + payment.voided_minor + payment.voiding_minor
    return max(0, payment.authorized_minor + due - spent)


def refundable(payment: Payment) -> int:
    return payment.captured_minor - payment.refunded_minor - payment.refunding_minor


def voidable(payment: Payment) -> int:
    """What can be let go now: nothing while a capture or void is in flight or the authorization is unanswered."""
    if payment.capturing_minor or payment.voiding_minor:
        return 0
    if payment.authorizing_minor:
        asked = not payment.external and payment.status is PaymentStatus.PENDING
        return 0 if asked else payment.authorizing_minor
    return payment.authorized_minor - payment.captured_minor - payment.voided_minor


def is_open(payment: Payment) -> bool:
    """Whether any of it is reserved, or may come to be."""
    held = payment.authorized_minor - payment.captured_minor - payment.voided_minor
    return held + payment.authorizing_minor > 0


def last_first(payments: Sequence[Payment], amount: int) -> list[tuple[Payment, int]]:
    """How a refund is shared out: from the youngest payment back, each as far as it reaches. May come to less."""
    found = []
    for payment in sorted(payments, key=lambda payment: payment.id, reverse=True):
        part = min(amount, refundable(payment))
        if part > 0:
            found.append((payment, part))
            amount -= part
    return found


def settled(payment: Payment, operation: Operation, state: OperationState) -> dict[str, Any]:
    """The payment's values once `operation`, which stood as it is given, has come to `state`.

    An authorization that was given up (UNKNOWN) no longer counts as in flight, so that something else can pay; a
    capture, void or refund of which nobody knows stays in flight, so that its money is never spent twice.
    """
    after = dict(payment.__dict__)
    kind, amount = operation.kind, operation.amount_minor
    after[IN_FLIGHT[kind]] += amount * (_in_flight(kind, state) - _in_flight(kind, operation.state))
    if state is OperationState.SUCCEEDED:
        _succeeded(after, payment, kind, amount)
    elif state is OperationState.FAILED and kind in (OperationKind.AUTHORIZE, OperationKind.VOID):
        after["let_go"] = False
    waiting = state is OperationState.REQUIRES_ACTION or (
        kind is not OperationKind.AUTHORIZE and payment.status is PaymentStatus.REQUIRES_ACTION
    )
    after["status"] = status_of(after, waiting=waiting)
    after["version"] = payment.version + 1
    return after


def _in_flight(kind: OperationKind, state: OperationState) -> bool:
    if state is OperationState.UNKNOWN:
        return kind is not OperationKind.AUTHORIZE
    return state in (OperationState.PENDING, OperationState.REQUIRES_ACTION)


def _succeeded(after: dict[str, Any], payment: Payment, kind: OperationKind, amount: int) -> None:
    if kind is OperationKind.VOID and payment.authorizing_minor:
        # there is nothing reserved yet: what is let go is the intent
        after["authorizing_minor"] -= amount
        after["let_go"] = True
        return
    after[SETTLED[kind]] += amount
    collected = after["captured_minor"] + after["voided_minor"] - after["authorized_minor"]
    if payment.external and collected > 0:
        after["authorized_minor"] += collected
        after["authorizing_minor"] -= collected


def committed(payment: Mapping[str, Any]) -> int:
    """What a payment takes of its payable: reserved or being reserved, less what was let go or given back."""
    held: int = payment["authorized_minor"] + payment["authorizing_minor"]
    gone: int = payment["voided_minor"] + payment["refunded_minor"]
    return held - gone


def external(state: ExternalState, amount: int) -> dict[str, int]:
    """The amounts of a payment that somebody else handles."""
    return {
        "authorizing_minor": amount if state is ExternalState.DUE else 0,
        "authorized_minor": 0 if state is ExternalState.DUE else amount,
        "captured_minor": amount if state is ExternalState.CAPTURED else 0,
    }


def back_off(attempts: int) -> timedelta:
    """How long to wait after so many attempts: 20 s, 1 min, 3 min …; the eighth comes after 6 h, the end after 18."""
    return timedelta(seconds=BACK_OFF_FIRST_S * BACK_OFF_FACTOR ** (attempts - 1))


def poll_after(age: timedelta) -> timedelta:
    """When to look again whether the customer has acted: often at first, then every 15 minutes."""
    return timedelta(seconds=min(max(age.total_seconds() / 2, POLL_MIN_S), POLL_MAX_S))


def allowed_actions(payment: Payment) -> list[str]:
    """The mutations that can be done with it now."""
    left = {
        "paymentCapture": capturable(payment),
        "paymentVoid": voidable(payment),
        "paymentRefund": refundable(payment),
    }
    return [action for action, amount in left.items() if amount > 0]
