"""Destinations to which no carrier service goes, from any location or from some: refused by name, or left to others."""

from datetime import timedelta
from typing import Any

from promising.shop import CHICAGO, LOS_ANGELES, MONDAY_NOON, TO_NEW_YORK, at, lines, put_supply, shop
from promising.test_carriers import LIMITS, RELEASE, SERVICES, service, usd
from promising.test_promise import ask
from world import Api

OFFERS = "mutation($input: LocationServicesPutInput!) { locationServicesPut(input: $input) { userErrors { message } } }"
HOLD = """mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) {
  reservation { id lines { quantity location { handle } } } userErrors { code message path } } }"""
AVAILABILITY = """query($input: AvailabilityInput!) { availability(input: $input) {
  availability { earliestDelivery } userErrors { code message path } } }"""
STOCK = '{ inventory(skus: ["A"]) { nodes { reserved } } }'
TO_BERLIN = {"country": "DE", "postalCode": "10115"}
NO_WAY = (
    "No carrier service goes to DE 10115 from the locations of channel web; give one a zone there with "
    "carrierServicePut, let a location offer it with locationServicesPut, or choose another destination."
)


async def carriers(api: Api, **countries: str) -> None:
    """A service a location, that goes to one country."""
    rows = [
        service(handle, 2, "5.00", zones=[{"zone": "all", "country": country, "transitDays": 2}])
        for handle, country in countries.items()
    ]
    await api.ok(SERVICES, input={"services": rows})
    offered = [{"location": handle, "services": [{"service": handle}]} for handle in countries]
    await api.ok(OFFERS, input={"locations": offered})


async def hold(api: Api, on_shortage: str, wanted: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    found = await api(HOLD, input={"channel": "web", "lines": wanted, "onShortage": on_shortage, **more})
    value: dict[str, Any] = found["reservationCreate"]
    return value


async def test_a_destination_without_zone_is_refused_by_name_and_nothing_is_held(api: Api) -> None:
    await shop(api, {"nyc": {}, "chi": CHICAGO}, {"A": {"nyc": 5}})
    await carriers(api, nyc="US", chi="US")
    with at(MONDAY_NOON):
        promise = await ask(api, lines(A=1), destination=TO_BERLIN)
        assert promise["options"] == []
        assert [(one["code"], one["message"]) for one in promise["unavailable"]] == [("NO_SOURCE", NO_WAY)]
        for on_shortage in ("REJECT", "PARTIAL", "BACKORDER"):
            held = await hold(api, on_shortage, lines(A=1), destination=TO_BERLIN)
            assert held["reservation"] is None
            assert [(one["code"], one["message"]) for one in held["userErrors"]] == [("NO_SOURCE", NO_WAY)]
    assert [node["reserved"] for node in (await api.ok(STOCK))["nodes"]] == [0]


async def test_availability_says_that_nothing_goes_to_a_destination(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 5}})
    await carriers(api, nyc="US")
    asked = {"channel": "web", "skus": ["A"], "destination": TO_BERLIN}
    with at(MONDAY_NOON):
        answer = (await api(AVAILABILITY, input=asked))["availability"]
        assert [one["earliestDelivery"] for one in answer["availability"]] == [None]
        (told,) = answer["userErrors"]
        assert (told["code"], told["message"], told["path"]) == ("NO_SOURCE", NO_WAY, ["input", "destination"])
        answer = (await api(AVAILABILITY, input={**asked, "destination": TO_NEW_YORK}))["availability"]
        assert ([one["earliestDelivery"] for one in answer["availability"]], answer["userErrors"]) == (
            ["2026-12-02"],
            [],
        )


async def test_availability_says_that_nobody_sends_parcels(api: Api) -> None:
    book = {"code": "E-BOOK", "name": "E-book", "kind": "DIGITAL"}
    await shop(api, {"nyc": {"ships": False, "pickup": True}}, {"A": {"nyc": 5}}, skus=[book])
    asked = {"channel": "web", "skus": ["A"]}
    (told,) = await api.refused(AVAILABILITY, input={**asked, "destination": TO_NEW_YORK})
    assert (told["code"], told["path"]) == ("NO_SOURCE", ["input", "destination"])
    assert told["message"] == "No active location of channel web sends parcels; add one, or choose another way."
    for where in ({}, {"locations": ["nyc"]}, {"skus": ["E-BOOK"], "destination": TO_NEW_YORK}):
        assert (await api(AVAILABILITY, input={**asked, **where}))["availability"]["userErrors"] == []


