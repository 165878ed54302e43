"""Reactions to facts, followers of the log and timers: declared here, run here, told by the relay (`kit.relay`).

A reaction's transaction inserts a receipt (reaction, event), so redelivery is harmless; what failed is written down
with its next attempt, and the sweep tells it again: a lost message costs seconds, never a fact. Reactions tolerate
any order by checking the state, and one failing reaction blocks no other.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import BigInteger, Uuid, case, update
from sqlmodel import Field, SQLModel, col, select

from oms_api.kit import clock, events, idempotency
from oms_api.kit.caller import system
from oms_api.kit.db import Database, Instant, TryAgain, Tx, any_of, json_rows, mine, now, param, prepared, table_of
from oms_api.kit.errors import Overloaded
from oms_api.kit.events import Event, Fact
from oms_api.kit.idempotency import IdempotencyKey
from oms_api.kit.ids import NOBODY

log = structlog.get_logger()

ATTEMPTS_MAX = 10
BACK_OFF_S = (1, 2, 5, 15, 60, 300, 900, 3600, 10800)
FORGET_TENANTS_MAX = 500


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
    """What a job is handed: the worker loop's database, the application's services, and whether the worker is about to
    end: a long job then takes up nothing new."""

    db: Database
    services: Mapping[str, Any] = field(default_factory=dict)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class _Reaction:
    handle: Callable[..., Awaitable[None]]
    outside: bool
    together: bool


_reactions: dict[str, _Reaction] = {}
_timers: dict[str, tuple[float, Callable[[Jobs], Awaitable[None]]]] = {}
_followers: dict[str, Callable[[Jobs, UUID], Awaitable[None]]] = {}


def reaction(name: str, *facts: type[Fact], outside: bool = False, together: bool = False) -> Callable[[Any], Any]:
    """`async def handle(tx, event)`: runs once for each of these facts, in a transaction with its receipt.

    With `outside`, `async def handle(jobs, event)` opens its own transactions, for calls to providers; it may run more
    than once and must bear that. With `together` too, `async def handle(jobs, events)`: events of one tenant that came
    together are told at once; when that fails each is told alone, so that one failing event blocks no other.
    """

    def wrap(handle: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        _reactions[name] = _Reaction(handle, outside, together)
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


@contextlib.contextmanager
def apart() -> Iterator[Callable[[Awaitable[Any], str], Awaitable[None]]]:
    """`with apart() as each: await each(work, "ord_…")`: work that fails stops none that comes after it, and what
    failed is raised when all is done, with what it was for, so that it is told again. Only a database that is away
    stops everything at once: not work that gave up after clashes with others'."""
    failed: list[Exception] = []

    async def each(work: Awaitable[Any], subject: str) -> None:
        try:
            await work
        except Exception as error:
            if isinstance(error, Overloaded) and not isinstance(error.__cause__, TryAgain):
                raise
            error.add_note(f"It was for {subject}.")
            failed.append(error)

    yield each
    if failed:
        first = failed[0]
        raise ExceptionGroup(f"{len(failed)} failed, the first by {type(first).__name__}: {first}", failed)


# --- running -------------------------------------------------------------------------------------------------------

_EVENTS = prepared(select(Event).where(mine(Event), any_of(Event.id, "ids")).order_by(col(Event.position)))
_SETTLE = prepared(
    update(table_of(Event))
    .where(mine(Event), any_of(Event.id, "done"))
    .values(
        pending=col(Event.pending) - 1,
        tell_at=case((col(Event.pending) > 1, col(Event.tell_at)), else_=None),
    )
)
# told again no later than the failed reaction is due
_SOONER = prepared(
    update(table_of(Event))
    .where(mine(Event), col(Event.id) == param("of", Uuid()), col(Event.tell_at) > param("next", Instant()))
    .values(tell_at=param("next", Instant()))
)
_AGAIN = prepared(
    update(table_of(Failure))
    .where(col(Failure.next_at).is_(None))
    .values(attempts=0, next_at=now())
    .returning(col(Failure.tenant_id), col(Failure.event_id))
)
_events = json_rows("events", {"tenant_id": Uuid(), "id": Uuid()})
_TELL = prepared(
    update(table_of(Event))
    .where(col(Event.tenant_id) == _events.c.tenant_id, col(Event.id) == _events.c.id, col(Event.pending) > 0)
    .values(tell_at=now())
)
_FAILURE = prepared(
    select(Failure).where(
        mine(Failure), col(Failure.event_id) == param("event", Uuid()), col(Failure.reaction) == param("reaction")
    )
)


