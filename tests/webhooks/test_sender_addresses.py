"""Names and addresses that must not be reached, and that only the checked one is, under its own name."""

import asyncio
import ssl
from pathlib import Path

import pytest

from oms_api.webhooks import sender
from oms_api.webhooks.sender import Answer

from .authority import Authority
from .receivers import Receiver, Resolver, answer, post, receiver, resolving, silence


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder: Path = tmp_path_factory.mktemp("authority")
    return Authority(folder)


# — which addresses —

LOOPBACK_SPELLINGS = [
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "127.1",
    "127.0.1",
]
LOOPBACK_SPELLINGS += [
    "0x7F.1",
    "127.0.0.0x1",
    "0177.0.0.0x1",
    "127.0.0.1",
    "localhost",
    "127.255.255.254",
    "0",
]
OTHER_SPELLINGS = ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "10.1", "0xc0a80001"]
OTHER_SPELLINGS += ["0300.0250.0.1", "0x64400001", "3323068417", "0xe0000001", "4294967295", "0.0.0.0"]


@pytest.mark.parametrize("host", LOOPBACK_SPELLINGS + OTHER_SPELLINGS)
async def test_the_systems_resolver_reads_odd_spellings_and_they_are_refused(host: str) -> None:
    with pytest.raises(sender.Refused, match="is not only on public addresses"):
        await sender.checked_addresses("https", host, 443)


@pytest.mark.parametrize(
    "host", ["::1", "::", "::ffff:7f00:1", "::127.0.0.1", "64:ff9b::7f00:1", "fe80::1", "0:0:0:0:0:0:0:1"]
)
async def test_written_ipv6_addresses_are_refused_by_the_same_way(host: str) -> None:
    with pytest.raises(sender.Refused, match="is not only on public addresses"):
        await sender.checked_addresses("https", host, 443)


@pytest.mark.parametrize(
    "found",
    [
        ["93.184.216.34", "10.0.0.7"],
        ["10.0.0.7", "93.184.216.34"],
        ["2606:4700::1", "::ffff:127.0.0.1"],
        ["93.184.216.34", "169.254.169.254"],
        ["93.184.216.34", "fe80::1%eth0"],
        ["127.0.0.1", "10.0.0.7"],
        ["93.184.216.34", "93.184.216.35", "93.184.216.36", "93.184.216.37", "93.184.216.38", "0.0.0.0"],
    ],
)
@pytest.mark.parametrize("allow_loopback", [False, True])
async def test_one_address_that_is_not_public_refuses_all(found: list[str], allow_loopback: bool) -> None:
    resolve = resolving(*found)
    got = await post("https://hooks.example/", resolve=resolve, allow_loopback=allow_loopback)
    assert (got.status, got.body) == (None, b"")
    assert got.error is not None
    assert got.error.startswith("'hooks.example' is not only on public addresses (")
    assert not any(address in got.error for address in found)
    assert resolve.asked == [("hooks.example", 443)]


async def test_a_public_name_that_resolves_to_this_machine_opens_no_connection() -> None:
    async with receiver(answer("HTTP/1.1 200 OK\r\n\r\n")) as hook:
        url = hook.url(scheme="https", host="hooks.example")
        got = await post(url, resolve=resolving("127.0.0.1"), allow_loopback=False)
        await asyncio.sleep(0.05)
    assert got.error == "'hooks.example' is not only on public addresses (loopback): let it resolve to public ones."
    assert hook.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.1", "0x7f.1"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_without_permission_nothing_is_sent_to_this_machine(host: str, scheme: str) -> None:
    async with receiver(answer("HTTP/1.1 200 OK\r\n\r\n")) as hook:
        got = await post(hook.url(scheme=scheme, host=host), allow_loopback=False)
        await asyncio.sleep(0.05)
    assert got.status is None
    assert got.error is not None
    assert hook.connections == 0


async def test_plain_http_goes_nowhere_but_to_this_machine() -> None:
    resolve = resolving("93.184.216.34")
    got = await post("http://hooks.example/", resolve=resolve)
    assert got.error == "'http://hooks.example/' is not encrypted: use https://."
    got = await post("http://localhost/", resolve=resolve)
    assert got.error == "'localhost' is not this machine: use https://."
    assert resolve.asked == [("localhost", 80)]


@pytest.mark.parametrize("found", [[], ["not an address"]])
async def test_a_name_without_address_is_told(found: list[str]) -> None:
    got = await post("https://hooks.example/", resolve=resolving(*found))
    assert got.error is not None
    assert got.error.endswith("check its DNS entries.")


async def test_a_name_that_the_system_cannot_resolve_is_told() -> None:
    got = await post("https://hooks.invalid/", resolve=sender.resolve_by_system)
    assert got.error == "'hooks.invalid' could not be resolved: check its DNS entries."


