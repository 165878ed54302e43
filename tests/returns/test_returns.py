"""From the customer's wish to send back to the money."""

import asyncio

import pytest

from fulfillment.desk import APPROVE, DECLINE, RECEIVE, REQUEST, Desk, at, key, minor, units
from returns.parcels import delivered
from world import Api, World, statements, travel


async def test_the_whole_path_from_order_to_refund(desk: Desk) -> None:
    order = await delivered(desk, A=3)
    assert order["status"] == "COMPLETED"
    asked = await desk.ask_back(order, {"A": 2})
    assert (asked["number"], asked["status"], asked["order"]["id"]) == ("RMA-1001", "REQUESTED", order["id"])
    assert [(line["sku"], line["quantity"], line["reason"]) for line in asked["lines"]] == [("A", 2, "too_small")]
    approved = (await desk.api.ok(APPROVE, input={"id": asked["id"], "idempotencyKey": key()}))["rma"]
    assert (approved["status"], approved["version"]) == ("APPROVED", 2)
    taken = (await desk.api.ok(RECEIVE, input=desk.receiving(asked, [("A", 2, "RESTOCK")], "north")))["rma"]
    assert (taken["status"], minor(taken["refundable"]), minor(taken["refunded"])) == ("RECEIVED", 2000, 0)
    await desk.world.settle()
    closed = await desk.rma(asked["id"])
    assert (closed["status"], minor(closed["refundable"]), minor(closed["refunded"])) == ("CLOSED", 0, 2000)
    assert [(line["received"], line["dispositions"]) for line in closed["lines"]] == [
        (2, [{"disposition": "RESTOCK", "quantity": 2}])
    ]
    after = await desk.look(order["id"])
    assert units(after["lines"][0]) == {"delivered": 1, "returned": 2}
    assert (minor(after["total"]), minor(after["creditedTotal"]), minor(after["outstanding"])) == (3000, 2000, 0)
    assert minor(after["payments"][0]["refunded"]) == 2000
    assert after["status"] == "COMPLETED"
    assert [rma["id"] for rma in after["returns"]] == [asked["id"]]
    assert await desk.stock("A") == {("A", "north"): (19, 0)}
    topics = await desk.topics(order["id"])
    assert [topic for topic in topics if topic.startswith("return")] == [
        "return.requested", "return.approved", "return.received", "return.closed",
    ]  # fmt: skip


async def test_only_what_arrived_can_come_back(desk: Desk) -> None:
    await desk.open({"A": {"north": 20}})
    order = await desk.order(lines={"A": 3})
    await desk.accept(order["fulfillments"][0])
    shipment = await desk.ship(order["fulfillments"][0], {"A": 2})
    (error,) = await desk.api.refused(REQUEST, input=desk.returning(order, {"A": 1}))
    assert (error["code"], error["details"]["remainingQuantity"]) == ("EXCEEDS_REMAINING", 0)
    await desk.track(shipment, "DELIVERED")
    (error,) = await desk.api.refused(REQUEST, input=desk.returning(order, {"A": 3}))
    assert (error["code"], error["path"]) == ("EXCEEDS_REMAINING", ["input", "lines", "0", "quantity"])
    assert error["details"]["remainingQuantity"] == 2
    assert (await desk.look(order["id"]))["returns"] == []


async def test_what_is_on_a_return_cannot_be_on_another_unless_it_was_declined(desk: Desk) -> None:
    order = await delivered(desk, A=3)
    first = await desk.ask_back(order, {"A": 2})
    assert await desk.api.codes(REQUEST, input=desk.returning(order, {"A": 2})) == ["EXCEEDS_REMAINING"]
    declined = {"id": first["id"], "reason": "worn"}
    assert (await desk.api.ok(DECLINE, input=declined))["rma"]["status"] == "DECLINED"
    assert await desk.api.codes(DECLINE, input=declined) == ["INVALID_TRANSITION"]
    second = await desk.ask_back(order, {"A": 3})
    assert second["number"] == "RMA-1002"


