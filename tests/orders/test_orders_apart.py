"""What is done for many orders is done for each apart: one that cannot be done holds up no other and is tried again."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import col, select

import invariants
from oms_api.kit import jobs
from oms_api.kit.caller import system
from oms_api.kit.jobs import Failure
from oms_api.orders.models import ORDER, DeliveryGroup
from orders.store import ADDRESS, UNITS, Store, units
from orders.supply import lose, supply
from promising.shop import put_stock

LINES = f"{{ orders(first: 100) {{ nodes {{ lines {{ promisedOn quantities {{ {UNITS} }} }} }} }} }}"


async def readdress(store: Store, order: Any, address: Mapping[str, Any]) -> None:
    """Write another address into the books: one without a country cannot be planned for."""
    books = update(DeliveryGroup.__table__).where(  # type: ignore[attr-defined]
        col(DeliveryGroup.tenant_id) == store.api.tenant_id, col(DeliveryGroup.order_id) == ORDER.parse(order["id"])
    )
    await store.world.db.run(lambda tx: tx.run(books.values(address=dict(address))), system(store.api.tenant_id))


async def failures(store: Store) -> list[Failure]:
    async with store.world.db.reading(store.api.tenant_id) as reading:
        return await reading.all(select(Failure).where(col(Failure.tenant_id) == store.api.tenant_id))


async def failed(store: Store) -> list[str]:
    """Reactions that failed and are to be told again."""
    return [row.reaction for row in await failures(store) if row.next_at is not None]


async def lines(store: Store) -> list[Any]:
    """The first line of every order, the oldest first."""
    nodes = (await store.api(LINES))["orders"]["nodes"]
    return [node["lines"][0] for node in reversed(nodes)]


async def waiting(store: Store) -> list[dict[str, int]]:
    return [units(line) for line in await lines(store)]


async def promised(store: Store) -> list[date]:
    return [date.fromisoformat(line["promisedOn"]) for line in await lines(store)]


async def again(store: Store) -> None:
    """Whatever failed is told again."""
    for row in await failures(store):
        await jobs.react(store.world.jobs, row.reaction, row.tenant_id, [row.event_id])
    await store.world.settle()


async def test_an_order_that_cannot_be_dated_anew_holds_up_no_other(store: Store) -> None:
    await store.open({"A": {"dc": 0}}, paymentRule="AUTHORIZED")
    await supply(store, 60, 10)
    orders = [await store.create({"A": 1}, onShortage="BACKORDER") for _ in range(60)]
    first = (await promised(store))[0]
    await readdress(store, orders[0], {"city": "Nowhere"})
    await supply(store, 60, 17)
    later = first + timedelta(days=7)
    assert await promised(store) == [first] + [later] * 59
    assert await failed(store) == ["orders.redate"]
    await readdress(store, orders[0], ADDRESS)
    await again(store)
    assert await promised(store) == [later] * 60
    await invariants.check(store.world, store.api.tenant_id)


async def test_an_order_that_cannot_be_planned_keeps_no_stock_from_those_behind_it(store: Store) -> None:
    await store.open({"A": {"dc": 0}})
    orders = [await store.create({"A": 1}, onShortage="BACKORDER") for _ in range(3)]
    await readdress(store, orders[0], {"city": "Nowhere"})
    await put_stock(store.api, {"A": {"dc": 3}})
    await store.world.settle()
    assert await waiting(store) == [{"backordered": 1}, {"allocated": 1}, {"allocated": 1}]
    assert await failed(store) == ["orders.cover_backorders"]
    await readdress(store, orders[0], ADDRESS)
    await again(store)
    assert await waiting(store) == [{"allocated": 1}] * 3
    await invariants.check(store.world, store.api.tenant_id)


async def test_an_order_whose_short_units_cannot_be_planned_again_shields_no_other(store: Store) -> None:
    """The youngest gives up first; as long as it cannot, the next one does."""
    await store.open({"A": {"dc": 3}}, paymentRule="AUTHORIZED")
    orders = [await store.create({"A": 1}) for _ in range(3)]
    await readdress(store, orders[2], {"city": "Nowhere"})
    await lose(store, 2)
    assert await waiting(store) == [{"reserved": 1}, {"backordered": 1}, {"reserved": 1}]
    assert await failed(store) == ["fulfillment.take_back_short"]
    await readdress(store, orders[2], ADDRESS)
    await again(store)
    assert await waiting(store) == [{"reserved": 1}, {"backordered": 1}, {"backordered": 1}]
    await invariants.check(store.world, store.api.tenant_id)
