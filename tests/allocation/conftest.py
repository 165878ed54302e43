"""A desk for tests of orders."""

import pytest

from fulfillment.desk import Desk
from world import Api, World


@pytest.fixture
def desk(world: World, api: Api) -> Desk:
    return Desk(world, api)
