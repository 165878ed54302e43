"""Expected stock: announced, changed, withdrawn, received."""

from datetime import timedelta
from typing import Any

from inventory.stock_world import INVENTORY, PUT, RECEIVE, Shop, refused, somebody
from oms_api.kit import clock
from oms_api.kit.events import rfc3339
from world import World, statements, travel

AT = "2099-01-10T08:00:00Z"


def supply(reference: str, sku: str = "A", quantity: int = 10, **more: Any) -> dict[str, Any]:
    return {"reference": reference, "sku": sku, "location": "east", "quantity": quantity, "expectedAt": AT, **more}


async def test_a_supply_is_announced_then_changed_by_its_reference(shop: Shop) -> None:
    new = await shop.api.ok(PUT, input={"supplies": [supply("PO-1/1")]})
    (first,) = new["supplies"]
    id_ = first.pop("id")
    assert id_.startswith("sup_")
    assert first == {
        "version": 1, "reference": "PO-1/1", "sku": "A", "location": {"handle": "east"}, "kind": "PURCHASE",
        "quantity": 10, "received": 0, "expectedAt": "2099-01-10T08:00:00.000000Z",
    }  # fmt: skip
    assert new["positions"] == [{"sku": "A", "onHand": 0, "incoming": 10}]
    changed = await shop.api.ok(PUT, input={"supplies": [supply("PO-1/1", quantity=4, kind="IN_TRANSIT")]})
    (second,) = changed["supplies"]
    assert (second["id"], second["version"], second["quantity"], second["kind"]) == (id_, 2, 4, "IN_TRANSIT")
    assert [topic for topic in await shop.topics() if topic.startswith("supply")] == [
        "supply.announced", "supply.changed",
    ]  # fmt: skip


async def test_the_same_again_changes_nothing_and_an_absent_kind_stays(shop: Shop) -> None:
    await shop.api.ok(PUT, input={"supplies": [supply("PO-1", kind="PRODUCTION")]})
    again = await shop.api.ok(PUT, input={"supplies": [supply("PO-1")]})
    assert (again["supplies"][0]["version"], again["supplies"][0]["kind"]) == (1, "PRODUCTION")
    assert [topic for topic in await shop.topics() if topic.startswith("supply")] == ["supply.announced"]


async def test_a_quantity_of_zero_withdraws(shop: Shop) -> None:
    await shop.api.ok(PUT, input={"supplies": [supply("PO-1")]})
    done = await shop.api.ok(PUT, input={"supplies": [supply("PO-1", quantity=0)]})
    assert done["positions"] == [{"sku": "A", "onHand": 0, "incoming": 0}]


async def test_a_reference_keeps_its_sku_and_location(shop: Shop) -> None:
    await shop.api.ok(PUT, input={"supplies": [supply("PO-1")]})
    before = await shop.everything()
    for other in (supply("PO-1", "B"), supply("PO-1", location="west")):
        (error,) = await shop.api.refused(PUT, input={"supplies": [supply("PO-2"), other]})
        assert (error["code"], error["path"]) == ("INVALID", ["input", "supplies", "1", "reference"])
    assert await shop.everything() == before


async def test_what_is_wrong_with_supplies_is_told_at_once(shop: Shop) -> None:
    rows = [supply("", quantity=-1), supply("X"), supply("X", "NONE"), supply("Y", "KIT")]
    errors = await shop.api.refused(PUT, input={"supplies": rows})
    assert [(error["code"], *error["path"][2:]) for error in errors] == [
        ("INVALID", "0", "reference"),
        ("INVALID", "0", "quantity"),
        ("INVALID", "1", "reference"),
        ("INVALID", "2", "reference"),
        ("NOT_FOUND", "2", "sku"),
        ("INVALID", "3", "sku"),
    ]
    assert await shop.supplies() == {}


