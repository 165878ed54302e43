"""What is too old goes in batches: no statement deletes more, and the timer goes on until none is left."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from oms_api.kit import clock, idempotency, ids, inbox
from oms_api.kit.caller import system
from oms_api.kit.db import Tx, columns, mine
from oms_api.kit.idempotency import IdempotencyKey
from oms_api.kit.inbox import InboxMessage, MessageState
from world import Api, World


def key(i: int, age: timedelta) -> dict[str, Any]:
    return {"client_id": "c", "key": f"k{i}", "operation": "o", "input_hash": "h", "created_at": clock.now() - age}


def message(i: int, age: timedelta) -> dict[str, Any]:
    return {"id": ids.new(), "account_id": ids.new(), "external_id": f"e{i}", "kind": "k", "about": {},
            "state": MessageState.APPLIED, "received_at": clock.now() - age}  # fmt: skip


@pytest.mark.parametrize(
    ("model", "row", "kept", "batch", "forget", "timer"),
    [
        (IdempotencyKey, key, idempotency.KEPT, idempotency.FORGET_BATCH_MAX, idempotency.forget, "kit.forget_keys"),
        (InboxMessage, message, inbox.KEPT, inbox.FORGET_BATCH_MAX, inbox.forget, "kit.forget_inbox"),
    ],
)
async def test_old_rows_are_deleted_in_batches_until_none_is_left(
    world: World, api: Api, model: Any, row: Callable[[int, timedelta], dict[str, Any]], kept: timedelta, batch: int,
    forget: Callable[[Tx], Awaitable[int]], timer: str,
) -> None:  # fmt: skip
    caller = system(api.tenant_id)
    old, young = kept + timedelta(minutes=1), kept - timedelta(minutes=1)

    async def put(tx: Tx) -> None:
        rows = [row(i, old) for i in range(2 * batch + 1)] + [row(-1, young)]
        await tx.insert(model, [{"tenant_id": tx.tenant_id, **one} for one in rows])

    async def left() -> int:
        async with world.db.reading(api.tenant_id) as reading:
            return len(await reading.all(columns(model.tenant_id).where(mine(model))))

    await world.db.run(put, caller)
    assert await world.db.run(forget, caller) == batch
    assert await left() == batch + 2
    await world.tick(timer)
    assert await left() == 1
