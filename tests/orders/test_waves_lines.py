"""Which lines a wave plans, by what it weighs them, and what it leaves when others were quicker."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from oms_api.kit.jobs import Jobs
from oms_api.orders.models import SOURCING_WAVE
from oms_api.orders.service import wave as waves
from orders.store import Store, key, units
from orders.test_waves import LOOK, RUN, group, line, of, run
from promising.shop import LOS_ANGELES, put_stock, put_supply
from sourcing.test_policies import promote, publish

SEGMENTS = [group("gold", "WIN"), group("bargain", "LOSE")]
SET = {
    "code": "SET", "name": "Set", "kind": "KIT", "listPrice": {"amount": "9.00", "currency": "USD"},
    "components": [{"sku": "CUP", "quantity": 2}, {"sku": "PLATE", "quantity": 1}],
}  # fmt: skip
CANCEL = "mutation($input: OrderCancelInput!) { orderCancel(input: $input) { order { id } userErrors { code } } }"
DECISIONS = """query($id: ID!) { order(by: { id: $id }) { sourcingDecisions {
  reason shipments { location } rejected { location reason } } } }"""


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


def a_wednesday() -> str:
    """One in three weeks or four: a day on which parcels arrive."""
    today = datetime.now(UTC).date()
    return (today + timedelta(days=21 + (2 - today.weekday()) % 7)).isoformat()


async def test_the_parts_of_a_kit_change_hands_together(store: Store) -> None:
    await store.open({"CUP": {"dc": 2}, "PLATE": {"dc": 1}}, skus=[SET], paymentRule="AUTHORIZED")
    loser, winner = await of(store, "bargain", {"SET": 1}), await of(store, "gold", {"SET": 1})
    assert units(await line(store, loser)) == {"reserved": 1}
    wave = await run(store, units="ALL", segments=SEGMENTS)
    assert [change["outcome"] for change in wave["changes"]] == ["COMMITTED", "COMMITTED"]
    taken = {change["order"]["id"]: change["lines"][0] for change in wave["changes"]}
    assert taken[winner["id"]] | {"promisedOn": None, "newPromisedOn": None} == {
        "sku": "SET", "waitingBefore": 1, "waitingAfter": 0, "awaitedReleased": 0, "promisedOn": None,
        "newPromisedOn": None, "released": [], "taken": [{"location": "dc", "quantity": 3}],
    }  # fmt: skip
    assert units(await line(store, loser)) == {"backordered": 1}
    assert units(await line(store, winner)) == {"reserved": 1}
    assert await store.reserved("CUP", "PLATE") == {"CUP@dc": 2, "PLATE@dc": 1}
    assert (await run(store, units="ALL", segments=SEGMENTS))["changes"] == []


async def test_a_kit_in_two_parcels_moves_to_where_it_travels_in_one(store: Store) -> None:
    places: dict[str, dict[str, Any]] = {"a": {}, "b": {}, "c": {}}
    await store.open(
        {"CUP": {"a": 2, "c": 0}, "PLATE": {"b": 1, "c": 0}}, skus=[SET], locations=places, paymentRule="AUTHORIZED"
    )
    order = await of(store, "x", {"SET": 1})
    assert await store.reserved("CUP", "PLATE") == {"CUP@a": 2, "PLATE@b": 1}
    await put_stock(store.api, {"CUP": {"c": 3}})
    assert (await run(store, units="ALL"))["changes"] == []
    await put_stock(store.api, {"PLATE": {"c": 3}})
    wave = await run(store, units="ALL")
    assert [change["outcome"] for change in wave["changes"]] == ["COMMITTED"]
    assert await store.reserved("CUP", "PLATE") == {"CUP@c": 2, "PLATE@c": 1}
    assert units(await line(store, order)) == {"reserved": 1}


async def test_a_wanted_date_is_kept_and_nothing_comes_before_it(store: Store) -> None:
    await store.open({"A": {"dc": 1}}, paymentRule="AUTHORIZED")
    day = a_wednesday()
    loser = await of(store, "bargain", {"A": 1})
    winner = await of(store, "gold", [{"sku": "A", "quantity": 1, "requestedOn": day}])  # type: ignore[arg-type]
    assert units(await line(store, winner)) == {"backordered": 1}
    wave = await run(store, units="ALL", segments=SEGMENTS)
    assert [change["outcome"] for change in wave["changes"]] == ["COMMITTED", "COMMITTED"]
    assert units(await line(store, loser)) == {"backordered": 1}
    won = await line(store, winner)
    assert (units(won), won["promisedOn"]) == ({"reserved": 1}, day)
    assert (await run(store, units="ALL", segments=SEGMENTS))["changes"] == []


async def test_supply_that_is_in_time_for_a_wanted_date_is_left_alone(store: Store) -> None:
    await store.open({"A": {"dc": 0, "other": 0}}, paymentRule="AUTHORIZED")
    await put_supply(store.api, "PO-1", "A", "dc", 5, datetime.now(UTC) + timedelta(days=5))
    day = a_wednesday()
    order = await of(store, "x", [{"sku": "A", "quantity": 2, "requestedOn": day}])  # type: ignore[arg-type]
    await store.world.settle()
    await put_stock(store.api, {"A": {"other": 2}})
    wave = await run(store, units="ALL")
    assert (wave["orders"], wave["changes"]) == (0, [])
    assert (await line(store, order))["promisedOn"] == day


async def test_the_rest_of_a_line_that_a_location_works_on_is_planned_and_its_work_stays(store: Store) -> None:
    await store.open({"A": {"dc": 3}}, paymentRule="NONE")
    loser = await of(store, "bargain", {"A": 1}, autoConfirm=False)
    winner = await of(store, "gold", {"A": 3})
    await store.world.settle()
    assert units(await line(store, winner)) == {"allocated": 2, "backordered": 1}
    wave = await run(store, units="ALL", segments=SEGMENTS)
    assert [change["outcome"] for change in wave["changes"]] == ["COMMITTED", "COMMITTED"]
    assert units(await line(store, loser)) == {"backordered": 1}
    assert units(await line(store, winner)) == {"allocated": 3}
    assert await store.reserved("A") == {"A@dc": 3}


async def test_lateness_weighs_what_the_policy_says_unless_the_wave_is_told(store: Store) -> None:
    dear = {"name": "dear", "effect": "COST", "locations": {"handles": ["soon"]}, "costs": {"perShipment": usd("5.00")}}
    late = {"name": "late", "effect": "SET", "settings": {"perDayLate": usd("40.00")}}
    await store.open(
        {"A": {"slow": 1, "soon": 1}}, locations={"slow": {"processingDays": 2}, "soon": {}}, paymentRule="AUTHORIZED"
    )
    await publish(store.api, dear)
    await publish(store.api, dear, late)
    await promote(store.api, 1, "web")
    order = await of(store, "x", {"A": 1})
    assert await store.reserved("A") == {"A@slow": 1}
    assert (await run(store, units="ALL"))["changes"] == []
    await promote(store.api, 2)
    assert (await run(store, units="ALL", perDayLate=usd("0.01"), dryRun=True))["changes"] == []
    assert [change["outcome"] for change in (await run(store, units="ALL"))["changes"]] == ["COMMITTED"]
    assert await store.reserved("A") == {"A@soon": 1}
    decision = (await store.api(DECISIONS, id=order["id"]))["order"]["sourcingDecisions"][-1]
    assert decision == {
        "reason": "WAVE", "shipments": [{"location": "soon"}],
        "rejected": [{"location": "slow", "reason": "DEARER"}],
    }  # fmt: skip


async def test_a_further_parcel_weighs_what_the_policy_says(store: Store) -> None:
    far = {"name": "far", "effect": "COST", "locations": {"handles": ["both"]}, "costs": {"perShipment": usd("20.00")}}
    split = {"name": "split", "effect": "SET", "settings": {"perExtraShipment": usd("30.00")}}
    await store.open(
        {"A": {"a": 1, "both": 1}, "B": {"b": 1, "both": 1}}, locations={"a": {}, "b": {}, "both": {}},
        paymentRule="AUTHORIZED",
    )  # fmt: skip
    await publish(store.api, far)
    await publish(store.api, far, split)
    await promote(store.api, 1, "web")
    await of(store, "x", {"A": 1, "B": 1})
    assert await store.reserved("A", "B") == {"A@a": 1, "B@b": 1}
    assert (await run(store, units="ALL"))["changes"] == []
    await promote(store.api, 2)
    assert [change["outcome"] for change in (await run(store, units="ALL"))["changes"]] == ["COMMITTED"]
    assert await store.reserved("A", "B") == {"A@both": 1, "B@both": 1}


async def test_a_wave_takes_nothing_from_where_the_policy_forbids(store: Store) -> None:
    await store.open({"A": {"no": 0, "yes": 0}}, locations={"no": {}, "yes": LOS_ANGELES}, paymentRule="AUTHORIZED")
    order = await of(store, "x", {"A": 1})
    await publish(store.api, {"name": "not there", "effect": "EXCLUDE", "locations": {"handles": ["no"]}})
    await promote(store.api, 1, "web")
    await put_stock(store.api, {"A": {"no": 5}})
    assert (await run(store))["changes"] == []
    assert units(await line(store, order)) == {"backordered": 1}


class Between:
    """A database to which something else happens once a wave has written its plan, before it is carried out."""

    def __init__(self, jobs: Jobs, do: Callable[[], Awaitable[Any]]) -> None:
        self._db, self._do, self._runs = jobs.db, do, 0
        self.reading = jobs.db.reading

    async def run(self, work: Any, caller: Any) -> Any:
        answer = await self._db.run(work, caller)
        self._runs += 1
        if self._runs == 2:  # begun, planned
            await self._do()
        return answer


@pytest.mark.parametrize(("who", "reason"), [("rival", "INSUFFICIENT_STOCK"), ("itself", "INVALID_TRANSITION")])
async def test_what_is_not_valid_any_more_is_skipped_with_its_reason_and_changes_nothing(
    store: Store, who: str, reason: str
) -> None:
    await store.open({"A": {"dc": 0}}, paymentRule="AUTHORIZED")
    order = await of(store, "gold", {"A": 1})
    await store.world.settle()
    await put_stock(store.api, {"A": {"dc": 1}})

    async def rival() -> None:
        await store.create({"A": 1})

    async def itself() -> None:
        await store.api.ok(CANCEL, input={"idempotencyKey": key(), "order": {"id": order["id"]}, "reason": "no"})

    sent = {"idempotencyKey": key(), "channels": ["web"]}
    id_ = (await store.api.ok(RUN, input=sent))["wave"]["id"]
    jobs = store.world.jobs
    between: Any = Between(jobs, {"rival": rival, "itself": itself}[who])
    await waves.run(replace(jobs, db=between), store.api.tenant_id, SOURCING_WAVE.parse(id_))
    found = (await store.api(LOOK, id=id_))["sourcingWave"]
    assert (found["state"], [(one["outcome"], one["reason"]) for one in found["changes"]]) == (
        "DONE", [("SKIPPED", reason)],
    )  # fmt: skip
    assert units(await line(store, order)) == ({"backordered": 1} if who == "rival" else {"cancelled": 1})
    assert await store.reserved("A") == ({"A@dc": 1} if who == "rival" else {})
