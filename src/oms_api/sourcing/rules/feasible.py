"""Any plan at all, when none was found by price: lines are dealt out to sources and taken back, one by one.

What is scarcest is dealt first, to sources that send something already, then to those that fit best. It looks
everywhere, so that it can also prove that there is no plan; a budget of steps ends it.
"""

from collections.abc import Callable, Mapping, Sequence

from oms_api.sourcing.rules.problem import Problem
from oms_api.sourcing.rules.steps import OverBudget, Steps

STEPS = 30_000
STEPS_OF_A_LOOK = 10
MOST_UNITS = 150
"""Beyond these it gives up: they bound how deep it recurses."""

Units = dict[int, list[int]]
"""Units of each line, by source."""


def any_plan(
    problem: Problem,
    stock: Sequence[Sequence[int]],
    free: Callable[[int, int, Units], int],
    may_leave: Callable[[int, Units], bool],
    most_shipments: int | None,
) -> Units | None:
    """Units by source that keep to every limit; None when there are none. Raises OverBudget.

    `stock[source][line]`; `free` says how many units of a line a source could still send beside what is dealt already.
    """
    if sum(problem.quantities) > MOST_UNITS:
        raise OverBudget
    return _Dealer(problem, stock, free, may_leave, most_shipments).dealt(0)


class _Dealer:
    def __init__(
        self,
        problem: Problem,
        stock: Sequence[Sequence[int]],
        free: Callable[[int, int, Units], int],
        may_leave: Callable[[int, Units], bool],
        most_shipments: int | None,
    ) -> None:
        self.problem, self.free, self.may_leave, self.most = problem, free, may_leave, most_shipments
        self.steps = Steps(STEPS)
        self.units: Units = {}
        grouped = {line for lines in problem.together for line in lines}
        loose = [line for line in range(len(problem.skus)) if line not in grouped]
        lines = range(len(problem.skus))
        self.holders = [[number for number, have in enumerate(stock) if have[line]] for line in lines]
        had = [sum(have[line] for have in stock) for line in lines]
        loose.sort(key=lambda line: (had[line] - problem.quantities[line], line))
        self.bundles: list[tuple[int, ...]] = [*problem.together, *((line,) for line in loose)]
        self.whole = len(problem.together)

    def dealt(self, at: int) -> Units | None:
        """The plan with bundles from `at` on dealt too; None when they cannot be."""
        if at == len(self.bundles):
            return {number: list(own) for number, own in self.units.items()} if self._worth() else None
        lines = self.bundles[at]
        if at < self.whole:
            return self._together(at, lines)
        return self._split(at, lines[0], self.problem.quantities[lines[0]], frozenset())

    def _together(self, at: int, lines: Sequence[int]) -> Units | None:
        wanted = {line: self.problem.quantities[line] for line in lines}
        for number, _ in self._ordered(lines[0], wanted[lines[0]]):
            if all(self._free(number, line) >= units for line, units in wanted.items()):
                self._deal(number, wanted, 1)
                if self.may_leave(number, self.units) and (found := self.dealt(at + 1)) is not None:
                    return found
                self._deal(number, wanted, -1)
        return None

    def _split(self, at: int, line: int, left: int, passed: frozenset[int]) -> Units | None:
        """Deal what is left of a line to sources that were not `passed`."""
        if not left:
            return self.dealt(at + 1)
        for number, free in self._ordered(line, left):
            if number in passed:
                continue
            for units in range(min(free, left), 0, -1):
                self._deal(number, {line: units}, 1)
                found = self._split(at, line, left - units, passed | {number})
                if found is not None:
                    return found
                self._deal(number, {line: units}, -1)
            passed |= {number}
        return None

    def _ordered(self, line: int, left: int) -> list[tuple[int, int]]:
        """(Source, units that it can still send), those that send something already and fit best first."""
        full = self.most is not None and len(self.units) >= self.most
        able = [
            (number, free)
            for number in self.holders[line]
            if (not full or number in self.units) and (free := self._free(number, line)) > 0
        ]
        return sorted(able, key=lambda one: (one[0] not in self.units, one[1] < left, abs(one[1] - left), one[0]))

    def _free(self, number: int, line: int) -> int:
        self.steps.spend(STEPS_OF_A_LOOK)
        return self.free(number, line, self.units)

    def _deal(self, number: int, units: Mapping[int, int], times: int) -> None:
        """Give these units to a source, or (-1) take them back."""
        own = self.units.setdefault(number, [0] * len(self.problem.skus))
        for line, amount in units.items():
            own[line] += times * amount
        if not any(own):
            del self.units[number]

    def _worth(self) -> bool:
        """Whether each parcel of several is worth enough."""
        least = self.problem.min_split_value
        if not least or len(self.units) < 2:
            return True
        return all(sum(map(int.__mul__, own, self.problem.values)) >= least for own in self.units.values())
