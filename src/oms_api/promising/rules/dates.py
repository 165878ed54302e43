"""When a parcel leaves and when it arrives.

Asking rolls to the location's next open day before its cut-off (in the location's zone); processing takes open days; a
day that is full moves work to the next with room; then the carrier's next pick-up, and transit takes its business days.
Weekdays are ISO: Monday 1 to Sunday 7. Holidays are given as dates, never computed.
"""

from collections.abc import Callable, Collection, Container
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

WEEKDAYS = frozenset({1, 2, 3, 4, 5})
"""Monday to Friday, the carrier's business days."""
SEARCH_DAYS_MAX = 3 * 366
"""So many days ahead something must be open."""

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class WorkingHours:
    """How a location works; hashable, so that locations that work alike can share one computed ship day."""

    time_zone: str
    """IANA name."""
    open_days: frozenset[int] = WEEKDAYS
    """ISO weekdays."""
    cut_off: time = time(14, 0)
    """Local time; work asked before it starts the same day."""
    processing_days: int = 0
    """Open days between the start of work and leaving."""
    closures: frozenset[date] = frozenset()
    """Local dates on which it is closed although the weekday is open."""
    cut_offs: tuple[tuple[int, time], ...] = ()
    """Weekdays with a cut-off of their own."""
    openings: tuple[tuple[date, time], ...] = ()
    """Local dates on which it is open whatever the weekday, and their cut-off."""
    collect_until: tuple[tuple[int, time], ...] = ()
    """Weekdays, and until when customers collect; as long as the day lasts on others."""

    def __post_init__(self) -> None:
        if not self.open_days <= frozenset(range(1, 8)):
            raise ValueError(f"open days {sorted(self.open_days)}: ISO weekdays are 1 to 7")
        if self.processing_days < 0:
            raise ValueError(f"{self.processing_days} processing days: it cannot be negative")

    @cached_property
    def _by_date(self) -> dict[date, time]:
        return dict(self.openings)

    @cached_property
    def _by_weekday(self) -> dict[int, time]:
        return dict(self.cut_offs)

    @property
    def ever_open(self) -> bool:
        return bool(self.open_days or self.openings)

    def open_on(self, day: date) -> bool:
        return day in self._by_date or (day.isoweekday() in self.open_days and day not in self.closures)

    def cut_off_on(self, day: date) -> time:
        """Local time by which work must be asked to start on that day."""
        found = self._by_date.get(day)
        return self._by_weekday.get(day.isoweekday(), self.cut_off) if found is None else found

    def next_open(self, day: date, full: Container[date] = ()) -> date | None:
        """That day or the next on which it is open and not full; None when there is none within three years."""
        for _ in range(SEARCH_DAYS_MAX):
            if self.open_on(day) and day not in full:
                return day
            day += _ONE_DAY
        return None


def work_day(asked: datetime, hours: WorkingHours, *, not_before: date | None = None) -> date | None:
    """Local date on which work can start; None when the location never opens.

    `not_before` is the local date on which the units are there (expected supply); the cut-off is about asking
    and does not push it on. ValueError for a naive datetime.
    """
    if asked.tzinfo is None:
        raise ValueError(f"{asked.isoformat()} has no time zone")
    if not hours.ever_open:
        return None
    local = asked.astimezone(ZoneInfo(hours.time_zone))
    day = local.date()
    if local.time() >= hours.cut_off_on(day):
        day += _ONE_DAY
    if not_before is not None and not_before > day:
        day = not_before
    return hours.next_open(day)


def ship_day(
    asked: datetime, hours: WorkingHours, *, not_before: date | None = None, full: Container[date] = ()
) -> date | None:
    """Local date on which it leaves: start of work plus processing days, then the first that is not `full`.

    None when it never opens.
    """
    day = work_day(asked, hours, not_before=not_before)
    for _ in range(hours.processing_days):
        if day is None:
            return None
        day = hours.next_open(day + _ONE_DAY)
    return None if day is None else hours.next_open(day, full)


def collection_day(asked: datetime, hours: WorkingHours, ready: date) -> date | None:
    """First local date on which customers can collect what is ready on a day."""
    local = asked.astimezone(ZoneInfo(hours.time_zone))
    until = dict(hours.collect_until).get(ready.isoweekday())
    if until is not None and local.date() == ready and local.time() >= until:
        return hours.next_open(ready + _ONE_DAY)
    return ready


@dataclass(frozen=True, slots=True)
class Pickup:
    """When a carrier fetches at a location."""

    days: frozenset[int] = WEEKDAYS
    last: time | None = None
    """Local time after which a parcel of the day waits for the next pick-up; None: it is always in time."""
    closed: frozenset[date] = frozenset()


def pickup_day(asked: datetime, hours: WorkingHours, pickup: Pickup, shipped: date) -> date | None:
    """Local date on which a parcel that leaves on a day is fetched; None when there is none within three years."""
    local = asked.astimezone(ZoneInfo(hours.time_zone))
    day = shipped
    if pickup.last is not None and local.date() == day and local.time() >= pickup.last:
        day += _ONE_DAY
    for _ in range(SEARCH_DAYS_MAX):
        if day.isoweekday() in pickup.days and day not in pickup.closed and (day == shipped or hours.open_on(day)):
            return day
        day += _ONE_DAY
    return None


def delivery_day(
    shipped: date,
    transit_days: int,
    *,
    business_days: frozenset[int] = WEEKDAYS,
    holidays: Collection[date] = (),
) -> date:
    """Date of arrival: the carrier picks up on its first business day from `shipped` on, then counts."""
    if transit_days < 0:
        raise ValueError(f"{transit_days} transit days: it cannot be negative")
    if not business_days:
        raise ValueError("a carrier without business days never arrives")
    day = _next_business(shipped, business_days, holidays)
    for _ in range(transit_days):
        day = _next_business(day + _ONE_DAY, business_days, holidays)
    return day


def latest_ship_day(
    wanted: date,
    earliest: date,
    hours: WorkingHours,
    arrives: Callable[[date], date | None],
    full: Container[date] = (),
) -> date | None:
    """The last open day, not full, on which a parcel can leave to arrive by `wanted`; None when `earliest` is too late.

    `arrives` gives the arrival of a ship day and never falls as that rises.
    """
    day = wanted
    while day >= earliest:
        if hours.open_on(day) and day not in full:
            found = arrives(day)
            if found is not None and found <= wanted:
                return day
        day -= _ONE_DAY
    return None


def leaves_at(day: date, hours: WorkingHours, until: time | None = None) -> datetime:
    """Instant (UTC) by which a parcel of that ship day leaves: the location's cut-off on that day, or `until` when the
    carrier has fetched by then."""
    last = hours.cut_off_on(day)
    if until is not None and until < last:
        last = until
    return datetime.combine(day, last, ZoneInfo(hours.time_zone)).astimezone(UTC)


def _next_business(day: date, business_days: frozenset[int], closed_on: Collection[date]) -> date:
    while day.isoweekday() not in business_days or day in closed_on:
        day += _ONE_DAY
    return day
