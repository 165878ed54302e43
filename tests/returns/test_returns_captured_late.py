"""Money that is taken after its units came back goes back."""

from fulfillment.desk import Desk, minor


async def test_what_is_captured_after_its_units_were_credited_goes_back_once(desk: Desk) -> None:
    await desk.open({"A": {"north": 20}})
    order = await desk.deliver(await desk.order(lines={"A": 3}, paid="authorized"))
    rma = await desk.approved(order, {"A": 2})
    closed = await desk.receive(rma, [("A", 2, "RESTOCK")], "north")
    assert (closed["status"], minor(closed["refunded"])) == ("CLOSED", 0)
    await desk.capture(order["id"], "5.00")
    await desk.world.settle()
    part = await desk.look(order["id"])
    assert (minor(part["payments"][0]["refunded"]), minor(part["outstanding"])) == (0, 500)
    await desk.capture(order["id"])
    await desk.world.settle()
    after = await desk.look(order["id"])
    assert (minor(after["payments"][0]["captured"]), minor(after["payments"][0]["refunded"])) == (3000, 2000)
    assert (after["status"], minor(after["outstanding"])) == ("COMPLETED", 0)


async def test_after_a_cancellation_and_a_return_what_is_captured_late_goes_back_once(desk: Desk) -> None:
    await desk.open({"A": {"north": 20}})
    order = await desk.order(lines={"A": 3}, paid="authorized")
    order = await desk.deliver(await desk.cancel(order, {"A": 1}))
    rma = await desk.approved(order, {"A": 1})
    await desk.receive(rma, [("A", 1, "RESTOCK")], "north")
    await desk.capture(order["id"])
    await desk.world.settle()
    after = await desk.look(order["id"])
    assert (minor(after["payments"][0]["captured"]), minor(after["payments"][0]["refunded"])) == (3000, 2000)
    assert minor(after["outstanding"]) == 0


async def test_what_a_cancellation_kept_stays_kept_when_money_is_captured_after_a_return(desk: Desk) -> None:
    await desk.open({"A": {"north": 20}})
    order = await desk.order(lines={"A": 3}, paid="authorized")
    order = await desk.deliver(await desk.cancel(order, {"A": 1}, refundTo="NONE"))
    rma = await desk.approved(order, {"A": 1})
    await desk.receive(rma, [("A", 1, "RESTOCK")], "north")
    await desk.capture(order["id"])
    await desk.world.settle()
    after = await desk.look(order["id"])
    assert (minor(after["payments"][0]["refunded"]), minor(after["outstanding"])) == (1000, -1000)
