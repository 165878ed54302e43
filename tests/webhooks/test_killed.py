"""A worker dies between sending a message and writing that down."""

import asyncio
import signal
import sys

from world import SECRET, Api, World, travel

from .partners import happen, partner

WORKER = """
import asyncio, sys
from oms_api import webhooks
from oms_api.kit import jobs, secrets
from oms_api.kit.db import Database
from oms_api.webhooks.jobs import deliver
secrets.configure([sys.argv[2]])
webhooks.configure(allow_loopback=True)
async def main():
    await deliver(jobs.Jobs(Database(sys.argv[1])))
asyncio.run(main())
"""


async def test_a_killed_worker_costs_a_minute_and_the_message_keeps_its_id(world: World, api: Api) -> None:
    async with partner(world, api) as hook:
        await hook.pause(True)
        await happen(api, "A")
        await world.settle()
        await hook.pause(False)
        hook.open.clear()
        worker = await asyncio.create_subprocess_exec(sys.executable, "-c", WORKER, world.url, SECRET)
        async with asyncio.timeout(30):
            while not hook.heard:  # noqa: ASYNC110 - the receiver has no event for it
                await asyncio.sleep(0.01)
        worker.send_signal(signal.SIGKILL)
        assert await worker.wait() == -signal.SIGKILL
        hook.open.set()
        assert ((await hook.delivery())["status"], (await hook.delivery())["attempts"]) == ("PENDING", [])
        await hook.deliver()
        assert len(hook.heard) == 1
        with travel(seconds=61):
            await hook.deliver()
        first, second = hook.heard
        assert (first.id, first.body) == (second.id, second.body)
        delivery = await hook.delivery()
        assert (delivery["status"], len(delivery["attempts"])) == ("DELIVERED", 1)
