"""Units that change their place, and units that somebody counted."""

from typing import Any

from inventory.stock_world import Shop, somebody
from world import statements

MOVE = """mutation($input: InventoryMoveInput!) { inventoryMove(input: $input) {
  positions { sku location { handle } onHand damaged qualityControl inTransfer unavailable }
  userErrors { code message path } } }"""
COUNT = """mutation($input: InventoryCountInput!) { inventoryCount(input: $input) {
  counts { sku location { handle } bucket counted booked reason state } positions { sku onHand damaged }
  userErrors { code message path } } }"""


def row(sku: str, quantity: int, **more: Any) -> dict[str, Any]:
    return {"sku": sku, "location": "east", "quantity": quantity, **more}


def found(sku: str, counted: int, **more: Any) -> dict[str, Any]:
    return {"sku": sku, "location": "east", "counted": counted, **more}


async def test_units_go_to_another_bucket_and_to_another_location_in_one_step(shop: Shop) -> None:
    await shop.stocked(A=10)
    moves = [row("A", 2, toBucket="DAMAGED"), row("A", 3, toLocation="west"),
             row("A", 1, toLocation="west", toBucket="IN_TRANSFER")]  # fmt: skip
    done = await shop.api.ok(MOVE, input={"moves": moves, "reason": "transferred"})
    assert done["positions"] == [
        {"sku": "A", "location": {"handle": "east"}, "onHand": 4, "damaged": 2, "qualityControl": 0, "inTransfer": 0,
         "unavailable": 2},
        {"sku": "A", "location": {"handle": "west"}, "onHand": 3, "damaged": 0, "qualityControl": 0, "inTransfer": 1,
         "unavailable": 1},
    ]  # fmt: skip
    told = [event.data for event in await shop.events() if event.topic == "inventory.adjusted"][1:]
    assert [(data["bucket"], data["delta"]) for data in told] == [
        ("AVAILABLE", -6), ("DAMAGED", 2), ("AVAILABLE", 3), ("IN_TRANSFER", 1),
    ]  # fmt: skip
    await shop.sound()


async def test_a_move_that_cannot_be_is_refused_whole(shop: Shop) -> None:
    await shop.stocked(A=3, B=3)
    before = await shop.everything()
    moves = [row("A", 1, toLocation="west"), row("B", 4, toLocation="west")]
    (error,) = await shop.api.refused(MOVE, input={"moves": moves, "reason": "transferred"})
    assert (error["code"], error["path"]) == ("INVALID", ["input", "moves", "1", "quantity"])
    assert "is 3; -4 would make it negative" in error["message"]
    moves = [row("A", 1), row("A", 0, toLocation="west"), row("NONE", 1, toLocation="nowhere")]
    errors = await shop.api.refused(MOVE, input={"moves": moves, "reason": "because I say so"})
    assert [(one["code"], *one["path"][1:]) for one in errors] == [
        ("INVALID", "reason"), ("INVALID", "moves", "0"), ("INVALID", "moves", "1", "quantity"),
        ("NOT_FOUND", "moves", "2", "sku"), ("NOT_FOUND", "moves", "2", "toLocation"),
    ]  # fmt: skip
    assert [one for one in await shop.everything() if one] == [one for one in before if one]


async def test_units_that_are_promised_may_move_and_what_they_leave_is_short(shop: Shop) -> None:
    await shop.stocked(A=5)
    await shop.reserve(shop.want("A", 4), owner_id=somebody())
    await shop.api.ok(MOVE, input={"moves": [row("A", 3, toBucket="DAMAGED")], "reason": "broken"})
    (short,) = [event.data for event in await shop.events() if event.topic == "inventory.short"]
    assert short["short"] == 2
    await shop.sound()


