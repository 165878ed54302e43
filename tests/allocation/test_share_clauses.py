"""What a merchandiser may say of shares, clause by clause, with the units that come of it; through the API."""

from datetime import timedelta
from typing import Any

import pytest

from allocation.scarce import classes, hard, share, stand
from fulfillment.desk import CANCEL, RECEIVE, REJECT, Desk
from promising.shop import CHICAGO, MONDAY_NOON, NEW_YORK, TO_NEW_YORK, at, lines, put_supply, shop
from world import Api, World, statements

ASK = """query($input: AvailabilityInput!) { availability(input: $input) { availability { sku available
  schedule { startsOn available } substitutes { sku available } } userErrors { code } } }"""
RESERVE = """mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) {
  reservation { id lines { sku quantity location { handle } } } userErrors { code details { available } } } }"""
PIN = "mutation($input: ReservationPinInput!) { reservationPin(input: $input) { userErrors { code message } } }"
RELEASE = "mutation($input: ReservationReleaseInput!) { reservationRelease(input: $input) { userErrors { code } } }"
UNTIL = "2026-11-30"


async def available(api: Api, *whose: str, sku: str = "A") -> list[int]:
    found = []
    for name in whose:
        answer = await api.ok(ASK, input={"channel": "web", "skus": [sku], "demandClass": name})
        found.append(answer["availability"][0]["available"])
    return found


async def reserve(api: Api, whose: str, units: int = 0, **more: Any) -> dict[str, Any]:
    asked = {"channel": "web", "destination": TO_NEW_YORK, "demandClass": whose, "lines": lines(A=units), **more}
    found: dict[str, Any] = (await api(RESERVE, input=asked))["reservationCreate"]
    return found


async def test_a_class_goes_up_through_all_its_parents_then_to_the_pool(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 20}})
    await classes(api, all={"rank": 1}, web={"parent": "all"}, app={"rank": 1, "parent": "web"})
    await share(api, app=3, web=4, all=5, vip=6)
    assert await available(api, "app", "web", "all", "vip", "out") == [14, 11, 7, 8, 2]
    assert (await reserve(api, "app", 13))["userErrors"] == []
    assert await stand(api) == [{"app": (3, 0), "web": (4, 0), "all": (5, 0), "vip": (0, 6), "pool": (1, 1)}]


async def test_who_may_rob_takes_of_the_lowest_rank_first_and_only_until_the_day(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 20}})
    await classes(api, app={"rank": 1, "parent": "web"})
    until = {"stealUntil": UNTIL}
    with at(MONDAY_NOON):  # the last day
        await share(api, vip=2, web={"target": 6, **until}, out={"target": 5, **until}, app={"target": 4, **until})
        # of the pool 3; vip may rob web and out, web only out, out nobody; app is no sibling of theirs
        assert await available(api, "vip", "web", "out", "app") == [16, 14, 8, 13]
        assert (await reserve(api, "vip", 11, ttlSeconds=86_400))["userErrors"] == []
        assert await stand(api) == [{"vip": (2, 0), "web": (1, 5), "out": (5, 0), "app": (0, 4), "pool": (3, 0)}]
    with at(MONDAY_NOON + timedelta(hours=23)):  # the next day, before the hold ends
        assert await available(api, "vip", "web", "out", "app") == [0, 5, 0, 9]
        assert [error["details"]["available"] for error in (await reserve(api, "vip", 1))["userErrors"]] == [0]


async def test_a_class_below_a_hard_share_has_no_more_than_it(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 20}})
    await classes(api, app={"rank": 1, "parent": "web"})
    await share(api, web=hard(6), app=3, out={"target": 2, "stealUntil": "2099-12-31"})
    assert await available(api, "app", "web", "vip") == [9, 6, 11]
    assert [error["details"]["available"] for error in (await reserve(api, "app", 10))["userErrors"]] == [9]
    assert (await reserve(api, "app", 9))["userErrors"] == []
    assert await stand(api) == [{"app": (3, 0), "out": (0, 2), "web": (6, 0), "pool": (0, 9)}]


async def test_the_share_of_a_class_that_is_not_active_is_there_for_everybody(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 20}})
    await classes(api)
    await share(api, vip=8, web=hard(4), out=3)
    assert await available(api, "vip", "web", "out") == [13, 4, 8]
    await classes(api, vip={"active": False})
    assert await available(api, "web", "out") == [4, 16]
    assert (await reserve(api, "out", 16))["userErrors"] == []
    assert await stand(api) == [{"out": (3, 0), "vip": (8, 0), "web": (0, 4), "pool": (5, 0)}]


