"""Locations through the API."""

import asyncio
from typing import Any

from world import Api, World, statements

FIELDS = """id handle name kind timezone active ships pickup acceptsReturns openDays cutOff processingDays
  dailyCapacity safetyStock metadata { key value }
  address { name lines city region postalCode country company phone }"""
PUT = f"""mutation($input: LocationPutInput!) {{ locationPut(input: $input) {{
  locations {{ {FIELDS} }} userErrors {{ code message path }} }} }}"""
LOCATION = f"query($handle: String!) {{ location(handle: $handle) {{ {FIELDS} }} }}"
BERLIN = {"name": "Shop Berlin", "lines": ["Unter den Linden 1"], "city": "Berlin", "country": "DE"}


async def put(api: Api, *locations: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.ok(PUT, input={"locations": locations}))["locations"]
    return found


async def facts(world: World, api: Api) -> list[str]:
    """Topics of the tenant's facts, oldest first."""
    async with world.db.reading(api.tenant_id) as reading:
        rows = await reading.text(
            "SELECT topic FROM events WHERE tenant_id = "
            + (f"'{api.tenant_id.hex}'" if reading.engine == "sqlite" else f"'{api.tenant_id}'")
            + " ORDER BY id"
        )
    return [row[0] for row in rows]


async def test_a_new_location_is_an_active_warehouse_that_ships_on_weekdays(api: Api) -> None:
    (location,) = await put(api, {"handle": "main", "name": "Main"})
    assert location.pop("id").startswith("loc_")
    assert location == {
        "handle": "main", "name": "Main", "kind": "WAREHOUSE", "timezone": "UTC", "active": True, "ships": True,
        "pickup": False, "acceptsReturns": True, "openDays": [1, 2, 3, 4, 5], "cutOff": None, "processingDays": 0,
        "dailyCapacity": None, "safetyStock": 0, "metadata": [], "address": None,
    }  # fmt: skip


async def test_everything_that_is_sent_is_kept(api: Api) -> None:
    address = BERLIN | {"region": "BE", "postalCode": "10117", "company": "Shop GmbH", "phone": "+493012345678"}
    sent = {
        "handle": "berlin", "name": "Berlin", "kind": "STORE", "timezone": "Europe/Berlin", "active": False,
        "ships": False, "pickup": True, "acceptsReturns": False, "openDays": [6, 1], "cutOff": "14:00",
        "processingDays": 365, "dailyCapacity": 0, "safetyStock": 3, "address": address,
        "metadata": [{"key": "erp.id", "value": {"n": 7}}],
    }  # fmt: skip
    (saved,) = await put(api, sent | {"latitude": 52.516, "longitude": 13.389})
    (read,) = (await api(LOCATION, handle="berlin")).values()
    assert read == saved == {**sent, "id": saved["id"], "openDays": [1, 6]}


async def test_absent_keeps_and_null_clears(api: Api) -> None:
    await put(api, {"handle": "a", "name": "A", "kind": "STORE", "cutOff": "09:30", "openDays": [7], "address": BERLIN})
    (kept,) = await put(api, {"handle": "a", "name": "B"})
    assert (kept["name"], kept["kind"], kept["cutOff"], kept["openDays"]) == ("B", "STORE", "09:30", [7])
    assert kept["address"]["city"] == "Berlin"
    cleared = {"handle": "a", "name": "B", "kind": None, "cutOff": None, "openDays": None, "address": None}
    (now,) = await put(api, cleared)
    assert (now["kind"], now["cutOff"], now["openDays"], now["address"]) == (
        "WAREHOUSE", None, [1, 2, 3, 4, 5], None,
    )  # fmt: skip
