"""The only module that knows that there are two engines, and the only one that commits.

`Database.transaction()` writes, `Database.reading()` reads, `Database.run(work)` is a transaction with bounded retries
on a clash. Statements are built with SQLModel and SQLAlchemy and run on the driver itself: of the 320-710 µs that a
statement costs through SQLAlchemy's async engine only 46 are the driver's (measured on 20 of 100,000 rows), so we keep
the builder and its types and leave the rest out. Rows come back as read-only instances of their table's class.

A statement that stands at module level is wrapped in `prepared()` and compiled once per engine.
"""

import asyncio
import contextlib
import random
import sqlite3
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, overload
from urllib.parse import urlsplit
from uuid import UUID

import aiosqlite
import asyncpg
from sqlalchemy import Select, Uuid, bindparam
from sqlalchemy import select as sqlalchemy_select
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.orm import configure_mappers
from sqlalchemy.sql.dml import UpdateBase
from sqlmodel import SQLModel, col
from sqlmodel.sql.expression import SelectOfScalar

from oms_api.kit.caller import Caller
from oms_api.kit.errors import Overloaded
from oms_api.kit.sql import (
    Choice,
    Instant,
    Json,
    Keyed,
    any_of,
    json_rows,
    metadata,
    now,
    upsert_statement,
)

__all__ = [
    "Choice", "Conflict", "Database", "Instant", "Json", "Keyed", "Reading", "Statement", "TryAgain", "Tx",
    "any_of", "columns", "json_rows", "metadata", "mine", "now", "observe", "param", "prepared",
]  # fmt: skip

T = TypeVar("T")
R = TypeVar("R")

RETRIES_MAX = 8
BUSY_TIMEOUT_MS = 10_000
LOCK_TIMEOUT_MS = 5_000
STATEMENT_TIMEOUT_MS = 10_000
POOL_SIZE = 16
POOL_WAIT_S = 5.0


class TryAgain(Exception):
    """The engine gave this transaction up (deadlock, serialization, SQLITE_BUSY); the same work may succeed now."""


class Conflict(Exception):
    """A constraint refused a row. `constraint` is its name (PostgreSQL) or its columns (SQLite)."""

    def __init__(self, constraint: str) -> None:
        super().__init__(constraint)
        self.constraint = constraint


# --- compiled statements -------------------------------------------------------------------------------------------


class _Compiled:
    """A statement's text for one engine, with what turns arguments into driver values and driver rows into ours."""

    def __init__(self, statement: Any, dialect: Dialect, keys: Sequence[str] | None = None) -> None:
        compiled: Any = statement.compile(
            dialect=dialect, column_keys=keys, compile_kwargs={"render_postcompile": True}
        )
        self.sql = str(compiled)
        names = compiled.positiontup or []
        fixed = compiled.construct_params({}, _check=False)
        binds = compiled.binds
        self.slots: list[tuple[str, Any, Any, bool, Any]] = []
        for name in names:
            bind = binds.get(name)
            if bind is None:  # one element of an expanded IN list: take its type from the list
                bind = binds[name.rsplit("_", 1)[0]]
                process = bind.type.dialect_impl(dialect).bind_processor(dialect)
                self.slots.append((name, process, None, False, fixed[name]))
                continue
            process = bind.type.dialect_impl(dialect).bind_processor(dialect)
            self.slots.append((name, process, bind.callable, bind.required, bind.value))
        self.processors: list[Any] = []
        self.keys: list[str] = []
        self.model: Any = None
        columns: Sequence[Any] = ()
        if isinstance(statement, Select):
            columns, described = list(statement.selected_columns), statement.column_descriptions
            if len(described) == 1 and isinstance(described[0]["expr"], type):
                self.model = described[0]["expr"]
        elif isinstance(statement, UpdateBase):
            columns = list(statement.exported_columns)
            tables = {column.table for column in columns}
            if len(tables) == 1 and len(columns) == len((table := tables.pop()).columns):
                self.model = _class_of(table)
        for column in columns:
            self.processors.append(column.type.dialect_impl(dialect).result_processor(dialect, None))
            self.keys.append(column.key)
        self.plain = not any(self.processors)
        self.scalar = self.model is None and len(columns) == 1
        if self.model is None and columns:
            self.model = type("Row", (_PlainRow,), {"__slots__": tuple(self.keys)})
        self.is_table = isinstance(self.model, type) and issubclass(self.model, SQLModel)

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        out = []
        for name, process, call, required, default in self.slots:
            if name in values:
                value = values[name]
            elif call is not None:
                value = call()
            elif required:
                raise KeyError(f"no value for {name!r} in: {self.sql}")
            else:
                value = default
            out.append(process(value) if process is not None else value)
        return out

    def rows(self, records: Sequence[Any]) -> list[Any]:
        processors, keys, model = self.processors, self.keys, self.model
        out: list[Any] = []
        if self.scalar:
            process = processors[0]
            return [record[0] if process is None else process(record[0]) for record in records]
        for record in records:
            values: Any = record
            if not self.plain:
                values = [
                    value if process is None else process(value)
                    for value, process in zip(record, processors, strict=True)
                ]
            row = object.__new__(model)
            if self.is_table:
                row.__dict__.update(zip(keys, values, strict=True))
            else:
                for key, value in zip(keys, values, strict=True):
                    setattr(row, key, value)
            out.append(row)
        return out


