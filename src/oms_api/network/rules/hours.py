"""Opening hours, exceptions and calendars: what a put may say."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from oms_api.kit.errors import Invalid, NotFound, Path, Refusal, Required
from oms_api.kit.times import out_of_reach
from oms_api.network.rules.checks import check_number, check_text, countries

EXCEPTIONS_MAX = 366
WINDOWS_MAX = 4
CALENDAR_DAYS_MAX = 1000
WEEKDAYS = ("", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Window = Mapping[str, Any]
"""`{opens, closes, cutOff, collectFrom, collectUntil}`, local times `HH:MM`; the last three may be None."""


def check_hours(hours: Sequence[Mapping[str, Any]], path: Path, problems: list[Refusal]) -> None:
    """Opening hours of a week: windows of one weekday do not overlap."""
    if not hours:
        problems.append(
            Required("Name at least one weekday; set `active` to false for a location that never opens.", path=path)
        )
    by_day: dict[int, list[tuple[str, str]]] = {}
    for i, window in enumerate(hours):
        at = (*path, i)
        check_number(window["weekday"], 1, 7, (*at, "weekday"), problems)
        check_window(window, at, problems)
        by_day.setdefault(window["weekday"], []).append((window["opens"], window["closes"]))
    for weekday, windows in sorted(by_day.items()):
        if not 1 <= weekday <= 7:
            continue
        if len(windows) > WINDOWS_MAX:
            problems.append(
                Invalid(f"{WEEKDAYS[weekday]} has {len(windows)} windows; send at most {WINDOWS_MAX}.", path=path)
            )
        for (opens, closes), (opens_next, closes_next) in pairwise(sorted(windows)):
            if opens_next < closes:
                problems.append(
                    Invalid(
                        f"{WEEKDAYS[weekday]} {opens}-{closes} overlaps {opens_next}-{closes_next}; "
                        "send hours that do not.",
                        path=path,
                    )
                )


def check_window(window: Window, path: Path, problems: list[Refusal]) -> None:
    opens, closes, cut_off = window["opens"], window["closes"], window["cutOff"]
    if closes <= opens:
        problems.append(
            Invalid(f"It cannot close at {closes} when it opens at {opens}; close later.", path=(*path, "closes"))
        )
    if cut_off is not None and not opens <= cut_off <= closes:
        problems.append(
            Invalid(f"cutOff {cut_off} must lie within {opens}-{closes}, when it is open.", path=(*path, "cutOff"))
        )
    start, end = window.get("collectFrom"), window.get("collectUntil")
    if (start is None) != (end is None):
        problems.append(Required("Send both collectFrom and collectUntil, or neither.", path=(*path, "collectFrom")))
    elif start is not None and end is not None and end <= start:
        problems.append(
            Invalid(f"Customers cannot collect from {start} until {end}; end later.", path=(*path, "collectUntil"))
        )


def check_exceptions(exceptions: Sequence[Mapping[str, Any]], path: Path, problems: list[Refusal]) -> None:
    if len(exceptions) > EXCEPTIONS_MAX:
        problems.append(
            Invalid(
                f"{len(exceptions)} exceptions are too many; a location has at most {EXCEPTIONS_MAX}. "
                "Put what locations share into a calendar.",
                path=path,
            )
        )
        return
    seen: set[str] = set()
    for i, row in enumerate(exceptions):
        at = (*path, i)
        if row["date"] in seen:
            problems.append(
                Invalid(f"{row['date']} is named twice: the exceptions overlap; send one.", path=(*at, "date"))
            )
        seen.add(row["date"])
        problems += out_of_reach(date.fromisoformat(row["date"]), (*at, "date"))
        if row["name"] is not None:
            check_text(row["name"], "name", 100, (*at, "name"), problems)
        if (row["opens"] is None) != (row["closes"] is None):
            problems.append(Required("Send both opens and closes, or neither for a closed day.", path=(*at, "opens")))
        elif row["opens"] is not None:
            check_window(row, at, problems)
        elif row["cutOff"] is not None:
            problems.append(Invalid("A closed day has no cutOff; send opens and closes.", path=(*at, "cutOff")))


def check_calendar(row: Mapping[str, Any], path: Path, problems: list[Refusal]) -> None:
    check_text(row["name"], "name", 255, (*path, "name"), problems)
    check_country(row["country"], (*path, "country"), problems)
    if row["region"] is not None:
        check_text(row["region"], "region", 10, (*path, "region"), problems)
        if row["country"] is None:
            problems.append(Required("A region needs its country.", path=(*path, "country")))


def check_country(country: str | None, path: Path, problems: list[Refusal]) -> None:
    if country is not None and country not in countries():
        problems.append(
            Invalid(f"{country[:40]!r} is not an ISO 3166-1 alpha-2 country; send one such as 'DE'.", path=path)
        )


def check_days(days: Sequence[tuple[date, str]], path: Path, problems: list[Refusal]) -> None:
    """Closed days of a calendar: each once."""
    if len(days) > CALENDAR_DAYS_MAX:
        problems.append(
            Invalid(f"{len(days)} days are too many; a calendar has at most {CALENDAR_DAYS_MAX:,}.", path=path)
        )
        return
    seen: set[date] = set()
    for i, (day, name) in enumerate(days):
        if day in seen:
            problems.append(Invalid(f"{day} is named twice; send each date once.", path=(*path, i, "date")))
        seen.add(day)
        problems += out_of_reach(day, (*path, i, "date"))
        check_text(name, "name", 100, (*path, i, "name"), problems)


def unknown_calendar(handle: str, path: Path) -> Refusal:
    return NotFound(f"There is no calendar {handle[:100]!r}; create it with calendarPut first.", path=path)


def short_form(hours: Sequence[Mapping[str, Any]]) -> tuple[list[int], str | None]:
    """`openDays` and `cutOff` that say the same as far as they can: the cut-off is None where weekdays differ."""
    by_day: dict[int, str] = {}
    for window in hours:
        last = window["cutOff"] or window["closes"]
        by_day[window["weekday"]] = max(by_day.get(window["weekday"], ""), last)
    cut_offs = set(by_day.values())
    return sorted(by_day), cut_offs.pop() if len(cut_offs) == 1 else None
