"""What comes back is received: units, stock, locations."""

from fulfillment.desk import RECEIVE, Desk, minor, units
from returns.parcels import PARTS, delivered


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
