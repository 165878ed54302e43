"""Orders that have arrived: where a return begins."""

from typing import Any

from fulfillment.desk import Desk

PARTS = [
    {"code": "CUP", "name": "Cup"},
    {"code": "PLATE", "name": "Plate"},
    {
        "code": "SET", "name": "Set", "kind": "KIT",
        "components": [{"sku": "CUP", "quantity": 4}, {"sku": "PLATE", "quantity": 1}],
    },
]  # fmt: skip


async def delivered(desk: Desk, paid: str | None = "captured", **lines: int) -> dict[str, Any]:
    """An order of these units that has arrived."""
    await desk.open({sku: {"north": 20} for sku in lines})
    return await desk.deliver(await desk.order(lines=lines, paid=paid))
