"""An order placed with a promise token, or taking a cart's reservation, has its decision."""

from base64 import urlsafe_b64decode
from typing import Any

import pytest
from sqlmodel import select

from oms_api.sourcing.models import Decision
from oms_api.sourcing.rules.decide import ENGINE
from orders.store import PROMISE, Store
from promising.shop import CHICAGO, TO_NEW_YORK, lines, put_stock
from sourcing.test_decisions import REPLAY, REPORT, SHADOW, replay
from sourcing.test_policies import NO_STORES, promote, publish
from world import Api, World, statements, travel

DECISIONS = """query($id: ID!) { order(by: { id: $id }) { sourcingDecisions {
  id reason policy policyNumber engine cost { minorAmount } lowerBound { minorAmount } gap { minorAmount }
  terms { name amount { minorAmount } } shipments { location lines { sku quantity } }
  rejected { location reason } } } }"""


@pytest.fixture
async def store(world: World, api: Api) -> Store:
    """A store in New York and a warehouse in Chicago, 9 of A and of B at each."""
    return await Store(world, api).open(
        {"A": {"store": 9, "dc": 9}, "B": {"store": 9, "dc": 9}}, locations={"store": {"kind": "STORE"}, "dc": CHICAGO}
    )


async def promise(store: Store, option: int = 0, **units: int) -> str:
    asked = {"channel": "web", "lines": lines(**units), "destination": TO_NEW_YORK}
    token: str = (await store.api.ok(PROMISE, input=asked))["promise"]["options"][option]["token"]
    return token


async def decisions(store: Store, order: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await store.api(DECISIONS, id=order["id"]))["order"]["sourcingDecisions"]
    return found


async def test_a_promise_that_is_redeemed_is_decided_again_and_kept_whole(store: Store) -> None:
    token = await promise(store, A=2, B=1)
    order = await store.create({"A": 2, "B": 1}, promiseToken=token)
    (decision,) = await decisions(store, order)
    assert (await replay(store.api, decision))["same"] is True
    assert decision.pop("id").startswith("sdc_")
    assert decision == {
        "reason": "ORDER", "policy": "built-in", "policyNumber": 1, "engine": ENGINE,
        "cost": {"minorAmount": "700"}, "lowerBound": {"minorAmount": "700"}, "gap": {"minorAmount": "0"},
        "terms": [
            {"name": "shipping", "amount": {"minorAmount": "550"}},
            {"name": "weight", "amount": {"minorAmount": "150"}},
        ],
        "shipments": [{"location": "store", "lines": [{"sku": "A", "quantity": 2}, {"sku": "B", "quantity": 1}]}],
        "rejected": [{"location": "dc", "reason": "DEARER"}],
    }  # fmt: skip


async def test_what_happened_beside_the_plan_since_does_not_change_it(store: Store) -> None:
    token = await promise(store, A=2)
    await store.create({"A": 1})
    with travel(minutes=14):
        order = await store.create({"A": 2}, promiseToken=token)
    (decision,) = await decisions(store, order)
    assert (decision["reason"], (await replay(store.api, decision))["same"]) == ("ORDER", True)


async def test_a_plan_that_would_be_another_today_is_kept_as_it_was_promised(store: Store) -> None:
    await put_stock(store.api, {"A": {"store": 1}})
    token = await promise(store, A=2)
    await put_stock(store.api, {"A": {"store": 9}})
    order = await store.create({"A": 2}, promiseToken=token)
    (decision,) = await decisions(store, order)
    body = await store.api.answer(REPLAY, decision=decision.pop("id"))
    assert body["errors"][0]["extensions"]["userErrors"][0]["message"] == (
        "This was promised, and could not be decided again when the order came: what it was made from is not kept."
    )
    assert decision == {
        "reason": "PROMISE", "policy": "built-in", "policyNumber": 1, "engine": ENGINE,
        "cost": {"minorAmount": "800"}, "lowerBound": {"minorAmount": "800"}, "gap": {"minorAmount": "0"},
        "terms": [
            {"name": "shipping", "amount": {"minorAmount": "700"}},
            {"name": "weight", "amount": {"minorAmount": "100"}},
        ],
        "shipments": [{"location": "dc", "lines": [{"sku": "A", "quantity": 2}]}],
        "rejected": [],
    }  # fmt: skip


