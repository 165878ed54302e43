"""Supply that comes, slips and is lost, and what orders hear of it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from orders.store import Store
from promising.shop import SUPPLIES

ADJUST = """mutation($input: InventoryAdjustInput!) { inventoryAdjust(input: $input) {
  userErrors { code message } } }"""


def in_days(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


async def supply(
    store: Store, quantity: int, days: float, *, confident: float | None = None, place: str = "dc"
) -> None:
    row: dict[str, Any] = {"reference": "PO", "sku": "A", "location": place, "quantity": quantity}
    row["expectedAt"] = in_days(days).isoformat()
    if confident is not None:
        row["confidentAt"] = in_days(confident).isoformat()
    await store.api.ok(SUPPLIES, input={"supplies": [row]})
    await store.world.settle()


async def promised(store: Store, order: Any) -> date | None:
    day = (await store.look(order))["lines"][0]["promisedOn"]
    return date.fromisoformat(day) if day else None


async def changes(store: Store, order: Any) -> list[tuple[Any, Any, str]]:
    await store.world.settle()
    query = "query($id: ID!) { order(by: { id: $id }) { timeline(first: 50) { nodes { topic data } } } }"
    nodes = (await store.api(query, id=order["id"]))["order"]["timeline"]["nodes"]
    told = [node["data"] for node in reversed(nodes) if node["topic"] == "promise.changed"]
    return [(data["old"], data["new"], data["reason"]) for data in told]


async def lose(store: Store, units_: int, place: str = "dc") -> None:
    change = {"sku": "A", "location": place, "delta": -units_}
    await store.api.ok(ADJUST, input={"changes": [change], "reason": "lost"})
    await store.world.settle()
