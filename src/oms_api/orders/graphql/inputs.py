"""What callers send about orders."""

from __future__ import annotations

from datetime import date, datetime

import strawberry
from strawberry import UNSET

from oms_api.kit.graphql import (
    DateTimeFilter,
    MetadataEntryInput,
    MoneyInput,
    SortDirection,
    StringFilter,
    field,
)
from oms_api.network.graphql import AddressInput
from oms_api.orders.graphql.enums import AdjustmentKind, ExternalPaymentState, OrderSortKey, OrderStatus
from oms_api.promising.graphql import DeliveryMethod, ShortagePolicy


@strawberry.input(description="Test one metadata key.")
class MetadataFilter:
    key: str = field(description="`namespace.key`.")
    value: StringFilter = field(description="Value test.")


@strawberry.input(description="Test an order status.")
class OrderStatusFilter:
    in_: list[OrderStatus] | None = field(default=UNSET, name="in", description="One of.")
    not_in: list[OrderStatus] | None = field(default=UNSET, description="None of.")


@strawberry.input(description="Which orders. Fields are and-ed; combine with `and`, `or`, `not`.")
class OrderWhere:
    and_: list[OrderWhere] | None = field(default=UNSET, name="and", description="All of.")
    or_: list[OrderWhere] | None = field(default=UNSET, name="or", description="Any of.")
    not_: OrderWhere | None = field(default=UNSET, name="not", description="Not.")
    number: StringFilter | None = field(default=UNSET, description="By order number.")
    external_id: StringFilter | None = field(default=UNSET, description="By the channel's own id.")
    channel: StringFilter | None = field(default=UNSET, description="By channel handle.")
    status: OrderStatusFilter | None = field(default=UNSET, description="By status.")
    created_at: DateTimeFilter | None = field(default=UNSET, description="By creation.")
    updated_at: DateTimeFilter | None = field(default=UNSET, description="By last change.")
    customer_email: StringFilter | None = field(default=UNSET, description="By customer e-mail.")
    sku: StringFilter | None = field(default=UNSET, description="By SKU on any line.")
    needs_attention: bool | None = field(
        default=UNSET, description="Those that wait for a person, or those that do not."
    )
    metadata: list[MetadataFilter] | None = field(default=UNSET, description="By metadata.")


@strawberry.input(description="One sort key.")
class OrderOrderBy:
    key: OrderSortKey = field(description="Key.")
    direction: SortDirection = field(default=SortDirection.ASC, description="Direction.")


@strawberry.input(description="An id of another system.")
class ExternalRef:
    channel: str = field(description="Channel handle.")
    id: str = field(description="Id there.")


@strawberry.input(one_of=True, description="Exactly one way to name an order.")
class OrderRef:
    id: strawberry.ID | None = field(default=UNSET, description="By id.")
    number: str | None = field(default=UNSET, description="By order number.")
    external: ExternalRef | None = field(default=UNSET, description="By the channel's own id.")


@strawberry.input(description="Create an order.")
class OrderCreateInput:
    idempotency_key: str | None = field(
        default=UNSET,
        description="See conventions: same key and input, same answer. Required unless `externalId` is given.",
    )
    channel: str = field(description="Channel handle.")
    external_id: str | None = field(
        default=UNSET,
        description=(
            "The channel's own id. A second create with it changes nothing and answers with the "
            "first order as it is now and `extensions.idempotency.replayed`, even when the rest of "
            "the input differs; send changes by `orderEdit`."
        ),
    )
    promise_token: str | None = field(
        default=UNSET,
        description=(
            "Promise to honour. Channel, SKUs, quantities and destination must equal those of the "
            "promise (else INVALID), it must not have ended (EXPIRED), and if its units are gone "
            "the answer is INSUFFICIENT_STOCK: the order is never planned anew behind the caller's "
            "back; prices are not part of it."
        ),
    )
    reservation_id: strawberry.ID | None = field(
        default=UNSET, description="Reservation to take over; excludes `promiseToken`."
    )
    placed_at: datetime | None = field(default=UNSET, description="When it was sold elsewhere; now when absent.")
    lines: list[OrderLineInput] = field(description="Lines.")
    customer: OrderCustomerInput = field(description="Who.")
    shipping_address: AddressInput | None = field(default=UNSET, description="Where to; not needed for pick-up.")
    pickup_location: str | None = field(
        default=UNSET, description="Handle of the location where the customer collects it."
    )
    delivery_groups: list[DeliveryGroupInput] | None = field(
        default=UNSET,
        description="Instead of `shippingAddress` and `pickupLocation`, when there is more than one.",
    )
    on_shortage: ShortagePolicy = field(
        default=ShortagePolicy.REJECT,
        description=(
            "What to do with units that no stock covers: refuse the order (default), or take it with a later promise."
        ),
    )
    external_payments: list[ExternalPaymentInput] | None = field(
        default=UNSET, description="Money already taken elsewhere (a marketplace, a till), recorded as it is."
    )
    auto_confirm: bool = field(
        default=True,
        description="Confirm at once when nothing holds it and the channel's payment rule is met.",
    )
    dry_run: bool = field(default=False, description="Check everything, change nothing.")
    metadata: list[MetadataEntryInput] | None = field(default=UNSET, description="Metadata.")
    billing_address: AddressInput | None = field(
        default=UNSET, description="Who is billed; the shipping address when absent."
    )
    shipping_charge: MoneyInput | None = field(
        default=UNSET, description="Charge for shipping, before tax; by the channel's rules when absent."
    )
    adjustments: list[AdjustmentInput] | None = field(
        default=UNSET,
        description=(
            "Discounts, taxes and fees on the order as a whole, already worked out elsewhere (a marketplace, a till)."
        ),
    )
    requested_on: date | None = field(
        default=UNSET, description="Wanted arrival of lines that name none: nothing arrives before this date."
    )
    may_arrive_earlier: bool = field(
        default=False, description="It may arrive before the wanted date when nothing arrives on that day."
    )
    demand_class: str | None = field(
        default=UNSET,
        description=(
            "Handle of a demand class: its units are taken of that class's shares, now and whenever they are looked "
            "for again. When absent that of the promise or the reservation, which must not be another one, else the "
            "customer group's, else the channel's."
        ),
    )


