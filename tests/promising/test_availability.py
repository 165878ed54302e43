"""What can be sold, where and when, through the API."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from oms_api.promising.models import Destination
from oms_api.promising.service.availability import offers
from promising.shop import (
    CHICAGO,
    LOS_ANGELES,
    MONDAY_NOON,
    TO_NEW_YORK,
    at,
    lines,
    put_stock,
    put_supply,
    shop,
)
from world import Api, World, statements

AVAILABILITY = """query($input: AvailabilityInput!) { availability(input: $input) {
  availability { sku channel available status }
  userErrors { code message path } } }"""
EVERYTHING = """query($input: AvailabilityInput!) { availability(input: $input) {
  availability { sku available status earliestDelivery asOf schedule { startsOn available }
                 locations { location { handle } available nextReceiptAt } }
  userErrors { code path } } }"""
RESERVE = """mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) {
  reservation { id } userErrors { code message } } }"""


async def ask(api: Api, *skus: str, document: str = EVERYTHING, **more: Any) -> list[dict[str, Any]]:
    answer = await api.ok(document, input={"channel": "web", "skus": list(skus), **more})
    found: list[dict[str, Any]] = answer["availability"]
    return found


async def units(api: Api, *skus: str, **more: Any) -> list[int | None]:
    return [row["available"] for row in await ask(api, *skus, document=AVAILABILITY, **more)]


async def test_skus_come_in_the_order_asked_and_unknown_ones_are_named(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 9}, "B": {"nyc": 3}})
    data = await api(AVAILABILITY, input={"channel": "web", "skus": ["B", "NONE", "A", "B"]})
    assert data["availability"]["availability"] == [
        {"sku": "B", "channel": "web", "available": 3, "status": "LOW"},
        {"sku": "A", "channel": "web", "available": 9, "status": "IN_STOCK"},
        {"sku": "B", "channel": "web", "available": 3, "status": "LOW"},
    ]
    (error,) = data["availability"]["userErrors"]
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "skus", "1"])
    assert "'NONE'" in error["message"]


async def test_units_of_all_locations_add_up_less_their_safety_and_the_threshold(api: Api) -> None:
    await shop(
        api,
        {"nyc": {"safetyStock": 2}, "chi": {**CHICAGO}, "off": {"active": False}, "desk": {"ships": False}},
        {"A": {"nyc": 10, "chi": 5, "off": 100, "desk": 100}, "B": {"nyc": 1, "chi": 3}},
        threshold=3,
    )
    # A: 10 - 2 + 5 - 3; B: what nyc lacks to its safety stock is not taken from chi: 0 + 3 - 3
    assert await units(api, "A", "B") == [10, 0]


async def test_five_units_are_low_and_six_are_not(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"FIVE": {"nyc": 5}, "SIX": {"nyc": 6}, "NO": {"nyc": 0}})
    assert [row["status"] for row in await ask(api, "FIVE", "SIX", "NO")] == ["LOW", "IN_STOCK", "OUT_OF_STOCK"]


async def test_a_kit_is_as_available_as_its_scarcest_component(api: Api) -> None:
    tea = {
        "code": "TEA",
        "name": "Tea for two",
        "kind": "KIT",
        "components": [{"sku": "CUP", "quantity": 2}, {"sku": "POT", "quantity": 1}],
    }
    await shop(api, {"nyc": {}, "chi": CHICAGO}, {"CUP": {"nyc": 9, "chi": 2}, "POT": {"nyc": 2, "chi": 2}}, skus=[
        {"code": "CUP", "name": "Cup"}, {"code": "POT", "name": "Pot"}, tea,
    ])  # fmt: skip
    (kit,) = await ask(api, "TEA")
    # in sum 11 cups make 5 sets, 4 pots 4; in Chicago 2 cups make 1
    assert kit["available"] == 4
    assert [(row["location"]["handle"], row["available"]) for row in kit["locations"]] == [("nyc", 2), ("chi", 1)]


async def test_the_threshold_is_withheld_of_every_component_of_a_kit(api: Api) -> None:
    pair = {"code": "PAIR", "name": "Pair", "kind": "KIT", "components": [{"sku": "CUP", "quantity": 2}]}
    await shop(api, {"nyc": {}}, {"CUP": {"nyc": 9}}, skus=[{"code": "CUP", "name": "Cup"}, pair], threshold=2)
    assert await units(api, "CUP", "PAIR") == [7, 3]


@pytest.mark.parametrize("kind", ["DIGITAL", "SERVICE"])
async def test_what_has_no_stock_is_not_limited(api: Api, kind: str) -> None:
    await shop(api, {"nyc": {}}, skus=[{"code": "GIFT", "name": "Gift", "kind": kind}])
    with at(MONDAY_NOON):
        (row,) = await ask(api, "GIFT", destination=TO_NEW_YORK)
    assert row["available"] is None
    assert row["status"] == "IN_STOCK"
    assert row["schedule"] == [{"startsOn": "2026-11-30", "available": None}]
    assert row["earliestDelivery"] == "2026-11-30"
    assert row["locations"] == []


async def test_supply_makes_steps_that_never_fall(api: Api) -> None:
    await shop(api, {"nyc": {}, "chi": CHICAGO}, {"A": {"nyc": 2, "chi": 0}})
    with at(MONDAY_NOON):
        await put_supply(api, "P1", "A", "chi", 5, datetime(2026, 12, 3, 15, tzinfo=UTC))
        await put_supply(api, "P2", "A", "nyc", 4, datetime(2026, 12, 10, 15, tzinfo=UTC))
        (row,) = await ask(api, "A")
    assert row["available"] == 2
    assert row["schedule"] == [
        {"startsOn": "2026-11-30", "available": 2},
        {"startsOn": "2026-12-03", "available": 7},
        {"startsOn": "2026-12-10", "available": 11},
    ]
    assert row["locations"] == [
        {"location": {"handle": "nyc"}, "available": 2, "nextReceiptAt": "2026-12-10T15:00:00.000000Z"},
        {"location": {"handle": "chi"}, "available": 0, "nextReceiptAt": "2026-12-03T15:00:00.000000Z"},
    ]


async def test_supply_counts_on_the_location_s_own_date(api: Api) -> None:
    await shop(api, {"la": LOS_ANGELES}, {"A": {"la": 0}})
    with at(MONDAY_NOON):
        await put_supply(api, "P", "A", "la", 1, datetime(2026, 12, 3, 5, tzinfo=UTC))  # the evening before, there
        (row,) = await ask(api, "A")
    assert row["schedule"][-1] == {"startsOn": "2026-12-02", "available": 1}


async def test_supply_that_is_overdue_counts_from_tomorrow(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 1}})
    with at(datetime(2026, 11, 25, tzinfo=UTC)):
        await put_supply(api, "LATE", "A", "nyc", 4, datetime(2026, 11, 27, tzinfo=UTC))
    with at(MONDAY_NOON):
        (row,) = await ask(api, "A")
    assert row["schedule"] == [
        {"startsOn": "2026-11-30", "available": 1},
        {"startsOn": "2026-12-01", "available": 5},
    ]


async def test_only_a_later_date_makes_a_backorder(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"SOON": {"nyc": 0}, "NEVER": {"nyc": 0}}, threshold=2)
    with at(MONDAY_NOON):
        await put_supply(api, "P", "SOON", "nyc", 3, datetime(2026, 12, 3, 15, tzinfo=UTC))
        await put_supply(api, "FEW", "NEVER", "nyc", 2, datetime(2026, 12, 3, 15, tzinfo=UTC))
        soon, never = await ask(api, "SOON", "NEVER", destination=TO_NEW_YORK)
    assert (soon["available"], soon["status"], soon["earliestDelivery"]) == (0, "BACKORDER", "2026-12-04")
    # the two that will come are withheld from this channel
    assert (never["available"], never["status"], never["earliestDelivery"]) == (0, "OUT_OF_STOCK", None)


async def test_supply_first_fills_what_is_promised_and_not_there(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 3}})
    await api.ok(RESERVE, input={"channel": "web", "lines": lines(A=3), "destination": TO_NEW_YORK})
    await put_stock(api, {"A": {"nyc": 1}})
    await put_supply(api, "P", "A", "nyc", 5, datetime.now(UTC).replace(year=2030))
    (row,) = await ask(api, "A")
    assert [step["available"] for step in row["schedule"]] == [0, 3]


async def test_units_of_an_expired_reservation_are_free_at_once(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 3}})
    with at(MONDAY_NOON):
        await api.ok(RESERVE, input={"channel": "web", "lines": lines(A=2), "ttlSeconds": 60})
        assert await units(api, "A") == [1]
    with at(MONDAY_NOON.replace(minute=2)):
        assert await units(api, "A") == [3]


async def test_the_nearest_location_with_a_unit_sets_the_earliest_delivery(api: Api) -> None:
    await shop(api, {"la": LOS_ANGELES, "chi": CHICAGO, "nyc": {}}, {"A": {"la": 5, "chi": 1, "nyc": 0}})
    with at(MONDAY_NOON):
        (there,) = await ask(api, "A", destination=TO_NEW_YORK)
        (nowhere,) = await ask(api, "A")
    assert there["earliestDelivery"] == "2026-12-04"  # Chicago to New York is zone 4: four business days
    assert nowhere["earliestDelivery"] is None


async def test_the_short_way_to_a_date_comes_to_the_same_as_the_long_one(world: World, api: Api) -> None:
    chance = random.Random(7)
    kits = [
        {"code": f"K{i}", "name": "Kit", "kind": "KIT",
         "components": [{"sku": f"S{i}", "quantity": 3}, {"sku": f"S{i + 1}", "quantity": 1}]}
        for i in range(8)
    ]  # fmt: skip
    places: dict[str, Any] = {
        "nyc": {}, "chi": CHICAGO, "la": {**LOS_ANGELES, "safetyStock": 1}, "desk": {"ships": False, "pickup": True},
        "slow": {"processingDays": 3},
    }  # fmt: skip
    stock = {f"S{i}": {name: chance.randrange(4) for name in places if chance.random() < 0.7} for i in range(9)}
    await shop(api, places, stock)
    await shop(api, places, skus=kits)
    with at(MONDAY_NOON):
        async with world.db.reading(api.tenant_id) as reading:
            found, _, _ = await offers(
                reading,
                channel="web",
                skus=[*stock, *(kit["code"] for kit in kits)],
                destination=Destination("US", "10001"),
            )
        dates = [offer.earliest_delivery() for offer in found]
        aisle = found[0]._aisle
        assert dates == [aisle.earliest(aisle.asked, offer.parts, 0) if offer.available else None for offer in found]
    assert len({*dates}) > 2


async def test_a_kit_arrives_with_its_last_component(api: Api) -> None:
    tea = {
        "code": "TEA",
        "name": "Tea",
        "kind": "KIT",
        "components": [{"sku": "CUP", "quantity": 2}, {"sku": "POT", "quantity": 1}],
    }
    parts = [{"code": "CUP", "name": "Cup"}, {"code": "POT", "name": "Pot"}, tea]
    stock = {"CUP": {"nyc": 1, "chi": 1}, "POT": {"nyc": 1}}
    await shop(api, {"nyc": {}, "chi": CHICAGO}, stock, skus=parts)
    with at(MONDAY_NOON):
        cup, kit = await ask(api, "CUP", "TEA", destination=TO_NEW_YORK)
    assert cup["earliestDelivery"] == "2026-12-01"
    assert kit["earliestDelivery"] == "2026-12-04"  # one of its two cups comes from Chicago


async def test_for_collection_only_the_named_locations_count(api: Api) -> None:
    places = {
        "nyc": {"pickup": True, "processingDays": 1},
        "chi": {**CHICAGO, "pickup": True, "ships": False},
        "la": {**LOS_ANGELES, "pickup": False},
    }
    await shop(api, places, {"A": {"nyc": 4, "chi": 5, "la": 90}}, threshold=2)
    with at(MONDAY_NOON):
        both, one = await ask(api, "A", locations=["chi", "nyc"]), await ask(api, "A", locations=["nyc", "la"])
    assert both[0]["available"] == 7
    assert both[0]["earliestDelivery"] == "2026-11-30"  # Chicago hands over the same day
    assert [(row["location"]["handle"], row["available"]) for row in both[0]["locations"]] == [("chi", 5), ("nyc", 4)]
    # la does not let customers collect
    assert one[0]["available"] == 2
    assert one[0]["earliestDelivery"] == "2026-12-01"
    assert [(row["location"]["handle"], row["available"]) for row in one[0]["locations"]] == [("nyc", 4), ("la", 0)]


async def test_a_kit_is_collected_whole_at_one_location(api: Api) -> None:
    tea = {
        "code": "TEA",
        "name": "Tea",
        "kind": "KIT",
        "components": [{"sku": "CUP", "quantity": 1}, {"sku": "POT", "quantity": 1}],
    }
    parts = [{"code": "CUP", "name": "Cup"}, {"code": "POT", "name": "Pot"}, tea]
    stock = {"CUP": {"nyc": 3, "chi": 1}, "POT": {"nyc": 1, "chi": 2}}
    await shop(api, {"nyc": {"pickup": True}, "chi": {**CHICAGO, "pickup": True}}, stock, skus=parts)
    assert await units(api, "TEA") == [3]
    assert await units(api, "TEA", locations=["nyc", "chi"]) == [2]


async def test_the_answer_tells_the_newest_change_that_it_reflects(api: Api) -> None:
    await shop(api, {"nyc": {}, "chi": CHICAGO}, {"A": {"nyc": 1, "chi": 1}})
    later = datetime(2027, 1, 4, 12, tzinfo=UTC)
    with at(later):
        await put_stock(api, {"A": {"chi": 7}})
    (row,) = await ask(api, "A")
    assert row["asOf"].startswith("2027-01-04T12:00:0")


async def test_locations_are_hidden_without_the_scope(world: World, api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 4}})
    narrow = await world.key(api.handle, "availability:read")
    (row,) = await ask(narrow, "A")
    assert (row["available"], row["locations"]) == (4, None)
    none = await world.key(api.handle, "orders:read")
    body = await none.answer(EVERYTHING, input={"channel": "web", "skus": ["A"]})
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_what_is_wrong_with_the_question_is_told(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 4}})

    async def problems(**question: Any) -> list[tuple[str, list[str]]]:
        asked = {"channel": "web", "skus": ["A"], **question}
        data = await api(AVAILABILITY, input=asked)
        assert data["availability"]["availability"] == []
        return [(error["code"], error["path"]) for error in data["availability"]["userErrors"]]

    assert await problems(skus=[]) == [("INVALID", ["input", "skus"])]
    assert await problems(skus=["A"] * 251) == [("INVALID", ["input", "skus"])]
    assert await problems(channel="shop") == [("NOT_FOUND", ["input", "channel"])]
    assert await problems(locations=["nyc", "moon"]) == [("NOT_FOUND", ["input", "locations", "1"])]
    assert await problems(locations=[]) == [("INVALID", ["input", "locations"])]
    assert await problems(destination={"country": "XX"}) == [("INVALID", ["input", "destination", "country"])]


async def test_supply_at_the_end_of_the_calendar_breaks_nothing(api: Api) -> None:
    await shop(api, {"far": {"timezone": "Pacific/Kiritimati"}}, {"A": {"far": 0}})
    await put_supply(api, "P", "A", "far", 4, datetime(2100, 12, 31, 23, 59, tzinfo=UTC))
    (row,) = await ask(api, "A", destination=TO_NEW_YORK)
    assert (row["status"], [step["available"] for step in row["schedule"]]) == ("BACKORDER", [0, 4])
    assert row["earliestDelivery"] is not None


@pytest.mark.parametrize("text", ["'; DROP TABLE skus; --", "🙂" * 50, "x" * 5_000, " ", ""])
async def test_strange_words_are_only_unknown(api: Api, text: str) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 4}})
    question = {"channel": "web", "skus": [text]}
    assert await api.codes(AVAILABILITY, input=question) == ["NOT_FOUND"]
    assert await api.codes(AVAILABILITY, input={**question, "channel": text}) == ["NOT_FOUND"]
    assert await api.codes(AVAILABILITY, input={**question, "skus": ["A"], "locations": [text]}) == ["NOT_FOUND"]
    destination = {"country": "US", "postalCode": text}
    data = await api(AVAILABILITY, input={**question, "skus": ["A"], "destination": destination})
    assert len(data["availability"]["userErrors"]) == (len(text) > 20)


async def test_another_tenant_does_not_see_the_channel(world: World, api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 4}})
    other = await world.tenant()
    assert await other.codes(AVAILABILITY, input={"channel": "web", "skus": ["A"]}) == ["NOT_FOUND"]


async def test_250_skus_with_every_field_take_three_statements_as_one_does(api: Api) -> None:
    stock = {f"S{i}": {"nyc": i, "chi": 1} for i in range(125)}
    kits = [
        {"code": f"K{i}", "name": "Kit", "kind": "KIT", "components": [{"sku": f"S{i}", "quantity": 2}]}
        for i in range(125)
    ]
    await shop(api, {"nyc": {}, "chi": CHICAGO}, stock)
    await shop(api, {"nyc": {}, "chi": CHICAGO}, skus=kits)
    with statements() as one:
        assert len(await ask(api, "S3", destination=TO_NEW_YORK)) == 1
    with statements() as many:
        rows = await ask(api, *stock, *[kit["code"] for kit in kits], destination=TO_NEW_YORK)
    assert [row["available"] for row in rows] == [i + 1 for i in range(125)] + [(i + 1) // 2 for i in range(125)]
    assert len(many) == len(one) == 3


async def test_what_a_rule_sells_whatever_is_there_is_in_the_schedule_as_no_number(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 2}, "B": {"nyc": 0}, "C": {"nyc": 0}}, skus=[
        {"code": "KIT", "name": "Kit", "kind": "KIT", "components": [
            {"sku": "A", "quantity": 2}, {"sku": "B", "quantity": 1}]},
        *({"code": code, "name": code} for code in "ABC"),
    ])  # fmt: skip
    rules = [{"handle": "lead", "skus": ["A", "B"], "mode": "LEAD_TIME", "leadTimeDays": 7},
             {"handle": "any", "skus": ["C"], "mode": "INFINITE"}]  # fmt: skip
    await api.ok(
        "mutation($input: AtpRulesPutInput!) { atpRulesPut(input: $input) { userErrors { code } } }",
        input={"rules": rules},
    )
    with at(MONDAY_NOON):
        found = await api.ok(
            """query($input: AvailabilityInput!) { availability(input: $input) { availability {
            sku available status earliestDelivery schedule { startsOn available } } userErrors { code } } }""",
            input={"channel": "web", "skus": ["A", "B", "C", "KIT"], "destination": TO_NEW_YORK},
        )
    today, later = "2026-11-30", "2026-12-07"
    assert [(row["sku"], row["available"], row["status"], row["earliestDelivery"],
             [(step["startsOn"], step["available"]) for step in row["schedule"]]) for row in found["availability"]] == [
        ("A", 2, "LOW", "2026-12-01", [(today, 2), (later, None)]),
        ("B", 0, "BACKORDER", "2026-12-08", [(today, 0), (later, None)]),
        ("C", None, "IN_STOCK", "2026-12-01", [(today, None)]),
        ("KIT", 0, "BACKORDER", "2026-12-08", [(today, 0), (later, None)]),
    ]  # fmt: skip
