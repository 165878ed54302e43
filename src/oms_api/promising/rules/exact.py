"""Exact order sourcing: a dynamic program over the quantities that are still to be served.

`column[s]` is the cheapest parcel for sub-cart s over all sources, found by pushing each source's coverage down
to the sub-carts below it. D[r], the cost of serving residual cart r, is the least of column[s] + D[r - s] over
the sub-carts s of r that hold some of r's first open line.

That forgets that a location has its stock only once, so D is a lower bound. When the best plan uses a location
beyond its stock, the location becomes a layer: taken out of the columns and decided upon once, as a whole, with
the stock that its sources share; then all is solved again. The first plan that fits is the optimum (decremental
state space relaxation).

A cost is one integer that holds (objective, shipments). Ties are exact too: the order of plans by (objective,
shipments, latest arrival, preferred locations) is additive but for the latest arrival. So that is found first,
with the parcels counted by day of arrival as the lowest digits of the cost, and then made a limit.
"""

from collections.abc import Sequence
from math import isqrt
from typing import NamedTuple

from oms_api.promising.rules.sourcing import (
    BALANCE_WEIGHT,
    Objective,
    Problem,
    Source,
    tie_order,
    weight_cost,
)
from oms_api.promising.rules.subcarts import SubCarts

MOST_LAYERS = 100
MOST_UNITS = 250
"""Beyond these the search gives up: together they bound how deep it recurses."""

_NEVER = 1 << 512


class Choice(NamedTuple):
    """Parcels of a plan or of a part of one, comparable: the smaller is to be preferred at equal cost."""

    places: tuple[int, ...] = ()
    """Numbers of their locations, sorted."""
    columns: tuple[tuple[int, int], ...] = ()
    """(Number of the source, minus the sub-cart), sorted: more goes to the preferred source."""

    def joined(self, other: "Choice") -> "Choice":
        """Both parts together."""
        return Choice(tuple(sorted(self.places + other.places)), tuple(sorted(self.columns + other.columns)))


class Option(NamedTuple):
    """One way for a location to serve a sub-cart."""

    cost: int
    choice: Choice


class OverBudget(Exception):
    """The search took more steps than it was given."""


