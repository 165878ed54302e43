"""The two engines: how each is connected to, begun, run and what its errors mean. Nobody else asks which one it is."""

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any

import aiosqlite
import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.engine.interfaces import Dialect

from oms_api.kit.errors import Overloaded

BUSY_TIMEOUT_MS = 10_000
LOCK_TIMEOUT_MS = 2_000
STATEMENT_TIMEOUT_MS = 10_000


class TryAgain(Exception):
    """The engine gave this transaction up (deadlock, serialization, SQLITE_BUSY); the same work may succeed now."""


class Conflict(Exception):
    """A constraint refused a row. `constraint` is its name (PostgreSQL) or its columns (SQLite)."""

    def __init__(self, constraint: str) -> None:
        super().__init__(constraint)
        self.constraint = constraint


class Gate:
    """First come, first served across event loops: SQLite has one writer, and its own waiting is a lottery."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held = False
        self._waiting: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()

    async def enter(self) -> None:
        with self._lock:
            if not self._held:
                self._held = True
                return
            loop = asyncio.get_running_loop()
            turn: asyncio.Future[None] = loop.create_future()
            self._waiting.append((loop, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        with self._lock:
            while self._waiting:
                loop, turn = self._waiting.popleft()
                if loop.is_closed():
                    continue
                loop.call_soon_threadsafe(self._wake, turn)
                return
            self._held = False

    def _wake(self, turn: "asyncio.Future[None]") -> None:
        if turn.cancelled():
            self.leave()
        else:
            turn.set_result(None)


_gates: dict[str, Gate] = {}


class PostgreSQL:
    name = "postgresql"
    begin = "BEGIN"

    def __init__(self, url: str) -> None:
        self.dialect: Dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
        self.dsn = url.replace("postgresql+asyncpg://", "postgresql://", 1)
        self.gate: Gate | None = None

    async def connect(self, *, read_only: bool) -> Any:
        return await asyncpg.connect(
            self.dsn,
            timeout=5,
            statement_cache_size=1_000,
            server_settings={
                "application_name": "oms",
                "timezone": "UTC",
                "lock_timeout": str(LOCK_TIMEOUT_MS),
                "statement_timeout": str(STATEMENT_TIMEOUT_MS),
                "idle_in_transaction_session_timeout": "30000",
            },
        )

    def closed(self, connection: Any) -> bool:
        return bool(connection.is_closed())

    async def close(self, connection: Any) -> None:
        await connection.close(timeout=2)

    async def control(self, connection: Any, sql: str) -> None:
        await connection.execute(sql)

    async def fetch(self, connection: Any, sql: str, arguments: Sequence[Any]) -> Sequence[Any]:
        rows: Sequence[Any] = await connection.fetch(sql, *arguments)
        return rows

    async def execute(self, connection: Any, sql: str, arguments: Sequence[Any]) -> int:
        status: str = await connection.execute(sql, *arguments)
        tail = status.rsplit(" ", 1)[-1]
        return int(tail) if tail.isdigit() else 0

    async def execute_many(self, connection: Any, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        await connection.executemany(sql, rows)

    def translate(self, error: BaseException) -> Exception | None:
        if isinstance(error, asyncpg.PostgresError):
            # `Failing row contains (…)`, `invalid input for query argument $3: '…'`: a customer's data, and errors are
            # logged
            error.detail = None
            if isinstance(error, asyncpg.DataError):
                error.args = (str(error).partition(":")[0],)
        if isinstance(error, asyncpg.IntegrityConstraintViolationError):
            return Conflict(str(error.constraint_name))
        if isinstance(
            error,
            asyncpg.SerializationError | asyncpg.DeadlockDetectedError | asyncpg.LockNotAvailableError,
        ):
            return TryAgain(str(error))
        if isinstance(
            error,
            asyncpg.PostgresConnectionError
            | asyncpg.CannotConnectNowError
            | asyncpg.TooManyConnectionsError
            | asyncpg.AdminShutdownError
            | asyncpg.QueryCanceledError
            | asyncpg.InvalidAuthorizationSpecificationError
            | asyncpg.InvalidCatalogNameError
            | asyncpg.InterfaceError
            | asyncpg.InternalClientError  # the server said good-bye on a connection that was idle
            | OSError,
        ):
            return Overloaded(f"the database did not answer ({type(error).__name__}: {error})")
        return None


class SQLite:
    name = "sqlite"
    begin = "BEGIN IMMEDIATE"

    def __init__(self, url: str) -> None:
        self.dialect: Dialect = SQLiteDialect_aiosqlite()
        self.path = url.split(":///", 1)[1]
        self.gate: Gate | None = _gates.setdefault(self.path, Gate())

    async def connect(self, *, read_only: bool) -> Any:
        connection = await aiosqlite.connect(self.path, isolation_level=None, cached_statements=1_000)
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "cache_size=-32000",
            f"query_only={'ON' if read_only else 'OFF'}",
        ):
            await connection.execute_fetchall(f"PRAGMA {pragma}")
        return connection

    def closed(self, connection: Any) -> bool:
        return not connection.is_alive() if hasattr(connection, "is_alive") else False

    async def close(self, connection: Any) -> None:
        await connection.close()

    async def control(self, connection: Any, sql: str) -> None:
        await connection.execute_fetchall(sql)

    async def fetch(self, connection: Any, sql: str, arguments: Sequence[Any]) -> Sequence[Any]:
        rows: Sequence[Any] = await connection.execute_fetchall(sql, arguments)
        return rows

    async def execute(self, connection: Any, sql: str, arguments: Sequence[Any]) -> int:
        cursor = await connection.execute(sql, arguments)
        count: int = cursor.rowcount
        await cursor.close()
        return count

    async def execute_many(self, connection: Any, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        await (await connection.executemany(sql, rows)).close()

    def translate(self, error: BaseException) -> Exception | None:
        if isinstance(error, sqlite3.IntegrityError):
            return Conflict(str(error).partition("failed: ")[2])
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            return TryAgain(str(error))
        if isinstance(error, sqlite3.OperationalError) and "unable to open" in str(error):
            return Overloaded(f"the database cannot be opened ({self.path}): {error}")
        return None


def driver_for(url: str) -> Any:
    """The engine that a URL names. Raises ValueError."""
    if url.startswith("sqlite+aiosqlite:///"):
        return SQLite(url)
    if url.startswith("postgresql+asyncpg://"):
        return PostgreSQL(url)
    raise ValueError(
        "OMS_DATABASE_URL must begin with postgresql+asyncpg:// or sqlite+aiosqlite:///, "
        f"not {url.partition('://')[0][:30]}://"
    )
