"""`orderCreate`: what becomes of an order as it is sent."""

from orders.store import (
    CREATE,
    Store,
    key,
    minor,
    sku,
    units,
    usd,
)
from world import Api, World, statements


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