def _class_of(table: Any) -> type[SQLModel] | None:
    for mapper in SQLModel._sa_registry.mappers:
        if mapper.local_table is table:
            found: type[SQLModel] = mapper.class_
            return found
    return None


class _PlainRow:
    """A row of chosen columns; reads by attribute."""

    __slots__: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Row({', '.join(f'{key}={getattr(self, key)!r}' for key in self.__slots__)})"


class Prepared:
    """A constant statement, compiled once per engine; its changing values are `bindparam`s."""

    __slots__ = ("compiled", "statement")

    def __init__(self, statement: Any) -> None:
        self.statement = statement
        self.compiled: dict[str, _Compiled] = {}


Statement = Any


@overload
def prepared(statement: SelectOfScalar[T]) -> SelectOfScalar[T]: ...
@overload
def prepared(statement: Any) -> Any: ...
def prepared(statement: Any) -> Any:
    """Mark a module-level statement as constant. What it gives is accepted wherever a statement is."""
    return Prepared(statement)


def mine(model: Any) -> Any:
    """`tenant_id` of a table is the caller's: the first condition of every statement. Filled in by the session."""
    return col(model.tenant_id) == bindparam("tenant", type_=Uuid(), required=True)


def columns(*chosen: Any) -> Any:
    """A select of some columns, of any number (sqlmodel's typed `select` ends at four)."""
    return sqlalchemy_select(*chosen)


def param(name: str, type_: Any = None) -> Any:
    """A value named at run time: `bindparam` with `required`."""
    return bindparam(name, type_=type_, required=True)


# --- observation ---------------------------------------------------------------------------------------------------

_observers: list[Callable[[str], None]] = []


@contextlib.contextmanager
def observe(callback: Callable[[str], None]) -> Iterator[None]:
    """Hear of every statement of this process (budgets, metrics), without BEGIN and COMMIT."""
    _observers.append(callback)
    try:
        yield
    finally:
        _observers.remove(callback)


# --- one writer at a time on SQLite --------------------------------------------------------------------------------


class _Gate:
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


_gates: dict[str, _Gate] = {}


# --- the two drivers -----------------------------------------------------------------------------------------------


class _PostgreSQL:
    name = "postgresql"
    begin = "BEGIN"

    def __init__(self, url: str) -> None:
        self.dialect: Dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
        self.dsn = url.replace("postgresql+asyncpg://", "postgresql://", 1)
        self.gate: _Gate | None = None

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
            | asyncpg.InterfaceError
            | OSError,
        ):
            return Overloaded(f"the database did not answer ({type(error).__name__}: {error})")
        return None


