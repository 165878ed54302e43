"""How much work a location takes on a day. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from oms_api.kit.errors import Invalid, Path, Refusal, Required
from oms_api.kit.times import out_of_reach
from oms_api.network.models import CapacityMeasure
from oms_api.network.rules.checks import COUNT_MAX, check_number, check_text

DATES_MAX = 366
PROCESSES_MAX = 10
WHOLE = "FULFILLMENT"
"""The process of `dailyCapacity`: all of a location's work."""


class Taken(NamedTuple):
    """Work of a day, by each measure."""

    orders: int = 0
    lines: int = 0
    units: int = 0

    def of(self, measure: CapacityMeasure) -> int:
        if measure is CapacityMeasure.ORDERS:
            return self.orders
        return self.lines if measure is CapacityMeasure.LINES else self.units


class Limit(NamedTuple):
    """What a process does at most: by weekday (1-7; a weekday that is absent has no limit), but for some dates."""

    process: str
    measure: CapacityMeasure
    weekdays: Mapping[int, int]
    dates: Mapping[date, int]

    def on(self, day: date) -> int | None:
        found = self.dates.get(day)
        return self.weekdays.get(day.isoweekday()) if found is None else found


class Room(NamedTuple):
    """What is left of a limit on a day; `capacity` None: no limit that day."""

    process: str
    measure: CapacityMeasure
    capacity: int | None
    used: int

    @property
    def left(self) -> int | None:
        return None if self.capacity is None else max(self.capacity - self.used, 0)


def limits_of(daily_capacity: int | None, capacities: Sequence[Mapping[str, Any]] | None) -> tuple[Limit, ...]:
    """The limits of a location's row, its short form `daily_capacity` (orders, every day) among them."""
    found = [
        Limit(
            row["process"],
            CapacityMeasure(row["measure"]),
            {int(day): most for day, most in row["weekdays"].items()},
            {date.fromisoformat(day): most for day, most in row["dates"].items()},
        )
        for row in capacities or ()
    ]
    if daily_capacity is not None:
        found.append(Limit(WHOLE, CapacityMeasure.ORDERS, dict.fromkeys(range(1, 8), daily_capacity), {}))
    return tuple(found)


def rooms(limits: Sequence[Limit], day: date, taken: Taken) -> list[Room]:
    return [Room(limit.process, limit.measure, limit.on(day), taken.of(limit.measure)) for limit in limits]


def most(limits: Sequence[Limit], day: date) -> dict[CapacityMeasure, int]:
    """The tightest limit of each measure on a day."""
    found: dict[CapacityMeasure, int] = {}
    for limit in limits:
        capacity = limit.on(day)
        if capacity is not None:
            found[limit.measure] = min(capacity, found.get(limit.measure, capacity))
    return found


def check_capacities(rows: Sequence[Mapping[str, Any]], path: Path, problems: list[Refusal]) -> None:
    if len(rows) > PROCESSES_MAX:
        problems.append(
            Invalid(f"{len(rows)} processes are too many; a location has at most {PROCESSES_MAX}.", path=path)
        )
        return
    seen: set[str] = set()
    for i, row in enumerate(rows):
        at = (*path, i)
        check_text(row["process"], "process", 40, (*at, "process"), problems)
        if row["process"] in seen:
            problems.append(Invalid(f"{row['process'][:40]!r} is named twice; send it once.", path=(*at, "process")))
        seen.add(row["process"])
        if row["process"] == WHOLE:
            problems.append(
                Invalid(f"{WHOLE} is the process of the location's dailyCapacity; set it there.", path=(*at, "process"))
            )
        if not row["weekdays"] and not row["dates"]:
            problems.append(Required("Send `perDay`, `weekdays` or `dates`.", path=(*at, "weekdays")))
        for day in row["weekdays"]:
            check_number(int(day), 1, 7, (*at, "weekdays", "weekday"), problems)
        per_day = len(row["weekdays"]) == 7 and len(set(row["weekdays"].values())) == 1
        for most_ in sorted(set(row["weekdays"].values())):
            check_number(most_, 0, COUNT_MAX, (*at, "perDay") if per_day else (*at, "weekdays", "capacity"), problems)
        if len(row["dates"]) > DATES_MAX:
            problems.append(
                Invalid(f"{len(row['dates'])} dates are too many; send at most {DATES_MAX}.", path=(*at, "dates"))
            )
        for day, most_ in row["dates"].items():
            problems += out_of_reach(date.fromisoformat(day), (*at, "dates", "date"))
            check_number(most_, 0, COUNT_MAX, (*at, "dates", "capacity"), problems)
