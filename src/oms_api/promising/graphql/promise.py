"""`promise` in the API: ways to serve it, each with its token, its cost and how it came about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

import strawberry
from strawberry import UNSET

from oms_api.kit.errors import Refusal, Refusals
from oms_api.kit.graphql import Info, Money, UserError, argument, describe_enum, field, money_of, query, user_errors
from oms_api.network import SourcingObjective
from oms_api.network.graphql import Location, location_of
from oms_api.promising import models
from oms_api.promising.graphql.availability import DestinationInput, destination_of
from oms_api.promising.models import DeliveryMethod, Line, Parcel, RejectionReason
from oms_api.promising.service.explaining import POLICY, POLICY_VERSION, rejections
from oms_api.promising.service.options import options
from oms_api.promising.service.planning import Planned
from oms_api.promising.service.tokens import token_of

describe_enum(
    RejectionReason,
    "Why a location was not used.",
    NO_STOCK="No promisable unit there.",
    NOT_ELIGIBLE="Not in the channel's network, or lacks the capability.",
    CLOSED="Closed or past cut-off for the wanted date.",
    TOO_LATE="Cannot arrive in time.",
    DEARER="Usable, but a better plan exists.",
)
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


@strawberry.type(description="One term of a cost.")
class CostTerm:
    name: str = field(description="`shipping`, `handling`, `lateness`, `split`…")
    amount: Money = field(description="Amount.")


@strawberry.type(description="A location not used.")
class RejectedLocation:
    location: Location = field(description="Where.")
    sku: str | None = field(description="SKU, when about one.")
    reason: RejectionReason = field(description="Why.")
    message: str = field(description="In words.")


@strawberry.type(description="How a plan came about: enough to argue with.")
class SourcingExplanation:
    planned: strawberry.Private[Planned]
    objective: SourcingObjective = field(description="Objective used.")
    policy: str = field(description="Policy handle.")
    policy_version: int = field(description="Its version.")
    lower_bound: Money = field(
        description="No plan can cost less than this; equal to the cost when the plan is proven best."
    )

    @field(description="Cost by term; adds up to the option's cost.")
    def terms(self) -> list[CostTerm]:
        currency = self.planned.network.channel.currency
        return [CostTerm(name=name, amount=money_of(minor, currency)) for name, minor in self.planned.terms.items()]

    @field(description="Locations looked at and not used, with the reason.")
    def rejected(self) -> list[RejectedLocation]:
        return [
            RejectedLocation(location=location_of(row.location), sku=None, reason=row.reason, message=row.message)
            for row in rejections(self.planned)
        ]


@strawberry.type(description="One way to serve it.")
class PromiseOption:
    planned: strawberry.Private[Planned]
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

    @field(description="How it came about; null without `sourcing:read`.")
    def explanation(self, info: Info) -> SourcingExplanation | None:
        if not info.context.known_caller().may("sourcing:read"):
            return None
        return SourcingExplanation(
            planned=self.planned,
            objective=self.planned.objective,
            policy=POLICY,
            policy_version=POLICY_VERSION,
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


def lines_of(sent: Sequence[PromiseLineInput]) -> list[models.Line]:
    return [Line(line.sku, line.quantity) for line in sent]


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
                lines=lines_of(input.lines),
                destination=destination_of(input.destination),
                pickup=input.pickup_locations if isinstance(input.pickup_locations, list) else None,
                objective=input.objective if isinstance(input.objective, SourcingObjective) else None,
            )
        except Refusal as refusal:
            return PromisePayload(user_errors=user_errors(refusal))
        best = found[0]
        return PromisePayload(
            promise=DeliveryPromise(
                expires_at=best.expires_at,
                options=[
                    PromiseOption(planned=planned, delivered_by=planned.delivered_by)
                    for planned in found
                    if not planned.short
                ],
                unavailable=user_errors(Refusals(best.short)) if best.short else [],
            )
        )
