"""`atpTimeline` in the API."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import strawberry
from strawberry import UNSET

from oms_api.inventory import SupplyKind
from oms_api.kit.errors import BadInput, Refusal
from oms_api.kit.graphql import Info, UserError, argument, capped, field, query, user_errors
from oms_api.network.graphql import Location, location_of
from oms_api.promising.graphql.availability import AvailabilityStep
from oms_api.promising.models import AtpMode
from oms_api.promising.service.timeline import Timeline, timeline


@strawberry.type(description="A day on which something comes, goes, or can be promised.")
class AtpDay:
    on: date = field(description="Day.")
    supply: int = field(description="Units that are expected on it.")
    demand: int = field(description="Units that leave on it for demands that are held already.")
    projected: int = field(description="Balance at its end, less safety stock and threshold; may be negative.")
    available: int | None = field(description="Units that can be promised by then; null for any number.")


@strawberry.type(description="A supply as ATP sees it.")
class AtpSupply:
    reference: str = field(description="Reference.")
    kind: SupplyKind = field(description="What it is.")
    location: Location = field(description="Where it arrives.")
    quantity: int = field(description="Units still to come.")
    promised: int = field(description="Of these, units that are promised already.")
    expected_at: datetime = field(description="When it is expected; with confidence, when that is known.")
    counts_from: date | None = field(description="Promised from this day on; null when the rule does not count it.")


@strawberry.type(description="Units that leave for demands that are held already.")
class AtpDemand:
    location: Location = field(description="Where from.")
    leaves_on: date = field(description="Day on which they leave; today when nobody said when.")
    quantity: int = field(description="Units.")
    waits_for: str | None = field(description="Reference of the supply that they wait for; null when they are there.")


@strawberry.type(description="ATP at one location.")
class AtpAtLocation:
    location: Location = field(description="Where.")
    on_hand: int = field(description="Units there.")
    reserved: int = field(description="Units held of these.")
    steps: list[AvailabilityStep] = field(description="Promisable units by date.")


@strawberry.type(description="Units that a generator would bring.")
class AtpLoad:
    on: date = field(description="Day.")
    quantity: int = field(description="Units.")
    generator: str = field(description="Its kind; for TRANSFER with the location.")


@strawberry.type(description="When a quantity could be had, with the generators' help where ATP is not enough.")
class AtpCapable:
    on: date = field(description="Day on which all of it is there.")
    from_atp: int = field(description="Units of it that ATP covers.")
    loads: list[AtpLoad] = field(description="The rest: nothing of it is announced or held yet.")


@strawberry.type(description="Why so many units of a SKU can be promised by when.")
class AtpTimeline:
    found: strawberry.Private[Timeline]
    sku: str = field(description="SKU.")
    channel: str = field(description="Channel handle.")
    rule: str | None = field(description="Handle of the ATP rule; null when none was put for it.")
    mode: AtpMode = field(description="Its mode.")
    demand_class: str | None = field(description="Handle of the class that `available` is for; null: none.")
    on_hand: int = field(description="Units there now.")
    reserved: int = field(description="Units held of these.")
    safety_stock: int = field(description="Units kept back at the locations.")
    threshold: int = field(description="Units that the channel withholds of the sum.")

    @field(description="By day: supply, demand, the projected balance and what can be promised.")
    def days(self) -> list[AtpDay]:
        return [
            AtpDay(on=on, supply=supply, demand=demand, projected=capped(projected), available=capped(available))
            for on, supply, demand, projected, available in self.found.days
        ]

    @field(description="Promisable units by date, over the locations together.")
    def steps(self) -> list[AvailabilityStep]:
        return _steps(self.found.schedule(self.found.steps))

    @field(description="Supplies, soonest first.")
    def supplies(self) -> list[AtpSupply]:
        return [
            AtpSupply(
                reference=row.reference,
                kind=row.kind,
                location=location_of(place.row),
                quantity=row.quantity,
                promised=row.reserved,
                expected_at=row.expected_at,
                counts_from=counts_on,
            )
            for row, place, counts_on in self.found.supplies
        ]

    @field(description="Demand that is held, by the day on which it leaves.")
    def demands(self) -> list[AtpDemand]:
        return [
            AtpDemand(location=location_of(place.row), leaves_on=leaves_on, quantity=quantity, waits_for=waits_for)
            for place, leaves_on, quantity, waits_for in self.found.demands
        ]

    @field(description="By location, preferred first; of the announced only, whatever the mode adds.")
    def locations(self) -> list[AtpAtLocation]:
        return [
            AtpAtLocation(
                location=location_of(place.row),
                on_hand=row.on_hand if row else 0,
                reserved=row.reserved if row else 0,
                steps=_steps(self.found.schedule(steps)),
            )
            for place, row, steps in self.found.by_place
        ]

    @field(description="When so many units could be had; null when not even the generators ever bring them.")
    def capable(self, quantity: Annotated[int, argument("Units.")]) -> AtpCapable | None:
        try:
            found = self.found.capable(quantity)
        except Refusal as refusal:
            raise BadInput(refusal) from refusal
        if found is None:
            return None
        on, from_atp, loads = found
        return AtpCapable(
            on=on,
            from_atp=from_atp,
            loads=[AtpLoad(on=day, quantity=units, generator=by) for day, units, by in loads],
        )


def _steps(schedule: list[tuple[date, int | None]]) -> list[AvailabilityStep]:
    return [AvailabilityStep(starts_on=day, available=capped(units)) for day, units in schedule]


@strawberry.input(description="Ask why so many units can be promised by when.")
class AtpTimelineInput:
    sku: str = field(description="A SKU with stock of its own; of a kit, ask for its components.")
    channel: str = field(description="Channel handle.")
    locations: list[str] | None = field(
        default=UNSET, description="Handles of some of its locations; all of them when absent."
    )
    demand_class: str | None = field(
        default=UNSET, description="Handle of the demand class that asks; the channel's when absent."
    )


@strawberry.type(description="Answer of `atpTimeline`.")
class AtpTimelinePayload:
    timeline: AtpTimeline | None = field(default=None, description="The reasoning; null when the question was wrong.")
    user_errors: list[UserError] = field(default_factory=list, description="Empty on success.")


@strawberry.type
class Query:
    @query(
        description="Why so many units of a SKU can be promised by when.",
        scope=["availability:read", "inventory:read"],
        weight=5,
    )
    async def atp_timeline(
        self, info: Info, input: Annotated[AtpTimelineInput, argument("What to look at.")]
    ) -> AtpTimelinePayload:
        try:
            found = await info.context.read(
                timeline,
                sku=input.sku,
                channel=input.channel,
                locations=input.locations if isinstance(input.locations, list) else None,
                demand_class=input.demand_class or None,
            )
        except Refusal as refusal:
            return AtpTimelinePayload(user_errors=user_errors(refusal))
        return AtpTimelinePayload(
            timeline=AtpTimeline(
                found=found,
                sku=found.sku,
                channel=input.channel,
                rule=found.applied.handle,
                mode=found.applied.rule.mode,
                demand_class=found.demand_class,
                on_hand=capped(found.on_hand),
                reserved=capped(found.reserved),
                safety_stock=capped(found.kept),
                threshold=found.threshold,
            )
        )
