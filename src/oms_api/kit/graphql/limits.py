"""Limits of one operation: depth, aliases, repetitions, literals, tokens, cost."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    VariableNode,
    get_named_type,
    specified_rules,
)
from graphql.validation import ValidationContext, ValidationRule

DEPTH_MAX = 12
ALIASES_MAX = 30
TOKENS_MAX = 2_000
COST_MAX = 5_000
INTROSPECTION_DEPTH_MAX = 16
REPETITIONS_MAX = 50  # comparing 380 fields of one name with each other took 3 s
DIGITS_MAX = 40
SIZE_MAX = 250  # a page has at most 100 and a list argument at most 250: what is more is refused by the field itself


class Limits(ValidationRule):
    """Refuse documents deeper than DEPTH_MAX (introspection: 16), with more than ALIASES_MAX aliases, that repeat a
    field or a variable more often than REPETITIONS_MAX, or with literals that no column can hold."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.aliases = 0
        self.repetitions: Counter[tuple[object, str]] = Counter()
        self.fragments: dict[str, FragmentDefinitionNode] = {
            node.name.value: node for node in context.document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self.depths: dict[str, int] = {}

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        if node.alias is not None:
            self.aliases += 1
            if self.aliases == ALIASES_MAX + 1:
                self.report_error(GraphQLError(f"More than {ALIASES_MAX} aliases; send several requests.", node))
        if node.selection_set is not None:
            name = (node.alias or node.name).value
            named = (self.context.get_parent_type(), name)
            self.repetitions[named] += 1
            if self.repetitions[named] == REPETITIONS_MAX + 1:
                self.report_error(GraphQLError(f"{name} more than {REPETITIONS_MAX} times; select it once.", node))

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        name = f"${node.name.value}"
        self.repetitions[None, name] += 1  # once where it is declared
        if self.repetitions[None, name] == REPETITIONS_MAX + 2:
            self.report_error(GraphQLError(f"{name} more than {REPETITIONS_MAX} times; send a list.", node))

    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        if "\0" in node.value:
            self.report_error(GraphQLError("A text holds the character NUL, which no text may; take it out.", node))

    def enter_int_value(self, node: IntValueNode | FloatValueNode, *_: Any) -> None:
        if len(node.value) > DIGITS_MAX:
            self.report_error(GraphQLError(f"A number has {len(node.value)} digits; at most {DIGITS_MAX}.", node))

    enter_float_value = enter_int_value

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        depth = self._depth(node.selection_set, frozenset())
        introspects = any(
            isinstance(selection, FieldNode) and selection.name.value.startswith("__")
            for selection in node.selection_set.selections
        )
        allowed = INTROSPECTION_DEPTH_MAX if introspects else DEPTH_MAX
        if depth > allowed:
            self.report_error(
                GraphQLError(f"The operation is {depth} levels deep; at most {allowed} are allowed.", node)
            )

    def _depth(self, selection_set: SelectionSetNode | None, inside: frozenset[str]) -> int:
        deepest = 0
        for selection in selection_set.selections if selection_set else ():
            if isinstance(selection, FieldNode):
                deepest = max(deepest, 1 + self._depth(selection.selection_set, inside))
            elif isinstance(selection, InlineFragmentNode):
                deepest = max(deepest, self._depth(selection.selection_set, inside))
            elif isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                if name in inside or name not in self.fragments:
                    continue
                if name not in self.depths:
                    self.depths[name] = self._depth(self.fragments[name].selection_set, inside | {name})
                deepest = max(deepest, self.depths[name])
        return deepest


# in two steps: the first bounds what the second costs
RULES = ([Limits], list(specified_rules))


@dataclass
class CostPlan:
    """What an operation costs: one point a field with an object below it, more where `@cost` says so.

    `sizedBy` arguments multiply what is below. Computed once a document; `variables` names those it depends on.
    """

    schema: GraphQLSchema
    document: DocumentNode
    operation: OperationDefinitionNode

    def __post_init__(self) -> None:
        self.fragments = {
            node.name.value: node for node in self.document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self.variables: set[str] = set()
        self.spread: dict[str, int] = {}
        self.known: dict[tuple[Any, ...], int] = {}
        self.defaults = {
            node.variable.name.value: _literal_size(node.default_value, {}) if node.default_value else None
            for node in self.operation.variable_definitions or ()
        }
        self.cost({})

    def cost(self, variables: Mapping[str, Any]) -> int:
        sizes = {
            name: _size(variables[name]) if name in variables else self.defaults.get(name) for name in self.variables
        }
        key = tuple(sorted(sizes.items(), key=lambda item: item[0]))
        found = self.known.get(key)
        if found is None:
            root = self.schema.get_root_type(self.operation.operation)
            self.spread = {}
            found = self._selections(self.operation.selection_set, root, variables)
            if len(self.known) < 1_000 and set(sizes) == self.variables:
                self.known[key] = found
        return found

    def _selections(self, selection_set: SelectionSetNode | None, parent: Any, variables: Mapping[str, Any]) -> int:
        total = 0
        for selection in selection_set.selections if selection_set else ():
            if isinstance(selection, FieldNode):
                total += self._field(selection, parent, variables)
            elif isinstance(selection, InlineFragmentNode):
                inner = selection.type_condition
                total += self._selections(
                    selection.selection_set,
                    self.schema.get_type(inner.name.value) if inner else parent,
                    variables,
                )
            elif isinstance(selection, FragmentSpreadNode) and (fragment := self.fragments.get(selection.name.value)):
                total += self._fragment(fragment, variables)
        return total

    def _fragment(self, fragment: FragmentDefinitionNode, variables: Mapping[str, Any]) -> int:
        """Worked out once: fragments that name another twice each would take 2^n steps."""
        name = fragment.name.value
        if name not in self.spread:
            type_ = self.schema.get_type(fragment.type_condition.name.value)
            self.spread[name] = self._selections(fragment.selection_set, type_, variables)
        return self.spread[name]

    def _field(self, node: FieldNode, parent: Any, variables: Mapping[str, Any]) -> int:
        if not isinstance(parent, GraphQLObjectType) or node.name.value not in parent.fields:
            return 0
        definition = parent.fields[node.name.value]
        backref = definition.extensions.get("strawberry-definition")
        weight, sized_by = 1 if node.selection_set else 0, ()
        for directive in backref.directives if backref else ():
            if type(directive).__name__ == "Cost":
                weight, sized_by = directive.weight, directive.sized_by or ()
        size = 1
        if sized_by:
            sizes = []
            for name in sized_by:
                argument = definition.args.get(name)
                given = next((item.value for item in node.arguments or () if item.name.value == name), None)
                if isinstance(given, VariableNode):
                    self.variables.add(given.name.value)
                    given_size = (
                        _size(variables[given.name.value])
                        if given.name.value in variables
                        else self.defaults.get(given.name.value)
                    )
                    sizes.append(given_size)
                elif given is not None:
                    sizes.append(_literal_size(given, variables))
                elif argument is not None and isinstance(argument.default_value, int):
                    sizes.append(argument.default_value)
            known = [size for size in sizes if size is not None]
            size = max(known) if known else 20
        return weight + size * self._selections(node.selection_set, get_named_type(definition.type), variables)


def _size(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return min(max(value, 0), SIZE_MAX)
    return len(value) if isinstance(value, list) else None


def _literal_size(node: Any, variables: Mapping[str, Any]) -> int | None:
    if isinstance(node, IntValueNode):
        return min(max(int(node.value), 0), SIZE_MAX)
    return len(node.values) if isinstance(node, ListValueNode) else None