async def test_a_count_books_the_difference_with_its_reason(shop: Shop) -> None:
    await shop.stocked(A=10, B=4)
    counts = [found("A", 8, reason="theft"), found("B", 4), found("C", 2), found("A", 1, bucket="DAMAGED")]
    done = await shop.api.ok(COUNT, input={"counts": counts, "reason": "cycle_count"})
    assert [(one["sku"], one["bucket"], one["booked"], one["counted"], one["reason"], one["state"])
            for one in done["counts"]] == [
        ("A", "AVAILABLE", 10, 8, "theft", "BOOKED"), ("B", "AVAILABLE", 4, 4, "cycle_count", "BOOKED"),
        ("C", "AVAILABLE", 0, 2, "cycle_count", "BOOKED"), ("A", "DAMAGED", 0, 1, "cycle_count", "BOOKED"),
    ]  # fmt: skip
    assert done["positions"] == [
        {"sku": "A", "onHand": 8, "damaged": 1}, {"sku": "B", "onHand": 4, "damaged": 0},
        {"sku": "C", "onHand": 2, "damaged": 0},
    ]  # fmt: skip
    events = await shop.events()
    told = [event.data for event in events if event.topic == "inventory.adjusted"][2:]
    assert sorted((data["sku"], data["delta"], data["reason"]) for data in told) == [
        ("A", -2, "theft"), ("A", 1, "cycle_count"), ("C", 2, "cycle_count"),
    ]  # fmt: skip
    assert len([event for event in events if event.topic == "inventory.counted"]) == 4
    await shop.sound()


async def test_a_difference_beyond_belief_waits_for_a_second_count_which_is_booked(shop: Shop) -> None:
    await shop.stocked(A=100, B=10)
    asked = {"reason": "cycle_count", "recountAbove": 5}
    first = await shop.api.ok(COUNT, input={"counts": [found("A", 40), found("B", 7)], **asked})
    assert [one["state"] for one in first["counts"]] == ["RECOUNT", "BOOKED"]
    assert [one["onHand"] for one in first["positions"]] == [100, 7]
    second = await shop.api.ok(COUNT, input={"counts": [found("A", 42)], **asked})
    assert [(one["state"], one["booked"]) for one in second["counts"]] == [("BOOKED", 100)]
    assert (await shop.position("A")).on_hand == 42
    third = await shop.api.ok(COUNT, input={"counts": [found("A", 100)], **asked})
    assert [one["state"] for one in third["counts"]] == ["RECOUNT"]
    told = [event.data["recount"] for event in await shop.events() if event.topic == "inventory.counted"]
    assert told == [True, False, False, True]
    await shop.sound()


async def test_what_is_wrong_with_a_count_is_told_at_once(shop: Shop) -> None:
    await shop.stocked(A=10)
    before = await shop.everything()
    counts = [found("A", -1), found("A", 2, reason="no code"), found("KIT", 1)]
    errors = await shop.api.refused(COUNT, input={"counts": counts, "reason": "x y", "recountAbove": -1})
    assert [(one["code"], *one["path"][1:]) for one in errors] == [
        ("INVALID", "reason"), ("INVALID", "recountAbove"), ("INVALID", "counts", "0", "counted"),
        ("INVALID", "counts", "1", "reason"), ("INVALID", "counts", "2", "sku"),
    ]  # fmt: skip
    errors = await shop.api.refused(COUNT, input={"counts": [found("A", 1), found("A", 2)], "reason": "count"})
    assert [one["path"] for one in errors] == [["input", "counts", "1"]]
    assert await shop.everything() == before


async def test_many_moves_and_counts_take_as_many_statements_as_one(shop: Shop) -> None:
    await shop.stocked(A=9, B=9, C=9, D=9)
    for query, name, make in (
        (MOVE, "moves", lambda sku: row(sku, 1, toLocation="west")), (COUNT, "counts", lambda sku: found(sku, 3)),
    ):  # fmt: skip
        with statements() as one:
            await shop.api.ok(query, input={name: [make("A")], "reason": "x"})
        with statements() as many:
            await shop.api.ok(query, input={name: [make(sku) for sku in "BCD"], "reason": "x"})
        assert len(many) == len(one) <= 14, query
