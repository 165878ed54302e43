"""Capable to promise: units of another location, sent to where they are wanted: ship to store."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

import invariants
from fulfillment.desk import Desk, units
from promising.capable import HOLD, PUT, announced, cart, positions, promise, receive, rule, supplies
from promising.shop import LOCATIONS, MONDAY_NOON, NEW_YORK, at, put_stock
from world import Api, World, travel

ORDER_PICKUP = {"pickupLocation": "store"}


async def lanes(desk: Desk, **sources: str) -> None:
    """A lane to the store from each of these, three days long."""
    await rule(desk, "lanes", "A", generators=[
        {"kind": "TRANSFER", "location": source, "leadDays": 3} for source in sources.values()
    ])  # fmt: skip


@pytest.fixture
async def desk(world: World, api: Api) -> Desk:
    return await Desk(world, api).open(
        {"A": {"store": 1, "dc": 10}},
        locations={"store": {"pickup": True, "ships": False}, "dc": {}},
    )


@pytest.fixture(autouse=True)
def monday() -> Iterator[None]:
    with at(MONDAY_NOON):
        yield


async def test_a_store_that_is_short_gets_the_rest_and_the_customer_collects_it(desk: Desk) -> None:
    await lanes(desk, dc="dc")
    (option,) = (await promise(desk, {"A": 4}, pickupLocations=["store"]))["options"]
    assert [(one["location"]["handle"], one["method"], one["deliveredBy"]) for one in option["shipments"]] == [
        ("store", "PICKUP", "2026-11-30"), ("store", "PICKUP", "2026-12-03"),
    ]  # fmt: skip
    assert option["explanation"]["generated"] == [{
        "sku": "A", "quantity": 3, "rule": "lanes", "generator": "TRANSFER", "dueOn": "2026-12-03",
        "location": {"handle": "store"},
    }]  # fmt: skip
    order = await desk.order(lines={"A": 4}, promiseToken=option["token"], **ORDER_PICKUP)
    assert units(order["lines"][0]) == {"allocated": 1, "backordered": 3}
    assert order["lines"][0]["promisedOn"] == "2026-12-03"
    assert await positions(desk, "A") == {"A@store": (1, 1, 0), "A@dc": (7, 0, 3)}
    assert await supplies(desk, "A") == [("TRANSFER", 3, 3)]
    with travel(days=3):
        await receive(desk, "A")
        assert await positions(desk, "A") == {"A@store": (4, 4, 0), "A@dc": (7, 0, 0)}
        order = await desk.look(order["id"])
        assert units(order["lines"][0]) == {"allocated": 4}
        assert {one["location"]["handle"] for one in order["fulfillments"]} == {"store"}
    await invariants.check(desk.world, desk.api.tenant_id)


async def test_what_is_set_aside_cannot_be_sold_again(desk: Desk) -> None:
    await lanes(desk, dc="dc")
    await desk.order(lines={"A": 9}, **ORDER_PICKUP)
    found = await promise(desk, {"A": 3})
    assert found["options"] == []
    assert found["unavailable"][0]["details"]["available"] == 2


async def test_a_transfer_that_was_not_sent_goes_back_and_one_that_was_comes(desk: Desk) -> None:
    await lanes(desk, dc="dc")
    order = await desk.order(lines={"A": 4}, **ORDER_PICKUP)
    await desk.cancel(order, {"A": 1})
    assert await positions(desk, "A") == {"A@store": (1, 1, 0), "A@dc": (8, 0, 2)}
    (supply,) = await announced(desk, "A")
    await desk.api.ok(PUT, input={"supplies": [{
        "reference": supply["reference"], "sku": "A", "location": "store", "quantity": 2, "kind": "IN_TRANSIT",
        "expectedAt": "2026-12-03T17:00:00Z",
    }]})  # fmt: skip
    await desk.cancel(order)
    assert await positions(desk, "A") == {"A@store": (1, 0, 0), "A@dc": (8, 0, 2)}
    await receive(desk, "A")
    assert await positions(desk, "A") == {"A@store": (3, 0, 0), "A@dc": (8, 0, 0)}
    await invariants.check(desk.world, desk.api.tenant_id)


async def test_units_that_somebody_moved_meanwhile_are_not_taken_twice(desk: Desk) -> None:
    await lanes(desk, dc="dc")
    order = await desk.order(lines={"A": 4}, **ORDER_PICKUP)
    await desk.api.ok(
        "mutation($input: InventoryMoveInput!) { inventoryMove(input: $input) { userErrors { code message } } }",
        input={"reason": "lost", "moves": [
            {"sku": "A", "location": "dc", "quantity": 2, "bucket": "IN_TRANSFER", "toLocation": "dc",
             "toBucket": "DAMAGED"}]},
    )  # fmt: skip
    await desk.cancel(order, {"A": 3})
    assert await positions(desk, "A") == {"A@store": (1, 1, 0), "A@dc": (8, 0, 0)}
    await invariants.check(desk.world, desk.api.tenant_id)


@pytest.mark.parametrize("wanted", [11, 12])
async def test_no_more_is_promised_than_the_other_location_has(desk: Desk, wanted: int) -> None:
    await lanes(desk, dc="dc")
    found = await promise(desk, {"A": wanted}, pickupLocations=["store"])
    assert bool(found["options"]) is (wanted == 11)


async def test_a_lane_carries_so_much_on_the_days_on_which_it_runs(desk: Desk) -> None:
    await rule(desk, "lanes", "A", generators=[
        {"kind": "TRANSFER", "location": "dc", "leadDays": 1, "perDay": 2, "openDays": [2, 4]}
    ])  # fmt: skip
    (option,) = (await promise(desk, {"A": 6}, pickupLocations=["store"]))["options"]
    generated = [(one["quantity"], one["dueOn"]) for one in option["explanation"]["generated"]]
    assert generated == [(2, "2026-12-02"), (2, "2026-12-04"), (1, "2026-12-09")]
    await desk.order(lines={"A": 4}, **ORDER_PICKUP)  # takes Tuesday, and half of Thursday
    (option,) = (await promise(desk, {"A": 3}, pickupLocations=["store"]))["options"]
    generated = [(one["quantity"], one["dueOn"]) for one in option["explanation"]["generated"]]
    assert generated == [(1, "2026-12-04"), (2, "2026-12-09")]


async def test_what_sends_itself_is_not_counted_twice(desk: Desk) -> None:
    await lanes(desk, dc="dc")
    assert len((await promise(desk, {"A": 10}))["options"]) == 1
    assert (await promise(desk, {"A": 11}))["options"] == []


async def test_lanes_in_a_circle_and_to_itself_make_no_units(world: World, api: Api) -> None:
    desk = await Desk(world, api).open(
        {"A": {"store": 1, "mall": 2}},
        locations={"store": {"pickup": True}, "mall": {"pickup": True}},
    )
    await lanes(desk, one="mall", two="store")
    for place in ("store", "mall"):
        assert len((await promise(desk, {"A": 3}, pickupLocations=[place]))["options"]) == 1
        assert (await promise(desk, {"A": 4}, pickupLocations=[place]))["options"] == []
    await desk.order(lines={"A": 3}, pickupLocation="store")
    assert await positions(desk, "A") == {"A@store": (1, 1, 0), "A@mall": (0, 0, 2)}
    for place in ("store", "mall"):
        assert (await promise(desk, {"A": 1}, pickupLocations=[place]))["options"] == []


async def test_of_the_places_to_collect_at_the_first_that_has_it_all_is_named(desk: Desk) -> None:
    await lanes(desk, dc="dc")
    await put_stock(desk.api, {"A": {"store": 0}})
    (option,) = (await promise(desk, {"A": 2}, pickupLocations=["store"]))["options"]
    assert option["deliveredBy"] == "2026-12-03"


async def test_of_callers_at_once_no_more_get_units_than_there_are(desk: Desk) -> None:
    await lanes(desk, dc="dc")
    option = (await promise(desk, {"A": 4}, pickupLocations=["store"]))["options"][0]
    await put_stock(desk.api, {"A": {"store": 40}})

    async def once() -> dict[str, Any]:
        return (await desk.api(HOLD, input={"promiseToken": option["token"]}))["reservationCreate"]  # type: ignore[no-any-return]

    answers = await asyncio.gather(*[once() for _ in range(8)])
    assert sum(not answer["userErrors"] for answer in answers) == 3
    assert await positions(desk, "A") == {"A@store": (40, 3, 0), "A@dc": (1, 0, 9)}
    await desk.world.settle()
    await invariants.check(desk.world, desk.api.tenant_id)


async def test_a_lane_from_outside_the_channel_brings_nothing(desk: Desk) -> None:
    far = {"handle": "far", "name": "far", **NEW_YORK, "openDays": [1, 2, 3, 4, 5, 6, 7]}
    await desk.api.ok(LOCATIONS, input={"locations": [far]})
    await put_stock(desk.api, {"A": {"far": 50}})
    await lanes(desk, far="far")
    assert (await desk.api.codes(HOLD, input=cart({"A": 12}))) == ["INSUFFICIENT_STOCK"]
