"""Why so many units can be promised by when, through the API; and what the rules make of availability."""

from datetime import UTC, datetime, timedelta
from typing import Any

from promising.shop import CHICAGO, MONDAY_NOON, TO_NEW_YORK, at, lines, put_supply, shop
from promising.test_atp_rules import put
from world import Api, statements

TIMELINE = """query($input: AtpTimelineInput!, $quantity: Int!) { atpTimeline(input: $input) {
  timeline { sku channel rule mode onHand reserved safetyStock threshold
    days { on supply demand projected available } steps { startsOn available }
    supplies { reference kind location { handle } quantity promised expectedAt countsFrom }
    demands { location { handle } leavesOn quantity waitsFor }
    locations { location { handle } onHand reserved steps { startsOn available } }
    capable(quantity: $quantity) { on fromAtp loads { on quantity generator } } }
  userErrors { code message path } } }"""
SCHEDULE = """query($input: AvailabilityInput!) { availability(input: $input) {
  availability { available status schedule { startsOn available } } userErrors { code } } }"""
RESERVE = """mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) {
  reservation { id } userErrors { code message details { nextAvailableAt } } } }"""


async def ask(api: Api, sku: str, quantity: int = 1, **more: Any) -> dict[str, Any]:
    answer = await api(TIMELINE, input={"sku": sku, "channel": "web", **more}, quantity=quantity)
    found: dict[str, Any] = answer["atpTimeline"]
    return found


async def schedule(api: Api, sku: str) -> list[dict[str, Any]]:
    answer = await api.ok(SCHEDULE, input={"channel": "web", "skus": [sku]})
    found: list[dict[str, Any]] = answer["availability"]
    return found


def days(timeline: dict[str, Any]) -> list[tuple[str, int, int, int, int | None]]:
    return [
        (day["on"][5:], day["supply"], day["demand"], day["projected"], day["available"]) for day in timeline["days"]
    ]


async def test_balance_supply_demand_and_atp_are_told_by_date(api: Api) -> None:
    await shop(api, {"nyc": {"safetyStock": 1}}, {"A": {"nyc": 6}})
    with at(MONDAY_NOON):
        await put_supply(api, "P1", "A", "nyc", 5, datetime(2026, 12, 3, 15, tzinfo=UTC))
        held = {"channel": "web", "destination": TO_NEW_YORK, "onShortage": "BACKORDER"}
        await api.ok(RESERVE, input={**held, "lines": lines(A=6)})
        found = (await ask(api, "A"))["timeline"]
        (availability,) = await schedule(api, "A")
    assert (found["onHand"], found["reserved"], found["safetyStock"], found["threshold"]) == (6, 5, 1, 0)
    assert (found["rule"], found["mode"]) == (None, "CUMULATIVE")
    # 6 on hand, less 1 kept; 5 of them leave today, 1 more when the supply is there
    assert days(found) == [("11-30", 0, 5, 0, 0), ("12-03", 5, 1, 4, 4)]
    assert found["steps"] == availability["schedule"]
    assert found["supplies"] == [{
        "reference": "P1", "kind": "PURCHASE", "location": {"handle": "nyc"}, "quantity": 5, "promised": 1,
        "expectedAt": "2026-12-03T15:00:00.000000Z", "countsFrom": "2026-12-03",
    }]  # fmt: skip
    assert found["demands"] == [
        {"location": {"handle": "nyc"}, "leavesOn": "2026-11-30", "quantity": 5, "waitsFor": None},
        {"location": {"handle": "nyc"}, "leavesOn": "2026-12-03", "quantity": 1, "waitsFor": "P1"},
    ]


async def test_it_is_told_for_a_channel_for_some_of_its_locations_or_for_one(api: Api) -> None:
    await shop(api, {"nyc": {}, "chi": CHICAGO, "off": {"active": False}}, {"A": {"nyc": 2, "chi": 5, "off": 9}})
    whole, one = (await ask(api, "A"))["timeline"], (await ask(api, "A", locations=["chi"]))["timeline"]
    assert (whole["onHand"], whole["steps"][0]["available"]) == (7, 7)
    assert [(row["location"]["handle"], row["onHand"]) for row in whole["locations"]] == [("nyc", 2), ("chi", 5)]
    assert (one["onHand"], one["steps"][0]["available"]) == (5, 5)


