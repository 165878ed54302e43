"""Confirming, paying, lapsing: what money does to an order."""

from datetime import datetime
from typing import Any

import pytest

from oms_api import orders
from oms_api.kit.caller import system
from oms_api.kit.errors import ExceedsRemaining, Invalid, InvalidAmount
from orders.store import AUTHORIZE, CAPTURE, CONFIRM, Store, key, minor, sku, units, usd
from world import travel


async def _confirm(store: Store, order: dict[str, Any], **more: Any) -> dict[str, Any]:
    sent = {"idempotencyKey": key(), "order": {"id": order["id"]}, **more}
    answer: dict[str, Any] = (await store.api(CONFIRM, input=sent))["orderConfirm"]
    return answer


def _codes(answer: dict[str, Any]) -> list[str]:
    return [error["code"] for error in answer["userErrors"]]


def _action(order: dict[str, Any], name: str) -> tuple[bool, str | None]:
    return next((item["allowed"], item["reason"]) for item in order["actions"] if item["name"] == name)


# --- confirming ----------------------------------------------------------------------------------------------------


async def test_an_order_waits_for_its_decision_when_asked_to(store: Store) -> None:
    await store.open({"A": {"dc": 5}})
    order = await store.create({"A": 1}, autoConfirm=False)
    assert order["status"] == "PENDING"
    assert _action(order, "orderConfirm") == (True, None)
    confirmed = (await _confirm(store, order, expectedVersion=1))["order"]
    assert (confirmed["status"], confirmed["version"]) == ("CONFIRMED", 2)
    assert _action(confirmed, "orderConfirm") == (False, "It is CONFIRMED.")
    again = await _confirm(store, order)
    assert _codes(again) == ["INVALID_TRANSITION"]
    assert again["userErrors"][0]["details"]["currentState"] == "CONFIRMED"
    assert (await store.topics(order))[:3] == ["reservation.created", "order.created", "order.confirmed"]


async def test_confirming_with_an_old_version_is_refused(store: Store) -> None:
    await store.open({"A": {"dc": 5}})
    order = await store.create({"A": 1}, autoConfirm=False)
    stale = await _confirm(store, order, expectedVersion=7)
    assert _codes(stale) == ["VERSION_CONFLICT"]
    assert stale["userErrors"][0]["details"]["currentVersion"] == 1
    assert (await store.look(order))["status"] == "PENDING"


async def test_confirming_as_a_dry_run_changes_nothing(store: Store) -> None:
    await store.open({"A": {"dc": 5}})
    order = await store.create({"A": 1}, autoConfirm=False)
    dry = await _confirm(store, order, dryRun=True)
    assert dry["order"] == order
    assert minor(dry["preview"]["total"]) == 1000
    assert dry["preview"]["lines"][0]["lineId"] == order["lines"][0]["id"]
    assert await store.look(order) == order


async def test_an_unpaid_order_is_not_confirmed_before_its_channels_rule_is_met(store: Store) -> None:
    await store.open({"A": {"dc": 5}}, paymentRule="AUTHORIZED")
    order = await store.create({"A": 1})
    assert order["status"] == "PENDING"
    assert _action(order, "orderConfirm") == (False, "10.00 USD must be AUTHORIZED first.")
    refused = await _confirm(store, order)
    assert _codes(refused) == ["INVALID_TRANSITION"]
    assert refused["userErrors"][0]["details"]["allowedActions"] == ["paymentAuthorize", "orderCancel"]
    assert await store.look(order) == order


async def test_an_unknown_order_is_not_found_and_neither_is_another_tenants(store: Store) -> None:
    await store.open({"A": {"dc": 5}})
    order = await store.create({"A": 1}, autoConfirm=False)
    stranger = Store(store.world, await store.world.tenant())
    assert _codes(await _confirm(stranger, order)) == ["NOT_FOUND"]
    assert _codes(await _confirm(store, {"id": "ord_none"})) == ["NOT_FOUND"]
    assert _codes(await stranger.authorize(order)) == ["NOT_FOUND"]


# --- authorizing ---------------------------------------------------------------------------------------------------


