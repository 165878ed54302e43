"""Amazon's orders as it documents them, and what the connector makes of them."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import amazon
import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "marketplace"
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
