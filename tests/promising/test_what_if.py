"""`promise(assuming: …)`: the same question over an imagined world; nothing is kept, and nothing imagined is sold."""

from datetime import timedelta
from typing import Any

import pytest

from promising.capable import RULES
from promising.shop import CHICAGO, LOS_ANGELES, MONDAY_NOON, TO_NEW_YORK, at, lines, put_supply, shop
from promising.test_promise import PROMISE, ask, best, plan
from world import Api, statements

HOLD = """mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) {
  reservation { id } userErrors { code message path } } }"""
PUBLISH = """mutation($input: SourcingPolicyPublishInput!) { sourcingPolicyPublish(input: $input) {
  policy { handle } userErrors { code message path } } }"""
STOCK = """query { availability(input: {channel: "web", skus: ["A"]}) {
  availability { available } userErrors { code } } }"""


def adding(sku: str, location: str, delta: int) -> dict[str, Any]:
    return {"stock": [{"sku": sku, "location": location, "delta": delta}]}


def coming(sku: str, location: str, quantity: int, days: int, reference: str = "PO-1") -> dict[str, Any]:
    row = {"reference": reference, "sku": sku, "location": location, "quantity": quantity}
    return {"supply": [{**row, "expectedAt": (MONDAY_NOON + timedelta(days=days)).isoformat()}]}


async def test_imagined_stock_is_planned_with_and_not_kept(api: Api) -> None:
    await shop(api, {"nyc": {}, "la": LOS_ANGELES}, {"A": {"la": 3}})
    assert await best(api, lines(A=2)) == {"la": {"A": 2}}
    assert await best(api, lines(A=2), assuming=adding("A", "nyc", 2)) == {"nyc": {"A": 2}}
    assert await best(api, lines(A=2)) == {"la": {"A": 2}}
    assert (await api.ok(STOCK))["availability"] == [{"available": 3}]


async def test_imagined_stock_may_be_fewer(api: Api) -> None:
    await shop(api, {"nyc": {}, "la": LOS_ANGELES}, {"A": {"nyc": 3, "la": 3}})
    assert await best(api, lines(A=2), assuming=adding("A", "nyc", -2)) == {"la": {"A": 2}}


async def test_damaged_units_more_or_fewer_change_no_plan(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 1}})
    change = {"sku": "A", "location": "nyc", "delta": 5, "bucket": "DAMAGED"}
    promise = await ask(api, lines(A=2), assuming={"stock": [change]})
    assert promise["options"] == [] and promise["unavailable"][0]["details"]["available"] == 1


async def test_a_closed_location_serves_nothing_and_is_told_as_closed(api: Api) -> None:
    await shop(api, {"nyc": {}, "chi": CHICAGO}, {"A": {"nyc": 3, "chi": 3}})
    option = (await ask(api, lines(A=1), assuming={"closedLocations": ["nyc"]}))["options"][0]
    assert plan(option) == {"chi": {"A": 1}}
    assert option["explanation"]["rejected"] == [
        {"location": {"handle": "nyc"}, "sku": None, "reason": "CLOSED", "message": "nyc is closed, as assumed."}
    ]


async def test_imagined_supply_says_from_when_more_could_be_had(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 1}})
    with at(MONDAY_NOON):
        promise = await ask(api, lines(A=3), assuming=coming("A", "nyc", 2, days=4))
    assert [error["details"]["nextAvailableAt"] for error in promise["unavailable"]] == ["2026-12-04T17:00:00.000000Z"]


async def test_imagined_supply_takes_the_place_of_the_one_with_its_reference(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 1}})
    await put_supply(api, "PO-1", "A", "nyc", 2, MONDAY_NOON + timedelta(days=2))
    with at(MONDAY_NOON):
        withdrawn = await ask(api, lines(A=3), assuming=coming("A", "nyc", 0, days=2))
        later = await ask(api, lines(A=3), assuming=coming("A", "nyc", 2, days=9))
        beside = await ask(api, lines(A=3), assuming=coming("A", "nyc", 2, days=1, reference="PO-2"))
    dates = [found["unavailable"][0]["details"]["nextAvailableAt"] for found in (withdrawn, later, beside)]
    assert dates == [None, "2026-12-09T17:00:00.000000Z", "2026-12-01T17:00:00.000000Z"]


