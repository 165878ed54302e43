"""The marketplace connector: Amazon's documented orders through the API, twice, and its mapping by tables."""

import asyncio
import copy
import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from world import Api, World

FOLDER = Path(__file__).parents[2] / "examples" / "marketplace"
sys.path.insert(0, str(FOLDER))

import amazon  # noqa: E402
from amazon.sale import ENTRY_BYTES_MAX, entries, minor_units, money  # noqa: E402
from client import Unreachable  # noqa: E402
from connector import Connector, Did, Outcome  # noqa: E402
from prepare import prepare  # noqa: E402

DOCUMENTED: dict[str, Any] = json.loads((FOLDER / "orders.json").read_text())
US, UK = "123-4567890-1234567", "202-1234567-8901234"
ORDER = """query($by: OrderRef!) { order(by: $by) { externalId status placedAt
  total { amount } subtotal { amount } shippingCharge { amount } discountTotal { amount } taxTotal { amount }
  outstanding { amount } customer { email }
  shippingAddress { name lines city region postalCode country company phone }
  adjustments { kind label amount { amount } included }
  lines { sku externalId quantity unitPrice { amount } adjustments { kind label amount { amount } included }
          quantities { reserved allocated } }
  payments { provider status captured { amount } authorized { amount } }
  metadata { key value } } }"""


def usd(amount: str) -> dict[str, str]:
    return {"CurrencyCode": "USD", "Amount": amount}


def order_v0(**changes: Any) -> dict[str, Any]:
    """An order as `getOrders` documents it, of 25.98 USD."""
    return {
        "AmazonOrderId": "902-0000000-0000001", "PurchaseDate": "2017-01-20T19:49:35Z", "OrderStatus": "Unshipped",
        "FulfillmentChannel": "MFN", "PaymentMethod": "Other", "MarketplaceId": "ATVPDKIKX0DER",
        "OrderTotal": usd("25.98"),
        "ShippingAddress": {"Name": "Michigan address", "AddressLine1": "1 Cross St.", "City": "Canton",
                            "StateOrRegion": "MI", "PostalCode": "48817", "CountryCode": "US"},
        "BuyerInfo": {"BuyerEmail": "user@example.com", "BuyerName": "John Doe"},
        **changes,
    }  # fmt: skip


def item_v0(**changes: Any) -> dict[str, Any]:
    return {
        "ASIN": "BT0093TELA", "OrderItemId": "68828574383266", "SellerSKU": "FIRE-TV-4K-2021", "QuantityOrdered": 2,
        "ItemPrice": usd("25.98"), **changes,
    }  # fmt: skip


def told(order: dict[str, Any], *items: dict[str, Any]) -> list[dict[str, Any]]:
    """The two responses of v0 that tell of an order."""
    return [
        {"payload": {"Orders": [order]}},
        {"payload": {"AmazonOrderId": order["AmazonOrderId"], "OrderItems": list(items)}},
    ]


def mapped(document: Any) -> dict[str, Any]:
    (found,) = amazon.find(document)
    return amazon.input_of(amazon.sale_of(found), "amazon")


def reason(document: Any) -> str:
    (found,) = amazon.find(document)
    with pytest.raises((amazon.Unmappable, amazon.LeftOut)) as refused:
        amazon.input_of(amazon.sale_of(found), "amazon")
    return f"{type(refused.value).__name__}: {refused.value}"


def sums(document: Any) -> list[tuple[str, str, str, bool]]:
    """(kind, label, amount, included) of every adjustment, lines' before the order's."""
    made = mapped(document)
    return [
        (part["kind"], part["label"], part["amount"]["amount"], part["included"])
        for part in [*(part for line in made["lines"] for part in line["adjustments"]), *made["adjustments"]]
    ]


def leaves(value: Any) -> Counter[str]:
    if isinstance(value, dict):
        return sum((leaves(item) for item in value.values()), Counter[str]())
    if isinstance(value, list):
        return sum((leaves(item) for item in value), Counter[str]())
    return Counter([str(value)])


# --- the mapping ---------------------------------------------------------------------------------------------------


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


# --- through the API -----------------------------------------------------------------------------------------------


async def transferred(api: Api, document: Any, **options: Any) -> list[Outcome]:
    async def send(text: str, variables: dict[str, Any]) -> dict[str, Any]:
        return await api.answer(text, **variables)

    return [outcome async for outcome in Connector(send, **options).transfer(document)]


async def prepared(api: Api) -> None:
    async def send(text: str, variables: dict[str, Any]) -> dict[str, Any]:
        return await api.answer(text, **variables)

    await prepare(send)


