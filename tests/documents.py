"""Operations and variables written from the schema that is served: whatever is added to an answer is selected too."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)
from sqlmodel import SQLModel

from oms_api.domains import parts
from oms_api.schema import build

NEST_MAX = 4


@cache
def schema() -> GraphQLSchema:
    """The schema that is served."""
    return build()._schema


def selection(type_: Any, nest: int = NEST_MAX, inside: frozenset[str] = frozenset()) -> str:
    """Every field of a type that needs no argument, but for pages below the first level and what leads back to a type
    that it is in; empty for a leaf."""
    named = get_named_type(type_)
    if is_leaf_type(named):
        return ""
    if isinstance(named, GraphQLInterfaceType):
        return "{ __typename id }"
    assert isinstance(named, GraphQLObjectType)
    chosen = []
    for name, field in named.fields.items():
        inner = get_named_type(field.type)
        if any(is_required_argument(argument) for argument in field.args.values()):
            continue
        if is_leaf_type(inner):
            chosen.append(name)
        elif nest > 0 and inner.name not in inside and not (inner.name.endswith("Connection") and inside):
            chosen.append(f"{name} {selection(inner, nest - 1, inside | {named.name})}")
    return "{ " + " ".join(chosen or ["__typename"]) + " }"


def root_field(name: str) -> tuple[str, GraphQLField]:
    """("mutation" or "query", the field)."""
    for kind, root in (("mutation", schema().mutation_type), ("query", schema().query_type)):
        if root is not None and name in root.fields:
            return kind, root.fields[name]
    raise LookupError(name)


@cache
def document(name: str) -> str:
    """An operation of one root field with all its arguments as variables."""
    kind, field = root_field(name)
    declared = ", ".join(f"${argument}: {value.type}" for argument, value in field.args.items())
    passed = ", ".join(f"{argument}: ${argument}" for argument in field.args)
    head, call = (f"({declared})", f"({passed})") if declared else ("", "")
    return f"{kind}{head} {{ {name}{call} {selection(field.type)} }}"


def root_fields() -> list[str]:
    return [name for root in (schema().query_type, schema().mutation_type) if root for name in root.fields]


def tenant_tables() -> list[str]:
    """Every table that has a tenant."""
    parts("models")
    return [name for name, table in SQLModel.metadata.tables.items() if "tenant_id" in table.columns]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Every text in variables, by its place."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from leaves(inner, (*path, i))
    elif isinstance(value, str):
        yield path, value


def with_leaf(value: Any, path: tuple[Any, ...], leaf: str) -> Any:
    """Variables with another text at a place."""
    if not path:
        return leaf
    if isinstance(value, list):
        return [with_leaf(inner, path[1:], leaf) if i == path[0] else inner for i, inner in enumerate(value)]
    return {name: with_leaf(inner, path[1:], leaf) if name == path[0] else inner for name, inner in value.items()}