class _SQLite:
    name = "sqlite"
    begin = "BEGIN IMMEDIATE"

    def __init__(self, url: str) -> None:
        self.dialect: Dialect = SQLiteDialect_aiosqlite()
        self.path = url.split(":///", 1)[1]
        self.gate: _Gate | None = _gates.setdefault(self.path, _Gate())

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


# --- sessions ------------------------------------------------------------------------------------------------------


class Reading:
    """Runs statements on one connection. One task at a time: sibling fields each take their own."""

    def __init__(self, driver: Any, connection: Any, tenant_id: UUID) -> None:
        self._driver = driver
        self._connection = connection
        self.tenant_id = tenant_id

    def _compiled(self, statement: Any) -> _Compiled:
        if type(statement) is Prepared:
            compiled = statement.compiled.get(self._driver.name)
            if compiled is None:
                compiled = statement.compiled[self._driver.name] = _Compiled(statement.statement, self._driver.dialect)
            return compiled
        return _Compiled(statement, self._driver.dialect)

    @contextlib.contextmanager
    def _ran(self, sql: str) -> Iterator[None]:
        for callback in _observers:
            callback(sql)
        with self._translating():
            yield

    @contextlib.contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            translated = self._driver.translate(error)
            if translated is None:
                raise
            raise translated from error

    @overload
    async def all(self, statement: SelectOfScalar[T], values: Mapping[str, Any] = ...) -> list[T]: ...
    @overload
    async def all(self, statement: Statement, values: Mapping[str, Any] = ...) -> list[Any]: ...
    async def all(self, statement: Any, values: Mapping[str, Any] = {}) -> list[Any]:
        """Every row of a SELECT or of a RETURNING clause."""
        compiled = self._compiled(statement)
        with self._ran(compiled.sql):
            arguments = compiled.arguments({"tenant": self.tenant_id, **values})
            records = await self._driver.fetch(self._connection, compiled.sql, arguments)
        return compiled.rows(records)

    @overload
    async def first(self, statement: SelectOfScalar[T], values: Mapping[str, Any] = ...) -> T | None: ...
    @overload
    async def first(self, statement: Statement, values: Mapping[str, Any] = ...) -> Any: ...
    async def first(self, statement: Any, values: Mapping[str, Any] = {}) -> Any:
        """The first row, or None."""
        rows = await self.all(statement, values)
        return rows[0] if rows else None

    async def text(self, sql: str) -> list[Any]:
        """Plain SQL without arguments, for `oms doctor` and tests."""
        with self._ran(sql):
            return list(await self._driver.fetch(self._connection, sql, []))

    @property
    def engine(self) -> str:
        """`postgresql` or `sqlite`; for `oms doctor` and tests, never to choose SQL by."""
        name: str = self._driver.name
        return name