async def everything(api: Api) -> dict[str, Any]:
    """What a second run must not change."""
    await api.world.settle()
    stock = await api("{ inventory(first: 100) { nodes { sku onHand reserved } } }")
    orders = await api("{ orders(first: 100) { nodes { id version updatedAt } totalCount { value } } }")
    events = (await api("{ events(first: 100) { nodes { id } pageInfo { hasNextPage } } }"))["events"]
    assert not events["pageInfo"]["hasNextPage"]
    return {**stock, **orders, "events": len(events["nodes"])}


async def test_the_documented_orders_are_written_with_their_totals(api: Api) -> None:
    await prepared(api)
    outcomes = await transferred(api, DOCUMENTED)
    assert [(outcome.order_id, outcome.did) for outcome in outcomes] == [
        (US, Did.WRITTEN), (UK, Did.WRITTEN),
        ("902-3159896-1390916", Did.LEFT_OUT), ("903-1671087-0812628", Did.FAILED),
    ]  # fmt: skip
    first = (await api(ORDER, by={"external": {"channel": "amazon", "id": US}}))["order"]
    metadata = {entry["key"]: entry["value"] for entry in first.pop("metadata")}
    for line in first["lines"]:
        quantities = line.pop("quantities")
        assert quantities["reserved"] + quantities["allocated"] == line["quantity"]
    assert first == {
        "externalId": US, "status": "CONFIRMED", "placedAt": "2024-12-25T10:30:00.000000Z",
        "total": {"amount": "154.99"}, "subtotal": {"amount": "149.97"}, "shippingCharge": {"amount": "0.00"},
        "discountTotal": {"amount": "0.00"}, "taxTotal": {"amount": "0.02"}, "outstanding": {"amount": "0.00"},
        "customer": {"email": "buyer-email@marketplace.amazon.com"},
        "shippingAddress": {"name": "John Smith", "lines": ["123 Main Street", "Suite 456"], "city": "Seattle",
                            "region": "WA", "postalCode": "98101", "country": "US",
                            "company": "Smith Industries LLC", "phone": None},
        "adjustments": [
            {"kind": "FEE", "label": "Delivery tip", "amount": {"amount": "5.00"}, "included": False}],
        "lines": [
            {"sku": "ECHO-DOT-4-CHARCOAL", "externalId": "12345678901234", "quantity": 2,
             "unitPrice": {"amount": "49.99"},
             "adjustments": [
                 {"kind": "TAX", "label": "Tax on the item", "amount": {"amount": "0.02"}, "included": False}]},
            {"sku": "FIRE-TV-4K-2021", "externalId": "12345678901235", "quantity": 1,
             "unitPrice": {"amount": "49.99"}, "adjustments": []},
        ],
        "payments": [{"provider": "amazon", "status": "CAPTURED", "captured": {"amount": "154.99"},
                      "authorized": {"amount": "154.99"}}],
    }  # fmt: skip
    gift = metadata["amazon.items"]["12345678901234"]["fulfillment"]["packing"]["giftOption"]
    assert gift["giftMessage"] == "Happy Holidays! Enjoy your new smart speakers."
    second = (await api(ORDER, by={"external": {"channel": "amazon-gbp", "id": UK}}))["order"]
    assert [second[name]["amount"] for name in ("total", "subtotal", "shippingCharge", "taxTotal", "outstanding")] == [
        "103.97", "89.97", "10.00", "4.00", "0.00"
    ]  # fmt: skip


async def test_a_second_run_changes_nothing(api: Api) -> None:
    await prepared(api)
    await transferred(api, DOCUMENTED)
    before = await everything(api)
    assert before["orders"]["totalCount"]["value"] == 2
    again = await transferred(api, DOCUMENTED)
    assert [outcome.did for outcome in again] == [Did.KNOWN, Did.KNOWN, Did.LEFT_OUT, Did.FAILED]
    assert await everything(api) == before


async def test_two_runs_at_once_write_each_order_once(api: Api) -> None:
    await prepared(api)
    runs = await asyncio.gather(*(transferred(api, DOCUMENTED) for _ in range(4)))
    for number in (0, 1):
        assert sorted(run[number].did for run in runs) == [Did.KNOWN, Did.KNOWN, Did.KNOWN, Did.WRITTEN]
    assert (await everything(api))["orders"]["totalCount"]["value"] == 2


