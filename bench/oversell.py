"""Hot SKUs reserved by several processes at once: is a unit promised twice, or refused to somebody while it was free?

    python -m bench oversell [--reserves 100000] [--engines postgresql,sqlite] [--processes 4]

20 SKUs at three locations with half of the units that all carts together want; carts of one to three lines in random
order, planned and held (60 %) or reserved at a location each. Two in five are orders at once; of the others some are
taken over by an order, some released, and some end by themselves, a third of these while an order reaches for them.
Each process has its own connections. What is told is judged by what each caller saw (`bench/holds.py`), by the tables,
and by the ledger. The same seed asks for the same carts; who gets them is the race.
"""

import argparse
import asyncio
import math
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from sqlmodel import select

from bench.holds import CLOCKS_S, Hold, Key, Refused, oversold, refused_while_free
from bench.processes import family_cpu
from oms_api import access, catalog, inventory, network, promising
from oms_api.inventory import InsufficientStock, Position, ReservationLine, Wanted
from oms_api.kit import ids
from oms_api.kit.caller import system
from oms_api.kit.db import Database, Tx, mine, prepared
from oms_api.kit.errors import Overloaded, Refusal
from oms_api.kit.ids import NOBODY
from oms_api.promising import Destination, Line

T = TypeVar("T")

ENGINES = ("postgresql", "sqlite")
SKUS = [f"HOT-{number:02}" for number in range(20)]
PLACES = {"east": "America/New_York", "south": "America/Chicago", "west": "America/Los_Angeles"}
UNITS = ((1, 70), (2, 20), (3, 10))
"""Units of a line and their weight."""
WANTED = 2.8
"""Units of a cart on average."""
FATES = (("order", 40), ("adopt", 20), ("release", 20), ("lapse", 20))
AT_ONCE = 6
"""Callers in each process."""
CHANNEL = "web"
THERE = Destination("US", "10001")

_POSITIONS = prepared(select(Position).where(mine(Position)))
_LINES = prepared(select(ReservationLine).where(mine(ReservationLine), ReservationLine.quantity > 0))


class Job(NamedTuple):
    """What one process does."""

    url: str
    tenant_id: UUID
    seed: str
    reserves: int


@dataclass
class Log:
    """What the callers of one process saw."""

    begun: float = 0.0
    ended: float = 0.0
    """When the last reserve was answered."""
    cpu_s: float = 0.0
    clashes: int = 0
    gave_up: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    holds: list[Hold] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


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
    """Units of orders by the tables more or less than the callers were told."""
    wrong: int
    """Positions whose `reserved` is not the sum of open lines, and columns that the ledger does not give."""


