"""Intents: each verb guards the amount by one statement, writes an Operation and tells that it is wanted.

`attended`: the caller will ask the provider itself as soon as this is committed (a mutation with EFFECT); otherwise the
reaction `payments.carry_out` does.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, and_, case, or_, update
from sqlmodel import col

from oms_api.kit import clock, ids
from oms_api.kit.db import TryAgain, Tx, any_of, json_rows, mine, prepared, table_of
from oms_api.kit.errors import ExceedsRemaining, Invalid, InvalidAmount, InvalidTransition, NotFound, Path
from oms_api.kit.events import emit
from oms_api.kit.money import Money
from oms_api.payments import queries, rules
from oms_api.payments.events import PaymentOperationRequested
from oms_api.payments.models import (
    OPERATION,
    PAYMENT,
    Operation,
    OperationKind,
    OperationState,
    Payable,
    Payment,
    PaymentStatus,
)
from oms_api.payments.service.accounts import check_handle

REFERENCE_LENGTH_MAX = 255
REASON_LENGTH_MAX = 500
INPUT: Path = ("input",)

_wanted = json_rows("wanted", {"payment_id": Uuid(), "amount": BigInteger()})
_SPENT: Any = Payment.captured_minor + Payment.capturing_minor + Payment.voided_minor + Payment.voiding_minor
_RESERVED: Any = Payment.authorized_minor + case((col(Payment.external), col(Payment.authorizing_minor)), else_=0)
_HELD: Any = Payment.authorized_minor - Payment.captured_minor - Payment.voided_minor
_GUARDS: dict[OperationKind, Any] = {
    OperationKind.CAPTURE: and_(col(Payment.let_go).is_(False), _SPENT + _wanted.c.amount <= _RESERVED),
    OperationKind.REFUND: Payment.refunded_minor + Payment.refunding_minor + _wanted.c.amount <= Payment.captured_minor,
    OperationKind.VOID: and_(
        col(Payment.capturing_minor) == 0,
        col(Payment.voiding_minor) == 0,
        or_(
            and_(
                col(Payment.authorizing_minor) == _wanted.c.amount,
                or_(col(Payment.external), col(Payment.status) == PaymentStatus.REQUIRES_ACTION),
            ),
            and_(
                col(Payment.authorizing_minor) == 0,
                _wanted.c.amount == _HELD,
            ),
        ),
    ),
}
_TAKE = {
    kind: prepared(
        update(table_of(Payment))
        .where(mine(Payment), col(Payment.id) == _wanted.c.payment_id, guard)
        .values({rules.IN_FLIGHT[kind]: getattr(Payment, rules.IN_FLIGHT[kind]) + _wanted.c.amount})
        .returning(Payment)
    )
    for kind, guard in _GUARDS.items()
}
_LET_GO = prepared(update(table_of(Payment)).where(mine(Payment), any_of(Payment.id, "unwanted")).values(let_go=True))


async def authorize(
    tx: Tx,
    *,
    payable_id: UUID,
    amount_minor: int,
    currency: str,
    ceiling_minor: int,
    provider: str,
    reference: str | None = None,
    attended: bool = True,
    path: Path = INPUT,
) -> Operation:
    """Want to reserve an amount for a payable, at most `ceiling_minor` over all that was ever committed to it.

    `reference` is the provider's method or intent id. Raises InvalidAmount, Unsupported, Invalid, ExceedsRemaining.
    """
    at = (*path, "amount")
    check_amount(amount_minor, currency, at)
    if reference is not None and not (0 < len(reference) <= REFERENCE_LENGTH_MAX and reference.isprintable()):
        raise Invalid(
            f"providerReference has 1 to {REFERENCE_LENGTH_MAX} printable characters.",
            path=(*path, "providerReference"),
        )
    await check_handle(tx, provider, (*path, "provider"))
    payable = await commit_to(tx, payable_id, amount_minor, currency, at)
    if payable.committed_minor > ceiling_minor:
        left = max(0, ceiling_minor - payable.committed_minor + amount_minor)
        raise _exceeds(amount_minor, left, currency, "can still be authorized", at)
    now = clock.now()
    payment = await tx.add(
        Payment,
        tenant_id=tx.tenant_id,
        id=ids.new(),
        payable_id=payable_id,
        provider=provider,
        currency=currency,
        authorizing_minor=amount_minor,
        status=PaymentStatus.PENDING,
        external_reference=reference,
        created_at=now,
        updated_at=now,
    )
    return (await want(tx, OperationKind.AUTHORIZE, [(payment, amount_minor)], attended=attended))[0]


async def commit_to(tx: Tx, payable_id: UUID, amount_minor: int, currency: str, at: Path) -> Payable:
    """Add to what is committed to a payable, which is made when it is new; its row is locked from here on."""
    row = {"tenant_id": tx.tenant_id, "id": payable_id, "currency": currency, "committed_minor": amount_minor}
    (payable,) = await tx.upsert(Payable, [row], key=("tenant_id", "id"), add=("committed_minor",))
    if payable.currency != currency:
        raise InvalidAmount(f"{currency} was sent where the currency is {payable.currency}.", path=at)
    return payable


async def capture(
    tx: Tx,
    payment_id: UUID,
    amount_minor: int | None = None,
    *,
    currency: str | None = None,
    reason: str | None = None,
    attended: bool = False,
    cause: ids.Ref | None = None,
    path: Path = INPUT,
) -> Operation:
    """Want to take reserved money, all that is left when no amount is named.

    Raises NotFound, ExceedsRemaining, InvalidAmount (also when `currency` is given and is not the payment's).
    """
    payment = await _payment(tx, payment_id, reason, path)
    amount = _asked(payment, amount_minor, currency, rules.capturable(payment), "captured", path)
    taken = await guarded(tx, OperationKind.CAPTURE, [(payment, amount)])
    return (await want(tx, OperationKind.CAPTURE, taken, reason=reason, attended=attended, cause=cause))[0]


async def refund(
    tx: Tx,
    payment_id: UUID,
    amount_minor: int | None = None,
    *,
    currency: str | None = None,
    reason: str | None = None,
    attended: bool = False,
    cause: ids.Ref | None = None,
    path: Path = INPUT,
) -> Operation:
    """Want to give taken money back, all that is left when no amount is named; once for a cause.

    Raises as `capture` does.
    """
    payment = await _payment(tx, payment_id, reason, path)
    if cause is not None:
        before = await queries.operations_of_cause(tx, payment.payable_id, str(cause), OperationKind.REFUND)
        for operation in before:
            if operation.payment_id == payment_id:
                return operation
    amount = _asked(payment, amount_minor, currency, rules.refundable(payment), "refunded", path)
    taken = await guarded(tx, OperationKind.REFUND, [(payment, amount)])
    return (await want(tx, OperationKind.REFUND, taken, reason=reason, attended=attended, cause=cause))[0]


async def void(
    tx: Tx,
    payment_id: UUID,
    *,
    reason: str | None = None,
    attended: bool = False,
    cause: ids.Ref | None = None,
    path: Path = INPUT,
) -> Operation:
    """Want to let go what is not captured. Raises NotFound, and InvalidTransition when there is nothing to let go, or a
    capture, a void or the authorization itself is not answered yet."""
    payment = await _payment(tx, payment_id, reason, path)
    amount = rules.voidable(payment)
    if amount:
        taken = await guarded(tx, OperationKind.VOID, [(payment, amount)])
        return (await want(tx, OperationKind.VOID, taken, reason=reason, attended=attended, cause=cause))[0]
    why = "its last request is not answered yet; try again" if rules.is_open(payment) else "nothing is left to let go"
    raise InvalidTransition(
        f"{PAYMENT(payment.id)} is {payment.status}: {why}.",
        path=(*path, "id"),
        details={
            "subject_id": PAYMENT(payment.id),
            "current_state": payment.status,
            "allowed_actions": rules.allowed_actions(payment),
        },
    )


async def refund_payable(tx: Tx, payable_id: UUID, amount_minor: int, *, cause: ids.Ref) -> list[Operation]:
    """Give money back over a payable's payments, the last first, once for a cause: asked again, the same operations.

    Raises InvalidAmount, and ExceedsRemaining when less is captured and not refunded.
    """
    payments = await queries.locked_of(tx, payable_id)
    before = await queries.operations_of_cause(tx, payable_id, str(cause), OperationKind.REFUND)
    if before:
        return before
    currency = payments[0].currency if payments else ""
    check_amount(amount_minor, currency, INPUT)
    shares = rules.last_first(payments, amount_minor)
    left = sum(share for _, share in shares)
    if left < amount_minor:
        raise _exceeds(amount_minor, left, currency, "can be refunded", (*INPUT, "amount"))
    taken = await guarded(tx, OperationKind.REFUND, shares)
    return await want(tx, OperationKind.REFUND, taken, cause=cause)


async def void_payable(tx: Tx, payable_id: UUID, cause: ids.Ref | None = None) -> list[Operation]:
    """Let go everything of a payable that is not captured; what is not answered yet is let go when it is."""
    payments = [payment for payment in await queries.locked_of(tx, payable_id) if rules.is_open(payment)]
    if not payments:
        return []
    await tx.run(_LET_GO, {"unwanted": [payment.id for payment in payments]})
    amounts = [(payment, rules.voidable(payment)) for payment in payments]
    taken = await guarded(tx, OperationKind.VOID, [(payment, amount) for payment, amount in amounts if amount])
    return await want(tx, OperationKind.VOID, taken, cause=cause)


async def want(
    tx: Tx,
    kind: OperationKind,
    shares: Sequence[tuple[Payment, int]],
    *,
    reason: str | None = None,
    attended: bool = False,
    cause: ids.Ref | None = None,
) -> list[Operation]:
    """Write down the intents, whose amounts are guarded already."""
    now = clock.now()
    rows = [
        {
            "tenant_id": tx.tenant_id,
            "id": ids.new(),
            "payment_id": payment.id,
            "payable_id": payment.payable_id,
            "kind": kind,
            "amount_minor": amount,
            "currency": payment.currency,
            "state": OperationState.PENDING,
            "cause": str(cause) if cause else None,
            "reason": reason,
            "attempts": 1 if attended else 0,
            "next_attempt_at": now + timedelta(seconds=rules.ATTENDED_S) if attended else now,
            "created_at": now,
        }
        for payment, amount in shares
    ]
    operations = await tx.insert(Operation, rows)
    for operation in operations:
        emit(
            tx,
            PaymentOperationRequested(
                payment_id=PAYMENT(operation.payment_id),
                operation_id=OPERATION(operation.id),
                kind=kind,
                amount_minor=operation.amount_minor,
                currency=operation.currency,
            ),
            subject=PAYMENT.ref(operation.payment_id),
            owner=operation.payable_id,
        )
    return operations


async def _payment(tx: Tx, payment_id: UUID, reason: str | None, path: Path) -> Payment:
    if reason is not None and len(reason) > REASON_LENGTH_MAX:
        raise Invalid(f"reason has at most {REASON_LENGTH_MAX} characters.", path=(*path, "reason"))
    payment = await queries.locked(tx, payment_id)
    if payment is None:
        raise NotFound(PAYMENT.missing("payment", payment_id), path=(*path, "id"))
    return payment


def _asked(payment: Payment, amount_minor: int | None, currency: str | None, left: int, done: str, path: Path) -> int:
    """The amount to put in flight. The row is locked, so what is left now is left when the guard looks."""
    at = (*path, "id" if amount_minor is None else "amount")
    if currency is not None and currency != payment.currency:
        raise InvalidAmount(f"{currency} was sent where the currency is {payment.currency}.", path=at)
    if amount_minor is not None:
        check_amount(amount_minor, payment.currency, at)
    amount = left if amount_minor is None else amount_minor
    if amount > left or not left:
        raise _exceeds(amount, left, payment.currency, f"of {PAYMENT(payment.id)} can be {done}", at)
    return amount


async def guarded(tx: Tx, kind: OperationKind, shares: Sequence[tuple[Payment, int]]) -> list[tuple[Payment, int]]:
    """Put the amounts in flight, all in one statement, or none: TryAgain when a guard does not hold after all."""
    if not shares:
        return []
    wanted = [{"payment_id": payment.id, "amount": amount} for payment, amount in shares]
    rows = {row.id: row for row in await tx.all(_TAKE[kind], {"wanted": wanted})}
    if len(rows) < len(shares):
        raise TryAgain(f"{kind} of {PAYMENT(shares[0][0].id)}: the guard does not hold")
    return [(rows[payment.id], amount) for payment, amount in shares]


def check_amount(amount_minor: int, currency: str, at: Path) -> None:
    if amount_minor <= 0:
        shown = Money(amount_minor, currency) if currency else amount_minor
        raise InvalidAmount(f"{shown} is not more than zero.", path=at)


def _exceeds(asked: int, left: int, currency: str, what: str, at: Path) -> ExceedsRemaining:
    asked_for = f"{Money(asked, currency)} is too much: " if currency and asked else ""
    remaining = Money(left, currency)
    return ExceedsRemaining(
        f"{asked_for}{remaining if currency else left} {what}.",
        path=at,
        details={"remaining_amount": remaining} if currency else None,
    )
