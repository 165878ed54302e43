"""Decisions are kept with what they were made from, made again the same, and tried by candidates."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Uuid, update
from sqlmodel import col

from oms_api.kit import clock
from oms_api.kit.caller import system
from oms_api.kit.db import Tx, mine, param, prepared, table_of
from oms_api.sourcing.models import SOURCING_DECISION, Decision
from oms_api.sourcing.rules.decide import ENGINE
from orders.store import Store
from promising.shop import CHICAGO, put_stock, put_supply
from sourcing.test_policies import NO_STORES, SHADOW, promote, publish
from world import Api, World, statements

DECISIONS = """query($id: ID!) { order(by: { id: $id }) { sourcingDecisions {
  id reason channel policy policyNumber engine cost { minorAmount } lowerBound { minorAmount }
  shipments { location service cost { minorAmount } lines { sku quantity } } } } }"""
REPLAY = """query($decision: ID!, $policy: String, $number: Int) {
  sourcingReplay(decision: $decision, policy: $policy, number: $number) {
    policy policyNumber same served cost { minorAmount } shipments { location lines { sku quantity } }
    decision { id } } }"""
REPORT = """query { sourcingPolicy(handle: "main") { shadow shadowReport {
  number decisions same unserved cost { minorAmount } liveCost { minorAmount } shipments liveShipments daysLater
  different } } }"""

_SPOIL = prepared(
    update(table_of(Decision)).where(mine(Decision), col(Decision.id) == param("of", Uuid())).values(inputs="spoilt")
)


@pytest.fixture
async def store(world: World, api: Api) -> Store:
    """A store in New York and a warehouse in Chicago, 9 of A and of B at each."""
    return await Store(world, api).open(
        {"A": {"store": 9, "dc": 9}, "B": {"store": 9, "dc": 9}}, locations={"store": {"kind": "STORE"}, "dc": CHICAGO}
    )


async def decisions(store: Store, order: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await store.api(DECISIONS, id=order["id"]))["order"]["sourcingDecisions"]
    return found


async def replay(api: Api, decision: dict[str, Any], **by: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await api(REPLAY, decision=decision["id"], **by))["sourcingReplay"]
    return found


async def test_an_order_keeps_the_decision_that_it_was_sourced_by(store: Store) -> None:
    (decision,) = await decisions(store, await store.create({"A": 2, "B": 1}))
    assert decision.pop("id").startswith("sdc_")
    assert decision == {
        "reason": "ORDER", "channel": "web", "policy": "built-in", "policyNumber": 1, "engine": ENGINE,
        "cost": {"minorAmount": "700"}, "lowerBound": {"minorAmount": "700"},
        "shipments": [{
            "location": "store", "service": "standard", "cost": {"minorAmount": "700"},
            "lines": [{"sku": "A", "quantity": 2}, {"sku": "B", "quantity": 1}],
        }],
    }  # fmt: skip


async def test_a_decision_made_again_is_the_same_whatever_has_happened_since(store: Store) -> None:
    order = await store.create({"A": 2})
    (decision,) = await decisions(store, order)
    await put_stock(store.api, {"A": {"store": 0, "dc": 0}})
    found = await replay(store.api, decision)
    assert (found["same"], found["served"], found["policy"], found["policyNumber"]) == (True, True, "built-in", 1)
    assert found["shipments"] == [{"location": "store", "lines": [{"sku": "A", "quantity": 2}]}]


async def test_a_decision_can_be_made_again_by_another_version(store: Store) -> None:
    (decision,) = await decisions(store, await store.create({"A": 2}))
    await publish(store.api, NO_STORES)
    found = await replay(store.api, decision, policy="main", number=1)
    assert (found["same"], found["policy"], found["policyNumber"]) == (False, "main", 1)
    assert found["shipments"] == [{"location": "dc", "lines": [{"sku": "A", "quantity": 2}]}]


async def test_what_a_policy_left_out_is_kept_too_for_one_that_does_not(store: Store) -> None:
    await publish(store.api, NO_STORES)
    await promote(store.api, 1, "web")
    (decision,) = await decisions(store, await store.create({"A": 2}))
    assert [shipment["location"] for shipment in decision["shipments"]] == ["dc"]
    assert (await replay(store.api, decision))["same"] is True
    found = await replay(store.api, decision, policy="built-in", number=1)
    assert found["shipments"] == [{"location": "store", "lines": [{"sku": "A", "quantity": 2}]}]


async def test_what_waits_for_supply_is_a_decision_of_its_own(store: Store) -> None:
    await put_supply(store.api, "PO-1", "A", "dc", 20, clock.now() + timedelta(days=3))
    made = await decisions(store, await store.create({"A": 20}, onShortage="BACKORDER"))
    assert [[shipment["location"] for shipment in decision["shipments"]] for decision in made] == [
        ["store", "dc"], ["dc"],
    ]  # fmt: skip
    for decision in made:
        assert (await replay(store.api, decision))["same"] is True


async def test_writing_a_decision_down_costs_one_statement(store: Store) -> None:
    await store.create({"A": 1})
    with statements() as found:
        await store.create({"A": 1, "B": 1})
    assert len([sql for sql in found if "sourcing_decisions" in sql]) == 1


async def test_an_unknown_version_and_a_policy_without_its_number_are_bad_input(store: Store) -> None:
    (decision,) = await decisions(store, await store.create({"A": 2}))
    for by, message in (
        (
            {"policy": "moon", "number": 1},
            "There is no version 1 of sourcing policy 'moon'; publish it with sourcingPolicyPublish first.",
        ),
        ({"policy": "moon"}, "Send `number`, the version of that policy."),
    ):
        body = await store.api.answer(REPLAY, decision=decision["id"], **by)
        (error,) = body["errors"]
        assert error["extensions"]["code"] == "BAD_INPUT"
        assert error["extensions"]["userErrors"][0]["message"] == message
    assert await replay(store.api, {"id": decision["id"][:-1] + ("0" if decision["id"][-1] != "0" else "1")}) is None


async def test_without_the_scope_an_order_shows_no_decisions(store: Store, world: World) -> None:
    order = await store.create({"A": 1})
    clerk = await world.key(store.api.handle, "orders:read")
    assert (await clerk(DECISIONS, id=order["id"]))["order"]["sourcingDecisions"] is None


async def test_a_candidate_beside_is_tried_on_every_decision_and_changes_none(store: Store, world: World) -> None:
    await publish(store.api, {"name": "fast", "effect": "SET", "settings": {"objective": "FASTEST"}})
    await publish(store.api, NO_STORES)
    await promote(store.api, 1, "web")
    before = await store.create({"A": 1})
    await store.api.ok(SHADOW, input={"policy": "main", "number": 2})
    first = await store.create({"A": 2})
    await put_stock(store.api, {"A": {"store": 3}})  # all of them held
    second = await store.create({"A": 3})
    await world.tick("sourcing.shadow")
    await world.tick("sourcing.shadow")
    made = [(await decisions(store, order))[0] for order in (before, first, second)]
    assert [[shipment["location"] for shipment in one["shipments"]] for one in made] == [["store"], ["store"], ["dc"]]
    policy = (await store.api(REPORT))["sourcingPolicy"]
    live = sum(int(one["cost"]["minorAmount"]) for one in made[1:])
    candidate = 2 * int(made[2]["cost"]["minorAmount"]) - 50  # a kilogram less for the first, 100 a kilogram
    report = policy["shadowReport"]
    assert report.pop("daysLater") > 0
    assert report == {
        "number": 2, "decisions": 2, "same": 1, "unserved": 0, "cost": {"minorAmount": str(candidate)},
        "liveCost": {"minorAmount": str(live)}, "shipments": 2, "liveShipments": 2, "different": [made[1]["id"]],
    }  # fmt: skip


async def test_a_candidate_that_would_serve_nobody_says_so(store: Store, world: World) -> None:
    await publish(store.api, {"name": "any", "effect": "SET", "settings": {"maxShipments": 5}})
    await publish(store.api, {"name": "nobody", "effect": "EXCLUDE"})
    await promote(store.api, 1, "web")
    await store.api.ok(SHADOW, input={"policy": "main", "number": 2})
    await store.create({"A": 1})
    await world.tick("sourcing.shadow")
    report = (await store.api(REPORT))["sourcingPolicy"]["shadowReport"]
    assert (report["decisions"], report["unserved"], report["cost"], report["daysLater"]) == (
        1, 1, {"minorAmount": "0"}, 0.0,
    )  # fmt: skip
    await store.api.ok(SHADOW, input={"policy": "main", "number": None})
    assert (await store.api(REPORT))["sourcingPolicy"] == {"shadow": None, "shadowReport": None}


async def test_a_decision_that_cannot_be_tried_stops_no_other(store: Store, world: World) -> None:
    await publish(store.api, NO_STORES)
    await promote(store.api, 1, "web")
    await store.api.ok(SHADOW, input={"policy": "main", "number": 1})
    bad, _ = await store.create({"A": 1}), await store.create({"A": 1})
    (decision,) = await decisions(store, bad)

    async def spoil(tx: Tx) -> None:
        await tx.run(_SPOIL, {"of": SOURCING_DECISION.parse(decision["id"])})

    await world.db.run(spoil, system(store.api.tenant_id))
    with pytest.raises(ExceptionGroup, match=r"^1 failed") as failed:
        await world.tick("sourcing.shadow")
    assert failed.value.exceptions[0].__notes__ == [f"It was for {decision['id']}."]
    assert (await store.api(REPORT))["sourcingPolicy"]["shadowReport"]["decisions"] == 1
    await store.api.ok(SHADOW, input={"policy": "main"})  # timers go over every tenant: the next test has none spoilt


async def test_an_orders_customer_group_steers_it_when_placed_and_when_stock_comes(store: Store, world: World) -> None:
    await publish(store.api, {**NO_STORES, "when": {"customerGroups": ["gold"]}})
    await promote(store.api, 1, "web")
    gold = {"email": "ada@example.com", "group": "gold"}
    order = await store.create({"A": 12}, customer=gold, onShortage="BACKORDER")
    await put_stock(store.api, {"A": {"store": 99, "dc": 30}})
    await world.settle()
    made = await decisions(store, order)
    assert [(one["reason"], [sent["location"] for sent in one["shipments"]]) for one in made] == [
        ("ORDER", ["dc"]), ("BACKORDER", ["dc"]),
    ]  # fmt: skip
    assert [sent["lines"] for one in made for sent in one["shipments"]] == [
        [{"sku": "A", "quantity": 9}], [{"sku": "A", "quantity": 3}],
    ]  # fmt: skip
