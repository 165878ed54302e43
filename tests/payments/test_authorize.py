"""Authorizing, by the verb and EFFECT: the mutation lives in orders, which knows what is paid."""

import pytest

from oms_api import payments
from oms_api.kit import ids, secrets
from oms_api.kit.errors import ExceedsRemaining, Invalid, InvalidAmount, Unsupported, UpstreamUnavailable
from oms_api.kit.money import Money
from oms_api.payments import OperationState, PaymentDeclined, PaymentStatus, Totals
from oms_api.payments.fake import customer_acts
from oms_api.payments.models import FakeCall
from world import World, travel

from .till import Till, amounts, in_flight


async def test_an_authorization_reserves_the_amount_at_the_provider(till: Till) -> None:
    payable = ids.new()
    outcome = await till.authorize(payable)
    assert list(outcome.refusals) == []
    payment = await till.payment(outcome.ids[0])
    assert (payment.status, payment.version, amounts(payment)) == (PaymentStatus.AUTHORIZED, 2, (10_000, 0, 0, 0))
    assert in_flight(payment) == (0, 0, 0, 0)
    assert await till.books() == [(10_000, 0, 0, 0)]
    assert await till.committed(payable) == 10_000
    assert await till.topics() == ["payment.authorized"]


async def test_an_intent_counts_in_nothing_yet_and_blocks_its_amount(till: Till) -> None:
    payable = ids.new()
    begun = await till.begin(payable, 6_000)
    payment = await till.payment(begun.payment_id)
    assert (payment.status, amounts(payment), in_flight(payment)) == (
        PaymentStatus.PENDING, (0, 0, 0, 0), (6_000, 0, 0, 0),
    )  # fmt: skip
    before = await till.everything()
    with pytest.raises(ExceedsRemaining) as refused:
        await till.begin(payable, 4_001)
    assert refused.value.details == {"remaining_amount": Money(4_000, "EUR")}
    assert refused.value.path == ["input", "amount"]
    assert await till.everything() == before
    async with till.world.db.reading(till.tenant_id) as reading:
        totals = await payments.totals(reading, [payable, begun.id])
    assert totals == {payable: Totals(open=6_000, committed=6_000), begun.id: Totals()}


async def test_what_is_let_go_or_given_back_can_be_authorized_again(till: Till) -> None:
    payable, cause = ids.new(), ids.Ref("paytestcause", ids.new())
    first = (await till.authorize(payable)).ids[0]
    captured = await till.world.db.run(lambda tx: payments.capture(tx, first, 7_000), till.caller)
    await till.finish(captured)
    await till.world.db.run(lambda tx: payments.void_payable(tx, payable, cause), till.caller)
    await till.world.db.run(lambda tx: payments.refund_payable(tx, payable, 2_000, cause=cause), till.caller)
    await till.world.settle()
    assert await till.committed(payable) == 5_000
    async with till.world.db.reading(till.tenant_id) as reading:
        assert (await payments.totals(reading, [payable]))[payable] == Totals(10_000, 7_000, 2_000, 0, 5_000)
    with pytest.raises(ExceedsRemaining):
        await till.begin(payable, 5_001)
    second = (await till.authorize(payable, 5_000)).ids[0]
    async with till.world.db.reading(till.tenant_id) as reading:
        found = (await payments.payments_of(reading, [payable]))[payable]
    assert [row.id for row in found] == [first, second]


async def test_a_declined_payment_has_failed_and_frees_its_amount(till: Till) -> None:
    payable = ids.new()
    outcome = await till.authorize(payable, reference="decline")
    (refusal,) = outcome.refusals
    assert isinstance(refusal, PaymentDeclined)
    assert refusal.details is not None and refusal.details["provider_code"] == "card_declined"
    payment = await till.payment(outcome.ids[0])
    assert (payment.status, amounts(payment), in_flight(payment)) == (
        PaymentStatus.FAILED, (0, 0, 0, 0), (0, 0, 0, 0),
    )  # fmt: skip
    assert await till.books() == []
    assert await till.committed(payable) == 0
    assert await till.topics() == ["payment.failed"]
    assert list((await till.authorize(payable)).refusals) == []


