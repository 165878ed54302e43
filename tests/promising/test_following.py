"""Units that are held elsewhere take the day's work and the shares of that location with them, in the same step."""

from datetime import timedelta
from typing import Any

import pytest

from promising.shop import CHICAGO, MONDAY_NOON, TO_NEW_YORK, at, lines, shop
from world import Api, World

CREATE = """mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) {
  reservation { id } userErrors { code message } } }"""
TRANSFER = """mutation($input: ReservationTransferInput!) { reservationTransfer(input: $input) {
  reservation { lines { quantity location { handle } } }
  userErrors { code message details { requested available } } } }"""
PIN = """mutation($input: ReservationPinInput!) { reservationPin(input: $input) {
  reservation { id } userErrors { code message details { requested available } } } }"""
RELEASE = """mutation($input: ReservationReleaseInput!) { reservationRelease(input: $input) {
  reservation { id } userErrors { code } } }"""
USED = """{ locationCapacity(locations: ["nyc", "chi"], fromOn: "2026-11-30", toOn: "2026-12-02") {
  location { handle } days { date processes { process used } } } }"""
CAPACITY = "mutation($input: LocationCapacityPutInput!) { locationCapacityPut(input: $input) { userErrors { code } } }"
CLASSES = "mutation($input: DemandClassesPutInput!) { demandClassesPut(input: $input) { userErrors { code } } }"
SHARES = "mutation($input: AllocationsPutInput!) { allocationsPut(input: $input) { userErrors { code } } }"
STAND = """{ allocations(skus: ["A"]) { location poolUsed shares { demandClass used left } } }"""


async def two_shops(api: Api, *, orders: int = 1, units: int = 5) -> None:
    """20 of A in New York and in Chicago; each takes so many orders and picks so many units a day."""
    await shop(api, {"nyc": {}, "chi": CHICAGO}, {"A": {"nyc": 20, "chi": 20}})
    limits = [
        {"process": "DISPATCH", "measure": "ORDERS", "perDay": orders},
        {"process": "PICK", "measure": "UNITS", "perDay": units},
    ]
    put = [{"location": handle, "capacities": limits} for handle in ("nyc", "chi")]
    await api.ok(CAPACITY, input={"locations": put})


async def hold(api: Api, units: int, **more: Any) -> str:
    asked = {"channel": "web", "destination": TO_NEW_YORK, "lines": lines(A=units), "ttlSeconds": 3600, **more}
    id_: str = (await api.ok(CREATE, input=asked))["reservation"]["id"]
    return id_


async def work(api: Api) -> dict[str, list[tuple[str, list[int]]]]:
    """Days with work by location: orders and units taken."""
    return {
        row["location"]["handle"]: [
            (day["date"][5:], [process["used"] for process in day["processes"]])
            for day in row["days"]
            if any(process["used"] for process in day["processes"])
        ]
        for row in (await api(USED))["locationCapacity"]
    }


async def move(api: Api, id_: str, units: int | None, here: str, there: str) -> list[dict[str, Any]]:
    moves = [{"sku": "A", "quantity": units, "fromLocation": here, "toLocation": there}]
    answer = (await api(TRANSFER, input={"id": id_, "moves": moves}))["reservationTransfer"]
    found: list[dict[str, Any]] = answer["userErrors"]
    return found


async def test_work_goes_with_units_that_are_transferred(world: World, api: Api) -> None:
    await two_shops(api)
    with at(MONDAY_NOON):
        id_ = await hold(api, 4)
        assert await work(api) == {"nyc": [("11-30", [1, 4])], "chi": []}
        assert await move(api, id_, 1, "nyc", "chi") == []
        await world.settle()
        assert await work(api) == {"nyc": [("11-30", [1, 3])], "chi": [("11-30", [1, 1])]}
        assert await move(api, id_, None, "nyc", "chi") == []
        await world.settle()
        # one order there still, whoever came first
        assert await work(api) == {"nyc": [], "chi": [("11-30", [1, 4])]}
        await api.ok(RELEASE, input={"id": id_})
        await world.settle()
        assert await work(api) == {"nyc": [], "chi": []}


async def test_where_the_day_is_full_nothing_is_moved(world: World, api: Api) -> None:
    await two_shops(api, orders=9)
    with at(MONDAY_NOON):
        there = await hold(api, 4)
        assert await move(api, there, None, "nyc", "chi") == []
        await world.settle()
        id_ = await hold(api, 3)
        before = await work(api)
        (error,) = await move(api, id_, 2, "nyc", "chi")
        assert (error["code"], error["details"]) == ("NO_CAPACITY", {"requested": 2, "available": 1})
        await world.settle()
        assert await work(api) == before
        assert await move(api, id_, 1, "nyc", "chi") == []


