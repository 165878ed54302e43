"""Where from, when and at which cost, through the API."""

from datetime import UTC, datetime
from typing import Any

import pytest

from promising.shop import (
    CHICAGO,
    LOS_ANGELES,
    MONDAY_NOON,
    TO_NEW_YORK,
    at,
    lines,
    put_supply,
    shop,
)
from world import Api, World, statements

PROMISE = """query($input: PromiseInput!) { promise(input: $input) {
  promise {
    expiresAt
    options {
      token deliveredBy cost { minorAmount currency }
      shipments { location { handle } method service pickupLocation { handle } shipBy deliveredBy
                  lines { sku quantity } }
      explanation { objective policy policyVersion lowerBound { minorAmount } terms { name amount { minorAmount } }
                    rejected { location { handle } sku reason message } }
    }
    unavailable { code message path details { sku requested available nextAvailableAt } }
  }
  userErrors { code message path } } }"""


async def ask(api: Api, wanted: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    if "pickupLocations" not in more:
        more = {"destination": TO_NEW_YORK, **more}
    answer = await api.ok(PROMISE, input={"channel": "web", "lines": wanted, **more})
    found: dict[str, Any] = answer["promise"]
    return found


def plan(option: dict[str, Any]) -> dict[str, dict[str, int]]:
    return {
        parcel["location"]["handle"]: {line["sku"]: line["quantity"] for line in parcel["lines"]}
        for parcel in option["shipments"]
    }


async def best(api: Api, wanted: list[dict[str, Any]], **more: Any) -> dict[str, dict[str, int]]:
    return plan((await ask(api, wanted, **more))["options"][0])


async def test_one_parcel_is_told_in_full(api: Api) -> None:
    await shop(api, {"nyc": {"cutOff": "14:00"}, "chi": CHICAGO, "empty": {}}, {"A": {"nyc": 3, "chi": 3}})
    with at(MONDAY_NOON):
        promise = await ask(api, lines(A=2))
    assert promise["expiresAt"].startswith("2026-11-30T17:15:00")
    assert promise["unavailable"] == []
    (option,) = promise["options"]
    assert option.pop("token")
    # zone 1: 500 + 50 a parcel, 2 kg at 100
    assert option == {
        "deliveredBy": "2026-12-01",
        "cost": {"minorAmount": "750", "currency": "USD"},
        "shipments": [
            {
                "location": {"handle": "nyc"},
                "method": "SHIPPING",
                "service": "standard",
                "pickupLocation": None,
                "shipBy": "2026-11-30T19:00:00.000000Z",
                "deliveredBy": "2026-12-01",
                "lines": [{"sku": "A", "quantity": 2}],
            }
        ],
        "explanation": {
            "objective": "CHEAPEST",
            "policy": "built-in",
            "policyVersion": 1,
            "lowerBound": {"minorAmount": "750"},
            "terms": [
                {"name": "shipping", "amount": {"minorAmount": "550"}},
                {"name": "weight", "amount": {"minorAmount": "200"}},
            ],
            "rejected": [
                {
                    "location": {"handle": "chi"},
                    "sku": None,
                    "reason": "DEARER",
                    "message": "chi has all of it, but is dearer by 1.50 USD.",
                },
                {
                    "location": {"handle": "empty"},
                    "sku": None,
                    "reason": "NO_STOCK",
                    "message": "empty has no promisable unit of it.",
                },
            ],
        },
    }


async def test_ten_units_over_locations_with_six_and_seven_come_from_both_and_are_ten(api: Api) -> None:
    await shop(api, {"nyc": {}, "chi": CHICAGO}, {"A": {"nyc": 6, "chi": 7}})
    found = await best(api, lines(A=10))
    assert found == {"nyc": {"A": 6}, "chi": {"A": 4}}


async def test_equal_locations_are_taken_in_the_channel_s_order(api: Api) -> None:
    # Adobe Commerce's published priority order: 35 + 5 and 20 from the preferred location
    stock = {"WB01": {"north": 35, "west": 15, "brooklyn": 10}, "WB03": {"north": 50, "west": 10, "brooklyn": 0}}
    await shop(api, {"north": {}, "west": {}, "brooklyn": {}}, stock)
    assert await best(api, lines(WB01=40, WB03=20)) == {"north": {"WB01": 35, "WB03": 20}, "west": {"WB01": 5}}


async def test_the_remainder_spills_over_exactly(api: Api) -> None:
    # a peer allocates 3 + 5 = 8 of 5
    await shop(api, {"n1": {}, "n2": {}}, {"A": {"n1": 3, "n2": 10}}, maxShipments=2)
    assert await best(api, lines(A=5)) == {"n2": {"A": 5}}
    await shop(api, {"n1": {}, "n2": {}}, {"B": {"n1": 3, "n2": 4}})
    assert await best(api, lines(B=5)) == {"n1": {"B": 3}, "n2": {"B": 2}}


async def test_each_objective_gets_its_plan_and_the_others_are_offered(api: Api) -> None:
    # far away everything is in one place; A and B are near, but apart
    places = {"near": {}, "chi": CHICAGO, "la": LOS_ANGELES}
    await shop(api, places, {"A": {"near": 5, "la": 5}, "B": {"chi": 5, "la": 5}})
    with at(MONDAY_NOON):
        fastest = await ask(api, lines(A=1, B=1), objective="FASTEST")
        fewest = await ask(api, lines(A=1, B=1), objective="FEWEST_SHIPMENTS")
        default = await ask(api, lines(A=1, B=1))
    split, together = {"near": {"A": 1}, "chi": {"B": 1}}, {"la": {"A": 1, "B": 1}}
    assert [plan(option) for option in fastest["options"]] == [split, together]
    assert [plan(option) for option in fewest["options"]] == [together, split]
    assert [plan(option) for option in default["options"]] == [together, split]
    assert [option["cost"]["minorAmount"] for option in default["options"]] == ["1050", "1450"]
    assert [option["deliveredBy"] for option in default["options"]] == ["2026-12-09", "2026-12-04"]
    assert fastest["options"][0]["explanation"]["rejected"][0]["reason"] == "TOO_LATE"
    assert fastest["options"][0]["explanation"]["objective"] == "FASTEST"


async def test_the_channel_s_objective_decides_when_none_is_named(api: Api) -> None:
    await shop(api, {"la": LOS_ANGELES, "nyc": {}}, {"A": {"la": 5}, "B": {"nyc": 5, "la": 5}}, objective="FASTEST")
    (option, *_) = (await ask(api, lines(B=1)))["options"]
    assert option["explanation"]["objective"] == "FASTEST"


async def test_the_terms_of_a_split_add_up_to_its_cost(api: Api) -> None:
    await shop(api, {"nyc": {}, "chi": CHICAGO}, {"A": {"nyc": 1}, "B": {"chi": 3}})
    (option,) = (await ask(api, lines(A=1, B=3)))["options"]
    terms = {term["name"]: int(term["amount"]["minorAmount"]) for term in option["explanation"]["terms"]}
    assert terms == {"shipping": 550 + 700, "weight": 100 + 300}
    assert int(option["cost"]["minorAmount"]) == sum(terms.values()) == 1650


async def test_asked_after_the_cut_off_on_friday_it_leaves_on_monday(api: Api) -> None:
    weekdays = {"openDays": [1, 2, 3, 4, 5], "cutOff": "14:00", "timezone": "America/New_York"}
    await shop(api, {"nyc": weekdays, "slow": {**weekdays, "processingDays": 2}}, {"A": {"nyc": 5}, "B": {"slow": 5}})
    with at(datetime(2026, 12, 4, 18, 59, tzinfo=UTC)):  # Friday 13:59
        before = (await ask(api, lines(A=1)))["options"][0]["shipments"][0]
    with at(datetime(2026, 12, 4, 19, 0, tzinfo=UTC)):  # Friday 14:00
        after = (await ask(api, lines(A=1)))["options"][0]["shipments"][0]
        slow = (await ask(api, lines(B=1)))["options"][0]["shipments"][0]
    assert (before["shipBy"], before["deliveredBy"]) == ("2026-12-04T19:00:00.000000Z", "2026-12-07")
    assert (after["shipBy"], after["deliveredBy"]) == ("2026-12-07T19:00:00.000000Z", "2026-12-08")
    assert (slow["shipBy"], slow["deliveredBy"]) == ("2026-12-09T19:00:00.000000Z", "2026-12-10")


async def test_a_kit_is_sent_as_its_components(api: Api) -> None:
    tea = {
        "code": "TEA",
        "name": "Tea",
        "kind": "KIT",
        "components": [{"sku": "CUP", "quantity": 2}, {"sku": "POT", "quantity": 1}],
    }
    parts = [
        {"code": "CUP", "name": "Cup", "weightGrams": 200}, {"code": "POT", "name": "Pot", "weightGrams": 600}, tea,
    ]  # fmt: skip
    await shop(api, {"nyc": {}}, {"CUP": {"nyc": 9}, "POT": {"nyc": 4}}, skus=parts)
    (option,) = (await ask(api, lines(TEA=2, CUP=1)))["options"]
    assert plan(option) == {"nyc": {"CUP": 5, "POT": 2}}
    assert option["cost"]["minorAmount"] == "770"  # 550 + 2.2 kg
    short = await ask(api, lines(TEA=5))
    assert short["options"] == []
    (problem,) = short["unavailable"]
    assert problem["details"] == {"sku": "TEA", "requested": 5, "available": 4, "nextAvailableAt": None}


async def test_what_is_short_is_named_with_what_there_is_and_when_the_rest_comes(api: Api) -> None:
    await shop(api, {"nyc": {"safetyStock": 1}, "chi": CHICAGO}, {"A": {"nyc": 6, "chi": 2}, "B": {"nyc": 9}})
    with at(MONDAY_NOON):
        await put_supply(api, "P1", "A", "nyc", 2, datetime(2026, 12, 3, 15, tzinfo=UTC))
        await put_supply(api, "P2", "A", "chi", 9, datetime(2026, 12, 10, 15, tzinfo=UTC))
        promise = await ask(api, [*lines(A=4, B=1), *lines(A=6)])
    assert promise["options"] == []
    (problem,) = promise["unavailable"]
    assert (problem["code"], problem["path"]) == ("INSUFFICIENT_STOCK", ["input", "lines", "2", "quantity"])
    assert problem["details"] == {
        "sku": "A",
        "requested": 10,
        "available": 7,
        "nextAvailableAt": "2026-12-10T15:00:00.000000Z",
    }


async def test_the_channel_s_threshold_is_not_promised(api: Api) -> None:
    await shop(api, {"nyc": {}, "chi": CHICAGO}, {"A": {"nyc": 3, "chi": 3}}, threshold=2)
    assert await best(api, lines(A=4)) == {"nyc": {"A": 3}, "chi": {"A": 1}}
    (problem,) = (await ask(api, lines(A=5)))["unavailable"]
    assert problem["details"]["available"] == 4


async def test_more_shipments_than_the_channel_allows_are_no_plan(api: Api) -> None:
    await shop(
        api, {"nyc": {}, "chi": CHICAGO, "la": LOS_ANGELES}, {"A": {"nyc": 3, "chi": 3, "la": 3}}, maxShipments=2
    )
    assert len(await best(api, lines(A=6))) == 2
    promise = await ask(api, lines(A=7))
    assert promise["options"] == []
    (problem,) = promise["unavailable"]
    assert problem["code"] == "NO_SOURCE"
    assert "3 shipments" in problem["message"]


async def test_locations_that_may_not_serve_are_rejected_with_the_reason(api: Api) -> None:
    places = {"nyc": {}, "off": {"active": False}, "desk": {"ships": False, "pickup": True}}
    await shop(api, places, {"A": {"nyc": 1, "off": 9, "desk": 9}})
    (option,) = (await ask(api, lines(A=1)))["options"]
    assert [(row["location"]["handle"], row["reason"]) for row in option["explanation"]["rejected"]] == [
        ("off", "NOT_ELIGIBLE"),
        ("desk", "NOT_ELIGIBLE"),
    ]
    (problem,) = (await ask(api, lines(A=2)))["unavailable"]
    assert problem["details"]["available"] == 1


async def test_a_channel_without_a_location_that_sends_has_no_source(api: Api) -> None:
    await shop(api, {"desk": {"ships": False, "pickup": True}}, {"A": {"desk": 9}})
    promise = await ask(api, lines(A=1))
    assert promise["options"] == []
    assert [problem["code"] for problem in promise["unavailable"]] == ["NO_SOURCE"]


async def test_what_is_collected_is_whole_at_one_location_and_the_soonest_comes_first(api: Api) -> None:
    places = {
        "slow": {"pickup": True, "processingDays": 2},
        "chi": {**CHICAGO, "pickup": True, "ships": False},
        "half": {"pickup": True},
        "never": {"pickup": False},
    }
    await shop(api, places, {"A": {"slow": 3, "chi": 3, "half": 1, "never": 9}})
    with at(MONDAY_NOON):
        promise = await ask(api, lines(A=2), pickupLocations=["slow", "chi", "half", "never"])
    first, second = promise["options"]
    (parcel,) = first["shipments"]
    assert parcel == {
        "location": {"handle": "chi"},
        "method": "PICKUP",
        "service": None,
        "pickupLocation": {"handle": "chi"},
        "shipBy": "2026-12-01T05:59:00.000000Z",  # the end of the day: it names no cut-off
        "deliveredBy": "2026-11-30",
        "lines": [{"sku": "A", "quantity": 2}],
    }
    assert first["cost"]["minorAmount"] == "0"
    assert [(row["location"]["handle"], row["reason"]) for row in first["explanation"]["rejected"]] == [
        ("slow", "DEARER"),
        ("half", "DEARER"),
        ("never", "NOT_ELIGIBLE"),
    ]
    assert (plan(second), second["deliveredBy"]) == ({"slow": {"A": 2}}, "2026-12-02")


async def test_what_no_single_location_has_cannot_be_collected(api: Api) -> None:
    await shop(api, {"nyc": {"pickup": True}, "chi": {**CHICAGO, "pickup": True}}, {"A": {"nyc": 2, "chi": 2}})
    promise = await ask(api, lines(A=3), pickupLocations=["nyc", "chi"])
    assert [problem["code"] for problem in promise["unavailable"]] == ["NO_SOURCE"]
    promise = await ask(api, lines(A=5), pickupLocations=["nyc", "chi"])
    assert [problem["code"] for problem in promise["unavailable"]] == ["INSUFFICIENT_STOCK"]


async def test_what_has_no_stock_needs_no_parcel(api: Api) -> None:
    gift = {"code": "GIFT", "name": "Gift", "kind": "DIGITAL"}
    await shop(api, {"nyc": {}}, {"A": {"nyc": 1}}, skus=[gift, {"code": "A", "name": "A"}])
    (option,) = (await ask(api, lines(GIFT=3)))["options"]
    assert (option["shipments"], option["deliveredBy"], option["cost"]["minorAmount"]) == ([], None, "0")
    (option,) = (await ask(api, lines(GIFT=3, A=1)))["options"]
    assert plan(option) == {"nyc": {"A": 1}}


async def test_a_location_of_unknown_position_is_taken_to_be_far(api: Api) -> None:
    await shop(api, {"lost": {"latitude": None, "longitude": None}}, {"A": {"lost": 1}})
    (option,) = (await ask(api, lines(A=1)))["options"]
    assert option["cost"]["minorAmount"] == "950"  # zone 7: 500 + 350, 1 kg at 100


async def test_costs_are_hidden_without_the_scope(world: World, api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 4}})
    narrow = await world.key(api.handle, "availability:read")
    (option,) = (await ask(narrow, lines(A=1)))["options"]
    assert (option["cost"], option["explanation"]) == (None, None)
    assert plan(option) == {"nyc": {"A": 1}}


