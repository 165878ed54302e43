"""What upper domains read: a channel with its locations, on every request, in one statement."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from oms_api import network
from oms_api.kit.caller import system
from oms_api.kit.db import Tx
from oms_api.kit.errors import Invalid
from world import Api, World, statements


def _location(handle: str, **more: Any) -> dict[str, Any]:
    return {"handle": handle, "name": handle, **more}


def _channel(handle: str, locations: Sequence[str], **more: Any) -> dict[str, Any]:
    return {"handle": handle, "name": handle, "currency": "EUR", "locations": locations, **more}


async def write(world: World, tenant_id: UUID, locations: Sequence[Any] = (), channels: Sequence[Any] = ()) -> None:
    async def work(tx: Tx) -> None:
        if locations:
            await network.put_locations(tx, locations)
        if channels:
            await network.put_channels(tx, channels)

    await world.db.run(work, system(tenant_id))


async def read(world: World, tenant_id: UUID, handle: str) -> network.Network | None:
    async with world.db.reading(tenant_id) as reading:
        return await network.network_of(reading, handle)


async def handles(world: World, api: Api, handle: str) -> list[str]:
    found = await read(world, api.tenant_id, handle)
    assert found is not None
    return [location.handle for location in found.locations]


async def test_500_locations_come_preferred_first_in_one_statement_the_first_time_and_the_next(
    world: World, api: Api
) -> None:
    names = [f"l{i}" for i in range(500)]
    await write(world, api.tenant_id, [_location(name) for name in names[:250]])
    await write(world, api.tenant_id, [_location(name) for name in names[250:]])
    await write(world, api.tenant_id, channels=[_channel("web", names[::-1]), _channel("empty", [])])
    for _ in range(2):
        with statements() as seen:
            assert await handles(world, api, "web") == names[::-1]
            assert await handles(world, api, "empty") == []
        assert len(seen) == 2


async def test_a_network_is_the_rows_of_its_channel_and_locations(world: World, api: Api) -> None:
    address = {
        "name": "A", "lines": ["1"], "city": "B", "region": None, "postalCode": None, "country": "DE",
        "company": None, "phone": None,
    }  # fmt: skip
    await write(
        world,
        api.tenant_id,
        [_location("a", address=address, latitude=1.25, longitude=-2.5, cut_off="14:00", active=False)],
        [_channel("web", ["a"], max_shipments=3)],
    )
    async with world.db.reading(api.tenant_id) as reading:
        location = (await network.locations_by_handle(reading, ["a"]))["a"]
        channel = (await network.channels_by_handle(reading, ["web"]))["web"]
        for found in (
            await network.network_of(reading, "web"),
            await network.network_of(reading, "web"),
            (await network.networks_by_id(reading, [channel.id]))[channel.id],
        ):
            assert found is not None
            assert found.channel.__dict__ == channel.__dict__
            assert [row.__dict__ for row in found.locations] == [location.__dict__]
        assert (await network.locations_by_id(reading, [location.id]))[location.id].__dict__ == location.__dict__
        assert (await network.channels_by_id(reading, [channel.id]))[channel.id].__dict__ == channel.__dict__
    assert (location.address, location.active, location.latitude) == (address, False, 1.25)
    assert channel.max_shipments == 3


async def test_a_channel_that_is_not_there_is_none(world: World, api: Api) -> None:
    assert await read(world, api.tenant_id, "web") is None
    await write(world, api.tenant_id, [_location("a")])
    assert await read(world, api.tenant_id, "web") is None
    await write(world, api.tenant_id, channels=[_channel("web", ["a"])])
    assert await handles(world, api, "web") == ["a"]


async def test_the_next_read_sees_every_put(world: World, api: Api) -> None:
    await write(world, api.tenant_id, [_location("a"), _location("b")], [_channel("web", ["a"])])
    assert await handles(world, api, "web") == ["a"]
    await write(world, api.tenant_id, channels=[_channel("web", ["b", "a"])])
    assert await handles(world, api, "web") == ["b", "a"]
    await write(world, api.tenant_id, [_location("a", active=False)])
    found = await read(world, api.tenant_id, "web")
    assert found is not None
    assert [location.active for location in found.locations] == [True, False]


async def test_a_put_that_was_rolled_back_was_never_seen_by_others(world: World, api: Api) -> None:
    await write(world, api.tenant_id, [_location("a"), _location("b")], [_channel("web", ["a"])])
    assert await handles(world, api, "web") == ["a"]
    with pytest.raises(Invalid):
        async with world.db.transaction(system(api.tenant_id)) as tx:
            await network.put_channels(tx, [_channel("web", ["b"])])
            inside = await network.network_of(tx, "web")
            assert inside is not None
            assert [location.handle for location in inside.locations] == ["b"]
            await network.put_channels(tx, [_channel("web", ["b"], threshold=-1)])
    assert await handles(world, api, "web") == ["a"]
    await write(world, api.tenant_id, channels=[_channel("web", ["a", "b"])])
    assert await handles(world, api, "web") == ["a", "b"]


async def test_readers_beside_writers_see_one_put_or_the_next_never_a_mixture(world: World, api: Api) -> None:
    names = [f"l{i}" for i in range(20)]
    await write(world, api.tenant_id, [_location(name) for name in names], [_channel("web", names)])

    async def writer() -> None:
        for n in range(20):
            await write(world, api.tenant_id, channels=[_channel("web", names[: n + 1], threshold=n + 1)])

    async def reader() -> int:
        last = 0
        for _ in range(100):
            found = await read(world, api.tenant_id, "web")
            assert found is not None
            threshold = found.channel.threshold
            assert len(found.locations) == (threshold or 20)
            assert threshold >= last
            last = threshold
        return last

    await asyncio.gather(writer(), reader(), reader())
    assert len(await handles(world, api, "web")) == 20


async def test_tenants_with_the_same_handles_never_meet(world: World, api: Api) -> None:
    other = await world.tenant()
    await write(world, api.tenant_id, [_location("a")], [_channel("web", ["a"])])
    assert await handles(world, api, "web") == ["a"]
    assert await read(world, other.tenant_id, "web") is None
    await write(world, other.tenant_id, [_location("z")], [_channel("web", ["z"])])
    assert await handles(world, other, "web") == ["z"]
    assert await handles(world, api, "web") == ["a"]
