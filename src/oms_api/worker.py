"""The work role: broker, every domain's jobs, the relay and the timetable.

Dramatiq on Redis carries the messages; without Redis its in-process broker does, in the same process as the API.
Nothing else differs. A message carries ids only and is never retried by the broker: the database remembers what is
open (`kit.jobs`), so a lost message, a flushed Redis or a killed worker costs seconds, not facts. While Redis is away,
a worker runs what its own relay tells.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any
from uuid import UUID

import dramatiq
import structlog
from dramatiq.asyncio import get_event_loop_thread
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import AgeLimit, AsyncIO, Callbacks, TimeLimit

from oms_api import webhooks
from oms_api.config import Settings
from oms_api.domains import parts
from oms_api.kit import events, jobs, travel
from oms_api.kit.db import Database
from oms_api.kit.errors import Overloaded
from oms_api.kit.relay import Relay
from oms_api.kit.tasks import beside

log = structlog.get_logger()

JOB_TIME_LIMIT_MS = 120_000
MESSAGE_AGE_LIMIT_MS = 3_600_000
REDIS_TIMEOUT_S = 2.0
REDIS_AWAY_S = 1.0
GRACE_S = 5.0
SHUTDOWN_MS = 2_000


def make_broker(redis_url: str) -> dramatiq.Broker:
    middleware = [
        AgeLimit(max_age=MESSAGE_AGE_LIMIT_MS),
        TimeLimit(time_limit=JOB_TIME_LIMIT_MS),
        Callbacks(),
        AsyncIO(),
    ]
    if not redis_url:
        return StubBroker(middleware=middleware)
    import redis
    from dramatiq.brokers.redis import RedisBroker
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # With the default settings 8 of 300 prefetched messages of a killed worker were still missing after 90 s, and a
    # Redis that is away is asked ten times, for seconds, before anybody hears of it.
    return RedisBroker(  # type: ignore[no-untyped-call]
        client=redis.Redis.from_url(
            redis_url,
            socket_timeout=REDIS_TIMEOUT_S,
            socket_connect_timeout=REDIS_TIMEOUT_S,
            retry=Retry(NoBackoff(), 1),
        ),
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
        self._post: _Post | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._closers: list[Callable[[], None]] = []
        self._running: set[asyncio.Task[Any]] = set()

        async def job(kind: str, name: str, tenant: str, event_ids: Sequence[str]) -> None:
            await self._run(kind, name, UUID(tenant), [UUID(event_id) for event_id in event_ids])

        self._job = job
        self._actor = dramatiq.actor(broker=self.broker, actor_name="oms.job")(job)  # never retried: no middleware does
        self._worker = dramatiq.Worker(self.broker, worker_threads=settings.worker_threads, worker_timeout=100)

    async def _run(self, kind: str, name: str, tenant_id: UUID, event_ids: Sequence[UUID]) -> None:
        assert self._jobs is not None
        if self._jobs.stopping.is_set():
            return
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            if kind == "react":
                await jobs.react(self._jobs, name, tenant_id, event_ids)
            elif kind == "follow":
                await jobs.follow(self._jobs, name, tenant_id)
            else:
                await jobs.tick(self._jobs, name)
        except asyncio.CancelledError:
            if not self._jobs.stopping.is_set():
                raise
            log.info("job cut off by the end of the worker; it is told again", kind=kind, job=name)
        except Overloaded as error:
            log.warning("job waits for the database; it is told again", kind=kind, job=name, error=str(error))
        except Exception as error:
            log.error("job failed", kind=kind, job=name, exc_info=error)
        finally:
            self._running.discard(task)

    def start(self) -> None:
        """Start threads, loop and relay; returns when they run."""
        self._worker.start()
        self._on_loop(self._begin())

    def stop(self) -> None:
        """Finish what runs, for up to GRACE_S, then close everything. What is cut off is told again."""
        for close in self._closers:
            close()
        for thread in self._worker.workers:
            thread.stop()
        self._on_loop(self._end())
        self._worker.stop(timeout=SHUTDOWN_MS)
        self.broker.close()

    def _on_loop(self, work: Coroutine[Any, Any, None]) -> None:
        thread = get_event_loop_thread()
        assert thread is not None
        thread.run_coroutine(work)

    async def _begin(self) -> None:
        db = Database(self.settings.database_url, pool_size=self.settings.database_pool_size)
        self._jobs = jobs.Jobs(db, self._services)
        url = self.settings.redis_url
        if url:
            self._post = _Post(self.broker, self._job, self.settings.worker_threads)
            self._tasks.append(beside(self._post.run(), "post"))
        relay = Relay(db, self._tell)
        self._closers.append(events.on_told(relay.ring))
        self._tasks.append(beside(relay.run(alone=not url), "relay"))
        if self.settings.test_clock:
            self._tasks.append(beside(travel.follow(db), "test clock"))
        if url:
            from oms_api.bell import hear

            self._tasks.append(beside(hear(url, relay.ring), "bell"))

    def _tell(self, kind: str, name: str, tenant_id: UUID, event_ids: Sequence[UUID]) -> None:
        message = self._actor.message(kind, name, tenant_id.hex, [event_id.hex for event_id in event_ids])
        if self._post is None:
            self.broker.enqueue(message)
        else:
            self._post.tell(message)

    async def _end(self) -> None:
        assert self._jobs is not None
        self._jobs.stopping.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._running:
            await asyncio.wait(self._running, timeout=GRACE_S)
        cut_off = list(self._running)
        for task in cut_off:
            task.cancel()
        await asyncio.gather(*cut_off, return_exceptions=True)
        await self._jobs.db.close()


class _Post:
    """Carries messages to Redis from a thread of its own, so that a slow Redis holds up no job; while Redis is away,
    the jobs run here."""

    def __init__(
        self, broker: dramatiq.Broker, job: Callable[..., Coroutine[Any, Any, None]], at_once_max: int
    ) -> None:
        self._broker = broker
        self._job = job
        self._told: asyncio.Queue[Any] = asyncio.Queue()
        self._places = asyncio.Semaphore(at_once_max)
        self._here: set[asyncio.Task[None]] = set()
        self._away_until = 0.0

    def tell(self, message: Any) -> None:
        self._told.put_nowait(message)

    async def run(self) -> None:
        import redis

        while True:
            message = await self._told.get()
            if time.monotonic() >= self._away_until:
                try:
                    await asyncio.to_thread(self._broker.enqueue, message)
                    continue
                except (redis.RedisError, OSError) as error:
                    log.warning("Redis is away: jobs run in the worker that tells them", error=str(error))
                    self._away_until = time.monotonic() + REDIS_AWAY_S
            task = beside(self._run_here(message.args), "job")
            self._here.add(task)
            task.add_done_callback(self._here.discard)

    async def _run_here(self, arguments: Sequence[Any]) -> None:
        async with self._places:
            await self._job(*arguments)
