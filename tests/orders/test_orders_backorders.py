"""Units that were taken without stock: they wait, are dated by supply, and are held when they are there."""

from datetime import UTC, datetime, timedelta

from orders.store import Store, minor, sku, units
from orders.supply import changes
from promising.shop import put_stock, put_supply

RECEIVE = """mutation($input: SupplyReceiveInput!) { supplyReceive(input: $input) { userErrors { code message } } }"""


def in_days(days: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


async def _receive(store: Store, reference: str, quantity: int) -> None:
    sent = {
        "idempotencyKey": f"rcv-{reference}-{quantity}",
        "receipts": [{"reference": reference, "quantity": quantity}],
    }
    await store.api.ok(RECEIVE, input=sent)
    await store.world.settle()


async def test_units_that_wait_for_supply_have_a_date_and_are_held_when_it_comes(store: Store) -> None:
    await store.open({"A": {"dc": 1}}, paymentRule="AUTHORIZED")
    await put_supply(store.api, "PO-1", "A", "dc", 5, in_days(10))
    order = await store.create({"A": 3}, onShortage="BACKORDER")
    (line,) = order["lines"]
    assert units(line) == {"reserved": 1, "backordered": 2}
    assert datetime.fromisoformat(line["promisedOn"]).date() >= in_days(10).date()
    assert await store.reserved("A") == {"A@dc": 1}
    await _receive(store, "PO-1", 5)
    filled = await store.look(order)
    assert units(filled["lines"][0]) == {"reserved": 3}
    assert (filled["version"], minor(filled["total"])) == (2, 3000)
    assert await store.reserved("A") == {"A@dc": 3}
    assert (await store.topics(order)).count("order.backorders_filled") == 1


async def test_supply_that_is_announced_later_gives_the_date(store: Store) -> None:
    await store.open({"A": {"dc": 0}}, paymentRule="AUTHORIZED")
    order = await store.create({"A": 2}, onShortage="BACKORDER")
    assert order["lines"][0]["promisedOn"] is None
    await put_supply(store.api, "PO-1", "A", "dc", 2, in_days(10))
    await store.world.settle()
    (line,) = (await store.look(order))["lines"]
    assert units(line) == {"backordered": 2}
    assert datetime.fromisoformat(line["promisedOn"]).date() >= in_days(10).date()
    assert await changes(store, order) == [(None, line["promisedOn"], "stock_found")]
    await put_supply(store.api, "PO-2", "A", "dc", 2, in_days(3))
    await store.world.settle()
    assert len(await changes(store, order)) == 1


async def test_stock_goes_to_the_orders_that_wait_the_oldest_first(store: Store) -> None:
    await store.open({"A": {"dc": 0}}, paymentRule="AUTHORIZED")
    first, second, third = [await store.create({"A": 2}, onShortage="BACKORDER") for _ in range(3)]
    await put_stock(store.api, {"A": {"dc": 3}})
    await store.world.settle()
    found = [units((await store.look(order))["lines"][0]) for order in (first, second, third)]
    assert found == [{"reserved": 2}, {"backordered": 1, "reserved": 1}, {"backordered": 2}]
    assert await store.reserved("A") == {"A@dc": 3}
    await store.world.settle()
    assert await store.reserved("A") == {"A@dc": 3}


async def test_units_that_an_order_lets_go_reach_those_that_wait(store: Store) -> None:
    await store.open({"A": {"dc": 2}}, paymentRule="AUTHORIZED", paymentWindowSeconds=60)
    given_up = await store.create({"A": 2})
    paid = await store.create({"A": 1}, onShortage="BACKORDER")
    await store.authorize(paid)
    cancel = """mutation($input: OrderCancelInput!) { orderCancel(input: $input) { userErrors { code message } } }"""
    await store.api.ok(cancel, input={"idempotencyKey": "c-1", "order": {"id": given_up["id"]}, "reason": "customer"})
    await store.world.settle()
    (line,) = (await store.look(paid))["lines"]
    assert line["quantities"]["backordered"] == 0
    assert line["promisedOn"] is not None
    assert await store.reserved("A") == {"A@dc": 1}


async def test_a_kit_waits_until_its_last_component_is_there(store: Store) -> None:
    kit = sku("SET", "30.00", kind="KIT", components=[{"sku": "CUP", "quantity": 4}, {"sku": "POT", "quantity": 1}])
    await store.open({"CUP": {"dc": 8}, "POT": {"dc": 1}}, skus=[sku("CUP"), sku("POT"), kit], paymentRule="AUTHORIZED")
    order = await store.create({"SET": 2}, onShortage="BACKORDER")
    assert units(order["lines"][0]) == {"reserved": 1, "backordered": 1}
    await put_stock(store.api, {"POT": {"dc": 2}})
    await store.world.settle()
    assert units((await store.look(order))["lines"][0]) == {"reserved": 2}
    assert await store.reserved("CUP", "POT") == {"CUP@dc": 8, "POT@dc": 2}