async def _receipt(tx: Tx, name: str, *told: Event) -> bool:
    """Whether this reaction has not dealt with the event (with one of them) before."""
    now_ = clock.now()
    new = await tx.upsert(
        Receipt,
        [
            {"tenant_id": tx.tenant_id, "event_id": event.id, "reaction": name, "done_at": now_}
            for event in sorted(told, key=lambda event: event.id)
        ],
        key=("tenant_id", "event_id", "reaction"),
    )
    if new:
        await tx.run(_SETTLE, {"done": [row.event_id for row in new]})
    return bool(new)


async def react(jobs: Jobs, name: str, tenant_id: UUID, event_ids: Sequence[UUID]) -> None:
    """Run one reaction for these events, each in its own transaction unless it takes them together; failures are
    written down, not raised."""
    async with jobs.db.reading(tenant_id) as reading:
        told = await reading.all(_EVENTS, {"ids": event_ids})
    known = _reactions.get(name)
    if known is not None and known.together and len(told) > 1 and await _together(jobs, name, known, told):
        return
    for event in told:
        caller = system(tenant_id, event.request_id)
        try:
            if known is None:  # an older release's reaction: nobody deals with it any more

                async def drop(tx: Tx, event: Event = event) -> None:
                    await _receipt(tx, name, event)

                await jobs.db.run(drop, caller)
            elif known.outside:
                await known.handle(jobs, [event] if known.together else event)

                async def done(tx: Tx, event: Event = event) -> None:
                    await _receipt(tx, name, event)

                await jobs.db.run(done, caller)
            else:

                async def once(tx: Tx, event: Event = event, handle: Any = known.handle) -> None:
                    if await _receipt(tx, name, event):
                        await handle(tx, event)

                await jobs.db.run(once, caller)
        except Overloaded:
            raise  # the database is away, which is not this event's fault: it is told again
        except Exception as error:  # noqa: BLE001 - whatever it is, it is written down and retried
            await _failed(jobs, name, event, error)


async def _together(jobs: Jobs, name: str, known: _Reaction, told: Sequence[Event]) -> bool:
    """Tell a reaction of many events at once; whether that went well."""
    try:
        await known.handle(jobs, told)

        async def done(tx: Tx) -> None:
            await _receipt(tx, name, *told)

        await jobs.db.run(done, system(told[0].tenant_id, told[0].request_id))
    except Overloaded:
        raise
    except Exception as error:
        log.warning("a reaction failed on events together", reaction=name, events=len(told), exc_info=error)
        return False
    return True


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
        if next_at is not None:
            await tx.run(_SOONER, {"of": event.id, "next": next_at})

    await jobs.db.run(work, system(event.tenant_id, event.request_id))


def followers() -> Sequence[str]:
    """Names of all followers."""
    return list(_followers)


def timers() -> Mapping[str, float]:
    """All timers: name → seconds between two runs."""
    return {name: every_s for name, (every_s, _) in _timers.items()}


async def retry(tx: Tx) -> int:
    """Begin again with every reaction that was given up, of all tenants; how many there were."""
    failures = await tx.all(_AGAIN)
    await tx.run(_TELL, {"events": [{"tenant_id": row.tenant_id, "id": row.event_id} for row in failures]})
    return len(failures)


async def follow(jobs: Jobs, name: str, tenant_id: UUID) -> None:
    await _followers[name](jobs, tenant_id)


async def tick(jobs: Jobs, name: str) -> None:
    """Run one timer now; one that only an older release knows is over."""
    if name in _timers:
        await _timers[name][1](jobs)


_TENANTS_WITH_KEYS = prepared(
    select(IdempotencyKey.tenant_id)
    .where(col(IdempotencyKey.created_at) < param("before", Instant()))
    .distinct()
    .limit(FORGET_TENANTS_MAX)
)


@timer("kit.forget_keys", every_s=3600)
async def forget_keys(jobs: Jobs) -> None:
    """Idempotency keys are kept for seven days."""
    async with jobs.db.reading(NOBODY) as reading:
        tenants = await reading.all(_TENANTS_WITH_KEYS, {"before": clock.now() - idempotency.KEPT})
    for tenant_id in tenants:
        while (
            not jobs.stopping.is_set()
            and await jobs.db.run(idempotency.forget, system(tenant_id)) == idempotency.FORGET_BATCH_MAX
        ):
            pass
