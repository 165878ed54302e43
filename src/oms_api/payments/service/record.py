"""The one verb that writes down what a provider answered, whoever hears it first: the mutation, the reaction, the
timer, a callback. The payment is locked first, so the first recorder wins and the others find it settled."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, update
from sqlmodel import col

from oms_api.kit import clock, ids, secrets
from oms_api.kit.db import Choice, Instant, Tx, changed, mine, param, prepared, table_of
from oms_api.kit.errors import Path, Refusal, UpstreamUnavailable
from oms_api.kit.events import Fact, emit
from oms_api.kit.graphql.fields import Outcome
from oms_api.payments import queries, rules
from oms_api.payments.errors import PaymentDeclined
from oms_api.payments.events import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentOperationFailed,
    PaymentOperationUnresolved,
    PaymentRefunded,
    PaymentRequiresAction,
    PaymentVoided,
)
from oms_api.payments.models import (
    OPERATION,
    PAYMENT,
    ExternalState,
    Operation,
    OperationKind,
    OperationState,
    Payable,
    Payment,
    PaymentStatus,
)
from oms_api.payments.provider import Answer, Result
from oms_api.payments.service.begin import INPUT, check_amount, commit_to, void

SECRET_PURPOSE = "payment"
RETRY_AFTER_S = 5
_STATES = {
    Result.OK: OperationState.SUCCEEDED,
    Result.DECLINED: OperationState.FAILED,
    Result.REQUIRES_ACTION: OperationState.REQUIRES_ACTION,
}
_OPEN = (OperationState.PENDING, OperationState.REQUIRES_ACTION, OperationState.UNKNOWN)

_OPERATION = prepared(
    update(table_of(Operation))
    .where(mine(Operation), col(Operation.id) == param("operation", Uuid()))
    .values(
        state=param("to_state", Choice(OperationState)),
        provider_code=param("code"),
        provider_reference=param("reference"),
        next_attempt_at=param("next_at", Instant()),
        settled_at=param("at", Instant()),
    )
)
_END_AUTHORIZATION = prepared(
    update(table_of(Operation))
    .where(
        mine(Operation),
        col(Operation.payment_id) == param("payment", Uuid()),
        col(Operation.kind) == OperationKind.AUTHORIZE,
        col(Operation.state) == OperationState.REQUIRES_ACTION,
    )
    .values(
        state=OperationState.FAILED, provider_code="voided", next_attempt_at=None, settled_at=param("at", Instant())
    )
)
_AMOUNTS = (*rules.SETTLED.values(), *rules.IN_FLIGHT.values(), "version")
_PAYMENT = prepared(
    update(table_of(Payment))
    .where(mine(Payment), col(Payment.id) == param("payment", Uuid()))
    .values(
        {name: param(f"new_{name}", BigInteger()) for name in _AMOUNTS}
        | {
            "let_go": param("new_let_go"),
            "status": param("new_status", Choice(PaymentStatus)),
            "provider_reference": param("new_provider_reference"),
            "client_secret": param("new_client_secret"),
            "next_action_url": param("new_next_action_url"),
            "due_at": param("new_due_at", Instant()),
            "updated_at": param("new_updated_at", Instant()),
        }
    )
)
_COMMITTED = prepared(
    update(table_of(Payable))
    .where(mine(Payable), col(Payable.id) == param("payable", Uuid()))
    .values(committed_minor=Payable.committed_minor + param("delta", BigInteger()))
)


async def record(tx: Tx, operation_id: UUID, answer: Answer) -> Outcome:
    """Settle an operation by the provider's answer. The outcome names the payment, and carries PaymentDeclined when the
    provider refused, UpstreamUnavailable while it has not answered."""
    payment, operation = await found(tx, operation_id)
    if await _is_anothers(tx, payment, answer.reference):
        answer = Answer(Result.DECLINED, code="authorization_in_use")
    state = _STATES.get(answer.result)
    if operation.state in _OPEN and state not in (None, operation.state):
        payment, operation = await settle(tx, payment, operation, state, answer)
    return Outcome(
        ids=[payment.id],
        refusals=_refusals(payment, operation, INPUT),
        rows=[(queries.payments_by_id, payment.id, payment)],
    )


async def _is_anothers(tx: Tx, payment: Payment, reference: str | None) -> bool:
    """Whether the authorization that the caller named is another payment's already. Of two at once the second commit is
    a Conflict on the reference, and finds this when it is asked again."""
    if reference is None or reference != payment.external_reference or reference == payment.provider_reference:
        return False
    return await queries.payment_of_charge(tx, reference) is not None


async def found(tx: Tx, operation_id: UUID) -> tuple[Payment, Operation]:
    """The operation and its payment, which is locked until commit. Raises LookupError."""
    payment = await queries.locked_by_operation(tx, operation_id)
    operation = await queries.operation(tx, operation_id)
    if payment is None or operation is None:
        raise LookupError(f"no operation {OPERATION(operation_id)}")
    return payment, operation


async def settle(
    tx: Tx, payment: Payment, operation: Operation, state: OperationState | None, answer: Answer
) -> tuple[Payment, Operation]:
    """Bring a locked payment's operation to `state` and tell it."""
    assert state is not None
    now = clock.now()
    waiting = state is OperationState.REQUIRES_ACTION
    await tx.run(
        _OPERATION,
        {
            "operation": operation.id,
            "to_state": state,
            "code": answer.code,
            "reference": answer.reference,
            "next_at": now + rules.poll_after(now - operation.created_at) if waiting else None,
            "at": None if waiting else now,
        },
    )
    after = rules.settled(payment, operation, state)
    if operation.kind is OperationKind.AUTHORIZE:
        secret = answer.client_secret if waiting else None
        after["provider_reference"] = answer.reference or payment.provider_reference
        after["client_secret"] = secrets.encrypt(SECRET_PURPOSE, secret) if secret else None
        after["next_action_url"] = answer.next_action_url if waiting else None
    elif operation.kind is OperationKind.VOID and payment.authorizing_minor > after["authorizing_minor"]:
        after["client_secret"] = after["next_action_url"] = None
        await tx.run(_END_AUTHORIZATION, {"payment": payment.id, "at": now})
    if answer.released:
        after["let_go"] = True  # the rest is voided below: our ledger says what the provider's does
    if not after["authorizing_minor"]:
        after["due_at"] = None
    after["updated_at"] = now
    await tx.run(_PAYMENT, {"payment": payment.id, **{f"new_{name}": value for name, value in after.items()}})
    delta = rules.committed(after) - rules.committed(payment.__dict__)
    if delta:
        await tx.run(_COMMITTED, {"payable": payment.payable_id, "delta": delta})
    before, payment = payment, changed(payment, **after)
    operation = changed(operation, state=state, provider_code=answer.code)
    for fact in _facts(payment, operation):
        updated = [_TOLD[name] for name in after if before.__dict__[name] != after[name] and name in _TOLD]
        emit(tx, fact, subject=PAYMENT.ref(payment.id), owner=payment.payable_id, updated=updated)
    if payment.let_go and rules.voidable(payment):
        await void(tx, payment.id)
        payment = changed(payment, voiding_minor=rules.voidable(payment))
    return payment, operation