async def test_authorizing_all_confirms_and_the_answer_shows_it(store: Store) -> None:
    await store.open({"A": {"dc": 5}}, paymentRule="AUTHORIZED")
    order = await store.create({"A": 2})
    assert _action(order, "paymentAuthorize") == (True, None)
    payment = (await store.authorize(order))["payment"]
    assert (payment["status"], minor(payment["authorized"])) == ("AUTHORIZED", 2000)
    assert (payment["order"]["id"], payment["order"]["status"], payment["order"]["version"]) == (
        order["id"], "CONFIRMED", 2,
    )  # fmt: skip
    assert minor(payment["order"]["outstanding"]) == 2000
    topics = await store.topics(order)
    assert topics.index("payment.authorized") < topics.index("order.confirmed")
    assert topics.count("order.confirmed") == 1
    assert _action(await store.look(order), "paymentAuthorize") == (False, "Nothing is left to authorize.")


async def test_a_part_may_be_authorized_and_more_than_is_left_may_not(store: Store) -> None:
    await store.open({"A": {"dc": 5}}, paymentRule="AUTHORIZED")
    order = await store.create({"A": 2})
    assert (await store.authorize(order, amount=usd("5.00")))["payment"]["order"]["status"] == "PENDING"
    more = await store.authorize(order, amount=usd("15.01"))
    assert _codes(more) == ["EXCEEDS_REMAINING"]
    assert more["userErrors"][0]["details"]["remainingAmount"] == {"minorAmount": "1500"}
    rest = (await store.authorize(order))["payment"]
    assert (minor(rest["authorized"]), rest["order"]["status"]) == (1500, "CONFIRMED")
    nothing = await store.authorize(order)
    assert _codes(nothing) == ["EXCEEDS_REMAINING"]
    assert nothing["userErrors"][0]["details"]["remainingAmount"] == {"minorAmount": "0"}
    assert [each["userErrors"][0]["path"] for each in (more, nothing)] == [["input", "amount"], ["input", "order"]]
    assert _codes(await store.authorize(order, amount={"amount": "1.00", "currency": "EUR"})) == ["INVALID_AMOUNT"]


async def test_what_somebody_else_collects_is_due_when_the_payment_window_ends(store: Store) -> None:
    """Also of an order that does not wait for it: else nobody would ever ask."""
    await store.open({"A": {"dc": 5}}, paymentRule="NONE", paymentWindowSeconds=7200)
    due = [{"method": "cash_on_delivery", "amount": usd("10.00"), "state": "DUE"}]
    order = await store.create({"A": 1}, externalPayments=due)
    asked = "query($id: ID!) { order(by: { id: $id }) { createdAt payments { dueAt } } }"
    found = (await store.api(asked, id=order["id"]))["order"]
    created, due_at = (datetime.fromisoformat(at) for at in (found["createdAt"], found["payments"][0]["dueAt"]))
    assert (order["status"], round((due_at - created).total_seconds())) == ("CONFIRMED", 7200)
    with travel(seconds=7201):
        await store.world.tick("payments.overdue")
        assert (await store.topics(order)).count("payment.overdue") == 1


async def test_a_declined_payment_confirms_nothing_and_may_be_tried_again(store: Store) -> None:
    await store.open({"A": {"dc": 5}}, paymentRule="AUTHORIZED")
    order = await store.create({"A": 1})
    declined = await store.authorize(order, providerReference="decline")
    assert _codes(declined) == ["PAYMENT_DECLINED"]
    assert (await store.look(order))["status"] == "PENDING"
    assert (await store.authorize(order))["payment"]["order"]["status"] == "CONFIRMED"


async def test_a_channel_that_wants_money_taken_confirms_when_it_is(store: Store) -> None:
    await store.open({"A": {"dc": 5}}, paymentRule="CAPTURED")
    order = await store.create({"A": 1})
    payment = (await store.authorize(order))["payment"]
    assert payment["order"]["status"] == "PENDING"
    await store.api.ok(CAPTURE, input={"idempotencyKey": key(), "id": payment["id"]})
    await store.world.settle()
    paid = await store.look(order)
    assert (paid["status"], minor(paid["outstanding"])) == ("CONFIRMED", 0)


async def test_an_order_that_waits_for_a_decision_is_not_confirmed_by_money(store: Store) -> None:
    await store.open({"A": {"dc": 5}}, paymentRule="AUTHORIZED")
    order = await store.create({"A": 1}, autoConfirm=False)
    assert (await store.authorize(order))["payment"]["order"]["status"] == "PENDING"
    assert (await _confirm(store, order))["order"]["status"] == "CONFIRMED"


