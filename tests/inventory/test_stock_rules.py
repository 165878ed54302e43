"""Units that are kept back: the most specific rule wins, read or held; units a day are counted and guarded."""

import random
from datetime import timedelta
from typing import Any

import pytest

from inventory.stock_world import Shop, refused, somebody, soon
from inventory.test_stock_races import at_once, codes, done
from oms_api import inventory
from oms_api.inventory import Ruled, StockRuleKind
from oms_api.kit import clock
from oms_api.kit.db import Tx
from world import statements, travel

PUT = """mutation($input: StockRulesPutInput!) { stockRulesPut(input: $input) {
  stockRules { id handle kind sku units location { handle } channel deliveryMethod startsAt endsAt }
  userErrors { code message path } } }"""
READ = """query($skus: [String!], $first: Int, $after: String) { stockRules(skus: $skus, first: $first, after: $after) {
  nodes { handle units } pageInfo { hasNextPage endCursor } } }"""
CHANNEL = "mutation($input: ChannelPutInput!) { channelPut(input: $input) { userErrors { code message } } }"
LOCATION = "mutation($input: LocationPutInput!) { locationPut(input: $input) { userErrors { code } } }"
KINDS = StockRuleKind


async def sold(shop: Shop) -> None:
    """A channel `web` that sells from both locations."""
    web = {"handle": "web", "name": "web", "currency": "USD", "locations": ["east", "west"]}
    await shop.api.ok(CHANNEL, input={"channels": [web]})


def keep(handle: str, units: int | None, **more: Any) -> dict[str, Any]:
    return {"handle": handle, "kind": "SAFETY_STOCK", "sku": "A", "units": units, **more}


async def put(shop: Shop, *rules: dict[str, Any]) -> Any:
    return (await shop.api.ok(PUT, input={"rules": list(rules)}))["stockRules"]


async def free(shop: Shop, at: str = "east", method: str | None = None, *, sku: str = "A") -> int:
    async with shop.world.db.reading(shop.api.tenant_id) as reading:
        rows, _ = await inventory.stock(reading, [sku], [shop.locations[at]], method=method, channel="web")
    return max(0, rows[0].free()) if rows else 0


async def test_a_rule_is_put_changed_read_and_taken_away(shop: Shop) -> None:
    (rule,) = await put(shop, keep("a", 3, location="east", deliveryMethod="PICKUP"))
    assert rule.pop("id").startswith("rul_")
    assert rule == {
        "handle": "a", "kind": "SAFETY_STOCK", "sku": "A", "units": 3, "location": {"handle": "east"}, "channel": None,
        "deliveryMethod": "PICKUP", "startsAt": None, "endsAt": None,
    }  # fmt: skip
    await put(shop, keep("a", 4), keep("b", 1, sku="B"))
    page = (await shop.api(READ, first=1))["stockRules"]
    assert (page["nodes"], page["pageInfo"]["hasNextPage"]) == ([{"handle": "a", "units": 4}], True)
    page = (await shop.api(READ, first=1, after=page["pageInfo"]["endCursor"]))["stockRules"]
    assert page["nodes"] == [{"handle": "b", "units": 1}]
    assert (await shop.api(READ, skus=["B"]))["stockRules"]["nodes"] == [{"handle": "b", "units": 1}]
    assert await put(shop, keep("a", None)) == []
    assert (await shop.api(READ))["stockRules"]["nodes"] == [{"handle": "b", "units": 1}]
    told = [event.data for event in await shop.events() if event.topic == "inventory.rule_changed"]
    assert [(data["handle"], data["units"]) for data in told] == [("a", 3), ("a", 4), ("b", 1), ("a", None)]


