"""Stripe by its own SDK, against a double that is as strict, over real HTTP."""

import asyncio
from typing import Any

import pytest

from oms_api import payments
from oms_api.kit import ids, secrets
from oms_api.kit.errors import UpstreamUnavailable
from oms_api.payments import Operation, OperationKind, OperationState, Payment, PaymentDeclined, PaymentStatus, stripe
from oms_api.payments.models import OPERATION
from world import World, travel

from .conftest import put_stripe
from .stripe_double import NEXT_ACTION, StripeDouble
from .till import CAPTURE, REFUND, VOID, Till, amounts, in_flight


async def authorized(till: Till, amount: int = 10_000, reference: str = "pm_card_visa") -> Payment:
    return await till.authorized(amount, provider="stripe", reference=reference)


async def operation_of(till: Till, payment: Payment, kind: OperationKind) -> Operation:
    (found,) = [row for row in await till.rows(Operation) if row.payment_id == payment.id and row.kind is kind]
    return found  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("minor", "currency", "amount"),
    [
        (1990, "EUR", 1990), (500, "JPY", 500), (5, "ISK", 500), (5, "UGX", 500), (300, "MGA", 3),
        (12_340, "KWD", 12_340), (100, "HUF", 100),
    ],
)  # fmt: skip
def test_stripe_counts_some_currencies_in_other_minor_units(minor: int, currency: str, amount: int) -> None:
    assert stripe.amount_of(minor, currency) == amount


@pytest.mark.parametrize(("minor", "currency"), [(350, "MGA"), (12_345, "KWD"), (1, "BHD")])
def test_an_amount_that_stripe_cannot_take_is_refused_not_rounded(minor: int, currency: str) -> None:
    with pytest.raises(stripe.Unrepresentable):
        stripe.amount_of(minor, currency)


async def test_an_amount_that_stripe_cannot_take_is_declined_and_nobody_is_asked(
    stripe_till: Till, double: StripeDouble
) -> None:
    outcome = await stripe_till.authorize(
        ids.new(), 12_345, ceiling=12_345, currency="KWD", provider="stripe", reference="pm_card_visa"
    )
    (refusal,) = outcome.refusals
    assert isinstance(refusal, PaymentDeclined)
    assert refusal.details is not None and refusal.details["provider_code"] == "invalid_amount"
    assert double.requests == []


async def test_an_authorization_is_an_intent_that_is_captured_by_hand(stripe_till: Till, double: StripeDouble) -> None:
    payment = await authorized(stripe_till)
    ((intent_id, intent),) = double.intents.items()
    asked = await operation_of(stripe_till, payment, OperationKind.AUTHORIZE)
    assert (intent["amount"], intent["currency"], intent["capture_method"]) == (10_000, "eur", "manual")
    assert intent["metadata"] == {"operation": OPERATION(asked.id)}
    assert (payment.status, amounts(payment)) == (PaymentStatus.AUTHORIZED, (10_000, 0, 0, 0))
    assert payment.provider_reference == intent_id
    assert double.books() == [(10_000, 0, 0, "requires_capture")]
    assert double.requests == ["POST payment_intents"]


async def test_capture_and_refund_by_the_api(stripe_till: Till, double: StripeDouble) -> None:
    payment = await authorized(stripe_till)
    taken = await stripe_till.api.ok(CAPTURE, input=stripe_till.input(payment))
    assert taken["payment"]["captured"]["amount"] == "100.00"
    for amount in ("30.00", "70.00"):
        back = await stripe_till.api.ok(REFUND, input=stripe_till.input(payment, amount=amount))
    assert (back["payment"]["status"], back["payment"]["refunded"]["amount"]) == ("REFUNDED", "100.00")
    assert double.books() == [(0, 10_000, 10_000, "succeeded")]
    assert [refund["amount"] for refund in double.refunds.values()] == [3_000, 7_000]


