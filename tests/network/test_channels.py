"""Channels through the API."""

import asyncio
from typing import Any

from sqlmodel import col, select

from oms_api.kit.db import mine, prepared
from oms_api.kit.events import Event
from world import Api, World, statements

FIELDS = """id handle name currency paymentRule threshold objective maxShipments maxReassignments paymentWindowSeconds
  metadata { key value } locations { handle }"""
PUT = f"""mutation($input: ChannelPutInput!) {{ channelPut(input: $input) {{
  channels {{ {FIELDS} }} userErrors {{ code message path }} }} }}"""
CHANNEL = f"query($handle: String!) {{ channel(handle: $handle) {{ {FIELDS} }} }}"
PUT_LOCATIONS = """mutation($input: LocationPutInput!) { locationPut(input: $input) {
  locations { id } userErrors { code message path } } }"""
EVENTS = prepared(select(Event).where(mine(Event), col(Event.subject_type) == "chn").order_by(col(Event.id)))
WEB: dict[str, Any] = {"handle": "web", "name": "Web", "currency": "EUR", "locations": []}


async def put(api: Api, *channels: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.ok(PUT, input={"channels": channels}))["channels"]
    return found


async def locations(api: Api, *handles: str) -> None:
    for start in range(0, len(handles), 250):
        batch = [{"handle": handle, "name": handle} for handle in handles[start : start + 250]]
        await api.ok(PUT_LOCATIONS, input={"locations": batch})


async def facts(api: Api) -> list[tuple[str, list[str]]]:
    """Topics of the facts about channels and the fields that they name, oldest first."""
    async with api.world.db.reading(api.tenant_id) as reading:
        return [(event.topic, event.added + event.updated) for event in await reading.all(EVENTS)]


def handles(channel: dict[str, Any]) -> list[str]:
    return [location["handle"] for location in channel["locations"]]


async def test_a_new_channel_wants_authorized_orders_sourced_cheaply_and_paid_within_a_day(api: Api) -> None:
    (channel,) = await put(api, WEB)
    assert channel.pop("id").startswith("chn_")
    assert channel == {
        "handle": "web", "name": "Web", "currency": "EUR", "paymentRule": "AUTHORIZED", "threshold": 0,
        "objective": "CHEAPEST", "maxShipments": None, "maxReassignments": 3, "paymentWindowSeconds": 86400,
        "metadata": [], "locations": [],
    }  # fmt: skip


async def test_everything_that_is_sent_is_kept_and_locations_in_their_order(api: Api) -> None:
    await locations(api, "a", "b", "c")
    sent = {
        "handle": "web", "name": "Web", "currency": "JPY", "paymentRule": "NONE", "threshold": 5,
        "objective": "FASTEST", "maxShipments": 1, "maxReassignments": 0, "paymentWindowSeconds": 60,
        "locations": ["c", "a", "b"],
        "metadata": [{"key": "shop.id", "value": "7"}],
    }  # fmt: skip
    (saved,) = await put(api, sent)
    expected = {**sent, "id": saved["id"], "locations": [{"handle": "c"}, {"handle": "a"}, {"handle": "b"}]}
    assert (await api(CHANNEL, handle="web"))["channel"] == saved == expected


async def test_absent_keeps_null_clears_and_locations_are_replaced(api: Api) -> None:
    await locations(api, "a", "b", "c")
    await put(api, WEB | {"locations": ["a", "b"], "threshold": 9, "maxShipments": 2, "objective": "BALANCED"})
    await put(api, WEB | {"locations": ["a", "b"], "maxReassignments": 7})
    (kept,) = await put(api, WEB | {"locations": ["c", "b"]})
    assert (kept["threshold"], kept["maxShipments"], kept["objective"]) == (9, 2, "BALANCED")
    assert kept["maxReassignments"] == 7
    assert handles(kept) == ["c", "b"]
    (cleared,) = await put(
        api, WEB | {"threshold": None, "maxShipments": None, "objective": None, "maxReassignments": None}
    )
    assert (cleared["threshold"], cleared["maxShipments"], cleared["objective"]) == (0, None, "CHEAPEST")
    assert cleared["maxReassignments"] == 3
    assert handles(cleared) == []


async def test_all_problems_are_told_at_once_and_nothing_is_written(api: Api) -> None:
    await locations(api, "a")
    errors = await api.refused(
        PUT,
        input={
            "channels": [
                WEB | {"locations": ["a"]},
                {
                    "handle": "-", "name": "", "currency": "EUR", "locations": ["nowhere", "a", "a"], "threshold": -1,
                    "maxShipments": 0, "maxReassignments": -1, "paymentWindowSeconds": 59,
                    "metadata": [{"key": "x", "value": 1}],
                },
                WEB | {"handle": "far", "paymentWindowSeconds": 90 * 86400 + 1},
                WEB | {"handle": "twice"},
                WEB | {"handle": "twice"},
            ]
        },
    )  # fmt: skip
    assert [(error["code"], ".".join(error["path"][2:])) for error in errors] == [
        ("INVALID", "1.handle"),
        ("INVALID", "1.metadata"),
        ("INVALID", "1.name"),
        ("INVALID", "1.threshold"),
        ("INVALID", "1.maxShipments"),
        ("INVALID", "1.maxReassignments"),
        ("INVALID", "1.paymentWindowSeconds"),
        ("NOT_FOUND", "1.locations.0"),
        ("INVALID", "1.locations.2"),
        ("INVALID", "2.paymentWindowSeconds"),
        ("INVALID", "3.handle"),
        ("INVALID", "4.handle"),
    ]
    assert errors[7]["message"] == "There is no location 'nowhere'; create it with locationPut first."
    assert (await api(CHANNEL, handle="web"))["channel"] is None
    assert await facts(api) == []


