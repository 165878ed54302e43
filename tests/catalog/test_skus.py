"""SKUs through the API."""

from world import Api, World, statements

PUT = """mutation($input: SkuPutInput!) { skuPut(input: $input) {
  skus { id code name kind weightGrams barcodes listPrice { amount currency minorAmount formatted(locale: "de") }
         components { item { code } quantity } metadata { key value } }
  userErrors { code message path } } }"""
UPDATED = """{ events(topics: ["sku.updated"]) { nodes { changes { updated } } } }"""
SKU = "query($code: String!) { sku(code: $code) { id code name weightGrams } }"


async def test_a_sku_is_created_then_changed_by_its_code(api: Api) -> None:
    price = {"amount": "19.90", "currency": "EUR"}
    new = await api.ok(
        PUT, input={"skus": [{"code": "SHOE-42", "name": "Shoe", "weightGrams": 700, "listPrice": price}]}
    )
    (sku,) = new["skus"]
    assert sku["kind"] == "PHYSICAL"
    assert sku["listPrice"] == {
        "amount": "19.90", "currency": "EUR", "minorAmount": "1990", "formatted": "19,90\xa0€",
    }  # fmt: skip
    changed = await api.ok(PUT, input={"skus": [{"code": "SHOE-42", "name": "Blue shoe"}]})
    assert changed["skus"][0]["id"] == sku["id"]
    assert (await api(SKU, code="SHOE-42"))["sku"] == {
        "id": sku["id"], "code": "SHOE-42", "name": "Blue shoe", "weightGrams": 700,
    }  # fmt: skip


async def test_null_clears_and_absent_keeps(api: Api) -> None:
    await api.ok(PUT, input={"skus": [{"code": "A", "name": "A", "weightGrams": 5, "barcodes": ["4006381333931"]}]})
    put = await api.ok(PUT, input={"skus": [{"code": "A", "name": "A", "weightGrams": None}]})
    assert put["skus"][0]["weightGrams"] is None
    assert put["skus"][0]["barcodes"] == ["4006381333931"]


async def test_all_problems_are_told_at_once_and_nothing_is_written(api: Api) -> None:
    errors = await api.refused(
        PUT,
        input={
            "skus": [
                {"code": "GOOD", "name": "Good"},
                {"code": "BAD", "name": " ", "weightGrams": -1},
                {"code": "KIT", "name": "Kit", "kind": "KIT", "components": [{"sku": "NO", "quantity": 1}]},
            ]
        },
    )
    assert [(error["code"], error["path"]) for error in errors] == [
        ("INVALID", ["input", "skus", "1", "name"]),
        ("INVALID", ["input", "skus", "1", "weightGrams"]),
        ("NOT_FOUND", ["input", "skus", "2", "components", "0", "sku"]),
    ]
    assert errors[1]["message"] == "weightGrams -1 must be 0 to 100,000,000."
    assert errors[2]["message"] == "There is no SKU 'NO'; make it with skuPut, before or in the same call."
    assert (await api(SKU, code="GOOD"))["sku"] is None


async def test_a_barcode_names_one_sku(api: Api) -> None:
    await api.ok(PUT, input={"skus": [{"code": "A", "name": "A", "barcodes": ["111"]}]})
    (error,) = await api.refused(PUT, input={"skus": [{"code": "B", "name": "B", "barcodes": ["111"]}]})
    assert error["code"] == "TAKEN"
    assert error["message"] == "Barcode 111 is that of A; take it from that SKU first."
    twice = [{"code": code, "name": code, "barcodes": ["222"]} for code in "CD"]
    (error,) = await api.refused(PUT, input={"skus": twice})
    assert (error["code"], error["path"]) == ("TAKEN", ["input", "skus", "1", "barcodes", "0"])
    assert error["message"] == "Barcode 222 is that of C; take it from that SKU first."


async def test_a_bad_code_is_told_where_it_is(api: Api) -> None:
    (error,) = await api.refused(PUT, input={"skus": [{"code": "grün", "name": "Green"}]})
    assert (error["code"], error["path"]) == ("INVALID", ["input", "skus", "0", "code"])


