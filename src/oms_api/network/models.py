"""Tables of the network."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Double, ForeignKeyConstraint, Index, text
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from oms_api.kit import ids
from oms_api.kit.db import Choice, Instant, Json, Keyed

LOCATION = ids.Prefix("loc")
CHANNEL = ids.Prefix("chn")
CALENDAR = ids.Prefix("cal")
CARRIER_SERVICE = ids.Prefix("csv")
REASSIGNMENTS = 3
"""Changes of place that a channel allows unless it says otherwise."""


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
    MOST_PROFITABLE = "MOST_PROFITABLE"


class CapacityMeasure(StrEnum):
    ORDERS = "ORDERS"
    LINES = "LINES"
    UNITS = "UNITS"


class Location(Keyed, table=True):
    """A place that holds or receives goods.

    `address` is `{name, lines, city, region, postalCode, country, company, phone}` with every key present, or null;
    `open_days` are ISO weekdays 1-7 in order; `cut_off` is local time `HH:MM`. With `hours` those two repeat what it
    says: `[{weekday, opens, closes, cutOff, collectFrom, collectUntil}, …]`. `exceptions` are
    `[{date, name, opens, closes, cutOff}, …]`, closed where `opens` is null, and come before those of the `calendar`
    (its handle). `capacities`: `[{process, measure, weekdays: {"1": n, …}, dates: {"2026-12-24": n, …}}, …]`;
    `services`: `[{service, pickupDays, lastPickup}, …]`, all of the tenant's when null.
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
    tags: list[str] | None = Field(default=None, sa_type=Json, nullable=True)
    open_days: list[int] = Field(sa_type=Json)
    cut_off: str | None = None
    processing_days: int
    daily_capacity: int | None = None
    safety_stock: int
    active: bool
    hours: list[dict[str, Any]] | None = Field(default=None, sa_type=Json, nullable=True)
    exceptions: list[dict[str, Any]] | None = Field(default=None, sa_type=Json, nullable=True)
    calendar: str | None = None
    capacities: list[dict[str, Any]] | None = Field(default=None, sa_type=Json, nullable=True)
    services: list[dict[str, Any]] | None = Field(default=None, sa_type=Json, nullable=True)
    origin_zone: str | None = None
    entries: dict[str, Any] = Field(sa_type=Json)
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class Channel(Keyed, table=True):
    """A place where things are sold. `threshold`: units withheld per SKU; `payment_window_s`: seconds unpaid;
    `max_reassignments`: how often units of a line are given to another location when one says no."""

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
    max_reassignments: int = Field(default=REASSIGNMENTS, sa_column_kwargs={"server_default": str(REASSIGNMENTS)})
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

    `version` is a random id and not a counter: the value of a put that rolled back never comes again. `carriers` is
    another, changed only by puts of calendars and carrier services; null when the tenant has none. `policy` is a third,
    changed with `version` by what upper domains put beside the network; null when they put nothing.
    """

    __tablename__ = "network_versions"
    tenant_id: UUID = Field(primary_key=True)
    version: UUID
    carriers: UUID | None = None
    policy: UUID | None = None


class Calendar(Keyed, table=True):
    """Days on which nobody works, shared by locations and carrier services. With a `country` (and `region`) those of
    that country: a carrier then keeps them only where it fetches or delivers there."""

    __tablename__ = "calendars"
    __table_args__ = (Index("uq_calendars_handle", "tenant_id", "handle", unique=True),)
    handle: str
    name: str
    country: str | None = None
    region: str | None = None
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class CalendarDay(SQLModel, table=True):
    """A closed day of a calendar, and why."""

    __tablename__ = "calendar_days"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "calendar_id"], ["calendars.tenant_id", "calendars.id"]),)
    tenant_id: UUID = Field(primary_key=True)
    calendar_id: UUID = Field(primary_key=True)
    on_date: date = Field(primary_key=True)
    name: str


class CarrierService(Keyed, table=True):
    """A way to send parcels, with its zones and rates: put together, since each is checked against the other.

    `holidays` are handles of calendars. `zones` are `[{zone, originZone, country, postalFrom, postalTo, upToKm,
    transitDays, transitDaysP80}, …]`, `rates` `[{zone, currency, validFrom, upToGrams, fixed, perKg}, …]` in minor
    units; every key is present. `dim_divisor`: cubic centimetres that count as a kilogram.
    """

    __tablename__ = "carrier_services"
    __table_args__ = (
        Index("uq_carrier_services_handle", "tenant_id", "handle", unique=True),
        CheckConstraint("dim_divisor > 0", name="dim_divisor"),
    )
    handle: str
    name: str
    carrier: str
    active: bool
    business_days: list[int] = Field(sa_type=Json)
    pickup_days: list[int] = Field(sa_type=Json)
    last_pickup: str | None = None
    holidays: list[str] = Field(sa_type=Json)
    zones: list[dict[str, Any]] = Field(sa_type=Json)
    rates: list[dict[str, Any]] = Field(sa_type=Json)
    dim_divisor: int | None = None
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class CapacityDay(SQLModel, table=True):
    """The work that a location has taken on for a day: one row serves every process, since all of it passes them all.

    What was taken may exceed a limit that was lowered afterwards; the guard is in the statement that takes.
    """

    __tablename__ = "capacity_days"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
        CheckConstraint("orders_taken >= 0 AND lines_taken >= 0 AND units_taken >= 0", name="taken"),
    )
    tenant_id: UUID = Field(primary_key=True)
    location_id: UUID = Field(primary_key=True)
    on_date: date = Field(primary_key=True)
    orders_taken: int = Field(default=0, sa_type=BigInteger)
    lines_taken: int = Field(default=0, sa_type=BigInteger)
    units_taken: int = Field(default=0, sa_type=BigInteger)


class CapacityClaim(Keyed, table=True):
    """Work of a holder (a reservation) on a location's day: units of one SKU. It lapses at `expires_at`, if ever."""

    __tablename__ = "capacity_claims"
    __table_args__ = (
        Index("ix_capacity_claims_holder", "tenant_id", "holder_id"),
        Index(
            "ix_capacity_claims_lapsing",
            "tenant_id",
            "location_id",
            "on_date",
            sqlite_where=text("expires_at IS NOT NULL"),
            postgresql_where=text("expires_at IS NOT NULL"),
        ),
        ForeignKeyConstraint(
            ["tenant_id", "location_id", "on_date"],
            ["capacity_days.tenant_id", "capacity_days.location_id", "capacity_days.on_date"],
        ),
        CheckConstraint("units > 0", name="units"),
    )
    holder_id: UUID
    location_id: UUID
    on_date: date
    sku: str
    units: int = Field(sa_type=BigInteger)
    expires_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
