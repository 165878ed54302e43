"""Pure decisions of the stock ledger."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from oms_api.inventory.models import Position, ReservationLine, ReservationState, StockRuleKind, Supply
from oms_api.kit.states import States

RESERVATION_STATES = States(
    {
        "reservationAdopt": {ReservationState.OPEN: ReservationState.OPEN},
        "reservationExtend": {ReservationState.OPEN: ReservationState.OPEN},
        "reservationRelease": {ReservationState.OPEN: ReservationState.RELEASED},
        "reservationTransfer": {ReservationState.OPEN: ReservationState.OPEN},
        "reservationPin": {ReservationState.OPEN: ReservationState.OPEN},
    }
)


class Rule(NamedTuple):
    """A stock rule that is in force; its fields as in `StockRule`."""

    kind: StockRuleKind
    location_id: UUID | None
    method: str | None
    channel: str | None
    units: int
    starts_at: datetime | None


class Units(NamedTuple):
    """Units of an order line at a location."""

    line_id: UUID | None
    sku: str
    location_id: UUID
    quantity: int


def due_at(supply: Supply) -> datetime:
    """When promises may lean on a supply: when it will have come with confidence, if that is known."""
    return supply.confident_at or supply.expected_at


def available(position: Position, safety: int = 0, lapsed: int = 0) -> int:
    """Units that can be promised at once. `safety` is kept back; `lapsed` are still counted as reserved but their
    reservation has expired."""
    return max(0, position.on_hand - safety - position.reserved + lapsed)


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


def strongest(rules: Iterable[Rule]) -> Rule | None:
    """The rule that wins among those that fit: the most specific, a time-boxed one before an open one, then the latest
    to begin, then the one that gives away less. `queries.kept_by_rule` orders alike."""
    return min(rules, key=_rank, default=None)


def _rank(rule: Rule) -> tuple[bool, bool, bool, float, int]:
    sign = 1 if rule.kind is StockRuleKind.MAX_PER_DAY else -1
    start = rule.starts_at.timestamp() if rule.starts_at else 0.0
    return (rule.location_id is None, rule.method is None, rule.starts_at is None, -start, sign * rule.units)


def kept(rules: Sequence[Rule], location_id: UUID) -> int | None:
    """Units of a SKU that its rules keep back at a location; None when no rule speaks of it."""
    found = strongest(
        rule for rule in rules if rule.kind is StockRuleKind.SAFETY_STOCK and rule.location_id in (None, location_id)
    )
    return found.units if found else None


def withheld(rules: Sequence[Rule]) -> int | None:
    """Units of a SKU that its rules withhold of the channel's sum; None when no rule speaks of it."""
    found = strongest(rule for rule in rules if rule.kind is StockRuleKind.THRESHOLD)
    return found.units if found else None


def allowance(rules: Sequence[Rule], location_id: UUID | None) -> int | None:
    """Units of a SKU that may be promised a day at a location, or in the channel when None; None: any number."""
    found = strongest(
        rule for rule in rules if rule.kind is StockRuleKind.MAX_PER_DAY and rule.location_id == location_id
    )
    return found.units if found else None


def youngest(lines: Iterable[ReservationLine], short: int) -> list[tuple[ReservationLine, int]]:
    """Which held units are taken back when so many are short: of carts before orders, of each the youngest first."""
    taken: list[tuple[ReservationLine, int]] = []
    for line in sorted(lines, key=lambda line: (line.expires_at is not None, line.id), reverse=True):
        part = min(short, line.quantity)
        if part > 0:
            short -= part
            taken.append((line, part))
    return taken
