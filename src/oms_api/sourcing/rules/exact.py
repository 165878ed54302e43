"""Exact order sourcing: a dynamic program over the quantities that are still to be served.

`column[s]` is the best parcel for sub-cart s over all sources. D[r], the score of serving residual cart r, is the
least of column[s] + D[r - s] over the sub-carts s of r that hold some of r's first open bundle.

That forgets that a location has its stock, and its capacity, only once, and that a source sends one parcel, so D is
a lower bound. When the best plan asks too much of a location, the location becomes a layer: taken out of the columns
and decided upon once, as a whole, with what its sources share; then all is solved again. The first plan that fits is
the optimum (decremental state space relaxation, by location).

A score is one integer that holds (objective, shipments). Ties are exact too: the order of plans by (objective,
shipments, latest arrival, preferred locations) is additive but for the latest arrival. So that is found first,
with the parcels counted by day of arrival as the lowest digits of the score, and then made a limit.
"""

from collections.abc import Sequence

from oms_api.sourcing.rules.columns import NEVER, Columns
from oms_api.sourcing.rules.layers import Choice, Option, layer
from oms_api.sourcing.rules.problem import Problem
from oms_api.sourcing.rules.steps import OverBudget, Steps
from oms_api.sourcing.rules.subcarts import SubCarts
from oms_api.sourcing.rules.words import Objective, Source, tie_order

MOST_LAYERS = 100
MOST_UNITS = 250
"""Beyond these the search gives up: together they bound how deep it recurses."""