class ExactSearch:
    """Finds the best plan over some sources; raises OverBudget."""

    def __init__(self, problem: Problem, carts: SubCarts, sources: Sequence[Source], steps: int) -> None:
        if sum(carts.most) > MOST_UNITS:
            raise OverBudget
        self.problem = problem
        self.carts = carts
        self.steps = steps
        coded = [(tie_order(source), -carts.code(source.stock), at) for at, source in enumerate(sources)]
        coded = sorted(entry for entry in coded if entry[1])
        self.sources = [sources[at] for _, _, at in coded]
        self.codes = [-code for _, code, _ in coded]
        sources_of = [sum(1 for code in self.codes if carts.digits[code][line]) for line in range(len(carts.most))]
        carts.anchors.sort(key=sources_of.__getitem__)
        self.number_bits = len(coded).bit_length()
        numbers: dict[str, int] = {}
        self.places = [numbers.setdefault(source.location, len(numbers)) for source in self.sources]
        self.balanced = problem.objective is Objective.BALANCED
        self.rooms = [self._room(number) if self.balanced else () for number in range(len(coded))]
        self.penalties: dict[tuple[tuple[int, ...], int], int] = {}
        self.layers: list[int] = []

    def best(self, most_shipments: int | None = None) -> list[tuple[Source, tuple[int, ...]]] | None:
        """The best plan as (source, units by line) per parcel; None when the sources cannot serve the cart."""
        limit = max((source.arrives_on for source in self.sources), default=0)
        fastest = self.problem.objective is Objective.FASTEST  # the sources given arrive by the earliest day
        if not fastest and any(source.arrives_on != limit for source in self.sources):
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
            if self._value(len(self.layers), whole, left) >= _NEVER:
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
        """Set up the scale of costs, the columns, the layers and the bounds of one solution."""
        self.used = [
            number
            for number, source in enumerate(self.sources)
            if arrives_by is None or source.arrives_on <= arrives_by
        ]
        units = sum(self.carts.most)
        bits = units.bit_length()
        self.per_cost, self.per_shipment = 1 << bits, 1
        if self.problem.objective is Objective.FEWEST_SHIPMENTS:
            dearest = max((self._plain_cost(number, self.carts.size - 1) for number in self.used), default=0)
            self.per_cost, self.per_shipment = 1, 1 << (dearest * units).bit_length()
        self.per_arrival: dict[int, int] = {}
        if arrives_by is None:
            days = sorted({self.sources[number].arrives_on for number in self.used})
            self.per_arrival = {day: 1 << (bits * at) for at, day in enumerate(days)}
            self.per_cost <<= bits * len(days)
            self.per_shipment <<= bits * len(days)
        self.capped = capped
        self.values: dict[tuple[int, int, int], int] = {}
        self.choices: dict[tuple[int, int, int], Choice] = {}
        self.column = self._columns()
        self.cost = [column >> self.number_bits for column in self.column]
        self.served: dict[int, list[int]] = {line: [] for line in self.carts.anchors}
        for code in range(self.carts.size - 1, 0, -1):
            if self.cost[code] < _NEVER:
                self.served[self.carts.anchor(code)].append(code)
        self.tables = [self._layer(place) for place in self.layers]
        self.floor = self._floors()

    def _plain_cost(self, number: int, code: int) -> int:
        source = self.sources[number]
        return source.fixed + weight_cost(source.per_kg, self.carts.grams[code])

    def _fixed(self, number: int) -> int:
        source = self.sources[number]
        return source.fixed * self.per_cost + self.per_shipment + self.per_arrival.get(source.arrives_on, 0)

    def _room(self, number: int) -> tuple[int, ...]:
        """Stock of a source's location as far as the penalty can tell: equal rooms, equal penalties."""
        stock = self.problem.chain(self.sources[number].location)[-1][1]
        return tuple(
            min(have, quantity * (isqrt(BALANCE_WEIGHT) + 1))
            for have, quantity in zip(stock, self.problem.quantities, strict=True)
        )

    def _columns(self) -> list[int]:
        """For each sub-cart the least (cost, number of the source) in one integer, layered locations aside."""
        carts, bits = self.carts, self.number_bits
        layered = set(self.layers)
        unit = self.per_cost << bits
        column = [_NEVER << bits] * carts.size
        by_weight: dict[int, list[int]] = {}
        for number in self.used:
            if self.places[number] in layered:
                continue
            fixed = self._fixed(number) << bits | number
            per_kg = self.sources[number].per_kg
            if self.balanced:
                parts = carts.within(self.codes[number])
                self._spend(len(parts))
                for code in parts:
                    extra = -(-per_kg * carts.grams[code] // 1000) + self._penalty(number, code)
                    column[code] = min(column[code], fixed + extra * unit)
                continue
            best = by_weight.get(per_kg)
            if best is None:
                best = by_weight[per_kg] = [_NEVER] * carts.size
            if fixed < best[self.codes[number]]:
                best[self.codes[number]] = fixed
        for per_kg, best in by_weight.items():
            # Of sources with one price a kilogram the same is cheapest for a sub-cart and all it may be part of.
            self._spend(len(carts.lower))
            for code, below in carts.lower:
                if best[code] < best[below]:
                    best[below] = best[code]
            for code, fixed in enumerate(best):
                if fixed < _NEVER:
                    total = fixed + -(-per_kg * carts.grams[code] // 1000) * unit
                    if total < column[code]:
                        column[code] = total
        return column

    def _penalty(self, number: int, code: int) -> int:
        key = (self.rooms[number], code)
        known = self.penalties.get(key)
        if known is None:
            location = self.sources[number].location
            known = self.penalties[key] = self.problem.penalty(location, self.carts.units(code))
        return known

    def _layer(self, place: int) -> dict[int, dict[int, Option]]:
        """What a location can serve, its sources sharing its stock: sub-cart -> parcels -> cheapest option."""
        carts = self.carts
        numbers = [number for number in self.used if self.places[number] == place]
        numbers.sort(key=lambda number: self.sources[number].ships_on)
        if not numbers:
            return {}
        location = self.sources[numbers[0]].location
        limits = dict(self.problem.chain(location))
        table: dict[int, dict[int, Option]] = {0: {0: Option(0, Choice())}}
        for number in numbers:
            limit = carts.packed(limits[self.sources[number].ships_on])
            covered = carts.digits[self.codes[number]]
            grown = {code: dict(options) for code, options in table.items()}
            for before, options in table.items():
                room = carts.encoded(
                    min(has, most - gone) for has, most, gone in zip(covered, limit, carts.digits[before], strict=True)
                )
                self._spend(carts.counts[room])
                for code in carts.within(room):
                    added = self._fixed(number) + self.per_cost * weight_cost(
                        self.sources[number].per_kg, carts.grams[code]
                    )
                    own = Choice((place,), ((number, -code),))
                    there = grown.setdefault(before + code, {})
                    for parcels, (cost, choice) in options.items():
                        option = Option(cost + added, choice.joined(own))
                        there[parcels + 1] = min(there.get(parcels + 1, option), option)
            table = grown
        del table[0]
        for code, options in table.items():
            penalty = self.per_cost * self.problem.penalty(location, carts.units(code))
            table[code] = {parcels: Option(cost + penalty, how) for parcels, (cost, how) in options.items()}
        return table

    def _floors(self) -> list[int]:
        """For each residual cart the least it can cost: one parcel when one can serve it, else two."""
        fixed = min(map(self._fixed, self.used), default=0)
        per_kg = min((self.sources[number].per_kg for number in self.used), default=0)
        layered = set().union(*self.tables)
        floors = [0]
        for code in range(1, self.carts.size):
            alone = self.cost[code] < _NEVER or code in layered
            weight = -(-per_kg * self.carts.grams[code] // 1000) * self.per_cost
            floors.append(fixed + weight if alone else fixed + fixed + weight)
        return floors

    def _value(self, level: int, residual: int, left: int) -> int:
        """D: least cost of serving the residual by the columns and the first `level` layers.

        `left` is the number of parcels still allowed; negative when they are not capped.
        """
        if not residual:
            return 0
        if not left:
            return _NEVER
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
        self.values[key] = best = min(best, _NEVER)
        return best

    def _choose(self, level: int, residual: int, left: int) -> Choice:
        """The preferred one of all choices that cost no more than D."""
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
                    number = self.column[code] & ((1 << self.number_bits) - 1)
                    own = Choice((self.places[number],), ((number, -code),))
                    found.append(own.joined(self._choose(0, residual - code, rest_left)))
        self.choices[key] = best = min(found)
        return best

    def _parts(self, residual: int) -> list[int]:
        """Sub-carts that one parcel may take of a residual, with some of its anchor line, but not all of it."""
        carts = self.carts
        served = self.served[carts.anchor(residual)]
        if len(served) > carts.counts[residual]:
            parts = carts.anchored(residual)
            self._spend(len(parts))
            return parts
        self._spend(len(served))
        fields, guard = carts.fields, carts.guard
        whole = fields[residual] | guard
        return [code for code in served if whole - fields[code] & guard == guard and code != residual]

    def _options(self, level: int, residual: int, left: int) -> list[tuple[int, int, Option]]:
        """What the location of a layer could add to the residual: (sub-cart, parcels, option)."""
        table = self.tables[level - 1]
        parts = self.carts.within(residual)
        self._spend(len(parts))
        return [
            (code, parcels, option)
            for code in parts
            if code in table
            for parcels, option in table[code].items()
            if not self.capped or parcels <= left
        ]

    def _reaches(self, target: int, level: int, residual: int, left: int) -> bool:
        return target >= self.floor[residual] and self._value(level, residual, left) == target

    def _overused(self, columns: Sequence[tuple[int, int]]) -> list[int]:
        """Places that the columns use beyond their stock, or with more penalty than their parts have."""
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
        # A source twice is beyond its stock, or one parcel would have been better.
        if len({id(source) for source, _ in parcels}) < len(parcels):
            return False
        location = parcels[0][0].location
        together = tuple(map(sum, zip(*(units for _, units in parcels), strict=True)))
        apart = sum(self.problem.penalty(location, units) for _, units in parcels)
        return self.problem.may_leave(parcels) and self.problem.penalty(location, together) == apart

    def _spend(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise OverBudget
