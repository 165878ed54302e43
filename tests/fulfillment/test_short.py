"""Stock that locations work with is not there: what they were given goes back to the order, and the books say so."""

from typing import Any

import pytest

import invariants
from fulfillment.desk import CANCEL_ACCEPT, CANCEL_REJECT, Desk, key, minor, units
from fulfillment.invariants import broken
from promising.shop import put_stock

ADJUST = """mutation($input: InventoryAdjustInput!) { inventoryAdjust(input: $input) {
  userErrors { code message } } }"""
KIT = {"code": "SET", "name": "Set", "kind": "KIT", "components": [
    {"sku": "CUP", "quantity": 4}, {"sku": "PLATE", "quantity": 1},
]}  # fmt: skip


async def lose(desk: Desk, sku: str, units_: int, location: str = "north") -> None:
    change = {"sku": sku, "location": location, "delta": -units_}
    await desk.api.ok(ADJUST, input={"changes": [change], "reason": "lost", "idempotencyKey": key()})
    await desk.world.settle()


async def sound(desk: Desk) -> None:
    await invariants.check(desk.world, desk.api.tenant_id)
    assert await broken(desk.world) == {}


async def line(desk: Desk, order: Any) -> dict[str, int]:
    return units((await desk.look(order["id"]))["lines"][0])


async def test_units_that_are_taken_back_from_a_location_are_not_cancelled(desk: Desk) -> None:
    await desk.open({"A": {"north": 5}})
    order = await desk.order(lines={"A": 5}, paid="captured")
    (work,) = order["fulfillments"]
    await desk.accept(work)
    await desk.ship(work, {"A": 1})
    await lose(desk, "A", 2)
    after = await desk.look(order["id"])
    assert units(after["lines"][0]) == {"shipped": 1, "allocated": 2, "backordered": 2}
    assert [row["quantity"] for row in after["fulfillments"][0]["lines"]] == [3]
    assert (minor(after["total"]), minor(after["payments"][0]["refunded"])) == (5000, 0)
    await sound(desk)
    await put_stock(desk.api, {"A": {"north": 4}})
    await desk.world.settle()
    assert units((await desk.deliver(await desk.look(order["id"])))["lines"][0]) == {"shipped": 1, "delivered": 4}
    await sound(desk)


async def test_of_a_kit_whose_other_parts_have_left_the_whole_unit_is_sent_again(desk: Desk) -> None:
    await desk.open({"CUP": {"north": 8}, "PLATE": {"south": 5}}, skus=[{"code": "CUP", "name": "Cup"},
                    {"code": "PLATE", "name": "Plate"}, KIT])  # fmt: skip
    order = await desk.order(lines={"SET": 2})
    work = {row["location"]["handle"]: row for row in order["fulfillments"]}
    await desk.accept(work["south"])
    await desk.ship(work["south"], {"PLATE": 1})
    await lose(desk, "CUP", 8)
    assert await line(desk, order) == {"backordered": 2}
    await put_stock(desk.api, {"CUP": {"north": 8}})
    await desk.world.settle()
    assert await line(desk, order) == {"allocated": 2}
    again = await desk.look(order["id"])
    again["fulfillments"] = [row for row in again["fulfillments"] if row["status"] == "OFFERED"]
    assert units((await desk.deliver(again))["lines"][0]) == {"delivered": 2}
    await sound(desk)


@pytest.mark.parametrize(("lost", "left"), [(2, {"allocated": 3, "backordered": 2}), (4, None), (5, None)])
async def test_units_that_a_location_was_asked_to_cancel_and_lost_are_cancelled(
    desk: Desk, lost: int, left: dict[str, int] | None
) -> None:
    """Three of five are asked for: what nobody asked for goes first; what was asked for is cancelled without the
    location's answer, since it cannot send it any more."""
    await desk.open({"A": {"north": 5}})
    order = await desk.order(lines={"A": 5}, paid="captured")
    (work,) = order["fulfillments"]
    await desk.accept(work)
    await desk.cancel(order, {"A": 3})
    await lose(desk, "A", lost)
    gone = max(0, lost - 2)
    after = await desk.look(order["id"])
    expected = {"allocated": 5 - lost, "backordered": min(lost, 2), "cancelled": gone}
    assert units(after["lines"][0]) == (left or {state: count for state, count in expected.items() if count})
    assert minor(after["payments"][0]["refunded"]) == 1000 * gone
    assert after["fulfillments"][0]["status"] == ("CANCELLED" if lost == 5 else "CANCEL_REQUESTED")
    await sound(desk)
    if lost == 4:
        await desk.api.ok(CANCEL_ACCEPT, input={"id": work["id"]})
        await desk.world.settle()
        # what it gave up of the last unit covers one that waits
        assert await line(desk, order) == {"allocated": 1, "backordered": 1, "cancelled": 3}
        assert minor((await desk.look(order["id"]))["payments"][0]["refunded"]) == 3000
    elif lost == 5:
        assert await desk.api.codes(CANCEL_ACCEPT, input={"id": work["id"]}) == ["INVALID_TRANSITION"]
    else:
        await desk.api.ok(CANCEL_REJECT, input={"id": work["id"], "reason": "packed"})
        await desk.world.settle()
        assert await line(desk, order) == {"allocated": 3, "backordered": 2}
    await sound(desk)
