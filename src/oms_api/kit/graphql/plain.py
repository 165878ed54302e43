"""An executor that reads plain fields at once and leaves everything else, and everything unusual, to graphql-core.

A field is plain when it takes no arguments, its value is an attribute or what a resolver returns that asks only for
`self`, and everything selected below it is plain too. Which fields these are is worked out once a document; reading
them is then a chain of small functions: some 0.3 µs a leaf, where graphql-core, which must be ready for awaitables,
arguments and errors everywhere, takes about 4.

No error is made here. Where a value is not exactly what its field expects (null where none may be, another class, an
exception, something to await), graphql-core executes that field from the start and says what is wrong, with path and
location. So a resolver that asks only for `self` may be called twice, and has no effects.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from operator import attrgetter
from typing import Any, TypeAlias

from graphql import (
    DirectiveNode,
    DocumentNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    VariableNode,
    Visitor,
    is_leaf_type,
    visit,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import CollectedFields, FieldDetails, collect_subfields
from graphql.pyutils import Path
from strawberry.types.field import StrawberryField

Read: TypeAlias = Callable[[Any], Any]
Fields: TypeAlias = dict[str, list[FieldDetails]]

PLANS_MAX = 16  # of one document, by the variables of its @skip and @include
INT_MAX = 2**31 - 1


class Unusual(Exception):
    """A value that graphql-core must judge."""


class Selection(Fields):
    """What is selected of one object type, by the names in the answer; the plain ones with their way to be read."""

    def __init__(self, selected: Fields, plain: Mapping[str, Read]) -> None:
        super().__init__(selected)
        self.rest = {name: details for name, details in selected.items() if name not in plain}
        self.reads: list[tuple[str, Read]] = [(name, plain.get(name, _later)) for name in selected]

    def read(self, source: Any) -> tuple[dict[str, Any], Fields]:
        """The values of the plain fields, with places kept for the others, and those others."""
        try:
            return {name: read(source) for name, read in self.reads}, self.rest
        except Exception:  # noqa: BLE001 - graphql-core meets it again and tells it
            return self._read_one_by_one(source)

    def _read_one_by_one(self, source: Any) -> tuple[dict[str, Any], Fields]:
        found: dict[str, Any] = {}
        rest: Fields = {}
        for name, read in self.reads:
            found[name] = None
            try:
                found[name] = read(source)
            except Exception:  # noqa: BLE001 - see above
                rest[name] = self[name]
            if read is _later:
                rest[name] = self[name]
        return found, rest


def _later(source: Any) -> None:
    """In the place of a field that is not plain."""


class Plan:
    """The selections of one document, as its @skip and @include leave it."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], CollectedFields] = {}

    def selection(
        self, executor: Executor[Any], type_: GraphQLObjectType, details: list[FieldDetails]
    ) -> CollectedFields:
        """What is selected of a type below some nodes of the document: a Selection."""
        key = (type_.name, *[id(detail.node) for detail in details])  # the document keeps its nodes
        found = self._known.get(key)
        if found is None:
            found = collect_subfields(
                executor.schema, executor.fragments, executor.variable_values, executor.operation, type_, details
            )
            selected = found.grouped_field_set
            plain = {name: read for name in selected if (read := self._field(executor, type_, selected[name]))}
            found = self._known[key] = found._replace(grouped_field_set=Selection(selected, plain))
        return found

    def _field(self, executor: Executor[Any], parent: GraphQLObjectType, details: list[FieldDetails]) -> Read | None:
        name = details[0].node.name.value
        if name == "__typename":
            return lambda source: parent.name
        definition = parent.fields[name]
        value = _value(definition)
        complete = value and self._nullable(executor, definition.type, details)
        return value and complete and (lambda source: complete(value(source)))

    def _nullable(self, executor: Executor[Any], type_: GraphQLOutputType, details: list[FieldDetails]) -> Read | None:
        if isinstance(type_, GraphQLNonNull):
            return self._present(executor, type_.of_type, details)
        complete = self._present(executor, type_, details)
        return complete and (lambda value: None if value is None else complete(value))

    def _present(self, executor: Executor[Any], type_: GraphQLOutputType, details: list[FieldDetails]) -> Read | None:
        """How a value of a type is completed, null being Unusual; None when it is not plain."""
        if isinstance(type_, GraphQLList):
            item = self._nullable(executor, type_.of_type, details)
            return item and _list(item)
        if isinstance(type_, GraphQLObjectType):
            definition = type_.extensions.get("strawberry-definition")
            selection = self.selection(executor, type_, details).grouped_field_set
            if definition is None or definition.is_type_of or not isinstance(selection, Selection) or selection.rest:
                return None
            return _object(definition.origin, selection)
        return _leaf(type_) if is_leaf_type(type_) else None


