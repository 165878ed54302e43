"""The sender against real receivers on loopback: what they answer, and how they misbehave."""

import asyncio
import gzip
import socket
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
import uvicorn
from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from oms_api.webhooks import rules
from oms_api.webhooks.sender import send

from .receivers import BODY, HEADERS, answer, drip, post, receiver, silence

# — answers —


async def test_a_signed_message_arrives_whole_and_verifies_at_a_web_framework() -> None:
    heard: list[dict[str, object]] = []

    async def hook(request: Request) -> JSONResponse:
        body = await request.body()
        heard.append(Webhook(secret).verify(body, dict(request.headers)))
        heard.append({"host": request.headers["host"], "target": str(request.url.query)})
        return JSONResponse({"ok": True})

    secret = rules.secret_from(b"k" * 32)
    body = rules.payload("order.confirmed", datetime(2026, 11, 22, tzinfo=UTC), {"eventId": "evt_1"}, None)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    app = Starlette(routes=[Route("/hook", hook, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        signed = rules.headers("whm_1", int(time.time()), body, [secret])
        got = await send(f"http://127.0.0.1:{port}/hook?v=1", body, signed, allow_loopback=True)
    finally:
        server.should_exit = True
        await serving
    assert (got.status, got.body, got.error, got.retry_after) == (200, b'{"ok":true}', None, None)
    assert 0 < got.duration_s < 5
    assert heard == [
        {"type": "order.confirmed", "timestamp": "2026-11-22T00:00:00.000000Z", "data": {"eventId": "evt_1"}},
        {"host": f"127.0.0.1:{port}", "target": "v=1"},
    ]


async def test_204_has_no_body() -> None:
    async with receiver(answer("HTTP/1.1 204 No Content\r\n\r\n")) as hook:
        got = await post(hook.url())
    assert (got.status, got.body, got.error) == (204, b"", None)
    assert hook.requests[0][0].startswith("POST /hook HTTP/1.1\r\n")
    assert hook.requests[0][1] == BODY


async def test_the_request_asks_for_no_compression_and_no_reuse() -> None:
    async with receiver(answer("HTTP/1.1 204 No Content\r\n\r\n")) as hook:
        await post(hook.url())
        got = hook.headers()
    assert got == HEADERS | {
        "host": f"127.0.0.1:{hook.port}",
        "accept-encoding": "identity",
        "connection": "close",
        "content-length": str(len(BODY)),
    }


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_the_answer_and_is_not_followed(status: int) -> None:
    async with receiver(answer("HTTP/1.1 200 OK\r\n\r\n")) as other:
        moved = f"HTTP/1.1 {status} Moved\r\nLocation: {other.url()}\r\nContent-Length: 0\r\n\r\n"
        async with receiver(answer(moved)) as hook:
            got = await post(hook.url())
    assert (got.status, got.error) == (status, None)
    assert (hook.connections, other.connections) == (1, 0)


@pytest.mark.parametrize("status", [410, 400, 500, 503])
async def test_a_failure_status_is_told(status: int) -> None:
    async with receiver(answer(f"HTTP/1.1 {status} No\r\nContent-Length: 4\r\n\r\ngone")) as hook:
        got = await post(hook.url())
    assert (got.status, got.body, got.error, got.retry_after) == (status, b"gone", None, None)


async def test_retry_after_is_handed_on() -> None:
    busy = "HTTP/1.1 429 Too Many\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n"
    async with receiver(answer(busy)) as hook:
        got = await post(hook.url())
    assert (got.status, got.retry_after) == (429, "120")
    assert rules.retry_after_seconds(got.retry_after, datetime.now(UTC)) == 120.0


async def test_only_the_first_4_kib_are_kept_and_the_rest_is_not_downloaded() -> None:
    endless = drip("HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n", b"x" * 65536, 0)
    async with receiver(endless) as hook:
        got = await post(hook.url())
        await asyncio.wait_for(hook.hung_up.wait(), 5)
    assert (got.status, got.body, got.error) == (200, b"x" * 4096, None)
    assert got.duration_s < 2


async def test_a_compressed_bomb_is_kept_as_it_came() -> None:
    bomb = gzip.compress(b"\x00" * 10_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
    async with receiver(answer(head.encode() + bomb)) as hook:
        got = await post(hook.url())
    assert (got.status, got.body) == (200, bomb[:4096])


async def test_the_text_of_an_answer_can_be_stored_whatever_came() -> None:
    async with receiver(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\na\x00\xff\xc3\xa9")) as hook:
        got = await post(hook.url())
    assert got.text == "a\ufffd\ufffdé"


# — receivers that do not answer, or badly —


async def test_a_silent_receiver_is_given_up_after_the_time_out() -> None:
    async with receiver(silence) as hook:
        got = await post(hook.url(), timeout_s=0.2)
    assert (got.status, got.body, got.error) == (None, b"", "No complete answer within 0.2 s.")
    assert 0.2 <= got.duration_s < 2
    assert len(hook.requests) == 1


async def test_dripping_headers_do_not_stretch_the_time_out() -> None:
    async with receiver(drip("HTTP/1.1 200 OK\r\n", b"x: y\r\n", 0.01)) as hook:
        got = await post(hook.url(), timeout_s=0.3)
        await asyncio.wait_for(hook.hung_up.wait(), 5)
    assert (got.status, got.error) == (None, "No complete answer within 0.3 s.")
    assert 0.3 <= got.duration_s < 2


async def test_a_dripping_body_does_not_stretch_the_time_out_and_the_status_stands() -> None:
    async with receiver(drip("HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n", b"x", 0.01)) as hook:
        got = await post(hook.url(), timeout_s=0.3)
        await asyncio.wait_for(hook.hung_up.wait(), 5)
    assert (got.status, got.error) == (200, "No complete answer within 0.3 s.")
    assert 0 < len(got.body) < 100
    assert got.body.strip(b"x") == b""
    assert 0.3 <= got.duration_s < 2


async def test_endless_headers_are_cut_off() -> None:
    async with receiver(drip("HTTP/1.1 200 OK\r\nx: ", b"y" * 65536, 0)) as hook:
        got = await post(hook.url())
    assert got.status is None
    assert got.error is not None
    assert got.error.startswith("The answer is not complete HTTP: ")
    assert got.duration_s < 2


async def test_a_body_that_breaks_off_leaves_the_status_standing() -> None:
    async with receiver(answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")) as hook:
        got = await post(hook.url())
    assert (got.status, got.body) == (200, b"half")
    assert got.error is not None
    assert got.error.startswith("The answer is not complete HTTP: ")


@pytest.mark.parametrize("raw", ["", "HTTP/1.1 200", "SSH-2.0-OpenSSH_9\r\n", "HTTP/1.1 9999 X\r\n\r\n", "\x00" * 50])
async def test_what_is_no_http_answer_is_no_answer(raw: str) -> None:
    async with receiver(answer(raw)) as hook:
        got = await post(hook.url())
    assert (got.status, got.body, got.retry_after) == (None, b"", None)
    assert got.error is not None
    assert got.error.startswith("The answer is not complete HTTP: ")


async def test_a_refused_connection_is_told() -> None:
    async with receiver(silence) as hook:
        url = hook.url()
    got = await post(url)
    assert (got.status, got.error) == (None, "Could not connect: Connection refused.")


async def test_a_name_server_that_never_answers_counts_in_the_time_out() -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    got = await post("https://hooks.example/", resolve=never, timeout_s=0.2)
    assert got.error == "No complete answer within 0.2 s."
    assert got.duration_s < 2


async def test_cancelling_is_not_swallowed() -> None:
    async with receiver(silence) as hook:
        sending = asyncio.create_task(post(hook.url()))
        while not hook.requests:  # noqa: ASYNC110 - the receiver has no event for it
            await asyncio.sleep(0.01)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await asyncio.wait_for(hook.hung_up.wait(), 5)


async def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiver(silence) as proxy, receiver(answer("HTTP/1.1 204 No Content\r\n\r\n")) as hook:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url("/"))
        monkeypatch.setenv("NO_PROXY", "")
        got = await post(hook.url())
    assert (got.status, proxy.connections) == (204, 0)
