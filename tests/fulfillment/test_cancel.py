"""Units are taken off an order: at once, or when the location agrees; their money follows."""

import asyncio
from typing import Any

import pytest

from fulfillment.desk import CANCEL, CANCEL_ACCEPT, CANCEL_REJECT, SHIP, Desk, at, minor, units
from oms_api import payments
from oms_api.kit.caller import system
from promising.shop import put_supply
from world import statements

PARTS = [
    {"code": "CUP", "name": "Cup"},
    {"code": "PLATE", "name": "Plate"},
    {
        "code": "SET", "name": "Set", "kind": "KIT",
        "components": [{"sku": "CUP", "quantity": 4}, {"sku": "PLATE", "quantity": 1}],
    },
]  # fmt: skip


async def test_an_order_that_nobody_accepted_is_cancelled_at_once(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 3}, paid="authorized")
    gone = await desk.cancel(order)
    assert (gone["status"], units(gone["lines"][0])) == ("CANCELLED", {"cancelled": 3})
    assert gone["fulfillments"][0]["status"] == "CANCELLED"
    assert await desk.stock("A") == {("A", "north"): (6, 0)}
    assert minor(gone["total"]) == minor(gone["outstanding"]) == 0
    assert gone["payments"][0]["status"] == "VOIDED"
    assert (await desk.topics(order["id"])).count("order.cancelled") == 1


async def test_a_pending_order_is_cancelled_at_once(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}}, paymentRule="CAPTURED")
    order = await desk.order(lines={"A": 3}, paid="authorized")
    assert order["status"] == "PENDING"
    gone = await desk.cancel(order)
    assert (gone["status"], gone["payments"][0]["status"]) == ("CANCELLED", "VOIDED")
    assert await desk.stock("A") == {("A", "north"): (6, 0)}


async def test_captured_money_of_what_is_cancelled_goes_back(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 3}, paid="captured")
    partly = await desk.cancel(order, {"A": 1})
    assert (minor(partly["total"]), minor(partly["outstanding"])) == (2000, 0)
    assert minor(partly["payments"][0]["refunded"]) == 1000
    gone = await desk.cancel(partly)
    assert minor(gone["payments"][0]["refunded"]) == 3000
    assert (gone["status"], minor(gone["outstanding"])) == ("CANCELLED", 0)


async def test_refund_to_none_leaves_what_we_owe(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 3}, paid="captured")
    gone = await desk.cancel(order, refundTo="NONE")
    assert minor(gone["payments"][0]["refunded"]) == 0
    assert minor(gone["outstanding"]) == -3000


async def test_what_was_not_captured_is_not_given_back(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 3}, paid="authorized")
    await desk.capture(order["id"], "15.00")
    partly = await desk.cancel(order, {"A": 1})
    assert (minor(partly["outstanding"]), minor(partly["payments"][0]["refunded"])) == (500, 0)
    gone = await desk.cancel(partly)
    assert minor(gone["payments"][0]["refunded"]) == 1500
    assert minor(gone["outstanding"]) == 0


async def test_a_capture_that_was_under_way_is_given_back(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 3}, paid="authorized")
    payment_id = payments.PAYMENT.parse(order["payments"][0]["id"])
    await desk.world.db.run(lambda tx: payments.capture(tx, payment_id), system(desk.api.tenant_id))
    gone = await desk.cancel(order)
    assert gone["status"] == "CANCELLED"
    assert (minor(gone["payments"][0]["captured"]), minor(gone["payments"][0]["refunded"])) == (3000, 3000)


async def test_what_is_taken_beyond_the_rest_of_a_cancelled_order_is_given_back(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 3}, paid="authorized")
    await desk.cancel(order, {"A": 1})
    await desk.capture(order["id"])
    await desk.world.settle()
    after = await desk.look(order["id"])
    assert (minor(after["payments"][0]["captured"]), minor(after["payments"][0]["refunded"])) == (3000, 1000)
    assert minor(after["outstanding"]) == 0


async def test_a_location_that_accepted_is_asked_and_agrees(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 3}, paid="captured")
    (work,) = order["fulfillments"]
    await desk.accept(work)
    asked = await desk.cancel(order)
    assert (asked["status"], units(asked["lines"][0])) == ("CONFIRMED", {"allocated": 3})
    assert asked["fulfillments"][0]["status"] == "CANCEL_REQUESTED"
    assert minor(asked["payments"][0]["refunded"]) == 0
    assert await desk.api.codes(SHIP, input=desk.shipping(work)) == ["INVALID_TRANSITION"]
    agreed = await desk.api.ok(CANCEL_ACCEPT, input={"id": work["id"]})
    assert agreed["fulfillment"]["status"] == "CANCELLED"
    await desk.world.settle()
    gone = await desk.look(order["id"])
    assert (gone["status"], units(gone["lines"][0])) == ("CANCELLED", {"cancelled": 3})
    assert minor(gone["payments"][0]["refunded"]) == 3000
    assert await desk.stock("A") == {("A", "north"): (6, 0)}
    assert await desk.api.codes(CANCEL_ACCEPT, input={"id": work["id"]}) == ["INVALID_TRANSITION"]


