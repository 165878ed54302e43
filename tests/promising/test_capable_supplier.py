"""Capable to promise: what a supplier sends, or can be had from a lead time on, is promised, held, ordered and sent."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

import invariants
from fulfillment.desk import Desk, units
from promising.capable import (
    HOLD,
    PUT,
    RELEASE,
    announced,
    cart,
    drop_ship,
    positions,
    promise,
    receive,
    rule,
    supplies,
)
from promising.shop import MONDAY_NOON, at
from world import Api, World, statements, travel


@pytest.fixture
async def desk(world: World, api: Api) -> Desk:
    return await Desk(world, api).open({"A": {"nyc": 2}, "B": {"nyc": 2}})


@pytest.fixture(autouse=True)
def monday() -> Iterator[None]:
    with at(MONDAY_NOON):
        yield


async def hold(desk: Desk, lines: dict[str, int], **more: Any) -> dict[str, Any]:
    return (await desk.api.ok(HOLD, input={**cart(lines), **more}))["reservation"]  # type: ignore[no-any-return]


async def test_a_drop_ship_is_promised_ordered_received_and_sent(desk: Desk) -> None:
    await drop_ship(desk, "A", lead=5)
    (option,) = (await promise(desk, {"A": 5}))["options"]
    assert [(one["deliveredBy"], one["lines"]) for one in option["shipments"]] == [
        ("2026-12-01", [{"sku": "A", "quantity": 2}]),
        ("2026-12-08", [{"sku": "A", "quantity": 3}]),
    ]
    assert option["explanation"]["generated"] == [{
        "sku": "A", "quantity": 3, "rule": "sup", "generator": "DROP_SHIP", "dueOn": "2026-12-05",
        "location": {"handle": "nyc"},
    }]  # fmt: skip
    assert await supplies(desk, "A") == []
    order = await desk.order(lines={"A": 5}, promiseToken=option["token"])
    assert units(order["lines"][0]) == {"backordered": 3, "allocated": 2}
    assert order["lines"][0]["promisedOn"] == "2026-12-08"
    (supply,) = await announced(desk, "A")
    assert (supply["kind"], supply["quantity"], supply["promised"]) == ("PURCHASE", 3, 3)
    assert supply["reference"].startswith("sup/DROP_SHIP/1:sup_")
    with travel(days=5):
        await receive(desk, "A")
        assert units((await desk.look(order["id"]))["lines"][0]) == {"allocated": 5}
        sent = await desk.deliver(await desk.look(order["id"]))
    assert units(sent["lines"][0]) == {"delivered": 5}
    assert await positions(desk, "A") == {}
    await invariants.check(desk.world, desk.api.tenant_id)


async def test_from_the_lead_time_on_any_number_is_sold_and_supply_that_is_sooner_goes_first(desk: Desk) -> None:
    await rule(desk, "slow", "A", mode="LEAD_TIME", leadTimeDays=9)
    await desk.api.ok(PUT, input={"supplies": [{
        "reference": "PO", "sku": "A", "location": "nyc", "quantity": 10, "expectedAt": "2026-12-03T17:00:00Z",
    }]})  # fmt: skip
    held = await hold(desk, {"A": 1000})
    assert [(line["quantity"], line["expectedAt"]) for line in held["lines"]] == [
        (2, None), (10, "2026-12-03T17:00:00.000000Z"), (988, "2026-12-10T04:59:59.000000Z"),
    ]  # fmt: skip
    assert await supplies(desk, "A") == [("PURCHASE", 10, 10), ("PURCHASE", 988, 988)]


@pytest.mark.parametrize("policy", ["REJECT", "PARTIAL", "BACKORDER"])
async def test_whatever_is_wanted_on_a_shortage_the_rule_serves_it(desk: Desk, policy: str) -> None:
    await drop_ship(desk, "A")
    order = await desk.order(lines={"A": 4, "B": 1}, onShortage=policy)
    assert [units(line) for line in order["lines"]] == [{"allocated": 2, "backordered": 2}, {"allocated": 1}]


async def test_what_no_rule_brings_is_short_as_before_and_nothing_is_announced(desk: Desk) -> None:
    await drop_ship(desk, "A")
    assert (await promise(desk, {"A": 4, "B": 3}))["options"] == []
    (error,) = await desk.api.refused(HOLD, input=cart({"A": 4, "B": 3}))
    assert (error["code"], error["details"]) == ("INSUFFICIENT_STOCK", {"sku": "B", "requested": 3, "available": 2})
    partly = await hold(desk, {"A": 4, "B": 3}, onShortage="PARTIAL")
    assert [(line["sku"], line["quantity"]) for line in partly["lines"]] == [("A", 2), ("B", 2), ("A", 2)]
    assert await supplies(desk, "A") == [("PURCHASE", 2, 2)]
    assert await supplies(desk, "B") == []


async def test_a_wanted_date_is_served_when_the_supplier_is_in_time_for_it(desk: Desk) -> None:
    await drop_ship(desk, "A", lead=5)
    (option,) = (await promise(desk, {"A": 4}, requestedOn="2026-12-09"))["options"]
    assert option["deliveredBy"] == "2026-12-09"
    assert [one["quantity"] for one in option["explanation"]["generated"]] == [2]
    assert (await promise(desk, {"A": 4}, requestedOn="2026-12-03"))["options"] == []


async def test_what_atp_serves_asks_no_rule(desk: Desk) -> None:
    with statements() as before:
        await hold(desk, {"A": 1})
    await drop_ship(desk, "A", per_day=1)
    await hold(desk, {"B": 1})  # this process knows the rule from now on
    with statements() as after:
        await hold(desk, {"A": 1})
    assert len(after) == len(before)
    assert not any("supplies" in sql and "INSERT" in sql for sql in after)


async def test_holding_what_is_generated_takes_so_many_statements_however_many_lines(world: World, api: Api) -> None:
    codes = [f"S{i}" for i in range(20)]
    desk = await Desk(world, api).open({code: {"nyc": 1} for code in codes})
    await rule(desk, "sup", *codes, generators=[{"kind": "DROP_SHIP", "leadDays": 5, "perDay": 10_000}])
    await hold(desk, {codes[0]: 2})
    counts = []
    for some in (codes[1:2], codes[2:]):
        with statements() as seen:
            await hold(desk, dict.fromkeys(some, 3))
        counts.append(len(seen))
    # seven more than a hold of what is there: what is sold of the supplier's days read before the plan and again under
    # the lock, positions made and locked, rules locked, supplies announced and leaned on; one is the decision
    assert counts == [20, 20]


async def test_a_day_of_the_supplier_is_sold_once_and_the_next_day_follows(desk: Desk) -> None:
    await drop_ship(desk, "A", lead=2, per_day=3)
    first = await hold(desk, {"A": 4})
    second = await hold(desk, {"A": 4})
    assert [(line["quantity"], line["expectedAt"]) for line in first["lines"]] == [
        (2, None), (2, "2026-12-03T04:59:59.000000Z"),
    ]  # fmt: skip
    assert [(line["quantity"], line["expectedAt"]) for line in second["lines"]] == [
        (1, "2026-12-03T04:59:59.000000Z"), (3, "2026-12-04T04:59:59.000000Z"),
    ]  # fmt: skip


async def test_of_two_callers_at_once_one_gets_the_last_units_of_a_day(desk: Desk) -> None:
    await drop_ship(desk, "A", lead=2, per_day=3)
    await hold(desk, {"A": 2})
    await asyncio.gather(*[desk.api.ok(HOLD, input=cart({"A": 2})) for _ in range(6)])
    taken: dict[str, int] = {}
    for row in await announced(desk, "A"):
        taken[row["countsFrom"]] = taken.get(row["countsFrom"], 0) + row["quantity"]
    assert taken == {f"2026-12-{day:02}": 3 for day in (2, 3, 4, 5)}


async def test_a_promise_of_a_day_that_others_took_is_refused_and_nothing_changes(desk: Desk) -> None:
    await drop_ship(desk, "A", lead=2, per_day=3)
    (option,) = (await promise(desk, {"A": 5}))["options"]
    await hold(desk, {"A": 3})
    before = await supplies(desk, "A")
    errors = await desk.api.refused(HOLD, input={"promiseToken": option["token"]})
    assert [error["code"] for error in errors] == ["INSUFFICIENT_STOCK"]
    assert errors[0]["details"] == {"sku": "A", "requested": 3, "available": 2}
    assert await supplies(desk, "A") == before


async def test_a_promise_of_a_rule_that_is_gone_is_refused(desk: Desk) -> None:
    await drop_ship(desk, "A")
    (option,) = (await promise(desk, {"A": 5}))["options"]
    await rule(desk, "sup", active=False)
    (error,) = await desk.api.refused(HOLD, input={"promiseToken": option["token"]})
    assert error["code"] == "INSUFFICIENT_STOCK"
    assert "ATP rule sup brings A by DROP_SHIP no more" in error["message"]
    assert (await supplies(desk, "A"), await positions(desk, "A")) == ([], {"A@nyc": (2, 0, 0)})


async def test_a_promise_that_is_held_twice_announces_a_supply_for_each(desk: Desk) -> None:
    await drop_ship(desk, "A")
    await hold(desk, {"A": 2})
    (option,) = (await promise(desk, {"A": 3}))["options"]
    for _ in range(2):
        await desk.api.ok(HOLD, input={"promiseToken": option["token"]})
    assert await supplies(desk, "A") == [("PURCHASE", 3, 3), ("PURCHASE", 3, 3)]


async def test_what_nobody_wants_any_more_is_withdrawn_and_its_day_is_free_again(desk: Desk) -> None:
    await drop_ship(desk, "A", lead=2, per_day=3)
    held = await hold(desk, {"A": 5})
    await desk.api.ok(RELEASE, id=held["id"])
    await desk.world.settle()
    assert await supplies(desk, "A") == []
    order = await desk.order(lines={"A": 5})
    assert await supplies(desk, "A") == [("PURCHASE", 3, 3)]
    await desk.cancel(order, {"A": 1})
    assert await supplies(desk, "A") == [("PURCHASE", 2, 2)]
    again = await hold(desk, {"A": 1})
    assert again["lines"][0]["expectedAt"] == "2026-12-03T04:59:59.000000Z"
    await desk.cancel(order)
    assert await supplies(desk, "A") == [("PURCHASE", 1, 1)]
    await invariants.check(desk.world, desk.api.tenant_id)


async def test_a_cart_that_expires_gives_the_day_back(desk: Desk) -> None:
    await drop_ship(desk, "A", lead=2, per_day=3)
    await hold(desk, {"A": 5}, ttlSeconds=60)
    with travel(minutes=2):
        await desk.world.tick("inventory.expire")
        assert await supplies(desk, "A") == []


async def test_what_is_on_its_way_or_came_in_part_is_not_withdrawn(desk: Desk) -> None:
    await drop_ship(desk, "A")
    order = await desk.order(lines={"A": 5})
    (supply,) = await announced(desk, "A")
    await desk.api.ok(PUT, input={"supplies": [{
        "reference": supply["reference"], "sku": "A", "location": "nyc", "quantity": 3, "kind": "IN_TRANSIT",
        "expectedAt": "2026-12-03T17:00:00Z",
    }]})  # fmt: skip
    await desk.world.settle()
    assert (await desk.look(order["id"]))["lines"][0]["promisedOn"] == "2026-12-04"
    await desk.cancel(order)
    assert await supplies(desk, "A") == [("IN_TRANSIT", 3, 0)]
    await invariants.check(desk.world, desk.api.tenant_id)


async def test_an_order_placed_again_with_its_key_announces_nothing_more(desk: Desk) -> None:
    await drop_ship(desk, "A")
    first = await desk.order(lines={"A": 5}, idempotencyKey="once")
    again = await desk.order(lines={"A": 5}, idempotencyKey="once")
    assert first["id"] == again["id"]
    assert await supplies(desk, "A") == [("PURCHASE", 3, 3)]


async def test_more_days_than_a_plan_looks_at_are_refused(desk: Desk) -> None:
    await drop_ship(desk, "A", per_day=1)
    assert len((await promise(desk, {"A": 33}))["options"]) == 1
    found = await promise(desk, {"A": 34})
    assert (found["options"], found["unavailable"][0]["code"]) == ([], "INSUFFICIENT_STOCK")


async def test_supply_beyond_the_horizon_is_not_promised(desk: Desk) -> None:
    await rule(desk, "sup", "A", horizonDays=4, generators=[{"kind": "DROP_SHIP", "leadDays": 5}])
    assert (await promise(desk, {"A": 5}))["options"] == []


async def test_a_kit_waits_for_the_component_that_a_rule_brings(world: World, api: Api) -> None:
    kit = {"code": "KIT", "name": "Kit", "kind": "KIT", "components": [
        {"sku": "A", "quantity": 2}, {"sku": "B", "quantity": 1}]}  # fmt: skip
    desk = await Desk(world, api).open(
        {"A": {"nyc": 2}, "B": {"nyc": 5}}, skus=[{"code": "A", "name": "A"}, {"code": "B", "name": "B"}, kit]
    )
    await drop_ship(desk, "A")
    order = await desk.order(lines={"KIT": 3})
    assert units(order["lines"][0]) == {"allocated": 1, "backordered": 2}
    assert await supplies(desk, "A") == [("PURCHASE", 4, 4)]
    await receive(desk, "A")
    assert units((await desk.look(order["id"]))["lines"][0]) == {"allocated": 3}
    await invariants.check(desk.world, desk.api.tenant_id)
