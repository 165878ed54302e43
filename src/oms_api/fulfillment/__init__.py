"""The work of locations: what an order's units have to do with a place, from the offer to the customer's door.

A fulfillment is the work of one location for one delivery group of an order: OFFERED, ACCEPTED, PARTIALLY_SHIPPED,
SHIPPED; REJECTED when the location says no and nothing of it left; asked to stop it is CANCEL_REQUESTED until the
location answers; CANCELLED when nothing is left of it. Its shipments are what left together; a shipment is tracked
until it is DELIVERED. Cancelling an order lives here, because a location that has accepted must agree. This domain
refuses to choose locations (promising did) and to know carriers' protocols: scans arrive as they are told.
"""

from oms_api.fulfillment.events import (
    FulfillmentAccepted,
    FulfillmentCancelled,
    FulfillmentCancelRejected,
    FulfillmentCancelRequested,
    FulfillmentOffered,
    FulfillmentOverdue,
    FulfillmentReassigned,
    FulfillmentRejected,
    ShipmentCreated,
    ShipmentDelivered,
    ShipmentLate,
    ShipmentTracked,
)
from oms_api.fulfillment.models import FULFILLMENT, FULFILLMENT_LINE, SHIPMENT, Fulfillment, FulfillmentLine, Shipment
from oms_api.fulfillment.queries import deliveries
from oms_api.fulfillment.rules import not_a_code
from oms_api.fulfillment.service import cancel_order, plan, ship, track

__all__ = [
    "FULFILLMENT",
    "FULFILLMENT_LINE",
    "SHIPMENT",
    "Fulfillment",
    "FulfillmentAccepted",
    "FulfillmentCancelRejected",
    "FulfillmentCancelRequested",
    "FulfillmentCancelled",
    "FulfillmentLine",
    "FulfillmentOffered",
    "FulfillmentOverdue",
    "FulfillmentReassigned",
    "FulfillmentRejected",
    "Shipment",
    "ShipmentCreated",
    "ShipmentDelivered",
    "ShipmentLate",
    "ShipmentTracked",
    "cancel_order",
    "deliveries",
    "not_a_code",
    "plan",
    "ship",
    "track",
]
