"""Which ways parcels go from locations to one destination: carrier services, their zone there, and what they cost.

Worked out once for a network and a destination, and remembered: 500 locations with three services cost some 10 ms.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from oms_api import network, sourcing
from oms_api.network import CarrierPlan, Network
from oms_api.promising.models import Destination
from oms_api.promising.rules import STANDARD, WEEKDAYS, Pickup, Position, distance_km, zone_between
from oms_api.promising.service.place import Place, Same

DESTINATIONS_REMEMBERED_MAX = 256
FARTHEST_ZONE = len(STANDARD.transit_days)


class Lane(NamedTuple):
    """A service from a location to the destination. A parcel costs `fixed` and `per_kg`, or what `rate` says."""

    service: str
    transit_days: int
    pickup: Pickup | None = None
    """None: it is fetched on whatever day it leaves."""
    business_days: frozenset[int] = WEEKDAYS
    holidays: frozenset[date] = frozenset()
    fixed: int = 0
    per_kg: int = 0
    rate: sourcing.Rate | None = None

    def no_dearer(self, other: "Lane") -> bool:
        """Whether it costs no more than another for every parcel, as far as that can be told."""
        if self.rate is not None or other.rate is not None:
            return self.rate == other.rate and self.fixed <= other.fixed
        return self.fixed <= other.fixed and self.per_kg <= other.per_kg


Lanes = tuple[Lane, ...]
_BUILT_IN = tuple(
    (Lane(STANDARD.handle, STANDARD.transit(zone), fixed=STANDARD.fixed(zone), per_kg=STANDARD.per_kg),)
    for zone in range(1, FARTHEST_ZONE + 1)
)


class Arrivals:
    """First days on which what is there now arrives, by location, kept as a bit for each location by day: the first of
    some locations is then found by a few `&`. Filled as far as asked for. Shared between requests and threads."""

    def __init__(self) -> None:
        self._known: tuple[int, Sequence[tuple[date, int]]] = 0, ()

    def first(self, bits: int, arrives: Callable[[int], date | None]) -> date | None:
        """The first day of the locations whose bits are set; `arrives` tells that of one, by its place in the order,
        None when nothing goes from there."""
        seen, days = self._known
        new = bits & ~seen
        if new:
            by_day = dict(days)
            while new:
                bit = new & -new
                new ^= bit
                day = arrives(bit.bit_length() - 1)
                if day is not None:
                    by_day[day] = by_day.get(day, 0) | bit
            days = sorted(by_day.items())
            self._known = seen | bits, days
        for day, there in days:
            if there & bits:
                return day
        return None


class Atlas:
    """The lanes of a network's locations to a destination on a day. Equal ones are one object."""

    def __init__(self, found: Network, destination: Destination | None, there: Position | None, on: date) -> None:
        self._network = found
        self._destination = destination
        self._there = there
        self._on = on
        self._of: dict[UUID, Lanes] = {}
        self._same: dict[Lanes, Lanes] = {}
        self._arrivals: tuple[datetime | None, Arrivals] = None, Arrivals()

    def lanes(self, place: Place) -> Lanes:
        """The ways from a location; none when no service of it goes there, or in the channel's currency."""
        lanes = self._of.get(place.id)
        if lanes is None:
            lanes = self._of[place.id] = self._found(place)
        return lanes

    def arrivals(self, minute: datetime) -> Arrivals:
        """Those of the network's ground when asked in a minute; only of the last one they are kept."""
        at, found = self._arrivals
        if at != minute:
            found = Arrivals()
            self._arrivals = minute, found
        return found

    def _found(self, place: Place) -> Lanes:
        here, there = place.position, self._there
        services = self._network.carriers.services
        if not services:
            zone = FARTHEST_ZONE if here is None or there is None else zone_between(here, there)
            return _BUILT_IN[zone - 1]
        km = None if here is None or there is None else distance_km(here, there)
        offers = place.row.services
        if offers is None:
            offers = [{"service": handle, "pickupDays": None, "lastPickup": None} for handle in services]
        found = (
            self._lane(services[offer["service"]], offer["pickupDays"], offer["lastPickup"], place, km)
            for offer in offers
            if offer["service"] in services
        )
        lanes = tuple(lane for lane in found if lane is not None)
        return self._same.setdefault(lanes, lanes)

    def _lane(
        self, service: CarrierPlan, days: list[int] | None, last: str | None, place: Place, km: float | None
    ) -> Lane | None:
        to = self._destination
        country, postal_code = (to.country, to.postal_code) if to else (None, None)
        origin = place.row.origin_zone
        zone = service.zone(origin, country, postal_code, km) if to else service.farthest(origin)
        card = zone and service.rate(zone.name, self._network.channel.currency, self._on)
        if zone is None or card is None:
            return None
        here = service.closed(*place.land)
        last = last or service.last_pickup
        fixed, per_kg, rate = _price(card)
        return Lane(
            service.handle,
            zone.transit_days if zone.transit_days_p80 is None else zone.transit_days_p80,
            Pickup(frozenset(days) if days else service.pickup_days, time.fromisoformat(last) if last else None, here),
            service.business_days,
            here | service.closed(country, None),
            fixed,
            per_kg,
            rate,
        )


@lru_cache(maxsize=4096)
def _price(card: network.Rate) -> tuple[int, int, sourcing.Rate | None]:
    """(fixed, per kg, rate): a plain price, or a card with steps or dimensional weight. Equal cards are one object."""
    (first, *rest) = card.breaks
    if not rest and not card.dim_divisor:
        return first.fixed, first.per_kg, None
    return 0, 0, sourcing.Rate(tuple(sourcing.Break(*one) for one in card.breaks), card.dim_divisor or 0)


@lru_cache(maxsize=DESTINATIONS_REMEMBERED_MAX)
def _atlas(same: Same, destination: Destination | None, there: Position | None, on: date) -> Atlas:
    return Atlas(same.network, destination, there, on)


def atlas_of(found: Network, destination: Destination | None, there: Position | None, on: date) -> Atlas:
    """The lanes of a network to a destination, with the rates of a day."""
    return _atlas(Same(found), destination, there, on)
