"""The bell between processes: API processes ring it by Redis after each commit, workers hear it.

A ring that is lost costs half a second: the relay polls. So nothing here is retried, and nobody waits for it.
"""

import asyncio
from collections.abc import Callable
from uuid import UUID

import redis
import redis.asyncio
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from oms_api.kit import events
from oms_api.kit.tasks import beside

log = structlog.get_logger()

CHANNEL = "oms:bell"
TIMEOUT_S = 1.0
AWAY_S = 1.0


class Bell:
    """Rings for every tenant that told something; once for what was told while the last ring was on its way."""

    def __init__(self, url: str) -> None:
        self._client = redis.asyncio.from_url(
            url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 1)
        )
        self._told: set[UUID] = set()
        self._wake = asyncio.Event()
        self._hang_up = events.on_told(self._ring)
        self._ringing = beside(self._run(), "bell")

    def _ring(self, tenant_id: UUID) -> None:
        self._told.add(tenant_id)
        self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            told, self._told = self._told, set()
            try:
                for tenant_id in told:
                    await self._client.publish(CHANNEL, tenant_id.bytes)
            except (redis.RedisError, OSError) as error:
                log.warning("no bell: Redis is away, the workers poll", error=str(error))
                await asyncio.sleep(AWAY_S)

    async def close(self) -> None:
        self._hang_up()
        self._ringing.cancel()
        await asyncio.gather(self._ringing, return_exceptions=True)
        await self._client.aclose()


async def hear(url: str, ring: Callable[[UUID], None]) -> None:
    """Pass on what is rung, until cancelled."""
    while True:
        try:
            async with redis.asyncio.from_url(url, socket_timeout=None) as client, client.pubsub() as channel:
                await channel.subscribe(CHANNEL)
                async for message in channel.listen():
                    if message["type"] == "message":
                        ring(UUID(bytes=message["data"]))
        except (redis.RedisError, OSError) as error:
            log.warning("no bell: Redis is away, the relay polls", error=str(error))
            await asyncio.sleep(AWAY_S)