async def test_ninety_days_and_one_minute_are_payment_windows(api: Api) -> None:
    windows = [60, 90 * 86400]
    saved = await put(api, *[WEB | {"handle": f"w{s}", "paymentWindowSeconds": s} for s in windows])
    assert [channel["paymentWindowSeconds"] for channel in saved] == windows


async def test_a_channel_keeps_its_currency(api: Api) -> None:
    await put(api, WEB)
    (error,) = await api.refused(PUT, input={"channels": [WEB | {"currency": "USD", "name": "Other"}]})
    assert (error["code"], error["path"]) == ("INVALID", ["input", "channels", "0", "currency"])
    assert error["message"] == (
        "web sells in EUR and keeps its currency, since its orders count in it. Make another channel for USD."
    )
    (now,) = (await api(CHANNEL, handle="web")).values()
    assert (now["currency"], now["name"]) == ("EUR", "Web")


async def test_the_same_put_twice_changes_nothing_and_tells_nothing_new(api: Api) -> None:
    await locations(api, "a", "b")
    sent = WEB | {"locations": ["b", "a"], "threshold": 1}
    first = await put(api, sent)
    with statements() as seen:
        assert await put(api, sent) == first
    written = [sql for sql in seen if not sql.startswith("SELECT")]
    assert len(written) == 1 and "network_versions" in written[0]
    assert await facts(api) == [("channel.created", ["channel"])]


async def test_a_change_is_told_with_the_names_of_its_fields(api: Api) -> None:
    await locations(api, "a", "b")
    await put(api, WEB | {"locations": ["a", "b"]})
    await put(api, WEB | {"locations": ["b", "a"]})
    await put(
        api, WEB | {"locations": ["b", "a"], "paymentWindowSeconds": 61, "metadata": [{"key": "a.b", "value": 1}]}
    )
    assert await facts(api) == [
        ("channel.created", ["channel"]),
        ("channel.updated", ["locations"]),
        ("channel.updated", ["paymentWindowSeconds", "metadata"]),
    ]


async def test_50_channels_of_100_locations_take_as_many_statements_as_one_of_one(api: Api) -> None:
    names = [f"l{i}" for i in range(100)]
    await locations(api, *names)
    with statements() as one:
        await put(api, WEB | {"locations": ["l0"]})
    with statements() as many:
        await put(api, *[WEB | {"handle": f"c{i}", "locations": names} for i in range(50)])
    assert len(many) == len(one) == 8  # seven in the transaction, one for the locations in the answer


async def test_51_channels_are_refused(api: Api) -> None:
    errors = await api.refused(PUT, input={"channels": [WEB | {"handle": f"c{i}"} for i in range(51)]})
    assert errors[0]["message"] == "Send 1 to 50 channels, not 51."


async def test_puts_of_one_channel_at_once_leave_one_of_the_orders_that_were_sent(api: Api) -> None:
    await locations(api, "a", "b", "c")
    orders = [["a", "b", "c"], ["c", "b", "a"], ["b"], []] * 5
    answers = await asyncio.gather(*[put(api, WEB | {"locations": order}) for order in orders])
    assert len({channel["id"] for (channel,) in answers}) == 1
    (now,) = (await api(CHANNEL, handle="web")).values()
    assert handles(now) in orders
    told = await facts(api)
    assert [topic for topic, _ in told].count("channel.created") == 1


async def test_node_finds_a_channel_with_its_locations(api: Api) -> None:
    await locations(api, "a")
    (channel,) = await put(api, WEB | {"locations": ["a"]})
    node = await api("query($id: ID!) { node(id: $id) { ... on Channel { locations { handle } } } }", id=channel["id"])
    assert node["node"] == {"locations": [{"handle": "a"}]}


async def test_another_tenants_channel_and_locations_are_as_if_they_were_not(world: World, api: Api) -> None:
    await locations(api, "a")
    (mine_,) = await put(api, WEB | {"locations": ["a"]})
    other = await world.tenant()
    assert (await other(CHANNEL, handle="web"))["channel"] is None
    assert (await other("query($id: ID!) { node(id: $id) { id } }", id=mine_["id"]))["node"] is None
    assert await other.codes(PUT, input={"channels": [WEB | {"locations": ["a"]}]}) == ["NOT_FOUND"]


async def test_a_key_without_the_scope_is_forbidden(world: World) -> None:
    api = await world.tenant("network:read")
    body = await api.answer(PUT, input={"channels": [WEB]})
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await api(CHANNEL, handle="web"))["channel"] is None
    blind = await world.tenant("network:write")
    assert (await blind.answer(CHANNEL, handle="web"))["errors"][0]["extensions"]["code"] == "FORBIDDEN"
