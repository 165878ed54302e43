"""What `oms doctor` asks about stock: do the books say what their ledger says?"""

from oms_api import access
from oms_api.inventory.service.rebuild import Difference, rebuild
from oms_api.kit.db import Database
from oms_api.kit.ids import NOBODY

SHOWN_MAX = 5


async def examine(db: Database) -> list[tuple[str, bool, str, str]]:
    """(what, is it well, what was found, what mends it)."""
    async with db.reading(NOBODY) as reading:
        tenants = await access.all_tenants(reading)
    found: list[str] = []
    for tenant in tenants:
        async with db.reading(tenant.tenant_id) as reading:
            found += [_told(tenant.handle, difference) for difference in await rebuild(reading)]
    if not found:
        return [("stock ledger", True, f"the books of {len(tenants)} tenants equal their ledgers", "")]
    more = f"; and {len(found) - SHOWN_MAX} more" if len(found) > SHOWN_MAX else ""
    return [
        (
            "stock ledger",
            False,
            "; ".join(found[:SHOWN_MAX]) + more,
            "these tables were changed by hand: undo that, or UPDATE the columns to what the ledger gives",
        )
    ]


def _told(tenant: str, difference: Difference) -> str:
    table = "positions" if difference.reference is None else f"supply {difference.reference}"
    return (
        f"{tenant}: {table}.{difference.column} of {difference.sku} at {difference.location_id} "
        f"is {difference.stored}, its ledger gives {difference.rebuilt}"
    )
