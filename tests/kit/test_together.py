"""Reactions that take many events at once: one look, and a failing one still blocks no other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from oms_api.kit import events, ids, jobs
from oms_api.kit.caller import system
from oms_api.kit.db import Tx
from oms_api.kit.events import Event, Fact, emit
from oms_api.kit.jobs import Jobs
from world import Api, World

PARCEL = ids.Prefix("tpc")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelSeen(Fact):
    """A test fact."""

    number: int


@pytest.fixture
def heard() -> Iterator[list[list[int]]]:
    """The numbers of each call; a call with 3 among others fails, and 3 alone too."""
    calls: list[list[int]] = []

    @jobs.reaction("tests.together", ParcelSeen, outside=True, together=True)
    async def hear(_: Jobs, told: Sequence[Event]) -> None:
        calls.append([event.data["number"] for event in told])
        if 3 in calls[-1]:
            raise RuntimeError("three")

    yield calls
    jobs._reactions.pop("tests.together")
    events.REACTIONS[ParcelSeen.topic].remove("tests.together")


async def see(world: World, api: Api, *numbers: int) -> None:
    async def work(tx: Tx) -> None:
        for number in numbers:
            emit(tx, ParcelSeen(number=number), subject=PARCEL.ref(ids.new()))

    await world.db.run(work, system(api.tenant_id))
    await world.settle()


async def test_what_came_together_is_told_at_once(world: World, api: Api, heard: list[list[int]]) -> None:
    await see(world, api, *range(10, 60))
    assert sorted(heard[0]) == list(range(10, 60))
    assert len(heard) == 1


async def test_one_that_fails_blocks_no_other(world: World, api: Api, heard: list[list[int]]) -> None:
    await see(world, api, 1, 2, 3, 4)
    assert sorted(heard[0]) == [1, 2, 3, 4]
    assert sorted(number for call in heard[1:5] for number in call) == [1, 2, 3, 4]
    assert all(len(call) == 1 for call in heard[1:])
    async with world.db.reading(api.tenant_id) as reading:
        rows = await reading.text("SELECT attempts FROM reaction_failures WHERE reaction = 'tests.together'")
    assert len(rows) >= 1
