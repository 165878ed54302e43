"""What locations can do in a day, in the API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import UNSET

from oms_api.kit.db import Reading, Tx
from oms_api.kit.errors import BadInput, Invalid, Refusal, refuse
from oms_api.kit.graphql import Info, Outcome, add_field, argument, describe_enum, field, mutation, query
from oms_api.network import models, queries, rules, service
from oms_api.network.graphql.places import Location, LocationPayload, location_of
from oms_api.network.models import CapacityMeasure

LOCATIONS_MAX = 250
DAYS_MAX = 62

describe_enum(
    CapacityMeasure,
    "What a capacity counts.",
    ORDERS="Orders: all work for one reservation or order at a location on a day is one.",
    LINES="Lines: each SKU of an order.",
    UNITS="Units.",
)


@strawberry.type(description="What is left of a process on a day.")
class CapacityRoom:
    process: str = field(description="Process; FULFILLMENT is the location's `dailyCapacity`.")
    measure: CapacityMeasure = field(description="What is counted.")
    capacity: int | None = field(description="At most; null: no limit that day.")
    used: int = field(description="Taken, without what lapsed.")
    remaining: int | None = field(description="Left; null: no limit that day.")


@strawberry.type(description="A location's day.")
class CapacityDay:
    date: date = field(description="Local date.")
    processes: list[CapacityRoom] = field(description="Each of its processes.")


@strawberry.type(description="What a location can still do.")
class LocationCapacity:
    location: Location = field(description="The location.")
    days: list[CapacityDay] = field(description="Each day asked for; none when it has no limit.")


@strawberry.type(description="What a process does on a weekday.")
class CapacityWeekday:
    weekday: int = field(description="ISO weekday, 1 is Monday.")
    capacity: int = field(description="At most.")


@strawberry.type(description="What a process does on a date.")
class CapacityDate:
    date: date = field(description="Local date.")
    capacity: int = field(description="At most.")


@strawberry.type(description="A limit of a location.")
class Capacity:
    process: str = field(description="Process: `PICK`, `PACK`.")
    measure: CapacityMeasure = field(description="What is counted.")
    weekdays: list[CapacityWeekday] = field(description="By weekday; one that is not named has no limit.")
    dates: list[CapacityDate] = field(description="Dates that differ, in order.")


async def _capacities(self: Location) -> list[Capacity]:
    return [
        Capacity(
            process=row["process"],
            measure=CapacityMeasure(row["measure"]),
            weekdays=[
                CapacityWeekday(weekday=int(day), capacity=most) for day, most in sorted(row["weekdays"].items())
            ],
            dates=[
                CapacityDate(date=date.fromisoformat(day), capacity=most) for day, most in sorted(row["dates"].items())
            ],
        )
        for row in self.row.capacities or ()
    ]


add_field(Location, "capacities", field(_capacities, description="Its limits beside `dailyCapacity`."))


@strawberry.input(description="What a process does on a weekday.")
class CapacityWeekdayInput:
    weekday: int = field(description="ISO weekday, 1 is Monday.")
    capacity: int = field(description="At most.")


@strawberry.input(description="What a process does on a date.")
class CapacityDateInput:
    date: date = field(description="Local date.")
    capacity: int = field(description="At most; 0: nothing.")


@strawberry.input(description="A limit of a location.")
class CapacityInput:
    process: str = field(description="Process: `PICK`, `PACK`.")
    measure: CapacityMeasure = field(description="What is counted.")
    per_day: int | None = field(default=UNSET, description="At most, on every weekday that is not named.")
    weekdays: list[CapacityWeekdayInput] = field(default_factory=list, description="Weekdays that differ.")
    dates: list[CapacityDateInput] = field(default_factory=list, description="Dates that differ, at most 366.")


@strawberry.input(description="Limits of a location; they replace all but `dailyCapacity`.")
class LocationCapacityInput:
    location: str = field(description="Handle.")
    capacities: list[CapacityInput] = field(description="Limits, one a process; none: no limit.")


@strawberry.input(description="Up to 250 locations, all or none.")
class LocationCapacityPutInput:
    locations: list[LocationCapacityInput] = field(description="Locations.")


def _capacity(sent: CapacityInput, path: tuple[str | int, ...], problems: list[Refusal]) -> dict[str, Any]:
    weekdays = dict.fromkeys(map(str, range(1, 8)), sent.per_day) if isinstance(sent.per_day, int) else {}
    dates: dict[str, int] = {}
    named: set[int] = set()
    for i, one in enumerate(sent.weekdays):
        if one.weekday in named:
            problems.append(Invalid(f"Weekday {one.weekday} is named twice.", path=(*path, "weekdays", i)))
        named.add(one.weekday)
        weekdays[str(one.weekday)] = one.capacity
    for i, day in enumerate(sent.dates):
        if day.date.isoformat() in dates:
            problems.append(Invalid(f"{day.date} is named twice; send each date once.", path=(*path, "dates", i)))
        dates[day.date.isoformat()] = day.capacity
    return {"process": sent.process, "measure": sent.measure, "weekdays": weekdays, "dates": dates}


def _changes(input: LocationCapacityPutInput) -> list[dict[str, Any]]:
    problems: list[Refusal] = []
    changes = [
        {
            "location": sent.location,
            "capacities": [
                _capacity(one, ("input", "locations", i, "capacities", j), problems)
                for j, one in enumerate(sent.capacities)
            ],
        }
        for i, sent in enumerate(input.locations)
    ]
    refuse(problems)
    return changes


def _capacity_of(row: models.Location, taken: queries.Days, days: list[date]) -> LocationCapacity:
    limits = rules.limits_of(row.daily_capacity, row.capacities)
    return LocationCapacity(
        location=location_of(row),
        days=[
            CapacityDay(
                date=day,
                processes=[
                    CapacityRoom(
                        process=room.process,
                        measure=room.measure,
                        capacity=room.capacity,
                        used=room.used,
                        remaining=room.left,
                    )
                    for room in rules.rooms(limits, day, taken.get(day, rules.Taken()))
                ],
            )
            for day in (days if limits else ())
        ],
    )


async def _taken(
    reading: Reading, handles: list[str], first: date, last: date
) -> tuple[Mapping[str, models.Location], Mapping[UUID, queries.Days]]:
    rows = await queries.locations_by_handle(reading, handles)
    return rows, await queries.capacity_taken(reading, [row.id for row in rows.values()], first, last)


@strawberry.type
class Query:
    @query(
        description="What locations can still do, by day. What lapsed counts as free.",
        scope=["network:read"],
        weight=5,
        sized_by=["locations"],
    )
    async def location_capacity(
        self,
        info: Info,
        locations: Annotated[list[str], argument("Handles, at most 250; unknown ones are left out.")],
        from_on: Annotated[date, argument("First local date.")],
        to_on: Annotated[date, argument("Last local date, at most 62 days.")],
    ) -> list[LocationCapacity]:
        if not 1 <= len(locations) <= LOCATIONS_MAX:
            raise BadInput(Invalid(f"Send 1 to {LOCATIONS_MAX} locations, not {len(locations)}.", path=("locations",)))
        if not 0 <= (to_on - from_on).days < DAYS_MAX:
            raise BadInput(Invalid(f"{from_on} to {to_on} must be 1 to {DAYS_MAX} days.", path=("toOn",)))
        rows, taken = await info.context.read(_taken, locations, from_on, to_on)
        days = [from_on + timedelta(i) for i in range((to_on - from_on).days + 1)]
        return [
            _capacity_of(rows[handle], taken.get(rows[handle].id, {}), days)
            for handle in dict.fromkeys(locations)
            if handle in rows
        ]


@strawberry.type
class Mutation:
    @mutation(LocationPayload, description="Say what locations can do in a day.", scope=["network:write"])
    async def location_capacity_put(tx: Tx, input: LocationCapacityPutInput) -> Outcome:
        rows = await service.put_capacities(tx, _changes(input))
        return Outcome(ids=[row.id for row in rows], rows=[(queries.locations_by_id, row.id, row) for row in rows])
