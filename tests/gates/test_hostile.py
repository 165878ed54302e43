"""Whatever is sent, nobody hears that we were surprised: the walk's own requests with hostile values put in.

Each request is one of the walk's with up to three places replaced by something that its type lets through, or not: so
most get past the first checks and meet the rows of a tenant that has everything. The sequence is the same each time.
"""

import json
import random
import time
from collections.abc import Mapping
from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLList, GraphQLNonNull, get_nullable_type

from documents import document, root_field, root_fields
from oms_api.kit import ids
from oms_api.kit.graphql import execution
from walk_opening import PERSON
from whole_walk import Walk
from world import Api, World

SECONDS = 25.0
REQUESTS = 1500
SURPRISED = {"INTERNAL", "OVERLOADED", "TIMEOUT"}

TEXTS = [
    "", " ", "a", "0", "-1", "null", "a" * 300, "x" * 70_000, "e\u0301" * 60, "👩\u200d👩\u200d👧\u200d👦",
    "\u202egnp.exe", "\ufeff", "\uffff", "\U0010ffff", "a\nb\tc", "\x7f\x1b[2J", "a\u2028b", "'; DROP TABLE orders; --",
    "%_\\%", "${7*7}", "２３", "𝟙", "²", "1e309", "NaN", "..", "*", "a.*", "order.*", "default", "fake", "manual",
    "decline", "DHL", "+4930123456", "a@b.example", "a@[127.0.0.1]", "\"@\"@x", "UTC", "Europe/Berlin",
    "/etc/passwd", "99999999999999999999",
]  # fmt: skip
INTS = [0, -1, 1, 2, 7, 100, 101, 250, 251, 1_000_001, 2**31 - 1, -(2**31), 2**31, 2**63]
INSTANTS = [
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-14:00",
    "9999-12-31T00:00:00Z", "1969-12-31T23:59:59Z", "2026-02-30T00:00:00Z", "2026-11-22T04:35:10.1234567891Z",
    "2100-01-01T00:00:00Z", "2026-11-22T25:00:00Z", "2016-12-31T23:59:60Z",
]  # fmt: skip
HOSTILE: dict[str, list[Any]] = {
    "String": TEXTS,
    "ID": ["", "ord_", "ord_" + "z" * 26, "ord_" + "0" * 26, "ORD_" + "0" * 26, "_" + "0" * 26, "x" * 5000, 5],
    "Int": INTS,
    "Float": [0, -0.0, 1e308, -1e308, 90.0000001, 180, -90],
    "Boolean": [True, False, "true", 1],
    "DateTime": INSTANTS,
    "Date": ["0001-01-01", "9999-12-31", "2026-02-29"],
    "LocalTime": ["00:00", "23:59", "24:00", "٠٩:٠٠"],
    "Decimal": ["0", "-0", "-1", "0.001", "0.01", "10000000000000", "9999999999999.99", "9" * 30, "1e5", "NaN", "1.5"],
    "CurrencyCode": ["EUR", "USD", "JPY", "BHD", "XXX", "eur", "ZZZ"],
    "CountryCode": ["US", "DE", "XX", "us", "ÖÖ", "XK"],
    "URL": [
        "http://127.0.0.1:9/", "http://[::1]/", "https://exa mple", "https://" + "a" * 3000, "http://169.254.169.254/",
        "https://user:pw@host.example/", "file:///etc/passwd", "https://xn--/", "https://☃.example/", "https://[::1",
        "https://a.example:99999/", "https://" + "a." * 200 + "example/",
    ],
    "JSON": [
        None, 0, -1.5, 2**53, 2**63, "", "x" * 20_000, [], {}, [[[[[]]]]], {"": {"": ""}},
        {"a.b": ["👩\u200d👧", None]},
        json.loads("[" * 30 + "]" * 30), json.loads("[" * 40 + "]" * 40), [1] * 9000,
    ],
}  # fmt: skip


