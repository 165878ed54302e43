"""Amazon's documents → orders: reads both versions of the Selling Partner API's order JSON and maps each order.

Pure: no network, no clock. `find` looks through any document for orders, wherever they lie in it (a response, a list
of responses, an object of named responses); `sale_of` maps one.
"""

from dataclasses import dataclass, field
from typing import Any

from amazon import orders_2026, orders_v0
from amazon.sale import Json, LeftOut, Reading, Sale, Unmappable, input_of, money, reading_of, total


@dataclass(slots=True)
class Found:
    """What a document says of one order. v0 tells an order and its items apart, the items in pages."""

    order_id: str
    order: Json | None = None
    order_v0: Json | None = None
    items_v0: list[Json] | None = None
    pages: int = field(default=0)
    last_page: bool = False


def find(document: Any) -> list[Found]:
    """Every order that a document tells of, each once, in the document's order; of two tellings the later counts."""
    found: dict[str, Found] = {}

    def of(order_id: Any) -> Found:
        return found.setdefault(str(order_id), Found(str(order_id)))

    def look(value: Any) -> None:
        if isinstance(value, list):
            for item in value:
                look(item)
        elif isinstance(value, dict):
            if "orderId" in value and ("orderItems" in value or "createdTime" in value):
                of(value["orderId"]).order = value
            elif "AmazonOrderId" in value:
                _look_v0(of(value["AmazonOrderId"]), value)
            else:
                for item in value.values():
                    look(item)

    look(document)
    return list(found.values())


def _look_v0(found: Found, value: Json) -> None:
    if isinstance(value.get("OrderItems"), list):
        found.items_v0 = [*(found.items_v0 or []), *value["OrderItems"]]
        found.pages += 1
        found.last_page |= not value.get("NextToken")
    if "OrderStatus" in value:
        found.order_v0 = {name: item for name, item in value.items() if name != "OrderItems"}


def sale_of(found: Found) -> Sale:
    """Raises LeftOut, Unmappable."""
    try:
        if found.order is not None:
            return orders_2026.sale_of(found.order)
        if found.order_v0 is None:
            raise Unmappable("only its items are here (getOrderItems), not the order itself (getOrders)")
        return orders_v0.sale_of(found.order_v0, _items(found.order_v0, found))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Unmappable(f"it has not the documented shape: {type(error).__name__} {error}") from error


def _items(order: Json, found: Found) -> list[Json]:
    if found.items_v0 is None:
        if order["OrderStatus"] in ("Pending", "PendingAvailability", "Canceled", "Unfulfillable"):
            return []  # left out whatever its items are
        raise Unmappable("its items (getOrderItems) are not here")
    if not found.last_page:
        raise Unmappable("its items go on: the page after the last NextToken is not here")
    return found.items_v0


__all__ = [
    "Found", "LeftOut", "Reading", "Sale", "Unmappable", "find", "input_of", "money", "reading_of", "sale_of", "total",
]  # fmt: skip
