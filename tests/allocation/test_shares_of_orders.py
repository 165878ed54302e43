"""Orders and shares: what an order takes is counted, and goes back to where it came from when it lets go."""

from typing import Any

import pytest

from allocation.scarce import classes, hard, share, stand
from fulfillment.desk import ADDRESS, CANCEL, REASSIGN, REJECT, Desk, key, units
from promising.shop import CHICAGO, NEW_YORK, put_stock

WAVE = """mutation($input: SourcingWaveRunInput!) { sourcingWaveRun(input: $input) { wave { id }
  userErrors { code message } } }"""
CHANGES = "query($id: ID!) { sourcingWave(id: $id) { state error changes { outcome } } }"
TWO = {"near": NEW_YORK, "far": CHICAGO}
VIP = {"customer": {"email": "ada@example.com", "group": "vip"}}


def places(order: dict[str, Any]) -> dict[str, int]:
    """Units by location of what locations work on."""
    return {
        row["location"]["handle"]: sum(line["quantity"] for line in row["lines"])
        for row in order["fulfillments"]
        if row["status"] not in ("REJECTED", "CANCELLED")
    }


async def full(desk: Desk) -> dict[str, Any]:
    """An order of all that its class may have: 5 of 10, which the nearer location has."""
    await desk.open({"A": {"near": 5, "far": 5}}, locations=TWO)
    await classes(desk.api)
    await share(desk.api, vip=hard(5), web=5)
    order = await desk.order(lines={"A": 5}, **VIP)
    assert places(order) == {"near": 5}
    assert await stand(desk.api) == [{"vip": (5, 0), "web": (0, 5), "pool": (0, 0)}]
    return order


async def test_what_a_location_refuses_is_sent_from_another_within_a_share_that_is_used_up(desk: Desk) -> None:
    order = await full(desk)
    await desk.api.ok(REJECT, input={"id": order["fulfillments"][0]["id"], "reason": "not_found"})
    after = await desk.look(order["id"])
    assert (places(after), units(after["lines"][0])) == ({"far": 5}, {"allocated": 5})
    for _ in range(2):
        assert await stand(desk.api) == [{"vip": (5, 0), "web": (0, 5), "pool": (0, 0)}]
        await desk.world.settle()


async def test_work_is_given_to_another_location_within_a_share_that_is_used_up(desk: Desk) -> None:
    order = await full(desk)
    await desk.api.ok(REASSIGN, input={"id": order["fulfillments"][0]["id"], "location": "far"})
    assert places(await desk.look(order["id"])) == {"far": 5}
    for _ in range(2):
        assert await stand(desk.api) == [{"vip": (5, 0), "web": (0, 5), "pool": (0, 0)}]
        await desk.world.settle()


async def test_units_that_are_not_there_after_all_are_replaced_within_the_share(desk: Desk) -> None:
    order = await full(desk)
    await share(desk.api, vip=hard(5))
    await put_stock(desk.api, {"A": {"near": 2}})
    await desk.world.settle()
    after = await desk.look(order["id"])
    assert places(after) == {"near": 2, "far": 3}
    assert await stand(desk.api) == [{"vip": (5, 0), "pool": (0, 2)}]


@pytest.mark.parametrize("settled", [False, True])
async def test_a_cancelled_order_gives_back_at_once_what_it_took(desk: Desk, settled: bool) -> None:
    await desk.open({"A": {"near": 12}})
    await classes(desk.api)
    await share(desk.api, vip=hard(5), web=5)
    order = await desk.order(lines={"A": 6}, settle=False)
    assert await stand(desk.api) == [{"vip": (0, 5), "web": (5, 0), "pool": (1, 1)}]
    if settled:
        await desk.world.settle()
    await desk.api.ok(CANCEL, input=desk.cancelling(order, {"A": 2}))
    # the pool was taken last and gets its unit first
    for _ in range(2):
        assert await stand(desk.api) == [{"vip": (0, 5), "web": (4, 1), "pool": (0, 2)}]
        await desk.world.settle()
    await desk.api.ok(CANCEL, input=desk.cancelling(order))
    for _ in range(2):
        assert await stand(desk.api) == [{"vip": (0, 5), "web": (0, 5), "pool": (0, 2)}]
        await desk.world.settle()


