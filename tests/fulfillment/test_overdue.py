"""What should have happened by now is told once."""

from datetime import datetime
from typing import Any

from fulfillment.desk import Desk, units
from fulfillment.test_reject import EVENTS, THREE
from oms_api.kit import clock
from promising.shop import put_stock
from world import World, travel

LATE = ["fulfillment.overdue", "shipment.late"]


BATCHES = 10
"""A timer goes over every tenant, the longest overdue first: when time moves on, what other tests left comes before."""


async def told(desk: Desk) -> list[tuple[str, dict[str, Any]]]:
    for _ in range(BATCHES):
        await desk.world.tick("fulfillment.overdue")
    await desk.world.settle()
    nodes = (await desk.api(EVENTS, topics=LATE))["events"]["nodes"]
    return [(node["topic"], node["data"]) for node in nodes]


async def test_work_says_by_when_it_leaves_and_is_told_once_when_it_has_not(desk: Desk, world: World) -> None:
    await desk.open({"A": {"near": 6}}, locations=THREE)
    order = await desk.order(lines={"A": 3})
    (fulfillment,) = order["fulfillments"]
    ship_by = datetime.fromisoformat(fulfillment["shipBy"])
    assert await told(desk) == []
    with travel(seconds=(ship_by - clock.now()).total_seconds() + 1):
        ((topic, data),) = await told(desk)
        assert (topic, data["status"], data["shipBy"]) == ("fulfillment.overdue", "OFFERED", fulfillment["shipBy"])
        assert data["orderId"] == order["id"]
        assert len(await told(desk)) == 1


async def test_what_has_left_is_not_overdue_and_late_when_it_has_not_arrived(desk: Desk) -> None:
    await desk.open({"A": {"near": 6}}, locations=THREE)
    first, second = await desk.order(lines={"A": 1}), await desk.order(lines={"A": 1})
    await desk.ship(await desk.accept(first["fulfillments"][0]))
    await desk.deliver(second)
    with travel(days=30):
        ((topic, data),) = await told(desk)
        assert (topic, data["status"], data["promisedOn"]) == (
            "shipment.late", "IN_TRANSIT", first["lines"][0]["promisedOn"],
        )  # fmt: skip
        assert len(await told(desk)) == 1


async def test_a_backorder_that_nobody_supplies_waits_for_a_person_after_30_days(desk: Desk) -> None:
    await desk.open({"A": {"near": 1}}, locations=THREE)
    order = await desk.order(lines={"A": 3}, onShortage="BACKORDER")
    with travel(days=29):
        await desk.world.tick("orders.backorders_overdue")
        assert (await desk.look(order["id"]))["attention"] == []
    with travel(days=31):
        for _ in range(BATCHES):
            await desk.world.tick("orders.backorders_overdue")
        assert (await desk.look(order["id"]))["attention"] == [{"kind": "BACKORDER_OVERDUE"}]
        assert (await desk.topics(order["id"])).count("order.attention_needed") == 1
        await put_stock(desk.api, {"A": {"near": 9}})
        await desk.world.settle()
        after = await desk.look(order["id"])
        assert (units(after["lines"][0]), after["attention"]) == ({"allocated": 3}, [])
