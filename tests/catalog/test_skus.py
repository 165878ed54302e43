"""SKUs through the API."""

from world import Api, World, statements

PUT = """mutation($input: SkuPutInput!) { skuPut(input: $input) {
  skus { id code name kind weightGrams barcodes listPrice { amount currency minorAmount formatted(locale: "de") }
         components { item { code } quantity } metadata { key value } }
  userErrors { code message path } } }"""
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
        ("INVALID", ["input", "skus", "2", "components", "0", "sku"]),
    ]
    assert (await api(SKU, code="GOOD"))["sku"] is None


async def test_a_barcode_names_one_sku(api: Api) -> None:
    await api.ok(PUT, input={"skus": [{"code": "A", "name": "A", "barcodes": ["111"]}]})
    (error,) = await api.refused(PUT, input={"skus": [{"code": "B", "name": "B", "barcodes": ["111"]}]})
    assert error["code"] == "TAKEN"
    assert "111 names A" in error["message"]


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
