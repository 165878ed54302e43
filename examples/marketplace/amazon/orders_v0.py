"""Orders of the Selling Partner API's version v0 (`getOrders`, `getOrder`, `getOrderItems`)."""

import copy
from typing import Any

from amazon.sale import MARKETPLACES, Item, Json, LeftOut, Sale, Unmappable, address_of, charge, minor_units

VERSION = "v0"
_ADDRESS = {
    "name": "Name", "company": "CompanyName", "line1": "AddressLine1", "line2": "AddressLine2",
    "line3": "AddressLine3", "city": "City", "region": "StateOrRegion", "postalCode": "PostalCode",
    "country": "CountryCode", "phone": "Phone",
}  # fmt: skip
_WAITING = {"Pending": "not released for shipment yet", "PendingAvailability": "a pre-order, not released yet"}
_ENDED = {"Canceled": "cancelled", "Unfulfillable": "cannot be fulfilled"}


def sale_of(order: Json, items: list[Json]) -> Sale:
    """`items` are those of every page of `getOrderItems`. Raises LeftOut, Unmappable."""
    rest = copy.deepcopy(order)
    status = _status(order)
    if "OrderTotal" not in order:
        raise Unmappable("it has no OrderTotal")
    currency = order["OrderTotal"]["CurrencyCode"]
    kept = {str(source["OrderItemId"]): copy.deepcopy(source) for source in items}
    sold = [item for source in kept.values() if (item := _item(source, currency))]
    if not sold:
        raise LeftOut("every item was cancelled at Amazon; nothing is left to send")
    ids = {item.id for item in sold}
    notes = [f"item {name} was cancelled at Amazon; kept as metadata only" for name in kept if name not in ids]
    notes += [
        f"the buyer asked Amazon to cancel item {name}"
        for name, source in kept.items()
        if _true((source.get("BuyerRequestedCancel") or {}).get("IsBuyerRequestedCancel"))
    ]
    grand_total = _minor(order, "OrderTotal", currency)
    return Sale(
        order_id=str(rest.pop("AmazonOrderId")),
        version=VERSION,
        placed_at=rest.pop("PurchaseDate"),
        currency=currency,
        grand_total=grand_total,
        shipped=status == "Shipped",
        by_amazon=order.get("FulfillmentChannel") == "AFN",
        items=sold,
        address=address_of(
            rest.get("ShippingAddress") or {}, _ADDRESS, MARKETPLACES.get(order.get("MarketplaceId", "")), notes
        ),
        email=(rest.get("BuyerInfo") or {}).pop("BuyerEmail", None) or None,
        rest={**rest, "OrderItems": kept},
        cash_on_delivery=_cash_on_delivery(order, currency, grand_total),
        notes=notes,
    )


def _status(order: Json) -> str:
    status: str = order["OrderStatus"]
    if status in _WAITING:
        raise LeftOut(f"{status}: {_WAITING[status]}; it comes again when it is")
    if status in _ENDED:
        raise LeftOut(f"{status}: {_ENDED[status]} at Amazon")
    if _true(order.get("IsISPU")):
        raise Unmappable("it is collected in a store; this connector maps orders that are sent")
    return status


def _true(value: Any) -> bool:
    """v0 writes some of its truth values as text."""
    return str(value).lower() == "true"


def _minor(of: Json, name: str, currency: str) -> int:
    """An amount, 0 when it is not there."""
    amount = of.get(name)
    if not amount:
        return 0
    if amount["CurrencyCode"] != currency:
        raise Unmappable(f"it mixes {currency} and {amount['CurrencyCode']} ({name})")
    return minor_units(amount["Amount"], currency)


def _item(source: Json, currency: str) -> Item | None:
    """None when no unit is left. `ItemPrice` is that of all units together, without shipping and gift wrap."""
    item_id, quantity = str(source.pop("OrderItemId")), int(source["QuantityOrdered"])
    gift: Json = {**source, **(source.get("BuyerInfo") or {})}
    if quantity <= 0:
        if _minor(source, "ItemPrice", currency):
            raise Unmappable(f"item {item_id} has no units, but a price")
        return None
    del source["QuantityOrdered"]
    sku = source.pop("SellerSKU", None)
    if not sku:
        raise Unmappable(f"item {item_id} names no SellerSKU")
    if "ItemPrice" not in source:
        raise Unmappable(f"item {item_id} has no ItemPrice")
    item = Item(item_id, sku, quantity, _minor(source, "ItemPrice", currency))
    item.shipping = _minor(source, "ShippingPrice", currency)
    item.shipping_discount = abs(_minor(source, "ShippingDiscount", currency))
    for kind, text, minor, off in (
        ("TAX", "Tax on the item", _minor(source, "ItemTax", currency), "PromotionDiscountTax"),
        ("TAX", "Tax on shipping", _minor(source, "ShippingTax", currency), "ShippingDiscountTax"),
        ("DISCOUNT", "Discount", _minor(source, "PromotionDiscount", currency), None),
        ("FEE", "Gift wrap", _minor(gift, "GiftWrapPrice", currency), None),
        ("TAX", "Tax on gift wrap", _minor(gift, "GiftWrapTax", currency), None),
        ("FEE", "Cash on delivery fee", _minor(source, "CODFee", currency), None),
        ("DISCOUNT", "Discount on the cash on delivery fee", _minor(source, "CODFeeDiscount", currency), None),
    ):
        item.charges += charge(kind, text, minor, abs(_minor(source, off, currency)) if off else 0)
    return item


def _cash_on_delivery(order: Json, currency: str, grand_total: int) -> int:
    """What the carrier collects: the COD part of a payment in several parts, or all of it."""
    if order.get("PaymentMethod") != "COD":
        return 0
    parts = order.get("PaymentExecutionDetail")
    if not parts:
        return grand_total
    return sum(_minor(part, "Payment", currency) for part in parts if part.get("PaymentMethod") == "COD")
