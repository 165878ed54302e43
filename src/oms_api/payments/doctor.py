"""What `oms doctor` asks about money: is there an operation of which nobody knows whether it happened? And it tells
where providers are to call back."""

from oms_api.kit.db import Database
from oms_api.kit.ids import NOBODY
from oms_api.payments.models import ACCOUNT, OPERATION, PAYMENT
from oms_api.payments.queries import accounts_called_back, unresolved

SHOWN_MAX = 5


async def examine(db: Database) -> list[tuple[str, bool, str, str]]:
    """(what, is it well, what was found, what mends it)."""
    async with db.reading(NOBODY) as reading:
        given_up = await unresolved(reading)
        accounts = await accounts_called_back(reading)
    found = [
        ("payment account", True, f"{row.handle} is called back at /callbacks/{row.provider}/{ACCOUNT(row.id)}", "")
        for row in accounts
    ]
    if not given_up:
        return [*found, ("payments", True, "every operation was answered or is asked again", "")]
    shown = [f"{row.kind} {OPERATION(row.id)} of {PAYMENT(row.payment_id)}" for row in given_up[:SHOWN_MAX]]
    more = f" and {len(given_up) - SHOWN_MAX} more" if len(given_up) > SHOWN_MAX else ""
    return [*found, ("payments", False, f"the provider never answered {', '.join(shown)}{more}", "oms retry")]
