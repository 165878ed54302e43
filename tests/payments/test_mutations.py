"""paymentCapture, paymentVoid and paymentRefund through the API."""

from typing import Any

import pytest

from oms_api import payments
from oms_api.kit import ids
from oms_api.kit.errors import ExceedsRemaining
from oms_api.kit.events import Event
from oms_api.payments import ExternalState, Operation, Payment, PaymentStatus
from oms_api.payments.models import FakeCall
from world import World, statements

from .till import CAPTURE, CAUSE, REFUND, VOID, Till, amounts, in_flight


def money(payment: Any) -> tuple[str, str, str]:
    return (payment["authorized"]["amount"], payment["captured"]["amount"], payment["refunded"]["amount"])


async def test_all_that_is_left_is_captured_when_no_amount_is_named(till: Till) -> None:
    payment = await till.authorized()
    part = await till.api.ok(CAPTURE, input=till.input(payment, amount="30.00"))
    assert (part["payment"]["status"], part["payment"]["version"]) == ("CAPTURED", 3)
    assert money(part["payment"]) == ("100.00", "30.00", "0.00")
    rest = await till.api.ok(CAPTURE, input=till.input(payment))
    assert money(rest["payment"]) == ("100.00", "100.00", "0.00")
    assert await till.books() == [(10_000, 10_000, 0, 0)]
    assert await till.topics() == ["payment.authorized", "payment.captured", "payment.captured"]


async def test_a_refund_gives_back_and_the_rest_follows(till: Till) -> None:
    payment = await till.captured()
    part = await till.api.ok(REFUND, input=till.input(payment, amount="0.01"))
    assert (part["payment"]["status"], money(part["payment"])) == ("CAPTURED", ("100.00", "100.00", "0.01"))
    rest = await till.api.ok(REFUND, input=till.input(payment))
    assert (rest["payment"]["status"], money(rest["payment"])) == ("REFUNDED", ("100.00", "100.00", "100.00"))
    assert await till.books() == [(10_000, 10_000, 10_000, 0)]
    assert await till.committed(payment.payable_id) == 0


async def test_a_void_lets_the_uncaptured_rest_go_and_lowers_nothing(till: Till) -> None:
    payment = await till.authorized()
    await till.api.ok(CAPTURE, input=till.input(payment, amount="30.00"))
    rest = await till.api.ok(VOID, input=till.input(payment))
    assert (rest["payment"]["status"], money(rest["payment"])) == ("CAPTURED", ("100.00", "30.00", "0.00"))
    assert await till.books() == [(10_000, 3_000, 0, 7_000)]
    assert await till.committed(payment.payable_id) == 3_000
    whole = await till.authorized()
    gone = await till.api.ok(VOID, input=till.input(whole))
    assert (gone["payment"]["status"], money(gone["payment"])) == ("VOIDED", ("100.00", "0.00", "0.00"))


async def test_more_than_is_left_is_refused_and_nothing_changes(till: Till) -> None:
    payment = await till.authorized()
    await till.api.ok(CAPTURE, input=till.input(payment, amount="60.00"))
    before = await till.everything()
    (capture,) = await till.api.refused(CAPTURE, input=till.input(payment, amount="40.01"))
    assert (capture["code"], capture["path"]) == ("EXCEEDS_REMAINING", ["input", "amount"])
    assert capture["details"]["remainingAmount"] == {"amount": "40.00"}
    (refund,) = await till.api.refused(REFUND, input=till.input(payment, amount="60.01"))
    assert refund["details"]["remainingAmount"] == {"amount": "60.00"}
    assert await till.everything() == before


async def test_what_is_gone_cannot_be_taken_let_go_or_given_back(till: Till) -> None:
    payment = await till.authorized()
    await till.api.ok(VOID, input=till.input(payment))
    before = await till.everything()
    for document, code in ((CAPTURE, "EXCEEDS_REMAINING"), (REFUND, "EXCEEDS_REMAINING"), (VOID, "INVALID_TRANSITION")):
        (error,) = await till.api.refused(document, input=till.input(payment))
        assert error["code"] == code
    assert error["details"]["currentState"] == "VOIDED"
    assert "is VOIDED: nothing is left to let go" in error["message"]
    assert await till.everything() == before


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [("0", "EUR", "INVALID_AMOUNT"), ("-1", "EUR", "INVALID_AMOUNT"), ("1.001", "EUR", "INVALID_AMOUNT"),
     ("1", "USD", "INVALID_AMOUNT")],
)  # fmt: skip
async def test_a_wrong_amount_is_refused(till: Till, amount: str, currency: str, code: str) -> None:
    payment = await till.captured()
    before = await till.everything()
    wrong = {**till.input(payment), "amount": {"amount": amount, "currency": currency}}
    for document in (CAPTURE, REFUND):
        (error,) = await till.api.refused(document, input=wrong)
        assert (error["code"], error["path"]) == (code, ["input", "amount"])
    assert await till.everything() == before


