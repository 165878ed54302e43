"""The shape of production: two API replicas, two workers, PostgreSQL and Redis, each of which may go away."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx2
import pytest
import redis.asyncio

import servers
from oms_api import demo, seed
from programs import Program, Programs, Warm, free_port, programs
from witness import QUIET, Receiver, Stubborn, check_log, check_walks, eventually, receiving, since_subscribed, stock
from world import SECRET

SECONDS = 20.0  # for what arrives "within seconds", on a machine that does other things as well
LEASE_S = 61  # what a killed worker was sending is sent again after a minute
END_S = 25.0  # likewise; containers are killed after 30

PUT = """mutation($input: LocationPutInput!) {
  locationPut(input: $input) { locations { handle } userErrors { code } } }"""
STOCK = "mutation($input: InventorySetInput!) { inventorySet(input: $input) { userErrors { code path message } } }"


@dataclass
class Production:
    """Everything that runs, a client that takes the replicas in turn, and a partner who hears all events."""

    begin: Programs
    postgres: servers.Server
    redis: servers.Server
    environment: dict[str, str]
    urls: list[str]
    client: Stubborn
    receiver: Receiver
    replicas: list[Program]
    workers: list[Program]
    before: list[object] = field(default_factory=list)
    walked: list[str] = field(default_factory=list)

    async def walk(self, number: int = 1) -> None:
        """So many walks at once."""
        walks = [demo.walk(self.client, QUIET) for _ in range(number)]
        self.walked += await asyncio.gather(*walks)

    async def flush_redis(self) -> None:
        async with redis.asyncio.from_url(self.redis.url) as client:
            await client.flushall()

    async def all_is_well(self) -> float:
        """Seconds until the partner had heard every event; fails when anything is lost or doubled."""
        await check_walks(self.client, self.walked)
        assert await stock(self.client) == self.before
        wanted = since_subscribed(await check_log(self.client))
        took = await eventually(lambda: wanted <= set(self.receiver.events), SECONDS, "every event is delivered")
        assert len(self.receiver.events) == len(set(self.receiver.events)), "one event came under two message ids"
        assert all(program.running for program in (*self.replicas, *self.workers))
        return took


async def _serve(begin: Programs, environment: dict[str, str]) -> tuple[Program, str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    program = await begin.start("serve", "--port", str(port), **environment)
    async with httpx2.AsyncClient() as http:
        for _ in range(1200):
            assert program.running, program.err
            try:
                if (await http.get(f"{url}/readyz")).status_code == 200:
                    return program, url
            except httpx2.TransportError:
                pass
            await asyncio.sleep(0.05)
    raise AssertionError("the replica does not become ready")


@pytest.fixture(scope="module")
async def production(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Production]:
    receiver = Receiver()
    folder: Path = tmp_path_factory.mktemp("production")
    with servers.private("postgres") as postgres, servers.private("redis") as redis_:
        async with programs(warm, folder) as begin, receiving(receiver) as hook_url:
            environment = {
                "database_url": postgres.url,
                "redis_url": redis_.url,
                "secret_keys": SECRET,
                "test_clock": "true",
                "webhook_allow_loopback": "true",
            }
            migrated = await begin.run("migrate", **environment)
            assert await migrated.wait() == 0, migrated.err
            made = await begin.run("keys", "create", "--tenant", "shop", "--scopes", "*", "--json", **environment)
            key = json.loads(made.out)["key"]
            served = await asyncio.gather(_serve(begin, environment), _serve(begin, environment))
            workers = [await begin.start("work", **environment) for _ in range(2)]
            urls = [url for _, url in served]
            async with Stubborn(urls, key) as client:
                await seed.demo(client)
                # enough for several walks at once, which all choose the nearest location
                plenty = [
                    {"sku": sku, "location": "store-nyc", "quantity": 1000} for sku in ("TEE-BLACK-M", "MUG-WHITE")
                ]
                await client(STOCK, input={"quantities": plenty, "reason": "opening_stock"})
                await receiver.subscribe(client, hook_url)
                replicas = [program for program, _ in served]
                made_ = Production(begin, postgres, redis_, environment, urls, client, receiver, replicas, workers)
                made_.before = await stock(client)
                yield made_


async def test_the_walk_goes_through_replicas_and_workers_and_each_message_comes_once(production: Production) -> None:
    await production.walk()
    await production.walk(3)
    print(f"\nevery event heard {await production.all_is_well():.2f} s after the walks")
    assert production.receiver.repeated == {}
    async with httpx2.AsyncClient() as http:
        for url in production.urls:
            assert 'oms_http_requests_total{path="/graphql",status="200"}' in (await http.get(f"{url}/metrics")).text


async def test_a_killed_worker_and_a_flushed_redis_cost_seconds(production: Production) -> None:
    walking = asyncio.create_task(production.walk(4))
    await asyncio.sleep(0.3)
    killed = production.workers.pop()
    assert await killed.end(signal.SIGKILL) == -signal.SIGKILL
    await asyncio.sleep(0.2)
    await production.flush_redis()
    started = time.monotonic()
    await walking
    took = time.monotonic() - started
    assert took < SECONDS
    advanced = await production.begin.run("clock", "advance", str(LEASE_S), **production.environment)
    assert await advanced.wait() == 0, advanced.err
    print(f"\nwalks done {took:.2f} s after the flush, every event heard {await production.all_is_well():.2f} s later")
    production.workers.append(await production.begin.start("work", **production.environment))


async def test_without_redis_orders_go_on_and_events_arrive(production: Production) -> None:
    walking = asyncio.create_task(production.walk(2))
    await asyncio.sleep(0.2)
    await asyncio.to_thread(production.redis.pause)
    try:
        await walking
        await production.walk()
        print(f"\nwithout Redis every event was heard after {await production.all_is_well():.2f} s")
    finally:
        await asyncio.to_thread(production.redis.resume)
    await production.walk(2)
    await production.all_is_well()


async def test_a_restart_of_postgresql_is_a_503_and_then_all_goes_on(production: Production) -> None:
    production.client.unanswered.clear()
    walking = asyncio.create_task(production.walk(2))
    await asyncio.sleep(0.2)
    await asyncio.to_thread(production.postgres.pause)
    async with httpx2.AsyncClient() as http:
        for url in production.urls:
            answer = await http.post(
                f"{url}/graphql",
                json={"query": "{ orders(first: 1) { nodes { id } } }"},
                headers=production.client.headers,
            )
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert answer.json()["errors"][0]["extensions"]["code"] == "OVERLOADED"
            assert (await http.get(f"{url}/readyz")).status_code == 503
            assert (await http.get(f"{url}/healthz")).status_code == 200
    await asyncio.sleep(1)
    await asyncio.to_thread(production.postgres.resume)
    started = time.monotonic()
    await walking
    print(f"\nwalks done {time.monotonic() - started:.2f} s after the restart")
    assert set(production.client.unanswered) == {503}
    advanced = await production.begin.run("clock", "advance", str(LEASE_S), **production.environment)
    assert await advanced.wait() == 0, advanced.err
    await production.walk()
    await production.all_is_well()


async def test_sigterm_answers_what_is_in_flight_and_ends_with_0(production: Production) -> None:
    replica, url = await _serve(production.begin, production.environment)
    holder = await asyncpg.connect(urlsplit(production.postgres.url)._replace(scheme="postgresql").geturl())
    try:
        await holder.execute("BEGIN; LOCK TABLE locations IN SHARE MODE")
        async with httpx2.AsyncClient(timeout=15) as http:
            location = {**seed.LOCATIONS[0], "name": "Newark, renamed"}
            variables = {"input": {"locations": [location]}}
            asked = asyncio.create_task(
                http.post(
                    f"{url}/graphql", json={"query": PUT, "variables": variables}, headers=production.client.headers
                )
            )
            await asyncio.sleep(0.5)
            assert not asked.done()
            started = time.monotonic()
            replica.send(signal.SIGTERM)
            await asyncio.sleep(0.5)
            assert replica.running
            await holder.execute("COMMIT")
            answer = await asked
    finally:
        await holder.close()
    assert answer.json()["data"]["locationPut"] == {"locations": [{"handle": "dc-east"}], "userErrors": []}
    assert await replica.wait(END_S) == 0
    assert time.monotonic() - started < END_S
    assert replica.err.count("Traceback") == 0, replica.err


async def test_sigterm_lets_a_worker_record_what_it_sends(production: Production) -> None:
    production.receiver.delay_s = 1.0
    repeated = dict(production.receiver.repeated)
    try:
        await production.walk()
        started = time.monotonic()
        leaving = production.workers.pop()
        told = leaving.err.count("Traceback")
        assert await leaving.end(signal.SIGTERM, END_S) == 0
        print(f"\na worker with deliveries on their way ended after {time.monotonic() - started:.2f} s")
    finally:
        production.receiver.delay_s = 0.0
    assert leaving.err.count("Traceback") == told, leaving.err
    await production.all_is_well()
    assert production.receiver.repeated == repeated
    production.workers.append(await production.begin.start("work", **production.environment))
