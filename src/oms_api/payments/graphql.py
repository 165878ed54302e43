"""Payments in the API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry
from strawberry import UNSET

from oms_api.kit import secrets
from oms_api.kit.db import Tx
from oms_api.kit.graphql import (
    Info,
    Money,
    MoneyInput,
    Node,
    Outcome,
    Payload,
    Url,
    describe_enum,
    field,
    found_by,
    money_of,
    mutation,
    node_type,
)
from oms_api.payments import models, queries, service
from oms_api.payments.models import PAYMENT, PaymentStatus
from oms_api.payments.service.record import SECRET_PURPOSE

describe_enum(
    PaymentStatus,
    "Where a payment stands.",
    PENDING="Asked for, not answered yet.",
    REQUIRES_ACTION="The customer must act.",
    AUTHORIZED="Reserved.",
    CAPTURED="Taken, at least in part.",
    REFUNDED="Given back in full.",
    VOIDED="Let go.",
    FAILED="Refused.",
)

_CUMULATIVE = (
    " Cumulative and settled by the provider's answer: a void or a refund never lowers `authorized` or `captured`, and "
    "an operation in flight counts in none of the three."
)


@strawberry.type(description="A payment.")
class Payment(Node):
    row: strawberry.Private[models.Payment]
    version: int = field(description="Version.")
    provider: str = field(description="Provider handle.")
    authorized: Money = field(description="Authorized." + _CUMULATIVE)
    captured: Money = field(description="Captured." + _CUMULATIVE)
    refunded: Money = field(description="Refunded." + _CUMULATIVE)
    voided: Money = field(description="Let go before it was captured. Cumulative, settled by the provider's answer.")
    due_at: datetime | None = field(
        description="Until when somebody else should have collected it; null when nothing is to be collected."
    )
    status: PaymentStatus = field(description="Where it stands.")
    next_action_url: Url | None = field(description="What the customer must do next, if anything.")

    @field(description="For the storefront's payment form, when the provider needs one.")
    def client_secret(self) -> str | None:
        encrypted = self.row.client_secret
        return secrets.decrypt(SECRET_PURPOSE, encrypted) if encrypted else None


def payment_of(row: models.Payment) -> Payment:
    return Payment(
        id=strawberry.ID(PAYMENT(row.id)),
        row=row,
        version=row.version,
        provider=row.provider,
        authorized=money_of(row.authorized_minor, row.currency),
        captured=money_of(row.captured_minor, row.currency),
        refunded=money_of(row.refunded_minor, row.currency),
        voided=money_of(row.voided_minor, row.currency),
        due_at=row.due_at,
        status=row.status,
        next_action_url=Url(row.next_action_url) if row.next_action_url else None,
    )


_find = found_by(queries.payments_by_id, payment_of)
node_type(PAYMENT, Payment, scope="payments:read", find=_find)


@strawberry.input(description="Take reserved money.")
class PaymentCaptureInput:
    idempotency_key: str = field(description="Required: money is never moved twice by accident.")
    id: strawberry.ID = field(description="Payment.")
    amount: MoneyInput | None = field(default=UNSET, description="All that is authorized and not captured when absent.")
    reason: str | None = field(default=UNSET, description="Why.")


@strawberry.input(description="Let the uncaptured rest go.")
class PaymentVoidInput:
    idempotency_key: str = field(description="Required.")
    id: strawberry.ID = field(description="Payment.")
    reason: str | None = field(default=UNSET, description="Why.")


@strawberry.input(description="Give money back.")
class PaymentRefundInput:
    idempotency_key: str = field(description="Required.")
    id: strawberry.ID = field(description="Payment.")
    amount: MoneyInput | None = field(default=UNSET, description="All that is captured and not refunded when absent.")
    reason: str | None = field(default=UNSET, description="Why.")


@strawberry.type(description="Answer.")
class PaymentPayload(Payload):
    payment: Payment | None = field(default=None, description="The payment.")

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> PaymentPayload:
        (id_,) = outcome.ids
        return PaymentPayload(payment=await _find(info, id_))


def _amount(amount: MoneyInput | None) -> dict[str, Any]:
    """What the verb is told; nothing when absent. Raises InvalidAmount."""
    if not isinstance(amount, MoneyInput):
        return {}
    return {"amount_minor": amount.minor(("input", "amount")), "currency": amount.currency}


@strawberry.type
class Mutation:
    @mutation(
        PaymentPayload,
        description="Take reserved money.",
        scope=["payments:write"],
        errors=["EXCEEDS_REMAINING", "UPSTREAM_UNAVAILABLE"],
        emits=["payment.captured"],
        effect=service.EFFECT,
    )
    async def payment_capture(tx: Tx, input: PaymentCaptureInput) -> Outcome:
        asked = _amount(input.amount)
        begun = await service.capture(tx, PAYMENT.parse(input.id), **asked, reason=input.reason or None, attended=True)
        return Outcome(intent=begun.id)

    @mutation(
        PaymentPayload,
        description="Let reserved money go.",
        scope=["payments:write"],
        emits=["payment.voided"],
        effect=service.EFFECT,
    )
    async def payment_void(tx: Tx, input: PaymentVoidInput) -> Outcome:
        begun = await service.void(tx, PAYMENT.parse(input.id), reason=input.reason or None, attended=True)
        return Outcome(intent=begun.id)

    @mutation(
        PaymentPayload,
        description="Give money back.",
        scope=["payments:write"],
        errors=["EXCEEDS_REMAINING", "UPSTREAM_UNAVAILABLE"],
        emits=["payment.refunded"],
        effect=service.EFFECT,
    )
    async def payment_refund(tx: Tx, input: PaymentRefundInput) -> Outcome:
        asked = _amount(input.amount)
        begun = await service.refund(tx, PAYMENT.parse(input.id), **asked, reason=input.reason or None, attended=True)
        return Outcome(intent=begun.id)
