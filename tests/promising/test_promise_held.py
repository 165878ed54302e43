"""Whatever the world: what is promised can be held, all of it and no unit more."""

import random
from collections import Counter
from typing import Any

import pytest

from promising.shop import CHICAGO, LOS_ANGELES, NEW_YORK, TO_NEW_YORK, shop
from world import Api

PROMISE = """query($input: PromiseInput!) { promise(input: $input) {
  promise { options { token shipments { location { handle } lines { sku quantity } } }
            unavailable { code details { sku requested available } } }
  userErrors { code } } }"""
RESERVE = """mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) {
  reservation { lines { sku quantity location { handle } } } userErrors { code } } }"""
AVAILABLE = """query($skus: [String!]!) { availability(input: { channel: "web", skus: $skus }) {
  availability { sku available } userErrors { code } } }"""
SKUS = ["A", "B", "C", "D"]
KIT = {"code": "KIT", "name": "Kit", "kind": "KIT", "components": [
    {"sku": "A", "quantity": 2}, {"sku": "D", "quantity": 1},
]}  # fmt: skip


async def available(api: Api) -> dict[str, int]:
    answer = await api.ok(AVAILABLE, skus=[*SKUS, "KIT"])
    return {row["sku"]: row["available"] for row in answer["availability"]}


@pytest.mark.parametrize("seed", range(12))
async def test_what_is_promised_is_held_to_the_unit(api: Api, seed: int) -> None:
    chance = random.Random(seed)
    places = [NEW_YORK, CHICAGO, LOS_ANGELES]
    names = [f"l{i}" for i in range(chance.randint(1, 6))]
    safety = {name: chance.choice([0, 0, 2]) for name in names}
    stock = {sku: {name: chance.randint(0, 9) for name in names} for sku in SKUS}
    parts = [{"code": sku, "name": sku, "weightGrams": chance.randint(0, 3000)} for sku in SKUS]
    await shop(
        api,
        {name: {**chance.choice(places), "safetyStock": safety[name]} for name in names},
        stock,
        skus=[*parts, KIT],
        threshold=chance.choice([0, 0, 3]),
        objective=chance.choice(["CHEAPEST", "FASTEST", "FEWEST_SHIPMENTS", "BALANCED"]),
    )
    for _ in range(6):
        before = await available(api)
        wanted = [
            {"sku": chance.choice([*SKUS, "KIT"]), "quantity": chance.randint(1, 12)}
            for _ in range(chance.randint(1, 4))
        ]
        asked = {"channel": "web", "lines": wanted, "destination": TO_NEW_YORK}
        promise = (await api.ok(PROMISE, input=asked))["promise"]
        units: Counter[str] = Counter()
        for line in wanted:
            for sku, per_unit in {"A": 2, "D": 1}.items() if line["sku"] == "KIT" else [(line["sku"], 1)]:
                units[sku] += per_unit * line["quantity"]
        possible = all(units[sku] <= before[sku] for sku in units)
        assert bool(promise["options"]) is possible
        assert bool(promise["unavailable"]) is not possible
        for option in promise["options"]:
            planned: Counter[tuple[str, str]] = Counter()
            for parcel in option["shipments"]:
                for line in parcel["lines"]:
                    planned[parcel["location"]["handle"], line["sku"]] += line["quantity"]
            assert _by_sku(planned) == units
            for (place, sku), quantity in planned.items():
                assert quantity <= stock[sku][place] - safety[place]
        if promise["options"]:
            token = chance.choice(promise["options"])["token"]
            held = (await api.ok(RESERVE, input={"promiseToken": token}))["reservation"]
            for line in held["lines"]:
                stock[line["sku"]][line["location"]["handle"]] -= line["quantity"]
            assert Counter(_sum(held["lines"])) == units
            after = await available(api)
            assert {sku: before[sku] - after[sku] for sku in SKUS} == {sku: units[sku] for sku in SKUS}


def _by_sku(planned: Counter[tuple[str, str]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for (_, sku), quantity in planned.items():
        found[sku] += quantity
    return found


def _sum(lines: list[dict[str, Any]]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for line in lines:
        found[line["sku"]] += line["quantity"]
    return found
