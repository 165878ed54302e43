"""Facts of fulfillment. `lines` are `{lineId, sku, quantity}`: the fulfillment line, and units of its SKU."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from oms_api.kit.events import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentOffered(Fact):
    """A location was given units of an order to work on."""

    order_id: str
    location_id: str
    lines: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentAccepted(Fact):
    """The location said yes."""

    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentRejected(Fact):
    """The location said no to units: they go back to the order, which looks for another place."""

    order_id: str
    location_id: str
    status: str
    reason: str
    lines: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentReassigned(Fact):
    """Units were taken from a location by hand: another one has them now."""

    order_id: str
    location_id: str
    status: str
    lines: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentOverdue(Fact):
    """It should have left by now; told once. The status says who is waited for."""

    order_id: str
    location_id: str
    status: str
    ship_by: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentCancelRequested(Fact):
    """The location had accepted and is asked to stop."""

    order_id: str
    reason: str
    lines: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentCancelRejected(Fact):
    """The location cannot stop any more; the work goes on."""

    order_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentCancelled(Fact):
    """Units were taken off a location's work, all of them when the status is CANCELLED."""

    order_id: str
    status: str
    lines: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentCreated(Fact):
    """Units left a location."""

    order_id: str
    fulfillment_id: str
    location_id: str
    lines: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentTracked(Fact):
    """A carrier told of a shipment: what, and when it says it was."""

    order_id: str
    status: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentLate(Fact):
    """It should have arrived by now; told once."""

    order_id: str
    fulfillment_id: str
    status: str
    promised_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentDelivered(Fact):
    """A shipment arrived."""

    order_id: str
    delivered_at: str
    lines: list[dict[str, Any]]
