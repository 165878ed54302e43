"""Mutations of fulfillment, and `orderCancel`, which must ask the locations."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry import UNSET

from oms_api import orders
from oms_api.fulfillment import queries, service
from oms_api.fulfillment.graphql.objects import Fulfillment, Shipment, fulfillment_of, shipment_of
from oms_api.fulfillment.models import (
    FULFILLMENT,
    FULFILLMENT_LINE,
    SHIPMENT,
    RefundTarget,
    TrackingStatus,
)
from oms_api.kit.db import Tx
from oms_api.kit.graphql import Info, Outcome, Payload, Url, describe_enum, field, mutation
from oms_api.orders.graphql import OrderPayload, OrderRef, preview, resolve_ref

describe_enum(
    RefundTarget,
    "Where money goes back to.",
    ORIGINAL_PAYMENT="The payments it came from, last first.",
    NONE="Nowhere yet: it shows as negative `outstanding`.",
)


@strawberry.input(description="Location says yes.")
class FulfillmentAcceptInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    id: strawberry.ID = field(description="Fulfillment.")
    expected_version: int | None = field(default=UNSET, description="Guard.")


@strawberry.input(description="Agree to cancel.")
class FulfillmentCancelAcceptInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    id: strawberry.ID = field(description="Fulfillment.")
    expected_version: int | None = field(default=UNSET, description="Guard.")


@strawberry.input(description="Refuse to cancel.")
class FulfillmentCancelRejectInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    id: strawberry.ID = field(description="Fulfillment.")
    expected_version: int | None = field(default=UNSET, description="Guard.")
    reason: str = field(description="Code of the tenant: `ALREADY_PACKED`.")


@strawberry.input(description="Location says no, to all or to some units.")
class FulfillmentRejectInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    id: strawberry.ID = field(description="Fulfillment.")
    expected_version: int | None = field(default=UNSET, description="Guard.")
    lines: list[FulfillmentLineQuantityInput] | None = field(
        default=UNSET,
        description="Only these units; all when absent. Of a kit whole units go back, also elsewhere.",
    )
    reason: str = field(
        description="Reason code; the stock figure stays as it is, `inventoryAdjust` corrects it when it is wrong."
    )
    note: str | None = field(default=UNSET, description="In words.")


@strawberry.input(description="Move to another location.")
class FulfillmentReassignInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    id: strawberry.ID = field(description="Fulfillment.")
    expected_version: int | None = field(default=UNSET, description="Guard.")
    location: str | None = field(
        default=UNSET, description="Handle of the new location; the planner chooses when absent."
    )
    reason: str | None = field(default=UNSET, description="Why: a reason code.")


@strawberry.type(description="Answer.")
class FulfillmentPayload(Payload):
    fulfillment: Fulfillment | None = field(default=None, description="The fulfillment.")

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> FulfillmentPayload:
        row = await info.context.load(queries.fulfillments_by_id, outcome.ids[0])
        return FulfillmentPayload(fulfillment=fulfillment_of(row) if row else None)


@strawberry.input(description="Ship.")
class ShipmentCreateInput:
    idempotency_key: str = field(description="Required: a label is bought and money may be captured.")
    fulfillment_id: strawberry.ID = field(description="Fulfillment.")
    lines: list[FulfillmentLineQuantityInput] | None = field(
        default=UNSET, description="Units; all that are left when absent."
    )
    shipping: ShippingInput = field(description="How the units leave.")
    dry_run: bool = field(default=False, description="Check everything, buy and change nothing.")


@strawberry.input(description="Units of a fulfillment line.")
class FulfillmentLineQuantityInput:
    fulfillment_line_id: strawberry.ID = field(description="`FulfillmentLine.id`.")
    quantity: int = field(description="Units.")


@strawberry.input(one_of=True, description="Exactly one way to leave.")
class ShippingInput:
    tracking: TrackingInput | None = field(default=UNSET, description="Your own label.")
    handover: HandoverInput | None = field(default=UNSET, description="Handed over at the counter, or by own vehicle.")


@strawberry.input(description="Hand over without a carrier.")
class HandoverInput:
    pickup_code: str | None = field(
        default=UNSET, description="Code the customer showed, when the location asks for one."
    )


@strawberry.input(description="Tracking of your own.")
class TrackingInput:
    carrier: str = field(description="Carrier.")
    number: str = field(description="Number.")
    url: Url | None = field(default=UNSET, description="Page.")


@strawberry.input(description="A scan.")
class ShipmentTrackInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    id: strawberry.ID = field(description="Shipment.")
    status: TrackingStatus = field(description="What.")
    at: datetime = field(description="When.")
    place: str | None = field(default=UNSET, description="Where, in the carrier's words.")


@strawberry.type(description="Answer.")
class ShipmentPayload(Payload):
    shipment: Shipment | None = field(default=None, description="The shipment.")

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> ShipmentPayload:
        if not outcome.ids:  # a dry run made none
            return ShipmentPayload()
        row = await info.context.load(queries.shipments_by_id, outcome.ids[0])
        return ShipmentPayload(shipment=shipment_of(row) if row else None)


@strawberry.input(description="Units of a line.")
class LineQuantityInput:
    line_id: strawberry.ID = field(description="`OrderLine.id`.")
    quantity: int = field(description="Units.")


@strawberry.input(description="Cancel all or some.")
class OrderCancelInput:
    idempotency_key: str = field(description="Required: money may move.")
    order: OrderRef = field(description="The order.")
    expected_version: int | None = field(default=UNSET, description="Guard.")
    lines: list[LineQuantityInput] | None = field(
        default=UNSET,
        description="When absent, every unit that has not left is cancelled and the rest stays (INVALID_TRANSITION "
        "when all have left); a named unit that has left is EXCEEDS_REMAINING and nothing is cancelled; units at a "
        "location that has accepted are cancelled only when it agrees, until then the fulfillment is CANCEL_REQUESTED.",
    )
    reason: str = field(description="Reason code of the tenant.")
    refund_to: RefundTarget = field(
        default=RefundTarget.ORIGINAL_PAYMENT,
        description="What to do with captured money; authorized money is let go in any case.",
    )
    dry_run: bool = field(default=False, description="Check only.")


def _or_none(value: Any) -> Any:
    return None if value is UNSET else value


def _units(lines: list[FulfillmentLineQuantityInput] | None) -> list[tuple[UUID, int]] | None:
    if not isinstance(lines, list):
        return None
    return [(FULFILLMENT_LINE.parse(line.fulfillment_line_id), line.quantity) for line in lines]


def _done(query: Any, id_: UUID, row: Any) -> Outcome:
    return Outcome(ids=[id_], rows=[(query, id_, row)])


@strawberry.type
class Mutation:
    @mutation(FulfillmentPayload, description="Location says yes.", scope=["fulfillments:write"])
    async def fulfillment_accept(tx: Tx, input: FulfillmentAcceptInput) -> Outcome:
        row = await service.accept(tx, FULFILLMENT.parse(input.id), expected_version=_or_none(input.expected_version))
        return _done(queries.fulfillments_by_id, row.id, row)

    @mutation(
        FulfillmentPayload,
        description="Location says no; the rest is re-sourced. Units never move between fulfillments: rejected or "
        "reassigned units leave this one (REJECTED or CANCELLED when none is left) and appear in a new fulfillment, or "
        "as `pending` or `backordered` on the line; the payload is the one that was named.",
        scope=["fulfillments:write"],
    )
    async def fulfillment_reject(tx: Tx, input: FulfillmentRejectInput) -> Outcome:
        row = await service.reject(
            tx,
            FULFILLMENT.parse(input.id),
            lines=_units(input.lines),
            reason=input.reason,
            note=_or_none(input.note),
            expected_version=_or_none(input.expected_version),
        )
        return _done(queries.fulfillments_by_id, row.id, row)

    @mutation(
        FulfillmentPayload,
        description="Give what a location has not sent to another one, all or nothing; of a rejected one, what "
        "waits for a place.",
        scope=["fulfillments:write"],
        errors=["NO_SOURCE"],
    )
    async def fulfillment_reassign(tx: Tx, input: FulfillmentReassignInput) -> Outcome:
        row = await service.reassign(
            tx,
            FULFILLMENT.parse(input.id),
            to=_or_none(input.location),
            reason=_or_none(input.reason),
            expected_version=_or_none(input.expected_version),
        )
        return _done(queries.fulfillments_by_id, row.id, row)

    @mutation(
        FulfillmentPayload,
        description="Location agrees to a requested cancellation; its units go back to stock.",
        scope=["fulfillments:write"],
        errors=["INVALID_TRANSITION"],
    )
    async def fulfillment_cancel_accept(tx: Tx, input: FulfillmentCancelAcceptInput) -> Outcome:
        row = await service.accept_cancel(
            tx, FULFILLMENT.parse(input.id), expected_version=_or_none(input.expected_version)
        )
        return _done(queries.fulfillments_by_id, row.id, row)

    @mutation(
        FulfillmentPayload,
        description="Location cannot cancel any more; the work goes on.",
        scope=["fulfillments:write"],
        errors=["INVALID_TRANSITION"],
    )
    async def fulfillment_cancel_reject(tx: Tx, input: FulfillmentCancelRejectInput) -> Outcome:
        row = await service.reject_cancel(
            tx,
            FULFILLMENT.parse(input.id),
            reason=input.reason,
            expected_version=_or_none(input.expected_version),
        )
        return _done(queries.fulfillments_by_id, row.id, row)

    @mutation(
        ShipmentPayload,
        description="Ship, with or without buying a label.",
        scope=["fulfillments:write"],
        emits=["shipment.created", "order.shipped"],
    )
    async def shipment_create(tx: Tx, input: ShipmentCreateInput) -> Outcome:
        how: service.Tracking | service.Handover
        if isinstance(input.shipping.tracking, TrackingInput):
            label = input.shipping.tracking
            how = service.Tracking(label.carrier, label.number, _or_none(label.url))
        else:
            assert isinstance(input.shipping.handover, HandoverInput)  # @oneOf
            how = service.Handover(_or_none(input.shipping.handover.pickup_code))
        row = await service.ship(
            tx,
            FULFILLMENT.parse(input.fulfillment_id),
            lines=_units(input.lines),
            how=how,
        )
        return Outcome() if input.dry_run else _done(queries.shipments_by_id, row.id, row)

    @mutation(
        ShipmentPayload,
        description="Add a scan.",
        scope=["fulfillments:write"],
        emits=["shipment.tracked", "shipment.delivered"],
    )
    async def shipment_track(tx: Tx, input: ShipmentTrackInput) -> Outcome:
        row = await service.track(
            tx, SHIPMENT.parse(input.id), status=input.status, at=input.at, place=_or_none(input.place)
        )
        return _done(queries.shipments_by_id, row.id, row)

    @mutation(
        OrderPayload,
        description="Cancel all or some units.",
        scope=["orders:write"],
        errors=["INVALID_TRANSITION", "VERSION_CONFLICT", "EXCEEDS_REMAINING"],
        emits=["order.cancelled"],
    )
    async def order_cancel(tx: Tx, input: OrderCancelInput) -> Outcome:
        order = await resolve_ref(tx, input.order)
        after = await service.cancel_order(
            tx,
            order.id,
            lines=[(orders.LINE.parse(line.line_id), line.quantity) for line in input.lines]
            if isinstance(input.lines, list)
            else None,
            why=service.Why(input.reason, input.refund_to),
            expected_version=_or_none(input.expected_version),
        )
        if input.dry_run:
            return Outcome(ids=[order.id], preview=await preview(tx, order.id))
        return _done(orders.orders_by_id, order.id, after)
