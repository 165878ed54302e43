"""Built with SQLModel and SQLAlchemy, compiled once per engine; rows are read-only instances of their table."""

from collections import namedtuple
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar, overload
from uuid import UUID

from sqlalchemy import Select, Table, Uuid, bindparam
from sqlalchemy import select as sqlalchemy_select
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.dml import UpdateBase
from sqlmodel import SQLModel, col
from sqlmodel.sql.expression import SelectOfScalar

T = TypeVar("T")
R = TypeVar("R")


class Compiled:
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
            self.processors.append(_reads(column.type, dialect))
            self.keys.append(column.key)
        self.touched = [(i, process) for i, process in enumerate(self.processors) if process is not None]
        self.scalar = self.model is None and len(columns) == 1
        self.is_table = self.model is not None
        row: Any = None if self.is_table or self.scalar or not columns else namedtuple("Row", self.keys)
        self.make: Any = row and row._make

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
        """Driver rows as instances of their table, as named tuples, or of a single column as its values."""
        if self.scalar:
            process = self.processors[0]
            return [record[0] if process is None else process(record[0]) for record in records]
        touched, keys, model, make = self.touched, self.keys, self.model, self.make
        out: list[Any] = []
        for record in records:
            values: Any = record
            if touched:
                values = list(record)
                for i, process in touched:
                    values[i] = process(values[i])
            if make is not None:
                out.append(make(values))
                continue
            row = object.__new__(model)
            row.__dict__.update(zip(keys, values, strict=True))
            out.append(row)
        return out


_uuid = lru_cache(maxsize=16_384)(UUID)  # on SQLite they are text, and the same few come again and again


def _reads(type_: Any, dialect: Dialect) -> Any:
    impl = type_.dialect_impl(dialect)
    process = impl.result_processor(dialect, None)
    if process is not None and isinstance(impl, Uuid):
        return lambda value: None if value is None else _uuid(value)
    return process


def _class_of(table: Any) -> type[SQLModel] | None:
    for mapper in SQLModel._sa_registry.mappers:
        if mapper.local_table is table:
            found: type[SQLModel] = mapper.class_
            return found
    return None


class Prepared:
    """A constant statement, compiled once per engine; its changing values are `bindparam`s."""

    __slots__ = ("compiled", "statement")

    def __init__(self, statement: Any) -> None:
        self.statement = statement
        self.compiled: dict[str, Compiled] = {}


Statement = Any


@overload
def prepared(statement: SelectOfScalar[T]) -> SelectOfScalar[T]: ...
@overload
def prepared(statement: Any) -> Any: ...
def prepared(statement: Any) -> Any:
    """Mark a module-level statement as constant. What it gives is accepted wherever a statement is."""
    return Prepared(statement)


def table_of(model: type[SQLModel]) -> Table:
    """The table of a class, for UPDATE and DELETE: these are statements on a table, not on a session's objects."""
    found: Table = getattr(model, "__table__")  # noqa: B009 - SQLModel does not declare it
    return found


def mine(model: Any) -> Any:
    """`tenant_id` of a table is the caller's: the first condition of every statement. Filled in by the session."""
    return col(model.tenant_id) == bindparam("tenant", type_=Uuid(), required=True)


def columns(*chosen: Any) -> Any:
    """A select of some columns, of any number (sqlmodel's typed `select` ends at four)."""
    return sqlalchemy_select(*chosen)


def param(name: str, type_: Any = None) -> Any:
    """A value named at run time: `bindparam` with `required`."""
    return bindparam(name, type_=type_, required=True)


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
