"""When what leaves a location arrives, and by which service: calendars, carriers and capacity."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from oms_api.network import CapacityMeasure, Limit, Network, Taken, most
from oms_api.promising.models import Destination
from oms_api.promising.rules import (
    Position,
    WorkingHours,
    collection_day,
    delivery_day,
    latest_ship_day,
    leaves_at,
    pickup_day,
    ship_day,
)
from oms_api.promising.service.ground import Ground
from oms_api.promising.service.lanes import Arrivals, Lane, Lanes, atlas_of
from oms_api.promising.service.place import Place
from oms_api.sourcing import Room

HORIZON = timedelta(days=3650)
"""Supply that is expected later counts as if it came then, so that no date runs out of the calendar."""
CAPACITY_DAYS = 62
"""So many days ahead what is taken of locations is read; later days count as empty."""
FURTHER_DAYS_MAX = 10
"""So many days after the first a cart that is too much for a day is spread over."""
TRIPS_REMEMBERED_MAX = 10_000
"""Of a minute; some 500 bytes each."""


class Trip(NamedTuple):
    """One way from a location: local dates of leaving and arriving, and the lane (None: it is collected)."""

    ships_on: date
    arrives_on: date
    lane: Lane | None


class Days:
    """Days of a location with limits: those without room for one more order of one unit are `in` it."""

    def __init__(self, limits: tuple[Limit, ...], taken: Mapping[date, Taken]) -> None:
        self._limits = limits
        self._taken = taken

    def room(self, day: date) -> Room | None:
        """What is left of a day; None: it has no limit."""
        capacity = most(self._limits, day)
        if not capacity:
            return None
        taken = self._taken.get(day, Taken())
        left = {measure: max(at_most - taken.of(measure), 0) for measure, at_most in capacity.items()}
        return Room(left.get(CapacityMeasure.ORDERS), left.get(CapacityMeasure.LINES), left.get(CapacityMeasure.UNITS))

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and (room := self.room(day)) is not None and 0 in room


class _After:
    """The days of a location up to one, and those that are full anyway."""

    def __init__(self, day: date, full: Container[date]) -> None:
        self._day = day
        self._full = full

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and (day <= self._day or day in self._full)


class _Alike(NamedTuple):
    """The trips of locations that work alike and send alike. What their key names by identity is kept alive."""

    hours: WorkingHours
    lanes: Lanes | None
    trips: tuple[Trip, ...]


@lru_cache(maxsize=2)
def _trips_in(minute: datetime) -> dict[object, _Alike]:
    """Trips that were looked up in a minute, for all requests: every hour that a location or a carrier names is full
    minutes, so that no trip is another later in it."""
    return {}


class Reach:
    """Trips to one destination, asked at one instant; locations that work alike and send alike share theirs.

    `there` is None when the destination is not known; then, and for a location whose position is not known, the
    farthest zone is assumed: what is promised can be kept.
    """

    def __init__(
        self,
        now: datetime,
        network: Network,
        destination: Destination | None,
        there: Position | None,
        *,
        collected: bool = False,
    ) -> None:
        self.now = now
        self._atlas = atlas_of(network, destination, there, now.date())
        self._collected = collected
        self._days: dict[UUID, Days] = {}
        self._minute = now.replace(second=0, microsecond=0)
        self._trips: dict[object, tuple[Trip, ...]] = {}
        self._alike = _trips_in(self._minute)
        self._own = Arrivals()
        self._wanted: dict[object, list[Trip]] = {}
        self._todays: dict[str, date] = {}

    def count(self, places: Iterable[Place], taken: Mapping[UUID, Mapping[date, Taken]]) -> None:
        """From now on full days of these locations are left out."""
        for place in places:
            if place.limits:
                self._days[place.id] = Days(place.limits, taken.get(place.id, {}))

    def like(self, other: "Reach") -> None:
        """The same days are full as for another."""
        self._days = other._days

    def days(self, place: Place) -> Days | None:
        """What a location has left by day; None: no limit, or it was not read."""
        return self._days.get(place.id)

    def today(self, place: Place) -> date:
        """The local date at a location."""
        found = self._todays.get(place.timezone)
        if found is None:
            found = self._todays[place.timezone] = self.now.astimezone(ZoneInfo(place.timezone)).date()
        return found

    def due(self, place: Place, expected_at: datetime, late_days: int = 1) -> date:
        """Local date from which supply counts: the day it is expected, but so many days from today (tomorrow, unless
        a rule says otherwise) when that instant has passed."""
        if expected_at < self.now:
            return self.today(place) + timedelta(days=late_days)
        return min(expected_at, self.now + HORIZON).astimezone(ZoneInfo(place.timezone)).date()

    def trips(self, place: Place, not_before: date | None = None, after: date | None = None) -> tuple[Trip, ...]:
        """The next trips from a location, a service each, soonest first; none if it never opens or nothing goes there.

        Units are there from `not_before` on. A service that arrives no earlier than another and costs no less is left
        out. `after`: trips of a later ship day.
        """
        hours = place.hours
        lanes = None if self._collected else self._atlas.lanes(place)
        days = self._days.get(place.id) if self._days else None
        if days is not None:
            own = (place.id, not_before, after)
            found = self._trips.get(own)
            if found is None:
                found = self._trips[own] = self._found(hours, lanes, not_before, days, after)
            return found
        key = (id(hours), id(lanes), not_before, after)
        alike = self._alike.get(key)
        if alike is None:
            if len(self._alike) >= TRIPS_REMEMBERED_MAX:
                self._alike.clear()
            alike = self._alike[key] = _Alike(hours, lanes, self._found(hours, lanes, not_before, (), after))
        return alike.trips

    def goes(self, place: Place) -> bool:
        """Whether a service goes from a location to the destination, on whatever day."""
        return bool(self._atlas.lanes(place))

    def trip(self, place: Place, not_before: date | None = None) -> Trip | None:
        """The soonest of the next trips from a location; None if it never opens, or no service goes there."""
        found = self.trips(place, not_before)
        return found[0] if found else None

    def first_arrival(self, ground: Ground, sends: int) -> date | None:
        """First day on which units arrive that some locations of a ground, whose bits are set, have now."""

        def arrives(i: int) -> date | None:
            trip = self.trip(ground.places[i])
            return trip.arrives_on if trip else None

        own = sends & ground.limited if self._days else 0
        found = self._atlas.arrivals(self._minute).first(sends ^ own, arrives)
        if not own:
            return found
        first = self._own.first(own, arrives)
        return found if first is None else first if found is None else min(first, found)

    def further(self, place: Place, trips: Sequence[Trip], lines: int, units: int) -> Iterator[Trip]:
        """The trips of the days after these, until so many lines and units have room, or FURTHER_DAYS_MAX are full."""
        days = self._days.get(place.id)
        for _ in range(FURTHER_DAYS_MAX):
            room = days.room(trips[0].ships_on) if days is not None and trips else None
            if room is None:
                return
            lines -= lines if room.lines is None else room.lines
            units -= units if room.units is None else room.units
            if lines <= 0 and units <= 0:
                return
            trips = self.trips(place, after=trips[0].ships_on)
            yield from trips

    def in_time(self, place: Place, wanted: date, not_before: date | None = None, *, early: bool = False) -> list[Trip]:
        """By each service the last trip that arrives on a date, or on the first day after it on which one can arrive.

        With `early` on the last day before it, when none arrives on the date itself. None of a service that leaves no
        later than another, arrives no earlier and costs no less.
        """
        full: Container[date] = self._days.get(place.id) or ()
        lanes = None if self._collected else self._atlas.lanes(place)
        key = (id(place.hours), id(lanes), not_before, place.id if place.id in self._days else None, wanted, early)
        known = self._wanted.get(key)
        if known is not None:
            return known
        found: list[Trip] = []
        first = ship_day(self.now, place.hours, not_before=not_before, full=full)
        for lane in () if first is None else (None,) if lanes is None else lanes:
            trip = self._in_time(place.hours, lane, first, wanted, early, full) if first else None
            if trip is not None and not any(_better(other, trip) for other in found):
                found.append(trip)
        self._wanted[key] = found
        return found

    def _in_time(
        self, hours: WorkingHours, lane: Lane | None, first: date, wanted: date, early: bool, full: Container[date]
    ) -> Trip | None:
        def arrives(day: date) -> date | None:
            return self._arrives(hours, lane, day)

        leaves: date | None = latest_ship_day(wanted, first, hours, arrives, full)
        if leaves is None or (arrives(leaves) != wanted and not early):
            # nothing arrives on that day: the next that does, and then the last that arrives with it
            leaves = first if leaves is None else hours.next_open(leaves + timedelta(days=1), full)
            on = None if leaves is None else arrives(leaves)
            if leaves is None or on is None:
                return None
            leaves = latest_ship_day(on, leaves, hours, arrives, full)
        on = None if leaves is None else arrives(leaves)
        return None if leaves is None or on is None else Trip(leaves, on, lane)

    def ship_by(self, place: Place, ships_on: date, service: str | None) -> datetime:
        """The instant by which a parcel of that day leaves: the location's cut-off, or before it the pick-up of that
        day by its service, when it has one. None: it is collected."""
        lanes = self._atlas.lanes(place) if service else ()
        pickup = next((lane.pickup for lane in lanes if lane.service == service), None)
        fetched = pickup and pickup_day(self.now, place.hours, pickup, ships_on) == ships_on
        return leaves_at(ships_on, place.hours, pickup.last if pickup and fetched else None)

    def _found(
        self,
        hours: WorkingHours,
        lanes: Lanes | None,
        not_before: date | None,
        full: Container[date],
        after: date | None,
    ) -> tuple[Trip, ...]:
        if after is not None:
            full = _After(after, full)
        leaves = ship_day(self.now, hours, not_before=not_before, full=full)
        if leaves is None:
            return ()
        dated = [
            Trip(leaves, on, lane)
            for lane in ((None,) if lanes is None else lanes)
            if (on := self._arrives(hours, lane, leaves)) is not None
        ]
        dated.sort(key=lambda trip: trip.arrives_on)
        kept: list[Trip] = []
        for trip in dated:
            lane = trip.lane
            if lane is None or not any(other.lane and other.lane.no_dearer(lane) for other in kept):
                kept.append(trip)
        return tuple(kept)

    def _arrives(self, hours: WorkingHours, lane: Lane | None, leaves: date) -> date | None:
        if lane is None:
            return collection_day(self.now, hours, leaves)
        fetched = leaves if lane.pickup is None else pickup_day(self.now, hours, lane.pickup, leaves)
        if fetched is None:
            return None
        return delivery_day(fetched, lane.transit_days, business_days=lane.business_days, holidays=lane.holidays)


def _better(other: Trip, trip: Trip) -> bool:
    if other.lane is None or trip.lane is None:
        return False
    later = other.ships_on >= trip.ships_on and other.arrives_on <= trip.arrives_on
    return later and other.lane.no_dearer(trip.lane)
