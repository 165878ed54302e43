"""Who waits for somebody else's lock decides by what that one left behind: no false refusal, no false success.

On PostgreSQL a statement goes on with the newest version of the row that it waited for, but with everything else as it
was when it began. So each guarded statement is tried by two transactions on two connections: the first has done its
work and commits, or rolls back, only when the second already waits. On SQLite the second waits at the gate.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from oms_api.kit.caller import system
from oms_api.kit.db import Tx
from oms_api.kit.errors import Refusal
from world import Api, World

Verb = Callable[[Tx], Awaitable[Any]]


async def behind(
    world: World, api: Api, first: Verb, second: Verb, *, rolled_back: bool = False, retried: bool = False
) -> Any:
    """What `second` gives when it has to wait for `first` to end; a refusal as its codes.

    It is not retried unless it is meant to be: that would hide what is looked for.
    """
    caller = system(api.tenant_id)

    async def alone() -> Any:
        if retried:
            return await world.db.run(second, caller)
        async with world.db.transaction(caller) as tx:
            return await second(tx)

    async with world.db.transaction(caller) as tx:
        await first(tx)
        if rolled_back:
            tx.discard()
        waiting = asyncio.create_task(alone())
        done, _ = await asyncio.wait({waiting}, timeout=0.15)
        assert not done, "it did not wait"
    try:
        return await waiting
    except Refusal as refusal:
        return [part.code for part in refusal.parts()]
