"""Bad input of every kind is a clear 4xx with a code and the request id, never a 500."""

import json
from typing import Any

import pytest

from world import Api, World

VIEWER = "{ viewer { tenant } }"


async def _post(world: World, api: Api, content: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    response = await world.http.post(
        "/graphql",
        content=content,
        headers={
            "authorization": f"Bearer {api.key}",
            "content-type": "application/json",
            "accept": "application/graphql-response+json",
            **headers,
        },
    )
    return response.status_code, response.json()


def _document(text: str, **variables: Any) -> bytes:
    return json.dumps({"query": text, "variables": variables}).encode()


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "BAD_REQUEST"),
        (b"\xff\xfe", 400, "BAD_REQUEST"),
        (b"[]", 400, "BAD_REQUEST"),
        (b'{"query": 1}', 400, "BAD_REQUEST"),
        (b"[" * 100_000, 400, "BAD_REQUEST"),
        (_document("query($c: String!) { sku(code: $c) { id } }", c="a\0"), 400, "BAD_REQUEST"),
        (_document('{ sku(code: "a\\u0000") { id } }'), 400, "BAD_REQUEST"),
        (b'{"query": "{ viewer { tenant } }", "variables": []}', 400, "BAD_REQUEST"),
        (_document("{ viewer {"), 400, "PARSE_FAILED"),
        (_document("{ nothing }"), 400, "VALIDATION_FAILED"),
        (_document("query A { viewer { tenant } } query B { viewer { tenant } }"), 400, "VALIDATION_FAILED"),
        (_document("query($c: String!) { sku(code: $c) { id } }", c=5), 400, "VALIDATION_FAILED"),
        (_document("query($c: String!) { sku(code: $c) { id } }"), 400, "VALIDATION_FAILED"),
        (_document("{ viewer {" + " tenant" * 3000 + "} }"), 400, "PARSE_FAILED"),
        (_document("{" + " ".join(f"a{i}: viewer {{ tenant }}" for i in range(31)) + "}"), 400, "VALIDATION_FAILED"),
        (b'{"query": "' + b"x" * 300_000 + b'"}', 413, "BODY_TOO_LARGE"),
    ],
)
async def test_a_bad_request_is_told_what_is_wrong(
    world: World, api: Api, content: bytes, status: int, code: str
) -> None:
    got, body = await _post(world, api, content)
    assert (got, body["errors"][0]["extensions"]["code"]) == (status, code), body
    assert body["errors"][0]["extensions"]["requestId"].startswith("req_")
    assert "data" not in body


@pytest.mark.parametrize("value", [2**63, -5, "x", 1.5, "NaN", None, [], {}, "9" * 5000])
async def test_a_bad_value_of_an_int_is_refused(world: World, api: Api, value: Any) -> None:
    query = "query($n: Int!) { events(first: $n) { nodes { id } } }"
    status, body = await _post(world, api, _document(query, n=value))
    assert status < 500
    assert body["errors"][0]["extensions"]["code"] in ("VALIDATION_FAILED", "BAD_INPUT")


async def test_the_callers_request_id_comes_back(world: World, api: Api) -> None:
    response = await api.raw(VIEWER, None, **{"x-request-id": "till-7:42"})
    assert response.headers["x-request-id"] == "till-7:42"
    hostile = await api.raw(VIEWER, None, **{"x-request-id": "a b\tc"})
    assert hostile.headers["x-request-id"].startswith("req_")


async def test_a_wrong_key_is_401(world: World) -> None:
    response = await world.http.post(
        "/graphql", json={"query": VIEWER}, headers={"authorization": "Bearer oms_test_nonsense"}
    )
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"


async def test_get_is_for_queries_only(world: World, api: Api) -> None:
    headers = {"authorization": f"Bearer {api.key}", "accept": "application/graphql-response+json"}
    read = await world.http.get("/graphql", params={"query": VIEWER}, headers=headers)
    assert read.json()["data"] == {"viewer": {"tenant": api.handle}}
    put = "mutation { skuPut(input: {skus: []}) { userErrors { code } } }"
    written = await world.http.get("/graphql", params={"query": put}, headers=headers)
    assert (written.status_code, written.headers["allow"]) == (405, "POST")


async def test_an_operation_that_asks_too_much_is_told_its_cost(api: Api) -> None:
    ids = (
        "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Sku { components { item { components { item { id } } } } } } }"
    )
    body = await api.answer(ids, ids=["sku_" + "0" * 26] * 2000)
    assert body["errors"][0]["extensions"]["code"] == "COST_EXCEEDED"
    assert "5000 are allowed" in body["errors"][0]["message"]


async def test_a_document_too_deep_is_refused(api: Api) -> None:
    deep = '{ sku(code: "A") {' + " components { item {" * 6 + " id " + "} }" * 6 + "} }"
    body = await api.answer(deep)
    assert "levels deep" in body["errors"][0]["message"]


async def test_the_cost_is_told_with_each_answer(api: Api) -> None:
    assert (await api.answer(VIEWER))["extensions"]["cost"] == {"requested": 1, "limit": 5000}


async def test_health_is_told_without_a_key(world: World) -> None:
    assert (await world.http.get("/healthz")).json() == {"status": "ok"}
    assert (await world.http.get("/readyz")).json() == {"status": "ok"}
    metrics = (await world.http.get("/metrics")).text
    assert "oms_http_requests_total" in metrics
