"""Instants and dates that callers plan by: the year 1 or 9999 is a slip, and sums of days run out of the calendar."""

from datetime import date, datetime

from oms_api.kit.errors import Invalid, Path, Refusal
from oms_api.kit.events import rfc3339

YEARS = (1970, 2100)


def out_of_reach(when: date | datetime | None, path: Path, verb: str = "send") -> list[Refusal]:
    """What is wrong with an instant or a date beyond YEARS."""
    first, last = YEARS
    if when is None or first <= when.year <= last:
        return []
    shown = rfc3339(when) if isinstance(when, datetime) else when.isoformat()
    return [Invalid(f"{shown} is out of reach; {verb} {first} to {last}.", path=path)]
