"""`orderCreate`: what becomes of an order as it is sent."""

from orders.store import (
    ADDRESS,
    CREATE,
    HOLD,
    PROMISE,
    Store,
    key,
    minor,
    sku,
    units,
    usd,
)
from promising.shop import TO_NEW_YORK
from world import Api, World, statements, travel


async def test_an_order_holds_its_units_and_is_confirmed_at_once_where_nothing_must_be_paid_first(store: Store) -> None:
    await store.open({"A": {"dc": 5}})
    order = await store.create({"A": 2}, metadata=[{"key": "shop.note", "value": "gift"}])
    assert order["number"] == "1001"
    assert order["status"] == "CONFIRMED"
    assert order["version"] == 1
    assert order["test"] is True  # the key of these tests is a test key
    assert (minor(order["total"]), minor(order["subtotal"]), minor(order["outstanding"])) == (2000, 2000, 2000)
    (line,) = order["lines"]
    assert (line["sku"], line["quantity"], minor(line["unitPrice"])) == ("A", 2, 1000)
    assert units(line) == {"reserved": 2}
    assert line["promisedOn"] is not None
    assert line["deliveryGroup"]["key"] == "default"
    assert order["channel"] == {"handle": "web"}
    assert order["customer"] == {"email": "ada@example.com", "phone": None, "externalId": None}
    assert order["shippingAddress"] == {"name": "Ada", "postalCode": "10001", "country": "US"}
    assert order["billingAddress"] == {"name": "Ada"}
    assert order["metadata"] == [{"key": "shop.note", "value": "gift"}]
    assert await store.reserved("A") == {"A@dc": 2}
    assert await store.look(order) == order


async def test_numbers_rise_one_by_one_from_1001(store: Store) -> None:
    await store.open({"A": {"dc": 9}})
    assert [(await store.create({"A": 1}))["number"] for _ in range(3)] == ["1001", "1002", "1003"]


async def test_without_a_key_or_an_external_id_it_is_refused(store: Store) -> None:
    await store.open({"A": {"dc": 5}})
    assert await store.refused({"A": 1}, idempotencyKey=None) == [("REQUIRED", "input.idempotencyKey")]
    assert await store.reserved("A") == {}


async def test_all_problems_are_told_at_once_and_nothing_is_kept(store: Store) -> None:
    await store.open({"A": {"dc": 5}}, skus=[sku("DEAR", None)])
    lines = [
        {"sku": "A", "quantity": 0},
        {"sku": "A", "quantity": 1_000_001, "externalId": "x"},
        {"sku": "NOBODY", "quantity": 1, "externalId": "x"},
        {"sku": "DEAR", "quantity": 1},
        {"sku": "A", "quantity": 1, "unitPrice": {"amount": "1.001", "currency": "USD"}},
        {"sku": "A", "quantity": 1, "unitPrice": {"amount": "1.00", "currency": "EUR"}, "deliveryGroup": "there"},
    ]
    assert await store.refused(
        lines, customer={"email": "nobody", "phone": "030 1234"}, placedAt="2999-01-01T00:00:00Z"
    ) == [
        ("INVALID", "input.lines.0.quantity"),
        ("INVALID", "input.lines.1.quantity"),
        ("INVALID", "input.lines.1.externalId"),
        ("INVALID", "input.lines.2.externalId"),
        ("INVALID", "input.customer.email"),
        ("INVALID", "input.customer.phone"),
        ("INVALID", "input.placedAt"),
        ("NOT_FOUND", "input.lines.2.sku"),
        ("INVALID", "input.lines.5.deliveryGroup"),
        ("REQUIRED", "input.lines.3.unitPrice"),
        ("INVALID_AMOUNT", "input.lines.4.unitPrice"),
        ("INVALID_AMOUNT", "input.lines.5.unitPrice"),
    ]
    assert await store.reserved("A") == {}
    assert (await store.create({"A": 1}))["number"] == "1001"


async def test_an_unknown_channel_is_not_found(store: Store) -> None:
    await store.open({"A": {"dc": 5}})
    assert await store.refused({"A": 1}, channel="nowhere") == [("NOT_FOUND", "input.channel")]


