"""What `oms doctor` asks about money: is there an operation of which nobody knows whether it happened?"""

from oms_api.kit.db import Database
from oms_api.kit.ids import NOBODY
from oms_api.payments.models import OPERATION, PAYMENT
from oms_api.payments.queries import unresolved

SHOWN_MAX = 5


async def examine(db: Database) -> list[tuple[str, bool, str, str]]:
    """(what, is it well, what was found, what mends it)."""
    async with db.reading(NOBODY) as reading:
        given_up = await unresolved(reading)
    if not given_up:
        return [("payments", True, "every operation was answered or is asked again", "")]
    shown = [f"{row.kind} {OPERATION(row.id)} of {PAYMENT(row.payment_id)}" for row in given_up[:SHOWN_MAX]]
    more = f" and {len(given_up) - SHOWN_MAX} more" if len(given_up) > SHOWN_MAX else ""
    return [("payments", False, f"the provider never answered {', '.join(shown)}{more}", "oms retry")]
