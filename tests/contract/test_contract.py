"""`schema.graphql` keeps the contract, less what `missing.txt` lists and what only that reaches."""

from pathlib import Path

import pytest

from .comparison import problems
from .files import ANNOUNCED, CONTRACT, MISSING, SCHEMA, read_list

MEND = (
    "Built something that was missing? `python -m tests.contract.missing` takes it off the list. "
    "An output enum value beyond the contract is announced in tests/contract/announced.txt."
)


def test_the_schema_keeps_the_contract() -> None:
    assert SCHEMA.exists(), "there is no schema.graphql yet: write it with `oms schema > schema.graphql`"
    contract, schema = (path.read_text(encoding="utf-8") for path in (CONTRACT, SCHEMA))
    found = problems(contract, schema, read_list(MISSING), read_list(ANNOUNCED))
    assert not found, "\n".join([*found, MEND])


@pytest.mark.parametrize("path", [MISSING, ANNOUNCED], ids=lambda path: path.name)
def test_a_list_is_sorted_and_names_nothing_twice(path: Path) -> None:
    assert read_list(path) == sorted(set(read_list(path)))
