"""Hot SKUs reserved by several processes at once: is a unit promised twice, or refused to somebody while it was free?

    python -m bench oversell [--reserves 100000] [--engines postgresql,sqlite] [--processes 4] [--classes] [--supplies]

20 SKUs at three locations with half of the units that all carts together want; carts of one to three lines in random
order, planned and held (60 %) or reserved at a location each. Two in five are orders at once; of the others some are
taken over by an order, some released, and some end by themselves, a third of these while an order reaches for them.
With `--classes` all of it is shared out among two demand classes; with `--supplies` half of the units are yet to come.
Each process has its own connections; a worker does its work beside them. What is told is judged by what each caller saw
(`bench/holds.py`), by the tables, and by the ledger. The same seed asks for the same carts; who gets them is the race.
"""

import argparse
import asyncio
import math
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from sqlmodel import select

from bench.callers import CHANNEL, CLASSES, SKUS, WANTED, Caller, Log, Stocked
from bench.holds import Key, oversold, refused_while_free
from bench.processes import family_cpu
from oms_api import access, catalog, inventory, network
from oms_api.allocation import AllocationBasis
from oms_api.allocation.queries import ShareSet, share_sets
from oms_api.allocation.service.put import Part, Sharing, put_classes, put_shares
from oms_api.config import Settings
from oms_api.inventory import Expected, Position, ReservationLine, Supply
from oms_api.kit import clock, ids
from oms_api.kit.caller import system
from oms_api.kit.db import Database, Tx, mine, prepared
from oms_api.kit.ids import NOBODY
from oms_api.worker import Worker

ENGINES = ("postgresql", "sqlite")
PLACES = {"east": "America/New_York", "south": "America/Chicago", "west": "America/Los_Angeles"}
AWAITED_AT = ("east", "south")
AT_ONCE = 6
"""Callers in each process."""
SAY_EVERY_S = 60.0

_POSITIONS = prepared(select(Position).where(mine(Position)))
_SUPPLIES = prepared(select(Supply).where(mine(Supply)))
_LINES = prepared(select(ReservationLine).where(mine(ReservationLine), ReservationLine.quantity > 0))


class Job(NamedTuple):
    """What one process does."""

    url: str
    tenant_id: UUID
    seed: str
    reserves: int
    classes: bool


@dataclass
class Outcome:
    """Figures of a run over one database. The last four are 0 when the ledger is right."""

    reserves: int
    seconds: float
    cpu_s: float
    held: int
    refused: int
    clashes: int
    gave_up: int
    ends: Counter[str]
    left: int
    """Units free at the end."""
    oversell: int
    underfill: int
    """Units of refusals that cannot have been short."""
    lost: int
    """Units of orders, and of shares, by the tables more or less than the callers were told."""
    wrong: int
    """Positions whose `reserved` is not the sum of open lines, and columns that the ledger does not give."""


async def _furnish(url: str, reserves: int, classes: bool, supplies: bool) -> UUID:
    """A tenant with the SKUs, locations, channel and stock; its id."""
    db = Database(url)
    each = reserves * WANTED / 2 / len(SKUS)
    there = max(round((each / 2 if supplies else each) / len(PLACES)), 1)
    to_come = max(round(each / 2 / len(AWAITED_AT)), 1) if supplies else 0
    whole = there * len(PLACES) + to_come * len(AWAITED_AT)
    async with db.transaction(system(NOBODY)) as tx:
        tenant_id = (await access.create_key(tx, tenant=f"t{ids.new().hex}", scopes=("*",))).tenant_id

    async def furnish(tx: Tx) -> None:
        await catalog.put(tx, [{"code": sku, "name": sku} for sku in SKUS])
        await network.put_locations(
            tx, [{"handle": name, "name": name, "timezone": zone} for name, zone in PLACES.items()]
        )
        await network.put_channels(
            tx, [{"handle": CHANNEL, "name": CHANNEL, "currency": "USD", "locations": list(PLACES)}]
        )
        stock = [inventory.Quantity(sku, name, there) for sku in SKUS for name in PLACES]
        await inventory.set_quantities(tx, stock, reason="cycle_count")
        if supplies:
            at = clock.now() + timedelta(days=10)
            coming = [Expected(f"{sku} {name}", sku, name, to_come, at) for sku in SKUS for name in AWAITED_AT]
            await inventory.put_supplies(tx, coming)
        if classes:
            await put_classes(tx, [{"handle": name, "name": name} for name in CLASSES])
            first, last = CLASSES
            units = whole * CLASSES[first] // 100
            parts = [Part(first, units, hard=True), Part(last, whole - units, hard=True)]
            await put_shares(tx, [Sharing(sku, AllocationBasis.UNITS, parts) for sku in SKUS])

    await db.run(furnish, system(tenant_id))
    await db.close()
    return tenant_id


