"""Units that are held go on being held elsewhere: transferred, pinned, and given back in part."""

from typing import Any

from inventory.stock_world import Shop, refused, somebody, soon
from inventory.test_stock_races import at_once, codes, done
from oms_api import inventory
from oms_api.inventory import Part, Relocation, ReservationState, Units
from oms_api.kit import ids
from oms_api.kit.db import Tx
from world import travel

SHIPMENT = ids.Ref("shp", ids.new())
CHANNEL = "mutation($input: ChannelPutInput!) { channelPut(input: $input) { userErrors { code message } } }"
ANSWER = """reservation { id version lines { sku quantity location { handle } expectedAt } }
  userErrors { code message path details { remainingQuantity available } }"""
CREATE = f"mutation($input: ReservationCreateInput!) {{ reservationCreate(input: $input) {{ {ANSWER} }} }}"
PIN = f"mutation($input: ReservationPinInput!) {{ reservationPin(input: $input) {{ {ANSWER} }} }}"
TRANSFER = f"mutation($input: ReservationTransferInput!) {{ reservationTransfer(input: $input) {{ {ANSWER} }} }}"
RELEASE = f"mutation($input: ReservationReleaseInput!) {{ reservationRelease(input: $input) {{ {ANSWER} }} }}"


async def sold(shop: Shop) -> None:
    web = {"handle": "web", "name": "web", "currency": "USD", "locations": ["east", "west"]}
    await shop.api.ok(CHANNEL, input={"channels": [web]})


async def cart(shop: Shop, units: int, **more: Any) -> dict[str, Any]:
    asked = {"channel": "web", "lines": [{"sku": "A", "quantity": units}], **more}
    held: dict[str, Any] = (await shop.api.ok(CREATE, input=asked))["reservation"]
    return held


def where(reservation: dict[str, Any]) -> dict[str | None, int]:
    found: dict[str | None, int] = {}
    for line in reservation["lines"]:
        place = line["location"]["handle"] if line["location"] else None
        found[place] = found.get(place, 0) + line["quantity"]
    return found


async def reserved(shop: Shop) -> tuple[int, int]:
    return (await shop.position("A")).reserved, (await shop.position("A", shop.west)).reserved


async def test_units_are_held_for_the_channel_and_pinned_later(shop: Shop) -> None:
    await sold(shop)
    await shop.stocked(A=5, A_west=5)
    held = await cart(shop, 4, atChannel=True)
    assert where(held) == {None: 4}
    assert sum(await reserved(shop)) == 4
    pins = [{"sku": "A", "quantity": 3, "location": "west"}]
    pinned = (await shop.api.ok(PIN, input={"id": held["id"], "pins": pins, "expectedVersion": 1}))["reservation"]
    assert (where(pinned), pinned["version"]) == ({"west": 3, None: 1}, 2)
    rest = [{"sku": "A", "location": "east"}]
    assert where((await shop.api.ok(PIN, input={"id": held["id"], "pins": rest}))["reservation"]) == {
        "west": 3, "east": 1,
    }  # fmt: skip
    assert await reserved(shop) == (1, 3)
    (error,) = await shop.api.refused(PIN, input={"id": held["id"], "pins": rest})
    assert (error["code"], error["details"]["remainingQuantity"]) == ("EXCEEDS_REMAINING", 0)
    moved = [event.data for event in await shop.events() if event.topic == "reservation.moved"]
    assert [(data["pinned"], sum(line["quantity"] for line in data["lines"])) for data in moved] == [
        (True, 3),
        (True, 1),
    ]
    await shop.sound()


async def test_an_empty_handle_is_no_location(shop: Shop) -> None:
    await sold(shop)
    await shop.stocked(A=5, A_west=1)
    held = await cart(shop, 2)
    move = {"sku": "A", "fromLocation": "", "toLocation": "west"}
    for document, rows in ((TRANSFER, {"moves": [move]}), (PIN, {"pins": [{"sku": "A", "location": ""}]})):
        (error,) = await shop.api.refused(document, input={"id": held["id"], **rows})
        assert (error["code"], error["message"]) == ("NOT_FOUND", "'' is not a known location; name one that is.")
    assert await reserved(shop) == (2, 0)