async def test_the_same_key_authorizes_once(store: Store) -> None:
    await store.open({"A": {"dc": 5}}, paymentRule="AUTHORIZED")
    order = await store.create({"A": 1})
    sent = {"idempotencyKey": key(), "order": {"number": order["number"]}, "provider": "fake"}
    first = await store.api.answer(AUTHORIZE, input=sent)
    again = await store.api.answer(AUTHORIZE, input=sent)
    assert first["data"] == again["data"]
    assert again["extensions"]["idempotency"] == {"replayed": True}
    assert len((await store.look(order))["payments"]) == 1


async def test_money_that_changes_grows_the_version_once(store: Store) -> None:
    await store.open({}, skus=[sku("SONG", "10.00", kind="DIGITAL")], paymentRule="AUTHORIZED")
    order = await store.create({"SONG": 1}, shippingAddress=None)
    payment = (await store.authorize(order))["payment"]
    await store.world.settle()
    assert (await store.look(order))["version"] == 2
    await store.api.ok(CAPTURE, input={"idempotencyKey": key(), "id": payment["id"]})
    await store.world.settle()
    done = await store.look(order)
    assert (done["version"], done["status"], minor(done["outstanding"])) == (3, "COMPLETED", 0)
    assert [topic for topic in await store.topics(order) if topic.startswith("order.")] == [
        "order.created", "order.confirmed", "order.shipped", "order.completed",
    ]  # fmt: skip


# --- lapsing -------------------------------------------------------------------------------------------------------


async def test_an_unpaid_order_lapses_when_its_window_ends_and_gives_its_units_back(store: Store) -> None:
    await store.open({"A": {"dc": 5}}, paymentRule="AUTHORIZED", paymentWindowSeconds=3600)
    order = await store.create({"A": 5}, shippingCharge=usd("5.00"))
    with travel(seconds=3590):
        await store.world.tick("orders.lapse")
        assert (await store.look(order))["status"] == "PENDING"
    with travel(seconds=3610):
        await store.world.tick("orders.lapse")
        lapsed = await store.look(order)
    assert lapsed["status"] == "CANCELLED"
    assert units(lapsed["lines"][0]) == {"cancelled": 5}
    assert (minor(lapsed["total"]), minor(lapsed["subtotal"]), minor(lapsed["outstanding"])) == (0, 0, 0)
    assert lapsed["version"] == 2
    assert await store.reserved("A") == {}
    assert [topic for topic in await store.topics(order) if topic.startswith("order.")] == [
        "order.created", "order.lapsed", "order.cancelled",
    ]  # fmt: skip
    assert _codes(await store.authorize(order)) == ["INVALID_TRANSITION"]
    assert units((await store.create({"A": 5}))["lines"][0]) == {"reserved": 5}


async def test_part_of_the_money_does_not_save_an_order_and_is_let_go(store: Store) -> None:
    await store.open({"A": {"dc": 5}}, paymentRule="AUTHORIZED", paymentWindowSeconds=3600)
    order = await store.create({"A": 2})
    assert (await store.authorize(order, amount=usd("5.00")))["userErrors"] == []
    taken = (await store.authorize(order, amount=usd("6.00")))["payment"]
    await store.api.ok(CAPTURE, input={"idempotencyKey": key(), "id": taken["id"]})
    with travel(seconds=3610):
        await store.world.tick("orders.lapse")
        lapsed = await store.look(order)
    assert lapsed["status"] == "CANCELLED"
    assert [payment["status"] for payment in lapsed["payments"]] == ["VOIDED", "REFUNDED"]
    assert minor(lapsed["outstanding"]) == 0


async def test_a_paid_order_that_waits_for_a_decision_does_not_lapse(store: Store) -> None:
    await store.open({"A": {"dc": 5}}, paymentRule="AUTHORIZED", paymentWindowSeconds=3600)
    order = await store.create({"A": 1}, autoConfirm=False)
    await store.authorize(order)
    before = await store.look(order)
    with travel(seconds=3610):
        await store.world.tick("orders.lapse")
        assert await store.look(order) == before
        await _confirm(store, order)
    with travel(days=3):
        await store.world.tick("orders.lapse")
        assert (await store.look(order))["status"] == "CONFIRMED"


