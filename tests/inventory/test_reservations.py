"""Units held for a demand: reserved, taken over, extended, let go, expired, shipped, back again."""

import pytest

from inventory.stock_world import Shop, refused, somebody, soon
from oms_api import inventory
from oms_api.inventory import ReservationState, StockBucket, Units
from oms_api.kit import ids
from oms_api.kit.db import Tx
from world import statements, travel

SHIPMENT = ids.Ref("shp", ids.new())


async def test_units_are_held_for_a_cart_until_it_ends(shop: Shop) -> None:
    await shop.stocked(A=5, B=5)
    reservation = await shop.reserve(shop.want("A", 2), shop.want("B", 5))
    assert await shop.stock("A", "B") == {"A": 3, "B": 0}
    assert reservation.state is ReservationState.OPEN
    (created,) = [event for event in await shop.events() if event.topic == "reservation.created"]
    assert [(line["sku"], line["quantity"]) for line in created.data["lines"]] == [("A", 2), ("B", 5)]
    with travel(seconds=901):
        assert await shop.stock("A", "B") == {"A": 5, "B": 5}
    await shop.sound()


async def test_all_or_nothing_and_each_short_sku_is_named(shop: Shop) -> None:
    await shop.stocked(A=5, A_west=1, B=1, C=1)
    before = await shop.everything()
    wanted = [shop.want("A", 4), shop.want("A", 3, at=shop.west), shop.want("B", 1), shop.want("C", 2)]
    first, second = await refused(shop.reserve(*wanted))
    assert first.details == {"sku": "A", "requested": 7, "available": 5}
    assert second.details == {"sku": "C", "requested": 2, "available": 1}
    assert await shop.everything() == before


async def test_a_refusal_tells_when_the_rest_comes(shop: Shop) -> None:
    await shop.stocked(A=1)
    await shop.announced("late", "A", 5, days=9)
    await shop.announced("early", "A", 2, days=3)
    supplies = await shop.supplies()
    (refusal,) = await refused(shop.reserve(shop.want("A", 3)))
    assert refusal.details is not None
    assert refusal.details["next_available_at"] == supplies["early"].expected_at
    (refusal,) = await refused(shop.reserve(shop.want("A", 4)))
    assert refusal.details is not None
    assert refusal.details["next_available_at"] == supplies["late"].expected_at


async def test_two_lines_of_one_position_count_together(shop: Shop) -> None:
    await shop.stocked(A=5)
    (refusal,) = await refused(shop.reserve(shop.want("A", 3), shop.want("A", 3)))
    assert refusal.details == {"sku": "A", "requested": 6, "available": 5}
    await shop.reserve(shop.want("A", 3), shop.want("A", 2))
    assert [line.quantity for line in await shop.lines()] == [3, 2]
    assert (await shop.position("A")).reserved == 5


async def test_safety_stock_is_kept_back(shop: Shop) -> None:
    await shop.stocked(A=5)
    put = "mutation($input: LocationPutInput!) { locationPut(input: $input) { userErrors { code } } }"
    await shop.api.ok(put, input={"locations": [{"handle": "east", "name": "east", "safetyStock": 2}]})
    (refusal,) = await refused(shop.reserve(shop.want("A", 4)))
    assert refusal.details == {"sku": "A", "requested": 4, "available": 3}
    await shop.reserve(shop.want("A", 3))


async def test_a_position_that_does_not_exist_has_nothing(shop: Shop) -> None:
    (refusal,) = await refused(shop.reserve(shop.want("A", 1)))
    assert refusal.details == {"sku": "A", "requested": 1, "available": 0}


@pytest.mark.parametrize(("owned", "ends"), [(True, True), (False, False)])
async def test_a_reservation_is_an_orders_or_it_ends(shop: Shop, owned: bool, ends: bool) -> None:
    await shop.stocked(A=1)

    async def work(tx: Tx) -> object:
        return await inventory.reserve(
            tx,
            [shop.want("A", 1)],
            owner_id=somebody() if owned else None,
            expires_at=soon(seconds=9) if ends else None,
        )

    with pytest.raises(ValueError, match="owner or expires"):
        await shop.run(work)


async def test_fifty_lines_take_as_many_statements_as_one(shop: Shop) -> None:
    await shop.stocked(**{f"{sku}{place}": 100 for sku in "ABCDEF" for place in ("", "_west")})
    with statements() as one:
        await shop.reserve(shop.want("A", 1))
    with statements() as many:
        await shop.reserve(*[shop.want("ABCDEF"[i % 6], 1, at=(shop.east, shop.west)[i % 2]) for i in range(50)])
    assert len(one) == len(many) == 3 + 2  # positions, the reservation, its lines; and the two of the facts
    supply = await shop.announced("PO", "A", 50)
    with statements() as supplied:
        await shop.reserve(shop.want("A", 1), shop.want("A", 1, supply_id=supply))
    assert len(supplied) == 4 + 2


