"""Order sourcing beyond the exact search: greedy plans, improved step by step, and an honest lower bound.

Deterministic: work is bounded by a count of steps, never by time, and sources are looked at in tie order.
"""

from collections.abc import Sequence
from math import ceil

from oms_api.promising.rules.sourcing import Objective, Problem, Source, tie_order, weight_cost

PRICE_ROUNDS = 12
"""Small raises of every line's price before each takes what is left: the more, the tighter the bound."""


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
    """A cost that no plan over these sources undercuts: the best of three relaxations.

    Each line's units come by the cheapest price per gram, as far as stock goes; to this comes (a) the fixed cost
    that one line alone needs, spread over the units each location has, or (b) two parcels, when no location has
    all. (c) Prices for the lines that no location can undercut with its fixed and weight costs (dual ascent).
    """
    by_location: dict[str, list[Source]] = {}
    for source in sources:
        by_location.setdefault(source.location, []).append(source)
    offers: list[tuple[int, int, list[int]]] = []
    for own in by_location.values():
        most = [min(quantity, problem.together(own, line)) for line, quantity in enumerate(problem.quantities)]
        offers.append((min(source.fixed for source in own), min(source.per_kg for source in own), most))
    lines = range(len(problem.skus))
    by_weight = [_filled(problem, offers, line, with_fixed=False) for line in lines]
    bounds = [sum(by_weight) - by_weight[line] + _filled(problem, offers, line, with_fixed=True) for line in lines]
    bounds.append(_prices(problem, offers))
    if all(tuple(most) != problem.quantities for _, _, most in offers):
        bounds.append(sum(by_weight) + 2 * min(fixed for fixed, _, _ in offers))
    # Sums of rounded floats may exceed the true bound by a hair: give that back before rounding up.
    return max(ceil(bound * (1 - 1e-9) - 1e-6) for bound in bounds)


def _filled(problem: Problem, offers: Sequence[tuple[int, int, list[int]]], line: int, *, with_fixed: bool) -> float:
    """Least cost of one line: its weight, and the fixed costs spread over the units each location has."""
    prices = []
    for fixed, per_kg, most in offers:
        if most[line]:
            price = per_kg * problem.grams[line] / 1000 + (fixed / most[line] if with_fixed else 0)
            prices.append((price, most[line]))
    left, cost = problem.quantities[line], 0.0
    for price, units in sorted(prices):
        taken = min(left, units)
        cost += taken * price
        left -= taken
    return cost


def _prices(problem: Problem, offers: Sequence[tuple[int, int, list[int]]]) -> float:
    """Sum of prices of the lines, raised in turn as far as no location could serve any of them for less.

    Price v of a line is safe while at each location the sum of share x max(0, v - weight cost) over its lines
    stays within the fixed cost, where share is the part of the line that the location has (weak duality).
    """
    slack = [float(fixed) for fixed, _, _ in offers]
    ways = []
    for line, quantity in enumerate(problem.quantities):
        grams = problem.grams[line] * quantity
        ways.append(
            [
                (at, per_kg * grams / 1000, most[line] / quantity)
                for at, (_, per_kg, most) in enumerate(offers)
                if most[line]
            ]
        )
    prices = [min(weight for _, weight, _ in way) for way in ways]
    rarest_first = sorted(range(len(ways)), key=lambda line: (len(ways[line]), line))
    step = max(slack) / PRICE_ROUNDS
    for round_number in range(PRICE_ROUNDS + 1):
        for line in rarest_first:
            way = ways[line]
            limit = min(max(prices[line], weight) + slack[at] / share for at, weight, share in way)
            raised = limit if round_number == PRICE_ROUNDS else min(limit, prices[line] + step)
            if raised > prices[line]:
                for at, weight, share in way:
                    slack[at] -= share * (max(0.0, raised - weight) - max(0.0, prices[line] - weight))
                prices[line] = raised
    return sum(prices)


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
