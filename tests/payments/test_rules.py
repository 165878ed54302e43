"""Where a payment stands, what is left of it and when to ask again: by tables."""

from datetime import timedelta
from typing import Any

import pytest

from oms_api.kit import ids
from oms_api.kit.db import row_of
from oms_api.payments import rules
from oms_api.payments.models import (
    ExternalState,
    Operation,
    OperationKind,
    OperationState,
    Payment,
    PaymentStatus,
)

BLANK = {name: 0 for name in Payment.model_fields if name.endswith("_minor")} | {
    "external": False, "let_go": False, "version": 1,
}  # fmt: skip


def payment(status: PaymentStatus = PaymentStatus.AUTHORIZED, **values: Any) -> Payment:
    """Amounts by their short names: `authorized=100`."""
    amounts = {f"{name}_minor" if name[-3:] in ("zed", "red", "ded", "ing") else name: n for name, n in values.items()}
    return row_of(Payment, {**BLANK, "id": ids.new(), "status": status, **amounts})


def operation(kind: OperationKind, amount: int, state: OperationState = OperationState.PENDING) -> Operation:
    return row_of(Operation, {"kind": kind, "amount_minor": amount, "state": state})


@pytest.mark.parametrize(
    ("authorized", "captured", "refunded", "voided", "authorizing", "waiting", "let_go", "expected"),
    [
        (0, 0, 0, 0, 100, False, False, "PENDING"),
        (0, 0, 0, 0, 100, False, True, "PENDING"),
        (0, 0, 0, 0, 100, True, False, "REQUIRES_ACTION"),
        (0, 0, 0, 0, 0, False, False, "FAILED"),
        (0, 0, 0, 0, 0, False, True, "VOIDED"),
        (100, 0, 0, 0, 0, False, False, "AUTHORIZED"),
        (100, 0, 0, 40, 0, False, False, "AUTHORIZED"),
        (100, 0, 0, 100, 0, False, False, "VOIDED"),
        (100, 1, 0, 0, 0, False, False, "CAPTURED"),
        (100, 100, 0, 0, 0, False, False, "CAPTURED"),
        (100, 40, 0, 60, 0, False, False, "CAPTURED"),
        (100, 100, 99, 0, 0, False, False, "CAPTURED"),
        (100, 40, 40, 0, 0, False, False, "CAPTURED"),
        (100, 40, 40, 60, 0, False, False, "REFUNDED"),
        (100, 100, 100, 0, 0, False, False, "REFUNDED"),
        (40, 40, 0, 0, 60, False, False, "CAPTURED"),
    ],
)
def test_the_status_follows_from_the_amounts(
    authorized: int, captured: int, refunded: int, voided: int, authorizing: int, waiting: bool, let_go: bool,
    expected: str,
) -> None:  # fmt: skip
    assert expected == rules.status(
        authorized=authorized, captured=captured, refunded=refunded, voided=voided, authorizing=authorizing,
        waiting=waiting, let_go=let_go,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "capturable", "voidable", "refundable"),
    [
        (payment(authorized=100), 100, 100, 0),
        (payment(authorized=100, capturing=30), 70, 0, 0),
        (payment(authorized=100, captured=30), 70, 70, 30),
        (payment(authorized=100, voiding=100), 0, 0, 0),
        (payment(authorized=100, voided=100), 0, 0, 0),
        (payment(authorized=100, captured=100, refunded=20, refunding=30), 0, 0, 50),
        (payment(authorized=100, captured=20, let_go=True), 0, 80, 20),
        (payment(PaymentStatus.PENDING, authorizing=100), 0, 0, 0),
        (payment(PaymentStatus.REQUIRES_ACTION, authorizing=100), 0, 100, 0),
        (payment(PaymentStatus.REQUIRES_ACTION, authorizing=100, voiding=100), 0, 0, 0),
        (payment(PaymentStatus.PENDING, authorizing=100, external=True), 100, 100, 0),
        (payment(PaymentStatus.CAPTURED, authorized=40, captured=40, authorizing=60, external=True), 60, 60, 40),
        (payment(PaymentStatus.FAILED), 0, 0, 0),
    ],
)
def test_what_is_left_counts_what_is_in_flight(row: Payment, capturable: int, voidable: int, refundable: int) -> None:
    assert (rules.capturable(row), rules.voidable(row), rules.refundable(row)) == (capturable, voidable, refundable)
    actions = [("paymentCapture", capturable), ("paymentVoid", voidable), ("paymentRefund", refundable)]
    assert rules.allowed_actions(row) == [name for name, amount in actions if amount]