async def test_a_method_that_the_fake_does_not_know_is_declined(till: Till) -> None:
    (refusal,) = (await till.authorize(ids.new(), reference="pm_card_visa")).refusals
    assert refusal.details is not None and refusal.details["provider_code"] == "no_such_method"


async def test_a_provider_that_does_not_answer_leaves_the_intent_resumable(till: Till) -> None:
    payable = ids.new()
    begun = await till.begin(payable, reference="timeout")
    (refusal,) = (await till.finish(begun)).refusals
    assert isinstance(refusal, UpstreamUnavailable) and refusal.retryable
    assert refusal.details is not None and refusal.details["retry_after_seconds"] == 5
    payment = await till.payment(begun.payment_id)
    assert (payment.status, in_flight(payment)) == (PaymentStatus.PENDING, (10_000, 0, 0, 0))
    assert await till.books() == []
    assert list((await till.finish(begun)).refusals) == []
    assert await till.books() == [(10_000, 0, 0, 0)]
    assert (await till.payment(begun.payment_id)).status is PaymentStatus.AUTHORIZED


async def test_a_lost_answer_is_found_under_the_same_key(till: Till) -> None:
    begun = await till.begin(ids.new(), reference="lost_answer")
    (refusal,) = (await till.finish(begun)).refusals
    assert isinstance(refusal, UpstreamUnavailable)
    assert await till.books() == [(10_000, 0, 0, 0)]
    assert (await till.payment(begun.payment_id)).status is PaymentStatus.PENDING
    assert list((await till.finish(begun)).refusals) == []
    assert await till.books() == [(10_000, 0, 0, 0)]
    assert (await till.payment(begun.payment_id)).status is PaymentStatus.AUTHORIZED


async def test_the_first_recorder_wins_and_the_second_says_the_same(till: Till) -> None:
    begun = await till.begin(ids.new())
    answer = await till.call(begun.id)
    await till.record(begun.id, answer)
    before = await till.everything()
    again = await till.record(begun.id, answer)
    assert list(again.ids) == [begun.payment_id]
    assert (await till.call(begun.id)).result == "SETTLED"
    assert await till.everything() == before


async def test_a_customer_who_must_act_is_told_where_and_the_secret_is_stored_encrypted(till: Till) -> None:
    outcome = await till.authorize(ids.new(), reference="requires_action")
    assert list(outcome.refusals) == []
    payment = await till.payment(outcome.ids[0])
    assert (payment.status, amounts(payment), in_flight(payment)) == (
        PaymentStatus.REQUIRES_ACTION, (0, 0, 0, 0), (10_000, 0, 0, 0),
    )  # fmt: skip
    assert payment.provider_reference is not None and payment.client_secret is not None
    assert payment.provider_reference not in payment.client_secret
    assert secrets.decrypt("payment", payment.client_secret) == f"{payment.provider_reference}_secret"
    node = await till.api(
        "query($id: ID!) { node(id: $id) { ... on Payment { status clientSecret nextActionUrl } } }",
        id=payments.PAYMENT(payment.id),
    )
    assert node["node"] == {
        "status": "REQUIRES_ACTION",
        "clientSecret": f"{payment.provider_reference}_secret",
        "nextActionUrl": f"https://fake-payments.example/act/{payment.provider_reference}",
    }
    assert await till.topics() == ["payment.requires_action"]


