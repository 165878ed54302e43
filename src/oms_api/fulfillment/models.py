"""Tables of fulfillment."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, text
from sqlmodel import Field

from oms_api.kit import ids
from oms_api.kit.db import Choice, Instant, Keyed

FULFILLMENT = ids.Prefix("ful")
FULFILLMENT_LINE = ids.Prefix("ffl")
SHIPMENT = ids.Prefix("shp")
SHIPMENT_LINE = ids.Prefix("shl")
PACKAGE = ids.Prefix("pkg")
CANCELLATION = ids.Prefix("ccl")

_DUE = text("due_at IS NOT NULL")


class FulfillmentStatus(StrEnum):
    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    CANCEL_REQUESTED = "CANCEL_REQUESTED"
    PARTIALLY_SHIPPED = "PARTIALLY_SHIPPED"
    SHIPPED = "SHIPPED"
    CANCELLED = "CANCELLED"


class TrackingStatus(StrEnum):
    LABEL_CREATED = "LABEL_CREATED"
    IN_TRANSIT = "IN_TRANSIT"
    OUT_FOR_DELIVERY = "OUT_FOR_DELIVERY"
    AVAILABLE_FOR_PICKUP = "AVAILABLE_FOR_PICKUP"
    DELIVERED = "DELIVERED"
    DELAYED = "DELAYED"
    DELIVERY_FAILED = "DELIVERY_FAILED"
    REFUSED = "REFUSED"
    RETURNING = "RETURNING"
    RETURNED = "RETURNED"
    LOST = "LOST"
    DAMAGED = "DAMAGED"


class RefundTarget(StrEnum):
    ORIGINAL_PAYMENT = "ORIGINAL_PAYMENT"
    NONE = "NONE"


class CancellationState(StrEnum):
    """ASKED waits for the location; DONE and REFUSED are for good."""

    ASKED = "ASKED"
    DONE = "DONE"
    REFUSED = "REFUSED"


class Fulfillment(Keyed, table=True):
    """Work of one location for one delivery group of an order. `accepted_at` stays when cancellation is asked for.

    `ship_by` is when it was promised to leave, `deliver_by` (a local date) to arrive. `due_at` is when somebody is told
    that it is late: null once it was told, or nothing is left to do. `rejected_at`, `rejection_…`: the last no.
    """

    __tablename__ = "fulfillments"
    __table_args__ = (
        Index("ix_fulfillments_order", "tenant_id", "order_id"),
        Index("ix_fulfillments_location", "tenant_id", "location_id", "status"),
        Index("ix_fulfillments_due", "due_at", sqlite_where=_DUE, postgresql_where=_DUE),
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        ForeignKeyConstraint(["tenant_id", "delivery_group_id"], ["delivery_groups.tenant_id", "delivery_groups.id"]),
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
    )
    order_id: UUID
    delivery_group_id: UUID
    location_id: UUID
    status: FulfillmentStatus = Field(sa_type=Choice(FulfillmentStatus))
    accepted_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    rejected_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    rejection_reason: str | None = None
    rejection_note: str | None = None
    ship_by: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    deliver_by: date | None = None
    due_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    version: int = Field(sa_type=BigInteger)
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class FulfillmentLine(Keyed, table=True):
    """Units of one SKU for one order line. All figures are cumulative units of the SKU.

    `quantity` were given to the location, of these `shipped` left, `cancelled` were taken back, `asked` wait for the
    location's answer to a cancellation, and of the shipped `delivered` arrived. Of the cancelled `moved` went back to
    the order for another location; the others are cancelled in the order. `per_unit` units of the SKU are in one
    unit of the order line: more than 1 only for parts of a kit.
    """

    __tablename__ = "fulfillment_lines"
    __table_args__ = (
        Index("ix_fulfillment_lines_order", "tenant_id", "order_id"),
        Index("ix_fulfillment_lines_fulfillment", "tenant_id", "fulfillment_id"),
        ForeignKeyConstraint(["tenant_id", "fulfillment_id"], ["fulfillments.tenant_id", "fulfillments.id"]),
        ForeignKeyConstraint(["tenant_id", "order_line_id"], ["order_lines.tenant_id", "order_lines.id"]),
        ForeignKeyConstraint(["tenant_id", "sku"], ["skus.tenant_id", "skus.code"]),
        CheckConstraint("quantity > 0 AND per_unit > 0", name="quantity"),
        CheckConstraint(
            "shipped >= 0 AND cancelled >= 0 AND asked >= 0 AND shipped + cancelled + asked <= quantity", name="units"
        ),
        CheckConstraint("delivered >= 0 AND delivered <= shipped", name="delivered"),
    )
    order_id: UUID
    fulfillment_id: UUID
    order_line_id: UUID
    sku: str
    per_unit: int = Field(sa_type=BigInteger)
    quantity: int = Field(sa_type=BigInteger)
    shipped: int = Field(default=0, sa_type=BigInteger)
    cancelled: int = Field(default=0, sa_type=BigInteger)
    asked: int = Field(default=0, sa_type=BigInteger)
    delivered: int = Field(default=0, sa_type=BigInteger)
    moved: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})

    @property
    def given(self) -> int:
        """Units that are or were this location's to send, those that another location got instead left out."""
        return self.quantity - self.moved

    @property
    def called_off(self) -> int:
        """Units that were cancelled in the order."""
        return self.cancelled - self.moved

    @property
    def remaining(self) -> int:
        """Units that have neither left nor been cancelled, asked ones included."""
        return self.quantity - self.shipped - self.cancelled

    @property
    def free(self) -> int:
        """Remaining units whose cancellation nobody has asked for."""
        return self.remaining - self.asked


