"""Snapshot bench: reads at storefront speed on PostgreSQL, over 500 locations and 20 of them a SKU.

    python -m bench snapshot [--skus 1000,100000] [--seconds 5] [--writes 200]

For each number of stored SKUs (positions loaded by COPY): `availability` of 50 SKUs with delivery dates to a postal
code, through HTTP, of SKUs that the process knows and of SKUs that it does not; then how stale one API process is after
a write through another. CPU is that of the API process, in ms an operation.
"""

import argparse
import asyncio
import csv
import json
import os
import random
import secrets
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from uuid import UUID

import asyncpg

from bench.cases import CHANGES_MAX
from bench.deployments import LIMITS, OMS, answers, free_port, process, scratch, until_ready
from bench.flow import Case, Step, Target
from bench.measure import measure
from oms_api.client import Client
from oms_api.kit import ids
from servers import private

FIXTURES = Path(__file__).parents[1] / "tests" / "fixtures"
LOCATIONS, AT, ASKED = 500, 20, 50
DESTINATION = {"country": "US", "postalCode": "60601"}
DATES = """query($input: AvailabilityInput!) { availability(input: $input) {
  availability { sku available earliestDelivery } userErrors { message } } }"""
UNITS = """query($input: AvailabilityInput!) { availability(input: $input) {
  asOf availability { sku available } userErrors { message } } }"""
SET = "mutation($input: InventorySetInput!) { inventorySet(input: $input) { userErrors { code message path } } }"


def put(noun: str) -> str:
    root, kind = f"{noun}Put", f"{noun[0].upper()}{noun[1:]}PutInput"
    return f"mutation($input: {kind}!) {{ {root}(input: $input) {{ userErrors {{ code message path }} }} }}"


async def furnish(client: Client) -> None:
    """The locations, a channel and one SKU that the others are copies of."""
    with (FIXTURES / "stores.csv").open() as file:
        stores = list(csv.DictReader(file))[:LOCATIONS]
    rows = [
        {"handle": f"store-{i:03}", "name": row["city"], "timezone": row["timezone"], "cutOff": "17:00",
         "openDays": [1, 2, 3, 4, 5, 6], "latitude": float(row["latitude"]), "longitude": float(row["longitude"])}
        for i, row in enumerate(stores)
    ]  # fmt: skip
    for start in range(0, len(rows), CHANGES_MAX):
        await client(put("location"), input={"locations": rows[start : start + CHANGES_MAX]})
    channel = {"handle": "web", "name": "Web", "currency": "USD", "locations": [row["handle"] for row in rows]}
    await client(put("channel"), input={"channels": [channel]})
    await client(put("sku"), input={"skus": [{"code": "SKU-000000", "name": "One", "weightGrams": 500}]})


async def load(url: str, tenant: UUID, count: int) -> None:
    """Copies of the SKU, each with positions at 20 locations: by COPY."""
    connection: Any = await asyncpg.connect(url)
    try:
        await connection.execute("SET session_replication_role = replica")  # its rows are right: no need to look
        names = [
            row["attname"]
            for row in await connection.fetch(
                "SELECT attname FROM pg_attribute WHERE attrelid = 'skus'::regclass AND attnum > 0 AND NOT attisdropped"
            )
        ]
        rest = ", ".join(name for name in names if name not in ("id", "code"))
        await connection.execute(
            f"INSERT INTO skus (id, code, {rest}) SELECT gen_random_uuid(), 'SKU-' || lpad(n::text, 6, '0'), {rest} "
            "FROM skus, generate_series(1, $2 - 1) AS n WHERE tenant_id = $1 AND code = 'SKU-000000'",
            tenant,
            count,
        )
        places = [row["id"] for row in await connection.fetch("SELECT id FROM locations WHERE tenant_id = $1", tenant)]
        rng, at = random.Random(count), datetime.now(UTC)

        def rows() -> Iterator[tuple[Any, ...]]:
            for number in range(count):
                for place in rng.sample(places, AT):
                    yield tenant, ids.new(), f"SKU-{number:06}", place, rng.randrange(30), 0, 0, 0, 0, 0, at

        await connection.copy_records_to_table(
            "positions",
            records=rows(),
            columns=[
                "tenant_id",
                "id",
                "sku",
                "location_id",
                "on_hand",
                "reserved",
                "damaged",
                "quality_control",
                "in_transfer",
                "safety_stock",
                "updated_at",
            ],
        )
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


class Api:
    """A running API process."""

    def __init__(self, url: str, pid: int, key: str) -> None:
        self.url, self.pid, self.key = url, pid, key


@contextmanager
def serving(folder: Path, environment: dict[str, str], key: str, name: str) -> Iterator[Api]:
    port = free_port()
    url, log = f"http://127.0.0.1:{port}", folder / f"{name}.log"
    with process([str(OMS), "serve", "--port", str(port)], log, environment=environment) as api:
        until_ready(api, log, lambda: answers(f"{url}/readyz"))
        yield Api(url, api.pid, key)


