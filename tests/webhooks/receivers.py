"""Receivers on this machine that answer, misbehave and remember; a name server. Real sockets, port 0."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from oms_api.webhooks.sender import Answer, send

Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Receiver:
    """Where it listens and every request (head, body) it got; `connections` counts also those without one."""

    port: int = 0
    connections: int = 0
    requests: list[tuple[str, bytes]] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str = "/hook", scheme: str = "http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def headers(self) -> dict[str, str]:
        lines = self.requests[-1][0].split("\r\n")[1:]
        return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}


def answer(raw: str | bytes) -> Answering:
    """Send these bytes, then hang up."""

    async def write(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw.encode() if isinstance(raw, str) else raw)
        await writer.drain()

    return write


def drip(head: str, piece: bytes, every_s: float) -> Answering:
    """Send `head`, then `piece` again and again until the other side goes away."""

    async def write(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head.encode())
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(every_s)

    return write


async def silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Say nothing until the other side goes away."""
    await reader.read()


@asynccontextmanager
async def receiver(
    answering: Answering, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    got = Receiver()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.connections += 1
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().removesuffix("\r\n\r\n")
            length = next(line for line in head.lower().split("\r\n") if line.startswith("content-length: "))
            body = await reader.readexactly(int(length.removeprefix("content-length: ")))
            got.requests.append((head, body))
            await answering(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # the sender hung up first: what some of these tests want
        finally:
            got.hung_up.set()
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(serve, host, port, ssl=tls)
    got.port = server.sockets[0].getsockname()[1]
    try:
        yield got
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


BODY = b'{"type":"order.confirmed"}'
HEADERS = {"content-type": "application/json", "webhook-id": "whm_1"}


async def post(url: str, **how: object) -> Answer:
    return await send(url, BODY, HEADERS, **{"allow_loopback": True, "timeout_s": 5.0, **how})  # type: ignore[arg-type]


def resolving(*found: str) -> "Resolver":
    return Resolver([list(found)])


class Resolver:
    """A name server: gives each of `answers` in turn, the last for ever; remembers what it was asked."""

    def __init__(self, answers: list[list[str]]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self.answers[min(len(self.asked), len(self.answers)) - 1]
