"""Keyset pages: default 20, at most 100; cursors are signed and bound to tenant, sort and filter.

`page(...)` is pure over what a query returned; the query itself asks for one row more than the page (`limit_of`).
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
from sqlalchemy import and_, or_

from oms_api.kit import secrets
from oms_api.kit.errors import BadInput, Invalid

T = TypeVar("T")

DEFAULT = 20
MAX = 100


@dataclass(frozen=True)
class Window:
    """What part of a list is asked for. `after`/`before` are key values of a row, `backwards` means `last`."""

    size: int
    after: tuple[Any, ...] | None = None
    before: tuple[Any, ...] | None = None
    backwards: bool = False

    @property
    def limit(self) -> int:
        return self.size + 1


@dataclass(frozen=True)
class Page(Generic[T]):
    rows: Sequence[T]
    cursors: Sequence[str]
    has_next: bool
    has_previous: bool


def _size(value: int | None, name: str) -> int:
    if value is None:
        return DEFAULT
    if not 0 <= value <= MAX:
        raise BadInput(Invalid(f"{name}: {value} is not allowed; ask for 0 to {MAX}.", path=(name,)))
    return value


def binding(tenant_id: UUID, *parts: object) -> str:
    """What a cursor is bound to: the tenant, the list, its sort and its filter."""
    return hashlib.sha256(orjson.dumps([tenant_id.hex, *map(str, parts)])).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return ["u", value.hex]
    if isinstance(value, datetime):
        return ["t", value.isoformat()]
    return value


def _rich(value: Any) -> Any:
    if isinstance(value, list):
        return UUID(value[1]) if value[0] == "u" else datetime.fromisoformat(value[1])
    return value


def cursor(bound: str, key: Sequence[Any]) -> str:
    return secrets.sign("cursor", [bound, [_plain(value) for value in key]])


def _key(bound: str, text: str | None, name: str) -> tuple[Any, ...] | None:
    if text is None:
        return None
    try:
        content: Any = secrets.verify("cursor", text)
    except secrets.Unsigned:
        content = None
    if content is None or content[0] != bound:
        raise BadInput(
            Invalid(f"{name} is not a cursor of this list; take it from pageInfo of the same query.", path=(name,))
        )
    return tuple(_rich(value) for value in content[1])


def window(
    bound: str,
    *,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
) -> Window:
    """Check the four arguments. Raises BadInput."""
    if first is not None and last is not None:
        raise BadInput(Invalid("Send first or last, not both.", path=("last",)))
    backwards = last is not None or (first is None and before is not None)
    return Window(
        _size(last if backwards else first, "last" if backwards else "first"),
        _key(bound, after, "after"),
        _key(bound, before, "before"),
        backwards,
    )


def beyond(columns: Sequence[Any], descending: Sequence[bool], key: Sequence[Any], *, after: bool) -> Any:
    """Rows that come after (or before) the row with these key values, in the order of the columns."""
    options = []
    for i, column in enumerate(columns):
        smaller = descending[i] == after
        options.append(
            and_(
                *[columns[j] == key[j] for j in range(i)],
                column < key[i] if smaller else column > key[i],
            )
        )
    # implied by the options, but only this an index can begin its range with
    edge = columns[0] <= key[0] if descending[0] == after else columns[0] >= key[0]
    return and_(edge, or_(*options))


def keyset(statement: Any, columns: Sequence[Any], descending: Sequence[bool], asked: Window) -> Any:
    """Add the window's conditions, order and limit to a select."""
    if asked.after is not None:
        statement = statement.where(beyond(columns, descending, asked.after, after=True))
    if asked.before is not None:
        statement = statement.where(beyond(columns, descending, asked.before, after=False))
    order = [
        column.desc() if down != asked.backwards else column.asc()
        for column, down in zip(columns, descending, strict=True)
    ]
    return statement.order_by(*order).limit(asked.limit)


def page(bound: str, rows: Sequence[T], asked: Window, key: Callable[[T], Sequence[Any]]) -> Page[T]:
    """Cut the extra row off and make cursors."""
    more = len(rows) > asked.size
    kept = list(rows[: asked.size])
    if asked.backwards:
        kept.reverse()
    return Page(
        kept,
        [cursor(bound, key(row)) for row in kept],
        has_next=asked.before is not None if asked.backwards else more,
        has_previous=more if asked.backwards else asked.after is not None,
    )
