"""The relay: stamps committed facts, tells them to reactions and followers, and tells the timers that are due.

It is rung after commits and polls as a safety net; several may run beside each other. Each claims in the database what
it tells again (`events.tell_at`), at growing distances, so a long queue is not made longer by repeating it.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import String, Uuid, and_, update
from sqlmodel import col, select

from oms_api.kit import clock, events, jobs
from oms_api.kit.caller import system
from oms_api.kit.db import Database, Instant, Reading, Tx, any_of, columns, json_rows, mine, now, prepared, table_of
from oms_api.kit.errors import Overloaded
from oms_api.kit.events import Event
from oms_api.kit.ids import NOBODY
from oms_api.kit.jobs import Failure, Receipt, Timer

log = structlog.get_logger()

POLL_S = 0.5
SWEEP_EVERY_S = 2.0
SWEEP_BATCH_MAX = 500
MESSAGE_EVENTS_MAX = 50
AWAY_S = 1.0

_late = (
    columns(col(Event.tenant_id), col(Event.id))
    .where(col(Event.tell_at).is_not(None), col(Event.tell_at) <= now())
    .order_by(col(Event.tell_at))
    .limit(SWEEP_BATCH_MAX)
    .with_for_update(of=Event, skip_locked=True)
    .cte("late")
)
# after 5 s, then at 10, 20, 40 … seconds of age
_CLAIM = prepared(
    update(table_of(Event))
    .where(and_(col(Event.tenant_id) == _late.c.tenant_id, col(Event.id) == _late.c.id))
    .values(tell_at=now() + (now() - col(Event.occurred_at)))
    .returning(col(Event.tenant_id), col(Event.id), col(Event.topic))
)
_waits = json_rows("waits", {"id": Uuid(), "until": Instant()})
_WAIT = prepared(
    update(table_of(Event))
    .where(mine(Event), col(Event.id) == _waits.c.id, col(Event.tell_at).is_not(None))
    .values(tell_at=_waits.c.until)
)
_HURRY = prepared(update(table_of(Event)).where(col(Event.tell_at) > now()).values(tell_at=now()))
_RECEIPTS = prepared(select(Receipt.event_id, Receipt.reaction).where(mine(Receipt), any_of(Receipt.event_id, "ids")))
_FAILURES = prepared(select(Failure).where(mine(Failure), any_of(Failure.event_id, "ids")))
_next = json_rows("next", {"name": String(), "due_at": Instant()})
_DUE = prepared(
    update(table_of(Timer))
    .where(col(Timer.name) == _next.c.name, col(Timer.due_at) <= now())
    .values(due_at=_next.c.due_at)
    .returning(col(Timer.name))
)
_KNOWN_TIMERS = prepared(select(Timer.name, Timer.due_at))


class Relay:
    """One for each worker loop."""

    def __init__(self, db: Database, tell: Callable[[str, str, UUID, Sequence[UUID]], None]) -> None:
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

    async def run(self, *, alone: bool = False) -> None:
        """Until cancelled. A database that is away is waited for.

        `alone`: no broker remembers what was told before this process began, so it is told again at once.
        """
        poll_at = sweep_at = 0.0
        while True:
            try:
                if alone:
                    await self.db.run(_hurry, system(NOBODY))
                    alone = False
                await self._rest()
                at = time.monotonic()
                # also while the bell rings without end: somebody else's ring may have been lost
                await self._stamp_rung(poll=at >= poll_at)
                if at >= poll_at:
                    poll_at = at + POLL_S
                if at >= sweep_at:
                    sweep_at = at + SWEEP_EVERY_S
                    await self.sweep()
                    await self.timers()
            except Overloaded as error:
                log.warning("relay waits for the database", error=str(error))
                await asyncio.sleep(AWAY_S)
            except Exception as error:
                log.error("relay failed", exc_info=error)
                await asyncio.sleep(AWAY_S)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(POLL_S):  # wait_for may swallow a cancellation, until Python 3.12
                await self._bell.wait()
        except TimeoutError:
            return
        self._bell.clear()

    async def _stamp_rung(self, *, poll: bool) -> None:
        tenants, self._rung = self._rung, set()
        if poll:
            async with self.db.reading(NOBODY) as reading:
                tenants |= set(await events.unstamped_tenants(reading))
        for tenant_id in tenants:
            await self.stamp(tenant_id)

    async def stamp(self, tenant_id: UUID) -> None:
        """Put what is committed into the tenant's log, and tell it."""
        while True:
            stamped = await events.stamp(self.db, system(tenant_id))
            of_reaction: dict[str, list[UUID]] = defaultdict(list)
            for event_id, topic in stamped:
                for name in events.REACTIONS.get(topic, ()):
                    of_reaction[name].append(event_id)
            self._tell_all(tenant_id, of_reaction)
            if stamped:
                for name in jobs.followers():
                    self.tell("follow", name, tenant_id, ())
            if len(stamped) < events.STAMP_BATCH_MAX:
                return

    def _tell_all(self, tenant_id: UUID, of_reaction: Mapping[str, Sequence[UUID]]) -> None:
        for name, event_ids in of_reaction.items():
            for start in range(0, len(event_ids), MESSAGE_EVENTS_MAX):
                self.tell("react", name, tenant_id, event_ids[start : start + MESSAGE_EVENTS_MAX])

    async def sweep(self) -> None:
        """Tell again what was told a while ago and is not dealt with, or failed and is due."""
        late: dict[UUID, list[Any]] = defaultdict(list)
        for event in await self.db.run(_claim, system(NOBODY)):
            late[event.tenant_id].append(event)
        for tenant_id, of_tenant in late.items():
            async with self.db.reading(tenant_id) as reading:
                open_, waits = await _open(reading, of_tenant)
            self._tell_all(tenant_id, open_)
            if waits:
                await self.db.run(partial(_wait, waits), system(tenant_id))

    async def timers(self) -> None:
        """Claim the timers that are due and tell them."""
        every = jobs.timers()
        async with self.db.reading(NOBODY) as reading:
            known = {row.name: row.due_at for row in await reading.all(_KNOWN_TIMERS)}
        at = clock.now()
        if all(name in known and known[name] > at for name in every):
            return
        next_ = [{"name": name, "due_at": at + timedelta(seconds=every_s)} for name, every_s in every.items()]

        async def claim(tx: Tx) -> list[str]:
            await tx.upsert(Timer, [{"name": name, "due_at": at} for name in every], key=("name",))
            due: list[str] = await tx.all(_DUE, {"next": next_})
            return due

        for name in await self.db.run(claim, system(NOBODY)):
            self.tell("tick", name, NOBODY, ())


