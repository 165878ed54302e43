"""What could be sent to many orders of a channel, from the same stock: read once, then worked out for each."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from oms_api import allocation, catalog, inventory, sourcing
from oms_api.inventory import Stock
from oms_api.kit import clock
from oms_api.kit.db import Reading
from oms_api.network import Network
from oms_api.promising.models import DeliveryMethod, Destination, Line, Parcel, PlannedUnits, Promised
from oms_api.promising.queries import rulebook_of
from oms_api.promising.service.margins import UnitCosts
from oms_api.promising.service.parcels import asked_for, parcel
from oms_api.promising.service.place import places_of
from oms_api.promising.service.planning import LINES, PROMISE_VALID, sources_of
from oms_api.promising.service.question import Question, count_capacity, located
from oms_api.promising.service.reach import Reach
from oms_api.promising.service.shelf import Shelf
from oms_api.promising.service.steering import steer
from oms_api.sourcing import Capacity, Demand, Source

Held = Mapping[tuple[str, UUID], int]


class Wish(NamedTuple):
    """Units of an order that go to one place. `without`: locations that said no."""

    lines: tuple[Line, ...]
    destination: Destination | None
    pickup: UUID | None = None
    customer_group: str | None = None
    without: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Offer:
    """What the planner may choose from for a wish; `room` is what is left of the days of its locations."""

    question: Question
    demands: Sequence[Demand]
    sources: Sequence[Source]
    room: Capacity
    free: Held = field(default_factory=dict)
    """Units that nobody holds, by SKU and location."""

    @property
    def max_shipments(self) -> int | None:
        return self.question.steering.most_shipments

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


async def offers(reading: Reading, network: Network, wishes: Sequence[Wish], held: Held) -> list[Offer]:
    """What could be sent for each wish from what is on hand, and from `held`: units by SKU and location that the owners
    of the wishes hold and might give up. Only PHYSICAL SKUs. A few statements for any number of wishes.
    """
    items = await catalog.items(reading, sorted({line.sku for wish in wishes for line in wish.lines}))
    live = await sourcing.live_of(reading, network)
    book = await rulebook_of(reading, network)
    places = [place for place in places_of(network) if place.active and (place.ships or place.pickup)]
    counted = Reach(clock.now(), network, None, None)
    await count_capacity(reading, counted, places)
    stock: dict[bool, dict[str, list[Stock]]] = {}
    limits: dict[str | None, allocation.Limits | None] = {}
    costs = UnitCosts(items.values(), network.channel.currency)
    found = []
    for wish in wishes:
        collected = wish.pickup is not None
        if collected not in stock:
            rows, _ = await inventory.stock(
                reading,
                sorted(items),
                [place.id for place in places],
                method=DeliveryMethod.PICKUP if collected else DeliveryMethod.SHIPPING,
                channel=network.channel.handle,
            )
            by_sku = stock[collected] = defaultdict(list)
            for row in rows:
                by_sku[row.sku].append(row)
        if wish.customer_group not in limits:
            limits[wish.customer_group] = await allocation.limits(
                reading, network, sorted(items), customer_group=wish.customer_group
            )
        own = [row for sku in sorted({line.sku for line in wish.lines}) for row in stock[collected].get(sku, ())]
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
        class_limits = limits[wish.customer_group]
        whole = Shelf(places, shared, [], reach, book, class_limits)
        shelf = Shelf(serving, shared, [], reach, book, class_limits)
        _withhold(shelf, whole, network.channel.threshold)
        question = Question(
            network=network,
            lines=wish.lines,
            parts=tuple({line.sku: 1} for line in wish.lines),
            grams={line.sku: items[line.sku].grams for line in wish.lines},
            cm3={line.sku: items[line.sku].cm3 for line in wish.lines},
            destination=wish.destination,
            collected=collected,
            shelf=shelf,
            offered={},
            offered_later={},
            path=LINES,
            steering=steering,
            unit_costs=costs,
        )
        demand = question.demand([line.quantity for line in wish.lines])
        sources = tuple(sources_of(question, question.candidates, demand))
        asked = asked_for(question, demand, sources, None)
        demands, sources_ruled = sourcing.steered(asked, steering.ruled)
        free = {(row.sku, row.location_id): row.free(shelf.places[row.location_id].safety_stock)
                for row in own if row.location_id in shelf.places}  # fmt: skip
        found.append(Offer(question, demands, sources_ruled, asked.room, free))
    return found


def _with(row: Stock, held: Held) -> Stock:
    """A position as if nobody held the units that may be given up."""
    units = held.get((row.sku, row.location_id), 0)
    return row._replace(reserved=row.reserved - units) if units else row


def _withhold(shelf: Shelf, whole: Shelf, threshold: int) -> None:
    """Take what the channel withholds off the least preferred locations."""
    for sku, at in shelf.free.items():
        over = shelf.now(sku) - whole.offered(sku, threshold)
        for place in reversed(list(shelf.places)):
            if over <= 0:
                break
            units = min(over, max(at.get(place, 0), 0))
            if units:
                at[place] -= units
                over -= units
