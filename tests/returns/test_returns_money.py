"""What comes back is paid back: to the last cent, once, and never what was not taken."""

from typing import Any

from sqlalchemy import update
from sqlmodel import col

from fulfillment.desk import REFUND, Desk, key, minor
from oms_api.kit.caller import system
from oms_api.payments.models import FakeCharge
from returns.parcels import delivered


def odd_line(quantity: int) -> list[dict[str, Any]]:
    """A line whose discount and tax do not divide by its units."""
    money = {"currency": "USD"}
    return [
        {
            "sku": "A",
            "quantity": quantity,
            "unitPrice": {"amount": "10.00", **money},
            "adjustments": [
                {"kind": "DISCOUNT", "label": "Sale", "amount": {"amount": "1.00", **money}},
                {"kind": "TAX", "label": "Sales tax", "amount": {"amount": "2.57", **money}},
            ],
        }
    ]


async def test_unit_by_unit_equals_at_once_to_the_last_cent(desk: Desk) -> None:
    await desk.open({"A": {"north": 20}})
    more = {
        "shippingCharge": {"amount": "4.90", "currency": "USD"},
        "adjustments": [{"kind": "DISCOUNT", "label": "Coupon", "amount": {"amount": "0.50", "currency": "USD"}}],
    }
    order = await desk.deliver(await desk.order(lines=odd_line(3), paid="captured", **more))
    assert minor(order["total"]) == 3000 - 100 + 257 - 50 + 490
    refunded = []
    for _ in range(3):
        rma = await desk.approved(order, {"A": 1})
        refunded.append(minor((await desk.receive(rma, [("A", 1, "RESTOCK")], "north"))["refunded"]))
    assert sum(refunded) == 3000 - 100 + 257 - 50
    assert sorted(refunded) == [1035, 1036, 1036]
    after = await desk.look(order["id"])
    assert minor(after["payments"][0]["refunded"]) == 3107
    assert minor(after["outstanding"]) == 0


async def test_after_a_cancellation_the_rest_comes_back_for_exactly_what_was_paid(desk: Desk) -> None:
    await desk.open({"A": {"north": 20}})
    order = await desk.order(lines=odd_line(3), paid="captured")
    less = await desk.cancel(order, {"A": 1})
    order = await desk.deliver(less)
    rma = await desk.approved(order, {"A": 2})
    closed = await desk.receive(rma, [("A", 2, "RESTOCK")], "north")
    assert minor(closed["refunded"]) == minor(less["total"])
    after = await desk.look(order["id"])
    assert minor(after["payments"][0]["refunded"]) == 3157
    assert minor(after["outstanding"]) == 0


async def test_what_was_never_captured_is_only_credited(desk: Desk) -> None:
    await desk.open({"A": {"north": 20}})
    order = await desk.order(lines={"A": 3}, paid="authorized")
    await desk.capture(order["id"], "15.00")
    order = await desk.deliver(order)
    rma = await desk.approved(order, {"A": 2})
    closed = await desk.receive(rma, [("A", 2, "RESTOCK")], "north")
    after = await desk.look(order["id"])
    assert (closed["status"], minor(closed["refunded"])) == ("CLOSED", 500)
    assert (minor(after["creditedTotal"]), minor(after["outstanding"])) == (2000, 0)


async def test_an_unpaid_order_is_only_credited(desk: Desk) -> None:
    order = await delivered(desk, None, A=3)
    rma = await desk.approved(order, {"A": 1})
    closed = await desk.receive(rma, [("A", 1, "RESTOCK")], "north")
    assert (closed["status"], minor(closed["refundable"]), minor(closed["refunded"])) == ("CLOSED", 0, 0)
    assert minor((await desk.look(order["id"]))["outstanding"]) == 2000


async def test_money_given_back_by_hand_before_is_not_given_twice(desk: Desk) -> None:
    order = await delivered(desk, A=3)
    by_hand = {
        "idempotencyKey": key(), "id": order["payments"][0]["id"], "amount": {"amount": "10.00", "currency": "USD"},
    }  # fmt: skip
    await desk.api.ok(REFUND, input=by_hand)
    await desk.world.settle()
    rma = await desk.approved(order, {"A": 2})
    closed = await desk.receive(rma, [("A", 2, "RESTOCK")], "north")
    assert (closed["status"], minor(closed["refunded"])) == ("CLOSED", 1000)
    assert minor((await desk.look(order["id"]))["outstanding"]) == 0


async def test_a_refund_that_the_provider_refuses_stays_owed_until_it_is_made_by_hand(desk: Desk) -> None:
    order = await delivered(desk, A=3)
    rma = await desk.approved(order, {"A": 2})
    caller = system(desk.api.tenant_id)
    books = update(FakeCharge.__table__).where(col(FakeCharge.tenant_id) == desk.api.tenant_id)  # type: ignore[attr-defined]
    await desk.world.db.run(lambda tx: tx.run(books.values(captured_minor=0)), caller)
    refused = await desk.receive(rma, [("A", 2, "RESTOCK")], "north")
    assert (refused["status"], minor(refused["refundable"]), minor(refused["refunded"])) == ("RECEIVED", 2000, 0)
    await desk.world.db.run(lambda tx: tx.run(books.values(captured_minor=3000)), caller)
    by_hand = {
        "idempotencyKey": key(), "id": order["payments"][0]["id"], "amount": {"amount": "20.00", "currency": "USD"},
    }  # fmt: skip
    await desk.api.ok(REFUND, input=by_hand)
    await desk.world.settle()
    closed = await desk.rma(rma["id"])
    assert (closed["status"], minor(closed["refundable"]), minor(closed["refunded"])) == ("CLOSED", 0, 2000)
    assert minor((await desk.look(order["id"]))["outstanding"]) == 0
