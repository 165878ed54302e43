"""A location says no, or somebody gives its work to another: the units find another place, or wait for a person."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from fulfillment.desk import REASSIGN, REJECT, Desk, units
from promising.shop import CHICAGO, LOS_ANGELES, NEW_YORK, put_stock
from world import World

THREE = {"near": NEW_YORK, "mid": CHICAGO, "far": LOS_ANGELES}
SET = [
    {"code": "CUP", "name": "Cup"},
    {"code": "PLATE", "name": "Plate"},
    {
        "code": "SET", "name": "Set", "kind": "KIT",
        "components": [{"sku": "CUP", "quantity": 2}, {"sku": "PLATE", "quantity": 1}],
    },
]  # fmt: skip
ATTENTION = "query($where: OrderWhere) { orders(where: $where) { nodes { id } } }"
EVENTS = "query($topics: [String!]) { events(topics: $topics) { nodes { topic data } } }"


async def no(desk: Desk, fulfillment: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    answer = await desk.api.ok(REJECT, input={"id": fulfillment["id"], "reason": "not_found", **more})
    return answer["fulfillment"]  # type: ignore[no-any-return]


def work(order: Mapping[str, Any]) -> list[tuple[str, str, dict[str, int]]]:
    """(location, status, units by SKU) of an order's fulfillments, oldest first."""
    return [
        (row["location"]["handle"], row["status"], {line["sku"]: line["quantity"] for line in row["lines"]})
        for row in order["fulfillments"]
    ]


async def test_what_a_location_refuses_goes_to_the_next_best(desk: Desk) -> None:
    await desk.open({"A": {"near": 6, "mid": 6, "far": 6}}, locations=THREE)
    order = await desk.order(lines={"A": 3})
    assert work(order) == [("near", "OFFERED", {"A": 3})]
    refused = await no(desk, order["fulfillments"][0], note="The shelf is empty.")
    assert (refused["status"], refused["rejectionReason"], refused["rejectionNote"]) == (
        "REJECTED", "not_found", "The shelf is empty.",
    )  # fmt: skip
    after = await desk.look(order["id"])
    assert work(after) == [("near", "REJECTED", {"A": 0}), ("mid", "OFFERED", {"A": 3})]
    assert units(after["lines"][0]) == {"allocated": 3}
    assert after["lines"][0]["promisedOn"] > order["lines"][0]["promisedOn"]
    assert await desk.stock("A") == {("A", "near"): (6, 0), ("A", "mid"): (6, 3), ("A", "far"): (6, 0)}
    assert [topic for topic in await desk.topics(order["id"]) if topic.startswith("fulfillment")] == [
        "fulfillment.offered", "fulfillment.rejected", "fulfillment.offered",
    ]  # fmt: skip
    assert units((await desk.deliver(after))["lines"][0]) == {"delivered": 3}


async def test_a_part_is_refused_after_it_was_accepted_and_partly_sent(desk: Desk) -> None:
    await desk.open({"A": {"near": 6, "mid": 6}}, locations=THREE)
    order = await desk.order(lines={"A": 5})
    fulfillment = await desk.accept(order["fulfillments"][0])
    await desk.ship(fulfillment, {"A": 2})
    line = fulfillment["lines"][0]["id"]
    assert await desk.api.codes(
        REJECT,
        input={"id": fulfillment["id"], "reason": "x", "lines": [{"fulfillmentLineId": line, "quantity": 4}]},
    ) == ["EXCEEDS_REMAINING"]
    one = [{"fulfillmentLineId": line, "quantity": 1}]
    assert (await no(desk, fulfillment, lines=one))["status"] == "PARTIALLY_SHIPPED"
    after = await desk.look(order["id"])
    assert work(after) == [("near", "PARTIALLY_SHIPPED", {"A": 4}), ("mid", "OFFERED", {"A": 1})]
    assert (await no(desk, fulfillment))["status"] == "SHIPPED"
    after = await desk.look(order["id"])
    assert work(after) == [("near", "SHIPPED", {"A": 2}), ("mid", "OFFERED", {"A": 1}), ("mid", "OFFERED", {"A": 2})]
    assert units(after["lines"][0]) == {"shipped": 2, "allocated": 3}
    assert await desk.stock("A") == {("A", "near"): (4, 0), ("A", "mid"): (6, 3)}


