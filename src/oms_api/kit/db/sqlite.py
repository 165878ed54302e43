"""SQLite, run on the standard library's driver: connections, transactions, statements and what its errors mean.

A usual statement costs less than the way to a thread and back, so it runs in the loop's own thread: in WAL a reader
never waits for the writer, and until COMMIT a writer only fills memory. What may hold up the loop leaves it: opening,
COMMIT (it waits for the disk), long arguments, a read that is not done after IN_LOOP_S (it is stopped and begun again
in a thread, at once the next time), and a write that took longer than that the last time.
"""

import asyncio
import contextlib
import math
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.interfaces import Dialect

from oms_api.kit.db.clashes import Conflict, NotMigrated, TryAgain
from oms_api.kit.db.gate import Gate, gate_of, place
from oms_api.kit.errors import Overloaded

T = TypeVar("T")

BUSY_TIMEOUT_S = 10.0
STATEMENT_TIMEOUT_S = 10.0
IN_LOOP_S = 0.02
ARGUMENTS_IN_LOOP_MAX = 20_000
"""Characters, or values in all rows of an insert."""
READ_THREADS = 4
YIELD_EVERY = 16
"""Statements that never wait would let nobody else on the loop run."""
STEPS = 10_000
"""Of SQLite's virtual machine, between two looks at the clock: less than a millisecond."""


class Connection:
    """An open file. Used by one thread at a time; the loop's reader by every reading, a statement at a time."""

    def __init__(self, path: str, *, read_only: bool, in_loop: bool) -> None:
        self.closed = False
        self.read_only = read_only
        self.until = 0.0
        self.changes = 0
        self.raw = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=1_000
        )
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "cache_size=-32000",
            f"query_only={'ON' if read_only else 'OFF'}",
            f"busy_timeout={0 if in_loop else round(1000 * BUSY_TIMEOUT_S)}",
        ):
            self.raw.execute(f"PRAGMA {pragma}").fetchall()
        self.raw.set_progress_handler(self._late, STEPS)

    def _late(self) -> bool:
        return time.monotonic() > self.until

    def control(self, sql: str) -> None:
        """BEGIN, COMMIT and the like, which are never stopped in the middle."""
        self.until = math.inf
        self.raw.execute(sql)

    def stop(self) -> None:
        """End the statement that runs; from another thread."""
        self.until = 0.0

    def close(self) -> None:
        self.closed = True
        self.raw.close()


def _rows(raw: sqlite3.Connection, sql: str, arguments: Sequence[Any]) -> Sequence[Any]:
    return raw.execute(sql, arguments).fetchall()


def _count(raw: sqlite3.Connection, sql: str, arguments: Sequence[Any]) -> int:
    return raw.execute(sql, arguments).rowcount


def _many(raw: sqlite3.Connection, sql: str, rows: Sequence[Sequence[Any]]) -> None:
    raw.executemany(sql, rows)


def _is(error: BaseException, code: int) -> bool:
    return isinstance(error, sqlite3.OperationalError) and getattr(error, "sqlite_errorcode", 0) & 0xFF == code


async def _finished(work: "asyncio.Future[T]", stop: Callable[[], None] = lambda: None) -> T:
    """What a thread's work gives. A cancelled caller goes on only when the thread has let go of its connection."""
    cancelled: asyncio.CancelledError | None = None
    while True:
        try:
            result = await asyncio.shield(work)
        except asyncio.CancelledError as error:
            cancelled = error
            stop()
            continue
        except BaseException:
            if cancelled is not None:
                raise cancelled from None
            raise
        if cancelled is not None:
            raise cancelled
        return result


