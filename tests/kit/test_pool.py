"""Writers that wait for one another do not keep readers out."""

import asyncio

from oms_api.kit import ids
from oms_api.kit.caller import system
from oms_api.kit.db import Database, Tx
from oms_api.kit.ids import NOBODY
from world import World


async def test_a_reader_finds_a_connection_while_more_writers_than_connections_wait(world: World) -> None:
    if world.db.engine == "sqlite":
        return  # one writer at a time, and readers have a connection of their own
    small = Database(world.url, pool_size=4)
    held, done = asyncio.Event(), asyncio.Event()

    async def write(tx: Tx) -> None:
        held.set()
        await done.wait()

    writers = [asyncio.create_task(small.run(write, system(ids.new()))) for _ in range(8)]
    await held.wait()
    async with asyncio.timeout(4), small.reading(NOBODY) as reading:
        assert reading.engine == "postgresql"
    done.set()
    await asyncio.gather(*writers)
    await small.close()