async def test_the_most_specific_rule_wins_in_what_is_read_and_in_what_is_held(shop: Shop) -> None:
    await shop.stocked(A=20, A_west=20)
    await shop.api.ok(LOCATION, input={"locations": [{"handle": "east", "name": "east", "safetyStock": 9}]})
    await put(shop, keep("sku", 5), keep("east", 2, location="east"),
              keep("pickup", 0, location="east", deliveryMethod="PICKUP"))  # fmt: skip
    assert [await free(shop, "west"), await free(shop), await free(shop, method="PICKUP")] == [15, 18, 20]
    query = 'query { inventory(skus: ["A"]) { nodes { location { handle } safetyStock available } } }'
    nodes = (await shop.api(query))["inventory"]["nodes"]
    assert sorted((node["location"]["handle"], node["safetyStock"], node["available"]) for node in nodes) == [
        ("east", 2, 18), ("west", 5, 15),
    ]  # fmt: skip
    for want, available in (
        (shop.want("A", 21, method="PICKUP"), 20), (shop.want("A", 19, method="SHIPPING"), 18),
        (shop.want("A", 16, at=shop.west), 15),
    ):  # fmt: skip
        (refusal,) = await refused(shop.reserve(want))
        assert refusal.details is not None and refusal.details["available"] == available
    await shop.reserve(shop.want("A", 18, method="SHIPPING"))
    (refusal,) = await refused(shop.reserve(shop.want("A", 1, method="SHIPPING")))
    await shop.reserve(shop.want("A", 2, method="PICKUP"))
    await shop.sound()


async def test_a_rule_applies_from_until(shop: Shop) -> None:
    await shop.stocked(A=20)
    box = {"startsAt": soon(days=1).isoformat(), "endsAt": soon(days=3).isoformat()}
    await put(shop, keep("always", 2), keep("rush", 15, **box))
    assert await free(shop) == 18
    with travel(days=2):
        assert await free(shop) == 5
        (refusal,) = await refused(shop.reserve(shop.want("A", 6)))
        assert refusal.code == "INSUFFICIENT_STOCK"
    with travel(days=4):
        assert await free(shop) == 18


@pytest.mark.parametrize("seed", range(4))
async def test_the_guard_and_the_reader_agree_whatever_the_rules(shop: Shop, seed: int) -> None:
    chance = random.Random(seed)
    await shop.stocked(A=30, A_west=30)
    for _ in range(6):
        rules = []
        for i in range(chance.randint(1, 8)):
            location = chance.choice([None, "east", "west"])
            rules.append(
                Ruled(
                    f"r{i}", KINDS.SAFETY_STOCK, "A", chance.choice([None, *range(0, 30, 3)]), location,
                    chance.choice([None, "SHIPPING", "PICKUP"]) if location else None, None,
                    chance.choice([None, soon(days=-2), soon(days=-1), soon(days=1)]),
                    chance.choice([None, soon(days=2)]),
                )
            )  # fmt: skip
        await shop.run(lambda tx, rules=rules: inventory.put_rules(tx, rules))
        for at in ("east", "west"):
            for method in ("SHIPPING", "PICKUP"):
                units = await free(shop, at, method)
                want = shop.want("A", units + 1, at=shop.locations[at], method=method)
                await refused(shop.reserve(want))
                if units:

                    async def held(tx: Tx, units: int = units, at: str = at, method: str = method) -> None:
                        want = shop.want("A", units, at=shop.locations[at], method=method)
                        await inventory.reserve(tx, [want], owner_id=somebody())
                        tx.discard()

                    await shop.run(held)


async def test_units_a_day_are_counted_given_back_and_begin_anew_tomorrow(shop: Shop) -> None:
    await sold(shop)
    await shop.stocked(A=20)
    await put(shop, {"handle": "day", "kind": "MAX_PER_DAY", "sku": "A", "units": 5, "location": "east"})
    assert await free(shop) == 5
    cart = await shop.reserve(shop.want("A", 3))
    await shop.reserve(shop.want("A", 1), owner_id=somebody())
    assert await free(shop) == 1
    before = await shop.everything()
    (refusal,) = await refused(shop.reserve(shop.want("A", 2)))
    assert refusal.code == "INSUFFICIENT_STOCK"
    assert refusal.details is not None
    assert (refusal.details["requested"], refusal.details["available"]) == (2, 1)
    tomorrow = (clock.now() + timedelta(days=1)).date()
    assert refusal.details["next_available_at"].date() == tomorrow
    assert await shop.everything() == before
    await shop.run(lambda tx: inventory.release(tx, cart.id))
    assert await free(shop) == 4
    await shop.reserve(shop.want("A", 4), owner_id=somebody())
    with travel(days=1):
        assert await free(shop) == 5
        await shop.reserve(shop.want("A", 5), owner_id=somebody())
    assert await free(shop) == 0
    await shop.sound()


