"""What was sent is sent again when it is asked for: once, in order, as it was."""

from oms_api.kit import clock
from world import Api, World

from . import partners
from .partners import happen, partner


async def test_what_waits_behind_a_failure_follows_as_soon_as_it_is_replayed(world: World, api: Api) -> None:
    async with partner(world, api, 500, 200, ordered=True) as hook:
        await happen(api, "A")
        await world.settle()
        await happen(api, "A", name="Second")
        await happen(api, "A", name="Third")
        await world.settle()
        await hook.deliver()
        assert [message.data["sequence"] for message in hook.heard] == [1]
        assert await hook.replay(status=["RETRYING"]) == 1
        await hook.deliver()
        assert [message.data["sequence"] for message in hook.heard] == [1, 1, 2, 3]


async def test_a_replay_of_an_ordered_subscription_keeps_the_order(world: World, api: Api) -> None:
    async with partner(world, api, ordered=True) as hook:
        await happen(api, "A")
        for name in ("Second", "Third"):
            await happen(api, "A", name=name)
        await world.settle()
        await hook.pause(True)
        await happen(api, "A", name="Fourth")
        await world.settle()
        assert await hook.replay() == 3
        await hook.pause(False)
        await hook.deliver()
        assert [message.data["sequence"] for message in hook.heard] == [1, 2, 3, 1, 2, 3, 4]
        assert [message.headers.get("oms-replay") for message in hook.heard] == [None] * 3 + ["true"] * 3 + [None]


async def test_a_replay_takes_a_range_and_a_status_and_a_dry_run_only_counts(world: World, api: Api) -> None:
    async with partner(world, api) as hook:
        await happen(api, "A")
        await world.settle()
        between = clock.now()
        await happen(api, "B")
        await world.settle()
        assert await hook.replay(dryRun=True) == 2
        await hook.deliver()
        assert len(hook.heard) == 2
        assert await hook.replay(since=between.isoformat()) == 1
        await hook.deliver()
        assert await hook.replay(until=between.isoformat(), status=["DELIVERED"]) == 1
        assert await hook.replay(status=["DEAD", "PENDING", "RETRYING"]) == 0
        await hook.deliver()
        assert [message.data["code"] for message in hook.heard] == ["A", "B", "B", "A"]
        a, b, b_again, a_again = hook.heard
        assert (a.id, b.id) == (a_again.id, b_again.id)
        assert a.body == a_again.body
        hook.verify(a_again)
        assert [len(delivery["attempts"]) for delivery in await hook.deliveries()] == [2, 2]
        (error,) = await api.refused(
            partners.REPLAY,
            input={"handle": hook.handle, "since": between.isoformat(), "until": between.isoformat()},
        )
        assert (error["code"], error["path"]) == ("INVALID", ["input", "until"])


async def test_a_replay_with_the_same_key_queues_once(world: World, api: Api) -> None:
    async with partner(world, api) as hook:
        await happen(api, "A")
        await world.settle()
        assert await hook.replay(idempotencyKey="again") == 1
        await hook.deliver()
        assert await hook.replay(idempotencyKey="again") == 1
        await hook.deliver()
        assert len(hook.heard) == 2