async def test_units_that_nobody_else_has_wait_for_stock_elsewhere(desk: Desk, world: World) -> None:
    await desk.open({"A": {"near": 6}, "B": {"mid": 1}}, locations=THREE)
    order = await desk.order(lines={"A": 3})
    await no(desk, order["fulfillments"][0])
    after = await desk.look(order["id"])
    assert units(after["lines"][0]) == {"backordered": 3}
    assert (after["attention"], await desk.stock("A")) == ([], {("A", "near"): (6, 0)})
    await put_stock(desk.api, {"A": {"near": 9}})
    await world.settle()
    assert units((await desk.look(order["id"]))["lines"][0]) == {"backordered": 3}
    await put_stock(desk.api, {"A": {"mid": 4}})
    await world.settle()
    after = await desk.look(order["id"])
    assert work(after) == [("near", "REJECTED", {"A": 0}), ("mid", "OFFERED", {"A": 3})]


@pytest.mark.parametrize(("channel", "moves"), [({}, 3), ({"maxReassignments": 0}, 0), ({"maxReassignments": 2}, 2)])
async def test_after_as_many_moves_as_the_channel_allows_it_waits_for_a_person(
    desk: Desk, channel: dict[str, int], moves: int
) -> None:
    five = {f"l{i}": {**NEW_YORK} for i in range(5)}
    await desk.open({"A": dict.fromkeys(five, 6)}, locations=five, **channel)
    order = await desk.order(lines={"A": 2})
    for turn in range(moves + 1):
        order = await desk.look(order["id"])
        assert (len(order["fulfillments"]), order["attention"]) == (turn + 1, [])
        await no(desk, order["fulfillments"][-1])
    order = await desk.look(order["id"])
    assert [status for _, status, _ in work(order)] == ["REJECTED"] * (moves + 1)
    assert (order["status"], units(order["lines"][0])) == ("CONFIRMED", {"pending": 2})
    assert order["attention"] == [{"kind": "SOURCING_FAILED"}]
    found = await desk.api(ATTENTION, where={"needsAttention": True})
    assert [node["id"] for node in found["orders"]["nodes"]] == [order["id"]]
    assert (await desk.api(ATTENTION, where={"needsAttention": False}))["orders"]["nodes"] == []
    assert await desk.stock("A") == {("A", handle): (6, 0) for handle in five}
    assert (await desk.topics(order["id"])).count("order.attention_needed") == 1
    last = order["fulfillments"][-1]
    chosen = next(iter(set(five) - {last["location"]["handle"]}))
    await desk.api.ok(REASSIGN, input={"id": last["id"], "location": chosen})
    order = await desk.look(order["id"])
    assert (work(order)[-1], order["attention"]) == ((chosen, "OFFERED", {"A": 2}), [])
    assert await desk.api.codes(REASSIGN, input={"id": last["id"], "location": chosen}) == ["INVALID_TRANSITION"]
    assert units((await desk.deliver(order))["lines"][0]) == {"delivered": 2}


async def test_what_waits_for_a_person_can_be_cancelled(desk: Desk) -> None:
    await desk.open({"A": {"near": 6, "mid": 6}}, locations={"near": {**NEW_YORK, "pickup": True}, "mid": CHICAGO})
    order = await desk.order(lines={"A": 2}, pickupLocation="near")
    await no(desk, order["fulfillments"][0])
    order = await desk.look(order["id"])
    assert (units(order["lines"][0]), order["attention"]) == ({"pending": 2}, [{"kind": "SOURCING_FAILED"}])
    gone = await desk.cancel(order)
    assert (gone["status"], gone["attention"]) == ("CANCELLED", [])