async def test_what_is_wrong_with_the_question_is_told(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 4}})

    async def problems(**question: Any) -> list[tuple[str, list[str]]]:
        asked = {"channel": "web", "lines": lines(A=1), "destination": TO_NEW_YORK, **question}
        data = await api(PROMISE, input={key: value for key, value in asked.items() if value is not None})
        assert data["promise"]["promise"] is None
        return [(error["code"], error["path"]) for error in data["promise"]["userErrors"]]

    assert await problems(lines=[*lines(A=0), *lines(A=-1), *lines(A=2**31 - 1)]) == [
        ("INVALID", ["input", "lines", "0", "quantity"]),
        ("INVALID", ["input", "lines", "1", "quantity"]),
        ("INVALID", ["input", "lines", "2", "quantity"]),
    ]
    assert await problems(lines=[]) == [("INVALID", ["input", "lines"])]
    assert await problems(lines=lines(A=1) * 501) == [("INVALID", ["input", "lines"])]
    assert await problems(lines=[*lines(A=1, NO=1)]) == [("NOT_FOUND", ["input", "lines", "1", "sku"])]
    assert await problems(channel="shop") == [("NOT_FOUND", ["input", "channel"])]
    assert await problems(destination=None) == [("REQUIRED", ["input", "destination"])]
    assert await problems(pickupLocations=["moon"]) == [("NOT_FOUND", ["input", "pickupLocations", "0"])]
    assert await problems(destination={"country": "XX"}, lines=lines(NO=1)) == [
        ("NOT_FOUND", ["input", "lines", "0", "sku"]),
        ("INVALID", ["input", "destination", "country"]),
    ]


