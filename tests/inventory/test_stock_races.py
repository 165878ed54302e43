"""Real parallel transactions on both engines: nothing is promised twice, nothing is lost, nobody waits in a circle."""

import asyncio
import random
from collections.abc import Awaitable
from datetime import timedelta

from inventory.stock_world import Shop, somebody, soon
from oms_api import inventory
from oms_api.inventory import Change, Expected, Receipt, ReservationState, StockBucket, Units
from oms_api.kit import clock, ids
from oms_api.kit.errors import Refusal
from world import travel

AT_ONCE_MAX = 64  # more would only wait for a connection, and after five seconds give up
SHIPMENT = ids.Ref("shp", ids.new())


async def at_once(*work: Awaitable[object]) -> list[object]:
    """Results, and refusals as values; everything else fails the test."""
    turns = asyncio.Semaphore(AT_ONCE_MAX)

    async def one(part: Awaitable[object]) -> object:
        async with turns:
            return await part

    results = await asyncio.gather(*map(one, work), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, Refusal):
            raise result
    return list(results)


def done(results: list[object]) -> int:
    return sum(not isinstance(result, Refusal) for result in results)


def codes(results: list[object]) -> set[str]:
    return {part.code for result in results if isinstance(result, Refusal) for part in result.parts()}


async def test_200_callers_for_50_units_get_exactly_50(shop: Shop) -> None:
    await shop.stocked(A=50)
    results = await at_once(*[shop.reserve(shop.want("A", 1), owner_id=somebody()) for _ in range(200)])
    assert done(results) == 50
    assert codes(results) == {"INSUFFICIENT_STOCK"}
    position = await shop.position("A")
    assert (position.on_hand, position.reserved) == (50, 50)
    await shop.sound()


async def test_two_skus_in_opposite_order_500_times_let_no_deadlock_reach_a_caller(shop: Shop) -> None:
    await shop.stocked(A=700, B=300)
    results = await at_once(
        *[
            shop.reserve(*[shop.want(sku, 1) for sku in ("AB" if i % 2 else "BA")], owner_id=somebody())
            for i in range(500)
        ]
    )
    assert done(results) == 300
    assert codes(results) == {"INSUFFICIENT_STOCK"}
    assert [(await shop.position(sku)).reserved for sku in "AB"] == [300, 300]
    await shop.sound()


async def test_a_release_and_an_order_never_both_get_the_units(shop: Shop) -> None:
    await shop.stocked(A=40, B=40)
    carts = [await shop.reserve(shop.want("A", 1), shop.want("B", 1)) for _ in range(40)]
    adopted = [shop.run(lambda tx, id_=cart.id: inventory.adopt(tx, id_, owner_id=somebody())) for cart in carts]
    released = [shop.run(lambda tx, id_=cart.id: inventory.release(tx, id_)) for cart in carts]
    results = await at_once(*[work for pair in zip(adopted, released, strict=True) for work in pair])
    assert [done(results[i : i + 2]) for i in range(0, 80, 2)] == [1] * 40
    owned = sum([(await shop.reservation(cart.id)).owner_id is not None for cart in carts])
    assert (await shop.position("A")).reserved == owned
    await shop.sound()


async def test_an_expiry_and_an_order_never_both_get_the_units(shop: Shop) -> None:
    """Carts end within the race: each is taken over, or its units go to somebody who came up short, never both."""
    await shop.stocked(A=30, B=30)
    carts = [await shop.reserve(shop.want("A", 1), shop.want("B", 1), seconds=0.9 + 0.02 * i) for i in range(30)]
    chance = random.Random(7)
    first = carts[0].expires_at
    assert first is not None

    async def later(work: Awaitable[object]) -> object:
        await asyncio.sleep(max(0.0, (first - clock.now()).total_seconds()) + chance.uniform(-0.2, 0.8))
        return await work

    order = [somebody() for _ in carts]
    results = await at_once(
        *[
            later(shop.run(lambda tx, c=cart, o=order[i]: inventory.adopt(tx, c.id, owner_id=o)))
            for i, cart in enumerate(carts)
        ],
        *[later(shop.reserve(shop.want(chance.choice("AB"), 1), owner_id=somebody())) for _ in range(60)],
    )
    taken = results[: len(carts)]
    for cart, result in zip(carts, taken, strict=True):
        now_ = await shop.reservation(cart.id)
        held = [line for line in await shop.lines() if line.reservation_id == cart.id]
        if isinstance(result, Refusal):
            assert result.code == "EXPIRED"
            assert now_.owner_id is None
        else:
            assert now_.state is ReservationState.OPEN
            assert [line.quantity for line in held] == [1, 1]
    assert 0 < done(taken) < len(carts), "the race was not one"
    await asyncio.sleep(0.3)
    with travel(seconds=5):
        await shop.world.tick("inventory.expire")
    new = [result for result in results[len(carts) :] if not isinstance(result, Refusal)]
    assert sum([(await shop.position(sku)).reserved for sku in "AB"]) == 2 * done(taken) + len(new)
    for sku in "AB":
        position = await shop.position(sku)
        assert position.reserved <= position.on_hand == 30
    await shop.sound()


