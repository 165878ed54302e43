"""Tables of sourcing: policies, their immutable versions, the decisions made by them."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index
from sqlmodel import Field, SQLModel

from oms_api.kit import ids
from oms_api.kit.db import Choice, Instant, Json, Keyed

SOURCING_POLICY = ids.Prefix("spo")
SOURCING_DECISION = ids.Prefix("sdc")


class DecisionReason(StrEnum):
    """Why it had to be decided from where units come."""

    ORDER = "ORDER"
    PROMISE = "PROMISE"
    BACKORDER = "BACKORDER"
    REASSIGNMENT = "REASSIGNMENT"
    WAVE = "WAVE"


class Policy(Keyed, table=True):
    """A named line of versions. `live` decides now, `previous` did before it, `shadow` only runs beside.

    `latest` counts the versions; `version` grows with every change of this row. Amounts are in `currency`.
    """

    __tablename__ = "sourcing_policies"
    __table_args__ = (
        Index("uq_sourcing_policies_handle", "tenant_id", "handle", unique=True),
        CheckConstraint("latest >= 1 AND live <= latest AND previous <= latest AND shadow <= latest", name="numbers"),
    )
    handle: str
    currency: str
    latest: int
    live: int | None = None
    previous: int | None = None
    shadow: int | None = None
    shadow_since: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    version: int = 1
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class PolicyVersion(Keyed, table=True):
    """What a policy said when it was published; never changed, never deleted.

    `content` is its own rules and examples (`rules.policy.Content`), `effective` all rules in force: first those of the
    version that it extends.
    """

    __tablename__ = "sourcing_policy_versions"
    __table_args__ = (
        Index("uq_sourcing_policy_versions_number", "tenant_id", "policy_id", "number", unique=True),
        ForeignKeyConstraint(["tenant_id", "policy_id"], ["sourcing_policies.tenant_id", "sourcing_policies.id"]),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("(extends IS NULL) = (extends_number IS NULL)", name="extends"),
    )
    policy_id: UUID
    number: int
    extends: str | None = None
    extends_number: int | None = None
    content: dict[str, Any] = Field(sa_type=Json)
    effective: list[dict[str, Any]] = Field(sa_type=Json)
    note: str | None = None
    created_at: datetime = Field(sa_type=Instant)


class PolicyChannel(SQLModel, table=True):
    """A channel is sourced by a policy: by whichever of its versions is live."""

    __tablename__ = "sourcing_policy_channels"
    __table_args__ = (
        Index("ix_sourcing_policy_channels_policy", "tenant_id", "policy_id"),
        ForeignKeyConstraint(["tenant_id", "channel_id"], ["channels.tenant_id", "channels.id"]),
        ForeignKeyConstraint(["tenant_id", "policy_id"], ["sourcing_policies.tenant_id", "sourcing_policies.id"]),
    )
    tenant_id: UUID = Field(primary_key=True)
    channel_id: UUID = Field(primary_key=True)
    policy_id: UUID


class Decision(Keyed, table=True):
    """From where the units of `owner_id` were to come: everything that it was decided from, and the plan.

    `inputs` is packed (`rules.packed`): the same inputs give the same `plan`, byte for byte; empty for a
    PROMISE. Amounts in minor units.
    """

    __tablename__ = "sourcing_decisions"
    __table_args__ = (
        Index("ix_sourcing_decisions_owner", "tenant_id", "owner_id", "id"),
        Index("ix_sourcing_decisions_policy", "tenant_id", "policy", "created_at"),
    )
    owner_id: UUID
    reason: DecisionReason = Field(sa_type=Choice(DecisionReason))
    channel: str
    currency: str
    policy: str
    policy_number: int
    engine: int
    inputs: str
    plan: dict[str, Any] = Field(sa_type=Json)
    cost_minor: int = Field(sa_type=BigInteger)
    lower_bound_minor: int = Field(sa_type=BigInteger)
    created_at: datetime = Field(sa_type=Instant)


class Shadow(SQLModel, table=True):
    """What a candidate version would have decided in the place of the decision `id`."""

    __tablename__ = "sourcing_shadows"
    __table_args__ = (
        Index("ix_sourcing_shadows_decision", "tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "id"], ["sourcing_decisions.tenant_id", "sourcing_decisions.id"]),
        ForeignKeyConstraint(["tenant_id", "policy_id"], ["sourcing_policies.tenant_id", "sourcing_policies.id"]),
    )
    tenant_id: UUID = Field(primary_key=True)
    policy_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    same: bool
    served: bool
    cost_minor: int = Field(sa_type=BigInteger)
    live_cost_minor: int = Field(sa_type=BigInteger)
    shipments: int
    live_shipments: int
    days: int
    """Days of the last arrival after the live plan's; negative is earlier."""
    created_at: datetime = Field(sa_type=Instant)
