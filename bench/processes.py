"""CPU and memory of processes, from /proc (Linux)."""

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

TICKS = os.sysconf("SC_CLK_TCK")


class Stat(NamedTuple):
    """CPU seconds of a process and of its children that have ended, and who its parent is."""

    parent: int
    own: float
    ended_children: float


def stat(pid: int) -> Stat:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return Stat(int(words[1]), (int(words[11]) + int(words[12])) / TICKS, (int(words[13]) + int(words[14])) / TICKS)


def cpu(pid: int) -> float:
    """CPU seconds of one process, all threads."""
    return stat(pid).own


def family_cpu(pid: int) -> float:
    """CPU seconds of a process and its children, ended ones included: a PostgreSQL server."""
    total = stat(pid).own + stat(pid).ended_children
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
                child = stat(int(entry.name))
                if child.parent == pid:
                    total += child.own
    return total


def machine_cpu() -> float:
    """CPU seconds that the whole machine has spent on anything: user, nice, system, interrupts, steal."""
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return (fields[0] + fields[1] + fields[2] + sum(fields[5:8])) / TICKS


def rss_mib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return round(int(line.split()[1]) / 1024)
    return 0


class Meter:
    """CPU seconds by role between `start()` and `stop()`; `others` is whatever else the machine did."""

    def __init__(self, api: int, database: int | None, workers: tuple[int, ...], load: int) -> None:
        self._api, self._database, self._workers, self._load = api, database, workers, load

    def _now(self) -> dict[str, float]:
        return {
            "api": cpu(self._api),
            "database": family_cpu(self._database) if self._database else 0.0,
            "worker": sum(cpu(pid) for pid in self._workers),
            "load": cpu(self._load),
            "machine": machine_cpu(),
            "wall": time.perf_counter(),
        }

    def start(self) -> None:
        self._before = self._now()

    def stop(self) -> Mapping[str, float]:
        now = self._now()
        spent = {role: now[role] - self._before[role] for role in now}
        known = spent["api"] + spent["database"] + spent["worker"] + spent["load"]
        return {**spent, "others": max(0.0, spent["machine"] - known)}


def at_rest(pids: tuple[int, ...], databases: tuple[int, ...], *, seconds_max: float = 120.0) -> float:
    """Wait until these processes together use less than a tenth of a core; the seconds it took."""

    def spent() -> float:
        return sum(cpu(pid) for pid in pids) + sum(family_cpu(pid) for pid in databases)

    started = time.perf_counter()
    while time.perf_counter() - started < seconds_max:
        before = spent()
        time.sleep(1.0)
        if spent() - before < 0.1:
            break
    return max(0.0, time.perf_counter() - started - 1.0)