async def test_of_a_kit_whole_units_go_back(desk: Desk) -> None:
    await desk.open({"CUP": {"near": 9, "mid": 9}, "PLATE": {"near": 9, "mid": 9}}, locations=THREE, skus=SET)
    order = await desk.order(lines={"SET": 3})
    of = {line["sku"]: line["id"] for line in order["fulfillments"][0]["lines"]}
    await no(desk, order["fulfillments"][0], lines=[{"fulfillmentLineId": of["CUP"], "quantity": 3}])
    after = await desk.look(order["id"])
    assert work(after) == [("near", "OFFERED", {"CUP": 2, "PLATE": 1}), ("mid", "OFFERED", {"CUP": 4, "PLATE": 2})]
    assert units(after["lines"][0]) == {"allocated": 3}
    assert await desk.stock("CUP", "PLATE") == {
        ("CUP", "near"): (9, 2), ("PLATE", "near"): (9, 1), ("CUP", "mid"): (9, 4), ("PLATE", "mid"): (9, 2),
    }  # fmt: skip
    assert units((await desk.deliver(after))["lines"][0]) == {"delivered": 3}


async def test_work_is_given_to_another_by_hand_all_or_nothing(desk: Desk) -> None:
    await desk.open({"A": {"near": 6, "mid": 2, "far": 6}}, locations=THREE)
    order = await desk.order(lines={"A": 3})
    fulfillment = await desk.accept(order["fulfillments"][0])
    before = await desk.look(order["id"])
    (error,) = await desk.api.refused(REASSIGN, input={"id": fulfillment["id"], "location": "mid"})
    assert (error["code"], error["path"]) == ("NO_SOURCE", ["input", "location"])
    assert error["message"].startswith("3 of A cannot be sent from mid now, 2 can;")
    assert await desk.api.codes(REASSIGN, input={"id": fulfillment["id"], "location": "moon"}) == ["NOT_FOUND"]
    assert await desk.look(order["id"]) == before
    assert await desk.stock("A") == {("A", "near"): (6, 3), ("A", "mid"): (2, 0), ("A", "far"): (6, 0)}
    moved = await desk.api.ok(REASSIGN, input={"id": fulfillment["id"], "location": "far", "reason": "overload"})
    assert moved["fulfillment"]["status"] == "CANCELLED"
    after = await desk.look(order["id"])
    assert work(after) == [("near", "CANCELLED", {"A": 0}), ("far", "OFFERED", {"A": 3})]
    chosen = await desk.api.ok(REASSIGN, input={"id": after["fulfillments"][1]["id"]})
    assert chosen["fulfillment"]["status"] == "CANCELLED"
    assert work(await desk.look(order["id"]))[-1] == ("near", "OFFERED", {"A": 3})


async def test_a_no_and_a_yes_at_once_are_one_of_both(desk: Desk) -> None:
    await desk.open({"A": {"near": 60, "mid": 60}}, locations=THREE)
    for _ in range(5):
        order = await desk.order(lines={"A": 1})
        named = order["fulfillments"][0]
        answers = await asyncio.gather(
            *(
                desk.api(REJECT, input={"id": named["id"], "reason": "busy", "expectedVersion": named["version"]})
                for _ in range(3)
            )
        )
        errors = [answer["fulfillmentReject"]["userErrors"] for answer in answers]
        assert sorted(len(found) for found in errors) == [0, 1, 1]
        assert work(await desk.look(order["id"])) == [("near", "REJECTED", {"A": 0}), ("mid", "OFFERED", {"A": 1})]


async def test_wrong_words_are_refused_and_change_nothing(desk: Desk) -> None:
    await desk.open({"A": {"near": 6}}, locations=THREE)
    order = await desk.order(lines={"A": 3})
    fulfillment = order["fulfillments"][0]
    errors = await desk.api.refused(REJECT, input={"id": fulfillment["id"], "reason": "it is raining", "note": " "})
    assert [(error["code"], error["path"]) for error in errors] == [
        ("INVALID", ["input", "reason"]), ("INVALID", ["input", "note"]),
    ]  # fmt: skip
    assert await desk.api.codes(REJECT, input={"id": fulfillment["id"], "reason": "x", "expectedVersion": 9}) == [
        "VERSION_CONFLICT"
    ]
    assert await desk.look(order["id"]) == order
