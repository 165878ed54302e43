"""A partner: a receiver on this machine, its subscription, and what it heard."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, func, select
from standardwebhooks import Webhook

from oms_api.kit import clock, jobs
from oms_api.kit.db import mine
from oms_api.webhooks.models import Attempt, Delivery
from world import Api, World, travel

from .receivers import Receiver, receiver

ERRORS = "userErrors { code message path }"
SUBSCRIPTION = "webhookSubscription { id handle url topics ordered status }"
PUT = f"""mutation($input: WebhookSubscriptionInput!) {{ webhookSubscriptionPut(input: $input) {{
  {SUBSCRIPTION} secret previousSecretExpiresAt {ERRORS} }} }}"""
DELETE = f"""mutation($input: WebhookSubscriptionDeleteInput!) {{ webhookSubscriptionDelete(input: $input) {{
  {SUBSCRIPTION} {ERRORS} }} }}"""
PAUSE = f"""mutation($input: WebhookSubscriptionPauseInput!) {{ webhookSubscriptionPause(input: $input) {{
  {SUBSCRIPTION} secret {ERRORS} }} }}"""
ROTATE = f"""mutation($input: WebhookSecretRotateInput!) {{ webhookSecretRotate(input: $input) {{
  {SUBSCRIPTION} secret previousSecretExpiresAt {ERRORS} }} }}"""
TEST = f"""mutation($input: WebhookTestInput!) {{ webhookTest(input: $input) {{
  body headers responseStatus {ERRORS} }} }}"""
REPLAY = f"""mutation($input: WebhookReplayInput!) {{ webhookReplay(input: $input) {{ queued {ERRORS} }} }}"""
SHOW = """query($handle: String!, $first: Int! = 100, $after: String, $status: WebhookDeliveryStatus) {
  webhookSubscription(handle: $handle) { id handle url topics ordered status
    deliveries(first: $first, after: $after, status: $status) {
      nodes { id messageId status body events { id topic subjectId sequence cursor data }
        attempts { at responseStatus responseBody error durationSeconds nextAttemptAt } }
      edges { cursor node { id } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""
PUT_SKUS = "mutation($input: SkuPutInput!) { skuPut(input: $input) { skus { id } userErrors { code message } } }"


@dataclass
class Message:
    """One request that a partner got."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def content(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = self.content["data"]
        return found


@dataclass
class Partner:
    """`statuses` are answered in turn, the last for ever; `open` cleared makes every answer wait."""

    world: World
    api: Api
    handle: str
    hook: Receiver
    statuses: list[int]
    extra: str = ""
    secret: str = ""
    takes_s: float = 0.0
    at_once: int = 0
    at_once_max: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        self.at_once += 1
        self.at_once_max = max(self.at_once_max, self.at_once)
        try:
            await self.open.wait()
            await asyncio.sleep(self.takes_s)
        finally:
            self.at_once -= 1
        writer.write(f"HTTP/1.1 {status} X\r\n{self.extra}Content-Length: 4\r\n\r\nseen".encode())
        await writer.drain()

    @property
    def heard(self) -> list[Message]:
        found = []
        for head, body in self.hook.requests:
            lines = head.split("\r\n")[1:]
            found.append(Message({k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}, body))
        return found

    def verify(self, message: Message, secret: str | None = None) -> None:
        Webhook(secret or self.secret).verify(message.body, message.headers)

    async def show(self, **variables: Any) -> Any:
        return (await self.api(SHOW, handle=self.handle, **variables))["webhookSubscription"]

    async def deliveries(self, **variables: Any) -> list[dict[str, Any]]:
        """Newest first."""
        found: list[dict[str, Any]] = (await self.show(**variables))["deliveries"]["nodes"]
        return found

    async def delivery(self) -> dict[str, Any]:
        (only,) = await self.deliveries()
        return only

    async def put(self, **changes: Any) -> Any:
        given = {"handle": self.handle, "url": self.hook.url(), "topics": ["sku.*"], **changes}
        return await self.api.ok(PUT, input=given)

    async def pause(self, paused: bool) -> str:
        answer = await self.api.ok(PAUSE, input={"handle": self.handle, "paused": paused})
        status: str = answer["webhookSubscription"]["status"]
        return status

    async def replay(self, **what: Any) -> int:
        given = {"handle": self.handle, "since": "2020-01-01T00:00:00Z", **what}
        queued: int = (await self.api.ok(REPLAY, input=given))["queued"]
        return queued

    async def deliver(self) -> None:
        await self.world.tick("webhooks.deliver")

    async def deliver_at(self, instant: str, seconds: float = 0.01) -> None:
        """Let the sender run once, `seconds` after an instant."""
        with travel(seconds=(datetime.fromisoformat(instant) - clock.now()).total_seconds() + seconds):
            await self.deliver()


@asynccontextmanager
async def partner(
    world: World, api: Api, *statuses: int, handle: str = "partner", subscribe: bool = True, **put: Any
) -> AsyncIterator[Partner]:
    """A partner that is subscribed to `sku.*`; answers 200 unless told otherwise; removed at the end."""
    made = Partner(world, api, handle, Receiver(), list(statuses or (200,)))
    made.open.set()
    async with receiver(lambda reader, writer: made.answer(reader, writer)) as hook:
        made.hook = hook
        if subscribe:
            made.secret = (await made.put(**put))["secret"]
        yield made
        if (await made.api(SHOW, handle=handle, first=0))["webhookSubscription"]:
            await api.ok(DELETE, input={"handle": handle})


async def happen(api: Api, *codes: str, name: str = "Thing") -> list[str]:
    """One fact `sku.created` for each new code, `sku.updated` for each known one with another name; their ids."""
    made = await api.ok(PUT_SKUS, input={"skus": [{"code": code, "name": name} for code in codes]})
    return [sku["id"] for sku in made["skus"]]


async def rows(world: World, tenant_id: UUID) -> tuple[int, int]:
    """Stored deliveries and attempts of a tenant."""
    async with world.db.reading(tenant_id) as reading:
        return (
            await reading.first(select(func.count(col(Delivery.id)).label("count")).where(mine(Delivery))) or 0,
            await reading.first(select(func.count(col(Attempt.id)).label("count")).where(mine(Attempt))) or 0,
        )


async def follow(world: World, tenant_id: UUID) -> None:
    await jobs.follow(world.jobs, "webhooks.fan_out", tenant_id)


def ids(messages: Sequence[Message]) -> list[str]:
    return [message.id for message in messages]