async def test_after_thirty_days_nothing_can_come_back(desk: Desk) -> None:
    order = await delivered(desk, A=3)
    with travel(days=29, hours=23):
        await desk.ask_back(order, {"A": 1})
    with travel(days=30, hours=1):
        (error,) = await desk.api.refused(REQUEST, input=desk.returning(order, {"A": 1}))
    assert (error["code"], error["path"]) == ("RETURN_NOT_ELIGIBLE", ["input", "lines", "0", "quantity"])


async def test_of_units_that_arrived_at_different_times_only_the_recent_can_come_back(desk: Desk) -> None:
    await desk.open({"A": {"north": 20}})
    order = await desk.order(lines={"A": 3})
    await desk.accept(order["fulfillments"][0])
    await desk.track(await desk.ship(order["fulfillments"][0], {"A": 2}), "DELIVERED", at(0))
    with travel(days=40):
        await desk.track(await desk.ship(order["fulfillments"][0]), "DELIVERED", at(0))
        assert await desk.api.codes(REQUEST, input=desk.returning(order, {"A": 2})) == ["RETURN_NOT_ELIGIBLE"]
        await desk.ask_back(order, {"A": 1})


async def test_a_dry_run_of_a_request_checks_the_policy_only(desk: Desk) -> None:
    order = await delivered(desk, A=3)
    answer = await desk.api.ok(REQUEST, input=desk.returning(order, {"A": 1}, dryRun=True))
    assert answer["rma"] is None
    assert await desk.api.codes(REQUEST, input=desk.returning(order, {"A": 4}, dryRun=True)) == ["EXCEEDS_REMAINING"]
    assert (await desk.look(order["id"]))["returns"] == []


async def test_every_problem_of_a_request_is_told_at_once(desk: Desk) -> None:
    order = await delivered(desk, A=3, B=1)
    line = order["lines"][0]["id"]
    errors = await desk.api.refused(
        REQUEST,
        input={
            "order": {"id": order["id"]},
            "lines": [
                {"lineId": "orl_00000000000000000000000000", "quantity": 1, "reason": "x"},
                {"lineId": line, "quantity": 0, "reason": ""},
                {"lineId": line, "quantity": 9, "reason": "x"},
            ],
        },
    )
    assert [(error["code"], error["path"][2:]) for error in errors] == [
        ("NOT_FOUND", ["0", "lineId"]), ("INVALID", ["1", "reason"]), ("INVALID", ["1", "quantity"]),
        ("INVALID", ["2"]), ("EXCEEDS_REMAINING", ["2", "quantity"]),
    ]  # fmt: skip


# --- twice and beside itself ---------------------------------------------------------------------------------------


async def test_the_same_key_receives_and_refunds_once(desk: Desk) -> None:
    order = await delivered(desk, A=3)
    rma = await desk.approved(order, {"A": 3})
    asked = desk.receiving(rma, [("A", 1, "RESTOCK")], "north")
    await asyncio.gather(*(desk.api.ok(RECEIVE, input=asked) for _ in range(5)))
    await desk.world.settle()
    await desk.api.ok(RECEIVE, input=asked)
    await desk.world.settle()
    after = await desk.look(order["id"])
    assert units(after["lines"][0]) == {"delivered": 2, "returned": 1}
    assert minor(after["payments"][0]["refunded"]) == 1000
    assert await desk.stock("A") == {("A", "north"): (18, 0)}


@pytest.mark.parametrize("round_", range(3))
async def test_two_receipts_of_the_same_units_at_once_are_one(desk: Desk, round_: int) -> None:
    order = await delivered(desk, A=3)
    rma = await desk.approved(order, {"A": 2})
    answers = await asyncio.gather(
        *(desk.api(RECEIVE, input=desk.receiving(rma, [("A", 2, "RESTOCK")], "north")) for _ in range(4))
    )
    codes = sorted([error["code"] for error in answer["returnReceive"]["userErrors"]] for answer in answers)
    assert codes == [[], *[["EXCEEDS_REMAINING"]] * 3]
    await desk.world.settle()
    assert minor((await desk.look(order["id"]))["payments"][0]["refunded"]) == 2000


