"""When a parcel leaves and when it arrives.

Asking rolls to the location's next open day before its cut-off (in the location's zone); processing takes
open days; then the carrier's next business day picks up, and transit takes business days. Weekdays are ISO:
Monday 1 to Sunday 7. Holidays are given as dates, never computed.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEKDAYS = frozenset({1, 2, 3, 4, 5})
"""Monday to Friday, the carrier's business days."""

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
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

    def __post_init__(self) -> None:
        if not self.open_days <= frozenset(range(1, 8)):
            raise ValueError(f"open days {sorted(self.open_days)}: ISO weekdays are 1 to 7")
        if self.processing_days < 0:
            raise ValueError(f"{self.processing_days} processing days: it cannot be negative")


def work_day(asked: datetime, hours: WorkingHours, *, not_before: date | None = None) -> date | None:
    """Local date on which work can start; None when the location never opens.

    `not_before` is the local date on which the units are there (expected supply); the cut-off is about asking
    and does not push it on. ValueError for a naive datetime.
    """
    if asked.tzinfo is None:
        raise ValueError(f"{asked.isoformat()} has no time zone")
    if not hours.open_days:
        return None
    local = asked.astimezone(ZoneInfo(hours.time_zone))
    day = local.date()
    if local.time() >= hours.cut_off:
        day += _ONE_DAY
    if not_before is not None and not_before > day:
        day = not_before
    return _next_open(day, hours.open_days, hours.closures)


def ship_day(asked: datetime, hours: WorkingHours, *, not_before: date | None = None) -> date | None:
    """Local date on which it leaves: start of work plus processing days; None when it never opens."""
    day = work_day(asked, hours, not_before=not_before)
    if day is None:
        return None
    for _ in range(hours.processing_days):
        day = _next_open(day + _ONE_DAY, hours.open_days, hours.closures)
    return day


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
    day = _next_open(shipped, business_days, holidays)
    for _ in range(transit_days):
        day = _next_open(day + _ONE_DAY, business_days, holidays)
    return day


def leaves_at(day: date, hours: WorkingHours) -> datetime:
    """Instant (UTC) by which a parcel of that ship day leaves: the location's cut-off on that day."""
    return datetime.combine(day, hours.cut_off, ZoneInfo(hours.time_zone)).astimezone(UTC)


def _next_open(day: date, open_days: frozenset[int], closed_on: Collection[date]) -> date:
    while day.isoweekday() not in open_days or day in closed_on:
        day += _ONE_DAY
    return day
