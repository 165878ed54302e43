"""Stock by deltas and by absolutes, and how it is read, through the API."""

import pytest

from inventory.stock_world import ADJUST, INVENTORY, SET, Shop, somebody
from oms_api import inventory
from oms_api.inventory.service import ledger
from oms_api.kit.db import Tx
from world import World, statements


def change(sku: str, delta: int, location: str = "east", **more: object) -> dict[str, object]:
    return {"sku": sku, "location": location, "delta": delta, **more}


async def test_an_adjustment_opens_the_position_and_tells_what_is_there(shop: Shop) -> None:
    done = await shop.api.ok(ADJUST, input={"changes": [change("A", 7)], "reason": "received"})
    (position,) = done["positions"]
    assert position.pop("id").startswith("pos_")
    assert position == {
        "sku": "A", "location": {"handle": "east"}, "onHand": 7, "reserved": 0, "available": 7, "unavailable": 0,
        "safetyStock": 0, "incoming": 0,
    }  # fmt: skip
    event = (await shop.events())[-1]
    assert event.topic == "inventory.adjusted"
    assert event.data["delta"] == 7
    assert event.data["onHand"] == 7
    assert event.data["reason"] == "received"
    await shop.sound()


async def test_a_position_named_twice_gets_the_sum(shop: Shop) -> None:
    rows = [change("A", 5), change("A", -2), change("A", 1, bucket="DAMAGED")]
    done = await shop.api.ok(ADJUST, input={"changes": rows, "reason": "cycle_count"})
    (position,) = done["positions"]
    assert (position["onHand"], position["unavailable"], position["available"]) == (3, 1, 3)
    await shop.sound()


async def test_units_move_between_buckets_and_only_the_available_can_be_sold(shop: Shop) -> None:
    await shop.stocked(A=10)
    rows = [change("A", -4), change("A", 1, bucket="DAMAGED"), change("A", 2, bucket="QUALITY_CONTROL"),
            change("A", 1, bucket="IN_TRANSFER")]  # fmt: skip
    done = await shop.api.ok(ADJUST, input={"changes": rows, "reason": "inspection"})
    assert (done["positions"][0]["onHand"], done["positions"][0]["unavailable"]) == (6, 4)
    position = await shop.position("A")
    assert (position.damaged, position.quality_control, position.in_transfer) == (1, 2, 1)
    await shop.sound()


async def test_all_problems_are_told_with_their_row_and_nothing_changes(shop: Shop) -> None:
    await shop.stocked(A=3)
    before = await shop.everything()
    errors = await shop.api.refused(
        ADJUST,
        input={
            "changes": [
                change("A", 1), change("A", 0), change("NONE", 1), change("A", 1, "nowhere"), change("KIT", 1),
                change("FILE", 1),
            ],
            "reason": "because I say so",
        },
    )  # fmt: skip
    assert [(error["code"], error["path"]) for error in errors] == [
        ("INVALID", ["input", "reason"]),
        ("INVALID", ["input", "changes", "1", "delta"]),
        ("NOT_FOUND", ["input", "changes", "2", "sku"]),
        ("NOT_FOUND", ["input", "changes", "3", "location"]),
        ("INVALID", ["input", "changes", "4", "sku"]),
        ("INVALID", ["input", "changes", "5", "sku"]),
    ]
    assert "'NONE'" in errors[2]["message"]
    assert "'nowhere'" in errors[3]["message"]
    assert "send its parts: A" in errors[4]["message"]
    assert "FILE is DIGITAL" in errors[5]["message"]
    assert await shop.everything() == before


async def test_on_hand_never_becomes_negative(shop: Shop) -> None:
    await shop.stocked(A=3, B=3)
    before = await shop.everything()
    rows = [change("A", 1), change("B", -4), change("C", -1), change("A", -2, bucket="DAMAGED")]
    errors = await shop.api.refused(ADJUST, input={"changes": rows, "reason": "cycle_count"})
    assert [(error["code"], error["path"][2]) for error in errors] == [
        ("INVALID", "1"), ("INVALID", "2"), ("INVALID", "3"),
    ]  # fmt: skip
    assert "is 3; -4 would make it negative. Send at least -3." in errors[0]["message"]
    assert await shop.everything() == before


async def test_a_quantity_beyond_32_bits_is_refused_and_never_overflows(shop: Shop) -> None:
    top = 2**31 - 1
    await shop.stocked(A=top)
    before = await shop.everything()
    (error,) = await shop.api.refused(ADJUST, input={"changes": [change("A", 1)], "reason": "received"})
    assert (error["code"], error["path"]) == ("LIMIT_EXCEEDED", ["input", "changes", "0", "delta"])
    many = [change("A", top)] * 250
    assert await shop.api.codes(ADJUST, input={"changes": many, "reason": "received"}) == ["LIMIT_EXCEEDED"]
    assert await shop.everything() == before


