"""When what leaves a location arrives, and at which rate: calendars and the built-in carrier service."""

from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from oms_api.promising.rules import (
    STANDARD,
    Position,
    delivery_day,
    leaves_at,
    ship_day,
    zone_between,
)
from oms_api.promising.service.place import Place

HORIZON = timedelta(days=3650)
"""Supply that is expected later counts as if it came then, so that no date runs out of the calendar."""
FARTHEST_ZONE = len(STANDARD.transit_days)


class Trip(NamedTuple):
    """One way from a location: local dates of leaving and arriving, and the carrier's zone (0: it is collected)."""

    ships_on: date
    arrives_on: date
    zone: int


class Reach:
    """Trips to one destination, asked at one instant; a location's trip is computed once.

    `there` is None when the destination is not known; then, and for a location whose position is not known, the
    farthest zone is assumed: what is promised can be kept.
    """

    def __init__(self, now: datetime, there: Position | None, *, collected: bool = False) -> None:
        self.now = now
        self._there = there
        self._collected = collected
        self._trips: dict[tuple[int, int, date | None], Trip | None] = {}
        self._todays: dict[str, date] = {}

    def today(self, place: Place) -> date:
        """The local date at a location."""
        found = self._todays.get(place.timezone)
        if found is None:
            found = self._todays[place.timezone] = self.now.astimezone(ZoneInfo(place.timezone)).date()
        return found

    def due(self, place: Place, expected_at: datetime) -> date:
        """Local date from which supply counts: the day it is expected, but tomorrow when that instant has passed."""
        if expected_at < self.now:
            return self.today(place) + timedelta(days=1)
        return min(expected_at, self.now + HORIZON).astimezone(ZoneInfo(place.timezone)).date()

    def zone(self, place: Place) -> int:
        """Carrier zone, 1 to 7; 0 when it is collected."""
        if self._collected:
            return 0
        here, there = place.position, self._there
        return FARTHEST_ZONE if here is None or there is None else zone_between(here, there)

    def trip(self, place: Place, not_before: date | None = None) -> Trip | None:
        """The next trip from a location, with units that are there from `not_before` on; None if it never opens."""
        hours, zone = place.hours, self.zone(place)
        key = (id(hours), zone, not_before)
        if key not in self._trips:
            leaves = ship_day(self.now, hours, not_before=not_before)
            if leaves is None:
                self._trips[key] = None
            else:
                arrives = delivery_day(leaves, STANDARD.transit(zone)) if zone else leaves
                self._trips[key] = Trip(leaves, arrives, zone)
        return self._trips[key]

    def ship_by(self, place: Place, ships_on: date) -> datetime:
        """The instant by which a parcel of that day leaves: the location's cut-off."""
        return leaves_at(ships_on, place.hours)
