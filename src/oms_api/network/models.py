"""Tables of the network."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Double, ForeignKeyConstraint, Index
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from oms_api.kit import ids
from oms_api.kit.db import Choice, Instant, Json, Keyed

LOCATION = ids.Prefix("loc")
CHANNEL = ids.Prefix("chn")


class Degrees(TypeDecorator[float]):
    """A double as the driver gives it. SQLAlchemy's own asks for the column's wire type, which we do not look up."""

    impl = Double
    cache_ok = True

    def result_processor(self, dialect: Any, coltype: Any) -> None:
        return None


class LocationKind(StrEnum):
    WAREHOUSE = "WAREHOUSE"
    STORE = "STORE"
    SUPPLIER = "SUPPLIER"
    THIRD_PARTY = "THIRD_PARTY"


class PaymentRule(StrEnum):
    AUTHORIZED = "AUTHORIZED"
    CAPTURED = "CAPTURED"
    NONE = "NONE"


class SourcingObjective(StrEnum):
    CHEAPEST = "CHEAPEST"
    FASTEST = "FASTEST"
    FEWEST_SHIPMENTS = "FEWEST_SHIPMENTS"
    BALANCED = "BALANCED"


class Location(Keyed, table=True):
    """A place that holds or receives goods.

    `address` is `{name, lines, city, region, postalCode, country, company, phone}` with every key present, or null;
    `open_days` are ISO weekdays 1-7 in order; `cut_off` is local time `HH:MM`.
    """

    __tablename__ = "locations"
    __table_args__ = (
        Index("uq_locations_handle", "tenant_id", "handle", unique=True),
        CheckConstraint("processing_days >= 0", name="processing_days"),
        CheckConstraint("daily_capacity >= 0", name="daily_capacity"),
        CheckConstraint("safety_stock >= 0", name="safety_stock"),
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="coordinates"),
    )
    handle: str
    name: str
    kind: LocationKind = Field(sa_type=Choice(LocationKind))
    timezone: str
    address: dict[str, Any] | None = Field(default=None, sa_type=Json, nullable=True)
    latitude: float | None = Field(default=None, sa_type=Degrees, nullable=True)
    longitude: float | None = Field(default=None, sa_type=Degrees, nullable=True)
    ships: bool
    pickup: bool
    accepts_returns: bool
    open_days: list[int] = Field(sa_type=Json)
    cut_off: str | None = None
    processing_days: int
    daily_capacity: int | None = None
    safety_stock: int
    active: bool
    entries: dict[str, Any] = Field(sa_type=Json)
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class Channel(Keyed, table=True):
    """A place where things are sold. `threshold`: units withheld per SKU; `payment_window_s`: seconds unpaid."""

    __tablename__ = "channels"
    __table_args__ = (
        Index("uq_channels_handle", "tenant_id", "handle", unique=True),
        CheckConstraint("threshold >= 0", name="threshold"),
        CheckConstraint("max_shipments >= 1", name="max_shipments"),
        CheckConstraint("payment_window_s > 0", name="payment_window"),
    )
    handle: str
    name: str
    currency: str
    payment_rule: PaymentRule = Field(sa_type=Choice(PaymentRule))
    threshold: int
    objective: SourcingObjective = Field(sa_type=Choice(SourcingObjective))
    max_shipments: int | None = None
    payment_window_s: int
    entries: dict[str, Any] = Field(sa_type=Json)
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class ChannelLocation(SQLModel, table=True):
    """A location serves a channel; `rank` 0 is the preferred one."""

    __tablename__ = "channel_locations"
    __table_args__ = (
        Index("uq_channel_locations_location", "tenant_id", "channel_id", "location_id", unique=True),
        ForeignKeyConstraint(["tenant_id", "channel_id"], ["channels.tenant_id", "channels.id"]),
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
    )
    tenant_id: UUID = Field(primary_key=True)
    channel_id: UUID = Field(primary_key=True)
    rank: int = Field(primary_key=True)
    location_id: UUID


class NetworkVersion(SQLModel, table=True):
    """One row a tenant, changed by every put: writers take it first, so two puts never run at once.

    `version` is a random id and not a counter: the value of a put that rolled back never comes again.
    """

    __tablename__ = "network_versions"
    tenant_id: UUID = Field(primary_key=True)
    version: UUID