async def test_what_expired_is_given_back_to_a_reserve_that_needs_it(shop: Shop) -> None:
    await shop.stocked(A=5, B=5)
    old = await shop.reserve(shop.want("A", 5), shop.want("B", 3))
    with travel(seconds=901):
        await shop.reserve(shop.want("A", 4), owner_id=somebody())
    assert (await shop.reservation(old.id)).state is ReservationState.EXPIRED
    assert (await shop.position("A")).reserved == 4
    # the other position was not locked, so its units are given back later; they count as free already
    assert (await shop.position("B")).reserved == 3
    with travel(seconds=901):
        assert await shop.stock("A", "B") == {"A": 1, "B": 5}
        await shop.sound()
        await shop.reserve(shop.want("B", 5), owner_id=somebody())
    await shop.sound()
    (expired,) = [event for event in await shop.events() if event.topic == "reservation.expired"]
    assert [(line["sku"], line["quantity"]) for line in expired.data["lines"]] == [("A", 5), ("B", 3)]


async def test_an_unexpired_reservation_is_not_touched_by_a_reserve_that_comes_up_short(shop: Shop) -> None:
    await shop.stocked(A=5)
    await shop.reserve(shop.want("A", 3))
    before = await shop.everything()
    (refusal,) = await refused(shop.reserve(shop.want("A", 3)))
    assert refusal.details == {"sku": "A", "requested": 3, "available": 2}
    assert await shop.everything() == before


async def test_expired_promises_of_a_supply_are_free_too(shop: Shop) -> None:
    id_ = await shop.announced("PO", "A", 5)
    await shop.reserve(shop.want("A", 5, supply_id=id_))
    with travel(seconds=901):
        async with shop.world.db.reading(shop.api.tenant_id) as reading:
            _, (incoming,) = await inventory.stock(reading, ["A"], [shop.east])
        assert incoming.quantity == 5
        await shop.reserve(shop.want("A", 4, supply_id=id_), owner_id=somebody())
    assert (await shop.supplies())["PO"].reserved == 4
    await shop.sound()


async def test_the_timer_gives_everything_back(shop: Shop) -> None:
    await shop.stocked(A=5, B=5)
    id_ = await shop.announced("PO", "A", 5)
    gone = await shop.reserve(shop.want("A", 5), shop.want("B", 3), shop.want("A", 2, supply_id=id_))
    kept = await shop.reserve(shop.want("B", 1), seconds=5000)
    with travel(seconds=901):
        await shop.world.tick("inventory.expire")
    assert (await shop.reservation(gone.id)).state is ReservationState.EXPIRED
    assert (await shop.reservation(kept.id)).state is ReservationState.OPEN
    assert [(await shop.position(sku)).reserved for sku in "AB"] == [0, 1]
    assert (await shop.supplies())["PO"].reserved == 0
    assert (await shop.topics()).count("reservation.expired") == 1
    await shop.sound()


async def test_an_order_takes_a_carts_reservation_over_and_it_never_expires(shop: Shop) -> None:
    await shop.stocked(A=5, B=5)
    cart = await shop.reserve(shop.want("B", 1), shop.want("A", 3), shop.want("B", 2))
    order, line = somebody(), somebody()

    async def work(tx: Tx) -> tuple[inventory.Reservation, list[inventory.ReservationLine]]:
        reservation, lines = await inventory.adopt(tx, cart.id, owner_id=order)
        await inventory.tie(tx, cart.id, {row.id: line for row in lines if row.sku == "A"})
        return reservation, lines

    with statements() as seen:
        reservation, lines = await shop.run(work)
    assert len(seen) == 3 + 2
    assert (reservation.owner_id, reservation.expires_at, reservation.version) == (order, None, 2)
    assert [(row.sku, row.quantity) for row in lines] == [("B", 1), ("A", 3), ("B", 2)]
    async with shop.world.db.reading(shop.api.tenant_id) as reading:
        held = (await inventory.reservation_lines_of(reading, [order]))[order]
    assert [(row.sku, row.line_id) for row in held] == [("B", None), ("A", line), ("B", None)]
    with travel(days=30):
        await shop.world.tick("inventory.expire")
        assert await shop.stock("A", "B") == {"A": 2, "B": 2}
    (adopted,) = [event for event in await shop.events() if event.topic == "reservation.adopted"]
    assert adopted.owner_id == order
    await shop.sound()