async def test_late_supply_counts_from_the_day_that_the_rule_says_until_it_is_given_up(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 0}, "B": {"nyc": 0}})
    with at(MONDAY_NOON):
        await put_supply(api, "PA", "A", "nyc", 5, MONDAY_NOON + timedelta(hours=1))
        await put_supply(api, "PB", "B", "nyc", 5, MONDAY_NOON + timedelta(hours=1))
        await put(api, {"handle": "a", "skus": ["A"], "delayedOffsetDays": 3, "pastDueSupplyDays": 2})
    with at(MONDAY_NOON + timedelta(days=1)):
        assert days((await ask(api, "A"))["timeline"]) == [("12-01", 0, 0, 0, 0), ("12-04", 5, 0, 5, 5)]
        assert days((await ask(api, "B"))["timeline"]) == [("12-01", 0, 0, 0, 0), ("12-02", 5, 0, 5, 5)]
    with at(MONDAY_NOON + timedelta(days=3)):
        given_up = (await ask(api, "A"))["timeline"]
        refused = await api(
            RESERVE,
            input={"channel": "web", "destination": TO_NEW_YORK, "lines": lines(A=1), "onShortage": "BACKORDER"},
        )
    assert days(given_up) == [("12-03", 0, 0, 0, 0)]
    assert given_up["supplies"][0]["countsFrom"] is None
    assert [error["code"] for error in refused["reservationCreate"]["userErrors"]] == ["INSUFFICIENT_STOCK"]


async def test_supply_beyond_the_horizon_is_not_promised(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 1}})
    with at(MONDAY_NOON):
        await put_supply(api, "P1", "A", "nyc", 5, MONDAY_NOON + timedelta(days=4))
        await put_supply(api, "P2", "A", "nyc", 5, MONDAY_NOON + timedelta(days=5))
        await put(api, {"handle": "all", "horizonDays": 4})
        (row,) = await schedule(api, "A")
        found = (await ask(api, "A"))["timeline"]
    assert row["schedule"] == [
        {"startsOn": "2026-11-30", "available": 1},
        {"startsOn": "2026-12-04", "available": 6},
    ]
    assert found["steps"] == row["schedule"]
    assert [supply["countsFrom"] for supply in found["supplies"]] == ["2026-12-04", None]


async def test_discrete_atp_never_adds_receipts_up(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 2}})
    with at(MONDAY_NOON):
        await put_supply(api, "P1", "A", "nyc", 5, MONDAY_NOON + timedelta(days=2))
        await put_supply(api, "P2", "A", "nyc", 4, MONDAY_NOON + timedelta(days=3))
        await put(api, {"handle": "all", "mode": "DISCRETE"})
        found = (await ask(api, "A"))["timeline"]
    assert [(step["startsOn"][5:], step["available"]) for step in found["steps"]] == [("11-30", 2), ("12-02", 5)]
    assert [day["projected"] for day in found["days"]] == [2, 7, 11]


async def test_what_discrete_atp_will_never_promise_together_has_no_date(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 2}})
    held = {"channel": "web", "destination": TO_NEW_YORK}
    with at(MONDAY_NOON):
        second = MONDAY_NOON + timedelta(days=3)
        await put_supply(api, "P1", "A", "nyc", 4, MONDAY_NOON + timedelta(days=2))
        await put_supply(api, "P2", "A", "nyc", 5, second)
        await put(api, {"handle": "all", "mode": "DISCRETE"})
        (five,) = await api.refused(RESERVE, input={**held, "lines": lines(A=5)})
        (six,) = await api.refused(RESERVE, input={**held, "lines": lines(A=6), "onShortage": "BACKORDER"})
    assert five["details"]["nextAvailableAt"] == second.strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    assert six["details"]["nextAvailableAt"] is None
    assert six["message"] == (
        "6 of A were asked for, 5 can be promised in all, no supply covers the rest; "
        "ask for fewer or allow a later date."
    )


async def test_surplus_that_is_offered_for_some_periods_only_is_available_until_then(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 4}})
    with at(MONDAY_NOON):
        await put_supply(api, "P1", "A", "nyc", 6, MONDAY_NOON + timedelta(days=10))
        await put(api, {"handle": "all", "mode": "PERIOD", "periodDays": 7, "accumulationPeriods": 2})
        found = (await ask(api, "A"))["timeline"]
        (row,) = await schedule(api, "A")
    assert [(step["startsOn"][5:], step["available"]) for step in found["steps"]] == [("11-30", 4), ("12-10", 10)]
    assert (row["available"], row["schedule"]) == (4, found["steps"])


