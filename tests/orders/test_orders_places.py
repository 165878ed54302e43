"""Where an order goes and how: addresses, pick-up, delivery groups, what has no stock, kits."""

from orders.store import (
    ADDRESS,
    Store,
    sku,
    units,
    usd,
)


async def test_goods_need_a_place_to_go_to(store: Store) -> None:
    await store.open({"A": {"dc": 5}})
    assert await store.refused({"A": 1}, shippingAddress=None) == [("REQUIRED", "input.shippingAddress")]


async def test_an_order_is_collected_where_its_units_are(store: Store) -> None:
    await store.open(
        {"A": {"dc": 5, "shop": 2}}, locations={"dc": {}, "shop": {"pickup": True}, "closed": {"pickup": False}}
    )
    order = await store.create({"A": 2}, pickupLocation="shop")
    assert order["pickupLocation"] == {"handle": "shop"}
    assert order["shippingAddress"] is None
    assert order["deliveryGroups"][0]["method"] == "PICKUP"
    assert await store.reserved("A") == {"A@shop": 2}
    assert await store.refused({"A": 1}, pickupLocation="shop") == [("INSUFFICIENT_STOCK", "input.lines.0.quantity")]
    assert await store.refused({"A": 1}, pickupLocation="closed") == [("INVALID", "input.pickupLocation")]
    assert await store.refused({"A": 1}, pickupLocation="nowhere") == [("NOT_FOUND", "input.pickupLocation")]
    assert await store.refused({"A": 1}, pickupLocation="shop", shippingAddress=ADDRESS) == [
        ("INVALID", "input.pickupLocation")
    ]


async def test_two_groups_share_the_stock_and_neither_gets_the_others_units(store: Store) -> None:
    await store.open({"A": {"shop": 3}}, locations={"shop": {"pickup": True}})
    groups = [
        {"key": "home", "method": "SHIPPING", "shippingAddress": ADDRESS},
        {"key": "counter", "method": "PICKUP", "pickupLocation": "shop"},
    ]
    lines = [
        {"sku": "A", "quantity": 2, "deliveryGroup": "home"},
        {"sku": "A", "quantity": 1, "deliveryGroup": "counter"},
    ]
    over = [lines[0], {**lines[1], "quantity": 2}]
    assert await store.refused(over, deliveryGroups=groups) == [("INSUFFICIENT_STOCK", "input.lines.1.quantity")]
    assert await store.reserved("A") == {}
    order = await store.create(lines, deliveryGroups=groups)
    assert [(group["key"], group["method"], group["lines"]) for group in order["deliveryGroups"]] == [
        ("home", "SHIPPING", [{"sku": "A"}]),
        ("counter", "PICKUP", [{"sku": "A"}]),
    ]
    assert (order["shippingAddress"], order["pickupLocation"]) == (None, None)
    assert [line["deliveryGroup"]["key"] for line in order["lines"]] == ["home", "counter"]
    assert await store.reserved("A") == {"A@shop": 3}


async def test_what_is_wrong_with_delivery_groups_is_told(store: Store) -> None:
    await store.open({"A": {"dc": 5}}, skus=[sku("SONG", "1.00", kind="DIGITAL")])
    home = {"key": "home", "shippingAddress": ADDRESS}
    assert await store.refused({"A": 1}, deliveryGroups=[home, {"key": "other", "shippingAddress": ADDRESS}]) == [
        ("REQUIRED", "input.lines.0.deliveryGroup"),
        ("INVALID", "input.deliveryGroups.1"),
    ]
    assert await store.refused({"A": 1}, deliveryGroups=[{"key": "home"}]) == [
        ("REQUIRED", "input.deliveryGroups.0.shippingAddress")
    ]
    assert await store.refused({"A": 1}, deliveryGroups=[{"key": "home", "method": "PICKUP"}]) == [
        ("REQUIRED", "input.deliveryGroups.0.pickupLocation")
    ]
    mail = {"key": "mail", "method": "DIGITAL"}
    line = {"sku": "A", "quantity": 1, "deliveryGroup": "mail"}
    assert await store.refused([line], deliveryGroups=[mail]) == [("INVALID", "input.lines.0.deliveryGroup")]
    assert await store.refused({"A": 1}, deliveryGroups=[home], shippingAddress=ADDRESS) == [
        ("INVALID", "input.shippingAddress")
    ]
    twice = [home, home]
    assert await store.refused([{"sku": "A", "quantity": 1, "deliveryGroup": "home"}], deliveryGroups=twice) == [
        ("INVALID", "input.deliveryGroups.1.key")
    ]


async def test_what_has_no_stock_needs_no_place_and_is_handed_over_when_the_order_is_confirmed(store: Store) -> None:
    await store.open({"A": {"dc": 5}}, skus=[sku("SONG", "1.00", kind="DIGITAL"), sku("HELP", "5.00", kind="SERVICE")])
    song = await store.create({"SONG": 3}, shippingAddress=None)
    assert units(song["lines"][0]) == {"delivered": 3}
    assert song["deliveryGroups"][0]["method"] == "DIGITAL"
    assert song["status"] == "SHIPPED"  # all of it arrived, nothing is paid
    assert song["lines"][0]["promisedOn"] is not None
    paid = [{"method": "till", "amount": usd("1.00"), "state": "CAPTURED"}]
    assert (await store.create({"SONG": 1}, shippingAddress=None, externalPayments=paid))["status"] == "COMPLETED"
    mixed = await store.create({"A": 1, "HELP": 1})
    assert mixed["status"] == "PARTIALLY_SHIPPED"
    assert [units(line) for line in mixed["lines"]] == [{"reserved": 1}, {"delivered": 1}]


async def test_a_kit_holds_its_components(store: Store) -> None:
    kit = sku("SET", "30.00", kind="KIT", components=[{"sku": "CUP", "quantity": 4}, {"sku": "POT", "quantity": 1}])
    await store.open({"CUP": {"dc": 20}, "POT": {"dc": 3}}, skus=[sku("CUP"), sku("POT"), kit])
    order = await store.create({"SET": 2, "CUP": 1})
    assert [units(line) for line in order["lines"]] == [{"reserved": 2}, {"reserved": 1}]
    assert await store.reserved("CUP", "POT") == {"CUP@dc": 9, "POT@dc": 2}
    assert await store.refused({"SET": 2}) == [("INSUFFICIENT_STOCK", "input.lines.0.quantity")]