async def test_units_that_are_there_date_the_delivery_as_the_promise_does_whatever_supply_comes(api: Api) -> None:
    await shop(api, {"nyc": {}, "la": {**LOS_ANGELES, "processingDays": 14}}, {"A": {"la": 1}})
    with at(MONDAY_NOON):
        await put_supply(api, "PO-1", "A", "nyc", 3, MONDAY_NOON + timedelta(2))
        promised = (await ask(api, lines(A=1), objective="FASTEST"))["options"][0]["deliveredBy"]
        asked = {"channel": "web", "skus": ["A"], "destination": TO_NEW_YORK}
        (row,) = (await api.ok(AVAILABILITY, input=asked))["availability"]
        assert row["earliestDelivery"] == promised
        await hold(api, "REJECT", lines(A=1))
        (row,) = (await api.ok(AVAILABILITY, input=asked))["availability"]
        assert row["earliestDelivery"] == "2026-12-03"


async def test_what_cannot_be_sent_there_is_short_and_the_rest_is_served(api: Api) -> None:
    await shop(api, {"nyc": {}, "chi": CHICAGO}, {"A": {"nyc": 5, "chi": 4}})
    await carriers(api, nyc="US", chi="DE")
    with at(MONDAY_NOON):
        promise = await ask(api, lines(A=7), destination=TO_BERLIN)
        (short,) = promise["unavailable"]
        assert (short["code"], short["message"]) == (
            "INSUFFICIENT_STOCK",
            "7 of A were asked for, 4 can be promised now, no supply covers the rest; "
            "ask for fewer or allow a later date.",
        )
        held = await hold(api, "PARTIAL", lines(A=7), destination=TO_BERLIN)
        assert held["reservation"]["lines"] == [{"quantity": 4, "location": {"handle": "chi"}}]
        await api.ok(RELEASE, input={"id": held["reservation"]["id"]})
        await put_supply(api, "PO-1", "A", "nyc", 9, MONDAY_NOON + timedelta(3))
        await put_supply(api, "PO-2", "A", "chi", 3, MONDAY_NOON + timedelta(7))
        held = await hold(api, "BACKORDER", lines(A=7), destination=TO_BERLIN)
        assert held["reservation"]["lines"] == [
            {"quantity": 4, "location": {"handle": "chi"}},
            {"quantity": 3, "location": {"handle": "chi"}},
        ]


async def test_a_location_from_which_nothing_goes_there_is_told_as_rejected(api: Api) -> None:
    await shop(api, {"nyc": {}, "chi": CHICAGO}, {"A": {"nyc": 5, "chi": 4}, "B": {"nyc": 1}})
    await carriers(api, nyc="US", chi="DE")
    with at(MONDAY_NOON):
        (option, *_) = (await ask(api, lines(A=2), destination=TO_BERLIN))["options"]
    (row,) = option["explanation"]["rejected"]
    assert (row["location"]["handle"], row["reason"]) == ("nyc", "NOT_ELIGIBLE")
    assert row["message"] == "nyc has some of it, and no day and service that take it there."


async def test_a_location_that_never_has_room_serves_no_part_and_others_do(api: Api) -> None:
    await shop(api, {"nyc": {}, "chi": CHICAGO}, {"A": {"nyc": 5, "chi": 4}})
    none = [{"process": "PICK", "measure": "UNITS", "perDay": 0}]
    await api.ok(LIMITS, input={"locations": [{"location": "nyc", "capacities": none}]})
    with at(MONDAY_NOON):
        held = await hold(api, "PARTIAL", lines(A=7), destination=TO_NEW_YORK)
        assert held["reservation"]["lines"] == [{"quantity": 4, "location": {"handle": "chi"}}]
        await api.ok(LIMITS, input={"locations": [{"location": "chi", "capacities": none}]})
        (refused,) = (await ask(api, lines(A=1)))["unavailable"]
        assert (refused["code"], refused["message"]) == (
            "NO_SOURCE",
            "The next days have no room for it at nyc, chi: open more with locationCalendarPut, allow more with "
            "locationCapacityPut, or ask for less at once.",
        )


async def test_units_are_held_without_a_destination_as_if_they_went_to_the_farthest_zone(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 5}})
    zones = [
        {"zone": "near", "country": "US", "transitDays": 2},
        {"zone": "far", "country": "DE", "transitDays": 6, "transitDaysP80": 8},
    ]
    rates = [{"zone": "near", "fixed": usd("5.00")}, {"zone": "far", "fixed": usd("25.00")}]
    await api.ok(SERVICES, input={"services": [service("post", 0, "0.00", zones=zones, rates=rates)]})
    with at(MONDAY_NOON):
        held = await hold(api, "REJECT", lines(A=2))
    assert held["reservation"]["lines"] == [{"quantity": 2, "location": {"handle": "nyc"}}]
