"""Callers of several classes over few units, really at once: each unit is sold to whom it belongs, none is left."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import pytest

from promising.shop import TO_NEW_YORK, shop
from world import Api, World

CLASSES = "mutation($input: DemandClassesPutInput!) { demandClassesPut(input: $input) { userErrors { code } } }"
SHARES = "mutation($input: AllocationsPutInput!) { allocationsPut(input: $input) { userErrors { code } } }"
RESERVE = """mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) {
  reservation { lines { quantity } } userErrors { code message } } }"""
STAND = """query($skus: [String!]!) { allocations(skus: $skus) {
  poolUsed poolLeft shares { demandClass used left } } }"""
CONNECTIONS = 16
"""More callers at once would hear OVERLOADED."""
SKUS = [f"S{i:02}" for i in range(24)]
PLACES = ["nyc", "chi", "lax", "sea"]
EACH = 10
"""Units of every SKU at every location."""


class Ask(NamedTuple):
    """A cart of a class: units of some SKUs."""

    demand_class: str
    skus: Sequence[str]
    units: int


async def scarce(api: Api, **targets: int) -> None:
    """Every SKU is shared out among these classes, which get no more than their share."""
    await shop(api, {place: {} for place in PLACES}, {sku: dict.fromkeys(PLACES, EACH) for sku in SKUS})
    classes = [{"handle": name, "name": name, "rank": rank} for rank, name in enumerate(targets, 1)]
    await api.ok(CLASSES, input={"classes": classes})
    shares = [{"demandClass": name, "target": target, "hard": True} for name, target in targets.items()]
    await api.ok(SHARES, input={"allocations": [{"sku": sku, "basis": "UNITS", "shares": shares} for sku in SKUS]})


async def crowd(api: Api, asks: Sequence[Ask], policy: str = "REJECT") -> Counter[tuple[str, str]]:
    """Everybody asks once, as many at the same time as can; how often each class was told what."""
    at_once = asyncio.Semaphore(CONNECTIONS)

    async def one(ask: Ask) -> tuple[str, str]:
        asked = {
            "channel": "web", "destination": TO_NEW_YORK, "demandClass": ask.demand_class, "onShortage": policy,
            "lines": [{"sku": sku, "quantity": ask.units} for sku in ask.skus],
        }  # fmt: skip
        async with at_once:
            answer = (await api(RESERVE, input=asked))["reservationCreate"]
        if answer["reservation"] is None:
            return ask.demand_class, answer["userErrors"][0]["code"]
        return ask.demand_class, f"held {sum(line['quantity'] for line in answer['reservation']['lines'])}"

    return Counter(await asyncio.gather(*(one(ask) for ask in asks)))


async def books(world: World, api: Api) -> dict[str, tuple[int, int, int]]:
    """On hand, reserved and held by open lines, by SKU, as the tables have them."""
    async with world.db.reading(api.tenant_id) as reading:
        tenant = api.tenant_id.hex if reading.engine == "sqlite" else str(api.tenant_id)
        stock = await reading.text(
            f"SELECT sku, on_hand, reserved FROM positions WHERE tenant_id = '{tenant}' ORDER BY sku"
        )
        lines = await reading.text(f"SELECT sku, quantity FROM reservation_lines WHERE tenant_id = '{tenant}'")
    on_hand, reserved, held = Counter[str](), Counter[str](), Counter[str]()
    for sku, there, taken in stock:
        on_hand[sku] += there
        reserved[sku] += taken
    for sku, units in lines:
        held[sku] += units
    return {sku: (on_hand[sku], reserved[sku], held[sku]) for sku in on_hand}


async def stand(api: Api) -> list[dict[str, tuple[int, int]]]:
    """Used and left of each share and of the pool, by SKU."""
    return [
        {
            **{share["demandClass"]: (share["used"], share["left"]) for share in row["shares"]},
            "pool": (row["poolUsed"], row["poolLeft"]),
        }
        for row in (await api(STAND, skus=SKUS))["allocations"]
    ]


@pytest.mark.parametrize("policy", ["REJECT", "PARTIAL", "BACKORDER"])
async def test_when_just_as_many_are_wanted_as_there_are_everybody_gets_all_of_it(
    world: World, api: Api, policy: str
) -> None:
    await scarce(api, vip=24, web=16)
    asks = [Ask(name, [sku], 8) for sku in SKUS for name in ("web", "vip", "vip", "web", "vip")]
    assert await crowd(api, asks, policy) == {("vip", "held 8"): 3 * len(SKUS), ("web", "held 8"): 2 * len(SKUS)}
    assert await books(world, api) == dict.fromkeys(SKUS, (40, 40, 40))
    assert await stand(api) == [{"vip": (24, 0), "web": (16, 0), "pool": (0, 0)}] * len(SKUS)


async def test_carts_that_name_their_skus_in_opposite_order_get_each_share_to_the_last_unit(
    world: World, api: Api
) -> None:
    await scarce(api, vip=25, web=15)
    pairs = [SKUS[i : i + 2] for i in range(0, len(SKUS), 2)]
    asks = [Ask(name, skus, 5) for pair in pairs for skus in (pair, pair[::-1]) for name in ("vip", "web") * 4]
    assert await crowd(api, asks) == {
        ("vip", "held 10"): 5 * len(pairs), ("vip", "INSUFFICIENT_STOCK"): 3 * len(pairs),
        ("web", "held 10"): 3 * len(pairs), ("web", "INSUFFICIENT_STOCK"): 5 * len(pairs),
    }  # fmt: skip
    assert await books(world, api) == dict.fromkeys(SKUS, (40, 40, 40))
    assert await stand(api) == [{"vip": (25, 0), "web": (15, 0), "pool": (0, 0)}] * len(SKUS)
