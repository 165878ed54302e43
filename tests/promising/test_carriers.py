"""Promises by carrier services, calendars and capacity, through the API; capacity is taken, kept and given back."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

from oms_api import network
from oms_api.promising.models import Destination
from oms_api.promising.rules import position
from oms_api.promising.service.place import places_of
from oms_api.promising.service.reach import Reach
from promising.shop import CHICAGO, LOS_ANGELES, MONDAY_NOON, TO_NEW_YORK, at, lines, put_stock, put_supply, shop
from promising.test_promise import ask
from world import Api, World, statements

SERVICES = "mutation($input: CarrierServicePutInput!) { carrierServicePut(input: $input) { userErrors { message } } }"
OFFERS = "mutation($input: LocationServicesPutInput!) { locationServicesPut(input: $input) { userErrors { message } } }"
OPEN = "mutation($input: LocationCalendarPutInput!) { locationCalendarPut(input: $input) { userErrors { message } } }"
HOLIDAYS = "mutation($input: HolidaysApplyInput!) { holidaysApply(input: $input) { userErrors { message } } }"
LIMITS = "mutation($input: LocationCapacityPutInput!) { locationCapacityPut(input: $input) { userErrors { message } } }"
RESERVE = """mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) {
  reservation { id version } userErrors { code message details { requested available } } } }"""
EXTEND = """mutation($input: ReservationExtendInput!) { reservationExtend(input: $input) {
  reservation { id } userErrors { code message } } }"""
RELEASE = """mutation($input: ReservationReleaseInput!) { reservationRelease(input: $input) {
  reservation { id } userErrors { code message } } }"""
ORDER = """mutation($input: OrderCreateInput!) { orderCreate(input: $input) {
  order { id version } userErrors { code message path } } }"""
CANCEL = """mutation($input: OrderCancelInput!) { orderCancel(input: $input) {
  order { status } userErrors { code message } } }"""
TRANSFER = """mutation($input: ReservationTransferInput!) { reservationTransfer(input: $input) {
  reservation { id } userErrors { code message } } }"""
MONDAY = date(2026, 11, 30)
CART = {"channel": "web", "destination": TO_NEW_YORK}


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


def service(handle: str, days: int, price: str, **more: Any) -> dict[str, Any]:
    zones, rates = [{"zone": "all", "transitDays": days}], [{"zone": "all", "fixed": usd(price)}]
    return {"handle": handle, "name": handle, "carrier": "Roadrunner", "zones": zones, "rates": rates, **more}


async def services(api: Api, *rows: dict[str, Any]) -> None:
    await api.ok(SERVICES, input={"services": rows})


async def sent(api: Api, wanted: list[dict[str, Any]], **more: Any) -> list[tuple[str, str, str, str]]:
    """(location, service, arrives, cost) of each option's only parcel."""
    promise = await ask(api, wanted, **more)
    return [
        (parcel["location"]["handle"], parcel["service"], parcel["deliveredBy"], option["cost"]["minorAmount"])
        for option in promise["options"]
        for parcel in option["shipments"]
    ]


async def used(api: Api, handle: str, day: date = MONDAY) -> tuple[int, int, int]:
    async with api.world.db.reading(api.tenant_id) as reading:
        row = (await network.locations_by_handle(reading, [handle]))[handle]
        found = await network.capacity_taken(reading, [row.id], day, day)
    return found.get(row.id, {}).get(day, network.Taken())


async def test_the_cheaper_service_is_the_plan_and_the_faster_one_is_offered(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 5}})
    await services(api, service("ground", 4, "5.00"), service("express", 1, "19.00"), service("slow", 6, "5.50"))
    with at(MONDAY_NOON):
        assert await sent(api, lines(A=1)) == [
            ("nyc", "ground", "2026-12-04", "500"),
            ("nyc", "express", "2026-12-01", "1900"),
        ]


