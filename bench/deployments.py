"""Running servers to measure: ours as it is deployed, over PostgreSQL and Redis or embedded over SQLite.

PostgreSQL is the tests' throw-away one with durable commits and its default settings. Only the limit of what one
client may send is lifted. Everything listens on loopback; each process is ended by its id.
"""

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.cases import furnish, own_cases
from bench.flow import Case, Target
from oms_api.client import Client
from servers import private

OMS = Path(sys.executable).with_name("oms")
START_S = 60.0
END_S = 20.0
LIMITS = {"OMS_RATE_LIMIT_POINTS": str(10**12), "OMS_RATE_RESTORE_POINTS_PER_S": str(10**9), "OMS_LOG_LEVEL": "warning"}


class StartFailed(RuntimeError):
    """A server that does not come up; the message ends with what it said last."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(
    command: list[str], log: Path, *, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process whose output goes to a file; asked to end by SIGTERM, made to after END_S."""
    with log.open("wb") as output:
        running = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        yield running
    finally:
        running.send_signal(signal.SIGTERM)
        try:
            running.wait(END_S)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def until_ready(running: subprocess.Popen[bytes], log: Path, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_S
    while not ready():
        if running.poll() is not None or time.monotonic() > deadline:
            raise StartFailed(f"{running.args!r} is not ready:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


async def furnished(url: str, key: str, wanted: Collection[str]) -> list[Case]:
    """Our cases, in a world that is there."""
    async with Client(url, key) as client:
        await furnish(client)
        return await own_cases(client, wanted)


@contextmanager
def on_postgresql(folder: Path, wanted: Collection[str]) -> Iterator[Target]:
    """`oms serve` and `oms work`, one process each, on PostgreSQL and a Redis-protocol server."""
    with private("postgres", durable=True) as postgres, private("redis") as redis:
        environment = {
            **LIMITS, "OMS_DATABASE_URL": postgres.url, "OMS_REDIS_URL": redis.url,
            "OMS_SECRET_KEYS": secrets.token_hex(32),
        }  # fmt: skip
        every = {**os.environ, **environment}
        subprocess.run([OMS, "migrate"], env=every, check=True, stdout=subprocess.DEVNULL)
        made = subprocess.run(
            [OMS, "keys", "create", "--tenant", "bench", "--scopes", "*", "--json"],
            env=every, check=True, capture_output=True,
        )  # fmt: skip
        key = json.loads(made.stdout)["key"]
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        serve, work = [str(OMS), "serve", "--port", str(port)], [str(OMS), "work"]
        with (
            process(serve, folder / "serve.log", environment=environment) as api,
            process(work, folder / "work.log", environment=environment) as worker,
        ):
            until_ready(api, folder / "serve.log", lambda: answers(f"{url}/readyz"))
            cases = asyncio.run(furnished(url, key, wanted))
            headers = {"authorization": f"Bearer {key}"}
            yield Target("postgresql", url, api.pid, postgres.pid, (worker.pid, redis.pid), cases, headers)


@contextmanager
def on_sqlite(folder: Path, wanted: Collection[str]) -> Iterator[Target]:
    """`oms dev`: API, workers and database in one process."""
    data, log = folder / "data", folder / "dev.log"
    port = free_port()
    command = [str(OMS), "dev", "--port", str(port), "--data-dir", str(data), "--no-seed"]
    unset = {"OMS_DATABASE_URL": "", "OMS_REDIS_URL": ""}
    with process(command, log, environment={**LIMITS, **unset}) as api:
        until_ready(api, log, lambda: (data / "dev.json").exists())
        told = json.loads((data / "dev.json").read_text())
        key = (data / "api.key").read_text().strip()
        cases = asyncio.run(furnished(told["url"], key, wanted))
        yield Target("sqlite", told["url"], api.pid, None, (), cases, {"authorization": f"Bearer {key}"})


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=f"oms-bench-{name}-") as folder:
        yield Path(folder)
