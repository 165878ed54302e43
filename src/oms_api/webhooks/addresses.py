"""Where a webhook may be sent: which URLs can be configured, which addresses connected to. Pure: no I/O.

The tables are IANA's special-purpose registries for IPv4 and IPv6, plus what a cloud reaches at an address
that only looks public. They are written out because `ipaddress.is_global` changed its mind between Python
releases; it is still asked last. An IPv6 address that carries an IPv4 one is refused whatever it carries: a
translator or tunnel on the way would unpack it. (An operator's own NAT64 prefix looks like any public
network: it cannot be told apart here.)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpx2

# First match wins: narrower networks stand before the wider ones that hold them.
_IPV4: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), reason)
    for network, reason in (
        ("127.0.0.0/8", "loopback"),
        ("169.254.169.254/32", "cloud metadata"),
        ("168.63.129.16/32", "cloud metadata"),  # Azure's platform address, public only by its looks
        ("0.0.0.0/8", "unspecified"),  # Linux connects 0.0.0.0 to itself
        ("10.0.0.0/8", "private"),
        ("172.16.0.0/12", "private"),
        ("192.168.0.0/16", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("169.254.0.0/16", "link-local"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "documentation"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("192.88.99.0/24", "6to4"),
        ("198.18.0.0/15", "benchmark"),
        ("224.0.0.0/4", "multicast"),
        ("255.255.255.255/32", "broadcast"),
        ("240.0.0.0/4", "reserved"),
    )
)
_IPV6: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), reason)
    for network, reason in (
        ("::1/128", "loopback"),
        ("::/128", "unspecified"),
        ("::ffff:0:0/96", "IPv4-mapped"),
        ("::ffff:0:0:0/96", "IPv4-translated"),
        ("::/96", "IPv4-compatible"),
        ("64:ff9b::/96", "NAT64"),
        ("64:ff9b:1::/48", "NAT64"),
        ("100::/64", "discard-only"),
        ("2001::/32", "Teredo"),
        ("2001:2::/48", "benchmark"),
        ("2001::/23", "reserved for protocols"),
        ("2001:db8::/32", "documentation"),
        ("3fff::/20", "documentation"),
        ("2002::/16", "6to4"),
        ("3ffe::/16", "reserved"),
        ("fd00:ec2::/32", "cloud metadata"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "private"),
        ("ff00::/8", "multicast"),
    )
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})  # RFC 5214: upper half of the interface identifier

Address = IPv4Address | IPv6Address


def parse(text: str) -> Address:
    """The address that a resolver's answer names. `ValueError` when it names none."""
    return ip_address(text)


def is_loopback(address: Address) -> bool:
    """127.0.0.0/8 and ::1; no embedding of them counts."""
    if isinstance(address, IPv4Address):
        return address in _IPV4[0][0]
    return address == IPv6Address("::1")


def refusal(address: Address, *, allow_loopback: bool = False) -> str | None:
    """Why nothing is sent to `address`, in a word; None when it is public (or loopback, when permitted)."""
    if allow_loopback and is_loopback(address):
        return None
    if isinstance(address, IPv4Address):
        reason = next((reason for network, reason in _IPV4 if address in network), None)
    else:
        if address.scope_id is not None:
            return "link-local"  # `%eth0` chooses an interface: never a public matter
        reason = next((reason for network, reason in _IPV6 if address in network), None)
        if reason is None and address not in _GLOBAL_UNICAST:
            reason = "reserved"
        if reason is None and (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:
            reason = "ISATAP"
    if reason is None and not address.is_global:
        reason = "reserved"
    return reason


# — the URL —


class UnacceptableUrl(ValueError):
    """The URL cannot be an endpoint: `str()` names it and what to do."""


MAX_URL_CHARACTERS = 2048
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s\\%:\[\]]+)(?::(?P<port>[0-9]{1,5}))?")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_LOCAL_NAMES = ("local", "localdomain", "internal", "home.arpa")


def url_problem(url: str, *, allow_loopback: bool) -> str | None:
    """What is wrong with an endpoint's URL and what to do; None when it may be configured."""
    try:
        checked_url(url, allow_loopback=allow_loopback)
    except UnacceptableUrl as error:
        return str(error)
    return None


def checked_url(url: str, *, allow_loopback: bool) -> httpx2.URL:
    """The endpoint in its normal form (`str()` of it is what to store): host lower-case, in A-labels.

    https on any port; http only to this machine and only with `allow_loopback`. What a *name* resolves to is
    judged at every attempt by the sender; an address written in the URL is judged here as well.
    Raises `UnacceptableUrl`.
    """
    shown = url if len(url) <= 200 else f"{url[:200]}…"

    def wrong(what: str) -> UnacceptableUrl:
        return UnacceptableUrl(f"'{shown}' {what}")

    if len(url) > MAX_URL_CHARACTERS:
        raise wrong(f"is longer than {MAX_URL_CHARACTERS} characters: shorten it.")
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in ("https", "http"):
        raise wrong("is no address to send to: write https://, your host and path.")
    if "#" in url:
        raise wrong("has a fragment, which is never sent: leave out # and what follows.")
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    if "@" in authority:
        raise wrong("carries user information: leave it out, verify the signature instead.")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None or not 1 <= int(parts["port"] or "443") <= 65535:
        raise wrong("has no host, or a port outside 1 to 65535: write https://host/path or https://host:port/path.")
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, UnicodeError) as error:
        raise wrong(f"is not a valid URL: {error}") from error
    host = parsed.raw_host.decode("ascii").removesuffix(".")
    loopback = _judged_host(host, wrong, allow_loopback=allow_loopback)
    if parsed.scheme == "http" and not (loopback and allow_loopback):
        raise wrong("is not encrypted: use https://.")
    return parsed.copy_with(host=host)


def _judged_host(host: str, wrong: Callable[[str], UnacceptableUrl], *, allow_loopback: bool) -> bool:
    """Whether the host is this machine, as written. Raises what `wrong` makes when it is not acceptable."""
    last = host.rsplit(".", 1)[-1]
    if ":" in host or last.isdigit() or re.fullmatch(r"0x[0-9a-f]*", last):
        # The resolver would read 2130706433, 0x7f.1 and 127.1 as IPv4 addresses (WHATWG URL says so too).
        try:
            address = parse(host)
        except ValueError as error:
            raise wrong("writes an address in an odd way: use four decimal numbers or a host name.") from error
        if reason := refusal(address, allow_loopback=allow_loopback):
            raise wrong(f"is not a public address ({reason}): use one that is reachable from the internet.")
        return is_loopback(address)
    if len(host) > 253 or not _HOST_NAME.fullmatch(host):
        raise wrong("has no valid host name: letters, digits and hyphens, in labels of up to 63 characters.")
    if host == "localhost" or host.endswith(".localhost"):
        if not allow_loopback:
            raise wrong("is this machine itself (loopback): use a host that is reachable from the internet.")
        return True
    if "." not in host or host.endswith(tuple(f".{name}" for name in _LOCAL_NAMES)):
        raise wrong("is a name of a private network: use a host that is reachable from the internet.")
    return False
