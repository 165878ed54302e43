"""`node` and `nodes`: any object by id. Each domain says how its types are found (`node_type`)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar
from uuid import UUID

import strawberry

from oms_api.kit import ids
from oms_api.kit.db import Reading
from oms_api.kit.errors import BadInput, Invalid
from oms_api.kit.graphql.context import Info
from oms_api.kit.graphql.fields import query
from oms_api.kit.graphql.types import Node, argument

R = TypeVar("R")
N = TypeVar("N", bound=Node)

NODES_MAX = 100

_finders: dict[str, tuple[type, str, Callable[[Any, UUID], Awaitable[Any]]]] = {}


def node_type(prefix: ids.Prefix, type_: type, *, scope: str, find: Callable[[Any, UUID], Awaitable[Any]]) -> None:
    """Register how `node` finds a type: `find(info, uuid)` gives the object or None; `scope` is needed to see it."""
    _finders[prefix.text] = (type_, scope, find)


def found_by(
    query: Callable[[Reading, Sequence[UUID]], Awaitable[Mapping[UUID, R]]], convert: Callable[[R], N]
) -> Callable[[Info, UUID], Awaitable[N | None]]:
    """The object of a row: `query` reads rows by id (`Context.load`), `convert` makes the object."""

    async def find(info: Info, id_: UUID) -> N | None:
        row = await info.context.load(query, id_)
        return None if row is None else convert(row)

    return find


def types() -> Sequence[type]:
    return [type_ for type_, _, _ in _finders.values()]


async def _find(info: Info, id_: str) -> Any:
    prefix, value = ids.decode(id_)
    found = _finders.get(prefix)
    if found is None or not info.context.known_caller().may(found[1]):
        return None
    return await found[2](info, value)


@strawberry.type
class Query:
    @query(description="Any object by id; null when absent or hidden.")
    async def node(self, info: Info, id: Annotated[strawberry.ID, argument("Its id.")]) -> Node | None:
        found: Node | None = await _find(info, id)
        return found

    @query(description="Many objects by id, same order, null where absent.", sized_by=["ids"])
    async def nodes(
        self, info: Info, ids: Annotated[list[strawberry.ID], argument("Their ids, at most 100.")]
    ) -> list[Node | None]:
        if len(ids) > NODES_MAX:
            raise BadInput(
                Invalid(f"ids: {len(ids)} are too many; ask for at most {NODES_MAX} at once.", path=("ids",))
            )
        return [await _find(info, id_) for id_ in ids]
