"""Tables of webhooks."""

from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, text
from sqlmodel import Field, SQLModel

from oms_api.kit import ids
from oms_api.kit.db import Choice, Instant, Json, Keyed

SUBSCRIPTION = ids.Prefix("whs")
DELIVERY = ids.Prefix("whd")
MESSAGE = ids.Prefix("msg")  # `webhook-id`: the delivery's UUID, so it is the same on every attempt and replay

BEHIND = datetime(9999, 1, 1, tzinfo=UTC)
"""`next_attempt_at` of what waits behind another of its subject, in an ordered subscription."""

_QUEUED = text("next_attempt_at IS NOT NULL")
_CLAIMED = text("claimed_until IS NOT NULL")


class WebhookSubscriptionStatus(StrEnum):
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    FAILING = "FAILING"


class WebhookDeliveryStatus(StrEnum):
    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    RETRYING = "RETRYING"
    DEAD = "DEAD"


class Subscription(Keyed, table=True):
    """A partner's standing order for events.

    `position`: up to where in the tenant's log it has queued deliveries. `secret` and `previous_secret` are encrypted;
    the previous one signs too until `previous_until`. `failing_since`: start of an unbroken row of failures. `handle`
    is null once it was removed: nothing finds or serves it any more, and a timer takes away what is left of it.
    """

    __tablename__ = "webhook_subscriptions"
    __table_args__ = (Index("uq_webhook_subscriptions_handle", "tenant_id", "handle", unique=True),)
    handle: str | None
    url: str
    topics: list[str] = Field(sa_type=Json)
    ordered: bool
    status: WebhookSubscriptionStatus = Field(sa_type=Choice(WebhookSubscriptionStatus))
    secret: str
    previous_secret: str | None = None
    previous_until: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    failing_since: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    position: int = Field(sa_type=BigInteger)
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class SubscriptionTurn(SQLModel, table=True):
    """How often a tenant has made a subscription; locked by who makes one, so that two cannot pass the limit."""

    __tablename__ = "webhook_subscription_turns"
    tenant_id: UUID = Field(primary_key=True)
    taken: int = Field(sa_type=BigInteger)


class Delivery(Keyed, table=True):
    """One event to one subscription; a test has no event.

    `next_attempt_at` is set exactly while it is queued (PENDING, RETRYING), `settled_at` exactly while it is not. A
    worker that sends it has put both `claimed_until` and `next_attempt_at` ahead: when it dies, the claim runs out and
    the delivery is due again. `attempts` counts those of the present timetable, which a replay begins anew.
    `occurred_at` is the event's. In an ordered subscription only the first of a subject's queue has a true
    `next_attempt_at`; when it is settled the next one is called (`service.turns`): a long queue costs a claim nothing.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "subscription_id"], ["webhook_subscriptions.tenant_id", "webhook_subscriptions.id"]
        ),
        Index("uq_webhook_deliveries_event", "tenant_id", "subscription_id", "event_id", unique=True),
        Index("ix_webhook_deliveries_page", "tenant_id", "subscription_id", "occurred_at", "id"),
        Index("ix_webhook_deliveries_status", "tenant_id", "subscription_id", "status", "occurred_at", "id"),
        Index(
            "ix_webhook_deliveries_due",
            "tenant_id",
            "subscription_id",
            "next_attempt_at",
            "id",
            sqlite_where=_QUEUED,
            postgresql_where=_QUEUED,
        ),
        Index(
            "ix_webhook_deliveries_order",
            "tenant_id",
            "subscription_id",
            "subject_id",
            "sequence",
            sqlite_where=_QUEUED,
            postgresql_where=_QUEUED,
        ),
        Index(
            "ix_webhook_deliveries_claimed",
            "tenant_id",
            "subscription_id",
            "claimed_until",
            sqlite_where=_CLAIMED,
            postgresql_where=_CLAIMED,
        ),
    )
    subscription_id: UUID
    event_id: UUID | None = None
    subject_id: UUID | None = None
    sequence: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    occurred_at: datetime = Field(sa_type=Instant)
    status: WebhookDeliveryStatus = Field(sa_type=Choice(WebhookDeliveryStatus))
    attempts: int = 0
    replay: bool = False
    next_attempt_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    claimed_until: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    settled_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    body: str | None = None


class Attempt(Keyed, table=True):
    """One try: what the receiver answered, or why it did not."""

    __tablename__ = "webhook_attempts"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "delivery_id"], ["webhook_deliveries.tenant_id", "webhook_deliveries.id"]),
        Index("ix_webhook_attempts_delivery", "tenant_id", "delivery_id", "at"),
    )
    delivery_id: UUID
    at: datetime = Field(sa_type=Instant)
    response_status: int | None = None
    response_body: str | None = None
    error: str | None = None
    duration_us: int = Field(sa_type=BigInteger)
    next_attempt_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
