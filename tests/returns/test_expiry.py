"""A return that nobody answers, or of which nothing comes, ends by itself."""

from fulfillment.desk import APPROVE, RECEIVE, Desk, key, units
from returns.parcels import delivered
from world import travel


async def test_an_unanswered_return_expires_and_gives_its_units_back(desk: Desk) -> None:
    order = await delivered(desk, A=3)
    asked = await desk.ask_back(order, {"A": 2})
    with travel(days=29, hours=23):
        await desk.world.tick("returns.expire")
        assert (await desk.rma(asked["id"]))["status"] == "REQUESTED"
    with travel(days=30, hours=1):
        for _ in range(2):
            await desk.world.tick("returns.expire")
        assert (await desk.rma(asked["id"]))["status"] == "EXPIRED"
        assert await desk.api.codes(APPROVE, input={"id": asked["id"], "idempotencyKey": key()}) == [
            "INVALID_TRANSITION"
        ]
        assert (await desk.topics(order["id"])).count("return.expired") == 1
    again = await desk.ask_back(order, {"A": 3})
    assert again["status"] == "REQUESTED"


async def test_what_was_approved_waits_anew_and_a_late_parcel_is_received(desk: Desk) -> None:
    order = await delivered(desk, A=3)
    asked = await desk.ask_back(order, {"A": 2})
    with travel(days=20):
        await desk.api.ok(APPROVE, input={"id": asked["id"], "idempotencyKey": key()})
    with travel(days=49):
        await desk.world.tick("returns.expire")
        assert (await desk.rma(asked["id"]))["status"] == "APPROVED"
    with travel(days=51):
        await desk.world.tick("returns.expire")
        assert (await desk.rma(asked["id"]))["status"] == "EXPIRED"
        await desk.api.ok(RECEIVE, input=desk.receiving(asked, [("A", 2, "RESTOCK")], "north"))
        await desk.world.settle()
        assert (await desk.rma(asked["id"]))["status"] == "CLOSED"
        await desk.world.tick("returns.expire")
    assert units((await desk.look(order["id"]))["lines"][0]) == {"delivered": 1, "returned": 2}
