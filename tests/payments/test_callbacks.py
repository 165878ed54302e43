"""What Stripe tells by itself: verified, kept once, and brought to the same recording verb, in any order."""

import asyncio
import json
import logging
from typing import Any

import pytest

from oms_api import payments
from oms_api.kit import ids, inbox, jobs
from oms_api.kit.events import Event
from oms_api.kit.inbox import InboxMessage, MessageState
from oms_api.kit.jobs import Failure
from oms_api.payments import Operation, OperationState, PaymentStatus
from oms_api.payments.callbacks import BODY_BYTES_MAX
from oms_api.payments.models import OPERATION
from oms_api.payments.service.hear import MATCH_ATTEMPTS_MAX
from world import World, travel

from .conftest import put_stripe
from .stripe_double import PERSON, SECRET, StripeDouble, signed
from .till import CAPTURE, REFUND, VOID, Till, amounts, in_flight

EVENT: dict[str, Any] = {
    "id": "evt_1", "object": "event", "type": "payment_intent.succeeded",
    "data": {"object": {"id": "pi_1", "object": "payment_intent", "metadata": {}, "receipt_email": PERSON}},
}  # fmt: skip


class Caller:
    """Stripe's side of a tenant's callbacks."""

    def __init__(self, till: Till, path: str) -> None:
        self.till, self.path = till, path

    async def post(self, body: bytes, headers: dict[str, str], path: str = "") -> tuple[int, dict[str, Any]]:
        response = await self.till.world.http.post(path or self.path, content=body, headers=headers)
        return response.status_code, response.json()

    async def deliver(self, event: dict[str, Any]) -> None:
        assert await self.post(*signed(event)) == (200, {"received": True})

    async def told(self) -> list[tuple[str, MessageState]]:
        return [(row.kind, row.state) for row in await self.till.rows(InboxMessage)]


@pytest.fixture
async def caller(till: Till, double: StripeDouble) -> Caller:
    return Caller(till, await put_stripe(till, double))


# --- the handle ----------------------------------------------------------------------------------------------------


async def test_a_signed_message_is_kept_once_and_nobody_in_it_is(caller: Caller) -> None:
    for _ in range(3):
        await caller.deliver(EVENT)
    (kept,) = await caller.till.rows(InboxMessage)
    assert (kept.external_id, kept.kind, kept.about) == ("evt_1", "payment_intent.succeeded", {"charge": "pi_1"})
    assert kept.state is MessageState.WAITING
    (event,) = await caller.till.rows(Event)
    assert (event.topic, event.actor_kind, event.actor_name) == ("payment.callback_received", "PROVIDER", "stripe")
    assert PERSON not in repr([kept.__dict__, event.__dict__])


async def test_twenty_at_once_are_kept_once(caller: Caller) -> None:
    await asyncio.gather(*(caller.deliver(EVENT) for _ in range(20)))
    assert len(await caller.till.rows(InboxMessage)) == 1
    assert len(await caller.till.rows(Event)) == 1


async def test_two_accounts_may_use_the_same_id(caller: Caller, world: World, double: StripeDouble) -> None:
    other = Till(world, await world.tenant())
    await caller.deliver(EVENT)
    await Caller(other, await put_stripe(other, double)).deliver(EVENT)
    assert [len(await each.rows(InboxMessage)) for each in (caller.till, other)] == [1, 1]


async def test_what_is_about_no_payment_is_kept_and_ignored(caller: Caller) -> None:
    await caller.deliver({**EVENT, "type": "customer.created"})
    await caller.deliver({**EVENT, "id": "evt_2", "type": "charge.dispute.created"})
    assert await caller.told() == [
        ("customer.created", MessageState.IGNORED), ("charge.dispute.created", MessageState.IGNORED),
    ]  # fmt: skip
    assert await caller.till.rows(Event) == []


def _refusals(path: str) -> dict[str, tuple[bytes, dict[str, str], str]]:
    body, headers = signed(EVENT)
    good = headers["stripe-signature"]
    return {
        "another secret": (*signed(EVENT, "whsec_other"), path),
        "another body": (body.replace(b"evt_1", b"evt_2"), headers, path),
        "six minutes old": (*signed(EVENT, age_s=301), path),
        "from the future": (*signed(EVENT, age_s=-310), path),
        "no signature": (body, {}, path),
        "an empty one": (body, {"stripe-signature": ""}, path),
        "another scheme": (body, {"stripe-signature": good.replace("v1=", "v0=")}, path),
        "no time": (body, {"stripe-signature": good[good.index("v1=") :]}, path),
        "a huge time": (body, {"stripe-signature": f"t={'9' * 5000},{good}"}, path),
        "not ASCII": (body, {"stripe-signature": "t=1,v1=\xff"}, path),
        "not UTF-8": (b"\xff\xfe", headers, path),
        "an unknown account": (body, headers, "/callbacks/stripe/pac_01m80s00000000000000000000"),
        "no id at all": (body, headers, "/callbacks/stripe/stripe"),
        "an id of another kind": (body, headers, f"/callbacks/stripe/{OPERATION(ids.new())}"),
    }