async def test_an_order_that_is_refused_is_told_and_the_others_go_on(api: Api) -> None:
    await prepared(api)
    unknown = told(order_v0(AmazonOrderId="A"), item_v0(SellerSKU="NO-SUCH-SKU"))
    too_many = told(order_v0(AmazonOrderId="B", OrderTotal=usd("1000.00")),
                    item_v0(QuantityOrdered=1000, ItemPrice=usd("1000.00")))  # fmt: skip
    yen = {"CurrencyCode": "JPY", "Amount": "300"}
    foreign = told(order_v0(AmazonOrderId="C", OrderTotal=yen), item_v0(ItemPrice=yen))
    by_amazon = told(order_v0(AmazonOrderId="D", FulfillmentChannel="AFN"), item_v0())
    good = told(order_v0(AmazonOrderId="E"), item_v0())
    before = await everything(api)
    outcomes = await transferred(api, [unknown, too_many, foreign, by_amazon, good])
    assert [outcome.did for outcome in outcomes] == [Did.FAILED, Did.FAILED, Did.FAILED, Did.LEFT_OUT, Did.WRITTEN]
    assert "'NO-SUCH-SKU'" in outcomes[0].text and outcomes[0].text.endswith("(input.lines.0.sku)")
    assert "FIRE-TV-4K-2021" in outcomes[1].text
    assert outcomes[2].text == "no channel sells in JPY; put one with the handle amazon-jpy"
    after = await everything(api)
    assert after["orders"]["totalCount"]["value"] == 1
    assert after["events"] > before["events"]
    held = {node["sku"]: node["reserved"] for node in after["inventory"]["nodes"]}
    assert held == {"ECHO-DOT-4-CHARCOAL": 0, "ECHO-DOT-4-UK-CHARCOAL-3PACK": 0, "FIRE-TV-4K-2021": 2}


async def test_orders_that_amazon_ships_go_to_their_own_channel(api: Api) -> None:
    await prepared(api)
    document = told(order_v0(FulfillmentChannel="AFN"), item_v0())
    (outcome,) = await transferred(api, document, channel="no-such", fba_channel="amazon")
    assert outcome.did is Did.WRITTEN


async def test_an_order_that_changed_at_amazon_is_known_and_the_difference_told(api: Api) -> None:
    await prepared(api)
    await transferred(api, told(order_v0(), item_v0()))
    changed = told(order_v0(OrderTotal=usd("12.99")), item_v0(QuantityOrdered=1, ItemPrice=usd("12.99")))
    before = await everything(api)
    (outcome,) = await transferred(api, changed)
    assert outcome.did is Did.KNOWN
    assert "Amazon's total is 12.99 now: it changed since it was written" in outcome.text
    assert await everything(api) == before


async def test_a_key_that_may_not_write_stops_the_run(world: World, api: Api) -> None:
    await prepared(api)
    weak = await world.key(api.handle, "network:read", "orders:read")
    with pytest.raises(Unreachable, match="orders:write"):
        await transferred(weak, DOCUMENTED)


# --- as a program --------------------------------------------------------------------------------------------------


async def run(*arguments: str) -> tuple[int, list[str], str]:
    """Status, lines and complaints of a Python program."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, complaints = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, out.decode().splitlines(), complaints.decode()


async def test_the_program_writes_once_and_its_status_tells(tmp_path: Path) -> None:
    """A real process against a real server: `oms dev` on its own folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMS_")}
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "oms_api", "dev", "--json", "--no-seed", "--port", "0",
        "--data-dir", str(tmp_path / "data"), stdout=asyncio.subprocess.PIPE, env=environment,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        ready = json.loads(await asyncio.wait_for(server.stdout.readline(), 60))
        access = ["--url", ready["url"], "--key", ready["apiKey"]]
        assert await run(str(FOLDER / "prepare.py"), *access) == (0, [], "")
        program, orders = str(FOLDER / "connector.py"), str(FOLDER / "orders.json")
        status, lines, _ = await run(program, *access, orders)
        assert (status, lines[-1]) == (1, "2 written, 0 known, 1 left out, 1 FAILED")
        status, lines, _ = await run(program, *access, orders)
        assert (status, lines[-1]) == (1, "0 written, 2 known, 1 left out, 1 FAILED")
        assert lines[0].startswith(f"{US}  known     number 1001, CONFIRMED, 154.99 USD")
        good = tmp_path / "good.json"
        good.write_text(json.dumps(DOCUMENTED["searchOrders_2026_01_01"]))
        status, lines, _ = await run(program, *access, str(good))
        assert (status, lines[-1]) == (0, "0 written, 1 known, 0 left out, 0 FAILED")
        assert (await run(program, "--url", ready["url"], "--key", "oms_test_wrong", str(good)))[0] == 2
        assert (await run(program, *access, str(tmp_path / "missing.json")))[0] == 2
    finally:
        server.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(server.wait(), 30) == 0