async def test_a_location_that_accepted_is_asked_and_refuses(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 3}, paid="captured")
    (work,) = order["fulfillments"]
    await desk.accept(work)
    await desk.cancel(order, {"A": 2})
    refused = {"id": work["id"], "reason": "ALREADY_PACKED"}
    answer = await desk.api.ok(CANCEL_REJECT, input=refused)
    assert answer["fulfillment"]["status"] == "ACCEPTED"
    assert await desk.api.codes(CANCEL_REJECT, input=refused) == ["INVALID_TRANSITION"]
    await desk.ship(work)
    shipped = await desk.look(order["id"])
    assert (shipped["status"], units(shipped["lines"][0])) == ("SHIPPED", {"shipped": 3})
    assert minor(shipped["payments"][0]["refunded"]) == 0


async def test_part_of_accepted_work_is_cancelled_and_the_rest_goes_on(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}, "B": {"north": 6}})
    order = await desk.order(lines={"A": 3, "B": 1})
    (work,) = order["fulfillments"]
    await desk.accept(work)
    await desk.cancel(order, {"A": 1})
    again = await desk.cancel(order, {"A": 1})
    assert units(again["lines"][0]) == {"allocated": 3}
    agreed = (await desk.api.ok(CANCEL_ACCEPT, input={"id": work["id"]}))["fulfillment"]
    assert agreed["status"] == "ACCEPTED"
    assert [(line["sku"], line["quantity"]) for line in agreed["lines"]] == [("A", 1), ("B", 1)]
    await desk.ship(work)
    assert [units(line) for line in (await desk.look(order["id"]))["lines"]] == [
        {"shipped": 1, "cancelled": 2}, {"shipped": 1},
    ]  # fmt: skip


async def test_without_lines_everything_that_has_not_left_is_cancelled(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}, "B": {"south": 6}})
    order = await desk.order(lines={"A": 3, "B": 2})
    work = {f["location"]["handle"]: f for f in order["fulfillments"]}
    await desk.accept(work["north"])
    await desk.ship(work["north"], {"A": 1})
    cancelled = await desk.cancel(order)
    assert [units(line) for line in cancelled["lines"]] == [{"allocated": 2, "shipped": 1}, {"cancelled": 2}]
    (error,) = await desk.api.refused(CANCEL, input=desk.cancelling(order))
    assert error["code"] == "INVALID_TRANSITION"
    assert error["details"]["currentState"] == "PARTIALLY_SHIPPED"
    assert "paymentAuthorize" in error["details"]["allowedActions"]
    await desk.api.ok(CANCEL_ACCEPT, input={"id": work["north"]["id"]})
    done = await desk.look(order["id"])
    assert (done["status"], done["fulfillments"][0]["status"]) == ("SHIPPED", "SHIPPED")
    assert [units(line) for line in done["lines"]] == [{"shipped": 1, "cancelled": 2}, {"cancelled": 2}]


async def test_a_named_unit_that_has_left_cannot_be_cancelled_and_nothing_is(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}, "B": {"north": 6}})
    order = await desk.order(lines={"A": 3, "B": 1})
    (work,) = order["fulfillments"]
    await desk.accept(work)
    await desk.ship(work, {"A": 2})
    before = await desk.look(order["id"])
    (error,) = await desk.api.refused(CANCEL, input=desk.cancelling(order, {"B": 1, "A": 2}))
    assert (error["code"], error["path"]) == ("EXCEEDS_REMAINING", ["input", "lines", "1", "quantity"])
    assert error["details"]["remainingQuantity"] == 1
    assert await desk.look(order["id"]) == before


async def test_a_reason_is_a_code_because_facts_carry_it(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 3})
    (error,) = await desk.api.refused(CANCEL, input=desk.cancelling(order) | {"reason": "Ada called, she is ill"})
    assert (error["code"], error["path"]) == ("INVALID", ["input", "reason"])
    assert (await desk.look(order["id"]))["status"] == "CONFIRMED"


async def test_the_order_says_what_may_be_done_with_it(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 1})

    def actions(order: dict[str, Any]) -> dict[str, str | None]:
        found = {action["name"]: action["reason"] for action in order["actions"]}
        return {name: found[name] for name in ("orderCancel", "returnRequest")}

    assert actions(order) == {"orderCancel": None, "returnRequest": "It is CONFIRMED: nothing has arrived yet."}
    order = await desk.deliver(order)
    assert actions(order) == {"orderCancel": "It is SHIPPED: nothing is left to cancel.", "returnRequest": None}


async def test_what_waits_for_supply_is_given_up_first(desk: Desk) -> None:
    await desk.open({"A": {"north": 2}})
    await put_supply(desk.api, "PO-1", "A", "north", 5, at(48))
    order = await desk.order(lines={"A": 4}, onShortage="BACKORDER")
    assert units(order["lines"][0]) == {"backordered": 2, "allocated": 2}
    less = await desk.cancel(order, {"A": 1})
    assert units(less["lines"][0]) == {"backordered": 1, "allocated": 2, "cancelled": 1}
    assert await desk.stock("A") == {("A", "north"): (2, 2)}
    least = await desk.cancel(less, {"A": 2})
    assert units(least["lines"][0]) == {"allocated": 1, "cancelled": 3}
    assert await desk.stock("A") == {("A", "north"): (2, 1)}