async def test_what_expired_over_two_positions_is_free_for_callers_of_each(shop: Shop) -> None:
    await shop.stocked(A=10, B=10)
    for _ in range(5):
        await shop.reserve(shop.want("A", 2), shop.want("B", 2), seconds=60)
    with travel(seconds=61):
        results = await at_once(
            *[shop.reserve(shop.want("AB"[i % 2], 1), owner_id=somebody()) for i in range(20)],
            shop.world.tick("inventory.expire"),
            *[shop.reserve(shop.want("AB"[i % 2], 1), owner_id=somebody()) for i in range(20)],
        )
        await shop.world.tick("inventory.expire")
    assert done(results) == 20 + 1
    assert [(await shop.position(sku)).reserved for sku in "AB"] == [10, 10]
    await shop.sound()


async def test_adjusting_and_setting_while_others_reserve_loses_nothing(shop: Shop) -> None:
    await shop.stocked(A=30, B=30)
    adjusts = [
        shop.run(
            lambda tx, d=delta, p=pair: inventory.adjust(
                tx, [Change(sku, "east", d) for sku in p], reason="cycle_count"
            )
        )
        for delta in (-1, 2, -1)
        for pair in ("AB", "BA")
        for _ in range(10)
    ]
    sets = [
        shop.run(lambda tx: inventory.set_quantities(tx, [inventory.Quantity("B", "east", 25)], reason="cycle_count"))
        for _ in range(3)
    ]
    reserves = [shop.reserve(shop.want("A", 1), shop.want("B", 1), owner_id=somebody()) for _ in range(60)]
    work = [*adjusts, *sets, *reserves]
    random.Random(3).shuffle(work)
    results = await at_once(*work)
    assert codes(results) <= {"INSUFFICIENT_STOCK"}
    position = await shop.position("A")
    assert position.on_hand == 30
    assert position.reserved == done(results) - len(adjusts) - len(sets)
    await shop.sound()


async def test_a_new_position_is_opened_once(shop: Shop) -> None:
    work = [
        shop.run(lambda tx, p=pair: inventory.adjust(tx, [Change(sku, "east", 1) for sku in p], reason="received"))
        for pair in ("ABC", "CBA", "BCA", "CAB")
        for _ in range(5)
    ]
    assert done(await at_once(*work)) == 20
    assert sorted((row.sku, row.on_hand) for row in await shop.positions()) == [("A", 20), ("B", 20), ("C", 20)]
    await shop.sound()


async def test_two_receipts_at_once_never_book_more_than_was_to_come(shop: Shop) -> None:
    first, second = await shop.announced("PO-1", "A", 10), await shop.announced("PO-2", "B", 10)
    for id_, sku in ((first, "A"), (second, "B")):
        await shop.reserve(shop.want(sku, 7, supply_id=id_), owner_id=somebody())
    receipts = [
        [Receipt("PO-1", 6), Receipt("PO-2", 6)],
        [Receipt("PO-2", 6), Receipt("PO-1", 6)],
        [Receipt("PO-1", 4)],
        [Receipt("PO-2", 4)],
    ]
    results = await at_once(*[shop.run(lambda tx, r=rows: inventory.receive_supplies(tx, r)) for rows in receipts * 2])
    assert codes(results) == {"EXCEEDS_REMAINING"}
    for sku, reference in (("A", "PO-1"), ("B", "PO-2")):
        position, supply = await shop.position(sku), (await shop.supplies())[reference]
        assert position.on_hand == supply.received == 10 - supply.quantity
        assert position.reserved + supply.reserved == 7
        assert supply.reserved <= supply.quantity
    await shop.sound()


