"""Both engines, a fresh tenant a test, the whole path from HTTP down."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import servers
from oms_api.kit.db import gate
from oms_api.kit.graphql import execution
from programs import Warm
from world import Api, World, create_tables

ENGINES = ("sqlite", "postgresql")

# examples are counted, not timed: the machine may be busy with other things
settings.register_profile("counted", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("counted")
# several hundred callers at once on a machine that is busy with other things: what a test waits for is an answer
execution.OPERATION_TIMEOUT_S = gate.POOL_WAIT_S = 60.0


@pytest.fixture(scope="session", params=ENGINES)
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database with every table: an SQLite file, or one on a real PostgreSQL."""
    if request.param == "sqlite":
        with tempfile.TemporaryDirectory(prefix="oms-test-") as folder:
            url = f"sqlite+aiosqlite:///{Path(folder) / 'test.sqlite3'}"
            create_tables(url)
            yield url
    else:
        with servers.fresh_database(servers.postgres()) as url:
            create_tables(url)
            yield url


@pytest.fixture(scope="session")
async def world(database_url: str) -> AsyncIterator[World]:
    """The application over one database, in this process; jobs run when a test calls `world.settle()`."""
    os.environ.pop("OMS_DATABASE_URL", None)
    made = World(database_url)
    yield made
    await made.close()


@pytest.fixture(scope="session")
async def warm() -> AsyncIterator[Warm]:
    """Forks `oms …` processes; see `programs.py`."""
    made = Warm()
    yield made
    await made.close()


@pytest.fixture
async def api(world: World) -> Api:
    """A client with every scope, of a tenant that only this test has."""
    return await world.tenant()
