"""From a confirmed order to the customer's door."""

import asyncio
from datetime import timedelta

import pytest

from fulfillment.desk import ACCEPT, RECEIVE_SUPPLY, SHIP, TRACK, Desk, at, key, units
from promising.shop import put_supply
from world import Api, World, statements

KIT = {
    "code": "SET", "name": "Set", "kind": "KIT",
    "components": [{"sku": "CUP", "quantity": 4}, {"sku": "PLATE", "quantity": 1}],
}  # fmt: skip
PARTS = [{"code": "CUP", "name": "Cup"}, {"code": "PLATE", "name": "Plate"}, KIT]


async def test_each_location_is_offered_its_part_of_the_order(desk: Desk) -> None:
    await desk.open({"A": {"north": 6, "south": 7}, "B": {"north": 5}})
    order = await desk.order(lines={"A": 10, "B": 2})
    assert order["status"] == "CONFIRMED"
    assert [units(line) for line in order["lines"]] == [{"allocated": 10}, {"allocated": 2}]
    offered = {f["location"]["handle"]: f for f in order["fulfillments"]}
    assert {f["status"] for f in order["fulfillments"]} == {"OFFERED"}
    assert sum(line["quantity"] for f in offered.values() for line in f["lines"] if line["sku"] == "A") == 10
    assert [line["quantity"] for line in offered["north"]["lines"] if line["sku"] == "B"] == [2]
    assert all(f["order"]["id"] == order["id"] for f in order["fulfillments"])


async def test_planning_again_gives_nobody_more_work(desk: Desk, world: World) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 2})
    await world.settle()
    again = await desk.look(order["id"])
    assert again["fulfillments"] == order["fulfillments"]
    assert again["version"] == order["version"]


async def test_a_pending_order_is_nobodys_work(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}}, paymentRule="AUTHORIZED")
    order = await desk.order(lines={"A": 2})
    assert order["status"] == "PENDING"
    assert order["fulfillments"] == []
    await desk.authorize(order["id"])
    await desk.world.settle()
    assert len((await desk.look(order["id"]))["fulfillments"]) == 1


async def test_the_whole_path_to_the_customers_door(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 2}, paid="captured")
    (offered,) = order["fulfillments"]
    accepted = await desk.accept(offered)
    assert (accepted["status"], accepted["version"]) == ("ACCEPTED", 2)
    shipment = await desk.ship(offered)
    assert shipment["status"] == "IN_TRANSIT"
    assert (shipment["carrier"], shipment["trackingNumber"]) == ("ups", "1Z999")
    assert [(line["sku"], line["quantity"]) for line in shipment["lines"]] == [("A", 2)]
    assert [package["trackingNumber"] for package in shipment["packages"]] == ["1Z999"]
    assert shipment["fulfillments"] == [{"id": offered["id"], "status": "SHIPPED"}]
    assert await desk.stock("A") == {("A", "north"): (4, 0)}
    left = await desk.look(order["id"])
    assert (left["status"], units(left["lines"][0])) == ("SHIPPED", {"shipped": 2})
    delivered = await desk.track(shipment, "DELIVERED", at(0))
    assert delivered["status"] == "DELIVERED"
    assert delivered["deliveredAt"] == delivered["scans"][0]["at"]
    done = await desk.look(order["id"])
    assert (done["status"], units(done["lines"][0])) == ("COMPLETED", {"delivered": 2})
    topics = await desk.topics(order["id"])
    assert [topic for topic in topics if topic.startswith(("order", "fulfillment", "shipment"))] == [
        "order.created", "order.confirmed", "fulfillment.offered", "fulfillment.accepted", "shipment.created",
        "order.shipped", "shipment.tracked", "shipment.delivered", "order.completed",
    ]  # fmt: skip


async def test_units_leave_in_parts(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}, "B": {"north": 6}})
    order = await desk.order(lines={"A": 3, "B": 1})
    (work,) = order["fulfillments"]
    await desk.accept(work)
    await desk.ship(work, {"A": 2})
    partly = await desk.look(order["id"])
    assert partly["status"] == "PARTIALLY_SHIPPED"
    assert partly["fulfillments"][0]["status"] == "PARTIALLY_SHIPPED"
    assert [units(line) for line in partly["lines"]] == [{"allocated": 1, "shipped": 2}, {"allocated": 1}]
    await desk.ship(work)
    whole = await desk.look(order["id"])
    assert (whole["status"], whole["fulfillments"][0]["status"]) == ("SHIPPED", "SHIPPED")
    parcels = [[(line["sku"], line["quantity"]) for line in s["lines"]] for s in whole["fulfillments"][0]["shipments"]]
    assert parcels == [[("A", 2)], [("A", 1), ("B", 1)]]


