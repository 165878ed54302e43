"""The one write path: keys, replays, retries; seen through inventoryAdjust, which every domain's write equals."""

import asyncio
from typing import Any

from oms_api.kit.caller import system
from oms_api.kit.db import TryAgain, Tx
from world import Api, World, travel

ADJUST = """mutation($input: InventoryAdjustInput!) { inventoryAdjust(input: $input) {
  positions { sku onHand } userErrors { code message path retryable details { retryAfterSeconds } } } }"""


async def stocked(api: Api) -> None:
    await api.ok(
        'mutation { locationPut(input: {locations: [{handle: "dc", name: "DC"}]}) { userErrors { message } } }'
    )
    await api.ok('mutation { skuPut(input: {skus: [{code: "A", name: "A"}]}) { userErrors { message } } }')


def plus(delta: int, key: str | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {"changes": [{"sku": "A", "location": "dc", "delta": delta}], "reason": "received"}
    return made | ({"idempotencyKey": key} if key else {})


async def on_hand(api: Api) -> int:
    data = await api('{ inventory(skus: ["A"]) { nodes { onHand } } }')
    nodes = data["inventory"]["nodes"]
    return int(nodes[0]["onHand"]) if nodes else 0


async def test_the_same_key_and_input_have_one_effect_and_one_answer(api: Api) -> None:
    await stocked(api)
    first = await api.answer(ADJUST, input=plus(5, "k1"))
    again = await api.answer(ADJUST, input=plus(5, "k1"))
    assert first["data"] == again["data"]
    assert "idempotency" not in first["extensions"]
    assert again["extensions"]["idempotency"] == {"replayed": True}
    assert await on_hand(api) == 5


async def test_a_replay_shows_the_object_as_it_is_now(api: Api) -> None:
    await stocked(api)
    await api.ok(ADJUST, input=plus(5, "k1"))
    await api.ok(ADJUST, input=plus(2, "k2"))
    again = await api.ok(ADJUST, input=plus(5, "k1"))
    assert again["positions"] == [{"sku": "A", "onHand": 7}]


async def test_the_same_key_with_other_input_is_refused_and_changes_nothing(api: Api) -> None:
    await stocked(api)
    await api.ok(ADJUST, input=plus(5, "k1"))
    (error,) = await api.refused(ADJUST, input=plus(6, "k1"))
    assert (error["code"], error["path"]) == ("IDEMPOTENCY_KEY_REUSED", ["input", "idempotencyKey"])
    assert await on_hand(api) == 5


async def test_the_same_key_fifty_times_at_once_has_one_effect(api: Api) -> None:
    await stocked(api)
    answers = await asyncio.gather(*[api.answer(ADJUST, input=plus(5, "at once")) for _ in range(50)])
    assert await on_hand(api) == 5
    assert {str(answer["data"]) for answer in answers} == {str(answers[0]["data"])}
    assert sum("idempotency" not in answer["extensions"] for answer in answers) == 1


async def test_a_failure_without_effect_is_not_stored(api: Api) -> None:
    await stocked(api)
    await api.refused(ADJUST, input=plus(-3, "k2"))
    await api.ok(ADJUST, input=plus(4))
    await api.ok(ADJUST, input=plus(-3, "k2"))
    assert await on_hand(api) == 1


async def test_keys_of_two_clients_and_of_two_tenants_are_apart(world: World, api: Api) -> None:
    await stocked(api)
    colleague = await world.key(api.handle)
    stranger = await world.tenant()
    await stocked(stranger)
    for client in (api, colleague, stranger):
        await client.ok(ADJUST, input=plus(5, "k1"))
    assert (await on_hand(api), await on_hand(stranger)) == (10, 5)


async def test_a_key_of_bad_shape_is_named(api: Api) -> None:
    await stocked(api)
    for key in ("", "x" * 256, "a\nb"):
        (error,) = await api.refused(ADJUST, input={**plus(1), "idempotencyKey": key})
        assert error["path"] == ["input", "idempotencyKey"]
    assert await on_hand(api) == 0


async def test_an_absent_optional_field_and_its_default_are_the_same_input(api: Api) -> None:
    await stocked(api)
    await api.ok(ADJUST, input=plus(5, "k1"))
    spelled_out = plus(5, "k1")
    spelled_out["changes"][0]["bucket"] = "AVAILABLE"
    again = await api.answer(ADJUST, input=spelled_out)
    assert again["extensions"]["idempotency"] == {"replayed": True}


async def test_a_transaction_that_the_engine_gives_up_is_run_again(world: World, api: Api) -> None:
    await stocked(api)
    tries = 0

    async def work(tx: Tx) -> int:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise TryAgain("a clash")
        return tries

    assert await world.db.run(work, system(api.tenant_id)) == 3


async def test_keys_are_forgotten_after_seven_days(world: World, api: Api) -> None:
    await stocked(api)
    await api.ok(ADJUST, input=plus(5, "k1"))
    with travel(days=7, seconds=1):
        await world.tick("kit.forget_keys")
        await api.ok(ADJUST, input=plus(5, "k1"))
    assert await on_hand(api) == 10