async def test_an_order_has_1_to_500_lines(store: Store) -> None:
    await store.open({"A": {"dc": 1000}})
    assert await store.refused([]) == [("INVALID", "input.lines")]
    assert await store.refused([{"sku": "A", "quantity": 1}] * 501) == [("INVALID", "input.lines")]
    order = await store.create([{"sku": "A", "quantity": 1}] * 500)
    assert (len(order["lines"]), minor(order["total"])) == (500, 500_000)
    assert await store.reserved("A") == {"A@dc": 500}


# --- what it costs -------------------------------------------------------------------------------------------------


async def test_adjustments_of_lines_and_of_the_order_make_the_total_and_contained_ones_do_not(store: Store) -> None:
    await store.open({"A": {"dc": 5}, "B": {"dc": 5}})
    order = await store.create(
        [
            {
                "sku": "A",
                "quantity": 2,
                "unitPrice": usd("20.00"),
                "adjustments": [
                    {"kind": "DISCOUNT", "label": "Black Friday", "amount": usd("4.00")},
                    {"kind": "TAX", "label": "VAT 19 %", "amount": usd("5.75"), "included": True},
                ],
            },
            {"sku": "B", "quantity": 1, "adjustments": [{"kind": "FEE", "label": "Wrap", "amount": usd("1.50")}]},
        ],
        shippingCharge=usd("4.90"),
        adjustments=[
            {"kind": "DISCOUNT", "label": "Coupon", "amount": usd("5.00")},
            {"kind": "TAX", "label": "Sales tax", "amount": usd("3.10")},
            {"kind": "DISCOUNT", "label": "In the price", "amount": usd("1.00"), "included": True},
        ],
    )
    assert {name: minor(order[name]) for name in ("subtotal", "discountTotal", "taxTotal", "shippingCharge")} == {
        "subtotal": 5000, "discountTotal": 1000, "taxTotal": 885, "shippingCharge": 490,
    }  # fmt: skip
    assert minor(order["total"]) == 5000 - 400 + 150 + 490 - 500 + 310
    assert [
        (item["kind"], item["label"], minor(item["amount"]), item["included"]) for item in order["adjustments"]
    ] == [
        ("DISCOUNT", "Coupon", 500, False),
        ("TAX", "Sales tax", 310, False),
        ("DISCOUNT", "In the price", 100, True),
    ]
    assert [item["label"] for item in order["lines"][0]["adjustments"]] == ["Black Friday", "VAT 19 %"]
    assert await store.look(order) == order


async def test_discounts_larger_than_what_they_are_taken_off_are_refused(store: Store) -> None:
    await store.open({"A": {"dc": 5}})
    off = [{"kind": "DISCOUNT", "label": "Too much", "amount": usd("10.01")}]
    assert await store.refused([{"sku": "A", "quantity": 1, "adjustments": off}]) == [
        ("INVALID_AMOUNT", "input.lines.0.adjustments")
    ]
    assert await store.refused({"A": 1}, adjustments=off) == [("INVALID_AMOUNT", "input.adjustments")]
    assert minor((await store.create({"A": 1}, adjustments=off, shippingCharge=usd("0.01")))["total"]) == 0


async def test_only_prices_write_may_sell_at_another_price_than_the_list_says(world: World, store: Store) -> None:
    await store.open({"A": {"dc": 5}}, skus=[sku("A", "10.00"), sku("FREE", None)])
    till = Store(world, await world.key(store.api.handle, "orders:write", "orders:read", "inventory:read"))
    assert minor((await store.create([{"sku": "A", "quantity": 1, "unitPrice": usd("7.00")}]))["total"]) == 700
    cheap = [{"sku": "A", "quantity": 1, "unitPrice": usd("7.00")}]
    assert await till.refused(cheap) == [("PRICE_MISMATCH", "input.lines.0.unitPrice")]
    assert await till.refused([{"sku": "FREE", "quantity": 1, "unitPrice": usd("0.00")}]) == [
        ("PRICE_MISMATCH", "input.lines.0.unitPrice")
    ]
    off = {"kind": "DISCOUNT", "label": "Friend", "amount": usd("9.00")}
    assert await till.refused({"A": 1}, adjustments=[off]) == [("PRICE_MISMATCH", "input.adjustments.0.amount")]
    assert await store.reserved("A") == {"A@dc": 1}
    sent = [{"sku": "A", "quantity": 1, "unitPrice": usd("10.00")}]
    created = await till.api(CREATE_AS_TILL, input=till.input(sent))
    assert created["orderCreate"]["order"]["total"] == {"minorAmount": "1000"}