async def test_a_void_cancels_the_intent(stripe_till: Till, double: StripeDouble) -> None:
    payment = await authorized(stripe_till)
    gone = await stripe_till.api.ok(VOID, input=stripe_till.input(payment))
    assert gone["payment"]["status"] == "VOIDED"
    assert amounts(await stripe_till.payment(payment.id)) == (10_000, 0, 0, 10_000)
    assert double.books() == [(0, 0, 0, "canceled")]


async def test_what_a_partial_capture_leaves_goes_with_it_and_the_ledger_says_so(
    stripe_till: Till, double: StripeDouble, world: World
) -> None:
    payment = await authorized(stripe_till)
    taken = await stripe_till.api.ok(CAPTURE, input=stripe_till.input(payment, amount="60.00"))
    assert (taken["payment"]["status"], taken["payment"]["captured"]["amount"]) == ("CAPTURED", "60.00")
    before = len(double.requests)
    (error,) = await stripe_till.api.refused(CAPTURE, input=stripe_till.input(payment, amount="1.00"))
    assert (error["code"], error["details"]["remainingAmount"]) == ("EXCEEDS_REMAINING", {"amount": "0.00"})
    assert len(double.requests) == before
    await world.settle()
    after = await stripe_till.payment(payment.id)
    assert (amounts(after), in_flight(after)) == ((10_000, 6_000, 0, 4_000), (0, 0, 0, 0))
    assert await stripe_till.committed(payment.payable_id) == 6_000
    assert double.books() == [(0, 6_000, 0, "succeeded")]
    back = await stripe_till.api.ok(REFUND, input=stripe_till.input(payment))
    assert back["payment"]["status"] == "REFUNDED"


async def test_with_multicapture_the_rest_stays_and_can_be_captured_or_let_go(
    stripe_till: Till, double: StripeDouble, world: World
) -> None:
    double.multicapture = True
    payment = await authorized(stripe_till)
    for amount in ("30.00", "20.00"):
        await stripe_till.api.ok(CAPTURE, input=stripe_till.input(payment, amount=amount))
    assert double.books() == [(5_000, 5_000, 0, "requires_capture")]
    await stripe_till.api.ok(VOID, input=stripe_till.input(payment))
    await world.settle()
    assert amounts(await stripe_till.payment(payment.id)) == (10_000, 5_000, 0, 5_000)
    assert double.books() == [(0, 5_000, 0, "canceled")]


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        ("pm_card_chargeDeclined", "generic_decline"), ("pm_card_insufficientFunds", "insufficient_funds"),
        ("pm_unknown", "resource_missing"),
    ],
)  # fmt: skip
async def test_what_stripe_declines_has_failed_with_its_code(
    stripe_till: Till, double: StripeDouble, reference: str, code: str
) -> None:
    payable = ids.new()
    outcome = await stripe_till.authorize(payable, provider="stripe", reference=reference)
    (refusal,) = outcome.refusals
    assert isinstance(refusal, PaymentDeclined)
    assert refusal.details is not None and refusal.details["provider_code"] == code
    assert (await stripe_till.payment(outcome.ids[0])).status is PaymentStatus.FAILED
    assert await stripe_till.committed(payable) == 0
    assert [capturable for capturable, *_ in double.books()] == [0]


DONE = {
    OperationKind.AUTHORIZE: (10_000, 0, 0, "requires_capture"),
    OperationKind.CAPTURE: (0, 10_000, 0, "succeeded"),
    OperationKind.VOID: (0, 0, 0, "canceled"),
    OperationKind.REFUND: (0, 10_000, 10_000, "succeeded"),
}
LEDGER = {
    OperationKind.AUTHORIZE: (10_000, 0, 0, 0),
    OperationKind.CAPTURE: (10_000, 10_000, 0, 0),
    OperationKind.VOID: (10_000, 0, 0, 10_000),
    OperationKind.REFUND: (10_000, 10_000, 10_000, 0),
}
POSTS = {OperationKind.AUTHORIZE: 0, OperationKind.CAPTURE: 1, OperationKind.VOID: 1, OperationKind.REFUND: 1}


