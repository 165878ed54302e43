"""Waiting as a choice: one plan weighs supply that comes near against what could be sent from afar today."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from oms_api.kit import clock
from orders.store import Store, sku, units
from promising.shop import CHICAGO, LOS_ANGELES, MONDAY_NOON, at, put_stock, put_supply
from sourcing.test_decisions import decisions, replay
from sourcing.test_policies import promote, publish
from sourcing.test_settings import a_rule, money
from world import Api, World


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with at(MONDAY_NOON):
        yield


@pytest.fixture
async def store(world: World, api: Api) -> Store:
    """`near` (New York) gets 10 of A on Thursday, `far` (Los Angeles) has 5: two cost 6.50 from near, 9.50 from far."""
    store = await Store(world, api).open({"A": {"near": 0, "far": 5}}, locations={"near": {}, "far": LOS_ANGELES})
    await put_supply(api, "PO-1", "A", "near", 10, clock.now() + timedelta(days=3))
    return store


async def price(store: Store, **settings: Any) -> None:
    found = await publish(store.api, a_rule(**settings))
    await promote(store.api, found["policy"]["latest"], "web")


async def sent(store: Store, order: dict[str, Any]) -> list[list[tuple[str, int]]]:
    """(Location, units) of each decision's parcels."""
    return [
        [(parcel["location"], sum(line["quantity"] for line in parcel["lines"])) for parcel in decision["shipments"]]
        for decision in await decisions(store, order)
    ]


async def test_without_a_price_what_is_on_hand_is_sent_from_wherever_it_is(store: Store) -> None:
    await price(store, perDayLate=money("0.01"))
    order = await store.create({"A": 2}, onShortage="BACKORDER")
    assert await sent(store, order) == [[("far", 2)]]


@pytest.mark.parametrize(
    ("settings", "parcels"),
    [
        ({"perBackorderedUnit": money("1.49")}, [("near", 2)]),
        ({"perBackorderedUnit": money("1.51")}, [("far", 2)]),
        ({"perBackorderedDay": money("0.49")}, [("near", 2)]),
        ({"perBackorderedDay": money("0.51")}, [("far", 2)]),
        ({"perBackorderedUnit": money("1.48"), "perBackorderedDay": money("0.01")}, [("far", 2)]),
        # equal: what arrives first
        ({"perBackorderedUnit": money("1.47"), "perBackorderedDay": money("0.01")}, [("near", 2)]),
        ({"perBackorderedUnit": money("99"), "objective": "FASTEST"}, [("near", 2)]),
    ],
)
async def test_two_units_wait_three_days_exactly_when_that_weighs_less_than_three_dollars(
    store: Store, settings: dict[str, Any], parcels: list[tuple[str, int]]
) -> None:
    await price(store, **settings)
    order = await store.create({"A": 2}, onShortage="BACKORDER")
    assert await sent(store, order) == [parcels]
    (line,) = order["lines"]
    waits = parcels == [("near", 2)]
    assert units(line) == ({"backordered": 2} if waits else {"reserved": 2})
    assert line["promisedOn"] == ("2026-12-04" if waits else "2026-12-09")


async def test_only_who_may_wait_does(store: Store) -> None:
    await price(store, perBackorderedUnit=money("0"))
    assert await sent(store, await store.create({"A": 1}, onShortage="REJECT")) == [[("far", 1)]]
    assert await sent(store, await store.create({"A": 1}, onShortage="PARTIAL")) == [[("far", 1)]]


async def test_what_cannot_come_is_sent_from_afar_and_what_is_too_much_waits_without_a_date(store: Store) -> None:
    await price(store, perBackorderedUnit=money("0"))
    order = await store.create({"A": 20}, onShortage="BACKORDER")
    assert await sent(store, order) == [[("near", 10), ("far", 5)]]
    assert units(order["lines"][0]) == {"reserved": 5, "backordered": 15}