async def test_when_the_customer_has_acted_the_timer_finds_it_reserved(till: Till, world: World) -> None:
    outcome = await till.authorize(ids.new(), reference="requires_action")
    payment = await till.payment(outcome.ids[0])
    assert payment.provider_reference is not None
    with travel(seconds=20):
        await world.tick("payments.retry")
        assert (await till.payment(payment.id)).status is PaymentStatus.REQUIRES_ACTION
    assert await customer_acts(world.db, till.caller, payment.provider_reference)
    assert not await customer_acts(world.db, till.caller, payment.provider_reference)
    with travel(minutes=5):
        await world.tick("payments.retry")
    payment = await till.payment(payment.id)
    assert (payment.status, amounts(payment), in_flight(payment)) == (
        PaymentStatus.AUTHORIZED, (10_000, 0, 0, 0), (0, 0, 0, 0),
    )  # fmt: skip
    assert (payment.client_secret, payment.next_action_url) == (None, None)
    assert await till.topics() == ["payment.requires_action", "payment.authorized"]


async def test_a_customer_who_never_acts_loses_the_payment_after_a_day(till: Till, world: World) -> None:
    payable = ids.new()
    outcome = await till.authorize(payable, reference="requires_action")
    with travel(hours=23, minutes=59):
        await world.tick("payments.retry")
        assert (await till.payment(outcome.ids[0])).status is PaymentStatus.REQUIRES_ACTION
    with travel(hours=24, minutes=20):
        await world.tick("payments.retry")
    payment = await till.payment(outcome.ids[0])
    assert (payment.status, in_flight(payment)) == (PaymentStatus.VOIDED, (0, 0, 0, 0))
    assert await till.committed(payable) == 0
    assert {row.kind: row.state for row in await till.rows(payments.Operation)} == {
        "AUTHORIZE": OperationState.FAILED, "VOID": OperationState.SUCCEEDED,
    }  # fmt: skip
    assert payment.provider_reference is not None
    assert not await customer_acts(world.db, till.caller, payment.provider_reference)


async def test_manual_succeeds_and_nobody_is_called(till: Till) -> None:
    payment = await till.authorized(provider="manual")
    assert payment.status is PaymentStatus.AUTHORIZED
    assert await till.rows(FakeCall) == []


async def test_an_unknown_provider_is_refused_with_the_known_ones_named(till: Till) -> None:
    await till.put_account("shop", capture="decline")
    before = await till.everything()
    with pytest.raises(
        Unsupported, match="'stripe' is not a payment provider; known are fake, manual, shop"
    ) as refused:
        await till.begin(ids.new(), provider="stripe")
    assert refused.value.path == ["input", "provider"]
    assert await till.everything() == before


@pytest.mark.parametrize("amount", [0, -1])
async def test_an_amount_is_more_than_zero(till: Till, amount: int) -> None:
    before = await till.everything()
    with pytest.raises(InvalidAmount, match="is not more than zero"):
        await till.begin(ids.new(), amount)
    assert await till.everything() == before


async def test_a_payable_has_one_currency(till: Till) -> None:
    payable = ids.new()
    await till.authorize(payable, 100)
    before = await till.everything()
    with pytest.raises(InvalidAmount, match="USD was sent where the currency is EUR"):
        await till.begin(payable, 100, currency="USD")
    assert await till.everything() == before


async def test_a_reference_is_short_and_printable(till: Till) -> None:
    for reference in ("", "x" * 256, "a\nb"):
        with pytest.raises(Invalid, match="providerReference"):
            await till.begin(ids.new(), reference=reference)
    assert await till.rows(payments.Payment) == []


async def test_two_tenants_have_ledgers_of_their_own(till: Till, world: World) -> None:
    payable = ids.new()
    await till.authorize(payable)
    other = Till(world, await world.tenant())
    assert list((await other.authorize(payable)).refusals) == []
    assert [len(await each.rows(payments.Payment)) for each in (till, other)] == [1, 1]
    (mine,) = await till.rows(payments.Payment)
    node = await other.api("query($id: ID!) { node(id: $id) { id } }", id=payments.PAYMENT(mine.id))
    assert node["node"] is None


async def test_payments_are_hidden_without_the_scope(till: Till, world: World) -> None:
    payment = await till.authorized()
    blind = await world.key(till.api.handle, "orders:read")
    node = await blind("query($id: ID!) { node(id: $id) { id } }", id=payments.PAYMENT(payment.id))
    assert node["node"] is None