CREATE_AS_TILL = """mutation($input: OrderCreateInput!) { orderCreate(input: $input) {
  order { total { minorAmount } payments { id } timeline { nodes { topic } } } userErrors { code } } }"""


async def test_payments_and_timeline_are_null_without_their_scopes(world: World, store: Store) -> None:
    await store.open({"A": {"dc": 5}})
    till = Store(world, await world.key(store.api.handle, "orders:write"))
    created = await till.api(CREATE_AS_TILL, input=till.input({"A": 1}))
    assert created["orderCreate"]["order"] == {"total": {"minorAmount": "1000"}, "payments": None, "timeline": None}


async def test_a_dry_run_tells_what_it_would_be_and_keeps_nothing(store: Store) -> None:
    await store.open({"A": {"dc": 5}})
    sent = store.input({"A": 2}, dryRun=True, shippingCharge=usd("5.00"))
    answer = await store.api.ok(CREATE, input=sent)
    assert answer["order"] is None
    preview = answer["preview"]
    assert (minor(preview["total"]), minor(preview["outstanding"])) == (2500, 2500)
    assert [(line["lineId"], line["sku"], line["quantity"]) for line in preview["lines"]] == [(None, "A", 2)]
    assert preview["lines"][0]["promisedOn"] is not None
    assert await store.reserved("A") == {}
    assert (await store.api("query { orders { totalCount { value } } }"))["orders"]["totalCount"]["value"] == 0
    real = await store.api.ok(CREATE, input={**sent, "dryRun": False})
    assert real["order"]["number"] == "1001"


# --- where and how -------------------------------------------------------------------------------------------------


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


# --- repeats -------------------------------------------------------------------------------------------------------


async def test_the_same_key_and_input_answer_with_the_same_order(store: Store) -> None:
    await store.open({"A": {"dc": 5}})
    sent = store.input({"A": 1})
    first = await store.api.answer(CREATE, input=sent)
    again = await store.api.answer(CREATE, input=sent)
    assert first["data"] == again["data"]
    assert "idempotency" not in first["extensions"]
    assert again["extensions"]["idempotency"] == {"replayed": True}
    other = {**sent, "lines": [{"sku": "A", "quantity": 2}]}
    assert await store.api.codes(CREATE, input=other) == ["IDEMPOTENCY_KEY_REUSED"]
    assert await store.reserved("A") == {"A@dc": 1}


async def test_a_known_external_id_answers_with_the_first_order_whatever_else_differs(store: Store) -> None:
    await store.open({"A": {"dc": 5}})
    order = await store.create({"A": 1}, externalId="902-1")
    again = await store.api.answer(
        CREATE, input=store.input([{"sku": "NOBODY", "quantity": -1}], externalId="902-1", idempotencyKey=key())
    )
    assert again["data"]["orderCreate"]["order"] == order
    assert again["extensions"]["idempotency"] == {"replayed": True}
    dry = await store.api.ok(CREATE, input=store.input({"A": 3}, externalId="902-1", dryRun=True))
    assert (dry["order"], minor(dry["preview"]["total"])) == (None, 1000)
    assert await store.reserved("A") == {"A@dc": 1}
    assert (await store.create({"A": 1}, externalId="902-2"))["number"] == "1002"


async def test_a_refused_create_does_not_take_the_external_id(store: Store) -> None:
    await store.open({"A": {"dc": 1}})
    assert await store.refused({"A": 2}, externalId="902-1") == [("INSUFFICIENT_STOCK", "input.lines.0.quantity")]
    assert units((await store.create({"A": 1}, externalId="902-1"))["lines"][0]) == {"reserved": 1}


