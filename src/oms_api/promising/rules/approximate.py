"""Order sourcing beyond the exact search: greedy plans, improved step by step, and an honest lower bound.

Deterministic: work is bounded by a count of steps, never by time, and sources are looked at in tie order.
"""

from collections.abc import Sequence
from math import ceil

from oms_api.promising.rules.sourcing import Objective, Problem, Source, tie_order, weight_cost


class Draft:
    """A plan in the making: units by line that each source sends."""

    def __init__(self, problem: Problem, sources: Sequence[Source]) -> None:
        self.problem = problem
        self.sources = sources
        self.stock = [[max(source.stock.get(sku, 0), 0) for sku in problem.skus] for source in sources]
        self.units: dict[int, list[int]] = {}
        self.residual = list(problem.quantities)
        self.shipments_first = problem.objective is Objective.FEWEST_SHIPMENTS

    def copy(self) -> "Draft":
        """An independent draft over the same sources."""
        twin = Draft.__new__(Draft)
        twin.problem, twin.sources, twin.stock = self.problem, self.sources, self.stock
        twin.shipments_first = self.shipments_first
        twin.units = {number: list(units) for number, units in self.units.items()}
        twin.residual = list(self.residual)
        return twin

    def take(self, number: int, lines: Sequence[int]) -> list[int]:
        """Units of some lines, still wanted, that a source could add; what its location already sends counts."""
        source, stock = self.sources[number], self.stock[number]
        siblings = [
            (self.sources[other].ships_on, units)
            for other, units in self.units.items()
            if self.sources[other].location == source.location
        ]
        if not siblings:
            return [min(stock[line], self.residual[line]) for line in lines]
        own = self.units.get(number, [0] * len(stock))
        room = [min(stock[line] - own[line], self.residual[line]) for line in lines]
        for day, limit in self.problem.chain(source.location):
            if day >= source.ships_on:
                for at, line in enumerate(lines):
                    gone = sum(units[line] for ships_on, units in siblings if ships_on <= day)
                    room[at] = min(room[at], limit[line] - gone)
        return room

    def add(self, number: int, lines: Sequence[int], taken: Sequence[int]) -> None:
        """Let a source send more."""
        units = self.units.setdefault(number, [0] * len(self.residual))
        for line, more in zip(lines, taken, strict=True):
            units[line] += more
            self.residual[line] -= more

    def drop(self, number: int) -> None:
        """Take a source out."""
        for line, units in enumerate(self.units.pop(number)):
            self.residual[line] += units

    def grams(self, units: Sequence[int]) -> int:
        """Weight of these units."""
        return sum(map(int.__mul__, units, self.problem.grams))

    def key(self) -> tuple[int, int, int, list[int]]:
        """What makes a draft better: the smaller."""
        cost = 0
        by_location: dict[str, list[int]] = {}
        for number, units in self.units.items():
            source = self.sources[number]
            cost += source.fixed + weight_cost(source.per_kg, self.grams(units))
            before = by_location.get(source.location)
            by_location[source.location] = units if before is None else list(map(int.__add__, before, units))
        cost += sum(self.problem.penalty(location, units) for location, units in by_location.items())
        latest = max((self.sources[number].arrives_on for number in self.units), default=0)
        shipments = len(self.units)
        first = (shipments, cost) if self.shipments_first else (cost, shipments)
        return (*first, latest, sorted(self.units))


