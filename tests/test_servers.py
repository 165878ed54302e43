"""The throw-away servers answer, keep databases apart, and leave nothing behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import redis.asyncio

import servers


async def ask(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


async def names(url: str, like: str) -> list[object]:
    return [row[0] for row in await ask(url, f"SELECT datname FROM pg_database WHERE datname LIKE '{like}'")]


async def test_postgresql_answers_and_is_at_least_version_15() -> None:
    with servers.fresh_database(servers.postgres()) as url:
        assert url.startswith("postgresql+asyncpg://")
        ((version,),) = await ask(url, "SELECT current_setting('server_version_num')::int / 10000")
        assert isinstance(version, int)
        assert version >= 15


async def test_a_fresh_database_is_empty_of_its_sisters_rows_and_is_gone_at_the_end() -> None:
    server = servers.postgres()
    with servers.fresh_database(server) as first, servers.fresh_database(server) as second:
        assert first != second
        await ask(first, "CREATE TABLE units (n int)")
        assert await ask(second, "SELECT to_regclass('units') IS NULL") == [(True,)]
        left_open = await asyncpg.connect(first.replace("+asyncpg", ""))
    name = urlsplit(first).path.removeprefix("/")
    assert await names(server, name) == []
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError)):
        await left_open.fetch("SELECT 1")
    left_open.terminate()


def fill(url: str) -> None:
    asyncio.run(ask(url, "SELECT 41 + 1 AS answer INTO answers"))


def test_a_template_is_filled_once_and_its_copies_carry_its_rows() -> None:
    server = servers.postgres()
    calls: list[str] = []

    def build(url: str) -> None:
        calls.append(url)
        fill(url)

    template = servers.template_database(server, build, key="answers")
    assert servers.template_database(server, build, key="answers") == template
    assert len(calls) <= 1  # another worker may have filled it
    with servers.fresh_database(server, template) as copy:
        assert asyncio.run(ask(copy, "SELECT answer FROM answers")) == [(42,)]


def test_a_template_whose_filling_fails_leaves_nothing() -> None:
    server = servers.postgres()
    key = f"broken_{os.getpid()}"

    def build(url: str) -> None:
        raise LookupError("no such migration")

    with pytest.raises(LookupError, match="no such migration"):
        servers.template_database(server, build, key=key)
    assert asyncio.run(names(server, f"%{key}%")) == []


async def test_the_redis_protocol_server_answers_and_each_worker_has_a_database_of_its_own() -> None:
    url = servers.redis()
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    named = int(urlsplit(os.environ["OMS_TEST_REDIS_URL"]).path.strip("/") or 0)
    assert urlsplit(url).path == f"/{named + worker}"
    client = redis.asyncio.from_url(url)
    try:
        assert await client.ping() is True
        await client.set("oms_test_units", 7, ex=60)
        assert await client.get("oms_test_units") == b"7"
        assert await client.delete("oms_test_units") == 1
    finally:
        await client.aclose()


def test_named_servers_are_used_instead_of_throw_away_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMS_TEST_DATABASE_URL", "postgresql://somebody@db.test/checks")
    monkeypatch.setenv("OMS_TEST_REDIS_URL", "redis://cache.test:6390/2")
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw3")
    assert servers.postgres() == "postgresql+asyncpg://somebody@db.test/checks"
    assert servers.redis() == "redis://cache.test:6390/5"


@pytest.mark.parametrize("kind", ["postgres", "redis"])
def test_a_stopped_server_is_gone_with_its_folder(kind: servers.Kind) -> None:
    with servers.private(kind) as server:
        pid, folder = server.pid, server.folder
        assert folder.is_dir()
        os.kill(pid, 0)
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


OWNER = """
import sys, time
sys.path.insert(0, sys.argv[1])
import servers
started = [servers.Server(kind) for kind in ("postgres", "redis")]
for server in started:
    print(server.pid, server.folder, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_servers_end_when_the_tests_are_ended_by_a_signal(number: signal.Signals) -> None:
    command = [sys.executable, "-c", OWNER, str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        told = [owner.stdout.readline().split(maxsplit=1) for _ in range(2)]
        for pid, folder in told:
            os.kill(int(pid), 0)
            assert Path(folder.strip()).is_dir()
        owner.send_signal(number)
        assert owner.wait(10) == -number
    assert within(20, lambda: not [pid for pid, _ in told if alive(int(pid))])
    assert within(20, lambda: not [folder for _, folder in told if Path(folder.strip()).exists()])


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


async def test_a_durable_server_writes_to_disk_before_it_answers() -> None:
    with servers.private("postgres", durable=True) as server:
        assert await ask(server.url, "SHOW fsync") == [("on",)]
