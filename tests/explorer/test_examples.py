"""The menu of examples: each is a valid operation of the contract, or of what we added to it, and its variables fit."""

import json
import re

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_ast_schema, parse, validate
from graphql.execution.values import VariableValues, get_variable_values

from explorer.test_files import TEXTS
from explorer.world import HERE, contract_schema

EXAMPLES = dict(block.split("\n", 1) for block in re.split(r"^## ", TEXTS["examples.graphql"], flags=re.MULTILINE)[1:])


@pytest.fixture(scope="module")
def contract() -> GraphQLSchema:
    return contract_schema()


@pytest.fixture(scope="module")
def ours() -> GraphQLSchema:
    return build_ast_schema(parse((HERE.parents[1] / "schema.graphql").read_text()))


def test_the_main_job_is_on_the_menu() -> None:
    for root in (
        "viewer",
        "availability",
        "promise",
        "orderCreate",
        "timeline",
        "webhook",
        "sourcingPolicyPublish",
        "atpTimeline",
    ):
        assert [title for title in EXAMPLES if root in title], root


@pytest.mark.parametrize("title", EXAMPLES)
def test_an_example_is_valid_against_the_contract_with_its_variables(
    title: str, contract: GraphQLSchema, ours: GraphQLSchema
) -> None:
    text = EXAMPLES[title]
    document = parse(text)
    schema = ours if validate(contract, document) else contract
    assert validate(schema, document) == []
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert len(operation.selection_set.selections) == 1
    variables = "".join(row.removeprefix("#|") for row in text.splitlines() if row.startswith("#|"))
    given = json.loads(variables or "{}")
    assert isinstance(get_variable_values(schema, operation.variable_definitions or (), given), VariableValues)
    assert {d.variable.name.value for d in operation.variable_definitions or ()} == set(given)
