"""Money at the same moment: the database decides, once."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from oms_api import payments
from oms_api.kit import ids
from oms_api.kit.db import TryAgain
from oms_api.kit.errors import ExceedsRemaining
from oms_api.payments import Operation, OperationKind, OperationState, PaymentStatus
from oms_api.payments.models import FakeCall, Payment
from oms_api.payments.service import carry_out
from oms_api.payments.service.begin import guarded

from .till import CAPTURE, CAUSE, REFUND, VOID, Till, amounts, in_flight


def codes(answers: list[Any]) -> Counter[str]:
    """What each request was told; OK when it was not refused."""
    found: Counter[str] = Counter()
    for answer in answers:
        assert "errors" not in answer, answer
        (value,) = answer["data"].values()
        found.update([error["code"] for error in value["userErrors"]] or ["OK"])
    return found


async def test_of_five_authorizations_of_the_full_amount_one_wins(till: Till) -> None:
    payable = ids.new()
    results = await asyncio.gather(*(till.authorize(payable) for _ in range(5)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, ExceedsRemaining)]
    assert len(refused) == 4
    assert [row.status for row in await till.rows(Payment)] == [PaymentStatus.AUTHORIZED]
    assert await till.books() == [(10_000, 0, 0, 0)]
    assert await till.committed(payable) == 10_000


async def test_authorizations_that_fit_all_win(till: Till) -> None:
    payable = ids.new()
    results = await asyncio.gather(*(till.authorize(payable, 3_000) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(result, ExceedsRemaining) for result in results) == 2
    assert await till.books() == [(3_000, 0, 0, 0)] * 3
    assert await till.committed(payable) == 9_000


async def test_of_five_refunds_at_once_one_is_paid(till: Till) -> None:
    payment = await till.captured()
    answers = await asyncio.gather(*(till.api.answer(REFUND, input=till.input(payment)) for _ in range(5)))
    assert codes(answers) == {"OK": 1, "EXCEEDS_REMAINING": 4}
    assert await till.books() == [(10_000, 10_000, 10_000, 0)]
    after = await till.payment(payment.id)
    assert (amounts(after), in_flight(after)) == ((10_000, 10_000, 10_000, 0), (0, 0, 0, 0))


async def test_refunds_in_parts_at_once_never_exceed_what_was_taken(till: Till) -> None:
    payment = await till.captured()
    answers = await asyncio.gather(
        *(till.api.answer(REFUND, input=till.input(payment, amount="30.00")) for _ in range(5))
    )
    assert codes(answers) == {"OK": 3, "EXCEEDS_REMAINING": 2}
    assert await till.books() == [(10_000, 10_000, 9_000, 0)]


async def test_of_five_captures_at_once_one_is_taken(till: Till) -> None:
    payment = await till.authorized()
    answers = await asyncio.gather(*(till.api.answer(CAPTURE, input=till.input(payment)) for _ in range(5)))
    assert codes(answers) == {"OK": 1, "EXCEEDS_REMAINING": 4}
    assert await till.books() == [(10_000, 10_000, 0, 0)]


async def test_a_capture_and_a_void_at_once_never_both_win(till: Till) -> None:
    for _ in range(5):
        payment = await till.authorized()
        captured, voided = await asyncio.gather(
            till.api.answer(CAPTURE, input=till.input(payment)), till.api.answer(VOID, input=till.input(payment))
        )
        outcome = (codes([captured]), codes([voided]))
        assert outcome in (({"OK": 1}, {"INVALID_TRANSITION": 1}), ({"EXCEEDS_REMAINING": 1}, {"OK": 1}))
        after = await till.payment(payment.id)
        assert amounts(after) in ((10_000, 10_000, 0, 0), (10_000, 0, 0, 10_000))
        assert (await till.books())[-1] == amounts(after)


async def test_the_same_key_ten_times_at_once_takes_money_once(till: Till) -> None:
    payment = await till.authorized()
    same = till.input(payment, amount="25.00")
    answers = await asyncio.gather(*(till.api.answer(CAPTURE, input=same) for _ in range(10)))
    assert codes(answers) == {"OK": 10}
    assert {answer["data"]["paymentCapture"]["payment"]["captured"]["amount"] for answer in answers} == {"25.00"}
    assert await till.books() == [(10_000, 2_500, 0, 0)]
    assert len(await till.rows(Operation)) == 2


async def test_refunds_of_a_payable_for_one_cause_at_once_are_one(till: Till) -> None:
    payment, cause = await till.captured(), CAUSE.ref(ids.new())
    begun = await asyncio.gather(
        *(
            till.world.db.run(
                lambda tx: payments.refund_payable(tx, payment.payable_id, 4_000, cause=cause), till.caller
            )
            for _ in range(5)
        )
    )
    assert len({operation.id for operations in begun for operation in operations}) == 1
    await till.world.settle()
    assert await till.books() == [(10_000, 10_000, 4_000, 0)]


@pytest.mark.parametrize(
    ("kind", "make", "amount"),
    [("CAPTURE", "authorized", 10_001), ("VOID", "authorized", 9_999), ("REFUND", "captured", 10_001)],
)
async def test_the_statement_itself_refuses_what_a_stale_reader_would_take(
    till: Till, kind: str, make: str, amount: int
) -> None:
    payment = await getattr(till, make)()
    before = await till.everything()
    async with till.world.db.transaction(till.caller) as tx:
        with pytest.raises(TryAgain, match="the guard does not hold"):
            await guarded(tx, OperationKind(kind), [(payment, amount)])
    assert await till.everything() == before


async def test_everybody_who_hears_the_answer_records_it_and_it_counts_once(till: Till) -> None:
    begun = await till.begin(ids.new())
    answer = await till.call(begun.id)
    outcomes = await asyncio.gather(*(till.record(begun.id, answer) for _ in range(5)))
    assert {outcome.ids[0] for outcome in outcomes} == {begun.payment_id}
    payment = await till.payment(begun.payment_id)
    assert (amounts(payment), payment.version) == ((10_000, 0, 0, 0), 2)
    assert await till.topics() == ["payment.authorized"]


async def test_letting_go_while_the_authorization_is_in_flight_leaves_nothing_reserved(till: Till) -> None:
    payable = ids.new()
    begun = await till.begin(payable)
    await asyncio.gather(
        till.finish(begun), till.world.db.run(lambda tx: payments.void_payable(tx, payable), till.caller)
    )
    await till.world.settle()
    payment = await till.payment(begun.payment_id)
    assert (payment.status, amounts(payment)) == (PaymentStatus.VOIDED, (10_000, 0, 0, 10_000))
    assert await till.books() == [(10_000, 0, 0, 10_000)]
    assert await till.committed(payable) == 0


async def test_letting_go_while_a_capture_is_in_flight_lets_the_rest_go_afterwards(till: Till) -> None:
    payment = await till.authorized()
    begun = await till.world.db.run(lambda tx: payments.capture(tx, payment.id, 4_000, attended=True), till.caller)
    assert await till.world.db.run(lambda tx: payments.void_payable(tx, payment.payable_id), till.caller) == []
    (error,) = await till.api.refused(CAPTURE, input=till.input(payment))
    assert error["details"]["remainingAmount"] == {"amount": "0.00"}
    await till.finish(begun)
    await till.world.settle()
    assert amounts(await till.payment(payment.id)) == (10_000, 4_000, 0, 6_000)
    assert await till.books() == [(10_000, 4_000, 0, 6_000)]


async def test_the_provider_is_asked_once_by_two_timers(till: Till) -> None:
    payment = await till.authorized()
    begun = await till.world.db.run(lambda tx: payments.capture(tx, payment.id), till.caller)
    await asyncio.gather(*(carry_out(till.world.db, till.tenant_id, begun.id) for _ in range(4)))
    assert (await till.operation(begun.id)).state is OperationState.SUCCEEDED
    assert (await till.one(FakeCall, begun.id)).calls == 1
