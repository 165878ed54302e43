"""Many callers at once, through the API."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable
from typing import Any

from orders.store import AUTHORIZE, CREATE, CREATE_BRIEFLY, Store, key, units
from world import statements, travel

CONNECTIONS = 32  # of the application under test; more requests at once would only wait for one


async def _at_once(requests: Iterable[Awaitable[dict[str, Any]]]) -> list[dict[str, Any]]:
    """All of them, as many at once as there are database connections."""
    turns = asyncio.Semaphore(CONNECTIONS)

    async def one(request: Awaitable[dict[str, Any]]) -> dict[str, Any]:
        async with turns:
            return await request

    return await asyncio.gather(*(one(request) for request in requests))


def _outcomes(answers: list[dict[str, Any]]) -> Counter[str]:
    """How many orders were made, and refusals by code; a top-level error fails the test."""
    assert not [answer for answer in answers if "errors" in answer]
    payloads = [answer["data"]["orderCreate"] for answer in answers]
    return Counter(error["code"] for payload in payloads for error in payload["userErrors"]) + Counter(
        "order" for payload in payloads if payload["order"]
    )


async def test_200_callers_for_50_units_make_exactly_50_orders(store: Store) -> None:
    await store.open({"A": {"dc": 50}})
    answers = await _at_once(store.api.answer(CREATE_BRIEFLY, input=store.input({"A": 1})) for _ in range(200))
    assert _outcomes(answers) == {"order": 50, "INSUFFICIENT_STOCK": 150}
    assert await store.reserved("A") == {"A@dc": 50}
    made = [answer["data"]["orderCreate"]["order"] for answer in answers]
    numbers = [int(order["number"]) for order in made if order]
    assert sorted(numbers) == list(range(1001, 1051))


async def test_the_same_key_50_times_at_once_makes_one_order_and_equal_answers(store: Store) -> None:
    await store.open({"A": {"dc": 50}})
    sent = store.input({"A": 1})
    answers = await _at_once(store.api.answer(CREATE, input=sent) for _ in range(50))
    assert _outcomes(answers) == {"order": 50}
    assert len({str(answer["data"]) for answer in answers}) == 1
    assert sum("idempotency" in answer["extensions"] for answer in answers) == 49
    assert await store.reserved("A") == {"A@dc": 1}


async def test_the_same_external_id_50_times_at_once_makes_one_order(store: Store) -> None:
    await store.open({"A": {"dc": 50}})
    answers = await asyncio.gather(
        *(
            store.api.answer(CREATE, input=store.input({"A": i}, externalId="902-1", idempotencyKey=key()))
            for i in range(1, 26)
            for _ in range(2)
        )
    )
    assert _outcomes(answers) == {"order": 50}
    assert len({answer["data"]["orderCreate"]["order"]["id"] for answer in answers}) == 1
    assert sum("idempotency" in answer["extensions"] for answer in answers) == 49
    (held,) = (await store.reserved("A")).values()
    assert held == answers[0]["data"]["orderCreate"]["order"]["lines"][0]["quantity"]


async def test_two_orders_in_opposite_order_500_times_never_show_a_deadlock(store: Store) -> None:
    await store.open({"A": {"near": 750, "far": 250}, "B": {"near": 750, "far": 250}})
    inputs = [
        store.input([{"sku": code, "quantity": 1} for code in codes]) for _ in range(500) for codes in ("AB", "BA")
    ]
    answers = await _at_once(store.api.answer(CREATE_BRIEFLY, input=sent) for sent in inputs)
    assert _outcomes(answers) == {"order": 1000}
    assert sum((await store.reserved("A", "B")).values()) == 2000


async def test_orders_over_two_locations_never_take_more_than_is_there(store: Store) -> None:
    await store.open({"A": {"near": 6, "far": 7}})
    answers = await _at_once(store.api.answer(CREATE_BRIEFLY, input=store.input({"A": 10})) for _ in range(10))
    assert _outcomes(answers) == {"order": 1, "INSUFFICIENT_STOCK": 9}
    held = await store.reserved("A")
    assert sum(held.values()) == 10
    assert held["A@near"] <= 6 and held["A@far"] <= 7


async def test_the_same_payment_five_times_under_five_keys_is_authorized_once(store: Store) -> None:
    await store.open({"A": {"dc": 5}}, paymentRule="AUTHORIZED")
    order = await store.create({"A": 1})
    answers = await asyncio.gather(*(store.authorize(order) for _ in range(5)))
    codes = Counter(error["code"] for answer in answers for error in answer["userErrors"])
    assert codes == {"EXCEEDS_REMAINING": 4}
    assert [answer["payment"]["status"] for answer in answers if answer["payment"]] == ["AUTHORIZED"]
    now = await store.look(order)
    assert (now["status"], len(now["payments"])) == ("CONFIRMED", 1)


async def test_the_same_payment_key_five_times_at_once_is_one_payment(store: Store) -> None:
    await store.open({"A": {"dc": 5}}, paymentRule="AUTHORIZED")
    order = await store.create({"A": 1})
    sent = {"idempotencyKey": key(), "order": {"id": order["id"]}, "provider": "fake"}
    answers = await asyncio.gather(*(store.api.answer(AUTHORIZE, input=sent) for _ in range(5)))
    payloads = [answer["data"]["paymentAuthorize"] for answer in answers]
    assert {payload["payment"]["status"] for payload in payloads} == {"AUTHORIZED"}
    assert len((await store.look(order))["payments"]) == 1


async def test_of_a_lapse_and_a_payment_one_wins_and_no_money_stays_with_a_lapsed_order(store: Store) -> None:
    await store.open({"A": {"dc": 40}}, paymentRule="AUTHORIZED", paymentWindowSeconds=60)
    placed = [await store.create({"A": 1}) for _ in range(20)]
    with travel(seconds=61):
        await asyncio.gather(store.world.tick("orders.lapse"), *(store.authorize(order) for order in placed))
        await store.world.settle()
    confirmed = 0
    for order in placed:
        now = await store.look(order)
        paid = [payment["status"] for payment in now["payments"]]
        if now["status"] == "CANCELLED":
            assert paid in ([], ["VOIDED"])
            assert units(now["lines"][0]) == {"cancelled": 1}
        else:
            assert (now["status"], paid) == ("CONFIRMED", ["AUTHORIZED"])
            confirmed += 1
    assert sum((await store.reserved("A")).values()) == confirmed


async def test_a_burst_of_orders_of_one_tenant_keeps_numbers_apart_and_rising(store: Store) -> None:
    codes = [f"S{i}" for i in range(40)]
    await store.open({code: {"dc": 5} for code in codes})
    answers = await _at_once(store.api.answer(CREATE_BRIEFLY, input=store.input({code: 1})) for code in codes)
    numbers = sorted(int(answer["data"]["orderCreate"]["order"]["number"]) for answer in answers)
    assert numbers == list(range(1001, 1041))
    assert int((await store.create({"S0": 1}))["number"]) == 1041


async def test_the_number_is_taken_after_all_that_takes_time(store: Store) -> None:
    await store.open({"A": {"dc": 5}})
    with statements() as seen:
        await store.api.ok(CREATE_BRIEFLY, input=store.input({"A": 1}))
    writes = [sql for sql in seen if sql.startswith(("INSERT", "UPDATE", "WITH"))]
    after = [sql.split()[2] for sql in writes[[("order_numbers" in sql) for sql in writes].index(True) + 1 :]]
    assert after[0] == "orders"
    assert not {"order_lines", "positions", "reservation_lines", "delivery_groups"} & set(after)
