"""Demand classes and shares, through the API."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from promising.shop import MONDAY_NOON, TO_NEW_YORK, at, lines, put_stock, put_supply, shop
from world import Api, World, statements

CLASSES = """mutation($input: DemandClassesPutInput!) { demandClassesPut(input: $input) {
  classes { handle rank parent channels active } userErrors { code message path } } }"""
PUT = """mutation($input: AllocationsPutInput!) { allocationsPut(input: $input) {
  allocations { sku location startsOn endsOn basis poolUsed poolLeft
    shares { demandClass target hard stealUntil units used left } } userErrors { code message path } } }"""
STAND = """query($skus: [String!]!) { allocations(skus: $skus) {
  poolUsed poolLeft shares { demandClass units used left } } }"""
RESERVE = """mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) {
  reservation { id } userErrors { code message details { available } } } }"""
RELEASE = """mutation($input: ReservationReleaseInput!) { reservationRelease(input: $input) {
  reservation { id } userErrors { code } } }"""
ASK = """query($input: AvailabilityInput!) { availability(input: $input) {
  availability { available schedule { startsOn available } } userErrors { code path } } }"""


async def world_of(api: Api, stock: int = 100, **shares: Any) -> None:
    """A SKU with stock, classes vip (1), web (2, of channel web) and out (3), and shares of them."""
    await shop(api, {"nyc": {}, "chi": {}}, {"A": {"nyc": stock}})
    await api.ok(CLASSES, input={"classes": [
        {"handle": "vip", "name": "Loyal customers", "rank": 1},
        {"handle": "web", "name": "Web", "rank": 2, "channels": ["web"]},
        {"handle": "out", "name": "Outlet", "rank": 3},
    ]})  # fmt: skip
    if shares:
        await share(api, **shares)


async def share(api: Api, basis: str = "UNITS", **shares: Any) -> dict[str, Any]:
    parts = [
        {"demandClass": name, **(target if isinstance(target, dict) else {"target": target})}
        for name, target in shares.items()
    ]
    answer = await api(PUT, input={"allocations": [{"sku": "A", "basis": basis, "shares": parts}]})
    found: dict[str, Any] = answer["allocationsPut"]
    return found


async def available(api: Api, demand_class: str | None = None) -> int:
    more = {"demandClass": demand_class} if demand_class else {}
    answer = await api.ok(ASK, input={"channel": "web", "skus": ["A"], **more})
    units: int = answer["availability"][0]["available"]
    return units


async def reserve(api: Api, units: int, demand_class: str | None = None, **more: Any) -> dict[str, Any]:
    asked = {"channel": "web", "destination": TO_NEW_YORK, "lines": lines(A=units), **more}
    answer = await api(RESERVE, input={**asked, **({"demandClass": demand_class} if demand_class else {})})
    found: dict[str, Any] = answer["reservationCreate"]
    return found


async def stand(api: Api) -> tuple[dict[str, tuple[int, int, int]], tuple[int, int]]:
    (found,) = (await api(STAND, skus=["A"]))["allocations"]
    shares = {row["demandClass"]: (row["units"], row["used"], row["left"]) for row in found["shares"]}
    return shares, (found["poolUsed"], found["poolLeft"])


async def test_a_class_is_promised_its_share_and_the_pool_and_never_what_is_another_ones(api: Api) -> None:
    await world_of(api, vip=30, web={"target": 20, "hard": True}, out=10)
    assert [await available(api, name) for name in ("vip", "web", "out")] == [70, 20, 50]
    assert await available(api) == 20  # the channel's class
    refused = await reserve(api, 21)
    (error,) = refused["userErrors"]
    assert (error["code"], error["details"]["available"]) == ("INSUFFICIENT_STOCK", 20)
    assert await stand(api) == ({"out": (10, 0, 10), "vip": (30, 0, 30), "web": (20, 0, 20)}, (0, 40))


async def test_what_is_held_is_counted_and_given_back_when_it_is_let_go(world: World, api: Api) -> None:
    await world_of(api, vip=30, web=20)
    held = await reserve(api, 25)
    assert held["userErrors"] == []
    assert await stand(api) == ({"vip": (30, 0, 30), "web": (20, 20, 0)}, (5, 45))
    assert [await available(api, name) for name in ("vip", "web")] == [75, 45]
    await api.ok(RELEASE, input={"id": held["reservation"]["id"]})
    # at once, before anybody has reacted to the fact
    assert await stand(api) == ({"vip": (30, 0, 30), "web": (20, 0, 20)}, (0, 50))
    await world.settle()
    assert await stand(api) == ({"vip": (30, 0, 30), "web": (20, 0, 20)}, (0, 50))


async def test_an_expired_hold_counts_as_given_back_at_once_and_only_once(world: World, api: Api) -> None:
    await world_of(api, web={"target": 20, "hard": True})
    with at(MONDAY_NOON):
        await reserve(api, 20, ttlSeconds=60)
        assert await available(api) == 0
    with at(MONDAY_NOON + timedelta(seconds=61)):
        assert await available(api) == 20
        assert (await reserve(api, 20))["userErrors"] == []
        assert await available(api) == 0
        await world.settle()
        assert await stand(api) == ({"web": (20, 20, 0)}, (0, 80))
        assert (await reserve(api, 1))["userErrors"] != []


async def test_units_that_are_not_there_after_all_are_given_back(world: World, api: Api) -> None:
    await world_of(api, 20, web=20)
    assert (await reserve(api, 20))["userErrors"] == []
    await put_stock(api, {"A": {"nyc": 5}})
    await world.settle()
    assert await stand(api) == ({"web": (5, 5, 0)}, (0, 0))


@pytest.mark.parametrize(
    ("basis", "shares", "stock", "expected"),
    [
        ("UNITS", {"vip": 30, "web": 20}, 25, {"vip": 15, "web": 10}),
        ("PERCENT", {"vip": 5000, "web": 2500}, 40, {"vip": 20, "web": 10}),
        ("RATIO", {"vip": 3, "web": 1}, 40, {"vip": 30, "web": 10}),
    ],
)
async def test_targets_are_units_percentages_or_ratios_and_scaled_when_supply_falls_short(
    api: Api, basis: str, shares: dict[str, int], stock: int, expected: dict[str, int]
) -> None:
    await world_of(api, stock)
    await share(api, basis, **shares)
    assert {name: units for name, (units, _, _) in (await stand(api))[0].items()} == expected


async def test_better_ranks_take_of_lower_ones_until_the_day(api: Api) -> None:
    await world_of(api, 30)
    with at(MONDAY_NOON):
        await share(api, vip=10, web={"target": 20, "stealUntil": "2026-11-30"})
        assert [await available(api, name) for name in ("vip", "web")] == [30, 20]
        assert (await reserve(api, 15, "vip", ttlSeconds=86_400))["userErrors"] == []
        assert await stand(api) == ({"vip": (10, 10, 0), "web": (20, 5, 15)}, (0, 0))
    with at(MONDAY_NOON + timedelta(hours=20)):
        assert [await available(api, name) for name in ("vip", "web")] == [0, 15]


async def test_shares_at_one_location_bound_what_comes_from_there(api: Api) -> None:
    await world_of(api)
    await put_stock(api, {"A": {"chi": 7}})
    part = {"demandClass": "web", "target": 5, "hard": True}
    await api.ok(PUT, input={"allocations": [{"sku": "A", "location": "nyc", "basis": "UNITS", "shares": [part]}]})
    assert await available(api) == 12
    assert await available(api, "vip") == 95 + 7


async def test_shares_of_days_that_have_not_come_bind_nobody(api: Api) -> None:
    await world_of(api)
    part = {"demandClass": "web", "target": 5, "hard": True}
    sent = {"sku": "A", "basis": "UNITS", "shares": [part], "startsOn": "2026-12-01", "endsOn": "2026-12-24"}
    await api.ok(PUT, input={"allocations": [sent]})
    with at(MONDAY_NOON):
        assert await available(api) == 100
    with at(MONDAY_NOON + timedelta(days=1)):
        assert await available(api) == 5
    answer = await api(PUT, input={"allocations": [{**sent, "startsOn": "2026-12-24", "endsOn": None}]})
    assert [error["code"] for error in answer["allocationsPut"]["userErrors"]] == ["TAKEN"]


async def test_supply_to_come_enlarges_percentages_by_its_date(api: Api) -> None:
    await world_of(api, 10)
    with at(MONDAY_NOON):
        await share(api, "PERCENT", vip=5000, web={"target": 5000, "hard": True})
        await put_supply(api, "P1", "A", "nyc", 30, MONDAY_NOON + timedelta(days=3))
        (row,) = (await api.ok(ASK, input={"channel": "web", "skus": ["A"]}))["availability"]
    assert row["schedule"] == [
        {"startsOn": "2026-11-30", "available": 5},
        {"startsOn": "2026-12-03", "available": 20},
    ]


async def test_a_token_is_counted_for_the_class_that_asked(api: Api) -> None:
    promise = """query($input: PromiseInput!) { promise(input: $input) {
      promise { options { token } } userErrors { code } } }"""
    await world_of(api, vip=30, web={"target": 20, "hard": True})
    asked = {"channel": "web", "destination": TO_NEW_YORK, "lines": lines(A=25)}
    assert (await api(promise, input=asked))["promise"]["promise"]["options"] == []
    (option,) = (await api(promise, input={**asked, "demandClass": "vip"}))["promise"]["promise"]["options"]
    await api.ok(RESERVE, input={"promiseToken": option["token"]})
    assert await stand(api) == ({"vip": (30, 25, 5), "web": (20, 0, 20)}, (0, 50))


async def test_shares_can_be_ended(api: Api) -> None:
    await world_of(api, web={"target": 1, "hard": True})
    assert await available(api) == 1
    assert (await share(api))["allocations"] == []
    assert await available(api) == 100


async def test_what_is_wrong_is_named_and_nothing_is_kept(api: Api) -> None:
    await world_of(api, web=5)
    before = await stand(api)
    shares: list[tuple[dict[str, Any], str, list[str]]] = [
        ({"sku": "NONE"}, "NOT_FOUND", ["sku"]),
        ({"location": "mars"}, "NOT_FOUND", ["location"]),
        ({"shares": [{"demandClass": "gold", "target": 1}]}, "NOT_FOUND", ["shares", "0", "demandClass"]),
        ({"shares": [{"demandClass": "web", "target": -1}]}, "INVALID", ["shares", "0", "target"]),
        ({"basis": "RATIO", "shares": [{"demandClass": "web", "target": 0}]}, "INVALID", ["shares", "0", "target"]),
        ({"startsOn": "2026-12-02", "endsOn": "2026-12-01"}, "INVALID", ["endsOn"]),
    ]  # fmt: skip
    for change, code, path in shares:
        sent = {"sku": "A", "basis": "UNITS", "shares": [{"demandClass": "web", "target": 1}], **change}
        errors = (await api(PUT, input={"allocations": [sent]}))["allocationsPut"]["userErrors"]
        assert (errors[0]["code"], errors[0]["path"]) == (code, ["input", "allocations", "0", *path])
    twice = {"sku": "A", "basis": "UNITS", "shares": [{"demandClass": "web", "target": 1}]}
    (error,) = (await api(PUT, input={"allocations": [twice, twice]}))["allocationsPut"]["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID", ["input", "allocations", "1"])
    classes: list[tuple[dict[str, Any], str, list[str]]] = [
        ({"handle": "-"}, "INVALID", ["handle"]),
        ({"rank": 0}, "INVALID", ["rank"]),
        ({"parent": "gold"}, "NOT_FOUND", ["parent"]),
        ({"parent": "new"}, "INVALID", ["parent"]),
        ({"channels": ["none"]}, "NOT_FOUND", ["channels", "0"]),
        ({"channels": ["web"]}, "TAKEN", ["channels", "0"]),
    ]
    for change, code, path in classes:
        answer = await api(CLASSES, input={"classes": [{"handle": "new", "name": "New", **change}]})
        (error,) = answer["demandClassesPut"]["userErrors"]
        assert (error["code"], error["path"]) == (code, ["input", "classes", "0", *path])
    answer = await api(ASK, input={"channel": "web", "skus": ["A"], "demandClass": "gold"})
    assert [error["path"] for error in answer["availability"]["userErrors"]] == [["input", "demandClass"]]
    assert await stand(api) == before


async def test_a_class_that_is_sent_twice_is_refused_whatever_the_two_say_of_channels(api: Api) -> None:
    await world_of(api)
    twice = [{"handle": "web", "name": "Web"}, {"handle": "web", "name": "Web", "channels": None}]
    assert await api.refused(CLASSES, input={"classes": twice}) == [
        {"code": "INVALID", "message": "web is named twice; send it once.", "path": ["input", "classes", i, "handle"]}
        for i in ("0", "1")
    ]


async def test_two_classes_in_a_race_never_exceed_their_shares_nor_the_stock(api: Api) -> None:
    await world_of(api, 60, vip={"target": 20, "hard": True}, web={"target": 30, "hard": True})

    crowd = asyncio.Semaphore(16)  # as many as there are connections: more would hear OVERLOADED

    async def one(demand_class: str) -> int:
        async with crowd:
            return 1 if (await reserve(api, 1, demand_class))["reservation"] else 0

    got = await asyncio.gather(*(one(name) for _ in range(100) for name in ("vip", "web")))
    assert (sum(got[::2]), sum(got[1::2])) == (20, 30)
    assert await stand(api) == ({"vip": (20, 20, 0), "web": (30, 30, 0)}, (0, 10))


async def test_rationing_costs_nothing_unless_it_is_used(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 9}})

    async def counted() -> tuple[int, int]:
        await reserve(api, 1)
        await available(api)  # reads again what changed
        with statements() as reads:
            await available(api)
        with statements() as writes:
            await reserve(api, 1)
        return len(reads), len(writes)

    reads, writes = await counted()
    assert reads == 3
    await api.ok(CLASSES, input={"classes": [{"handle": "web", "name": "Web", "channels": ["web"]}]})
    # one to see that the SKU has no shares; a hold looks once more, under locks
    assert await counted() == (reads + 1, writes + 2)
    await share(api, web=5)
    # shares, what lapsed of them, stock everywhere
    assert (await counted())[0] == reads + 3
