"""Carrier services through the API, and which zone and rate a parcel gets."""

from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from oms_api import network
from oms_api.network import Break, CarrierPlan, Rate
from world import Api, World

FIELDS = """handle name carrier active businessDays pickupDays lastPickup calendars dimDivisor
  zones { zone originZone country postalFrom postalTo upToKm transitDays transitDaysP80 }
  rates { zone validFrom upToGrams fixed { amount currency } perKg { amount } }"""
PUT = f"""mutation($input: CarrierServicePutInput!) {{ carrierServicePut(input: $input) {{
  services {{ {FIELDS} }} userErrors {{ code message path }} }} }}"""
GET = f"query($handle: String!) {{ carrierService(handle: $handle) {{ {FIELDS} }} }}"
OFFER = """mutation($input: LocationServicesPutInput!) { locationServicesPut(input: $input) {
  locations { handle originZone services { service pickupDays lastPickup } } userErrors { code message path } } }"""
LOCATIONS = "mutation($input: LocationPutInput!) { locationPut(input: $input) { userErrors { code message path } } }"
CALENDARS = "mutation($input: CalendarPutInput!) { calendarPut(input: $input) { userErrors { code message path } } }"


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


EXPRESS: dict[str, Any] = {
    "handle": "express", "name": "Express", "carrier": "Fast Inc.",
    "zones": [{"zone": "all", "transitDays": 1}],
    "rates": [{"zone": "all", "fixed": usd("9.90")}],
}  # fmt: skip


def zone(name: str, **more: Any) -> dict[str, Any]:
    plain = dict.fromkeys(("originZone", "country", "postalFrom", "postalTo", "upToKm", "transitDaysP80"))
    return {**plain, "zone": name, "transitDays": 1, **more}


def rate(name: str, **more: Any) -> dict[str, Any]:
    return {"zone": name, "currency": "USD", "validFrom": None, "upToGrams": None, "fixed": 100, "perKg": 0, **more}


def plan(*zones: dict[str, Any], rates: Any = (), **more: Any) -> CarrierPlan:
    row = {"handle": "s", "carrier": "C", "business_days": [1], "pickup_days": [1], "last_pickup": None}
    return CarrierPlan(
        SimpleNamespace(**row, **{"dim_divisor": None, "zones": list(zones), "rates": list(rates), **more})
    )


def zone_name(service: CarrierPlan, *asked: Any) -> str | None:
    found = service.zone(*asked)
    return found and found.name


async def test_a_new_service_runs_on_weekdays_and_everything_that_is_sent_is_kept(api: Api) -> None:
    (made,) = (await api.ok(PUT, input={"services": [EXPRESS]}))["services"]
    assert made == {
        "handle": "express", "name": "Express", "carrier": "Fast Inc.", "active": True, "businessDays": [1, 2, 3, 4, 5],
        "pickupDays": [1, 2, 3, 4, 5], "lastPickup": None, "calendars": [], "dimDivisor": None,
        "zones": [zone("all")],
        "rates": [
            {"zone": "all", "validFrom": None, "upToGrams": None, "fixed": usd("9.90"), "perKg": {"amount": "0.00"}},
        ],
    }  # fmt: skip
    await api.ok(CALENDARS, input={"calendars": [{"handle": "us", "name": "US"}]})
    full = {
        **EXPRESS, "active": False, "businessDays": [1, 6], "pickupDays": [2], "lastPickup": "16:30",
        "calendars": ["us"], "dimDivisor": 5000,
        "zones": [
            zone("1", originZone="east", country="US", postalFrom="100", postalTo="199", upToKm=24.5, transitDaysP80=2),
            zone("2", country="US", postalFrom="SW1", postalTo="SW1"),
        ],
        "rates": [
            {
                "zone": name, "validFrom": "2026-01-01", "upToGrams": 1000, "fixed": usd("5.00"),
                "perKg": {"amount": "1.25", "currency": "USD"},
            }
            for name in ("1", "2")
        ],
    }  # fmt: skip
    (saved,) = (await api.ok(PUT, input={"services": [full]}))["services"]
    for one in full["rates"]:
        one["perKg"] = {"amount": "1.25"}
    assert saved == (await api(GET, handle="express"))["carrierService"] == full
    named = {"handle": "express", "name": "E", "carrier": "F", "active": None, "dimDivisor": None}
    (saved,) = (await api.ok(PUT, input={"services": [named]}))["services"]
    assert saved == {**full, "name": "E", "carrier": "F", "active": True, "dimDivisor": None}