@pytest.mark.parametrize("count", [0, 251])
async def test_one_to_250_changes_at_once(shop: Shop, count: int) -> None:
    rows = [change("A", 1)] * count
    (error,) = await shop.api.refused(ADJUST, input={"changes": rows, "reason": "received"})
    assert (error["code"], error["path"]) == ("INVALID", ["input", "changes"])
    assert await shop.positions() == []


async def test_the_same_key_adjusts_once(shop: Shop) -> None:
    asked = {"changes": [change("A", 5)], "reason": "received", "idempotencyKey": "k1"}
    first = await shop.api.ok(ADJUST, input=asked)
    assert await shop.api.ok(ADJUST, input=asked) == first
    assert (await shop.position("A")).on_hand == 5


async def test_absolutes_replace_what_was_booked(shop: Shop) -> None:
    await shop.stocked(A=5, B=1)
    rows = [
        {"sku": "A", "location": "east", "quantity": 2, "expectedQuantity": 5},
        {"sku": "B", "location": "east", "quantity": 1},
        {"sku": "C", "location": "west", "quantity": 9, "expectedQuantity": 0},
    ]
    done = await shop.api.ok(SET, input={"quantities": rows, "reason": "cycle_count"})
    assert [(row["sku"], row["onHand"]) for row in done["positions"]] == [("A", 2), ("B", 1), ("C", 9)]
    told = [event.data for event in await shop.events() if event.topic == "inventory.adjusted"][2:]
    assert [(data["sku"], data["delta"]) for data in told] == [("A", -3), ("C", 9)]
    await shop.sound()


async def test_a_stale_quantity_is_named_and_nothing_is_set(shop: Shop) -> None:
    await shop.stocked(A=5, B=5)
    before = await shop.everything()
    rows = [
        {"sku": "A", "location": "east", "quantity": 1, "expectedQuantity": 5},
        {"sku": "B", "location": "east", "quantity": 1, "expectedQuantity": 4},
    ]
    (error,) = await shop.api.refused(SET, input={"quantities": rows, "reason": "cycle_count"})
    assert error["code"] == "STALE_QUANTITY"
    assert error["path"] == ["input", "quantities", "1", "expectedQuantity"]
    assert error["details"] == {"sku": "B"}
    assert "B at east has 5 on hand, not 4" in error["message"]
    assert await shop.everything() == before


async def test_absolutes_are_not_negative_and_name_a_position_once(shop: Shop) -> None:
    rows = [
        {"sku": "A", "location": "east", "quantity": -1},
        {"sku": "A", "location": "east", "quantity": 1},
    ]
    errors = await shop.api.refused(SET, input={"quantities": rows, "reason": "cycle_count"})
    assert [error["path"] for error in errors] == [["input", "quantities", "0", "quantity"]]
    rows[0]["quantity"] = 1
    errors = await shop.api.refused(SET, input={"quantities": rows, "reason": "cycle_count"})
    assert [(error["code"], error["path"]) for error in errors] == [("INVALID", ["input", "quantities", "1"])]
    assert await shop.positions() == []


async def test_physical_truth_wins_over_what_is_promised(shop: Shop) -> None:
    await shop.stocked(A=5)
    await shop.reserve(shop.want("A", 4), owner_id=somebody())
    rows = [{"sku": "A", "location": "east", "quantity": 1}]
    done = await shop.api.ok(SET, input={"quantities": rows, "reason": "cycle_count"})
    assert done["positions"] == [{"sku": "A", "onHand": 1, "available": 0}]
    position = await shop.position("A")
    assert (position.on_hand, position.reserved) == (1, 4)
    (short,) = [event for event in await shop.events() if event.topic == "inventory.short"]
    assert (short.data["sku"], short.data["short"], short.data["supplyId"]) == ("A", 3, None)
    await shop.sound()


async def test_expired_reservations_make_nothing_short(shop: Shop) -> None:
    await shop.stocked(A=5)
    await shop.reserve(shop.want("A", 4), seconds=-1)
    done = await shop.api.ok(ADJUST, input={"changes": [change("A", -3)], "reason": "damaged"})
    assert (done["positions"][0]["onHand"], done["positions"][0]["reserved"]) == (2, 0)
    assert "inventory.short" not in await shop.topics()
    assert (await shop.position("A")).reserved == 0
    await shop.sound()