@pytest.mark.parametrize("case", list(_refusals("")))
async def test_what_is_not_signed_for_this_account_is_one_and_the_same_answer(caller: Caller, case: str) -> None:
    body, headers, path = _refusals(caller.path)[case]
    response = await caller.till.world.http.post(
        path, content=body, headers=[(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    )
    assert (response.status_code, response.json()) == (
        400,
        {
            "error": "No account of this address has signed this body within the last 300 seconds: compare the address "
            "and the signing secret with Stripe's."
        },
    )
    assert await caller.till.rows(InboxMessage) == []


@pytest.mark.parametrize(
    "event",
    ["not JSON", "[]", "null", "{}", '{"id": 1, "type": "a"}', '{"id": "evt_1\\u0000", "type": "a"}',
     json.dumps({**EVENT, "id": "e" * 256}), "[" * 20_000],
)  # fmt: skip
async def test_what_is_signed_but_no_event_is_said_so(caller: Caller, event: str) -> None:
    assert await caller.post(*signed(event)) == (400, {"error": "The body is signed, but not an event of Stripe's."})
    assert await caller.till.rows(InboxMessage) == []


async def test_a_body_has_a_limit(caller: Caller) -> None:
    status, said = await caller.post(*signed({**EVENT, "more": "x" * BODY_BYTES_MAX}))
    assert (status, said) == (413, {"error": "The body is larger than 262144 bytes."})
    assert (await caller.till.world.http.get(caller.path)).status_code == 405


async def test_while_the_secret_is_changed_both_are_good(caller: Caller, double: StripeDouble) -> None:
    assert await put_stripe(caller.till, double, webhook_secrets=["whsec_new", SECRET]) == caller.path
    assert (await caller.post(*signed(EVENT)))[0] == 200
    assert (await caller.post(*signed({**EVENT, "id": "evt_2"}, "whsec_new")))[0] == 200
    await put_stripe(caller.till, double, webhook_secrets=["whsec_new"])
    assert (await caller.post(*signed({**EVENT, "id": "evt_3"})))[0] == 400
    assert len(await caller.till.rows(InboxMessage)) == 2


async def test_an_account_without_a_secret_believes_nobody(caller: Caller, double: StripeDouble) -> None:
    await put_stripe(caller.till, double, webhook_secrets=[])
    assert (await caller.post(*signed(EVENT)))[0] == 400
    assert (await caller.post(*signed(EVENT, "")))[0] == 400


async def test_nothing_of_a_callback_is_logged(caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await caller.deliver(EVENT)
        await caller.post(*signed(EVENT, "whsec_other"))
    assert PERSON not in caplog.text
    assert SECRET not in caplog.text


async def test_messages_are_kept_for_thirty_days(caller: Caller, world: World) -> None:
    await caller.deliver(EVENT)
    with travel(days=29):
        await jobs.tick(world.jobs, "kit.forget_inbox")
        assert len(await caller.till.rows(InboxMessage)) == 1
    with travel(days=31):
        await jobs.tick(world.jobs, "kit.forget_inbox")
        assert await caller.till.rows(InboxMessage) == []


# --- what follows --------------------------------------------------------------------------------------------------


async def _payment(till: Till) -> Any:
    (payment,) = await till.rows(payments.Payment)
    return payment


async def test_a_customer_who_acted_is_known_from_the_message(caller: Caller, double: StripeDouble) -> None:
    await caller.till.authorize(ids.new(), provider="stripe")
    ((intent_id, _),) = double.intents.items()
    await double.customer_pays(intent_id)
    for event in double.told:
        await caller.deliver(event)
    await caller.till.world.settle()
    assert (await _payment(caller.till)).status is PaymentStatus.AUTHORIZED
    assert await caller.told() == [("payment_intent.amount_capturable_updated", MessageState.APPLIED)]
    assert await caller.till.topics() == [
        "payment.requires_action", "payment.callback_received", "payment.authorized",
    ]  # fmt: skip


async def whole_life(till: Till) -> None:
    """Authorize, capture, refund half; then another that is voided. Callbacks come as `double.on_change` says."""
    payment = await till.authorized(provider="stripe", reference="pm_card_visa")
    await till.api.ok(CAPTURE, input=till.input(payment))
    await till.api.ok(REFUND, input=till.input(payment, amount="50.00"))
    other = await till.authorized(provider="stripe", reference="pm_card_visa")
    await till.api.ok(VOID, input=till.input(other))


LEDGER = [(10_000, 10_000, 5_000, 0), (10_000, 0, 0, 10_000)]
FACTS = [
    "payment.authorized", "payment.captured", "payment.refunded", "payment.authorized", "payment.voided",
]  # fmt: skip


async def _is_as_told_once(caller: Caller, double: StripeDouble) -> None:
    rows = await caller.till.rows(payments.Payment)
    assert [amounts(row) for row in rows] == LEDGER
    assert [in_flight(row) for row in rows] == [(0, 0, 0, 0)] * 2
    assert [topic for topic in await caller.till.topics() if topic != "payment.callback_received"] == FACTS
    assert double.books() == [(0, 10_000, 5_000, "succeeded"), (0, 0, 0, "canceled")]
    assert {state for _, state in await caller.told()} == {MessageState.APPLIED}


async def test_messages_after_the_calls_in_any_order_and_twice_change_nothing(
    caller: Caller, double: StripeDouble
) -> None:
    await whole_life(caller.till)
    asked = len(double.requests)
    for event in [*reversed(double.told), *double.told]:
        await caller.deliver(event)
        await caller.till.world.settle()
    assert len(await caller.told()) == len(double.told) == 5
    assert len(double.requests) == asked
    await _is_as_told_once(caller, double)


async def test_messages_before_the_calls_own_answers_change_nothing(
    caller: Caller, double: StripeDouble, world: World
) -> None:
    """The message is dealt with while the call is in progress: it is recorded first, the call finds it settled."""

    async def deliver(event: dict[str, Any]) -> None:
        await caller.deliver(event)
        await world.settle()

    double.on_change = deliver
    await whole_life(caller.till)
    double.on_change = None
    assert double.faults == []
    await _is_as_told_once(caller, double)


async def test_a_message_waits_while_stripe_does_not_answer(caller: Caller, double: StripeDouble, world: World) -> None:
    await caller.till.authorize(ids.new(), provider="stripe")
    await double.customer_pays(next(iter(double.intents)))
    await caller.deliver(double.told[0])
    double.trouble = ["away", "rate_limit"]
    for _ in range(2):
        await world.settle()
        await _told_again(caller.till)
    assert (await _payment(caller.till)).status is PaymentStatus.AUTHORIZED
    assert await caller.told() == [("payment_intent.amount_capturable_updated", MessageState.APPLIED)]


async def test_when_all_answers_are_lost_the_messages_are_enough(
    caller: Caller, double: StripeDouble, world: World
) -> None:
    till = caller.till

    async def through(outcome: Any) -> Any:
        for event in double.told:
            await caller.deliver(event)
        await world.settle()
        return outcome

    double.trouble = ["lost_answer"]
    await through(await till.authorize(ids.new(), provider="stripe", reference="pm_card_visa"))
    payment = await _payment(till)
    assert (payment.status, amounts(payment)) == (PaymentStatus.AUTHORIZED, (10_000, 0, 0, 0))
    double.trouble = ["", "lost_answer"]
    await through(await till.api.codes(CAPTURE, input=till.input(payment)))
    assert amounts(await _payment(till)) == (10_000, 10_000, 0, 0)
    double.trouble = ["", "lost_answer"]
    asked = till.input(payment, amount="50.00")
    assert await through(await till.api.codes(REFUND, input=asked)) == ["UPSTREAM_UNAVAILABLE"]
    assert amounts(await _payment(till)) == (10_000, 10_000, 5_000, 0)
    replayed = await till.api.ok(REFUND, input=asked)
    assert replayed["payment"]["refunded"]["amount"] == "50.00"
    assert double.books() == [(0, 10_000, 5_000, "succeeded")]
    assert {state for _, state in await caller.told()} == {MessageState.APPLIED}


async def test_a_message_settles_what_was_given_up(caller: Caller, double: StripeDouble, world: World) -> None:
    till = caller.till
    double.trouble = ["lost_answer"]
    begun = await till.begin(ids.new(), provider="stripe", reference="pm_card_visa")
    await till.finish(begun)
    double.forget_keys()
    unknown = payments.OperationState.UNKNOWN
    async with world.db.transaction(till.caller) as tx:
        from oms_api.payments.provider import Answer, Result
        from oms_api.payments.service.record import found, settle

        await settle(tx, *await found(tx, begun.id), unknown, Answer(Result.UNANSWERED, code="unknown"))
    assert (await _payment(till)).status is PaymentStatus.FAILED
    for event in double.told:
        await caller.deliver(event)
    await world.settle()
    assert (await till.operation(begun.id)).state is OperationState.SUCCEEDED
    assert (await _payment(till)).status is PaymentStatus.AUTHORIZED
    assert double.books() == [(10_000, 0, 0, "requires_capture")]


async def _told_again(till: Till) -> None:
    """What failed is due again: its reaction runs, and everything that follows."""
    for row in await till.rows_by(Failure, "event_id"):
        await jobs.react(till.world.jobs, row.reaction, till.tenant_id, [row.event_id])
    await till.world.settle()


async def test_a_message_that_came_before_our_own_commit_is_matched_when_it_is_told_again(
    caller: Caller, double: StripeDouble, world: World
) -> None:
    """The storefront's own intent: Stripe knows of it before `paymentAuthorize` names it."""
    made = double.storefront_intent(10_000)
    await double.customer_pays(made["id"])
    await caller.deliver(double.told[0])
    await world.settle()
    assert [state for _, state in await caller.told()] == [MessageState.WAITING]
    await caller.till.begin(ids.new(), provider="stripe", reference=made["id"])
    with travel(seconds=30):
        await world.tick("payments.retry")
        await _told_again(caller.till)
    assert (await _payment(caller.till)).status is PaymentStatus.AUTHORIZED
    assert [state for _, state in await caller.told()] == [MessageState.APPLIED]


async def test_a_message_that_matches_nothing_is_tried_a_few_times_and_kept_as_that(caller: Caller) -> None:
    await caller.deliver(EVENT)
    await caller.till.world.settle()
    for attempts in range(1, MATCH_ATTEMPTS_MAX):
        (kept,) = await caller.till.rows(InboxMessage)
        assert (kept.state, kept.attempts) == (MessageState.WAITING, attempts)
        await _told_again(caller.till)
    (kept,) = await caller.till.rows(InboxMessage)
    assert (kept.state, kept.attempts) == (MessageState.UNMATCHED, MATCH_ATTEMPTS_MAX)
    await _told_again(caller.till)
    (after,) = await caller.till.rows(InboxMessage)
    assert (after.state, after.attempts) == (kept.state, kept.attempts)


async def test_a_message_never_reaches_another_tenants_payment(
    caller: Caller, double: StripeDouble, world: World
) -> None:
    """Signed by an account of theirs, with our authorization and our operation in it."""
    till = caller.till
    begun = await till.begin(ids.new(), provider="stripe", reference="pm_card_visa")
    double.trouble = ["lost_answer"]
    await till.finish(begun)
    theirs = Till(world, await world.tenant())
    await Caller(theirs, await put_stripe(theirs, double)).deliver(double.told[0])
    await world.settle()
    assert [row.state for row in await theirs.rows(InboxMessage)] == [MessageState.WAITING]
    assert (await till.operation(begun.id)).state is OperationState.PENDING
    assert await theirs.rows(Operation) == []


async def test_a_false_operation_in_a_message_is_not_believed(
    caller: Caller, double: StripeDouble, world: World
) -> None:
    """Metadata is anybody's with the account's key: the intent must say the same, and be nobody else's."""
    till = caller.till
    begun = await till.begin(ids.new(), provider="stripe", reference="pm_card_visa")
    foreign = double.storefront_intent(1, **{"metadata[operation]": OPERATION(ids.new())})
    await double.customer_pays(foreign["id"])
    event = double.told[0]
    event["data"]["object"]["metadata"]["operation"] = OPERATION(begun.id)
    await caller.deliver(event)
    await world.settle()
    assert (await _payment(till)).status is not PaymentStatus.AUTHORIZED


async def test_an_inbox_is_the_kits_and_knows_no_money() -> None:
    assert inbox.MESSAGE.text == "inm"
    assert set(InboxMessage.model_fields) == {
        "tenant_id", "id", "account_id", "external_id", "kind", "about", "state", "attempts", "received_at",
    }  # fmt: skip
