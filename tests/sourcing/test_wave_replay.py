"""What a wave decided is made again, also by policies that look at locations, of which a wave keeps nothing."""

import pytest

from orders.store import Store, sku, usd
from orders.test_waves import group, of, run
from promising.shop import put_stock
from sourcing.test_decisions import decisions, replay
from sourcing.test_policies import promote, publish
from sourcing.test_settings import a_rule
from world import Api, World


@pytest.fixture
def store(world: World, api: Api) -> Store:
    return Store(world, api)


async def test_a_wave_is_made_again_by_a_policy_that_sorts_locations(store: Store) -> None:
    await store.open({"A": {"dc": 1}}, paymentRule="AUTHORIZED")
    await of(store, "bargain", {"A": 1})
    winner = await of(store, "gold", {"A": 1})
    await run(store, units="ALL", segments=[group("gold", "WIN"), group("bargain", "LOSE")])
    *_, wave = await decisions(store, winner)
    assert wave["reason"] == "WAVE"
    await publish(store.api, a_rule(sort=["WAREHOUSES_FIRST", "DISTANCE"], perRank=usd("1.00")))
    again = await replay(store.api, wave, policy="main", number=1)
    assert (again["served"], again["same"]) == (True, True)
    assert (await replay(store.api, wave))["same"] is True


async def test_a_wave_sends_no_parcel_that_the_policy_finds_too_small(store: Store) -> None:
    await store.open({"A": {"one": 0, "two": 0}, "B": {"one": 0, "two": 0}}, skus=[sku("A"), sku("B", price="4.00")])
    await publish(store.api, a_rule(minShipmentValue=usd("5.00")))
    await promote(store.api, 1, "web")
    order = await of(store, "gold", {"A": 1, "B": 1})
    await put_stock(store.api, {"A": {"one": 1}, "B": {"two": 1}})
    assert (await run(store, units="BACKORDERS", dryRun=True))["changes"] == []
    await publish(store.api, a_rule(minShipmentValue=usd("4.00")))
    await promote(store.api, 2)
    (change,) = (await run(store, units="BACKORDERS", dryRun=True))["changes"]
    assert sorted((line["sku"], line["waitingAfter"]) for line in change["lines"]) == [("A", 0), ("B", 0)]
    assert change["order"]["id"] == order["id"]
