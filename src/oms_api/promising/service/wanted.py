"""Dates of arrival that are wanted: which make sense, and which lines want the same."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from oms_api.kit.errors import Invalid, Path, Refusal
from oms_api.network import Network
from oms_api.promising.models import Line
from oms_api.promising.queries import Rulebook
from oms_api.promising.service.place import places_of

REQUESTED_DAYS_MAX = 366
"""So many days from today a date can be wanted."""


class When(NamedTuple):
    """A wanted date of arrival; with `early` the day before it on which something arrives does as well."""

    on: date
    early: bool


def whens(lines: Iterable[Line]) -> list[When]:
    """The dates that lines want, earliest first."""
    return sorted({When(line.requested_on, line.early) for line in lines if line.requested_on is not None})


def today_of(network: Network, now: datetime) -> date:
    """The earliest local date of a channel's locations."""
    zones = {place.timezone for place in places_of(network)}
    return min((now.astimezone(ZoneInfo(zone)).date() for zone in zones), default=now.date())


def untimely(day: date | None, today: date, path: Path) -> list[Refusal]:
    """What is wrong with a wanted date."""
    last = today + timedelta(days=REQUESTED_DAYS_MAX)
    if day is None or today <= day <= last:
        return []
    said = f"is past; today is {today}" if day < today else f"is more than {REQUESTED_DAYS_MAX} days ahead"
    return [Invalid(f"requestedOn {day} {said}: send a date from {today} to {last}, or none.", path=path)]


def untimely_lines(lines: Sequence[Line], today: date, path: Path) -> list[Refusal]:
    """What is wrong with the dates that lines want."""
    return [
        problem
        for i, line in enumerate(lines)
        for problem in untimely(line.requested_on, today, (*path, i, "requestedOn"))
    ]


def fenced(
    lines: Sequence[Line], parts: Sequence[Mapping[str, int]], book: Rulebook, today: date, path: Path
) -> list[Refusal]:
    """Wanted dates beyond the horizon of a SKU's ATP rule: supply of that time is not looked at."""
    found: list[Refusal] = []
    for i, (line, needs) in enumerate(zip(lines, parts, strict=True)):
        rules = [book.of(sku) for sku in needs] if line.requested_on else []
        ends = [(rule.rule.horizon_days, rule.handle) for rule in rules if rule.rule.horizon_days is not None]
        if line.requested_on and ends:
            days, handle = min(ends)
            last = today + timedelta(days=days)
            if line.requested_on > last:
                found.append(
                    Invalid(
                        f"requestedOn {line.requested_on} is beyond the horizon of ATP rule {handle}, {days} days: "
                        f"send a date up to {last}, or none.",
                        path=(*path, i, "requestedOn"),
                    )
                )
    return found