class Fuzzer:
    """Makes requests from a walk's steps."""

    def __init__(self, walk: Walk, seed: int) -> None:
        self.random = random.Random(seed)
        self.steps: dict[str, list[Mapping[str, Any]]] = {}
        for step in walk.steps:
            self.steps.setdefault(step.field, []).append(step.variables)
        # ids of every type, handles, codes, tokens, numbers: for places where they are not expected
        self.known = sorted({text for step in walk.steps for text in _texts([step.variables, step.value])})

    def request(self, field: str) -> dict[str, Any]:
        arguments = root_field(field)[1].args
        variables = dict(self.random.choice(self.steps[field]))
        for _ in range(self.random.choice((1, 1, 2, 3))):
            if arguments:
                name = self.random.choice(list(arguments))
                variables[name] = self.changed(arguments[name].type, variables.get(name))
        sent = variables.get("input")
        if isinstance(sent, dict) and "idempotencyKey" in sent and self.random.random() < 0.9:
            variables["input"] = {**sent, "idempotencyKey": f"hostile-{ids.new()}"}
        return variables

    def changed(self, type_: Any, value: Any) -> Any:
        """The value with one place below it replaced."""
        type_ = get_nullable_type(type_)
        deeper = self.random.random() < 0.85
        if isinstance(type_, GraphQLInputObjectType) and deeper:
            given = dict(value) if isinstance(value, Mapping) else {}
            # what was sent is changed more often than what was left out
            names = [*given, *given, *type_.fields]
            name = self.random.choice([name for name in names if name in type_.fields])
            return {**given, name: self.changed(type_.fields[name].type, given.get(name))}
        if isinstance(type_, GraphQLList) and deeper:
            given = list(value) if isinstance(value, list) and value else [self.hostile(type_.of_type)]
            at = self.random.randrange(len(given))
            return [*given[:at], self.changed(type_.of_type, given[at]), *given[at + 1 :]]
        return self.hostile(type_)

    def hostile(self, type_: Any, deep: int = 3) -> Any:
        """A value for a place of this type."""
        if not isinstance(type_, GraphQLNonNull) and self.random.random() < 0.1:
            return None
        type_ = get_nullable_type(type_)
        if isinstance(type_, GraphQLList):
            count = self.random.choice((0, 1, 1, 2, 3, 101, 251, 501))
            return [self.hostile(type_.of_type, deep - 1)] * count
        if isinstance(type_, GraphQLInputObjectType):
            if deep < 0:
                return {}
            return {
                name: self.hostile(field.type, deep - 1)
                for name, field in type_.fields.items()
                if isinstance(field.type, GraphQLNonNull) or self.random.random() < 0.3
            }
        if isinstance(type_, GraphQLEnumType):
            return self.random.choice([*type_.values, "", "no_such_value", 1])
        if type_.name in ("ID", "String") and self.random.random() < 0.4:
            return self.random.choice(self.known)
        return self.random.choice(HOSTILE[type_.name])


def _texts(value: Any) -> set[str]:
    if isinstance(value, Mapping):
        return {text for inner in value.values() for text in _texts(inner)}
    if isinstance(value, list):
        return {text for inner in value for text in _texts(inner)}
    return {value} if isinstance(value, str) else set()


def wrong(status: int, body: Any) -> str | None:
    """What is wrong with an answer, if anything."""
    if status >= 500:
        return f"status {status}"
    for error in body.get("errors", ()):
        code = error["extensions"]["code"]
        # a value of ours that does not fit its type is reported with a path, one of the caller's without
        if code in SURPRISED or (code == "VALIDATION_FAILED" and "path" in error):
            return f"{code}: {error['message']}"
    return next((f"userError {found}" for found in _user_errors(body.get("data")) if not _complete(found)), None)


