"""Column types and the few constructs whose SQL differs between the engines; used through `kit.db`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

import orjson
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    MetaData,
    String,
    bindparam,
    column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import insert as _insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import Field, SQLModel

from oms_api.kit import clock

metadata: MetaData = SQLModel.metadata
metadata.naming_convention = {
    "pk": "pk_%(table_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime: TIMESTAMPTZ on PostgreSQL, microseconds since 1970 on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> TypeEngine[Any]:
        return dialect.type_descriptor(  # type: ignore[no-any-return]
            BigInteger() if dialect.name == "sqlite" else DateTime(timezone=True)
        )

    def bind_processor(self, dialect: Any) -> Any:
        if dialect.name != "sqlite":
            return None
        return lambda value: None if value is None else (value - _EPOCH) // _MICROSECOND

    def result_processor(self, dialect: Any, coltype: Any) -> Any:
        if dialect.name != "sqlite":
            return None
        return lambda value: None if value is None else _EPOCH + timedelta(microseconds=value)


E_ = TypeVar("E_", bound=StrEnum)


class Choice(TypeDecorator[Any]):
    """A StrEnum stored as its value. State tables, not CHECKs, guard it: values are added without a migration."""

    impl = String(40)
    cache_ok = True

    def __init__(self, enum: type[StrEnum]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else str(value)

    def result_processor(self, dialect: Any, coltype: Any) -> Any:
        members = {member.value: member for member in self.enum}
        return lambda value: None if value is None else members[value]


class Json(TypeDecorator[Any]):
    """Any JSON value: JSONB on PostgreSQL, text on SQLite; read and written by orjson."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> TypeEngine[Any]:
        # String, so that neither dialect adds a JSON processor of its own to ours
        return dialect.type_descriptor(  # type: ignore[no-any-return]
            JSONB(none_as_null=True) if dialect.name == "postgresql" else JSON(none_as_null=True)
        )

    def bind_processor(self, dialect: Any) -> Any:
        return lambda value: None if value is None else orjson.dumps(value).decode()

    def result_processor(self, dialect: Any, coltype: Any) -> Any:
        return lambda value: None if value is None else orjson.loads(value)


class _List(TypeDecorator[Any]):
    """A list of one type as a single parameter: an array on PostgreSQL, JSON text on SQLite."""

    impl = String
    cache_ok = True

    def __init__(self, item: Any) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Any) -> TypeEngine[Any]:
        return dialect.type_descriptor(  # type: ignore[no-any-return]
            ARRAY(self.item) if dialect.name == "postgresql" else String()
        )

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        if dialect.name == "postgresql":
            return list(value)
        return orjson.dumps([item.hex if isinstance(item, UUID) else item for item in value]).decode()


class _AnyOf(ColumnElement[bool]):
    inherit_cache = False
    type = Boolean()

    def __init__(self, column: Any, values: Any) -> None:
        self.column = column
        self.values = values

    def self_group(self, against: Any = None) -> "_AnyOf":
        return self  # or SQLite is asked `sku IN (…) = 1`, which no index can answer


@compiles(_AnyOf, "postgresql")
def _any_of_postgresql(element: _AnyOf, compiler: Any, **kw: Any) -> str:
    return f"{compiler.process(element.column, **kw)} = ANY ({compiler.process(element.values, **kw)})"


@compiles(_AnyOf, "sqlite")
def _any_of_sqlite(element: _AnyOf, compiler: Any, **kw: Any) -> str:
    return (
        f"{compiler.process(element.column, **kw)} IN "
        f"(SELECT value FROM json_each({compiler.process(element.values, **kw)}))"
    )


def any_of(column: Any, name: str) -> Any:
    """`column` is one of the list given as parameter `name`: one statement text for any number of values."""
    expression = column.__clause_element__() if hasattr(column, "__clause_element__") else column
    item = expression.type
    if isinstance(item, Choice):
        item = String()
    return _AnyOf(expression, bindparam(name, type_=_List(item), required=True))


class _Now(FunctionElement[datetime]):
    inherit_cache = False
    type = Instant()
    name = "oms_now"

    def __init__(self) -> None:
        super().__init__(
            bindparam("clock_offset", callable_=clock.offset_microseconds, type_=BigInteger(), unique=False)
        )


@compiles(_Now, "postgresql")
def _now_postgresql(element: _Now, compiler: Any, **kw: Any) -> str:
    (offset,) = element.clauses
    return f"(statement_timestamp() + {compiler.process(offset, **kw)} * interval '1 microsecond')"


