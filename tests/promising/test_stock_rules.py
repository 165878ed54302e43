"""Stock rules in what is offered, promised and held: thresholds after aggregation, units a day, delivery methods."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from promising.shop import LOS_ANGELES, TO_NEW_YORK, lines, put_supply, shop
from world import Api, statements

RULES = "mutation($input: StockRulesPutInput!) { stockRulesPut(input: $input) { userErrors { code message } } }"
AVAILABLE = """query($input: AvailabilityInput!) { availability(input: $input) { availability {
  sku available schedule { startsOn available } locations { location { handle } available } }
  userErrors { code message } } }"""
RESERVE = """mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) {
  reservation { id lines { quantity location { handle } } }
  userErrors { code message details { requested available } } } }"""
RESERVE_WHEN = """mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) {
  userErrors { code message details { available nextAvailableAt } } } }"""
PROMISE = """query($input: PromiseInput!) { promise(input: $input) { promise {
  options { token } unavailable { code details { requested available } } } userErrors { code message } } }"""


async def rules(api: Api, *rows: dict[str, Any]) -> None:
    named = [{"handle": f"r{i}", "sku": "A", **row} for i, row in enumerate(rows)]
    await api.ok(RULES, input={"rules": named})


async def offer(api: Api, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await api.ok(AVAILABLE, input={"channel": "web", "skus": ["A"], **more}))["availability"][
        0
    ]
    return found


async def test_a_threshold_of_a_sku_replaces_the_channels_after_aggregation(api: Api) -> None:
    await shop(api, {"ny": {}, "la": {**LOS_ANGELES}}, {"A": {"ny": 5, "la": 5}}, threshold=1)
    assert (await offer(api))["available"] == 9
    await rules(api, {"kind": "THRESHOLD", "units": 4, "channel": "web"})
    found = await offer(api)
    assert (found["available"], [row["available"] for row in found["locations"]]) == (6, [5, 5])
    asked = {"channel": "web", "lines": lines(A=7), "destination": TO_NEW_YORK}
    (short,) = (await api.ok(PROMISE, input=asked))["promise"]["unavailable"]
    assert short["details"] == {"requested": 7, "available": 6}
    held = await api.ok(RESERVE, input={"channel": "web", "lines": lines(A=6)})
    assert sum(line["quantity"] for line in held["reservation"]["lines"]) == 6
    assert (await offer(api))["available"] == 0


async def test_units_a_day_cap_what_is_offered_now_and_later(api: Api) -> None:
    await shop(api, {"ny": {}}, {"A": {"ny": 5}})
    await put_supply(api, "PO", "A", "ny", 20, datetime.now(UTC) + timedelta(days=5))
    await rules(api, {"kind": "MAX_PER_DAY", "units": 8, "location": "ny"})
    assert [step["available"] for step in (await offer(api))["schedule"]] == [5, 8]
    await rules(api, {"kind": "MAX_PER_DAY", "units": 3, "location": "ny"})
    assert [step["available"] for step in (await offer(api))["schedule"]] == [3]
    await api.ok(RESERVE, input={"channel": "web", "lines": lines(A=2)})
    assert (await offer(api))["available"] == 1
    (error,) = await api.refused(RESERVE, input={"channel": "web", "lines": lines(A=2)})
    assert (error["code"], error["details"]) == ("INSUFFICIENT_STOCK", {"requested": 2, "available": 1})


@pytest.mark.parametrize("where", [{"location": "ny"}, {"channel": "web"}])
async def test_units_that_are_there_but_not_for_today_are_told_for_tomorrow(api: Api, where: dict[str, str]) -> None:
    await shop(api, {"ny": {}}, {"A": {"ny": 5}})
    await rules(api, {"kind": "MAX_PER_DAY", "units": 3, **where})
    tomorrow = f"{datetime.now(UTC).date() + timedelta(days=1)}"
    held = {"channel": "web", "lines": lines(A=4)}
    (error,) = await api.refused(RESERVE_WHEN, input=held)
    assert error["details"] == {"available": 3, "nextAvailableAt": f"{tomorrow}T00:00:00.000000Z"}
    assert f"3 can be promised now, the rest from {tomorrow}" in error["message"]
    await api.ok(RESERVE, input={**held, "lines": lines(A=3)})
    (error,) = await api.refused(RESERVE_WHEN, input={**held, "lines": lines(A=1)})
    assert error["details"] == {"available": 0, "nextAvailableAt": f"{tomorrow}T00:00:00.000000Z"}
    (error,) = await api.refused(RESERVE_WHEN, input={**held, "lines": lines(A=3)})
    assert error["details"] == {"available": 0, "nextAvailableAt": None}


async def test_a_channels_day_is_counted_over_its_locations(api: Api) -> None:
    await shop(api, {"ny": {}, "la": {**LOS_ANGELES}}, {"A": {"ny": 5, "la": 5}})
    await rules(api, {"kind": "MAX_PER_DAY", "units": 7, "channel": "web"})
    assert (await offer(api))["available"] == 7
    await api.ok(RESERVE, input={"channel": "web", "lines": lines(A=6)})
    assert (await offer(api))["available"] == 1


async def test_units_kept_for_one_delivery_method_are_offered_by_the_other(api: Api) -> None:
    await shop(api, {"ny": {"pickup": True}}, {"A": {"ny": 5}})
    await rules(
        api,
        {"kind": "SAFETY_STOCK", "units": 1, "location": "ny"},
        {"kind": "SAFETY_STOCK", "units": 4, "location": "ny", "deliveryMethod": "SHIPPING"},
    )
    assert (await offer(api))["available"] == 1
    assert (await offer(api, locations=["ny"]))["available"] == 4


async def test_a_token_that_is_older_than_a_rule_sells_nothing_that_the_rule_keeps(api: Api) -> None:
    await shop(api, {"ny": {}}, {"A": {"ny": 5}})
    asked = {"channel": "web", "lines": lines(A=4), "destination": TO_NEW_YORK}
    token = (await api.ok(PROMISE, input=asked))["promise"]["options"][0]["token"]
    await rules(api, {"kind": "SAFETY_STOCK", "units": 3})
    (error,) = await api.refused(RESERVE, input={"promiseToken": token})
    assert error["code"] == "INSUFFICIENT_STOCK"


async def test_rules_cost_availability_no_statement_once_they_are_known(api: Api) -> None:
    await shop(api, {"ny": {}}, {"A": {"ny": 5}})
    with statements() as before:
        await offer(api)
    await rules(api, {"kind": "SAFETY_STOCK", "units": 1}, {"kind": "MAX_PER_DAY", "units": 3, "channel": "web"})
    with statements() as changed:
        assert (await offer(api))["available"] == 3
    with statements() as after:
        assert (await offer(api))["available"] == 3
    assert (len(before), len(changed), len(after)) == (3, 4, 3)


async def test_units_a_day_of_a_sku_cost_the_others_no_statement(api: Api) -> None:
    await shop(api, {"ny": {}}, {"A": {"ny": 9}, "B": {"ny": 9}})
    held = {"channel": "web", "lines": lines(B=1)}
    await api.ok(RESERVE, input=held)
    with statements() as before:
        await api.ok(RESERVE, input=held)
    await rules(api, {"kind": "MAX_PER_DAY", "units": 3, "channel": "web"})
    await api.ok(RESERVE, input=held)
    with statements() as after:
        await api.ok(RESERVE, input=held)
    assert len(after) == len(before)
