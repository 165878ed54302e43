"""Locations through the API."""

import asyncio
from typing import Any

from sqlmodel import col, select

from oms_api import network
from oms_api.kit import ids
from oms_api.kit.db import mine, prepared
from oms_api.kit.events import Event
from world import Api, World, statements, travel

FIELDS = """id handle name kind timezone active ships pickup acceptsReturns openDays cutOff processingDays
  dailyCapacity safetyStock metadata { key value }
  address { name lines city region postalCode country company phone }"""
PUT = f"""mutation($input: LocationPutInput!) {{ locationPut(input: $input) {{
  locations {{ {FIELDS} }} userErrors {{ code message path }} }} }}"""
LOCATION = f"query($handle: String!) {{ location(handle: $handle) {{ {FIELDS} }} }}"
EVENTS = prepared(select(Event).where(mine(Event)).order_by(col(Event.id)))
BERLIN = {"name": "Shop Berlin", "lines": ["Unter den Linden 1"], "city": "Berlin", "country": "DE"}


async def put(api: Api, *locations: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.ok(PUT, input={"locations": locations}))["locations"]
    return found


async def facts(world: World, api: Api) -> list[str]:
    """Topics of the tenant's facts, oldest first."""
    async with world.db.reading(api.tenant_id) as reading:
        return [event.topic for event in await reading.all(EVENTS)]


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


async def test_all_problems_are_told_at_once_and_nothing_is_written(world: World, api: Api) -> None:
    bad_address = {
        "name": " ", "lines": [], "city": "x" * 256, "country": "ZZ", "postalCode": "1" * 21, "phone": "030 12345",
    }  # fmt: skip
    errors = await api.refused(
        PUT,
        input={
            "locations": [
                {"handle": "good", "name": "Good"},
                {
                    "handle": "no blanks", "name": "", "timezone": "Mars/Olympus", "openDays": [1, 1, 8],
                    "processingDays": 366, "dailyCapacity": -1, "safetyStock": -1, "latitude": 90.5, "longitude": -181,
                    "address": bad_address, "metadata": [{"key": "nodot", "value": 1}],
                },
                {"handle": "twice", "name": "Twice", "openDays": [], "latitude": 1},
                {"handle": "twice", "name": "Twice", "longitude": 1},
                {"handle": "line", "name": "Line\u0007", "address": BERLIN | {"lines": ["a", "b\nc", "", "d"]}},
                {"handle": "lines", "name": "Lines", "address": BERLIN | {"lines": ["a", "b\nc", ""]}},
            ]
        },
    )  # fmt: skip
    assert [(error["code"], ".".join(error["path"][2:])) for error in errors] == [
        ("INVALID", "1.handle"),
        ("INVALID", "1.metadata"),
        ("INVALID", "1.name"),
        ("INVALID", "1.timezone"),
        ("INVALID", "1.openDays"),
        ("INVALID", "1.processingDays"),
        ("INVALID", "1.dailyCapacity"),
        ("INVALID", "1.safetyStock"),
        ("INVALID", "1.latitude"),
        ("INVALID", "1.longitude"),
        ("INVALID", "1.address.name"),
        ("INVALID", "1.address.city"),
        ("INVALID", "1.address.postalCode"),
        ("INVALID", "1.address.lines"),
        ("INVALID", "1.address.country"),
        ("INVALID", "1.address.phone"),
        ("INVALID", "2.handle"),
        ("INVALID", "2.openDays"),
        ("REQUIRED", "2.longitude"),
        ("INVALID", "3.handle"),
        ("REQUIRED", "3.latitude"),
        ("INVALID", "4.name"),
        ("INVALID", "4.address.lines"),
        ("INVALID", "5.address.lines.1"),
        ("INVALID", "5.address.lines.2"),
    ]
    assert errors[3]["message"] == "'Mars/Olympus' is not an IANA time zone; send one such as 'Europe/Berlin'."
    assert (await api(LOCATION, handle="good"))["location"] is None
    assert await facts(world, api) == []


async def test_a_country_that_is_no_country_is_named(api: Api) -> None:
    (error,) = await api.refused(
        PUT, input={"locations": [{"handle": "a", "name": "A", "address": BERLIN | {"country": "UK"}}]}
    )
    assert error["path"] == ["input", "locations", "0", "address", "country"]
    assert error["message"] == "'UK' is not an ISO 3166-1 alpha-2 country; send one such as 'DE'."


async def test_one_coordinate_may_change_when_both_are_known_but_not_go_alone(api: Api) -> None:
    await put(api, {"handle": "a", "name": "A", "latitude": 1.5, "longitude": 2.5})
    await put(api, {"handle": "a", "name": "A", "latitude": 3.5})
    async with api.world.db.reading(api.tenant_id) as reading:
        row = (await network.locations_by_handle(reading, ["a"]))["a"]
    assert (row.latitude, row.longitude) == (3.5, 2.5)
    (error,) = await api.refused(PUT, input={"locations": [{"handle": "a", "name": "A", "longitude": None}]})
    assert (error["code"], error["path"][-1]) == ("REQUIRED", "longitude")