_TOLD = {
    "status": "status",
    "authorized_minor": "authorized",
    "captured_minor": "captured",
    "refunded_minor": "refunded",
    "voided_minor": "voided",
}
"""Columns that a fact tells of, as the API names them."""


def _facts(payment: Payment, operation: Operation) -> list[Fact]:
    kind, state = operation.kind, operation.state
    about: Any = {
        "payment_id": PAYMENT(payment.id),
        "amount_minor": operation.amount_minor,
        "currency": payment.currency,
    }
    asked: Any = {"operation_id": OPERATION(operation.id)}
    facts: list[Fact] = []
    if state is OperationState.UNKNOWN:
        facts.append(PaymentOperationUnresolved(**about, **asked, kind=kind))
    if state is OperationState.REQUIRES_ACTION:
        facts.append(PaymentRequiresAction(**about, provider=payment.provider))
    elif state is OperationState.SUCCEEDED:
        facts.append(_succeeded(payment, operation, about, asked))
    elif kind is OperationKind.AUTHORIZE:
        code = operation.provider_code if state is OperationState.FAILED else "unknown"
        facts.append(PaymentFailed(**about, provider=payment.provider, provider_code=code))
    elif state is OperationState.FAILED:
        facts.append(
            PaymentOperationFailed(
                **about, **asked, kind=kind, cause=operation.cause, provider_code=operation.provider_code
            )
        )
    return facts