@strawberry.input(description="Money taken by somebody else.")
class ExternalPaymentInput:
    method: str = field(description="Who took it: `amazon`, `pos`, `cash_on_delivery`…")
    amount: MoneyInput = field(description="How much.")
    reference: str | None = field(default=UNSET, description="Their reference.")
    state: ExternalPaymentState = field(default=ExternalPaymentState.CAPTURED, description="How far it is.")


@strawberry.input(description="A line to create.")
class OrderLineInput:
    sku: str = field(description="SKU.")
    quantity: int = field(
        description=(
            "Whole base units of the SKU (sell by weight with grams as the unit), 1 to 1,000,000; "
            "an order has at most 500 lines."
        )
    )
    unit_price: MoneyInput | None = field(
        default=UNSET,
        description=(
            "Unit price; from the price list when absent. A caller without `prices:write` may only "
            "send what the list says."
        ),
    )
    delivery_group: str | None = field(
        default=UNSET,
        description=(
            "`DeliveryGroupInput.key`, or `DeliveryGroup.key` in an edit; needed when there is more than one."
        ),
    )
    external_id: str | None = field(
        default=UNSET,
        description="The caller's own id of the line, unique in the order; marketplaces confirm by it.",
    )
    adjustments: list[AdjustmentInput] | None = field(
        default=UNSET, description="Discounts, taxes and fees on the line, already worked out elsewhere."
    )
    requested_on: date | None = field(
        default=UNSET,
        description="Wanted arrival: not before this date, and as close to it as can be; a promise must name the same.",
    )


@strawberry.input(description="Who buys.")
class OrderCustomerInput:
    email: str | None = field(default=UNSET, description="E-mail.")
    phone: str | None = field(default=UNSET, description="E.164 phone.")
    external_id: str | None = field(default=UNSET, description="Your id.")
    group: str | None = field(
        default=UNSET, description="Group of the customer, in your words: sourcing rules and demand classes go by it."
    )


@strawberry.input(description="Lines that go to one place by one method.")
class DeliveryGroupInput:
    key: str = field(description="Your name for it; lines refer to it.")
    method: DeliveryMethod = field(default=DeliveryMethod.SHIPPING, description="How.")
    shipping_address: AddressInput | None = field(default=UNSET, description="Where to.")
    pickup_location: str | None = field(
        default=UNSET, description="Handle of the location where the customer collects it."
    )


@strawberry.input(description="An amount on top of, or off, a price.")
class AdjustmentInput:
    kind: AdjustmentKind = field(description="Kind.")
    label: str = field(description="What it is, for people.")
    amount: MoneyInput = field(description="Always positive; a discount is subtracted.")
    included: bool = field(default=False, description="Already contained in the price, so it changes no total.")


@strawberry.input(description="Commit a pending order.")
class OrderConfirmInput:
    idempotency_key: str = field(description="Required: the channel may capture now.")
    order: OrderRef = field(description="The order.")
    expected_version: int | None = field(
        default=UNSET, description="Fail with VERSION_CONFLICT unless it still has this version."
    )
    dry_run: bool = field(default=False, description="Check everything, change nothing.")


@strawberry.input(description="Authorize.")
class PaymentAuthorizeInput:
    idempotency_key: str = field(description="Required.")
    order: OrderRef = field(description="The order.")
    amount: MoneyInput | None = field(
        default=UNSET,
        description=(
            "How much; when absent `outstanding` less what is authorized and not yet captured, "
            "operations in flight included. More than that is EXCEEDS_REMAINING."
        ),
    )
    provider: str = field(description="Provider handle: `stripe`, `manual`, `fake`.")
    provider_reference: str | None = field(
        default=UNSET,
        description=(
            "The provider's method or intent id. For `fake`: absent or `ok`, `decline`, "
            "`requires_action`, `timeout`, `lost_answer`."
        ),
    )
