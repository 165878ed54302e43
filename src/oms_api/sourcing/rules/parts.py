"""A plan improved part by part: what a few of its parcels send is sent anew, by the exact search."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import prod

from oms_api.sourcing.rules.exact import ExactSearch
from oms_api.sourcing.rules.problem import Problem
from oms_api.sourcing.rules.steps import OverBudget, Steps
from oms_api.sourcing.rules.subcarts import SubCarts
from oms_api.sourcing.rules.words import Demand, Source

Units = dict[int, list[int]]
"""What a plan sends: units of each line, by source."""

MOST_STATES = 600
"""Sub-carts of a part that is worth an exact search."""
MOST_PARCELS = 4


def parts(problem: Problem, units: Units, steps: Steps) -> Iterator[tuple[int, ...]]:
    """Sources of which the parcels together are small enough: three of them, then two, then four."""
    numbers = sorted(units)
    sizes = [3, 2, *range(4, MOST_PARCELS + 1)]
    for size in sizes:
        for chosen in combinations(numbers, size):
            steps.left -= len(problem.skus) + 4
            if steps.left <= 0:
                return
            sent = [sum(amounts) for amounts in zip(*(units[number] for number in chosen), strict=True)]
            if prod(amount + 1 for amount in sent) <= MOST_STATES:
                yield chosen


def sent_anew(
    problem: Problem,
    sources: Sequence[Source],
    shortlist: Sequence[int],
    units: Units,
    chosen: Sequence[int],
    most_shipments: int | None,
    steps: Steps,
) -> Units | None:
    """The plan with the best that can be done about these parcels, from locations that the others do not use."""
    rest = {number: own for number, own in units.items() if number not in chosen}
    taken = {sources[number].location for number in rest}
    numbers = [number for number in sorted({*shortlist, *chosen}) if sources[number].location not in taken]
    sent = [sum(amounts) for amounts in zip(*(units[number] for number in chosen), strict=True)]
    groups = {line: str(at) for at, lines in enumerate(problem.together) for line in lines}
    demands = [
        Demand(
            sku, sent[line], problem.grams[line], problem.cm3[line], problem.values[line], group=groups.get(line, "")
        )
        for line, sku in enumerate(problem.skus)
        if sent[line]
    ]
    part = Problem(
        demands,
        problem.sources,
        problem.objective,
        problem.weights,
        due_on=problem.due_on,
        capacity=problem.capacity,
        min_split_value=problem.min_split_value,
        part=bool(rest),
    )
    left = None if most_shipments is None else most_shipments - len(rest)
    if left is not None and left < 1:
        return None
    carts = SubCarts(part, part.bundles())
    steps.left -= 12 * carts.size + 4 * len(numbers) * len(demands)
    own = steps.lend(20 * MOST_STATES)
    try:
        found = ExactSearch(part, carts, [sources[number] for number in numbers], own).best(left, earliest=False)
    except OverBudget:
        found = None
    steps.settle(own)
    if found is None:
        return None
    number_of = {id(sources[number]): number for number in numbers}
    lines = {sku: line for line, sku in enumerate(problem.skus)}
    for source, amounts in found:
        whole = [0] * len(problem.skus)
        for sku, amount in zip(part.skus, amounts, strict=True):
            whole[lines[sku]] = amount
        rest[number_of[id(source)]] = whole
    return rest