async def test_more_than_is_left_is_refused_and_nothing_leaves(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}, "B": {"north": 6}})
    order = await desk.order(lines={"A": 3, "B": 1})
    (work,) = order["fulfillments"]
    await desk.accept(work)
    (error,) = await desk.api.refused(SHIP, input=desk.shipping(work, {"B": 1, "A": 4}))
    assert (error["code"], error["path"]) == ("EXCEEDS_REMAINING", ["input", "lines", "1", "quantity"])
    assert error["details"]["remainingQuantity"] == 3
    assert await desk.stock("A", "B") == {("A", "north"): (6, 3), ("B", "north"): (6, 1)}
    assert (await desk.look(order["id"]))["fulfillments"][0]["shipments"] == []


async def test_what_was_not_accepted_does_not_leave(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 3})
    (error,) = await desk.api.refused(SHIP, input=desk.shipping(order["fulfillments"][0]))
    assert error["code"] == "INVALID_TRANSITION"
    assert error["details"]["currentState"] == "OFFERED"
    assert error["details"]["allowedActions"] == ["fulfillmentAccept", "fulfillmentReject", "fulfillmentReassign"]


async def test_every_problem_of_a_shipment_is_told_at_once(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 3})
    await desk.accept(order["fulfillments"][0])
    line = order["fulfillments"][0]["lines"][0]["id"]
    bad = desk.shipping(order["fulfillments"][0]) | {
        "lines": [
            {"fulfillmentLineId": "ffl_00000000000000000000000000", "quantity": 1},
            {"fulfillmentLineId": line, "quantity": 0},
            {"fulfillmentLineId": line, "quantity": 1},
        ]
    }
    errors = await desk.api.refused(SHIP, input=bad)
    assert [(error["code"], error["path"][2:]) for error in errors] == [
        ("NOT_FOUND", ["0", "fulfillmentLineId"]), ("INVALID", ["1", "quantity"]), ("INVALID", ["2"]),
    ]  # fmt: skip
    (error,) = await desk.api.refused(SHIP, input=bad | {"lines": [], "idempotencyKey": key()})
    assert error["path"] == ["input", "lines"]


async def test_a_dry_run_ships_nothing(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 3})
    await desk.accept(order["fulfillments"][0])
    before = await desk.look(order["id"])
    answer = await desk.api.ok(SHIP, input=desk.shipping(order["fulfillments"][0], dryRun=True))
    assert answer["shipment"] is None
    assert await desk.look(order["id"]) == before
    assert await desk.stock("A") == {("A", "north"): (6, 3)}


async def test_collected_at_the_counter_is_delivered_at_once(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}}, locations={"north": {"pickup": True}})
    order = await desk.order(lines={"A": 1}, pickupLocation="north", paid="captured")
    await desk.accept(order["fulfillments"][0])
    handover = {"handover": {"pickupCode": "4711"}}
    shipment = await desk.ship(order["fulfillments"][0], shipping=handover)
    assert (shipment["status"], shipment["carrier"], shipment["trackingNumber"]) == ("DELIVERED", None, None)
    assert shipment["deliveredAt"] is not None
    done = await desk.look(order["id"])
    assert (done["status"], units(done["lines"][0])) == ("COMPLETED", {"delivered": 1})


async def test_brought_by_own_vehicle_is_on_its_way(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 1})
    await desk.accept(order["fulfillments"][0])
    shipment = await desk.ship(order["fulfillments"][0], shipping={"handover": {}})
    assert (shipment["status"], shipment["deliveredAt"]) == ("IN_TRANSIT", None)


# --- scans ---------------------------------------------------------------------------------------------------------


async def test_scans_may_come_late_and_twice_but_delivered_is_the_end(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 1})
    await desk.accept(order["fulfillments"][0])
    shipment = await desk.ship(order["fulfillments"][0])
    out = await desk.track(shipment, "OUT_FOR_DELIVERY", at(-1))
    late = await desk.track(shipment, "IN_TRANSIT", at(-2))
    assert (out["status"], late["status"]) == ("OUT_FOR_DELIVERY", "OUT_FOR_DELIVERY")
    when = at(-0.5)
    delivered = await desk.track(shipment, "DELIVERED", when)
    again = await desk.track(shipment, "DELIVERED", when)
    assert again == delivered
    after = await desk.track(shipment, "IN_TRANSIT", at(0))
    assert (after["status"], after["deliveredAt"]) == ("DELIVERED", delivered["deliveredAt"])
    second = await desk.track(shipment, "DELIVERED", at(-0.25))
    assert second["deliveredAt"] == delivered["deliveredAt"]
    assert [scan["status"] for scan in second["scans"]] == [
        "IN_TRANSIT", "DELIVERED", "DELIVERED", "OUT_FOR_DELIVERY", "IN_TRANSIT",
    ]  # fmt: skip
    assert units((await desk.look(order["id"]))["lines"][0]) == {"delivered": 1}