async def test_a_kit_is_cancelled_whole(desk: Desk) -> None:
    await desk.open({"CUP": {"north": 20}, "PLATE": {"south": 5}}, skus=PARTS)
    order = await desk.order(lines={"SET": 2})
    less = await desk.cancel(order, {"SET": 1})
    assert units(less["lines"][0]) == {"allocated": 1, "cancelled": 1}
    assert await desk.stock("CUP", "PLATE") == {("CUP", "north"): (20, 4), ("PLATE", "south"): (5, 1)}
    work = {f["location"]["handle"]: f for f in less["fulfillments"]}
    await desk.accept(work["north"])
    asked = await desk.cancel(less)
    assert {f["status"] for f in asked["fulfillments"]} == {"CANCEL_REQUESTED"}
    for fulfillment in asked["fulfillments"]:
        await desk.api.ok(CANCEL_ACCEPT, input={"id": fulfillment["id"]})
    assert (await desk.look(order["id"]))["status"] == "CANCELLED"
    assert await desk.stock("CUP", "PLATE") == {("CUP", "north"): (20, 0), ("PLATE", "south"): (5, 0)}


async def test_a_dry_run_says_what_it_would_be_and_changes_nothing(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 3}, paid="captured")
    answer = await desk.api.ok(CANCEL, input=desk.cancelling(order, {"A": 1}, dryRun=True))
    assert minor(answer["preview"]["total"]) == 2000
    assert minor(answer["preview"]["outstanding"]) == -1000
    assert [line["quantity"] for line in answer["preview"]["lines"]] == [3]
    await desk.world.settle()
    assert await desk.look(order["id"]) == order
    assert answer["order"]["version"] == order["version"]


async def test_the_same_key_cancels_and_refunds_once(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 3}, paid="captured")
    asked = desk.cancelling(order, {"A": 1})
    await asyncio.gather(*(desk.api.ok(CANCEL, input=asked) for _ in range(5)))
    await desk.world.settle()
    after = await desk.look(order["id"])
    assert units(after["lines"][0]) == {"allocated": 2, "cancelled": 1}
    assert minor(after["payments"][0]["refunded"]) == 1000


async def test_cancelled_by_five_at_once_it_is_cancelled_and_refunded_once(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 3}, paid="captured")
    answers = await asyncio.gather(*(desk.api(CANCEL, input=desk.cancelling(order)) for _ in range(5)))
    codes = sorted([error["code"] for error in answer["orderCancel"]["userErrors"]] for answer in answers)
    assert codes == [[], *[["INVALID_TRANSITION"]] * 4]
    await desk.world.settle()
    after = await desk.look(order["id"])
    assert (after["status"], minor(after["payments"][0]["refunded"])) == ("CANCELLED", 3000)


@pytest.mark.parametrize("round_", range(5))
async def test_shipping_and_cancelling_at_once_end_one_way_for_every_unit(desk: Desk, round_: int) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 3})
    (work,) = order["fulfillments"]
    await desk.accept(work)

    async def ship() -> dict[str, Any]:
        await asyncio.sleep(0.001 * round_)
        return await desk.api(SHIP, input=desk.shipping(work))  # type: ignore[no-any-return]

    shipped, cancelled = await asyncio.gather(ship(), desk.api(CANCEL, input=desk.cancelling(order)))
    refusals = shipped["shipmentCreate"]["userErrors"] + cancelled["orderCancel"]["userErrors"]
    assert [error["code"] for error in refusals] == ["INVALID_TRANSITION"]
    after = await desk.look(order["id"])
    if shipped["shipmentCreate"]["shipment"]:
        assert units(after["lines"][0]) == {"shipped": 3}
    else:
        assert after["fulfillments"][0]["status"] == "CANCEL_REQUESTED"


async def test_fifty_lines_take_as_many_statements_as_one(desk: Desk) -> None:
    many = {f"S{i:02}": {"north": 5} for i in range(50)}
    await desk.open({"A": {"north": 5}, **many})

    async def walk(lines: dict[str, int]) -> list[int]:
        order = await desk.order(lines=lines)
        with statements() as at_once:
            await desk.api.ok(CANCEL, input=desk.cancelling(order, dict.fromkeys(lines, 1)))
        await desk.accept(order["fulfillments"][0])
        with statements() as asked:
            await desk.api.ok(CANCEL, input=desk.cancelling(order))
        with statements() as agreed:
            await desk.api.ok(CANCEL_ACCEPT, input={"id": order["fulfillments"][0]["id"]})
        return [len(at_once), len(asked), len(agreed)]

    one = await walk({"A": 2})
    assert await walk(dict.fromkeys(many, 2)) == one
