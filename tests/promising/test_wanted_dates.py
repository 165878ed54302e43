"""Units that are wanted on a date: nothing arrives before it, and they take what is there by their ship day."""

import random
from datetime import date, timedelta
from typing import Any

import pytest

from promising.shop import MONDAY_NOON, TO_NEW_YORK, at, lines, put_supply, shop
from world import Api, World

PROMISE = """query($input: PromiseInput!) { promise(input: $input) {
  promise { options { token deliveredBy shipments { shipBy deliveredBy location { handle } lines { sku quantity } } }
            unavailable { code message path details { requested available nextAvailableAt } } }
  userErrors { code message path } } }"""
RESERVE = """mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) {
  reservation { id lines { sku quantity expectedAt location { handle } } } userErrors { code message path } } }"""
AVAILABLE = """query { availability(input: { channel: "web", skus: ["A"] }) {
  availability { available schedule { startsOn available } } userErrors { code } } }"""
ORDER = """mutation($input: OrderCreateInput!) { orderCreate(input: $input) {
  order { id lines { sku requestedOn promisedOn quantities { reserved backordered } } }
  userErrors { code message path } } }"""
LOOK = """query($id: ID!) { node(id: $id) { ... on Order { lines { sku requestedOn promisedOn } } } }"""
CART = {"channel": "web", "destination": TO_NEW_YORK}
ADDRESS = {"name": "A", "lines": ["1 St"], "city": "New York", "country": "US", "postalCode": "10001"}
PRICE = {"amount": "10.00", "currency": "USD"}
IN_TWO_WEEKS = "2026-12-14"  # a Monday


def order(key: str, *rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "channel": "web",
        "externalId": key,
        "lines": [{**row, "unitPrice": PRICE} for row in rows],
        "customer": {"email": "a@example.com"},
        "shippingAddress": ADDRESS,
        **more,
    }


async def parcels(api: Api, *rows: dict[str, Any], **more: Any) -> list[tuple[str, str, dict[str, int]]]:
    """(Leaves, arrives, units by SKU) of the best option's parcels."""
    promise = (await api.ok(PROMISE, input={**CART, "lines": list(rows), **more}))["promise"]
    assert promise["unavailable"] == []
    return [
        (sent["shipBy"][:10], sent["deliveredBy"], {line["sku"]: line["quantity"] for line in sent["lines"]})
        for sent in promise["options"][0]["shipments"]
    ]


async def available(api: Api) -> int:
    found: int = (await api.ok(AVAILABLE))["availability"][0]["available"]
    return found


async def test_a_parcel_leaves_on_the_last_day_that_is_in_time(api: Api) -> None:
    await shop(api, {"nyc": {"cutOff": "23:00", "openDays": [1, 2, 3, 4, 5]}}, {"A": {"nyc": 9}})
    with at(MONDAY_NOON):
        ((today, soonest, _),) = await parcels(api, *lines(A=1))
        assert (today, soonest) == ("2026-12-01", "2026-12-01")  # 23:00 in New York is the next day in UTC
        assert await parcels(api, *lines(A=1), requestedOn=soonest) == [(today, soonest, {"A": 1})]
        assert await parcels(api, *lines(A=1), requestedOn=IN_TWO_WEEKS) == [("2026-12-12", IN_TWO_WEEKS, {"A": 1})]


async def test_on_a_day_without_delivery_it_arrives_on_the_next_or_before_if_it_may(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 9}})
    with at(MONDAY_NOON):
        for saturday in ("2026-12-12", "2026-12-13"):
            ((_, arrives, _),) = await parcels(api, *lines(A=1), requestedOn=saturday)
            assert arrives == "2026-12-14"
            ((_, arrives, _),) = await parcels(api, *lines(A=1), requestedOn=saturday, mayArriveEarlier=True)
            assert arrives == "2026-12-11"


async def test_lines_that_are_wanted_on_different_days_go_in_parcels_of_their_own(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 9}, "B": {"nyc": 9}, "C": {"nyc": 9}})
    rows = [
        {"sku": "A", "quantity": 1, "requestedOn": "2026-12-10"},
        {"sku": "B", "quantity": 2},
        {"sku": "C", "quantity": 3, "requestedOn": "2026-12-10"},
        {"sku": "A", "quantity": 4, "requestedOn": "2026-12-17"},
    ]
    with at(MONDAY_NOON):
        found = await parcels(api, *rows)
        assert [(arrives, units) for _, arrives, units in found] == [
            ("2026-12-01", {"B": 2}),
            ("2026-12-10", {"A": 1, "C": 3}),
            ("2026-12-17", {"A": 4}),
        ]
        assert [(day, units) for _, day, units in await parcels(api, *rows, requestedOn="2026-12-17")] == [
            ("2026-12-10", {"A": 1, "C": 3}),
            ("2026-12-17", {"B": 2, "A": 4}),
        ]


