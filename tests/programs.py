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


class Programs:
    """Starts commands; all are killed at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._warm: asyncio.subprocess.Process | None = None
        self._ended: dict[int, asyncio.Future[int]] = {}
        self._started: asyncio.Queue[int] = asyncio.Queue()
        self._asking = asyncio.Lock()
        self._number = 0
        self._cold: list[asyncio.subprocess.Process] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, *arguments: str, cold: bool = False, **environment: str) -> Program:
        """`oms <arguments>`, in a folder of its own, with no OMS_… but those given (without the prefix)."""
        self._number += 1
        name = f"{self._number}-{arguments[0]}"
        folder = self.folder / "programs"
        folder.mkdir(exist_ok=True)
        mine = {name: value for name, value in os.environ.items() if not name.startswith("OMS_")}
        mine |= {f"OMS_{name.upper()}": value for name, value in environment.items()}
        mine["COLUMNS"] = "200"
        if cold:
            with (folder / f"{name}.out").open("wb") as out, (folder / f"{name}.err").open("wb") as err:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "oms_api", *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=out,
                    stderr=err, env=mine, cwd=folder,
                )  # fmt: skip
            self._cold.append(process)
            return Program(process.pid, folder, name, asyncio.ensure_future(process.wait()))  # type: ignore[arg-type]
        async with self._asking:
            if self._warm is None:
                await self._warm_up()
            assert self._warm is not None
            assert self._warm.stdin is not None
            ask = {
                "arguments": arguments,
                "environment": mine,
                "folder": str(folder),
                "out": str(folder / f"{name}.out"),
                "err": str(folder / f"{name}.err"),
            }
            (folder / f"{name}.out").touch()
            (folder / f"{name}.err").touch()
            self._warm.stdin.write(json.dumps(ask).encode() + b"\n")
            pid = await asyncio.wait_for(self._started.get(), START_S)
        return Program(pid, folder, name, self._ended[pid])

    async def run(self, *arguments: str, **environment: str) -> Program:
        """The same, until it has ended."""
        program = await self.start(*arguments, **environment)
        await program.wait(START_S)
        return program

    async def _warm_up(self) -> None:
        self._warm = await asyncio.create_subprocess_exec(
            sys.executable, str(WARM), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert self._warm.stdout is not None
        await asyncio.wait_for(self._warm.stdout.readline(), START_S)
        self._tasks.append(asyncio.create_task(self._listen(self._warm.stdout)))

    async def _listen(self, lines: asyncio.StreamReader) -> None:
        async for line in lines:
            told: dict[str, Any] = json.loads(line)
            if "started" in told:
                self._ended[told["started"]] = asyncio.get_running_loop().create_future()
                self._started.put_nowait(told["started"])
            elif not self._ended[told["ended"]].done():
                self._ended[told["ended"]].set_result(told["status"])

    async def close(self) -> None:
        for process in self._cold:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if self._warm is not None:
            assert self._warm.stdin is not None
            self._warm.stdin.close()
            await asyncio.wait_for(self._warm.wait(), END_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def programs(folder: Path) -> AsyncIterator[Programs]:
    made = Programs(folder)
    try:
        yield made
    finally:
        await made.close()


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
