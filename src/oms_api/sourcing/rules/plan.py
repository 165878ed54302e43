"""From where to send an order: the planner.

Small carts are solved exactly (`exact`); larger ones with lines kept whole where a source has all of one, and
by greedy plans that are improved (`approximate`). The answer says which it was and how far from the optimum it
can be at most (`bound`). All of it is bounded by budgets of steps: some 50 ms, 100 where plans are hard to find at
all, so a caller that serves others meanwhile may want to ask in a thread from about ten lines on.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, prod

from oms_api.sourcing.rules.approximate import Search
from oms_api.sourcing.rules.bound import lower_bound
from oms_api.sourcing.rules.exact import ExactSearch
from oms_api.sourcing.rules.problem import Problem
from oms_api.sourcing.rules.steps import OverBudget, Steps
from oms_api.sourcing.rules.subcarts import SubCarts
from oms_api.sourcing.rules.words import (
    PLAIN,
    Capacity,
    Demand,
    Objective,
    Parcel,
    Plan,
    Shortage,
    ShortLine,
    Source,
    Weights,
    tie_order,
)

STATE_BUDGET = 4096
"""Sub-carts up to which an exact search is tried: 12 lines of one unit, 5 lines of up to 4."""
STEPS_PER_STATE = 25
"""Steps of search allowed per state of the budget, in all."""
SURELY_EXACT = 5
"""Lines up to which the exact search may take nearly all of them; beyond it is given half."""

Found = list[tuple[Source, tuple[int, ...]]]
"""Parcels: source, units by line."""


def plan(
    demands: Sequence[Demand],
    sources: Sequence[Source],
    *,
    objective: Objective = Objective.CHEAPEST,
    weights: Weights = PLAIN,
    due_on: int | None = None,
    max_shipments: int | None = None,
    min_split_value: int = 0,
    capacity: Capacity | None = None,
    state_budget: int = STATE_BUDGET,
    earliest: bool = True,
) -> Plan | Shortage:
    """The best plan that serves all demands in full, splitting lines where it helps.

    Best is the least score: cost and penalties as `weights` say (`due_on`: the day from which a parcel is late).
    Hard limits: `max_shipments`; `min_split_value`, what each parcel of several must be worth; `capacity`.
    Equal plans are told apart by (shipments, latest arrival, preferred locations), so the answer does not depend
    on the order of demands or sources; without `earliest` arrival is not looked at, which takes half of the time.
    ValueError for quantities below 1 and for negative costs or weights.
    """
    if max_shipments is not None and max_shipments < 1:
        raise ValueError(f"{max_shipments} shipments allowed: want one or more")
    problem = Problem(
        demands,
        sources,
        objective,
        weights,
        due_on=due_on,
        capacity=capacity,
        min_split_value=min_split_value,
    )
    if not problem.skus:
        return _finished(problem, [], None, exact=True)
    usable, whole = _usable(problem)
    short = _short(problem, usable)
    together = _apart(problem, usable)
    if short or together:
        return Shortage(short, together=together)
    steps = Steps(state_budget * STEPS_PER_STATE)
    if objective is Objective.FASTEST:
        proven = True
        days = sorted({source.arrives_on for source in usable})
        for day in days[days.index(_earliest(problem, usable)) :]:
            in_time = [source for source in usable if source.arrives_on <= day]
            whole_in_time = [source for source in whole if source.arrives_on <= day]
            found, sure = _best(problem, in_time, whole_in_time, max_shipments, state_budget, steps, earliest)
            proven = proven and sure
            if found:
                return found if proven else replace(found, exact=False)
    else:
        found, sure = _best(problem, usable, whole, max_shipments, state_budget, steps, earliest)
        if found:
            return found

    def fewest(value: int, most: int | None) -> Plan | None:
        other = Problem(
            demands,
            sources,
            Objective.FEWEST_SHIPMENTS,
            weights,
            due_on=due_on,
            capacity=capacity,
            min_split_value=value,
        )
        return _best(other, usable, whole, most, state_budget, Steps(state_budget * STEPS_PER_STATE))[0]

    least = None if max_shipments is None else fewest(min_split_value, None)
    if least is None and min_split_value and fewest(0, max_shipments):
        return Shortage((), proven=sure, worth_too_little=True)
    return Shortage((), None if least is None else least.shipments, proven=sure)


def _usable(problem: Problem) -> tuple[list[Source], list[Source]]:
    """Sources that have any of the cart, and those that can send all of it."""
    wanted = list(zip(problem.skus, problem.quantities, strict=True))
    first = problem.skus[0]
    if len(wanted) == 1:
        usable = [source for source in problem.sources if source.stock.get(first, 0) > 0]
    else:
        usable = []
        for source in problem.sources:
            have = source.stock.get
            for sku in problem.skus:
                if have(sku, 0) > 0:
                    usable.append(source)
                    break
    problem.prices(usable)  # checks them
    if problem.capacity:
        usable = [source for source in usable if problem.open_to(source)]
    whole = usable
    if wanted != [(first, 1)]:
        for sku, quantity in wanted:
            whole = [source for source in whole if source.stock.get(sku, 0) >= quantity]
    if problem.capacity:
        units = sum(problem.quantities)
        whole = [source for source in whole if problem.fits_alone(source, len(wanted), units)]
    return usable, whole


def _short(problem: Problem, usable: Sequence[Source]) -> tuple[ShortLine, ...]:
    """SKUs of which all locations together have too little."""
    short = []
    for sku, quantity in zip(problem.skus, problem.quantities, strict=True):
        available = 0
        counted: dict[str, int] = {}
        for source in usable:
            units = source.stock.get(sku, 0)
            before = counted.get(source.location, 0)
            if units > before:
                counted[source.location] = units
                available += units - before
                if available >= quantity:
                    break
        else:
            short.append(ShortLine(sku, quantity, available))
    return tuple(short)


def _apart(problem: Problem, usable: Sequence[Source]) -> tuple[tuple[str, ...], ...]:
    """What must travel together and nobody has in full."""
    return tuple(
        tuple(problem.skus[line] for line in lines)
        for lines in problem.together
        if not any(
            all(source.stock.get(problem.skus[line], 0) >= problem.quantities[line] for line in lines)
            for source in usable
        )
    )


def _earliest(problem: Problem, usable: Sequence[Source]) -> int:
    """First day by which everything could have arrived, however many parcels it takes."""
    by_arrival = sorted(usable, key=lambda source: source.arrives_on)
    day = by_arrival[0].arrives_on
    for line, (sku, quantity) in enumerate(zip(problem.skus, problem.quantities, strict=True)):
        reached = 0
        by_location: dict[str, tuple[tuple[Source, ...], int]] = {}
        for source in by_arrival:
            if source.stock.get(sku, 0) <= 0:
                continue
            in_time, before = by_location.get(source.location, ((), 0))
            in_time = (*in_time, source)
            units = problem.together_at(in_time, line) if before else source.stock[sku]
            by_location[source.location] = (in_time, units)
            reached += units - before
            if reached >= quantity:
                day = max(day, source.arrives_on)
                break
    return day


def _best(
    problem: Problem,
    usable: Sequence[Source],
    whole: Sequence[Source],
    max_shipments: int | None,
    state_budget: int,
    steps: Steps,
    earliest: bool = True,
) -> tuple[Plan | None, bool]:
    """The best plan over sources that have enough, or None when it takes more parcels than allowed; proven?"""
    single = _single(problem, whole)
    if single is not None and (
        max_shipments == 1
        or problem.objective is Objective.FEWEST_SHIPMENTS
        or single.score <= _floor_of_two(problem, usable)
    ):
        return single, True
    if max_shipments == 1:
        return None, True
    bundles = problem.bundles()
    if prod(most + 1 for _, most in bundles) <= state_budget:
        own = steps.lend(steps.left * 4 // 5 if len(problem.skus) <= SURELY_EXACT else steps.left // 2)
        try:
            found = ExactSearch(problem, SubCarts(problem, bundles), usable, own).best(max_shipments, earliest=earliest)
        except OverBudget:
            steps.settle(own)
        else:
            steps.settle(own)
            return None if found is None else _finished(problem, found, None, exact=True), True
    return _good(problem, usable, single, max_shipments, state_budget, steps)


def _good(
    problem: Problem,
    usable: Sequence[Source],
    single: Plan | None,
    max_shipments: int | None,
    state_budget: int,
    steps: Steps,
) -> tuple[Plan | None, bool]:
    """The best plan found without an exhaustive search, with a bound on how much better one could be; proven?"""
    bound = lower_bound(problem, usable, max(steps.left, 0) // 3)
    steps.left -= len(usable) * len(problem.skus)
    plans = [] if single is None else [single]
    # Lines that some source has in full are kept whole: only those that must be split are.
    kept = [
        line
        for line, (sku, quantity) in enumerate(zip(problem.skus, problem.quantities, strict=True))
        if quantity > 1 and any(source.stock.get(sku, 0) >= quantity for source in usable)
    ]
    bundles = problem.bundles(kept)
    if kept and prod(most + 1 for _, most in bundles) <= state_budget:
        own = steps.lend(steps.left // 2)
        try:
            kept_whole = ExactSearch(problem, SubCarts(problem, bundles), usable, own).best(max_shipments)
        except OverBudget:
            kept_whole = None
        steps.settle(own)
        steps.left -= 6 * prod(most + 1 for _, most in bundles)
        if kept_whole:
            plans.append(_finished(problem, kept_whole, bound, exact=False))
    search = Search(problem, usable, max_shipments, steps)
    found = search.best([[parcel.source for parcel in plan.parcels] for plan in plans])
    if found:
        plans.append(_finished(problem, found, bound, exact=False))
    if not plans:
        return None, search.impossible
    best = min(plans, key=_order)
    bound = min(bound, best.score)
    proven = best.score == bound and (
        problem.objective is not Objective.FEWEST_SHIPMENTS or best.shipments == 2  # one parcel was not possible
    )
    return replace(best, lower_bound=bound, exact=proven), proven


def _single(problem: Problem, whole: Sequence[Source]) -> Plan | None:
    """The best plan of one parcel."""
    if not whole:
        return None
    quantities = problem.quantities
    prices = problem.prices(whole)
    scores = prices.bases
    if len(prices.distinct) > 1:
        contents = {key: problem.contents(card, quantities) for key, card in prices.by_key.items()}
        scores = list(map(int.__add__, scores, map(contents.__getitem__, prices.keys)))
    if problem.balance:
        penalties = [problem.penalty(source.location, quantities) for source in whole]
        scores = list(map(int.__add__, scores, penalties))
    least = min(scores)
    equals = [source for source, score in zip(whole, scores, strict=True) if score == least]
    best = min(equals, key=lambda source: (source.arrives_on, tie_order(source)))
    return _finished(problem, [(best, quantities)], None, exact=True)


def _floor_of_two(problem: Problem, usable: Sequence[Source]) -> int:
    """What any plan of two parcels or more must score at least."""
    grams = sum(map(int.__mul__, problem.quantities, problem.grams))
    bases = min(problem.prices(usable).bases)
    prices = [problem.least(card) for card in problem.prices(usable).distinct]
    fixed = min(least for least, _ in prices)
    return 2 * (bases + fixed) + ceil(min(price for _, price in prices) * grams) - problem.weights.split


def _finished(problem: Problem, found: Found, bound: int | None, *, exact: bool) -> Plan:
    """The plan of these parcels; without a bound its score is the bound."""
    parcels = []
    by_location: dict[str, tuple[int, ...]] = {}
    weights = problem.weights
    penalties = dict.fromkeys(("late", "split", "preference", "balance", "margin", "surcharge"), 0)
    for source, units in sorted(found, key=lambda parcel: (tie_order(parcel[0]), parcel[1])):
        grams = sum(map(int.__mul__, units, problem.grams))
        lines = tuple((sku, amount) for sku, amount in zip(problem.skus, units, strict=True) if amount)
        if source.rate is None:
            weight_cost = -(-source.per_kg * grams // 1000)
        else:
            weight_cost = source.rate.cost(grams, sum(map(int.__mul__, units, problem.cm3)))
        parcels.append(Parcel(source, lines, grams, weight_cost))
        before = by_location.get(source.location, (0,) * len(units))
        by_location[source.location] = tuple(map(int.__add__, before, units))
        penalties["late"] += weights.late_per_day * problem.late(source)
        penalties["preference"] += weights.preference * source.rank
        penalties["surcharge"] += source.surcharge + source.per_line * len(lines) + source.per_unit * sum(units)
        if source.margins and weights.margin:
            penalties["margin"] += weights.margin * sum(source.margins.get(sku, 0) * amount for sku, amount in lines)
    penalties["split"] = weights.split * max(len(parcels) - 1, 0)
    penalties["balance"] = sum(problem.penalty(location, units) for location, units in by_location.items())
    fixed = sum(parcel.source.fixed for parcel in parcels)
    weight = sum(parcel.weight_cost for parcel in parcels)
    score = weights.shipping * (fixed + weight) + sum(penalties.values())
    return Plan(
        objective=problem.objective,
        parcels=tuple(parcels),
        terms={"shipping_fixed": fixed, "shipping_weight": weight},
        cost=fixed + weight,
        penalties={name: amount for name, amount in penalties.items() if amount},
        score=score,
        lower_bound=score if bound is None else bound,
        latest=max((parcel.source.arrives_on for parcel in parcels), default=None),
        exact=exact,
    )


def _order(plan: Plan) -> tuple[object, ...]:
    """The smaller plan is the better one."""
    fewest = plan.objective is Objective.FEWEST_SHIPMENTS
    first = (plan.shipments, plan.score) if fewest else (plan.score, plan.shipments)
    return (*first, plan.latest or 0, [(tie_order(parcel.source), parcel.lines) for parcel in plan.parcels])
