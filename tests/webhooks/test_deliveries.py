"""What happened reaches the partner: signed, once, in time, in order; nothing is lost on the way."""

import asyncio
from datetime import datetime, timedelta

import pytest

from oms_api.catalog import SKU, SkuCreated
from oms_api.kit import events, ids, jobs
from oms_api.kit.caller import system
from oms_api.kit.db import Database
from oms_api.webhooks import rules
from world import Api, World, statements, travel

from .partners import follow, happen, partner, rows


async def test_a_fact_arrives_signed_and_verifies(world: World, api: Api) -> None:
    async with partner(world, api) as hook:
        (sku,) = await happen(api, "A")
        await world.settle()
        (message,) = hook.heard
        hook.verify(message)
        delivery = await hook.delivery()
        (event,) = delivery["events"]
        assert message.content["type"] == event["topic"] == "sku.created"
        assert message.data == {
            "eventId": event["id"], "subjectId": sku, "sequence": 1, "cursor": event["cursor"],
            "changes": {"added": ["sku"], "updated": [], "removed": []}, "code": "A", "kind": "PHYSICAL",
        }  # fmt: skip
        assert message.headers["content-type"] == "application/json"
        assert "oms-replay" not in message.headers
        assert (delivery["status"], delivery["messageId"]) == ("DELIVERED", message.id)
        assert delivery["body"] == message.body.decode()
        (attempt,) = delivery["attempts"]
        assert (attempt["responseStatus"], attempt["responseBody"], attempt["error"]) == (200, "seen", None)
        assert attempt["nextAttemptAt"] is None
        assert 0 < attempt["durationSeconds"] < 5


async def test_only_the_topics_asked_for_and_only_from_now_on(world: World, api: Api) -> None:
    await happen(api, "BEFORE")
    await world.settle()
    async with partner(world, api, topics=["sku.updated"]) as hook:
        await happen(api, "A")
        await happen(api, "BEFORE", name="After")
        await world.settle()
        assert [(message.content["type"], message.data["code"]) for message in hook.heard] == [
            ("sku.updated", "BEFORE")
        ]


async def test_another_tenant_hears_and_sees_nothing(world: World, api: Api) -> None:
    other = await world.tenant()
    async with partner(world, api) as mine, partner(world, other) as theirs:
        await happen(api, "A")
        await world.settle()
        assert (len(mine.heard), len(theirs.heard)) == (1, 0)
        delivery = await mine.delivery()
        shown = await mine.show()
        for id_ in (delivery["id"], shown["id"]):
            node = "query($id: ID!) { node(id: $id) { id } }"
            assert (await api(node, id=id_))["node"] == {"id": id_}
            assert (await other(node, id=id_))["node"] is None
        assert await theirs.replay() == 0
        assert await theirs.pause(True) == "PAUSED"
        assert (await mine.show())["status"] == "ACTIVE"


async def test_a_failing_receiver_is_asked_again_at_the_times_of_the_timetable(world: World, api: Api) -> None:
    async with partner(world, api, 500) as hook:
        await happen(api, "A")
        await world.settle()
        for made, delay_s in enumerate(rules.RETRY_DELAYS_S[1:], 1):
            delivery = await hook.delivery()
            attempt = delivery["attempts"][-1]
            assert (delivery["status"], len(delivery["attempts"]), len(hook.heard)) == ("RETRYING", made, made)
            waits = datetime.fromisoformat(attempt["nextAttemptAt"]) - datetime.fromisoformat(attempt["at"])
            assert 0.9 * delay_s <= waits.total_seconds() <= 1.1 * delay_s + 2
            await hook.deliver_at(attempt["nextAttemptAt"], -delay_s / 2)
            assert len(hook.heard) == made
            await hook.deliver_at(attempt["nextAttemptAt"])
        delivery = await hook.delivery()
        assert (delivery["status"], len(delivery["attempts"]), len(hook.heard)) == ("DEAD", 10, 10)
        assert delivery["attempts"][-1]["nextAttemptAt"] is None
        assert len({message.id for message in hook.heard}) == 1
        assert len({message.body for message in hook.heard}) == 1
        with travel(days=20):
            await hook.deliver()
        assert len(hook.heard) == 10


async def test_72_hours_of_nothing_but_failures_stop_a_subscription(world: World, api: Api) -> None:
    async with partner(world, api, 500) as hook:
        await happen(api, "A")
        await world.settle()
        for hours, status in ((71.9, "ACTIVE"), (72.1, "FAILING")):
            with travel(hours=hours):
                await happen(api, f"S{hours}")
                await world.settle()
            assert (await hook.show())["status"] == status
        sent = len(hook.heard)
        with travel(days=9):
            await hook.deliver()
        assert len(hook.heard) == sent
        assert [delivery["status"] for delivery in await hook.deliveries()] == ["PENDING", "RETRYING", "RETRYING"]


