"""A store of a fresh tenant."""

import pytest

from orders.store import Store
from world import Api, World


@pytest.fixture
def store(world: World, api: Api) -> Store:
    return Store(world, api)
