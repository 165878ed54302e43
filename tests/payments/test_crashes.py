"""A process dies, a provider is away: no intent is forgotten, none is carried out twice, nothing is stuck."""

from collections.abc import Awaitable, Callable

import pytest

from oms_api import payments
from oms_api.kit import ids, jobs
from oms_api.kit.db import Tx
from oms_api.kit.events import Event
from oms_api.payments import Operation, OperationState, Payment, PaymentStatus
from oms_api.payments.models import FakeCall, ProviderAccount
from oms_api.payments.rules import ATTEMPTS_MAX
from world import World, travel

from .till import CAPTURE, REFUND, VOID, Till, amounts, in_flight

BEGIN: dict[str, Callable[..., Awaitable[Operation]]] = {
    "CAPTURE": payments.capture,
    "VOID": payments.void,
    "REFUND": payments.refund,
}
DONE = {
    "AUTHORIZE": (10_000, 0, 0, 0),
    "CAPTURE": (10_000, 10_000, 0, 0),
    "VOID": (10_000, 0, 0, 10_000),
    "REFUND": (10_000, 10_000, 10_000, 0),
}


async def intent(till: Till, kind: str, *, provider: str = "fake", attended: bool = True) -> Operation:
    """The first transaction of a mutation, and nothing after it."""
    if kind == "AUTHORIZE":
        return await till.begin(ids.new(), provider=provider)
    make = till.captured if kind == "REFUND" else till.authorized
    payment = await make(provider=provider)
    return await till.world.db.run(lambda tx: BEGIN[kind](tx, payment.id, attended=attended), till.caller)


@pytest.mark.parametrize("kind", DONE)
async def test_a_process_that_dies_before_the_call_is_made_up_for_by_the_timer(
    till: Till, world: World, kind: str
) -> None:
    begun = await intent(till, kind)
    await world.settle()
    await world.tick("payments.retry")
    assert (await till.operation(begun.id)).state is OperationState.PENDING
    assert await till.one(FakeCall, begun.id) is None
    with travel(seconds=21):
        await world.tick("payments.retry")
    assert (await till.operation(begun.id)).state is OperationState.SUCCEEDED
    assert (await till.one(FakeCall, begun.id)).calls == 1
    payment = await till.payment(begun.payment_id)
    assert (amounts(payment), in_flight(payment)) == (DONE[kind], (0, 0, 0, 0))
    assert await till.books() == [DONE[kind]]


@pytest.mark.parametrize("kind", DONE)
async def test_a_process_that_dies_before_it_records_has_one_effect_at_the_provider(
    till: Till, world: World, kind: str
) -> None:
    begun = await intent(till, kind)
    await till.call(begun.id)
    assert await till.books() == [DONE[kind]]
    assert (await till.operation(begun.id)).state is OperationState.PENDING
    with travel(seconds=21):
        await world.tick("payments.retry")
        await world.tick("payments.retry")
    assert (await till.operation(begun.id)).state is OperationState.SUCCEEDED
    assert (await till.one(FakeCall, begun.id)).calls == 2
    assert amounts(await till.payment(begun.payment_id)) == DONE[kind]
    assert await till.books() == [DONE[kind]]


@pytest.mark.parametrize("kind", ["CAPTURE", "VOID", "REFUND"])
async def test_what_nobody_attends_to_is_asked_by_the_reaction(till: Till, world: World, kind: str) -> None:
    begun = await intent(till, kind, attended=False)
    await world.settle()
    assert (await till.operation(begun.id)).state is OperationState.SUCCEEDED
    assert await till.books() == [DONE[kind]]


async def test_a_reaction_that_is_told_twice_asks_once(till: Till, world: World) -> None:
    begun = await intent(till, "CAPTURE", attended=False)
    await world.settle()
    events = [row for row in await till.rows(Event) if row.topic == "payment.operation_requested"]
    await jobs.react(world.jobs, "payments.carry_out", till.tenant_id, [event.id for event in events])
    assert (await till.one(FakeCall, begun.id)).calls == 1
    assert await till.books() == [DONE["CAPTURE"]]


async def test_after_the_timer_has_finished_it_the_same_key_replays(till: Till, world: World) -> None:
    await till.put_account("shaky", capture="lost_answer")
    payment = await till.authorized(provider="shaky")
    asked = till.input(payment)
    assert await till.api.codes(CAPTURE, input=asked) == ["UPSTREAM_UNAVAILABLE"]
    with travel(seconds=21):
        await world.tick("payments.retry")
    before = await till.everything()
    done = await till.api.ok(CAPTURE, input=asked)
    assert done["payment"]["captured"]["amount"] == "100.00"
    assert await till.everything() == before


async def give_up(till: Till, world: World, operation: Operation) -> None:
    """Let all attempts pass."""
    for _ in range(ATTEMPTS_MAX):
        row = await till.operation(operation.id)
        assert row.state is OperationState.PENDING
        assert row.next_attempt_at is not None
        with travel(seconds=(row.next_attempt_at - row.created_at).total_seconds() + 1):
            await world.tick("payments.retry")
    assert (await till.operation(operation.id)).state is OperationState.UNKNOWN


async def unresolved(till: Till) -> list[Operation]:
    async with till.world.db.reading(till.tenant_id) as reading:
        return [row for row in await payments.unresolved(reading) if row.tenant_id == till.tenant_id]