async def test_what_is_not_limited_is_told_as_null(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 2}, "B": {"nyc": 2}})
    with at(MONDAY_NOON):
        await put(
            api,
            {"handle": "a", "skus": ["A"], "mode": "INFINITE"},
            {"handle": "b", "skus": ["B"], "mode": "LEAD_TIME", "leadTimeDays": 7},
        )
        a, b = (await ask(api, "A", 9))["timeline"], (await ask(api, "B", 9))["timeline"]
    assert days(a) == [("11-30", 0, 0, 2, None)]
    assert days(b) == [("11-30", 0, 0, 2, 2), ("12-07", 0, 0, 2, None)]
    assert b["capable"] == {"on": "2026-12-07", "fromAtp": 9, "loads": []}


async def test_generators_say_when_more_could_be_had(api: Api) -> None:
    await shop(
        api, {"nyc": {}, "chi": {}}, {"A": {"nyc": 2, "chi": 3}, "LEG": {"nyc": 8}},
        skus=[{"code": "LEG", "name": "Leg"}, {"code": "A", "name": "A"}],
    )  # fmt: skip
    with at(MONDAY_NOON):
        await put(api, {"handle": "all", "skus": ["A"], "generators": [
            {"kind": "TRANSFER", "location": "chi", "leadDays": 2},
            {"kind": "MAKE", "leadDays": 4, "perDay": 1, "components": [{"sku": "LEG", "quantity": 4}]},
            {"kind": "DROP_SHIP", "leadDays": 10, "openDays": [1, 2, 3, 4, 5]},
        ]})  # fmt: skip
        enough = (await ask(api, "A", 2, locations=["nyc"]))["timeline"]["capable"]
        more = (await ask(api, "A", 7, locations=["nyc"]))["timeline"]["capable"]
        most = (await ask(api, "A", 20))["timeline"]["capable"]
    assert enough == {"on": "2026-11-30", "fromAtp": 2, "loads": []}
    assert more == {"on": "2026-12-05", "fromAtp": 2, "loads": [
        {"on": "2026-12-02", "quantity": 3, "generator": "TRANSFER chi"},
        {"on": "2026-12-04", "quantity": 1, "generator": "MAKE"},
        {"on": "2026-12-05", "quantity": 1, "generator": "MAKE"},
    ]}  # fmt: skip
    # chi is among the locations of the channel: what it has counts once
    assert most == {"on": "2026-12-14", "fromAtp": 5, "loads": [
        {"on": "2026-12-04", "quantity": 1, "generator": "MAKE"},
        {"on": "2026-12-05", "quantity": 1, "generator": "MAKE"},
        {"on": "2026-12-14", "quantity": 13, "generator": "DROP_SHIP"},
    ]}  # fmt: skip


async def test_what_is_wrong_is_named(api: Api) -> None:
    pair = {"code": "PAIR", "name": "Pair", "kind": "KIT", "components": [{"sku": "A", "quantity": 2}]}
    await shop(api, {"nyc": {}}, {"A": {"nyc": 9}}, skus=[{"code": "A", "name": "A"}, pair])
    for sku, more, code, path in (
        ("NONE", {}, "NOT_FOUND", ["input", "sku"]),
        ("PAIR", {}, "INVALID", ["input", "sku"]),
        ("A", {"channel": "none"}, "NOT_FOUND", ["input", "channel"]),
        ("A", {"locations": ["mars"]}, "NOT_FOUND", ["input", "locations", "0"]),
        ("A", {"locations": []}, "INVALID", ["input", "locations"]),
    ):
        found = await ask(api, sku, **more)
        assert found["timeline"] is None
        assert [(error["code"], error["path"]) for error in found["userErrors"]] == [(code, path)]


async def test_rules_add_no_statement_once_they_are_known(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 9}})
    await put(api, {"handle": "all", "horizonDays": 9})
    question = {"channel": "web", "skus": ["A"]}
    await api(SCHEDULE, input=question)
    with statements() as availability:
        await api(SCHEDULE, input=question)
    with statements() as timeline:
        await ask(api, "A")
    assert len(availability) == 3
    assert len(timeline) == 3


async def test_a_rule_is_seen_by_the_next_question(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 0}})
    with at(MONDAY_NOON):
        await put_supply(api, "P1", "A", "nyc", 5, MONDAY_NOON + timedelta(days=9))
        for horizon, expected in ((None, 2), (3, 1), (30, 2)):
            await put(api, {"handle": "all", "horizonDays": horizon})
            (row,) = await schedule(api, "A")
            assert len(row["schedule"]) == expected