async def test_a_supply_is_received_while_it_is_promised_and_changed(shop: Shop) -> None:
    id_ = await shop.announced("PO", "A", 40)
    work: list[Awaitable[object]] = [
        shop.reserve(shop.want("A", 1, supply_id=id_), owner_id=somebody()) for _ in range(40)
    ]
    work += [shop.run(lambda tx: inventory.receive_supplies(tx, [Receipt("PO", 5)])) for _ in range(6)]
    work += [
        shop.run(lambda tx: inventory.put_supplies(tx, [Expected("PO", "A", "east", 40, soon(days=3))])),
        shop.run(lambda tx: inventory.adjust(tx, [Change("A", "east", 3)], reason="found")),
    ]
    random.Random(5).shuffle(work)
    results = await at_once(*work)
    assert codes(results) <= {"INSUFFICIENT_STOCK", "EXCEEDS_REMAINING"}
    position, supply = await shop.position("A"), (await shop.supplies())["PO"]
    assert position.on_hand == supply.received + 3
    assert position.reserved + supply.reserved == len(await shop.lines())
    await shop.sound()


async def test_one_reference_put_twice_at_once_is_one_supply(shop: Shop) -> None:
    same = [
        shop.run(lambda tx: inventory.put_supplies(tx, [Expected("same", "A", "east", 3, soon(days=3))]))
        for _ in range(5)
    ]
    assert done(await at_once(*same)) == 5
    other = [
        shop.run(lambda tx, s=sku: inventory.put_supplies(tx, [Expected("other", s, "east", 3, soon(days=3))]))
        for sku in "AABBCC"
    ]
    results = await at_once(*other)
    assert done(results) == 2
    assert codes(results) == {"INVALID"}
    assert sorted(await shop.supplies()) == ["other", "same"]
    await shop.sound()


async def test_orders_ship_let_go_and_take_back_beside_new_reservations(shop: Shop) -> None:
    await shop.stocked(A=60, B=60)
    orders = [(somebody(), somebody()) for _ in range(20)]
    for order, line in orders:
        await shop.reserve(shop.want("A", 2, line_id=line), shop.want("B", 2, line_id=line), owner_id=order)
    work: list[Awaitable[object]] = []
    for i, (order, line) in enumerate(orders):
        units = [Units(line, sku, shop.east, 1) for sku in ("AB" if i % 2 else "BA")]
        back = [(sku, shop.east, 1, StockBucket.AVAILABLE) for sku in ("BA" if i % 3 else "AB")]
        work += [
            shop.run(lambda tx, o=order, u=units: inventory.ship(tx, o, u, SHIPMENT)),
            shop.run(lambda tx, o=order, u=units: inventory.ship(tx, o, u, SHIPMENT)),
            shop.run(lambda tx, o=order, u=units: inventory.let_go(tx, o, u)),
            shop.run(lambda tx, b=back: inventory.restock(tx, b, SHIPMENT)),
            shop.reserve(shop.want("B", 1), shop.want("A", 1), owner_id=somebody()),
        ]
    random.Random(11).shuffle(work)
    results = await at_once(*work)
    assert codes(results) <= {"EXCEEDS_REMAINING", "INSUFFICIENT_STOCK"}
    for sku in "AB":
        position = await shop.position(sku)
        held = sum(line.quantity for line in await shop.lines() if line.sku == sku)
        assert position.reserved == held <= position.on_hand
    owners = {line.reservation_id for line in await shop.lines() if line.quantity == 0}
    assert all([(await shop.reservation(id_)).state is ReservationState.CLOSED for id_ in owners])
    await shop.sound()


async def test_a_reservation_that_is_extended_in_time_is_not_expired(shop: Shop) -> None:
    await shop.stocked(A=20)
    carts = [await shop.reserve(shop.want("A", 1), seconds=60) for _ in range(20)]
    with travel(seconds=59):
        until = clock.now() + timedelta(hours=1)
        extended = await at_once(
            *[shop.run(lambda tx, id_=cart.id: inventory.extend(tx, id_, until)) for cart in carts[:10]],
            shop.world.tick("inventory.expire"),
        )
        assert done(extended) == 11
    with travel(seconds=61):
        results = await at_once(
            *[shop.reserve(shop.want("A", 1), owner_id=somebody()) for _ in range(20)],
            shop.world.tick("inventory.expire"),
        )
    assert done(results) == 10 + 1
    states = [(await shop.reservation(cart.id)).state for cart in carts]
    assert states == [ReservationState.OPEN] * 10 + [ReservationState.EXPIRED] * 10
    assert (await shop.position("A")).reserved == 20
    await shop.sound()