async def test_a_cancelled_unit_is_had_by_the_order_of_the_class_that_waits_for_it(desk: Desk) -> None:
    first = await full(desk)
    second = await desk.order(lines={"A": 2}, onShortage="BACKORDER", **VIP)
    assert units(second["lines"][0]) == {"backordered": 2}
    await desk.cancel(first, {"A": 1})
    assert units((await desk.look(second["id"]))["lines"][0]) == {"allocated": 1, "backordered": 1}
    assert await stand(desk.api) == [{"vip": (5, 0), "web": (0, 5), "pool": (0, 0)}]


async def test_an_order_that_waits_has_its_units_as_soon_as_its_class_may_have_them(desk: Desk) -> None:
    await full(desk)
    second = await desk.order(lines={"A": 2}, onShortage="BACKORDER", **VIP)
    await share(desk.api, vip=hard(6), web=4)
    await desk.world.settle()
    assert units((await desk.look(second["id"]))["lines"][0]) == {"allocated": 1, "backordered": 1}
    await share(desk.api)
    await desk.world.settle()
    assert units((await desk.look(second["id"]))["lines"][0]) == {"allocated": 2}


async def test_what_comes_back_and_can_be_sold_goes_back_to_its_share(desk: Desk) -> None:
    await desk.open({"A": {"near": 10}})
    await classes(desk.api)
    await share(desk.api, basis="PERCENT", vip=hard(5000), web=5000)
    order = await desk.deliver(await desk.order(lines={"A": 5}, **VIP))
    assert await stand(desk.api) == [{"vip": (5, 0), "web": (0, 5), "pool": (0, 0)}]
    rma = await desk.approved(order, {"A": 4})
    await desk.receive(rma, [("A", 3, "RESTOCK"), ("A", 1, "REFURBISH")], "near")
    assert await stand(desk.api) == [{"vip": (2, 3), "web": (0, 5), "pool": (0, 0)}]


async def test_a_wave_makes_room_within_a_share_that_is_used_up(desk: Desk) -> None:
    places = {"near": {"address": ADDRESS, "pickup": True}, "far": {"address": ADDRESS}}
    await desk.open({"A": {"near": 1, "far": 1}}, locations=places, paymentRule="AUTHORIZED")
    await classes(desk.api)
    await share(desk.api, vip=hard(1), web=hard(1))
    sent = await desk.order(lines={"A": 1}, **VIP)
    assert await desk.stock("A") == {("A", "near"): (1, 1), ("A", "far"): (1, 0)}
    fetched = await desk.order(lines={"A": 1}, pickupLocation="near", onShortage="BACKORDER")
    assert units(fetched["lines"][0]) == {"backordered": 1}
    asked = {"idempotencyKey": key(), "channels": ["web"], "units": "ALL", "otherwise": "IMPROVE"}
    wave = (await desk.api.ok(WAVE, input=asked))["wave"]
    await desk.world.settle()
    found = (await desk.api(CHANGES, id=wave["id"]))["sourcingWave"]
    assert (found["state"], found["error"]) == ("DONE", None)
    assert {change["outcome"] for change in found["changes"]} == {"COMMITTED"}
    after = [units((await desk.look(order["id"]))["lines"][0]) for order in (sent, fetched)]
    assert after == [{"reserved": 1}, {"reserved": 1}]
    assert await desk.stock("A") == {("A", "near"): (1, 1), ("A", "far"): (1, 1)}
    assert await stand(desk.api) == [{"vip": (1, 0), "web": (1, 0), "pool": (0, 0)}]