class Caller:
    """One of the callers of a process."""

    def __init__(self, db: Database, job: Job, number: int, log: Log) -> None:
        self.db, self.tenant_id, self.log = db, job.tenant_id, log
        self.rng = random.Random(f"{job.seed} {number}")
        self.waiting: list[tuple[float, str, UUID, Hold]] = []

    async def calls(self, count: int, places: dict[str, UUID]) -> None:
        self.places = list(places.values())
        for _ in range(count):
            await self._reserve()
            await self._let_go(time.time())
        self.log.ended = time.time()
        while self.waiting:
            await asyncio.sleep(max(0.0, min(self.waiting)[0] - time.time()))
            await self._let_go(time.time())

    async def _run(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        tries = 0

        async def counted(tx: Tx) -> T:
            nonlocal tries
            tries += 1
            return await work(tx)

        try:
            return await self.db.run(counted, system(self.tenant_id))
        finally:
            self.log.clashes += max(tries - 1, 0)

    async def _reserve(self) -> None:
        rng = self.rng
        units = rng.choices([units for units, _ in UNITS], [weight for _, weight in UNITS], k=3)
        cart = list(zip(rng.sample(SKUS, rng.randint(1, 3)), units, strict=False))
        planned = rng.random() < 0.6
        wanted = [(sku, None if planned else rng.choice(self.places), quantity) for sku, quantity in cart]
        (fate,) = rng.choices([fate for fate, _ in FATES], [weight for _, weight in FATES])
        seconds = rng.uniform(0.1, 1.5) if fate == "lapse" else 60.0
        later = rng.uniform(0.0, 0.5)
        late = fate == "lapse" and rng.random() < 1 / 3
        owner_id = ids.new() if fate == "order" else None
        begun = time.time()
        expires_at = None if owner_id else datetime.fromtimestamp(begun + seconds, UTC)

        async def plan(tx: Tx) -> inventory.Reservation:
            found = await network.network_of(tx, CHANNEL)
            assert found is not None
            _, held = await promising.plan_and_hold(
                tx,
                network=found,
                lines=[Line(sku, quantity) for sku, quantity in cart],
                destination=THERE,
                owner_id=owner_id,
                expires_at=expires_at,
            )
            assert held is not None
            return held

        async def reserve(tx: Tx) -> inventory.Reservation:
            rows = [Wanted(sku, at, quantity) for sku, at, quantity in wanted if at is not None]
            return await inventory.reserve(tx, rows, owner_id=owner_id, expires_at=expires_at, channel=CHANNEL)

        async def held_lines(tx: Tx) -> tuple[UUID, tuple[tuple[Key, int], ...]]:
            held = await (plan if planned else reserve)(tx)
            (lines,) = (await inventory.lines_by_reservation(tx, [held.id])).values()
            return held.id, tuple(((line.sku, line.location_id), line.quantity) for line in lines)

        try:
            id_, lines = await self._run(held_lines)
        except Overloaded:
            self.log.gave_up += 1
            return
        except Refusal as refusal:
            if not all(isinstance(part, InsufficientStock) for part in refusal.parts()):
                raise
            self.log.refused.append(Refused(begun, time.time(), tuple(wanted)))
            return
        hold = Hold(begun, time.time(), lines)
        if expires_at is None:
            self._end(hold, "order")
            return
        ends = begun + seconds
        lapsing = hold._replace(let_go=ends - CLOCKS_S, gone=ends + CLOCKS_S)
        due = ends + rng.uniform(-0.1, 0.02) if late else ends if fate == "lapse" else begun + later
        self.waiting.append((due, "adopt" if late else fate, id_, lapsing))

    def _end(self, hold: Hold, how: str) -> None:
        self.log.holds.append(hold)
        self.log.ends[how] += 1

    async def _let_go(self, now: float) -> None:
        """Adopt or release what is due; what has ended by then has ended."""
        due = [one for one in self.waiting if one[0] <= now]
        self.waiting = [one for one in self.waiting if one[0] > now]
        for _, fate, id_, lapsing in due:
            if fate == "lapse":
                self._end(lapsing, "lapse")
                continue

            async def change(tx: Tx, fate: str = fate, id_: UUID = id_) -> None:
                if fate == "adopt":
                    await inventory.adopt(tx, id_, owner_id=ids.new())
                else:
                    await inventory.release(tx, id_)

            begun = time.time()
            try:
                await self._run(change)
            except Overloaded:
                self.log.gave_up += 1
                self._end(lapsing, "lapse")
            except Refusal as refusal:
                if {part.code for part in refusal.parts()} != {"EXPIRED"}:
                    raise
                self._end(lapsing, "too late")
            else:
                if fate == "adopt":
                    self._end(Hold(lapsing.begun, lapsing.answered, lapsing.units), fate)
                else:
                    let_go, gone = min(begun, lapsing.let_go), min(time.time(), lapsing.gone)
                    self._end(lapsing._replace(let_go=let_go, gone=gone), fate)


async def _furnish(url: str, reserves: int) -> UUID:
    """A tenant with the SKUs, locations, channel and stock; its id."""
    db = Database(url)
    each = max(round(reserves * WANTED / 2 / len(SKUS) / len(PLACES)), 1)
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
        stock = [inventory.Quantity(sku, name, each) for sku in SKUS for name in PLACES]
        await inventory.set_quantities(tx, stock, reason="cycle_count")

    await db.run(furnish, system(tenant_id))
    await db.close()
    return tenant_id


async def _calls(job: Job, log: Log, ready: Callable[[], object]) -> None:
    db = Database(job.url)
    async with db.reading(job.tenant_id) as reading:
        places = await network.locations_by_handle(reading, list(PLACES))
    share, more = divmod(job.reserves, AT_ONCE)
    callers = [Caller(db, job, number, log) for number in range(AT_ONCE)]
    ready()
    log.begun, cpu = time.time(), time.process_time()
    await asyncio.gather(
        *[
            caller.calls(share + (number < more), {name: row.id for name, row in places.items()})
            for number, caller in enumerate(callers)
        ]
    )
    log.cpu_s = time.process_time() - cpu
    await db.close()


_all_ready: Any = None


def _begin(barrier: Any) -> None:
    global _all_ready
    _all_ready = barrier


def _process(job: Job) -> Log:
    """All calls of one process, begun when every process is up."""
    log = Log()
    asyncio.run(_calls(job, log, _all_ready.wait))
    return log


async def _stored(url: str, tenant_id: UUID) -> tuple[list[Position], list[ReservationLine], int]:
    db = Database(url)
    async with db.reading(tenant_id) as reading:
        found = await reading.all(_POSITIONS), await reading.all(_LINES), len(await inventory.rebuild(reading))
    await db.close()
    return found


def run(url: str, *, reserves: int, processes: int, seed: str = "1") -> Outcome:
    """Reserve over a database that has its tables, and judge what came of it."""
    tenant_id = asyncio.run(_furnish(url, reserves))
    share, more = divmod(reserves, processes)
    jobs = [Job(url, tenant_id, f"{seed} {number}", share + (number < more)) for number in range(processes)]
    spawn = get_context("spawn")
    with ProcessPoolExecutor(processes, spawn, _begin, (spawn.Barrier(processes),)) as pool:
        logs = list(pool.map(_process, jobs))
    positions, lines, differences = asyncio.run(_stored(url, tenant_id))
    on_hand = {(row.sku, row.location_id): row.on_hand for row in positions}
    holds = [hold for log in logs for hold in log.holds]
    refused = [one for log in logs for one in log.refused]
    open_, orders = Counter[Key](), Counter[Key]()
    for line in lines:
        open_[line.sku, line.location_id] += line.quantity
        if line.expires_at is None:
            orders[line.sku, line.location_id] += line.quantity
    for hold in holds:
        if hold.gone == math.inf:
            orders.subtract(dict(hold.units))
    by_tables = sum(max(open_[key] - units, 0) for key, units in on_hand.items())
    unjust = refused_while_free(on_hand, holds, refused)
    return Outcome(
        reserves=reserves,
        seconds=max(log.ended for log in logs) - min(log.begun for log in logs),
        cpu_s=sum(log.cpu_s for log in logs),
        held=len(holds),
        refused=len(refused),
        clashes=sum(log.clashes for log in logs),
        gave_up=sum(log.gave_up for log in logs),
        ends=sum((log.ends for log in logs), Counter()),
        left=sum(on_hand.values()) - open_.total(),
        oversell=max(by_tables, oversold(on_hand, holds)),
        underfill=sum(units for one in unjust for *_, units in one.wanted),
        lost=sum(map(abs, orders.values())),
        wrong=differences + sum(row.reserved != open_[row.sku, row.location_id] for row in positions),
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
    args = parser.parse_args(given)
    wrong = 0
    for engine in args.engines.split(","):
        cpu_s = None
        if engine == "postgresql":
            with private("postgres", durable=True) as postgres:
                _migrated(postgres.url)
                before = family_cpu(postgres.pid)
                outcome = run(postgres.url, reserves=args.reserves, processes=args.processes, seed=args.seed)
                cpu_s = family_cpu(postgres.pid) - before
        elif engine == "sqlite":
            with scratch(engine) as folder:
                url = f"sqlite+aiosqlite:///{folder / 'oversell.sqlite3'}"
                _migrated(url)
                outcome = run(url, reserves=args.reserves, processes=args.processes, seed=args.seed)
        else:
            parser.error(f"unknown: {engine}; known: {', '.join(ENGINES)}")
        print(told(engine, outcome, args.processes, cpu_s), flush=True)
        wrong += outcome.oversell + outcome.underfill + outcome.lost + outcome.wrong
    return int(wrong > 0)
