"""What callers of a stock ledger saw, and whether it can have been right: units promised twice, or refused while free.

Each call is known by when it began and when it was answered, so what it did happened in between. A unit was surely
held from the answer to the call that let it go, and possibly from the first call's beginning to the last one's answer.
"""

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple
from uuid import UUID

Key = tuple[str, UUID | str]
"""A SKU at a location, of a supply (by its id), or as a demand class may have it (by its handle)."""

CLOCKS_S = 0.002
"""By so much the database's clock may differ from ours: SQLite's counts milliseconds."""


class Hold(NamedTuple):
    """A reservation: seconds since 1970 of its call and answer, of the call that let it go and its answer (`inf`: it
    still holds), or of its expiry twice."""

    begun: float
    answered: float
    units: tuple[tuple[Key, int], ...]
    let_go: float = math.inf
    gone: float = math.inf


class Refused(NamedTuple):
    """A reserve that was short: (SKU, locations and supplies that it could have come from, units), and what it would
    have taken of shares: (SKU, demand class, units)."""

    begun: float
    answered: float
    wanted: tuple[tuple[str, tuple[UUID, ...], int], ...]
    shares: tuple[tuple[str, str, int], ...] = ()


def oversold(on_hand: Mapping[Key, int], holds: Iterable[Hold]) -> int:
    """The most units above what was on hand that were surely held at any one moment, over all positions."""
    moments: dict[Key, list[tuple[float, int]]] = defaultdict(list)
    for hold in holds:
        if hold.answered < hold.let_go:
            for key, units in hold.units:
                moments[key] += [(hold.answered, units), (hold.let_go, -units)]
    total = 0
    for key, changes in moments.items():
        changes.sort()  # at the same instant, what is given back first
        total += max(max(accumulate(units for _, units in changes)) - on_hand.get(key, 0), 0)
    return total


def refused_while_free(on_hand: Mapping[Key, int], holds: Iterable[Hold], refused: Iterable[Refused]) -> list[Refused]:
    """Those that cannot have been short: all of what they wanted was free from their call to their answer, even if
    whoever may have held units meanwhile did. It follows that nothing free at the end, and not given back since, was
    refused to anybody."""
    free = {key: _Free(units) for key, units in on_hand.items()}
    for hold in holds:
        for key, units in hold.units:
            free[key].take(hold.begun, hold.gone, units)
    for key in free:
        free[key].close()

    def least(sku: str, places: Iterable[UUID | str], one: Refused) -> int:
        there = [free[sku, place] for place in places if (sku, place) in free]
        return sum(max(position.least(one.begun, one.answered), 0) for position in there)

    return [
        one
        for one in refused
        if all(least(sku, places, one) >= units for sku, places, units in one.wanted)
        and all(least(sku, [demand_class], one) >= units for sku, demand_class, units in one.shares)
    ]


class _Free:
    """What was surely free of a position in a span of time."""

    def __init__(self, on_hand: int) -> None:
        self._on_hand = on_hand
        self._taken: list[tuple[float, int]] = []
        self._gone: list[tuple[float, int]] = []

    def take(self, begun: float, gone: float, units: int) -> None:
        self._taken.append((begun, units))
        self._gone.append((gone, units))

    def close(self) -> None:
        """All is known: from now on it can be asked."""
        self._taken_at, self._taken_by = _summed(self._taken)
        self._gone_at, self._gone_by = _summed(self._gone)

    def least(self, begun: float, answered: float) -> int:
        """Units on hand without those of all who began before the span's end and were not gone before it began."""
        taken = self._taken_by[bisect_right(self._taken_at, answered)]
        return self._on_hand - taken + self._gone_by[bisect_left(self._gone_at, begun)]


def _summed(changes: Sequence[tuple[float, int]]) -> tuple[list[float], list[int]]:
    ordered = sorted(changes)
    return [moment for moment, _ in ordered], [0, *accumulate(units for _, units in ordered)]
