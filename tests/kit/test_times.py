"""Instants and dates beyond the calendars that anybody plans by are refused in words, wherever they are put."""

from datetime import timedelta
from typing import Any

import pytest

from documents import document
from fulfillment.desk import TRACK, Desk
from oms_api.kit import clock
from oms_api.kit.events import rfc3339
from orders.store import Store
from promising.shop import shop
from world import Api, World


def planned(field: str, day: str) -> tuple[dict[str, Any], list[str]]:
    """An input that is right but for one date, and the path to that."""
    at = f"{day}T00:00:00Z"
    supply = {"reference": "PO", "sku": "A", "location": "dc", "quantity": 1, "expectedAt": "2026-12-01T00:00:00Z"}
    rule = {"handle": "r", "kind": "SAFETY_STOCK", "sku": "A", "location": "dc", "units": 1}
    calendar = {"handle": "c", "name": "C", "closed": [{"date": day, "name": "Never"}]}
    exception = {"location": "dc", "exceptions": [{"date": day}]}
    limit = {"process": "PICK", "measure": "UNITS", "dates": [{"date": day, "capacity": 1}]}
    zone, fixed = {"zone": "all", "transitDays": 1}, {"amount": "1.00", "currency": "USD"}
    rate = {"zone": "all", "fixed": fixed, "validFrom": day}
    service = {"handle": "s", "name": "S", "carrier": "UPS", "zones": [zone], "rates": [rate]}
    share = {"demandClass": "vip", "target": 1}
    allocation = {"sku": "A", "basis": "UNITS", "shares": [share]}
    return {
        "supplyPut expectedAt": ({"supplies": [{**supply, "expectedAt": at}]}, ["supplies", "0", "expectedAt"]),
        "supplyPut confidentAt": ({"supplies": [{**supply, "confidentAt": at}]}, ["supplies", "0", "confidentAt"]),
        "stockRulesPut startsAt": ({"rules": [{**rule, "startsAt": at}]}, ["rules", "0", "startsAt"]),
        "stockRulesPut endsAt": ({"rules": [{**rule, "endsAt": at}]}, ["rules", "0", "endsAt"]),
        "calendarPut": ({"calendars": [calendar]}, ["calendars", "0", "closed", "0", "date"]),
        "locationCalendarPut": ({"locations": [exception]}, ["locations", "0", "exceptions", "0", "date"]),
        "locationCapacityPut": (
            {"locations": [{"location": "dc", "capacities": [limit]}]},
            ["locations", "0", "capacities", "0", "dates", "date"],
        ),
        "carrierServicePut": ({"services": [service]}, ["services", "0", "rates", "0", "validFrom"]),
        "allocationsPut startsOn": (
            {"allocations": [{**allocation, "startsOn": day}]}, ["allocations", "0", "startsOn"],
        ),
        "allocationsPut endsOn": ({"allocations": [{**allocation, "endsOn": day}]}, ["allocations", "0", "endsOn"]),
        "allocationsPut stealUntil": (
            {"allocations": [{**allocation, "shares": [{**share, "stealUntil": day}]}]},
            ["allocations", "0", "shares", "0", "stealUntil"],
        ),
    }[field]  # fmt: skip


@pytest.mark.parametrize(
    "field",
    [
        "supplyPut expectedAt", "supplyPut confidentAt", "stockRulesPut startsAt", "stockRulesPut endsAt",
        "calendarPut", "locationCalendarPut", "locationCapacityPut", "carrierServicePut", "allocationsPut startsOn",
        "allocationsPut endsOn", "allocationsPut stealUntil",
    ],
)  # fmt: skip
async def test_what_is_planned_is_planned_from_1970_to_2100(world: World, api: Api, field: str) -> None:
    await shop(api, {"dc": {}}, {"A": {"dc": 1}})
    await api.ok(document("demandClassesPut"), input={"classes": [{"handle": "vip", "name": "V", "rank": 1}]})
    mutation = document(field.split()[0])
    keyed = {"idempotencyKey": "k"} if "idempotencyKey" in mutation else {}
    for day in ("0001-01-01", "1969-12-31", "2101-01-01", "9999-12-31"):
        sent, path = planned(field, day)
        errors = await api.refused(mutation, input={**keyed, **sent})
        (error,) = [error for error in errors if error["path"] == ["input", *path]]
        assert error["code"] == "INVALID"
        assert error["message"].startswith(day)
        assert error["message"].endswith("is out of reach; send 1970 to 2100.")
    sent, _ = planned(field, "2026-12-24")
    await api.ok(mutation, input={**keyed, **sent})


async def test_an_order_was_placed_from_2000_to_now(world: World, api: Api) -> None:
    store = await Store(world, api).open({"A": {"dc": 9}})
    soon = clock.now() + timedelta(minutes=6)
    for wrong in ("0001-01-01T00:00:00Z", "1999-12-31T23:59:59Z", rfc3339(soon), "9999-12-31T23:59:59Z"):
        (error,) = await api.refused(document("orderCreate"), input=store.input({"A": 1}, placedAt=wrong))
        assert (error["code"], error["path"]) == ("INVALID", ["input", "placedAt"])
        assert f"placedAt {wrong[:19]}" in error["message"]
        assert "send an instant from 2000-01-01T00:00:00.000000Z to now" in error["message"]
    assert await store.reserved("A") == {}
    for right in ("2000-01-01T00:00:00Z", rfc3339(clock.now() + timedelta(minutes=4))):
        assert (await store.create({"A": 1}, placedAt=right))["placedAt"][:19] == right[:19]


async def test_a_parcel_was_scanned_from_a_week_before_it_was_told_of_to_a_day_ahead(world: World, api: Api) -> None:
    desk = Desk(world, api)
    await desk.open({"A": {"north": 5}})
    order = await desk.order(lines={"A": 1}, paid="captured")
    (work,) = order["fulfillments"]
    await desk.accept(work)
    shipment = await desk.ship(work)
    now = clock.now()
    for wrong, why in (
        ("0001-01-01T00:00:00Z", "before the shipment was made"),
        (rfc3339(now - timedelta(days=7, minutes=1)), "before the shipment was made"),
        (rfc3339(now + timedelta(hours=24, minutes=1)), "in the future"),
        ("9999-12-31T23:59:59Z", "in the future"),
    ):
        (error,) = await api.refused(TRACK, input={"id": shipment["id"], "status": "DELIVERED", "at": wrong})
        assert (error["code"], error["path"]) == ("INVALID", ["input", "at"])
        assert wrong[:19] in error["message"]
        assert f"is {why}; send when it was scanned, from " in error["message"]
    after = await desk.look(order["id"])
    assert after["lines"][0]["quantities"]["shipped"] == 1
    await desk.track(shipment, "IN_TRANSIT", now - timedelta(days=6, hours=23))
    await desk.track(shipment, "DELIVERED", now + timedelta(hours=23))
    assert (await desk.look(order["id"]))["lines"][0]["quantities"]["delivered"] == 1
