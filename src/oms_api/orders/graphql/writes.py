"""Placing, confirming and paying orders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import strawberry

from oms_api import payments
from oms_api.inventory import RESERVATION
from oms_api.kit.db import Tx
from oms_api.kit.errors import Invalid, Path, Refusal
from oms_api.kit.graphql import Info, Outcome, Payload, field, mutation
from oms_api.network.graphql import AddressInput, address_json
from oms_api.orders import queries, service
from oms_api.orders.graphql.inputs import (
    AdjustmentInput,
    DeliveryGroupInput,
    OrderConfirmInput,
    OrderCreateInput,
    OrderLineInput,
    PaymentAuthorizeInput,
)
from oms_api.orders.graphql.objects import Order, order_of
from oms_api.orders.graphql.preview import OrderPreview, preview, preview_of
from oms_api.orders.graphql.reads import resolve_ref
from oms_api.orders.service import NewAdjustment, NewGroup, NewLine, NewOrder, NewPayment, Placed
from oms_api.orders.service.check import DEFAULT_GROUP
from oms_api.payments.graphql import PaymentPayload
from oms_api.promising import DeliveryMethod

INPUT: Path = ("input",)


@strawberry.type(description="Answer of every order mutation.")
class OrderPayload(Payload):
    order: Order | None = field(
        default=None,
        description="The order after the change; with `dryRun` as it stands, null for `orderCreate`; null when it "
        "failed.",
    )
    preview: OrderPreview | None = field(default=None, description="With `dryRun`: what it would be.")

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> OrderPayload:
        rows = await info.context.load_many(queries.orders_by_id, outcome.ids)
        found = [order_of(row) for row in rows if row is not None]
        return OrderPayload(order=found[0] if found else None, preview=outcome.preview)


def _given(value: Any) -> Any:
    """What was sent; None when it was not."""
    return value or None


def _line(sent: OrderLineInput) -> NewLine:
    return NewLine(
        sku=sent.sku,
        quantity=sent.quantity,
        unit_price=_given(sent.unit_price),
        group=sent.delivery_group if isinstance(sent.delivery_group, str) else None,
        external_id=sent.external_id if isinstance(sent.external_id, str) else None,
        adjustments=_adjustments(sent.adjustments),
        requested_on=_given(sent.requested_on),
    )


def _adjustments(sent: Any) -> Sequence[NewAdjustment]:
    found: Sequence[AdjustmentInput] = sent or ()
    return [NewAdjustment(item.kind, item.label, item.amount, item.included) for item in found]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _given_int(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _address(sent: AddressInput | None, path: Path, problems: list[Refusal]) -> dict[str, Any] | None:
    return address_json(sent, path, problems) if isinstance(sent, AddressInput) else None


def _groups(input: OrderCreateInput, problems: list[Refusal]) -> tuple[list[NewGroup], bool]:
    """Delivery groups, and whether the caller named them."""
    address, pickup = (*INPUT, "shippingAddress"), (*INPUT, "pickupLocation")
    sent: list[DeliveryGroupInput] = input.delivery_groups or []
    if sent:
        for given, path in ((input.shipping_address, address), (input.pickup_location, pickup)):
            if given:
                problems.append(Invalid("Send it in deliveryGroups, not beside them.", path=path))
        return [_group(item, (*INPUT, "deliveryGroups", i), problems) for i, item in enumerate(sent)], True
    if input.shipping_address and input.pickup_location:
        problems.append(Invalid("Send shippingAddress or pickupLocation; deliveryGroups when it is both.", path=pickup))
    if input.pickup_location:
        return [NewGroup(DEFAULT_GROUP, DeliveryMethod.PICKUP, None, input.pickup_location, INPUT)], False
    if input.shipping_address:
        sent_to = _address(input.shipping_address, address, problems)
        return [NewGroup(DEFAULT_GROUP, DeliveryMethod.SHIPPING, sent_to, None, INPUT)], False
    return [], False


def _group(sent: DeliveryGroupInput, path: Path, problems: list[Refusal]) -> NewGroup:
    address = _address(sent.shipping_address or None, (*path, "shippingAddress"), problems)
    return NewGroup(sent.key, sent.method, address, _text(sent.pickup_location), path)


def _new_order(input: OrderCreateInput) -> NewOrder:
    problems: list[Refusal] = []
    groups, named = _groups(input, problems)
    reservation_id = _text(input.reservation_id)
    return NewOrder(
        channel=input.channel,
        lines=[_line(line) for line in input.lines],
        groups=groups,
        named_groups=named,
        on_shortage=input.on_shortage,
        has_key=isinstance(input.idempotency_key, str),
        dry_run=input.dry_run,
        auto_confirm=input.auto_confirm,
        external_id=_text(input.external_id),
        promise_token=_text(input.promise_token),
        reservation_id=RESERVATION.parse(reservation_id) if reservation_id is not None else None,
        placed_at=_given(input.placed_at),
        email=_text(input.customer.email),
        phone=_text(input.customer.phone),
        customer_external_id=_text(input.customer.external_id),
        customer_group=_text(input.customer.group),
        demand_class=_text(input.demand_class),
        billing_address=_address(input.billing_address or None, (*INPUT, "billingAddress"), problems),
        shipping_charge=_given(input.shipping_charge),
        adjustments=_adjustments(input.adjustments),
        payments=[
            NewPayment(item.method, item.amount, payments.ExternalState(item.state), _text(item.reference))
            for item in input.external_payments or ()
        ],
        metadata={entry.key: _given_json(entry.value) for entry in input.metadata or ()},
        requested_on=_given(input.requested_on),
        may_arrive_earlier=input.may_arrive_earlier,
        problems=problems,
    )


def _given_json(value: Any) -> Any:
    return None if value is strawberry.UNSET else value


def _placed(placed: Placed, *, dry_run: bool) -> Outcome:
    order = placed.order
    assert order is not None
    if dry_run:
        return Outcome(preview=preview_of(order, placed.lines, placed.payments, new=True))
    adjustments: dict[Any, list[Any]] = {}
    for row in placed.adjustments:
        adjustments.setdefault(row.line_id, []).append(row)
    return Outcome(
        ids=[order.id],
        rows=[
            (queries.orders_by_id, order.id, order),
            (queries.lines_of, order.id, placed.lines),
            (queries.groups_of, order.id, placed.groups),
            (queries.adjustments_of, order.id, adjustments),
            (payments.payments_of, order.id, placed.payments),
        ],
    )


@strawberry.type
class Mutation:
    @mutation(
        OrderPayload,
        description="Create an order and reserve its units; confirm it when it may be. Money is authorized by "
        "`paymentAuthorize`.",
        scope=["orders:write"],
        errors=["INSUFFICIENT_STOCK", "NO_SOURCE", "EXPIRED", "INVALID", "INVALID_AMOUNT"],
        emits=["order.created", "order.confirmed"],
    )
    async def order_create(tx: Tx, input: OrderCreateInput) -> Outcome:
        placed = await service.place(tx, _new_order(input))
        if not placed.first:
            return _placed(placed, dry_run=input.dry_run)
        if input.dry_run:
            return Outcome(preview=await preview(tx, placed.id), replayed=True)
        return Outcome(ids=[placed.id], replayed=True)

    @mutation(
        OrderPayload,
        description="Commit a pending order.",
        scope=["orders:write"],
        errors=["INVALID_TRANSITION", "VERSION_CONFLICT", "NOT_FOUND"],
        emits=["order.confirmed"],
    )
    async def order_confirm(tx: Tx, input: OrderConfirmInput) -> Outcome:
        order = await resolve_ref(tx, input.order)
        confirmed = await service.confirm(tx, order.id, expected_version=_given_int(input.expected_version))
        if input.dry_run:
            return Outcome(ids=[order.id], preview=await preview(tx, order.id))
        return Outcome(ids=[order.id], rows=[(queries.orders_by_id, order.id, confirmed)])

    @mutation(
        PaymentPayload,
        description="Reserve money.",
        scope=["payments:write"],
        errors=["PAYMENT_DECLINED", "UPSTREAM_UNAVAILABLE"],
        emits=["payment.authorized", "payment.failed"],
        effect=service.EFFECT,
    )
    async def payment_authorize(tx: Tx, input: PaymentAuthorizeInput) -> Outcome:
        order = await resolve_ref(tx, input.order)
        operation = await service.authorize(
            tx,
            order.id,
            amount=_given(input.amount),
            provider=input.provider,
            reference=_text(input.provider_reference),
        )
        return Outcome(intent=operation.id)