async def test_requests_at_once_never_take_a_unit_twice(desk: Desk) -> None:
    order = await delivered(desk, A=3)
    answers = await asyncio.gather(*(desk.api(REQUEST, input=desk.returning(order, {"A": 1})) for _ in range(6)))
    codes = sorted([error["code"] for error in answer["returnRequest"]["userErrors"]] for answer in answers)
    assert codes == [[]] * 3 + [["EXCEEDS_REMAINING"]] * 3
    numbers = sorted(rma["number"] for rma in (await desk.look(order["id"]))["returns"])
    assert numbers == ["RMA-1001", "RMA-1002", "RMA-1003"]


async def test_approving_and_declining_at_once_is_one_of_both(desk: Desk) -> None:
    order = await delivered(desk, A=3)
    rma = await desk.ask_back(order, {"A": 1})
    approve = desk.api(APPROVE, input={"id": rma["id"], "idempotencyKey": key()})
    decline = desk.api(DECLINE, input={"id": rma["id"], "reason": "worn"})
    answers = await asyncio.gather(approve, decline)
    (first,), (second,) = (answer.values() for answer in answers)
    assert sorted(len(found["userErrors"]) for found in (first, second)) == [0, 1]
    again = {"id": rma["id"], "idempotencyKey": key()}
    assert await desk.api.codes(APPROVE, input=again) == ["INVALID_TRANSITION"]


async def test_fifty_lines_take_as_many_statements_as_one(desk: Desk) -> None:
    many = {f"S{i:02}": 2 for i in range(50)}
    await desk.open({"A": {"north": 5}} | {sku: {"north": 5} for sku in many})

    async def walk(lines: dict[str, int]) -> list[int]:
        order = await desk.deliver(await desk.order(lines=lines, paid="captured"))
        with statements() as asked:
            rma = await desk.ask_back(order, lines)
        with statements() as approved:
            await desk.api.ok(APPROVE, input={"id": rma["id"], "idempotencyKey": key()})
        receipt = desk.receiving(rma, [(sku, 1, "RESTOCK") for sku in lines], "north")
        with statements() as received:
            await desk.api.ok(RECEIVE, input=receipt)
        with statements() as settled:
            await desk.world.settle()
        return [len(asked), len(approved), len(received), len(settled)]

    one = await walk({"A": 2})
    found = await walk(many)
    assert found[:3] == one[:3]


# --- who may see ---------------------------------------------------------------------------------------------------


async def test_who_may_not_see_orders_sees_returns_without_them(desk: Desk, world: World, api: Api) -> None:
    order = await delivered(desk, A=3)
    rma = await desk.ask_back(order, {"A": 1})
    clerk = await world.key(api.handle, "returns:read")
    found = await clerk(
        """query($id: ID!) { node(id: $id) { ... on Return { number order { id } lines { sku orderLine { id } }
        actions { name allowed reason } } } }""",
        id=rma["id"],
    )
    assert found["node"] == {
        "number": "RMA-1001",
        "order": None,
        "lines": [{"sku": "A", "orderLine": None}],
        "actions": [
            {"name": "returnApprove", "allowed": False, "reason": "It needs the scope returns:write."},
            {"name": "returnDecline", "allowed": False, "reason": "It needs the scope returns:write."},
            {"name": "returnReceive", "allowed": False, "reason": "It is REQUESTED."},
        ],
    }
    stranger = await world.tenant()
    assert (await stranger("query($id: ID!) { node(id: $id) { id } }", id=rma["id"]))["node"] is None
    assert await stranger.codes(APPROVE, input={"id": rma["id"], "idempotencyKey": key()}) == ["NOT_FOUND"]
