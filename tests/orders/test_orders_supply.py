"""Promises follow the supply that they lean on, and what is promised but not there is taken back."""

import asyncio
from datetime import timedelta

import invariants
from orders.store import HOLD, Store, sku, units
from orders.supply import ADJUST, changes, in_days, lose, promised, supply
from promising.shop import lines, put_stock
from world import travel

LOOK = "query($id: ID!) { node(id: $id) { ... on Reservation { lines { sku quantity } } } }"
WORK = """query($id: ID!) { order(by: { id: $id }) { status fulfillments { id status location { handle }
  lines { sku quantity } } } }"""
SHIP = """mutation($input: ShipmentCreateInput!) { shipmentCreate(input: $input) { userErrors { code } } }"""
OWN = {"tracking": {"carrier": "UPS", "number": "1Z999"}}
ACCEPT = """mutation($input: FulfillmentAcceptInput!) { fulfillmentAccept(input: $input) { userErrors { code } } }"""


async def test_supply_that_slips_or_comes_sooner_dates_the_line_anew_and_says_so(store: Store) -> None:
    await store.open({"A": {"dc": 1}}, paymentRule="AUTHORIZED")
    await supply(store, 5, 10)
    order = await store.create({"A": 3}, onShortage="BACKORDER")
    first = await promised(store, order)
    assert first is not None
    await supply(store, 5, 17)
    second = await promised(store, order)
    assert second == first + timedelta(days=7)
    await supply(store, 5, 3)
    third = await promised(store, order)
    assert third == first - timedelta(days=7)
    assert await changes(store, order) == [
        (first.isoformat(), second.isoformat(), "supply_changed"),
        (second.isoformat(), third.isoformat(), "supply_changed"),
    ]
    await supply(store, 6, 3)
    assert len(await changes(store, order)) == 2
    await invariants.check(store.world, store.api.tenant_id)


async def test_promises_lean_on_the_date_of_confidence(store: Store) -> None:
    await store.open({"A": {"dc": 0}}, paymentRule="AUTHORIZED")
    await supply(store, 5, 10, confident=24)
    order = await store.create({"A": 3}, onShortage="BACKORDER")
    day = await promised(store, order)
    assert day is not None and day >= in_days(24).date()
    await supply(store, 5, 10)
    assert await promised(store, order) == day - timedelta(days=14)


async def test_overdue_supply_is_told_once_and_counts_from_tomorrow(store: Store) -> None:
    await store.open({"A": {"dc": 0}}, paymentRule="AUTHORIZED", paymentWindowSeconds=30 * 86_400)
    await supply(store, 5, 2)
    order = await store.create({"A": 3}, onShortage="BACKORDER")
    first = await promised(store, order)
    assert first is not None
    await store.world.tick("inventory.late")
    assert await changes(store, order) == []
    with travel(days=8):
        for _ in range(2):
            await store.world.tick("inventory.late")
        new = await promised(store, order)
        assert new is not None
        assert new == first + timedelta(days=7)  # due six days ago, now tomorrow
        assert await changes(store, order) == [(first.isoformat(), new.isoformat(), "supply_late")]
        nodes = (await store.api("{ events(first: 100) { nodes { topic } } }"))["events"]["nodes"]
        assert [node["topic"] for node in nodes].count("supply.late") == 1
        await supply(store, 5, 20)
        assert len(await changes(store, order)) == 2


async def test_sixty_orders_that_lean_on_one_supply_are_all_dated_anew(store: Store) -> None:
    await store.open({"A": {"dc": 0}}, paymentRule="AUTHORIZED")
    await supply(store, 60, 10)
    orders = [await store.create({"A": 1}, onShortage="BACKORDER") for _ in range(60)]
    first = await promised(store, orders[0])
    assert first is not None
    await supply(store, 60, 17)
    for order in orders:
        assert await promised(store, order) == first + timedelta(days=7)
    await invariants.check(store.world, store.api.tenant_id)


async def test_supply_that_is_withdrawn_leaves_the_line_without_a_date_until_another_comes(store: Store) -> None:
    await store.open({"A": {"dc": 0}}, paymentRule="AUTHORIZED")
    await supply(store, 5, 10)
    order = await store.create({"A": 3}, onShortage="BACKORDER")
    first = await promised(store, order)
    assert first is not None
    await supply(store, 0, 10)
    assert await promised(store, order) is None
    assert await changes(store, order) == [(first.isoformat(), None, "stock_short")]
    await put_stock(store.api, {"A": {"dc": 3}})
    await store.world.settle()
    found = await store.look(order)
    assert units(found["lines"][0]) == {"reserved": 3}
    second = await promised(store, order)
    assert second is not None and second < first
    assert await changes(store, order) == [
        (first.isoformat(), None, "stock_short"),
        (None, second.isoformat(), "stock_found"),
    ]
    await invariants.check(store.world, store.api.tenant_id)