async def test_gone_stops_a_subscription_at_once_and_it_resumes_without_loss(world: World, api: Api) -> None:
    async with partner(world, api, 410, 200) as hook:
        await happen(api, "A")
        await world.settle()
        assert ((await hook.show())["status"], (await hook.delivery())["status"]) == ("FAILING", "DEAD")
        await happen(api, "B")
        await world.settle()
        await hook.deliver()
        assert [message.data["code"] for message in hook.heard] == ["A"]
        assert await hook.pause(False) == "ACTIVE"
        await hook.deliver()
        assert [message.data["code"] for message in hook.heard] == ["A", "B"]
        assert await hook.replay(status=["DEAD"]) == 1
        await hook.deliver()
        assert [message.data["code"] for message in hook.heard] == ["A", "B", "A"]
        assert hook.heard[2].id == hook.heard[0].id
        assert hook.heard[2].headers["oms-replay"] == "true"
        assert [delivery["status"] for delivery in await hook.deliveries()] == ["DELIVERED", "DELIVERED"]


async def test_a_success_ends_the_row_of_failures(world: World, api: Api) -> None:
    async with partner(world, api, 500, 200, 500) as hook:
        await happen(api, "A")
        await world.settle()
        with travel(hours=71):
            await hook.deliver()
            await happen(api, "B")
            await world.settle()
        with travel(hours=80):
            await hook.deliver()
        assert len(hook.heard) == 4
        assert (await hook.show())["status"] == "ACTIVE"
        with travel(hours=71 + 73):
            await hook.deliver()
        assert (await hook.show())["status"] == "FAILING"


async def test_retry_after_puts_off(world: World, api: Api) -> None:
    async with partner(world, api, 503) as hook:
        hook.extra = "Retry-After: 600\r\n"
        await happen(api, "A")
        await world.settle()
        (attempt,) = (await hook.delivery())["attempts"]
        waits = datetime.fromisoformat(attempt["nextAttemptAt"]) - datetime.fromisoformat(attempt["at"])
        assert 600 <= waits.total_seconds() <= 662
        assert attempt["responseStatus"] == 503


async def test_a_paused_subscription_queues_what_happens(world: World, api: Api) -> None:
    async with partner(world, api) as hook:
        assert await hook.pause(True) == "PAUSED"
        await happen(api, "A", "B")
        await world.settle()
        await hook.deliver()
        assert hook.heard == []
        assert [delivery["status"] for delivery in await hook.deliveries()] == ["PENDING", "PENDING"]
        assert [(delivery["body"], delivery["attempts"]) for delivery in await hook.deliveries()] == [(None, [])] * 2
        assert await hook.pause(False) == "ACTIVE"
        await hook.deliver()
        assert sorted(message.data["code"] for message in hook.heard) == ["A", "B"]


async def test_ordered_means_one_at_a_time_per_object_in_sequence(world: World, api: Api) -> None:
    async with partner(world, api, 500, 200, ordered=True) as hook:
        await happen(api, "A")
        await world.settle()
        for name in ("Second", "Third"):
            await happen(api, "A", name=name)
        await happen(api, "B")
        await world.settle()
        assert [(message.data["code"], message.data["sequence"]) for message in hook.heard] == [("A", 1), ("B", 1)]
        hook.takes_s = 0.02
        retry = next(d for d in await hook.deliveries(status="RETRYING"))["attempts"][0]["nextAttemptAt"]
        await hook.deliver_at(retry)
        assert [message.data["sequence"] for message in hook.heard if message.data["code"] == "A"] == [1, 1, 2, 3]
        assert hook.at_once_max == 1
        assert len(await hook.deliveries(status="DELIVERED")) == 4


async def test_two_workers_at_once_send_every_message_once_and_four_at_a_time(world: World, api: Api) -> None:
    async with partner(world, api) as hook:
        hook.takes_s = 0.02
        await hook.pause(True)
        await happen(api, *[f"S{i}" for i in range(40)])
        await world.settle()
        await hook.pause(False)
        second = Database(world.url)
        try:
            workers = [world.jobs, jobs.Jobs(second)]
            await asyncio.gather(*[jobs.tick(worker, "webhooks.deliver") for worker in workers])
        finally:
            await second.close()
        await hook.deliver()
        assert sorted(message.data["code"] for message in hook.heard) == sorted(f"S{i}" for i in range(40))
        assert 1 < hook.at_once_max <= 4
        assert len(await hook.deliveries(status="DELIVERED")) == 40