async def test_the_same_put_twice_changes_nothing_and_tells_nothing_new(world: World, api: Api) -> None:
    sent = {
        "handle": "a", "name": "A", "address": BERLIN, "openDays": [5, 1], "cutOff": "08:00", "latitude": 0.1,
        "longitude": 0.2, "metadata": [{"key": "erp.id", "value": [1, {"a": None}]}],
    }  # fmt: skip
    first = await put(api, sent)
    async with world.db.reading(api.tenant_id) as reading:
        before = (await network.locations_by_handle(reading, ["a"]))["a"]
    with travel(hours=1):
        assert await put(api, sent) == first
    async with world.db.reading(api.tenant_id) as reading:
        after = (await network.locations_by_handle(reading, ["a"]))["a"]
    assert after.__dict__ == before.__dict__
    assert await facts(world, api) == ["location.created"]


async def test_a_change_is_told_with_the_names_of_its_fields(world: World, api: Api) -> None:
    (location,) = await put(api, {"handle": "a", "name": "A"})
    await put(api, {"handle": "a", "name": "A", "safetyStock": 2, "acceptsReturns": False, "active": False})
    async with world.db.reading(api.tenant_id) as reading:
        created, updated = await reading.all(EVENTS)
    assert [created.topic, created.added, created.sequence] == ["location.created", ["location"], 1]
    assert created.data == {"handle": "a", "kind": "WAREHOUSE", "active": True}
    assert [updated.topic, updated.sequence] == ["location.updated", 2]
    assert sorted(updated.updated) == ["acceptsReturns", "active", "safetyStock"]
    assert updated.data == {"handle": "a", "kind": "WAREHOUSE", "active": False}
    assert ids.encode(updated.subject_type, updated.subject_id) == location["id"]


async def test_more_than_250_or_no_locations_are_refused(api: Api) -> None:
    many = [{"handle": f"l{i}", "name": "x"} for i in range(251)]
    assert (await api.refused(PUT, input={"locations": many}))[0]["message"] == "Send 1 to 250 locations, not 251."
    assert await api.codes(PUT, input={"locations": []}) == ["INVALID"]


async def test_250_locations_take_as_many_statements_as_one(api: Api) -> None:
    with statements() as one:
        await put(api, {"handle": "one", "name": "x"})
    with statements() as many:
        await put(api, *[{"handle": f"l{i}", "name": "x", "address": BERLIN} for i in range(250)])
    assert len(many) == len(one) == 5


async def test_two_puts_of_one_handle_at_once_make_one_location_and_one_created_fact(world: World, api: Api) -> None:
    names = [f"Name {i}" for i in range(20)]
    answers = await asyncio.gather(*[put(api, {"handle": "a", "name": name}) for name in names])
    assert len({location["id"] for (location,) in answers}) == 1
    assert [location["name"] for (location,) in answers] == names
    assert sorted(await facts(world, api)) == ["location.created"] + ["location.updated"] * 19


async def test_puts_of_the_same_locations_in_opposite_order_both_succeed(api: Api) -> None:
    forward = [{"handle": f"l{i}", "name": "f"} for i in range(50)]
    backward = [{"handle": f"l{i}", "name": "b"} for i in reversed(range(50))]
    answers = await asyncio.gather(*[put(api, *(forward if i % 2 else backward)) for i in range(10)])
    assert {len(answer) for answer in answers} == {50}
    assert [location["handle"] for location in answers[0]] == [f"l{i}" for i in reversed(range(50))]


async def test_node_finds_a_location(api: Api) -> None:
    (location,) = await put(api, {"handle": "a", "name": "A"})
    node = await api("query($id: ID!) { node(id: $id) { id ... on Location { handle } } }", id=location["id"])
    assert node["node"] == {"id": location["id"], "handle": "a"}


async def test_another_tenant_sees_nothing_and_may_use_the_handle(world: World, api: Api) -> None:
    (mine,) = await put(api, {"handle": "a", "name": "Mine"})
    other = await world.tenant()
    assert (await other(LOCATION, handle="a"))["location"] is None
    assert (await other("query($id: ID!) { node(id: $id) { id } }", id=mine["id"]))["node"] is None
    (theirs,) = await put(other, {"handle": "a", "name": "Theirs"})
    assert theirs["id"] != mine["id"]
    assert (await api(LOCATION, handle="a"))["location"]["name"] == "Mine"


async def test_a_key_without_the_scope_is_forbidden(world: World) -> None:
    api = await world.tenant("network:read")
    body = await api.answer(PUT, input={"locations": [{"handle": "a", "name": "A"}]})
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert "network:write" in body["errors"][0]["message"]
    assert (await api(LOCATION, handle="a"))["location"] is None
    blind = await world.tenant("network:write")
    assert (await blind.answer(LOCATION, handle="a"))["errors"][0]["extensions"]["code"] == "FORBIDDEN"
