"""Tables of access."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from oms_api.kit import ids
from oms_api.kit.db import Instant, Json

TENANT = ids.Prefix("ten")
CLIENT = ids.Prefix("key")

SCOPES = (
    "availability:read", "availability:write", "bulk:read", "bulk:write", "catalog:read", "catalog:write",
    "events:read", "fulfillments:read", "fulfillments:write", "inventory:read", "inventory:write", "metadata:write",
    "network:read", "network:write", "orders:read", "orders:write", "payments:read", "payments:write", "prices:write",
    "reservations:read", "reservations:write", "returns:read", "returns:write", "sourcing:read", "sourcing:write",
    "webhooks:manage",
)  # fmt: skip


class Tenant(SQLModel, table=True):
    """One side (test or live) of an account: its own keys, number series, stock and webhooks."""

    __tablename__ = "tenants"
    __table_args__ = (Index("uq_tenants_handle", "handle", "test", unique=True),)
    tenant_id: UUID = Field(primary_key=True)
    handle: str
    test: bool
    created_at: datetime = Field(sa_type=Instant)


class ApiKey(SQLModel, table=True):
    """A client's key, hashed. Found by its hash alone: the tenant comes from the credential, never an argument."""

    __tablename__ = "api_keys"
    __table_args__ = (Index("uq_api_keys_hash", "hash", unique=True),)
    tenant_id: UUID = Field(primary_key=True, foreign_key="tenants.tenant_id")
    id: UUID = Field(primary_key=True)
    hash: str
    name: str
    scopes: list[str] = Field(sa_type=Json)
    created_at: datetime = Field(sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)


def is_scope(text: str) -> bool:
    return text == "*" or text in SCOPES