def _user_errors(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        own = value.get("userErrors") or []
        return [
            *own,
            *(found for name, inner in value.items() if name != "userErrors" for found in _user_errors(inner)),
        ]
    return [found for inner in value for found in _user_errors(inner)] if isinstance(value, list) else []


def _complete(error: Mapping[str, Any]) -> bool:
    path = error["path"]
    return (
        bool(error["code"] and error["message"]) and isinstance(path, list) and all(isinstance(it, str) for it in path)
    )


async def test_hostile_values_are_refused_in_words_wherever_they_are_put(
    world: World, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "OPERATION_TIMEOUT_S", 10.0)  # as it is served
    fuzzer = Fuzzer(await Walk(api, "x").run(), seed=2026)
    until = time.monotonic() + SECONDS
    fields = root_fields()
    sent = 0
    while sent < REQUESTS and time.monotonic() < until:
        field = fields[sent % len(fields)]
        variables = fuzzer.request(field)
        response = await api.raw(document(field), variables)
        problem = wrong(response.status_code, response.json())
        assert problem is None, f"{field} ({sent}): {problem}\n{json.dumps(variables)[:3000]}"
        sent += 1
    assert sent > 100
    await world.settle()
    async with world.db.reading(api.tenant_id) as reading:
        failed = await reading.text(
            f"SELECT reaction, error FROM reaction_failures WHERE tenant_id = '{api.tenant_id.hex}'"
        )
    assert [tuple(row) for row in failed] == []
    # and what was stored meanwhile lets everybody go on
    asked = {"channel": "web-x", "skus": ["TEE-x", "SET-x"], "destination": {"country": "US", "postalCode": "10001"}}
    assert (await api.raw(document("availability"), {"input": asked})).json().get("errors") is None


async def test_surprises_are_told_apart_from_refusals() -> None:
    assert wrong(503, {}) == "status 503"
    assert wrong(200, {"errors": [{"message": "no", "extensions": {"code": "INTERNAL"}}]}) == "INTERNAL: no"
    assert wrong(200, {"errors": [{"message": "no", "extensions": {"code": "BAD_INPUT"}, "path": ["a"]}]}) is None
    nameless = {"code": "INVALID", "message": "", "path": []}
    assert wrong(200, {"data": {"a": {"userErrors": [nameless]}}}) == f"userError {nameless}"
    assert PERSON["email"] not in HOSTILE["String"]


MOST = 2**31 - 1


async def test_sums_beyond_32_bits_are_told_as_the_most_that_an_int_can_say(api: Api) -> None:
    walk = Walk(api, "m")
    await walk._world()
    tee, dc, store = walk.my("TEE"), walk.my("dc"), walk.my("store")
    changes = [{"sku": tee, "location": dc, "delta": MOST, "bucket": bucket} for bucket in ("DAMAGED", "IN_TRANSFER")]
    (adjusted,) = (await walk.do("inventoryAdjust", changes=changes, reason="found"))["positions"]
    assert adjusted["unavailable"] == MOST
    at = "2030-01-01T00:00:00Z"
    supplies = [
        {"reference": f"PO-{i}", "sku": tee, "location": dc, "quantity": MOST, "expectedAt": at} for i in range(3)
    ]
    assert (await walk.do("supplyPut", supplies=supplies))["positions"][0]["incoming"] == MOST
    full = [{"sku": tee, "location": place, "quantity": MOST} for place in (dc, store)]
    await walk.do("inventorySet", quantities=full, reason="count")
    (offer,) = (await walk.ask("availability", input={"channel": walk.my("web"), "skus": [tee]}))["availability"]
    assert (offer["available"], {step["available"] for step in offer["schedule"]}) == (MOST, {MOST})
    lines = [{"sku": tee, "quantity": 10_000_000}] * 500
    asked = {"channel": walk.my("web"), "lines": lines, "destination": walk.destination}
    short = (await walk.ask("promise", input=asked))["promise"]["unavailable"]
    assert [error["details"]["requested"] for error in short] == [MOST]


async def test_an_order_that_costs_more_than_can_be_added_up_is_refused(api: Api) -> None:
    """Ten lines, each sent fifty times by its variable, with the largest taxes there are: beyond 64 bits."""
    walk = Walk(api, "n")
    await walk._world()
    tax = {"kind": "TAX", "label": "tax", "amount": {"amount": "10000000000000", "currency": "USD"}}
    line = {"sku": walk.my("CARD"), "quantity": 1, "adjustments": [tax] * 50}
    used = " ".join(f"$l{i}" for i in range(10) for _ in range(50))
    declared = ", ".join(f"$l{i}: OrderLineInput!" for i in range(10))
    create = f"""mutation({declared}, $channel: String!) {{ orderCreate(input: {{idempotencyKey: "k", channel: $channel,
      customer: {{}}, lines: [{used}]}}) {{ order {{ id }} userErrors {{ code path }} }} }}"""
    lines = {f"l{i}": line for i in range(10)}
    (error,) = await api.refused(create, channel=walk.my("web"), **lines)
    assert error == {"code": "INVALID_AMOUNT", "path": ["input", "lines"]}
    once_more = create.replace("[$l0", "[$l0 $l0")
    answer = await api.answer(once_more, channel=walk.my("web"), **lines)
    assert "$l0 more than 50 times" in answer["errors"][0]["message"]


async def test_texts_for_people_are_kept_in_any_script(api: Api) -> None:
    for name in ("👩\u200d👩\u200d👧\u200d👦 Family", "\u200fقميص\u200f", "e\u0301cole", "T‑Shirt „Größe M“"):
        put = {"code": "A", "name": name}
        (sku,) = (await api.ok(document("skuPut"), input={"skus": [put]}))["skus"]
        assert sku["name"] == name
    refused = {"code": "A", "name": "a\nb", "unit": "x" * 21, "hsCode": ""}
    errors = await api.refused(document("skuPut"), input={"skus": [refused]})
    assert [error["path"][-1] for error in errors] == ["name", "unit", "hsCode"]
