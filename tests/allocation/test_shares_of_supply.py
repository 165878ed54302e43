"""Shares of what is there and of what will come: what a class has a share of it can hold, each unit where it is."""

from datetime import timedelta
from typing import Any

from promising.shop import MONDAY_NOON, TO_NEW_YORK, at, lines, put_supply, shop
from world import Api

CLASSES = "mutation($input: DemandClassesPutInput!) { demandClassesPut(input: $input) { userErrors { code } } }"
SHARES = "mutation($input: AllocationsPutInput!) { allocationsPut(input: $input) { userErrors { code } } }"
RESERVE = """mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) {
  reservation { lines { quantity location { handle } expectedAt } }
  userErrors { code message details { available nextAvailableAt } } } }"""


async def shared_out(api: Api) -> None:
    """12 on hand at two locations and 10 to come; 8 of all are the loyal customers', the others the public's."""
    await shop(api, {"nyc": {}, "chi": {}}, {"A": {"nyc": 6, "chi": 6}})
    await put_supply(api, "PO", "A", "nyc", 10, MONDAY_NOON + timedelta(days=3))
    await api.ok(CLASSES, input={"classes": [{"handle": name, "name": name} for name in ("loyal", "public")]})
    parts = [{"demandClass": name, "target": units, "hard": True} for name, units in (("loyal", 8), ("public", 14))]
    await api.ok(SHARES, input={"allocations": [{"sku": "A", "basis": "UNITS", "shares": parts}]})


async def hold(api: Api, demand_class: str, units: int, **more: Any) -> dict[str, Any]:
    asked = {"channel": "web", "destination": TO_NEW_YORK, "demandClass": demand_class, "lines": lines(A=units)}
    answer = await api(RESERVE, input={**asked, "onShortage": "BACKORDER", **more})
    found: dict[str, Any] = answer["reservationCreate"]
    return found


def sources(held: dict[str, Any]) -> list[tuple[str, str, int]]:
    return sorted(
        (line["location"]["handle"], "to come" if line["expectedAt"] else "on hand", line["quantity"])
        for line in held["reservation"]["lines"]
    )


async def test_what_is_beyond_the_share_of_units_on_hand_is_held_of_supply(api: Api) -> None:
    await shared_out(api)
    with at(MONDAY_NOON):
        held = await hold(api, "loyal", 8)  # 4 of the 12 on hand are theirs, and 4 of the 10 to come
    assert held["userErrors"] == []
    assert sources(held) == [("nyc", "on hand", 4), ("nyc", "to come", 4)]


async def test_so_it_is_for_units_that_are_wanted_on_a_date(api: Api) -> None:
    await shared_out(api)
    with at(MONDAY_NOON):
        held = await hold(api, "loyal", 8, lines=[{"sku": "A", "quantity": 8, "requestedOn": "2026-12-14"}])
    assert held["userErrors"] == []
    assert sum(units for *_, units in sources(held)) == 8
    assert sum(units for _, where, units in sources(held) if where == "on hand") <= 4


async def test_both_classes_get_all_of_theirs_and_then_no_supply_covers_more(api: Api) -> None:
    await shared_out(api)
    with at(MONDAY_NOON):
        for name, units in (("public", 14), ("loyal", 8)):
            assert (await hold(api, name, units))["userErrors"] == []
        (error,) = (await hold(api, "loyal", 1))["userErrors"]
    assert error["details"] == {"available": 0, "nextAvailableAt": None}


async def test_a_class_that_has_used_its_share_is_not_told_to_wait_for_supply_of_others(api: Api) -> None:
    await shared_out(api)
    with at(MONDAY_NOON):
        assert (await hold(api, "loyal", 8))["userErrors"] == []
        (error,) = (await hold(api, "loyal", 1))["userErrors"]
        assert error["details"] == {"available": 0, "nextAvailableAt": None}
        (error,) = (await hold(api, "public", 9, onShortage="REJECT"))["userErrors"]
    assert error["details"] == {"available": 8, "nextAvailableAt": "2026-12-03T17:00:00.000000Z"}