async def test_a_kind_is_for_good(api: Api) -> None:
    """Stock and open orders rely on it."""
    await api.ok(PUT, input={"skus": [{"code": "A", "name": "A"}, {"code": "B", "name": "B", "kind": "DIGITAL"}]})
    for code, kind in (("A", "DIGITAL"), ("A", "SERVICE"), ("A", "KIT"), ("B", "PHYSICAL")):
        sku = {"code": code, "name": "other", "kind": kind, "components": [{"sku": "A", "quantity": 1}]}
        if kind != "KIT":
            del sku["components"]
        (error,) = await api.refused(PUT, input={"skus": [sku]})
        assert (error["code"], error["path"]) == ("INVALID_TRANSITION", ["input", "skus", "0", "kind"])
    assert (await api(SKU, code="A"))["sku"]["name"] == "A"
    kept = await api.ok(PUT, input={"skus": [{"code": "B", "name": "B", "kind": None}]})
    assert kept["skus"][0]["kind"] == "DIGITAL"


async def test_a_fact_names_fields_as_the_api_does(world: World, api: Api) -> None:
    await api.ok(PUT, input={"skus": [{"code": "A", "name": "A"}, {"code": "B", "name": "B"}]})
    price = {"amount": "1.00", "currency": "EUR"}
    entry = {"key": "shop.season", "value": "summer"}
    new = {"code": "A", "name": "A", "weightGrams": 5, "hsCode": "6403", "listPrice": price, "metadata": [entry]}
    await api.ok(PUT, input={"skus": [{**new, "substitutes": [{"sku": "B"}]}]})
    await api.ok(PUT, input={"skus": [{**new, "substitutes": [{"sku": "B"}]}]})
    await world.settle()
    log = await api(UPDATED)
    assert [sorted(event["changes"]["updated"]) for event in log["events"]["nodes"]] == [
        ["hsCode", "listPrice", "metadata", "substitutes", "weightGrams"]
    ]


async def test_a_kit_shows_its_parts(api: Api) -> None:
    kit = {"code": "SET", "name": "Set", "kind": "KIT", "components": [{"sku": "CUP", "quantity": 4}]}
    put = await api.ok(PUT, input={"skus": [{"code": "CUP", "name": "Cup"}, kit]})
    assert put["skus"][1]["components"] == [{"item": {"code": "CUP"}, "quantity": 4}]


async def test_another_tenant_sees_nothing(world: World, api: Api) -> None:
    put = await api.ok(PUT, input={"skus": [{"code": "MINE", "name": "Mine"}]})
    other = await world.tenant()
    assert (await other(SKU, code="MINE"))["sku"] is None
    node = await other("query($id: ID!) { node(id: $id) { id } }", id=put["skus"][0]["id"])
    assert node["node"] is None


async def test_a_key_without_the_scope_is_forbidden(world: World) -> None:
    api = await world.tenant("orders:read")
    body = await api.answer(SKU, code="A")
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert "catalog:read" in body["errors"][0]["message"]


async def test_250_skus_take_as_many_statements_as_one(api: Api) -> None:
    def batch(n: int, prefix: str) -> dict[str, object]:
        return {"skus": [{"code": f"{prefix}{i}", "name": "x"} for i in range(n)]}

    with statements() as one:
        await api.ok(PUT, input=batch(1, "a"))
    with statements() as many:
        await api.ok(PUT, input=batch(250, "b"))
    assert len(many) == len(one) == 4


TAGS = "mutation($input: SkuPutInput!) { skuPut(input: $input) { skus { tags } userErrors { code message path } } }"


async def test_tags_are_kept_once_each_in_order_and_go_with_null(api: Api) -> None:
    async def put(**more: object) -> list[str]:
        (sku,) = (await api.ok(TAGS, input={"skus": [{"code": "A", "name": "A", **more}]}))["skus"]
        found: list[str] = sku["tags"]
        return found

    assert await put() == []
    assert await put(tags=["hazmat", "bulky", "hazmat"]) == ["bulky", "hazmat"]
    assert await put() == ["bulky", "hazmat"]
    assert await put(tags=None) == []


async def test_a_tag_is_a_short_word_and_there_are_fifty_at_most(api: Api) -> None:
    await api.ok(TAGS, input={"skus": [{"code": "A", "name": "A", "tags": ["x"]}]})
    errors = await api.refused(
        TAGS,
        input={"skus": [{"code": "A", "name": "A", "tags": [""]}, {"code": "B", "name": "B", "tags": ["x" * 51]},
                        {"code": "C", "name": "C", "tags": [f"t{i}" for i in range(51)]}]},
    )  # fmt: skip
    assert [(error["path"][2:], error["message"]) for error in errors] == [
        (["0", "tags", "0"], "A tag has 1 to 50 characters."),
        (["1", "tags", "0"], "A tag has 1 to 50 characters."),
        (["2", "tags"], "Send at most 50 tags, not 51."),
    ]
    assert (await api('{ sku(code: "A") { tags } }'))["sku"] == {"tags": ["x"]}
