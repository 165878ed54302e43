"""Fulfillments and shipments as they are read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from oms_api import network, orders
from oms_api.fulfillment import models, queries, rules
from oms_api.fulfillment.models import (
    FULFILLMENT,
    FULFILLMENT_LINE,
    PACKAGE,
    SHIPMENT,
    SHIPMENT_LINE,
    FulfillmentStatus,
    TrackingStatus,
)
from oms_api.kit.graphql import Info, Node, Url, add_field, describe_enum, field, found_by, node_type
from oms_api.network.graphql import Location, location_of
from oms_api.orders.graphql import AvailableAction, Order, OrderLine, line_of, order_of

describe_enum(
    FulfillmentStatus,
    "Status of a fulfillment.",
    OFFERED="Sent to the location.",
    ACCEPTED="Location said yes.",
    REJECTED="Location said no; being re-sourced.",
    CANCEL_REQUESTED="Asked to stop; the location has not answered.",
    PARTIALLY_SHIPPED="Some units left.",
    SHIPPED="Left.",
    CANCELLED="Cancelled.",
)
describe_enum(
    TrackingStatus,
    "Where a parcel is, in one vocabulary for all carriers.",
    LABEL_CREATED="Label made, not handed over.",
    IN_TRANSIT="On its way.",
    OUT_FOR_DELIVERY="On the last vehicle.",
    AVAILABLE_FOR_PICKUP="Waits for the customer.",
    DELIVERED="Arrived.",
    DELAYED="Later than said.",
    DELIVERY_FAILED="Tried, nobody there.",
    REFUSED="Receiver did not take it.",
    RETURNING="On its way back.",
    RETURNED="Back at the sender.",
    LOST="Lost.",
    DAMAGED="Damaged.",
)


@strawberry.type(description="Work of one location for one order.")
class Fulfillment(Node):
    row: strawberry.Private[models.Fulfillment]
    version: int = field(description="Version.")
    status: FulfillmentStatus = field(description="Status.")
    ship_by: datetime | None = field(
        description="Leave the location, or be ready for collection, by; null while nothing is scheduled."
    )
    rejection_reason: str | None = field(description="Reason code of the last no; null when there was none.")
    rejection_note: str | None = field(description="The last no in the location's words.")

    @field(description="Order it works for; null when the caller may not see orders.")
    async def order(self, info: Info) -> Order | None:
        if not info.context.known_caller().may("orders:read"):
            return None
        row = await info.context.load(orders.orders_by_id, self.row.order_id)
        return order_of(row) if row else None

    @field(description="What the caller may do now.")
    def actions(self, info: Info) -> list[AvailableAction]:
        may_write = info.context.known_caller().may("fulfillments:write")
        found = []
        for name in rules.STATES.table:
            fits = rules.STATES.may(name, self.row.status)
            reason = f"It is {self.row.status}." if not fits else "It needs the scope fulfillments:write."
            found.append(
                AvailableAction(name=name, allowed=fits and may_write, reason=None if fits and may_write else reason)
            )
        return found

    @field(description="Parcels that left.")
    async def shipments(self, info: Info) -> list[Shipment]:
        rows = await info.context.load(queries.shipments_of, self.row.id)
        return [shipment_of(row) for row in rows or ()]

    @field(description="Where.")
    async def location(self, info: Info) -> Location:
        row = await info.context.load(network.locations_by_id, self.row.location_id)
        assert row is not None  # a foreign key, and locations are never deleted
        return location_of(row)

    @field(description="Lines.")
    async def lines(self, info: Info) -> list[FulfillmentLine]:
        rows = await info.context.load(queries.lines_of, self.row.id)
        return [fulfillment_line_of(row) for row in rows or ()]


@strawberry.type(description="Units of one order line, or of one part of a kit, to be worked on at one location.")
class FulfillmentLine(Node):
    order_line_id: strawberry.Private[UUID]
    sku: str = field(description="SKU to pick: the line's own, a kit's part or an agreed substitute.")
    quantity: int = field(description="Units.")

    @field(description="The order line; null when the caller may not see orders.")
    async def order_line(self, info: Info) -> OrderLine | None:
        if not info.context.known_caller().may("orders:read"):
            return None
        row = await info.context.load(orders.lines_by_id, self.order_line_id)
        return line_of(row) if row else None


@strawberry.type(description="Units that leave together: one handover to one carrier, or to the customer.")
class Shipment(Node):
    row: strawberry.Private[models.Shipment]
    version: int = field(description="Version.")
    carrier: str | None = field(description="Carrier; null at a counter, or while the label is being bought.")
    tracking_number: str | None = field(
        description="Number of the shipment as a whole; the only package's when there is one."
    )
    tracking_url: Url | None = field(description="Page.")
    delivered_at: datetime | None = field(description="Arrived.")
    status: TrackingStatus = field(description="Where it is.")

    @field(description="Work it comes from.")
    async def fulfillments(self, info: Info) -> list[Fulfillment]:
        row = await info.context.load(queries.fulfillments_by_id, self.row.fulfillment_id)
        return [fulfillment_of(row)] if row else []

    @field(description="Its pieces, one or more.")
    async def packages(self, info: Info) -> list[Package]:
        rows = await info.context.load(queries.packages_of, self.row.id)
        return [package_of(row) for row in rows or ()]

    @field(description="What is in it.")
    async def lines(self, info: Info) -> list[ShipmentLine]:
        rows = await info.context.load(queries.shipment_lines_of, self.row.id)
        return [shipment_line_of(row) for row in rows or ()]

    @field(description="Scans, newest first.")
    async def scans(self, info: Info) -> list[TrackingScan]:
        rows = await info.context.load(queries.scans_of, self.row.id)
        return [TrackingScan(status=row.status, at=row.at, place=row.place) for row in rows or ()]


@strawberry.type(description="Units in a shipment.")
class ShipmentLine(Node):
    fulfillment_line_id: strawberry.Private[UUID]
    sku: str = field(description="SKU.")
    quantity: int = field(description="Units.")

    @field(description="The work it comes from.")
    async def fulfillment_line(self, info: Info) -> FulfillmentLine:
        row = await info.context.load(queries.lines_by_id, self.fulfillment_line_id)
        assert row is not None  # a foreign key
        return fulfillment_line_of(row)


@strawberry.type(description="A piece of a shipment.")
class Package(Node):
    row: strawberry.Private[models.Package]
    tracking_number: str | None = field(description="Number.")
    tracking_url: Url | None = field(description="Page.")

    @field(description="What is in it.")
    async def lines(self, info: Info) -> list[ShipmentLine]:
        rows = await info.context.load(queries.shipment_lines_of, self.row.shipment_id)
        return [shipment_line_of(row) for row in rows or () if row.package_id == self.row.id]


@strawberry.type(description="One scan.")
class TrackingScan:
    status: TrackingStatus = field(description="What.")
    at: datetime = field(description="When.")
    place: str | None = field(description="Where, in the carrier's words.")


def _url(text: str | None) -> Url | None:
    return None if text is None else Url(text)


def fulfillment_of(row: models.Fulfillment) -> Fulfillment:
    return Fulfillment(
        id=strawberry.ID(FULFILLMENT(row.id)),
        row=row,
        version=row.version,
        status=row.status,
        ship_by=row.ship_by,
        rejection_reason=row.rejection_reason,
        rejection_note=row.rejection_note,
    )


def fulfillment_line_of(row: models.FulfillmentLine) -> FulfillmentLine:
    """Cancelled and moved units have left the work and do not count."""
    return FulfillmentLine(
        id=strawberry.ID(FULFILLMENT_LINE(row.id)),
        order_line_id=row.order_line_id,
        sku=row.sku,
        quantity=row.quantity - row.cancelled,
    )


def shipment_of(row: models.Shipment) -> Shipment:
    return Shipment(
        id=strawberry.ID(SHIPMENT(row.id)),
        row=row,
        version=row.version,
        carrier=row.carrier,
        tracking_number=row.tracking_number,
        tracking_url=_url(row.tracking_url),
        delivered_at=row.delivered_at,
        status=row.status,
    )


def shipment_line_of(row: models.ShipmentLine) -> ShipmentLine:
    return ShipmentLine(
        id=strawberry.ID(SHIPMENT_LINE(row.id)),
        fulfillment_line_id=row.fulfillment_line_id,
        sku=row.sku,
        quantity=row.quantity,
    )


def package_of(row: models.Package) -> Package:
    return Package(
        id=strawberry.ID(PACKAGE(row.id)),
        row=row,
        tracking_number=row.tracking_number,
        tracking_url=_url(row.tracking_url),
    )


_SCOPE = "fulfillments:read"
node_type(FULFILLMENT, Fulfillment, scope=_SCOPE, find=found_by(queries.fulfillments_by_id, fulfillment_of))
node_type(FULFILLMENT_LINE, FulfillmentLine, scope=_SCOPE, find=found_by(queries.lines_by_id, fulfillment_line_of))
node_type(SHIPMENT, Shipment, scope=_SCOPE, find=found_by(queries.shipments_by_id, shipment_of))
node_type(SHIPMENT_LINE, ShipmentLine, scope=_SCOPE, find=found_by(queries.shipment_lines_by_id, shipment_line_of))
node_type(PACKAGE, Package, scope=_SCOPE, find=found_by(queries.packages_by_id, package_of))


async def _fulfillments(self: Any, info: Info) -> list[Fulfillment]:
    rows: Sequence[models.Fulfillment] | None = await info.context.load(
        queries.fulfillments_of, orders.ORDER.parse(self.id)
    )
    return [fulfillment_of(row) for row in rows or ()]


add_field(Order, "fulfillments", field(_fulfillments, description="Work at the locations."))
