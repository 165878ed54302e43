"""`kill -9` in the middle of the main job: what was acknowledged is there, nothing is doubled, every event arrives."""

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from rich.console import Console
from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oms_api import demo, seed
from oms_api.client import Client
from oms_api.serve import Server

KILLS = 20
SEED = 20261122  # the moments are random, and the same in every run


class Deployment:
    """`oms dev` as a process that can be killed and comes back on the same folder and port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process: asyncio.subprocess.Process | None = None
        self.key = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OMS_")}
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "oms_api", "dev", "--json", "--no-seed", "--port", str(self.port),
            "--data-dir", str(self.folder), stdout=asyncio.subprocess.PIPE, env=environment,
        )  # fmt: skip
        assert self.process.stdout is not None
        ready = json.loads(await asyncio.wait_for(self.process.stdout.readline(), 30))
        assert ready["url"] == self.url, "the port was taken by another process meanwhile"
        self.key = ready["apiKey"]

    async def stop(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), 30)


class Stubborn(Client):
    """Sends the same request again while nobody answers, as a careful client does."""

    async def __call__(self, document: str, **variables: Any) -> Any:
        for _ in range(400):
            try:
                return await super().__call__(document, **variables)
            except (httpx2.TransportError, json.JSONDecodeError):
                await asyncio.sleep(0.05)
        raise AssertionError("the deployment did not come back")


class Receiver:
    """Hears every event at least once; the test's own process, which nobody kills."""

    def __init__(self) -> None:
        self.secret = ""
        self.messages: dict[str, dict[str, Any]] = {}
        self.repeated = 0

    async def hear(self, request: Request) -> Response:
        body = await request.body()
        Webhook(self.secret).verify(body, dict(request.headers))
        message_id = request.headers["webhook-id"]
        self.repeated += message_id in self.messages
        self.messages[message_id] = json.loads(body)
        return Response(status_code=204)


@contextlib.asynccontextmanager
async def receiving(receiver: Receiver) -> AsyncIterator[str]:
    app = Starlette(routes=[Route("/hook", receiver.hear, methods=["POST"])])
    server = Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    await server.ready(serving)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/hook"
    server.should_exit = True
    await serving


async def everything(client: Client, connection: str, fields: str, arguments: str = "") -> list[Any]:
    """All nodes of a connection."""
    nodes: list[Any] = []
    after = None
    while True:
        page = await client(
            f"query($after: String) {{ {connection}(first: 100, after: $after{arguments}) {{ nodes {{ {fields} }} "
            "pageInfo { hasNextPage endCursor } } }",
            after=after,
        )
        nodes += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return nodes
        after = page["pageInfo"]["endCursor"]


async def test_twenty_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    moments = random.Random(SEED)
    deployment, receiver = Deployment(tmp_path / "data"), Receiver()
    quiet = demo.Story(Console(quiet=True))
    await deployment.start()
    async with receiving(receiver) as hook_url, Stubborn(deployment.url, deployment.key) as client:
        await seed.demo(deployment.url, deployment.key)
        subscription = {"handle": "kill-test", "url": hook_url, "topics": ["*"]}
        receiver.secret = (await client(demo.SUBSCRIBE, input=subscription))["secret"]
        before = await everything(client, "inventory", "sku location { handle } onHand")
        acknowledged: list[str] = []
        for _ in range(KILLS):
            walking = asyncio.create_task(demo.walk(client, quiet))
            await asyncio.wait({walking}, timeout=moments.uniform(0.0, 0.6))
            await deployment.stop(signal.SIGKILL)
            await deployment.start()
            acknowledged.append(await walking)

        orders = await everything(
            client,
            "orders",
            "id externalId status outstanding { amount } total { amount } "
            "lines { quantity quantities { returned } } "
            "fulfillments { id location { handle } shipments { id } } "
            "payments { status authorized { amount } captured { amount } refunded { amount } } returns { id }",
        )
        assert sorted(order["id"] for order in orders) == sorted(acknowledged)
        assert len({order["externalId"] for order in orders}) == KILLS
        for order in orders:
            (payment,) = order["payments"]
            total = order["total"]["amount"]
            assert [payment[state]["amount"] for state in ("authorized", "captured", "refunded")] == [total] * 3
            assert [line["quantities"]["returned"] for line in order["lines"]] == [
                line["quantity"] for line in order["lines"]
            ]
            places = [work["location"]["handle"] for work in order["fulfillments"]]
            assert len(places) == len(set(places))
            assert all(len(work["shipments"]) == 1 for work in order["fulfillments"])
            assert len(order["returns"]) == 1
        assert await everything(client, "inventory", "sku location { handle } onHand") == before

        log = await everything(client, "events", "id topic subjectId sequence cursor")
        assert [int(event["cursor"]) for event in log] == list(range(1, len(log) + 1))
        of_subject: dict[str, list[int]] = {}
        for event in log:
            of_subject.setdefault(event["subjectId"], []).append(event["sequence"])
        assert all(sequence == list(range(1, len(sequence) + 1)) for sequence in of_subject.values())

        subscribed = next(int(event["cursor"]) for event in log if event["topic"] == "order.created")
        wanted = {event["id"] for event in log if int(event["cursor"]) >= subscribed}
        for _ in range(600):
            if wanted <= {message["data"]["eventId"] for message in receiver.messages.values()}:
                break
            await asyncio.sleep(0.1)
        heard = [message["data"]["eventId"] for message in receiver.messages.values()]
        assert wanted <= set(heard), f"{len(wanted - set(heard))} events never arrived"
        assert len(heard) == len(set(heard)), "one event came under two message ids"
    assert await deployment.stop(signal.SIGTERM) == 0
