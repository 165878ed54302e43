"""Who is cancelled (the client is gone, the time is up) leaves nothing behind: no row, no lock, no place in a line."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from oms_api.kit import clock, ids
from oms_api.kit.caller import Caller, system
from oms_api.kit.db import Database, Tx, columns, mine
from oms_api.kit.inbox import InboxMessage, MessageState
from world import Api, World

SLOW = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) SELECT count(*) FROM n"


@pytest.fixture
async def db(world: World) -> AsyncIterator[Database]:
    """A database with one connection and so one writer: whatever is kept from the next one is seen."""
    made = Database(world.url, pool_size=1)
    yield made
    await made.close()


@pytest.fixture
def caller(api: Api) -> Caller:
    return system(api.tenant_id)


async def put(tx: Tx) -> None:
    row: dict[str, Any] = {"tenant_id": tx.tenant_id, "id": ids.new(), "account_id": ids.new(), "external_id": "e",
                           "kind": "k", "about": {}, "state": MessageState.APPLIED, "received_at": clock.now(),
                           }  # fmt: skip
    await tx.insert(InboxMessage, [row])


async def rows(db: Database, caller: Caller) -> int:
    async with db.reading(caller.tenant_id) as reading:
        return len(await reading.all(columns(InboxMessage.tenant_id).where(mine(InboxMessage))))


async def works(db: Database, caller: Caller) -> None:
    """Transactions go on, at once and more than there are places."""
    before = await rows(db, caller)
    async with asyncio.timeout(4):
        for _ in range(3):
            await db.run(put, caller)
    assert await rows(db, caller) == before + 3


async def cancelled(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def begun(db: Database, caller: Caller, then: Callable[[Tx], Any]) -> tuple["asyncio.Task[None]", asyncio.Event]:
    """A transaction that has written a row and does something then; the event tells that it has begun with that."""
    there = asyncio.Event()

    async def work(tx: Tx) -> None:
        await put(tx)
        there.set()
        await then(tx)

    return asyncio.create_task(db.run(work, caller)), there


async def test_in_the_middle_of_a_transaction_nothing_is_written(db: Database, caller: Caller) -> None:
    task, there = begun(db, caller, lambda tx: asyncio.sleep(60))
    await there.wait()
    await cancelled(task)
    assert await rows(db, caller) == 0
    await works(db, caller)


async def test_in_the_middle_of_a_statement_nothing_is_written(db: Database, caller: Caller) -> None:
    async with db.transaction(caller) as tx:
        await tx.text(SLOW)  # on SQLite it is run in a thread from now on

    task, there = begun(db, caller, lambda tx: tx.text(SLOW))
    await there.wait()
    for _ in range(3):
        await asyncio.sleep(0.01)
    await cancelled(task)
    assert await rows(db, caller) == 0
    await works(db, caller)


async def test_twice_while_it_is_rolled_back_frees_the_place_too(db: Database, caller: Caller) -> None:
    task, there = begun(db, caller, lambda tx: asyncio.sleep(60))
    await there.wait()
    task.cancel()
    await asyncio.sleep(0)
    await cancelled(task)
    await works(db, caller)
    assert await rows(db, caller) == 3


async def test_whoever_waits_for_the_place_leaves_the_line(db: Database, caller: Caller) -> None:
    go = asyncio.Event()
    first, there = begun(db, caller, lambda tx: go.wait())
    await there.wait()
    second, third, fourth = (asyncio.create_task(db.run(put, caller)) for _ in range(3))
    await asyncio.sleep(0.01)
    await cancelled(second)
    await cancelled(third)
    go.set()
    async with asyncio.timeout(4):
        await asyncio.gather(first, fourth)
    assert await rows(db, caller) == 2
    await works(db, caller)


async def test_just_when_it_is_their_turn_hands_the_turn_on(db: Database, caller: Caller) -> None:
    """Whatever step of getting the turn the cancellation meets."""
    for steps in range(8):
        go = asyncio.Event()
        first, there = begun(db, caller, lambda tx, go=go: go.wait())  # type: ignore[misc]
        await there.wait()
        second, third = (asyncio.create_task(db.run(put, caller)) for _ in range(2))
        await asyncio.sleep(0.01)
        go.set()
        await first
        for _ in range(steps):
            await asyncio.sleep(0)
        second.cancel()
        async with asyncio.timeout(4):
            await asyncio.gather(second, return_exceptions=True)
            await third
    await works(db, caller)


async def test_while_it_commits_it_is_either_there_or_not_and_all_goes_on(db: Database, caller: Caller) -> None:
    for steps in range(6):
        before = await rows(db, caller)
        task, there = begun(db, caller, lambda tx: asyncio.sleep(0))
        await there.wait()
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0.05)  # a COMMIT that the server has heard is carried out
        assert await rows(db, caller) - before in (0, 1)
    await works(db, caller)
