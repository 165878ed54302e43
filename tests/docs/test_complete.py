"""Nothing is missing in `docs/`: settings, codes, facts and operations are those of the program."""

import inspect
import re
from dataclasses import fields
from typing import Any

from graphql import FieldNode, OperationDefinitionNode, parse
from pydantic_core import PydanticUndefined

from oms_api.config import Settings
from oms_api.domains import parts
from oms_api.kit.errors import Refusal, camel
from oms_api.kit.events import Fact
from oms_api.kit.graphql.errors_page import TOP_LEVEL
from oms_api.schema import build
from oms_api.webhooks.rules import MAX_ATTEMPTS, RETRY_DELAYS_S

from .pages import DOCS, ROOT, blocks, names, page, start_of

DOMAINS = (
    "access", "catalog", "network", "inventory", "allocation", "sourcing", "promising", "orders", "payments",
    "fulfillment", "returns", "webhooks",
)  # fmt: skip
LINES_MAX = 205
RUN = [name for name in names() if start_of(page(name))]


def test_every_domain_has_its_page_and_no_page_is_long() -> None:
    assert {"quickstart", "configuration", "errors", *DOMAINS} <= set(names())
    assert {name: lines for name in names() if (lines := page(name).count("\n")) > LINES_MAX} == {}
    assert set(DOMAINS) <= set(RUN)


def test_the_readme_and_the_index_of_the_pages_lead_to_every_page() -> None:
    pages = {*names()} - {"README"}
    assert pages == {*re.findall(r"\]\(([a-z-]+)\.md\)", page("README"))}
    assert pages <= {*re.findall(r"\]\(docs/([a-z-]+)\.md\)", (ROOT / "README.md").read_text())}


def test_every_setting_is_explained_as_the_program_knows_it() -> None:
    parts("models")
    wanted = [
        f"| `OMS_{name.upper()}` | {_default(field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    assert [line for line in page("configuration").splitlines() if line.startswith("| `OMS_")] == wanted


def _default(field: Any) -> str:
    value = field.default if field.default is not PydanticUndefined else None
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{shown}`" if value not in (None, "") else ""


def test_every_error_code_is_explained_as_the_program_knows_it() -> None:
    parts("errors")
    text = page("errors")
    rows = {row[0]: row[1:] for row in re.findall(r"^\| `([A-Z_]+)` \| (.+?) \| (.+?) \|$", text, re.MULTILINE)}
    wanted = {}
    for code, refusal in Refusal.codes.items():
        means, _, do = (inspect.getdoc(refusal) or "").partition("\n\n")
        assert do, f"{code} does not say what to do"
        wanted[code] = (means, do.replace("\n", " "))
    assert rows == wanted
    top = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \|$", text, re.MULTILINE))
    assert top == TOP_LEVEL


def test_the_timetable_of_webhooks_is_the_one_that_is_kept() -> None:
    rows = re.findall(r"^\| (\d+) \| (?:(\d+) (s|min|h)|at once) \|$", page("webhooks"), re.MULTILINE)
    seconds = [int(number or 0) * {"": 1, "s": 1, "min": 60, "h": 3600}[unit] for _, number, unit in rows]
    assert [int(attempt) for attempt, *_ in rows] == list(range(1, MAX_ATTEMPTS + 1))
    assert seconds == list(RETRY_DELAYS_S)


def test_every_refusal_that_a_page_names_exists() -> None:
    parts("errors")
    for name in DOMAINS:
        named = set(re.findall(r"^\| `([A-Z_]+)` \|", _section(name, "Refusals"), re.MULTILINE))
        assert named - Refusal.codes.keys() - TOP_LEVEL.keys() == set(), name


def test_every_fact_is_on_the_page_of_its_domain() -> None:
    parts("events")
    wanted: dict[str, set[str]] = {name: set() for name in DOMAINS}
    for topic, fact in Fact.topics.items():
        if fact.__module__.startswith("oms_api."):
            wanted[fact.__module__.split(".")[1]].add(topic)
    told = {name: set(re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \|", page(name), re.MULTILINE)) for name in DOMAINS}
    assert told == wanted


def test_every_operation_is_shown_on_a_page() -> None:
    schema = build()._schema
    assert schema.query_type and schema.mutation_type
    wanted = {*schema.query_type.fields, *schema.mutation_type.fields}
    shown: set[str] = set()
    for name in RUN:
        for block in blocks(page(name)):
            if block.language == "graphql":
                for node in parse(block.text).definitions:
                    if isinstance(node, OperationDefinitionNode):
                        shown |= {
                            part.name.value for part in node.selection_set.selections if isinstance(part, FieldNode)
                        }
    assert wanted - shown == set()


def test_what_a_page_calls_by_a_name_of_the_schema_is_in_the_schema() -> None:
    sdl = (ROOT / "schema.graphql").read_text()
    known = set(re.findall(r"\w+", re.sub(r'"""[\s\S]*?"""', "", sdl)))
    known |= {camel(field.name) for fact in Fact.topics.values() for field in fields(fact)}
    unknown = {
        name: missing
        for name in (*DOMAINS, "quickstart")
        if (missing := set(re.findall(r"`([a-z]+[A-Z]\w*)`", page(name))) - known)
    }
    assert unknown == {}


def _section(name: str, title: str) -> str:
    found = re.search(rf"^## {title}$(.*?)(?=^## |\Z)", page(name), re.DOTALL | re.MULTILINE)
    assert found, f"{name}.md has no section {title}"
    return found[1]


def test_links_lead_somewhere() -> None:
    wrong = []
    for path in sorted(DOCS.rglob("*.md")):
        for target, _, anchor in (link.partition("#") for link in re.findall(r"\]\(([^) ]+)\)", path.read_text())):
            if "://" in target:
                continue
            to = (path.parent / target).resolve() if target else path
            if not to.exists() or (anchor and anchor not in _anchors(to.read_text())):
                wrong.append(f"{path.relative_to(ROOT)}: {target}#{anchor}")
    assert wrong == []


def _anchors(text: str) -> set[str]:
    """As GitHub makes them of headings."""
    return {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
