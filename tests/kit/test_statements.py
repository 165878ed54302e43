"""What statements give back."""

from sqlalchemy import func
from sqlmodel import select

from oms_api.access import Tenant
from oms_api.kit.db import prepared
from oms_api.kit.ids import NOBODY
from world import Api, World

_COUNT = prepared(select(func.count()).select_from(Tenant))


async def test_a_single_column_is_its_value_and_needs_no_name(world: World, api: Api) -> None:
    async with world.db.reading(NOBODY) as reading:
        before = await reading.first(_COUNT)
    await world.tenant()
    async with world.db.reading(NOBODY) as reading:
        assert await reading.first(_COUNT) == before + 1
