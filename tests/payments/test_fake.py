"""The fake provider is as strict as a real one."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from oms_api.kit import ids
from oms_api.kit.db import Database
from oms_api.payments import OperationKind, fake
from oms_api.payments.provider import Answer, Ask, Result

from .till import Till


async def ask(till: Till, kind: str, amount: int, *, db: Database | None = None, **more: Any) -> Answer:
    asked = Ask(
        key=more.get("key") or ids.new(),
        kind=OperationKind(kind),
        amount_minor=amount,
        currency=more.get("currency", "EUR"),
        method=more.get("method"),
        charge=more.get("charge"),
        config=more.get("config", {}),
    )
    return await fake.carry_out(db or till.world.db, till.caller, asked)


async def charged(till: Till, key: UUID | None = None) -> str:
    answer = await ask(till, "AUTHORIZE", 100, key=key)
    assert answer.result is Result.OK and answer.reference is not None
    return answer.reference


async def test_the_same_key_with_another_content_is_refused(till: Till) -> None:
    key = ids.new()
    charge = await charged(till, key)
    other = await charged(till)
    books = await till.books()
    for changed in ({"amount": 101}, {"amount": 100, "currency": "USD"}):
        answer = await ask(till, "AUTHORIZE", key=key, **changed)
        assert (answer.result, answer.code) == (Result.DECLINED, "idempotency_key_reused")
    capture = ids.new()
    assert (await ask(till, "CAPTURE", 40, key=capture, charge=charge)).result is Result.OK
    for kind, amount, where in (("CAPTURE", 41, charge), ("REFUND", 40, charge), ("CAPTURE", 40, other)):
        answer = await ask(till, kind, amount, key=capture, charge=where)
        assert (answer.result, answer.code) == (Result.DECLINED, "idempotency_key_reused")
    assert (await ask(till, "AUTHORIZE", 100, key=key)).result is Result.OK
    assert books == [(100, 0, 0, 0)] * 2
    assert await till.books() == [(100, 40, 0, 0), (100, 0, 0, 0)]


@pytest.mark.parametrize(
    ("kind", "amount", "code"),
    [
        ("CAPTURE", 61, "exceeds_authorization"),
        ("VOID", 61, "exceeds_authorization"),
        ("REFUND", 41, "exceeds_capture"),
    ],
)
async def test_nothing_goes_beyond_what_there_is(till: Till, kind: str, amount: int, code: str) -> None:
    charge = await charged(till)
    await ask(till, "CAPTURE", 40, charge=charge)
    answer = await ask(till, kind, amount, charge=charge)
    assert (answer.result, answer.code) == (Result.DECLINED, code)
    assert await till.books() == [(100, 40, 0, 0)]
    assert (await ask(till, kind, amount - 1, charge=charge)).result is Result.OK


async def test_an_unknown_charge_and_another_currency_are_refused(till: Till) -> None:
    charge = await charged(till)
    assert (await ask(till, "CAPTURE", 1, charge=fake.reference(ids.new()))).code == "no_such_charge"
    assert (await ask(till, "CAPTURE", 1, charge=charge, currency="USD")).code == "wrong_currency"
    assert await till.books() == [(100, 0, 0, 0)]


async def test_a_refusal_is_remembered_under_its_key(till: Till) -> None:
    key = ids.new()
    assert (await ask(till, "AUTHORIZE", 100, key=key, method="decline")).code == "card_declined"
    assert (await ask(till, "AUTHORIZE", 100, key=key, method="ok")).code == "card_declined"
    assert await till.books() == []


async def test_its_memory_outlives_the_process(till: Till) -> None:
    key = ids.new()
    charge = await charged(till, key)
    reborn = Database(till.world.url)
    try:
        assert (await ask(till, "AUTHORIZE", 100, key=key, db=reborn)).reference == charge
        assert (await ask(till, "CAPTURE", 100, charge=charge, db=reborn)).result is Result.OK
    finally:
        await reborn.close()
    assert await till.books() == [(100, 100, 0, 0)]


async def test_the_same_key_at_once_is_one_effect(till: Till) -> None:
    charge, key = await charged(till), ids.new()
    answers = await asyncio.gather(*(ask(till, "CAPTURE", 60, key=key, charge=charge) for _ in range(5)))
    assert {answer.result for answer in answers} == {Result.OK}
    assert await till.books() == [(100, 60, 0, 0)]


async def test_a_charge_of_another_tenant_is_unknown(till: Till) -> None:
    charge = await charged(till)
    other = Till(till.world, await till.world.tenant())
    assert (await ask(other, "CAPTURE", 1, charge=charge)).code == "no_such_charge"