async def test_money_that_comes_after_the_order_lapsed_is_let_go_again(store: Store) -> None:
    await store.open({"A": {"dc": 5}}, paymentRule="AUTHORIZED", paymentWindowSeconds=60)
    order = await store.create({"A": 1})
    waiting = await store.authorize(order, providerReference="timeout")
    assert _codes(waiting) == ["UPSTREAM_UNAVAILABLE"]
    with travel(seconds=70):
        await store.world.tick("orders.lapse")
        assert (await store.look(order))["status"] == "CANCELLED"
    with travel(hours=10):
        for _ in range(10):
            await store.world.tick("payments.retry")
        late = await store.look(order)
    assert [payment["status"] for payment in late["payments"]] == ["VOIDED"]
    assert minor(late["outstanding"]) == 0


# --- units and credits of upper domains: undone at once, because no location and no return stands behind them --------


async def test_a_move_is_all_or_none_and_the_order_follows(store: Store) -> None:
    await store.open({"A": {"dc": 5}, "B": {"dc": 5}}, paymentRule="AUTHORIZED")
    order = await store.create({"A": 2, "B": 1})
    order_id, (a, b) = orders.ORDER.parse(order["id"]), (orders.LINE.parse(line["id"]) for line in order["lines"])
    state = orders.UnitState
    async with store.world.db.transaction(system(store.api.tenant_id)) as tx:
        steps = [
            orders.Move(a, state.RESERVED, state.ALLOCATED, 2), orders.Move(b, state.RESERVED, state.PENDING, 1),
        ]  # fmt: skip
        after = await orders.move(tx, order_id, steps)
        assert (after.version, after.status) == (2, orders.OrderStatus.PENDING)
        with pytest.raises(ExceedsRemaining):
            await orders.move(
                tx,
                order_id,
                [
                    orders.Move(a, state.ALLOCATED, state.SHIPPED, 2),
                    orders.Move(b, state.RESERVED, state.CANCELLED, 1),
                ],
            )
        lines = (await orders.lines_of(tx, [order_id]))[order_id]
        assert [(line.reserved, line.allocated, line.pending, line.shipped) for line in lines] == [
            (0, 2, 0, 0), (0, 0, 1, 0),
        ]  # fmt: skip
        with pytest.raises(Invalid):
            await orders.move(tx, order_id, [orders.Move(order_id, state.RESERVED, state.ALLOCATED, 1)])
        tx.discard()
    assert await store.look(order) == order


async def test_cancelling_units_lowers_the_total_and_lets_go_what_was_held(store: Store) -> None:
    await store.open({"A": {"dc": 5}}, paymentRule="AUTHORIZED")
    tax = [{"kind": "TAX", "label": "Tax", "amount": usd("1.00")}]
    order = await store.create({"A": 3}, adjustments=tax, shippingCharge=usd("5.00"))
    order_id, line_id = orders.ORDER.parse(order["id"]), orders.LINE.parse(order["lines"][0]["id"])
    caller = system(store.api.tenant_id)
    async with store.world.db.transaction(caller) as tx:
        with pytest.raises(ExceedsRemaining):
            await orders.cancel_units(tx, order_id, [orders.CancelUnits(line_id, 4)], reason="customer")
        await orders.cancel_units(tx, order_id, [orders.CancelUnits(line_id, 1)], reason="customer")
    less = await store.look(order)
    assert units(less["lines"][0]) == {"reserved": 2, "cancelled": 1}
    assert [minor(less[name]) for name in ("subtotal", "taxTotal", "total")] == [2000, 66, 2566]
    assert await store.reserved("A") == {"A@dc": 2}
    async with store.world.db.transaction(caller) as tx:
        await orders.cancel_units(tx, order_id, None, reason="customer")
    gone = await store.look(order)
    assert (gone["status"], minor(gone["total"]), gone["version"]) == ("CANCELLED", 0, 3)
    assert await store.reserved("A") == {}


async def test_a_credit_lowers_what_is_outstanding_and_not_the_total(store: Store) -> None:
    await store.open({"A": {"dc": 5}}, paymentRule="AUTHORIZED")
    order = await store.create({"A": 2})
    async with store.world.db.transaction(system(store.api.tenant_id)) as tx:
        after = await orders.credit(tx, orders.ORDER.parse(order["id"]), 300)
        assert (after.total_minor, after.credited_minor, after.version) == (2000, 300, 2)
        assert orders.outstanding(after, orders.Funds()) == 1700
        with pytest.raises(InvalidAmount):
            await orders.credit(tx, after.id, 0)
        tx.discard()
    assert await store.look(order) == order
