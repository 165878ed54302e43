"""From the customer's wish to send back to the money."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from fulfillment.desk import APPROVE, DECLINE, RECEIVE, REFUND, REQUEST, Desk, at, key, minor, units
from oms_api.kit.caller import system
from oms_api.payments.models import FakeCharge
from world import Api, World, statements, travel

PARTS = [
    {"code": "CUP", "name": "Cup"},
    {"code": "PLATE", "name": "Plate"},
    {
        "code": "SET", "name": "Set", "kind": "KIT",
        "components": [{"sku": "CUP", "quantity": 4}, {"sku": "PLATE", "quantity": 1}],
    },
]  # fmt: skip


async def delivered(desk: Desk, paid: str | None = "captured", **lines: int) -> dict[str, Any]:
    """An order of these units that has arrived."""
    await desk.open({sku: {"north": 20} for sku in lines})
    return await desk.deliver(await desk.order(lines=lines, paid=paid))


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


# --- receiving -----------------------------------------------------------------------------------------------------


async def test_what_becomes_of_units_decides_about_stock_and_not_about_money(desk: Desk) -> None:
    order = await delivered(desk, A=6)
    rma = await desk.approved(order, {"A": 6})
    split = [("A", 1, "RESTOCK"), ("A", 1, "QUARANTINE"), ("A", 1, "REFURBISH"), ("A", 1, "SCRAP"), ("A", 1, "VENDOR")]
    partly = await desk.receive(rma, split, "north")
    assert (partly["status"], minor(partly["refunded"])) == ("PARTIALLY_RECEIVED", 5000)
    assert await desk.stock("A") == {("A", "north"): (15, 0)}
    assert await desk.unavailable("A") == 2
    closed = await desk.receive(rma, [("A", 1, "KEPT")], "north")
    assert (closed["status"], minor(closed["refunded"])) == ("CLOSED", 6000)
    assert await desk.stock("A") == {("A", "north"): (15, 0)}
    assert {row["disposition"]: row["quantity"] for row in closed["lines"][0]["dispositions"]} == {
        "RESTOCK": 1, "QUARANTINE": 1, "REFURBISH": 1, "SCRAP": 1, "VENDOR": 1, "KEPT": 1,
    }  # fmt: skip


async def test_units_may_be_inspected_later_and_are_credited_then(desk: Desk) -> None:
    order = await delivered(desk, A=2)
    rma = await desk.approved(order, {"A": 2})
    arrived = await desk.receive(rma, [("A", 2, None)], "north")
    assert (arrived["status"], arrived["lines"][0]["received"]) == ("RECEIVED", 2)
    assert arrived["lines"][0]["dispositions"] == []
    assert minor(arrived["refundable"]) == minor(arrived["refunded"]) == 0
    assert units((await desk.look(order["id"]))["lines"][0]) == {"returned": 2}
    assert await desk.stock("A") == {("A", "north"): (18, 0)}
    closed = await desk.receive(rma, [("A", 1, "RESTOCK"), ("A", 1, "SCRAP")], "north")
    assert (closed["status"], minor(closed["refunded"]), closed["lines"][0]["received"]) == ("CLOSED", 2000, 2)
    assert await desk.stock("A") == {("A", "north"): (19, 0)}


async def test_it_may_come_back_to_another_location(desk: Desk) -> None:
    await desk.open({"A": {"north": 20}}, locations={"north": {}, "south": {}})
    order = await desk.deliver(await desk.order(lines={"A": 1}, paid="captured"))
    rma = await desk.approved(order, {"A": 1})
    await desk.receive(rma, [("A", 1, "RESTOCK")], "south")
    assert await desk.stock("A") == {("A", "north"): (19, 0), ("A", "south"): (1, 0)}


async def test_a_location_that_takes_no_returns_refuses(desk: Desk) -> None:
    await desk.open({"A": {"north": 20}}, locations={"north": {}, "south": {"acceptsReturns": False}})
    order = await desk.deliver(await desk.order(lines={"A": 1}, paid="captured"))
    rma = await desk.approved(order, {"A": 1})
    (error,) = await desk.api.refused(RECEIVE, input=desk.receiving(rma, [("A", 1, "RESTOCK")], "south"))
    assert (error["code"], error["path"]) == ("INVALID", ["input", "location"])
    (error,) = await desk.api.refused(RECEIVE, input=desk.receiving(rma, [("A", 1, "RESTOCK")], "nowhere"))
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "location"])
    assert (await desk.rma(rma["id"]))["status"] == "APPROVED"


async def test_more_than_was_asked_for_is_refused_and_nothing_is_received(desk: Desk) -> None:
    order = await delivered(desk, A=3, B=1)
    rma = await desk.approved(order, {"A": 2, "B": 1})
    too_many = [("B", 1, "RESTOCK"), ("A", 2, "RESTOCK"), ("A", 1, None)]
    (error,) = await desk.api.refused(RECEIVE, input=desk.receiving(rma, too_many, "north"))
    assert (error["code"], error["path"]) == ("EXCEEDS_REMAINING", ["input", "lines", "2", "quantity"])
    after = await desk.look(order["id"])
    assert [units(line) for line in after["lines"]] == [{"delivered": 3}, {"delivered": 1}]
    assert minor(after["creditedTotal"]) == 0
    assert await desk.stock("A", "B") == {("A", "north"): (17, 0), ("B", "north"): (19, 0)}


async def test_what_was_not_approved_is_not_received(desk: Desk) -> None:
    order = await delivered(desk, A=3)
    rma = await desk.ask_back(order, {"A": 2})
    (error,) = await desk.api.refused(RECEIVE, input=desk.receiving(rma, [("A", 2, "RESTOCK")], "north"))
    assert error["details"] == {
        "currentState": "REQUESTED", "allowedActions": ["returnApprove", "returnDecline"],
        "remainingQuantity": None, "currentVersion": None,
    }  # fmt: skip
    stale = desk.receiving(rma, [("A", 2, "RESTOCK")], "north", expectedVersion=7)
    assert await desk.api.codes(RECEIVE, input=stale) == ["VERSION_CONFLICT"]


async def test_a_dry_run_of_a_receipt_changes_nothing(desk: Desk) -> None:
    order = await delivered(desk, A=3)
    rma = await desk.approved(order, {"A": 2})
    before, stood = await desk.look(order["id"]), await desk.rma(rma["id"])
    dry = desk.receiving(rma, [("A", 2, "RESTOCK")], "north", dryRun=True)
    assert (await desk.api.ok(RECEIVE, input=dry))["rma"] == stood
    await desk.world.settle()
    assert await desk.look(order["id"]) == before


async def test_a_kit_comes_back_as_its_parts(desk: Desk) -> None:
    await desk.open({"CUP": {"north": 20}, "PLATE": {"south": 5}}, skus=PARTS)
    order = await desk.deliver(await desk.order(lines={"SET": 2}, paid="captured"))
    rma = await desk.approved(order, {"SET": 1})
    closed = await desk.receive(rma, [("SET", 1, "RESTOCK")], "north")
    assert (closed["status"], minor(closed["refunded"])) == ("CLOSED", 1000)
    assert await desk.stock("CUP", "PLATE") == {
        ("CUP", "north"): (16, 0), ("PLATE", "north"): (1, 0), ("PLATE", "south"): (3, 0),
    }  # fmt: skip


# --- money ---------------------------------------------------------------------------------------------------------


def odd_line(quantity: int) -> list[dict[str, Any]]:
    """A line whose discount and tax do not divide by its units."""
    money = {"currency": "USD"}
    return [
        {
            "sku": "A",
            "quantity": quantity,
            "unitPrice": {"amount": "10.00", **money},
            "adjustments": [
                {"kind": "DISCOUNT", "label": "Sale", "amount": {"amount": "1.00", **money}},
                {"kind": "TAX", "label": "Sales tax", "amount": {"amount": "2.57", **money}},
            ],
        }
    ]


async def test_unit_by_unit_equals_at_once_to_the_last_cent(desk: Desk) -> None:
    await desk.open({"A": {"north": 20}})
    more = {
        "shippingCharge": {"amount": "4.90", "currency": "USD"},
        "adjustments": [{"kind": "DISCOUNT", "label": "Coupon", "amount": {"amount": "0.50", "currency": "USD"}}],
    }
    order = await desk.deliver(await desk.order(lines=odd_line(3), paid="captured", **more))
    assert minor(order["total"]) == 3000 - 100 + 257 - 50 + 490
    refunded = []
    for _ in range(3):
        rma = await desk.approved(order, {"A": 1})
        refunded.append(minor((await desk.receive(rma, [("A", 1, "RESTOCK")], "north"))["refunded"]))
    assert sum(refunded) == 3000 - 100 + 257 - 50
    assert sorted(refunded) == [1035, 1036, 1036]
    after = await desk.look(order["id"])
    assert minor(after["payments"][0]["refunded"]) == 3107
    assert minor(after["outstanding"]) == 0


async def test_after_a_cancellation_the_rest_comes_back_for_exactly_what_was_paid(desk: Desk) -> None:
    await desk.open({"A": {"north": 20}})
    order = await desk.order(lines=odd_line(3), paid="captured")
    less = await desk.cancel(order, {"A": 1})
    order = await desk.deliver(less)
    rma = await desk.approved(order, {"A": 2})
    closed = await desk.receive(rma, [("A", 2, "RESTOCK")], "north")
    assert minor(closed["refunded"]) == minor(less["total"])
    after = await desk.look(order["id"])
    assert minor(after["payments"][0]["refunded"]) == 3157
    assert minor(after["outstanding"]) == 0


async def test_what_was_never_captured_is_only_credited(desk: Desk) -> None:
    await desk.open({"A": {"north": 20}})
    order = await desk.order(lines={"A": 3}, paid="authorized")
    await desk.capture(order["id"], "15.00")
    order = await desk.deliver(order)
    rma = await desk.approved(order, {"A": 2})
    closed = await desk.receive(rma, [("A", 2, "RESTOCK")], "north")
    after = await desk.look(order["id"])
    assert (closed["status"], minor(closed["refunded"])) == ("CLOSED", 500)
    assert (minor(after["creditedTotal"]), minor(after["outstanding"])) == (2000, 0)


async def test_an_unpaid_order_is_only_credited(desk: Desk) -> None:
    order = await delivered(desk, None, A=3)
    rma = await desk.approved(order, {"A": 1})
    closed = await desk.receive(rma, [("A", 1, "RESTOCK")], "north")
    assert (closed["status"], minor(closed["refundable"]), minor(closed["refunded"])) == ("CLOSED", 0, 0)
    assert minor((await desk.look(order["id"]))["outstanding"]) == 2000


async def test_money_given_back_by_hand_before_is_not_given_twice(desk: Desk) -> None:
    order = await delivered(desk, A=3)
    by_hand = {
        "idempotencyKey": key(), "id": order["payments"][0]["id"], "amount": {"amount": "10.00", "currency": "USD"},
    }  # fmt: skip
    await desk.api.ok(REFUND, input=by_hand)
    await desk.world.settle()
    rma = await desk.approved(order, {"A": 2})
    closed = await desk.receive(rma, [("A", 2, "RESTOCK")], "north")
    assert (closed["status"], minor(closed["refunded"])) == ("CLOSED", 1000)
    assert minor((await desk.look(order["id"]))["outstanding"]) == 0


async def test_a_refund_that_the_provider_refuses_stays_owed_until_it_is_made_by_hand(desk: Desk) -> None:
    order = await delivered(desk, A=3)
    rma = await desk.approved(order, {"A": 2})
    caller = system(desk.api.tenant_id)
    books = update(FakeCharge.__table__).where(col(FakeCharge.tenant_id) == desk.api.tenant_id)  # type: ignore[attr-defined]
    await desk.world.db.run(lambda tx: tx.run(books.values(captured_minor=0)), caller)
    refused = await desk.receive(rma, [("A", 2, "RESTOCK")], "north")
    assert (refused["status"], minor(refused["refundable"]), minor(refused["refunded"])) == ("RECEIVED", 2000, 0)
    await desk.world.db.run(lambda tx: tx.run(books.values(captured_minor=3000)), caller)
    by_hand = {
        "idempotencyKey": key(), "id": order["payments"][0]["id"], "amount": {"amount": "20.00", "currency": "USD"},
    }  # fmt: skip
    await desk.api.ok(REFUND, input=by_hand)
    await desk.world.settle()
    closed = await desk.rma(rma["id"])
    assert (closed["status"], minor(closed["refundable"]), minor(closed["refunded"])) == ("CLOSED", 0, 2000)
    assert minor((await desk.look(order["id"]))["outstanding"]) == 0


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
