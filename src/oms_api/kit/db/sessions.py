"""Sessions: `Reading` and `Tx` run statements on one connection; `observe` hears of each."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, overload
from uuid import UUID

from sqlmodel.sql.expression import SelectOfScalar

from oms_api.kit.caller import Caller
from oms_api.kit.db.clashes import TryAgain
from oms_api.kit.db.constructs import upsert_statement
from oms_api.kit.db.statements import Compiled, Prepared, Statement, row_of, table_defaults
from oms_api.kit.errors import Overloaded

T = TypeVar("T")
R = TypeVar("R")

_observers: list[Callable[[str], None]] = []


@contextlib.contextmanager
def observe(callback: Callable[[str], None]) -> Iterator[None]:
    """Hear of every statement of this process (budgets, metrics), without BEGIN and COMMIT."""
    _observers.append(callback)
    try:
        yield
    finally:
        _observers.remove(callback)


class translating:
    """The driver's errors become ours."""

    __slots__ = ("_driver",)

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, Exception):
            translated = self._driver.translate(error)
            if translated is not None:
                raise translated from error


class Reading:
    """Runs statements on one connection. One task at a time: sibling fields each take their own."""

    def __init__(self, driver: Any, connection: Any, tenant_id: UUID) -> None:
        self._driver = driver
        self._connection = connection
        self.tenant_id = tenant_id

    def _ran(self, sql: str) -> translating:
        for callback in _observers:
            callback(sql)
        return translating(self._driver)

    def _compiled(self, statement: Any) -> Compiled:
        if type(statement) is Prepared:
            compiled = statement.compiled.get(self._driver.name)
            if compiled is None:
                compiled = statement.compiled[self._driver.name] = Compiled(statement.statement, self._driver.dialect)
            return compiled
        return Compiled(statement, self._driver.dialect)

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
        self._attempts = 0
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
        cache: dict[Any, Compiled] = _inserts.setdefault((model, keys), {})
        compiled = cache.get(self._driver.name)
        if compiled is None:
            compiled = cache[self._driver.name] = Compiled(table.__table__.insert(), self._driver.dialect, list(keys))
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

    @contextlib.asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """A part that may fail: when it raises, its rows, facts, notes and hooks are undone, and the transaction can
        go on without it."""
        self._attempts += 1
        name = f"attempt_{self._attempts}"
        notes = {key: list(note) if isinstance(note, list) else note for key, note in self.notes.items()}
        before, after = list(self._before), list(self._after)
        await self._control(f"SAVEPOINT {name}")
        try:
            yield
        except (TryAgain, Overloaded):
            raise  # the whole transaction is over
        except Exception:
            await self._control(f"ROLLBACK TO SAVEPOINT {name}")
            self.notes, self._before, self._after = notes, before, after
            raise

    async def _control(self, sql: str) -> None:
        with self._ran(sql):
            await self._driver.control(self._connection, sql)

    def before_commit(self, hook: "Callable[[Tx], Awaitable[None]]") -> None:
        """Run inside the transaction, last, in the order given."""
        self._before.append(hook)

    def after_commit(self, hook: Callable[[], None]) -> None:
        """Run once the change is durable; must not block."""
        self._after.append(hook)

    def discard(self) -> None:
        """Roll back instead of committing, without an error: the end of a dry run."""
        self.rolled_back = True


_inserts: dict[Any, dict[Any, Compiled]] = {}
_upserts: dict[Any, Prepared] = {}