async def test_what_ended_cannot_be_taken_over(shop: Shop) -> None:
    await shop.stocked(A=9)
    expired = await shop.reserve(shop.want("A", 1), seconds=-1)
    released = await shop.reserve(shop.want("A", 1))
    await shop.run(lambda tx: inventory.release(tx, released.id))
    owned = await shop.reserve(shop.want("A", 1), owner_id=somebody())
    before = await shop.everything()
    for id_, code in (
        (expired.id, "EXPIRED"),
        (released.id, "INVALID_TRANSITION"),
        (owned.id, "INVALID"),
        (somebody(), "NOT_FOUND"),
    ):
        (refusal,) = await refused(shop.run(lambda tx, id_=id_: inventory.adopt(tx, id_, owner_id=somebody())))
        assert refusal.code == code
    assert await shop.everything() == before


async def test_a_reservation_is_extended_never_shortened(shop: Shop) -> None:
    await shop.stocked(A=5)
    cart = await shop.reserve(shop.want("A", 5), seconds=100)
    until = soon(seconds=1000)
    longer = await shop.run(lambda tx: inventory.extend(tx, cart.id, until, 1))
    assert (longer.expires_at, longer.version) == (until, 2)
    shorter = await shop.run(lambda tx: inventory.extend(tx, cart.id, soon(seconds=5), None))
    assert (shorter.expires_at, shorter.version) == (until, 3)
    with travel(seconds=500):
        assert await shop.stock("A") == {"A": 0}
    with travel(seconds=1001):
        assert await shop.stock("A") == {"A": 5}
        (refusal,) = await refused(shop.run(lambda tx: inventory.extend(tx, cart.id, soon(seconds=5), None)))
        assert refusal.code == "EXPIRED"
    (refusal,) = await refused(shop.run(lambda tx: inventory.extend(tx, cart.id, until, 1)))
    assert (refusal.code, refusal.details) == (
        "VERSION_CONFLICT",
        {"subject_id": inventory.RESERVATION(cart.id), "current_version": 3},
    )


async def test_a_released_reservation_gives_its_units_back_once(shop: Shop) -> None:
    await shop.stocked(A=5)
    id_ = await shop.announced("PO", "A", 5)
    cart = await shop.reserve(shop.want("A", 4), shop.want("A", 3, supply_id=id_))
    (refusal,) = await refused(shop.run(lambda tx: inventory.release(tx, cart.id, 7)))
    assert refusal.code == "VERSION_CONFLICT"
    released, _ = await shop.run(lambda tx: inventory.release(tx, cart.id, 1))
    assert (released.state, released.version) == (ReservationState.RELEASED, 2)
    assert await shop.stock("A") == {"A": 5}
    assert (await shop.supplies())["PO"].reserved == 0
    assert [(line.asked, line.quantity) for line in await shop.lines()] == [(4, 0), (3, 0)]
    (refusal,) = await refused(shop.run(lambda tx: inventory.release(tx, cart.id)))
    assert refusal.code == "INVALID_TRANSITION"
    assert refusal.details == {"current_state": "RELEASED", "allowed_actions": []}
    await shop.sound()


async def test_an_orders_reservation_is_not_released_as_a_cart(shop: Shop) -> None:
    await shop.stocked(A=5)
    held = await shop.reserve(shop.want("A", 4), owner_id=somebody())
    (refusal,) = await refused(shop.run(lambda tx: inventory.release(tx, held.id)))
    assert refusal.code == "INVALID"
    assert (await shop.position("A")).reserved == 4


async def test_an_order_lets_units_go_those_of_a_supply_first(shop: Shop) -> None:
    await shop.stocked(A=5)
    id_ = await shop.announced("PO", "A", 5)
    order, line = somebody(), somebody()
    held = await shop.reserve(
        shop.want("A", 3, line_id=line), shop.want("A", 4, supply_id=id_, line_id=line), owner_id=order
    )
    await shop.run(lambda tx: inventory.let_go(tx, order, [Units(line, "A", shop.east, 5)]))
    assert ((await shop.position("A")).reserved, (await shop.supplies())["PO"].reserved) == (2, 0)
    before = await shop.everything()
    (refusal,) = await refused(shop.run(lambda tx: inventory.let_go(tx, order, [Units(line, "A", shop.east, 3)])))
    assert (refusal.code, refusal.details) == ("EXCEEDS_REMAINING", {"sku": "A", "remaining_quantity": 2})
    assert await shop.everything() == before
    await shop.run(lambda tx: inventory.let_go(tx, order))
    assert (await shop.reservation(held.id)).state is ReservationState.CLOSED
    assert (await shop.topics()).count("reservation.released") == 2
    await shop.sound()


