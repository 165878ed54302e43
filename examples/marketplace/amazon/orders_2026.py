"""Orders of the Selling Partner API's version 2026-01-01 (`searchOrders`, `getOrder`)."""

import copy
from collections import Counter
from typing import Any

from amazon.sale import MARKETPLACES, Charge, Item, Json, LeftOut, Sale, Unmappable, address_of, charge, minor_units

VERSION = "2026-01-01"
_ADDRESS = {
    "name": "name", "company": "companyName", "line1": "addressLine1", "line2": "addressLine2",
    "line3": "addressLine3", "city": "city", "region": "stateOrRegion", "postalCode": "postalCode",
    "country": "countryCode", "phone": "phone",
}  # fmt: skip
_WAITING = {"PENDING": "not released for shipment yet", "PENDING_AVAILABILITY": "a pre-order, not released yet"}
_ENDED = {"CANCELLED": "cancelled", "UNFULFILLABLE": "cannot be fulfilled"}
_LABELS = {"GIFT_WRAP": "Gift wrap", "COD_FEE": "Cash on delivery fee", "OTHER": "Other charge"}
_TAXED = {"ITEM": "the item", "SHIPPING": "shipping", "GIFT_WRAP": "gift wrap", "COD_FEE": "the cash on delivery fee"}


def sale_of(order: Json) -> Sale:
    """Raises LeftOut, Unmappable."""
    rest = copy.deepcopy(order)
    status, by_amazon = _state(order)
    proceeds = order.get("proceeds") or {}
    if "grandTotal" not in proceeds:
        raise Unmappable("it has no proceeds; ask Amazon with includedData=PROCEEDS")
    currency = proceeds["grandTotal"]["currencyCode"]
    sources = rest.pop("orderItems", [])
    kept = {}
    items, sums = [], Counter[str]()
    for source in sources:
        item_id, quantity = str(source.pop("orderItemId")), int(source["quantityOrdered"])
        kept[item_id] = source
        if quantity > 0:
            items.append(_item(source, item_id, quantity, currency, sums))
        elif source.get("proceeds", {}).get("breakdowns"):
            raise Unmappable(f"item {item_id} has no units, but proceeds")
    if not items:
        raise LeftOut("every item was cancelled at Amazon; nothing is left to send")
    ids = {item.id for item in items}
    notes = [f"item {name} was cancelled at Amazon; kept as metadata only" for name in kept if name not in ids]
    notes += [
        f"the buyer asked Amazon to cancel item {name}"
        for name, source in kept.items()
        if (source.get("cancellation") or {}).get("cancellationRequest")
    ]
    marketplace = (order.get("salesChannel") or {}).get("marketplaceId", "")
    sale = Sale(
        order_id=str(rest.pop("orderId")),
        version=VERSION,
        placed_at=rest.pop("createdTime"),
        currency=currency,
        grand_total=_minor(proceeds["grandTotal"], currency),
        shipped=status == "SHIPPED",
        by_amazon=by_amazon,
        items=items,
        address=address_of(
            (rest.get("recipient") or {}).get("deliveryAddress") or {}, _ADDRESS, MARKETPLACES.get(marketplace), notes
        ),
        email=(rest.get("buyer") or {}).pop("buyerEmail", None) or None,
        rest={**rest, "items": kept},
        cash_on_delivery=sum(
            _minor(part["paymentAmount"], currency)
            for part in (order.get("payment") or {}).get("paymentExecutions") or ()
            if part.get("paymentMethod") == "CashOnDelivery" and "paymentAmount" in part
        ),
        notes=notes,
    )
    _add_order_level(sale, proceeds, sums)
    return sale


