"""Pure decisions of fulfillment: states, what has become of an order line, which units a cancellation takes.

An order line counts its own units, a fulfillment line counts units of the SKU that is picked: they differ for kits,
where one unit of the line is `per_unit` units of each part.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from oms_api.fulfillment.models import FulfillmentLine, FulfillmentStatus, TrackingStatus
from oms_api.kit.errors import Invalid, Path, Refusal
from oms_api.kit.states import States

OFFERED = FulfillmentStatus.OFFERED
ACCEPTED = FulfillmentStatus.ACCEPTED
REJECTED = FulfillmentStatus.REJECTED
CANCEL_REQUESTED = FulfillmentStatus.CANCEL_REQUESTED
PARTIALLY_SHIPPED = FulfillmentStatus.PARTIALLY_SHIPPED
SHIPPED = FulfillmentStatus.SHIPPED
CANCELLED = FulfillmentStatus.CANCELLED

# What each action leads to when it takes all that is left; `status_of` says it for a part.
STATES = States(
    {
        "fulfillmentAccept": {OFFERED: ACCEPTED},
        "fulfillmentReject": {OFFERED: REJECTED, ACCEPTED: REJECTED, PARTIALLY_SHIPPED: SHIPPED},
        "fulfillmentReassign": {
            OFFERED: CANCELLED,
            ACCEPTED: CANCELLED,
            PARTIALLY_SHIPPED: SHIPPED,
            REJECTED: REJECTED,
        },
        "shipmentCreate": {ACCEPTED: SHIPPED, PARTIALLY_SHIPPED: SHIPPED},
        "fulfillmentCancelAccept": {CANCEL_REQUESTED: CANCELLED},
        "fulfillmentCancelReject": {CANCEL_REQUESTED: ACCEPTED},
    }
)


def status_of(lines: Iterable[FulfillmentLine], *, accepted: bool, rejected: bool = False) -> FulfillmentStatus:
    """The status that the figures of a fulfillment's lines amount to."""
    shipped = remaining = asked = 0
    for line in lines:
        shipped += line.shipped
        remaining += line.remaining
        asked += line.asked
    if asked:
        return CANCEL_REQUESTED
    if not remaining:
        return SHIPPED if shipped else REJECTED if rejected else CANCELLED
    if shipped:
        return PARTIALLY_SHIPPED
    return ACCEPTED if accepted else OFFERED


_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}")


def not_a_code(reason: str, path: Path) -> list[Refusal]:
    """What is wrong with a reason: it becomes part of a fact, so it is a code and never words about somebody."""
    if _CODE.fullmatch(reason):
        return []
    return [
        Invalid(
            f"{reason[:60]!r} is not a reason; send a code such as 'changed_mind': 1 to 64 letters, digits, _ . : / -",
            path=path,
        )
    ]


class Line(NamedTuple):
    """An order line's units by what became of them, as far as fulfillment needs to know."""

    id: UUID
    unplanned: int
    allocated: int
    shipped: int
    delivered: int
    returned: int


class Step(NamedTuple):
    """Units of an order line that go from one state to another; names as in `LineQuantities`."""

    line_id: UUID
    from_state: str
    to_state: str
    quantity: int


