"""`kill -9` in the middle of the main job: what was acknowledged is there, nothing is doubled, every event arrives."""

import asyncio
import json
import random
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oms_api import demo, seed
from programs import Program, Programs, Warm, free_port, programs
from witness import QUIET, Receiver, Stubborn, check_log, check_walks, eventually, receiving, since_subscribed, stock

KILLS = 20
SEED = 20261122  # the moments are random, and the same parts of a walk in every run
LEASE_S = 61  # what a killed process was sending is sent again after a minute


class Deployment:
    """`oms dev`, which can be killed and comes back on the same folder and port."""

    def __init__(self, begin: Programs, folder: Path) -> None:
        self._begin = begin
        self.folder, self.port = folder, free_port()
        self.program: Program | None = None
        self.key = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self.program = await self._begin.start(
            "dev", "--json", "--no-seed", "--port", str(self.port), "--data-dir", str(self.folder)
        )
        ready = json.loads(await self.program.line())
        assert ready["url"] == self.url, "the port was taken by another process meanwhile"
        assert ready["pid"] == self.program.pid
        self.key = ready["apiKey"]

    async def advance(self, seconds: int) -> None:
        assert (
            await self._begin.run("clock", "advance", str(seconds), "--data-dir", str(self.folder))
        ).running is False

    async def stop(self, number: signal.Signals) -> int:
        assert self.program is not None
        return await self.program.end(number)


@pytest.fixture
async def deployment(warm: Warm, tmp_path: Path) -> AsyncIterator[Deployment]:
    async with programs(warm, tmp_path) as begin:
        yield Deployment(begin, tmp_path / "data")


async def test_twenty_kills_lose_nothing_and_double_nothing(deployment: Deployment) -> None:
    moments, receiver = random.Random(SEED), Receiver()
    await deployment.start()
    async with receiving(receiver) as hook_url, Stubborn([deployment.url], deployment.key) as client:
        await seed.demo(client)
        await receiver.subscribe(client, hook_url)
        before = await stock(client)
        walked = [await demo.walk(client, QUIET)]  # the first one is slower
        started = time.monotonic()
        walked.append(await demo.walk(client, QUIET))
        usual_s = time.monotonic() - started
        interrupted = 0
        for _ in range(KILLS):
            walking = asyncio.create_task(demo.walk(client, QUIET))
            await asyncio.wait({walking}, timeout=moments.uniform(0.0, usual_s))
            interrupted += not walking.done()
            assert await deployment.stop(signal.SIGKILL) == -signal.SIGKILL
            await deployment.start()
            walked.append(await walking)
        assert interrupted >= KILLS / 2

        await check_walks(client, walked)
        assert await stock(client) == before
        wanted = since_subscribed(await check_log(client))
        await deployment.advance(LEASE_S)
        await eventually(lambda: wanted <= set(receiver.events), 30, "every event is delivered")
        assert len(receiver.events) == len(set(receiver.events)), "one event came under two message ids"
        print(
            f"\n{interrupted} of {KILLS} kills in a walk of {usual_s:.2f} s; {len(wanted)} events, "
            f"{sum(receiver.repeated.values())} messages repeated under their id"
        )
    assert await deployment.stop(signal.SIGTERM) == 0
