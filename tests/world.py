"""The application as its users meet it: `api(document, **variables)` goes through HTTP and GraphQL."""

import asyncio
import contextlib
import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from oms_api import access
from oms_api.app import create_app
from oms_api.config import Settings
from oms_api.domains import parts
from oms_api.kit import clock, db, events, ids, jobs, secrets
from oms_api.kit.caller import system
from oms_api.kit.db import Database, assume_many_rows, observe
from oms_api.kit.ids import NOBODY
from oms_api.kit.relay import Relay

SECRET = "test-secret-key-test-secret-key-test-secret-key"


def create_tables(url: str) -> None:
    """All tables as the models declare them; that migrations make the same is a test of its own."""

    async def create() -> None:
        parts("models")
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            await connection.run_sync(SQLModel.metadata.create_all)
            await connection.run_sync(assume_many_rows)
        await engine.dispose()

    asyncio.run(create())


class Refused(AssertionError):
    """A mutation or query answered with userErrors where the test wanted success."""


class Api:
    """A client with one key."""

    def __init__(self, world: "World", key: str, tenant_id: UUID, handle: str) -> None:
        self.world, self.key, self.tenant_id, self.handle = world, key, tenant_id, handle

    async def raw(self, document: str, variables: dict[str, Any] | None = None, **headers: str) -> httpx2.Response:
        return await self.world.http.post(
            "/graphql",
            json={"query": document, "variables": variables or {}},
            headers={"authorization": f"Bearer {self.key}", **headers},
        )

    async def answer(self, document: str, **variables: Any) -> dict[str, Any]:
        """The whole body: data, errors, extensions."""
        body: dict[str, Any] = (await self.raw(document, variables)).json()
        return body

    async def __call__(self, document: str, **variables: Any) -> Any:
        """`data`; fails the test on top-level errors."""
        body = await self.answer(document, **variables)
        assert "errors" not in body, json.dumps(body["errors"], indent=1)
        return body["data"]

    async def ok(self, document: str, **variables: Any) -> Any:
        """The only root field's value; fails the test on top-level errors and on userErrors."""
        data = await self(document, **variables)
        (value,) = data.values()
        if isinstance(value, dict) and value.get("userErrors"):
            raise Refused(json.dumps(value["userErrors"], indent=1))
        return value

    async def refused(self, document: str, **variables: Any) -> list[dict[str, Any]]:
        """The userErrors of the only root field; fails the test when there are none."""
        data = await self(document, **variables)
        (value,) = data.values()
        assert value["userErrors"], f"expected a refusal, got {json.dumps(value)[:2000]}"
        found: list[dict[str, Any]] = value["userErrors"]
        return found

    async def codes(self, document: str, **variables: Any) -> list[str]:
        return [error["code"] for error in await self.refused(document, **variables)]


class World:
    """One database, one application, jobs on demand."""

    def __init__(self, url: str) -> None:
        secrets.configure([SECRET])
        self.url = url
        self.settings = Settings(
            database_url=url, rate_limit_points=10**9, webhook_allow_loopback=True, requests_at_once_max=1000
        )
        self.db = Database(url, pool_size=32)
        self.services: dict[str, Any] = {"settings": self.settings}
        self.app = create_app(self.settings, self.db, services=self.services)
        self.http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self.app), base_url="http://oms.test", timeout=60
        )
        parts("jobs")
        self.jobs = jobs.Jobs(self.db, {**self.services, "engine": self.app.state.engine})
        self._told: list[tuple[str, str, UUID, Sequence[UUID]]] = []
        self._relay: Relay | None = None

    async def close(self) -> None:
        await self.http.aclose()
        await self.db.close()

    async def tenant(self, *scopes: str) -> Api:
        """A fresh tenant and a key with these scopes ('*' when none is named)."""
        handle = f"t{ids.new().hex}"
        return await self.key(handle, *scopes)

    async def key(self, handle: str, *scopes: str) -> Api:
        """Another key of a tenant."""
        async with self.db.transaction(system(NOBODY)) as tx:
            made = await access.create_key(tx, tenant=handle, scopes=scopes or ("*",))
        return Api(self, made.key, made.tenant_id, handle)

    async def settle(self) -> None:
        """Stamp, tell and run every reaction and follower of every tenant until nothing is left to do."""
        if self._relay is None:
            self._relay = Relay(self.db, lambda *message: self._told.append(message))
        for _ in range(50):
            async with self.db.reading(NOBODY) as reading:
                tenants = await events.unstamped_tenants(reading)
            for tenant_id in tenants:
                await self._relay.stamp(tenant_id)
            if not self._told:
                return
            told, self._told = self._told, []
            for kind, name, tenant_id, event_ids in told:
                if kind == "react":
                    await jobs.react(self.jobs, name, tenant_id, event_ids)
                elif kind == "follow":
                    await jobs.follow(self.jobs, name, tenant_id)
        raise AssertionError("reactions never came to rest")

    async def tick(self, timer: str) -> None:
        """Run a timer now, then everything that follows from it."""
        await jobs.tick(self.jobs, timer)
        await self.settle()


@contextlib.contextmanager
def travel(**delta: float) -> Iterator[None]:
    """Everything inside happens later: `with travel(days=3): …`."""
    before = clock.offset()
    clock.set_offset(before + timedelta(**delta))
    try:
        yield
    finally:
        clock.set_offset(before)


@contextlib.contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL statements that run inside, without BEGIN, COMMIT and the credential's look-up."""
    seen: list[str] = []
    with observe(lambda sql: None if "api_keys" in sql else seen.append(sql)):
        yield seen


__all__ = ["Api", "Refused", "World", "create_tables", "db", "statements", "travel"]
