"""From where to send an order: the planner.

Small carts are solved exactly (`exact`); larger ones with lines kept whole where a location has all of one, and
by greedy plans that are improved (`approximate`). The answer says which it was and how far from the optimum it
can be at most.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from oms_api.promising.rules.approximate import approximate, lower_bound
from oms_api.promising.rules.exact import ExactSearch, OverBudget
from oms_api.promising.rules.sourcing import (
    Demand,
    Objective,
    Parcel,
    Plan,
    Problem,
    Shortage,
    ShortLine,
    Source,
    tie_order,
    weight_cost,
)
from oms_api.promising.rules.subcarts import SubCarts

STATE_BUDGET = 4096
"""Sub-carts up to which an exact search is tried: 12 lines of one unit, 5 lines of up to 4."""
STEPS_PER_STATE = 25
"""Steps of search (0.1 to 0.3 µs each) allowed per state of the budget."""

Found = list[tuple[Source, tuple[int, ...]]]
"""Parcels: source, units by line."""


def plan(
    demands: Sequence[Demand],
    sources: Sequence[Source],
    *,
    objective: Objective = Objective.CHEAPEST,
    max_shipments: int | None = None,
    state_budget: int = STATE_BUDGET,
) -> Plan | Shortage:
    """The best plan that serves all demands in full, splitting lines where it helps.

    Equal plans are told apart by (shipments, latest arrival, preferred locations), so the answer does not depend
    on the order of demands or sources. ValueError for quantities below 1 and for negative costs or weights.
    """
    if max_shipments is not None and max_shipments < 1:
        raise ValueError(f"{max_shipments} shipments allowed: want one or more")
    problem = Problem(demands, sources, objective)
    if not problem.skus:
        return _finished(problem, [], None, exact=True)
    usable, whole = _usable(problem)
    short = _short(problem, usable)
    if short:
        return Shortage(short)
    if objective is Objective.FASTEST:
        proven = True
        days = sorted({source.arrives_on for source in usable})
        for day in days[days.index(_earliest(problem, usable)) :]:
            in_time = [source for source in usable if source.arrives_on <= day]
            whole_in_time = [source for source in whole if source.arrives_on <= day]
            found, sure = _best(problem, in_time, whole_in_time, max_shipments, state_budget)
            proven = proven and sure
            if found:
                return found if proven else replace(found, exact=False)
    else:
        found, _ = _best(problem, usable, whole, max_shipments, state_budget)
        if found:
            return found
    fewest = Problem(demands, sources, Objective.FEWEST_SHIPMENTS)
    least, _ = _best(fewest, usable, whole, None, state_budget)
    return Shortage((), None if least is None else least.shipments)


def _usable(problem: Problem) -> tuple[list[Source], list[Source]]:
    """Sources that have any of the cart, and those that have all of it."""
    usable: list[Source] = []
    whole: list[Source] = []
    if any(source.fixed < 0 or source.per_kg < 0 for source in problem.sources):
        raise ValueError("a source has a negative cost")
    wanted = list(zip(problem.skus, problem.quantities, strict=True))
    for source in problem.sources:
        have = source.stock.get
        some, every = False, True
        for sku, quantity in wanted:
            units = have(sku, 0)
            if units > 0:
                some = True
            if units < quantity:
                every = False
        if some:
            usable.append(source)
            if every:
                whole.append(source)
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
            units = problem.together(in_time, line) if before else source.stock[sku]
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
) -> tuple[Plan | None, bool]:
    """The best plan over sources that have enough, or None when it takes more parcels than allowed; proven?"""
    single = _single(problem, whole)
    if single is not None and (
        max_shipments == 1
        or problem.objective is Objective.FEWEST_SHIPMENTS
        or single.cost + single.penalty <= _floor_of_two(problem, usable)
    ):
        return single, True
    if max_shipments == 1:
        return None, True
    if _states(problem.quantities) <= state_budget:
        carts = SubCarts(problem.skus, problem.quantities, problem.grams, [1] * len(problem.skus))
        try:
            found = ExactSearch(problem, carts, usable, state_budget * STEPS_PER_STATE).best(max_shipments)
        except OverBudget:
            pass
        else:
            return None if found is None else _finished(problem, found, None, exact=True), True
    good = _good(problem, usable, single, max_shipments, state_budget)
    return good, good is not None and good.exact


def _good(
    problem: Problem,
    usable: Sequence[Source],
    single: Plan | None,
    max_shipments: int | None,
    state_budget: int,
) -> Plan | None:
    """The best plan found without an exhaustive search, with a bound on how much better one could be."""
    bound = lower_bound(problem, usable)
    plans = [] if single is None else [single]
    # Lines that some location has in full are kept whole: only those that must be split are.
    packs = [
        quantity if any(source.stock.get(sku, 0) >= quantity for source in usable) else 1
        for sku, quantity in zip(problem.skus, problem.quantities, strict=True)
    ]
    most = [quantity // pack for quantity, pack in zip(problem.quantities, packs, strict=True)]
    if most != list(problem.quantities) and _states(most) <= state_budget:
        carts = SubCarts(problem.skus, problem.quantities, problem.grams, packs)
        try:
            kept_whole = ExactSearch(problem, carts, usable, state_budget * STEPS_PER_STATE).best(max_shipments)
        except OverBudget:
            kept_whole = None
        if kept_whole:
            plans.append(_finished(problem, kept_whole, bound, exact=False))
    steps = state_budget * STEPS_PER_STATE
    found = approximate(problem, usable, max_shipments, steps)
    if found:
        plans.append(_finished(problem, found, bound, exact=False))
    if not plans:
        return None
    best = min(plans, key=_order)
    proven = best.cost + best.penalty == bound and (
        problem.objective in (Objective.CHEAPEST, Objective.BALANCED)
        or problem.objective is Objective.FASTEST
        or best.shipments == 2  # one parcel was not possible
    )
    return replace(best, lower_bound=bound, exact=proven)


def _states(most: Sequence[int]) -> int:
    return prod(units + 1 for units in most)


def _single(problem: Problem, whole: Sequence[Source]) -> Plan | None:
    """The best plan of one parcel."""
    if not whole:
        return None
    grams = sum(map(int.__mul__, problem.quantities, problem.grams))
    balanced = problem.objective is Objective.BALANCED
    best = min(
        whole,
        key=lambda source: (
            source.fixed
            - (-source.per_kg * grams // 1000)
            + (problem.penalty(source.location, problem.quantities) if balanced else 0),
            source.arrives_on,
            tie_order(source),
        ),
    )
    return _finished(problem, [(best, problem.quantities)], None, exact=True)


def _floor_of_two(problem: Problem, usable: Sequence[Source]) -> int:
    """What any plan of two parcels or more must cost at least."""
    grams = sum(map(int.__mul__, problem.quantities, problem.grams))
    fixed = min([source.fixed for source in usable])
    per_kg = min([source.per_kg for source in usable])
    return 2 * fixed + weight_cost(per_kg, grams)


def _finished(problem: Problem, found: Found, bound: int | None, *, exact: bool) -> Plan:
    """The plan of these parcels; without a bound its cost is the bound."""
    parcels = []
    by_location: dict[str, tuple[int, ...]] = {}
    for source, units in sorted(found, key=lambda parcel: (tie_order(parcel[0]), parcel[1])):
        grams = sum(map(int.__mul__, units, problem.grams))
        lines = tuple((sku, amount) for sku, amount in zip(problem.skus, units, strict=True) if amount)
        parcels.append(Parcel(source, lines, grams, weight_cost(source.per_kg, grams)))
        before = by_location.get(source.location, (0,) * len(units))
        by_location[source.location] = tuple(map(int.__add__, before, units))
    fixed = sum(parcel.source.fixed for parcel in parcels)
    weight = sum(parcel.weight_cost for parcel in parcels)
    return Plan(
        objective=problem.objective,
        parcels=tuple(parcels),
        terms={"shipping_fixed": fixed, "shipping_weight": weight},
        cost=fixed + weight,
        lower_bound=fixed + weight if bound is None else bound,
        latest=max((parcel.source.arrives_on for parcel in parcels), default=None),
        exact=exact,
        penalty=sum(problem.penalty(location, units) for location, units in by_location.items()),
    )


def _order(plan: Plan) -> tuple[object, ...]:
    """The smaller plan is the better one."""
    cost = plan.cost + plan.penalty
    fewest = plan.objective is Objective.FEWEST_SHIPMENTS
    first = (plan.shipments, cost) if fewest else (cost, plan.shipments)
    return (*first, plan.latest or 0, [(tie_order(parcel.source), parcel.lines) for parcel in plan.parcels])
