"""The invariants' checks find what is broken: each is broken by hand, in a tenant of its own."""

import pytest

from allocation.scarce import classes, share
from fulfillment.desk import Desk
from invariants import broken, check
from oms_api.kit.caller import system
from world import Api, World

TAMPERED = {
    "UPDATE positions SET on_hand = on_hand + 1 WHERE tenant_id = {t}": {
        "1: on_hand is the sum of its movements",
        "4: stock is what its facts add up to",
        "4: the last fact about stock tells the truth",
    },
    "UPDATE positions SET reserved = reserved + 1 WHERE tenant_id = {t}": {
        "1: reserved units of a position are those of open reservations"
    },
    "UPDATE reservation_lines SET quantity = quantity - 1 WHERE tenant_id = {t} AND quantity > 0": {
        "1: reserved units of a position are those of open reservations",
        "1: an order holds on hand what it is owed and no more",
    },
    "UPDATE allocation_uses SET quantity = quantity - 1 WHERE tenant_id = {t}": {
        "1: what is used of a share was taken of it and not given back"
    },
    "UPDATE order_lines SET allocated = allocated - 1, delivered = delivered + 1 WHERE tenant_id = {t}": {
        "1: an order holds on hand what it is owed and no more",
        "2: units that are allocated are those of the locations",
        "2: units that are gone are those of the locations",
        "2: units that are arrived are those of the locations",
    },
    "UPDATE shipment_lines SET quantity = quantity + 1 WHERE tenant_id = {t}": {"2: what left is in a shipment"},
    "UPDATE orders SET total_minor = total_minor + 1 WHERE tenant_id = {t}": {
        "3: total is lines - discounts + fees + shipping + tax"
    },
    "UPDATE order_adjustments SET amount_minor = amount_minor + 1 WHERE tenant_id = {t}": {
        "3: tax_minor of the lines is what was sent"
    },
    "UPDATE payments SET captured_minor = captured_minor - 1 WHERE tenant_id = {t}": {
        "3: a payment is the sum of what succeeded",
        "4: payment.captured adds up to the payment",
        "5: the provider's books are ours",
    },
    "DELETE FROM events WHERE tenant_id = {t} AND topic = 'order.confirmed'": {
        "4: the sequence of a subject has no gap",
        "4: the log has no gap",
    },
    "UPDATE events SET topic = 'order.noticed' WHERE tenant_id = {t} AND topic = 'order.created'": {
        "4: order.created is told once for each of orders"
    },
    "UPDATE fake_provider_charges SET refunded_minor = 1 WHERE tenant_id = {t}": {"5: the provider's books are ours"},
    """UPDATE fulfillments SET location_id = (SELECT id FROM locations WHERE tenant_id = {t} ORDER BY id LIMIT 1)
    WHERE tenant_id = {t}""": {
        "5: one fulfillment an order, location and group"
    },
    "UPDATE events SET pending = 1 WHERE tenant_id = {t} AND topic = 'order.confirmed'": {
        "6: no reaction is still to come"
    },
    "UPDATE payment_operations SET state = 'PENDING', next_attempt_at = NULL WHERE tenant_id = {t}": {
        "3: a payment is the sum of what succeeded",
        "6: a payment operation is asked for in time",
    },
    "UPDATE orders SET status = 'PENDING' WHERE tenant_id = {t}": {"6: a pending order lapses in time"},
}  # fmt: skip


@pytest.mark.parametrize("tampering", TAMPERED)
async def test_what_is_broken_is_found_and_nothing_else(world: World, api: Api, tampering: str) -> None:
    desk = await Desk(world, api).open({"SHOE": {"east": 2, "west": 5}}, paymentRule="AUTHORIZED")
    await classes(api)
    await share(api, "SHOE", web=6)
    tax = {"kind": "TAX", "label": "VAT", "amount": {"amount": "1.01", "currency": "USD"}}
    shoes = {"sku": "SHOE", "quantity": 6, "unitPrice": {"amount": "10.00", "currency": "USD"}, "adjustments": [tax]}
    order = await desk.order(lines=[shoes], paid="captured")
    work = order["fulfillments"][0]
    await desk.accept(work)
    await desk.ship(work, {"SHOE": 1})
    await world.settle()
    await check(world, api.tenant_id)
    async with world.db.transaction(system(api.tenant_id)) as tx:
        await tx.text(tampering.replace("{t}", f"'{api.tenant_id.hex}'"))
    assert set(await broken(world, api.tenant_id)) == TAMPERED[tampering]
    with pytest.raises(AssertionError):
        await check(world, api.tenant_id)
