"""Units held for a while: planned and reserved in one step."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from promising.shop import CHICAGO, LOS_ANGELES, MONDAY_NOON, TO_NEW_YORK, at, lines, put_stock, put_supply, shop
from world import Api, World, statements

CREATE = """mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) {
  reservation { id version expiresAt lines { sku quantity location { handle } expectedAt } }
  userErrors { code message path details { sku requested available nextAvailableAt } } } }"""
EXTEND = """mutation($input: ReservationExtendInput!) { reservationExtend(input: $input) {
  reservation { id version expiresAt } userErrors { code message path } } }"""
RELEASE = """mutation($input: ReservationReleaseInput!) { reservationRelease(input: $input) {
  reservation { id version lines { sku } } userErrors { code message path } } }"""
AVAILABLE = """query($skus: [String!]!) { availability(input: { channel: "web", skus: $skus }) {
  availability { available } userErrors { code } } }"""
NODE = "query($id: ID!) { node(id: $id) { ... on Reservation { id version lines { sku quantity } } } }"


def wanted(*, destination: Any = TO_NEW_YORK, onShortage: str = "REJECT", **units: int) -> dict[str, Any]:
    return {"channel": "web", "lines": lines(**units), "destination": destination, "onShortage": onShortage}


async def reserve(api: Api, **units: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await api.ok(CREATE, input=wanted(**units)))["reservation"]
    return found


async def available(api: Api, *skus: str) -> list[int]:
    return [row["available"] for row in (await api.ok(AVAILABLE, skus=list(skus)))["availability"]]


def held(reservation: dict[str, Any]) -> list[tuple[str, str, int, str | None]]:
    return [
        (line["sku"], line["location"]["handle"], line["quantity"], line["expectedAt"] and line["expectedAt"][:10])
        for line in reservation["lines"]
    ]


async def test_lines_are_planned_and_held_in_one_step(api: Api) -> None:
    await shop(api, {"nyc": {}, "chi": CHICAGO}, {"A": {"nyc": 6, "chi": 7}, "B": {"nyc": 1}})
    with at(MONDAY_NOON):
        made = await reserve(api, A=10, B=1)
        assert held(made) == [("A", "nyc", 6, None), ("B", "nyc", 1, None), ("A", "chi", 4, None)]
        assert made["expiresAt"].startswith("2026-11-30T17:15:00")
        assert made["version"] == 1
        assert await available(api, "A", "B") == [3, 0]
        assert (await api(NODE, id=made["id"]))["node"]["lines"] == [
            {"sku": "A", "quantity": 6},
            {"sku": "B", "quantity": 1},
            {"sku": "A", "quantity": 4},
        ]


async def test_before_the_destination_is_known_the_preferred_location_is_taken(api: Api) -> None:
    await shop(api, {"la": LOS_ANGELES, "nyc": {}}, {"A": {"nyc": 6, "la": 7}})
    assert held(await reserve(api, A=2, destination=None)) == [("A", "la", 2, None)]
    assert held(await reserve(api, A=2)) == [("A", "nyc", 2, None)]


async def test_what_is_short_is_refused_and_nothing_is_held(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 6}, "B": {"nyc": 1}})
    with at(MONDAY_NOON):
        await put_supply(api, "P", "B", "nyc", 4, datetime(2026, 12, 3, 15, tzinfo=UTC))
        (error,) = await api.refused(CREATE, input=wanted(A=2, B=2))
    assert (error["code"], error["path"]) == ("INSUFFICIENT_STOCK", ["input", "lines", "1", "quantity"])
    assert error["details"] == {
        "sku": "B",
        "requested": 2,
        "available": 1,
        "nextAvailableAt": "2026-12-03T15:00:00.000000Z",
    }
    assert await available(api, "A", "B") == [6, 1]


async def test_partial_holds_what_there_is(api: Api) -> None:
    await shop(api, {"nyc": {}, "chi": CHICAGO}, {"A": {"nyc": 2, "chi": 1}, "B": {"nyc": 0}, "C": {"nyc": 9}})
    made = await reserve(api, A=5, B=5, C=5, onShortage="PARTIAL")
    assert sorted(held(made)) == [("A", "chi", 1, None), ("A", "nyc", 2, None), ("C", "nyc", 5, None)]
    assert await api.codes(CREATE, input=wanted(B=1, onShortage="PARTIAL")) == ["INSUFFICIENT_STOCK"]


async def test_a_backorder_is_held_of_the_supply_that_will_bring_it(api: Api) -> None:
    await shop(api, {"nyc": {}, "chi": CHICAGO}, {"A": {"nyc": 2, "chi": 0}})
    with at(MONDAY_NOON):
        await put_supply(api, "SOON", "A", "chi", 3, datetime(2026, 12, 3, 15, tzinfo=UTC))
        await put_supply(api, "LATER", "A", "chi", 9, datetime(2026, 12, 10, 15, tzinfo=UTC))
        made = await reserve(api, A=7, onShortage="BACKORDER")
        assert sorted(held(made), key=str) == [
            ("A", "chi", 2, "2026-12-10"),
            ("A", "chi", 3, "2026-12-03"),
            ("A", "nyc", 2, None),
        ]
        # what is held of a supply is not promised again
        (error,) = await api.refused(CREATE, input=wanted(A=8, onShortage="BACKORDER"))
        assert error["details"]["available"] == 7
        assert held(await reserve(api, A=7, onShortage="BACKORDER")) == [("A", "chi", 7, "2026-12-10")]


async def test_a_backordered_kit_waits_with_what_it_has_on_hand(api: Api) -> None:
    tea = {
        "code": "TEA",
        "name": "Tea",
        "kind": "KIT",
        "components": [{"sku": "CUP", "quantity": 2}, {"sku": "POT", "quantity": 1}],
    }
    parts = [{"code": "CUP", "name": "Cup"}, {"code": "POT", "name": "Pot"}, tea]
    await shop(api, {"nyc": {}}, {"CUP": {"nyc": 9}, "POT": {"nyc": 1}}, skus=parts)
    with at(MONDAY_NOON):
        await put_supply(api, "P", "POT", "nyc", 5, datetime(2026, 12, 3, 15, tzinfo=UTC))
        made = await reserve(api, TEA=3, onShortage="BACKORDER")
        assert sorted(held(made), key=str) == [
            ("CUP", "nyc", 2, None),
            ("CUP", "nyc", 4, None),
            ("POT", "nyc", 1, None),
            ("POT", "nyc", 2, "2026-12-03"),
        ]
        assert await available(api, "CUP", "TEA") == [3, 0]


async def test_a_backorder_of_an_oversold_position_waits_for_what_is_left_of_the_supply(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 3}})
    with at(MONDAY_NOON):
        await reserve(api, A=3)
        await put_stock(api, {"A": {"nyc": 1}})
        await put_supply(api, "P1", "A", "nyc", 2, datetime(2026, 12, 3, 15, tzinfo=UTC))
        await put_supply(api, "P2", "A", "nyc", 4, datetime(2026, 12, 4, 15, tzinfo=UTC))
        assert held(await reserve(api, A=4, onShortage="BACKORDER")) == [("A", "nyc", 4, "2026-12-04")]


async def test_a_hold_is_extended_and_never_shortened(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 6}})
    with at(MONDAY_NOON):
        made = await reserve(api, A=1)
        longer = await api.ok(EXTEND, input={"id": made["id"], "ttlSeconds": 3600, "expectedVersion": 1})
        assert longer["reservation"]["expiresAt"].startswith("2026-11-30T18:00:00")
        assert longer["reservation"]["version"] == 2
        same = await api.ok(EXTEND, input={"id": made["id"], "ttlSeconds": 60})
        assert same["reservation"]["expiresAt"] == longer["reservation"]["expiresAt"]
        stale = {"id": made["id"], "ttlSeconds": 60, "expectedVersion": 1}
        assert await api.codes(EXTEND, input=stale) == ["VERSION_CONFLICT"]
    with at(MONDAY_NOON + timedelta(minutes=59)):
        assert await available(api, "A") == [5]
    with at(MONDAY_NOON + timedelta(minutes=61)):
        assert await available(api, "A") == [6]
        assert await api.codes(EXTEND, input={"id": made["id"], "ttlSeconds": 60}) == ["EXPIRED"]


async def test_a_hold_is_let_go_once(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 6}})
    made = await reserve(api, A=4)
    assert await available(api, "A") == [2]
    gone = await api.ok(RELEASE, input={"id": made["id"], "expectedVersion": 1})
    assert (gone["reservation"]["version"], gone["reservation"]["lines"]) == (2, [])
    assert await available(api, "A") == [6]
    assert await api.codes(RELEASE, input={"id": made["id"]}) == ["INVALID_TRANSITION"]
    assert await available(api, "A") == [6]


async def test_a_repeated_request_holds_once(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 6}})
    asked = {**wanted(A=2), "idempotencyKey": "cart-1"}
    first, again = await api.ok(CREATE, input=asked), await api.ok(CREATE, input=asked)
    assert first == again
    assert await available(api, "A") == [4]


async def test_another_tenant_cannot_touch_it(world: World, api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 6}})
    made = await reserve(api, A=4)
    other = await world.tenant()
    assert await other.codes(RELEASE, input={"id": made["id"]}) == ["NOT_FOUND"]
    assert await other.codes(EXTEND, input={"id": made["id"], "ttlSeconds": 60}) == ["NOT_FOUND"]
    assert (await other(NODE, id=made["id"]))["node"] is None
    assert await available(api, "A") == [2]


async def test_a_key_without_the_scope_is_forbidden(world: World, api: Api) -> None:
    narrow = await world.key(api.handle, "availability:read")
    body = await narrow.answer(CREATE, input=wanted(A=1))
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_what_is_wrong_with_the_request_is_told(api: Api) -> None:
    gift = {"code": "GIFT", "name": "Gift", "kind": "DIGITAL"}
    await shop(api, {"nyc": {}}, {"A": {"nyc": 4}}, skus=[gift, {"code": "A", "name": "A"}])

    async def problems(**input: Any) -> list[tuple[str, list[str]]]:
        return [(error["code"], error["path"]) for error in await api.refused(CREATE, input=input)]

    assert await problems() == [("REQUIRED", ["input", "lines"])]
    assert await problems(lines=lines(A=1)) == [("REQUIRED", ["input", "channel"])]
    assert await problems(lines=lines(A=1), channel="shop") == [("NOT_FOUND", ["input", "channel"])]
    assert await problems(promiseToken="x", lines=lines(A=1)) == [("INVALID", ["input", "promiseToken"])]
    assert await problems(lines=lines(A=0), channel="web") == [("INVALID", ["input", "lines", "0", "quantity"])]
    assert await problems(lines=lines(NO=1), channel="web") == [("NOT_FOUND", ["input", "lines", "0", "sku"])]
    assert await problems(lines=lines(GIFT=1), channel="web") == [("INVALID", ["input", "lines"])]
    for ttl in (0, -5, 86_401):
        assert await problems(lines=lines(A=1), channel="web", ttlSeconds=ttl) == [("INVALID", ["input", "ttlSeconds"])]
    assert await available(api, "A") == [4]


async def test_200_callers_for_50_units_hold_exactly_50(api: Api) -> None:
    await shop(api, {"nyc": {}, "chi": CHICAGO, "la": LOS_ANGELES}, {"A": {"nyc": 20, "chi": 17, "la": 13}})
    answers = await asyncio.gather(*[api.answer(CREATE, input=wanted(A=1)) for _ in range(200)])
    results = [answer["data"]["reservationCreate"] for answer in answers]
    refused = [result["userErrors"][0] for result in results if result["userErrors"]]
    assert len(results) - len(refused) == 50
    assert {error["code"] for error in refused} == {"INSUFFICIENT_STOCK"}
    assert await available(api, "A") == [0]


async def test_who_loses_a_race_for_one_location_gets_the_next_one(api: Api) -> None:
    await shop(api, {"nyc": {}, "chi": CHICAGO, "la": LOS_ANGELES}, {"A": {"nyc": 3, "chi": 3, "la": 3}})
    answers = await asyncio.gather(*[api.ok(CREATE, input=wanted(A=3)) for _ in range(3)])
    places = sorted(line["location"]["handle"] for answer in answers for line in answer["reservation"]["lines"])
    assert places == ["chi", "la", "nyc"]


async def test_50_lines_take_as_many_statements_as_one(api: Api) -> None:
    stock = {f"S{i}": {"nyc": 9, "chi": 9} for i in range(50)}
    await shop(api, {"nyc": {}, "chi": CHICAGO}, stock)
    with statements() as one:
        await reserve(api, S0=1)
    with statements() as many:
        await reserve(api, **dict.fromkeys(stock, 3))
    assert len(many) == len(one)


async def test_nobody_is_refused_because_others_were_quicker_at_one_location_after_another(api: Api) -> None:
    places = {f"l{number:02}": {} for number in range(30)}
    await shop(api, places, {"A": dict.fromkeys(places, 1), "B": dict.fromkeys(places, 1)})
    answers = await asyncio.gather(*[api.answer(CREATE, input=wanted(A=1, B=1)) for _ in range(30)])
    codes = [error["code"] for answer in answers for error in answer["data"]["reservationCreate"]["userErrors"]]
    assert codes == []
