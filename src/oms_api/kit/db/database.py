"""The database of one event loop: a pool, transactions with the code base's only commit, bounded retries."""

import asyncio
import contextlib
import random
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
from sqlalchemy.orm import configure_mappers

from oms_api.kit.caller import Caller
from oms_api.kit.db.clashes import TryAgain
from oms_api.kit.db.drivers import driver_for
from oms_api.kit.db.gate import place
from oms_api.kit.db.sessions import Reading, Tx, translating
from oms_api.kit.errors import Overloaded

T = TypeVar("T")

_GONE = (sqlite3.Error, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""What a connection says that cannot be used any more."""
RETRIES_MAX = 8
POOL_SIZE = 16


class Database:
    """Connections of one event loop to one database."""

    def __init__(self, url: str, *, pool_size: int = POOL_SIZE) -> None:
        configure_mappers()  # reading a row's attributes needs it
        self.url = url
        self._driver: Any = driver_for(url)
        self._idle: list[Any] = []
        self._free = asyncio.Semaphore(pool_size)
        # writers that wait for one another leave a quarter to readers: what is committed can be shown
        self._writing = asyncio.Semaphore(max(pool_size * 3 // 4, 1))

    @property
    def engine(self) -> str:
        name: str = self._driver.name
        return name

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        await place(self._free)
        try:
            connection = None
            while self._idle and connection is None:
                connection = self._idle.pop()
                if self._driver.closed(connection):
                    connection = None
            if connection is None:
                with translating(self._driver):
                    connection = await self._driver.connect()
            healthy = False
            try:
                yield connection
                healthy = True
            except (Overloaded, asyncio.CancelledError):
                raise
            except BaseException:
                healthy = True
                raise
            finally:
                if healthy and not self._driver.closed(connection):
                    self._idle.append(connection)
                else:
                    with contextlib.suppress(*_GONE):
                        await asyncio.shield(self._driver.close(connection))
        finally:
            self._free.release()

    @contextlib.asynccontextmanager
    async def reading(self, tenant_id: UUID) -> AsyncIterator[Reading]:
        """Each statement sees what is committed when it starts; nothing can be written."""
        with translating(self._driver):
            shared = await self._driver.reader()
        if shared is not None:
            yield Reading(self._driver, shared, tenant_id)
            return
        async with self._connection() as connection:
            yield Reading(self._driver, connection, tenant_id)

    @contextlib.asynccontextmanager
    async def transaction(self, caller: Caller) -> AsyncIterator[Tx]:
        """One change, committed when the block ends, rolled back when it raises. The only commit of the code base."""
        gate = self._driver.gate
        if gate is not None:
            await gate.enter()
        else:
            await place(self._writing)
        try:
            async with self._connection() as connection:
                tx = Tx(self._driver, connection, caller)
                with translating(self._driver):
                    await self._driver.begin(connection)
                try:
                    yield tx
                    if not tx.rolled_back:
                        for hook in tx._before:
                            await hook(tx)
                        with translating(self._driver):
                            await self._driver.conclude(connection, "COMMIT")
                except BaseException:
                    await self._roll_back(connection)
                    raise
                if tx.rolled_back:
                    await self._roll_back(connection)
        finally:
            if gate is not None:
                gate.leave()
            else:
                self._writing.release()
        if not tx.rolled_back:
            for call in tx._after:
                call()

    async def _roll_back(self, connection: Any) -> None:
        # A connection that cannot roll back is closed: the server then rolls back by itself.
        try:
            await asyncio.shield(self._driver.control(connection, "ROLLBACK"))
        except _GONE:
            with contextlib.suppress(*_GONE):
                await self._driver.close(connection)

    async def run(self, work: Callable[[Tx], Awaitable[T]], caller: Caller) -> T:
        """`work` in a transaction, again from the start when the engine gave it up, at most RETRIES_MAX times."""
        for attempt in range(1, RETRIES_MAX + 1):
            try:
                async with self.transaction(caller) as tx:
                    return await work(tx)
            except TryAgain as error:
                if attempt == RETRIES_MAX:
                    raise Overloaded(f"gave up after {RETRIES_MAX} clashes: {error}") from error
                await asyncio.sleep(random.uniform(0.5, 1.5) * 0.005 * 2**attempt)
        raise AssertionError("unreachable")

    async def close(self) -> None:
        while self._idle:
            await self._driver.close(self._idle.pop())
        await self._driver.end()