async def test_a_cart_that_ends_gives_its_units_of_the_day_back(shop: Shop) -> None:
    await shop.stocked(A=20)
    await put(shop, {"handle": "day", "kind": "MAX_PER_DAY", "sku": "A", "units": 5, "location": "east"})
    await shop.reserve(shop.want("A", 5), seconds=-1)
    await shop.world.tick("inventory.expire")
    assert await free(shop) == 5


async def test_50_callers_for_a_day_of_20_units_get_exactly_20(shop: Shop) -> None:
    await sold(shop)
    await shop.stocked(A=500, A_west=500)
    await put(
        shop,
        {"handle": "web", "kind": "MAX_PER_DAY", "sku": "A", "units": 20, "channel": "web"},
        {"handle": "east", "kind": "MAX_PER_DAY", "sku": "A", "units": 15, "location": "east"},
    )

    async def held(i: int) -> None:
        async def work(tx: Tx) -> None:
            want = shop.want("A", 1, at=shop.east if i % 2 else shop.west)
            await inventory.reserve(tx, [want], owner_id=somebody(), channel="web")

        await shop.run(work)

    results = await at_once(*[held(i) for i in range(50)])
    assert done(results) == 20
    assert codes(results) == {"INSUFFICIENT_STOCK"}
    reserved = [(await shop.position("A", at)).reserved for at in (shop.east, shop.west)]
    assert sum(reserved) == 20 and reserved[0] <= 15
    await shop.sound()


async def test_a_rule_that_changes_beside_reserves_lets_no_more_through_than_one_of_both_allows(shop: Shop) -> None:
    await shop.stocked(A=100)
    await put(shop, keep("a", 50))
    results = await at_once(
        *[shop.reserve(shop.want("A", 1), owner_id=somebody()) for _ in range(60)],
        *[shop.api.ok(PUT, input={"rules": [keep("a", units)]}) for units in (60, 50, 55)],
    )
    assert codes(results) == {"INSUFFICIENT_STOCK"}
    assert 40 <= (await shop.position("A")).reserved <= 50
    await shop.sound()


async def test_what_is_wrong_with_rules_is_told_at_once(shop: Shop) -> None:
    await sold(shop)
    at = soon(days=1).isoformat()
    rules = [
        keep("a", -1, channel="web"), keep("", 1, deliveryMethod="PICKUP"),
        {"handle": "c", "kind": "THRESHOLD", "sku": "A", "units": 1, "location": "east"},
        {"handle": "d", "kind": "MAX_PER_DAY", "sku": "A", "units": 1},
        keep("e", 1, startsAt=at, endsAt=at), keep("f", 1, sku="NONE", location="nowhere"), keep("f", 1),
        {"handle": "g", "kind": "THRESHOLD", "sku": "A", "units": 1, "channel": "none"},
    ]  # fmt: skip
    errors = await shop.api.refused(PUT, input={"rules": rules})
    assert [(error["code"], *error["path"][2:]) for error in errors] == [
        ("INVALID", "0", "units"), ("INVALID", "0", "channel"), ("INVALID", "1", "handle"),
        ("REQUIRED", "1", "location"), ("INVALID", "2", "location"), ("REQUIRED", "2", "channel"), ("REQUIRED", "3"),
        ("INVALID", "4", "endsAt"), ("INVALID", "5", "handle"), ("INVALID", "6", "handle"), ("NOT_FOUND", "5", "sku"),
        ("NOT_FOUND", "5", "location"), ("NOT_FOUND", "7", "channel"),
    ]  # fmt: skip
    assert (await shop.api(READ))["stockRules"]["nodes"] == []


async def test_rules_cost_a_reserve_no_statement_until_units_are_counted_by_day(shop: Shop) -> None:
    await shop.stocked(A=50, B=50)
    with statements() as plain:
        await shop.reserve(shop.want("A", 1), owner_id=somebody())
    await put(shop, keep("a", 3), keep("b", 3, location="east"))
    with statements() as ruled:
        await shop.reserve(shop.want("A", 1), owner_id=somebody())
    assert len(ruled) == len(plain)
    await put(shop, {"handle": "day", "kind": "MAX_PER_DAY", "sku": "A", "units": 30, "location": "east"})
    with statements() as counted:
        await shop.reserve(shop.want("A", 1), shop.want("B", 1), owner_id=somebody())
    assert len(counted) == len(plain) + 3