def test_a_refund_goes_to_the_last_payment_first() -> None:
    first, second, third = (payment(captured=amount) for amount in (50, 40, 30))
    shares = rules.last_first([second, first, third], 80)
    assert [(row.id, share) for row, share in shares] == [(third.id, 30), (second.id, 40), (first.id, 10)]
    assert sum(share for _, share in rules.last_first([first, second], 1_000)) == 90
    assert rules.last_first([payment(captured=10, refunding=10)], 5) == []


def test_an_authorization_that_was_given_up_is_no_longer_in_flight_and_a_late_answer_still_counts() -> None:
    asked = operation(OperationKind.AUTHORIZE, 100)
    given_up = rules.settled(payment(PaymentStatus.PENDING, authorizing=100), asked, OperationState.UNKNOWN)
    assert (given_up["authorizing_minor"], given_up["status"]) == (0, PaymentStatus.FAILED)
    unknown = operation(OperationKind.AUTHORIZE, 100, OperationState.UNKNOWN)
    late = rules.settled(row_of(Payment, given_up), unknown, OperationState.SUCCEEDED)
    assert (late["authorized_minor"], late["authorizing_minor"], late["status"]) == (100, 0, PaymentStatus.AUTHORIZED)
    waits = rules.settled(row_of(Payment, given_up), unknown, OperationState.REQUIRES_ACTION)
    assert (waits["authorizing_minor"], waits["status"]) == (100, PaymentStatus.REQUIRES_ACTION)


def test_a_refund_that_was_given_up_stays_in_flight_so_that_it_is_not_paid_twice() -> None:
    row = payment(PaymentStatus.CAPTURED, authorized=100, captured=100, refunding=60)
    given_up = rules.settled(row, operation(OperationKind.REFUND, 60), OperationState.UNKNOWN)
    assert (given_up["refunding_minor"], given_up["refunded_minor"]) == (60, 0)
    unknown = operation(OperationKind.REFUND, 60, OperationState.UNKNOWN)
    late = rules.settled(row_of(Payment, given_up), unknown, OperationState.SUCCEEDED)
    assert (late["refunding_minor"], late["refunded_minor"]) == (0, 60)


def test_a_void_that_was_declined_can_be_captured_again() -> None:
    row = payment(authorized=100, voiding=100, let_go=True)
    after = row_of(Payment, rules.settled(row, operation(OperationKind.VOID, 100), OperationState.FAILED))
    assert (after.let_go, rules.capturable(after), after.status) == (False, 100, PaymentStatus.AUTHORIZED)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (ExternalState.DUE, (100, 0, 0)),
        (ExternalState.AUTHORIZED, (0, 100, 0)),
        (ExternalState.CAPTURED, (0, 100, 100)),
    ],
)
def test_money_of_others_counts_as_far_as_it_is(state: ExternalState, expected: tuple[int, int, int]) -> None:
    values = rules.external(state, 100)
    assert (values["authorizing_minor"], values["authorized_minor"], values["captured_minor"]) == expected


def test_attempts_grow_apart_and_end_within_a_day() -> None:
    waits = [rules.back_off(attempts).total_seconds() for attempts in range(1, rules.ATTEMPTS_MAX + 1)]
    assert waits == [20, 60, 180, 540, 1_620, 4_860, 14_580, 43_740]
    assert sum(waits) < timedelta(days=1).total_seconds()


@pytest.mark.parametrize(("age", "expected"), [(0, 15), (29, 15), (60, 30), (1_000, 500), (86_400, 900)])
def test_a_customer_is_looked_for_often_at_first(age: int, expected: int) -> None:
    assert rules.poll_after(timedelta(seconds=age)) == timedelta(seconds=expected)