def _value(definition: GraphQLField) -> Read | None:
    """How a field gets its value from its object alone; None when it needs more."""
    field = definition.extensions.get("strawberry-definition")
    if not isinstance(field, StrawberryField) or field.extensions or definition.args:
        return None
    if field.base_resolver is None:
        return attrgetter(field.python_name) if field.default_resolver is getattr else None
    if field.is_async or list(field.base_resolver.signature.parameters) != ["self"]:
        return None
    resolver: Any = field.base_resolver.wrapped_func
    return resolver  # type: ignore[no-any-return]


def _list(item: Read) -> Read:
    def complete(value: Any) -> Any:
        if type(value) is not list:
            raise Unusual
        return [item(each) for each in value]

    return complete


def _object(class_: type, selection: Selection) -> Read:
    reads = selection.reads

    def complete(value: Any) -> Any:
        if type(value) is not class_:
            raise Unusual
        return {name: read(value) for name, read in reads}

    return complete


def _leaf(type_: GraphQLLeafType) -> Read:
    coerce = type_.coerce_output_value

    def complete(value: Any) -> Any:
        if type(value) in _LEAVES and (found := coerce(value)) is not None:
            return found
        raise Unusual

    def text(value: Any) -> Any:
        return value if type(value) is str else complete(value)

    def integer(value: Any) -> Any:
        return value if type(value) is int and -INT_MAX <= value <= INT_MAX else complete(value)

    def flag(value: Any) -> Any:
        return value if value is True or value is False else complete(value)

    if isinstance(type_, GraphQLEnumType):
        class_ = getattr(type_, "wrapped_cls", None)
        names = {member: coerce(member) for member in class_ or ()}

        def choice(value: Any) -> Any:
            return names[value] if type(value) is class_ else complete(value)

        return choice
    return {"String": text, "ID": text, "Int": integer, "Boolean": flag}.get(type_.name, complete)


_LEAVES = frozenset({str, int, float, bool, Decimal, datetime, date, time, dict, list})
"""Classes whose instances are neither errors nor awaited: what a leaf may be made of."""


class Plans:
    """The plans of one document: one, or one for each choice of the variables that its @skip and @include name."""

    def __init__(self, document: DocumentNode) -> None:
        self._choices = _Choices()
        visit(document, self._choices)
        self._plans: dict[tuple[Any, ...], Plan] = {}

    def of(self, executor: Executor[Any]) -> Plan:
        coerced = executor.variable_values.coerced
        key = tuple([coerced.get(name) for name in self._choices.names])
        found = self._plans.get(key)
        if found is None:
            found = Plan()
            if len(self._plans) < PLANS_MAX:
                self._plans[key] = found
        return found


class _Choices(Visitor):
    """Names of the variables in directives."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                self.names.append(argument.value.name.value)


class PlainExecutor(Executor[Any]):
    """Of one request."""

    def __init__(self, *args: Any, plans: Plans, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._plan = plans.of(self)

    def collect_subfields(
        self, return_type: GraphQLObjectType, field_details_list: list[FieldDetails]
    ) -> CollectedFields:
        return self._plan.selection(self, return_type, field_details_list)

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: Fields,
        position_context: Any,
    ) -> Any:
        if not isinstance(grouped_field_set, Selection):  # the root
            return super().execute_fields(parent_type, source_value, path, grouped_field_set, position_context)
        found, rest = grouped_field_set.read(source_value)
        if not rest:
            return found
        others: Any = super().execute_fields(parent_type, source_value, path, rest, position_context)
        if isinstance(others, dict):
            return found | others

        async def all_of_them() -> dict[str, Any]:
            found.update(await others)
            return found

        return all_of_them()

    def close(self) -> None:
        """Break the ring that it stands in: memory is then given back at once, not by the garbage collector."""
        self.async_helpers = None  # type: ignore[assignment]