# --- promises and reservations -------------------------------------------------------------------------------------


async def _token(store: Store, lines: dict[str, int]) -> str:
    wanted = [{"sku": code, "quantity": quantity} for code, quantity in lines.items()]
    asked = {"channel": "web", "lines": wanted, "destination": TO_NEW_YORK}
    token: str = (await store.api.ok(PROMISE, input=asked))["promise"]["options"][0]["token"]
    return token


async def test_a_promise_is_honoured_exactly_as_it_was_made(store: Store) -> None:
    await store.open({"A": {"dc": 5}, "B": {"dc": 5}})
    token = await _token(store, {"A": 2, "B": 1})
    order = await store.create({"B": 1, "A": 2}, promiseToken=token)
    assert [units(line) for line in order["lines"]] == [{"reserved": 1}, {"reserved": 2}]
    assert all(line["promisedOn"] for line in order["lines"])
    assert await store.reserved("A", "B") == {"A@dc": 2, "B@dc": 1}


async def test_an_order_that_differs_from_its_promise_is_refused(store: Store) -> None:
    await store.open({"A": {"dc": 5}, "B": {"dc": 5}})
    token = await _token(store, {"A": 2})
    wrong = [("INVALID", "input.promiseToken")]
    assert await store.refused({"A": 1}, promiseToken=token) == wrong
    assert await store.refused({"A": 2, "B": 1}, promiseToken=token) == wrong
    elsewhere = {**ADDRESS, "postalCode": "90001"}
    assert await store.refused({"A": 2}, promiseToken=token, shippingAddress=elsewhere) == wrong
    assert await store.refused({"A": 2}, promiseToken="made.up") == wrong
    with travel(minutes=16):
        assert await store.refused({"A": 2}, promiseToken=token) == [("EXPIRED", "input.promiseToken")]
    assert await store.reserved("A") == {}


async def test_a_promise_whose_units_are_gone_is_not_planned_anew(store: Store) -> None:
    await store.open({"A": {"dc": 2, "far": 2}}, locations={"dc": {}, "far": {"latitude": 34.05, "longitude": -118.24}})
    token = await _token(store, {"A": 2})
    await store.create({"A": 2}, promiseToken=token)
    assert [code for code, _ in await store.refused({"A": 2}, promiseToken=token)] == ["INSUFFICIENT_STOCK"]
    assert await store.reserved("A") == {"A@dc": 2}


async def _hold(store: Store, lines: dict[str, int]) -> str:
    wanted = [{"sku": code, "quantity": quantity} for code, quantity in lines.items()]
    held = await store.api.ok(HOLD, input={"channel": "web", "lines": wanted, "destination": TO_NEW_YORK})
    id_: str = held["reservation"]["id"]
    return id_


async def test_a_reservation_is_taken_over(store: Store) -> None:
    await store.open({"A": {"dc": 3}})
    held = await _hold(store, {"A": 3})
    assert await store.refused({"A": 2}, reservationId=held) == [("INVALID", "input.reservationId")]
    order = await store.create({"A": 3}, reservationId=held)
    assert units(order["lines"][0]) == {"reserved": 3}
    assert await store.reserved("A") == {"A@dc": 3}
    assert await store.refused({"A": 3}, reservationId=held) == [("INVALID", "input.reservationId")]


async def test_a_reservation_keeps_the_date_that_was_promised(store: Store) -> None:
    await store.open({"A": {"dc": 6}, "B": {"dc": 3}})
    held = await _hold(store, {"A": 3, "B": 1})
    planned = await store.create({"A": 3})
    taken = await store.create({"A": 3, "B": 1}, reservationId=held)
    dates = [line["promisedOn"] for line in taken["lines"]]
    assert dates[0] is not None
    assert dates == [dates[0], dates[0]]
    assert dates[0] >= planned["lines"][0]["promisedOn"]  # the cart named no destination: the farthest zone