class ExactSearch:
    """Finds the best plan over some sources; raises OverBudget."""

    def __init__(self, problem: Problem, carts: SubCarts, sources: Sequence[Source], steps: Steps) -> None:
        if sum(carts.most) > MOST_UNITS:
            raise OverBudget
        self.problem = problem
        self.carts = carts
        self.steps = steps
        coded = [(tie_order(source), -carts.code(source.stock), at) for at, source in enumerate(sources)]
        coded = sorted(entry for entry in coded if entry[1])
        self.sources = [sources[at] for _, _, at in coded]
        self.codes = [-code for _, code, _ in coded]
        numbers: dict[str, int] = {}
        self.places = [numbers.setdefault(source.location, len(numbers)) for source in self.sources]
        counts: dict[int, int] = {}
        for code in self.codes:
            counts[code] = counts.get(code, 0) + 1
        sources_of = [
            sum(count for code, count in counts.items() if carts.digits[code][at]) for at in range(len(carts.most))
        ]
        carts.anchors.sort(key=sources_of.__getitem__)
        self.columns = Columns(problem, carts, self.sources, self.codes, steps)
        self.layers: list[int] = []

    def best(
        self, most_shipments: int | None = None, *, earliest: bool = True
    ) -> list[tuple[Source, tuple[int, ...]]] | None:
        """The best plan as (source, units by line) per parcel; None when the sources cannot serve the cart.

        `earliest`: of equals the one that arrives first.
        """
        limit = max((source.arrives_on for source in self.sources), default=0)
        fastest = self.problem.objective is Objective.FASTEST  # the sources given arrive by the earliest day
        if earliest and not fastest and any(source.arrives_on != limit for source in self.sources):
            first = self._solve(most_shipments, None)
            if first is None:
                return None
            limit = max(self.sources[number].arrives_on for number, _ in first)
        columns = self._solve(most_shipments, limit)
        if columns is None:
            return None
        return [(self.sources[number], self.carts.units(code)) for number, code in columns]

    def _solve(self, most_shipments: int | None, arrives_by: int | None) -> list[tuple[int, int]] | None:
        """Best feasible (source, sub-cart)s arriving by a day; without one, of the best the earliest."""
        whole = self.carts.size - 1
        left = -1 if most_shipments is None else most_shipments
        while True:
            self._prepare(arrives_by, capped=most_shipments is not None)
            if self._value(len(self.layers), whole, left) >= NEVER:
                return None
            choice = self._choose(len(self.layers), whole, left)
            columns = [(number, -code) for number, code in choice.columns]
            overused = self._overused(columns)
            if not overused:
                return columns
            self.layers += overused
            if len(self.layers) > MOST_LAYERS:
                raise OverBudget

    def _prepare(self, arrives_by: int | None, *, capped: bool) -> None:
        """Set up the scale of scores, the columns, the layers and the bounds of one solution."""
        columns = self.columns
        self.used = [
            number
            for number, source in enumerate(self.sources)
            if arrives_by is None or source.arrives_on <= arrives_by
        ]
        units = sum(self.carts.most)
        bits = units.bit_length()
        self.per_cost, self.per_shipment = 1 << bits, 1
        if self.problem.objective is Objective.FEWEST_SHIPMENTS:
            self.per_cost, self.per_shipment = 1, 1 << (columns.dearest * units).bit_length()
        self.per_arrival: dict[int, int] = {}
        if arrives_by is None:
            days = sorted({self.sources[number].arrives_on for number in self.used})
            self.per_arrival = {day: 1 << (bits * at) for at, day in enumerate(days)}
            self.per_cost <<= bits * len(days)
            self.per_shipment <<= bits * len(days)
        self.capped = capped
        self.values: dict[tuple[int, int, int], int] = {}
        self.choices: dict[tuple[int, int, int], Choice] = {}
        layered = set(self.layers)
        free = [number for number in self.used if self.places[number] not in layered] if layered else self.used
        self.fixed = {
            number: columns.bases[number] * self.per_cost
            + self.per_shipment
            + self.per_arrival.get(self.sources[number].arrives_on, 0)
            for number in self.used
        }
        self.column = columns.of(free, self.fixed, self.per_cost)
        self.cost = [column >> columns.number_bits for column in self.column]
        self.served: dict[int, list[int]] = {at: [] for at in self.carts.anchors}
        for code in range(self.carts.size - 1, 0, -1):
            if self.cost[code] < NEVER:
                self.served[self.carts.anchor(code)].append(code)
        self.tables = [self._layer(place) for place in self.layers]
        self.floor = self._floors()

    def _layer(self, place: int) -> dict[int, dict[int, Option]]:
        numbers = [number for number in self.used if self.places[number] == place]
        return layer(self.columns, place, numbers, self.fixed, self.per_cost)

    def _floors(self) -> list[int]:
        """For each residual cart the least it can score: one parcel when one can serve it, else two."""
        fixed = min(self.fixed.values(), default=0)
        contents = self.columns.least_contents
        layered = set().union(*self.tables)
        floors = [0]
        for code in range(1, self.carts.size):
            least = contents[code] * self.per_cost
            two = fixed + fixed + least
            one = fixed + least if code in layered else self.cost[code]
            floors.append(one if one < two else two)
        return floors

    def _value(self, level: int, residual: int, left: int) -> int:
        """D: least score of serving the residual by the columns and the first `level` layers.

        `left` is the number of parcels still allowed; negative when they are not capped.
        """
        if not residual:
            return 0
        if not left:
            return NEVER
        key = (level, residual, left)
        known = self.values.get(key)
        if known is not None:
            return known
        cost, floor = self.cost, self.floor
        if level:
            best = self._value(level - 1, residual, left)
            for code, parcels, option in self._options(level, residual, left):
                if option.cost + floor[residual - code] < best:
                    rest = self._value(level - 1, residual - code, left - parcels if self.capped else -1)
                    best = min(best, option.cost + rest)
        else:
            best = cost[residual]
            rest_left = left - 1 if self.capped else -1
            for code in self._parts(residual):
                if cost[code] + floor[residual - code] < best:
                    total = cost[code] + self._value(0, residual - code, rest_left)
                    if total < best:
                        best = total
        self.values[key] = best = min(best, NEVER)
        return best

    def _choose(self, level: int, residual: int, left: int) -> Choice:
        """The preferred one of all choices that score no more than D."""
        if not residual:
            return Choice()
        key = (level, residual, left)
        known = self.choices.get(key)
        if known is not None:
            return known
        target = self._value(level, residual, left)
        found: list[Choice] = []
        if level:
            if self._value(level - 1, residual, left) == target:
                found.append(self._choose(level - 1, residual, left))
            for code, parcels, option in self._options(level, residual, left):
                rest_left = left - parcels if self.capped else -1
                if self._reaches(target - option.cost, level - 1, residual - code, rest_left):
                    found.append(option.choice.joined(self._choose(level - 1, residual - code, rest_left)))
        else:
            rest_left = left - 1 if self.capped else -1
            for code in (residual, *self._parts(residual)):
                if self._reaches(target - self.cost[code], 0, residual - code, rest_left):
                    number = self.column[code] & ((1 << self.columns.number_bits) - 1)
                    own = Choice((self.places[number],), ((number, -code),))
                    found.append(own.joined(self._choose(0, residual - code, rest_left)))
        self.choices[key] = best = min(found)
        return best

    def _parts(self, residual: int) -> list[int]:
        """Sub-carts that one parcel may take of a residual, with some of its anchor, but not all of it."""
        carts = self.carts
        served = self.served[carts.anchor(residual)]
        if len(served) > carts.counts[residual]:
            parts = carts.anchored(residual)
            self.steps.spend(len(parts))
            return parts
        self.steps.spend(len(served))
        fields, guard = carts.fields, carts.guard
        whole = fields[residual] | guard
        return [code for code in served if whole - fields[code] & guard == guard and code != residual]

    def _options(self, level: int, residual: int, left: int) -> list[tuple[int, int, Option]]:
        """What the location of a layer could add to the residual: (sub-cart, parcels, option)."""
        table, carts = self.tables[level - 1], self.carts
        if len(table) < carts.counts[residual]:
            self.steps.spend(len(table))
            fields, guard = carts.fields, carts.guard
            whole = fields[residual] | guard
            parts = [code for code in table if whole - fields[code] & guard == guard]
        else:
            self.steps.spend(carts.counts[residual])
            parts = [code for code in carts.within(residual) if code in table]
        return [
            (code, parcels, option)
            for code in parts
            for parcels, option in table[code].items()
            if not self.capped or parcels <= left
        ]

    def _reaches(self, target: int, level: int, residual: int, left: int) -> bool:
        return target >= self.floor[residual] and self._value(level, residual, left) == target

    def _overused(self, columns: Sequence[tuple[int, int]]) -> list[int]:
        """Places of which the columns ask too much, or that score more together than their parts."""
        by_place: dict[int, list[tuple[Source, tuple[int, ...]]]] = {}
        for number, code in columns:
            parcel = (self.sources[number], self.carts.units(code))
            by_place.setdefault(self.places[number], []).append(parcel)
        return [
            place
            for place, parcels in sorted(by_place.items())
            if len(parcels) > 1 and place not in self.layers and not self._fits(parcels)
        ]

    def _fits(self, parcels: Sequence[tuple[Source, tuple[int, ...]]]) -> bool:
        if len({id(source) for source, _ in parcels}) < len(parcels):
            return False  # a source sends one parcel
        location = parcels[0][0].location
        together = tuple(map(sum, zip(*(units for _, units in parcels), strict=True)))
        apart = sum(self.problem.penalty(location, units) for _, units in parcels)
        return self.problem.may_leave(parcels) and self.problem.penalty(location, together) == apart