async def test_a_scan_from_the_future_is_refused(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 1})
    await desk.accept(order["fulfillments"][0])
    shipment = await desk.ship(order["fulfillments"][0])
    scan = {"id": shipment["id"], "status": "DELIVERED", "at": at(25).isoformat()}
    assert await desk.api.codes(TRACK, input=scan) == ["INVALID"]
    assert units((await desk.look(order["id"]))["lines"][0]) == {"shipped": 1}


async def test_ten_equal_scans_at_once_are_one(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 2})
    await desk.accept(order["fulfillments"][0])
    shipment = await desk.ship(order["fulfillments"][0])
    when = at(0)
    await asyncio.gather(*(desk.track(shipment, "DELIVERED", when) for _ in range(10)))
    found = (await desk.look(order["id"]))["fulfillments"][0]["shipments"][0]
    assert len(found["scans"]) == 1
    assert found["version"] == 2
    assert (await desk.topics(order["id"])).count("shipment.delivered") == 1


# --- kits and supply -----------------------------------------------------------------------------------------------


async def test_a_kit_is_picked_as_parts_and_has_left_when_all_have(desk: Desk) -> None:
    await desk.open({"CUP": {"north": 20}, "PLATE": {"south": 5}}, skus=PARTS)
    order = await desk.order(lines={"SET": 2})
    work = {f["location"]["handle"]: f for f in order["fulfillments"]}
    assert [(line["sku"], line["quantity"], line["orderLine"]["sku"]) for line in work["north"]["lines"]] == [
        ("CUP", 8, "SET")
    ]
    await desk.accept(work["north"])
    cups = await desk.ship(work["north"])
    assert units((await desk.look(order["id"]))["lines"][0]) == {"allocated": 2}
    await desk.accept(work["south"])
    plate = await desk.ship(work["south"], {"PLATE": 1})
    partly = await desk.look(order["id"])
    assert (partly["status"], units(partly["lines"][0])) == ("PARTIALLY_SHIPPED", {"allocated": 1, "shipped": 1})
    await desk.track(cups, "DELIVERED")
    assert units((await desk.look(order["id"]))["lines"][0]) == {"allocated": 1, "shipped": 1}
    await desk.track(plate, "DELIVERED")
    assert units((await desk.look(order["id"]))["lines"][0]) == {"allocated": 1, "delivered": 1}


async def test_what_waits_for_supply_becomes_work_when_it_arrives(desk: Desk) -> None:
    await desk.open({"A": {"north": 2}})
    await put_supply(desk.api, "PO-1", "A", "north", 5, at(48))
    order = await desk.order(lines={"A": 3}, onShortage="BACKORDER")
    assert [units(line) for line in order["lines"]] == [{"backordered": 1, "allocated": 2}]
    assert [[line["quantity"] for line in f["lines"]] for f in order["fulfillments"]] == [[2]]
    await desk.api.ok(RECEIVE_SUPPLY, input={"receipts": [{"reference": "PO-1", "quantity": 5}]})
    await desk.world.settle()
    after = await desk.look(order["id"])
    assert [units(line) for line in after["lines"]] == [{"allocated": 3}]
    assert [[line["quantity"] for line in f["lines"]] for f in after["fulfillments"]] == [[2], [1]]


# --- twice, beside itself, and budgets -----------------------------------------------------------------------------


async def test_accepting_twice_is_refused(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 1})
    offered = order["fulfillments"][0]
    await desk.accept(offered)
    assert await desk.api.codes(ACCEPT, input={"id": offered["id"]}) == ["INVALID_TRANSITION"]
    assert await desk.api.codes(ACCEPT, input={"id": offered["id"], "expectedVersion": 1}) == ["VERSION_CONFLICT"]
    assert await desk.api.codes(ACCEPT, input={"id": "ful_00000000000000000000000000"}) == ["NOT_FOUND"]


async def test_accepting_at_once_succeeds_once(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}})
    offered = (await desk.order(lines={"A": 1}))["fulfillments"][0]
    answers = await asyncio.gather(*(desk.api(ACCEPT, input={"id": offered["id"]}) for _ in range(5)))
    errors = [answer["fulfillmentAccept"]["userErrors"] for answer in answers]
    assert sorted(len(found) for found in errors) == [0, 1, 1, 1, 1]


