"""Kits that hold kits, and what may stand in for a SKU."""

import asyncio
from typing import Any

import pytest

from oms_api import catalog
from oms_api.catalog import rules
from world import Api, World

PUT = """mutation($input: SkuPutInput!) { skuPut(input: $input) {
  skus { code components { item { code kind } quantity } substitutes { item { code } ratio needsConsent } }
  userErrors { code message path } } }"""


def sku(code: str, **parts: int) -> dict[str, Any]:
    made = [{"sku": part.replace("_", "-"), "quantity": units} for part, units in parts.items()]
    return {"code": code, "name": code} | ({"kind": "KIT", "components": made} if made else {})


async def put(api: Api, *skus: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.ok(PUT, input={"skus": list(skus)}))["skus"]
    return found


async def parts(world: World, api: Api, *codes: str) -> dict[str, dict[str, int]]:
    async with world.db.reading(api.tenant_id) as reading:
        return {code: item.components for code, item in (await catalog.items(reading, codes)).items()}


async def test_a_kit_in_a_kit_is_shown_as_put_and_counts_by_its_goods(world: World, api: Api) -> None:
    box = sku("BOX", SET=2, CUP=1)
    shown = await put(api, box, sku("SET", CUP=4, SPOON=1), sku("CUP"), sku("SPOON"))
    assert shown[0]["components"] == [
        {"item": {"code": "SET", "kind": "KIT"}, "quantity": 2},
        {"item": {"code": "CUP", "kind": "PHYSICAL"}, "quantity": 1},
    ]
    assert await parts(world, api, "BOX", "SET") == {"BOX": {"CUP": 9, "SPOON": 2}, "SET": {"CUP": 4, "SPOON": 1}}


async def test_what_holds_a_changed_kit_follows(world: World, api: Api) -> None:
    await put(api, sku("CUP"), sku("SPOON"), sku("SET", CUP=4), sku("BOX", SET=2), sku("CRATE", BOX=3, SPOON=1))
    await put(api, sku("SET", SPOON=1))
    assert await parts(world, api, "CRATE", "BOX") == {"CRATE": {"SPOON": 7}, "BOX": {"SPOON": 2}}
    await put(api, sku("BOX", CUP=1))
    assert await parts(world, api, "CRATE", "BOX") == {"CRATE": {"CUP": 3, "SPOON": 1}, "BOX": {"CUP": 1}}
    await put(api, sku("SET", CUP=100))
    assert await parts(world, api, "CRATE", "BOX") == {"CRATE": {"CUP": 3, "SPOON": 1}, "BOX": {"CUP": 1}}
    await put(api, {"code": "CRATE", "name": "another name"})
    assert await parts(world, api, "CRATE") == {"CRATE": {"CUP": 3, "SPOON": 1}}


async def test_a_circle_is_refused_by_name(world: World, api: Api) -> None:
    await put(api, sku("CUP"), sku("A", CUP=1), sku("B", A=1), sku("C", B=1))
    (error,) = await api.refused(PUT, input={"skus": [sku("A", C=1)]})
    assert (error["code"], error["path"]) == ("INVALID", ["input", "skus", "0", "components"])
    assert error["message"] == "A > C > B > A: a kit cannot hold itself; take one out of the other."
    (error,) = await api.refused(PUT, input={"skus": [sku("X", X=1)]})
    assert error["message"] == "X > X: a kit cannot hold itself; take one out of the other."
    assert await parts(world, api, "A", "B", "C") == {"A": {"CUP": 1}, "B": {"CUP": 1}, "C": {"CUP": 1}}


async def test_circles_that_two_close_at_once_are_refused_too(world: World, api: Api) -> None:
    for turn in range(5):
        a, b = f"A-{turn}", f"B-{turn}"
        await put(api, sku("CUP"), sku(a, CUP=1), sku(b, CUP=1))
        answers = await asyncio.gather(
            api(PUT, input={"skus": [sku(a, **{b: 1})]}), api(PUT, input={"skus": [sku(b, **{a: 1})]})
        )
        refused = [len(answer["skuPut"]["userErrors"]) for answer in answers]
        assert sorted(refused) == [0, 1]


