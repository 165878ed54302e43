"""A destination by the caller's coordinates: distances go by them, calendars and zones by country and postal code."""

from typing import Any

import pytest

from orders.store import ADDRESS, Store
from promising.shop import CHICAGO, LOS_ANGELES, MONDAY_NOON, TO_NEW_YORK, at, lines, shop
from sourcing.test_decisions import decisions, replay
from world import Api, World

IN_LOS_ANGELES = {"latitude": 34.0522, "longitude": -118.2437}
PROMISE = """query($input: PromiseInput!) { promise(input: $input) {
  promise { options { token deliveredBy cost { minorAmount } shipments { location { handle } } } }
  userErrors { code message path } } }"""
AVAILABILITY = """query($input: AvailabilityInput!) { availability(input: $input) {
  availability { earliestDelivery } userErrors { code message path } } }"""
RESERVE = """mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) {
  reservation { lines { location { handle } } } userErrors { code message path } } }"""


async def best(api: Api, **destination: Any) -> dict[str, Any]:
    asked = {"channel": "web", "lines": lines(A=1), "destination": {**TO_NEW_YORK, **destination}}
    found: dict[str, Any] = (await api.ok(PROMISE, input=asked))["promise"]["options"][0]
    return found


def told(option: dict[str, Any]) -> tuple[str, str, str]:
    return option["shipments"][0]["location"]["handle"], option["cost"]["minorAmount"], option["deliveredBy"]


async def test_distances_go_by_coordinates_and_not_by_the_postal_code(api: Api) -> None:
    with at(MONDAY_NOON):
        await shop(api, {"dc": CHICAGO}, {"A": {"dc": 5}})
        assert told(await best(api)) == ("dc", "800", "2026-12-04")  # 1,140 km: zone 4
        assert told(await best(api, **IN_LOS_ANGELES)) == ("dc", "900", "2026-12-08")  # 2,800 km: zone 6
        assert told(await best(api, latitude=41.9, longitude=-87.6)) == ("dc", "650", "2026-12-01")
        asked = {"channel": "web", "skus": ["A"]}
        for destination, day in ((TO_NEW_YORK, "2026-12-04"), ({**TO_NEW_YORK, **IN_LOS_ANGELES}, "2026-12-08")):
            found = await api.ok(AVAILABILITY, input={**asked, "destination": destination})
            assert found["availability"][0]["earliestDelivery"] == day


async def test_the_nearest_location_is_that_of_the_coordinates(api: Api) -> None:
    await shop(api, {"east": {}, "west": LOS_ANGELES}, {"A": {"east": 5, "west": 5}})
    assert told(await best(api))[0] == "east"
    assert told(await best(api, **IN_LOS_ANGELES))[0] == "west"
    held = {"channel": "web", "lines": lines(A=1), "destination": {**TO_NEW_YORK, **IN_LOS_ANGELES}}
    reservation = (await api.ok(RESERVE, input={"idempotencyKey": "c-1", **held}))["reservation"]
    assert reservation["lines"] == [{"location": {"handle": "west"}}]


@pytest.mark.parametrize(
    ("sent", "code", "message", "name"),
    [
        ({"latitude": 90.1, "longitude": 0}, "INVALID", "latitude 90.1 must be -90 to 90 degrees.", "latitude"),
        ({"latitude": 0, "longitude": -180.5}, "INVALID", "longitude -180.5 must be -180 to 180 degrees.", "longitude"),
        ({"latitude": 1.5}, "REQUIRED", "latitude needs longitude; send both or neither.", "longitude"),
        ({"longitude": 1.5}, "REQUIRED", "longitude needs latitude; send both or neither.", "latitude"),
    ],
)
async def test_coordinates_that_are_none_are_refused_wherever_they_are_sent(
    world: World, api: Api, sent: dict[str, float], code: str, message: str, name: str
) -> None:
    store = await Store(world, api).open({"A": {"dc": 5}})
    destination = {**TO_NEW_YORK, **sent}
    said = {"code": code, "message": message}
    expected = [{**said, "path": ["input", "destination", name]}]
    asked = {"channel": "web", "lines": lines(A=1), "destination": destination}
    assert await api.refused(PROMISE, input=asked) == expected
    assert (
        await api.refused(AVAILABILITY, input={"channel": "web", "skus": ["A"], "destination": destination}) == expected
    )
    assert await api.refused(RESERVE, input={**asked, "idempotencyKey": "c-2"}) == expected
    address = {**ADDRESS, **sent}
    assert await store.refused({"A": 1}, shippingAddress=address) == [(code, f"input.shippingAddress.{name}")]
    assert await store.reserved("A") == {}


async def test_coordinates_do_without_a_postal_code_but_not_without_a_country(api: Api) -> None:
    await shop(api, {"dc": CHICAGO}, {"A": {"dc": 5}})
    assert told(await best(api, postalCode=None, **IN_LOS_ANGELES))[:2] == ("dc", "900")
    asked = {"channel": "web", "lines": lines(A=1), "destination": {**IN_LOS_ANGELES, "country": "XX"}}
    (error,) = await api.refused(PROMISE, input=asked)
    assert (error["code"], error["path"]) == ("INVALID", ["input", "destination", "country"])


async def test_an_order_goes_by_its_addresses_coordinates_and_its_decision_is_made_again_the_same(
    world: World, api: Api
) -> None:
    store = await Store(world, api).open({"A": {"east": 5, "west": 5}}, locations={"east": {}, "west": LOS_ANGELES})
    order = await store.create({"A": 1}, shippingAddress={**ADDRESS, **IN_LOS_ANGELES})
    (decision,) = await decisions(store, order)
    assert decision["shipments"][0]["location"] == "west"
    assert (await replay(api, decision))["same"] is True
    read = "query($id: ID!) { order(by: { id: $id }) { shippingAddress { postalCode latitude longitude } } }"
    assert (await api(read, id=order["id"]))["order"]["shippingAddress"] == {"postalCode": "10001", **IN_LOS_ANGELES}
    (decision,) = await decisions(store, await store.create({"A": 1}))
    assert decision["shipments"][0]["location"] == "east"


async def test_a_token_keeps_the_coordinates_that_it_was_promised_for(world: World, api: Api) -> None:
    store = await Store(world, api).open({"A": {"east": 5, "west": 5}}, locations={"east": {}, "west": LOS_ANGELES})
    token = (await best(api, **IN_LOS_ANGELES))["token"]
    assert await store.refused({"A": 1}, promiseToken=token) == [("INVALID", "input.promiseToken")]
    assert await store.reserved("A") == {}
    await store.create({"A": 1}, promiseToken=token, shippingAddress={**ADDRESS, **IN_LOS_ANGELES})
    assert await store.reserved("A") == {"A@west": 1}


async def test_a_location_has_coordinates_of_its_own_and_none_in_its_address(api: Api) -> None:
    put = "mutation($input: LocationPutInput!) { locationPut(input: $input) { userErrors { code message path } } }"
    address = {"name": "DC", "lines": ["1 Dock St"], "city": "Chicago", "country": "US", **IN_LOS_ANGELES}
    location = {"handle": "dc", "name": "DC", **CHICAGO, "address": address}
    assert await api.refused(put, input={"locations": [location]}) == [
        {
            "code": "INVALID",
            "message": "Send latitude and longitude of the location itself, not of its address.",
            "path": ["input", "locations", "0", "address", "latitude"],
        }
    ]