class Tx(Reading):
    """An open transaction. Verbs take it first; they never open, commit or close one."""

    def __init__(self, driver: Any, connection: Any, caller: Caller) -> None:
        super().__init__(driver, connection, caller.tenant_id)
        self.caller = caller
        self.rolled_back = False
        self.notes: dict[Any, Any] = {}
        self._before: list[Callable[[Tx], Awaitable[None]]] = []
        self._after: list[Callable[[], None]] = []

    async def run(self, statement: Statement, values: Mapping[str, Any] = {}) -> int:
        """An UPDATE or DELETE without RETURNING: how many rows it changed."""
        compiled = self._compiled(statement)
        with self._ran(compiled.sql):
            arguments = compiled.arguments({"tenant": self.tenant_id, **values})
            count: int = await self._driver.execute(self._connection, compiled.sql, arguments)
        return count

    async def insert(self, model: type[R], rows: Sequence[Mapping[str, Any]]) -> list[R]:
        """Insert rows (all with the same keys) in one statement and give them back as read-only rows.

        Columns that are left out get the column's default: the plain Python value of `Field(default=…)`.
        """
        if not rows:
            return []
        table: Any = model
        defaults = table_defaults(table)
        complete = [{**defaults, **row} for row in rows]
        keys = tuple(complete[0])
        cache: dict[Any, _Compiled] = _inserts.setdefault((model, keys), {})
        compiled = cache.get(self._driver.name)
        if compiled is None:
            compiled = cache[self._driver.name] = _Compiled(table.__table__.insert(), self._driver.dialect, list(keys))
        arguments = [compiled.arguments(row) for row in complete]
        with self._ran(compiled.sql):
            if len(arguments) == 1:
                await self._driver.execute(self._connection, compiled.sql, arguments[0])
            else:
                await self._driver.execute_many(self._connection, compiled.sql, arguments)
        return [row_of(model, values) for values in complete]

    async def upsert(
        self,
        model: type[R],
        rows: Sequence[Mapping[str, Any]],
        *,
        key: Sequence[str],
        change: Sequence[str] = (),
        add: Sequence[str] = (),
    ) -> list[R]:
        """Insert rows in one statement; where `key` is taken, `change` columns are replaced and `add` columns added to.

        Gives back the rows as they are now; with neither `change` nor `add`, only those that were new.
        """
        if not rows:
            return []
        defaults = table_defaults(model)
        complete = [{**defaults, **row} for row in rows]
        columns = tuple(complete[0])
        statement = _upserts.get((model, columns, tuple(key), tuple(change), tuple(add)))
        if statement is None:
            statement = Prepared(upsert_statement(model, columns, key=key, change=change, add=add))
            _upserts[model, columns, tuple(key), tuple(change), tuple(add)] = statement
        return await self.all(statement, {"rows": complete})

    async def add(self, model: type[R], **values: Any) -> R:
        """Insert one row."""
        return (await self.insert(model, [values]))[0]

    def before_commit(self, hook: "Callable[[Tx], Awaitable[None]]") -> None:
        """Run inside the transaction, last, in the order given."""
        self._before.append(hook)

    def after_commit(self, hook: Callable[[], None]) -> None:
        """Run once the change is durable; must not block."""
        self._after.append(hook)

    def discard(self) -> None:
        """Roll back instead of committing, without an error: the end of a dry run."""
        self.rolled_back = True


_inserts: dict[Any, dict[Any, _Compiled]] = {}
_upserts: dict[Any, Prepared] = {}
_defaults: dict[Any, dict[str, Any]] = {}


def table_defaults(model: Any) -> dict[str, Any]:
    """Plain defaults of a table's columns, by name."""
    found = _defaults.get(model)
    if found is None:
        found = {}
        for name, field in model.model_fields.items():
            if field.is_required():
                continue
            found[name] = field.get_default(call_default_factory=False)
        _defaults[model] = found
    return found


def row_of(model: type[R], values: Mapping[str, Any]) -> R:
    """A read-only row of a table made from its values, without a database."""
    row = object.__new__(model)
    row.__dict__.update(values)
    return row


def changed(row: R, **values: Any) -> R:
    """The same row with some values replaced: what a verb gives back after its UPDATE."""
    return row_of(type(row), {**row.__dict__, **values})


# --- the database --------------------------------------------------------------------------------------------------


class Database:
    """Connections of one event loop to one database."""

    def __init__(self, url: str, *, pool_size: int = POOL_SIZE) -> None:
        scheme = urlsplit(url).scheme
        if scheme not in ("sqlite+aiosqlite", "postgresql+asyncpg"):
            raise ValueError(
                f"OMS_DATABASE_URL must begin with postgresql+asyncpg:// or sqlite+aiosqlite:///, not {scheme}://"
            )
        configure_mappers()  # reading a row's attributes needs it
        self.url = url
        self._driver: Any = _SQLite(url) if scheme.startswith("sqlite") else _PostgreSQL(url)
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