async def test_kits_are_at_most_five_deep_also_through_those_above(api: Api) -> None:
    await put(api, sku("CUP"), sku("K1", CUP=1), *(sku(f"K{i}", **{f"K{i - 1}": 1}) for i in range(2, 6)))
    (error,) = await api.refused(PUT, input={"skus": [sku("K6", K5=1)]})
    assert error["message"] == "K6 would be 6 kits deep; at most 5 may be within each other."
    await put(api, sku("DEEP", CUP=1))
    (error,) = await api.refused(PUT, input={"skus": [sku("K1", DEEP=1)]})
    assert error["message"] == "K5 would be 6 kits deep; at most 5 may be within each other."
    assert error["path"] == ["input", "skus"]
    (error,) = await api.refused(PUT, input={"skus": [sku("L2", L1=10_000), sku("L1", CUP=10_000)]})
    assert "of one 100,000,000 units" in error["message"]


async def test_a_kit_holds_goods_and_kits_only(api: Api) -> None:
    await put(api, {"code": "FILE", "name": "File", "kind": "DIGITAL"})
    (error,) = await api.refused(PUT, input={"skus": [sku("SET", FILE=1)]})
    assert error["message"] == "FILE is DIGITAL; a kit is made of goods and kits."


def test_a_net_of_kits_is_worked_out_in_no_time() -> None:
    """A hundred levels, each kit holding both of the next: 2^100 ways down, each kit looked at once."""
    kits = {f"{i}{side}": [(f"{i + 1}a", 1), (f"{i + 1}b", 1)] for i in range(100) for side in "ab"}
    found = rules.misfits(kits, ["0a"], {})
    assert str(found["0a"]) == "0a would be 100 kits deep; at most 5 may be within each other."


async def test_substitutes_are_kept_in_their_order(world: World, api: Api) -> None:
    tea = {
        "code": "TEA", "name": "Tea",
        "substitutes": [{"sku": "CHAI", "ratio": "0.50", "needsConsent": False}, {"sku": "MATE"}],
    }  # fmt: skip
    (shown, *_) = await put(api, tea, sku("CHAI"), sku("MATE"))
    wanted = [
        {"item": {"code": "CHAI"}, "ratio": "0.5", "needsConsent": False},
        {"item": {"code": "MATE"}, "ratio": "1", "needsConsent": True},
    ]
    assert shown["substitutes"] == wanted
    assert (await put(api, {"code": "TEA", "name": "Green tea"}))[0]["substitutes"] == wanted
    async with world.db.reading(api.tenant_id) as reading:
        found = await catalog.substitutes_of(reading, ["TEA", "CHAI"])
    assert {code: [(one.sku, str(one.ratio)) for one in rows] for code, rows in found.items()} == {
        "TEA": [("CHAI", "0.5"), ("MATE", "1")]
    }
    swapped = [{"sku": "MATE", "ratio": "10"}, {"sku": "CHAI"}]
    (shown,) = await put(api, {"code": "TEA", "name": "Tea", "substitutes": swapped})
    assert [(one["item"]["code"], one["ratio"]) for one in shown["substitutes"]] == [("MATE", "10"), ("CHAI", "1")]
    (shown,) = await put(api, {"code": "TEA", "name": "Tea", "substitutes": None})
    assert shown["substitutes"] == []


@pytest.mark.parametrize(
    ("sent", "code", "path", "message"),
    [
        ({"sku": "TEA"}, "INVALID", "sku", "TEA cannot stand in for itself."),
        ({"sku": "NO"}, "NOT_FOUND", "sku", "There is no SKU 'NO'; make it with skuPut, before or in the same call."),
        ({"sku": "FILE"}, "INVALID", "sku", "FILE is DIGITAL; only goods stand in for goods."),
        (
            {"sku": "MATE", "ratio": "0"}, "INVALID", "ratio",
            "ratio 0 must be more than 0, at most 10,000, with at most six decimals.",
        ),
        (
            {"sku": "MATE", "ratio": "0.0000001"}, "INVALID", "ratio",
            "ratio 1E-7 must be more than 0, at most 10,000, with at most six decimals.",
        ),
    ],
)  # fmt: skip
async def test_what_cannot_stand_in_is_refused(
    api: Api, sent: dict[str, Any], code: str, path: str, message: str
) -> None:
    await put(api, sku("TEA"), sku("MATE"), {"code": "FILE", "name": "File", "kind": "DIGITAL"})
    tea = {"code": "TEA", "name": "Tea", "substitutes": [sent]}
    (error,) = await api.refused(PUT, input={"skus": [tea]})
    assert (error["code"], error["path"]) == (code, ["input", "skus", "0", "substitutes", "0", path])
    assert error["message"] == message
    file = {"code": "FILE", "name": "File", "substitutes": [{"sku": "TEA"}]}
    (error,) = await api.refused(PUT, input={"skus": [file]})
    assert error["message"] == "FILE is DIGITAL; only goods have substitutes."
