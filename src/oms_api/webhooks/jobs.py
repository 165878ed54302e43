"""What runs by itself: the log's follower, the sender, and the timer that forgets."""

import asyncio
import random
import time
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import structlog

from oms_api.kit import clock, secrets
from oms_api.kit.caller import system
from oms_api.kit.db import Database
from oms_api.kit.errors import Overloaded
from oms_api.kit.ids import NOBODY
from oms_api.kit.jobs import Jobs, follower, timer
from oms_api.webhooks import queries
from oms_api.webhooks.service import queue, sending
from oms_api.webhooks.service.sending import PER_ENDPOINT_MAX, Letter

log = structlog.get_logger()

AT_ONCE_MAX = 64
"""Deliveries on their way at the same time, a process: they only wait, so a few silent receivers hold up nobody."""
RECORDS_AT_ONCE_MAX = 8
RUN_S = 60.0
"""A run takes up nothing new after this long; the next tick begins another."""
LOOK_AGAIN_S = 0.5
KEPT = timedelta(days=30)
FORGET_RUN_S = 60.0


@follower("webhooks.fan_out")
async def fan_out(jobs: Jobs, tenant_id: UUID) -> None:
    """Queue what happened, for each subscription up to the end of the log, and send at once."""
    async with jobs.db.reading(tenant_id) as reading:
        behind = await queries.behind(reading)
    queued = 0
    for subscription_id in behind:
        more = True
        while more:
            count, more = await jobs.db.run(partial(_fan_out, subscription_id), system(tenant_id))
            queued += count
    if queued:
        await deliver(jobs)


@timer("webhooks.follow", every_s=5)
async def catch_up(jobs: Jobs) -> None:
    """Queue what a follower was told and lost: its message, or its worker."""
    async with jobs.db.reading(NOBODY) as reading:
        tenants = await queries.tenants_behind(reading)
    for tenant_id in tenants:
        await fan_out(jobs, tenant_id)


async def _fan_out(subscription_id: UUID, tx: Any) -> tuple[int, bool]:
    return await queue.fan_out(tx, subscription_id)


@timer("webhooks.deliver", every_s=1)
async def deliver(jobs: Jobs) -> None:
    """Send what is due, until nothing is."""
    pump = _pumps.get(jobs.db)
    if pump is None:
        pump = _pumps[jobs.db] = Pump(jobs.db)
    await pump.run(jobs.stopping)


@timer("webhooks.forget", every_s=300)
async def forget(jobs: Jobs) -> None:
    """Delete deliveries and attempts KEPT after they settled, and all that is left of removed subscriptions."""
    before, until = clock.now() - KEPT, time.monotonic() + FORGET_RUN_S
    async with jobs.db.reading(NOBODY) as reading:
        found = await queries.forgettable(reading, before)
    for row in found:

        async def batch(tx: Any, subscription_id: UUID = row.id) -> bool:
            return await queue.forget(tx, subscription_id, before)

        while await jobs.db.run(batch, system(row.tenant_id)):
            if time.monotonic() > until:
                return


class Pump:
    """Sends what is due, for all tenants; one for each worker loop. Nothing it holds in memory is needed again: what it
    has claimed and not recorded when it dies is due again after its lease."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._running = False
        self._poked = asyncio.Event()
        self._on_the_way: Counter[UUID] = Counter()  # by subscription
        self._not_before: dict[UUID, float] = {}  # subscription → monotonic instant to look at it again
        self._records = asyncio.Semaphore(RECORDS_AT_ONCE_MAX)

    async def run(self, stopping: asyncio.Event) -> None:
        """Until nothing is due and all is recorded, or for RUN_S; takes up nothing new when the worker is `stopping`.
        While one runs, others only wake it up."""
        self._not_before.clear()  # who calls may know of something new
        if self._running:
            self._poked.set()
            return
        self._running = True
        until = time.monotonic() + RUN_S
        tasks: set[asyncio.Task[None]] = set()
        try:
            try:
                while time.monotonic() < until and not stopping.is_set():
                    self._poked.clear()
                    await self._take(tasks)
                    if tasks:
                        await self._something(tasks)
                        tasks = _going_on(tasks)
                    elif not self._poked.is_set():
                        return
            finally:
                self._running = False
            while tasks:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                tasks = _going_on(tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def _take(self, tasks: set["asyncio.Task[None]"]) -> None:
        """Claim what is due, as far as there are places, and begin to send it."""
        try:
            async with self._db.reading(NOBODY) as reading:
                due = await queries.due_subscriptions(reading)
            random.shuffle(due)  # so that no tenant is always the last
            at = time.monotonic()
            self._not_before = {key: until for key, until in self._not_before.items() if until > at}
            for row in due:
                places = AT_ONCE_MAX - self._on_the_way.total()
                if places < 1:
                    return
                free = min(places, PER_ENDPOINT_MAX - self._on_the_way[row.id])
                if free < 1 or row.id in self._not_before:
                    continue
                letters = await self._claim(row.tenant_id, row.id, free)
                if not letters:
                    self._not_before[row.id] = at + LOOK_AGAIN_S
                for letter in letters:
                    self._on_the_way[row.id] += 1
                    tasks.add(asyncio.create_task(self._deliver(letter)))
        except Overloaded as error:
            log.warning("webhooks wait for the database", error=str(error))

    async def _claim(self, tenant_id: UUID, subscription_id: UUID, limit: int) -> list[Letter]:
        async def work(tx: Any) -> list[Letter]:
            return await sending.claim(tx, subscription_id, limit)

        try:
            return await self._db.run(work, system(tenant_id))
        except secrets.Unsigned:
            # one tenant's unreadable secret must not keep the others' messages
            log.error("a webhook secret cannot be decrypted: is a key missing from OMS_SECRET_KEYS?", exc_info=True)
            return []

    async def _deliver(self, letter: Letter) -> None:
        id_ = letter.delivery.subscription_id

        async def work(tx: Any) -> None:
            await sending.record(tx, letter, tried)

        try:
            tried = await sending.send(letter)
            async with self._records:
                await self._db.run(work, system(letter.delivery.tenant_id))
            self._not_before.pop(id_, None)
        finally:
            self._on_the_way[id_] -= 1
            if not self._on_the_way[id_]:
                del self._on_the_way[id_]

    async def _something(self, tasks: set["asyncio.Task[None]"]) -> None:
        """Wait until a delivery is done, somebody pokes or LOOK_AGAIN_S passed."""
        poke = asyncio.create_task(self._poked.wait())
        try:
            await asyncio.wait({*tasks, poke}, timeout=LOOK_AGAIN_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            poke.cancel()


def _going_on(tasks: set["asyncio.Task[None]"]) -> set["asyncio.Task[None]"]:
    """The deliveries that are not done; what went wrong with the others is told."""
    for task in tasks:
        if task.done() and (error := task.exception()):
            log.error("a webhook attempt was not recorded; it is made again", exc_info=error)
    return {task for task in tasks if not task.done()}


_pumps: WeakKeyDictionary[Database, Pump] = WeakKeyDictionary()
