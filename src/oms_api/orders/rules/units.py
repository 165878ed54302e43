"""Where a line's units are: moves between the eight states, and what a plan makes of them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from oms_api.catalog import SkuKind
from oms_api.inventory import ReservationLine
from oms_api.kit.errors import ExceedsRemaining, Invalid, Refusal
from oms_api.orders.models import LINE, OrderLine, UnitState

S = UnitState

# from -> to; a step that the trade does not know is a bug of the caller
MOVES: Mapping[UnitState, frozenset[UnitState]] = {
    S.PENDING: frozenset({S.BACKORDERED, S.RESERVED, S.CANCELLED}),
    S.BACKORDERED: frozenset({S.PENDING, S.RESERVED, S.CANCELLED}),
    # digital goods and services go from held to delivered
    S.RESERVED: frozenset({S.PENDING, S.BACKORDERED, S.ALLOCATED, S.DELIVERED, S.CANCELLED}),
    # a location may say no (reserved, pending, backordered); what is collected at its counter is delivered at once
    S.ALLOCATED: frozenset({S.PENDING, S.BACKORDERED, S.RESERVED, S.SHIPPED, S.DELIVERED, S.CANCELLED}),
    # refused at the door comes back; a lost parcel is sent again or settled
    S.SHIPPED: frozenset({S.PENDING, S.DELIVERED, S.RETURNED, S.CANCELLED}),
    S.DELIVERED: frozenset({S.RETURNED}),
    S.RETURNED: frozenset(),
    S.CANCELLED: frozenset(),
}

# The order in which `orderCancel` takes units that have not left: what costs least to give up first.
CANCELLED_FIRST = (S.PENDING, S.BACKORDERED, S.RESERVED)


class Move(NamedTuple):
    """So many units of a line go from one state to another."""

    line_id: UUID
    from_state: UnitState
    to_state: UnitState
    quantity: int


def deltas(moves: Iterable[Move]) -> dict[UUID, Counter[UnitState]]:
    """What the moves add to each line's states. Raises ValueError for a step that does not exist."""
    found: dict[UUID, Counter[UnitState]] = defaultdict(Counter)
    for move in moves:
        if move.to_state not in MOVES[move.from_state]:
            raise ValueError(f"units do not go from {move.from_state} to {move.to_state}")
        if move.quantity < 1:
            raise ValueError(f"{move.quantity} units cannot move")
        found[move.line_id][move.from_state] -= move.quantity
        found[move.line_id][move.to_state] += move.quantity
    return found


def shortfalls(lines: Mapping[UUID, OrderLine], changes: Mapping[UUID, Counter[UnitState]]) -> list[Refusal]:
    """Refusals for lines that have not as many units in a state as are to leave it."""
    found: list[Refusal] = []
    for line_id, change in changes.items():
        line = lines.get(line_id)
        if line is None:
            found.append(Invalid(f"{LINE(line_id)} is not a line of this order."))
            continue
        for state, delta in change.items():
            there = getattr(line, state)
            if there + delta < 0:
                found.append(
                    ExceedsRemaining(
                        f"{line.sku}: {-delta} units are to leave {state}, but only {there} are there.",
                        details={"subject_id": LINE(line_id), "sku": line.sku, "remaining_quantity": there},
                    )
                )
    return found


class Covered(NamedTuple):
    """How many of a line's units a plan holds on hand, and how many it promises of supply to come."""

    held: int
    awaited: int


def covered(
    quantity: int, per_unit: Mapping[str, int], on_hand: Mapping[str, int], to_come: Mapping[str, int]
) -> Covered:
    """Units of a line that the planned stock makes up.

    `per_unit` is what one unit is made of (itself, or a kit's components). A kit is on hand when all its parts are;
    with any part still to come it waits whole.
    """
    held = min((on_hand.get(sku, 0) // each for sku, each in per_unit.items()), default=quantity)
    whole = min(
        ((on_hand.get(sku, 0) + to_come.get(sku, 0)) // each for sku, each in per_unit.items()), default=quantity
    )
    held, whole = min(held, quantity), min(whole, quantity)
    return Covered(held, whole - held)


def to_cancel(line: OrderLine, quantity: int) -> list[Move]:
    """Moves that cancel `quantity` units that are at no location yet. The caller has checked that there are as many."""
    found = []
    for state in CANCELLED_FIRST:
        taken = min(quantity, getattr(line, state))
        if taken:
            found.append(Move(line.id, state, S.CANCELLED, taken))
            quantity -= taken
    return found


def cancellable(line: OrderLine) -> int:
    """Units that are at no location yet."""
    return sum(getattr(line, state) for state in CANCELLED_FIRST)


def parts_of(line: OrderLine) -> dict[str, int]:
    """Units by SKU that one unit of a line takes from stock: a kit's components as sold, nothing for what has none."""
    if line.kind is SkuKind.KIT:
        return dict(line.components)
    return {line.sku: 1} if line.kind is SkuKind.PHYSICAL else {}


def to_release(
    line: OrderLine, cancelled: int, held: Iterable[ReservationLine], keep: Mapping[tuple[UUID, str, UUID], int]
) -> list[tuple[ReservationLine, int]]:
    """What is held for a line beyond what it wants once `cancelled` units are given up; units yet to come first.

    `line` is as it was before; `keep` is what stays held, by line, SKU and location.
    """
    left = line.pending + line.backordered + line.reserved + line.allocated - cancelled
    found = []
    for sku, each in parts_of(line).items():
        rows = [row for row in held if row.sku == sku]
        excess = sum(row.quantity for row in rows) - left * each
        kept = {key: count for key, count in keep.items() if key[0] == line.id and key[1] == sku}
        for row in sorted(rows, key=lambda row: row.supply_id is None):
            free = row.quantity
            key = (line.id, sku, row.location_id)
            if row.supply_id is None and kept.get(key):
                stays = min(free, kept[key])
                kept[key] -= stays
                free -= stays
            count = min(excess, free)
            if count > 0:
                found.append((row, count))
                excess -= count
    return found


def described(lines: Mapping[UUID, OrderLine], moved: Mapping[UUID, int]) -> list[dict[str, str | int]]:
    """Lines and units as facts tell them."""
    return [
        {"lineId": LINE(line_id), "sku": lines[line_id].sku, "quantity": quantity}
        for line_id, quantity in moved.items()
    ]
