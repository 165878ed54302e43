"""The marketplace connector's mapping by tables: nothing is lost, nothing is rounded."""

import copy
import json
from typing import Any

import amazon
import pytest
from amazon.sale import ENTRY_BYTES_MAX, entries, minor_units, money

from examples.amazon_orders import (
    DOCUMENTED,
    item_v0,
    leaves,
    mapped,
    order_v0,
    reason,
    sums,
    told,
    usd,
)


def test_nothing_of_a_documented_order_is_lost() -> None:
    """Every value that Amazon tells is in the input; a phone in E.164, of which only the blanks go."""
    for name in ("searchOrders_2026_01_01", "getOrder_2026_01_01"):
        document = DOCUMENTED[name]
        source = document["order"] if "order" in document else document["orders"][0]
        lost = leaves(source) - leaves(mapped(document))
        assert set(lost) <= {"", "+44 161 123 4567"}


def test_nothing_of_a_v0_order_is_lost() -> None:
    order, items = DOCUMENTED["getOrders_v0"]["payload"]["Orders"][0], DOCUMENTED["getOrderItems_v0"]["payload"]
    order = {**order, "OrderStatus": "Shipped", "OrderTotal": {"CurrencyCode": "JPY", "Amount": "53.00"}}
    sold = json.loads(json.dumps(items["OrderItems"]).replace("GBP", "JPY").replace("41.99", "0.00"))
    for item, price in zip(sold, ("25.00", "17.00"), strict=True):
        item["ItemPrice"]["Amount"] = price
    sold[0]["ShippingPrice"]["Amount"], sold[1]["BuyerInfo"]["GiftWrapPrice"]["Amount"] = "1.00", "1.00"
    document = told(order, *sold)
    lost = leaves([order, sold]) - leaves(mapped(document))
    assert set(lost) <= {"68828574383266", "79039765272157"}  # they name entries of amazon.OrderItems, as keys
    assert [line["externalId"] for line in mapped(document)["lines"]] == ["68828574383266", "79039765272157"]


def test_a_price_that_its_units_do_not_divide_keeps_its_total() -> None:
    made = mapped(told(order_v0(OrderTotal=usd("10.00")), item_v0(QuantityOrdered=3, ItemPrice=usd("10.00"))))
    (line,) = made["lines"]
    assert line["unitPrice"] == {"amount": "3.34", "currency": "USD"}
    assert line["adjustments"] == [
        {"kind": "DISCOUNT", "label": "Price of 3 together", "amount": {"amount": "0.02", "currency": "USD"},
         "included": False}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("total", "money_of_item", "wanted"),
    [
        ("28.32", {"ItemTax": usd("2.34")}, [("TAX", "Tax on the item", "2.34", False)]),
        ("25.98", {"ItemTax": usd("4.15")}, [("TAX", "Tax on the item", "4.15", True)]),
        (
            "25.05",
            {"ItemTax": usd("2.34"), "PromotionDiscount": usd("3.00"), "PromotionDiscountTax": usd("0.27")},
            [("TAX", "Tax on the item", "2.07", False), ("DISCOUNT", "Discount", "3.00", False)],
        ),
        (
            "25.32",
            {"ItemTax": usd("2.34"), "PromotionDiscount": usd("3.00"), "PromotionDiscountTax": usd("0.27")},
            [("TAX", "Tax on the item", "2.34", False), ("DISCOUNT", "Discount", "3.00", False)],
        ),
        (
            "22.98",
            {"ItemTax": usd("2.34"), "PromotionDiscount": usd("3.00"), "PromotionDiscountTax": usd("0.27")},
            [("TAX", "Tax on the item", "2.07", True), ("DISCOUNT", "Discount", "3.00", False)],
        ),
        (
            "34.97",
            {"BuyerInfo": {"GiftWrapPrice": usd("4.99"), "GiftWrapTax": usd("0.50")}, "CODFee": usd("4.00"),
             "CODFeeDiscount": usd("0.50")},
            [("FEE", "Gift wrap", "4.99", False), ("TAX", "Tax on gift wrap", "0.50", False),
             ("FEE", "Cash on delivery fee", "4.00", False),
             ("DISCOUNT", "Discount on the cash on delivery fee", "0.50", False)],
        ),
    ],
    ids=["tax on top", "tax contained", "tax before its discount", "tax after its discount", "both contained", "fees"],
)  # fmt: skip
def test_the_grand_total_says_how_taxes_are_meant(
    total: str, money_of_item: dict[str, Any], wanted: list[tuple[str, str, str, bool]]
) -> None:
    assert sums(told(order_v0(OrderTotal=usd(total)), item_v0(**money_of_item))) == wanted