async def test_a_provider_that_stays_away_is_asked_a_bounded_number_of_times_then_a_person_is(
    till: Till, world: World
) -> None:
    await till.put_account("gone", authorize="away")
    begun = await intent(till, "AUTHORIZE", provider="gone")
    await till.finish(begun)
    await give_up(till, world, begun)
    assert (await till.one(FakeCall, begun.id)).calls == ATTEMPTS_MAX
    with travel(days=7):
        await world.tick("payments.retry")
    assert (await till.one(FakeCall, begun.id)).calls == ATTEMPTS_MAX
    payment = await till.payment(begun.payment_id)
    assert (payment.status, in_flight(payment)) == (PaymentStatus.FAILED, (0, 0, 0, 0))
    assert await till.committed(payment.payable_id) == 0
    assert [row.id for row in await unresolved(till)] == [begun.id]
    assert await till.topics() == ["payment.operation_unresolved", "payment.failed"]


async def test_a_late_answer_settles_what_was_given_up(till: Till, world: World) -> None:
    await till.put_account("gone", authorize="away")
    begun = await intent(till, "AUTHORIZE", provider="gone")
    await give_up(till, world, begun)
    await till.put_account("gone")
    assert list((await till.finish(begun)).refusals) == []
    payment = await till.payment(begun.payment_id)
    assert (payment.status, amounts(payment)) == (PaymentStatus.AUTHORIZED, DONE["AUTHORIZE"])
    assert await till.committed(payment.payable_id) == 10_000
    assert await unresolved(till) == []


async def test_a_refund_of_which_nobody_knows_is_not_paid_a_second_time(till: Till, world: World) -> None:
    await till.put_account("gone", refund="away")
    payment = await till.captured(provider="gone")
    asked = till.input(payment, amount="60.00")
    assert await till.api.codes(REFUND, input=asked) == ["UPSTREAM_UNAVAILABLE"]
    (begun,) = [row for row in await till.rows(Operation) if row.kind == "REFUND"]
    await give_up(till, world, begun)
    before = await till.everything()
    (error,) = await till.api.refused(REFUND, input=till.input(payment, amount="60.00"))
    assert error["details"]["remainingAmount"] == {"amount": "40.00"}
    assert await till.everything() == before
    await till.put_account("gone")
    await till.api.ok(REFUND, input=asked)
    assert await till.books() == [(10_000, 10_000, 6_000, 0)]
    assert amounts(await till.payment(payment.id)) == (10_000, 10_000, 6_000, 0)


async def test_a_payable_let_go_before_the_answer_is_let_go_at_the_provider_too(till: Till, world: World) -> None:
    payable = ids.new()
    begun = await till.begin(payable)
    await till.world.db.run(lambda tx: payments.void_payable(tx, payable), till.caller)
    payment = await till.payment(begun.payment_id)
    assert (payment.status, payment.let_go) == (PaymentStatus.PENDING, True)
    with travel(seconds=21):
        await world.tick("payments.retry")
    assert amounts(await till.payment(begun.payment_id)) == (10_000, 0, 0, 10_000)
    assert await till.books() == [(10_000, 0, 0, 10_000)]


async def test_a_void_that_the_provider_declines_ends_and_frees_the_payment(till: Till, world: World) -> None:
    await till.put_account("strict", void="decline")
    payment = await till.authorized(provider="strict")
    await till.world.db.run(lambda tx: payments.void_payable(tx, payment.payable_id), till.caller)
    await world.settle()
    assert [row.state for row in await till.rows(Operation)] == [OperationState.SUCCEEDED, OperationState.FAILED]
    assert await till.api.codes(VOID, input=till.input(payment)) == ["PAYMENT_DECLINED"]
    done = await till.api.ok(CAPTURE, input=till.input(payment))
    assert done["payment"]["status"] == "CAPTURED"


async def test_an_operation_that_breaks_stops_no_other(till: Till, world: World) -> None:
    await till.put_account("broken")
    broken = await intent(till, "AUTHORIZE", provider="broken")

    async def spoil(tx: Tx) -> None:
        (account,) = await till.rows(ProviderAccount)
        await tx.upsert(
            ProviderAccount, [{**account.__dict__, "config": "not encrypted"}], key=("tenant_id", "handle"),
            change=("config",),
        )  # fmt: skip

    await world.db.run(spoil, till.caller)
    other = Till(world, await world.tenant())
    sound = await intent(other, "AUTHORIZE")
    with travel(seconds=21):
        await world.tick("payments.retry")
    assert (await other.operation(sound.id)).state is OperationState.SUCCEEDED
    row = await till.operation(broken.id)
    assert (row.state, row.attempts) == (OperationState.PENDING, 2)
    await till.put_account("broken")
    with travel(minutes=2):
        await world.tick("payments.retry")
    assert (await till.operation(broken.id)).state is OperationState.SUCCEEDED


async def test_nothing_waits_without_a_next_attempt(till: Till) -> None:
    for reference in ("ok", "decline", "timeout", "lost_answer", "requires_action"):
        await till.authorize(ids.new(), reference=reference)
    waiting = {"PENDING", "REQUIRES_ACTION"}
    for row in await till.rows(Operation):
        assert (row.next_attempt_at is not None) == (row.state in waiting)
        assert (row.settled_at is None) == (row.state in waiting)
    assert len(await till.rows(Payment)) == 5
