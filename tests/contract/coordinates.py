"""The parts of a schema by name, and the walk that says which of them a client can reach.

A part is named by its schema coordinate: `Order`, `Order.lines`, `Order.metadata(keys:)`,
`OrderStatus.DRAFT`, `@scope`, `@cost(sizedBy:)`. Three forms extend the GraphQL specification's:
`Sku implements HasMetadata`, `Mutation.orderHold@emits` (a directive applied to a field) and
`Mutation.orderCreate@errors(EXPIRED)` (one element of it; `Order.total@cost(weight=10)` where it is no list).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumValueDefinitionNode,
    FieldDefinitionNode,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    get_directive_values,
    get_named_type,
    is_introspection_type,
    is_specified_directive,
    is_specified_scalar_type,
)


@dataclass(frozen=True)
class Reach:
    """What a walk found, and the missing parts at which it had to stop."""

    found: set[str] = field(default_factory=set)
    stops: set[str] = field(default_factory=set)


def coordinates(schema: GraphQLSchema) -> set[str]:
    """Every coordinate of the schema, reachable or not."""
    return reach(schema, lambda _: False, {t.name for t in own_types(schema)}).found


def own_types(schema: GraphQLSchema) -> list[GraphQLNamedType]:
    """The schema's types without those that GraphQL itself brings."""
    return [t for t in schema.type_map.values() if _is_own(t)]


def _is_own(named: GraphQLNamedType) -> bool:
    return not is_introspection_type(named) and not is_specified_scalar_type(named)


def reach(schema: GraphQLSchema, is_missing: Callable[[str], bool], also: Iterable[str] = ()) -> Reach:
    """Walks from the root types, the directives and the types in `also` through all that is not missing.

    A field or argument whose type is missing cannot exist either, and an element of an applied directive goes
    with the enum value or argument that it names: neither is a stop of its own.
    """
    walk = Reach()
    queue: list[GraphQLNamedType] = []
    seen: set[str] = set()

    def meet(coordinate: str) -> bool:
        missing = is_missing(coordinate)
        (walk.stops if missing else walk.found).add(coordinate)
        return not missing

    def meet_member(coordinate: str, named: GraphQLNamedType) -> bool:
        type_only = _is_own(named) and is_missing(named.name) and not is_missing(coordinate)
        if type_only or not meet(coordinate):
            return False
        queue.append(named)
        return True

    def meet_arguments(owner: str, arguments: dict[str, GraphQLArgument]) -> None:
        for name, argument in arguments.items():
            meet_member(f"{owner}({name}:)", get_named_type(argument.type))

    def meet_applications(owner: str, output_field: GraphQLField) -> None:
        for directive, elements in applied(schema, owner, output_field).items():
            if not is_missing(f"@{directive}") and meet(f"{owner}@{directive}"):
                for element, named_part in elements.items():
                    if named_part is None or not is_missing(named_part):
                        meet(f"{owner}@{directive}({element})")

    roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
    queue += [root for root in roots if root and meet(root.name)]
    queue += [schema.type_map[name] for name in also if not is_missing(name)]
    for directive in schema.directives:
        if not is_specified_directive(directive) and meet(f"@{directive.name}"):
            meet_arguments(f"@{directive.name}", directive.args)
    while queue:
        named = queue.pop()
        if named.name in seen or not _is_own(named):
            continue
        seen.add(named.name)
        walk.found.add(named.name)
        if isinstance(named, GraphQLEnumType):
            for value in named.values:
                meet(f"{named.name}.{value}")
        elif isinstance(named, GraphQLInputObjectType):
            for name, input_field in named.fields.items():
                meet_member(f"{named.name}.{name}", get_named_type(input_field.type))
        elif isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
            for interface in named.interfaces:
                if meet(interface.name) and meet(f"{named.name} implements {interface.name}"):
                    queue.append(interface)
            for name, output_field in named.fields.items():
                owner = f"{named.name}.{name}"
                if meet_member(owner, get_named_type(output_field.type)):
                    meet_arguments(owner, output_field.args)
                    meet_applications(owner, output_field)
    return walk


def applied(schema: GraphQLSchema, owner: str, output_field: GraphQLField) -> dict[str, dict[str, str | None]]:
    """Directives of the schema applied to a field, defaults included.

    Directive → element (`EXPIRED` of a list, `weight=10` otherwise) → coordinate of the enum value or
    argument that the element names, if it names one.
    """
    result: dict[str, dict[str, str | None]] = {}
    node = output_field.ast_node
    for application in (node.directives if node else None) or ():
        directive = schema.get_directive(application.name.value)
        if node is None or directive is None or is_specified_directive(directive):
            continue
        elements = result.setdefault(directive.name, {})
        for argument, value in (get_directive_values(directive, node) or {}).items():
            if value is None:
                continue
            named = get_named_type(directive.args[argument].type)
            for element in value if isinstance(value, list) else ():
                if isinstance(named, GraphQLEnumType):
                    elements[str(element)] = f"{named.name}.{element}"
                else:
                    elements[str(element)] = f"{owner}({element}:)" if element in output_field.args else None
            if not isinstance(value, list):
                elements[f"{argument}={value}"] = None
    return result


def prune(document: DocumentNode, kept: set[str]) -> DocumentNode:
    """The document of a schema with the kept coordinates only; applied directives stay as they are."""
    return replace(document, definitions=tuple(_pruned(document.definitions, kept)))


def _pruned(definitions: Iterable[DefinitionNode], kept: set[str]) -> Iterator[DefinitionNode]:
    for node in definitions:
        if isinstance(node, DirectiveDefinitionNode):
            if f"@{node.name.value}" in kept:
                yield replace(node, arguments=_kept(node.arguments, f"@{node.name.value}({{}}:)", kept))
        elif isinstance(node, TypeDefinitionNode) and node.name.value in kept:
            yield _pruned_type(node, kept)
        elif not isinstance(node, TypeDefinitionNode):
            yield node


def _pruned_type(node: TypeDefinitionNode, kept: set[str]) -> TypeDefinitionNode:
    name = node.name.value
    member = f"{name}.{{}}"
    if isinstance(node, EnumTypeDefinitionNode):
        return replace(node, values=_kept(node.values, member, kept))
    if isinstance(node, InputObjectTypeDefinitionNode):
        return replace(node, fields=_kept(node.fields, member, kept))
    if isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
        fields = tuple(
            replace(f, arguments=_kept(f.arguments, f"{name}.{f.name.value}({{}}:)", kept))
            for f in _kept(node.fields, member, kept)
        )
        interfaces = tuple(i for i in node.interfaces or () if f"{name} implements {i.name.value}" in kept)
        return replace(node, fields=fields, interfaces=interfaces)
    return node


Member = TypeVar("Member", FieldDefinitionNode, InputValueDefinitionNode, EnumValueDefinitionNode)


def _kept(members: tuple[Member, ...] | None, coordinate: str, kept: set[str]) -> tuple[Member, ...]:
    return tuple(m for m in members or () if coordinate.format(m.name.value) in kept)