async def test_a_date_that_is_past_when_it_is_first_said_is_refused(shop: Shop) -> None:
    past = clock.now() - timedelta(days=2)
    (error,) = await shop.api.refused(PUT, input={"supplies": [supply("NEW"), supply("PO", expectedAt=rfc3339(past))]})
    assert (error["code"], error["path"]) == ("INVALID", ["input", "supplies", "1", "expectedAt"])
    assert error["message"] == (
        f"PO would have come on {rfc3339(past)}, which is past; send when it is expected now, or add what has come "
        "with inventoryAdjust."
    )
    (error,) = await shop.api.refused(
        PUT,
        input={"supplies": [supply("PO", expectedAt=rfc3339(past), confidentAt=rfc3339(past + timedelta(hours=1)))]},
    )
    assert error["path"] == ["input", "supplies", "0", "confidentAt"]
    assert await shop.supplies() == {}
    # the first instant of today is no mistake, and what is overdue may be told again, fewer of it, or withdrawn
    today = rfc3339(clock.now() - timedelta(hours=20))
    await shop.api.ok(PUT, input={"supplies": [supply("PO", expectedAt=today)]})
    with travel(days=3):
        for quantity in (10, 4, 0):
            await shop.api.ok(PUT, input={"supplies": [supply("PO", quantity=quantity, expectedAt=today)]})
        moved = await shop.api.refused(PUT, input={"supplies": [supply("PO", expectedAt=rfc3339(past))]})
        assert [error["code"] for error in moved] == ["INVALID"]


async def test_a_supply_arrives_in_parts_and_is_closed(shop: Shop) -> None:
    await shop.api.ok(PUT, input={"supplies": [supply("PO-1", quantity=10)]})
    part = await shop.api.ok(RECEIVE, input={"receipts": [{"reference": "PO-1", "quantity": 6}]})
    assert part["supplies"] == [{"reference": "PO-1", "quantity": 4, "received": 6, "version": 2}]
    assert part["positions"] == [{"sku": "A", "onHand": 6, "reserved": 0, "incoming": 4}]
    rest = await shop.api.ok(RECEIVE, input={"receipts": [{"reference": "PO-1", "quantity": 1, "close": True}]})
    assert rest["supplies"] == [{"reference": "PO-1", "quantity": 0, "received": 7, "version": 3}]
    assert rest["positions"] == [{"sku": "A", "onHand": 7, "reserved": 0, "incoming": 0}]
    told = [event.data for event in await shop.events() if event.topic == "supply.received"]
    assert [(data["arrived"], data["quantity"]) for data in told] == [(6, 4), (1, 0)]
    await shop.sound()


async def test_closing_alone_books_nothing(shop: Shop) -> None:
    await shop.api.ok(PUT, input={"supplies": [supply("PO-1")]})
    done = await shop.api.ok(RECEIVE, input={"receipts": [{"reference": "PO-1", "quantity": 0, "close": True}]})
    assert done["positions"] == [{"sku": "A", "onHand": 0, "reserved": 0, "incoming": 0}]
    await shop.sound()


async def test_more_than_is_still_to_come_is_refused_and_nothing_is_booked(shop: Shop) -> None:
    await shop.api.ok(PUT, input={"supplies": [supply("PO-1", quantity=3), supply("PO-2", "B", 5)]})
    before = await shop.everything()
    rows = [{"reference": "PO-2", "quantity": 5}, {"reference": "PO-1", "quantity": 4}]
    (error,) = await shop.api.refused(RECEIVE, input={"receipts": rows})
    assert error["code"] == "EXCEEDS_REMAINING"
    assert error["path"] == ["input", "receipts", "1", "quantity"]
    assert error["details"] == {"remainingQuantity": 3}
    assert await shop.everything() == before


async def test_an_unknown_reference_is_not_found(shop: Shop) -> None:
    (error,) = await shop.api.refused(RECEIVE, input={"receipts": [{"reference": "PO-9", "quantity": 1}]})
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "receipts", "0", "reference"])


async def test_a_receipt_names_units_and_each_supply_once(shop: Shop) -> None:
    await shop.api.ok(PUT, input={"supplies": [supply("PO-1")]})
    rows = [{"reference": "PO-1", "quantity": 0}, {"reference": "PO-1", "quantity": 1}]
    errors = await shop.api.refused(RECEIVE, input={"receipts": rows})
    assert [(error["code"], *error["path"][2:]) for error in errors] == [
        ("INVALID", "0", "reference"), ("INVALID", "0", "quantity"), ("INVALID", "1", "reference"),
    ]  # fmt: skip
    assert (await shop.position("A")).on_hand == 0


async def test_what_was_promised_of_a_supply_is_held_on_hand_when_it_arrives(shop: Shop) -> None:
    id_ = await shop.announced("PO-1", "A", 10)
    line, order = somebody(), somebody()
    await shop.reserve(shop.want("A", 4, supply_id=id_, line_id=line), owner_id=order)
    assert (await shop.supplies())["PO-1"].reserved == 4
    done = await shop.api.ok(RECEIVE, input={"receipts": [{"reference": "PO-1", "quantity": 10}]})
    assert done["positions"] == [{"sku": "A", "onHand": 10, "reserved": 4, "incoming": 0}]
    (held,) = await shop.lines()
    assert (held.supply_id, held.quantity, held.line_id) == (None, 4, line)
    (filled,) = [event for event in await shop.events() if event.topic == "reservation.filled"]
    assert filled.owner_id == order
    assert [row["quantity"] for row in filled.data["lines"]] == [4]
    await shop.sound()