async def test_two_followers_at_once_queue_every_event_once(world: World, api: Api) -> None:
    async with partner(world, api) as hook:
        await hook.pause(True)
        await happen(api, *[f"S{i}" for i in range(30)])
        await events.stamp(world.db, system(api.tenant_id))
        await asyncio.gather(*[follow(world, api.tenant_id) for _ in range(5)])
        found = [delivery["events"][0]["data"]["code"] for delivery in await hook.deliveries()]
        assert sorted(found) == sorted(f"S{i}" for i in range(30))


async def test_more_events_than_one_batch_are_caught_up(world: World, api: Api) -> None:
    async with partner(world, api) as hook:
        await hook.pause(True)
        for start in range(0, 1100, 220):
            await happen(api, *[f"S{i}" for i in range(start, start + 220)])
        for _ in range(3):
            await events.stamp(world.db, system(api.tenant_id))
        await follow(world, api.tenant_id)
        assert await rows(world, api.tenant_id) == (1100, 0)


async def test_a_silent_receiver_does_not_hold_up_the_others(world: World, api: Api) -> None:
    async with partner(world, api) as quick, partner(world, api, handle="silent") as silent:
        silent.open.clear()
        await happen(api, *[f"S{i}" for i in range(12)])
        settling = asyncio.create_task(world.settle())
        try:
            async with asyncio.timeout(10):
                while len(quick.heard) < 12:  # noqa: ASYNC110 - the receiver has no event for it
                    await asyncio.sleep(0.01)
            assert (len(silent.heard), silent.at_once) == (4, 4)
        finally:
            silent.open.set()
            await settling
        assert len(silent.heard) == 12


async def test_a_failing_receiver_is_asked_one_at_a_time(world: World, api: Api) -> None:
    async with partner(world, api, 500) as hook:
        await happen(api, "A")
        await world.settle()
        hook.takes_s = 0.01
        await happen(api, *[f"S{i}" for i in range(8)])
        await world.settle()
        assert (len(hook.heard), hook.at_once_max) == (9, 1)


async def test_an_event_over_the_limit_is_dead_and_says_why(world: World, api: Api) -> None:
    async with partner(world, api) as hook:
        async with world.db.transaction(system(api.tenant_id)) as tx:
            huge = SkuCreated(code="x" * 300_000, kind="PHYSICAL")
            events.emit(tx, huge, subject=SKU.ref(ids.new()))
        await happen(api, "A")
        await world.settle()
        await hook.deliver()
        dead = next(delivery for delivery in await hook.deliveries() if delivery["status"] == "DEAD")
        assert dead["attempts"][0]["error"].endswith("at most 262144 are sent: select less in the query.")
        assert dead["body"] is None
        assert [message.data["code"] for message in hook.heard] == ["A"]
        assert (await hook.show())["status"] == "ACTIVE"


async def test_statements_do_not_grow_with_the_number_of_events(world: World, api: Api) -> None:
    async with partner(world, api) as hook:
        await hook.pause(True)
        counts = []
        for size in (1, 200):
            await happen(api, *[f"S{size}-{i}" for i in range(size)])
            await events.stamp(world.db, system(api.tenant_id))
            with statements() as seen:
                await follow(world, api.tenant_id)
            counts.append(len(seen))
        assert counts == [6, 6]  # behind, lock, events, insert, move on; then the sender looks what is due
        pages = []
        for first in (1, 100):
            with statements() as seen:
                assert len(await hook.deliveries(first=first)) == first
            pages.append(len(seen))
        assert pages == [4, 4]


async def test_following_costs_one_statement_when_nobody_is_subscribed(world: World, api: Api) -> None:
    await happen(api, "A")
    await events.stamp(world.db, system(api.tenant_id))
    with statements() as seen:
        await follow(world, api.tenant_id)
    assert len(seen) == 1


@pytest.mark.parametrize("after", [timedelta(seconds=59), timedelta(seconds=62)])
async def test_a_cancelled_sender_leaves_its_message_to_the_lease(world: World, api: Api, after: timedelta) -> None:
    async with partner(world, api) as hook:
        hook.open.clear()
        await happen(api, "A")
        settling = asyncio.create_task(world.settle())
        while not hook.heard:  # noqa: ASYNC110 - the receiver has no event for it
            await asyncio.sleep(0.01)
        settling.cancel()
        await asyncio.gather(settling, return_exceptions=True)
        hook.open.set()
        await hook.deliver()
        assert len(hook.heard) == 1
        with travel(seconds=after.total_seconds()):
            await hook.deliver()
        if after < timedelta(seconds=60):
            assert len(hook.heard) == 1
        else:
            assert len(hook.heard) == 2
            assert hook.heard[0].id == hook.heard[1].id
            assert hook.heard[0].body == hook.heard[1].body