async def test_what_is_wrong_with_services_is_told_at_once_and_nothing_is_written(api: Api) -> None:
    errors = await api.refused(
        PUT,
        input={
            "services": [
                EXPRESS,
                {
                    **EXPRESS, "handle": "b", "carrier": "", "businessDays": [], "pickupDays": [8], "dimDivisor": 0,
                    "calendars": ["none"],
                    "zones": [
                        {"zone": "a", "country": "US", "postalFrom": "100", "postalTo": "200", "transitDays": -1},
                        {"zone": "a", "country": "US", "postalFrom": "2001", "postalTo": "300", "transitDays": 1},
                        {"zone": "b", "postalFrom": "9", "transitDays": 3, "transitDaysP80": 2},
                        {"zone": "c", "upToKm": -1, "transitDays": 1},
                        {"zone": "c", "upToKm": 5, "transitDays": 1},
                        {"zone": "c", "upToKm": 5, "transitDays": 2},
                        {"zone": "d", "country": "US", "postalFrom": "9", "postalTo": "8", "transitDays": 2},
                    ],
                    "rates": [
                        {"zone": "a", "fixed": usd("1.00")}, {"zone": "a", "fixed": usd("2.00")},
                        {"zone": "c", "fixed": {"amount": "1.00", "currency": "EUR"}},
                        {"zone": "z", "fixed": usd("1.00"), "upToGrams": 0},
                    ],
                },
                {**EXPRESS, "handle": "c", "zones": [], "rates": []},
                {**EXPRESS, "handle": "c", "rates": []},
            ]
        },
    )  # fmt: skip
    assert [(error["code"], ".".join(error["path"][2:])) for error in errors] == [
        ("INVALID", "1.carrier"),
        ("INVALID", "1.businessDays"),
        ("INVALID", "1.pickupDays"),
        ("INVALID", "1.dimDivisor"),
        ("NOT_FOUND", "1.calendars.0"),
        ("INVALID", "1.zones.0.transitDays"),
        ("INVALID", "1.zones.2.transitDaysP80"),
        ("REQUIRED", "1.zones.2.postalFrom"),
        ("INVALID", "1.zones.3.upToKm"),
        ("INVALID", "1.zones.6.postalTo"),
        ("INVALID", "1.zones.5"),
        ("INVALID", "1.zones.1.postalFrom"),
        ("INVALID", "1.rates.1"),
        ("INVALID", "1.rates.3.upToGrams"),
        ("INVALID", "1.zones.0.zone"),
        ("INVALID", "1.zones.2.zone"),
        ("INVALID", "1.zones.2.zone"),
        ("INVALID", "1.zones.3.zone"),
        ("INVALID", "1.zones.6.zone"),
        ("INVALID", "1.zones.6.zone"),
        ("INVALID", "1.rates.3.zone"),
        ("INVALID", "2.handle"),
        ("REQUIRED", "2.zones"),
        ("INVALID", "3.handle"),
        ("REQUIRED", "3.rates"),
    ]
    said = [error["message"] for error in errors]
    assert said[11] == "Postal codes 100-200 of zone 0 overlap 2001-300 of zone 1; send ranges that do not."
    assert said[14] == "Zone 'a' has no rate in EUR; send one."
    assert (await api(GET, handle="express"))["carrierService"] is None


async def test_a_rate_with_too_many_digits_or_two_currencies_is_refused(api: Api) -> None:
    for wrong in (
        {"zone": "all", "fixed": usd("1.001")},
        {"zone": "all", "fixed": usd("1.00"), "perKg": {"amount": "1.00", "currency": "EUR"}},
    ):
        (error,) = await api.refused(PUT, input={"services": [{**EXPRESS, "rates": [wrong]}]})
        assert error["code"] == "INVALID_AMOUNT"


async def test_a_location_offers_all_services_or_those_that_it_names(api: Api) -> None:
    await api.ok(LOCATIONS, input={"locations": [{"handle": "a", "name": "A"}]})
    await api.ok(PUT, input={"services": [EXPRESS]})
    offers = [{"service": "express", "pickupDays": [2, 1], "lastPickup": "12:00"}]
    sent = {"location": "a", "services": offers, "originZone": "east"}
    (saved,) = (await api.ok(OFFER, input={"locations": [sent]}))["locations"]
    assert saved == {"handle": "a", "originZone": "east", "services": [{**offers[0], "pickupDays": [1, 2]}]}
    (saved,) = (await api.ok(OFFER, input={"locations": [{"location": "a", "services": None}]}))["locations"]
    assert saved == {"handle": "a", "originZone": "east", "services": None}
    errors = await api.refused(
        OFFER,
        input={
            "locations": [
                {"location": "a", "services": [{"service": "express", "pickupDays": [9]}, {"service": "slow"}] * 2},
                {"location": "b", "services": []},
            ]
        },
    )
    assert [(error["code"], ".".join(error["path"][2:])) for error in errors] == [
        ("INVALID", "0.services.0.pickupDays"),
        ("NOT_FOUND", "0.services.1.service"),
        ("INVALID", "0.services.2.service"),
        ("INVALID", "0.services.2.pickupDays"),
        ("INVALID", "0.services.3.service"),
        ("NOT_FOUND", "1.location"),
        ("REQUIRED", "1.services"),
    ]


