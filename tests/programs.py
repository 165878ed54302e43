"""`oms …` as real processes that are told, ended and killed.

Importing everything costs a start two seconds of CPU, and the fault tests start dozens: a warm process forks instead
(`program_process.py`). What runs after the fork is the command itself, in a process, session and folder of its own.
`cold=True` starts it by the interpreter, as its users do.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

WARM = Path(__file__).with_name("program_process.py")
START_S = 60.0
END_S = 30.0
COLUMNS = "200"


class Program:
    """One running command."""

    def __init__(self, pid: int, folder: Path, name: str, ended: "asyncio.Future[int]") -> None:
        self.pid = pid
        self._out, self._err = folder / f"{name}.out", folder / f"{name}.err"
        self._ended = ended

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    @property
    def running(self) -> bool:
        return not self._ended.done()

    def send(self, number: signal.Signals) -> None:
        if self.running:
            os.kill(self.pid, number)

    async def wait(self, seconds: float = END_S) -> int:
        """The exit status; negative is the signal that ended it."""
        return await asyncio.wait_for(asyncio.shield(self._ended), seconds)

    async def end(self, number: signal.Signals = signal.SIGTERM, seconds: float = END_S) -> int:
        self.send(number)
        return await self.wait(seconds)

    async def line(self, seconds: float = START_S) -> str:
        """The first line of its output."""
        async with asyncio.timeout(seconds):
            while "\n" not in self.out:
                assert self.running, f"it ended with {await self.wait()}:\n{self.err}"
                await asyncio.sleep(0.01)
        return self.out.partition("\n")[0]

    async def minds(self, number: signal.Signals) -> None:
        """Returns when the process has a handler of its own for this signal."""
        async with asyncio.timeout(START_S):
            while not _caught(self.pid) >> (number - 1) & 1:
                assert self.running, f"it ended with {await self.wait()}:\n{self.err}"
                await asyncio.sleep(0.001)


def _caught(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("SigCgt:"):
            return int(line.split()[1], 16)
    return 0


class Warm:
    """The process that has imported everything; one for a test session."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._ended: dict[int, asyncio.Future[int]] = {}
        self._started: asyncio.Queue[int] = asyncio.Queue()
        self._asking = asyncio.Lock()
        self._listening: asyncio.Task[None] | None = None

    async def fork(self, ask: dict[str, Any]) -> "tuple[int, asyncio.Future[int]]":
        """Process id and exit status to come."""
        async with self._asking:
            if self._process is None:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, str(WARM), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                    env={**os.environ, "COLUMNS": COLUMNS},
                )  # fmt: skip
                assert self._process.stdout is not None
                await asyncio.wait_for(self._process.stdout.readline(), START_S)
                self._listening = asyncio.create_task(self._listen(self._process.stdout))
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(ask).encode() + b"\n")
            pid = await asyncio.wait_for(self._started.get(), START_S)
        return pid, self._ended[pid]

    async def _listen(self, lines: asyncio.StreamReader) -> None:
        async for line in lines:
            told: dict[str, Any] = json.loads(line)
            if "started" in told:
                self._ended[told["started"]] = asyncio.get_running_loop().create_future()
                self._started.put_nowait(told["started"])
            else:
                self._ended[told["ended"]].set_result(told["status"])

    async def close(self) -> None:
        if self._process is None or self._listening is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        await asyncio.wait_for(self._process.wait(), END_S)
        await self._listening


class Programs:
    """Starts the commands of a test; all are killed at its end."""

    def __init__(self, warm: Warm, folder: Path) -> None:
        self._warm = warm
        self.folder = folder / "programs"
        self.folder.mkdir()
        self._started: list[Program] = []

    async def start(self, *arguments: str, cold: bool = False, **environment: str) -> Program:
        """`oms <arguments>`, in a folder of its own, with no OMS_… but those given (without the prefix)."""
        name = f"{len(self._started) + 1}-{arguments[0]}"
        mine = {name: value for name, value in os.environ.items() if not name.startswith("OMS_")}
        mine |= {f"OMS_{name.upper()}": value for name, value in environment.items()}
        mine["COLUMNS"] = COLUMNS
        out, err = self.folder / f"{name}.out", self.folder / f"{name}.err"
        out.touch()
        err.touch()
        if cold:
            with out.open("wb") as stdout, err.open("wb") as stderr:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "oms_api", *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=stdout,
                    stderr=stderr, env=mine, cwd=self.folder,
                )  # fmt: skip
            ended: asyncio.Future[int] = asyncio.ensure_future(process.wait())
            pid = process.pid
        else:
            ask = {
                "arguments": arguments,
                "environment": mine,
                "folder": str(self.folder),
                "out": str(out),
                "err": str(err),
            }
            pid, ended = await self._warm.fork(ask)
        program = Program(pid, self.folder, name, ended)
        self._started.append(program)
        return program

    async def run(self, *arguments: str, **environment: str) -> Program:
        """The same, until it has ended."""
        program = await self.start(*arguments, **environment)
        await program.wait(START_S)
        return program

    async def close(self) -> None:
        for program in self._started:
            await program.end(signal.SIGKILL)


@contextlib.asynccontextmanager
async def programs(warm: Warm, folder: Path) -> AsyncIterator[Programs]:
    made = Programs(warm, folder)
    try:
        yield made
    finally:
        await made.close()


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