async def test_zones_by_distance_and_postal_code_and_weight_steps_make_the_price(api: Api) -> None:
    await shop(api, {"nyc": {}, "la": LOS_ANGELES}, {"A": {"nyc": 1, "la": 5}})
    zones = [
        {"zone": "near", "country": "US", "upToKm": 500, "transitDays": 2},
        {"zone": "far", "country": "US", "transitDays": 5, "transitDaysP80": 6},
        {"zone": "alaska", "country": "US", "postalFrom": "995", "postalTo": "999", "transitDays": 9},
    ]
    rates = [
        {"zone": "near", "upToGrams": 1000, "fixed": usd("5.00")},
        {"zone": "near", "fixed": usd("5.00"), "perKg": usd("1.00")},
        {"zone": "far", "upToGrams": 1500, "fixed": usd("9.00")},
        {"zone": "far", "fixed": usd("11.00"), "perKg": usd("0.50")},
        {"zone": "alaska", "fixed": usd("40.00")},
    ]
    await services(api, service("ground", 0, "0.00", zones=zones, rates=rates))
    with at(MONDAY_NOON):
        assert (await sent(api, lines(A=1)))[0] == ("nyc", "ground", "2026-12-02", "500")
        assert (await sent(api, lines(A=3)))[0] == ("la", "ground", "2026-12-08", "1250")
        to_alaska = {"country": "US", "postalCode": "99501"}
        assert (await sent(api, lines(A=1), destination=to_alaska))[0] == ("nyc", "ground", "2026-12-11", "4000")
        promise = await ask(api, lines(A=1), destination={"country": "DE"})
    assert promise["options"] == []
    assert [part["code"] for part in promise["unavailable"]] == ["NO_SOURCE"]


async def test_a_service_weighs_volume_where_that_is_more(api: Api) -> None:
    big = {"code": "BIG", "name": "Big", "weightGrams": 1000, "lengthMm": 500, "widthMm": 400, "heightMm": 250}
    await shop(api, {"nyc": {}}, skus=[big])
    await put_stock(api, {"BIG": {"nyc": 5}})
    rates = [{"zone": "all", "fixed": usd("1.00"), "perKg": usd("1.00")}]
    await services(api, service("ground", 1, "0", rates=rates, dimDivisor=5000))
    with at(MONDAY_NOON):
        assert (await sent(api, lines(BIG=2)))[0][3] == "2100"


async def test_a_service_in_another_currency_or_that_the_location_does_not_offer_is_not_used(api: Api) -> None:
    await shop(api, {"nyc": {}, "chi": CHICAGO}, {"A": {"nyc": 5, "chi": 5}})
    euro = [{"zone": "all", "fixed": {"amount": "0.10", "currency": "EUR"}}]
    await services(api, service("ground", 4, "5.00"), service("eu", 1, "0", rates=euro), service("van", 1, "3.00"))
    offers = [
        {"location": "nyc", "services": [{"service": "ground"}, {"service": "eu"}]},
        {"location": "chi", "services": [{"service": "van", "pickupDays": [4]}]},
    ]
    await api.ok(OFFERS, input={"locations": offers})
    with at(MONDAY_NOON):
        assert await sent(api, lines(A=1)) == [("chi", "van", "2026-12-04", "300")]


async def test_a_missed_pick_up_and_holidays_of_the_carrier_cost_days(api: Api) -> None:
    await shop(
        api, {"nyc": {"address": {"name": "N", "lines": ["1 St"], "city": "NYC", "country": "US"}}}, {"A": {"nyc": 9}}
    )
    await api.ok(HOLIDAYS, input={"calendar": "us", "country": "US", "years": [2026]})
    await services(api, service("ground", 1, "5.00", lastPickup="13:00", calendars=["us"]))
    wednesday = datetime(2026, 11, 25, 17, 59, tzinfo=UTC)  # 12:59 in New York, the day before Thanksgiving
    with at(wednesday):
        assert (await sent(api, lines(A=1)))[0][2] == "2026-11-27"
    with at(wednesday + timedelta(minutes=1)):
        assert (await sent(api, lines(A=1)))[0][2] == "2026-11-30"


