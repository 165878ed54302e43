"""A wave through the database: orders are placed through the API, stock comes, and the wave plans and carries out.

Half of the orders find units (unpaid, so that nobody works on them), the rest wait; then as many units come to other
locations. Told: seconds and statements of the dry run and of the run, and the gap.
"""

import asyncio
import csv
import random
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import servers
from oms_api.orders.models import SOURCING_WAVE
from oms_api.orders.service import wave
from world import Api, World, create_tables, statements

FIXTURES = Path(__file__).parents[1] / "tests" / "fixtures"
SKUS, AT = 40, 0.05
"""SKUs over which the orders compete, and the share of locations that hold any one of them."""
ORDER = """mutation($input: OrderCreateInput!) { orderCreate(input: $input) {
  order { id } userErrors { code message path } } }"""
RUN = """mutation($input: SourcingWaveRunInput!) { sourcingWaveRun(input: $input) {
  wave { id } userErrors { code message path } } }"""
LOOK = """query($id: ID!) { sourcingWave(id: $id) {
  state orders waitingBefore waitingAfter gap costBefore { amount } costAfter { amount }
  changes { outcome reason } } }"""
SET = "mutation($input: InventorySetInput!) { inventorySet(input: $input) { userErrors { code message path } } }"
WHERE = {"city": "x", "country": "US"}


def put(noun: str) -> str:
    kind = f"{noun[0].upper()}{noun[1:]}PutInput"
    return f"mutation($input: {kind}!) {{ {noun}Put(input: $input) {{ userErrors {{ code message path }} }} }}"


def run(engine: str, orders: int, locations: int, seed: int) -> None:
    with tempfile.TemporaryDirectory(prefix="oms-bench-") as folder:
        if engine == "sqlite":
            url = f"sqlite+aiosqlite:///{Path(folder) / 'a.sqlite3'}"
            create_tables(url)
            asyncio.run(_run(url, engine, orders, locations, seed))
            return
        with servers.fresh_database(servers.postgres()) as url:
            create_tables(url)
            asyncio.run(_run(url, engine, orders, locations, seed))


async def _run(url: str, engine: str, orders: int, locations: int, seed: int) -> None:
    world = World(url)
    try:
        api = await world.tenant()
        rng = random.Random(seed)
        started = time.perf_counter()
        handles = await _furnish(api, locations)
        there: dict[tuple[str, str], int] = {}
        await _stock(api, rng, handles, orders, there)
        codes = [f"{rng.choice(('100', '606', '900', '770', '331', '981', '021', '303'))}01" for _ in range(orders)]
        for number in range(orders):
            await _place(api, rng, number, codes[number])
        await _stock(api, rng, handles, orders, there)
        print(f"{engine}: {orders} orders placed in {time.perf_counter() - started:.0f} s", flush=True)
        for dry in (True, False):
            await _wave(world, api, engine, dry=dry)
    finally:
        await world.close()


async def _furnish(api: Api, count: int) -> list[str]:
    with (FIXTURES / "stores.csv").open() as file:
        stores = list(csv.DictReader(file))[:count]
    rows = [
        {"handle": f"store-{i:03}", "name": row["city"], "timezone": row["timezone"], "cutOff": "17:00",
         "openDays": [1, 2, 3, 4, 5, 6], "latitude": float(row["latitude"]), "longitude": float(row["longitude"])}
        for i, row in enumerate(stores)
    ]  # fmt: skip
    for some in _batches(rows, 100):
        await api.ok(put("location"), input={"locations": some})
    handles = [row["handle"] for row in rows]
    channel = {"handle": "web", "name": "Web", "currency": "USD", "locations": handles, "paymentRule": "AUTHORIZED"}
    await api.ok(put("channel"), input={"channels": [channel]})
    skus = [
        {"code": f"S{at}", "name": f"S{at}", "weightGrams": 300, "listPrice": {"amount": "10.00", "currency": "USD"}}
        for at in range(SKUS)
    ]
    await api.ok(put("sku"), input={"skus": skus})
    return handles


async def _stock(
    api: Api, rng: random.Random, handles: list[str], orders: int, there: dict[tuple[str, str], int]
) -> None:
    """More units, beside those that are `there`: some half of what the orders want."""
    each = max(1, round(orders * 2.2 * 0.4 / (SKUS * len(handles) * AT)))
    for at in range(SKUS):
        for handle in rng.sample(handles, max(1, int(len(handles) * AT))):
            there[f"S{at}", handle] = there.get((f"S{at}", handle), 0) + rng.randint(each // 2, each)
    rows = [{"sku": code, "location": handle, "quantity": count} for (code, handle), count in there.items()]
    for some in _batches(rows, 100):
        await api.ok(SET, input={"quantities": some, "reason": "bench"})


async def _place(api: Api, rng: random.Random, number: int, postal_code: str) -> None:
    skus = rng.sample(range(SKUS), min(rng.choice((1, 1, 1, 2, 2, 3)), SKUS))
    await api.ok(
        ORDER,
        input={
            "channel": "web",
            "externalId": f"O-{number}",
            "customer": {"email": "a@example.com", "group": ("gold", "plain", "bargain")[number % 3]},
            "shippingAddress": {"name": "A", "lines": ["1"], **WHERE, "postalCode": postal_code},
            "lines": [{"sku": f"S{at}", "quantity": rng.randint(1, 3)} for at in skus],
            "onShortage": "BACKORDER",
        },
    )


async def _wave(world: World, api: Api, engine: str, *, dry: bool) -> None:
    segments = [
        {"strategy": "WIN", "customerGroups": ["gold"]},
        {"strategy": "REDISTRIBUTE", "customerGroups": ["bargain"]},
    ]
    asked = {
        "idempotencyKey": f"wave-{dry}", "channels": ["web"], "units": "ALL", "segments": segments, "dryRun": dry,
    }  # fmt: skip
    id_ = (await api.ok(RUN, input=asked))["wave"]["id"]
    started, cpu = time.perf_counter(), time.process_time()
    with statements() as found:
        await wave.run(world.jobs, api.tenant_id, SOURCING_WAVE.parse(id_))
    wall, busy = time.perf_counter() - started, time.process_time() - cpu
    one: Mapping[str, Any] = (await api(LOOK, id=id_))["sourcingWave"]
    outcomes = dict(Counter(" ".join(filter(None, change.values())) for change in one["changes"]))
    print(
        f"{engine} {'dry run' if dry else 'run    '}: {wall:5.1f} s  {busy:5.1f} s CPU  {len(found)} statements  "
        f"gap {one['gap']:.3%}  {one['orders']} orders  {one['waitingBefore']} -> {one['waitingAfter']} units wait  "
        f"{one['costBefore']['amount']} -> {one['costAfter']['amount']}  {outcomes} {one['state']}",
        flush=True,
    )


def _batches(rows: list[Any], size: int) -> list[list[Any]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]
