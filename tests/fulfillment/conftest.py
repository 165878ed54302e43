"""A desk for every test; after each module whatever happened in it must leave the books right."""

from collections.abc import AsyncIterator

import pytest

from fulfillment.desk import Desk
from fulfillment.invariants import broken
from world import Api, World


@pytest.fixture
def desk(world: World, api: Api) -> Desk:
    return Desk(world, api)


@pytest.fixture(scope="module", autouse=True)
async def books(world: World) -> AsyncIterator[None]:
    before = await broken(world)  # other modules break books on purpose
    yield
    assert await broken(world) == before