async def test_what_is_wanted_later_takes_the_last_supply_in_time_and_leaves_what_is_on_hand(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 5}})
    for name, days in (("early", 2), ("middle", 7), ("too-late", 14)):
        await put_supply(api, name, "A", "nyc", 4, MONDAY_NOON + timedelta(days=days))
    with at(MONDAY_NOON):
        asked = {**CART, "lines": [{"sku": "A", "quantity": 6, "requestedOn": "2026-12-10"}]}
        held = (await api.ok(RESERVE, input=asked))["reservation"]["lines"]
        when = sorted((line["expectedAt"][:10], line["quantity"]) for line in held)
        assert when == [("2026-12-02", 2), ("2026-12-07", 4)]
        assert await available(api) == 5
        # 7 are left by then: 2 of the early supply, and what is on hand
        refused = (await api.ok(PROMISE, input={**CART, "lines": [{**asked["lines"][0], "quantity": 8}]}))["promise"]
        assert refused["options"] == []
        assert refused["unavailable"][0]["details"] == {
            "requested": 8, "available": 7, "nextAvailableAt": "2026-12-14T17:00:00.000000Z"
        }  # fmt: skip
        held = (await api.ok(RESERVE, input={**CART, "lines": [{**asked["lines"][0], "quantity": 7}]}))["reservation"]
        assert sorted((line["expectedAt"] or "")[:10] for line in held["lines"]) == ["", "2026-12-02"]
        assert await available(api) == 0
        assert (await api(RESERVE, input={**CART, "lines": lines(A=1)}))["reservationCreate"]["reservation"] is None


async def test_with_backorder_what_comes_too_late_follows(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 2}})
    await put_supply(api, "po", "A", "nyc", 4, MONDAY_NOON + timedelta(days=14))
    with at(MONDAY_NOON):
        row = {"sku": "A", "quantity": 5, "requestedOn": "2026-12-10"}
        made = (await api.ok(ORDER, input=order("1", row, onShortage="BACKORDER")))["order"]["lines"]
        assert made == [{
            "sku": "A", "requestedOn": "2026-12-10", "promisedOn": "2026-12-15",
            "quantities": {"reserved": 2, "backordered": 3},
        }]  # fmt: skip


@pytest.mark.parametrize(("day", "says"), [
    ("2026-11-29", "is past; today is 2026-11-30"),
    ("2027-12-02", "is more than 366 days ahead"),
])  # fmt: skip
async def test_a_date_that_cannot_be_is_named(api: Api, day: str, says: str) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 2}})
    with at(MONDAY_NOON):
        row = {"sku": "A", "quantity": 1, "requestedOn": day}
        for document, asked in (
            (PROMISE, {**CART, "lines": [row]}),
            (RESERVE, {**CART, "lines": [row]}),
            (ORDER, order("1", row)),
        ):
            (error,) = await api.refused(document, input=asked)
            assert error["code"] == "INVALID"
            assert error["message"].startswith(f"requestedOn {day} {says}: send a date from 2026-11-30 to 2027-12-01")
            assert error["path"] == ["input", "lines", "0", "requestedOn"]
        for document, asked in (
            (PROMISE, {**CART, "lines": lines(A=1), "requestedOn": day}),
            (ORDER, order("1", *lines(A=1), requestedOn=day)),
        ):
            (error,) = await api.refused(document, input=asked)
            assert error["path"] == ["input", "requestedOn"]
        assert await available(api) == 2


async def test_an_order_keeps_the_dates_of_its_promise(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 2}}, paymentRule="NONE")
    with at(MONDAY_NOON):
        row = {"sku": "A", "quantity": 1}
        asked = {**CART, "lines": [row], "requestedOn": IN_TWO_WEEKS}
        token = (await api.ok(PROMISE, input=asked))["promise"]["options"][0]["token"]
        for wrong, said in (
            ({}, "A is wanted as soon as it can be, the promise has it wanted on 2026-12-14"),
            ({"requestedOn": "2026-12-15"}, "A is wanted on 2026-12-15, the promise has it wanted on 2026-12-14"),
            ({"requestedOn": IN_TWO_WEEKS, "mayArriveEarlier": True}, "A is wanted on 2026-12-14 or before"),
        ):
            (error,) = await api.refused(ORDER, input=order("1", row, promiseToken=token, **wrong))
            assert error["path"] == ["input", "promiseToken"]
            assert error["message"].startswith(said)
        assert await available(api) == 2
        made = await api.ok(ORDER, input=order("1", {**row, "requestedOn": IN_TWO_WEEKS}, promiseToken=token))
        assert made["order"]["lines"][0] == {
            "sku": "A", "requestedOn": IN_TWO_WEEKS, "promisedOn": IN_TWO_WEEKS,
            "quantities": {"reserved": 1, "backordered": 0},
        }  # fmt: skip