def _succeeded(payment: Payment, operation: Operation, about: Any, asked: Any) -> Fact:
    if operation.kind is OperationKind.AUTHORIZE:
        return PaymentAuthorized(**about, provider=payment.provider)
    if operation.kind is OperationKind.CAPTURE:
        return PaymentCaptured(**about, captured_minor=payment.captured_minor)
    if operation.kind is OperationKind.VOID:
        return PaymentVoided(**about)
    return PaymentRefunded(**about, **asked, cause=operation.cause, refunded_minor=payment.refunded_minor)


def _refusals(payment: Payment, operation: Operation, path: Path) -> list[Refusal]:
    if operation.state in (OperationState.SUCCEEDED, OperationState.REQUIRES_ACTION):
        return []
    subject = PAYMENT(payment.id)
    if operation.state is OperationState.FAILED:
        return [
            PaymentDeclined(
                f"{payment.provider} declined to {operation.kind.lower()} {subject} ({operation.provider_code}).",
                path=path,
                details={"subject_id": subject, "provider_code": operation.provider_code or ""},
            )
        ]
    return [
        UpstreamUnavailable(
            f"{payment.provider} has not answered to {operation.kind.lower()} {subject}; "
            "send the same request with the same key again.",
            path=path,
            details={"subject_id": subject, "retry_after_seconds": RETRY_AFTER_S},
        )
    ]


async def record_external(
    tx: Tx,
    *,
    payable_id: UUID,
    method: str,
    amount_minor: int,
    currency: str,
    state: ExternalState,
    window_s: int,
    reference: str | None = None,
    path: Path = INPUT,
) -> Payment:
    """Write down money that somebody else handles: still DUE, AUTHORIZED there, or CAPTURED.

    It happened, so there is no ceiling. What is DUE should be there within `window_s` seconds. Raises InvalidAmount.
    """
    at = (*path, "amount")
    check_amount(amount_minor, currency, at)
    await commit_to(tx, payable_id, amount_minor, currency, at)
    now = clock.now()
    values: dict[str, Any] = {"captured_minor": 0, "let_go": False, "refunded_minor": 0, "voided_minor": 0}
    values |= rules.external(state, amount_minor)
    payment = await tx.add(
        Payment,
        **values,
        tenant_id=tx.tenant_id,
        id=ids.new(),
        payable_id=payable_id,
        provider=method,
        external=True,
        currency=currency,
        status=rules.status_of(values, waiting=False),
        external_reference=reference,
        due_at=now + timedelta(seconds=window_s) if state is ExternalState.DUE else None,
        created_at=now,
        updated_at=now,
    )
    about: Any = {"payment_id": PAYMENT(payment.id), "amount_minor": amount_minor, "currency": currency}
    facts: list[Fact] = []
    if state is not ExternalState.DUE:
        facts.append(PaymentAuthorized(**about, provider=method))
    if state is ExternalState.CAPTURED:
        facts.append(PaymentCaptured(**about, captured_minor=amount_minor))
    for fact in facts:
        emit(tx, fact, subject=PAYMENT.ref(payment.id), owner=payable_id, added=["payment"])
    return payment
