"""Capable to promise: what an INFINITE rule sells is there as soon as it is wanted, and the ledger says so."""

from collections.abc import Iterator

import pytest

import invariants
from fulfillment.desk import Desk, units
from promising.capable import HOLD, cart, positions, promise, rule, supplies
from promising.shop import MONDAY_NOON, at
from world import Api, World, statements


@pytest.fixture
async def desk(world: World, api: Api) -> Desk:
    made = await Desk(world, api).open({"A": {"nyc": 2, "chi": 1}, "B": {"nyc": 2}})
    await rule(made, "any", "A", mode="INFINITE")
    return made


@pytest.fixture(autouse=True)
def monday() -> Iterator[None]:
    with at(MONDAY_NOON):
        yield


async def test_any_number_leaves_at_once_and_what_is_missing_is_counted_in(desk: Desk) -> None:
    (option,) = (await promise(desk, {"A": 50}))["options"]
    assert {one["deliveredBy"] for one in option["shipments"]} == {"2026-12-01"}
    assert option["explanation"]["generated"] == [{
        "sku": "A", "quantity": 47, "rule": "any", "generator": "INFINITE", "dueOn": "2026-11-30",
        "location": {"handle": "chi"},
    }]  # fmt: skip
    assert await positions(desk, "A") == {"A@nyc": (2, 0, 0), "A@chi": (1, 0, 0)}
    order = await desk.order(lines={"A": 50}, promiseToken=option["token"])
    assert units(order["lines"][0]) == {"allocated": 50}
    assert await positions(desk, "A") == {"A@nyc": (2, 2, 0), "A@chi": (48, 48, 0)}
    assert await supplies(desk, "A") == []
    sent = await desk.deliver(order)
    assert units(sent["lines"][0]) == {"delivered": 50}
    assert await positions(desk, "A") == {}
    await invariants.check(desk.world, desk.api.tenant_id)


async def test_what_is_there_goes_first_and_only_the_rest_is_counted_in(desk: Desk) -> None:
    await desk.order(lines={"A": 3})
    assert await positions(desk, "A") == {"A@nyc": (2, 2, 0), "A@chi": (1, 1, 0)}
    order = await desk.order(lines={"A": 4})
    assert await positions(desk, "A") == {"A@nyc": (2, 2, 0), "A@chi": (5, 5, 0)}
    await desk.cancel(order)
    await desk.order(lines={"A": 4})
    assert await positions(desk, "A") == {"A@nyc": (2, 2, 0), "A@chi": (5, 5, 0)}
    await invariants.check(desk.world, desk.api.tenant_id)


async def test_a_promise_counts_in_what_others_have_taken_meanwhile(desk: Desk) -> None:
    (option,) = (await promise(desk, {"A": 4}))["options"]
    await desk.order(lines={"A": 3})
    await desk.api.ok(HOLD, input={"promiseToken": option["token"]})
    assert await positions(desk, "A") == {"A@nyc": (4, 4, 0), "A@chi": (3, 3, 0)}
    await desk.world.settle()
    await invariants.check(desk.world, desk.api.tenant_id)


async def test_it_is_collected_where_it_is_wanted(world: World, api: Api) -> None:
    desk = await Desk(world, api).open({"A": {"nyc": 0}}, locations={"nyc": {"pickup": True}})
    await rule(desk, "any", "A", mode="INFINITE")
    order = await desk.order(lines={"A": 2}, pickupLocation="nyc")
    assert units(order["lines"][0]) == {"allocated": 2}
    assert await positions(desk, "A") == {"A@nyc": (2, 2, 0)}


async def test_other_lines_are_refused_as_before_and_nothing_is_counted_in(desk: Desk) -> None:
    (error,) = await desk.api.refused(HOLD, input=cart({"A": 50, "B": 3}))
    assert (error["code"], error["details"]["sku"]) == ("INSUFFICIENT_STOCK", "B")
    assert await positions(desk, "A") == {"A@nyc": (2, 0, 0), "A@chi": (1, 0, 0)}


async def test_counting_in_takes_so_many_statements(desk: Desk) -> None:
    await desk.api.ok(HOLD, input=cart({"A": 1}))  # this process knows the rules from now on
    with statements() as plain:
        await desk.api.ok(HOLD, input=cart({"A": 1}))
    with statements() as seen:
        await desk.api.ok(HOLD, input=cart({"A": 9}))
    # positions made and locked, rules locked, stock and the locations' safety stock read under the lock, units counted
    # in, their movements
    assert len(seen) == len(plain) + 7
