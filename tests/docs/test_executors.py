"""Every query of the pages is answered as graphql-core's own executor answers it, errors and order included."""

import json
import re
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from graphql import ExecutionResult, OperationType
from graphql.execution import Executor

from oms_api.kit import clock
from oms_api.kit.graphql import Context, execution
from oms_api.kit.graphql.plain import PlainExecutor
from world import Api

from .pages import ROOT, Run, demo_world, names, page, start_of

EXAMPLES = (ROOT / "src/oms_api/explorer/examples.graphql").read_text()
RUN = [name for name in names() if start_of(page(name))]


class Compared(PlainExecutor):
    """Answers a query three times: by itself, then twice by graphql-core, whose answers differ where time shows."""

    equal: ClassVar[int] = 0
    moving: ClassVar[int] = 0

    def execute_operation(self, serially: bool | None = None) -> Any:
        if self.operation.operation is not OperationType.QUERY:
            return super().execute_operation(serially)
        return self._compared(super().execute_operation(serially))

    async def _compared(self, result: Any) -> ExecutionResult:
        ours: ExecutionResult = result if isinstance(result, ExecutionResult) else await result
        first, second = told(await self._core()), told(await self._core())
        if first == second:
            assert told(ours) == first
            Compared.equal += 1
        else:
            Compared.moving += 1
        return ours

    async def _core(self) -> ExecutionResult:
        given = self.context_value
        fresh = Context(given.db, given.caller, given.request_id, given.services)
        core: Executor[Any] = Executor(
            self.schema, self.fragment_definitions, self.fragments, None, fresh, self.operation, self.variable_values,
            self.field_resolver, self.type_resolver, self.subscribe_field_resolver,
        )  # fmt: skip
        found: Any = core.execute_operation()
        result: ExecutionResult = found if isinstance(found, ExecutionResult) else await found
        return result


def told(result: ExecutionResult) -> Any:
    return repr(result.data), [(str(error), error.path) for error in result.errors or ()]


@pytest.fixture(autouse=True)
def _compared(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(execution, "PlainExecutor", Compared)
    before = clock.offset()
    yield
    clock.set_offset(before)


@pytest.mark.parametrize("name", RUN)
async def test_every_query_of_a_page_is_answered_as_graphql_core_does(api: Api, name: str) -> None:
    Compared.equal = Compared.moving = 0
    run = Run(api)
    try:
        await run.page(name)
    finally:
        if run.listening:
            run.listening.close()
    assert Compared.equal >= Compared.moving, "nearly every query must have been compared"


async def test_every_example_of_the_explorer_is_answered_as_graphql_core_does(api: Api) -> None:
    await demo_world(api)
    Compared.equal = Compared.moving = 0
    for example in re.split(r"^## ", EXAMPLES, flags=re.MULTILINE)[1:]:
        document = example.split("\n", 1)[1]
        variables = "".join(row.removeprefix("#|") for row in document.splitlines() if row.startswith("#|"))
        await api.answer(document, **json.loads(variables or "{}"))
    assert Compared.equal >= 4


FAILING = [
    '{ sku(code: "MUG-WHITE") { code listPrice { amount formatted(locale: "no such") } name } }',
    '{ sku(code: "GIFT-SET") { listPrice { formatted(locale: "?") } } a: sku(code: "MUG-WHITE") { name } }',
    "{ orders(first: 1000) { nodes { id } } viewer { tenant } }",
    '{ orders(after: "no cursor") { nodes { id } } a: events(after: "x") { nodes { id } } }',
    '{ nodes(ids: ["no id"]) { __typename id } node(id: "") { id } }',
]


@pytest.mark.parametrize("document", FAILING)
async def test_what_fails_fails_as_in_graphql_core(api: Api, document: str) -> None:
    await demo_world(api)
    Compared.equal = Compared.moving = 0
    await api.answer(document)
    assert (Compared.equal, Compared.moving) == (1, 0)
