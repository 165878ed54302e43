"""PostgreSQL, run on asyncpg: connections, transactions, statements and what its errors mean."""

from collections.abc import Sequence
from typing import Any

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine.interfaces import Dialect

from oms_api.kit.db.clashes import Conflict, NotMigrated, TryAgain
from oms_api.kit.db.gate import Gate
from oms_api.kit.errors import Overloaded

LOCK_TIMEOUT_MS = 2_000
STATEMENT_TIMEOUT_MS = 10_000


class PostgreSQL:
    name = "postgresql"

    def __init__(self, url: str) -> None:
        self.dialect: Dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
        self.dsn = url.replace("postgresql+asyncpg://", "postgresql://", 1)
        self.gate: Gate | None = None

    async def reader(self) -> None:
        """A reading takes a connection of the pool."""

    async def connect(self) -> Any:
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

    async def end(self) -> None:
        """Nothing is kept beside the pool."""

    async def begin(self, connection: Any) -> None:
        await connection.execute("BEGIN")

    async def conclude(self, connection: Any, sql: str) -> None:
        """The control that makes a transaction durable."""
        await connection.execute(sql)

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
        if isinstance(error, asyncpg.UndefinedTableError | asyncpg.UndefinedColumnError):
            return NotMigrated(str(error))
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
