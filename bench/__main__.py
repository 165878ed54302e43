"""Requests a second, latency and CPU of the real API over HTTP; see docs/benchmarks.md."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # servers.py: throw-away PostgreSQL and Redis

from bench import oversell, plan, report, snapshot, wave
from bench.cases import NAMES
from bench.deployments import on_postgresql, on_sqlite, scratch
from bench.flow import Target, read
from bench.measure import Refusals, measure
from bench.vendure import vendure

OWN = {"postgresql": on_postgresql, "sqlite": on_sqlite}


def arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        epilog="`… plan`, `… wave`, `… snapshot`, `… oversell`: the planner, waves, reads, a race for hot SKUs.",
    )
    parser.add_argument("command", nargs="?", choices=("run", "vendure"), default="run",
                        help="run: every engine; vendure: the cases shared with Vendure, on PostgreSQL")  # fmt: skip
    parser.add_argument("--seconds", type=float, default=10, help="of a case, after its warm-up (%(default)s)")
    parser.add_argument("--warm-up", type=float, default=3, help="seconds (%(default)s)")
    parser.add_argument("--connections", type=int, default=16, help="closed loop, kept alive (%(default)s)")
    parser.add_argument("--engines", default=",".join(OWN), help="comma-separated (%(default)s)")
    parser.add_argument("--cases", default="", help=f"comma-separated, of {', '.join(NAMES)}")
    parser.add_argument("--json", action="store_true", help="one JSON document in place of the tables")
    parser.add_argument("--vendure", type=Path, help="a checkout of Vendure, prepared as bench/vendure.py says")
    parser.add_argument("--peer-url", help="another GraphQL server, already running")
    parser.add_argument("--peer-documents", type=Path, help="its cases.json and documents, see bench/flow.py")
    parser.add_argument("--peer-pid", type=int, help="its process id")
    parser.add_argument("--peer-database-pid", type=int, help="the id of its database's first process")
    parser.add_argument("--peer-header", action="append", default=[], metavar="NAME: VALUE", help="sent each time")
    args = parser.parse_args(given)
    if args.command == "vendure" and not args.vendure:
        parser.error("vendure needs --vendure PATH")
    if args.peer_url and not (args.peer_documents and args.peer_pid):
        parser.error("--peer-url needs --peer-documents and --peer-pid")
    if args.command == "vendure":
        args.engines = "postgresql"
    unknown = {*filter(None, args.cases.split(","))} - {*NAMES} | {*args.engines.split(",")} - {*OWN}
    if unknown and not args.peer_url:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return args


@contextmanager
def running_peer(args: argparse.Namespace) -> Iterator[Target]:
    headers = dict(tuple(part.strip() for part in header.split(":", 1)) for header in args.peer_header)
    cases = read(args.peer_documents)
    yield Target("peer", args.peer_url, args.peer_pid, args.peer_database_pid, (), cases, headers)


class Run:
    """Every target in turn, one at a time; figures are said as soon as they are there."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.figures: list[dict[str, Any]] = []

    def say(self, *lines: str) -> None:
        if not self.args.json:
            print(*lines, sep="\n", flush=True)

    def target(self, opening: AbstractContextManager[Target], wanted: set[str]) -> list[dict[str, Any]]:
        figures = []
        with opening as target:
            for case in target.cases:
                if wanted and case.name not in wanted:
                    continue
                args = self.args
                figures.append(
                    measure(target, case, connections=args.connections, warm_up_s=args.warm_up, seconds=args.seconds)
                )
        if figures:
            self.say(*report.results(figures[0]["target"], figures))
        self.figures += figures
        return figures

    def all(self) -> list[dict[str, Any]]:
        """Our engines, then the others; the ratios."""
        args = self.args
        wanted = {*filter(None, args.cases.split(","))}
        others: list[dict[str, Any]] = []
        if args.vendure:
            with scratch("vendure") as folder:
                others += self.target(vendure(args.vendure, folder), wanted)
        if args.peer_url:
            others += self.target(running_peer(args), wanted)
        if args.command == "vendure":
            wanted = {figures["case"] for figures in others}
        own = []
        for engine in args.engines.split(","):
            with scratch(engine) as folder:
                own += self.target(OWN[engine](folder, wanted or NAMES), wanted)
        ratios = []
        for other in {figures["target"]: None for figures in others}:
            for engine in args.engines.split(","):
                pairs = [
                    report.compared(ours, its)
                    for ours in own for its in others
                    if ours["target"] == engine and its["target"] == other and ours["case"] == its["case"]
                ]  # fmt: skip
                self.say(*report.ratios(pairs))
                ratios += pairs
        return ratios


def main(given: list[str]) -> int:
    if given[:1] == ["wave"]:
        wave.main(given[1:])
        return 0
    if given[:1] == ["snapshot"]:
        snapshot.main(given[1:])
        return 0
    if given[:1] == ["plan"]:
        plan.main(given[1:])
        return 0
    if given[:1] == ["oversell"]:
        return oversell.main(given[1:])
    args = arguments(given)
    run = Run(args)
    machine = {"cores": os.cpu_count(), "load_before": os.getloadavg()[0], "python": platform.python_version()}
    run.say(
        f"{args.connections} connections, {args.seconds:g} s a case after {args.warm_up:g} s; "
        f"{machine['cores']} cores, load {machine['load_before']:.2f} before",
        report.LEGEND,
    )
    try:
        ratios = run.all()
    except Refusals as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps({"machine": machine, "results": run.figures, "ratios": ratios}, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
