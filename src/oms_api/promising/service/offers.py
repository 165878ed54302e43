"""What could be sent to many orders of a channel, from the same stock: read once, then worked out for each."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from oms_api import allocation, catalog, inventory, sourcing
from oms_api.inventory import LetGo, Stock
from oms_api.kit import clock
from oms_api.kit.db import Reading
from oms_api.network import Network
from oms_api.promising.models import DeliveryMethod, Destination, Line, Parcel, PlannedUnits, Promised
from oms_api.promising.queries import rulebook_of
from oms_api.promising.service.asides import asides
from oms_api.promising.service.margins import UnitCosts
from oms_api.promising.service.parcels import asked_for, parcel, source
from oms_api.promising.service.place import places_of
from oms_api.promising.service.planning import LINES, PROMISE_VALID, sources_of
from oms_api.promising.service.question import Question, count_capacity, located
from oms_api.promising.service.reach import Reach
from oms_api.promising.service.shelf import Shelf
from oms_api.promising.service.steering import steer
from oms_api.promising.service.wanted import When, whens
from oms_api.sourcing import Aside, Asked, Capacity, Demand, Settings, Source

Held = Mapping[tuple[str, UUID], int]


class Wish(NamedTuple):
    """Units of an order that go to one place, all as soon as they can or for one date. `parts[i]`: what one unit of
    line i takes from stock; of a kit it travels together. `without`: locations that said no."""

    lines: tuple[Line, ...]
    parts: tuple[Mapping[str, int], ...]
    destination: Destination | None
    pickup: UUID | None = None
    customer_group: str | None = None
    demand_class: str | None = None
    without: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Offer:
    """What the planner may choose from for a wish; `room` is what is left of the days of its locations."""

    question: Question
    asked: Asked
    demands: Sequence[Demand]
    sources: Sequence[Source]
    room: Capacity
    without: frozenset[UUID]
    free: Held = field(default_factory=dict)
    """Units that nobody holds, by SKU and location."""

    @property
    def settings(self) -> Settings:
        """How the policy says to plan."""
        return self.question.steering.ruled.settings

    @property
    def max_shipments(self) -> int | None:
        return self.question.steering.most_shipments

    def asides(self, used: Container[str]) -> dict[str, Sequence[str]]:
        """By why: the locations of the channel that are not used."""
        ruled = self.question.steering.ruled.excluded
        rows = self.question.network.locations
        without = {row.handle: Aside.REFUSED for row in rows if row.id in self.without}
        found = asides(self.question, self.asked, without)
        offered = dict.fromkeys(source.location for source in self.asked.sources)
        for why, handles in (
            (Aside.RULED, list(ruled)),
            (Aside.SHARED, [name for name in offered if name not in used and name not in ruled]),
        ):
            if handles:
                found[why.value] = handles
        return found

    def location_id(self, handle: str) -> UUID:
        return self.question.named[handle].id

    def promised(self, sent: Sequence[tuple[Source, Sequence[PlannedUnits]]]) -> Promised:
        """Parcels as they can be held."""
        question = self.question
        parcels: tuple[Parcel, ...] = tuple(parcel(question, source, units) for source, units in sent)
        limits = question.shelf.limits
        return Promised(
            channel=question.network.channel.handle,
            lines=question.lines,
            destination=question.destination,
            pickup=parcels[0].location_id if parcels and question.collected else None,
            parcels=parcels,
            expires_at=question.now + PROMISE_VALID,
            rationed=limits is not None,
            demand_class=limits.demand_class if limits else None,
        )


async def offers(
    reading: Reading, network: Network, wishes: Sequence[Wish], held: Held, given_up: Sequence[LetGo] = ()
) -> list[Offer]:
    """What could be sent for each wish from what is on hand, and from `held`: units by SKU and location that the owners
    of the wishes hold and might give up; `given_up` by reservation, those that wait for supply too. A few statements
    for any number of wishes.
    """
    stocked = {sku for wish in wishes for parts in wish.parts for sku in parts}
    items = await catalog.items(reading, sorted(stocked | {line.sku for wish in wishes for line in wish.lines}))
    live = await sourcing.live_of(reading, network)
    book = await rulebook_of(reading, network)
    places = [place for place in places_of(network) if place.active and (place.ships or place.pickup)]
    counted = Reach(clock.now(), network, None, None)
    days = [line.requested_on for wish in wishes for line in wish.lines if line.requested_on is not None]
    await count_capacity(reading, counted, places, max(days, default=None))
    stock: dict[bool, dict[str, list[Stock]]] = {}
    limits: dict[tuple[str | None, str | None], allocation.Limits | None] = {}
    costs = UnitCosts(items.values(), network.channel.currency)
    found = []
    for wish in wishes:
        collected = wish.pickup is not None
        if collected not in stock:
            rows, _ = await inventory.stock(
                reading,
                sorted(stocked),
                [place.id for place in places],
                method=DeliveryMethod.PICKUP if collected else DeliveryMethod.SHIPPING,
                channel=network.channel.handle,
            )
            by_sku = stock[collected] = defaultdict(list)
            for row in rows:
                by_sku[row.sku].append(row)
        whose = wish.demand_class, wish.customer_group
        if whose not in limits:
            kept = await allocation.class_of(reading, network, wish.demand_class)
            limits[whose] = await allocation.limits(
                reading,
                network,
                sorted(stocked),
                kept,
                customer_group=wish.customer_group,
                given_up=given_up,
                held=held,
            )
        skus = sorted({sku for parts in wish.parts for sku in parts})
        own = [row for sku in skus for row in stock[collected].get(sku, ())]
        there = located(wish.destination, [])
        serving = [
            place
            for place in places
            if place.serves(collected=collected)
            and place.id not in wish.without
            and (wish.pickup is None or place.id == wish.pickup)
        ]
        steering = steer(
            live,
            network=network,
            lines=wish.lines,
            items=items,
            destination=wish.destination,
            there=there,
            collected=collected,
            customer_group=wish.customer_group,
            places=serving,
            stock=own,
        )
        reach = Reach(clock.now(), network, wish.destination, there, collected=collected)
        reach.like(counted)
        shared = [_with(row, held) for row in own]
        class_limits = limits[whose]
        whole = Shelf(places, shared, [], reach, book, class_limits)
        shelf = Shelf(serving, shared, [], reach, book, class_limits)
        demand: Counter[str] = Counter()
        for line, parts in zip(wish.lines, wish.parts, strict=True):
            for sku, per_unit in parts.items():
                demand[sku] += line.quantity * per_unit
        _withhold(shelf, whole, network.channel.threshold, demand)
        question = Question(
            network=network,
            lines=wish.lines,
            parts=wish.parts,
            grams={sku: items[sku].grams for sku in skus},
            cm3={sku: items[sku].cm3 for sku in skus},
            destination=wish.destination,
            collected=collected,
            shelf=shelf,
            offered={},
            offered_later={},
            path=LINES,
            steering=steering,
            unit_costs=costs,
        )
        dates = whens(wish.lines)
        sources = tuple(
            _in_time(question, dates[0], demand) if dates else sources_of(question, question.candidates, demand)
        )
        asked = asked_for(question, demand, sources, None)
        demands, sources_ruled = sourcing.steered(asked, steering.ruled)
        if any(parts != {line.sku: 1} for line, parts in zip(wish.lines, wish.parts, strict=True)):
            demands = [demand._replace(group="kit") for demand in demands]
        free = {(row.sku, row.location_id): row.free(shelf.places[row.location_id].safety_stock)
                for row in own if row.location_id in shelf.places}  # fmt: skip
        found.append(Offer(question, asked, demands, sources_ruled, asked.room, wish.without, free))
    return found


def _in_time(question: Question, when: When, demand: Mapping[str, int]) -> Iterable[Source]:
    """Of each location that has any of it the last trips that arrive on a wanted date, or as soon after as can be."""
    shelf = question.shelf
    for rank, place in enumerate(question.candidates):
        stock = {sku: units for sku in demand if (units := shelf.free.get(sku, {}).get(place.id, 0)) > 0}
        if stock:
            for trip in shelf.reach.in_time(place, when.on, early=when.early):
                yield source(place, rank, stock, trip)


def _with(row: Stock, held: Held) -> Stock:
    """A position as if nobody held the units that may be given up."""
    units = held.get((row.sku, row.location_id), 0)
    return row._replace(reserved=row.reserved - units) if units else row


def _withhold(shelf: Shelf, whole: Shelf, threshold: int, demand: Mapping[str, int]) -> None:
    """Take what the channel withholds off the least preferred locations, and what the class may not have; when it may
    have all that is wanted, it may choose where."""
    for sku, at in shelf.free.items():
        over = shelf.now(sku) - whole.offered(sku, threshold, at_most=demand[sku])
        for place in reversed(list(shelf.places)):
            if over <= 0:
                break
            units = min(over, max(at.get(place, 0), 0))
            if units:
                at[place] -= units
                over -= units
