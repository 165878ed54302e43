"""Tables of the stock ledger.

`positions` is what is true now, `movements` how it came to be, `reservation_lines` who holds units, `stock_rules` what
is kept back. All quantities are units, 0 to 2,147,483,647. The row of a position is the lock of everything at its SKU
and location: its supplies and the lines that hold its units change only under it.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, text
from sqlmodel import Field

from oms_api.kit import ids
from oms_api.kit.db import Choice, Instant, Json, Keyed

POSITION = ids.Prefix("pos")
SUPPLY = ids.Prefix("sup")
RESERVATION = ids.Prefix("rsv")
STOCK_RULE = ids.Prefix("rul")

UNITS_MAX = 2**31 - 1


class StockBucket(StrEnum):
    AVAILABLE = "AVAILABLE"
    DAMAGED = "DAMAGED"
    QUALITY_CONTROL = "QUALITY_CONTROL"
    IN_TRANSFER = "IN_TRANSFER"


class SupplyKind(StrEnum):
    PURCHASE = "PURCHASE"
    TRANSFER = "TRANSFER"
    IN_TRANSIT = "IN_TRANSIT"
    PRODUCTION = "PRODUCTION"
    RETURN = "RETURN"


class CountState(StrEnum):
    """BOOKED: the position says what was counted. RECOUNT: too far off to be believed once, so that somebody counts
    again; RECOUNTED: somebody did."""

    BOOKED = "BOOKED"
    RECOUNT = "RECOUNT"
    RECOUNTED = "RECOUNTED"


class StockRuleKind(StrEnum):
    """SAFETY_STOCK: units at a location that are never promised. THRESHOLD: units that a channel withholds of the sum
    over its locations. MAX_PER_DAY: units that may be promised in a UTC day, at a location or in a channel."""

    SAFETY_STOCK = "SAFETY_STOCK"
    THRESHOLD = "THRESHOLD"
    MAX_PER_DAY = "MAX_PER_DAY"


class ReservationState(StrEnum):
    """OPEN holds units. RELEASED: let go by somebody; EXPIRED: by time; CLOSED: its order holds none any more."""

    OPEN = "OPEN"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"
    CLOSED = "CLOSED"


# bucket → the column of `positions` that counts it
COLUMNS = {
    StockBucket.AVAILABLE: "on_hand",
    StockBucket.DAMAGED: "damaged",
    StockBucket.QUALITY_CONTROL: "quality_control",
    StockBucket.IN_TRANSFER: "in_transfer",
}


class Position(Keyed, table=True):
    """One SKU at one location. `on_hand` is there and usable; it may fall below `reserved` (then it is short)."""

    __tablename__ = "positions"
    __table_args__ = (
        Index("uq_positions_key", "tenant_id", "sku", "location_id", unique=True),
        Index("ix_positions_location", "tenant_id", "location_id", "sku"),
        ForeignKeyConstraint(["tenant_id", "sku"], ["skus.tenant_id", "skus.code"]),
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
        *(
            CheckConstraint(f"{name} >= 0 AND {name} <= {UNITS_MAX}", name=name)
            for name in ("on_hand", "reserved", "damaged", "quality_control", "in_transfer", "safety_stock")
        ),
    )
    sku: str
    location_id: UUID
    on_hand: int = Field(default=0, sa_type=BigInteger)
    reserved: int = Field(default=0, sa_type=BigInteger)
    damaged: int = Field(default=0, sa_type=BigInteger)
    quality_control: int = Field(default=0, sa_type=BigInteger)
    in_transfer: int = Field(default=0, sa_type=BigInteger)
    safety_stock: int = Field(default=0, sa_type=BigInteger)
    updated_at: datetime = Field(sa_type=Instant)


class Movement(Keyed, table=True):
    """Units came to a bucket of a position or left it; never changed, never deleted. `source` is what caused it."""

    __tablename__ = "movements"
    __table_args__ = (
        Index("ix_movements_position", "tenant_id", "sku", "location_id", "id"),
        ForeignKeyConstraint(
            ["tenant_id", "sku", "location_id"], ["positions.tenant_id", "positions.sku", "positions.location_id"]
        ),
        CheckConstraint("delta <> 0", name="delta"),
    )
    sku: str
    location_id: UUID
    bucket: StockBucket = Field(sa_type=Choice(StockBucket))
    delta: int = Field(sa_type=BigInteger)
    reason: str
    reference_url: str | None = None
    source_type: str | None = None
    source_id: UUID | None = None
    created_at: datetime = Field(sa_type=Instant)


class Supply(Keyed, table=True):
    """Stock that is expected: `quantity` is still to come, `reserved` of it is promised already.

    Promises lean on `confident_at` when it is known, else on `expected_at`. `late_at` is when it was told that it is
    overdue, null while it is not. `origin` names what brings it when it was announced because units of it were sold
    (null: somebody announced it), on the day `capacity_on` of that origin; `takes` is what each unit of it is made or
    moved from, `[[sku, location id, units], …]`: these are IN_TRANSFER until it comes.
    """

    __tablename__ = "supplies"
    __table_args__ = (
        Index("uq_supplies_reference", "tenant_id", "reference", unique=True),
        Index(
            "ix_supplies_coming",
            "tenant_id",
            "sku",
            "location_id",
            sqlite_where=text("quantity > 0"),
            postgresql_where=text("quantity > 0"),
        ),
        Index(
            "ix_supplies_overdue",
            "expected_at",
            sqlite_where=text("quantity > 0 AND late_at IS NULL"),
            postgresql_where=text("quantity > 0 AND late_at IS NULL"),
        ),
        Index(
            "ix_supplies_origin",
            "tenant_id",
            "origin",
            "capacity_on",
            sqlite_where=text("origin IS NOT NULL"),
            postgresql_where=text("origin IS NOT NULL"),
        ),
        ForeignKeyConstraint(
            ["tenant_id", "sku", "location_id"], ["positions.tenant_id", "positions.sku", "positions.location_id"]
        ),
        *(
            CheckConstraint(f"{name} >= 0 AND {name} <= {UNITS_MAX}", name=name)
            for name in ("quantity", "reserved", "received")
        ),
    )
    reference: str
    sku: str
    location_id: UUID
    kind: SupplyKind = Field(sa_type=Choice(SupplyKind))
    quantity: int = Field(sa_type=BigInteger)
    reserved: int = Field(default=0, sa_type=BigInteger)
    received: int = Field(default=0, sa_type=BigInteger)
    expected_at: datetime = Field(sa_type=Instant)
    confident_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    late_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    origin: str | None = None
    capacity_on: date | None = None
    takes: list[list[Any]] | None = Field(default=None, sa_type=Json, nullable=True)
    version: int = 1
    created_at: datetime = Field(sa_type=Instant)


class Reservation(Keyed, table=True):
    """Units held for one demand: a cart until `expires_at`, or an order (`owner_id`) for as long as it wants them.

    `demand_class`: as whose demand it was held; what that means is not known here.
    """

    __tablename__ = "reservations"
    __table_args__ = (
        Index("ix_reservations_owner", "tenant_id", "owner_id"),
        CheckConstraint("(owner_id IS NULL) <> (expires_at IS NULL)", name="owner"),
    )
    state: ReservationState = Field(sa_type=Choice(ReservationState))
    owner_id: UUID | None = None
    expires_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    version: int = 1
    created_at: datetime = Field(sa_type=Instant)
    demand_class: str | None = None


class ReservationLine(Keyed, table=True):
    """Units of one position, or of a supply that will arrive there. `asked` were reserved, `quantity` are still held.

    `expires_at` repeats the reservation's, so that a reader finds what has lapsed without a join. `floats`: held for
    the channel as a whole; where it stands now is nobody's promise until it is pinned. `counted_on` is the UTC day
    whose MAX_PER_DAY it counts against (null: no such rule), at its `counted_at` and in its `counted_for`. `ship_by`
    and `deliver_by` (a local date) are when its units were promised to leave and to arrive, for who asks later.
    `rationed`: it is counted somewhere else too, in shares of its SKU; null: from before that was written down.
    """

    __tablename__ = "reservation_lines"
    __table_args__ = (
        Index("ix_reservation_lines_reservation", "tenant_id", "reservation_id"),
        Index(
            "ix_reservation_lines_lapsing",
            "tenant_id",
            "sku",
            "expires_at",
            sqlite_where=text("quantity > 0 AND expires_at IS NOT NULL"),
            postgresql_where=text("quantity > 0 AND expires_at IS NOT NULL"),
        ),
        # "at least 1", not "more than 0": what looks for lapsed lines has a better index and must not take this one
        Index(
            "ix_reservation_lines_held",
            "tenant_id",
            "sku",
            "location_id",
            "id",
            sqlite_where=text("quantity >= 1 AND supply_id IS NULL"),
            postgresql_where=text("quantity >= 1 AND supply_id IS NULL"),
        ),
        Index(
            "ix_reservation_lines_supply",
            "tenant_id",
            "supply_id",
            sqlite_where=text("quantity > 0 AND supply_id IS NOT NULL"),
            postgresql_where=text("quantity > 0 AND supply_id IS NOT NULL"),
        ),
        ForeignKeyConstraint(["tenant_id", "reservation_id"], ["reservations.tenant_id", "reservations.id"]),
        ForeignKeyConstraint(["tenant_id", "supply_id"], ["supplies.tenant_id", "supplies.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "sku", "location_id"], ["positions.tenant_id", "positions.sku", "positions.location_id"]
        ),
        CheckConstraint(f"quantity >= 0 AND asked > 0 AND quantity <= asked AND asked <= {UNITS_MAX}", name="quantity"),
    )
    reservation_id: UUID
    sku: str
    location_id: UUID
    supply_id: UUID | None = None
    asked: int = Field(sa_type=BigInteger)
    quantity: int = Field(sa_type=BigInteger)
    line_id: UUID | None = None
    expires_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    floats: bool | None = None
    counted_on: date | None = None
    counted_at: UUID | None = None
    counted_for: str | None = None
    ship_by: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    deliver_by: date | None = None
    rationed: bool | None = None


class StockRule(Keyed, table=True):
    """Units kept back, or allowed a day, from `starts_at` until `ends_at` (null: open). The most specific one wins.

    SAFETY_STOCK is of a SKU, of one at a location, or of one at a location by a delivery method; THRESHOLD of a SKU in
    a channel (a handle); MAX_PER_DAY of a SKU at a location or in a channel. `handle` is the tenant's name of it.
    """

    __tablename__ = "stock_rules"
    __table_args__ = (
        Index("uq_stock_rules_handle", "tenant_id", "handle", unique=True),
        Index("ix_stock_rules_sku", "tenant_id", "sku", "location_id"),
        ForeignKeyConstraint(["tenant_id", "sku"], ["skus.tenant_id", "skus.code"]),
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
        ForeignKeyConstraint(["tenant_id", "channel"], ["channels.tenant_id", "channels.handle"]),
        CheckConstraint(f"units >= 0 AND units <= {UNITS_MAX}", name="units"),
        CheckConstraint("method IS NULL OR location_id IS NOT NULL", name="method"),
        CheckConstraint("location_id IS NULL OR channel IS NULL", name="scope"),
        CheckConstraint("ends_at IS NULL OR starts_at IS NULL OR ends_at > starts_at", name="box"),
    )
    handle: str
    kind: StockRuleKind = Field(sa_type=Choice(StockRuleKind))
    sku: str
    location_id: UUID | None = None
    method: str | None = None
    channel: str | None = None
    units: int = Field(sa_type=BigInteger)
    starts_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    ends_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    updated_at: datetime = Field(sa_type=Instant)


class StockDay(Keyed, table=True):
    """Units of a SKU that were promised on a UTC day where a MAX_PER_DAY rule counts: at a location or in a channel.

    `scope` is the location's or channel's name: `location:<hex>` or `channel:<handle>`.
    """

    __tablename__ = "stock_days"
    __table_args__ = (
        Index("uq_stock_days_key", "tenant_id", "sku", "day", "scope", unique=True),
        ForeignKeyConstraint(["tenant_id", "sku"], ["skus.tenant_id", "skus.code"]),
        CheckConstraint("promised >= 0", name="promised"),
    )
    sku: str
    day: date
    scope: str
    promised: int = Field(default=0, sa_type=BigInteger)


class StockCount(Keyed, table=True):
    """What was counted in a bucket of a position, and what its books said then. A second count settles a RECOUNT."""

    __tablename__ = "stock_counts"
    __table_args__ = (
        Index("ix_stock_counts_position", "tenant_id", "sku", "location_id", "id"),
        Index(
            "ix_stock_counts_recount",
            "tenant_id",
            "sku",
            "location_id",
            sqlite_where=text("state = 'RECOUNT'"),
            postgresql_where=text("state = 'RECOUNT'"),
        ),
        ForeignKeyConstraint(
            ["tenant_id", "sku", "location_id"], ["positions.tenant_id", "positions.sku", "positions.location_id"]
        ),
        CheckConstraint(f"counted >= 0 AND counted <= {UNITS_MAX}", name="counted"),
    )
    sku: str
    location_id: UUID
    bucket: StockBucket = Field(sa_type=Choice(StockBucket))
    counted: int = Field(sa_type=BigInteger)
    booked: int = Field(sa_type=BigInteger)
    reason: str
    state: CountState = Field(sa_type=Choice(CountState))
    created_at: datetime = Field(sa_type=Instant)