async def test_a_payment_of_nobody_and_of_another_tenant_are_the_same_answer(till: Till, world: World) -> None:
    payment = await till.captured()
    before = await till.everything()
    other = await world.tenant()
    for document in (CAPTURE, VOID, REFUND):
        for api, id_ in ((other, payments.PAYMENT(payment.id)), (till.api, payments.PAYMENT(ids.new())), (other, "x")):
            (error,) = await api.refused(document, input={"id": id_, "idempotencyKey": "k"})
            assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "id"])
    assert await till.everything() == before


async def test_money_moves_only_with_the_scope(till: Till, world: World) -> None:
    payment = await till.captured()
    before = await till.everything()
    reader = await world.key(till.api.handle, "payments:read")
    for document in (CAPTURE, VOID, REFUND):
        body = await reader.answer(document, input=till.input(payment))
        assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert await till.everything() == before


async def test_the_same_key_replays_and_renders_the_payment_as_it_is_now(till: Till) -> None:
    payment = await till.authorized()
    capture = till.input(payment, amount="30.00")
    await till.api.ok(CAPTURE, input=capture)
    await till.api.ok(REFUND, input=till.input(payment, amount="10.00"))
    before = await till.everything()
    body = await till.api.answer(CAPTURE, input=capture)
    assert body["extensions"]["idempotency"] == {"replayed": True}
    assert money(body["data"]["paymentCapture"]["payment"]) == ("100.00", "30.00", "10.00")
    assert await till.everything() == before


async def test_a_key_is_bound_to_its_request(till: Till) -> None:
    payment = await till.authorized()
    await till.api.ok(CAPTURE, input=till.input(payment, "key", "30.00"))
    before = await till.everything()
    assert await till.api.codes(CAPTURE, input=till.input(payment, "key", "31.00")) == ["IDEMPOTENCY_KEY_REUSED"]
    assert await till.api.codes(REFUND, input=till.input(payment, "key", "30.00")) == ["IDEMPOTENCY_KEY_REUSED"]
    assert await till.everything() == before


@pytest.mark.parametrize("behaviour", ["timeout", "lost_answer"])
@pytest.mark.parametrize("what", ["capture", "void", "refund"])
async def test_a_time_out_leaves_the_key_resumable(till: Till, what: str, behaviour: str) -> None:
    await till.put_account("shaky", **{what: behaviour})
    make = till.captured if what == "refund" else till.authorized
    payment = await make(provider="shaky")
    document = {"capture": CAPTURE, "void": VOID, "refund": REFUND}[what]
    asked = till.input(payment)
    data = await till.api(document, input=asked)
    (answer,) = data.values()
    (error,) = answer["userErrors"]
    assert (error["code"], error["retryable"]) == ("UPSTREAM_UNAVAILABLE", True)
    assert money(answer["payment"]) == ("100.00", "100.00" if what == "refund" else "0.00", "0.00")
    waiting = await till.payment(payment.id)
    assert sum(in_flight(waiting)) == 10_000
    operations = await till.rows(Operation)
    done = await till.api.ok(document, input=asked)
    assert [row.id for row in await till.rows(Operation)] == [row.id for row in operations]
    assert done["payment"]["status"] == {"capture": "CAPTURED", "void": "VOIDED", "refund": "REFUNDED"}[what]
    assert await till.books() == {
        "capture": [(10_000, 10_000, 0, 0)], "void": [(10_000, 0, 0, 10_000)], "refund": [(10_000, 10_000, 10_000, 0)],
    }[what]  # fmt: skip
    calls = {row.kind: row.calls for row in await till.rows(FakeCall)}
    assert calls[what.upper()] == 2
    before = await till.everything()
    await till.api.ok(document, input=asked)
    assert await till.everything() == before


async def test_another_key_meets_what_is_in_flight(till: Till) -> None:
    await till.put_account("shaky", capture="timeout", refund="timeout")
    payment = await till.authorized(provider="shaky")
    await till.api.codes(CAPTURE, input=till.input(payment, "first", "60.00"))
    before = await till.everything()
    (error,) = await till.api.refused(CAPTURE, input=till.input(payment, "second", "40.01"))
    assert error["details"]["remainingAmount"] == {"amount": "40.00"}
    (error,) = await till.api.refused(VOID, input=till.input(payment, "third"))
    assert error["code"] == "INVALID_TRANSITION"
    assert "its last request is not answered yet" in error["message"]
    assert await till.everything() == before


