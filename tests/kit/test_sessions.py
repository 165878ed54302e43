"""Transactions and readings: who waits, what a cancelled caller leaves behind, parts that are undone."""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import BigInteger
from sqlmodel import col, select, update

from oms_api.kit import ids
from oms_api.kit.caller import system
from oms_api.kit.db import Conflict, Database, Tx, mine, param, prepared
from oms_api.kit.db.sqlite import IN_LOOP_S
from oms_api.kit.events import EventSubject
from oms_api.kit.ids import NOBODY
from world import World

_COUNTERS = prepared(select(EventSubject).where(mine(EventSubject)))
_COUNTER = prepared(select(EventSubject).where(mine(EventSubject), col(EventSubject.id) == param("id")))
_MORE = prepared(
    update(EventSubject.__table__)  # type: ignore[attr-defined]
    .where(mine(EventSubject), col(EventSubject.id) == param("id"))
    .values(sequence=col(EventSubject.sequence) + param("more", BigInteger()))
)
LONG = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) SELECT count(*) FROM n"
NEVER = LONG.format(10**12)


@contextlib.asynccontextmanager
async def pulse() -> AsyncIterator[list[float]]:
    """Filled at the end: the longest time, in seconds, for which nothing else on the loop could run."""
    longest = [0.0]

    async def beat() -> None:
        at = time.monotonic()
        while True:
            await asyncio.sleep(0)
            at, before = time.monotonic(), at
            longest[0] = max(longest[0], at - before)

    beating = asyncio.create_task(beat())
    await asyncio.sleep(0)
    try:
        yield longest
    finally:
        beating.cancel()


def counter(tenant_id: Any, **values: Any) -> dict[str, Any]:
    return {"tenant_id": tenant_id, "id": ids.new(), "sequence": 0, **values}


async def test_a_long_read_holds_up_nobody(world: World) -> None:
    async with world.db.reading(NOBODY) as reading, pulse() as longest:
        started = time.monotonic()
        ((count,),) = await reading.text(LONG.format(2_000_000))
        took = time.monotonic() - started
    assert count == 2_000_000
    assert took > 5 * IN_LOOP_S, "not long enough to tell"
    assert longest[0] < took / 2


async def test_a_long_read_of_a_transaction_sees_its_rows_and_holds_up_nobody(world: World) -> None:
    tenant_id = ids.new()
    sql = LONG.format(2_000_000) + " UNION ALL SELECT sequence FROM event_subjects WHERE sequence = 1234567"
    for _ in range(2):  # on SQLite the first tells that it is long
        async with world.db.transaction(system(tenant_id)) as tx, pulse() as longest:
            await tx.insert(EventSubject, [counter(tenant_id, sequence=1_234_567)])
            started = time.monotonic()
            found = await tx.text(sql)
            took = time.monotonic() - started
            tx.discard()
    assert [row[0] for row in found] == [2_000_000, 1_234_567]
    assert longest[0] < took / 2


async def test_reads_without_end_let_others_run(world: World) -> None:
    async with world.db.reading(ids.new()) as reading, pulse() as longest:
        started = time.monotonic()
        for _ in range(3_000):
            await reading.all(_COUNTERS)
        took = time.monotonic() - started
    assert longest[0] < took / 2


async def test_a_cancelled_read_ends_and_the_next_one_runs(world: World) -> None:
    async def read() -> None:
        async with world.db.reading(NOBODY) as reading:
            await reading.text(NEVER)

    reading = [asyncio.create_task(read()) for _ in range(8)]
    await asyncio.sleep(0.3)
    started = time.monotonic()
    for one in reading:
        one.cancel()
    ended = await asyncio.gather(*reading, return_exceptions=True)
    assert [type(end) for end in ended] == [asyncio.CancelledError] * 8
    async with world.db.reading(NOBODY) as again:
        assert [tuple(row) for row in await again.text(LONG.format(100_000))] == [(100_000,)]
    assert time.monotonic() - started < 5


