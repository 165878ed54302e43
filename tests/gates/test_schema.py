"""`schema.graphql` explains itself and guards its doors."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_directive_values,
    is_introspection_type,
    is_specified_directive,
    is_specified_scalar_type,
    validate_schema,
)

SCHEMA = Path(__file__).parents[2] / "schema.graphql"

# `viewer` answers any valid key; `node` and `nodes` ask for the scope of what they touch.
UNSCOPED = {"Query.viewer", "Query.node", "Query.nodes"}

SCOPE = re.compile(r"[a-z]+:(read|write|manage)")


def undescribed(schema: GraphQLSchema) -> list[str]:
    """Coordinates of what a reader of the schema would have to guess."""
    return sorted(coordinate for coordinate, text in _descriptions(schema) if not (text or "").strip())


def _descriptions(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    for directive in schema.directives:
        if not is_specified_directive(directive):
            yield f"@{directive.name}", directive.description
    for named in schema.type_map.values():
        if is_introspection_type(named) or is_specified_scalar_type(named):
            continue
        yield named.name, named.description
        if isinstance(named, GraphQLEnumType):
            yield from ((f"{named.name}.{name}", value.description) for name, value in named.values.items())
        elif isinstance(named, GraphQLInputObjectType):
            yield from ((f"{named.name}.{name}", field.description) for name, field in named.fields.items())
        elif isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in named.fields.items():
                yield f"{named.name}.{name}", field.description
                for argument, value in field.args.items():
                    yield f"{named.name}.{name}({argument}:)", value.description


def unguarded(schema: GraphQLSchema, unscoped: set[str]) -> list[str]:
    """Root fields without a well-formed `@scope`, and names on the list of exceptions that need none."""
    scoped: dict[str, bool] = {}
    directive = schema.get_directive("scope")
    for root in (schema.query_type, schema.mutation_type, schema.subscription_type):
        for name, field in root.fields.items() if root else ():
            values = get_directive_values(directive, field.ast_node) if directive and field.ast_node else None
            scopes = (values or {}).get("all") or []
            scoped[f"{root}.{name}"] = bool(scopes) and all(SCOPE.fullmatch(scope) for scope in scopes)
    return sorted(coordinate for coordinate, guarded in scoped.items() if guarded == (coordinate in unscoped))


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    assert SCHEMA.exists(), "there is no schema.graphql yet: write it with `oms schema > schema.graphql`"
    return build_schema(SCHEMA.read_text(encoding="utf-8"))


def test_the_schema_is_valid(schema: GraphQLSchema) -> None:
    assert [error.message for error in validate_schema(schema)] == []


def test_every_element_of_the_schema_is_described(schema: GraphQLSchema) -> None:
    assert undescribed(schema) == []


def test_every_root_field_asks_for_a_scope_or_is_a_named_exception(schema: GraphQLSchema) -> None:
    assert unguarded(schema, UNSCOPED) == []


def test_what_has_no_description_is_named() -> None:
    sdl = """
    directive @scope(all: [String!]!) on FIELD_DEFINITION
    scalar Date
    enum Colour { RED }
    input Filter { name: String }
    interface Node { id: ID! }
    type Query { "All." orders(filter: Filter): Date }
    """
    assert undescribed(build_schema(sdl)) == [
        "@scope", "Colour", "Colour.RED", "Date", "Filter", "Filter.name", "Node", "Node.id", "Query",
        "Query.orders(filter:)",
    ]  # fmt: skip


def test_a_root_field_without_a_proper_scope_is_named() -> None:
    sdl = """
    directive @scope(all: [String!]!) on FIELD_DEFINITION
    type Query {
      viewer: Int
      orders: Int @scope(all: ["orders:read"])
      none: Int
      empty: Int @scope(all: [])
      wrong: Int @scope(all: ["orders:read", "everything"])
    }
    type Mutation { open: Int }
    type Subscription { open: Int }
    """
    assert unguarded(build_schema(sdl), {"Query.viewer"}) == [
        "Mutation.open", "Query.empty", "Query.none", "Query.wrong", "Subscription.open",
    ]  # fmt: skip


def test_an_exception_that_asks_for_a_scope_is_off_the_list() -> None:
    sdl = """
    directive @scope(all: [String!]!) on FIELD_DEFINITION
    type Query { viewer: Int @scope(all: ["access:read"]) }
    """
    assert unguarded(build_schema(sdl), {"Query.viewer"}) == ["Query.viewer"]