async def test_a_network_carries_active_services_and_calendars_as_they_were_put(world: World, api: Api) -> None:
    async def carriers() -> network.Carriers:
        async with world.db.reading(api.tenant_id) as reading:
            found = await network.network_of(reading, "web")
        assert found is not None
        return found.carriers

    await api.ok(LOCATIONS, input={"locations": [{"handle": "a", "name": "A"}]})
    put_channel = "mutation($input: ChannelPutInput!) { channelPut(input: $input) { userErrors { message } } }"
    channel = {"handle": "web", "name": "Web", "currency": "USD", "locations": ["a"]}
    await api.ok(put_channel, input={"channels": [channel]})
    assert await carriers() is network.NO_CARRIERS
    day = {"date": "2026-12-25", "name": "Christmas"}
    calendars = [
        {"handle": "us", "name": "US", "country": "US", "closed": [day]},
        {"handle": "own", "name": "Own", "closed": [{**day, "date": "2026-12-24"}]},
        {"handle": "de", "name": "DE", "country": "DE", "closed": [{**day, "date": "2026-12-26"}]},
    ]
    await api.ok(CALENDARS, input={"calendars": calendars})
    named = [calendar["handle"] for calendar in calendars]
    await api.ok(PUT, input={"services": [{**EXPRESS, "calendars": named}]})
    found = await carriers()
    assert sorted(found.calendars) == ["de", "own", "us"]
    express = found.services["express"]
    assert express.closed("US", None) == {date(2026, 12, 25), date(2026, 12, 24)}
    assert express.closed(None, None) == {date(2026, 12, 24)}
    assert await carriers() is found
    await api.ok(PUT, input={"services": [{**EXPRESS, "active": False}]})
    assert (await carriers()).services == {}


def test_the_most_specific_zone_counts_and_the_first_distance_that_reaches() -> None:
    service = plan(
        zone("east-city", originZone="east", country="US", postalFrom="100", postalTo="101"),
        zone("city", country="US", postalFrom="100", postalTo="102"),
        zone("east-us", originZone="east", country="US"),
        zone("far-us", country="US"),
        zone("near-us", country="US", upToKm=100),
        zone("world"),
    )
    assert zone_name(service, "east", "US", "10001", 5) == "east-city"
    assert zone_name(service, "east", "US", "102 99", 5) == "city"
    assert zone_name(service, None, "US", "10001", 5) == "city"
    assert zone_name(service, "west", "US", "10001", 5) == "city"
    assert zone_name(service, "east", "US", "10300", 5) == "east-us"
    assert zone_name(service, None, "US", "10300", 100) == "near-us"
    assert zone_name(service, None, "US", "10300", 100.1) == "far-us"
    assert zone_name(service, None, "US", "10300", None) == "far-us"
    assert zone_name(service, None, "US", None, 5) == "near-us"
    assert zone_name(service, "east", "DE", "10300", 5) == "world"
    assert zone_name(plan(zone("a", country="US", upToKm=100)), None, "US", "1", 101) is None
    assert zone_name(plan(zone("a", country="US")), None, "DE", "1", 1) is None


@pytest.mark.parametrize(("code", "found"), [("SW1A 1AA", "sw"), ("sw1a1aa", "sw"), ("SW2 1AA", None), ("S", None)])
def test_postal_codes_are_compared_without_blanks_and_case(code: str, found: str | None) -> None:
    assert zone_name(plan(zone("sw", country="GB", postalFrom="SW1", postalTo="SW1")), None, "GB", code, 1) == found


def test_weight_breaks_the_latest_card_that_has_begun_and_the_currency_decide_the_price() -> None:
    service = plan(
        zone("a"),
        rates=[
            rate("a", upToGrams=5000, fixed=900, perKg=150),
            rate("a", upToGrams=1000, fixed=500),
            rate("a", currency="EUR", fixed=1),
            rate("a", validFrom="2026-07-01", fixed=2000, perKg=100),
        ],
    )
    assert service.rate("a", "USD", date(2026, 6, 30)) == Rate((Break(1000, 500, 0), Break(5000, 900, 150)))
    assert service.rate("a", "USD", date(2026, 7, 1)) == Rate((Break(None, 2000, 100),))
    assert service.rate("a", "GBP", date(2026, 7, 1)) is None
    assert service.rate("b", "USD", date(2026, 7, 1)) is None