async def test_a_reservation_that_arrives_before_the_wanted_day_is_not_taken(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 2}}, paymentRule="NONE")
    with at(MONDAY_NOON):
        soon = (await api.ok(RESERVE, input={**CART, "lines": lines(A=1)}))["reservation"]["id"]
        (error,) = await api.refused(ORDER, input=order("1", *lines(A=1), reservationId=soon, requestedOn=IN_TWO_WEEKS))
        assert error["path"] == ["input", "reservationId"]
        assert error["message"].startswith("The reservation has A arrive on 2026-12-01, before 2026-12-14")
        row = {"sku": "A", "quantity": 1, "requestedOn": IN_TWO_WEEKS}
        then = (await api.ok(RESERVE, input={**CART, "lines": [row]}))["reservation"]["id"]
        made = await api.ok(ORDER, input=order("1", row, reservationId=then))
        assert made["order"]["lines"][0]["promisedOn"] == IN_TWO_WEEKS


async def test_supply_that_slips_moves_a_wanted_date_only_when_it_is_too_late(world: World, api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 0}}, paymentRule="NONE")
    await put_supply(api, "po", "A", "nyc", 4, MONDAY_NOON + timedelta(days=2))
    with at(MONDAY_NOON):
        made = (await api.ok(ORDER, input=order("1", {"sku": "A", "quantity": 1}, requestedOn=IN_TWO_WEEKS)))["order"]
        for days, promised in ((1, IN_TWO_WEEKS), (7, IN_TWO_WEEKS), (20, "2026-12-22"), (3, IN_TWO_WEEKS)):
            await put_supply(api, "po", "A", "nyc", 4, MONDAY_NOON + timedelta(days=days))
            await world.settle()
            (line,) = (await api(LOOK, id=made["id"]))["node"]["lines"]
            assert (line["requestedOn"], line["promisedOn"]) == (IN_TWO_WEEKS, promised)


async def test_it_is_collected_no_earlier_than_wanted(api: Api) -> None:
    await shop(
        api,
        {"nyc": {"openDays": [1, 2, 3, 4, 5], "pickup": True}, "far": {"pickup": True}},
        {"A": {"nyc": 2, "far": 2}},
    )
    with at(MONDAY_NOON):
        asked = {"channel": "web", "lines": lines(A=2), "pickupLocations": ["nyc"], "requestedOn": "2026-12-12"}
        (option,) = (await api.ok(PROMISE, input=asked))["promise"]["options"]
        assert option["deliveredBy"] == "2026-12-14"
        both = {**asked, "lines": lines(A=3), "pickupLocations": ["nyc", "far"]}
        assert (await api.ok(PROMISE, input=both))["promise"]["options"] == []


async def test_a_date_beyond_the_horizon_of_a_rule_is_refused(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 2}})
    rule = {"handle": "near", "skus": ["A"], "horizonDays": 10}
    await api.ok(
        "mutation($input: AtpRulesPutInput!) { atpRulesPut(input: $input) { userErrors { code message path } } }",
        input={"rules": [rule]},
    )
    with at(MONDAY_NOON):
        assert await parcels(api, *lines(A=1), requestedOn="2026-12-10")
        (error,) = await api.refused(PROMISE, input={**CART, "lines": lines(A=1), "requestedOn": IN_TWO_WEEKS})
        assert error["message"] == (
            "requestedOn 2026-12-14 is beyond the horizon of ATP rule near, 10 days: send a date up to 2026-12-10, "
            "or none."
        )


@pytest.mark.parametrize("seed", range(8))
async def test_whoever_waits_is_promised_no_less_and_nothing_is_oversold(api: Api, seed: int) -> None:
    chance = random.Random(seed)
    places = [f"l{i}" for i in range(chance.randint(1, 3))]
    stock = {"A": {place: chance.randint(0, 6) for place in places}}
    await shop(api, {place: {"openDays": chance.choice([[1, 2, 3, 4, 5], [2, 4]])} for place in places}, stock)
    there = sum(stock["A"].values())
    for i in range(chance.randint(1, 4)):
        units = chance.randint(1, 5)
        there += units
        due = MONDAY_NOON + timedelta(days=chance.randint(0, 20))
        await put_supply(api, f"po-{i}", "A", chance.choice(places), units, due)

    async def most(day: date | None) -> int:
        row = {"sku": "A", "quantity": 100, **({"requestedOn": day.isoformat()} if day else {})}
        refused = (await api.ok(PROMISE, input={**CART, "lines": [row]}))["promise"]["unavailable"]
        return int(refused[0]["details"]["available"])

    with at(MONDAY_NOON):
        days = [date(2026, 12, 1) + timedelta(days=i) for i in range(0, 30, 3)]
        served = [await most(None), *[await most(day) for day in days]]
        assert served == sorted(served)
        assert served[-1] == there
        for _ in range(6):
            day = chance.choice([None, *days])
            left = await most(day)
            if not left:
                continue
            quantity = chance.randint(1, left)
            row = {"sku": "A", "quantity": quantity, **({"requestedOn": day.isoformat()} if day else {})}
            promise = (await api.ok(PROMISE, input={**CART, "lines": [row]}))["promise"]
            option = promise["options"][0]
            assert day is None or all(sent["deliveredBy"] >= day.isoformat() for sent in option["shipments"])
            await api.ok(RESERVE, input={"promiseToken": option["token"]})
            there -= quantity
            later = [await most(day) for day in days]
            assert later == sorted(later)
            assert later[-1] == there
