"""What can be sold, where and when: read in three or four statements, computed only as far as it is asked for."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import accumulate
from uuid import UUID

from oms_api import allocation, catalog, inventory, network
from oms_api.catalog import Substitution
from oms_api.kit import clock
from oms_api.kit.db import Reading
from oms_api.kit.errors import Invalid, NotFound, Refusal, Refusals, refuse
from oms_api.network import Channel, Location
from oms_api.promising.errors import no_way, nobody_sends, unknown_sku
from oms_api.promising.models import AvailabilityStatus, DeliveryMethod, Destination
from oms_api.promising.queries import rulebook_of
from oms_api.promising.rules import atp
from oms_api.promising.service.ground import Ground, ground_of
from oms_api.promising.service.place import Place, places_of
from oms_api.promising.service.question import components, count_capacity, located, unknown_channel
from oms_api.promising.service.reach import Reach
from oms_api.promising.service.shelf import Shelf

SKUS_MAX = 250
NEVER = (date.max, 0)
LOW_MARK = 5
"""So few units, or fewer, are LOW."""


class Offer:
    """What can be sold of one SKU in one channel; schedule, places and dates are computed when they are asked for."""

    __slots__ = ("_aisle", "as_of", "available", "parts", "sku", "status", "substitutes")

    def __init__(
        self, aisle: "Aisle", sku: str, parts: Mapping[str, int], substitutes: Sequence[Substitution] = ()
    ) -> None:
        self._aisle = aisle
        self.substitutes = [(one, Offer(aisle, one.sku, {one.sku: 1})) for one in substitutes]
        """What may stand in for it, best first, each with what can be sold of it."""
        self.sku = sku
        self.parts = parts
        shelf = aisle.shelf
        if not parts:
            self.available: int | None = None
            self.status = AvailabilityStatus.IN_STOCK
            self.as_of: datetime = shelf.reach.now
            return
        changed = [shelf.changed_at[part] for part in parts if part in shelf.changed_at]
        self.as_of = max(changed) if changed else shelf.reach.now
        available = aisle.kits(parts)
        self.available = available
        rules = any(shelf.anyhow(part) is not None for part in parts)
        if rules and self.schedule()[0][1] is None:
            self.available, self.status = None, AvailabilityStatus.IN_STOCK
        elif available > LOW_MARK:
            self.status = AvailabilityStatus.IN_STOCK
        elif available > 0:
            self.status = AvailabilityStatus.LOW
        elif (rules or any(part in shelf.coming for part in parts)) and self.schedule()[-1][1] != 0:
            self.status = AvailabilityStatus.BACKORDER
        else:
            self.status = AvailabilityStatus.OUT_OF_STOCK

    def schedule(self) -> list[tuple[date, int | None]]:
        """Promisable units by date (None: any number), as steps that never fall."""
        aisle = self._aisle
        today = aisle.shelf.day_zero
        if not self.parts:
            return [(today, None)]
        steps = aisle.shelf.kit_steps(self.parts, aisle.channel.threshold)
        endless = all(aisle.shelf.anyhow(part) is not None for part in self.parts)
        return [
            (today + timedelta(days=step.on), None if endless and step.quantity >= atp.UNLIMITED else step.quantity)
            for step in steps
        ]

    def places(self) -> list[tuple[Location, int, datetime | None]]:
        """Units and the next receipt by location, preferred first; none for what has no stock."""
        if not self.parts:
            return []
        shelf = self._aisle.shelf
        return [
            (place.row, shelf.kits_at(self.parts, place.id), shelf.next_receipt_at(self.parts, place.id))
            for place in self._aisle.asked
        ]

    def earliest_delivery(self, units: int = 1) -> date | None:
        """First day on which so many units can arrive (or be collected); None when nowhere was asked or it never is."""
        aisle = self._aisle
        if not (aisle.collected or aisle.destination):
            return None
        if not self.parts:
            return aisle.shelf.reach.now.date()
        parts = {sku: each * units for sku, each in self.parts.items()}
        if not aisle.collected:  # a promise serves what is there first, also where supply would arrive sooner
            now = aisle.earliest_now(parts) if self.available is not None and self.available >= units else None
            if now is not None or not any(aisle.awaits(part) for part in self.parts):
                return now
        first = atp.first_day(aisle.shelf.kit_steps(self.parts, aisle.channel.threshold), units)
        if first is None:
            return None
        if aisle.collected:
            dates = [aisle.earliest([place], parts, first) for place in aisle.asked]
            return min((day for day in dates if day is not None), default=None)
        return aisle.earliest(aisle.asked, parts, first)


class Aisle:
    """What the offers of one request share: the channel, the locations asked about, their stock and their trips."""

    __slots__ = ("_arrives", "asked", "channel", "collected", "destination", "ground", "shelf")

    def __init__(
        self,
        channel: Channel,
        asked: Sequence[Place],
        shelf: Shelf,
        destination: Destination | None,
        *,
        collected: bool,
        ground: Ground | None = None,
    ) -> None:
        self.channel = channel
        self.ground = ground
        self.asked = asked
        self.shelf = shelf
        self.destination = destination
        self.collected = collected
        self._arrives: dict[UUID, date] = {}

    def kits(self, parts: Mapping[str, int]) -> int:
        """Units right now; of a kit for collection only those that one location can hand over whole."""
        found = self.shelf.kits(parts, self.channel.threshold)
        if self.collected and len(parts) > 1:
            found = min(found, sum(self.shelf.kits_at(parts, place_id) for place_id in self.shelf.places))
        return found

    def awaits(self, sku: str) -> bool:
        """Whether more of it can be had later than now, or its units are shared out: days are then to be looked at."""
        shelf = self.shelf
        return sku in shelf.coming or shelf.limits is not None or shelf.anyhow(sku) is not None

    def earliest_now(self, parts: Mapping[str, int]) -> date | None:
        """First day by which these units by SKU have arrived of what is there; None when they never do."""
        latest = date.min
        for sku, units in parts.items():
            if units == 1 and self.ground is not None:
                day = self.shelf.reach.first_arrival(self.ground, self.shelf.sends[sku]) or date.max
                latest = max(latest, day)
                continue
            free = self.shelf.free[sku].items()
            loads = [(self._arrival_from(id_), level) for id_, level in free if level > 0]
            if units > 1:
                loads.sort()
                reached = accumulate(more for _, more in loads)
                loads = [load for load, sum_ in zip(loads, reached, strict=True) if sum_ >= units]
            day = min(loads, default=NEVER)[0]
            latest = max(latest, day)
        return latest if latest < date.max else None

    def _arrival_from(self, location_id: UUID) -> date:
        """When units that are at a location now arrive; the last of all days when nothing goes there."""
        found = self._arrives.get(location_id)
        if found is None:
            place = self.shelf.places[location_id]
            trip = self.shelf.reach.trip(place) if place.serves(collected=False) else None
            found = self._arrives[location_id] = trip.arrives_on if trip else date.max
        return found

    def earliest(self, places: Sequence[Place], parts: Mapping[str, int], first: int) -> date | None:
        """First day by which one kit has arrived from these locations, its units promisable from day `first` on."""
        arrivals = [self._arrival(places, sku, units, first) for sku, units in parts.items()]
        known = [day for day in arrivals if day is not None]
        return max(known) if len(known) == len(parts) else None

    def _arrival(self, places: Sequence[Place], sku: str, units: int, first: int) -> date | None:
        shelf = self.shelf
        loads: list[tuple[date, int]] = []
        has = shelf.free.get(sku, {}).keys() | {row.location_id for row in shelf.coming.get(sku, ())}
        for place in places:
            if place.id not in has or not place.serves(collected=self.collected):
                continue
            before = 0
            for on, level in shelf.steps_at(sku, place.id):
                if level > before:
                    day = max(on, first)
                    held = level <= shelf.at(sku, place.id) and not first
                    trip = shelf.reach.trip(place, None if held else shelf.day_zero + timedelta(days=day))
                    if trip is not None:
                        loads.append((trip.arrives_on, level - before))
                    before = level
        anyhow = shelf.anyhow(sku)
        if anyhow is not None:
            day = max(anyhow, first)
            not_before = shelf.day_zero + timedelta(days=day) if day else None
            trips = (shelf.reach.trip(place, not_before) for place in places if place.serves(collected=self.collected))
            loads += [(trip.arrives_on, units) for trip in trips if trip is not None][:1]
        reached = 0
        for arrives_on, more in sorted(loads):
            reached += more
            if reached >= units:
                return arrives_on
        return None


async def offers(
    reading: Reading,
    *,
    channel: str,
    skus: Sequence[str],
    destination: Destination | None = None,
    pickup: Sequence[str] | None = None,
    demand_class: str | None = None,
    substitutes: bool = False,
) -> tuple[list[Offer], list[Refusal], datetime]:
    """Offers in the order asked, one refusal for each unknown SKU, and the instant up to which every change is in them.
    Three statements for any number of SKUs, a fourth when some of them changed since this process read them; one more
    with `substitutes` where there are any, whose stock is read with theirs.

    `pickup` names locations by handle: only their stock counts, for collection there. Raises what is wrong with the
    question as a whole: Invalid, NotFound.
    """
    problems: list[Refusal] = []
    if not 1 <= len(skus) <= SKUS_MAX:
        problems.append(Invalid(f"Send 1 to {SKUS_MAX} SKUs, not {len(skus)}.", path=("input", "skus")))
        refuse(problems)
    there = located(destination if pickup is None else None, problems)
    found = await network.network_of(reading, channel)
    if found is None:
        raise Refusals([*problems, unknown_channel(channel)])
    named: Sequence[Place] = places_of(found)
    collected = pickup is not None
    ground = None if collected else ground_of(found)
    if pickup is not None:
        by_id = {place.id: place for place in named}
        named = [by_id[row.id] for row in chosen(found, pickup, problems, ("input", "locations"))]
    refuse(problems)
    asked = [place for place in named if place.active and place.pickup] if ground is None else ground.places
    items = await catalog.items(reading, skus)
    parts = {code: components(item) for code, item in items.items()}
    substituted = [code for code, item in items.items() if item.substituted] if substitutes else []
    instead = await catalog.substitutes_of(reading, substituted) if substituted else {}
    others = {one.sku for rows in instead.values() for one in rows}  # goods, each with stock of its own
    stocked = list({sku for part in parts.values() for sku in part} | others)
    known: Mapping[str, inventory.OfSku] = {}
    as_of = clock.now()
    if stocked and asked:
        known, as_of = await inventory.known_skus(reading, stocked)
    reach = Reach(clock.now(), found, None if collected else destination, there, collected=collected)
    if destination is not None or collected:
        await count_capacity(reading, reach, asked)
    book = await rulebook_of(reading, found)
    limits = await allocation.limits(reading, found, stocked, demand_class, ("input", "demandClass"))
    if ground is not None and limits is None:
        shelf = Shelf.of_ground(ground, known, reach, book)
    else:
        ground = None
        method = DeliveryMethod.PICKUP if collected else DeliveryMethod.SHIPPING
        at = {place.id for place in asked}
        stock = [row for of in known.values() for row in of.stock(at, method, found.channel.handle)]
        shelf = Shelf(asked, stock, [row for of in known.values() for row in of.incoming], reach, book, limits)
    aisle = Aisle(found.channel, named, shelf, destination, collected=collected, ground=ground)
    missing: list[Refusal] = []
    if destination is not None and not collected and stocked:
        missing += _unreached(found.channel, destination, reach, asked)
    answer = []
    for i, sku in enumerate(skus):
        if sku in parts:
            answer.append(Offer(aisle, sku, parts[sku], instead.get(sku, ())))
        else:
            missing.append(unknown_sku(sku, ("input", "skus", i)))
    return answer, missing, as_of


def _unreached(channel: Channel, destination: Destination, reach: Reach, places: Sequence[Place]) -> Sequence[Refusal]:
    """Why nothing can be sent to a destination, if so."""
    path = ("input", "destination")
    sending = [place for place in places if place.serves(collected=False)]
    if not sending:
        return [nobody_sends(channel.handle, path)]
    if any(map(reach.goes, sending)):
        return []
    return [no_way(channel.handle, destination.country, destination.postal_code, path)]


def chosen(
    found: network.Network, handles: Sequence[str], problems: list[Refusal], path: tuple[str | int, ...]
) -> list[Location]:
    """The named locations of a channel, in the order named; one that is not among its locations is a problem."""
    by_handle = {row.handle: row for row in found.locations}
    rows: dict[UUID, Location] = {}
    for i, handle in enumerate(handles):
        row = by_handle.get(handle)
        if row is None:
            problems.append(
                NotFound(
                    f"{handle[:60]!r} is not a location of channel {found.channel.handle}; "
                    "add it there with channelPut first.",
                    path=(*path, i),
                )
            )
        else:
            rows[row.id] = row
    if not handles:
        problems.append(Invalid("Name at least one location, or leave the field out.", path=path))
    return list(rows.values())
