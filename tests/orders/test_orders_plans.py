"""Every sort key and every way to find an order goes through an index, on both engines."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete
from sqlmodel import col, select

from oms_api.kit import ids
from oms_api.kit.caller import system
from oms_api.kit.db import Tx, mine
from oms_api.kit.ids import NOBODY
from oms_api.kit.paging import Window
from oms_api.orders.models import ORDER, Order, OrderLine
from oms_api.orders.queries import page, rows
from oms_api.orders.queries.page import OrderSortKey
from orders.store import Store
from world import World

BY_INDEX = {
    OrderSortKey.CREATED_AT: "ix_orders_created",
    OrderSortKey.UPDATED_AT: "ix_orders_updated",
    OrderSortKey.NUMBER: "uq_orders_number",
}


ORDERS = 3000


async def fill(store: Store) -> None:
    """Orders that differ in everything that they can be found by, each with a line of a SKU of its own 30."""
    skus = [f"S{i}" for i in range(30)]
    await store.open({code: {"dc": 1} for code in skus})
    order = await store.create({"S0": 1})
    own = {"tenant_id": store.api.tenant_id}
    async with store.world.db.transaction(system(store.api.tenant_id)) as tx:
        order_id = ORDER.parse(order["id"])
        like = (await rows.orders_by_id(tx, [order_id]))[order_id]
        line = (await rows.lines_of(tx, [order_id]))[order_id][0]
        made = [ids.new() for _ in range(ORDERS)]
        await tx.insert(
            Order,
            [
                {
                    **like.__dict__, **own, "id": id_, "number": 2000 + i, "external_id": f"x-{i}",
                    "customer_email": f"c{i}@example.com", "created_at": like.created_at + timedelta(seconds=i),
                    "updated_at": like.updated_at + timedelta(seconds=-i), "promised_asc": i, "promised_desc": i,
                    "lapses_at": like.created_at + timedelta(days=i) if i % 100 == 0 else None,
                }
                for i, id_ in enumerate(made)
            ],
        )  # fmt: skip
        await tx.insert(
            OrderLine,
            [
                {
                    **line.__dict__, **own, "id": ids.new(), "order_id": id_, "sku": skus[i % 30],
                    **({"reserved": 0, "allocated": 0, "backordered": 1} if i % 100 == 0 else {}),
                }
                for i, id_ in enumerate(made)
            ],
        )  # fmt: skip
        await tx.text("ANALYZE orders")
        await tx.text("ANALYZE order_lines")


@pytest.fixture(scope="module")
async def full(world: World) -> AsyncIterator[Store]:
    store = Store(world, await world.tenant())
    await fill(store)
    yield store
    # nobody placed these orders, so no book of the ledgers knows them: they must not outlive this module
    async with world.db.transaction(system(store.api.tenant_id)) as tx:
        made = select(Order.id).where(mine(Order), col(Order.number) >= 2000)
        await tx.run(delete(OrderLine.__table__).where(mine(OrderLine), col(OrderLine.order_id).in_(made)))
        await tx.run(delete(Order.__table__).where(mine(Order), col(Order.number) >= 2000))


async def plan_of(tx: Tx, statement: Any, **values: Any) -> str:
    explain = "EXPLAIN QUERY PLAN" if tx.engine == "sqlite" else "EXPLAIN"
    compiled = tx._compiled(statement)
    arguments = compiled.arguments({"tenant": tx.tenant_id, **values})
    found = await tx._driver.fetch(tx._connection, f"{explain} {compiled.sql}", arguments)
    return "\n".join(str(row[-1]) for row in found)


@pytest.mark.parametrize("key", list(OrderSortKey))
@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
async def test_each_sort_key_is_read_in_its_order_from_an_index(
    full: Store, key: OrderSortKey, down: bool, backwards: bool
) -> None:
    names, descending = page.sort_columns([(key, down)])
    statement = page._whole(tuple(names), tuple(descending), False, False, backwards)
    async with full.world.db.transaction(system(full.api.tenant_id)) as tx:
        plan = await plan_of(tx, statement, size=20)
    index = BY_INDEX.get(key, "ix_orders_promised_desc" if down else "ix_orders_promised_asc")
    assert index in plan
    assert "TEMP B-TREE" not in plan and "Sort" not in plan, plan


@pytest.mark.parametrize(
    ("where", "index"),
    [
        ({"number": {"eq": "1001"}}, "uq_orders_number"),
        ({"external_id": {"eq": "x"}}, "uq_orders_external_id"),
        ({"customer_email": {"eq": "Ada@example.com"}}, "ix_orders_email"),
        ({"sku": {"eq": "A"}}, "ix_order_lines_sku"),
    ],
)
async def test_what_names_few_orders_is_looked_up(full: Store, where: dict[str, Any], index: str) -> None:
    statement = page.select(page.Order.id).where(page.mine(page.Order), page.condition(where))
    async with full.world.db.transaction(system(full.api.tenant_id)) as tx:
        assert index in await plan_of(tx, statement)


async def test_a_search_takes_each_way_through_its_own_index(full: Store) -> None:
    statement = page.select(page.Order.id).where(page.mine(page.Order), page._search("1001"))
    async with full.world.db.transaction(system(full.api.tenant_id)) as tx:
        plan = await plan_of(tx, statement)
    for index in ("uq_orders_number", "uq_orders_external_id", "ix_orders_email", "ix_order_lines_sku"):
        assert index in plan


async def test_timers_read_only_what_waits(full: Store) -> None:
    async with full.world.db.transaction(system(full.api.tenant_id)) as tx:
        assert "ix_orders_lapse" in await plan_of(tx, rows._LAPSING)
        assert "ix_order_lines_backordered" in await plan_of(tx, rows._WAITING, skus=["A"], after=NOBODY)


async def test_a_window_of_the_whole_list_is_the_one_that_was_asked_for() -> None:
    asked = Window(20, after=(1, "x"), before=(2, "y"))
    assert page._named(asked) == {"after_0": 1, "after_1": "x", "before_0": 2, "before_1": "y"}
