"""Pure decisions of the stock ledger."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from oms_api.inventory.models import Position, ReservationLine, ReservationState
from oms_api.kit.states import States

RESERVATION_STATES = States(
    {
        "reservationAdopt": {ReservationState.OPEN: ReservationState.OPEN},
        "reservationExtend": {ReservationState.OPEN: ReservationState.OPEN},
        "reservationRelease": {ReservationState.OPEN: ReservationState.RELEASED},
    }
)


class Units(NamedTuple):
    """Units of an order line at a location."""

    line_id: UUID | None
    sku: str
    location_id: UUID
    quantity: int


def available(position: Position, safety: int = 0, lapsed: int = 0) -> int:
    """Units that can be promised at once. `safety` the location keeps back of every SKU; `lapsed` are still counted as
    reserved but their reservation has expired."""
    return max(0, position.on_hand - position.safety_stock - safety - position.reserved + lapsed)


def allocate(
    lines: Iterable[ReservationLine], units: Sequence[Units]
) -> tuple[list[tuple[ReservationLine, int]], dict[int, int]]:
    """Take units off the held lines, in their order: (line, units of it) and, by index of `units`, what was missing."""
    held: dict[tuple[UUID | None, str, UUID], list[ReservationLine]] = defaultdict(list)
    left: dict[UUID, int] = {}
    of: dict[UUID, ReservationLine] = {}
    for line in lines:
        held[line.line_id, line.sku, line.location_id].append(line)
        left[line.id] = line.quantity
        of[line.id] = line
    taken: dict[UUID, int] = defaultdict(int)
    missing: dict[int, int] = {}
    for i, (line_id, sku, location_id, wanted) in enumerate(units):
        for line in held[line_id, sku, location_id]:
            part = min(wanted, left[line.id])
            if part:
                left[line.id] -= part
                taken[line.id] += part
                wanted -= part
        if wanted:
            missing[i] = wanted
    return [(of[id_], count) for id_, count in taken.items()], missing


def fill(lines: Iterable[ReservationLine], arrived: Mapping[UUID, int]) -> list[tuple[ReservationLine, int]]:
    """Which lines that wait for a supply get the units that arrived of it: orders before carts, each oldest first."""
    left = dict(arrived)
    filled: list[tuple[ReservationLine, int]] = []
    for line in sorted(lines, key=lambda line: (line.expires_at is not None, line.id)):
        part = min(line.quantity, left.get(line.supply_id, 0)) if line.supply_id else 0
        if part:
            left[line.supply_id] -= part  # type: ignore[index]
            filled.append((line, part))
    return filled


def covered_at(coming: Iterable[tuple[datetime, int]], units: int) -> datetime | None:
    """The first instant by which so many units will have come; None when not all will."""
    for at, quantity in sorted(coming):
        units -= quantity
        if units <= 0:
            return at
    return None