async def _hurry(tx: Tx) -> int:
    return await tx.run(_HURRY)


async def _claim(tx: Tx) -> list[Any]:
    return await tx.all(_CLAIM)


async def _wait(waits: Mapping[UUID, datetime | None], tx: Tx) -> int:
    return await tx.run(_WAIT, {"waits": [{"id": id_, "until": until} for id_, until in waits.items()]})


async def _open(reading: Reading, late: Sequence[Any]) -> tuple[dict[str, list[UUID]], dict[UUID, datetime | None]]:
    """Which reactions are told of which events now; and events that only wait for an attempt later (None: for none)."""
    ids = [event.id for event in late]
    done = {(row.event_id, row.reaction) for row in await reading.all(_RECEIPTS, {"ids": ids})}
    failed = {(row.event_id, row.reaction): row.next_at for row in await reading.all(_FAILURES, {"ids": ids})}
    told: dict[str, list[UUID]] = defaultdict(list)
    waits: dict[UUID, datetime | None] = {}
    at = clock.now()
    for event in late:
        names = [name for name in events.REACTIONS.get(event.topic, ()) if (event.id, name) not in done]
        next_at = {name: failed.get((event.id, name), at) for name in names}  # None: given up
        open_ = [name for name, instant in next_at.items() if instant is not None and instant <= at]
        for name in open_:
            told[name].append(event.id)
        if not open_:
            waits[event.id] = min((instant for instant in next_at.values() if instant is not None), default=None)
    return told, waits