async def test_another_instant_gives_other_dates(api: Api) -> None:
    await shop(api, {"nyc": {"cutOff": "14:00"}}, {"A": {"nyc": 1}})
    asked = {"now": (MONDAY_NOON + timedelta(hours=4)).isoformat()}
    with at(MONDAY_NOON):
        promise = await ask(api, lines(A=1), assuming=asked)
    assert promise["options"][0]["deliveredBy"] == "2026-12-02"


@pytest.mark.parametrize("assuming", [{}, {"closedLocations": []}, adding("A", "nyc", 1)])
async def test_the_token_of_an_imagined_plan_never_sells(api: Api, assuming: dict[str, Any]) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 5}})
    token = (await ask(api, lines(A=1), assuming=assuming))["options"][0]["token"]
    assert await api.refused(HOLD, input={"promiseToken": token}) == [
        {
            "code": "INVALID",
            "message": "This promise was only imagined (`assuming`): it cannot be held. Ask again without assumptions.",
            "path": ["input", "promiseToken"],
        }
    ]
    assert (await api.ok(STOCK))["availability"] == [{"available": 5}]


NO_MOON = "'moon' is not a location of this channel; name one that is, or add it with channelPut first."


@pytest.mark.parametrize(
    ("assuming", "code", "message", "path"),
    [
        (adding("NONE", "nyc", 1), "NOT_FOUND", "There is no SKU 'NONE'; create it with skuPut first.",
         ["stock", "0", "sku"]),
        (coming("NONE", "nyc", 1, 1), "NOT_FOUND", "There is no SKU 'NONE'; create it with skuPut first.",
         ["supply", "0", "sku"]),
        ({"closedLocations": ["moon"]}, "NOT_FOUND", NO_MOON,
         ["closedLocations", "0"]),
        (adding("A", "moon", 1), "NOT_FOUND", NO_MOON, ["stock", "0", "location"]),
        (coming("A", "moon", 1, 1), "NOT_FOUND", NO_MOON,
         ["supply", "0", "location"]),
        (adding("A", "nyc", -9), "INVALID", "-9 of A at nyc would leave -4 on hand; it has 5.",
         ["stock", "0", "delta"]),
        (coming("A", "nyc", -1, 1), "INVALID", "-1 units cannot come; assume 0 to 2,147,483,647.",
         ["supply", "0", "quantity"]),
        ({"now": "9999-12-01T00:00:00Z"}, "INVALID",
         "9999-12-01T00:00:00.000000Z is out of reach; assume 1970 to 2100.", ["now"]),
        ({"now": "0001-01-01T00:00:00Z"}, "INVALID",
         "0001-01-01T00:00:00.000000Z is out of reach; assume 1970 to 2100.", ["now"]),
    ],
)  # fmt: skip
async def test_what_cannot_be_imagined_is_named(
    api: Api, assuming: dict[str, Any], code: str, message: str, path: list[str]
) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 5}})
    asked = {"channel": "web", "lines": lines(A=1), "destination": TO_NEW_YORK, "assuming": assuming}
    found = await api.refused(PROMISE, input=asked)
    assert found == [{"code": code, "message": message, "path": ["input", "assuming", *path]}]


async def test_all_that_is_wrong_with_a_question_is_told_at_once_in_its_own_order(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 5}})
    wanted = [
        {"sku": "NONE", "quantity": 0},
        {"sku": "A", "quantity": -1},
        {"sku": "GONE", "quantity": 1, "requestedOn": "2020-01-01"},
    ]
    supply = {"reference": "P", "sku": "NO", "location": "moon", "quantity": -1, "expectedAt": "2027-01-01T00:00:00Z"}
    assuming = {
        "closedLocations": ["moon"],
        "stock": [{"sku": "WHAT", "location": "mars", "delta": 1}],
        "supply": [supply],
        "now": "9999-12-01T00:00:00Z",
    }
    asked = {
        "channel": "web",
        "lines": wanted,
        "destination": {"country": "US", "postalCode": "1" * 21},
        "assuming": assuming,
    }
    found = await api.refused(PROMISE, input=asked)
    assert [(error["code"], ".".join(error["path"][1:])) for error in found] == [
        ("NOT_FOUND", "lines.0.sku"),
        ("INVALID", "lines.0.quantity"),
        ("INVALID", "lines.1.quantity"),
        ("NOT_FOUND", "lines.2.sku"),
        ("INVALID", "lines.2.requestedOn"),
        ("INVALID", "destination.postalCode"),
        ("NOT_FOUND", "assuming.closedLocations.0"),
        ("NOT_FOUND", "assuming.stock.0.sku"),
        ("NOT_FOUND", "assuming.stock.0.location"),
        ("NOT_FOUND", "assuming.supply.0.sku"),
        ("NOT_FOUND", "assuming.supply.0.location"),
        ("INVALID", "assuming.supply.0.quantity"),
        ("INVALID", "assuming.now"),
    ]


