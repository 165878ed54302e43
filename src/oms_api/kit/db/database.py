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
from oms_api.kit.db.drivers import TryAgain, driver_for
from oms_api.kit.db.sessions import Reading, Tx
from oms_api.kit.errors import Overloaded

T = TypeVar("T")

RETRIES_MAX = 8
POOL_SIZE = 16
POOL_WAIT_S = 5.0


class Database:
    """Connections of one event loop to one database."""

    def __init__(self, url: str, *, pool_size: int = POOL_SIZE) -> None:
        configure_mappers()  # reading a row's attributes needs it
        self.url = url
        self._driver: Any = driver_for(url)
        # On SQLite reads run on connections of their own (query_only); on PostgreSQL all are alike.
        self._idle: dict[bool, list[Any]] = {True: [], False: []}
        self._free = asyncio.Semaphore(pool_size)

    @property
    def engine(self) -> str:
        name: str = self._driver.name
        return name

    @contextlib.asynccontextmanager
    async def _connection(self, *, read_only: bool) -> AsyncIterator[Any]:
        kind = read_only and self._driver.gate is not None
        try:
            await asyncio.wait_for(self._free.acquire(), POOL_WAIT_S)
        except TimeoutError:
            raise Overloaded(f"no database connection became free in {POOL_WAIT_S:g} s") from None
        try:
            idle = self._idle[kind]
            connection = None
            while idle and connection is None:
                connection = idle.pop()
                if self._driver.closed(connection):
                    connection = None
            if connection is None:
                try:
                    connection = await self._driver.connect(read_only=kind)
                except Exception as error:
                    raise (self._driver.translate(error) or error) from error
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
                    self._idle[kind].append(connection)
                else:
                    with contextlib.suppress(Exception):
                        await asyncio.shield(self._driver.close(connection))
        finally:
            self._free.release()

    @contextlib.asynccontextmanager
    async def reading(self, tenant_id: UUID) -> AsyncIterator[Reading]:
        """Each statement sees what is committed when it starts; nothing can be written."""
        async with self._connection(read_only=True) as connection:
            yield Reading(self._driver, connection, tenant_id)

    @contextlib.asynccontextmanager
    async def transaction(self, caller: Caller) -> AsyncIterator[Tx]:
        """One change, committed when the block ends, rolled back when it raises. The only commit of the code base."""
        gate = self._driver.gate
        if gate is not None:
            await gate.enter()
        try:
            async with self._connection(read_only=False) as connection:
                tx = Tx(self._driver, connection, caller)
                with tx._translating():
                    await self._driver.control(connection, self._driver.begin)
                try:
                    yield tx
                    if not tx.rolled_back:
                        for hook in tx._before:
                            await hook(tx)
                        with tx._translating():
                            await self._driver.control(connection, "COMMIT")
                except BaseException:
                    await self._roll_back(connection)
                    raise
                if tx.rolled_back:
                    await self._roll_back(connection)
        finally:
            if gate is not None:
                gate.leave()
        if not tx.rolled_back:
            for call in tx._after:
                call()

    async def _roll_back(self, connection: Any) -> None:
        # A connection that cannot roll back is closed: the server then rolls back by itself.
        try:
            await asyncio.shield(self._driver.control(connection, "ROLLBACK"))
        except (sqlite3.Error, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            with contextlib.suppress(sqlite3.Error, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
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
        for connections in self._idle.values():
            while connections:
                await self._driver.close(connections.pop())
