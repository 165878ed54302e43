"""What one document may cost before it runs, in CPU too."""

import time

import pytest
from starlette.requests import Request

from oms_api.kit.graphql.http import endpoint
from world import Api, World

ACCEPT = {"accept": "application/graphql-response+json"}
PUT = """mutation%s { skuPut(input: {skus: [{code: "A", name: "a",
  metadata: [{key: "a.b", value: %s}]}]}) { userErrors { code } } }"""


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ('{ sku(code: "a\\u{0}") { id } }', "NUL"),
        ('{ sku(code: """a\0""") { id } }', "NUL"),
        ("{ events(first: " + "9" * 5000 + ") { nodes { id } } }", "5000 digits"),
        (PUT % ("", "9" * 5000), "5000 digits"),
        (PUT % ("", "9" * 30), "not a JSON number"),
        (PUT % ("", "{a: [1e999]}"), "not a JSON number"),
        ("{" + "viewer { test }" * 51 + "}", "viewer more than 50 times"),
        (
            "{" + "".join(f"...f{i}" for i in range(60)) + "}"
            + "".join(f"fragment f{i} on Query {{ viewer {{ test }} }}" for i in range(60)),
            "viewer more than 50 times",
        ),
    ],
)  # fmt: skip
async def test_what_a_document_may_not_hold_is_refused_by_name(api: Api, document: str, says: str) -> None:
    response = await api.world.http.get(
        "/graphql", params={"query": document}, headers={"authorization": f"Bearer {api.key}", **ACCEPT}
    )
    (error,) = response.json()["errors"]
    assert (response.status_code, error["extensions"]["code"]) == (400, "VALIDATION_FAILED")
    assert says in error["message"]


async def test_a_number_that_fits_64_bits_is_kept_as_it_is(api: Api) -> None:
    for number in (2**63 - 1, -(2**63), 0.1, -0.0, 1e-300):
        await api.ok(PUT % ("($value: JSON)", "$value"), value=number)
        (entry,) = (await api('{ sku(code: "A") { metadata { value } } }'))["sku"]["metadata"]
        assert entry["value"] == number


async def test_fragments_that_double_at_each_step_cost_no_time(api: Api) -> None:
    """2^40 steps if each was followed."""
    chain = "".join(f"fragment f{i} on Query {{ ...f{i + 1} ...f{i + 1} }}" for i in range(40))
    started = time.process_time()
    answer = await api.answer(f"{{ ...f0 }} {chain} fragment f40 on Query {{ viewer {{ test }} }}")
    assert answer["errors"][0]["extensions"]["code"] == "COST_EXCEEDED"
    assert time.process_time() - started < 2


@pytest.mark.parametrize("locale", ["zz", "", "x" * 500, "../../etc/passwd", "en\n"])
async def test_an_unknown_locale_is_named(api: Api, locale: str) -> None:
    await api.ok(
        """mutation { skuPut(input: {skus: [{code: "A", name: "a", listPrice: {amount: "19.90", currency: "EUR"}}]})
        { userErrors { code } } }"""
    )
    asked = 'query($locale: String!) { sku(code: "A") { listPrice { formatted(locale: $locale) } } }'
    (error,) = (await api.answer(asked, locale=locale))["errors"]
    assert error["extensions"]["code"] == "BAD_INPUT"
    assert "is not a locale we know" in error["message"]
    known = await api(asked, locale="de_AT")
    assert known["sku"]["listPrice"]["formatted"] == "€\xa019,90"


async def test_a_bug_on_the_way_to_a_document_is_masked_and_in_the_shape_of_every_other_error(world: World) -> None:
    async def broken(_: Request, __: str) -> None:
        raise ZeroDivisionError("ada@example.com")

    handle = endpoint(world.app.state.engine, broken)  # type: ignore[arg-type]
    scope = {
        "type": "http", "method": "GET", "path": "/graphql", "headers": [], "query_string": b"query={viewer{test}}",
    }  # fmt: skip
    response = await handle(Request(scope))
    assert response.status_code == 500
    assert b'"code":"INTERNAL"' in response.body
    assert response.headers["x-request-id"].encode() in response.body
    assert b"ada@example.com" not in response.body