@pytest.mark.parametrize("what", ["capture", "void", "refund"])
async def test_what_the_provider_declines_is_free_again(till: Till, what: str) -> None:
    await till.put_account("strict", **{what: "decline"})
    make = till.captured if what == "refund" else till.authorized
    payment = await make(provider="strict")
    books = await till.books()
    document = {"capture": CAPTURE, "void": VOID, "refund": REFUND}[what]
    (error,) = await till.api.refused(document, input=till.input(payment, "key"))
    assert (error["code"], error["details"]["providerCode"]) == ("PAYMENT_DECLINED", "card_declined")
    after = await till.payment(payment.id)
    assert (amounts(after), in_flight(after), after.status) == (amounts(payment), (0, 0, 0, 0), payment.status)
    assert await till.books() == books
    assert (await till.topics())[-1] == "payment.operation_failed"
    before = await till.everything()
    (again,) = await till.api.refused(document, input=till.input(payment, "key"))
    assert again["code"] == "PAYMENT_DECLINED"
    assert await till.everything() == before


async def test_a_customer_who_must_act_can_be_let_go(till: Till) -> None:
    outcome = await till.authorize(ids.new(), reference="requires_action")
    payment = await till.payment(outcome.ids[0])
    gone = await till.api.ok(VOID, input=till.input(payment))
    assert (gone["payment"]["status"], money(gone["payment"])) == ("VOIDED", ("0.00", "0.00", "0.00"))
    after = await till.payment(payment.id)
    assert (after.client_secret, after.next_action_url, in_flight(after)) == (None, None, (0, 0, 0, 0))
    assert await till.committed(payment.payable_id) == 0


async def external(till: Till, state: ExternalState, amount: int = 10_000) -> Payment:
    return await till.world.db.run(
        lambda tx: payments.record_external(
            tx,
            payable_id=ids.new(),
            method="amazon",
            amount_minor=amount,
            currency="EUR",
            state=state,
            window_s=3600,
            reference="A-1",
        ),
        till.caller,
    )


async def test_money_taken_elsewhere_is_in_the_ledger_at_once(till: Till) -> None:
    payment = await external(till, ExternalState.CAPTURED)
    assert (payment.status, amounts(payment)) == (PaymentStatus.CAPTURED, (10_000, 10_000, 0, 0))
    assert await till.topics() == ["payment.authorized", "payment.captured"]
    assert await till.committed(payment.payable_id) == 10_000
    done = await till.api.ok(REFUND, input=till.input(payment, amount="20.00"))
    assert (done["payment"]["provider"], money(done["payment"])) == ("amazon", ("100.00", "100.00", "20.00"))
    assert await till.rows(FakeCall) == []


async def test_money_that_is_due_counts_when_it_is_collected(till: Till) -> None:
    payment = await external(till, ExternalState.DUE)
    assert (payment.status, amounts(payment)) == (PaymentStatus.PENDING, (0, 0, 0, 0))
    part = await till.api.ok(CAPTURE, input=till.input(payment, amount="40.00"))
    assert (part["payment"]["status"], money(part["payment"])) == ("CAPTURED", ("40.00", "40.00", "0.00"))
    (error,) = await till.api.refused(CAPTURE, input=till.input(payment, amount="60.01"))
    assert error["details"]["remainingAmount"] == {"amount": "60.00"}
    gone = await till.api.ok(VOID, input=till.input(payment))
    assert money(gone["payment"]) == ("40.00", "40.00", "0.00")
    assert await till.committed(payment.payable_id) == 4_000
    assert in_flight(await till.payment(payment.id)) == (0, 0, 0, 0)


async def test_money_reserved_elsewhere_is_captured_when_they_are_told(till: Till) -> None:
    payment = await external(till, ExternalState.AUTHORIZED)
    assert payment.status is PaymentStatus.AUTHORIZED
    done = await till.api.ok(CAPTURE, input=till.input(payment))
    assert (done["payment"]["status"], money(done["payment"])) == ("CAPTURED", ("100.00", "100.00", "0.00"))


async def test_a_refund_of_a_payable_goes_over_its_payments_last_first_and_happens_once(till: Till) -> None:
    payable, cause = ids.new(), CAUSE.ref(ids.new())
    for amount in (5_000, 3_000):
        first = await till.authorize(payable, amount)
        await till.api.ok(CAPTURE, input=till.input(await till.payment(first.ids[0])))

    async def refund(amount: int) -> list[Operation]:
        return await till.world.db.run(
            lambda tx: payments.refund_payable(tx, payable, amount, cause=cause), till.caller
        )

    begun = await refund(4_000)
    assert [operation.amount_minor for operation in begun] == [3_000, 1_000]
    assert {operation.id for operation in await refund(4_000)} == {operation.id for operation in begun}
    await till.world.settle()
    assert await till.books() == [(5_000, 5_000, 1_000, 0), (3_000, 3_000, 3_000, 0)]
    assert (await till.topics()).count("payment.refunded") == 2
    assert {operation.id for operation in await refund(4_000)} == {operation.id for operation in begun}
    before = await till.everything()
    cause = CAUSE.ref(ids.new())
    with pytest.raises(ExceedsRemaining, match=r"40\.01 EUR is too much: 40\.00 EUR can be refunded"):
        await refund(4_001)
    assert await till.everything() == before


