"""A till of a fresh tenant."""

import pytest
from till import Till

from world import Api, World


@pytest.fixture
def till(world: World, api: Api) -> Till:
    return Till(world, api)