@compiles(_Now, "sqlite")
def _now_sqlite(element: _Now, compiler: Any, **kw: Any) -> str:
    (offset,) = element.clauses
    # unixepoch('subsec') came with SQLite 3.42; julianday has millisecond precision since 3.8
    return f"(CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER) + {compiler.process(offset, **kw)})"


def now() -> Any:
    """The statement's own instant by the database's clock, plus the travelled offset of `kit.clock`."""
    return _Now()


class _JsonRows(FunctionElement[Any]):
    inherit_cache = False

    def __init__(self, parameter: Any, columns: Mapping[str, TypeEngine[Any]]) -> None:
        self.fields = columns
        super().__init__(parameter)


@compiles(_JsonRows, "postgresql")
def _json_rows_postgresql(element: _JsonRows, compiler: Any, **kw: Any) -> str:
    kw.pop("asfrom", None)
    (parameter,) = element.clauses
    columns = ", ".join(
        f"{name} {compiler.dialect.type_compiler_instance.process(type_)}" for name, type_ in element.fields.items()
    )
    return f"(SELECT * FROM jsonb_to_recordset({compiler.process(parameter, **kw)}) AS _r({columns}))"


@compiles(_JsonRows, "sqlite")
def _json_rows_sqlite(element: _JsonRows, compiler: Any, **kw: Any) -> str:
    kw.pop("asfrom", None)
    (parameter,) = element.clauses
    columns = ", ".join(
        f"value {'->' if isinstance(type_, Json) else '->>'} '$.{name}' AS {name}"
        for name, type_ in element.fields.items()
    )
    # LIMIT -1 limits nothing, but the list is then read once and first, and each of its rows finds the table's by key.
    # Without it SQLite (3.40) reads every row of the tenant, and the whole list for each of them: seconds for 6,000.
    return f"(SELECT {columns} FROM json_each({compiler.process(parameter, **kw)}) LIMIT -1)"


class _Rows(TypeDecorator[Any]):
    """A list of dicts as one JSON parameter; each value as its column stores it."""

    impl = JSON
    cache_ok = False

    def __init__(self, columns: Mapping[str, TypeEngine[Any]]) -> None:
        super().__init__()
        self.columns = columns

    def load_dialect_impl(self, dialect: Any) -> TypeEngine[Any]:
        return dialect.type_descriptor(  # type: ignore[no-any-return]
            JSONB() if dialect.name == "postgresql" else String()
        )

    def bind_processor(self, dialect: Any) -> Any:
        instants = [name for name, type_ in self.columns.items() if isinstance(type_, Instant)]
        sqlite = dialect.name == "sqlite"

        def dump(rows: Sequence[Mapping[str, Any]]) -> str:
            if sqlite and instants:
                rows = [
                    {
                        **row,
                        **{
                            name: None if row[name] is None else (row[name] - _EPOCH) // _MICROSECOND
                            for name in instants
                        },
                    }
                    for row in rows
                ]
            return orjson.dumps(
                [{k: v.hex if isinstance(v, UUID) else v for k, v in row.items()} for row in rows]
            ).decode()

        return dump


def json_rows(name: str, columns: Mapping[str, Any]) -> TableValuedAlias:
    """A list of dicts, given as parameter `name`, as a table: `json_rows("wanted", {"quantity": BigInteger()})`.

    One statement text, and one statement, for any number of rows.
    """
    parameter = bindparam(name, type_=_Rows(columns), required=True)
    element = _JsonRows(parameter, columns)
    return element.table_valued(*[column(key, type_) for key, type_ in columns.items()], name=f"_{name}")


def upsert_statement(
    model: Any, columns: Sequence[str], *, key: Sequence[str], change: Sequence[str], add: Sequence[str]
) -> Any:
    """INSERT … SELECT from the JSON parameter `rows` … ON CONFLICT (key) DO UPDATE or NOTHING, RETURNING the rows."""
    table = model.__table__
    rows = json_rows("rows", {name: table.c[name].type for name in columns})
    # WHERE true: SQLite cannot otherwise tell ON CONFLICT from a join's ON
    source = select(*[rows.c[name] for name in columns]).where(true())
    statement = _insert(table).from_select(list(columns), source, include_defaults=False)
    if not change and not add:
        return statement.on_conflict_do_nothing(index_elements=key).returning(model)
    setting = {name: statement.excluded[name] for name in change} | {
        name: table.c[name] + statement.excluded[name] for name in add
    }
    return statement.on_conflict_do_update(index_elements=key, set_=setting).returning(model)


class Keyed(SQLModel):
    """What every row begins with: the tenant, then the row's own id. Both are the primary key."""

    tenant_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
