"""Vendure as the other server: a prepared checkout is copied, installed, seeded and started, then asked the same.

The checkout holds `package.json` with a lock file, `seed.js` (fills an empty database, writes `seed.json`),
`server.js` and `graphql/*.graphql`; it takes PORT, PGPORT, PGUSER, PGPASSWORD, PGDATABASE and DB_POOL from its
environment. Its PostgreSQL is another throw-away one, with the settings that ours has. Node.js 20 is needed.
"""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from bench.cases import ORDERS_SHOWN, VARIANTS
from bench.deployments import answers, free_port, process, until_ready
from bench.flow import Case, Step, Target
from servers import create_database, private

POOL_SIZE = 20
INSTALL_S, SEED_S = 600, 600
ADDRESS = {"fullName": "A B", "streetLine1": "1 High St", "city": "London", "postalCode": "N1 1AA", "countryCode": "GB"}


@contextmanager
def vendure(checkout: Path, folder: Path) -> Iterator[Target]:
    """Vendure in production mode, one process, with the cases that it shares with ours."""
    here = folder / "vendure"
    shutil.copytree(checkout, here, ignore=shutil.ignore_patterns("node_modules", "pg"))
    for path in (here, *here.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(install, cwd=here, check=True, timeout=INSTALL_S, capture_output=True)
    with private("postgres", durable=True) as postgres:
        database = urlsplit(create_database(postgres.url, name="vendure"))
        port = free_port()
        environment = {
            "PORT": str(port), "PGPORT": str(database.port), "PGUSER": str(database.username),
            "PGPASSWORD": str(database.password), "PGDATABASE": "vendure", "DB_POOL": str(POOL_SIZE),
        }  # fmt: skip
        with process(["node", "seed.js"], folder / "seed.log", environment=environment, folder=here) as seeding:
            if seeding.wait(SEED_S):
                raise RuntimeError(f"seed.js failed:\n{(folder / 'seed.log').read_text()[-2000:]}")
        seed = json.loads((here / "seed.json").read_text())
        url = f"http://127.0.0.1:{port}"
        log = folder / "server.log"
        with process(["node", "server.js"], log, environment=environment, folder=here) as api:
            until_ready(api, log, lambda: answers(f"{url}/health"))
            documents = {path.stem: path.read_text() for path in (here / "graphql").glob("*.graphql")}
            yield Target("vendure", url, api.pid, postgres.pid, (), asyncio.run(_prepared(url, documents, seed)))


def _placing(documents: dict[str, str], seed: dict[str, Any], items: list[tuple[str, int]]) -> list[Step]:
    """The requests of one order of a customer who was not there before; the first answer brings the bearer token."""
    customer = {"firstName": "A", "lastName": "B", "emailAddress": "c{n}@example.com"}

    def step(name: str, variables: dict[str, Any], **rest: Any) -> Step:
        return Step(
            documents[name], variables, "/shop-api", {"authorization": "Bearer {token}"},
            keep_headers={"token": "vendure-auth-token"}, wanted={f"data.{name}.__typename": "Order"}, **rest,
        )  # fmt: skip

    return [
        *[step("addItemToOrder", {"variantId": variant, "quantity": quantity}) for variant, quantity in items],
        step("setCustomerForOrder", {"input": customer}),
        step("setOrderShippingAddress", {"input": ADDRESS}),
        step("setOrderShippingMethod", {"ids": [seed["shippingMethod"]]}),
        step("transitionOrderToState", {"state": "ArrangingPayment"}),
        step("addPaymentToOrder", {"input": {"method": seed["paymentMethod"], "metadata": {}}},
             keep={"order": "data.addPaymentToOrder.id"}),
    ]  # fmt: skip


class Admin:
    """Vendure's APIs for what must be there before measuring."""

    def __init__(self, url: str, documents: dict[str, str]) -> None:
        self.documents = documents
        self._http = httpx2.AsyncClient(base_url=url, timeout=30)
        self.token = ""

    async def __aenter__(self) -> "Admin":
        self.token = (await self.ask("/admin-api", self.documents["login"], {}, ""))[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def ask(self, path: str, document: str, variables: dict[str, Any], token: str) -> tuple[dict[str, Any], str]:
        """Data, and the token to go on with."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        response = await self._http.post(path, json={"query": document, "variables": variables}, headers=headers)
        told = response.json()
        if told.get("errors"):
            raise RuntimeError(f"Vendure: {told['errors']}")
        data: dict[str, Any] = told["data"]
        return data, response.headers.get("vendure-auth-token", token)

    async def place(self, seed: dict[str, Any], number: int, items: list[tuple[str, int]]) -> str:
        token = ""
        data: dict[str, Any] = {}
        for step in _placing(self.documents, seed, items):
            variables = json.loads(json.dumps(step.variables).replace("{n}", f"page{number}"))
            data, token = await self.ask(step.path, step.query, variables, token)
        return str(data["addPaymentToOrder"]["id"])

    async def ship(self, order: str, number: int) -> None:
        data, _ = await self.ask("/admin-api", self.documents["order"], {"id": order}, self.token)
        arguments = [{"name": "method", "value": "post"}, {"name": "trackingCode", "value": f"T{number}"}]
        given = {
            "lines": [{"orderLineId": line["id"], "quantity": line["quantity"]} for line in data["order"]["lines"]],
            "handler": {"code": "manual-fulfillment", "arguments": arguments},
        }
        await self.ask("/admin-api", self.documents["addFulfillmentToOrder"], {"input": given}, self.token)


async def _prepared(url: str, documents: dict[str, str], seed: dict[str, Any]) -> list[Case]:
    async with Admin(url, documents) as admin:
        return await _cases(admin, seed)


async def _cases(admin: Admin, seed: dict[str, Any]) -> list[Case]:
    """Variant id, SKU and stock level of each variant; the order as its page shows it; an order of one line, paid."""
    documents, shop = admin.documents, "/shop-api"
    many, single = seed["many"], seed["single"]
    ids = []
    for number in range(ORDERS_SHOWN):
        variants = [many[number]["variants"][0], many[number]["variants"][1], single[number]["variants"][0]]
        order = await admin.place(seed, number, [(variant, quantity) for quantity, variant in enumerate(variants, 1)])
        await admin.ship(order, number)
        ids.append({"id": order})
    every = [{"variant": variant} for product in [*many, *single] for variant in product["variants"]]
    one = Step(documents["availability1"], {"id": "{id}"}, shop, wanted={"data.product.variants": 1})
    twenty = Step(documents["availability20"], {"id": "{id}"}, shop, wanted={"data.product.variants": VARIANTS})
    page = Step(documents["order"], {"id": "{id}"}, "/admin-api", {"authorization": f"Bearer {admin.token}"},
                wanted={"data.order.lines": 3, "data.order.payments": 1, "data.order.fulfillments": 1})  # fmt: skip
    return [
        Case("availability1", "stock level of 1 variant", [one], [{"id": product["id"]} for product in single]),
        Case("availability20", "stock level of 20 variants", [twenty], [{"id": product["id"]} for product in many]),
        Case("order_page", "order: 3 lines, payment, fulfillment", [page], ids),
        Case("place", "an order of 1 line, paid: 6 requests", _placing(documents, seed, [("{variant}", 1)]), every,
             writes=True),
    ]  # fmt: skip
