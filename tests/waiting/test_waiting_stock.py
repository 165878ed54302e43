"""Stock: who waits decides by what the one before left behind."""

from datetime import timedelta
from typing import Any

import pytest

from inventory.stock_world import Shop
from oms_api import inventory
from oms_api.inventory import Change, Quantity, Receipt
from oms_api.kit import clock, ids
from oms_api.kit.db import Tx
from waiting.behind import Verb, behind


def _holds(shop: Shop, *wanted: inventory.Wanted) -> Verb:
    return lambda tx: inventory.reserve(tx, wanted, owner_id=ids.new())


@pytest.mark.parametrize("rolled_back", [False, True])
async def test_a_reserve_behind_another_gets_the_last_unit_only_when_that_one_is_undone(
    shop: Shop, rolled_back: bool
) -> None:
    await shop.stocked(A=1)
    hold = _holds(shop, shop.want("A", 1))
    got = await behind(shop.world, shop.api, hold, hold, rolled_back=rolled_back)
    assert isinstance(got, inventory.Reservation) if rolled_back else got == ["INSUFFICIENT_STOCK"]
    assert (await shop.position("A")).reserved == 1
    await shop.sound()


@pytest.mark.parametrize("rolled_back", [False, True])
async def test_a_reserve_behind_a_release_gets_its_units(shop: Shop, rolled_back: bool) -> None:
    await shop.stocked(A=1)
    supply = await shop.announced("PO", "B", 1)
    wanted = (shop.want("A", 1), shop.want("B", 1, supply_id=supply))
    cart = await shop.reserve(*wanted)

    async def release(tx: Tx) -> Any:
        return await inventory.release(tx, cart.id)

    got = await behind(shop.world, shop.api, release, _holds(shop, *wanted), rolled_back=rolled_back)
    assert got == ["INSUFFICIENT_STOCK"] * 2 if rolled_back else isinstance(got, inventory.Reservation)
    assert ((await shop.position("A")).reserved, (await shop.supplies())["PO"].reserved) == (1, 1)
    await shop.sound()


@pytest.mark.parametrize(("delta", "left"), [(1, 0), (-1, 0)])
async def test_an_adjustment_behind_another_counts_from_what_that_one_left(shop: Shop, delta: int, left: int) -> None:
    """One unit off: after one came to an empty position it can go; after the only one went it cannot."""

    def adjust(units: int) -> Verb:
        return lambda tx: inventory.adjust(tx, [Change("A", "east", units)], reason="count")

    await shop.stocked(A=1)
    if delta > 0:
        await shop.run(adjust(-1))
    got = await behind(shop.world, shop.api, adjust(delta), adjust(-1))
    assert (got == ["INVALID"]) == (delta < 0)
    assert (await shop.position("A")).on_hand == left
    await shop.sound()


@pytest.mark.parametrize(("expected", "on_hand"), [(5, 6), (6, 7)])
async def test_an_absolute_behind_another_is_held_to_what_that_one_set(shop: Shop, expected: int, on_hand: int) -> None:
    await shop.stocked(A=5)

    def put(units: int, seen: int) -> Verb:
        return lambda tx: inventory.set_quantities(tx, [Quantity("A", "east", units, seen)], reason="count")

    got = await behind(shop.world, shop.api, put(6, 5), put(7, expected))
    assert (got == ["STALE_QUANTITY"]) == (expected == 5)
    assert (await shop.position("A")).on_hand == on_hand
    await shop.sound()


async def test_a_receipt_behind_another_finds_what_is_still_to_come(shop: Shop) -> None:
    await shop.announced("PO", "A", 5)

    async def receive(tx: Tx) -> Any:
        return await inventory.receive_supplies(tx, [Receipt("PO", 3)])

    async def raise_it(tx: Tx) -> Any:
        return await inventory.put_supplies(tx, [inventory.Expected("PO", "A", "east", 4, clock.now())])

    assert await behind(shop.world, shop.api, receive, receive) == ["EXCEEDS_REMAINING"]
    assert await behind(shop.world, shop.api, raise_it, receive) != ["EXCEEDS_REMAINING"]
    supply = (await shop.supplies())["PO"]
    assert (supply.quantity, supply.received, (await shop.position("A")).on_hand) == (1, 6, 6)
    await shop.sound()


async def test_of_an_order_a_release_and_an_extension_of_one_cart_each_sees_what_came_before(shop: Shop) -> None:
    await shop.stocked(A=10)

    async def adopt(tx: Tx) -> Any:
        return await inventory.adopt(tx, cart.id, owner_id=ids.new())

    async def release(tx: Tx) -> Any:
        return await inventory.release(tx, cart.id)

    async def extend(tx: Tx) -> Any:
        return await inventory.extend(tx, cart.id, clock.now() + timedelta(hours=1), cart.version)

    for first, second, refusal in (
        (adopt, adopt, "INVALID"), (adopt, release, "INVALID"), (release, adopt, "INVALID_TRANSITION"),
        (adopt, extend, "INVALID"), (extend, extend, "VERSION_CONFLICT"), (release, release, "INVALID_TRANSITION"),
    ):  # fmt: skip
        cart = await shop.reserve(shop.want("A", 1))
        assert await behind(shop.world, shop.api, first, second) == [refusal], (first, second)
    cart = await shop.reserve(shop.want("A", 1))
    assert isinstance(await behind(shop.world, shop.api, release, adopt, rolled_back=True), tuple)
    await shop.sound()


@pytest.mark.parametrize("takes", ["adopt", "extend"])
async def test_a_receipt_behind_who_takes_a_cart_over_fills_its_lines_as_they_are_then(shop: Shop, takes: str) -> None:
    """A line that is filled in part becomes two: both are the order's, and neither lapses any more."""
    supply = await shop.announced("PO", "A", 10)
    cart = await shop.reserve(shop.want("A", 6, supply_id=supply), seconds=60)
    (line,) = await shop.lines()
    order_line, until = ids.new(), clock.now() + timedelta(hours=1)

    async def take(tx: Tx) -> Any:
        if takes == "extend":
            return await inventory.extend(tx, cart.id, until)
        await inventory.adopt(tx, cart.id, owner_id=ids.new())
        return await inventory.tie(tx, cart.id, {line.id: order_line})

    async def receive(tx: Tx) -> Any:
        return await inventory.receive_supplies(tx, [Receipt("PO", 4)])

    await behind(shop.world, shop.api, take, receive)
    waits, filled = await shop.lines()
    assert [(row.quantity, row.supply_id) for row in (waits, filled)] == [(2, supply), (4, None)]
    expected = (order_line, None) if takes == "adopt" else (None, until)
    assert [(row.line_id, row.expires_at) for row in (waits, filled)] == [expected, expected]
    await shop.sound()