class SQLite:
    name = "sqlite"

    def __init__(self, url: str) -> None:
        self.dialect: Dialect = SQLiteDialect_pysqlite()
        self.path = url.split(":///", 1)[1]
        self.gate: Gate | None = gate_of(self.path)
        self._ran = 0
        self._slow: set[str] = set()
        self._reader: Connection | None = None
        self._opening = asyncio.Lock()
        self._idle: list[Connection] = []
        self._turns = asyncio.Semaphore(READ_THREADS)
        self._reads = ThreadPoolExecutor(READ_THREADS, "sqlite-read")
        self._writes = ThreadPoolExecutor(1, "sqlite-write")

    # --- connections -----------------------------------------------------------------------------------------------

    async def _open(self, *, read_only: bool, in_loop: bool) -> Connection:
        opening = asyncio.get_running_loop().run_in_executor(
            self._reads if read_only else self._writes,
            lambda: Connection(self.path, read_only=read_only, in_loop=in_loop),
        )
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(lambda done: None if done.exception() else done.result().close())
            raise

    async def reader(self) -> Connection:
        """The one connection of all readings of this loop: a statement of theirs never waits."""
        if self._reader is None:
            async with self._opening:
                if self._reader is None:
                    self._reader = await self._open(read_only=True, in_loop=True)
        return self._reader

    async def connect(self) -> Connection:
        """A connection to write."""
        return await self._open(read_only=False, in_loop=True)

    def closed(self, connection: Connection) -> bool:
        return connection.closed

    async def close(self, connection: Connection) -> None:
        connection.closed = True  # whoever closes last also moves the log into the file, and waits for the disk
        await asyncio.get_running_loop().run_in_executor(self._writes, connection.close)

    async def end(self) -> None:
        """Close what readings share."""
        open_, self._reader, self._idle = [*self._idle, *filter(None, [self._reader])], None, []
        for connection in open_:
            await self.close(connection)

    # --- transactions ----------------------------------------------------------------------------------------------

    async def begin(self, connection: Connection) -> None:
        """The gate keeps the writers of this process apart; another process is waited for, up to BUSY_TIMEOUT_S."""
        until = time.monotonic() + BUSY_TIMEOUT_S
        pause_s = 0.001
        while True:
            try:
                connection.control("BEGIN IMMEDIATE")
                break
            except sqlite3.OperationalError as error:
                if not _is(error, sqlite3.SQLITE_BUSY) or time.monotonic() > until:
                    raise
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, 0.03)
        connection.changes = connection.raw.total_changes

    async def conclude(self, connection: Connection, sql: str) -> None:
        """The control that makes a transaction durable: it waits for the disk, unless nothing changed."""
        if connection.raw.total_changes == connection.changes:
            connection.control(sql)
        else:
            await _finished(asyncio.get_running_loop().run_in_executor(self._writes, connection.control, sql))

    async def control(self, connection: Connection, sql: str) -> None:
        connection.control(sql)

    # --- statements ------------------------------------------------------------------------------------------------

    async def fetch(self, connection: Connection, sql: str, arguments: Sequence[Any]) -> Sequence[Any]:
        return await self._run(connection, _rows, sql, arguments, sum(len(a) for a in arguments if type(a) is str))

    async def execute(self, connection: Connection, sql: str, arguments: Sequence[Any]) -> int:
        return await self._run(connection, _count, sql, arguments, sum(len(a) for a in arguments if type(a) is str))

    async def execute_many(self, connection: Connection, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        await self._run(connection, _many, sql, rows, len(rows) * len(rows[0]))

    async def _run(
        self, connection: Connection, work: Callable[..., T], sql: str, arguments: Sequence[Any], size: int
    ) -> T:
        self._ran += 1
        if self._ran % YIELD_EVERY == 0:
            await asyncio.sleep(0)
        started = time.monotonic()
        if sql not in self._slow and size <= ARGUMENTS_IN_LOOP_MAX:
            try:
                connection.until = started + (IN_LOOP_S if connection.read_only else STATEMENT_TIMEOUT_S)
                result = work(connection.raw, sql, arguments)
                if time.monotonic() - started > IN_LOOP_S:
                    self._slow.add(sql)
                return result
            except sqlite3.OperationalError as error:
                late = _is(error, sqlite3.SQLITE_INTERRUPT)
                if not connection.read_only or not (late or _is(error, sqlite3.SQLITE_BUSY)):
                    raise
                if late:
                    self._slow.add(sql)
        if connection.read_only:
            async with self._spare() as spare:
                return await self._in_thread(spare, work, sql, arguments)
        return await self._in_thread(connection, work, sql, arguments)

    @contextlib.asynccontextmanager
    async def _spare(self) -> AsyncIterator[Connection]:
        """A connection for one slow read."""
        await place(self._turns)
        try:
            connection = self._idle.pop() if self._idle else await self._open(read_only=True, in_loop=False)
            try:
                yield connection
            finally:
                self._idle.append(connection)
        finally:
            self._turns.release()

    async def _in_thread(self, connection: Connection, work: Callable[..., T], sql: str, arguments: Sequence[Any]) -> T:
        threads = self._reads if connection.read_only else self._writes
        started = time.monotonic()
        connection.until = started + STATEMENT_TIMEOUT_S
        running = asyncio.get_running_loop().run_in_executor(threads, work, connection.raw, sql, arguments)
        result = await _finished(running, connection.stop)
        if time.monotonic() - started < IN_LOOP_S:
            self._slow.discard(sql)
        return result

    def translate(self, error: BaseException) -> Exception | None:
        if isinstance(error, sqlite3.IntegrityError):
            return Conflict(str(error).partition("failed: ")[2])
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            return TryAgain(str(error))
        if isinstance(error, sqlite3.OperationalError) and "unable to open" in str(error):
            return Overloaded(f"the database cannot be opened ({self.path}): {error}")
        if isinstance(error, sqlite3.OperationalError) and str(error).startswith(("no such table", "no such column")):
            return NotMigrated(str(error))
        if _is(error, sqlite3.SQLITE_INTERRUPT):
            return Overloaded(f"the database did not answer within {STATEMENT_TIMEOUT_S:g} s")
        return None
