"""Money that somebody else is to collect has a deadline, and who waits for it hears when nobody did."""

from datetime import timedelta

from oms_api import payments
from oms_api.kit import ids
from oms_api.kit.events import Event
from oms_api.payments import ExternalState, Payment, PaymentStatus
from world import World, travel

from .till import CAPTURE, VOID, Till, amounts


async def due(till: Till, state: ExternalState = ExternalState.DUE) -> Payment:
    return await till.world.db.run(
        lambda tx: payments.record_external(
            tx,
            payable_id=ids.new(),
            method="cash_on_delivery",
            amount_minor=10_000,
            currency="EUR",
            state=state,
            window_s=3600,
        ),
        till.caller,
    )


async def test_it_is_told_once_when_the_window_has_ended(till: Till, world: World) -> None:
    payment = await due(till)
    node = await till.api(
        "query($id: ID!) { node(id: $id) { ... on Payment { dueAt } } }", id=payments.PAYMENT(payment.id)
    )
    assert payment.due_at == payment.created_at + timedelta(hours=1)
    assert node["node"]["dueAt"] == payment.due_at.isoformat().replace("+00:00", "Z")
    with travel(minutes=59):
        await world.tick("payments.overdue")
    assert await till.topics() == []
    with travel(minutes=61):
        await world.tick("payments.overdue")
        await world.tick("payments.overdue")
    assert await till.topics() == ["payment.overdue"]
    (event,) = [row for row in await till.rows(Event) if row.topic == "payment.overdue"]
    assert (event.subject_id, event.owner_id) == (payment.id, payment.payable_id)
    assert event.data == {"paymentId": payments.PAYMENT(payment.id), "amountMinor": 10_000, "currency": "EUR"}
    assert (await till.payment(payment.id)).status is PaymentStatus.PENDING


async def test_only_what_is_still_missing_is_overdue(till: Till, world: World) -> None:
    payment = await due(till)
    await till.api.ok(CAPTURE, input=till.input(payment, amount="40.00"))
    with travel(minutes=61):
        await world.tick("payments.overdue")
    (event,) = [row for row in await till.rows(Event) if row.topic == "payment.overdue"]
    assert event.data["amountMinor"] == 6_000


async def test_what_is_collected_let_go_or_was_there_before_is_never_overdue(till: Till, world: World) -> None:
    collected, gone, there = await due(till), await due(till), await due(till, ExternalState.AUTHORIZED)
    await till.api.ok(CAPTURE, input=till.input(collected))
    await till.api.ok(VOID, input=till.input(gone))
    for payment in (collected, gone, there):
        assert (await till.payment(payment.id)).due_at is None
    with travel(minutes=61):
        await world.tick("payments.overdue")
    assert "payment.overdue" not in await till.topics()


async def test_it_can_still_be_collected_afterwards(till: Till, world: World) -> None:
    payment = await due(till)
    with travel(minutes=61):
        await world.tick("payments.overdue")
    await till.api.ok(CAPTURE, input=till.input(payment))
    assert amounts(await till.payment(payment.id)) == (10_000, 10_000, 0, 0)