async def intent(till: Till, kind: OperationKind) -> Operation:
    """The first transaction of a mutation, attended."""
    if kind is OperationKind.AUTHORIZE:
        return await till.begin(ids.new(), provider="stripe", reference="pm_card_visa")
    make: Any = till.captured if kind is OperationKind.REFUND else till.authorized
    payment = await make(provider="stripe", reference="pm_card_visa")
    verb: Any = {"CAPTURE": payments.capture, "VOID": payments.void, "REFUND": payments.refund}[kind]
    begun: Operation = await till.world.db.run(lambda tx: verb(tx, payment.id, attended=True), till.caller)
    return begun


@pytest.mark.parametrize("trouble", ["lost_answer", "drop", "rate_limit", "away", "error_after"])
@pytest.mark.parametrize("kind", DONE)
async def test_a_call_that_fails_before_or_after_the_work_has_one_effect_when_it_is_repeated(
    stripe_till: Till, double: StripeDouble, kind: OperationKind, trouble: str
) -> None:
    begun = await intent(stripe_till, kind)
    double.trouble = [""] * POSTS[kind] + [trouble]
    (refusal,) = (await stripe_till.finish(begun)).refusals
    assert isinstance(refusal, UpstreamUnavailable)
    assert (await stripe_till.operation(begun.id)).state is OperationState.PENDING
    if trouble == "error_after" and kind is OperationKind.AUTHORIZE:
        double.forget_keys()  # it answers 500 under this key for a day
        with travel(hours=21):
            assert list((await stripe_till.finish(begun)).refusals) == []
    else:
        assert list((await stripe_till.finish(begun)).refusals) == []
    assert double.books() == [DONE[kind]]
    payment = await stripe_till.payment(begun.payment_id)
    assert (amounts(payment), in_flight(payment)) == (LEDGER[kind], (0, 0, 0, 0))


