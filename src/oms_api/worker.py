"""The work role: broker, every domain's jobs, the relay and the timetable.

Dramatiq on Redis carries the messages; without Redis its in-process broker does, in the same process as the API.
Nothing else differs. A message carries ids only and is never retried by the broker: the database remembers what is
open (`kit.jobs`), so a lost message, a flushed Redis or a killed worker costs seconds, not facts.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any
from uuid import UUID

import dramatiq
import redis.asyncio
import structlog
from dramatiq.asyncio import get_event_loop_thread
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import AgeLimit, AsyncIO, Callbacks, ShutdownNotifications, TimeLimit

from oms_api import webhooks
from oms_api.config import Settings
from oms_api.domains import parts
from oms_api.kit import events, jobs, travel
from oms_api.kit.db import Database

log = structlog.get_logger()

BELL = "oms:bell"
JOB_TIME_LIMIT_MS = 120_000
MESSAGE_AGE_LIMIT_MS = 3_600_000
SHUTDOWN_MS = 10_000


def make_broker(redis_url: str) -> dramatiq.Broker:
    middleware = [
        AgeLimit(max_age=MESSAGE_AGE_LIMIT_MS),
        TimeLimit(time_limit=JOB_TIME_LIMIT_MS),
        ShutdownNotifications(),
        Callbacks(),
        AsyncIO(),
    ]
    if not redis_url:
        return StubBroker(middleware=middleware)
    # with the default settings 8 of 300 prefetched messages of a killed worker were still missing after 90 s
    return RedisBroker(  # type: ignore[no-untyped-call]
        url=redis_url,
        middleware=middleware,
        heartbeat_timeout=15_000,
        maintenance_chance=1_000_000,
        namespace="oms",
    )


class Worker:
    """Runs jobs in threads of this process, on an event loop and a database pool of their own."""

    def __init__(self, settings: Settings, services: Mapping[str, Any]) -> None:
        webhooks.configure(allow_loopback=settings.webhook_allow_loopback)
        parts("jobs")
        self.settings = settings
        self.broker = make_broker(settings.redis_url)
        self._services = dict(services)
        self._jobs: jobs.Jobs | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._closers: list[Callable[[], None]] = []

        async def job(kind: str, name: str, tenant: str, event_ids: Sequence[str]) -> None:
            await self._run(kind, name, UUID(tenant), [UUID(event_id) for event_id in event_ids])

        self._actor = dramatiq.actor(broker=self.broker, actor_name="oms.job")(job)  # never retried: no middleware does
        self._worker = dramatiq.Worker(self.broker, worker_threads=settings.worker_threads, worker_timeout=100)

    async def _run(self, kind: str, name: str, tenant_id: UUID, event_ids: Sequence[UUID]) -> None:
        assert self._jobs is not None
        try:
            if kind == "react":
                await jobs.react(self._jobs, name, tenant_id, event_ids)
            elif kind == "follow":
                await jobs.follow(self._jobs, name, tenant_id)
            else:
                await jobs.tick(self._jobs, name)
        except Exception as error:
            log.error("job failed", kind=kind, job=name, exc_info=error)

    def _tell(self, kind: str, name: str, tenant_id: UUID, event_ids: Sequence[UUID]) -> None:
        self._actor.send(kind, name, tenant_id.hex, [event_id.hex for event_id in event_ids])

    def start(self) -> None:
        """Start threads, loop and relay; returns when they run."""
        self._worker.start()
        self._on_loop(self._begin())

    def stop(self) -> None:
        """Finish what runs (up to SHUTDOWN_MS), then close everything."""
        for close in self._closers:
            close()
        self._on_loop(self._cancel())
        self._worker.stop(timeout=SHUTDOWN_MS)
        self.broker.close()

    def _on_loop(self, work: Coroutine[Any, Any, None]) -> None:
        thread = get_event_loop_thread()
        assert thread is not None
        thread.run_coroutine(work)

    async def _begin(self) -> None:
        db = Database(self.settings.database_url, pool_size=self.settings.database_pool_size)
        self._jobs = jobs.Jobs(db, self._services)
        relay = jobs.Relay(db, self._tell)
        self._closers.append(events.on_told(relay.ring))
        self._tasks.append(asyncio.create_task(relay.run()))
        if self.settings.test_clock:
            self._tasks.append(asyncio.create_task(travel.follow(db)))
        if self.settings.redis_url:
            self._tasks.append(asyncio.create_task(_hear(self.settings.redis_url, relay)))

    async def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._jobs is not None:
            await self._jobs.db.close()


async def _hear(url: str, relay: jobs.Relay) -> None:
    """Pass on what API processes ring by Redis, until cancelled; the relay's own poll is the safety net."""
    while True:
        try:
            async with redis.asyncio.from_url(url, socket_timeout=None) as client, client.pubsub() as channel:
                await channel.subscribe(BELL)
                async for message in channel.listen():
                    if message["type"] == "message":
                        relay.ring(UUID(bytes=message["data"]))
        except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
            log.warning("no bell: Redis is away, the relay polls", error=str(error))
            await asyncio.sleep(1)


class Bell:
    """Rings the workers by Redis after each commit of an API process; a ring that is lost costs half a second."""

    def __init__(self, url: str) -> None:
        self._client = redis.asyncio.from_url(url, socket_timeout=1, socket_connect_timeout=1)
        self._loop = asyncio.get_running_loop()
        self._rung: set[UUID] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._hang_up = events.on_told(self._ring)

    def _ring(self, tenant_id: UUID) -> None:
        if tenant_id in self._rung:
            return
        self._rung.add(tenant_id)
        task = self._loop.create_task(self._publish(tenant_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _publish(self, tenant_id: UUID) -> None:
        self._rung.discard(tenant_id)
        with contextlib.suppress(redis.RedisError, OSError):
            await self._client.publish(BELL, tenant_id.bytes)

    async def close(self) -> None:
        self._hang_up()
        await asyncio.gather(*self._tasks)
        await self._client.aclose()
