"""Stock from memory is what the database says at that moment, whoever changed it, wherever, in whatever order."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest

from inventory.stock_verbs import DRIVEN, SKUS, Verbs
from inventory.stock_world import Shop, open_shop, soon
from oms_api import inventory
from oms_api.inventory import (
    Change,
    Incoming,
    Memory,
    Ruled,
    Stock,
    StockRuleKind,
)
from oms_api.inventory.queries.news import NEWS_MAX
from oms_api.kit import events
from oms_api.kit.caller import system
from oms_api.kit.db import Database, Reading, Tx
from world import World, statements, travel

Told = tuple[list[tuple[Any, ...]], list[Incoming]]


def plain(stock: list[Stock], incoming: list[Incoming]) -> Told:
    """Comparable; a position that never had a unit is none, and when it was last written is no stock."""
    rows = [row._replace(updated_at=datetime(2000, 1, 1, tzinfo=UTC)) for row in stock if row.on_hand or row.reserved]
    return sorted(rows, key=lambda row: (row.sku, row.location_id)), sorted(incoming)


async def known(db: Database, shop: Shop, memory: Memory, skus: list[str] = SKUS, **limits: Any) -> Told:
    async with db.reading(shop.api.tenant_id) as reading:
        found = await inventory.known_stock(reading, skus, None, memory=memory, **limits)
    return plain(found.stock, found.incoming)


async def fresh(db: Database, shop: Shop, skus: list[str] = SKUS, **limits: Any) -> Told:
    async with db.reading(shop.api.tenant_id) as reading:
        return plain(*await inventory.stock(reading, skus, None, **limits))


async def stamp(shop: Shop) -> None:
    """Facts get their positions; nobody reacts to them."""
    while len(await events.stamp(shop.world.db, system(shop.api.tenant_id))) == events.STAMP_BATCH_MAX:
        pass


async def reserved(db: Database, shop: Shop, memory: Memory, sku: str = "A") -> int:
    rows, _ = await known(db, shop, memory, [sku])
    return sum(row[3] for row in rows)


# --- every verb -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(2))
async def test_after_every_verb_what_is_known_is_what_is_there(shop: Shop, seed: int) -> None:
    verbs, often, seldom = Verbs(shop, seed), Memory(), Memory(rows_max=12)
    await shop.stocked(A=9, B=9, C=9, A_west=9)
    db = shop.world.db
    with travel():
        for number in range(300):
            name = await verbs.step()
            if number % 7 == 0:
                await stamp(shop)
            for limits in ({}, {"method": "PICKUP", "channel": "web"}):
                there = await fresh(db, shop, **limits)
                assert await known(db, shop, often, **limits) == there, f"seed {seed}, step {number}: {name}"
                if number % 5 == 0:
                    assert await known(db, shop, seldom, **limits) == there, f"seed {seed}, step {number}: {name}"
        assert seldom.rows <= 12
        assert set(DRIVEN) - verbs.done == set()


def test_every_verb_is_driven() -> None:
    assert [name for name in DRIVEN if not hasattr(Verbs, name)] == []
    assert len(DRIVEN) > 15


# --- processes and the order of commits -----------------------------------------------------------------------------


async def test_what_one_process_wrote_the_next_read_of_another_sees(shop: Shop) -> None:
    here, there = shop.world.db, Database(shop.world.url)
    mine, theirs = Memory(), Memory()
    await shop.stocked(A=9)
    try:
        for held in range(1, 4):
            await shop.reserve(shop.want("A", 1))
            assert await reserved(there, shop, theirs) == held
            assert await reserved(here, shop, mine) == held
            await stamp(shop)
            assert await reserved(there, shop, theirs) == held
    finally:
        await there.close()


async def test_a_transaction_that_commits_after_a_later_one_is_seen(shop: Shop) -> None:
    db, memory = shop.world.db, Memory()
    if db.engine == "sqlite":
        return  # one writer at a time: commits come in the order of ids
    await shop.stocked(A=9, B=9)
    written, go = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with db.transaction(system(shop.api.tenant_id)) as tx:
            await inventory.reserve(tx, [shop.want("A", 1)], expires_at=soon(seconds=900))

            async def wait(_: Tx) -> None:
                written.set()
                await go.wait()

            tx.before_commit(wait)

    late = asyncio.create_task(slow())
    await written.wait()
    await shop.reserve(shop.want("B", 1))
    assert (await reserved(db, shop, memory), await reserved(db, shop, memory, "B")) == (0, 1)
    await stamp(shop)
    assert (await reserved(db, shop, memory), await reserved(db, shop, memory, "B")) == (0, 1)
    go.set()
    await late
    assert (await reserved(db, shop, memory), await reserved(db, shop, memory, "B")) == (1, 1)
    await stamp(shop)
    assert (await reserved(db, shop, memory), await reserved(db, shop, memory, "B")) == (1, 1)


class Slow(Reading):
    """A reading whose rows come late: others write and read between its statement and its answer."""

    def __init__(self, reading: Reading, meanwhile: Callable[[], Awaitable[None]]) -> None:
        super().__init__(reading._driver, reading._connection, reading.tenant_id)
        self.meanwhile = meanwhile

    async def all(self, statement: Any, values: Any = MappingProxyType({})) -> list[Any]:
        rows = await super().all(statement, values)
        await self.meanwhile()
        return rows


async def test_who_read_before_a_change_and_answers_after_it_does_not_put_the_old_over_the_new(shop: Shop) -> None:
    db, memory = shop.world.db, Memory()
    await shop.stocked(A=9)

    async def meanwhile() -> None:
        await shop.reserve(shop.want("A", 2))
        assert await reserved(db, shop, memory) == 2
        await stamp(shop)
        assert await reserved(db, shop, memory) == 2

    async with db.reading(shop.api.tenant_id) as reading:
        found = await inventory.known_stock(Slow(reading, meanwhile), ["A"], None, memory=memory)
    assert [row.reserved for row in found.stock] == [0]
    assert await reserved(db, shop, memory) == 2


async def test_readers_and_writers_at_once_end_with_what_is_there(shop: Shop) -> None:
    memory, other = Memory(), Memory(rows_max=6)
    await shop.stocked(A=500, B=500, C=500)
    db, stop = shop.world.db, asyncio.Event()

    async def write(number: int) -> None:
        sku = SKUS[number % 3]
        if number % 2:
            await shop.reserve(shop.want(sku, 1))
        else:
            await shop.run(lambda tx: inventory.adjust(tx, [Change(sku, "east", 1)], reason="r"))

    async def read(number: int) -> None:
        before = [0, 0]
        while not stop.is_set():
            now = [await reserved(db, shop, one) for one in (memory, other)]
            assert min(a - b for a, b in zip(now, before, strict=True)) >= 0  # carts only come
            before = now
            await asyncio.sleep(0.02)

    def elsewhere() -> None:
        """The same memory in another thread, with a loop and connections of its own."""

        async def run() -> None:
            its = Database(shop.world.url)
            for _ in range(30):
                await reserved(its, shop, memory)
            await its.close()

        asyncio.run(run())

    readers = [asyncio.create_task(read(number)) for number in range(100)]
    thread = asyncio.create_task(asyncio.to_thread(elsewhere))
    for start in range(0, 100, 25):
        await asyncio.gather(*[write(number) for number in range(start, start + 25)])
        await stamp(shop)
    await thread
    stop.set()
    await asyncio.gather(*readers)
    there = await fresh(db, shop)
    assert [row[3] for row in there[0]] == [17, 17, 16]
    assert await known(db, shop, memory) == await known(db, shop, other) == there


# --- time ------------------------------------------------------------------------------------------------------------


async def test_time_alone_changes_what_is_known(shop: Shop) -> None:
    db, memory = shop.world.db, Memory()
    await shop.stocked(A=9)
    await shop.reserve(shop.want("A", 2), seconds=60)
    await shop.reserve(shop.want("A", 3), seconds=120)
    for later, held in ((0, 5), (59, 5), (61, 3), (0, 5), (121, 0)):
        with travel(seconds=later):
            assert await reserved(db, shop, memory) == held


async def test_a_rule_begins_ends_and_counts_its_day_anew(shop: Shop) -> None:
    db, memory = shop.world.db, Memory()
    await shop.stocked(A=9)
    kept, cap = StockRuleKind.SAFETY_STOCK, StockRuleKind.MAX_PER_DAY

    async def put(*rows: Ruled) -> None:
        await shop.run(lambda tx: inventory.put_rules(tx, rows))

    await put(
        Ruled("box", kept, "A", 4, starts_at=soon(hours=1), ends_at=soon(hours=2)),
        Ruled("cap", cap, "A", 5, location="east"),
    )
    await shop.reserve(shop.want("A", 2))
    seen = []
    for later in (0, 0.99, 1.01, 1.99, 2.01, 48):
        with travel(hours=later):
            rows, _ = await known(db, shop, memory)
            assert (rows, []) == await fresh(db, shop)
            seen.append(rows[0][6])
            allowed = rows[0][7]
    assert seen == [None, None, 4, 4, None, None]
    assert allowed == 5


# --- what it costs, and bounds ---------------------------------------------------------------------------------------


async def test_one_statement_and_a_second_only_for_what_changed(shop: Shop) -> None:
    db, memory = shop.world.db, Memory()
    await shop.stocked(A=9, B=9)
    counts = []
    for change in (None, None, "A", None, "D", None):
        if change:
            await shop.stocked(**{change: 1})
        with statements() as ran:
            await known(db, shop, memory)
        counts.append(len(ran))
        await stamp(shop)
    assert counts == [1, 1, 2, 1, 1, 1]
    with statements() as ran:
        await known(db, shop, memory, ["A", "D"])
    assert len(ran) == 1  # D was never read: it is, together with what is new


async def test_after_more_facts_than_are_looked_at_everything_is_read_once(shop: Shop) -> None:
    db, memory = shop.world.db, Memory()
    await shop.stocked(A=9, B=9)
    await known(db, shop, memory)
    for settles in (False, True):
        for _ in range(NEWS_MAX // 250 + 1):
            changes = [Change("A" if i % 2 else "C", "east", 1) for i in range(2)]

            async def work(tx: Tx, changes: list[Change] = changes) -> None:
                for _ in range(125):
                    await inventory.adjust(tx, changes, reason="r")

            await shop.run(work)
        if settles:
            await stamp(shop)
        assert await known(db, shop, memory) == await fresh(db, shop)
    with statements() as ran:
        await known(db, shop, memory)
    assert len(ran) == 1


async def test_tenants_do_not_meet_and_the_least_used_is_forgotten(world: World) -> None:
    first, second, memory = await open_shop(world), await open_shop(world), Memory(rows_max=4)
    await first.stocked(A=1, B=1)
    await second.stocked(A=7, B=7)
    for _ in range(2):
        for shop, units in ((first, 1), (second, 7)):
            rows, _ = await known(world.db, shop, memory, ["A", "B"])
            assert [row[2] for row in rows] == [units, units]
            assert memory.rows <= 4
    await second.stocked(A=1)
    assert [row[2] for row in (await known(world.db, first, memory, ["A"]))[0]] == [1]
    assert [row[2] for row in (await known(world.db, second, memory, ["A"]))[0]] == [8]


async def test_a_transaction_reads_what_it_wrote_itself(shop: Shop) -> None:
    await shop.stocked(A=9)

    async def work(tx: Tx) -> list[int]:
        await inventory.known_stock(tx, ["A"], None)
        await inventory.adjust(tx, [Change("A", "east", 1)], reason="r")
        return [row.on_hand for row in (await inventory.known_stock(tx, ["A"], None)).stock]

    assert await shop.run(work) == [10]