async def test_a_reservation_that_has_ended_is_refused(store: Store) -> None:
    await store.open({"A": {"dc": 3}})
    held = await _hold(store, {"A": 3})
    with travel(minutes=16):
        assert await store.refused({"A": 3}, reservationId=held) == [("EXPIRED", "input.reservationId")]
    token = await _token(store, {"A": 1}) if (await store.reserved("A")) == {} else "any"
    both = await store.refused({"A": 3}, reservationId=held, promiseToken=token)
    assert both == [("INVALID", "input.reservationId")]


# --- shortage ------------------------------------------------------------------------------------------------------


async def test_a_shortage_refuses_the_whole_order_and_says_what_there_is(store: Store) -> None:
    await store.open({"A": {"dc": 5}, "B": {"dc": 1}})
    errors = await store.api.refused(CREATE, input=store.input({"A": 1, "B": 3}))
    assert [(error["code"], error["path"]) for error in errors] == [
        ("INSUFFICIENT_STOCK", ["input", "lines", "1", "quantity"])
    ]
    assert (errors[0]["details"]["sku"], errors[0]["details"]["requested"], errors[0]["details"]["available"]) == (
        "B", 3, 1,
    )  # fmt: skip
    assert errors[0]["message"] == (
        "3 of B were asked for, 1 can be promised now, no supply covers the rest; "
        "order fewer, or send onShortage: BACKORDER and the rest waits for stock."
    )
    assert await store.reserved("A", "B") == {}


async def test_partial_takes_what_there_is_and_cancels_the_rest(store: Store) -> None:
    await store.open({"A": {"dc": 5}, "B": {"dc": 1}})
    order = await store.create({"A": 1, "B": 3}, onShortage="PARTIAL", shippingCharge=usd("5.00"))
    assert [units(line) for line in order["lines"]] == [{"reserved": 1}, {"reserved": 1, "cancelled": 2}]
    assert (minor(order["subtotal"]), minor(order["total"])) == (2000, 2500)
    assert await store.refused({"B": 3}, onShortage="PARTIAL") == [("INSUFFICIENT_STOCK", "input.lines.0.quantity")]


async def test_backorder_takes_it_and_the_short_units_wait_without_a_date(store: Store) -> None:
    await store.open({"A": {"dc": 1}})
    order = await store.create({"A": 3}, onShortage="BACKORDER")
    (line,) = order["lines"]
    assert units(line) == {"reserved": 1, "backordered": 2}
    assert line["promisedOn"] is None
    assert minor(order["total"]) == 3000


async def test_units_come_from_two_locations_when_none_has_them_all(store: Store) -> None:
    await store.open({"A": {"near": 6, "far": 7}})
    assert units((await store.create({"A": 10}))["lines"][0]) == {"reserved": 10}
    held = await store.reserved("A")
    assert sum(held.values()) == 10
    assert held["A@near"] <= 6 and held["A@far"] <= 7


# --- money taken elsewhere -----------------------------------------------------------------------------------------


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


async def test_the_timeline_tells_what_happened(store: Store) -> None:
    await store.open({"A": {"dc": 5}})
    topics = await store.topics(await store.create({"A": 1}))
    assert topics[:3] == ["reservation.created", "order.created", "order.confirmed"]


# --- budgets -------------------------------------------------------------------------------------------------------


async def test_50_lines_take_as_many_statements_as_one(api: Api, store: Store) -> None:
    codes = [f"S{i}" for i in range(50)]
    await store.open({code: {"dc": 100} for code in codes})
    document = """mutation($input: OrderCreateInput!) { orderCreate(input: $input) {
      order { id total { minorAmount } lines { id } deliveryGroups { id } } userErrors { code } } }"""
    with statements() as one:
        await api.ok(document, input=store.input({"S0": 1}))
    with statements() as many:
        await api.ok(document, input=store.input(dict.fromkeys(codes, 1)))
    # claim, channel, SKUs, stock, savepoint, three to reserve, the decision, groups, lines, number, order, answer, two
    # for the facts
    assert len(many) == len(one) == 16
    adjusted = [
        {"sku": code, "quantity": 1, "adjustments": [{"kind": "TAX", "label": "Tax", "amount": usd("1.00")}]}
        for code in codes
    ]
    with statements() as adjusting:
        await api.ok(document, input=store.input(adjusted))
    assert len(adjusting) == 17  # and one for all adjustments
