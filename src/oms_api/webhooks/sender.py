"""One attempt over the wire, to exactly the address that was checked.

The name is resolved once; every address it resolves to is judged, and one refused address refuses all (a name
with a public and a private address is an attack or a mistake, and picking would hide it). The connection goes
to the judged address itself, so a second look-up that answers otherwise (DNS rebinding) has nobody to lie to;
`Host`, SNI and the certificate check keep the name.

Each attempt has its own connection: in a pool keyed by address, a connection whose certificate was checked
for one tenant's host name would serve another host name on the same address unchecked.
"""

from __future__ import annotations

import asyncio
import functools
import os
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import httpx2

from oms_api.webhooks import addresses

TIMEOUT_S = 20.0
CONNECT_TIMEOUT_S = 5.0
"""For one address; the next is tried after it."""
MAX_ADDRESSES_TRIED = 4
"""A name with hundreds of addresses must not make us knock at hundreds of doors."""
KEPT_BODY_BYTES = 4096

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_own_machine = False


def configure(*, allow_loopback: bool) -> None:
    """Say once a process, at its start, whether endpoints may be on this machine: only `oms dev` permits it."""
    global _own_machine
    _own_machine = allow_loopback


def loopback_allowed() -> bool:
    return _own_machine


@dataclass(slots=True)
class Answer:
    """What came of an attempt.

    `status` decides (`rules.judge`): None when no complete head of an answer came. `error`: why there is
    none, or what broke off the body after it. `retry_after`: the header, for `rules.retry_after_seconds`.
    """

    status: int | None = None
    body: bytes = b""
    """First 4 KiB as sent, never decompressed."""
    duration_s: float = 0.0
    error: str | None = None
    retry_after: str | None = None

    @property
    def text(self) -> str:
        """The body for people and for a text column: UTF-8, without the NUL that PostgreSQL refuses."""
        return self.body.decode("utf-8", "replace").replace("\x00", "\ufffd")


class Refused(Exception):
    """Nothing was sent, and no connection opened: the endpoint is no public address."""


async def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """Every address of `host` by the system's resolver, in its order. `OSError` when there is none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


async def checked_addresses(
    scheme: str, host: str, port: int, *, allow_loopback: bool = False, resolve: Resolve = resolve_by_system
) -> list[addresses.Address]:
    """The addresses of `host`, all of them judged. `Refused` when any may not be connected to.

    With `allow_loopback`, plain http still needs every address to be loopback.
    """
    try:
        found = [addresses.parse(text) for text in await resolve(host, port)]
    except (OSError, ValueError) as error:  # ValueError: a label that no resolver takes
        raise Refused(f"'{host}' could not be resolved: check its DNS entries.") from error
    if not found:
        raise Refused(f"'{host}' has no address: check its DNS entries.")
    for address in found:
        # The address itself stays untold: names of our own network are nobody's to enumerate.
        if reason := addresses.refusal(address, allow_loopback=allow_loopback):
            raise Refused(f"'{host}' is not only on public addresses ({reason}): let it resolve to public ones.")
        if scheme != "https" and not addresses.is_loopback(address):
            raise Refused(f"'{host}' is not this machine: use https://.")
    return found


async def send(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    timeout_s: float = TIMEOUT_S,
    allow_loopback: bool = False,
    resolve: Resolve = resolve_by_system,
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """POST once. Never raises for what a receiver, its name server or the network does: see `Answer.error`.

    `timeout_s` bounds everything together: resolving, connecting, sending, a slow answer. No redirect is
    followed and no proxy taken from the environment. `tls`: other trust than the system's.
    """
    answer = Answer()
    started = time.perf_counter()
    try:
        async with asyncio.timeout(timeout_s):
            checked = addresses.checked_url(url, allow_loopback=allow_loopback)
            found = await checked_addresses(
                checked.scheme,
                checked.raw_host.decode("ascii"),
                checked.port or (443 if checked.scheme == "https" else 80),
                allow_loopback=allow_loopback,
                resolve=resolve,
            )
            await _exchange(checked, found, body, headers, tls or _system_tls(), answer)
    except TimeoutError:
        answer.error = f"No complete answer within {timeout_s:g} s."
    except (Refused, addresses.UnacceptableUrl) as error:
        answer.error = str(error)
    except (httpx2.TransportError, OSError) as error:  # OSError: TLS that breaks later
        answer.error = _in_words(error)
    answer.duration_s = time.perf_counter() - started
    return answer


async def _exchange(
    url: httpx2.URL,
    found: Sequence[addresses.Address],
    body: bytes,
    headers: Mapping[str, str],
    tls: ssl.SSLContext,
    answer: Answer,
) -> None:
    """Send to the first of `found` that accepts a connection, and fill `answer` as the answer comes in."""
    named = {
        **headers,
        "host": url.netloc.decode("ascii"),
        # Nothing is decompressed here: a bomb stays as small as it came.
        "accept-encoding": "identity",
        "connection": "close",
    }
    extensions = {
        "sni_hostname": url.raw_host.decode("ascii"),
        "timeout": {"connect": CONNECT_TIMEOUT_S},
    }
    tried = found[:MAX_ADDRESSES_TRIED]
    # A bare transport follows no redirect, keeps no cookie and reads no proxy from the environment.
    async with httpx2.AsyncHTTPTransport(verify=tls, trust_env=False, retries=0) as transport:
        for address in tried:
            request = httpx2.Request(
                "POST",
                url.copy_with(host=str(address)),
                headers=named,
                content=body,
                extensions=extensions,
            )
            try:
                response = await transport.handle_async_request(request)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                # Nothing was sent yet: the next address cannot make it a second delivery.
                if address is tried[-1]:
                    raise
                continue
            answer.status = response.status_code
            answer.retry_after = response.headers.get("retry-after", "")[:100] or None
            # Closing before the end closes the connection: what is not kept is not downloaded either.
            async with aclosing(response.aiter_raw()) as chunks:
                async for chunk in chunks:
                    answer.body += chunk[: KEPT_BODY_BYTES - len(answer.body)]
                    if len(answer.body) >= KEPT_BODY_BYTES:
                        break
            return


@functools.cache
def _system_tls() -> ssl.SSLContext:
    """The system's certificate authorities, read once (some 20 ms)."""
    return httpx2.create_ssl_context()


def _in_words(error: httpx2.TransportError | OSError) -> str:
    """The failure for the delivery log, by the cause that says most."""
    if isinstance(error, httpx2.ConnectTimeout):
        return f"No connection within {CONNECT_TIMEOUT_S:g} s."
    if isinstance(error, httpx2.RemoteProtocolError):
        return f"The answer is not complete HTTP: {error}."
    what = "Could not connect" if isinstance(error, httpx2.ConnectError) else "The connection broke off"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"The certificate is not good: {cause.verify_message}."
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed: {cause.reason or 'the other side closed'}."
        if isinstance(cause, OSError) and cause.errno:
            return f"{what}: {os.strerror(cause.errno)}."
        cause = cause.__cause__ or cause.__context__
    return f"{what}."