async def test_a_cart_is_transferred_in_one_step_or_not_at_all(shop: Shop) -> None:
    await sold(shop)
    await shop.stocked(A=5, A_west=2)
    held = await cart(shop, 5)
    move = {"sku": "A", "quantity": 2, "fromLocation": "east", "toLocation": "west"}
    after = (await shop.api.ok(TRANSFER, input={"id": held["id"], "moves": [move]}))["reservation"]
    assert where(after) == {"east": 3, "west": 2}
    assert await reserved(shop) == (3, 2)
    before = await shop.everything()
    (error,) = await shop.api.refused(TRANSFER, input={"id": held["id"], "moves": [{**move, "quantity": 1}]})
    assert (error["code"], error["path"]) == ("INSUFFICIENT_STOCK", ["input", "moves", "0"])
    (error,) = await shop.api.refused(TRANSFER, input={"id": held["id"], "moves": [{**move, "quantity": 9}]})
    assert (error["code"], error["path"]) == ("EXCEEDS_REMAINING", ["input", "moves", "0"])
    assert await shop.everything() == before
    await shop.sound()


async def test_what_is_wrong_with_a_transfer_is_told_at_once(shop: Shop) -> None:
    await sold(shop)
    await shop.stocked(A=5)
    held = await cart(shop, 2)
    moves = [{"sku": "A", "quantity": 0, "fromLocation": "east", "toLocation": "east"},
             {"sku": "A", "fromLocation": "nowhere", "toLocation": "west"}]  # fmt: skip
    errors = await shop.api.refused(TRANSFER, input={"id": held["id"], "moves": moves})
    assert [(error["code"], *error["path"][2:]) for error in errors] == [
        ("INVALID", "0", "quantity"), ("INVALID", "0"), ("NOT_FOUND", "1", "fromLocation"),
    ]  # fmt: skip
    assert await shop.api.codes(TRANSFER, input={"id": held["id"], "moves": []}) == ["INVALID"]
    with travel(hours=1):
        move = {"sku": "A", "fromLocation": "east", "toLocation": "west"}
        assert await shop.api.codes(TRANSFER, input={"id": held["id"], "moves": [move]}) == ["EXPIRED"]


async def test_a_cart_gives_parts_back_until_nothing_is_left(shop: Shop) -> None:
    await sold(shop)
    await shop.stocked(A=5)
    held = await cart(shop, 5)
    part = [{"sku": "A", "quantity": 2, "location": "east"}]
    after = (await shop.api.ok(RELEASE, input={"id": held["id"], "lines": part}))["reservation"]
    assert (where(after), after["version"]) == ({"east": 3}, 2)
    before = await shop.everything()
    (error,) = await shop.api.refused(RELEASE, input={"id": held["id"], "lines": [{"sku": "A", "quantity": 4}]})
    assert (error["code"], error["path"]) == ("EXCEEDS_REMAINING", ["input", "lines", "0", "quantity"])
    assert error["details"]["remainingQuantity"] == 3
    assert await shop.everything() == before
    await shop.api.ok(RELEASE, input={"id": held["id"], "lines": [{"sku": "A", "quantity": 3}]})
    assert (await shop.reservation(ids.decode(held["id"])[1])).state is ReservationState.RELEASED
    assert (await shop.position("A")).reserved == 0
    await shop.sound()


async def test_units_of_supply_keep_their_date_and_are_pinned_only_where_it_arrives(shop: Shop) -> None:
    await shop.stocked(A_west=5)
    supply = await shop.announced("PO", "A", 5)

    async def hold(tx: Tx) -> inventory.Reservation:
        want = shop.want("A", 2, supply_id=supply)
        return await inventory.reserve(tx, [want], expires_at=soon(hours=1), channel="web", floats=True)

    held = await shop.run(hold)
    (refusal,) = await refused(shop.run(lambda tx: inventory.relocate(tx, held.id, [Relocation("A", shop.west, 1)])))
    assert refusal.code == "EXCEEDS_REMAINING"
    await shop.run(lambda tx: inventory.relocate(tx, held.id, [Relocation("A", shop.east, 1)]))
    assert sorted((bool(line.floats), line.quantity, line.supply_id) for line in await shop.lines()) == [
        (False, 1, supply), (True, 1, supply),
    ]  # fmt: skip
    assert (await shop.supplies())["PO"].reserved == 2
    await shop.sound()