@pytest.mark.parametrize(
    ("basis", "targets", "stock", "units"),
    [
        ("UNITS", {"vip": 30, "web": 20, "out": 10}, 25, {"vip": 13, "web": 8, "out": 4, "pool": 0}),
        ("UNITS", {"vip": 30, "web": 20, "out": 10}, 61, {"vip": 30, "web": 20, "out": 10, "pool": 1}),
        ("PERCENT", {"vip": 3333, "web": 3333, "out": 3333}, 10, {"vip": 3, "web": 3, "out": 4, "pool": 0}),
        ("PERCENT", {"vip": 2500, "web": 1000}, 10, {"vip": 2, "web": 1, "pool": 7}),
        ("RATIO", {"vip": 3, "web": 2, "out": 1}, 10, {"vip": 5, "web": 3, "out": 2, "pool": 0}),
    ],
)
async def test_what_does_not_divide_goes_to_whom_it_is_most_due(
    api: Api, basis: str, targets: dict[str, int], stock: int, units: dict[str, int]
) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": stock}})
    await classes(api)
    await share(api, basis=basis, **targets)
    assert await stand(api) == [{name: (0, left) for name, left in units.items()}]


async def test_shares_of_a_location_and_of_everywhere_bind_together(api: Api) -> None:
    await shop(api, {"nyc": {}, "chi": CHICAGO}, {"A": {"nyc": 10, "chi": 10}})
    await classes(api)
    await share(api, vip=hard(12), web=hard(8))
    await share(api, at={"location": "nyc"}, vip=hard(4), web=hard(6))
    # vip: 4 of nyc and 10 of chi, of both 12; web: 6 and 0, for what is left at chi is the pool's, of both 8
    assert await available(api, "vip", "web") == [12, 8]
    held = await reserve(api, "vip", 12)
    there = {line["location"]["handle"]: line["quantity"] for line in held["reservation"]["lines"]}
    assert there in ({"nyc": 4, "chi": 8}, {"nyc": 2, "chi": 10})
    nyc = there["nyc"]
    everywhere, here = await stand(api)
    assert everywhere == {"vip": (12, 0), "web": (0, 8), "pool": (0, 0)}
    assert here == {"vip": (nyc, 4 - nyc), "web": (0, 6), "pool": (0, 0)}
    assert await available(api, "vip", "web") == [0, min(8, 6 + 10 - there["chi"])]
    await api.ok(RELEASE, input={"id": held["reservation"]["id"], "lines": [{"sku": "A", "quantity": 8}]})
    everywhere, here = await stand(api)
    assert everywhere == {"vip": (4, 8), "web": (0, 8), "pool": (0, 0)}
    assert await available(api, "vip") == [8]


async def test_of_a_kit_the_parts_are_shared_out(api: Api) -> None:
    parts = [{"sku": "A", "quantity": 2}, {"sku": "B", "quantity": 1}]
    skus = [{"code": code, "name": code} for code in ("A", "B")]
    await shop(api, {"nyc": {}}, {"A": {"nyc": 20}, "B": {"nyc": 9}},
               skus=[*skus, {"code": "SET", "name": "Set", "kind": "KIT", "components": parts}])  # fmt: skip
    await classes(api)
    await share(api, vip=hard(9), web=11)
    await share(api, "B", vip=hard(3), web=6)
    # 9 of A make 4, 3 of B make 3
    assert await available(api, "vip", "web", sku="SET") == [3, 5]
    assert [error["code"] for error in (await reserve(api, "vip", lines=lines(SET=4)))["userErrors"]] == [
        "INSUFFICIENT_STOCK"
    ]
    held = await reserve(api, "vip", lines=lines(SET=3))
    assert await stand(api, "A", "B") == [
        {"vip": (6, 3), "web": (0, 11), "pool": (0, 0)},
        {"vip": (3, 0), "web": (0, 6), "pool": (0, 0)},
    ]
    await api.ok(RELEASE, input={"id": held["reservation"]["id"]})
    assert await stand(api, "B") == [{"vip": (0, 3), "web": (0, 6), "pool": (0, 0)}]


async def test_substitutes_are_offered_as_far_as_the_class_may_have_them(api: Api) -> None:
    tea = {"code": "TEA", "name": "Tea", "substitutes": [{"sku": "A", "ratio": "1", "needsConsent": False}]}
    await shop(api, {"nyc": {}}, {"A": {"nyc": 10}})
    await shop(api, {"nyc": {}}, {"TEA": {"nyc": 0}}, skus=[tea])
    await classes(api)
    await share(api, vip=hard(3), web=hard(5))
    for whose, units in (("vip", 3), ("web", 5), ("out", 2)):
        answer = await api.ok(ASK, input={"channel": "web", "skus": ["TEA"], "demandClass": whose})
        assert answer["availability"][0]["substitutes"] == [{"sku": "A", "available": units}]


