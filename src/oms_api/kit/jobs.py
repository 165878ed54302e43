"""Reactions to facts, timers, and the relay that tells them. The database remembers; Redis only rings.

A reaction's transaction inserts a receipt (reaction, event), so redelivery is harmless; what failed is written down
with its next attempt, and the sweep tells it again: a lost message costs seconds, never a fact. Reactions tolerate
any order by checking the state, and one failing reaction blocks no other.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import BigInteger, String, Uuid, bindparam, update
from sqlmodel import Field, SQLModel, col, select

from oms_api.kit import clock, events, idempotency
from oms_api.kit.caller import system
from oms_api.kit.db import Database, Instant, Reading, Tx, any_of, json_rows, mine, now, param, prepared
from oms_api.kit.errors import Overloaded
from oms_api.kit.events import Event, Fact
from oms_api.kit.idempotency import IdempotencyKey
from oms_api.kit.ids import NOBODY

log = structlog.get_logger()

ATTEMPTS_MAX = 10
BACK_OFF_S = (1, 2, 5, 15, 60, 300, 900, 3600, 10800)
SWEEP_AFTER_S = 5
SWEEP_EVERY_S = 2.0
SWEEP_BATCH_MAX = 500
POLL_S = 0.5
MESSAGE_EVENTS_MAX = 50


class Receipt(SQLModel, table=True):
    """A reaction has dealt with an event."""

    __tablename__ = "reaction_receipts"
    tenant_id: UUID = Field(primary_key=True)
    event_id: UUID = Field(primary_key=True)
    reaction: str = Field(primary_key=True)
    done_at: datetime = Field(sa_type=Instant)


class Failure(SQLModel, table=True):
    """A reaction that failed on an event: how often, why, and when it is told again (null: given up, see doctor)."""

    __tablename__ = "reaction_failures"
    tenant_id: UUID = Field(primary_key=True)
    event_id: UUID = Field(primary_key=True)
    reaction: str = Field(primary_key=True)
    attempts: int = Field(sa_type=BigInteger)
    error: str
    next_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)


class Timer(SQLModel, table=True):
    """When a timer is next due; the process that moves it on is the one that runs it."""

    __tablename__ = "timers"
    name: str = Field(primary_key=True)
    due_at: datetime = Field(sa_type=Instant)


@dataclass
class Jobs:
    """What a job is handed: the worker loop's database and the application's services."""

    db: Database
    services: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Reaction:
    handle: Callable[..., Awaitable[None]]
    outside: bool


_reactions: dict[str, _Reaction] = {}
_timers: dict[str, tuple[float, Callable[[Jobs], Awaitable[None]]]] = {}
_followers: dict[str, Callable[[Jobs, UUID], Awaitable[None]]] = {}


def reaction(name: str, *facts: type[Fact], outside: bool = False) -> Callable[[Any], Any]:
    """`async def handle(tx, event)`: runs once for each of these facts, in a transaction with its receipt.

    With `outside`, `async def handle(jobs, event)` opens its own transactions, for calls to providers; it may run more
    than once and must bear that.
    """

    def wrap(handle: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        _reactions[name] = _Reaction(handle, outside)
        for fact in facts:
            events.REACTIONS[fact.topic].append(name)
        return handle

    return wrap


def timer(name: str, *, every_s: float) -> Callable[[Any], Any]:
    """`async def run(jobs)`: about every so many seconds, in one process at a time; claims rows with SKIP LOCKED."""

    def wrap(run: Callable[[Jobs], Awaitable[None]]) -> Callable[[Jobs], Awaitable[None]]:
        _timers[name] = (every_s, run)
        return run

    return wrap


def follower(name: str) -> Callable[[Any], Any]:
    """`async def follow(jobs, tenant_id)`: told that a tenant's log grew; keeps its own position in the log."""

    def wrap(follow: Callable[[Jobs, UUID], Awaitable[None]]) -> Callable[[Jobs, UUID], Awaitable[None]]:
        _followers[name] = follow
        return follow

    return wrap


# --- running -------------------------------------------------------------------------------------------------------

_EVENTS = prepared(select(Event).where(mine(Event), any_of(Event.id, "ids")).order_by(col(Event.position)))
_SETTLE = prepared(
    update(Event.__table__)  # type: ignore[attr-defined]
    .where(mine(Event), col(Event.id) == param("of", Uuid()))
    .values(pending=col(Event.pending) - 1)
)
_FAILURE = prepared(
    select(Failure).where(
        mine(Failure), col(Failure.event_id) == param("event", Uuid()), col(Failure.reaction) == param("reaction")
    )
)