class Shipment(Keyed, table=True):
    """Units that left together. `status_at` is the instant of the scan that gave `status`; `due_at` when somebody is
    told that it has not arrived, null once it was told or it has."""

    __tablename__ = "shipments"
    __table_args__ = (
        Index("ix_shipments_order", "tenant_id", "order_id"),
        Index("ix_shipments_fulfillment", "tenant_id", "fulfillment_id"),
        Index("ix_shipments_tracking_number", "tenant_id", "tracking_number"),
        Index("ix_shipments_due", "due_at", sqlite_where=_DUE, postgresql_where=_DUE),
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        ForeignKeyConstraint(["tenant_id", "fulfillment_id"], ["fulfillments.tenant_id", "fulfillments.id"]),
    )
    order_id: UUID
    fulfillment_id: UUID
    status: TrackingStatus = Field(sa_type=Choice(TrackingStatus))
    status_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    carrier: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None
    pickup_code: str | None = None
    delivered_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    due_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    version: int = Field(sa_type=BigInteger)
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class Package(Keyed, table=True):
    """A piece of a shipment."""

    __tablename__ = "packages"
    __table_args__ = (
        Index("ix_packages_shipment", "tenant_id", "shipment_id"),
        ForeignKeyConstraint(["tenant_id", "shipment_id"], ["shipments.tenant_id", "shipments.id"]),
    )
    shipment_id: UUID
    tracking_number: str | None = None
    tracking_url: str | None = None


class ShipmentLine(Keyed, table=True):
    """Units of a fulfillment line in a package. Never changes."""

    __tablename__ = "shipment_lines"
    __table_args__ = (
        Index("ix_shipment_lines_shipment", "tenant_id", "shipment_id"),
        Index("ix_shipment_lines_order_line", "tenant_id", "order_line_id"),
        ForeignKeyConstraint(["tenant_id", "shipment_id"], ["shipments.tenant_id", "shipments.id"]),
        ForeignKeyConstraint(["tenant_id", "package_id"], ["packages.tenant_id", "packages.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "fulfillment_line_id"], ["fulfillment_lines.tenant_id", "fulfillment_lines.id"]
        ),
        CheckConstraint("quantity > 0", name="quantity"),
    )
    shipment_id: UUID
    package_id: UUID
    fulfillment_line_id: UUID
    order_line_id: UUID
    sku: str
    per_unit: int = Field(sa_type=BigInteger)
    quantity: int = Field(sa_type=BigInteger)


class TrackingScan(Keyed, table=True):
    """What a carrier said of a shipment; the same status at the same instant is the same scan."""

    __tablename__ = "tracking_scans"
    __table_args__ = (
        Index("uq_tracking_scans_scan", "tenant_id", "shipment_id", "status", "at", unique=True),
        ForeignKeyConstraint(["tenant_id", "shipment_id"], ["shipments.tenant_id", "shipments.id"]),
    )
    shipment_id: UUID
    status: TrackingStatus = Field(sa_type=Choice(TrackingStatus))
    at: datetime = Field(sa_type=Instant)
    place: str | None = None


class Cancellation(Keyed, table=True):
    """Units taken off an order at one moment, and the cause under which their money goes back.

    With a fulfillment: what its location was asked, ASKED until it answers.
    """

    __tablename__ = "cancellations"
    __table_args__ = (
        Index("ix_cancellations_order", "tenant_id", "order_id"),
        Index("ix_cancellations_fulfillment", "tenant_id", "fulfillment_id"),
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        ForeignKeyConstraint(["tenant_id", "fulfillment_id"], ["fulfillments.tenant_id", "fulfillments.id"]),
    )
    order_id: UUID
    fulfillment_id: UUID | None = None
    state: CancellationState = Field(sa_type=Choice(CancellationState))
    reason: str
    refund_to: RefundTarget = Field(sa_type=Choice(RefundTarget))
    created_at: datetime = Field(sa_type=Instant)
    answered_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
