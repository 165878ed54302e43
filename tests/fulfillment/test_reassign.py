"""Work is given to another location by hand."""

from fulfillment.desk import REASSIGN, REJECT, Desk, units


async def test_a_location_that_has_the_work_is_not_given_it_again(desk: Desk) -> None:
    await desk.open({"A": {"north": 5, "south": 5}})
    order = await desk.order(lines={"A": 2})
    (work,) = order["fulfillments"]
    here = work["location"]["handle"]
    await desk.accept(work)
    before = await desk.look(order["id"])
    (error,) = await desk.api.refused(REASSIGN, input={"id": work["id"], "location": here})
    assert (error["code"], error["path"]) == ("INVALID", ["input", "location"])
    assert error["message"] == (
        f"{work['id']} is {here}'s work already; name another location, or none and the planner chooses one."
    )
    await desk.world.settle()
    assert await desk.look(order["id"]) == before


async def test_a_location_that_said_no_may_be_given_the_work_by_hand_after_all(desk: Desk) -> None:
    await desk.open({"A": {"north": 5}}, maxReassignments=0)
    order = await desk.order(lines={"A": 2})
    (work,) = order["fulfillments"]
    await desk.api.ok(REJECT, input={"id": work["id"], "reason": "closed"})
    await desk.world.settle()
    assert units((await desk.look(order["id"]))["lines"][0]) == {"pending": 2}
    await desk.api.ok(REASSIGN, input={"id": work["id"], "location": "north"})
    await desk.world.settle()
    assert units((await desk.look(order["id"]))["lines"][0]) == {"allocated": 2}
