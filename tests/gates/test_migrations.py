"""A migrated database is the one that the models declare: columns, defaults, keys, CHECKs, indexes; up, down and up."""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine

import servers
from oms_api import migrate
from world import SECRET, create_tables


@pytest.fixture(params=["sqlite", "postgresql"])
def two_urls(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """Two empty databases of one engine."""
    if request.param == "sqlite":
        with tempfile.TemporaryDirectory(prefix="oms-test-") as folder:
            yield (
                f"sqlite+aiosqlite:///{Path(folder) / 'a.sqlite3'}",
                f"sqlite+aiosqlite:///{Path(folder) / 'b.sqlite3'}",
            )
    else:
        server = servers.postgres()
        with servers.fresh_database(server) as first, servers.fresh_database(server) as second:
            yield first, second


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if key not in ("comment", "duplicates_constraint")}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return re.sub(r"[\s()\"]+", "", str(value)) if value is not None else None


def _catalogue(connection: Connection) -> dict[str, Any]:
    inspector = inspect(connection)

    def named(items: Any) -> list[Any]:
        return sorted((_plain(dict(item)) for item in items), key=str)

    # the engines' own words: SQLAlchemy cannot reflect an index on an expression from SQLite
    defined = (
        "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        if connection.dialect.name == "postgresql"
        else "SELECT tbl_name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    )
    indexes: dict[str, list[str]] = {}
    for table, sql in connection.execute(text(defined)):
        indexes.setdefault(table, []).append(_plain(sql))
    return {
        table: {
            "columns": named(inspector.get_columns(table)),
            "primary": _plain(dict(inspector.get_pk_constraint(table))),
            "foreign": named(inspector.get_foreign_keys(table)),
            "unique": named(inspector.get_unique_constraints(table)),
            "checks": named(inspector.get_check_constraints(table)),
            "indexes": sorted(indexes.get(table, [])),
        }
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


def _dump(url: str) -> dict[str, Any]:
    async def dump() -> dict[str, Any]:
        engine = create_async_engine(url)
        async with engine.connect() as connection:
            found = await connection.run_sync(_catalogue)
        await engine.dispose()
        return found

    return asyncio.run(dump())


def _execute(url: str, sql: str) -> list[Any]:
    async def execute() -> list[Any]:
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            result = await connection.execute(text(sql))
            rows = list(result) if result.returns_rows else []
        await engine.dispose()
        return rows

    return asyncio.run(execute())


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory.from_config(migrate.config("")).get_heads()) == 1


def test_revisions_have_dated_names() -> None:
    revisions = list(ScriptDirectory.from_config(migrate.config("")).walk_revisions())
    assert revisions
    assert [r.revision for r in revisions if not re.fullmatch(r"20\d\d_\d\d_\d\d_[a-z0-9_]+", r.revision)] == []


def test_a_migrated_database_equals_the_models(two_urls: tuple[str, str]) -> None:
    migrated, declared = two_urls
    migrate.upgrade(migrated)
    create_tables(declared)
    found, wanted = _dump(migrated), _dump(declared)
    assert found.keys() == wanted.keys()
    for table, catalogue in wanted.items():
        assert found[table] == catalogue, table


def test_up_down_and_up_again_on_data(two_urls: tuple[str, str]) -> None:
    url, _ = two_urls
    migrate.upgrade(url)
    before = _dump(url)
    tenant = "0" * 32 if url.startswith("sqlite") else "00000000-0000-0000-0000-000000000000"
    created = "0" if url.startswith("sqlite") else "'2026-01-01T00:00:00Z'"
    _execute(
        url, f"INSERT INTO tenants (tenant_id, handle, test, created_at) VALUES ('{tenant}', 't', true, {created})"
    )
    migrate.upgrade(url)
    assert _execute(url, "SELECT handle FROM tenants") == [("t",)]
    migrate.downgrade(url, "base")
    assert _dump(url) == {}
    assert migrate.current(url) is None
    migrate.upgrade(url)
    assert _dump(url) == before
    assert migrate.current(url) == migrate.head()


def test_two_migrations_at_once_do_not_collide(two_urls: tuple[str, str]) -> None:
    url, _ = two_urls
    environment = {**os.environ, "OMS_DATABASE_URL": url, "OMS_SECRET_KEYS": SECRET}
    command = [sys.executable, "-m", "oms_api", "migrate"]
    both = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        _, told = process.communicate(timeout=60)
        assert process.returncode == 0, told
    assert migrate.current(url) == migrate.head()
