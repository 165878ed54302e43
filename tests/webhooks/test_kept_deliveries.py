"""How long deliveries are kept, and how they are read."""

from world import Api, World, travel

from . import partners
from .partners import happen, partner, rows


async def test_a_removed_subscription_keeps_nothing_queued(world: World, api: Api) -> None:
    async with partner(world, api, 500) as hook:
        await happen(api, "A", "B")
        await world.settle()
        removed = await api.ok(partners.DELETE, input={"handle": hook.handle})
        assert removed["webhookSubscription"]["handle"] == hook.handle
        sent = len(hook.heard)
        with travel(days=1):
            await happen(api, "C")
            await world.settle()
            await hook.deliver()
        assert len(hook.heard) == sent
        assert await hook.show() is None
        await world.tick("webhooks.forget")
        assert await rows(world, api.tenant_id) == (0, 0)
        new = await hook.put()
        assert new["secret"] != hook.secret
        assert new["webhookSubscription"]["id"] != removed["webhookSubscription"]["id"]


async def test_settled_deliveries_are_forgotten_after_30_days_and_queued_ones_are_not(world: World, api: Api) -> None:
    async with partner(world, api) as hook:
        await happen(api, "A")
        await world.settle()
        await hook.pause(True)
        await happen(api, "B")
        await world.settle()
        with travel(days=29, hours=23):
            await world.tick("webhooks.forget")
        assert await rows(world, api.tenant_id) == (2, 1)
        with travel(days=30, hours=1):
            await world.tick("webhooks.forget")
        assert await rows(world, api.tenant_id) == (1, 0)
        assert (await hook.delivery())["status"] == "PENDING"


async def test_what_was_queued_for_long_is_kept_30_days_from_its_delivery(world: World, api: Api) -> None:
    async with partner(world, api) as hook:
        await hook.pause(True)
        await happen(api, "A")
        await world.settle()
        await hook.pause(False)
        with travel(days=40):
            await hook.deliver()
            await world.tick("webhooks.forget")
        assert await rows(world, api.tenant_id) == (1, 1)
        with travel(days=71):
            await world.tick("webhooks.forget")
        assert await rows(world, api.tenant_id) == (0, 0)


async def test_deliveries_come_in_pages_newest_first(world: World, api: Api) -> None:
    async with partner(world, api) as hook:
        await hook.pause(True)
        for code in ("A", "B", "C"):
            await happen(api, code)
        await world.settle()
        first = (await hook.show(first=2))["deliveries"]
        assert [node["events"][0]["data"]["code"] for node in first["nodes"]] == ["C", "B"]
        assert first["pageInfo"]["hasNextPage"] is True
        assert [edge["node"]["id"] for edge in first["edges"]] == [node["id"] for node in first["nodes"]]
        rest = (await hook.show(first=2, after=first["pageInfo"]["endCursor"]))["deliveries"]
        assert [node["events"][0]["data"]["code"] for node in rest["nodes"]] == ["A"]
        assert (rest["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasPreviousPage"]) == (False, True)
        assert await hook.deliveries(status="DELIVERED") == []
        cursor = first["pageInfo"]["endCursor"]
        foreign = await api.answer(partners.SHOW, handle=hook.handle, after=cursor, status="PENDING")
        assert foreign["errors"][0]["extensions"]["code"] == "BAD_INPUT"
