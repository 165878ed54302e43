"""Pure decisions of returns: states, what may come back, what a receipt does to lines, stock and money."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from oms_api.inventory import StockBucket
from oms_api.kit.states import States
from oms_api.returns.models import Disposition, Return, ReturnLine, ReturnStatus

S = ReturnStatus

# What each action leads to when it takes all that is left; `status_of` says it for a part.
STATES = States(
    {
        "returnApprove": {S.REQUESTED: S.APPROVED},
        "returnDecline": {S.REQUESTED: S.DECLINED},
        "returnReceive": {
            S.APPROVED: S.RECEIVED,
            S.PARTIALLY_RECEIVED: S.RECEIVED,
            S.RECEIVED: S.RECEIVED,
            S.EXPIRED: S.RECEIVED,  # a parcel that comes late is there all the same
        },
    }
)
# in which units are still on their way to us
COMING = frozenset({S.REQUESTED, S.APPROVED, S.PARTIALLY_RECEIVED})

# How long after it arrived a unit may be asked to go back.
WINDOW = timedelta(days=30)

# How long a return waits for an answer, and then for its units.
PATIENCE = timedelta(days=30)
_EXPIRING = frozenset({S.REQUESTED, S.APPROVED})


def expires_at(status: ReturnStatus, now: datetime) -> datetime | None:
    """When a return that has come to this status just now is given up."""
    return now + PATIENCE if status in _EXPIRING else None


FIRST_NUMBER = 1001

# Where units of a disposition go; the others are in no bucket of ours.
BUCKETS: Mapping[Disposition, StockBucket] = {
    Disposition.RESTOCK: StockBucket.AVAILABLE,
    Disposition.QUARANTINE: StockBucket.QUALITY_CONTROL,
    Disposition.REFURBISH: StockBucket.QUALITY_CONTROL,
}


def number(value: int) -> str:
    """As people say it: `RMA-1001` for a tenant's first return."""
    return f"RMA-{value}"


def status_of(lines: Iterable[ReturnLine], *, due: int, refunded: int) -> ReturnStatus:
    """The status that an approved return's figures amount to."""
    coming = received = waiting = 0
    for line in lines:
        coming += line.quantity - line.received
        received += line.received
        waiting += line.received - line.inspected
    if coming:
        return S.PARTIALLY_RECEIVED if received else S.APPROVED
    return S.CLOSED if not waiting and refunded == due else S.RECEIVED


class Delivery(NamedTuple):
    """Units of a SKU that were sent for an order line; `per_unit` of them are one unit of the line."""

    sku: str
    per_unit: int
    quantity: int
    delivered_at: datetime | None


def returnable(delivered: int, returned: int, coming: int, deliveries: Sequence[Delivery], now: datetime) -> int:
    """Units of an order line that are still within the window and on no return.

    `delivered` are with the customer now, `coming` of these on a return that has not arrived, `returned` came back. The
    oldest are taken to have gone back first; a kit's unit arrived with its last part.
    """
    since = now - WINDOW
    by_part: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        by_part[delivery.sku].append(delivery)
    if not by_part:
        return 0
    old = min(
        sum(one.quantity for one in found if one.delivered_at is not None and one.delivered_at < since)
        // found[0].per_unit
        for found in by_part.values()
    )
    recent = max(0, delivered + returned - old)
    return min(delivered - coming, recent)


class Arrived(NamedTuple):
    """One entry of a receipt; `disposition` None: to be inspected later."""

    line_id: UUID
    quantity: int
    disposition: Disposition | None


class Change(NamedTuple):
    """What an entry of a receipt adds to its return line, and by how many units it is too many."""

    received: int
    inspected: int
    excess: int


def receive(lines: Mapping[UUID, ReturnLine], entries: Sequence[Arrived]) -> list[Change]:
    """What each entry does. With a disposition, units that wait for inspection come first, then units that arrive."""
    figures = {id_: [line.quantity, line.received, line.inspected] for id_, line in lines.items()}
    found = []
    for line_id, quantity, disposition in entries:
        asked, received, inspected = figures[line_id]
        waiting = received - inspected if disposition is not None else 0
        arriving = max(0, quantity - waiting)
        excess = max(0, arriving - (asked - received))
        figures[line_id] = [asked, received + arriving, inspected + (quantity if disposition is not None else 0)]
        found.append(Change(arriving, quantity if disposition is not None else 0, excess))
    return found


def available(line: ReturnLine, disposition: Disposition | None) -> int:
    """Units of a return line that an entry with this disposition may name."""
    return line.quantity - (line.inspected if disposition is not None else line.received)


def due(credit: int, *, total: int, credited: int, captured: int, given_back: int) -> int:
    """How much of a credit must be given back: what was captured beyond what is owed; the rest was never paid.

    `credited` includes this credit; `given_back` includes refunds that the provider has not answered yet.
    """
    return max(0, min(credit, captured - given_back - (total - credited)))


def recovered(row: Return, amount: int) -> int:
    """How much of a refund by hand makes up for refunds that the provider refused."""
    return min(amount, row.failed_minor)
