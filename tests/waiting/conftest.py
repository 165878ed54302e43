"""A shop and a till for every test."""

import pytest

from inventory.stock_world import Shop, open_shop
from payments.till import Till
from world import Api, World


@pytest.fixture
async def shop(world: World) -> Shop:
    return await open_shop(world)


@pytest.fixture
def till(world: World, api: Api) -> Till:
    return Till(world, api)
