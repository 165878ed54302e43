"""Tables of payments. Amounts are minor units of the payment's currency."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, text
from sqlmodel import Field

from oms_api.kit import ids
from oms_api.kit.db import Choice, Instant, Keyed

PAYMENT = ids.Prefix("pay")
OPERATION = ids.Prefix("pop")
ACCOUNT = ids.Prefix("pac")


class PaymentStatus(StrEnum):
    """`rules.status` derives it."""

    PENDING = "PENDING"
    REQUIRES_ACTION = "REQUIRES_ACTION"
    AUTHORIZED = "AUTHORIZED"
    CAPTURED = "CAPTURED"
    REFUNDED = "REFUNDED"
    VOIDED = "VOIDED"
    FAILED = "FAILED"


class OperationKind(StrEnum):
    AUTHORIZE = "AUTHORIZE"
    CAPTURE = "CAPTURE"
    VOID = "VOID"
    REFUND = "REFUND"


class OperationState(StrEnum):
    """PENDING and REQUIRES_ACTION have a next attempt; UNKNOWN was given up unanswered and waits for a person."""

    PENDING = "PENDING"
    REQUIRES_ACTION = "REQUIRES_ACTION"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


class ExternalState(StrEnum):
    """How far money handled by somebody else is."""

    DUE = "DUE"
    AUTHORIZED = "AUTHORIZED"
    CAPTURED = "CAPTURED"


class ProviderAccount(Keyed, table=True):
    """A tenant's account with a provider. `config` is JSON, encrypted: keys and whatever the provider needs. Callbacks
    come to its `id`, which says whose they are before anything else does."""

    __tablename__ = "payment_accounts"
    __table_args__ = (
        Index("uq_payment_accounts_handle", "tenant_id", "handle", unique=True),
        Index("uq_payment_accounts_id", "id", unique=True),
    )
    handle: str
    provider: str
    config: str
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class Payable(Keyed, table=True):
    """What is paid; `id` is the caller's. `committed_minor` is what is authorized or being authorized, less what was
    let go or given back: the one number that a second authorization must get past."""

    __tablename__ = "payables"
    __table_args__ = (CheckConstraint("committed_minor >= 0", name="committed"),)
    currency: str
    committed_minor: int = Field(sa_type=BigInteger)


class Payment(Keyed, table=True):
    """One authorization and what became of it.

    `authorized`, `captured`, `refunded`, `voided` are cumulative and settled by the provider's answer; the four
    `…ing_minor` are in flight: they count in none of those, and nobody else may spend them. `external` money is handled
    by somebody else, and then `authorizing` is what is still to be collected, until `due_at`; `overdue_at` is when it
    was told that nobody had. `let_go`: whatever is not captured is unwanted, and is voided as soon as the provider can
    be asked. One authorization of a provider is one payment here. `client_secret` is encrypted.
    """

    __tablename__ = "payments"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "payable_id"], ["payables.tenant_id", "payables.id"]),
        Index("ix_payments_payable", "tenant_id", "payable_id", "id"),
        Index("uq_payments_provider_reference", "tenant_id", "provider_reference", unique=True),
        Index(
            "ix_payments_due",
            "due_at",
            sqlite_where=text("due_at IS NOT NULL AND overdue_at IS NULL"),
            postgresql_where=text("due_at IS NOT NULL AND overdue_at IS NULL"),
        ),
        CheckConstraint("0 <= captured_minor AND captured_minor <= authorized_minor", name="captured"),
        CheckConstraint("0 <= refunded_minor AND refunded_minor + refunding_minor <= captured_minor", name="refunded"),
        CheckConstraint("0 <= voided_minor AND captured_minor + voided_minor <= authorized_minor", name="voided"),
        CheckConstraint(
            "captured_minor + capturing_minor + voided_minor + voiding_minor <= authorized_minor + authorizing_minor",
            name="spent_once",
        ),
        CheckConstraint(
            "authorizing_minor >= 0 AND capturing_minor >= 0 AND voiding_minor >= 0 AND refunding_minor >= 0",
            name="in_flight",
        ),
    )
    payable_id: UUID
    provider: str
    external: bool = False
    currency: str
    authorized_minor: int = Field(default=0, sa_type=BigInteger)
    captured_minor: int = Field(default=0, sa_type=BigInteger)
    refunded_minor: int = Field(default=0, sa_type=BigInteger)
    voided_minor: int = Field(default=0, sa_type=BigInteger)
    authorizing_minor: int = Field(default=0, sa_type=BigInteger)
    capturing_minor: int = Field(default=0, sa_type=BigInteger)
    refunding_minor: int = Field(default=0, sa_type=BigInteger)
    voiding_minor: int = Field(default=0, sa_type=BigInteger)
    let_go: bool = False
    status: PaymentStatus = Field(sa_type=Choice(PaymentStatus))
    version: int = Field(default=1, sa_type=BigInteger)
    external_reference: str | None = None
    provider_reference: str | None = None
    client_secret: str | None = None
    next_action_url: str | None = None
    due_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    overdue_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class Operation(Keyed, table=True):
    """One intent: what a provider is asked for, under its `id` as idempotency key, and what it answered.

    `next_attempt_at` is null when it is settled or given up. `cause` is the object on whose behalf it happens: one
    refund a payment and cause.
    """

    __tablename__ = "payment_operations"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "payment_id"], ["payments.tenant_id", "payments.id"]),
        Index("ix_payment_operations_payment", "tenant_id", "payment_id"),
        Index("ix_payment_operations_payable", "tenant_id", "payable_id"),
        Index(
            "uq_payment_operations_cause",
            "tenant_id",
            "payment_id",
            "cause",
            unique=True,
            sqlite_where=text("kind = 'REFUND'"),
            postgresql_where=text("kind = 'REFUND'"),
        ),
        Index(
            "ix_payment_operations_due",
            "tenant_id",
            "next_attempt_at",
            sqlite_where=text("next_attempt_at IS NOT NULL"),
            postgresql_where=text("next_attempt_at IS NOT NULL"),
        ),
        Index(
            "ix_payment_operations_unknown",
            "tenant_id",
            "id",
            sqlite_where=text("state = 'UNKNOWN'"),
            postgresql_where=text("state = 'UNKNOWN'"),
        ),
        CheckConstraint("amount_minor > 0", name="amount"),
    )
    payment_id: UUID
    payable_id: UUID
    kind: OperationKind = Field(sa_type=Choice(OperationKind))
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str
    state: OperationState = Field(sa_type=Choice(OperationState))
    provider_code: str | None = None
    provider_reference: str | None = None
    cause: str | None = None
    reason: str | None = None
    attempts: int = Field(sa_type=BigInteger)
    next_attempt_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    created_at: datetime = Field(sa_type=Instant)
    settled_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)


class FakeCharge(Keyed, table=True):
    """The fake provider's books: one charge an authorization. `id` is the key under which it was authorized;
    `waiting_minor` is what the customer must still agree to."""

    __tablename__ = "fake_provider_charges"
    __table_args__ = (
        CheckConstraint("0 <= captured_minor AND captured_minor + voided_minor <= authorized_minor", name="captured"),
        CheckConstraint("0 <= refunded_minor AND refunded_minor <= captured_minor", name="refunded"),
    )
    currency: str
    waiting_minor: int = Field(default=0, sa_type=BigInteger)
    authorized_minor: int = Field(default=0, sa_type=BigInteger)
    captured_minor: int = Field(default=0, sa_type=BigInteger)
    voided_minor: int = Field(default=0, sa_type=BigInteger)
    refunded_minor: int = Field(default=0, sa_type=BigInteger)


class FakeCall(Keyed, table=True):
    """What the fake provider was asked under a key (`id`), how often, and what it decided (`result` null: not yet)."""

    __tablename__ = "fake_provider_calls"
    kind: OperationKind = Field(sa_type=Choice(OperationKind))
    charge_id: UUID
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str
    calls: int = Field(sa_type=BigInteger)
    result: str | None = None
    code: str | None = None