async def test_units_a_day_follow_the_units_that_move(shop: Shop) -> None:
    put = "mutation($input: StockRulesPutInput!) { stockRulesPut(input: $input) { userErrors { code } } }"
    rules = [{"handle": at, "kind": "MAX_PER_DAY", "sku": "A", "units": 3, "location": at} for at in ("east", "west")]
    await shop.api.ok(put, input={"rules": rules})
    await shop.stocked(A=9, A_west=9)
    held = await shop.reserve(shop.want("A", 3))
    await shop.run(lambda tx: inventory.relocate(tx, held.id, [Relocation("A", shop.west, 2, shop.east)]))
    await shop.reserve(shop.want("A", 2))
    (refusal,) = await refused(shop.reserve(shop.want("A", 2, at=shop.west)))
    assert refusal.details is not None and refusal.details["available"] == 1
    await shop.sound()


# --- races ---------------------------------------------------------------------------------------------------------


async def test_the_same_units_pinned_many_times_at_once_are_pinned_once(shop: Shop) -> None:
    await sold(shop)
    await shop.stocked(A=20, A_west=20)
    held = await cart(shop, 10, atChannel=True)
    id_ = ids.decode(held["id"])[1]
    results = await at_once(
        *[
            shop.run(
                lambda tx, at=shop.east if i % 2 else shop.west: inventory.relocate(tx, id_, [Relocation("A", at, 2)])
            )
            for i in range(12)
        ]
    )
    assert done(results) == 5
    assert codes(results) == {"EXCEEDS_REMAINING"}
    assert sum(await reserved(shop)) == 10
    await shop.sound()


async def test_a_transfer_and_a_parcel_that_leaves_never_both_get_the_units(shop: Shop) -> None:
    await shop.stocked(A=20, A_west=20)
    orders = [(somebody(), somebody()) for _ in range(15)]
    held = [await shop.reserve(shop.want("A", 1, line_id=line), owner_id=order) for order, line in orders]
    work: list[Any] = []
    for (order, line), one in zip(orders, held, strict=True):
        units = [Units(line, "A", shop.east, 1)]
        there = [Relocation("A", shop.west, 1, shop.east)]
        work += [
            shop.run(lambda tx, o=order, u=units: inventory.ship(tx, o, u, SHIPMENT)),
            shop.run(lambda tx, o=order, i=one.id, t=there: inventory.relocate(tx, i, t, owner_id=o)),
        ]
    results = await at_once(*work)
    assert [done(results[i : i + 2]) for i in range(0, 30, 2)] == [1] * 15
    east, west = await shop.position("A"), await shop.position("A", shop.west)
    assert east.reserved == 0 and west.reserved == east.on_hand - 5
    await shop.sound()


async def test_releases_in_part_beside_an_order_that_takes_the_cart_lose_nothing(shop: Shop) -> None:
    await shop.stocked(A=60)
    carts = [await shop.reserve(shop.want("A", 3)) for _ in range(15)]
    work: list[Any] = []
    for one in carts:
        work += [
            shop.run(lambda tx, i=one.id: inventory.release(tx, i, None, [Part("A", 2)])),
            shop.run(lambda tx, i=one.id: inventory.adopt(tx, i, owner_id=somebody())),
            shop.run(lambda tx, i=one.id: inventory.release(tx, i, None, [Part("A", 2)])),
        ]
    results = await at_once(*work)
    assert codes(results) <= {"INVALID", "EXCEEDS_REMAINING", "EXPIRED"}
    held = sum(line.quantity for line in await shop.lines())
    assert (await shop.position("A")).reserved == held
    await shop.sound()