async def test_a_unit_on_hand_may_wait_for_another_and_is_held_all_the_same(store: Store) -> None:
    await put_stock(store.api, {"A": {"near": 1, "far": 0}})
    await price(store, perBackorderedUnit=money("1"))
    together = await store.create({"A": 2}, onShortage="BACKORDER")
    assert await sent(store, together) == [[("near", 2)]]
    assert units(together["lines"][0]) == {"reserved": 1, "backordered": 1}


async def test_two_parcels_are_sent_where_waiting_weighs_more_than_a_parcel(store: Store) -> None:
    await put_stock(store.api, {"A": {"near": 1, "far": 0}})
    await price(store, perBackorderedUnit=money("9"))
    apart = await store.create({"A": 2}, onShortage="BACKORDER")
    assert await sent(store, apart) == [[("near", 1), ("near", 1)]]
    assert units(apart["lines"][0]) == {"reserved": 1, "backordered": 1}


async def test_a_line_that_names_its_day_is_planned_as_before(store: Store) -> None:
    await price(store, perBackorderedUnit=money("0"))
    order = await store.create({"A": 2}, onShortage="BACKORDER", requestedOn="2026-12-09")
    assert order["lines"][0]["promisedOn"] == "2026-12-09"


@pytest.mark.parametrize(
    ("settings", "parcels"),
    [
        ({"perBackorderedUnit": money("100")}, [[("near", 2), ("far", 2)]]),
        ({"perDayLate": money("0")}, [[("far", 2)], [("near", 2)]]),
    ],
    ids=("priced", "not priced"),
)
async def test_what_the_channel_withholds_is_not_sent_because_supply_will_come(
    world: World, api: Api, settings: dict[str, Any], parcels: list[list[tuple[str, int]]]
) -> None:
    store = await Store(world, api).open(
        {"A": {"near": 0, "far": 5}}, locations={"near": {}, "far": LOS_ANGELES}, threshold=3
    )
    await put_supply(api, "PO-1", "A", "near", 10, clock.now() + timedelta(days=3))
    await price(store, **settings)
    order = await store.create({"A": 4}, onShortage="BACKORDER")
    assert await sent(store, order) == parcels
    assert await store.reserved("A") == {"A@far": 2}


async def test_a_decision_to_wait_is_made_again_the_same_and_otherwise_by_another_price(store: Store) -> None:
    await price(store, perBackorderedUnit=money("1.49"))
    await publish(store.api, a_rule(perBackorderedUnit=money("1.51")))
    (decision,) = await decisions(store, await store.create({"A": 2}, onShortage="BACKORDER"))
    again = await replay(store.api, decision)
    assert (again["same"], again["shipments"][0]["location"]) == (True, "near")
    for policy, number in (("main", 2), ("built-in", 1)):
        other = await replay(store.api, decision, policy=policy, number=number)
        assert (other["same"], other["shipments"][0]["location"]) == (False, "far")


@pytest.mark.parametrize("seed", range(6))
async def test_plans_that_weigh_waiting_can_always_be_held(world: World, api: Api, seed: int) -> None:
    rng = random.Random(f"waiting {seed}")
    places = {"near": {}, "mid": CHICAGO, "far": LOS_ANGELES}
    stock = {code: {place: rng.randint(0, 4) for place in places} for code in "AB"}
    kit = sku("K", kind="KIT", components=[{"sku": "A", "quantity": 1}, {"sku": "B", "quantity": 2}])
    store = await Store(world, api).open(stock, locations=places, threshold=rng.choice([0, 0, 2]), skus=[kit])
    for number in range(4):
        due = clock.now() + timedelta(days=rng.randint(1, 6))
        await put_supply(api, f"PO-{number}", rng.choice("AB"), rng.choice([*places]), rng.randint(1, 9), due)
    await price(store, perBackorderedUnit=money(f"{rng.randint(0, 3)}"), perBackorderedDay=money("0.50"))
    for _ in range(4):
        wanted = {code: rng.randint(1, 6) for code in rng.sample("ABK", rng.randint(1, 3))}
        order = await store.create(wanted, onShortage="BACKORDER")
        for decision in await decisions(store, order):
            assert (await replay(api, decision))["same"]
