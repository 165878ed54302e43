"""Compares a schema with the contract, less the coordinates that are listed as still missing."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from graphql import (
    BreakingChangeType,
    DangerousChangeType,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    SafeChangeType,
    build_ast_schema,
    build_schema,
    find_schema_changes,
    get_named_type,
    parse,
)

from .coordinates import coordinates, own_types, prune, reach

# Changes of type are left to `_different_types`, which allows no loosening at all. A default that was added
# is "safe" to graphql-core, yet `= null` where the contract has none is how an absent value gets lost.
FAILING_CHANGES = {
    *BreakingChangeType,
    DangerousChangeType.ARG_DEFAULT_VALUE_CHANGE,
    DangerousChangeType.INPUT_FIELD_DEFAULT_VALUE_CHANGE,
    SafeChangeType.ARG_DEFAULT_VALUE_ADDED,
    SafeChangeType.INPUT_FIELD_DEFAULT_VALUE_ADDED,
} - {BreakingChangeType.FIELD_CHANGED_KIND, BreakingChangeType.ARG_CHANGED_KIND}


def problems(
    contract_sdl: str, schema_sdl: str, missing: Iterable[str] = (), announced: Iterable[str] = ()
) -> list[str]:
    """Sentences on what differs from the contract; empty when the schema keeps it.

    `missing`: coordinates of the contract that are not built yet. `announced`: output enum values beyond the
    contract. They are welcome, but break strict generated clients, so none may appear unnoticed.
    """
    contract, schema = build_schema(contract_sdl), build_schema(schema_sdl)
    missing, announced = set(missing), set(announced)
    promised, built = coordinates(contract), coordinates(schema)
    kept = reach(contract, missing.__contains__, _shared(contract, schema)).found
    pruned = build_ast_schema(prune(parse(contract_sdl), kept), assume_valid_sdl=True)
    return [
        *(f"{c} is listed as missing, but the contract does not name it." for c in sorted(missing - promised)),
        *(f"{c} is listed as missing, but is there: take it off." for c in sorted(missing & built)),
        *(f"{c} is listed as missing, but a scope never may." for c in sorted(filter(_is_scope, missing))),
        *sorted(c.description for c in find_schema_changes(pruned, schema) if c.type in FAILING_CHANGES),
        *sorted(_different_types(contract, schema)),
        *sorted(_different_directives(contract, kept, built)),
        *sorted(_different_values(contract, schema, announced)),
    ]


def still_missing(contract_sdl: str, schema_sdl: str) -> set[str]:
    """The shortest list with which `problems` misses nothing: what only a listed part reaches is left out."""
    contract, schema = build_schema(contract_sdl), build_schema(schema_sdl)
    built = coordinates(schema)
    stops = reach(contract, lambda c: c not in built, _shared(contract, schema)).stops
    return {c for c in stops if not _is_scope(c)}


def newly_missing(contract_sdl: str, before: set[str], after: set[str]) -> set[str]:
    """Coordinates of `after` that `before` counted as built.

    `Mutation.orderEdit` that gives way to `OrderEditAction.addLine` is progress: the list is as long.
    """
    return (after - before) & reach(build_schema(contract_sdl), before.__contains__).found


def _shared(contract: GraphQLSchema, schema: GraphQLSchema) -> set[str]:
    """Types in both: what is built must be right, also where only listed parts lead to it."""
    return {t.name for t in own_types(contract)} & schema.type_map.keys()


def _is_scope(coordinate: str) -> bool:
    return not coordinate.startswith("@") and "@scope" in coordinate


def _different_types(contract: GraphQLSchema, schema: GraphQLSchema) -> Iterator[str]:
    for owner, theirs, ours in _shared_members(contract, schema):
        if str(theirs) != str(ours):
            yield f"{owner} is {theirs} in the contract and {ours} here."


def _shared_members(contract: GraphQLSchema, schema: GraphQLSchema) -> Iterator[tuple[str, object, object]]:
    """Coordinate, type in the contract, type in the schema; of the fields, arguments and inputs of both."""
    for theirs in own_types(contract):
        ours = schema.type_map.get(theirs.name)
        if isinstance(theirs, GraphQLInputObjectType) and isinstance(ours, GraphQLInputObjectType):
            yield theirs.name, _one_of(theirs), _one_of(ours)
            for name in theirs.fields.keys() & ours.fields.keys():
                yield f"{theirs.name}.{name}", theirs.fields[name].type, ours.fields[name].type
        elif isinstance(theirs, GraphQLObjectType | GraphQLInterfaceType) and type(theirs) is type(ours):
            for name in theirs.fields.keys() & ours.fields.keys():
                their_field, our_field = theirs.fields[name], ours.fields[name]
                yield f"{theirs.name}.{name}", their_field.type, our_field.type
                for argument in their_field.args.keys() & our_field.args.keys():
                    coordinate = f"{theirs.name}.{name}({argument}:)"
                    yield coordinate, their_field.args[argument].type, our_field.args[argument].type
    for directive in contract.directives:
        our_directive = schema.get_directive(directive.name)
        our_arguments = our_directive.args if our_directive else {}
        for argument in directive.args.keys() & our_arguments.keys():
            coordinate = f"@{directive.name}({argument}:)"
            yield coordinate, directive.args[argument].type, our_arguments[argument].type


def _one_of(named: GraphQLInputObjectType) -> str:
    return "@oneOf" if named.is_one_of else "not @oneOf"


def _different_directives(contract: GraphQLSchema, kept: set[str], built: set[str]) -> Iterator[str]:
    """What is applied to a field of the contract is the contract's, no more and no less."""
    promised, actual = _applications(kept), _applications(built)
    known = {directive.name for directive in contract.directives}
    for owner in kept & built:
        yield from (f"{owner} lacks @{a}." for a in promised[owner] - actual[owner])
        surplus = actual[owner] - promised[owner]
        yield from (f"{owner} has @{a} beyond the contract." for a in surplus if a.partition("(")[0] in known)


def _applications(all_coordinates: set[str]) -> dict[str, set[str]]:
    """`Mutation.orderHold` → {`emits`, `emits(order.held)`, …}."""
    result: dict[str, set[str]] = defaultdict(set)
    for coordinate in all_coordinates:
        owner, _, application = coordinate.partition("@")
        if owner:
            result[owner].add(application)
    return result


def _different_values(contract: GraphQLSchema, schema: GraphQLSchema, announced: set[str]) -> Iterator[str]:
    surplus = set()
    for named in own_types(schema):
        if isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
            for enum in (get_named_type(f.type) for f in named.fields.values()):
                theirs = contract.type_map.get(enum.name)
                if isinstance(enum, GraphQLEnumType) and isinstance(theirs, GraphQLEnumType):
                    surplus |= {f"{enum.name}.{value}" for value in enum.values.keys() - theirs.values.keys()}
    yield from (f"{c} is beyond the contract: announce it before it is sent." for c in surplus - announced)
    yield from (f"{c} is announced, but is no output enum value of ours." for c in announced - surplus)
