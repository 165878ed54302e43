"""Pure decisions of allocation: how large the shares are, what a class can reach, and whose share it takes.

Every unit that is free, or was taken by somebody, is in exactly one share or in the pool: shares add up to the whole.
Percentages, ratios and units that fall short are divided by highest averages (D'Hondt): more supply never makes a share
smaller, which rounding by largest remainder would.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from oms_api.allocation.models import POOL, AllocationBasis, AllocationUse

WHOLE = 10_000
"""Basis points."""


class Rung(NamedTuple):
    """A class on the ladder: rank 1 goes first."""

    rank: int
    parent: str | None = None


class Share(NamedTuple):
    """A row of a set: of a class, or the pool's (class ""). `booked`: used as its row has it, with what lapsed and what
    was given back since."""

    id: UUID
    demand_class: str
    target: int
    used: int
    hard: bool = False
    steal_until: date | None = None
    booked: int = 0


class Shares(NamedTuple):
    """All shares of a SKU everywhere or at a location, for a time; the pool's among them."""

    basis: AllocationBasis
    rows: tuple[Share, ...]

    def sizes(self, free: int) -> list[int]:
        """Units in each share when so many are free: with what was taken they add up to the whole."""
        used = [row.used for row in self.rows]
        whole = max(free, 0) + sum(used)
        targets = [row.target for row in self.rows]
        pool = next(i for i, row in enumerate(self.rows) if row.demand_class == POOL)
        if self.basis is AllocationBasis.PERCENT:
            targets[pool] = WHOLE - sum(targets)
        if self.basis is not AllocationBasis.UNITS:
            return divide(whole, targets, used)
        wanted = [max(target, taken) for target, taken in zip(targets, used, strict=True)]
        rest = whole - sum(wanted) + wanted[pool]
        if rest >= used[pool]:
            return [rest if i == pool else units for i, units in enumerate(wanted)]
        return divide(whole, targets, used)

    def left(self, free: int) -> list[int]:
        """Units of each share that nobody has taken; they add up to those that are free."""
        return [size - row.used for size, row in zip(self.sizes(free), self.rows, strict=True)]

    def order(self, demand_class: str | None, ladder: Mapping[str, Rung], today: date) -> list[int]:
        """Indexes of the shares that a class may take of, in that order: its own, its parents' upwards, the pool,
        those of classes that are not active, then those of siblings of lower rank that may still be robbed, the lowest
        first. A hard share allows its class, and those below it, only their own and their parents'."""
        at = {row.demand_class: i for i, row in enumerate(self.rows)}
        line: list[str] = []
        above = demand_class
        while above is not None and above not in line:
            line.append(above)
            above = ladder[above].parent if above in ladder else None
        found = [at[name] for name in line if name in at]
        if any(self.rows[i].hard for i in found):
            return found
        found += [at[POOL], *(i for name, i in at.items() if name not in ladder and name not in (POOL, *line))]
        mine = ladder.get(demand_class) if demand_class is not None else None
        if mine is not None:
            lower = [
                (-ladder[row.demand_class].rank, row.demand_class)
                for row in self.rows
                if row.steal_until is not None
                and row.steal_until >= today
                and row.demand_class in ladder
                and ladder[row.demand_class].parent == mine.parent
                and ladder[row.demand_class].rank > mine.rank
            ]
            found += [at[name] for _, name in sorted(lower)]
        return found

    def reach(self, free: int, demand_class: str | None, ladder: Mapping[str, Rung], today: date) -> int:
        """Units that a class can be promised when so many are free: never more than these."""
        left = self.left(free)
        return sum(left[i] for i in self.order(demand_class, ladder, today))

    def take(
        self, units: int, free: int, demand_class: str | None, ladder: Mapping[str, Rung], today: date
    ) -> list[tuple[Share, int, int]] | None:
        """(share, units of it, its size) in the order taken; None when there are not so many."""
        sizes = self.sizes(free)
        taken = []
        for i in self.order(demand_class, ladder, today):
            row = self.rows[i]
            part = min(units, sizes[i] - row.used)
            if part > 0:
                taken.append((row, part, sizes[i]))
                units -= part
        return None if units else taken


def parts_of(uses: Sequence[AllocationUse], gone: Iterable[tuple[str, UUID, int]]) -> list[tuple[AllocationUse, int]]:
    """Of which uses, in their order, these units are (SKU, location, units): of shares of a location those there."""
    anywhere: dict[str, int] = defaultdict(int)
    there: dict[tuple[str, UUID], int] = defaultdict(int)
    for sku, location_id, units in gone:
        anywhere[sku] += units
        there[sku, location_id] += units
    found = []
    for use in uses:
        left = anywhere[use.sku] if use.location_id is None else there[use.sku, use.location_id]
        part = min(use.quantity, left)
        if not part:
            continue
        found.append((use, part))
        if use.location_id is None:
            anywhere[use.sku] -= part
        else:
            there[use.sku, use.location_id] -= part
    return found


def divide(whole: int, weights: Sequence[int], least: Sequence[int]) -> list[int]:
    """Units by weight, each at least its least, together the whole (or the least, when that is more).

    The unit after the next always goes to the highest weight per unit had, to the first of equals. O(n²), not O(whole).
    """
    shares = list(least)
    open_ = [i for i, weight in enumerate(weights) if weight]
    rest = whole - sum(least)
    if rest <= 0 or not open_:
        return shares
    while True:
        room = rest + sum(least[i] for i in open_)
        total = sum(weights[i] for i in open_)
        above = [i for i in open_ if weights[i] * room < least[i] * total]
        if not above:
            break
        open_ = [i for i in open_ if i not in above]
    for i in open_:
        shares[i] = weights[i] * room // total
    for _ in range(whole - sum(shares)):
        best = -1
        for i, weight in enumerate(weights):
            if weight and (best < 0 or weight * (shares[best] + 1) > weights[best] * (shares[i] + 1)):
                best = i
        shares[best] += 1
    return shares
