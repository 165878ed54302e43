"""Order sourcing beyond the exact search: which sources to open, found greedily and improved by add, drop and swap.

A set of open sources is filled by price: what travels together first, then each line from where a unit costs least.
Only a shortlist of sources is looked at: for each line the best few, and the best few for all. Deterministic: work
is bounded by a count of steps, never by time, and sources are looked at in tie order.
"""

from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from oms_api.sourcing.rules.feasible import STEPS, any_plan
from oms_api.sourcing.rules.parts import parts, sent_anew
from oms_api.sourcing.rules.problem import ALL_THE_ROOM, Card, Problem
from oms_api.sourcing.rules.steps import OverBudget, Steps
from oms_api.sourcing.rules.words import Source, tie_order

BEST_OF_ALL = 40
BEST_OF_A_LINE = 6
"""Sources on the shortlist: so many by price for what they have, and of each line."""


class Filled(NamedTuple):
    """What a set of open sources sends."""

    key: tuple[int, ...]
    """The smaller is the better plan; 0 first when it keeps to the limits on parcels."""
    units: dict[int, list[int]]
    """By source, of each line."""


class Search:
    """Looks for a good set of sources to open."""

    def __init__(self, problem: Problem, sources: Sequence[Source], most_shipments: int | None, steps: Steps) -> None:
        self.problem = problem
        self.sources = sorted(sources, key=tie_order)
        self.most_shipments = most_shipments
        self.steps = steps
        self.shipments_first = problem.objective.value == "FEWEST_SHIPMENTS"
        wanted = list(zip(problem.skus, problem.quantities, strict=True))
        steps.left -= 2 * len(self.sources) * len(wanted)
        self.stock = [
            [max(min(source.stock.get(sku, 0), quantity), 0) for sku, quantity in wanted] for source in self.sources
        ]
        scores = problem.prices(self.sources)
        self.bases, self.cards = scores.bases, scores.cards
        prices: dict[Card, list[float]] = {}
        for card in scores.distinct:
            _, gram = problem.least(card)
            units = card.units or (0,) * len(wanted)
            prices[card] = [float(gram * grams) + more for grams, more in zip(problem.grams, units, strict=True)]
        self.prices = [prices[card] for card in self.cards]
        """About what a unit of a line costs, by source."""
        self.loose = sorted(set(range(len(wanted))) - {line for lines in problem.together for line in lines})
        locations: dict[str, int] = {}
        for source in self.sources:
            locations[source.location] = locations.get(source.location, 0) + 1
        self.shared = [locations[source.location] > 1 for source in self.sources]
        self.rooms = [problem.room(source) for source in self.sources]
        self.known: dict[tuple[int, ...], Filled | None] = {}
        self.impossible = False
        """Whether `best` has proven that there is no plan."""

    def best(self, starts: Iterable[Sequence[Source]] = ()) -> list[tuple[Source, tuple[int, ...]]] | None:
        """A good plan as (source, units by line) per parcel; None when none was found within what is allowed.

        `starts` are sets of sources of plans that are known already: what is found is no worse.
        """
        numbers = {id(source): number for number, source in enumerate(self.sources)}
        opens = [tuple(sorted(numbers[id(source)] for source in start)) for start in starts]
        shortlist = self._shortlist()
        for reach_first in (False, True):
            opened = self._greedy(shortlist, reach_first=reach_first)
            if opened is None:
                opened = self._greedy(range(len(self.sources)), reach_first=reach_first)
            if opened is not None:
                opens.append(opened)
        found: list[Filled] = []
        for number, opened in enumerate(dict.fromkeys(opens)):
            filled = self._fill(opened)
            if filled is not None:
                share = self.steps.left // (len(opens) - number + 1)
                found.append(self._improved(filled, shortlist, share))
        if found:
            found.append(self._in_parts(min(found, key=lambda one: (one.key, sorted(one.units))), shortlist))
        allowed = [one for one in found if not one.key[0]]
        if not allowed:
            anyhow = self._anyhow(shortlist)
            if anyhow is None:
                return None
            allowed = [anyhow]
        best = min(allowed, key=lambda one: (one.key, sorted(one.units)))
        return [(self.sources[number], tuple(units)) for number, units in sorted(best.units.items())]

    def _anyhow(self, shortlist: Sequence[int]) -> Filled | None:
        """What keeps to the limits, found by looking everywhere, and improved; None without, `impossible` if sure."""
        try:
            units = any_plan(
                self.problem,
                self.stock,
                lambda number, line, units: self._free(number, line, units, careful=True),
                self._may_leave,
                self.most_shipments,
            )
        except OverBudget:
            return None
        if units is None:
            self.impossible = True
            return None
        self.steps.left = max(self.steps.left, STEPS)
        return self._in_parts(self._improved(self._scored(units), shortlist, self.steps.left // 3), shortlist)

    def _shortlist(self) -> list[int]:
        """Sources worth looking at, in tie order."""
        quantities = self.problem.quantities
        lines = range(len(quantities))
        ranked: list[tuple[float, int]] = []
        holders: list[list[tuple[float, int]]] = [[] for _ in lines]
        for number, stock in enumerate(self.stock):
            prices = self.prices[number]
            share = sum([have / wanted for have, wanted in zip(stock, quantities, strict=True)])
            if not share:
                continue
            base = self.bases[number] / share
            ranked.append((base + sum(map(float.__mul__, prices, map(float, stock))) / share, number))
            for line, have in enumerate(stock):
                if have:
                    holders[line].append((base + prices[line] * quantities[line] * (have < quantities[line]), number))
        chosen = {number for _, number in sorted(ranked)[:BEST_OF_ALL]}
        for line, found in enumerate(holders):
            found.sort()
            chosen.update(number for _, number in found[:BEST_OF_A_LINE])
            left = quantities[line]
            for _, number in sorted(found, key=lambda one: (-self.stock[one[1]][line], one)):
                if left <= 0:
                    break
                chosen.add(number)
                left -= self.stock[number][line]
        return sorted(chosen)

    def _greedy(
        self, numbers: Iterable[int], *, reach_first: bool, opened: Sequence[int] = (), closed: Sequence[int] = ()
    ) -> tuple[int, ...] | None:
        """Open the source with the least added cost per share served until all is; None if that gets stuck.

        `reach_first`: the source that serves the largest share, then by cost. Scores only rise as less is left,
        so a source is looked at again when its turn comes.
        """
        quantities = self.problem.quantities
        residual = list(quantities)
        times = 1
        chosen = list(opened)
        for number in opened:
            residual = [left - min(left, have) for left, have in zip(residual, self.stock[number], strict=True)]

        def scored(number: int) -> tuple[float, float, int] | None:
            stock, prices = self.stock[number], self.prices[number]
            taken = [left if left < have else have for left, have in zip(residual, stock, strict=True)]
            share = sum([units / wanted for units, wanted in zip(taken, quantities, strict=True) if units])
            if not share:
                return None
            added = self.bases[number] + sum([units * price for units, price in zip(taken, prices, strict=True)])
            return (-share, added, number) if reach_first else (added / share, -share, number)

        barred = {*opened, *closed}
        heap = [score for number in numbers if number not in barred and (score := scored(number))]
        self.steps.left -= len(heap) * len(quantities)
        heapify(heap)
        while True:
            if not any(residual):
                served = self._opened(chosen)
                if served is not None or not heap:
                    return served
                # Together they have enough, but not as it must travel or within capacity: open twice as many.
                times *= 2
                residual = [quantity * times for quantity in quantities]
            if not heap:
                return self._opened(chosen) if times > 1 else None
            number = heappop(heap)[2]
            self.steps.left -= len(quantities)
            score = scored(number)
            if score is None:
                continue
            if heap and heap[0] < score:
                heappush(heap, score)
                continue
            chosen.append(number)
            residual = [left - min(left, have) for left, have in zip(residual, self.stock[number], strict=True)]

    def _opened(self, chosen: Iterable[int]) -> tuple[int, ...] | None:
        """Those of some sources that are needed to serve all."""
        filled = self._fill(tuple(sorted(chosen)))
        return None if filled is None else tuple(sorted(filled.units))

    def _fill(self, opened: tuple[int, ...]) -> Filled | None:
        """What open sources send, each line from where it costs least; None when they cannot serve all."""
        if opened in self.known:
            return self.known[opened]
        filled = self.known[opened] = self._filled(opened)
        return filled

    def _filled(self, opened: tuple[int, ...]) -> Filled | None:
        problem, stock, prices = self.problem, self.stock, self.prices
        quantities = problem.quantities
        self.steps.left -= len(opened) * len(quantities)
        units: dict[int, list[int]] = {}
        careful = bool(problem.capacity) or any(self.shared[number] for number in opened)

        def give(number: int, line: int, amount: int) -> None:
            own = units.get(number)
            if own is None:
                own = units[number] = [0] * len(quantities)
            own[line] += amount

        for lines in problem.together:
            costs = []
            for number in opened:
                if all(self._free(number, line, units, careful) >= quantities[line] for line in lines):
                    cost = sum(prices[number][line] * quantities[line] for line in lines)
                    costs.append((cost + (0 if number in units else self.bases[number]), number))
            for _, number in sorted(costs):
                for line in lines:
                    give(number, line, quantities[line])
                if not careful or self._may_leave(number, units):
                    break
                for line in lines:
                    give(number, line, -quantities[line])
                if not any(units[number]):
                    del units[number]
            else:
                return None
        for line in self.loose:
            left = quantities[line]
            having = [(prices[number][line], number) for number in opened if stock[number][line]]
            having.sort()
            # A source that has all of it, at the price of the cheapest, spares a split of the line.
            if having and stock[having[0][1]][line] < left:
                price = having[0][0]
                full = [one for one in having if one[0] == price and stock[one[1]][line] >= left]
                having = full + having if full else having
            for _, number in having:
                taken = min(left, self._free(number, line, units, careful))
                if taken > 0:
                    give(number, line, taken)
                    left -= taken
                    if not left:
                        break
            if left:
                return None
        return self._scored(units)

    def _scored(self, units: dict[int, list[int]]) -> Filled:
        problem = self.problem
        broken = 0 if self.most_shipments is None else max(len(units) - self.most_shipments, 0)
        if problem.min_split_value and len(units) > 1:
            values = [sum(map(int.__mul__, own, problem.values)) for own in units.values()]
            broken += sum(value < problem.min_split_value for value in values)
        score = sum(self.bases[number] + problem.contents(self.cards[number], own) for number, own in units.items())
        if problem.balance:
            by_location: dict[str, list[int]] = {}
            for number, own in units.items():
                location = self.sources[number].location
                before = by_location.get(location)
                by_location[location] = own if before is None else list(map(int.__add__, before, own))
            score += sum(problem.penalty(location, own) for location, own in by_location.items())
        latest = max(self.sources[number].arrives_on for number in units)
        first = (len(units), score) if self.shipments_first else (score, len(units))
        return Filled((broken, *first, latest), units)

    def _free(self, number: int, line: int, units: dict[int, list[int]], careful: bool) -> int:
        """Units of a line that a source could still send."""
        own = units.get(number)
        free = self.stock[number][line] - (own[line] if own else 0)
        if not careful:
            return free
        source = self.sources[number]
        siblings = [(other, sent) for other, sent in units.items() if self.sources[other].location == source.location]
        if self.shared[number]:
            for day, limit in self.problem.chain(source.location):
                if day >= source.ships_on:
                    gone = sum(sent[line] for other, sent in siblings if self.sources[other].ships_on <= day)
                    free = min(free, limit[line] - gone)
        room = self.rooms[number]
        if room is not ALL_THE_ROOM:
            today = [sent for other, sent in siblings if self.sources[other].ships_on == source.ships_on]
            if own is None and room.parcels is not None and len(today) >= room.parcels:
                return 0
            if room.lines is not None:
                sent_lines = {at for sent in today for at, amount in enumerate(sent) if amount}
                if line not in sent_lines and len(sent_lines) >= room.lines:
                    return 0
            if room.units is not None:
                free = min(free, room.units - sum(map(sum, today)))
        return free

    def _may_leave(self, number: int, units: dict[int, list[int]]) -> bool:
        location = self.sources[number].location
        return self.problem.may_leave(
            [(self.sources[other], sent) for other, sent in units.items() if self.sources[other].location == location]
        )

    def _improved(self, filled: Filled, shortlist: Sequence[int], steps: int) -> Filled:
        """Drop, swap or add a source as long as that is better and steps are left."""
        stop = self.steps.left - steps
        best = filled
        better = True
        while better and self.steps.left > stop:
            better = False
            for opened in self._neighbours(tuple(sorted(best.units)), shortlist):
                trial = self._fill(opened)
                if trial is not None and trial.key < best.key:
                    best, better = trial, True
                    break
                if self.steps.left <= stop:
                    break
        return best

    def _in_parts(self, filled: Filled, shortlist: Sequence[int]) -> Filled:
        """Send what a few parcels send anew as long as that is better and steps are left."""
        best = filled
        better = True
        while better and self.steps.left > 0:
            better = False
            for chosen in parts(self.problem, best.units, self.steps):
                units = sent_anew(
                    self.problem, self.sources, shortlist, best.units, chosen, self.most_shipments, self.steps
                )
                trial = None if units is None else self._scored(units)
                if trial is not None and trial.key < best.key:
                    best, better = trial, True
                    break
                if self.steps.left <= 0:
                    break
        return best

    def _neighbours(self, opened: tuple[int, ...], shortlist: Sequence[int]) -> Iterable[tuple[int, ...]]:
        """One less; one for another; one more; two for another; one for the best that then serve what is missing."""
        for one in opened:
            yield tuple(number for number in opened if number != one)
        others = [number for number in shortlist if number not in opened]
        others.sort(key=lambda number: (self.bases[number], number))
        for other in others:
            for one in opened:
                yield tuple(sorted({*opened, other} - {one}))
            yield tuple(sorted((*opened, other)))
        for other in others:
            for at, one in enumerate(opened):
                for two in opened[at + 1 :]:
                    yield tuple(sorted({*opened, other} - {one, two}))
        for one in opened:
            rest = tuple(number for number in opened if number != one)
            again = self._greedy(shortlist, reach_first=False, opened=rest, closed=(one,))
            if again is not None:
                yield again
