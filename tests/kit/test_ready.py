"""`/readyz` says what is missing in words of its own: neither hosts nor statements are shown, the log has them."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx2
import pytest
import structlog

import servers
from oms_api.app import create_app
from oms_api.config import Settings
from oms_api.kit.db import Database


@contextmanager
def empty_database(engine: str) -> Iterator[str]:
    if engine == "sqlite":
        with tempfile.TemporaryDirectory(prefix="oms-test-") as folder:
            yield f"sqlite+aiosqlite:///{Path(folder) / 'empty.sqlite3'}"
    else:
        with servers.fresh_database(servers.postgres()) as url:
            yield url


@asynccontextmanager
async def asked(url: str) -> AsyncIterator[httpx2.AsyncClient]:
    db = Database(url, pool_size=2)
    app = create_app(Settings(database_url=url), db)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://oms.test") as http:
        yield http
    await db.close()


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_a_database_without_tables_is_not_migrated(engine: str) -> None:
    with empty_database(engine) as url, structlog.testing.capture_logs() as logged:
        async with asked(url) as http:
            answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "not migrated", "mend": "oms migrate"})
    assert [("event_logs" in entry["error"], entry["log_level"]) for entry in logged] == [(True, "warning")]


@pytest.mark.parametrize(
    "url",
    ["sqlite+aiosqlite:////nowhere/at/all.sqlite3", "postgresql+asyncpg://oms:hidden@127.0.0.1:1/oms"],
)
async def test_a_database_that_cannot_be_reached_is_away(url: str) -> None:
    with structlog.testing.capture_logs() as logged:
        async with asked(url) as http:
            answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "database away"})
    assert answer.headers["retry-after"] == "1"
    assert [entry["log_level"] for entry in logged] == ["warning"]
    assert "hidden" not in str(logged)