async def test_hours_by_weekday_exceptions_and_the_calendar_of_a_location_decide_when_it_leaves(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 9}})
    hours = [
        {"weekday": day, "opens": "08:00", "closes": "18:00", "cutOff": "11:00" if day == 1 else "14:00"}
        for day in (1, 2, 3, 4)
    ]
    await api.ok(HOLIDAYS, input={"calendar": "us", "country": "US", "years": [2026]})
    exceptions = [{"date": "2026-12-01"}, {"date": "2026-12-05", "opens": "08:00", "closes": "12:00"}]
    opening = {"location": "nyc", "hours": hours, "calendar": "us", "exceptions": exceptions}
    await api.ok(OPEN, input={"locations": [opening]})

    async def leaves(when: datetime) -> str:
        with at(when):
            promise = await ask(api, lines(A=1))
        return str(promise["options"][0]["shipments"][0]["shipBy"])

    noon = datetime(2026, 11, 30, 17, 0, tzinfo=UTC)
    assert await leaves(noon - timedelta(minutes=61)) == "2026-11-30T16:00:00.000000Z"
    assert await leaves(noon) == "2026-12-02T19:00:00.000000Z"  # after Monday's cut-off; Tuesday is closed
    assert await leaves(datetime(2026, 12, 3, 20, 0, tzinfo=UTC)) == "2026-12-05T17:00:00.000000Z"  # a Saturday open
    assert await leaves(datetime(2026, 11, 25, 20, 0, tzinfo=UTC)) == "2026-11-30T16:00:00.000000Z"  # Thanksgiving


async def test_a_full_day_moves_the_promise_to_the_next_day_with_room(api: Api) -> None:
    await shop(api, {"nyc": {"dailyCapacity": 1}}, {"A": {"nyc": 9}})
    with at(MONDAY_NOON):
        with statements() as seen:
            assert (await sent(api, lines(A=1)))[0][2] == "2026-12-01"
        assert len(seen) == 4  # channel, SKUs, stock, and capacity because a location has one
        await api.ok(RESERVE, input={**CART, "lines": lines(A=1)})
        assert await used(api, "nyc") == (1, 1, 1)
        assert (await sent(api, lines(A=1)))[0][2] == "2026-12-02"


async def test_a_location_that_never_has_room_is_not_used_and_the_reason_is_told(api: Api) -> None:
    await shop(api, {"nyc": {}, "chi": CHICAGO}, {"A": {"nyc": 9, "chi": 9}})
    limit = {"process": "PICK", "measure": "ORDERS", "perDay": 0}
    await api.ok(LIMITS, input={"locations": [{"location": "nyc", "capacities": [limit]}]})
    with at(MONDAY_NOON):
        (option, *_) = (await ask(api, lines(A=1)))["options"]
    assert [parcel["location"]["handle"] for parcel in option["shipments"]] == ["chi"]
    (row,) = option["explanation"]["rejected"]
    assert (row["location"]["handle"], row["reason"]) == ("nyc", "NO_CAPACITY")


async def test_units_beyond_the_room_of_a_day_leave_on_the_next(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 50}})
    limit = {"process": "PICK", "measure": "UNITS", "perDay": 10}
    await api.ok(LIMITS, input={"locations": [{"location": "nyc", "capacities": [limit]}]})
    with at(MONDAY_NOON):
        promise = await ask(api, lines(A=14))
        (option, *_) = promise["options"]
        assert [[line["quantity"] for line in parcel["lines"]] for parcel in option["shipments"]] in (
            [[10], [4]],
            [[4], [10]],
        )
        await api.ok(RESERVE, input={"promiseToken": option["token"]})
        tuesday = MONDAY + timedelta(1)
        assert sorted([await used(api, "nyc"), await used(api, "nyc", tuesday)]) == [(1, 1, 4), (1, 1, 10)]


async def test_units_beyond_the_room_of_many_days_leave_over_all_of_them(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 500}})
    limit = {"process": "PICK", "measure": "UNITS", "perDay": 10}
    await api.ok(LIMITS, input={"locations": [{"location": "nyc", "capacities": [limit]}]})
    with at(MONDAY_NOON):
        (option, *_) = (await ask(api, lines(A=35)))["options"]
        units = [sum(line["quantity"] for line in parcel["lines"]) for parcel in option["shipments"]]
        assert sorted(units) == [5, 10, 10, 10]
        await api.ok(RESERVE, input={"promiseToken": option["token"]})
        days = [(await used(api, "nyc", MONDAY + timedelta(i)))[2] for i in range(5)]
        assert (sorted(days[:4]), days[4]) == ([5, 10, 10, 10], 0)
        (refused,) = (await ask(api, lines(A=400)))["unavailable"]
        assert (refused["code"], "ask for less at once" in refused["message"]) == ("NO_SOURCE", True)


