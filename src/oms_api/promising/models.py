"""Words of promising. It has no tables: positions, supplies and reservations are inventory's."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


class AvailabilityStatus(StrEnum):
    IN_STOCK = "IN_STOCK"
    LOW = "LOW"
    BACKORDER = "BACKORDER"
    OUT_OF_STOCK = "OUT_OF_STOCK"


class RejectionReason(StrEnum):
    NO_STOCK = "NO_STOCK"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    CLOSED = "CLOSED"
    TOO_LATE = "TOO_LATE"
    DEARER = "DEARER"


class ShortagePolicy(StrEnum):
    REJECT = "REJECT"
    BACKORDER = "BACKORDER"
    PARTIAL = "PARTIAL"


class DeliveryMethod(StrEnum):
    SHIPPING = "SHIPPING"
    PICKUP = "PICKUP"
    DIGITAL = "DIGITAL"
    SERVICE = "SERVICE"


class Line(NamedTuple):
    """Units wanted of a SKU, as it is sold: a kit is named, not its components."""

    sku: str
    quantity: int


class Destination(NamedTuple):
    """Where to: ISO 3166-1 alpha-2 country and postal code."""

    country: str
    postal_code: str | None = None


class PlannedUnits(NamedTuple):
    """Units of one stocked SKU in a parcel. `line_index` is the line that wants them (of a kit: its component's units);
    `supply_id` the supply that they wait for, None when they are on hand."""

    sku: str
    quantity: int
    line_index: int
    supply_id: UUID | None = None


class Parcel(NamedTuple):
    """What one location sends, or hands over, together. `safety` is the location's own safety stock when planned;
    `service` None for pick-up; `delivered_by` the local date of arrival, or from which it can be collected."""

    location_id: UUID
    safety: int
    method: DeliveryMethod
    service: str | None
    ship_by: datetime
    delivered_by: date
    lines: tuple[PlannedUnits, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """A plan that can be held: what a token carries. Lines without units in any parcel are digital, services or short.

    `channel` is its handle; `pickup` the location where all is collected, None when it is sent.
    """

    channel: str
    lines: tuple[Line, ...]
    destination: Destination | None
    pickup: UUID | None
    parcels: tuple[Parcel, ...]
    expires_at: datetime

    @property
    def delivered_by(self) -> date | None:
        """Last arrival; None when nothing is sent or collected."""
        return max((parcel.delivered_by for parcel in self.parcels), default=None)