async def test_a_refund_for_a_cause_happens_once(till: Till) -> None:
    payment, cause = await till.captured(), CAUSE.ref(ids.new())
    begun = [
        await till.world.db.run(lambda tx: payments.refund(tx, payment.id, 1_000, cause=cause), till.caller)
        for _ in range(2)
    ]
    assert begun[0].id == begun[1].id
    await till.world.settle()
    assert await till.books() == [(10_000, 10_000, 1_000, 0)]


async def test_a_refund_of_what_nobody_paid_is_refused(till: Till) -> None:
    with pytest.raises(ExceedsRemaining, match="0 can be refunded"):
        await till.world.db.run(
            lambda tx: payments.refund_payable(tx, ids.new(), 1, cause=CAUSE.ref(ids.new())), till.caller
        )


async def test_letting_a_payable_go_voids_all_that_is_not_captured(till: Till) -> None:
    payable, cause = ids.new(), CAUSE.ref(ids.new())
    for amount, reference in ((3_000, "ok"), (2_000, "requires_action"), (1_000, "decline")):
        await till.authorize(payable, amount, reference=reference)
    kept = await till.payment((await till.authorize(payable, 5_000)).ids[0])
    await till.api.ok(CAPTURE, input=till.input(kept, amount="10.00"))

    async def let_go() -> list[Operation]:
        return await till.world.db.run(lambda tx: payments.void_payable(tx, payable, cause), till.caller)

    assert sorted(operation.amount_minor for operation in await let_go()) == [2_000, 3_000, 4_000]
    assert await let_go() == []
    await till.world.settle()
    assert await let_go() == []
    assert await till.committed(payable) == 1_000
    assert [row.status for row in await till.rows(Payment)] == ["VOIDED", "VOIDED", "FAILED", "CAPTURED"]


async def test_facts_carry_ids_and_minor_amounts_only(till: Till) -> None:
    payment = await till.captured(1_234)
    await till.api.ok(REFUND, input={**till.input(payment, amount="2.34"), "reason": "Anna Muster was unhappy"})
    events = {event.topic: event for event in await till.rows(Event)}
    id_ = payments.PAYMENT(payment.id)
    assert events["payment.authorized"].data == {
        "paymentId": id_, "provider": "fake", "amountMinor": 1_234, "currency": "EUR",
    }  # fmt: skip
    assert events["payment.captured"].data == {
        "paymentId": id_, "amountMinor": 1_234, "capturedMinor": 1_234, "currency": "EUR",
    }  # fmt: skip
    assert events["payment.refunded"].data == {
        "paymentId": id_, "operationId": events["payment.operation_requested"].data["operationId"], "cause": None,
        "amountMinor": 234, "refundedMinor": 234, "currency": "EUR",
    }  # fmt: skip
    assert {event.owner_id for event in events.values()} == {payment.payable_id}
    assert {event.subject_id for event in events.values()} == {payment.id}
    assert events["payment.refunded"].updated == ["refunded"]


async def test_a_capture_takes_a_constant_number_of_statements(till: Till) -> None:
    payment = await till.authorized()
    with statements() as seen:
        await till.api.ok(CAPTURE, input=till.input(payment))
    assert len(seen) == 21, "\n".join(seen)


async def test_what_is_too_much_points_at_the_amount_only_when_one_was_sent(till: Till) -> None:
    payment = await till.captured()
    (named,) = await till.api.refused(CAPTURE, input=till.input(payment, amount="1.00"))
    (all_of_it,) = await till.api.refused(CAPTURE, input=till.input(payment))
    assert [(error["code"], error["path"]) for error in (named, all_of_it)] == [
        ("EXCEEDS_REMAINING", ["input", "amount"]),
        ("EXCEEDS_REMAINING", ["input", "id"]),
    ]


async def test_what_was_let_go_is_shown(till: Till) -> None:
    payment = await till.authorized()
    await till.api.ok(CAPTURE, input=till.input(payment, amount="60.00"))
    gone = await till.api.ok(VOID.replace("refunded {", "voided { amount } refunded {"), input=till.input(payment))
    assert gone["payment"]["voided"] == {"amount": "40.00"}