def approximate(
    problem: Problem, sources: Sequence[Source], most_shipments: int | None, steps: int
) -> list[tuple[Source, tuple[int, ...]]] | None:
    """A good plan as (source, units by line) per parcel; None when none was found within the shipments allowed.

    Finds a plan whenever the stock suffices and shipments are not capped.
    """
    empty = Draft(problem, sorted(sources, key=tie_order))
    drafts = []
    for reach_first in (False, True):
        draft = empty.copy()
        draft.shipments_first |= reach_first and most_shipments is not None
        if _complete(draft, reach_first=reach_first, closed=()):
            drafts.append(_improved(draft, steps // 2))
    allowed = [draft for draft in drafts if most_shipments is None or len(draft.units) <= most_shipments]
    for draft in allowed:
        draft.shipments_first = empty.shipments_first
    if not allowed:
        return None
    best = min(allowed, key=Draft.key)
    return [(best.sources[number], tuple(units)) for number, units in sorted(best.units.items())]


def lower_bound(problem: Problem, sources: Sequence[Source]) -> int:
    """A cost that no plan over these sources undercuts.

    Each line alone is served by the cheapest unit prices, where a location's fixed cost is spread over the units
    it has and shared between lines, equally or all for one line; the best of these bounds counts.
    """
    by_location: dict[str, list[Source]] = {}
    for source in sources:
        by_location.setdefault(source.location, []).append(source)
    cheapest: dict[str, tuple[int, int, list[int]]] = {}
    for location, own in by_location.items():
        most = [min(quantity, problem.together(own, line)) for line, quantity in enumerate(problem.quantities)]
        fixed, per_kg = min(source.fixed for source in own), min(source.per_kg for source in own)
        cheapest[location] = (fixed, per_kg, most)
    lines = range(len(problem.skus))
    alone = [_line_bound(problem, cheapest, line, shared=None) for line in lines]
    bounds = [sum(_line_bound(problem, cheapest, line, shared=True) for line in lines)]
    for line in lines:
        whole = _line_bound(problem, cheapest, line, shared=False)
        bounds.append(sum(alone) - alone[line] + whole)
    if not any(all(map(int.__eq__, most, problem.quantities)) for _, _, most in cheapest.values()):
        bounds.append(sum(alone) + 2 * min((fixed for fixed, _, _ in cheapest.values()), default=0))
    # Sums of rounded floats may exceed the true bound by a hair: give that back before rounding up.
    return max(ceil(bound * (1 - 1e-9) - 1e-6) for bound in bounds)


def _line_bound(
    problem: Problem, cheapest: dict[str, tuple[int, int, list[int]]], line: int, *, shared: bool | None
) -> float:
    """Least cost of one line: weight, plus the share of fixed costs it bears (None: no fixed costs)."""
    prices = []
    for fixed, per_kg, most in cheapest.values():
        if most[line]:
            price = per_kg * problem.grams[line] / 1000
            if shared is not None:
                price += fixed / (sum(map(bool, most)) if shared else 1) / most[line]
            prices.append((price, most[line]))
    left, cost = problem.quantities[line], 0.0
    for price, most_units in sorted(prices):
        taken = min(left, most_units)
        cost += taken * price
        left -= taken
    return cost


def _complete(draft: Draft, *, reach_first: bool, closed: Sequence[int]) -> int:
    """Serve what is left by the source with the least added cost per share served; the steps used, 0 if stuck.

    `reach_first`: by the source that serves the largest share, then by cost.
    """
    steps = 1
    quantities, grams = draft.problem.quantities, draft.problem.grams
    while any(draft.residual):
        lines = [line for line, units in enumerate(draft.residual) if units]
        best: tuple[tuple[float, float], int, list[int]] | None = None
        for number, source in enumerate(draft.sources):
            steps += len(lines)
            stock = draft.stock[number]
            if number in closed or not any(stock[line] for line in lines):
                continue
            taken = draft.take(number, lines)
            share = sum(units / quantities[line] for line, units in zip(lines, taken, strict=True))
            if not share:
                continue
            weight = sum(units * grams[line] for line, units in zip(lines, taken, strict=True))
            added = source.per_kg * weight / 1000 + (0 if number in draft.units else source.fixed)
            score = (-share, added) if reach_first else (added / share, -share)
            if best is None or score < best[0]:
                best = (score, number, taken)
        if best is None:
            return 0
        draft.add(best[1], lines, best[2])
    return steps


def _improved(draft: Draft, steps: int) -> Draft:
    """Close one or two sources, serve their units anew, keep what is better; until nothing is or steps end."""
    best, best_key = draft, draft.key()
    while steps > 0:
        numbers = sorted(best.units, key=lambda number: (-best.sources[number].fixed, number))
        closings: list[tuple[int, ...]] = [(number,) for number in numbers]
        closings += [(one, two) for at, one in enumerate(numbers) for two in numbers[at + 1 :]]
        for closing in closings:
            trial = best.copy()
            for number in closing:
                trial.drop(number)
            used = _complete(trial, reach_first=False, closed=closing)
            steps -= used or len(draft.sources)
            if used and trial.key() < best_key:
                best, best_key = trial, trial.key()
                break
            if steps <= 0:
                return best
        else:
            return best
    return best