async def test_a_token_whose_day_filled_up_is_refused_and_nothing_is_held(world: World, api: Api) -> None:
    await shop(api, {"nyc": {"dailyCapacity": 1}}, {"A": {"nyc": 9}})
    with at(MONDAY_NOON):
        tokens = [(await ask(api, lines(A=1)))["options"][0]["token"] for _ in range(2)]
        await api.ok(RESERVE, input={"promiseToken": tokens[0]})
        (error,) = await api.refused(RESERVE, input={"promiseToken": tokens[1]})
        assert (error["code"], error["details"]) == ("NO_CAPACITY", {"requested": 1, "available": 0})
        assert await used(api, "nyc") == (1, 1, 1)
        availability = (
            "query($input: AvailabilityInput!) { availability(input: $input) { availability { available } } }"
        )
        found = await api.ok(availability, input={"channel": "web", "skus": ["A"]})
        assert found["availability"] == [{"available": 8}]


async def test_ten_carts_at_once_fill_a_day_exactly_and_the_rest_leave_later(api: Api) -> None:
    await shop(api, {"nyc": {"dailyCapacity": 4}}, {"A": {"nyc": 99}})
    with at(MONDAY_NOON):
        cart = {**CART, "lines": lines(A=1)}
        await asyncio.gather(*[api.ok(RESERVE, input=cart) for _ in range(10)])
        days = [await used(api, "nyc", MONDAY + timedelta(i)) for i in range(4)]
    assert days == [(4, 4, 4), (4, 4, 4), (2, 2, 2), (0, 0, 0)]


async def test_released_gives_the_day_back_and_so_does_time(world: World, api: Api) -> None:
    await shop(api, {"nyc": {"dailyCapacity": 2}}, {"A": {"nyc": 9}})
    with at(MONDAY_NOON):
        first, second = [
            (await api.ok(RESERVE, input={**CART, "lines": lines(A=2), "ttlSeconds": 600}))["reservation"] for _ in "ab"
        ]
        assert await used(api, "nyc") == (2, 2, 4)
        await api.ok(RELEASE, input={"id": first["id"]})
        await world.settle()
        assert await used(api, "nyc") == (1, 1, 2)
        await api.ok(EXTEND, input={"id": second["id"], "ttlSeconds": 1200})
    with at(MONDAY_NOON + timedelta(minutes=15)):
        assert await used(api, "nyc") == (1, 1, 2)
    with at(MONDAY_NOON + timedelta(minutes=25)):
        assert await used(api, "nyc") == (0, 0, 0)


async def test_units_that_are_not_there_after_all_give_the_day_back(world: World, api: Api) -> None:
    await shop(api, {"nyc": {"dailyCapacity": 2}}, {"A": {"nyc": 9}})
    with at(MONDAY_NOON):
        await api.ok(RESERVE, input={**CART, "lines": lines(A=6), "ttlSeconds": 600})
        assert await used(api, "nyc") == (1, 1, 6)
        await put_stock(api, {"A": {"nyc": 2}})
        await world.settle()
        assert await used(api, "nyc") == (1, 1, 2)
        await put_stock(api, {"A": {"nyc": 0}})
        await world.settle()
        assert await used(api, "nyc") == (0, 0, 0)


async def test_units_that_move_to_another_location_give_the_day_of_the_first_one_back(world: World, api: Api) -> None:
    await shop(api, {"nyc": {"dailyCapacity": 2}, "chi": {}}, {"A": {"nyc": 9, "chi": 9}})
    with at(MONDAY_NOON):
        held = (await api.ok(RESERVE, input={**CART, "lines": lines(A=6), "ttlSeconds": 600}))["reservation"]
        move = {"sku": "A", "fromLocation": "nyc", "toLocation": "chi"}
        await api.ok(TRANSFER, input={"id": held["id"], "moves": [{**move, "quantity": 2}]})
        await world.settle()
        assert await used(api, "nyc") == (1, 1, 4)
        await api.ok(TRANSFER, input={"id": held["id"], "moves": [move]})
        await world.settle()
        assert await used(api, "nyc") == (0, 0, 0)


