"""The log: gap-free per subject, and no reader passes an event that commits late."""

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime

from oms_api.kit import ids
from oms_api.kit.caller import system
from oms_api.kit.db import Tx
from oms_api.kit.events import Fact, emit, rfc3339
from world import Api, World

EVENTS = """query($after: String, $topics: [String!], $subject: ID) {
  events(after: $after, topics: $topics, subjectId: $subject) {
    nodes { topic subjectId sequence cursor actor { kind } data } pageInfo { hasNextPage endCursor } } }"""
THING = ids.Prefix("tst")


def test_an_instant_has_four_digits_of_year_and_six_of_a_second() -> None:
    assert rfc3339(datetime(7, 2, 3, 4, 5, 6, 7, UTC)) == "0007-02-03T04:05:06.000007Z"
    assert rfc3339(datetime(2026, 11, 22, tzinfo=UTC)) == "2026-11-22T00:00:00.000000Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingHappened(Fact):
    """A test thing happened."""

    number: int


async def test_a_fact_is_seen_with_its_cursor_once_it_is_stamped(world: World, api: Api) -> None:
    thing = ids.new()

    async def work(tx: Tx) -> None:
        emit(tx, ThingHappened(number=1), subject=THING.ref(thing), added=["thing"])
        emit(tx, ThingHappened(number=2), subject=THING.ref(thing))

    await world.db.run(work, system(api.tenant_id))
    assert (await api(EVENTS))["events"]["nodes"] == []
    await world.settle()
    nodes = (await api(EVENTS))["events"]["nodes"]
    assert [(node["topic"], node["sequence"], node["cursor"], node["data"]) for node in nodes] == [
        ("thing.happened", 1, "1", {"number": 1}),
        ("thing.happened", 2, "2", {"number": 2}),
    ]
    assert nodes[0]["subjectId"] == THING(thing)
    assert nodes[0]["actor"] == {"kind": "SYSTEM"}
    after = await api(EVENTS, after="1", topics=["thing.*"], subject=THING(thing))
    assert [node["sequence"] for node in after["events"]["nodes"]] == [2]


async def test_a_rolled_back_change_tells_nothing(world: World, api: Api) -> None:
    async with world.db.transaction(system(api.tenant_id)) as tx:
        emit(tx, ThingHappened(number=1), subject=THING.ref(ids.new()))
        tx.discard()
    await world.settle()
    assert (await api(EVENTS))["events"]["nodes"] == []


async def test_no_reader_misses_an_event_that_commits_late(world: World, api: Api) -> None:
    """The first writer inserts first and commits last: on PostgreSQL beside each other, on SQLite one by one."""
    first, second = ids.new(), ids.new()
    inserted, committed = asyncio.Event(), asyncio.Event()

    async def late() -> None:
        async with world.db.transaction(system(api.tenant_id)) as tx:
            emit(tx, ThingHappened(number=1), subject=THING.ref(first))
            for hook in tx._before:
                await hook(tx)
            tx._before.clear()
            inserted.set()
            if world.db.engine == "postgresql":
                await committed.wait()

    async def early() -> None:
        await inserted.wait()

        async def work(tx: Tx) -> None:
            emit(tx, ThingHappened(number=2), subject=THING.ref(second))

        await world.db.run(work, system(api.tenant_id))
        if world.db.engine == "postgresql":
            await world.settle()
            seen = (await api(EVENTS))["events"]["nodes"]
            assert [node["data"]["number"] for node in seen] == [2]
        committed.set()

    await asyncio.gather(late(), early())
    await world.settle()
    cursor, seen = None, []
    while True:
        page = (await api(EVENTS, after=cursor))["events"]
        seen += [node["data"]["number"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        cursor = page["pageInfo"]["endCursor"]
    assert sorted(seen) == [1, 2]
    if world.db.engine == "postgresql":
        assert seen == [2, 1]


async def test_a_hundred_writers_of_one_subject_leave_no_gap(world: World, api: Api) -> None:
    thing = ids.new()

    async def write(number: int) -> None:
        async def work(tx: Tx) -> None:
            emit(tx, ThingHappened(number=number), subject=THING.ref(thing))

        await world.db.run(work, system(api.tenant_id))

    await asyncio.gather(*[write(number) for number in range(100)])
    await world.settle()
    nodes = (await api(EVENTS))["events"]["nodes"]
    assert [node["sequence"] for node in nodes] == list(range(1, 101))
    assert [int(node["cursor"]) for node in nodes] == list(range(1, 101))


async def test_a_cursor_that_is_none_is_bad_input(api: Api) -> None:
    body = await api.answer(EVENTS, after="yesterday")
    extensions = body["errors"][0]["extensions"]
    assert extensions["code"] == "BAD_INPUT"
    assert extensions["userErrors"][0]["path"] == ["after"]


async def test_what_an_attempt_told_is_untold_with_it_and_leaves_no_gap(world: World, api: Api) -> None:
    thing = THING.ref(ids.new())

    async def work(tx: Tx) -> None:
        for number in (2, 3):
            with contextlib.suppress(LookupError):
                async with tx.attempt():
                    emit(tx, ThingHappened(number=number), subject=thing)
                    if number == 2:
                        raise LookupError
        emit(tx, ThingHappened(number=4), subject=thing)

    async def nothing(tx: Tx) -> None:
        with contextlib.suppress(LookupError):
            async with tx.attempt():
                emit(tx, ThingHappened(number=1), subject=thing)
                raise LookupError

    await world.db.run(nothing, system(api.tenant_id))
    await world.db.run(work, system(api.tenant_id))
    await world.settle()
    nodes = (await api(EVENTS))["events"]["nodes"]
    assert [(node["sequence"], node["data"]) for node in nodes] == [(1, {"number": 3}), (2, {"number": 4})]
