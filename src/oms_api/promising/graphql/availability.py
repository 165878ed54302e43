"""`availability` in the API. Resolved from rows that are read already: a field that nobody selects costs nothing."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from oms_api.kit.errors import Refusal, Refusals
from oms_api.kit.graphql import CountryCode, Info, UserError, argument, capped, describe_enum, field, query, user_errors
from oms_api.network.graphql import Location, location_of
from oms_api.promising.models import AvailabilityStatus, Destination
from oms_api.promising.service.availability import Offer, offers

describe_enum(
    AvailabilityStatus,
    "Badge.",
    IN_STOCK="Plenty.",
    LOW="Below the low mark.",
    BACKORDER="Only with a later date.",
    OUT_OF_STOCK="None.",
)


@strawberry.type(description="From this date on, so many units can be promised.")
class AvailabilityStep:
    starts_on: date = field(description="First day.")
    available: int | None = field(description="Units in all, not more on that day; null when not limited by stock.")


@strawberry.type(description="Stock at one location.")
class LocationAvailability:
    location: Location = field(description="Where.")
    available: int | None = field(description="Promisable units; null when not limited by stock.")
    next_receipt_at: datetime | None = field(description="Next receipt.")


@strawberry.type(description="A SKU that may stand in for another, and what can be sold of it.")
class AvailableSubstitute:
    offer: strawberry.Private[Offer]
    sku: str = field(description="SKU that stands in.")
    ratio: Decimal = field(description="So many units of it for one.")
    needs_consent: bool = field(description="Whether the customer must agree first.")
    available: int | None = field(description="Units of the original that it can serve right now, begun ones left out.")

    @field(description="Earliest arrival of what stands in for one unit, at the given destination.")
    def earliest_delivery(self) -> date | None:
        return self.offer.earliest_delivery(math.ceil(self.ratio))


@strawberry.type(description="What can be sold, where, when.")
class Availability:
    offer: strawberry.Private[Offer]
    sku: str = field(description="SKU.")
    channel: str = field(description="Channel handle.")
    available: int | None = field(description="Promisable units right now; null when not limited by stock.")
    status: AvailabilityStatus = field(description="In-stock, low, backorder, none: for badges.")
    as_of: datetime = field(description="Time of the newest stock change that it reflects.")

    @field(description="Earliest arrival at the given destination.")
    def earliest_delivery(self) -> date | None:
        return self.offer.earliest_delivery()

    @field(description="Promisable units by date, as steps: cumulative with look-ahead, so it never falls.")
    def schedule(self) -> list[AvailabilityStep]:
        return [AvailabilityStep(starts_on=day, available=capped(units)) for day, units in self.offer.schedule()]

    @field(description="What may stand in for it, best first, whether or not it is short.")
    def substitutes(self) -> list[AvailableSubstitute]:
        return [
            AvailableSubstitute(
                offer=offer,
                sku=one.sku,
                ratio=one.ratio,
                needs_consent=one.needs_consent,
                available=None if offer.available is None else capped(int(offer.available // one.ratio)),
            )
            for one, offer in self.offer.substitutes
        ]

    @field(description="By location; null when the scope does not allow it.")
    def locations(self, info: Info) -> list[LocationAvailability] | None:
        if not info.context.known_caller().may("inventory:read"):
            return None
        return [
            LocationAvailability(location=location_of(row), available=capped(units), next_receipt_at=receipt)
            for row, units, receipt in self.offer.places()
        ]


@strawberry.input(description="Where to.")
class DestinationInput:
    country: CountryCode = field(description="Country.")
    postal_code: str | None = field(default=UNSET, description="Postal code.")
    latitude: float | None = field(
        default=UNSET, description="Degrees; with `longitude`, distances go by it and not by the postal code."
    )
    longitude: float | None = field(default=UNSET, description="Degrees, with `latitude`.")


def destination_of(sent: DestinationInput | None) -> Destination | None:
    """An optional input as a value; None when it was not sent."""
    if not isinstance(sent, DestinationInput):
        return None
    here = [value if isinstance(value, float) else None for value in (sent.latitude, sent.longitude)]
    return Destination(sent.country, sent.postal_code or None, *here)


@strawberry.input(description="Ask for availability.")
class AvailabilityInput:
    skus: list[str] = field(description="Up to 250 SKUs.")
    channel: str = field(description="Channel handle.")
    destination: DestinationInput | None = field(default=UNSET, description="For delivery dates.")
    locations: list[str] | None = field(
        default=UNSET,
        description="For pick-up: counts only stock at these locations, for collection there: no transfer to them is "
        "assumed, the channel's threshold still applies to the sum, and `destination` is then ignored.",
    )
    demand_class: str | None = field(
        default=UNSET, description="Handle of the demand class that asks; the channel's when absent."
    )


@strawberry.type(description="Answer of `availability`.")
class AvailabilityPayload:
    availability: list[Availability] = field(
        default_factory=list, description="In the order asked; unknown SKUs are left out and named in `userErrors`."
    )
    as_of: datetime | None = field(
        default=None,
        description="Every change that was committed before this instant is in the answer; null when there is none.",
    )
    user_errors: list[UserError] = field(default_factory=list, description="Empty on success.")


def _selects_substitutes(info: Info) -> bool:
    """Whether the caller wants to see them: they cost a statement."""
    found: list[Any] = [*info.selected_fields]
    while found:
        one = found.pop()
        if getattr(one, "name", None) == "substitutes":
            return True
        found += one.selections
    return False


@strawberry.type
class Query:
    @query(description="What can be sold, where, when.", scope=["availability:read"])
    async def availability(
        self, info: Info, input: Annotated[AvailabilityInput, argument("What to look at.")]
    ) -> AvailabilityPayload:
        try:
            found, missing, as_of = await info.context.read(
                offers,
                channel=input.channel,
                skus=input.skus,
                destination=destination_of(input.destination),
                pickup=input.locations if isinstance(input.locations, list) else None,
                demand_class=input.demand_class or None,
                substitutes=_selects_substitutes(info),
            )
        except Refusal as refusal:
            return AvailabilityPayload(user_errors=user_errors(refusal))
        return AvailabilityPayload(
            availability=[
                Availability(
                    offer=offer,
                    sku=offer.sku,
                    channel=input.channel,
                    available=capped(offer.available),
                    status=offer.status,
                    as_of=offer.as_of,
                )
                for offer in found
            ],
            as_of=as_of,
            user_errors=user_errors(Refusals(missing)) if missing else [],
        )