async def test_a_locations_safety_stock_is_never_promised(shop: Shop) -> None:
    await shop.stocked(A=5)
    put = "mutation($input: LocationPutInput!) { locationPut(input: $input) { userErrors { code } } }"
    await shop.api.ok(put, input={"locations": [{"handle": "east", "name": "east", "safetyStock": 2}]})
    query = 'query { inventory(skus: ["A"]) { nodes { safetyStock available onHand } } }'
    assert (await shop.api(query))["inventory"]["nodes"] == [{"safetyStock": 2, "available": 3, "onHand": 5}]


async def test_the_inventory_is_paged_by_sku_and_location(shop: Shop) -> None:
    await shop.stocked(A=1, A_west=2, B=3, C_west=4)
    seen, after = [], None
    for _ in range(3):
        page = (await shop.api(INVENTORY, first=2, after=after))["inventory"]
        seen += [(node["sku"], node["location"]["handle"], node["onHand"]) for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert sorted(seen) == [("A", "east", 1), ("A", "west", 2), ("B", "east", 3), ("C", "west", 4)]
    assert [sku for sku, *_ in seen] == ["A", "A", "B", "C"]


async def test_the_inventory_is_filtered_and_unknown_names_give_nothing(shop: Shop) -> None:
    await shop.stocked(A=1, A_west=2, B=3)

    async def asked(**filters: object) -> list[int]:
        return [node["onHand"] for node in (await shop.api(INVENTORY, **filters))["inventory"]["nodes"]]

    assert sorted(await asked(skus=["A", "NONE"])) == [1, 2]
    assert await asked(locations=["west", "nowhere"]) == [2]
    assert await asked(skus=["A"], locations=["east"]) == [1]
    assert await asked(skus=["NONE"]) == []
    assert await asked(locations=["nowhere"]) == []
    assert await asked(skus=[]) == []


async def test_a_cursor_belongs_to_its_filter(shop: Shop) -> None:
    await shop.stocked(A=1, B=2)
    page = (await shop.api(INVENTORY, first=1))["inventory"]
    body = await shop.api.answer(INVENTORY, skus=["A"], after=page["pageInfo"]["endCursor"])
    assert body["errors"][0]["extensions"]["code"] == "BAD_INPUT"


async def test_a_position_is_found_by_its_id_and_only_in_its_tenant(world: World, shop: Shop) -> None:
    done = await shop.api.ok(ADJUST, input={"changes": [change("A", 1)], "reason": "received"})
    node = "query($id: ID!) { node(id: $id) { ... on InventoryPosition { sku onHand } } }"
    id_ = done["positions"][0]["id"]
    assert (await shop.api(node, id=id_))["node"] == {"sku": "A", "onHand": 1}
    other = await world.tenant()
    assert (await other(node, id=id_))["node"] is None
    assert (await other(INVENTORY))["inventory"]["nodes"] == []


async def test_a_key_without_the_scope_is_forbidden(world: World) -> None:
    api = await world.tenant("inventory:read")
    body = await api.answer(ADJUST, input={"changes": [change("A", 1)], "reason": "received"})
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_many_changes_take_as_many_statements_as_one(shop: Shop) -> None:
    for query, name, row in (
        (ADJUST, "changes", {"delta": 1}),
        (SET, "quantities", {"quantity": 9}),
    ):
        with statements() as one:
            await shop.api.ok(query, input={name: [{"sku": "A", "location": "east", **row}], "reason": "count"})
        with statements() as many:
            rows = [{"sku": sku, "location": place, **row} for sku in "BCDEF" for place in ("east", "west")]
            await shop.api.ok(query, input={name: rows, "reason": "count"})
        assert len(many) == len(one), query
        assert len(one) <= 10


async def test_a_page_of_positions_takes_one_statement_a_type(shop: Shop) -> None:
    await shop.stocked(A=1, A_west=2, B=3, C_west=4)
    query = "query { inventory { nodes { sku reserved available incoming safetyStock location { handle } } } }"
    with statements() as seen:
        await shop.api(query)
    assert len(seen) == 3  # positions, what stands beside them, locations


async def test_the_books_are_rebuilt_from_the_ledger_and_a_difference_is_named(shop: Shop) -> None:
    await shop.stocked(A=5, B=5)
    await shop.reserve(shop.want("A", 2))
    await shop.sound()

    async def spoil(tx: Tx) -> None:
        await ledger.change(tx, [ledger.Delta("A", shop.east, 1)])

    await shop.run(spoil)
    async with shop.world.db.reading(shop.api.tenant_id) as reading:
        assert await inventory.rebuild(reading) == [inventory.Difference("A", shop.east, "on_hand", 6, 5)]
