"""The relay: what is lost is told again, what is on its way is not, and nobody waits behind what was given up."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlmodel import select

from oms_api.kit import clock, events, ids, jobs, relay
from oms_api.kit.caller import system
from oms_api.kit.db import Database, Tx
from oms_api.kit.events import Event, Fact, emit
from oms_api.kit.ids import NOBODY
from oms_api.kit.jobs import Failure, Receipt
from oms_api.kit.relay import Relay
from world import Api, World, travel

THING = ids.Prefix("tfr")
WRITERS, FACTS = 16, 2_000
SETTLED = 20_000
TOLD_S = 30.0  # all within this time of the last write, on a machine that does other things as well


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayTried(Fact):
    """A test thing that one reaction hears."""

    number: int


failing: set[UUID] = set()


@jobs.reaction("test.relay_tried", RelayTried)
async def heard(tx: Tx, event: Event) -> None:
    if event.id in failing:
        raise RuntimeError("told to fail")


class Told:
    """What one relay tells of one tenant; nothing runs unless asked."""

    def __init__(self, db: Database, tenant_id: UUID) -> None:
        self.relay = Relay(db, self._tell)
        self.tenant_id = tenant_id
        self.events: Counter[UUID] = Counter()
        self.new: list[UUID] = []

    def _tell(self, kind: str, name: str, tenant_id: UUID, event_ids: Sequence[UUID]) -> None:
        if kind == "react" and tenant_id == self.tenant_id:
            self.events.update(event_ids)
            self.new += event_ids

    async def sweep(self) -> list[UUID]:
        self.new = []
        await self.relay.sweep()
        return sorted(self.new)


async def happen(world: World, api: Api, number: int, subject: UUID | None = None) -> None:
    async def work(tx: Tx) -> None:
        emit(tx, RelayTried(number=number), subject=THING.ref(subject or ids.new()))

    await world.db.run(work, system(api.tenant_id))


async def log(world: World, api: Api) -> list[Event]:
    async with world.db.reading(api.tenant_id) as reading:
        return await reading.all(select(Event).where(Event.tenant_id == api.tenant_id).order_by(Event.position))


async def test_what_is_told_and_lost_is_told_again_at_growing_distances(world: World, api: Api) -> None:
    told = Told(world.db, api.tenant_id)
    await happen(world, api, 1)
    await told.relay.stamp(api.tenant_id)
    (event,) = await log(world, api)
    assert told.new == [event.id]
    assert await told.sweep() == []
    for age, again in ((4, 0), (6, 1), (8, 0), (13, 1), (20, 0), (27, 1), (50, 0), (60, 1)):
        with travel(seconds=age):
            assert len(await told.sweep()) == again, age
    with travel(seconds=300):
        await jobs.react(world.jobs, "test.relay_tried", api.tenant_id, [event.id])
        assert await told.sweep() == []
    with travel(days=30):
        assert await told.sweep() == []


async def test_two_relays_do_not_tell_the_same_again(world: World, api: Api) -> None:
    first, second = Told(world.db, api.tenant_id), Told(world.db, api.tenant_id)
    for number in range(20):
        await happen(world, api, number)
    await first.relay.stamp(api.tenant_id)
    with travel(seconds=6):
        await asyncio.gather(first.sweep(), second.sweep())
        assert sorted(first.new + second.new) == sorted(event.id for event in await log(world, api))
        assert not (await first.sweep()) and not (await second.sweep())


async def test_a_process_that_was_alone_tells_at_once_what_it_had_told(world: World, api: Api) -> None:
    told = Told(world.db, api.tenant_id)
    await happen(world, api, 1)
    await told.relay.stamp(api.tenant_id)
    assert await told.sweep() == []
    running = asyncio.create_task(told.relay.run(alone=True))
    async with asyncio.timeout(TOLD_S):
        while not told.new:  # noqa: ASYNC110 - the relay has no event for it
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_failed_reaction_is_told_when_it_is_due_and_given_up_after_ten(world: World, api: Api) -> None:
    told = Told(world.db, api.tenant_id)
    await happen(world, api, 1)
    await told.relay.stamp(api.tenant_id)
    (event,) = await log(world, api)
    failing.add(event.id)
    later = timedelta()
    for attempt in range(1, jobs.ATTEMPTS_MAX + 1):
        with travel(seconds=later.total_seconds()):
            await jobs.react(world.jobs, "test.relay_tried", api.tenant_id, [event.id])
            async with world.db.reading(api.tenant_id) as reading:
                (failure,) = await reading.all(select(Failure).where(Failure.tenant_id == api.tenant_id))
            assert (failure.attempts, failure.error) == (attempt, "RuntimeError: told to fail")
            assert await told.sweep() == []
        if attempt < jobs.ATTEMPTS_MAX:
            later += timedelta(seconds=jobs.BACK_OFF_S[attempt - 1] + 0.5)
            with travel(seconds=later.total_seconds()):
                assert await told.sweep() == [event.id]
    assert failure.next_at is None
    with travel(days=30):
        assert await told.sweep() == []
        assert [row.tell_at for row in await log(world, api)] == [None]
    failing.clear()
    assert await world.db.run(jobs.retry, system(NOBODY)) == 1
    assert await told.sweep() == [event.id]
    await jobs.react(world.jobs, "test.relay_tried", api.tenant_id, [event.id])
    assert [row.pending for row in await log(world, api)] == [0]


async def test_nobody_waits_behind_what_was_given_up(world: World, api: Api) -> None:
    """More events without hope than a sweep takes: the one behind them is told all the same."""
    told = Told(world.db, api.tenant_id)
    at, own = clock.now() - timedelta(hours=1), {"tenant_id": api.tenant_id}
    given_up = [ids.new() for _ in range(relay.SWEEP_BATCH_MAX + 1)]
    async with world.db.transaction(system(api.tenant_id)) as tx:
        await tx.insert(Event, [{**_row(api, id_, i), "occurred_at": at} for i, id_ in enumerate(given_up, 1)])
        await tx.insert(
            Failure,
            [{**own, "event_id": id_, "reaction": "test.relay_tried", "attempts": 10, "error": ""} for id_ in given_up],
        )
    await happen(world, api, 1)
    await tell_everything(world, api, told, len(given_up) + 1)
    with travel(seconds=6):
        swept = [await told.sweep() for _ in range(3)]
    assert sum(map(len, swept)) == 1


def _row(api: Api, id_: UUID, position: int | None) -> dict[str, Any]:
    return {
        "tenant_id": api.tenant_id, "id": id_, "topic": RelayTried.topic, "subject_type": "tfr", "subject_id": id_,
        "owner_id": id_, "sequence": 1, "position": position, "occurred_at": clock.now(), "added": [], "updated": [],
        "removed": [], "actor_kind": "SYSTEM", "data": {"number": 1}, "pending": 1, "tell_at": clock.now(),
    }  # fmt: skip


async def tell_everything(world: World, api: Api, told: Told, last: int) -> None:
    """Stamp what waits, as if the log had `last - 1` events already."""
    async with world.db.transaction(system(api.tenant_id)) as tx:
        await tx.upsert(
            events.EventLog, [{"tenant_id": api.tenant_id, "position": last}], key=("tenant_id",), change=("position",)
        )
    await told.relay.stamp(api.tenant_id)


async def test_a_predecessor_with_a_later_id_comes_first_even_beyond_the_batch(world: World, api: Api) -> None:
    """The clock of one machine is ahead, and more events wait than are stamped at once."""
    told = Told(world.db, api.tenant_id)
    subject, waiting = ids.new(), [ids.new() for _ in range(events.STAMP_BATCH_MAX + 5)]
    rows = [{**_row(api, id_, None), "tell_at": None} for id_ in waiting]
    rows[0] |= {"subject_id": subject, "sequence": 2}
    rows[-1] |= {"subject_id": subject, "sequence": 1}
    async with world.db.transaction(system(api.tenant_id)) as tx:
        await tx.insert(Event, rows)
    await told.relay.stamp(api.tenant_id)
    stamped = await log(world, api)
    assert [event.position for event in stamped] == list(range(1, len(rows) + 1))
    assert [event.sequence for event in stamped if event.subject_id == subject] == [1, 2]


async def test_a_lost_ring_is_made_up_for_while_others_ring_without_end(world: World, api: Api) -> None:
    other = await world.tenant()
    told = Told(world.db, api.tenant_id)
    await happen(world, api, 1)

    async def ring() -> None:
        while True:
            told.relay.ring(other.tenant_id)
            await asyncio.sleep(0.005)

    tasks = [asyncio.create_task(ring()), asyncio.create_task(told.relay.run())]
    async with asyncio.timeout(TOLD_S):
        while not told.new:  # noqa: ASYNC110 - the relay has no event for it
            await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_bursts_of_sixteen_writers_are_told_once_and_soon(world: World, api: Api) -> None:
    told = Told(world.db, api.tenant_id)
    hang_up = events.on_told(told.relay.ring)
    running = asyncio.create_task(told.relay.run())

    async def writer(number: int) -> None:
        for fact in range(FACTS // WRITERS):
            await happen(world, api, number * FACTS + fact)

    await asyncio.gather(*[writer(number) for number in range(WRITERS)])
    written = time.monotonic()
    async with asyncio.timeout(TOLD_S):
        while len(told.events) < FACTS:  # noqa: ASYNC110 - the relay has no event for it
            await asyncio.sleep(0.01)
    print(f"\n{world.db.engine}: all {FACTS} told {time.monotonic() - written:.2f} s after the last write")
    hang_up()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert [event.position for event in await log(world, api)] == list(range(1, FACTS + 1))
    assert sum(told.events.values()) < 3 * FACTS
    await jobs.react(world.jobs, "test.relay_tried", api.tenant_id, list(told.events))
    async with world.db.reading(api.tenant_id) as reading:
        done = await reading.all(select(Receipt.event_id).where(Receipt.tenant_id == api.tenant_id))
    assert len(done) == FACTS


async def test_no_statement_of_the_relay_reads_the_whole_log(world: World, api: Api) -> None:
    async with world.db.transaction(system(api.tenant_id)) as tx:
        for start in range(0, SETTLED, 5_000):
            await tx.insert(
                Event,
                [{**_row(api, ids.new(), start + i), "pending": 0, "tell_at": None} for i in range(1, 5_001)],
            )
        await tx.text("ANALYZE events")
        at = clock.now()
        values: dict[str, Any] = {
            "subjects": [ids.new()], "stamps": [{"id": ids.new(), "position": 1}], "again": at, "of": ids.new(),
            "done": [ids.new()], "next": at, "waits": [{"id": ids.new(), "until": at}],
        }  # fmt: skip
        for statement in (
            events._UNSTAMPED, events._UNSTAMPED_OF, events._UNSTAMPED_TENANTS, events._STAMP, relay._CLAIM,
            relay._WAIT, relay._HURRY, jobs._SETTLE, jobs._SOONER,
        ):  # fmt: skip
            compiled = tx._compiled(statement)
            explain = "EXPLAIN QUERY PLAN" if tx.engine == "sqlite" else "EXPLAIN"
            arguments = compiled.arguments({"tenant": tx.tenant_id, **values})
            rows = await tx._driver.fetch(tx._connection, f"{explain} {compiled.sql}", arguments)
            plan = "\n".join(str(row[-1]) for row in rows)
            assert "Seq Scan on events" not in plan, plan
            assert "SCAN events" not in plan.replace("SCAN events USING INDEX ix_events_unstamped", "").replace(
                "SCAN events USING COVERING INDEX ix_events_unstamped", ""
            ), plan
        tx.discard()
