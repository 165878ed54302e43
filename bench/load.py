"""The load generator: a process of its own, so that its CPU is not the server's.

Closed loop over keep-alive connections: each sends its next request when the answer to the last one is read and
found right. An answer is wrong when its status is not 200, when it has `errors`, a null root field, `userErrors` or
an `errorCode`, or when a `wanted` value differs: a benchmark of refusals would be worthless.

Reads the plan as one JSON line, warms up, says `{"ready": true}`, waits for a line, measures, prints its result.
"""

import asyncio
import itertools
import re
import sys
import time
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import httptools
import orjson

PLACE = re.compile(r"\{(\w+)\}")
ANSWER_S = 60.0


class Wrong(Exception):
    """An answer that is not the one wanted."""


class Connection(asyncio.Protocol):
    """One keep-alive connection, one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, dict[str, str], bytes]] | None = None
        self._begin()

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionError("the server closed the connection"))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((self._parser.get_status_code(), self._headers, b"".join(self._body)))
        self._begin()

    @property
    def open(self) -> bool:
        return self._transport is not None

    async def ask(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def filled(template: Any, values: dict[str, Any]) -> Any:
    """The template with its places filled; a text that is nothing but a place takes the value as it is."""
    if isinstance(template, dict):
        return {key: filled(value, values) for key, value in template.items()}
    if isinstance(template, list):
        return [filled(value, values) for value in template]
    if not isinstance(template, str) or "{" not in template:
        return template
    whole = PLACE.fullmatch(template)
    return values[whole[1]] if whole else PLACE.sub(lambda found: str(values[found[1]]), template)


def at(answer: Any, path: str) -> Any:
    for name in path.split("."):
        answer = answer[int(name)] if isinstance(answer, list) else answer[name]
    return answer


def checked(status: int, body: bytes, wanted: dict[str, Any]) -> Any:
    """The answer. Raises Wrong, with the beginning of what came instead."""
    try:
        answer = orjson.loads(body)
        data = answer["data"]
        right = status == 200 and not answer.get("errors")
        for value in data.values():
            right = right and value is not None
            if isinstance(value, dict):
                right = right and not value.get("userErrors") and not value.get("errorCode")
        for path, expected in wanted.items():
            found = at(answer, path)
            right = right and (len(found) if isinstance(found, list) else found) == expected
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        right = False
    if not right:
        raise Wrong(f"{status} {body[:300].decode(errors='replace')}")
    return answer


class Load:
    """The rounds of one case."""

    def __init__(self, plan: dict[str, Any]) -> None:
        address = urlsplit(plan["url"])
        self.host, self.port = str(address.hostname), int(address.port or 80)
        self.base = address.path.rstrip("/")
        self.steps: list[dict[str, Any]] = plan["steps"]
        for step in self.steps:
            step["prefix"] = b'{"query":' + orjson.dumps(step["query"]) + b',"variables":'
        self.sets = itertools.cycle(plan["sets"])
        self.numbers = (f"{time.time_ns():x}-{number}" for number in itertools.count())
        self.connections: list[Connection] = []
        self.bytes = 0
        self.seen: Counter[str] = Counter()

    async def _connect(self) -> Connection:
        _, made = await asyncio.get_running_loop().create_connection(Connection, self.host, self.port)
        return made

    def _request(self, step: dict[str, Any], values: dict[str, Any]) -> bytes:
        body: bytes = step["prefix"] + orjson.dumps(filled(step["variables"], values)) + b"}"
        head = [
            f"POST {self.base}{step['path']} HTTP/1.1",
            f"host: {self.host}:{self.port}",
            "content-type: application/json",
            f"content-length: {len(body)}",
        ]
        for name, template in step["headers"].items():
            if all(place in values for place in PLACE.findall(template)):
                head.append(f"{name}: {filled(template, values)}")
        return "\r\n".join(head).encode() + b"\r\n\r\n" + body

    async def _round(self, connection: Connection) -> None:
        values = {**next(self.sets), "n": next(self.numbers)}
        for step in self.steps:
            status, headers, body = await connection.ask(self._request(step, values))
            self.bytes += len(body)
            answer = checked(status, body, step["wanted"])
            for name, path in step["keep"].items():
                values[name] = at(answer, path)
            for name, header in step["keep_headers"].items():
                if header in headers:
                    values[name] = headers[header]

    async def _client(self, number: int, until: float, took: list[float]) -> None:
        while time.perf_counter() < until:
            if not self.connections[number].open:
                self.connections[number] = await self._connect()
            started = time.perf_counter()
            try:
                await self._round(self.connections[number])
            except (Wrong, OSError, KeyError) as error:
                self.seen[f"{type(error).__name__}: {error}"] += 1
                if self.seen.total() >= 100:
                    return
            else:
                took.append(time.perf_counter() - started)

    async def run(self, seconds: float) -> dict[str, Any]:
        """Every connection for so long; figures of the rounds that ended right."""
        self.bytes = 0
        took: list[float] = []
        started = time.perf_counter()
        clients = [self._client(number, started + seconds, took) for number in range(len(self.connections))]
        async with asyncio.timeout(seconds + ANSWER_S):
            await asyncio.gather(*clients)
        wall = time.perf_counter() - started
        took.sort()

        def at_share(share: float) -> float:
            return round(1000 * took[min(len(took) - 1, int(len(took) * share))], 2) if took else 0.0

        return {
            "operations": len(took), "seconds": round(wall, 3), "rate": round(len(took) / wall, 1),
            "p50_ms": at_share(0.5), "p95_ms": at_share(0.95), "p99_ms": at_share(0.99), "max_ms": at_share(1),
            "bytes_per_op": round(self.bytes / len(took)) if took else 0,
            "wrong": self.seen.total(),
            "wrong_answers": [f"{many} × {what}" for what, many in self.seen.most_common(3)],
        }  # fmt: skip

    async def open(self, connections: int) -> None:
        self.connections = [await self._connect() for _ in range(connections)]

    def close(self) -> None:
        for connection in self.connections:
            connection.close()


async def main() -> None:
    plan = orjson.loads(sys.stdin.readline())
    load = Load(plan)
    await load.open(plan["connections"])
    await load.run(plan["warm_up_s"])
    print('{"ready": true}', flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    print(orjson.dumps(await load.run(plan["seconds"])).decode(), flush=True)
    load.close()


if __name__ == "__main__":
    asyncio.run(main())
