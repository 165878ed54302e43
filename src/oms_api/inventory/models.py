"""Tables of the stock ledger.

`positions` is what is true now, `movements` how it came to be, `reservation_lines` who holds units. All quantities are
units, 0 to 2,147,483,647. The row of a position is the lock of everything at its SKU and location: its supplies and
the lines that hold its units change only under it.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, text
from sqlmodel import Field

from oms_api.kit import ids
from oms_api.kit.db import Choice, Instant, Keyed

POSITION = ids.Prefix("pos")
SUPPLY = ids.Prefix("sup")
RESERVATION = ids.Prefix("rsv")

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
    """Stock that is expected: `quantity` is still to come, `reserved` of it is promised already."""

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
    version: int = 1
    created_at: datetime = Field(sa_type=Instant)


class Reservation(Keyed, table=True):
    """Units held for one demand: a cart until `expires_at`, or an order (`owner_id`) for as long as it wants them."""

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


class ReservationLine(Keyed, table=True):
    """Units of one position, or of a supply that will arrive there. `asked` were reserved, `quantity` are still held.

    `expires_at` repeats the reservation's, so that a reader finds what has lapsed without a join.
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