def asked(numbers: Sequence[int]) -> dict[str, Any]:
    return {"input": {"channel": "web", "skus": [f"SKU-{n:06}" for n in numbers], "destination": DESTINATION}}


def reads(api: Api, database_pid: int, count: int, seconds: float) -> dict[str, float]:
    """CPU and latency of 50 known SKUs, one request after another; and the first read of each 50, once over."""
    rng = random.Random(count)
    known = asked(rng.sample(range(count), ASKED))
    headers = {"authorization": f"Bearer {api.key}"}
    target = Target("postgresql", api.url, api.pid, database_pid, (), [], headers)
    wanted = {"data.availability.availability": ASKED}
    case = Case("known", "known", [Step(DATES, known, wanted=wanted)])
    figures = measure(target, case, connections=1, warm_up_s=2, seconds=seconds)
    return {"api": figures["api_cpu_ms"], "database": figures["database_cpu_ms"], "p50": figures["p50_ms"],
            "p99": figures["p99_ms"]}  # fmt: skip


async def first(api: Api, count: int) -> float:
    """Median ms of reads of SKUs that the process does not know: each SKU once."""
    numbers = random.Random(-count).sample(range(count), min(count, 2_000))
    took = []
    async with Client(api.url, api.key) as client:
        await client(DATES, **asked(numbers[:1]))  # the network, the statements
        for start in range(0, len(numbers), ASKED):
            question = asked(numbers[start : start + ASKED])
            started = time.perf_counter()
            await client(DATES, **question)
            took.append(1000 * (time.perf_counter() - started))
    return median(took)


async def staleness(writer: Api, reader: Api, writes: int) -> tuple[int, list[float]]:
    """Reads through one process that did not show what was just written through the other, and how long it took from
    the write's answer to the first answer that shows it, in ms."""
    stale, took = 0, []
    question = {"input": {"channel": "web", "skus": ["SKU-000001"], "locations": None}}
    async with Client(writer.url, writer.key) as one, Client(reader.url, reader.key) as other:
        before = (await other(UNITS, **question))["availability"][0]["available"]
        for number in range(writes):
            units = 100 + number
            row = {"sku": "SKU-000001", "location": "store-000", "quantity": units}
            await one(SET, input={"quantities": [row], "reason": "bench"})
            written = time.perf_counter()
            while True:
                found = (await other(UNITS, **question))["availability"][0]["available"]
                if found != before:
                    break
                stale += 1
            took.append(1000 * (time.perf_counter() - written))
            before = found
    return stale, took


def main(given: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench snapshot", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--skus", default="1000,100000", help="SKUs stored, in turn (%(default)s)")
    parser.add_argument("--seconds", type=float, default=5, help="of a measurement (%(default)s)")
    parser.add_argument("--writes", type=int, default=200, help="for the staleness (%(default)s)")
    args = parser.parse_args(given)
    for count in [int(word) for word in args.skus.split(",")]:
        with scratch("snapshot") as folder, private("postgres", durable=True) as postgres, private("redis") as redis:
            environment = {**LIMITS, "OMS_DATABASE_URL": postgres.url, "OMS_REDIS_URL": redis.url,
                           "OMS_SECRET_KEYS": secrets.token_hex(32)}  # fmt: skip
            every = {**os.environ, **environment}
            subprocess.run([OMS, "migrate"], env=every, check=True, stdout=subprocess.DEVNULL)
            made = subprocess.run([OMS, "keys", "create", "--tenant", "bench", "--scopes", "*", "--json"],
                                  env=every, check=True, capture_output=True)  # fmt: skip
            key = json.loads(made.stdout)["key"]
            work, log = [str(OMS), "work"], folder / "work.log"
            with serving(folder, environment, key, "one") as one, process(work, log, environment=environment):
                asyncio.run(run(folder, environment, postgres, one, count, args))


async def run(
    folder: Path, environment: dict[str, str], postgres: Any, one: Api, count: int, args: argparse.Namespace
) -> None:
    async with Client(one.url, one.key) as client:
        await furnish(client)
    dsn = postgres.url.replace("+asyncpg", "")
    connection: Any = await asyncpg.connect(dsn)
    tenant = await connection.fetchval("SELECT tenant_id FROM skus LIMIT 1")
    await connection.close()
    await load(dsn, tenant, count)
    # without what it did while it was furnished
    with serving(folder, environment, one.key, "two") as two:
        unknown = await first(two, count)
        known = await asyncio.to_thread(reads, two, postgres.pid, count, args.seconds)
        print(
            f"{count:7,} SKUs stored, {count * AT:9,} positions: {ASKED} SKUs with their dates: "
            f"API {known['api']:.2f} ms CPU, database {known['database']:.2f} ms CPU, p50 {known['p50']:.2f} ms, "
            f"p99 {known['p99']:.2f} ms; not known before: p50 {unknown:.1f} ms",
            flush=True,
        )
        stale, took = await staleness(one, two, args.writes)
        cuts = quantiles(took, n=100)
        print(
            f"{'':7}  {args.writes} writes through one process, each read through another: {stale} stale answers; "
            f"seen after p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms",
            flush=True,
        )