async def test_another_policy_since_makes_it_a_promise_of_the_policy_then(store: Store) -> None:
    token = await promise(store, A=2)
    await publish(store.api, {"name": "any", "effect": "SET", "settings": {"maxShipments": 5}})
    await promote(store.api, 1, "web")
    (decision,) = await decisions(store, await store.create({"A": 2}, promiseToken=token))
    assert (decision["reason"], decision["policy"]) == ("PROMISE", "built-in")


async def test_a_candidate_is_not_tried_on_what_was_only_promised(store: Store, world: World) -> None:
    await publish(store.api, NO_STORES)
    await promote(store.api, 1, "web")
    await store.api.ok(SHADOW, input={"policy": "main", "number": 1})
    token = await promise(store, A=1)
    await publish(store.api, NO_STORES, {"name": "any", "effect": "SET", "settings": {"maxShipments": 5}})
    await promote(store.api, 2)
    (decision,) = await decisions(store, await store.create({"A": 1}, promiseToken=token))
    assert (decision["reason"], decision["policy"], decision["policyNumber"]) == ("PROMISE", "main", 1)
    await store.create({"B": 1})
    await world.tick("sourcing.shadow")
    assert (await store.api(REPORT))["sourcingPolicy"]["shadowReport"]["decisions"] == 1


async def test_the_costs_in_a_token_cannot_be_read(store: Store) -> None:
    token = await promise(store, A=2)
    body = token.partition(".")[0]
    content = urlsafe_b64decode(body + "=" * (-len(body) % 4)).decode()
    assert "standard" in content  # the service of its parcel can be
    for secret in ("built-in", "CHEAPEST", "650", "terms"):
        assert secret not in content
    assert len(token) < 700


async def test_a_token_costs_the_statements_of_a_plan_and_of_one_decision(store: Store) -> None:
    await store.create({"A": 1})
    await store.create({"A": 1}, promiseToken=await promise(store, A=1))
    token = await promise(store, A=1, B=1)
    with statements() as planned:
        await store.create({"A": 1, "B": 1})
    with statements() as redeemed:
        await store.create({"A": 1, "B": 1}, promiseToken=token)
    assert len(redeemed) <= len(planned)
    assert len([sql for sql in redeemed if "sourcing_decisions" in sql]) == 1


RESERVE = """mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) {
  reservation { id } userErrors { code message path } } }"""
RELEASE = """mutation($input: ReservationReleaseInput!) { reservationRelease(input: $input) {
  reservation { id } userErrors { code message path } } }"""


async def kept(store: Store) -> int:
    """Decisions of the tenant, whoever they are of."""
    async with store.world.db.reading(store.api.tenant_id) as reading:
        return len(await reading.all(select(Decision.id).where(Decision.tenant_id == store.api.tenant_id)))


@pytest.mark.parametrize("by_token", [False, True])
async def test_what_was_decided_for_a_cart_is_the_decision_of_the_order_that_takes_it(
    store: Store, by_token: bool
) -> None:
    asked: dict[str, Any] = {"channel": "web", "lines": lines(A=2), "destination": TO_NEW_YORK}
    if by_token:
        asked = {"promiseToken": await promise(store, A=2)}
    held = (await store.api.ok(RESERVE, input={**asked, "ttlSeconds": 600}))["reservation"]["id"]
    order = await store.create({"A": 2}, reservationId=held)
    (decision,) = await decisions(store, order)
    assert (await replay(store.api, decision))["same"] is True
    assert (decision["reason"], decision["cost"]["minorAmount"]) == ("ORDER", "650")
    assert decision["shipments"] == [{"location": "store", "lines": [{"sku": "A", "quantity": 2}]}]
    await store.world.settle()
    assert len(await decisions(store, order)) == await kept(store) == 1


async def test_a_cart_that_comes_to_nothing_leaves_no_decision(store: Store) -> None:
    asked = {"channel": "web", "lines": lines(A=2), "destination": TO_NEW_YORK, "ttlSeconds": 60}
    await publish(store.api, NO_STORES)
    await store.api.ok(SHADOW, input={"policy": "main", "number": 1})
    await promote(store.api, 1, "web")
    let_go, _ = [(await store.api.ok(RESERVE, input=asked))["reservation"]["id"] for _ in range(2)]
    await store.world.tick("sourcing.shadow")
    assert (await store.api(REPORT))["sourcingPolicy"]["shadowReport"]["decisions"] == await kept(store) == 2
    await store.api.ok(RELEASE, input={"id": let_go})
    await store.world.settle()
    assert await kept(store) == 1
    with travel(seconds=61):
        await store.world.tick("inventory.expire")
        assert await kept(store) == 0