async def test_units_of_the_channel_take_work_when_they_are_pinned(world: World, api: Api) -> None:
    await two_shops(api)
    with at(MONDAY_NOON):
        id_ = await hold(api, 4, atChannel=True)
        assert await work(api) == {"nyc": [], "chi": []}
        await api.ok(PIN, input={"id": id_, "pins": [{"sku": "A", "quantity": 3, "location": "nyc"}]})
        await api.ok(PIN, input={"id": id_, "pins": [{"sku": "A", "location": "chi"}]})
        await world.settle()
        assert await work(api) == {"nyc": [("11-30", [1, 3])], "chi": [("11-30", [1, 1])]}


async def test_work_is_taken_on_a_day_on_which_the_other_location_works(world: World, api: Api) -> None:
    chicago = {**CHICAGO, "openDays": [3]}
    await shop(api, {"nyc": {"dailyCapacity": 5}, "chi": {**chicago, "dailyCapacity": 5}}, {"A": {"nyc": 9, "chi": 9}})
    with at(MONDAY_NOON):
        id_ = await hold(api, 2)
        assert await move(api, id_, None, "nyc", "chi") == []
        await world.settle()
        assert await work(api) == {"nyc": [], "chi": [("12-02", [1])]}
    with at(MONDAY_NOON + timedelta(hours=2)):  # the cart has ended
        assert await work(api) == {"nyc": [], "chi": []}


async def shared_there(api: Api, **targets: int) -> None:
    """Units of A in Chicago are shared out; who has no class has what is left there."""
    await shop(api, {"nyc": {}, "chi": CHICAGO}, {"A": {"nyc": 20, "chi": 20}})
    await api.ok(CLASSES, input={"classes": [{"handle": name, "name": name} for name in ("loyal", "public")]})
    parts = [{"demandClass": name, "target": units, "hard": True} for name, units in targets.items()]
    shares = {"sku": "A", "location": "chi", "basis": "UNITS", "shares": parts}
    await api.ok(SHARES, input={"allocations": [shares]})


async def stand(api: Api) -> tuple[dict[str, tuple[int, int]], int]:
    (found,) = (await api(STAND))["allocations"]
    return {row["demandClass"]: (row["used"], row["left"]) for row in found["shares"]}, found["poolUsed"]


@pytest.mark.parametrize("at_channel", [False, True])
async def test_shares_of_a_location_are_taken_by_who_comes_and_given_back_by_who_goes(
    world: World, api: Api, at_channel: bool
) -> None:
    await shared_there(api, loyal=6, public=14)
    id_ = await hold(api, 8, demandClass="loyal", atChannel=at_channel)
    assert await stand(api) == ({"loyal": (0, 6), "public": (0, 14)}, 0)
    if at_channel:
        await api.ok(PIN, input={"id": id_, "pins": [{"sku": "A", "quantity": 5, "location": "chi"}]})
        await api.ok(PIN, input={"id": id_, "pins": [{"sku": "A", "location": "nyc"}]})
    else:
        assert await move(api, id_, 5, "nyc", "chi") == []
    assert await stand(api) == ({"loyal": (5, 1), "public": (0, 14)}, 0)
    (error,) = await move(api, id_, 2, "nyc", "chi")
    assert (error["code"], error["details"]) == ("INSUFFICIENT_STOCK", {"requested": 2, "available": 1})
    assert await stand(api) == ({"loyal": (5, 1), "public": (0, 14)}, 0)
    assert await move(api, id_, 2, "chi", "nyc") == []
    assert await stand(api) == ({"loyal": (3, 3), "public": (0, 14)}, 0)
    await world.settle()
    assert await stand(api) == ({"loyal": (3, 3), "public": (0, 14)}, 0)
    await api.ok(RELEASE, input={"id": id_})
    await world.settle()
    assert await stand(api) == ({"loyal": (0, 6), "public": (0, 14)}, 0)


async def test_who_has_no_class_may_come_only_where_something_is_left_for_everybody(api: Api) -> None:
    await shared_there(api, loyal=6, public=13)
    id_ = await hold(api, 3)
    (error,) = await move(api, id_, 2, "nyc", "chi")
    assert (error["code"], error["details"]) == ("INSUFFICIENT_STOCK", {"requested": 2, "available": 1})
    assert await move(api, id_, 1, "nyc", "chi") == []
    assert await stand(api) == ({"loyal": (0, 6), "public": (0, 13)}, 1)