@pytest.mark.parametrize(
    ("price", "discount", "charge", "wanted"),
    [
        ("5.00", "2.00", "3.00", [("DISCOUNT", "Shipping discount", "2.00", True)]),
        ("5.00", "5.00", "0.00", [("DISCOUNT", "Shipping discount", "5.00", True)]),
        (
            "1.00", "3.00", "0.00",
            [("DISCOUNT", "Shipping discount", "1.00", True), ("DISCOUNT", "Shipping discount", "2.00", False)],
        ),
    ],
)  # fmt: skip
def test_a_discount_on_shipping_lowers_the_charge_and_no_line(
    price: str, discount: str, charge: str, wanted: list[tuple[str, str, str, bool]]
) -> None:
    total = money(2598 + minor_units(price, "USD") - minor_units(discount, "USD"), "USD")["amount"]
    document = told(order_v0(OrderTotal=usd(total)), item_v0(ShippingPrice=usd(price), ShippingDiscount=usd(discount)))
    assert mapped(document)["shippingCharge"]["amount"] == charge
    assert sums(document) == wanted


def test_discounts_and_tips_of_the_new_version_are_read_with_either_sign() -> None:
    for sign in ("", "-"):
        document = copy.deepcopy(DOCUMENTED["searchOrders_2026_01_01"])
        order = document["orders"][0]
        discount = {
            "type": "DISCOUNT", "subtotal": {"amount": f"{sign}3.00", "currencyCode": "USD"},
            "detailedBreakdowns": [
                {"subtype": "ITEM", "value": {"amount": f"{sign}1.00", "currencyCode": "USD"}},
                {"subtype": "SHIPPING", "value": {"amount": f"{sign}2.00", "currencyCode": "USD"}},
            ],
        }  # fmt: skip
        order["orderItems"][1]["proceeds"]["breakdowns"] += [
            discount, {"type": "SHIPPING", "subtotal": {"amount": "4.00", "currencyCode": "USD"}},
        ]  # fmt: skip
        order["proceeds"]["grandTotal"]["amount"] = "155.99"
        assert mapped(document)["shippingCharge"]["amount"] == "2.00"
        assert sums(document) == [
            ("TAX", "Tax on the item", "0.02", False),
            ("DISCOUNT", "Discount", "1.00", False),
            ("FEE", "Delivery tip", "5.00", False),
            ("DISCOUNT", "Shipping discount", "2.00", True),
        ]


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"OrderStatus": "Shipped"}, [("amazon", "25.98", "CAPTURED")]),
        ({"OrderStatus": "Unshipped"}, [("amazon", "25.98", "AUTHORIZED")]),
        ({"PaymentMethod": "COD"}, [("cash_on_delivery", "25.98", "DUE")]),
        (
            {"PaymentMethod": "COD", "PaymentExecutionDetail": [
                {"Payment": usd("20.00"), "PaymentMethod": "COD"}, {"Payment": usd("5.98"), "PaymentMethod": "GC"}]},
            [("amazon", "5.98", "AUTHORIZED"), ("cash_on_delivery", "20.00", "DUE")],
        ),
    ],
)  # fmt: skip
def test_money_is_recorded_as_far_as_it_is(changes: dict[str, Any], wanted: list[tuple[str, str, str]]) -> None:
    payments = mapped(told(order_v0(**changes), item_v0()))["externalPayments"]
    assert [(paid["method"], paid["amount"]["amount"], paid["state"]) for paid in payments] == wanted
    assert {paid["reference"] for paid in payments} == {"902-0000000-0000001"}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (told(order_v0(OrderStatus="Pending")),
         "LeftOut: Pending: not released for shipment yet; it comes again when it is"),
        (told(order_v0(OrderStatus="Canceled"), item_v0(QuantityOrdered=0)), "LeftOut: Canceled: cancelled at Amazon"),
        (told(order_v0(), item_v0(QuantityOrdered=0, ItemPrice=usd("0.00"))),
         "LeftOut: every item was cancelled at Amazon; nothing is left to send"),
        (told(order_v0(), item_v0(QuantityOrdered=0)), "Unmappable: item 68828574383266 has no units, but a price"),
        (told(order_v0(IsISPU="true"), item_v0()),
         "Unmappable: it is collected in a store; this connector maps orders that are sent"),
        (told(order_v0(OrderTotal=usd("26.00")), item_v0()),
         "Unmappable: the total is 26.00 USD, but its parts add up to 25.98"),
        (told(order_v0(OrderTotal=usd("25.985")), item_v0()),
         "Unmappable: 25.985 USD has more digits than USD has; nothing is rounded"),
        (told(order_v0(), item_v0(ItemTax={"CurrencyCode": "GBP", "Amount": "1.00"})),
         "Unmappable: it mixes USD and GBP (ItemTax)"),
        (told(order_v0(), item_v0(SellerSKU=None)), "Unmappable: item 68828574383266 names no SellerSKU"),
        (told(order_v0(OrderTotal=usd("much")), item_v0()), "Unmappable: 'much' is not an amount"),
        (told(order_v0(OrderTotal=usd("NaN")), item_v0()), "Unmappable: 'NaN' is not an amount"),
        (told(order_v0(), item_v0(QuantityOrdered="two")),
         "Unmappable: it has not the documented shape: ValueError invalid literal for int() with base 10: 'two'"),
        (told(order_v0())[:1], "Unmappable: its items (getOrderItems) are not here"),
        ([*told(order_v0())[:1], {"AmazonOrderId": "902-0000000-0000001", "OrderItems": [item_v0()], "NextToken": "x"}],
         "Unmappable: its items go on: the page after the last NextToken is not here"),
        (told(order_v0(ShippingAddress=None, MarketplaceId="?"), item_v0()),
         "Unmappable: it names neither an address nor a known marketplace, so no country to send it to"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_says_why(document: Any, said: str) -> None:
    assert reason(document) == said


def test_items_come_in_pages() -> None:
    first = {"AmazonOrderId": "902-0000000-0000001", "OrderItems": [item_v0()], "NextToken": "more"}
    second = {"AmazonOrderId": "902-0000000-0000001", "OrderItems": [item_v0(OrderItemId="2")]}
    made = mapped([{"payload": {"Orders": [order_v0(OrderTotal=usd("51.96"))]}}, first, second])
    assert [line["externalId"] for line in made["lines"]] == ["68828574383266", "2"]


def test_a_cancelled_item_is_kept_as_metadata() -> None:
    gone = item_v0(OrderItemId="gone", QuantityOrdered=0, ItemPrice=usd("0.00"), Title="Never sent")
    document = told(order_v0(), item_v0(), gone)
    (found,) = amazon.find(document)
    assert amazon.sale_of(found).notes == ["item gone was cancelled at Amazon; kept as metadata only"]
    made = mapped(document)
    assert [line["externalId"] for line in made["lines"]] == ["68828574383266"]
    kept = {entry["key"]: entry["value"] for entry in made["metadata"]}["amazon.OrderItems"]
    assert (kept["gone"]["Title"], kept["gone"]["QuantityOrdered"]) == ("Never sent", 0)


def test_a_withheld_address_is_filled_in_and_told() -> None:
    partial = {"City": "Canton", "StateOrRegion": "MI", "PostalCode": "48817", "CountryCode": "US"}
    for address, city, where in ((partial, "Canton", "48817 US"), (None, "Not disclosed by Amazon", "US")):
        document = told(order_v0(ShippingAddress=address), item_v0())
        made = mapped(document)["shippingAddress"]
        assert (made["name"], made["lines"]) == ("Not disclosed by Amazon", ["Not disclosed by Amazon"])
        assert (made["city"], made["country"]) == (city, "US")
        (note,) = amazon.sale_of(amazon.find(document)[0]).notes
        assert f"written to {where} with 'Not disclosed by Amazon' in its place" in note


@pytest.mark.parametrize(
    ("phone", "sent", "kept"),
    [("555-123-4567", None, "555-123-4567"), ("+1 (206) 555-0100", "+12065550100", None), (7, None, 7)],
)
def test_a_phone_is_sent_when_it_is_complete(phone: Any, sent: str | None, kept: Any) -> None:
    address = {**order_v0()["ShippingAddress"], "Phone": phone}
    made = mapped(told(order_v0(ShippingAddress=address), item_v0()))
    rest = {entry["key"]: entry["value"] for entry in made["metadata"]}
    assert made["shippingAddress"].get("phone") == sent
    assert rest.get("amazon.ShippingAddress", {}).get("Phone") == kept


def test_metadata_too_large_for_one_entry_goes_on_in_the_next() -> None:
    codes = [f"T{number:05}" + "x" * 100 for number in range(400)]
    made = entries({"packages": codes, "programs": ["PRIME"], "empty": [], "none": None})
    assert [entry["key"] for entry in made] == [
        "amazon.packages", "amazon.packages.2", "amazon.packages.3", "amazon.programs"
    ]  # fmt: skip
    assert [code for entry in made[:3] for code in entry["value"]] == codes
    assert all(len(json.dumps(entry["value"], separators=(",", ":"))) <= ENTRY_BYTES_MAX for entry in made)
    with pytest.raises(amazon.Unmappable, match=r"one part of amazon\.items is 20,008 bytes long"):
        entries({"items": {"1": "x" * 20_000, "2": 1}})