@pytest.mark.parametrize("kind", DONE)
async def test_an_answer_that_comes_too_late_has_one_effect_when_it_is_repeated(
    stripe_till: Till, double: StripeDouble, kind: OperationKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = await intent(stripe_till, kind)
    monkeypatch.setattr(stripe, "REQUEST_TIMEOUT_S", 0.3)
    double.trouble = [""] * POSTS[kind] + ["slow"]
    answer = await stripe_till.call(begun.id)
    assert (answer.result, answer.code) == ("UNANSWERED", "APIConnectionError")
    assert double.books() == [DONE[kind]]
    monkeypatch.undo()
    assert list((await stripe_till.finish(begun)).refusals) == []
    assert double.books() == [DONE[kind]]
    assert amounts(await stripe_till.payment(begun.payment_id)) == LEDGER[kind]


async def test_who_asks_while_it_is_being_done_is_told_to_try_again(stripe_till: Till, double: StripeDouble) -> None:
    begun = await intent(stripe_till, OperationKind.AUTHORIZE)
    meanwhile: list[Any] = []

    async def ask_too(event: dict[str, Any]) -> None:
        meanwhile.append(await stripe_till.call(begun.id))

    double.on_change = ask_too
    assert list((await stripe_till.finish(begun)).refusals) == []
    assert [(answer.result, answer.code) for answer in meanwhile] == [("UNANSWERED", "idempotency_key_in_use")]
    assert double.books() == [DONE[OperationKind.AUTHORIZE]]


@pytest.mark.parametrize("kind", DONE)
async def test_ten_who_ask_at_once_have_one_effect(
    stripe_till: Till, double: StripeDouble, kind: OperationKind
) -> None:
    begun = await intent(stripe_till, kind)
    await asyncio.gather(*(stripe_till.finish(begun) for _ in range(10)))
    assert set(double.faults) <= {"idempotency_key_in_use"}
    assert (await stripe_till.operation(begun.id)).state is OperationState.SUCCEEDED
    assert double.books() == [DONE[kind]]
    payment = await stripe_till.payment(begun.payment_id)
    assert (amounts(payment), in_flight(payment)) == (LEDGER[kind], (0, 0, 0, 0))


@pytest.mark.parametrize("kind", DONE)
async def test_a_key_that_stripe_has_forgotten_does_not_make_it_twice(
    stripe_till: Till, double: StripeDouble, kind: OperationKind
) -> None:
    begun = await intent(stripe_till, kind)
    double.trouble = [""] * POSTS[kind] + ["lost_answer"]
    await stripe_till.finish(begun)
    assert double.books() == [DONE[kind]]
    double.forget_keys()
    with travel(hours=21):
        assert list((await stripe_till.finish(begun)).refusals) == []
    assert double.books() == [DONE[kind]]
    assert amounts(await stripe_till.payment(begun.payment_id)) == LEDGER[kind]


async def test_the_same_key_with_other_parameters_is_asked_again_and_never_taken_as_done(
    stripe_till: Till, double: StripeDouble
) -> None:
    begun = await intent(stripe_till, OperationKind.AUTHORIZE)
    await stripe_till.call(begun.id)
    await put_stripe(stripe_till, double, return_url="https://shop.example/paid")
    answer = await stripe_till.call(begun.id)
    assert (answer.result, answer.code) == ("UNANSWERED", "IdempotencyError")
    assert double.books() == [DONE[OperationKind.AUTHORIZE]]


async def test_a_wrong_key_of_ours_is_no_refusal_of_the_customer(stripe_till: Till, double: StripeDouble) -> None:
    await put_stripe(stripe_till, double, secret_key="sk_test_other")
    (refusal,) = (await stripe_till.authorize(ids.new(), provider="stripe", reference="pm_card_visa")).refusals
    assert isinstance(refusal, UpstreamUnavailable)
    assert double.books() == []


async def test_stripe_refuses_more_than_it_holds_whatever_we_ask(stripe_till: Till, double: StripeDouble) -> None:
    payment = await authorized(stripe_till)
    assert payment.provider_reference is not None
    double.intents[payment.provider_reference]["amount_capturable"] = 9_000
    (error,) = await stripe_till.api.refused(CAPTURE, input=stripe_till.input(payment))
    assert (error["code"], error["details"]["providerCode"]) == ("PAYMENT_DECLINED", "amount_too_large")
    after = await stripe_till.payment(payment.id)
    assert (amounts(after), in_flight(after)) == ((10_000, 0, 0, 0), (0, 0, 0, 0))


# --- customers who must act ----------------------------------------------------------------------------------------


async def test_a_bank_that_asks_the_customer_sends_the_customer_on(stripe_till: Till, double: StripeDouble) -> None:
    await put_stripe(stripe_till, double, return_url="https://shop.example/paid")
    outcome = await stripe_till.authorize(ids.new(), provider="stripe", reference="pm_card_threeDSecure2Required")
    payment = await stripe_till.payment(outcome.ids[0])
    (made,) = double.intents.values()
    assert (payment.status, payment.next_action_url) == (PaymentStatus.REQUIRES_ACTION, f"{NEXT_ACTION}{made['id']}")
    assert payment.client_secret and secrets.decrypt("payment", payment.client_secret) == made["client_secret"]
    await double.customer_pays(made["id"])
    with travel(minutes=1):
        await stripe_till.world.tick("payments.retry")
    after = await stripe_till.payment(payment.id)
    assert (after.status, after.next_action_url) == (PaymentStatus.AUTHORIZED, None)


async def test_a_customer_whom_the_bank_does_not_believe_has_failed(stripe_till: Till, double: StripeDouble) -> None:
    outcome = await stripe_till.authorize(ids.new(), provider="stripe", reference="pm_card_threeDSecure2Required")
    payment = await stripe_till.payment(outcome.ids[0])
    assert (payment.status, payment.next_action_url) == (PaymentStatus.REQUIRES_ACTION, None)
    (made,) = double.intents.values()
    await double.customer_pays(made["id"], "pm_card_chargeDeclined")
    with travel(minutes=1):
        await stripe_till.world.tick("payments.retry")
    (asked,) = await stripe_till.rows(Operation)
    assert (asked.state, asked.provider_code) == (OperationState.FAILED, "generic_decline")
    assert (await stripe_till.payment(payment.id)).status is PaymentStatus.FAILED


async def test_without_a_method_the_customer_pays_in_the_form_and_may_try_twice(
    stripe_till: Till, double: StripeDouble
) -> None:
    outcome = await stripe_till.authorize(ids.new(), provider="stripe")
    assert list(outcome.refusals) == []
    (made,) = double.intents.values()
    await double.customer_pays(made["id"], "pm_card_insufficientFunds")
    with travel(minutes=1):
        await stripe_till.world.tick("payments.retry")
        assert (await stripe_till.payment(outcome.ids[0])).status is PaymentStatus.REQUIRES_ACTION
    await double.customer_pays(made["id"])
    with travel(minutes=5):
        await stripe_till.world.tick("payments.retry")
    assert (await stripe_till.payment(outcome.ids[0])).status is PaymentStatus.AUTHORIZED


async def test_a_customer_who_never_acts_leaves_no_open_intent(stripe_till: Till, double: StripeDouble) -> None:
    outcome = await stripe_till.authorize(ids.new(), provider="stripe")
    with travel(hours=24, minutes=20):
        await stripe_till.world.tick("payments.retry")
    assert (await stripe_till.payment(outcome.ids[0])).status is PaymentStatus.VOIDED
    assert [status for *_, status in double.books()] == ["canceled"]


async def test_the_storefronts_own_intent_is_taken_once(stripe_till: Till, double: StripeDouble) -> None:
    made = double.storefront_intent(10_000)
    await double.customer_pays(made["id"])
    payment = await authorized(stripe_till, reference=made["id"])
    assert (payment.status, payment.provider_reference) == (PaymentStatus.AUTHORIZED, made["id"])
    (refusal,) = (await stripe_till.authorize(ids.new(), provider="stripe", reference=made["id"])).refusals
    assert refusal.details is not None and refusal.details["provider_code"] == "authorization_in_use"
    await stripe_till.api.ok(CAPTURE, input=stripe_till.input(payment))
    assert double.books() == [DONE[OperationKind.CAPTURE]]


async def test_the_storefronts_intent_named_twice_at_once_pays_once(
    stripe_till: Till, double: StripeDouble, world: World
) -> None:
    made = double.storefront_intent(10_000)
    await double.customer_pays(made["id"])
    begun = [await stripe_till.begin(ids.new(), provider="stripe", reference=made["id"]) for _ in range(2)]
    await asyncio.gather(*(stripe_till.finish(each) for each in begun), return_exceptions=True)
    for minutes in (1, 5, 20):
        with travel(minutes=minutes):
            await world.tick("payments.retry")
    states = {(await stripe_till.operation(each.id)).state for each in begun}
    assert states == {OperationState.SUCCEEDED, OperationState.FAILED}


@pytest.mark.parametrize("other", [{"amount": 9_999}, {"currency": "usd"}, {"capture_method": "automatic"}])
async def test_the_storefronts_intent_is_for_the_same_money(
    stripe_till: Till, double: StripeDouble, other: dict[str, Any]
) -> None:
    made = double.storefront_intent(**{"amount": 10_000, **other})
    (refusal,) = (await stripe_till.authorize(ids.new(), provider="stripe", reference=made["id"])).refusals
    assert refusal.details is not None and refusal.details["provider_code"] == "payment_intent_mismatch"
    assert made["metadata"] == {}