async def test_a_transaction_that_is_cancelled_anywhere_is_there_as_a_whole_or_not_at_all(world: World) -> None:
    tenant_id = ids.new()
    caller = system(tenant_id)
    kept = {0: 0, 2: 0}

    async def two(number: int) -> None:
        async with world.db.transaction(caller) as tx:
            for _ in range(2):
                await tx.insert(EventSubject, [counter(tenant_id, sequence=number)])
                await asyncio.sleep(0)

    for number in range(60):
        going = asyncio.create_task(two(number))
        if number % 2:
            await asyncio.sleep(number / 60 * 0.005)
        else:
            for _ in range(number // 2):
                await asyncio.sleep(0)
        going.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await going
        async with world.db.reading(tenant_id) as reading:
            kept[sum(row.sequence == number for row in await reading.all(_COUNTERS))] += 1
    assert kept[0] > 0
    async with asyncio.timeout(5):
        await two(60)  # nobody left a lock behind
    async with world.db.reading(tenant_id) as reading:
        assert len(await reading.all(_COUNTERS)) == 2 * kept[2] + 2


async def test_a_transaction_waits_for_the_writer_of_another_process_and_holds_up_nobody(world: World) -> None:
    if world.db.engine != "sqlite":
        return  # one writer a file
    tenant_id = ids.new()
    other = sqlite3.connect(world.url.split(":///", 1)[1], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with pulse() as longest:

        async def write() -> None:
            async with world.db.transaction(system(tenant_id)) as tx:
                await tx.insert(EventSubject, [counter(tenant_id)])

        writing = asyncio.create_task(write())
        done, _ = await asyncio.wait({writing}, timeout=0.3)
        assert not done
        async with world.db.reading(tenant_id) as reading:
            assert await reading.all(_COUNTERS) == []
        other.execute("COMMIT")
        await writing
    other.close()
    assert longest[0] < 0.2
    async with world.db.reading(tenant_id) as reading:
        assert len(await reading.all(_COUNTERS)) == 1


async def test_two_loops_write_the_same_row_one_after_the_other(world: World) -> None:
    tenant_id = ids.new()
    row = counter(tenant_id)

    async def more(db: Database) -> None:
        async def work(tx: Tx) -> None:
            before = await tx.first(_COUNTER, {"id": row["id"]})
            assert await tx.run(_MORE, {"id": row["id"], "more": 1}) == 1
            after = await tx.first(_COUNTER, {"id": row["id"]})
            assert after.sequence > before.sequence

        await asyncio.gather(*[db.run(work, system(tenant_id)) for _ in range(50)])

    async def elsewhere() -> None:
        db = Database(world.url, pool_size=4)
        await more(db)
        await db.close()

    async with world.db.transaction(system(tenant_id)) as tx:
        await tx.insert(EventSubject, [row])
    thread = threading.Thread(target=lambda: asyncio.run(elsewhere()))
    thread.start()
    await more(world.db)
    await asyncio.to_thread(thread.join)
    async with world.db.reading(tenant_id) as reading:
        assert (await reading.first(_COUNTER, {"id": row["id"]})).sequence == 100


# --- attempts ------------------------------------------------------------------------------------------------------


async def test_an_attempt_that_fails_leaves_no_row_no_fact_and_no_hook(world: World) -> None:
    tenant_id = ids.new()
    row, more = counter(tenant_id), counter(tenant_id)
    done = []
    async with world.db.transaction(system(tenant_id)) as tx:
        await tx.insert(EventSubject, [row])
        with pytest.raises(Conflict):
            async with tx.attempt():
                await tx.insert(EventSubject, [more])
                tx.after_commit(lambda: done.append("undone"))
                await tx.insert(EventSubject, [row])
        tx.after_commit(lambda: done.append("kept"))
    async with world.db.reading(tenant_id) as reading:
        assert [kept.id for kept in await reading.all(_COUNTERS)] == [row["id"]]
    assert done == ["kept"]


async def test_an_attempt_inside_another_is_undone_with_it(world: World) -> None:
    tenant_id = ids.new()
    first, second, third = (counter(tenant_id) for _ in range(3))
    async with world.db.transaction(system(tenant_id)) as tx:
        tx.notes["seen"] = seen = ["before"]
        with pytest.raises(LookupError):
            async with tx.attempt():
                await tx.insert(EventSubject, [first])
                async with tx.attempt():
                    await tx.insert(EventSubject, [second])
                    seen.append("inside")
                raise LookupError
        assert tx.notes["seen"] == ["before"]
        async with tx.attempt():
            await tx.insert(EventSubject, [third])
            tx.notes["seen"].append("after")
        assert tx.notes["seen"] == ["before", "after"]
    async with world.db.reading(tenant_id) as reading:
        assert [kept.id for kept in await reading.all(_COUNTERS)] == [third["id"]]
