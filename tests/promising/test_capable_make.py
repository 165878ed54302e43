"""Capable to promise: what is made of components once it is sold."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

import invariants
from fulfillment.desk import Desk, units
from promising.capable import HOLD, RELEASE, announced, cart, positions, promise, receive, rule, supplies
from promising.shop import MONDAY_NOON, at
from world import Api, World, travel

CAPABLE = """query($input: AtpTimelineInput!, $quantity: Int!) { atpTimeline(input: $input) {
  timeline { capable(quantity: $quantity) { on fromAtp loads { on quantity } } } userErrors { code message } } }"""


async def workshop(desk: Desk, *, per_day: int | None = None, lead: int = 1) -> None:
    await rule(desk, "shop", "TABLE", generators=[{
        "kind": "MAKE", "leadDays": lead, "perDay": per_day,
        "components": [{"sku": "LEG", "quantity": 4}, {"sku": "TOP", "quantity": 1}],
    }])  # fmt: skip


@pytest.fixture
async def desk(world: World, api: Api) -> Desk:
    return await Desk(world, api).open({"TABLE": {"nyc": 1}, "LEG": {"nyc": 14}, "TOP": {"nyc": 9}})


@pytest.fixture(autouse=True)
def monday() -> Iterator[None]:
    with at(MONDAY_NOON):
        yield


async def test_a_table_is_promised_ordered_made_and_sent(desk: Desk) -> None:
    await workshop(desk)
    (option,) = (await promise(desk, {"TABLE": 3}))["options"]
    assert option["explanation"]["generated"] == [{
        "sku": "TABLE", "quantity": 2, "rule": "shop", "generator": "MAKE", "dueOn": "2026-12-01",
        "location": {"handle": "nyc"},
    }]  # fmt: skip
    order = await desk.order(lines={"TABLE": 3}, promiseToken=option["token"])
    assert units(order["lines"][0]) == {"allocated": 1, "backordered": 2}
    assert await supplies(desk, "TABLE") == [("PRODUCTION", 2, 2)]
    assert await positions(desk, "TABLE", "LEG", "TOP") == {
        "TABLE@nyc": (1, 1, 0), "LEG@nyc": (6, 0, 8), "TOP@nyc": (7, 0, 2),
    }  # fmt: skip
    with travel(days=1):
        await receive(desk, "TABLE")
        order = await desk.deliver(await desk.look(order["id"]))
    assert units(order["lines"][0]) == {"delivered": 3}
    assert await positions(desk, "TABLE", "LEG", "TOP") == {"LEG@nyc": (6, 0, 0), "TOP@nyc": (7, 0, 0)}
    await invariants.check(desk.world, desk.api.tenant_id)


async def test_no_more_are_made_than_there_are_components(desk: Desk) -> None:
    await workshop(desk)
    assert len((await promise(desk, {"TABLE": 4}))["options"]) == 1
    found = await promise(desk, {"TABLE": 5})
    assert (found["options"], found["unavailable"][0]["details"]["available"]) == ([], 4)
    assert (await promise(desk, {"TABLE": 4, "LEG": 3}))["options"] == []
    partly = (await desk.api.ok(HOLD, input={**cart({"TABLE": 9}), "onShortage": "PARTIAL"}))["reservation"]
    assert sum(line["quantity"] for line in partly["lines"]) == 4


async def test_a_day_of_the_workshop_is_sold_once_by_when_it_begins(desk: Desk) -> None:
    await workshop(desk, per_day=1)
    held = (await desk.api.ok(HOLD, input=cart({"TABLE": 3})))["reservation"]
    assert [(line["quantity"], line["expectedAt"]) for line in held["lines"]] == [
        (1, None), (1, "2026-12-02T04:59:59.000000Z"), (1, "2026-12-03T04:59:59.000000Z"),
    ]  # fmt: skip
    (option,) = (await promise(desk, {"TABLE": 1}))["options"]
    assert [one["dueOn"] for one in option["explanation"]["generated"]] == ["2026-12-03"]
    await desk.api.ok(RELEASE, id=held["id"])
    await desk.world.settle()
    assert await announced(desk, "TABLE") == []
    assert await positions(desk, "LEG", "TOP") == {"LEG@nyc": (14, 0, 0), "TOP@nyc": (9, 0, 0)}


async def test_components_that_are_sold_meanwhile_refuse_the_promise(desk: Desk) -> None:
    await workshop(desk)
    (option,) = (await promise(desk, {"TABLE": 3}))["options"]
    await desk.api.ok(HOLD, input=cart({"LEG": 7}))
    before = await positions(desk, "TABLE", "LEG", "TOP")
    (error,) = await desk.api.refused(HOLD, input={"promiseToken": option["token"]})
    assert (error["code"], error["details"]) == ("INSUFFICIENT_STOCK", {"sku": "LEG", "requested": 8, "available": 7})
    assert (await positions(desk, "TABLE", "LEG", "TOP"), await supplies(desk, "TABLE")) == (before, [])


async def test_of_callers_at_once_components_serve_as_many_as_they_can(desk: Desk) -> None:
    await workshop(desk)
    await desk.api.ok(HOLD, input=cart({"TABLE": 1}))

    async def once() -> dict[str, Any]:
        return (await desk.api(HOLD, input=cart({"TABLE": 1})))["reservationCreate"]  # type: ignore[no-any-return]

    answers = await asyncio.gather(*[once() for _ in range(6)])
    assert sum(not answer["userErrors"] for answer in answers) == 3
    assert await positions(desk, "LEG", "TOP") == {"LEG@nyc": (2, 0, 12), "TOP@nyc": (6, 0, 3)}
    await desk.world.settle()
    await invariants.check(desk.world, desk.api.tenant_id)


async def test_what_is_made_of_itself_makes_no_units(desk: Desk) -> None:
    await rule(desk, "odd", "TABLE", generators=[
        {"kind": "MAKE", "components": [{"sku": "TABLE", "quantity": 1}], "leadDays": 1}])  # fmt: skip
    assert (await promise(desk, {"TABLE": 2}))["options"] == []


async def test_it_is_made_where_the_components_are(world: World, api: Api) -> None:
    desk = await Desk(world, api).open({"TABLE": {"nyc": 1, "zoo": 0}, "LEG": {"zoo": 8}, "TOP": {"zoo": 2}})
    await workshop(desk)
    order = await desk.order(lines={"TABLE": 2})
    assert units(order["lines"][0]) == {"allocated": 1, "backordered": 1}
    assert await positions(desk, "LEG", "TOP") == {"LEG@zoo": (4, 0, 4), "TOP@zoo": (1, 0, 1)}


async def test_the_timeline_says_what_a_promise_would(desk: Desk) -> None:
    await workshop(desk, per_day=1)
    await desk.order(lines={"TABLE": 2})  # the one that is there, and what begins today
    asked = {"channel": "web", "sku": "TABLE"}
    found = (await desk.api.ok(CAPABLE, input=asked, quantity=2))["timeline"]["capable"]
    assert found == {"on": "2026-12-03", "fromAtp": 0, "loads": [
        {"on": "2026-12-02", "quantity": 1}, {"on": "2026-12-03", "quantity": 1},
    ]}  # fmt: skip
    (option,) = (await promise(desk, {"TABLE": 2}))["options"]
    assert [(one["quantity"], one["dueOn"]) for one in option["explanation"]["generated"]] == [
        (1, "2026-12-02"), (1, "2026-12-03"),
    ]  # fmt: skip


async def test_components_that_are_apart_make_nothing(world: World, api: Api) -> None:
    desk = await Desk(world, api).open(
        {"TABLE": {"nyc": 0}, "LEG": {"nyc": 4}, "TOP": {"chi": 1}}, locations={"nyc": {}, "chi": {}}
    )
    await workshop(desk)
    asked = {"channel": "web", "sku": "TABLE"}
    assert (await desk.api.ok(CAPABLE, input=asked, quantity=1))["timeline"]["capable"] is None
    assert (await promise(desk, {"TABLE": 1}))["options"] == []
