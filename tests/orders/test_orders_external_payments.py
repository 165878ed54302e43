"""Money taken elsewhere."""

import pytest

from orders.store import CREATE, Store, minor, units, usd


async def test_money_taken_elsewhere_is_recorded_and_confirms_the_order(store: Store) -> None:
    await store.open({"A": {"dc": 5}}, paymentRule="CAPTURED")
    money = [{"method": "amazon", "amount": usd("20.00"), "reference": "P-1"}]
    order = await store.create({"A": 2}, externalPayments=money)
    assert (order["status"], minor(order["outstanding"])) == ("CONFIRMED", 0)
    (payment,) = order["payments"]
    assert (payment["provider"], payment["status"], minor(payment["captured"])) == ("amazon", "CAPTURED", 2000)
    less = await store.create({"A": 1}, externalPayments=[{**money[0], "amount": usd("9.99")}])
    assert (less["status"], minor(less["outstanding"])) == ("PENDING", 1)
    await store.world.settle()
    assert await store.look(less) == less  # the facts of its payments tell nothing new


async def test_money_still_to_be_collected_confirms_nothing(store: Store) -> None:
    await store.open({"A": {"dc": 5}}, paymentRule="AUTHORIZED")
    due = [{"method": "cash_on_delivery", "amount": usd("10.00"), "state": "DUE"}]
    order = await store.create({"A": 1}, externalPayments=due)
    assert (order["status"], minor(order["outstanding"])) == ("PENDING", 1000)
    there = [{"method": "klarna", "amount": usd("10.00"), "state": "AUTHORIZED"}]
    order = await store.create({"A": 1}, externalPayments=there)
    assert (order["status"], minor(order["outstanding"])) == ("CONFIRMED", 1000)


@pytest.mark.parametrize("state", ["CAPTURED", "AUTHORIZED", "DUE"])
async def test_more_than_the_order_costs_is_refused_and_nothing_is_kept(store: Store, state: str) -> None:
    await store.open({"A": {"dc": 5}}, paymentRule="CAPTURED")
    card = {"method": "card", "amount": usd("15.00"), "state": state}
    gift = {"method": "gift_card", "amount": usd("5.01"), "state": "CAPTURED"}
    sent = store.input({"A": 2}, externalPayments=[card, gift])
    for dry in (True, False):
        (error,) = await store.api.refused(CREATE, input={**sent, "dryRun": dry})
        assert (error["code"], error["path"]) == ("EXCEEDS_REMAINING", ["input", "externalPayments"])
        assert error["message"] == (
            "externalPayments come to 20.01 USD, the order to 20.00 USD: send what was paid for this order, and what "
            "was paid on top (a tip, cash rounding) as an adjustment of kind FEE."
        )
        assert error["details"]["remainingAmount"] == {"minorAmount": "2000"}
    assert await store.reserved("A") == {}
    rounded = [{"kind": "FEE", "label": "Cash rounding", "amount": usd("0.01")}]
    order = (await store.api.ok(CREATE, input={**sent, "adjustments": rounded}))["order"]
    assert (order["number"], minor(order["total"])) == ("1001", 2001)


async def test_what_was_paid_for_units_that_partial_gives_up_is_owed_back_and_told(store: Store) -> None:
    await store.open({"A": {"dc": 2}}, paymentRule="CAPTURED")
    above = [{"method": "amazon", "amount": usd("30.01")}]
    assert await store.refused({"A": 3}, onShortage="PARTIAL", externalPayments=above) == [
        ("EXCEEDS_REMAINING", "input.externalPayments")
    ]
    assert await store.reserved("A") == {}
    paid = [{"method": "amazon", "amount": usd("30.00")}]
    order = await store.create({"A": 3}, onShortage="PARTIAL", externalPayments=paid)
    assert (minor(order["total"]), minor(order["outstanding"])) == (2000, -1000)
    assert units(order["lines"][0]) == {"reserved": 2, "cancelled": 1}