async def test_every_unit_that_is_not_there_to_be_taken_away_is_named(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 5}, "B": {"nyc": 2}})
    rows = [{"sku": sku, "location": "nyc", "delta": delta} for sku, delta in (("A", -6), ("B", -2), ("B", -1))]
    asked = {"channel": "web", "lines": lines(A=1, B=1), "destination": TO_NEW_YORK, "assuming": {"stock": rows}}
    found = await api.refused(PROMISE, input=asked)
    assert [(error["path"][3], error["message"]) for error in found] == [
        ("0", "-6 of A at nyc would leave -1 on hand; it has 5."),
        ("2", "-1 of B at nyc would leave -1 on hand; it has 0."),
    ]


async def test_stock_of_what_is_not_asked_for_may_be_imagined_and_changes_nothing(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 5}, "B": {"nyc": 2}})
    assert await best(api, lines(A=1), assuming=adding("B", "nyc", -2)) == {"nyc": {"A": 1}}


async def test_a_published_policy_can_be_asked_before_it_is_promoted(api: Api) -> None:
    await shop(api, {"nyc": {"kind": "STORE"}, "chi": CHICAGO}, {"A": {"nyc": 3, "chi": 3}})
    rule = {"name": "no stores", "effect": "EXCLUDE", "locations": {"kinds": ["STORE"]}}
    await api.ok(PUBLISH, input={"policy": "main", "currency": "USD", "rules": [rule]})
    asked = {"policy": {"policy": "main", "number": 1}}
    option = (await ask(api, lines(A=1), assuming=asked))["options"][0]
    assert (plan(option), option["explanation"]["policyVersion"]) == ({"chi": {"A": 1}}, 1)
    assert await best(api, lines(A=1)) == {"nyc": {"A": 1}}
    sent = {"channel": "web", "lines": lines(A=1), "destination": TO_NEW_YORK}
    found = await api.refused(PROMISE, input={**sent, "assuming": {"policy": {"policy": "main", "number": 2}}})
    assert found == [{
        "code": "NOT_FOUND",
        "message": "There is no version 2 of sourcing policy 'main'; publish it with sourcingPolicyPublish first.",
        "path": ["input", "assuming", "policy"],
    }]  # fmt: skip


async def test_imagining_costs_no_statement_and_imagined_supply_one(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 5}})
    await ask(api, lines(A=1))
    with statements() as found:
        await ask(api, lines(A=1), assuming={**adding("A", "nyc", 1), "closedLocations": []})
    plain = len(found)
    with statements() as found:
        await ask(api, lines(A=1), assuming=coming("A", "nyc", 1, 1))
    assert (plain <= 4, len(found)) == (True, plain + 1)


async def test_imagined_stock_is_sent_over_lanes_and_made_into_others(api: Api) -> None:
    await shop(
        api, {"nyc": {}, "la": {**LOS_ANGELES, "ships": False}}, {"A": {"nyc": 1}, "TABLE": {"nyc": 0}, "LEG": {}}
    )
    await api.ok(RULES, input={"rules": [
        {"handle": "lane", "skus": ["A"], "generators": [{"kind": "TRANSFER", "location": "la", "leadDays": 3}]},
        {"handle": "workshop", "skus": ["TABLE"], "generators": [
            {"kind": "MAKE", "leadDays": 1, "components": [{"sku": "LEG", "quantity": 4}]}]},
    ]})  # fmt: skip
    assert (await ask(api, lines(A=3)))["options"] == []
    (option,) = (await ask(api, lines(A=3), assuming=adding("A", "la", 2)))["options"]
    assert [one["lines"] for one in option["shipments"]] == [
        [{"sku": "A", "quantity": 1}], [{"sku": "A", "quantity": 2}],
    ]  # fmt: skip
    assert (await ask(api, lines(TABLE=2), assuming=adding("LEG", "nyc", 7)))["options"] == []
    assert await best(api, lines(TABLE=2), assuming=adding("LEG", "nyc", 8)) == {"nyc": {"TABLE": 2}}
