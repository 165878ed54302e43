"""Calls go down, facts go up; one commit; no room is overfull. A rule that is not a test erodes."""

import re
from pathlib import Path

import grimp
import pytest

from oms_api.domains import DOMAINS, LAYERS

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "oms_api"
ROOMS = ("src", "tests", "bench", "examples")
LINES_MAX = 400
# Above every domain: they compose, nobody below may know them.
TOP = {
    "app", "bell", "cli", "client", "config", "demo", "dev", "doctor", "domains", "log", "migrate", "schema", "seed",
    "serve", "worker", "__main__", "explorer",
}  # fmt: skip


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("oms_api")


def _layer(domain: str) -> int:
    return next(i for i, layer in enumerate(LAYERS) if domain in layer)


def _imports(graph: grimp.ImportGraph) -> list[tuple[str, str]]:
    return [
        (importer, imported)
        for importer in sorted(graph.modules)
        for imported in sorted(graph.find_modules_directly_imported_by(importer))
    ]


def _part(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def test_a_domain_imports_only_lower_layers(graph: grimp.ImportGraph) -> None:
    wrong = [
        f"{importer} → {imported}"
        for importer, imported in _imports(graph)
        if _part(importer) in DOMAINS
        and _part(imported) in DOMAINS
        and _part(importer) != _part(imported)
        and _layer(_part(imported)) >= _layer(_part(importer))
    ]
    assert wrong == []


def test_a_domain_uses_another_only_through_its_front_door_and_its_graphql(graph: grimp.ImportGraph) -> None:
    wrong = [
        f"{importer} → {imported}"
        for importer, imported in _imports(graph)
        if _part(importer) in DOMAINS
        and _part(imported) in DOMAINS
        and _part(importer) != _part(imported)
        and imported != f"oms_api.{_part(imported)}"
        and not (imported.split(".")[2] == "graphql" and importer.split(".")[2] == "graphql")
    ]
    assert wrong == []


def test_the_kit_and_the_domains_know_nothing_above_them(graph: grimp.ImportGraph) -> None:
    wrong = [
        f"{importer} → {imported}"
        for importer, imported in _imports(graph)
        if (_part(importer) == "kit" and _part(imported) in {*DOMAINS, *TOP})
        or (_part(importer) in DOMAINS and _part(imported) in TOP)
    ]
    assert wrong == []


def test_rules_are_pure(graph: grimp.ImportGraph) -> None:
    """No session, no clock, no I/O in a `rules` module."""
    wrong = [
        f"{importer} → {imported}"
        for importer, imported in _imports(graph)
        if re.match(r"oms_api\.\w+\.rules", importer)
        and imported in ("oms_api.kit.db", "oms_api.kit.clock", "oms_api.kit.jobs", "oms_api.kit.events")
    ]
    assert wrong == []


def test_every_package_is_a_domain_the_kit_or_named_here() -> None:
    folders = {path.name for path in SOURCE.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert folders - {*DOMAINS, "kit"} <= TOP


def test_there_is_one_commit_in_the_code_base() -> None:
    found = [
        f"{path.relative_to(SOURCE)}:{number}"
        for path in sorted(SOURCE.rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"""["']COMMIT["']|\.commit\(""", line)
    ]
    assert len(found) == 1, found
    assert found[0].startswith("kit/db")


def test_no_engine_is_named_outside_of_the_kits_database_module() -> None:
    found = [
        f"{path.relative_to(SOURCE)}:{number}"
        for path in sorted(SOURCE.rglob("*.py"))
        if not str(path.relative_to(SOURCE)).startswith(("kit/db", "kit/sql"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"dialects|dialect\.name|jsonb|julianday|asyncpg\.|sqlite3\b|unnest\(", line)
        and not re.search(r"^\s*#|doctor|oms\.sqlite3|asyncpg://", line)
        and path.name != "doctor.py"
    ]
    assert found == []


def test_no_file_is_longer_than_a_full_room() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        if (lines := len(path.read_text().splitlines())) > LINES_MAX
    }
    assert long == {}


def test_files_in_a_domain_have_the_agreed_names() -> None:
    agreed = {
        "__init__", "events", "errors", "models", "rules", "queries", "service", "graphql", "jobs", "callbacks",
        "doctor", "data", "__pycache__",
        # one provider behind one protocol, and what sends
        "provider", "fake", "manual", "stripe", "sender", "addresses",
    }  # fmt: skip
    strange = {
        f"{domain}/{path.name}"
        for domain in DOMAINS
        if (SOURCE / domain).is_dir()
        for path in (SOURCE / domain).iterdir()
        if path.stem not in agreed
    }
    assert strange == set()