async def test_what_is_held_for_the_channel_takes_shares_of_a_location_once_it_is_pinned_there(
    world: World, api: Api
) -> None:
    await shop(api, {"nyc": {}, "chi": CHICAGO}, {"A": {"nyc": 10, "chi": 10}})
    await classes(api)
    await share(api, at={"location": "nyc"}, vip=hard(5))
    await share(api, at={"location": "chi"}, vip=hard(3))
    await share(api, vip=hard(6))
    held = await reserve(api, "vip", 5, atChannel=True)
    id_ = held["reservation"]["id"]

    async def used() -> list[int]:
        """Everywhere, in Chicago, in New York."""
        found = await api("""{ allocations(skus: ["A"]) { location shares { used } } }""")
        rows = {row["location"]: row["shares"][0]["used"] for row in found["allocations"]}
        return [rows[None], rows["chi"], rows["nyc"]]

    assert (await used())[0] == sum((await used())[1:]) == 5
    answer = await api(PIN, input={"id": id_, "pins": [{"sku": "A", "quantity": 4, "location": "chi"}]})
    assert [error["code"] for error in answer["reservationPin"]["userErrors"]] == ["INSUFFICIENT_STOCK"]
    pins = [{"sku": "A", "quantity": 3, "location": "chi"}, {"sku": "A", "location": "nyc"}]
    await api.ok(PIN, input={"id": id_, "pins": pins})
    for _ in range(2):
        assert await used() == [5, 3, 2]
        await world.settle()
    await api.ok(RELEASE, input={"id": id_, "lines": [{"sku": "A", "quantity": 1, "location": "chi"}]})
    for _ in range(2):
        assert await used() == [4, 2, 2]
        await world.settle()


async def test_shares_of_some_days_are_counted_apart_and_end(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 20}})
    await classes(api)
    with at(MONDAY_NOON):
        await share(api, at={"endsOn": UNTIL}, vip=hard(4))
        await share(api, at={"startsOn": "2026-12-01"}, vip=hard(6), out=3)
        assert (await reserve(api, "vip", 4, ttlSeconds=86_400))["userErrors"] == []
        assert await available(api, "vip", "web") == [0, 16]
    with at(MONDAY_NOON + timedelta(hours=20)):
        assert await available(api, "vip", "web") == [6, 7]
        found = await api.ok(ASK, input={"channel": "web", "skus": ["A"], "demandClass": "out"})
        assert found["availability"][0]["available"] == 10


async def test_a_percentage_of_what_will_come_is_the_classes_from_the_day_it_comes(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 8}})
    await classes(api)
    with at(MONDAY_NOON):
        await share(api, basis="PERCENT", vip=hard(5000), web=hard(2500))
        await put_supply(api, "PO", "A", "nyc", 12, MONDAY_NOON + timedelta(days=2))
        held = await reserve(api, "vip", 7, onShortage="BACKORDER", ttlSeconds=86_400)
        assert held["userErrors"] == []
        assert await stand(api) == [{"vip": (7, 3), "web": (0, 5), "pool": (0, 5)}]
        answer = await api.ok(ASK, input={"channel": "web", "skus": ["A"], "demandClass": "web"})
    steps = [(step["startsOn"], step["available"]) for step in answer["availability"][0]["schedule"]]
    assert steps[-1] == ("2026-12-02", 5)


async def test_where_nothing_is_shared_out_letting_go_asks_nothing_of_shares(desk: Desk) -> None:
    await desk.open({"A": {"near": 9, "far": 9}}, locations={"near": NEW_YORK, "far": CHICAGO})
    order = await desk.order(lines={"A": 3})
    held = await reserve(desk.api, "web", 1, demandClass=None)
    with statements() as seen:
        await desk.api.ok(RELEASE, input={"id": held["reservation"]["id"]})
        await desk.api.ok(REJECT, input={"id": order["fulfillments"][0]["id"], "reason": "not_found"})
        await desk.api.ok(CANCEL, input=desk.cancelling(order, {"A": 1}))
    assert [sql for sql in seen if "allocation" in sql] == []
    order = await desk.deliver(await desk.look(order["id"]))
    rma = await desk.approved(order, {"A": 1})
    with statements() as seen:
        await desk.api.ok(RECEIVE, input=desk.receiving(rma, [("A", 1, "RESTOCK")], "near"))
    assert len([sql for sql in seen if "allocation" in sql]) == 1