async def _calls(job: Job, log: Log, ready: Callable[[], object], done: Callable[[], None]) -> None:
    db = Database(job.url)
    async with db.reading(job.tenant_id) as reading:
        places = await network.locations_by_handle(reading, list(PLACES))
        supplies: dict[str, dict[UUID, UUID]] = {}
        for row in await reading.all(_SUPPLIES):
            supplies.setdefault(row.sku, {})[row.id] = row.location_id
    stocked = Stocked(tuple(places[name].id for name in PLACES), supplies, job.classes)
    share, more = divmod(job.reserves, AT_ONCE)
    callers = [Caller(db, job.tenant_id, f"{job.seed} {number}", stocked, log) for number in range(AT_ONCE)]
    ready()
    log.begun, cpu = time.time(), time.process_time()
    await asyncio.gather(*[caller.calls(share + (number < more), done) for number, caller in enumerate(callers)])
    log.cpu_s = time.process_time() - cpu
    await db.close()


_all_ready: Any = None
_answered: Any = None


def _begin(barrier: Any, answered: Any) -> None:
    global _all_ready, _answered
    _all_ready, _answered = barrier, answered


def _count() -> None:
    with _answered.get_lock():
        _answered.value += 1


def _process(job: Job) -> Log:
    """All calls of one process, begun when every process is up."""
    log = Log()
    asyncio.run(_calls(job, log, _all_ready.wait, _count))
    return log


