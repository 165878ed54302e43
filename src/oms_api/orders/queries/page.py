"""Pages of orders: filter, search, sort, count. A filter comes as plain data: names of `OrderWhere`, what is absent
left out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, String, and_, cast, false, func, literal, not_, or_, true, union_all
from sqlmodel import col, select

from oms_api.kit.db import Reading, columns, mine, param, prepared
from oms_api.kit.errors import BadInput, Invalid
from oms_api.kit.paging import Window, keyset
from oms_api.network import Channel
from oms_api.orders.models import Order, OrderAttention, OrderLine

COUNT_MAX = 10_000
CONDITIONS_MAX = 100
VALUES_MAX = 250
SEARCH_LENGTH_MAX = 254  # the longest e-mail address (RFC 5321)
_NUMBER_DIGITS_MAX = 18  # fits BIGINT


class OrderSortKey(StrEnum):
    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"
    NUMBER = "NUMBER"
    PROMISED_ON = "PROMISED_ON"


_COLUMNS = {
    OrderSortKey.CREATED_AT: "created_at",
    OrderSortKey.UPDATED_AT: "updated_at",
    OrderSortKey.NUMBER: "number",
}
_PROMISED = {False: "promised_asc", True: "promised_desc"}

Sort = Sequence[tuple[OrderSortKey, bool]]
"""Sort keys, each with whether it descends."""


def sort_columns(sort: Sort) -> tuple[list[str], list[bool]]:
    """Names of columns of `Order`, each with whether it descends; the id is the last tie-break where one is needed."""
    names, descending = [], []
    for key, down in sort:
        names.append(_COLUMNS[key] if key is not OrderSortKey.PROMISED_ON else _PROMISED[down])
        descending.append(down)
        if key is OrderSortKey.NUMBER:  # unique: nothing is left to break
            return names, descending
    return [*names, "id"], [*descending, descending[-1]]


async def page(
    reading: Reading, *, where: Mapping[str, Any] | None, search: str | None, sort: Sort, asked: Window
) -> list[Order]:
    """One page and one row more. Raises BadInput for a filter that cannot be used."""
    names, descending = sort_columns(sort)
    chosen = _chosen(where, search)
    if not chosen:
        ends = asked.after is not None, asked.before is not None
        statement = _whole(tuple(names), tuple(descending), *ends, asked.backwards)
        return list(await reading.all(statement, {"size": asked.size, **_named(asked)}))
    statement = select(Order).where(mine(Order), *chosen)
    return list(await reading.all(keyset(statement, [getattr(Order, name) for name in names], descending, asked)))


@lru_cache(maxsize=256)
def _whole(names: tuple[str, ...], descending: tuple[bool, ...], after: bool, before: bool, backwards: bool) -> Any:
    """A page of all orders: the list that most look at, so its statement is compiled once for each sort."""
    chosen = [getattr(Order, name) for name in names]

    def key(end: str) -> tuple[Any, ...]:
        return tuple(param(f"{end}_{i}", column.type) for i, column in enumerate(chosen))

    size: Any = param("size", BigInteger())
    asked = Window(size, key("after") if after else None, key("before") if before else None, backwards)
    return prepared(keyset(select(Order).where(mine(Order)), chosen, descending, asked))


def _named(asked: Window) -> dict[str, Any]:
    return {
        f"{end}_{i}": value
        for end, values in (("after", asked.after), ("before", asked.before))
        for i, value in enumerate(values or ())
    }


async def count(reading: Reading, *, where: Mapping[str, Any] | None, search: str | None) -> int:
    """How many match, counted up to COUNT_MAX + 1."""
    some = columns(literal(1).label("one")).select_from(Order).where(mine(Order), *_chosen(where, search))
    counted = columns(func.count().label("found")).select_from(some.limit(COUNT_MAX + 1).subquery())
    found: int = await reading.first(counted)
    return found


def _chosen(where: Mapping[str, Any] | None, search: str | None) -> list[Any]:
    found = []
    if where:
        tests = _count_tests(where)
        if tests > CONDITIONS_MAX:
            raise BadInput(
                Invalid(f"where has {tests} conditions; at most {CONDITIONS_MAX} are allowed.", path=("where",))
            )
        found.append(condition(where))
    if search is not None and search.strip():
        found.append(_search(search.strip()))
    return found


def _count_tests(where: Mapping[str, Any]) -> int:
    inner: Iterator[Mapping[str, Any]] = (
        item
        for value in where.values()
        for item in (value if isinstance(value, list) else [value])
        if isinstance(item, Mapping)
    )
    return 1 + sum(map(_count_tests, inner))


def condition(where: Mapping[str, Any]) -> Any:
    """A filter as an SQL condition; an empty one holds for every order, an empty `or` for none."""
    return and_(true(), *[_FIELDS[name](value) for name, value in where.items()])


def _search(term: str) -> Any:
    """For humans: the exact number, external id, SKU, or e-mail in any case. Each way through its own index."""
    if len(term) > SEARCH_LENGTH_MAX:
        raise BadInput(Invalid(f"search is longer than {SEARCH_LENGTH_MAX} characters.", path=("search",)))
    ways = [
        columns(col(Order.id)).where(mine(Order), func.lower(col(Order.customer_email)) == term.lower()),
        columns(col(Order.id)).where(mine(Order), col(Order.external_id) == term),
        columns(col(OrderLine.order_id)).where(mine(OrderLine), col(OrderLine.sku) == term),
    ]
    digits = term.removeprefix("#")
    if _is_number(digits):
        ways.append(columns(col(Order.id)).where(mine(Order), col(Order.number) == int(digits)))
    return col(Order.id).in_(union_all(*ways))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _NUMBER_DIGITS_MAX


# --- typed comparators ---------------------------------------------------------------------------------------------


def _text(column: Any, test: Mapping[str, Any], same: Callable[[str], Any] = str) -> Any:
    """StringFilter. `same` brings values into the form in which the column is compared."""
    found: list[Any] = []
    for name, value in test.items():
        if name == "eq":
            found.append(column == same(value))
        elif name == "in_":
            found.append(_any(column, [same(item) for item in _few(value)]))
        elif name == "not_in":
            found.append(or_(column.is_(None), not_(_any(column, [same(item) for item in _few(value)]))))
        elif name == "starts_with":
            found.append(column.istartswith(value, autoescape=True))
        elif name == "contains":
            found.append(column.icontains(value, autoescape=True))
        elif name == "is_null":
            found.append(column.is_(None) if value else column.is_not(None))
    return and_(true(), *found)


def _any(column: Any, values: Sequence[Any]) -> Any:
    """Equals one of them. Spelled out, because an IN list would be expanded before the tenant is known."""
    return or_(false(), *[column == value for value in values])


def _few(values: Sequence[Any]) -> Sequence[Any]:
    if len(values) > VALUES_MAX:
        raise BadInput(Invalid(f"A list of {len(values)} values; at most {VALUES_MAX} are allowed.", path=("where",)))
    return values


def _number(test: Mapping[str, Any]) -> Any:
    """Whole numbers go through the index; parts of them are looked for in their digits."""
    found: list[Any] = []
    number = col(Order.number)
    parts = {}
    for name, value in test.items():
        if name == "eq":
            found.append(number == int(value) if _is_number(value) else false())
        elif name in ("in_", "not_in"):
            one_of = _any(number, [int(item) for item in _few(value) if _is_number(item)])
            found.append(one_of if name == "in_" else not_(one_of))
        else:
            parts[name] = value
    return and_(true(), *found, _text(cast(number, String), parts))


def _instant(column: Any) -> Callable[[Mapping[str, Any]], Any]:
    def test_of(test: Mapping[str, Any]) -> Any:
        found = []
        for name, value in test.items():
            if name == "gte":
                found.append(column >= value)
            elif name == "gt":
                found.append(column > value)
            elif name == "lte":
                found.append(column <= value)
            elif name == "lt":
                found.append(column < value)
            elif name == "is_null":
                found.append(column.is_(None) if value else column.is_not(None))
        return and_(true(), *found)

    return test_of


def _status(test: Mapping[str, Any]) -> Any:
    found = []
    if "in_" in test:
        found.append(_any(col(Order.status), _few(test["in_"])))
    if "not_in" in test:
        found.append(not_(_any(col(Order.status), _few(test["not_in"]))))
    return and_(true(), *found)


def _channel(test: Mapping[str, Any]) -> Any:
    return col(Order.channel_id).in_(columns(col(Channel.id)).where(mine(Channel), _text(col(Channel.handle), test)))


def _sku(test: Mapping[str, Any]) -> Any:
    lines = columns(col(OrderLine.order_id)).where(mine(OrderLine), _text(col(OrderLine.sku), test))
    return col(Order.id).in_(lines)


def _attention(wanted: bool) -> Any:
    needing = col(Order.id).in_(columns(col(OrderAttention.order_id)).where(mine(OrderAttention)))
    return needing if wanted else not_(needing)


def _metadata(tests: Sequence[Mapping[str, Any]]) -> Any:
    return and_(true(), *[_text(_entry(test["key"]), test["value"]) for test in tests])


def _entry(key: str) -> Any:
    """A metadata value as text. On older SQLite a label with a dot is a path unless it is quoted; a key of ours always
    has a dot and never a quote, so at most one of the two labels finds something, on either engine."""
    entries = col(Order.entries)
    labels = (key, f'"{key}"')
    found = [entries.op("->>", return_type=String())(literal(label, String())) for label in labels]
    return cast(func.coalesce(*found), String())


_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "and_": lambda tests: and_(true(), *map(condition, tests)),
    "or_": lambda tests: or_(false(), *map(condition, tests)),
    # what is unknown (a null column) does not hold, so its negation does
    "not_": lambda test: not_(func.coalesce(condition(test), false())),
    "number": _number,
    "external_id": lambda test: _text(col(Order.external_id), test),
    "channel": _channel,
    "status": _status,
    "created_at": _instant(col(Order.created_at)),
    "updated_at": _instant(col(Order.updated_at)),
    "customer_email": lambda test: _text(func.lower(col(Order.customer_email)), test, same=str.lower),
    "sku": _sku,
    "needs_attention": _attention,
    "metadata": _metadata,
}
