"""What is put, claimed or remembered: who waits decides by what the one before left behind."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from oms_api import catalog, network, webhooks
from oms_api.kit import events, idempotency
from oms_api.kit.caller import system
from oms_api.kit.db import Tx
from oms_api.kit.errors import Refusal
from oms_api.webhooks.service import queue, sending, subscriptions
from waiting.behind import Verb, behind
from world import Api, World


async def test_a_put_behind_another_changes_only_what_it_names(world: World, api: Api) -> None:
    """An absent field stays as it is: as the other one left it."""

    def sku(**change: Any) -> Verb:
        return lambda tx: catalog.put(tx, [{"code": "A", "name": "A", **change}])

    def place(**change: Any) -> Verb:
        return lambda tx: network.put_locations(tx, [{"handle": "dc", "name": "DC", **change}])

    def channel(**change: Any) -> Verb:
        sent = {"handle": "web", "name": "Web", "currency": "EUR", "locations": ["dc"], **change}
        return lambda tx: network.put_channels(tx, [sent])

    for put, one, other in (
        (sku, {"weight_grams": 5}, {"unit": "box"}),
        (place, {"safety_stock": 5}, {"daily_capacity": 7}),
        (channel, {"threshold": 5}, {"max_shipments": 7}),
    ):
        # the first time both make it, then both change it
        for _ in range(2):
            (row,) = await behind(world, api, put(**one), put(**other), retried=True)
            assert {name: getattr(row, name) for name in {**one, **other}} == {**one, **other}


async def test_a_barcode_behind_the_same_one_is_taken(world: World, api: Api) -> None:
    def put(code: str) -> Verb:
        return lambda tx: catalog.put(tx, [{"code": code, "name": code, "barcodes": ["400"]}])

    answers = await asyncio.gather(
        *(world.db.run(put(code), system(api.tenant_id)) for code in "ABCDE"), return_exceptions=True
    )
    refused = [answer.code for answer in answers if isinstance(answer, Refusal)]
    assert refused == ["TAKEN"] * 4
    assert sum(isinstance(answer, list) for answer in answers) == 1


async def test_a_worker_behind_another_claims_other_deliveries(world: World, api: Api) -> None:
    webhooks.configure(allow_loopback=True)

    async def put(tx: Tx) -> Any:
        return await subscriptions.put(tx, handle="a", url="http://127.0.0.1:9/", topics=["*"], ordered=False)

    (first, secret), (second, none) = await world.db.run(put, system(api.tenant_id)), await behind(world, api, put, put)
    assert (first.id, bool(secret), none) == (second.id, True, None)
    skus = [{"code": code, "name": code} for code in "ABCDEF"]
    await world.db.run(lambda tx: catalog.put(tx, skus), system(api.tenant_id))
    await _queue(world, api, first.id)
    got: list[UUID] = []

    async def claim(tx: Tx) -> Any:
        letters = await sending.claim(tx, first.id, 2)
        got.extend(letter.delivery.id for letter in letters)

    await behind(world, api, claim, claim)
    assert len(got) == len(set(got)) == 4


async def _queue(world: World, api: Api, subscription_id: UUID) -> None:
    while await events.stamp(world.db, system(api.tenant_id)):
        pass
    assert (await world.db.run(lambda tx: queue.fan_out(tx, subscription_id), system(api.tenant_id)))[0] == 6


@pytest.mark.parametrize("rolled_back", [False, True])
async def test_a_key_behind_the_same_one_is_ours_only_when_that_one_is_undone(
    world: World, api: Api, rolled_back: bool
) -> None:
    async def claim(tx: Tx) -> Any:
        first = await idempotency.claim(tx, "k", "verb", "hash")
        if first is None:
            await idempotency.settle(tx, "k", {"ids": []})
        return first

    got = await behind(world, api, claim, claim, rolled_back=rolled_back)
    assert got is None if rolled_back else got.outcome == {"ids": []}
