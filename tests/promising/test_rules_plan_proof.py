"""The planner against an exhaustive second implementation, and properties that any best plan has."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oms_api.promising.rules import Demand, Objective, Plan, Shortage, Source, plan
from promising.sourcing_oracle import check, exhaustive, small_world, source, standing, worlds


@pytest.mark.parametrize("objective", list(Objective))
def test_plans_equal_the_best_of_all_plans_ties_included(objective: Objective) -> None:
    rng = random.Random(f"worlds for {objective}")
    solved = 0
    for _ in range(150):
        demands, sources, most = small_world(rng)
        answer = plan(demands, sources, objective=objective, max_shipments=most)
        best = exhaustive(demands, sources, objective, most)
        if best is None:
            assert isinstance(answer, Shortage)
            continue
        assert isinstance(answer, Plan)
        check(answer, demands, sources)
        assert answer.exact
        assert answer.lower_bound == answer.cost
        assert standing(answer) == best
        solved += 1
    assert solved > 75


def test_a_good_plan_beyond_the_budget_is_feasible_and_its_bound_is_honest() -> None:
    rng = random.Random("beyond the budget")
    found = proven = 0
    while found < 300:
        demands, sources, most = small_world(rng, most_ways=100_000)
        objective = rng.choice(list(Objective))
        best = plan(demands, sources, objective=objective, max_shipments=most)
        good = plan(demands, sources, objective=objective, max_shipments=most, state_budget=1)
        if isinstance(best, Plan) and isinstance(good, Plan):
            check(good, demands, sources)
            assert good.lower_bound <= best.cost
            assert standing(best)[0] <= standing(good)[0]
            if good.exact:
                assert standing(good)[0] == standing(best)[0]
                proven += 1
            found += 1
        else:
            assert isinstance(good, Shortage)
            assert most is not None or isinstance(best, Shortage)
    assert proven > 100


def test_a_large_cart_over_many_locations_gets_a_good_plan_that_does_not_depend_on_order() -> None:
    rng = random.Random("large cart")
    demands = [Demand(f"S{line:02}", rng.randint(1, 40), rng.randint(10, 3000)) for line in range(25)]
    sources = [
        source(
            f"L{place:02}",
            {demand.sku: rng.choice([0, 0, 3, 20, 60]) for demand in demands},
            rank=place % 3,
            fixed=500 + 50 * rng.randint(1, 7),
            per_kg=100,
        )
        for place in range(60)
    ]
    answer = plan(demands, sources)
    assert isinstance(answer, Plan)
    check(answer, demands, sources)
    assert answer.cost <= answer.lower_bound * 1.1
    assert plan(demands[::-1], sources[::-1]) == answer


@given(worlds(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_lines_and_sources_does_not_matter(
    world: tuple[list[Demand], list[Source], Objective], rng: random.Random
) -> None:
    demands, sources, objective = world
    answer = plan(demands, sources, objective=objective)
    if isinstance(answer, Plan):
        check(answer, demands, sources)
    rng.shuffle(demands)
    rng.shuffle(sources)
    assert plan(demands, sources, objective=objective) == answer


@given(worlds(), st.data())
@settings(deadline=None)
def test_more_stock_never_makes_a_plan_worse(
    world: tuple[list[Demand], list[Source], Objective], data: st.DataObject
) -> None:
    demands, sources, objective = world
    before = plan(demands, sources, objective=objective)
    at = data.draw(st.integers(0, len(sources) - 1))
    more = {**sources[at].stock, data.draw(st.sampled_from(demands)).sku: 4}
    after = plan(demands, [*sources[:at], sources[at]._replace(stock=more), *sources[at + 1 :]], objective=objective)
    if isinstance(before, Plan):
        assert isinstance(after, Plan)
        assert standing(after)[0] <= standing(before)[0]


@given(worlds())
@settings(deadline=None)
def test_removing_a_location_that_is_not_used_changes_nothing(
    world: tuple[list[Demand], list[Source], Objective],
) -> None:
    demands, sources, objective = world
    answer = plan(demands, sources, objective=objective)
    if isinstance(answer, Plan):
        used = {parcel.location for parcel in answer.parcels}
        for unused in {one.location for one in sources} - used:
            rest = [one for one in sources if one.location != unused]
            assert plan(demands, rest, objective=objective) == answer