async def _receipt(tx: Tx, name: str, event: Event) -> bool:
    """Whether this reaction has not dealt with the event before."""
    new = await tx.upsert(
        Receipt,
        [{"tenant_id": tx.tenant_id, "event_id": event.id, "reaction": name, "done_at": clock.now()}],
        key=("tenant_id", "event_id", "reaction"),
    )
    if new:
        await tx.run(_SETTLE, {"of": event.id})
    return bool(new)


async def react(jobs: Jobs, name: str, tenant_id: UUID, event_ids: Sequence[UUID]) -> None:
    """Run one reaction for these events, each in its own transaction; failures are written down, not raised."""
    async with jobs.db.reading(tenant_id) as reading:
        told = await reading.all(_EVENTS, {"ids": event_ids})
    known = _reactions.get(name)
    for event in told:
        caller = system(tenant_id, event.request_id)
        try:
            if known is None:  # an older release's reaction: nobody deals with it any more

                async def drop(tx: Tx, event: Event = event) -> None:
                    await _receipt(tx, name, event)

                await jobs.db.run(drop, caller)
            elif known.outside:
                await known.handle(jobs, event)

                async def done(tx: Tx, event: Event = event) -> None:
                    await _receipt(tx, name, event)

                await jobs.db.run(done, caller)
            else:

                async def once(tx: Tx, event: Event = event, handle: Any = known.handle) -> None:
                    if await _receipt(tx, name, event):
                        await handle(tx, event)

                await jobs.db.run(once, caller)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is written down and retried
            await _failed(jobs, name, event, error)


async def _failed(jobs: Jobs, name: str, event: Event, error: Exception) -> None:
    log.error("reaction failed", reaction=name, event_id=event.id.hex, topic=event.topic, exc_info=error)

    async def work(tx: Tx) -> None:
        before = await tx.first(_FAILURE, {"event": event.id, "reaction": name})
        attempts = (before.attempts if before else 0) + 1
        next_at = (
            None
            if attempts >= ATTEMPTS_MAX
            else clock.now() + timedelta(seconds=BACK_OFF_S[min(attempts, len(BACK_OFF_S)) - 1])
        )
        await tx.upsert(
            Failure,
            [
                {
                    "tenant_id": tx.tenant_id,
                    "event_id": event.id,
                    "reaction": name,
                    "attempts": attempts,
                    "error": f"{type(error).__name__}: {error}"[:1000],
                    "next_at": next_at,
                }
            ],
            key=("tenant_id", "event_id", "reaction"),
            change=("attempts", "error", "next_at"),
        )

    await jobs.db.run(work, system(event.tenant_id, event.request_id))


async def follow(jobs: Jobs, name: str, tenant_id: UUID) -> None:
    await _followers[name](jobs, tenant_id)


async def tick(jobs: Jobs, name: str) -> None:
    """Run one timer now."""
    await _timers[name][1](jobs)


_TENANTS_WITH_KEYS = prepared(
    select(IdempotencyKey.tenant_id)
    .where(col(IdempotencyKey.created_at) < param("before", Instant()))
    .distinct()
    .limit(SWEEP_BATCH_MAX)
)


@timer("kit.forget_keys", every_s=3600)
async def forget_keys(jobs: Jobs) -> None:
    """Idempotency keys are kept for seven days."""
    async with jobs.db.reading(NOBODY) as reading:
        tenants = await reading.all(_TENANTS_WITH_KEYS, {"before": clock.now() - idempotency.KEPT})
    for tenant_id in tenants:
        await jobs.db.run(idempotency.forget, system(tenant_id))


# --- the relay -----------------------------------------------------------------------------------------------------

_PENDING = prepared(
    select(Event.tenant_id, Event.id, Event.topic)
    .where(
        col(Event.pending) > 0,
        col(Event.position).is_not(None),
        col(Event.occurred_at) <= bindparam("before", type_=Instant(), required=True),
    )
    .order_by(col(Event.tenant_id), col(Event.id))
    .limit(SWEEP_BATCH_MAX)
)
_RECEIPTS = prepared(select(Receipt.event_id, Receipt.reaction).where(mine(Receipt), any_of(Receipt.event_id, "ids")))
_FAILURES = prepared(select(Failure).where(mine(Failure), any_of(Failure.event_id, "ids")))
_next = json_rows("next", {"name": String(), "due_at": Instant()})
_DUE = prepared(
    update(Timer.__table__)  # type: ignore[attr-defined]
    .where(col(Timer.name) == _next.c.name, col(Timer.due_at) <= now())
    .values(due_at=_next.c.due_at)
    .returning(col(Timer.name))
)
_KNOWN_TIMERS = prepared(select(Timer.name, Timer.due_at))


