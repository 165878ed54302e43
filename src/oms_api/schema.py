"""Folds every domain's graphql into one schema and prints it."""

from functools import cache
from typing import Any

import strawberry
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import merge_types

from oms_api.domains import parts
from oms_api.kit.graphql import events, node
from oms_api.kit.graphql.scalars import SCALARS
from oms_api.kit.graphql.types import complete_error_codes


@cache
def build() -> strawberry.Schema:
    """The one schema. Domains are imported from the ground up, so that upper ones add fields to lower types."""
    modules: list[Any] = parts("graphql")
    complete_error_codes()
    queries = tuple(module.Query for module in modules if hasattr(module, "Query"))
    mutations = tuple(module.Mutation for module in modules if hasattr(module, "Mutation"))
    query = merge_types("Query", (*queries, events.Query, node.Query))
    query.__strawberry_definition__.description = (  # type: ignore[attr-defined]
        "Reads. A look-up that finds nothing is null; a wrong argument where there is no `userErrors` (page size, "
        "cursor, filter) is a top-level error with `extensions.code` BAD_INPUT; every mutation may also answer "
        "NOT_FOUND, INVALID, REQUIRED, VERSION_CONFLICT and the IDEMPOTENCY codes, which `@errors` does not repeat."
    )
    mutation = merge_types("Mutation", mutations) if mutations else None
    if mutation is not None:
        mutation.__strawberry_definition__.description = (  # type: ignore[attr-defined]
            "Writes. `nounVerb`, one `input`, a payload with `userErrors`. A replay of an idempotency key answers "
            "with the same object ids and the same `userErrors`; the fields below them are read anew, so another "
            "selection is fine and a client's cache never goes back in time."
        )
    return strawberry.Schema(
        query=query,
        mutation=mutation,
        types=node.types(),
        config=StrawberryConfig(scalar_map=SCALARS),
    )


def sdl() -> str:
    return print_schema(build()) + "\n"