def _whole(parts: Mapping[str, tuple[int, int]]) -> int:
    """Units of the line of which every part is there: (units of the part, units in one) by SKU."""
    return min(units // per_unit for units, per_unit in parts.values())


def _by_part(lines: Iterable[FulfillmentLine], figure: str) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for line in lines:
        units: int = getattr(line, figure) if figure != "gone" else line.shipped + line.called_off
        found[line.sku] = (found.get(line.sku, (0, 0))[0] + units, line.per_unit)
    return found


def grouped(lines: Iterable[FulfillmentLine]) -> dict[UUID, list[FulfillmentLine]]:
    """By order line."""
    found: dict[UUID, list[FulfillmentLine]] = defaultdict(list)
    for line in lines:
        found[line.order_line_id].append(line)
    return found


def planned(parts: Sequence[FulfillmentLine]) -> int:
    """Units of the order line that these fulfillment lines make up."""
    return _whole(_by_part(parts, "given"))


def steps(line: Line, parts: Sequence[FulfillmentLine]) -> list[Step]:
    """How the order line follows from all its fulfillment lines as they are now.

    A kit's unit has left when none of its parts remains; one of which a part was cancelled and another part was not
    (two locations gave different answers) counts as shipped. No figure ever falls.
    """
    if not parts:
        return []
    left_before = line.shipped + line.delivered + line.returned
    arrived_before = line.delivered + line.returned
    cancelled_before = planned(parts) - line.allocated - left_before
    gone = _whole(_by_part(parts, "gone"))
    left = max(left_before, gone - _whole(_by_part(parts, "called_off")))
    cancelled = gone - left
    arrived = max(arrived_before, min(left, _whole(_arrived(parts)) - cancelled))
    return [
        Step(line.id, from_state, to_state, quantity)
        for from_state, to_state, quantity in (
            ("allocated", "shipped", left - left_before),
            ("allocated", "cancelled", cancelled - cancelled_before),
            ("shipped", "delivered", arrived - arrived_before),
        )
        if quantity > 0
    ]


def _arrived(parts: Sequence[FulfillmentLine]) -> dict[str, tuple[int, int]]:
    delivered, cancelled = _by_part(parts, "delivered"), _by_part(parts, "called_off")
    return {sku: (units + cancelled[sku][0], per_unit) for sku, (units, per_unit) in delivered.items()}


def cancellable(line: Line, parts: Sequence[FulfillmentLine]) -> int:
    """Units of the order line that have not left in any part and whose cancellation was not asked for."""
    return line.unplanned + (_whole(_by_part(parts, "free")) if parts else 0)


class GivenBack(NamedTuple):
    """Whole units of an order line, and the units of fulfillment lines that make them up."""

    units: int
    parts: list[tuple[FulfillmentLine, int]]


def given_back(parts: Sequence[FulfillmentLine], named: Mapping[UUID, int]) -> GivenBack | None:
    """What goes back to the order when these units (by fulfillment line) do: of a kit whole units, so parts of them
    that are elsewhere too. None when other parts of a unit have left, or are asked for."""
    of_part: dict[str, list[FulfillmentLine]] = defaultdict(list)
    for part in parts:
        of_part[part.sku].append(part)
    units = 0
    for found in of_part.values():
        asked = sum(named.get(part.id, 0) for part in found)
        units = max(units, -(-asked // found[0].per_unit))
    at = {part.fulfillment_id for part in parts if part.id in named}
    taken: list[tuple[FulfillmentLine, int]] = []
    for found in of_part.values():
        first = sorted(found, key=lambda part: (part.id not in named, part.fulfillment_id not in at, part.id))
        free = {part.id: part.free for part in first}
        if sum(free.values()) < units * found[0].per_unit:
            return None
        _draw(first, free, units * found[0].per_unit, taken)
    return GivenBack(units, taken)


class Taken(NamedTuple):
    """Which units a cancellation takes: such at no location, such of locations at once, and such to ask them for."""

    unplanned: int
    at_once: list[tuple[FulfillmentLine, int]]
    to_ask: list[tuple[FulfillmentLine, int]]


def take(
    line: Line, quantity: int, parts: Sequence[FulfillmentLine], status: Mapping[UUID, FulfillmentStatus]
) -> Taken:
    """Choose the units: those at no location first, then those whose location has not accepted, then the others.

    `quantity` is at most `cancellable`. `status` is by fulfillment. Of a kit whole units are taken, so a location that
    has not accepted is asked too when another part of the unit is at one that has.
    """
    unplanned = min(quantity, line.unplanned)
    rest = quantity - unplanned
    if not rest:
        return Taken(unplanned, [], [])
    of_part: dict[str, list[FulfillmentLine]] = defaultdict(list)
    for part in parts:
        if part.free:
            of_part[part.sku].append(part)
    offered = {
        sku: sum(part.free for part in found if status[part.fulfillment_id] is OFFERED) // found[0].per_unit
        for sku, found in of_part.items()
    }
    now = min(rest, min(offered.values()))
    at_once: list[tuple[FulfillmentLine, int]] = []
    to_ask: list[tuple[FulfillmentLine, int]] = []
    for found in of_part.values():
        first = sorted(found, key=lambda part: (status[part.fulfillment_id] is not OFFERED, part.id))
        left = _draw(first, {part.id: part.free for part in first}, now * found[0].per_unit, at_once)
        last = sorted(found, key=lambda part: (status[part.fulfillment_id] is OFFERED, part.id))
        _draw(last, left, (rest - now) * found[0].per_unit, to_ask)
    return Taken(unplanned, at_once, to_ask)


def _draw(
    lines: Sequence[FulfillmentLine], free: dict[UUID, int], units: int, taken: list[tuple[FulfillmentLine, int]]
) -> dict[UUID, int]:
    for line in lines:
        drawn = min(units, free[line.id])
        if drawn:
            taken.append((line, drawn))
            free[line.id] -= drawn
            units -= drawn
    return free


class Held(NamedTuple):
    """Units that a reservation holds on hand for an order line."""

    line_id: UUID
    sku: str
    location_id: UUID
    quantity: int


class Work(NamedTuple):
    """Units to be given to a location."""

    location_id: UUID
    order_line_id: UUID
    sku: str
    per_unit: int
    quantity: int


class Wanted(NamedTuple):
    """Units of an order line that are reserved and at no location yet; `parts` is what one unit consists of."""

    line_id: UUID
    quantity: int
    parts: Mapping[str, int]


def to_offer(
    wanted: Iterable[Wanted], held: Iterable[Held], at_work: Iterable[tuple[UUID, str, UUID, int]]
) -> list[Work]:
    """What locations are to be given: units held and not yet at work, of a kit only whole units.

    `at_work` are (order line, SKU, location, units) that locations have been given and that have not left. In order
    of location, so that equal worlds give equal work.
    """
    open_: dict[tuple[UUID, str], dict[UUID, int]] = defaultdict(lambda: defaultdict(int))
    for line_id, sku, location_id, quantity in held:
        open_[line_id, sku][location_id] += quantity
    for line_id, sku, location_id, quantity in at_work:
        open_[line_id, sku][location_id] -= quantity
    work: list[Work] = []
    for line_id, quantity, parts in wanted:
        units_of_line = min(
            quantity,
            *(sum(max(0, units) for units in open_[line_id, sku].values()) // each for sku, each in parts.items()),
        )
        for sku, each in parts.items():
            left = units_of_line * each
            for location_id, units in sorted(open_[line_id, sku].items()):
                given = min(left, max(0, units))
                if given:
                    work.append(Work(location_id, line_id, sku, each, given))
                    left -= given
    return sorted(work, key=lambda item: (item.location_id, item.order_line_id, item.sku))


def to_refund(at_most: int, *, owed: int, captured: int, given_back: int) -> int:
    """How much was paid beyond what is owed and must be given back, at most so much; minor units.

    `owed` is what the order still costs, `given_back` includes refunds that are not answered yet.
    """
    return max(0, min(at_most, captured - given_back - owed))


class Scan(NamedTuple):
    status: TrackingStatus
    at: datetime


def tracked(status: TrackingStatus, status_at: datetime | None, scan: Scan) -> tuple[TrackingStatus, datetime | None]:
    """The shipment's status after one more scan: the latest one's, but DELIVERED is the end.

    A shipment has left when we make it, so LABEL_CREATED, which carriers like to tell late, changes nothing.
    """
    if status is TrackingStatus.DELIVERED or scan.status is TrackingStatus.LABEL_CREATED:
        return status, status_at
    if scan.status is TrackingStatus.DELIVERED or status_at is None or scan.at >= status_at:
        return scan.status, scan.at
    return status, status_at
