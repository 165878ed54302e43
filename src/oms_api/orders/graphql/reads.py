"""Finding orders."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from oms_api.kit import paging
from oms_api.kit.db import Reading
from oms_api.kit.errors import BadInput, Invalid, NotFound, Path
from oms_api.kit.graphql import Cost, Count, CountPrecision, Info, PageInfo, SortDirection, argument, field, query
from oms_api.orders import models, queries
from oms_api.orders.graphql.inputs import OrderOrderBy, OrderRef, OrderWhere
from oms_api.orders.graphql.objects import Order, order_of
from oms_api.orders.models import ORDER
from oms_api.orders.queries.page import COUNT_MAX, OrderSortKey, Sort, count, page, sort_columns

SORT_KEYS_MAX = 4
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")  # as it is written, and fits BIGINT
NEWEST_FIRST: Sort = ((OrderSortKey.CREATED_AT, True),)


@strawberry.type(description="An order with its cursor.")
class OrderEdge:
    cursor: str = field(description="Cursor.")
    node: Order = field(description="The order.")


@strawberry.type(description="Page of orders.")
class OrderConnection:
    chosen: strawberry.Private[Mapping[str, Any] | None]
    term: strawberry.Private[str | None]
    nodes: list[Order] = field(description="The orders.")
    edges: list[OrderEdge] = field(description="The orders with cursors.")
    page_info: PageInfo = field(description="Paging.")

    @field(description="Matching orders; only counted when asked for.", directives=[Cost(weight=10)])
    async def total_count(self, info: Info) -> Count:
        found = await info.context.read(count, where=self.chosen, search=self.term)
        if found > COUNT_MAX:
            return Count(value=COUNT_MAX, precision=CountPrecision.AT_LEAST)
        return Count(value=found, precision=CountPrecision.EXACT)


async def find_ref(reading: Reading, by: OrderRef) -> models.Order | None:
    """The order that a reference names; None when there is none."""
    if isinstance(by.id, str):
        id_ = ORDER.parse(by.id)
        return (await queries.orders_by_id(reading, [id_])).get(id_)
    if isinstance(by.number, str):
        return await queries.by_number(reading, int(by.number)) if _NUMBER.fullmatch(by.number) else None
    assert by.external
    return await queries.by_external_id(reading, by.external.channel, by.external.id)


async def resolve_ref(reading: Reading, by: OrderRef, path: Path = ("input", "order")) -> models.Order:
    """The order that a reference names. Raises NotFound."""
    found = await find_ref(reading, by)
    if found is None:
        name = by.id or by.number or (f"{by.external.id} of channel {by.external.channel}" if by.external else "")
        raise NotFound(f"There is no order {name[:80]!r}.", path=path)
    return found


def plain(value: Any) -> Any:
    """A filter as plain data, what is absent or null left out."""
    if dataclasses.is_dataclass(value):
        return {name: plain(item) for name, item in vars(value).items() if item is not UNSET and item is not None}
    return [plain(item) for item in value] if isinstance(value, list) else value


def _sort(order_by: Sequence[OrderOrderBy] | None) -> Sort:
    if not order_by:
        return NEWEST_FIRST
    keys = [item.key for item in order_by]
    if len(set(keys)) != len(keys) or len(keys) > SORT_KEYS_MAX:
        raise BadInput(Invalid("orderBy names a key twice; name each once.", path=("orderBy",)))
    return [(item.key, item.direction is SortDirection.DESC) for item in order_by]


@strawberry.type
class Query:
    @query(description="One order.", scope=["orders:read"])
    async def order(self, info: Info, by: Annotated[OrderRef, argument("Which.")]) -> Order | None:
        row = await info.context.read(find_ref, by)
        if row is None:
            return None
        info.context.prime(queries.orders_by_id, row.id, row)
        return order_of(row)

    @query(description="Orders.", scope=["orders:read"], sized_by=["first", "last"])
    async def orders(
        self,
        info: Info,
        where: Annotated[OrderWhere | None, argument("Only these.")] = UNSET,
        search: Annotated[
            str | None,
            argument("For humans: an order's number, external id, customer e-mail, or a SKU on a line, whole."),
        ] = UNSET,
        order_by: Annotated[
            list[OrderOrderBy] | None, argument("Sort keys, most important first; newest first when absent.")
        ] = UNSET,
        first: Annotated[int | None, argument("How many from the front: 20 when absent, at most 100.")] = UNSET,
        after: Annotated[str | None, argument("Only what comes after this cursor.")] = UNSET,
        last: Annotated[int | None, argument("How many from the end, at most 100.")] = UNSET,
        before: Annotated[str | None, argument("Only what comes before this cursor.")] = UNSET,
    ) -> OrderConnection:
        chosen = plain(where) if where else None
        term = search or None
        sort = _sort(order_by or None)
        bound = paging.binding(info.context.known_caller().tenant_id, "orders", sort, chosen, term)
        asked = paging.window(
            bound,
            first=None if first is UNSET else first,
            after=after or None,
            last=None if last is UNSET else last,
            before=before or None,
        )
        rows = await info.context.read(page, where=chosen, search=term, sort=sort, asked=asked)
        names, _ = sort_columns(sort)
        found = paging.page(bound, rows, asked, lambda row: [getattr(row, name) for name in names])
        for row in found.rows:
            info.context.prime(queries.orders_by_id, row.id, row)
        nodes = [order_of(row) for row in found.rows]
        return OrderConnection(
            chosen=chosen,
            term=term,
            nodes=nodes,
            edges=[OrderEdge(cursor=cursor, node=node) for cursor, node in zip(found.cursors, nodes, strict=True)],
            page_info=PageInfo.of(found),
        )