async def test_shipped_units_leave_on_hand_and_reserved(shop: Shop) -> None:
    await shop.stocked(A=5)
    order, line, other = somebody(), somebody(), somebody()
    held = await shop.reserve(shop.want("A", 3, line_id=line), shop.want("A", 1, line_id=other), owner_id=order)
    await shop.run(lambda tx: inventory.ship(tx, order, [Units(line, "A", shop.east, 2)], SHIPMENT))
    position = await shop.position("A")
    assert (position.on_hand, position.reserved) == (3, 2)
    assert (await shop.reservation(held.id)).state is ReservationState.OPEN
    rest = [Units(line, "A", shop.east, 1), Units(other, "A", shop.east, 1)]
    await shop.run(lambda tx: inventory.ship(tx, order, rest, SHIPMENT))
    assert (await shop.reservation(held.id)).state is ReservationState.CLOSED
    before = await shop.everything()
    (refusal,) = await refused(shop.run(lambda tx: inventory.ship(tx, order, rest[:1], SHIPMENT)))
    assert refusal.code == "EXCEEDS_REMAINING"
    assert await shop.everything() == before
    told = [event.data for event in await shop.events() if event.topic == "inventory.adjusted"]
    assert [(data["reason"], data["delta"]) for data in told] == [("received", 5), ("shipped", -2), ("shipped", -2)]
    await shop.sound()


async def test_a_parcel_that_left_is_a_fact_and_units_the_books_did_not_have_are_found(shop: Shop) -> None:
    await shop.stocked(A=5)
    order, line = somebody(), somebody()
    await shop.reserve(shop.want("A", 4, line_id=line), owner_id=order)
    await shop.stocked(A=-4)
    await shop.run(lambda tx: inventory.ship(tx, order, [Units(line, "A", shop.east, 3)], SHIPMENT))
    position = await shop.position("A")
    assert (position.on_hand, position.reserved) == (0, 1)
    told = [event.data for event in await shop.events() if event.topic == "inventory.adjusted"]
    assert [(data["reason"], data["delta"]) for data in told][-2:] == [("found", 2), ("shipped", -3)]
    await shop.sound()


async def test_units_that_wait_for_a_supply_cannot_be_shipped(shop: Shop) -> None:
    await shop.stocked(A=5)
    id_ = await shop.announced("PO", "A", 5)
    order, line = somebody(), somebody()
    await shop.reserve(shop.want("A", 2, supply_id=id_, line_id=line), owner_id=order)
    units = [Units(line, "A", shop.east, 1)]
    (refusal,) = await refused(shop.run(lambda tx: inventory.ship(tx, order, units, SHIPMENT)))
    assert refusal.code == "EXCEEDS_REMAINING"
    await shop.sound()


async def test_returned_units_come_back_to_their_bucket_also_where_there_were_none(shop: Shop) -> None:
    rows = [
        ("A", shop.west, 2, StockBucket.AVAILABLE),
        ("A", shop.west, 1, StockBucket.DAMAGED),
        ("B", shop.west, 1, StockBucket.QUALITY_CONTROL),
    ]
    await shop.run(lambda tx: inventory.restock(tx, rows, ids.Ref("ret", somebody())))
    a, b = await shop.position("A", shop.west), await shop.position("B", shop.west)
    assert (a.on_hand, a.damaged, b.on_hand, b.quality_control) == (2, 1, 0, 1)
    told = [event.data["reason"] for event in await shop.events() if event.topic == "inventory.adjusted"]
    assert told == ["returned"] * 3
    await shop.sound()


async def test_statements_of_an_orders_units_do_not_grow_with_its_lines(shop: Shop) -> None:
    await shop.stocked(**dict.fromkeys("ABCDEF", 100))
    for count in (1, 50):
        order, lines = somebody(), [somebody() for _ in range(count)]
        wanted = [shop.want("ABCDEF"[i % 6], 2, line_id=line) for i, line in enumerate(lines)]
        await shop.reserve(*wanted, owner_id=order)
        units = [Units(line, "ABCDEF"[i % 6], shop.east, 1) for i, line in enumerate(lines)]
        with statements() as shipped:
            await shop.run(lambda tx, o=order, u=units: inventory.ship(tx, o, u, SHIPMENT))
        with statements() as let_go:
            await shop.run(lambda tx, o=order, u=units: inventory.let_go(tx, o, u))
        assert (len(shipped), len(let_go)) == (6 + 2, 5 + 2)
    await shop.sound()
