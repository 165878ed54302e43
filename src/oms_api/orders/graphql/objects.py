"""Orders as they are read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import UNSET

from oms_api import network, payments
from oms_api.kit.graphql import (
    Cost,
    HasMetadata,
    Info,
    Money,
    Node,
    add_field,
    argument,
    field,
    found_by,
    money_of,
    node_type,
)
from oms_api.kit.graphql.events import EventConnection, timeline
from oms_api.network.graphql import Address, Channel, Location, address_of, channel_of, location_of
from oms_api.orders import models, queries
from oms_api.orders.graphql.enums import AdjustmentKind, AttentionKind, OrderStatus
from oms_api.orders.models import GROUP, LINE, ORDER
from oms_api.orders.rules.status import ACTIONS, Standing, outstanding
from oms_api.orders.service import funds_of, remaining
from oms_api.payments.graphql import Payment, payment_of
from oms_api.promising.graphql import DeliveryMethod
from oms_api.sourcing.graphql import SourcingDecision, decisions_of


@strawberry.type(description="Who buys.")
class OrderCustomer:
    email: str | None = field(description="E-mail.")
    phone: str | None = field(description="E.164 phone.")
    external_id: str | None = field(description="The caller's id.")
    group: str | None = field(description="Group of the customer: sourcing rules and demand classes go by it.")


@strawberry.type(description="One thing a caller may or may not do now.")
class AvailableAction:
    name: str = field(description="Mutation name: `orderCancel`.")
    allowed: bool = field(description="Whether it would be accepted now.")
    reason: str | None = field(description="Why not, when not.")


@strawberry.type(description="Why an order waits for a person, and since when.")
class OrderAttention:
    kind: AttentionKind = field(description="Why.")
    since: datetime = field(description="Since when.")


@strawberry.type(description="An amount on top of, or off, a price.")
class Adjustment:
    kind: AdjustmentKind = field(description="Kind.")
    label: str = field(description="What it is, for people: `VAT 19 %`, `Black Friday`.")
    amount: Money = field(description="Always positive; a discount is subtracted.")
    included: bool = field(description="Already contained in the price, so it changes no total (tax in gross prices).")


@strawberry.type(description="Where a line's units are.")
class LineQuantities:
    pending: int = field(description="Not planned yet: draft, or being sourced again.")
    backordered: int = field(description="No stock yet.")
    reserved: int = field(description="Held.")
    allocated: int = field(description="At a location: picked, packed and ready for collection included.")
    shipped: int = field(description="On the way, lost parcels included until they are settled.")
    delivered: int = field(description="Arrived, collected, sent by message or performed; being sent back included.")
    returned: int = field(description="Came back.")
    cancelled: int = field(description="Cancelled.")


@strawberry.type(description="A line.")
class OrderLine(Node):
    row: strawberry.Private[models.OrderLine]
    sku: str = field(description="SKU.")
    external_id: str | None = field(description="The caller's own id of the line.")
    quantity: int = field(description="Units ordered, cancelled ones included; see `quantities`.")
    unit_price: Money = field(
        description="In the order's currency (the same in every Money of the order), as listed: it contains tax "
        "exactly when the channel's prices do, and so does `subtotal`, which is unit price times units not cancelled."
    )
    promised_on: date | None = field(
        description="Date the customer was told it arrives, in the destination's zone; null while backordered without "
        "a date."
    )
    requested_on: date | None = field(description="Date on which the customer wants it; null for as soon as it can be.")

    @field(description="Where and how it goes.")
    async def delivery_group(self, info: Info) -> DeliveryGroup:
        rows = await info.context.load(queries.groups_of, self.row.order_id) or ()
        return group_of(next(row for row in rows if row.id == self.row.group_id))

    @field(
        description="Units by what became of them; these eight always add up to `quantity`, finer figures get types "
        "of their own."
    )
    def quantities(self) -> LineQuantities:
        row = self.row
        return LineQuantities(
            pending=row.pending,
            backordered=row.backordered,
            reserved=row.reserved,
            allocated=row.allocated,
            shipped=row.shipped,
            delivered=row.delivered,
            returned=row.returned,
            cancelled=row.cancelled,
        )

    @field(description="Discounts, taxes and fees on the line.")
    async def adjustments(self, info: Info) -> list[Adjustment]:
        rows = await info.context.load(queries.adjustments_of, self.row.order_id) or {}
        return [adjustment_of(row, self.row.currency) for row in rows.get(self.row.id, ())]


@strawberry.type(description="Lines of an order that go to one place by one method.")
class DeliveryGroup(Node):
    row: strawberry.Private[models.DeliveryGroup]
    key: str = field(description="The caller's name for it, unique in the order; `default` when none was given.")
    method: DeliveryMethod = field(description="How.")
    shipping_address: Address | None = field(description="Where to; null unless shipped.")

    @field(description="Where it is collected; null unless picked up.")
    async def pickup_location(self, info: Info) -> Location | None:
        return await _location(info, self.row.pickup_location_id)

    @field(description="What is in it.")
    async def lines(self, info: Info) -> list[OrderLine]:
        rows = await info.context.load(queries.lines_of, self.row.order_id) or ()
        return [line_of(row) for row in rows if row.group_id == self.row.id]


@strawberry.type(description="An order.")
class Order(HasMetadata):
    row: strawberry.Private[models.Order]
    version: int = field(
        description="Grows with every change of the order, its lines, quantities, holds, delivery groups or amounts, "
        "whoever causes it (a shipment or capture too); tracking scans, documents, notes and metadata do not count. "
        "Send it back as `expectedVersion`."
    )
    number: str = field(description="Human number, unique per tenant: `1001`.")
    external_id: str | None = field(description="The channel's own id, unique per channel.")
    status: OrderStatus = field(description="Status.")
    total: Money = field(
        description="What was sold: lines less discounts plus shipping, fees and tax not contained in prices; counts "
        "no cancelled unit and is not changed by returns."
    )
    subtotal: Money = field(description="Sum of the lines before discounts, shipping and tax.")
    customer: OrderCustomer | None = field(description="Who.")
    placed_at: datetime = field(description="When it was sold.")
    created_at: datetime = field(description="Creation time.")
    updated_at: datetime = field(description="Last change.")
    billing_address: Address | None = field(description="Who is billed.")
    shipping_charge: Money = field(description="Charge for shipping, before tax.")
    discount_total: Money = field(
        description="Discounts of lines and order, as a positive amount. Contained ones count too."
    )
    tax_total: Money = field(description="Taxes of lines, shipping and order. Contained taxes count too.")
    credited_total: Money = field(description="Credited afterwards by returns and goodwill.")
    demand_class: str | None = field(
        description="Handle of the demand class as which its units are looked for: named, or that of its promise or "
        "reservation; null: the customer group's, else the channel's, as they are then."
    )

    @field(description="Where it was sold.")
    async def channel(self, info: Info) -> Channel:
        row = await info.context.load(network.channels_by_id, self.row.channel_id)
        assert row is not None  # a foreign key, and channels are never deleted
        return channel_of(row)

    @field(
        description="What the caller may do now, by state and by scope, with the reason where not: a call-center UI "
        "draws its buttons from it."
    )
    async def actions(self, info: Info) -> list[AvailableAction]:
        channel = await info.context.load(network.channels_by_id, self.row.channel_id)
        paid = await _payments(info, self.row.id)
        assert channel is not None
        standing = Standing(self.row, channel.payment_rule, funds_of(paid), remaining(self.row, paid))
        caller = info.context.known_caller()
        found = []
        for name, scope, why_not in ACTIONS:
            reason = why_not(standing) if caller.may(scope) else f"It needs the scope {scope}."
            found.append(AvailableAction(name=name, allowed=reason is None, reason=reason))
        return found

    @field(description="What of it waits for a person, the oldest first; empty when nothing does.")
    async def attention(self, info: Info) -> list[OrderAttention]:
        rows = await info.context.load(queries.attentions_of, self.row.id) or ()
        return [OrderAttention(kind=row.kind, since=row.since) for row in rows]

    @field(description="Test-mode order; never touches live stock or money.")
    def test(self, info: Info) -> bool:
        return info.context.known_caller().test

    @field(
        description="`total` less `creditedTotal` less what is captured plus what is refunded: positive when the "
        "customer owes, negative when we owe, zero when even; authorized, not yet captured money does not lessen it."
    )
    async def outstanding(self, info: Info) -> Money:
        funds = funds_of(await _payments(info, self.row.id))
        return money_of(outstanding(self.row, funds), self.row.currency)

    @field(description="Lines.")
    async def lines(self, info: Info) -> list[OrderLine]:
        rows = await info.context.load(queries.lines_of, self.row.id) or ()
        return [line_of(row) for row in rows]

    @field(description="From where its units were to come, oldest first; null without `sourcing:read`.")
    async def sourcing_decisions(self, info: Info) -> list[SourcingDecision] | None:
        if not info.context.known_caller().may("sourcing:read"):
            return None
        return list(await decisions_of(info, self.row.id))

    @field(description="Where and how, one or more.")
    async def delivery_groups(self, info: Info) -> list[DeliveryGroup]:
        return [group_of(row) for row in await _groups(info, self.row.id)]

    @field(description="Where to; null unless the order has exactly one group and it is shipped.")
    async def shipping_address(self, info: Info) -> Address | None:
        groups = await _groups(info, self.row.id)
        return address_of(groups[0].address) if len(groups) == 1 else None

    @field(
        description="Where the customer collects it; null unless the order has exactly one group and it is picked up."
    )
    async def pickup_location(self, info: Info) -> Location | None:
        groups = await _groups(info, self.row.id)
        return await _location(info, groups[0].pickup_location_id) if len(groups) == 1 else None

    @field(description="Money taken and given back for it; null without `payments:read`.")
    async def payments(self, info: Info) -> list[Payment] | None:
        if not info.context.known_caller().may("payments:read"):
            return None
        return [payment_of(row) for row in await _payments(info, self.row.id)]

    @field(description="Discounts, taxes and fees on the order as a whole.")
    async def adjustments(self, info: Info) -> list[Adjustment]:
        rows = await info.context.load(queries.adjustments_of, self.row.id) or {}
        return [adjustment_of(row, self.row.currency) for row in rows.get(None, ())]

    @field(
        description="What happened, newest first; null without `events:read`.",
        directives=[Cost(weight=1, sized_by=["first"])],
    )
    async def timeline(
        self,
        info: Info,
        first: Annotated[int, argument("How many at most, up to 100.")] = 20,
        after: Annotated[str | None, argument("Cursor of the last one that you have.")] = UNSET,
    ) -> EventConnection | None:
        if not info.context.known_caller().may("events:read"):
            return None
        return await timeline(info, self.row.id, first=first, after=after or None)


# --- from rows -----------------------------------------------------------------------------------------------------


def order_of(row: models.Order) -> Order:
    currency = row.currency
    known = row.customer_email or row.customer_phone or row.customer_external_id or row.customer_group
    return Order(
        id=strawberry.ID(ORDER(row.id)),
        entries=row.entries,
        row=row,
        version=row.version,
        number=str(row.number),
        external_id=row.external_id,
        status=row.status,
        total=money_of(row.total_minor, currency),
        subtotal=money_of(row.subtotal_minor, currency),
        customer=OrderCustomer(
            email=row.customer_email,
            phone=row.customer_phone,
            external_id=row.customer_external_id,
            group=row.customer_group,
        )
        if known
        else None,
        placed_at=row.placed_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
        billing_address=address_of(row.billing_address),
        shipping_charge=money_of(row.shipping_minor, currency),
        discount_total=money_of(row.discount_minor, currency),
        tax_total=money_of(row.tax_minor, currency),
        credited_total=money_of(row.credited_minor, currency),
        demand_class=row.demand_class,
    )


def line_of(row: models.OrderLine) -> OrderLine:
    return OrderLine(
        id=strawberry.ID(LINE(row.id)),
        row=row,
        sku=row.sku,
        external_id=row.external_id,
        quantity=row.quantity,
        unit_price=money_of(row.unit_price_minor, row.currency),
        promised_on=row.promised_on,
        requested_on=row.requested_on,
    )


def group_of(row: models.DeliveryGroup) -> DeliveryGroup:
    return DeliveryGroup(
        id=strawberry.ID(GROUP(row.id)),
        row=row,
        key=row.key,
        method=row.method,
        shipping_address=address_of(row.address),
    )


def adjustment_of(row: models.OrderAdjustment, currency: str) -> Adjustment:
    return Adjustment(
        kind=row.kind, label=row.label, amount=money_of(row.amount_minor, currency), included=row.included
    )


# --- loading -------------------------------------------------------------------------------------------------------


async def _groups(info: Info, order_id: UUID) -> Sequence[models.DeliveryGroup]:
    return await info.context.load(queries.groups_of, order_id) or ()


async def _payments(info: Info, order_id: UUID) -> Sequence[payments.Payment]:
    return await info.context.load(payments.payments_of, order_id) or ()


async def _location(info: Info, location_id: UUID | None) -> Location | None:
    row = await info.context.load(network.locations_by_id, location_id) if location_id else None
    return location_of(row) if row else None


_find = found_by(queries.orders_by_id, order_of)
node_type(ORDER, Order, scope="orders:read", find=_find)
node_type(LINE, OrderLine, scope="orders:read", find=found_by(queries.lines_by_id, line_of))
node_type(GROUP, DeliveryGroup, scope="orders:read", find=found_by(queries.groups_by_id, group_of))


async def _order_of_payment(self: Any, info: Info) -> Order | None:
    if not info.context.known_caller().may("orders:read"):
        return None
    return await _find(info, self.row.payable_id)


add_field(
    Payment,
    "order",
    field(
        _order_of_payment,
        description="The order it pays; null while not matched to one, or when the caller may not see it.",
    ),
)
