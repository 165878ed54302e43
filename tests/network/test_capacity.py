"""Capacity: what locations can do in a day, taken by a guarded statement and given back."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from oms_api import network
from oms_api.kit import clock, ids
from oms_api.kit.caller import system
from oms_api.kit.db import Tx
from oms_api.kit.errors import Refusal
from oms_api.network import NoCapacity, Work
from world import Api, statements, travel

LOCATIONS = "mutation($input: LocationPutInput!) { locationPut(input: $input) { userErrors { code message path } } }"
PUT = """mutation($input: LocationCapacityPutInput!) { locationCapacityPut(input: $input) {
  locations { handle capacities { process measure weekdays { weekday capacity } dates { date capacity } } }
  userErrors { code message path } } }"""
GET = """query($locations: [String!]!, $from: Date!, $to: Date!) {
  locationCapacity(locations: $locations, fromOn: $from, toOn: $to) {
    location { handle } days { date processes { process measure capacity used remaining } } } }"""
MONDAY = date(2026, 11, 30)
TUESDAY = MONDAY + timedelta(1)


async def location(api: Api, handle: str, **more: Any) -> UUID:
    await api.ok(LOCATIONS, input={"locations": [{"handle": handle, "name": handle, **more}]})
    async with api.world.db.reading(api.tenant_id) as reading:
        return (await network.locations_by_handle(reading, [handle]))[handle].id


async def limit(api: Api, handle: str, *capacities: Mapping[str, Any]) -> None:
    await api.ok(PUT, input={"locations": [{"location": handle, "capacities": list(capacities)}]})


async def take(api: Api, *work: Work, expires_at: datetime | None = None) -> UUID:
    holder_id = ids.new()

    async def verb(tx: Tx) -> None:
        await network.take_capacity(tx, work, holder_id=holder_id, expires_at=expires_at)

    await api.world.db.run(verb, system(api.tenant_id))
    return holder_id


async def give(api: Api, holder_id: UUID, units: Mapping[tuple[UUID, str], int] | None = None) -> None:
    async def verb(tx: Tx) -> None:
        await network.give_back_capacity(tx, holder_id, units)

    await api.world.db.run(verb, system(api.tenant_id))


async def used(api: Api, location_id: UUID, day: date = MONDAY) -> tuple[int, int, int]:
    """(orders, lines, units) of a day."""
    async with api.world.db.reading(api.tenant_id) as reading:
        found = await network.capacity_taken(reading, [location_id], day, day)
    return found.get(location_id, {}).get(day, network.Taken())


async def test_limits_by_weekday_and_date_are_kept_and_replaced(api: Api) -> None:
    await location(api, "a")
    pick = {
        "process": "PICK", "measure": "UNITS", "perDay": 100,
        "weekdays": [{"weekday": 6, "capacity": 20}], "dates": [{"date": "2026-12-24", "capacity": 0}],
    }  # fmt: skip
    pack = {"process": "PACK", "measure": "ORDERS", "dates": [{"date": "2026-12-24", "capacity": 5}]}
    done = await api.ok(PUT, input={"locations": [{"location": "a", "capacities": [pick, pack]}]})
    week = [{"weekday": day, "capacity": 20 if day == 6 else 100} for day in range(1, 8)]
    assert done["locations"][0]["capacities"] == [
        {"process": "PICK", "measure": "UNITS", "weekdays": week, "dates": pick["dates"]},
        {"process": "PACK", "measure": "ORDERS", "weekdays": [], "dates": pack["dates"]},
    ]
    done = await api.ok(PUT, input={"locations": [{"location": "a", "capacities": []}]})
    assert done["locations"][0]["capacities"] == []


async def test_what_is_wrong_with_limits_is_told_and_nothing_is_written(api: Api) -> None:
    await location(api, "a")
    pick = {"process": "PICK", "measure": "UNITS"}
    errors = await api.refused(
        PUT,
        input={
            "locations": [
                {
                    "location": "a",
                    "capacities": [
                        {**pick, "perDay": 1}, {**pick, "weekdays": [{"weekday": 9, "capacity": -1}]},
                        {"process": "", "measure": "LINES"}, {**pick, "process": "FULFILLMENT", "perDay": -1},
                    ],
                },
                {"location": "b", "capacities": []},
            ]
        },
    )  # fmt: skip
    assert [(error["code"], ".".join(error["path"][2:])) for error in errors] == [
        ("INVALID", "0.capacities.1.process"),
        ("INVALID", "0.capacities.1.weekdays.weekday"),
        ("INVALID", "0.capacities.1.weekdays.capacity"),
        ("INVALID", "0.capacities.2.process"),
        ("REQUIRED", "0.capacities.2.weekdays"),
        ("INVALID", "0.capacities.3.process"),
        ("INVALID", "0.capacities.3.perDay"),
        ("NOT_FOUND", "1.location"),
    ]
    (error,) = await api.refused(
        PUT,
        input={
            "locations": [
                {"location": "a", "capacities": [{**pick, "dates": [{"date": "2026-12-24", "capacity": 1}] * 2}]}
            ]
        },
    )
    assert error["message"] == "2026-12-24 is named twice; send each date once."


async def test_work_is_taken_in_orders_lines_and_units_and_a_full_day_refuses_with_the_room_that_is_left(
    api: Api,
) -> None:
    a = await location(api, "a")
    pick = {"process": "PICK", "measure": "UNITS", "perDay": 5}
    await limit(api, "a", pick, {"process": "PACK", "measure": "LINES", "perDay": 3})
    await take(api, Work(a, MONDAY, "x", 1), Work(a, MONDAY, "x", 1), Work(a, MONDAY, "y", 1))
    assert await used(api, a) == (1, 2, 3)
    with pytest.raises(Refusal) as refused:
        await take(api, Work(a, MONDAY, "x", 3), Work(a, MONDAY, "y", 1), Work(a, TUESDAY, "x", 1))
    assert [(type(part), part.message, part.details) for part in refused.value.parts()] == [
        (
            NoCapacity,
            "a can take 2 more units on 2026-11-30 (PICK), not 4; ask for a new promise.",
            {"subject_id": network.LOCATION(a), "requested": 4, "available": 2},
        ),
        (
            NoCapacity,
            "a can take 1 more lines on 2026-11-30 (PACK), not 2; ask for a new promise.",
            {"subject_id": network.LOCATION(a), "requested": 2, "available": 1},
        ),
    ]
    assert (await used(api, a), await used(api, a, TUESDAY)) == ((1, 2, 3), (0, 0, 0))
    await take(api, Work(a, MONDAY, "x", 2), Work(a, TUESDAY, "x", 5))
    assert (await used(api, a), await used(api, a, TUESDAY)) == ((2, 3, 5), (1, 1, 5))


async def test_daily_capacity_of_a_location_counts_orders(api: Api) -> None:
    a = await location(api, "a", dailyCapacity=1)
    await take(api, Work(a, MONDAY, "x", 7), Work(a, MONDAY, "y", 7))
    with pytest.raises(NoCapacity, match="a can take 0 more orders on 2026-11-30 \\(FULFILLMENT\\), not 1"):
        await take(api, Work(a, MONDAY, "z", 1))
    answer = await api(GET, locations=["a", "none"], **{"from": "2026-11-30", "to": "2026-12-01"})
    room = {"process": "FULFILLMENT", "measure": "ORDERS", "capacity": 1}
    assert answer["locationCapacity"] == [
        {
            "location": {"handle": "a"},
            "days": [
                {"date": "2026-11-30", "processes": [{**room, "used": 1, "remaining": 0}]},
                {"date": "2026-12-01", "processes": [{**room, "used": 0, "remaining": 1}]},
            ],
        }
    ]


async def test_a_location_without_limits_counts_nothing_and_a_lowered_limit_leaves_what_was_taken(api: Api) -> None:
    free, a = await location(api, "free"), await location(api, "a", dailyCapacity=2)
    await take(api, Work(free, MONDAY, "x", 10**9), Work(a, MONDAY, "x", 1))
    assert await used(api, free) == (0, 0, 0)
    await take(api, Work(a, MONDAY, "x", 1))
    await location(api, "a", dailyCapacity=1)
    assert await used(api, a) == (2, 2, 2)
    (found,) = (await api(GET, locations=["a"], **{"from": "2026-11-30", "to": "2026-11-30"}))["locationCapacity"]
    assert found["days"][0]["processes"][0]["remaining"] == 0


async def test_given_back_is_what_was_taken_line_by_line_later_days_first(api: Api) -> None:
    a = await location(api, "a", dailyCapacity=9)
    holder = await take(api, Work(a, MONDAY, "x", 2), Work(a, MONDAY, "y", 1), Work(a, TUESDAY, "x", 3))
    await give(api, holder, {(a, "x"): 4})
    assert (await used(api, a), await used(api, a, TUESDAY)) == ((1, 2, 2), (0, 0, 0))
    await give(api, holder, {(a, "x"): 5, (a, "z"): 1})
    assert await used(api, a) == (1, 1, 1)
    await give(api, holder)
    assert await used(api, a) == (0, 0, 0)
    await give(api, holder)
    assert await used(api, a) == (0, 0, 0)


async def test_what_lapsed_counts_as_free_for_readers_and_is_given_back_to_who_needs_the_room(api: Api) -> None:
    a = await location(api, "a", dailyCapacity=2)
    first = await take(api, Work(a, MONDAY, "x", 1), expires_at=clock.now() + timedelta(minutes=10))
    kept = await take(api, Work(a, MONDAY, "x", 1), expires_at=clock.now() + timedelta(minutes=10))

    async def keep(tx: Tx) -> None:
        await network.date_capacity(tx, kept, None)

    await api.world.db.run(keep, system(api.tenant_id))
    with pytest.raises(NoCapacity):
        await take(api, Work(a, MONDAY, "y", 1))
    with travel(minutes=11):
        assert await used(api, a) == (1, 1, 1)
        await take(api, Work(a, MONDAY, "y", 1))
        assert await used(api, a) == (2, 2, 2)
        with pytest.raises(NoCapacity):
            await take(api, Work(a, MONDAY, "y", 1))
    await give(api, first)
    assert await used(api, a) == (2, 2, 2)


async def test_forty_at_once_take_exactly_what_there_is_and_nobody_waits_in_a_circle(api: Api) -> None:
    places = [await location(api, f"l{i}", dailyCapacity=5) for i in range(2)]
    days = [MONDAY, TUESDAY]
    keys = [Work(place, day, "x", 1) for place in places for day in days]

    async def one(order: Sequence[Work]) -> bool:
        try:
            await take(api, *order)
        except Refusal as refusal:
            assert all(isinstance(part, NoCapacity) for part in refusal.parts())
            return False
        return True

    taken = await asyncio.gather(*[one(keys if i % 2 else keys[::-1]) for i in range(40)])
    assert sum(taken) == 5
    for place in places:
        for day in days:
            assert await used(api, place, day) == (5, 5, 5)


async def test_remaining_capacity_of_any_number_of_locations_is_one_statement(api: Api) -> None:
    rows = [{"handle": f"l{i}", "name": "L", "dailyCapacity": 5} for i in range(250)]
    await api.ok(LOCATIONS, input={"locations": rows})
    async with api.world.db.reading(api.tenant_id) as reading:
        places = await network.locations_by_handle(reading, [row["handle"] for row in rows])
        with statements() as seen:
            assert await network.capacity_taken(reading, [row.id for row in places.values()], MONDAY, TUESDAY) == {}
        assert len(seen) == 1


async def test_a_range_of_days_that_cannot_be_is_a_bad_input(api: Api) -> None:
    body = await api.answer(GET, locations=["a"], **{"from": "2026-12-01", "to": "2026-11-30"})
    assert body["errors"][0]["extensions"]["code"] == "BAD_INPUT"
    assert body["errors"][0]["message"] == "2026-12-01 to 2026-11-30 must be 1 to 62 days."
