"""Money taken elsewhere."""

from orders.store import (
    Store,
    minor,
    usd,
)


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
