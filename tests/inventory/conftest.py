"""A fresh shop for each test."""

import pytest

from inventory.stock_world import Shop, open_shop
from world import World


@pytest.fixture
async def shop(world: World) -> Shop:
    return await open_shop(world)