async def test_a_second_look_up_that_lies_is_never_made(authority: Authority) -> None:
    """DNS rebinding: checked on 127.0.0.1, then pointed at 127.0.0.2, which listens on the same port."""
    ok = answer("HTTP/1.1 204 No Content\r\n\r\n")
    tls = authority.server("hooks.example")
    async with (
        receiver(ok, tls=tls) as hook,
        receiver(ok, host="127.0.0.2", port=hook.port, tls=tls) as other,
    ):
        resolve = Resolver([["127.0.0.1"], ["127.0.0.2"]])
        got = await post(hook.url("/", "https", "hooks.example"), resolve=resolve, tls=authority.client())
    assert (got.status, got.error) == (204, None)
    assert (hook.connections, other.connections) == (1, 0)
    assert resolve.asked == [("hooks.example", hook.port)]


async def test_an_address_that_does_not_answer_gives_way_to_the_next() -> None:
    async with receiver(answer("HTTP/1.1 204 No Content\r\n\r\n")) as hook:
        got = await post(hook.url(host="localhost"), resolve=resolving("127.0.0.3", "127.0.0.1"))
    assert (got.status, len(hook.requests)) == (204, 1)


async def test_a_name_with_many_addresses_does_not_make_us_knock_at_all_of_them() -> None:
    async with receiver(answer("HTTP/1.1 204 No Content\r\n\r\n")) as hook:
        doors = [f"127.0.0.{n}" for n in range(3, 7)]
        got = await post(hook.url(host="localhost"), resolve=resolving(*doors, "127.0.0.1"))
    assert (got.status, got.error) == (None, "Could not connect: Connection refused.")
    assert hook.connections == 0


async def test_a_request_that_arrived_is_not_sent_again_to_the_next_address() -> None:
    async with receiver(answer("")) as first, receiver(silence, host="127.0.0.2", port=first.port) as second:
        got = await post(first.url(host="localhost"), resolve=resolving("127.0.0.1", "127.0.0.2"))
    assert got.status is None
    assert (len(first.requests), second.connections) == (1, 0)


# — TLS —


async def over_tls(hook: Receiver, client: ssl.SSLContext | None, host: str = "hooks.example") -> Answer:
    return await post(hook.url("/x", "https", host), resolve=resolving("127.0.0.1"), tls=client)


OK = answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


async def test_the_name_stays_in_host_header_sni_and_certificate_check(authority: Authority) -> None:
    asked: list[str | None] = []
    tls = authority.server("xn--mnchen-3ya.example")
    tls.sni_callback = lambda _socket, name, _context: asked.append(name)
    async with receiver(OK, tls=tls) as hook:
        got = await over_tls(hook, authority.client(), "München.example")
    assert (got.status, got.body, got.error) == (200, b"ok", None)
    assert asked == ["xn--mnchen-3ya.example"]
    assert hook.headers()["host"] == f"xn--mnchen-3ya.example:{hook.port}"


async def test_a_certificate_for_another_name_is_refused_even_on_the_right_address(
    authority: Authority,
) -> None:
    async with receiver(OK, tls=authority.server("other.example", "127.0.0.1")) as hook:
        got = await over_tls(hook, authority.client())
    assert got.status is None
    assert got.error is not None
    assert got.error.startswith("The certificate is not good: Hostname mismatch")
    assert hook.requests == []


async def test_a_certificate_for_the_written_address_is_good(authority: Authority) -> None:
    async with receiver(OK, tls=authority.server("127.0.0.1")) as hook:
        got = await over_tls(hook, authority.client(), "127.0.0.1")
    assert (got.status, got.error) == (200, None)


async def test_an_unknown_authority_is_refused_by_default(authority: Authority) -> None:
    async with receiver(OK, tls=authority.server("hooks.example")) as hook:
        got = await over_tls(hook, None)
    assert got.status is None
    assert got.error is not None
    assert got.error.startswith("The certificate is not good: ")
    assert hook.requests == []


async def test_a_receiver_without_tls_is_told_apart(authority: Authority) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        got = await over_tls(Receiver(port), authority.client())
    assert (got.status, got.error) == (None, "TLS failed: WRONG_VERSION_NUMBER.")


async def test_a_receiver_that_wants_a_client_certificate_is_no_crash(authority: Authority) -> None:
    tls = authority.server("hooks.example")
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(authority.file)
    async with receiver(OK, tls=tls) as hook:
        got = await over_tls(hook, authority.client())
    assert got.status is None
    assert got.error is not None
    assert hook.requests == []


async def test_a_receiver_that_falls_out_of_tls_is_no_crash(authority: Authority) -> None:
    tls = authority.server("hooks.example")

    async def plain_after_handshake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        handshake = tls.wrap_bio(incoming, outgoing, server_side=True)
        while True:
            try:
                handshake.do_handshake()
                break
            except ssl.SSLWantReadError:
                writer.write(outgoing.read())
                incoming.write(await reader.read(65536))
        writer.write(outgoing.read() + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(plain_after_handshake, "127.0.0.1", 0)
    async with server:
        got = await over_tls(Receiver(server.sockets[0].getsockname()[1]), authority.client())
    assert (got.status, got.body, got.error) == (None, b"", "TLS failed: WRONG_VERSION_NUMBER.")