@pytest.mark.parametrize("quantity", ["two", 2**31, 1.5, None])
async def test_a_quantity_that_is_no_whole_number_is_a_bad_request(api: Api, quantity: Any) -> None:
    answer = await api.raw(PROMISE, {"input": {"channel": "web", "lines": [{"sku": "A", "quantity": quantity}]}})
    assert answer.json()["errors"][0]["extensions"]["code"] == "VALIDATION_FAILED"


async def test_50_lines_of_kits_take_four_statements_as_one_does(api: Api) -> None:
    stock = {f"S{i}": {"nyc": i + 10, "chi": 10} for i in range(50)}
    kits = [
        {"code": f"K{i}", "name": "Kit", "kind": "KIT", "components": [{"sku": f"S{i}", "quantity": 2}]}
        for i in range(50)
    ]
    await shop(api, {"nyc": {}, "chi": CHICAGO}, stock)
    await shop(api, {"nyc": {}, "chi": CHICAGO}, skus=kits)
    with statements() as one:
        await ask(api, lines(K0=1))
    with statements() as many:
        promise = await ask(api, lines(**{f"K{i}": 2 for i in range(50)}))
    assert plan(promise["options"][0]) == {"nyc": {f"S{i}": 4 for i in range(50)}}
    assert len(many) == len(one) == 4
