"""One case against one server: start the load, meter the processes, gather the figures."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.flow import Case, Target
from bench.processes import Meter, at_rest, rss_mib

PROGRAM = Path(__file__).with_name("load.py")


class Refusals(RuntimeError):
    """A server that does not answer as it should: its speed means nothing."""


def measure(target: Target, case: Case, *, connections: int, warm_up_s: float, seconds: float) -> dict[str, Any]:
    """Figures of one case. Times in ms, CPU in ms an operation, memory in MiB, shares in percent of one core."""
    plan = {
        "url": target.url, "connections": connections, "warm_up_s": warm_up_s, "seconds": seconds, "sets": case.sets,
        "steps": [{**asdict(step), "headers": {**target.headers, **step.headers}} for step in case.steps],
    }  # fmt: skip
    load = subprocess.Popen(
        [sys.executable, "-P", str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert load.stdin is not None and load.stdout is not None
    try:
        meter = Meter(target.api_pid, target.database_pid, target.worker_pids, load.pid)
        load.stdin.write(json.dumps(plan) + "\n")
        load.stdin.flush()
        if not load.stdout.readline():
            raise Refusals(f"{target.name}, {case.name}: the load ended in its warm-up")
        meter.start()
        load.stdin.write("go\n")
        load.stdin.flush()
        told = load.stdout.readline()
        spent = meter.stop()
    finally:
        load.stdin.close()
        load.wait(30)
        load.stdout.close()
    if not told:
        raise Refusals(f"{target.name}, {case.name}: the load ended before its result")
    result: dict[str, Any] = json.loads(told)
    if result["wrong"] or not result["operations"]:
        raise Refusals(f"{target.name}, {case.name}: {result['wrong']} wrong answers: {result['wrong_answers']}")

    def each(role: str) -> float:
        return round(1000 * spent[role] / float(result["operations"]), 3)

    figures = {
        "target": target.name, "case": case.name, "title": case.title, "requests_per_op": len(case.steps),
        **{name: value for name, value in result.items() if not name.startswith("wrong")},
        "api_cpu_ms": each("api"), "database_cpu_ms": each("database") if target.database_pid else None,
        "worker_cpu_ms": each("worker") if target.worker_pids else None,
        "api_rss_mib": rss_mib(target.api_pid),
        "load_percent": round(100 * spent["load"] / spent["wall"]),
        "others_percent": round(100 * spent["others"] / spent["wall"]),
        "machine_load": round(os.getloadavg()[0], 2),
    }  # fmt: skip
    if case.writes:
        databases = (target.database_pid,) if target.database_pid else ()
        figures["rest_after_s"] = round(at_rest((target.api_pid, *target.worker_pids), databases), 1)
    return figures
