"""Who watches while processes die: a partner that hears every event, a client that does not give up, and the checks."""

import asyncio
import contextlib
import itertools
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import httpx2
import uvicorn
from rich.console import Console
from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oms_api import demo
from oms_api.client import Client
from oms_api.serve import Server

PATIENCE_S = 60.0
ORDERS = (
    "id externalId status total { amount } lines { quantity quantities { returned } } "
    "fulfillments { id location { handle } shipments { id } } "
    "payments { authorized { amount } captured { amount } refunded { amount } } returns { id }"
)
QUIET = demo.Story(Console(quiet=True))


class Stubborn(Client):
    """Sends the same request again while nobody answers, in turn to each address, as a careful client does."""

    def __init__(self, urls: Sequence[str], key: str) -> None:
        super().__init__(urls[0], key)
        self.headers = {"Authorization": f"Bearer {key}"}
        self._turn = itertools.cycle(urls)
        self.unanswered: list[int] = []  # 0: no connection, or one that broke

    async def __call__(self, document: str, **variables: Any) -> Any:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            self._http.base_url = next(self._turn)
            try:
                response = await self._http.post("/graphql", json={"query": document, "variables": variables})
            except httpx2.TransportError:
                self.unanswered.append(0)
            else:
                if response.status_code != 503:
                    return self._value(response)
                assert int(response.headers["retry-after"]) >= 1
                self.unanswered.append(503)
            await asyncio.sleep(0.05)
        raise AssertionError(f"nobody answered for {PATIENCE_S:g} s")

    async def until(self, document: str, ready: Any, *, seconds: float = PATIENCE_S, **variables: Any) -> Any:
        return await super().until(document, ready, seconds=seconds, **variables)


class Receiver:
    """A partner of the test's own process, which nobody kills: verifies and keeps every message."""

    def __init__(self) -> None:
        self.secret = ""
        self.messages: dict[str, dict[str, Any]] = {}
        self.repeated: Counter[str] = Counter()
        self.delay_s = 0.0

    @property
    def events(self) -> list[str]:
        """Ids of the events that were heard, one for each message."""
        return [message["data"]["eventId"] for message in self.messages.values()]

    async def subscribe(self, client: Client, url: str) -> None:
        subscription = {"handle": "witness", "url": url, "topics": ["*"]}
        self.secret = (await client(demo.SUBSCRIBE, input=subscription))["secret"]

    async def hear(self, request: Request) -> Response:
        body = await request.body()
        Webhook(self.secret).verify(body, dict(request.headers))
        message_id = request.headers["webhook-id"]
        if message_id in self.messages:
            self.repeated[message_id] += 1
        self.messages[message_id] = json.loads(body)
        await asyncio.sleep(self.delay_s)
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


async def everything(client: Client, connection: str, fields: str) -> list[Any]:
    """All nodes of a connection."""
    nodes: list[Any] = []
    after = None
    while True:
        page = await client(
            f"query($after: String) {{ {connection}(first: 100, after: $after) {{ nodes {{ {fields} }} "
            "pageInfo { hasNextPage endCursor } } }",
            after=after,
        )
        nodes += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return nodes
        after = page["pageInfo"]["endCursor"]


async def stock(client: Client) -> list[Any]:
    return await everything(client, "inventory", "sku location { handle } onHand reserved")


async def eventually(ready: Callable[[], bool], seconds: float, what: str) -> float:
    """Seconds until it was so."""
    started = time.monotonic()
    while not ready():
        assert time.monotonic() < started + seconds, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.02)
    return time.monotonic() - started


async def check_walks(client: Client, walked: Sequence[str]) -> None:
    """What was acknowledged is there, once: a payment, a shipment a fulfillment, a return; money and units are back."""
    orders = await everything(client, "orders", ORDERS)
    assert sorted(order["id"] for order in orders) == sorted(walked)
    assert len({order["externalId"] for order in orders}) == len(walked)
    for order in orders:
        (payment,) = order["payments"]
        total = order["total"]["amount"]
        assert [payment[state]["amount"] for state in ("authorized", "captured", "refunded")] == [total] * 3
        assert [line["quantities"]["returned"] for line in order["lines"]] == [
            line["quantity"] for line in order["lines"]
        ]
        places = [work["location"]["handle"] for work in order["fulfillments"]]
        assert places
        assert len(places) == len(set(places))
        assert [len(work["shipments"]) for work in order["fulfillments"]] == [1] * len(places)
        assert len(order["returns"]) == 1


async def check_log(client: Client) -> list[Any]:
    """The log has no gap, neither in itself nor for a subject; its events, in order."""
    log = await everything(client, "events", "id topic subjectId sequence cursor")
    assert [int(event["cursor"]) for event in log] == list(range(1, len(log) + 1))
    of_subject: dict[str, list[int]] = {}
    for event in log:
        of_subject.setdefault(event["subjectId"], []).append(event["sequence"])
    assert all(sequence == list(range(1, len(sequence) + 1)) for sequence in of_subject.values())
    return log


def since_subscribed(log: Sequence[Any]) -> set[str]:
    """Ids of the events from the first order on; the subscription is older."""
    first = next(int(event["cursor"]) for event in log if event["topic"] in ("reservation.created", "order.created"))
    return {event["id"] for event in log if int(event["cursor"]) >= first}
