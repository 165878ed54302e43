"""A long queue of an ordered subscription: only the first of each object is due."""

import time
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from oms_api.kit import clock, ids
from oms_api.kit.caller import system
from oms_api.kit.db import Tx
from oms_api.webhooks.models import BEHIND, SUBSCRIPTION, Delivery, WebhookDeliveryStatus
from oms_api.webhooks.service import sending
from world import Api, World

from .partners import happen, partner


async def due(world: World, tenant_id: UUID) -> list[tuple[int, bool]]:
    """(sequence, whether it waits behind another) of what is queued, in sequence."""
    wanted = select(Delivery).where(col(Delivery.tenant_id) == tenant_id).order_by(col(Delivery.sequence))
    async with world.db.reading(tenant_id) as reading:
        rows = await reading.all(wanted)
    return [(row.sequence, row.next_attempt_at == BEHIND) for row in rows if row.next_attempt_at is not None]


async def test_what_waits_behind_a_failure_is_not_looked_at_until_its_turn(world: World, api: Api) -> None:
    async with partner(world, api, 500, 500, 200, ordered=True) as hook:
        for name in ("First", "Second", "Third"):
            await happen(api, "A", name=name)
        await world.settle()
        assert await due(world, api.tenant_id) == [(1, False), (2, True), (3, True)]
        assert await hook.replay(status=["RETRYING"]) == 1
        await hook.deliver()
        assert await due(world, api.tenant_id) == [(1, False), (2, True), (3, True)]
        assert await hook.replay(status=["RETRYING"]) == 1
        await hook.deliver()
        assert [message.data["sequence"] for message in hook.heard] == [1, 1, 1, 2, 3]
        assert await due(world, api.tenant_id) == []


async def test_a_subscription_becomes_ordered_and_unordered_with_a_queue(world: World, api: Api) -> None:
    async with partner(world, api) as hook:
        await hook.pause(True)
        for name in ("First", "Second", "Third"):
            await happen(api, "A", name=name)
        await world.settle()
        assert await due(world, api.tenant_id) == [(1, False), (2, False), (3, False)]
        await hook.put(ordered=True)
        assert await due(world, api.tenant_id) == [(1, False), (2, True), (3, True)]
        await hook.put(ordered=False)
        assert await due(world, api.tenant_id) == [(1, False), (2, False), (3, False)]
        await hook.put(ordered=True)
        await hook.pause(False)
        hook.takes_s = 0.02
        await hook.deliver()
        assert [message.data["sequence"] for message in hook.heard] == [1, 2, 3]
        assert hook.at_once_max == 1


async def test_a_claim_from_a_long_queue_of_two_objects_is_quick(world: World, api: Api) -> None:
    """4,000 deliveries behind two that may go: a claim takes two, in milliseconds."""
    async with partner(world, api, ordered=True) as hook:
        await hook.pause(True)
        subscription = SUBSCRIPTION.parse((await hook.show())["id"])
        at, subjects = clock.now() - timedelta(days=3), [ids.new(), ids.new()]

        async def pile(tx: Tx) -> None:
            rows: list[dict[str, Any]] = [
                {
                    "tenant_id": tx.tenant_id, "id": ids.new(), "subscription_id": subscription,
                    "event_id": ids.new(), "subject_id": subjects[i % 2], "sequence": i // 2 + 1,
                    "occurred_at": at, "status": WebhookDeliveryStatus.PENDING,
                    "next_attempt_at": at if i < 2 else BEHIND, "body": "{}",
                }
                for i in range(4_000)
            ]  # fmt: skip
            await tx.insert(Delivery, rows)

        await world.db.run(pile, system(api.tenant_id))
        await hook.pause(False)
        began = time.process_time()
        claimed = await world.db.run(lambda tx: sending.claim(tx, subscription, 4), system(api.tenant_id))
        assert time.process_time() - began < 1
        assert sorted(letter.delivery.sequence for letter in claimed) == [1, 1]
