"""Hostile spellings and embeddings: what may be configured, and which addresses may be connected to."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_api.webhooks import addresses

PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1"]
PUBLIC += [
    "192.167.1.1",
    "198.17.0.1",
    "198.20.0.1",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450::1",
]
REFUSED = {
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "unspecified": ["0.0.0.0", "0.1.2.3", "::"],
    "private": [
        "10.0.0.1",
        "10.255.255.255",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "fc00::1",
        "fd12::1",
        "fec0::1",
    ],
    "carrier-grade NAT": ["100.64.0.1", "100.100.100.200", "100.127.255.255"],
    "cloud metadata": ["169.254.169.254", "168.63.129.16", "fd00:ec2::254"],
    "link-local": ["169.254.0.1", "169.254.170.2", "fe80::1", "febf::1", "fe80::1%eth0", "2606:4700::1%1"],
    "reserved for protocols": [
        "192.0.0.1",
        "192.0.0.192",
        "192.0.0.9",
        "2001:10::1",
        "2001:20::1",
        "2001:1::1",
    ],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
    "benchmark": ["198.18.0.1", "198.19.255.255", "2001:2::1"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "reserved": ["240.0.0.1", "255.255.255.254", "3ffe::1", "5f00::1", "200::1", "4000::1", "e000::1"],
    "broadcast": ["255.255.255.255"],
    "IPv4-mapped": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::ffff:a9fe:a9fe"],
    "IPv4-translated": ["::ffff:0:127.0.0.1", "::ffff:0:808:808"],
    "IPv4-compatible": ["::127.0.0.1", "::10.0.0.1", "::8.8.8.8", "::2"],
    "NAT64": ["64:ff9b::127.0.0.1", "64:ff9b::808:808", "64:ff9b:1::1", "64:ff9b:1:ffff:ffff:ffff:7f00:1"],
    "6to4": ["2002:7f00:1::", "2002:a00:1::1", "2002:808:808::1", "192.88.99.1"],
    "Teredo": ["2001::1", "2001:0:7f00:1::80ff:fffe"],
    "ISATAP": ["2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:7f00:1"],
    "discard-only": ["100::1"],
}
TABLE = [(text, reason) for reason, texts in REFUSED.items() for text in texts]


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_connected_to(text: str) -> None:
    assert addresses.refusal(addresses.parse(text)) is None
    assert addresses.refusal(addresses.parse(text), allow_loopback=True) is None


@pytest.mark.parametrize(("text", "reason"), TABLE)
def test_an_address_that_is_not_public_is_refused_by_name(text: str, reason: str) -> None:
    assert addresses.refusal(addresses.parse(text)) == reason


@pytest.mark.parametrize(("text", "reason"), TABLE)
def test_permitting_loopback_permits_nothing_else(text: str, reason: str) -> None:
    expected = None if reason == "loopback" else reason
    assert addresses.refusal(addresses.parse(text), allow_loopback=True) == expected


@given(st.ip_addresses())
def test_what_python_holds_for_not_global_is_never_connected_to(address: IPv4Address | IPv6Address) -> None:
    if addresses.refusal(address) is None:
        assert address.is_global
        assert not address.is_multicast


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:0:0/96", "::/96", "64:ff9b::/96"]))
def test_no_embedding_carries_an_ipv4_address_through(inner: IPv4Address, prefix: str) -> None:
    outer = IPv6Address(int(IPv6Network(prefix).network_address) | int(inner))
    if outer != IPv6Address("::1"):
        assert addresses.refusal(outer, allow_loopback=True) is not None
    assert addresses.refusal(IPv6Address((0x2002 << 112) | (int(inner) << 80)), allow_loopback=True) == "6to4"


# — the URL —


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("https://hooks.example.com/oms?v=1", "https://hooks.example.com/oms?v=1"),
        ("https://hooks.example.com", "https://hooks.example.com"),
        ("HTTPS://Hooks.Example.COM:443/Oms", "https://hooks.example.com/Oms"),
        ("https://hooks.example.com.:8443/a", "https://hooks.example.com:8443/a"),
        ("https://münchen.example/ä", "https://xn--mnchen-3ya.example/%C3%A4"),
        ("https://xn--mnchen-3ya.example/", "https://xn--mnchen-3ya.example/"),
        ("https://hook_s.example.com:1/", "https://hook_s.example.com:1/"),
        ("https://hooks.example.com/a@b:c", "https://hooks.example.com/a@b:c"),
        ("https://8.8.8.8/x", "https://8.8.8.8/x"),
        ("https://[2606:4700:4700::1111]:65535/x", "https://[2606:4700:4700::1111]:65535/x"),
    ],
)
def test_an_endpoint_is_stored_in_its_normal_form(url: str, stored: str) -> None:
    assert addresses.url_problem(url, allow_loopback=False) is None
    assert str(addresses.checked_url(url, allow_loopback=False)) == stored
    assert str(addresses.checked_url(stored, allow_loopback=False)) == stored


PROBLEMS = {
    "is no address to send to": [
        "",
        "hooks.example.com",
        "//hooks.example.com/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "gopher://h.example/",
        "https:/h.example/",
        " https://h.example/",
    ],
    "is not encrypted: use https://": [
        "http://hooks.example.com/",
        "HTTP://hooks.example.com/",
        "http://8.8.8.8/",
    ],
    "has a fragment": ["https://hooks.example.com/#x", "https://hooks.example.com#@10.0.0.1/"],
    "carries user information": [
        "https://user:secret@hooks.example.com/",
        "https://@hooks.example.com/",
        "https://8.8.8.8@127.0.0.1/",
        "https://hooks.example.com\\@127.0.0.1/",
        "https://a@b@c.example/",
    ],
    "has no host, or a port outside": [
        "https://",
        "https:///x",
        "https://:443/",
        "https://h.example:0/",
        "https://h.example:65536/",
        "https://h.example:-1/",
        "https://h.example:+8/",
        "https://h.example: 8/",
        "https://h.example:４４３/",
        "https://h.example:/",
        "https://[::1/",
        "https://::1/",
        "https://[fe80::1%25eth0]/",
        "https://%31%32%37.0.0.1/",
        "https://h.example%2f.evil.example/",
        "https://h.example\\.evil.example/",
        "https://h example.com/",
        "https://h.example\t.com/",
        "https://h.example\n/",
        "https://[v1.fe]/",
    ],
    "is not a valid URL": [
        "https://h.example/\x00",
        "https://h.example/\r\nHost: x",
        "https://①②⑦.⓪.⓪.①/",
        "https://１２７.0.0.1/",
        "https://ＬＯＣＡＬＨＯＳＴ/",
        "https://256.1.1.1/",
        "https://0177.0.0.1/",
        "https://[1::2::3]/",
        "https://x\u200by.example/",
    ],
    "writes an address in an odd way": [
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://127.1/",
        "https://017700000001/",
        "https://0x7F.1/",
        "https://127.0.0.0x1/",
        "https://h.1/",
        "https://0/",
    ],
    "is not a public address (loopback)": [
        "https://127.0.0.1/",
        "https://127.0.0.1./",
        "https://[::1]/",
        "https://127。0。0。1/",
        "https://[0:0:0:0:0:0:0:1]/",
    ],
    "is not a public address (cloud metadata)": ["https://169.254.169.254/latest/meta-data/"],
    "is not a public address (private)": ["https://10.0.0.1:8443/", "https://[fd00::1]/"],
    "is not a public address (IPv4-mapped)": ["https://[::ffff:127.0.0.1]/", "https://[::FFFF:7f00:1]/"],
    "is this machine itself": [
        "https://localhost/",
        "https://LOCALHOST:8443/",
        "https://a.localhost/",
        "https://localhost./",
    ],
    "is a name of a private network": [
        "https://receiver/",
        "https://db.internal/",
        "https://printer.local/",
        "https://nas.home.arpa/",
        "https://x.localdomain/",
        "https://metadata.google.internal/",
    ],
    "has no valid host name": [
        "https://a..b.example/",
        "https://.example/",
        "https://-a.example/",
        "https://a-.example/",
        f"https://{'a' * 64}.example/",
        f"https://{'a.' * 130}example/",
        "https://a,b.example/",
        "https://h.example../",
    ],
    "is longer than 2048 characters": ["https://h.example/" + "x" * 2048],
}


@pytest.mark.parametrize(("problem", "url"), [(problem, url) for problem, urls in PROBLEMS.items() for url in urls])
def test_an_unfit_url_is_told_what_to_do(problem: str, url: str) -> None:
    told = addresses.url_problem(url, allow_loopback=False)
    assert told is not None
    assert problem in told
    assert told.startswith(f"'{url[:200]}")
    assert len(told) < 420


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/x",
        "http://[::1]:8000/x",
        "http://localhost:8000/x",
        "https://localhost/",
        "http://127.9.9.9/",
    ],
)
def test_loopback_can_be_configured_only_where_it_is_permitted(url: str) -> None:
    assert addresses.url_problem(url, allow_loopback=True) is None
    assert addresses.url_problem(url, allow_loopback=False) is not None


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "http://8.8.8.8/",
        "http://10.0.0.1/",
        "https://10.0.0.1/",
        "https://receiver/",
        "https://169.254.169.254/",
        "https://[::ffff:127.0.0.1]/",
        "http://0.0.0.0/",
        "http://127.1/",
        "http://0x7f.1/",
    ],
)
def test_permitting_loopback_permits_no_other_url(url: str) -> None:
    assert addresses.url_problem(url, allow_loopback=True) is not None


@given(st.text(max_size=60), st.sampled_from(["", "https://", "https://h.example", "https://[", "http://"]))
def test_no_text_breaks_the_judgement_of_urls(text: str, start: str) -> None:
    for allow_loopback in (False, True):
        problem = addresses.url_problem(start + text, allow_loopback=allow_loopback)
        if problem is None:
            checked = addresses.checked_url(start + text, allow_loopback=allow_loopback)
            assert checked.scheme == "https" or allow_loopback
            assert (checked.userinfo, checked.fragment) == (b"", "")