async def test_a_supply_that_shrinks_takes_its_units_from_the_youngest(store: Store) -> None:
    await store.open({"A": {"dc": 0}}, paymentRule="AUTHORIZED")
    await supply(store, 5, 10)
    old = await store.create({"A": 3}, onShortage="BACKORDER")
    young = await store.create({"A": 2}, onShortage="BACKORDER")
    await supply(store, 4, 10)
    assert await promised(store, old) is not None
    assert await promised(store, young) is None
    assert await changes(store, old) == []


async def test_units_that_are_gone_are_taken_from_carts_first_then_from_the_youngest_order(store: Store) -> None:
    await store.open({"A": {"dc": 10}}, paymentRule="AUTHORIZED")
    old = await store.create({"A": 4})
    cart = {"lines": lines(A=2), "channel": "web"}
    held = (await store.api.ok(HOLD, input=cart))["reservation"]
    young = await store.create({"A": 4})
    await lose(store, 1)
    assert (await store.api(LOOK, id=held["id"]))["node"]["lines"] == [{"sku": "A", "quantity": 1}]
    await lose(store, 3)
    assert (await store.api(LOOK, id=held["id"]))["node"]["lines"] == []
    assert units((await store.look(young))["lines"][0]) == {"reserved": 2, "backordered": 2}
    assert units((await store.look(old))["lines"][0]) == {"reserved": 4}
    assert await store.reserved("A") == {"A@dc": 6}
    await put_stock(store.api, {"A": {"dc": 8}})
    await store.world.settle()
    assert units((await store.look(young))["lines"][0]) == {"reserved": 4}
    await invariants.check(store.world, store.api.tenant_id)


async def test_work_of_a_location_that_lost_units_goes_to_another_that_has_them(store: Store) -> None:
    await store.open({"A": {"dc": 4, "far": 0}})
    order = await store.create({"A": 4})
    await store.world.settle()
    assert units((await store.look(order))["lines"][0]) == {"allocated": 4}
    await put_stock(store.api, {"A": {"far": 3}})
    await store.world.settle()
    await lose(store, 3)
    found = await store.look(order)
    assert units(found["lines"][0]) == {"allocated": 4}
    assert await store.reserved("A") == {"A@dc": 1, "A@far": 3}
    topics = await store.topics(order)
    assert topics.count("fulfillment.cancelled") == 1 and topics.count("fulfillment.offered") == 2
    await invariants.check(store.world, store.api.tenant_id)


async def test_a_kit_of_which_a_part_is_gone_waits_whole(store: Store) -> None:
    kit = sku("SET", "30.00", kind="KIT", components=[{"sku": "A", "quantity": 2}, {"sku": "B", "quantity": 1}])
    await store.open({"A": {"dc": 4}, "B": {"dc": 2}}, skus=[sku("A"), sku("B"), kit])
    order = await store.create({"SET": 2})
    await store.world.settle()
    await lose(store, 1)
    assert units((await store.look(order))["lines"][0]) == {"allocated": 1, "backordered": 1}
    assert await store.reserved("A", "B") == {"A@dc": 2, "B@dc": 1}
    await put_stock(store.api, {"A": {"dc": 4}})
    await store.world.settle()
    assert units((await store.look(order))["lines"][0]) == {"allocated": 2}
    await invariants.check(store.world, store.api.tenant_id)


async def test_units_that_are_gone_and_a_parcel_that_leaves_never_both_get_them(store: Store) -> None:
    await store.open({"A": {"dc": 10}})
    orders = [await store.create({"A": 1}) for _ in range(10)]
    await store.world.settle()
    work = [(await store.api(WORK, id=order["id"]))["order"]["fulfillments"][0]["id"] for order in orders]
    for id_ in work:
        await store.api.ok(ACCEPT, input={"id": id_})

    async def ship(id_: str) -> None:
        await store.api(SHIP, input={"idempotencyKey": id_, "fulfillmentId": id_, "shipping": OWN})

    async def gone() -> None:
        change = {"sku": "A", "location": "dc", "delta": -4}
        await store.api.answer(ADJUST, input={"changes": [change], "reason": "lost"})
        await store.world.settle()

    await asyncio.gather(gone(), *[ship(id_) for id_ in work])
    await store.world.settle()
    found = [units((await store.look(order))["lines"][0]) for order in orders]
    assert all(one in ({"shipped": 1}, {"backordered": 1}) for one in found)
    assert await store.reserved("A") == {}
    await invariants.check(store.world, store.api.tenant_id)
