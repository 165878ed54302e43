"""What is measured: a case is a flow of GraphQL requests, done again and again with the values of its sets in turn.

The same shape serves this project's own cases (`cases.py`), Vendure's (`vendure.py`) and any other server's
(`cases.json` in the folder given as `--peer-documents`, see `read`).
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Step:
    """One request. `{name}` in variables and headers stands for a value of the set or one kept by an earlier step;
    `{n}` for a number that no other round has. A header that names a value which is not there yet is left out."""

    query: str
    variables: dict[str, Any] = field(default_factory=dict)
    path: str = "/graphql"
    headers: dict[str, str] = field(default_factory=dict)
    keep: dict[str, str] = field(default_factory=dict)
    """Name → dotted path into the answer, for later steps of the same round."""
    keep_headers: dict[str, str] = field(default_factory=dict)
    """Name → response header, likewise; kept when the answer has it."""
    wanted: dict[str, Any] = field(default_factory=dict)
    """Dotted path into the answer → the value there, or the length when a list is there."""


@dataclass(frozen=True)
class Case:
    """A named flow; one round of it is one operation in the figures."""

    name: str
    title: str
    steps: list[Step]
    sets: list[dict[str, Any]] = field(default_factory=lambda: [{}])
    writes: bool = False
    """Leaves work behind: the workers come to rest before the next case starts."""


@dataclass(frozen=True)
class Target:
    """A running server."""

    name: str
    url: str
    api_pid: int
    database_pid: int | None
    """The process whose children are the database's; None when the database is inside the API process."""
    worker_pids: tuple[int, ...]
    cases: list[Case]
    headers: dict[str, str] = field(default_factory=dict)


def read(folder: Path) -> list[Case]:
    """The cases of another server: `cases.json` in a folder of GraphQL documents.

    {"availability20": {"title": "…", "writes": false, "sets": [{"id": "1"}],
      "steps": [{"document": "availability.graphql", "path": "/shop-api", "variables": {"id": "{id}"},
                 "headers": {}, "keep": {}, "keep_headers": {}, "wanted": {"data.product.variants": 20}}]}}

    A case that is named as one of ours is compared with it.
    """
    told = json.loads((folder / "cases.json").read_text())
    cases = []
    for name, case in told.items():
        steps = []
        for step in case["steps"]:
            rest = {key: value for key, value in step.items() if key != "document"}
            steps.append(Step((folder / step["document"]).read_text(), **rest))
        cases.append(Case(name, case.get("title", name), steps, case.get("sets", [{}]), case.get("writes", False)))
    return cases
