"""Waves: units of many orders planned again together, through the API."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update

from oms_api.kit.caller import system
from oms_api.kit.db import mine
from oms_api.kit.jobs import tick
from oms_api.orders.models import SourcingWave
from orders.store import ADDRESS, Store, key, units
from promising.shop import put_stock, put_supply
from world import travel

WAVE = """id state dryRun orders leftOut waitingBefore waitingAfter gap error
  costBefore { minorAmount } costAfter { minorAmount } bound { minorAmount }
  changes { strategy outcome reason order { id } lines { sku waitingBefore waitingAfter awaitedReleased promisedOn
    newPromisedOn released { location quantity } taken { location quantity } } }"""
RUN = f"""mutation($input: SourcingWaveRunInput!) {{ sourcingWaveRun(input: $input) {{
  wave {{ {WAVE} }} userErrors {{ code message path }} }} }}"""
LOOK = f"query($id: ID!) {{ sourcingWave(id: $id) {{ {WAVE} }} }}"
DECISIONS = "query($id: ID!) { order(by: { id: $id }) { sourcingDecisions { id reason } } }"


async def run(store: Store, **more: Any) -> dict[str, Any]:
    """Run a wave to its end."""
    sent = {"idempotencyKey": key(), "channels": ["web"], **more}
    wave = (await store.api.ok(RUN, input=sent))["wave"]
    assert wave["state"] == "RUNNING"
    await store.world.settle()
    found: dict[str, Any] = (await store.api(LOOK, id=wave["id"]))["sourcingWave"]
    return found


def group(name: str, strategy: str) -> dict[str, Any]:
    return {"strategy": strategy, "customerGroups": [name]}


async def of(store: Store, name: str, lines: Mapping[str, int], **more: Any) -> dict[str, Any]:
    customer = {"email": "ada@example.com", "group": name}
    return await store.create(lines, customer=customer, onShortage="BACKORDER", **more)


async def line(store: Store, order: Mapping[str, Any]) -> dict[str, Any]:
    (found,) = (await store.look(order))["lines"]
    return dict(found)


async def test_the_last_unit_goes_from_lose_to_win_and_both_hear_of_it(store: Store) -> None:
    await store.open({"A": {"dc": 1}}, paymentRule="AUTHORIZED")
    loser, winner = await of(store, "bargain", {"A": 1}), await of(store, "gold", {"A": 1})
    segments = [group("gold", "WIN"), group("bargain", "LOSE")]
    dry = await run(store, units="ALL", segments=segments, dryRun=True)
    assert (dry["state"], dry["orders"], dry["waitingBefore"], dry["waitingAfter"]) == ("DONE", 2, 1, 1)
    assert {change["outcome"] for change in dry["changes"]} == {"PROPOSED"}
    assert units(await line(store, loser)) == {"reserved": 1}
    wave = await run(store, units="ALL", segments=segments)
    assert (wave["state"], wave["error"], wave["gap"]) == ("DONE", None, 0)
    changes = {change["order"]["id"]: change for change in wave["changes"]}
    assert changes[loser["id"]]["outcome"] == changes[winner["id"]]["outcome"] == "COMMITTED"
    assert changes[winner["id"]]["lines"][0]["taken"] == [{"location": "dc", "quantity": 1}]
    assert changes[loser["id"]]["lines"][0]["released"] == [{"location": "dc", "quantity": 1}]
    lost, won = await line(store, loser), await line(store, winner)
    assert (units(lost), units(won)) == ({"backordered": 1}, {"reserved": 1})
    assert lost["promisedOn"] is None
    assert won["promisedOn"] is not None
    assert await store.reserved("A") == {"A@dc": 1}
    for order in (loser, winner):
        assert "promise.changed" in await store.topics(order)
    decided = (await store.api(DECISIONS, id=winner["id"]))["order"]["sourcingDecisions"]
    assert decided[-1]["reason"] == "WAVE"
    again = await run(store, units="ALL", segments=segments)
    assert again["changes"] == []
    assert await store.reserved("A") == {"A@dc": 1}


async def test_an_order_that_must_not_be_worse_makes_room_from_another_place(store: Store) -> None:
    await store.open(
        {"A": {"far": 1, "near": 1}},
        locations={"near": {"address": ADDRESS, "pickup": True}, "far": {"address": ADDRESS}},
        paymentRule="AUTHORIZED",
    )
    sent = await of(store, "x", {"A": 1})
    assert await store.reserved("A") == {"A@near": 1}
    fetched = await of(store, "x", {"A": 1}, pickupLocation="near")
    assert units(await line(store, fetched)) == {"backordered": 1}
    wave = await run(store, units="ALL", otherwise="IMPROVE")
    assert [change["outcome"] for change in wave["changes"]] == ["COMMITTED", "COMMITTED"]
    assert units(await line(store, sent)) == units(await line(store, fetched)) == {"reserved": 1}
    assert await store.reserved("A") == {"A@far": 1, "A@near": 1}
    assert (await run(store, units="ALL", otherwise="IMPROVE"))["changes"] == []


async def test_a_protected_order_keeps_its_unit_from_a_winner(store: Store) -> None:
    await store.open({"A": {"dc": 1}}, paymentRule="AUTHORIZED")
    holder, winner = await of(store, "x", {"A": 1}), await of(store, "gold", {"A": 1})
    for strategy in ("KEEP", "IMPROVE", "WIN"):
        wave = await run(store, units="ALL", segments=[group("gold", "WIN")], otherwise=strategy)
        assert (wave["orders"], wave["changes"]) == (2, [])
    assert units(await line(store, holder)) == {"reserved": 1}
    assert units(await line(store, winner)) == {"backordered": 1}


async def test_a_wave_whose_process_died_is_run_by_the_timer_and_only_once(store: Store) -> None:
    await store.open({"A": {"dc": 1}}, paymentRule="AUTHORIZED")
    loser, winner = await of(store, "bargain", {"A": 1}), await of(store, "gold", {"A": 1})
    segments = [group("gold", "WIN"), group("bargain", "LOSE")]
    sent = {"idempotencyKey": key(), "channels": ["web"], "units": "ALL", "segments": segments}
    wave = (await store.api.ok(RUN, input=sent))["wave"]
    with travel(minutes=11):
        await tick(store.world.jobs, "orders.waves")
    found = (await store.api(LOOK, id=wave["id"]))["sourcingWave"]
    assert (found["state"], len(found["changes"])) == ("DONE", 2)
    await store.world.settle()
    assert (await store.api(LOOK, id=wave["id"]))["sourcingWave"] == found
    assert units(await line(store, winner)) == {"reserved": 1}
    assert units(await line(store, loser)) == {"backordered": 1}


async def test_a_wave_that_dies_again_and_again_is_given_up(store: Store) -> None:
    await store.open({"A": {"dc": 1}}, paymentRule="AUTHORIZED")
    order = await of(store, "gold", {"A": 2})
    wave = (await store.api.ok(RUN, input={"idempotencyKey": key(), "channels": ["web"]}))["wave"]
    async with store.world.db.transaction(system(store.api.tenant_id)) as tx:
        dead = update(SourcingWave.__table__).where(mine(SourcingWave)).values(attempts=3)  # type: ignore[attr-defined]
        await tx.run(dead)
    with travel(minutes=11):
        await tick(store.world.jobs, "orders.waves")
    found = (await store.api(LOOK, id=wave["id"]))["sourcingWave"]
    assert (found["state"], found["changes"]) == ("FAILED", [])
    assert "never ended" in found["error"]
    assert units(await line(store, order)) == {"reserved": 1, "backordered": 1}


async def test_waves_and_orders_at_once_never_promise_a_unit_twice(store: Store) -> None:
    await store.open({"A": {"dc": 3, "store": 3}}, paymentRule="AUTHORIZED")
    losers = [await of(store, "bargain", {"A": 1}) for _ in range(6)]
    winners = [await of(store, "gold", {"A": 2}) for _ in range(2)]
    segments = [group("gold", "WIN"), group("bargain", "LOSE")]
    for _ in range(3):
        sent = {"idempotencyKey": key(), "channels": ["web"], "units": "ALL", "segments": segments}
        await store.api.ok(RUN, input=sent)
    late = [of(store, "late", {"A": 1}) for _ in range(4)]
    _, *orders = await asyncio.gather(store.world.settle(), *late)
    await store.world.settle()
    reserved = await store.reserved("A")
    assert all(count <= 3 for count in reserved.values())
    lines = [units(await line(store, order)) for order in (*losers, *winners, *orders)]
    assert sum(one.get("reserved", 0) for one in lines) == sum(reserved.values()) == 6
    assert [units(await line(store, order)) for order in winners] == [{"reserved": 2}, {"reserved": 2}]


async def test_units_on_hand_replace_those_that_wait_for_supply(store: Store) -> None:
    await store.open({"A": {"dc": 0, "store": 0}}, paymentRule="AUTHORIZED")
    await put_supply(store.api, "PO-1", "A", "dc", 5, datetime.now(UTC) + timedelta(days=30))
    order = await of(store, "x", {"A": 2})
    await store.world.settle()
    before = await line(store, order)
    assert units(before) == {"backordered": 2}
    await put_stock(store.api, {"A": {"store": 2}})
    await store.world.settle()
    assert units(await line(store, order)) == {"backordered": 2}
    wave = await run(store)
    assert [change["outcome"] for change in wave["changes"]] == ["COMMITTED"]
    after = await line(store, order)
    assert units(after) == {"reserved": 2}
    assert after["promisedOn"] < before["promisedOn"]
    assert await store.reserved("A") == {"A@store": 2}
    assert (await run(store))["changes"] == []


async def test_a_repeated_call_answers_with_the_same_wave(store: Store) -> None:
    await store.open({"A": {"dc": 1}})
    sent = {"idempotencyKey": "w-1", "channels": ["web"], "dryRun": True}
    first = (await store.api.ok(RUN, input=sent))["wave"]["id"]
    assert (await store.api.ok(RUN, input=sent))["wave"]["id"] == first


async def test_what_is_wrong_is_told_and_no_wave_is_written(store: Store) -> None:
    await store.open({"A": {"dc": 1}})
    for more, code, path in (
        ({"channels": ["moon"]}, "NOT_FOUND", ["input", "channels", "0"]),
        ({"channels": []}, "INVALID", ["input", "channels"]),
        ({"perDayLate": {"amount": "1.00", "currency": "EUR"}}, "INVALID_AMOUNT", ["input", "perDayLate"]),
        (
            {"segments": [{"strategy": "WIN", "olderThanDays": -1}]},
            "INVALID",
            ["input", "segments", "0", "olderThanDays"],
        ),
    ):
        sent = {"idempotencyKey": key(), "channels": ["web"], **more}
        (error,) = await store.api.refused(RUN, input=sent)
        assert (error["code"], error["path"]) == (code, path)


async def test_another_tenants_wave_is_not_there(store: Store) -> None:
    await store.open({"A": {"dc": 1}})
    wave = await run(store)
    other = await store.world.tenant()
    assert (await other(LOOK, id=wave["id"]))["sourcingWave"] is None
