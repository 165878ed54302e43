"""`promise` in the API: ways to serve it, each with its token, its cost and how it came about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import strawberry
from strawberry import UNSET

from oms_api.inventory import StockBucket
from oms_api.inventory.graphql import InventoryChangeInput, SupplyInput
from oms_api.kit.errors import Refusal, Refusals
from oms_api.kit.graphql import (
    Info,
    Money,
    MoneyInput,
    UserError,
    argument,
    describe_enum,
    field,
    money_of,
    query,
    user_errors,
)
from oms_api.network import SourcingObjective
from oms_api.network.graphql import Location, location_of
from oms_api.promising import models
from oms_api.promising.graphql.availability import DestinationInput, destination_of
from oms_api.promising.models import DeliveryMethod, Line, Parcel
from oms_api.promising.service.explaining import line_margins, rejected
from oms_api.promising.service.imagining import Assumptions, ImaginedStock, ImaginedSupply
from oms_api.promising.service.options import options
from oms_api.promising.service.planning import Planned
from oms_api.promising.service.tokens import token_of
from oms_api.sourcing.graphql import CostTerm, RejectionReason, cost_terms

describe_enum(
    DeliveryMethod,
    "How units reach the customer.",
    SHIPPING="Sent to an address.",
    PICKUP="Collected at a location.",
    DIGITAL="Sent by message.",
    SERVICE="Performed.",
)


@strawberry.type(description="A planned line.")
class PlannedLine:
    sku: str = field(description="SKU.")
    quantity: int = field(description="Units.")


@strawberry.type(description="A planned parcel.")
class PlannedShipment:
    location: Location = field(description="Where.")
    method: DeliveryMethod = field(description="How.")
    service: str | None = field(description="Carrier service; null when none is needed.")
    pickup_location: Location | None = field(description="Where it is collected, for pick-up.")
    ship_by: datetime = field(description="Leaves.")
    delivered_by: date = field(description="Arrives.")
    lines: list[PlannedLine] = field(description="What is in it.")


@strawberry.type(description="A location not used.")
class RejectedLocation:
    location: Location = field(description="Where.")
    sku: str | None = field(description="SKU, when about one.")
    reason: RejectionReason = field(description="Why.")
    message: str = field(description="In words.")


@strawberry.type(description="Units that an ATP rule brings for a plan: announced as supply once they are held.")
class GeneratedUnits:
    sku: str = field(description="SKU.")
    quantity: int = field(description="Units.")
    location: Location = field(description="Where they come to.")
    rule: str = field(description="ATP rule, by handle.")
    generator: str = field(
        description="The kind of its generator; `LEAD_TIME` or `INFINITE` when its mode brings them."
    )
    due_on: date = field(description="Local date on which they are there.")


@strawberry.type(description="How a plan came about: enough to argue with.")
class SourcingExplanation:
    planned: strawberry.Private[Planned]
    objective: SourcingObjective = field(description="Objective used.")
    policy: str = field(description="Policy handle.")
    policy_version: int = field(description="Its version.")
    lower_bound: Money = field(
        description="The cost less what a plan as good at the objective could be better by at most, in cost and in all "
        "else that the policy weighs; equal to the cost when the plan is proven best."
    )

    @field(description="Cost by term; adds up to the option's cost.")
    def terms(self) -> list[CostTerm]:
        return cost_terms(self.planned.terms, self.planned.network.channel.currency)

    @field(description="What ATP rules bring for it beyond ATP.")
    def generated(self) -> list[GeneratedUnits]:
        locations = {row.id: row for row in self.planned.network.locations}
        return [
            GeneratedUnits(
                sku=one.sku,
                quantity=one.quantity,
                location=location_of(locations[one.location_id]),
                rule=one.rule,
                generator=one.kind,
                due_on=one.expected_at.astimezone(ZoneInfo(locations[one.location_id].timezone)).date(),
            )
            for one in self.planned.generated
        ]

    @field(description="Locations looked at and not used, with the reason.")
    def rejected(self) -> list[RejectedLocation]:
        return [
            RejectedLocation(location=location_of(location), sku=None, reason=row.reason, message=row.message)
            for location, row in rejected(self.planned)
        ]


@strawberry.type(description="What a line earns where it is sent from, before shipping.")
class LineMargin:
    sku: str = field(description="SKU, as it is sold.")
    quantity: int = field(description="Units.")
    price: Money | None = field(description="What the units bring, by `unitPrice` or list price; null when not known.")
    cost: Money | None = field(description="What they cost where they are sent from; null when not known of all.")
    margin: Money | None = field(description="Price less cost, below zero for a loss; null when one is not known.")


@strawberry.type(description="One way to serve it.")
class PromiseOption:
    planned: strawberry.Private[Planned]
    unit_prices: strawberry.Private[list[int | None]]
    delivered_by: date | None = field(description="Last arrival; null when nothing is shipped or collected.")

    @field(description="Signed, opaque; pass it as `promiseToken` to choose this option.")
    def token(self, info: Info) -> str:
        return token_of(info.context.known_caller().tenant_id, self.planned)

    @field(description="Parcels.")
    def shipments(self) -> list[PlannedShipment]:
        locations = {id_: location_of(row) for id_, row in self.planned.used.items()}
        return [_shipment(parcel, locations[parcel.location_id]) for parcel in self.planned.parcels]

    @field(description="Cost by the tenant's cost model; null without `sourcing:read`.")
    def cost(self, info: Info) -> Money | None:
        if not info.context.known_caller().may("sourcing:read"):
            return None
        return money_of(self.planned.cost_minor, self.planned.network.channel.currency)

    @field(description="What each line earns, before shipping; null without `sourcing:read`.")
    def margins(self, info: Info) -> list[LineMargin] | None:
        if not info.context.known_caller().may("sourcing:read"):
            return None
        currency = self.planned.network.channel.currency

        def money(minor: int | None) -> Money | None:
            return None if minor is None else money_of(minor, currency)

        return [
            LineMargin(
                sku=line.sku,
                quantity=line.quantity,
                price=money(line.price),
                cost=money(line.cost),
                margin=money(line.margin),
            )
            for line in line_margins(self.planned, self.unit_prices)
        ]

    @field(description="How it came about; null without `sourcing:read`.")
    def explanation(self, info: Info) -> SourcingExplanation | None:
        if not info.context.known_caller().may("sourcing:read"):
            return None
        return SourcingExplanation(
            planned=self.planned,
            objective=self.planned.objective,
            policy=self.planned.question.steering.live.policy,
            policy_version=self.planned.question.steering.live.number,
            lower_bound=money_of(self.planned.lower_bound_minor, self.planned.network.channel.currency),
        )


def _shipment(parcel: Parcel, location: Location) -> PlannedShipment:
    units: dict[str, int] = {}
    for line in parcel.lines:
        units[line.sku] = units.get(line.sku, 0) + line.quantity
    return PlannedShipment(
        location=location,
        method=parcel.method,
        service=parcel.service,
        pickup_location=location if parcel.method is DeliveryMethod.PICKUP else None,
        ship_by=parcel.ship_by,
        delivered_by=parcel.delivered_by,
        lines=[PlannedLine(sku=sku, quantity=quantity) for sku, quantity in units.items()],
    )


@strawberry.type(
    description="An answer that can be held: pass an option's `token` to `reservationCreate` or `orderCreate`."
)
class DeliveryPromise:
    expires_at: datetime = field(description="When the tokens end.")
    options: list[PromiseOption] = field(description="Ways to serve it, best first.")
    unavailable: list[UserError] = field(
        description="What cannot be promised, with codes INSUFFICIENT_STOCK or NO_SOURCE."
    )


@strawberry.input(description="Units wanted.")
class PromiseLineInput:
    sku: str = field(description="SKU.")
    quantity: int = field(description="Units.")
    requested_on: date | None = field(
        default=UNSET,
        description="Wanted arrival: not before this date, and as close to it as can be.",
    )
    unit_price: MoneyInput | None = field(
        default=UNSET, description="What a unit brings, for the margin told; the list price when absent."
    )


def lines_of(
    sent: Sequence[PromiseLineInput], requested_on: date | None = None, *, early: bool = False
) -> list[models.Line]:
    """Lines as they are planned; `requested_on` is of those that name no date of their own."""
    return [dated(line.sku, line.quantity, line.requested_on or requested_on or None, early) for line in sent]


def dated(sku: str, quantity: int, day: date | None, early: bool) -> models.Line:
    return Line(sku, quantity, day, early and day is not None)


@strawberry.input(description="A version of a sourcing policy.")
class SourcingPolicyVersionInput:
    policy: str = field(description="Policy handle; `built-in` has no rules.")
    number: int = field(description="Version.")


@strawberry.input(description="What-if: the world changed for one question.")
class AssumptionsInput:
    closed_locations: list[str] | None = field(default=UNSET, description="Locations that do not work.")
    stock: list[InventoryChangeInput] | None = field(default=UNSET, description="Stock changes.")
    supply: list[SupplyInput] | None = field(default=UNSET, description="Supply that would come.")
    now: datetime | None = field(default=UNSET, description="Ask as of this instant.")
    policy: SourcingPolicyVersionInput | None = field(
        default=UNSET, description="A published version of a sourcing policy in place of the live one."
    )


def assumptions_of(sent: AssumptionsInput | None) -> Assumptions | None:
    if not isinstance(sent, AssumptionsInput):
        return None
    return Assumptions(
        closed=tuple(sent.closed_locations or ()),
        stock=tuple(
            ImaginedStock(change.sku, change.location, change.delta)
            for change in sent.stock or ()
            if change.bucket is StockBucket.AVAILABLE
        ),
        supply=tuple(
            ImaginedSupply(row.reference, row.sku, row.location, row.quantity, row.expected_at)
            for row in sent.supply or ()
        ),
        now=sent.now or None,
        policy=(sent.policy.policy, sent.policy.number) if sent.policy else None,
    )


@strawberry.input(description="Ask where from and when.")
class PromiseInput:
    channel: str = field(description="Channel handle.")
    lines: list[PromiseLineInput] = field(description="Units wanted.")
    destination: DestinationInput | None = field(
        default=UNSET, description="Where to; needed unless `pickupLocations` is given."
    )
    pickup_locations: list[str] | None = field(default=UNSET, description="To be collected at one of these locations.")
    objective: SourcingObjective | None = field(
        default=UNSET, description="What the plan must be best at; the channel's policy decides when absent."
    )
    customer_group: str | None = field(
        default=UNSET, description="Group of the customer, in your words: sourcing rules and demand classes go by it."
    )
    assuming: AssumptionsInput | None = field(
        default=UNSET, description="What-if: answer as if these changes were true. Nothing is kept."
    )
    demand_class: str | None = field(
        default=UNSET,
        description="Handle of the demand class that asks; the customer group's, else the channel's, when absent.",
    )
    requested_on: date | None = field(
        default=UNSET, description="Wanted arrival of lines that name none: nothing arrives before this date."
    )
    may_arrive_earlier: bool = field(
        default=False, description="It may arrive before the wanted date when nothing arrives on that day."
    )


@strawberry.type(description="Answer of `promise`.")
class PromisePayload:
    promise: DeliveryPromise | None = field(
        default=None, description="The promise; null when the question was wrong, not when stock is short."
    )
    user_errors: list[UserError] = field(default_factory=list, description="Empty on success.")


@strawberry.type
class Query:
    @query(description="Where from and when; changes nothing.", scope=["availability:read"], weight=5)
    async def promise(
        self, info: Info, input: Annotated[PromiseInput, argument("What is wanted, and where.")]
    ) -> PromisePayload:
        try:
            found = await info.context.read(
                options,
                channel=input.channel,
                lines=lines_of(input.lines, input.requested_on or None, early=input.may_arrive_earlier),
                destination=destination_of(input.destination),
                pickup=input.pickup_locations if isinstance(input.pickup_locations, list) else None,
                objective=input.objective if isinstance(input.objective, SourcingObjective) else None,
                assuming=assumptions_of(input.assuming),
                customer_group=input.customer_group or None,
                demand_class=input.demand_class or None,
                requested_on=input.requested_on or None,
            )
            currency = found[0].network.channel.currency
            prices = [
                line.unit_price.minor(("input", "lines", i, "unitPrice"), currency) if line.unit_price else None
                for i, line in enumerate(input.lines)
            ]
        except Refusal as refusal:
            return PromisePayload(user_errors=user_errors(refusal))
        best = found[0]
        return PromisePayload(
            promise=DeliveryPromise(
                expires_at=best.expires_at,
                options=[
                    PromiseOption(planned=planned, unit_prices=prices, delivered_by=planned.delivered_by)
                    for planned in found
                    if not planned.short
                ],
                unavailable=user_errors(Refusals(best.short)) if best.short else [],
            )
        )