def _state(order: Json) -> tuple[str, bool]:
    fulfillment = order.get("fulfillment") or {}
    status = fulfillment.get("fulfillmentStatus")
    if status is None:
        raise Unmappable("it has no fulfillmentStatus; ask Amazon with includedData=FULFILLMENT")
    if status in _WAITING:
        raise LeftOut(f"{status}: {_WAITING[status]}; it comes again when it is")
    if status in _ENDED:
        raise LeftOut(f"{status}: {_ENDED[status]} at Amazon")
    if "IN_STORE_PICK_UP" in (order.get("programs") or ()):
        raise Unmappable("it is collected in a store; this connector maps orders that are sent")
    return status, fulfillment.get("fulfilledBy") == "AMAZON"


def _minor(amount: Json, currency: str) -> int:
    if amount["currencyCode"] != currency:
        raise Unmappable(f"it mixes {currency} and {amount['currencyCode']}")
    return minor_units(amount["amount"], currency)


def _item(source: Json, item_id: str, quantity: int, currency: str, sums: Counter[str]) -> Item:
    """One item; the subtotal of each type is added to `sums`."""
    product = source.get("product") or {}
    sku = product.pop("sellerSku", None)
    del source["quantityOrdered"]
    if not sku:
        raise Unmappable(f"item {item_id} names no sellerSku")
    quoted = (product.get("price") or {}).get("unitPrice")
    unit_price = _minor(quoted, currency) if quoted else None
    item = Item(item_id, sku, quantity, 0, unit_price)
    priced = False
    for part in (source.get("proceeds") or {}).get("breakdowns") or ():
        kind, minor = part["type"], _minor(part["subtotal"], currency)
        sums[kind] += abs(minor) if kind == "DISCOUNT" else minor
        if kind == "ITEM":
            item.price += minor
            priced = True
        elif kind == "SHIPPING":
            item.shipping += minor
        elif kind == "DISCOUNT":
            details = _details(part, currency)
            of_shipping = abs(details.get("SHIPPING", 0))
            item.shipping_discount += of_shipping
            item.charges += charge("DISCOUNT", "Discount", abs(minor) - of_shipping)
        elif kind == "TAX":
            item.charges += _taxes(minor, _details(part, currency))
        else:
            item.charges += charge("FEE", label(kind), minor)
    if not priced:
        if unit_price is None:
            raise Unmappable(f"item {item_id} has no price")
        item.price = unit_price * quantity
        sums["ITEM"] += item.price
    return item


def _details(part: Json, currency: str) -> Counter[str]:
    found = Counter[str]()
    for detail in part.get("detailedBreakdowns") or ():
        if "value" in detail:
            found[detail.get("subtype", "OTHER")] += _minor(detail["value"], currency)
    return found


def _taxes(minor: int, details: Counter[str]) -> list[Charge]:
    """One tax for each thing taxed, when these add up and none is negative; else one for all."""
    if details and sum(details.values()) == minor and min(details.values()) >= 0:
        return [
            tax
            for name, part in details.items()
            for tax in charge("TAX", f"Tax on {_TAXED.get(name, name.lower().replace('_', ' '))}", part)
        ]
    return charge("TAX", "Tax", minor)


def label(kind: str) -> str:
    """`DELIVERY_TIP` → `Delivery tip`."""
    return _LABELS.get(kind, kind.replace("_", " ").capitalize())


def _add_order_level(sale: Sale, proceeds: Json, sums: Counter[str]) -> None:
    """What the order's own breakdown has beyond its items': a tip, for one."""
    own: dict[str, Any] = {}
    for part in proceeds.get("breakdowns") or ():
        minor = _minor(part["subtotal"], sale.currency)
        own[part["type"]] = own.get(part["type"], 0) + (abs(minor) if part["type"] == "DISCOUNT" else minor)
    for kind, minor in own.items():
        beyond = minor - sums[kind]
        if kind == "ITEM" and beyond:
            raise Unmappable(f"its items add up to {sums[kind]} minor units of {sale.currency}, it says {minor}")
        if kind == "SHIPPING":
            sale.shipping += beyond
        elif kind in ("TAX", "DISCOUNT"):
            sale.charges += charge(kind, label(kind), beyond)
        else:
            sale.charges += charge("FEE", label(kind), beyond)
