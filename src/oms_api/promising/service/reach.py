"""When what leaves a location arrives, and at which rate: calendars and the built-in carrier service."""

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from oms_api.network import Location
from oms_api.promising.rules import (
    STANDARD,
    Position,
    WorkingHours,
    delivery_day,
    leaves_at,
    position,
    ship_day,
    zone_between,
)

FARTHEST_ZONE = len(STANDARD.transit_days)
LATEST_CUT_OFF = time(23, 59)
"""Of a location that names none."""


class Trip(NamedTuple):
    """One way from a location: local dates of leaving and arriving, and the carrier's zone (0: it is collected)."""

    ships_on: date
    arrives_on: date
    zone: int


@lru_cache(maxsize=4096)
def _hours(timezone: str, open_days: tuple[int, ...], cut_off: str | None, processing_days: int) -> WorkingHours:
    return WorkingHours(
        time_zone=timezone,
        open_days=frozenset(open_days),
        cut_off=time.fromisoformat(cut_off) if cut_off else LATEST_CUT_OFF,
        processing_days=processing_days,
    )


def hours_of(location: Location) -> WorkingHours:
    """How a location works; equal for locations that work alike."""
    return _hours(location.timezone, tuple(location.open_days), location.cut_off, location.processing_days)


@lru_cache(maxsize=65_536)
def _of_address(country: str, postal_code: str | None) -> Position | None:
    return position(country, postal_code)


def position_of(location: Location) -> Position | None:
    """Where a location is: its coordinates, else its address' postal code or country; None when neither is known."""
    if location.latitude is not None and location.longitude is not None:
        return location.latitude, location.longitude
    if location.address is None:
        return None
    return _of_address(location.address["country"], location.address["postalCode"])


class Reach:
    """Trips to one destination, asked at one instant; a location's trip is computed once.

    `there` is None when the destination is not known; then, and for a location whose position is not known, the
    farthest zone is assumed: what is promised can be kept.
    """

    def __init__(self, now: datetime, there: Position | None, *, collected: bool = False) -> None:
        self.now = now
        self._there = there
        self._collected = collected
        self._trips: dict[tuple[WorkingHours, int, date | None], Trip | None] = {}
        self._todays: dict[str, date] = {}

    def today(self, location: Location) -> date:
        """The local date at a location."""
        found = self._todays.get(location.timezone)
        if found is None:
            found = self._todays[location.timezone] = self.now.astimezone(ZoneInfo(location.timezone)).date()
        return found

    def due(self, location: Location, expected_at: datetime) -> date:
        """Local date from which supply counts: the day it is expected, but tomorrow when that instant has passed."""
        if expected_at < self.now:
            return self.today(location) + timedelta(days=1)
        return expected_at.astimezone(ZoneInfo(location.timezone)).date()

    def zone(self, location: Location) -> int:
        """Carrier zone, 1 to 7; 0 when it is collected."""
        if self._collected:
            return 0
        here = position_of(location)
        return FARTHEST_ZONE if here is None or self._there is None else zone_between(here, self._there)

    def trip(self, location: Location, not_before: date | None = None) -> Trip | None:
        """The next trip from a location, with units that are there from `not_before` on; None if it never opens."""
        hours, zone = hours_of(location), self.zone(location)
        key = (hours, zone, not_before)
        if key not in self._trips:
            leaves = ship_day(self.now, hours, not_before=not_before)
            if leaves is None:
                self._trips[key] = None
            else:
                arrives = delivery_day(leaves, STANDARD.transit(zone)) if zone else leaves
                self._trips[key] = Trip(leaves, arrives, zone)
        return self._trips[key]

    def ship_by(self, location: Location, ships_on: date) -> datetime:
        """The instant by which a parcel of that day leaves: the location's cut-off."""
        return leaves_at(ships_on, hours_of(location))