async def test_a_part_that_arrives_goes_to_orders_before_carts_and_to_the_oldest_first(shop: Shop) -> None:
    id_ = await shop.announced("PO-1", "A", 10)
    await shop.reserve(shop.want("A", 2, supply_id=id_))
    first, second = somebody(), somebody()
    await shop.reserve(shop.want("A", 3, supply_id=id_, line_id=first), owner_id=somebody())
    await shop.reserve(shop.want("A", 4, supply_id=id_, line_id=second), owner_id=somebody())
    done = await shop.api.ok(RECEIVE, input={"receipts": [{"reference": "PO-1", "quantity": 5}]})
    assert done["positions"] == [{"sku": "A", "onHand": 5, "reserved": 5, "incoming": 5}]
    held = sorted((line.line_id or id_, line.supply_id is None, line.quantity) for line in await shop.lines())
    assert held == sorted([(first, True, 3), (second, True, 2), (second, False, 2), (id_, False, 2)])
    assert (await shop.supplies())["PO-1"].reserved == 4
    await shop.sound()


async def test_a_supply_that_shrinks_below_what_was_promised_of_it_is_short(shop: Shop) -> None:
    id_ = await shop.announced("PO-1", "A", 10)
    await shop.reserve(shop.want("A", 6, supply_id=id_), owner_id=somebody())
    await shop.api.ok(PUT, input={"supplies": [supply("PO-1", quantity=4)]})
    (short,) = [event.data for event in await shop.events() if event.topic == "inventory.short"]
    assert (short["short"], short["supplyId"][:4]) == (2, "sup_")
    await shop.sound()


async def test_more_than_a_supply_brings_cannot_be_promised(shop: Shop) -> None:
    id_ = await shop.announced("PO-1", "A", 5)
    await shop.reserve(shop.want("A", 4, supply_id=id_), owner_id=somebody())
    before = await shop.everything()
    (refusal,) = await refused(shop.reserve(shop.want("A", 2, supply_id=id_), owner_id=somebody()))
    assert refusal.code == "INSUFFICIENT_STOCK"
    assert refusal.details is not None
    assert (refusal.details["requested"], refusal.details["available"]) == (2, 1)
    assert await shop.everything() == before


async def test_a_supply_of_another_sku_or_location_gives_nothing(shop: Shop) -> None:
    await shop.stocked(B=1, A_west=1)
    id_ = await shop.announced("PO-1", "A", 5)
    for want in (shop.want("B", 1, supply_id=id_), shop.want("A", 1, supply_id=id_, at=shop.west)):
        (refusal,) = await refused(shop.reserve(want, owner_id=somebody()))
        assert refusal.code == "INSUFFICIENT_STOCK"
    await shop.sound()


async def test_supplies_are_found_by_id_only_in_their_tenant(world: World, shop: Shop) -> None:
    done = await shop.api.ok(PUT, input={"supplies": [supply("PO-1")]})
    node = "query($id: ID!) { node(id: $id) { ... on Supply { reference location { handle } } } }"
    id_ = done["supplies"][0]["id"]
    assert (await shop.api(node, id=id_))["node"] == {"reference": "PO-1", "location": {"handle": "east"}}
    other = await world.tenant()
    assert (await other(node, id=id_))["node"] is None
    assert (await other(INVENTORY))["inventory"]["nodes"] == []


async def test_many_supplies_take_as_many_statements_as_one(shop: Shop) -> None:
    with statements() as one:
        await shop.api.ok(PUT, input={"supplies": [supply("one")]})
    with statements() as many:
        await shop.api.ok(PUT, input={"supplies": [supply(f"many{i}", "ABCDEF"[i % 6]) for i in range(50)]})
    assert len(many) == len(one) <= 12
    with statements() as one:
        await shop.api.ok(RECEIVE, input={"receipts": [{"reference": "one", "quantity": 1}]})
    with statements() as many:
        rows = [{"reference": f"many{i}", "quantity": 1} for i in range(50)]
        await shop.api.ok(RECEIVE, input={"receipts": rows})
    assert len(many) == len(one) <= 12