@contextmanager
def _saying(answered: Any, reserves: int) -> Iterator[None]:
    """How far it is, now and then."""
    over = threading.Event()

    def say() -> None:
        while not over.wait(SAY_EVERY_S):
            print(f"  {answered.value:,} of {reserves:,} answered", file=sys.stderr, flush=True)

    thread = threading.Thread(target=say, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def _worker(url: str) -> Iterator[None]:
    """Jobs and timers as a worker runs them, in this process: what expired or was let go is given back for good."""
    worker = Worker(Settings(database_url=url, redis_url=""), {})
    worker.start()
    try:
        yield
    finally:
        worker.stop()


class _Stored(NamedTuple):
    """What the tables say at the end."""

    positions: list[Position]
    supplies: list[Supply]
    lines: list[ReservationLine]
    shares: list[ShareSet]
    differences: int


async def _stored(url: str, tenant_id: UUID) -> _Stored:
    db = Database(url)
    async with db.reading(tenant_id) as reading:
        found = _Stored(
            await reading.all(_POSITIONS),
            await reading.all(_SUPPLIES),
            await reading.all(_LINES),
            await share_sets(reading, SKUS),
            len(await inventory.rebuild(reading)),
        )
    await db.close()
    return found


def run(
    url: str, *, reserves: int, processes: int, seed: str = "1", classes: bool = False, supplies: bool = False
) -> Outcome:
    """Reserve over a database that has its tables, and judge what came of it."""
    tenant_id = asyncio.run(_furnish(url, reserves, classes, supplies))
    share, more = divmod(reserves, processes)
    jobs = [Job(url, tenant_id, f"{seed} {number}", share + (number < more), classes) for number in range(processes)]
    spawn = get_context("spawn")
    answered = spawn.Value("q", 0)
    begin = (spawn.Barrier(processes), answered)
    with _saying(answered, reserves), ProcessPoolExecutor(processes, spawn, _begin, begin) as pool:
        logs = list(pool.map(_process, jobs))
    return _judged(reserves, logs, asyncio.run(_stored(url, tenant_id)))


def _judged(reserves: int, logs: list[Log], stored: _Stored) -> Outcome:
    there: dict[Key, int] = {(row.sku, row.location_id): row.on_hand for row in stored.positions}
    there |= {(row.sku, row.id): row.quantity for row in stored.supplies}
    reserved: dict[Key, int] = {(row.sku, row.location_id): row.reserved for row in stored.positions}
    reserved |= {(row.sku, row.id): row.reserved for row in stored.supplies}
    holds = [hold for log in logs for hold in log.holds]
    refused = [one for log in logs for one in log.refused]
    open_, orders = Counter[Key](), Counter[Key]()
    for line in stored.lines:
        key = line.sku, line.supply_id or line.location_id
        open_[key] += line.quantity
        if line.expires_at is None:
            orders[key] += line.quantity
    shares: dict[Key, int] = {}
    for found in stored.shares:
        for row in found.shares.rows:
            shares[found.sku, row.demand_class] = row.target
            orders[found.sku, row.demand_class] += row.used
    for hold in holds:
        if hold.gone == math.inf:
            orders.subtract(dict(hold.units))
    by_tables = sum(max(open_[key] - units, 0) for key, units in there.items())
    unjust = refused_while_free(there | shares, holds, refused)
    return Outcome(
        reserves=reserves,
        seconds=max(log.ended for log in logs) - min(log.begun for log in logs),
        cpu_s=sum(log.cpu_s for log in logs),
        held=len(holds),
        refused=len(refused),
        clashes=sum(log.clashes for log in logs),
        gave_up=sum(log.gave_up for log in logs),
        ends=sum((log.ends for log in logs), Counter()),
        left=sum(there.values()) - open_.total(),
        oversell=max(by_tables, oversold(there | shares, holds)),
        underfill=sum(units for one in unjust for *_, units in one.wanted),
        lost=sum(map(abs, orders.values())),
        wrong=stored.differences + sum(units != open_[key] for key, units in reserved.items()),
    )


def told(engine: str, outcome: Outcome, processes: int, database_cpu_s: float | None) -> str:
    """The figures as text."""
    done = ", ".join(f"{count} {how}" for how, count in sorted(outcome.ends.items()))
    database = "" if database_cpu_s is None else f", database {1000 * database_cpu_s / outcome.reserves:.2f} ms"
    return (
        f"{engine}: {outcome.reserves:,} reserves by {processes} processes in {outcome.seconds:.1f} s, "
        f"{outcome.reserves / outcome.seconds:.0f} a second; CPU of each "
        f"{1000 * outcome.cpu_s / outcome.reserves:.2f} ms{database}; load {os.getloadavg()[0]:.1f}\n"
        f"  held {outcome.held:,} ({done}), refused {outcome.refused:,}, clashes retried {outcome.clashes}, "
        f"gave up {outcome.gave_up}, units left {outcome.left}\n"
        f"  oversell {outcome.oversell}, underfill {outcome.underfill}, units of orders lost or doubled "
        f"{outcome.lost}, books that differ {outcome.wrong}"
    )


def _migrated(url: str) -> None:
    oms = Path(sys.executable).with_name("oms")
    subprocess.run([oms, "migrate"], env={**os.environ, "OMS_DATABASE_URL": url}, check=True, stdout=subprocess.DEVNULL)


def main(given: list[str]) -> int:
    """Every engine in turn; 1 when a unit was promised twice, refused while free, or lost."""
    from bench.deployments import scratch
    from servers import private

    parser = argparse.ArgumentParser(
        prog="python -m bench oversell", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reserves", type=int, default=100_000)
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--classes", action="store_true", help="shared out among two demand classes")
    parser.add_argument("--supplies", action="store_true", help="half of the units are still to come")
    args = parser.parse_args(given)

    def measured(url: str) -> Outcome:
        _migrated(url)
        with _worker(url):
            return run(url, reserves=args.reserves, processes=args.processes, seed=args.seed,
                       classes=args.classes, supplies=args.supplies)  # fmt: skip

    wrong = 0
    for engine in args.engines.split(","):
        cpu_s = None
        if engine == "postgresql":
            with private("postgres", durable=True) as postgres:
                before = family_cpu(postgres.pid)
                outcome = measured(postgres.url)
                cpu_s = family_cpu(postgres.pid) - before
        elif engine == "sqlite":
            with scratch(engine) as folder:
                outcome = measured(f"sqlite+aiosqlite:///{folder / 'oversell.sqlite3'}")
        else:
            parser.error(f"unknown: {engine}; known: {', '.join(ENGINES)}")
        print(told(engine, outcome, args.processes, cpu_s), flush=True)
        wrong += outcome.oversell + outcome.underfill + outcome.lost + outcome.wrong
    return int(wrong > 0)
