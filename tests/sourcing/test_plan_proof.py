"""The planner against an exhaustive second implementation, and properties that any best plan has."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oms_api.sourcing import Demand, Objective, Plan, Shortage
from sourcing.brute_force import exhaustive, small_world, source, worlds
from sourcing.checker import Question, amounts_of, check, standing


@pytest.mark.parametrize("rich", [False, True])
@pytest.mark.parametrize("objective", list(Objective))
def test_plans_equal_the_best_of_all_plans_ties_included(objective: Objective, rich: bool) -> None:
    rng = random.Random(f"worlds for {objective} {rich}")
    solved = 0
    for _ in range(90):
        question = small_world(rng, objective, rich=rich)
        answer = question.plan()
        best = exhaustive(question)
        if best is None:
            assert isinstance(answer, Shortage)
            continue
        found = check(question, answer)
        assert found.exact
        assert standing(question, amounts_of(question, found)) == best
        solved += 1
    assert solved > 45


@pytest.mark.parametrize("rich", [False, True])
def test_a_good_plan_beyond_the_budget_is_feasible_and_its_bound_is_honest(rich: bool) -> None:
    rng = random.Random(f"beyond the budget {rich}")
    found = proven = missed = 0
    while found < 300:
        question = small_world(rng, rng.choice(list(Objective)), rich=rich, most_ways=20_000)
        best, good = question.plan(), question.plan(state_budget=1)
        if isinstance(best, Plan) and isinstance(good, Plan):
            check(question, good)
            top, reached = (standing(question, amounts_of(question, one))[0] for one in (best, good))
            assert top <= reached
            if top[:-1] == reached[:-1]:  # as fast, or in as few shipments
                assert good.lower_bound <= best.score
            if good.exact:
                assert top == reached
                proven += 1
            found += 1
        else:
            assert isinstance(good, Shortage)
            missed += isinstance(best, Plan)
            assert rich or question.max_shipments is not None or isinstance(best, Shortage)
    assert proven > 100
    assert missed < 40


def large_cart() -> Question:
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
    return Question(demands, sources)


def test_a_large_cart_over_many_locations_gets_a_good_plan_that_does_not_depend_on_order() -> None:
    question = large_cart()
    answer = check(question, question.plan())
    assert answer.score <= answer.lower_bound * 1.1
    backwards = replace(question, demands=question.demands[::-1], sources=question.sources[::-1])
    assert backwards.plan() == answer


@given(worlds(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_lines_and_sources_does_not_matter(question: Question, rng: random.Random) -> None:
    answer = question.plan()
    if isinstance(answer, Plan):
        check(question, answer)
    demands, sources = list(question.demands), list(question.sources)
    rng.shuffle(demands)
    rng.shuffle(sources)
    assert replace(question, demands=demands, sources=sources).plan() == answer


@given(worlds(), st.data())
@settings(deadline=None)
def test_more_stock_never_makes_a_plan_worse(question: Question, data: st.DataObject) -> None:
    before = question.plan()
    sources = list(question.sources)
    at = data.draw(st.integers(0, len(sources) - 1))
    more = {**sources[at].stock, data.draw(st.sampled_from(question.demands)).sku: 4}
    sources[at] = sources[at]._replace(stock=more)
    richer = replace(question, sources=sources)
    after = richer.plan()
    if isinstance(before, Plan):
        assert isinstance(after, Plan)
        standings = [standing(one, amounts_of(one, answer))[0] for one, answer in ((richer, after), (question, before))]
        assert standings == sorted(standings)


@given(worlds())
@settings(deadline=None)
def test_removing_a_location_that_is_not_used_changes_nothing(question: Question) -> None:
    answer = question.plan()
    if isinstance(answer, Plan):
        used = {parcel.location for parcel in answer.parcels}
        for unused in {one.location for one in question.sources} - used:
            rest = [one for one in question.sources if one.location != unused]
            assert replace(question, sources=rest).plan() == answer
