"""Plain fields are read without graphql-core; what is answered, errors included, is what graphql-core answers."""

import asyncio
import gc
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any
from uuid import UUID

import pytest
from graphql import (
    ExecutionResult,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    execute,
    get_named_type,
    parse,
)
from graphql.execution import Executor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from oms_api.kit.caller import ActorKind, system
from oms_api.kit.db import Reading
from oms_api.kit.graphql import Context, Count, CountPrecision, PageInfo, UserError
from oms_api.kit.graphql.events import Actor, EventConnection
from oms_api.kit.graphql.plain import PlainExecutor, Plans
from oms_api.schema import build
from world import Api, World

SCHEMA = build()._schema
TYPES = sorted(
    name
    for name, type_ in SCHEMA.type_map.items()
    if isinstance(type_, GraphQLObjectType) and name not in ("Query", "Mutation") and not name.startswith("__")
)
NOBODY = Context(None, None, "req_test")  # type: ignore[arg-type]  # fields that read fail alike under both executors


class Later:
    """Something to await, again and again."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __await__(self) -> Any:
        yield from asyncio.sleep(0).__await__()
        return self.value


class Text(str):
    __slots__ = ()


RIGHT: dict[str, st.SearchStrategy[Any]] = {
    "String": st.text(max_size=3), "ID": st.text(max_size=3), "Int": st.integers(-5, 5), "Boolean": st.booleans(),
    "Float": st.floats(allow_nan=False, allow_infinity=False), "DateTime": st.just(datetime(2026, 11, 22, tzinfo=UTC)),
    "Date": st.just(date(2026, 11, 22)), "Decimal": st.sampled_from(["1.50", Decimal("1.50")]),
    "BigInt": st.integers(0, 2**40), "LocalTime": st.just(time(14, 30)), "CurrencyCode": st.just("EUR"),
    "CountryCode": st.just("DE"), "URL": st.just("https://example.com"), "JSON": st.just({"a": [1]}),
}  # fmt: skip
WRONG: st.SearchStrategy[Any] = st.sampled_from(
    [None, ValueError("broken"), "word", Text("EUR"), 2**31, -(2**31), float("nan"), 1.5, True, (1, 2), [None], {},
     object, Later(None), Later("later"), Later(ValueError("late"))]
)  # fmt: skip


@st.composite
def values(draw: DrawFn, type_: Any, depth: int) -> Any:
    """A value of a type: mostly right, sometimes wrong, sometimes still to come."""
    if draw(st.integers(0, 24)) == 0:
        return draw(WRONG)
    if isinstance(type_, GraphQLNonNull):
        return draw(values(type_.of_type, depth))
    if depth == 0 or draw(st.integers(0, 9)) == 0:
        return None
    if isinstance(type_, GraphQLList):
        return [draw(values(type_.of_type, depth)) for _ in range(draw(st.integers(0, 2)))]
    if isinstance(type_, GraphQLEnumType):
        members: list[Enum] = list(getattr(type_, "wrapped_cls"))  # noqa: B009 - strawberry's own
        return draw(st.sampled_from([*members, *[member.value for member in members]]))
    if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
        return draw(values(draw(st.sampled_from(SCHEMA.get_possible_types(type_))), depth))
    if isinstance(type_, GraphQLObjectType):
        return draw(objects(type_, depth - 1))
    return draw(RIGHT[type_.name])


@st.composite
def objects(draw: DrawFn, type_: GraphQLObjectType, depth: int) -> Any:
    made = object.__new__(type_.extensions["strawberry-definition"].origin)
    for field in type_.fields.values():
        definition = field.extensions["strawberry-definition"]
        if definition.base_resolver is None and draw(st.integers(0, 49)):
            setattr(made, definition.python_name, draw(values(field.type, depth)))
    return made


@st.composite
def selections(draw: DrawFn, type_: Any, depth: int) -> str:
    """`{ … }` on a type: fields under their names or others, fragments, @skip and @include."""
    if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
        inner = draw(st.sampled_from(SCHEMA.get_possible_types(type_)))
        return f"{{ __typename ... on {inner.name} {draw(selections(inner, depth))} }}"
    parts = []
    for name in draw(st.lists(st.sampled_from(sorted(type_.fields)), min_size=1, max_size=5, unique=True)):
        below = get_named_type(type_.fields[name].type)
        nested = hasattr(below, "fields") or isinstance(below, GraphQLUnionType)
        if nested and depth == 0:
            continue
        part = name + (f" {draw(selections(below, depth - 1))}" if nested else "")
        shape = draw(st.integers(0, 11))
        if shape == 0:
            part = f"a{name}: {part}"
        elif shape == 1:
            part = f"{name} {draw(st.sampled_from(['@skip', '@include']))}(if: ${draw(st.sampled_from('xy'))})" + (
                part.removeprefix(name)
            )
        elif shape == 2:
            part = f"... on {type_.name} {{ {part} }} __typename"
        parts.append(part)
    return f"{{ {' '.join(parts) or '__typename'} }}"


class Sender:
    """Sends one document to a schema whose only field, `it`, has a type of ours and a value of the test."""

    def __init__(self, text: str, type_: Any, value: Any) -> None:
        self.schema = GraphQLSchema(GraphQLObjectType("Query", {"it": GraphQLField(type_, resolve=lambda *_: value)}))
        self.document = parse(text)
        self.plans = Plans(self.document)

    def core(self, variables: dict[str, Any]) -> Any:
        return execute(self.schema, self.document, None, NOBODY, variables, executor_class=Executor)

    def plain(self, variables: dict[str, Any]) -> Any:
        made = PlainExecutor.build(self.schema, self.document, None, NOBODY, variables, plans=self.plans)
        assert isinstance(made, PlainExecutor)
        return made.execute_operation()

    def both(self, **variables: Any) -> Any:
        """What graphql-core answers, which is what we answer at the first time and at the second."""
        theirs = told(self.core, variables)
        assert told(self.plain, variables) == theirs
        assert told(self.plain, variables) == theirs
        return theirs


def told(run: Callable[[dict[str, Any]], Any], variables: dict[str, Any]) -> tuple[str, list[Any]]:
    async def awaited() -> ExecutionResult:
        result = run(variables)
        found: ExecutionResult = result if isinstance(result, ExecutionResult) else await result
        others = asyncio.all_tasks() - {asyncio.current_task()}  # what is not needed any more is finished behind us
        await asyncio.gather(*others, return_exceptions=True)
        return found

    found = asyncio.run(awaited())
    # the order of fields and of errors counts too
    return repr(found.data), [(str(error), error.path, type(error.original_error)) for error in found.errors or ()]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_selection_of_any_type_with_any_values_is_answered_as_graphql_core_does(data: st.DataObject) -> None:
    type_: Any = SCHEMA.type_map[data.draw(st.sampled_from(TYPES))]
    wrapped: Any = data.draw(st.sampled_from([type_, GraphQLNonNull(type_), GraphQLList(GraphQLNonNull(type_))]))
    value = data.draw(values(wrapped, 4))
    text = f"query($x: Boolean!, $y: Boolean = true) {{ it {data.draw(selections(type_, 3))} }}"
    variables = {"x": data.draw(st.booleans())} | ({"y": False} if data.draw(st.booleans()) else {})
    Sender(text, wrapped, value).both(**variables)


def sent(text: str, type_: str, value: Any, **variables: Any) -> Any:
    return Sender(text, SCHEMA.type_map[type_], value).both(**variables)


def page_info(**values: Any) -> PageInfo:
    given: Any = {"has_next_page": True, "has_previous_page": False, "start_cursor": "s", "end_cursor": None} | values
    return PageInfo(**given)


def error_of(**values: Any) -> UserError:
    given: Any = {"code": "NOT_FOUND", "message": "m", "path": ["a"], "retryable": False, "doc_url": "u"} | values
    return UserError(**given)


class Other(StrEnum):
    STAFF = "STAFF"


class Duck:
    """Quacks like a PageInfo and like an Actor."""

    has_next_page = True
    kind = ActorKind.STAFF
    id = None


def test_null_where_none_may_be_is_told_with_path_and_location() -> None:
    data, errors = sent("{ it { endCursor hasNextPage } }", "PageInfo", page_info(has_next_page=None))
    assert data == "{'it': None}"
    ((message, path, _),) = errors
    assert "Cannot return null for non-nullable field PageInfo.hasNextPage." in message
    assert path == ["it", "hasNextPage"]


@pytest.mark.parametrize("value", [2**31 - 1, 2**31, -(2**31), -(2**31) - 1, True, 1.0, 1.5, "5", Decimal(5), [5], {}])
def test_numbers_are_judged_alike(value: Any) -> None:
    sent("{ it { value } }", "Count", Count(value=value, precision=CountPrecision.EXACT))


@pytest.mark.parametrize("value", [["a"], [None], ["a", 5], ("a",), "word", {"a": 1}, {"a"}, 5, Later(["a"])])
def test_lists_are_judged_alike(value: Any) -> None:
    sent("{ it { path } }", "UserError", error_of(path=value))


@pytest.mark.parametrize("value", [ActorKind.STAFF, "STAFF", Other.STAFF, "NOBODY", CountPrecision.EXACT, 5, [], None])
def test_enums_are_judged_alike(value: Any) -> None:
    sent("{ it { kind name } }", "Actor", Actor(kind=value, id=None, name="n"))


@pytest.mark.parametrize("value", [Duck(), ValueError("broken"), object(), Later(page_info()), Later(Duck()), {}, 5])
def test_objects_of_another_class_are_judged_alike(value: Any) -> None:
    connection = EventConnection(nodes=[], edges=[], page_info=value)
    sent("{ it { pageInfo { __typename } nodes { id } } }", "EventConnection", connection)
    sent("{ it { nodes { id } pageInfo { hasNextPage } } }", "EventConnection", connection)
    sent(
        "{ it { nodes { __typename } } }", "EventConnection", EventConnection(nodes=[value], edges=[], page_info=value)
    )
    sent("{ it { __typename id } }", "Event", value)


def test_what_is_awaited_keeps_its_place() -> None:
    data, errors = sent(
        "{ it { code message path retryable } }", "UserError", error_of(message=Later("late"), path=Later([Later("x")]))
    )
    assert data == "{'it': {'code': 'NOT_FOUND', 'message': 'late', 'path': ['x'], 'retryable': False}}"
    assert not errors


def test_a_fragment_may_stand_in_two_places_with_other_things_beside_it() -> None:
    value = EventConnection(nodes=[], edges=[], page_info=page_info())
    fragment = "fragment F on EventConnection { pageInfo { hasNextPage } }"
    data, _ = sent(
        f"{fragment} {{ it {{ ...F pageInfo {{ endCursor }} }} b: it {{ ...F }} }}", "EventConnection", value
    )
    both = "'pageInfo': {'hasNextPage': True, 'endCursor': None}"
    assert data == f"{{'it': {{{both}}}, 'b': {{'pageInfo': {{'hasNextPage': True}}}}}}"


def test_skip_and_include_follow_their_variables_from_one_request_to_the_next() -> None:
    chosen = "startCursor @skip(if: $x) ... @include(if: $y) { endCursor }"
    sender = Sender(
        f"query($x: Boolean!, $y: Boolean = true) {{ it {{ {chosen} }} }}", SCHEMA.type_map["PageInfo"], page_info()
    )
    shown = "{'startCursor': 's', 'endCursor': None}"
    for variables, answer in (
        ({"x": False}, shown),
        ({"x": True}, "{'endCursor': None}"),
        ({"x": True, "y": False}, "{}"),
        ({"x": False, "y": True}, shown),
    ):
        assert sender.both(**variables) == (f"{{'it': {answer}}}", [])


# --- what a request leaves behind ----------------------------------------------------------------------------------


async def test_a_request_leaves_nothing_to_the_garbage_collector(api: Api) -> None:
    """Rings of references are found only by full rounds of the collector, which stop every request."""
    document = "{ orders { nodes { id lines { sku } channel { handle } } } viewer { tenant } events { nodes { id } } }"
    await api(document)
    gc.collect()
    gc.disable()
    try:
        before = alive()
        await api(document)
        assert alive() == before
    finally:
        gc.enable()


def alive() -> int:
    return sum(isinstance(one, PlainExecutor | Context) for one in gc.get_objects())


async def test_a_field_that_is_given_up_does_not_take_a_shared_value_from_another(world: World) -> None:
    begun, go = asyncio.Event(), asyncio.Event()
    asked: list[Sequence[str]] = []

    async def slow(reading: Reading, keys: Sequence[str]) -> Mapping[str, str]:
        asked.append(keys)
        begun.set()
        await go.wait()
        return {key: key.upper() for key in keys}

    context = Context(world.db, system(UUID(int=1)), "req_test")
    given_up, kept, other = [asyncio.create_task(context.load(slow, key)) for key in ("a", "a", "b")]
    await begun.wait()
    given_up.cancel()
    await asyncio.sleep(0)
    go.set()
    assert [await kept, await other] == ["A", "B"]
    assert given_up.cancelled()
    assert await context.load(slow, "a") == "A"
    assert asked == [["a", "b"]]


async def test_what_is_read_for_nobody_is_stopped(world: World) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def endless(reading: Reading, keys: Sequence[str]) -> Mapping[str, str]:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        return {}

    context = Context(world.db, system(UUID(int=1)), "req_test")
    waiting = asyncio.create_task(context.load(endless, "a"))
    await begun.wait()
    waiting.cancel()
    context.close()
    await asyncio.wait_for(ended.wait(), 5)


async def test_a_failed_read_is_told_to_each_that_asked(world: World) -> None:
    async def broken(reading: Reading, keys: Sequence[str]) -> Mapping[str, str]:
        raise LookupError("broken")

    context = Context(world.db, system(UUID(int=1)), "req_test")
    for asking in (context.load(broken, "a"), context.load_many(broken, ["a", "b"])):
        with pytest.raises(LookupError, match="broken"):
            await asking