async def test_the_same_key_ships_once(desk: Desk) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 3})
    await desk.accept(order["fulfillments"][0])
    asked = desk.shipping(order["fulfillments"][0], {"A": 1})
    answers = await asyncio.gather(*(desk.api.ok(SHIP, input=asked) for _ in range(5)))
    assert len({answer["shipment"]["id"] for answer in answers}) == 1
    assert units((await desk.look(order["id"]))["lines"][0]) == {"allocated": 2, "shipped": 1}


@pytest.mark.parametrize("named", [True, False])
async def test_two_shipments_of_the_same_units_at_once_are_one(desk: Desk, named: bool) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 3})
    work = order["fulfillments"][0]
    await desk.accept(work)
    lines = {"A": 3} if named else None
    answers = await asyncio.gather(*(desk.api(SHIP, input=desk.shipping(work, lines)) for _ in range(6)))
    codes = [[error["code"] for error in answer["shipmentCreate"]["userErrors"]] for answer in answers]
    assert sorted(codes) == [[]] + [["EXCEEDS_REMAINING" if named else "INVALID_TRANSITION"]] * 5
    assert await desk.stock("A") == {("A", "north"): (3, 0)}


async def test_fifty_lines_take_as_many_statements_as_one(desk: Desk) -> None:
    many = {f"S{i:02}": {"north": 5} for i in range(50)}
    await desk.open({"A": {"north": 5}, **many})

    async def walk(lines: dict[str, int]) -> list[int]:
        await desk.world.settle()
        order = await desk.order(lines=lines, settle=False)
        counts = []
        with statements() as planned:
            await desk.world.settle()
        counts.append(len(planned))
        order = await desk.look(order["id"])
        with statements() as accepted:
            await desk.accept(order["fulfillments"][0])
        with statements() as shipped:
            shipment = await desk.ship(order["fulfillments"][0])
        with statements() as tracked:
            await desk.track(shipment, "DELIVERED")
        with statements() as seen:
            await desk.look(order["id"])
        return [*counts, len(accepted), len(shipped), len(tracked), len(seen)]

    one = await walk({"A": 2})
    assert await walk(dict.fromkeys(many, 2)) == one


# --- who may see ---------------------------------------------------------------------------------------------------


async def test_a_location_that_may_not_see_orders_sees_its_work(desk: Desk, world: World, api: Api) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 1})
    clerk = await world.key(api.handle, "fulfillments:read")
    found = await clerk(
        """query($id: ID!) { node(id: $id) { ... on Fulfillment { status order { id } lines { sku orderLine { id } }
        actions { name allowed reason } } } }""",
        id=order["fulfillments"][0]["id"],
    )
    assert found["node"] == {
        "status": "OFFERED",
        "order": None,
        "lines": [{"sku": "A", "orderLine": None}],
        "actions": [
            {"name": "fulfillmentAccept", "allowed": False, "reason": "It needs the scope fulfillments:write."},
            {"name": "fulfillmentReject", "allowed": False, "reason": "It needs the scope fulfillments:write."},
            {"name": "fulfillmentReassign", "allowed": False, "reason": "It needs the scope fulfillments:write."},
            {"name": "shipmentCreate", "allowed": False, "reason": "It is OFFERED."},
            {"name": "fulfillmentCancelAccept", "allowed": False, "reason": "It is OFFERED."},
            {"name": "fulfillmentCancelReject", "allowed": False, "reason": "It is OFFERED."},
        ],
    }


async def test_every_object_is_found_by_its_id_and_not_by_another_tenant(desk: Desk, world: World) -> None:
    await desk.open({"A": {"north": 6}})
    order = await desk.order(lines={"A": 1})
    work = order["fulfillments"][0]
    await desk.accept(work)
    shipment = await desk.ship(work)
    ids = [
        work["id"], work["lines"][0]["id"], shipment["id"], shipment["lines"][0]["id"], shipment["packages"][0]["id"],
    ]  # fmt: skip
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }"
    assert [node["__typename"] for node in (await desk.api(query, ids=ids))["nodes"]] == [
        "Fulfillment", "FulfillmentLine", "Shipment", "ShipmentLine", "Package",
    ]  # fmt: skip
    stranger = await world.tenant()
    assert (await stranger(query, ids=ids))["nodes"] == [None] * 5
    assert await stranger.codes(ACCEPT, input={"id": work["id"]}) == ["NOT_FOUND"]
    scan = {"id": shipment["id"], "status": "DELIVERED", "at": (at(0) - timedelta(seconds=1)).isoformat()}
    assert await stranger.codes(TRACK, input=scan) == ["NOT_FOUND"]