async def test_an_order_keeps_what_its_reservation_took_and_gives_it_back_when_cancelled(
    world: World, api: Api
) -> None:
    await shop(api, {"nyc": {"dailyCapacity": 2}}, {"A": {"nyc": 9}}, paymentRule="NONE")
    line = {"sku": "A", "quantity": 2, "unitPrice": usd("10.00")}
    address = {"name": "A", "lines": ["1 St"], "city": "New York", "country": "US", "postalCode": "10001"}
    order = {"channel": "web", "lines": [line], "customer": {"email": "a@example.com"}, "shippingAddress": address}
    with at(MONDAY_NOON):
        held = (await api.ok(RESERVE, input={**CART, "lines": lines(A=2), "ttlSeconds": 600}))["reservation"]
        made = await api.ok(ORDER, input={**order, "reservationId": held["id"], "externalId": "1"})
        planned = await api.ok(ORDER, input={**order, "externalId": "2"})
        assert await used(api, "nyc") == (2, 2, 4)
    with at(MONDAY_NOON + timedelta(minutes=11)):
        assert await used(api, "nyc") == (2, 2, 4)
        await world.settle()
        for one in (made, planned):
            row = await api("query($id: ID!) { node(id: $id) { ... on Order { version } } }", id=one["order"]["id"])
            cancel = {"idempotencyKey": one["order"]["id"], "order": {"id": one["order"]["id"]}, "reason": "customer"}
            await api.ok(CANCEL, input={**cancel, "expectedVersion": row["node"]["version"]})
        await world.settle()
        assert await used(api, "nyc") == (0, 0, 0)


async def test_what_waits_for_supply_takes_the_day_on_which_it_leaves(api: Api) -> None:
    await shop(api, {"nyc": {"dailyCapacity": 1}}, {"A": {"nyc": 0}})
    await put_supply(api, "po", "A", "nyc", 5, MONDAY_NOON + timedelta(days=2))
    with at(MONDAY_NOON):
        for _ in range(2):
            await api.ok(RESERVE, input={**CART, "lines": lines(A=1), "onShortage": "BACKORDER"})
        assert [await used(api, "nyc", MONDAY + timedelta(i)) for i in (1, 2, 3)] == [(0, 0, 0), (1, 1, 1), (1, 1, 1)]


async def test_the_latest_trip_that_arrives_in_time_is_found_backward(world: World, api: Api) -> None:
    await shop(api, {"nyc": {"openDays": [1, 2, 3, 4, 5]}})
    await services(api, service("ground", 3, "5.00"), service("express", 1, "19.00"))
    async with world.db.reading(api.tenant_id) as reading:
        found = await network.network_of(reading, "web")
    assert found is not None
    to = Destination("US", "10001")
    reach = Reach(MONDAY_NOON, found, to, position("US", "10001"))
    (place,) = places_of(found)

    def latest(wanted: date, *, early: bool = False) -> list[tuple[date, date, str | None]]:
        trips = reach.in_time(place, wanted, early=early)
        return sorted((trip.ships_on, trip.arrives_on, trip.lane and trip.lane.service) for trip in trips)

    thursday, friday, next_monday = date(2026, 12, 10), date(2026, 12, 11), date(2026, 12, 14)
    first = [(MONDAY, date(2026, 12, 1), "express"), (MONDAY, date(2026, 12, 3), "ground")]
    assert latest(MONDAY) == latest(date(2026, 12, 1)) == first
    assert latest(friday) == [(date(2026, 12, 8), friday, "ground"), (thursday, friday, "express")]
    sunday = date(2026, 12, 13)
    assert latest(sunday) == [(date(2026, 12, 9), next_monday, "ground"), (friday, next_monday, "express")]
    assert latest(sunday, early=True) == [(date(2026, 12, 8), friday, "ground"), (thursday, friday, "express")]


async def test_a_parcel_is_to_be_ready_when_the_truck_comes_that_its_date_leans_on(api: Api) -> None:
    await shop(api, {"nyc": {"cutOff": "15:00"}}, {"A": {"nyc": 9}})
    await services(api, service("ground", 1, "5.00", lastPickup="12:00"))
    found = []
    for hours in (-2, 1):  # the truck of the day is to come; it has gone
        with at(MONDAY_NOON + timedelta(hours=hours)):
            ((parcel,),) = [option["shipments"] for option in (await ask(api, lines(A=1)))["options"]]
            found.append((parcel["shipBy"], parcel["deliveredBy"]))
    assert found == [
        ("2026-11-30T17:00:00.000000Z", "2026-12-01"), ("2026-11-30T20:00:00.000000Z", "2026-12-02"),
    ]  # fmt: skip