class Relay:
    """Stamps committed facts and tells them. Poked after commits, sweeps as a safety net; several may run."""

    def __init__(
        self,
        db: Database,
        tell: Callable[[str, str, UUID, Sequence[UUID]], None],
    ) -> None:
        """`tell(kind, name, tenant_id, event_ids)` puts a message on the broker; kind is react, follow or tick."""
        self.db = db
        self.tell = tell
        self._rung: set[UUID] = set()
        self._bell = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def ring(self, tenant_id: UUID) -> None:
        """Something was committed for this tenant. Callable from any thread."""
        self._loop.call_soon_threadsafe(self._ring, tenant_id)

    def _ring(self, tenant_id: UUID) -> None:
        self._rung.add(tenant_id)
        self._bell.set()

    async def run(self) -> None:
        """Until cancelled. A database that is away is waited for."""
        sweep_at = 0.0
        while True:
            try:
                await self._once()
                if time.monotonic() >= sweep_at:
                    await self.sweep()
                    await self.timers()
                    sweep_at = time.monotonic() + SWEEP_EVERY_S
            except Overloaded as error:
                log.warning("relay waits for the database", error=str(error))
                await asyncio.sleep(1)
            except Exception as error:
                log.error("relay failed", exc_info=error)
                await asyncio.sleep(1)

    async def _once(self) -> None:
        poked = True
        try:
            await asyncio.wait_for(self._bell.wait(), POLL_S)
        except TimeoutError:
            poked = False
        self._bell.clear()
        tenants, self._rung = self._rung, set()
        if not poked:
            async with self.db.reading(NOBODY) as reading:
                tenants |= set(await events.unstamped_tenants(reading))
        for tenant_id in tenants:
            await self.stamp(tenant_id)

    async def stamp(self, tenant_id: UUID) -> None:
        while True:
            stamped = await events.stamp(self.db, system(tenant_id))
            self._tell_all(tenant_id, stamped)
            if stamped:
                for name in _followers:
                    self.tell("follow", name, tenant_id, ())
            if len(stamped) < events.STAMP_BATCH_MAX:
                return

    def _tell_all(self, tenant_id: UUID, told: Sequence[tuple[UUID, str]]) -> None:
        of_reaction: dict[str, list[UUID]] = defaultdict(list)
        for event_id, topic in told:
            for name in events.REACTIONS.get(topic, ()):
                of_reaction[name].append(event_id)
        for name, event_ids in of_reaction.items():
            for start in range(0, len(event_ids), MESSAGE_EVENTS_MAX):
                self.tell("react", name, tenant_id, event_ids[start : start + MESSAGE_EVENTS_MAX])

    async def sweep(self) -> None:
        """Tell again what was stamped a while ago and is not dealt with."""
        before = clock.now() - timedelta(seconds=SWEEP_AFTER_S)
        async with self.db.reading(NOBODY) as reading:
            waiting = await reading.all(_PENDING, {"before": before})
        of_tenant: dict[UUID, list[Any]] = defaultdict(list)
        for event in waiting:
            of_tenant[event.tenant_id].append(event)
        for tenant_id, late in of_tenant.items():
            async with self.db.reading(tenant_id) as reading:
                open_ = await self._open(reading, late)
            for name, event_ids in open_.items():
                for start in range(0, len(event_ids), MESSAGE_EVENTS_MAX):
                    self.tell("react", name, tenant_id, event_ids[start : start + MESSAGE_EVENTS_MAX])

    async def _open(self, reading: Reading, late: Sequence[Any]) -> dict[str, list[UUID]]:
        ids = [event.id for event in late]
        done = {(row.event_id, row.reaction) for row in await reading.all(_RECEIPTS, {"ids": ids})}
        failed = {(row.event_id, row.reaction): row for row in await reading.all(_FAILURES, {"ids": ids})}
        found: dict[str, list[UUID]] = defaultdict(list)
        at = clock.now()
        for event in late:
            for name in events.REACTIONS.get(event.topic, ()):
                failure = failed.get((event.id, name))
                if (event.id, name) in done or (failure and (failure.next_at is None or failure.next_at > at)):
                    continue
                found[name].append(event.id)
        return found

    async def timers(self) -> None:
        """Claim the timers that are due and tell them."""
        async with self.db.reading(NOBODY) as reading:
            known = {row.name: row.due_at for row in await reading.all(_KNOWN_TIMERS)}
        at = clock.now()
        if all(name in known and known[name] > at for name in _timers):
            return
        next_ = [{"name": name, "due_at": at + timedelta(seconds=every_s)} for name, (every_s, _) in _timers.items()]
        async with self.db.transaction(system(NOBODY)) as tx:
            await tx.upsert(Timer, [{"name": name, "due_at": at} for name in _timers], key=("name",))
            due = await tx.all(_DUE, {"next": next_})
        for name in due:
            self.tell("tick", name, NOBODY, ())
