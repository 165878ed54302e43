"""A till of a fresh tenant."""

import pytest

from world import Api, World

from .till import Till


@pytest.fixture
def till(world: World, api: Api) -> Till:
    return Till(world, api)
