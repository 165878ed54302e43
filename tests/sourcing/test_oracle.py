"""The planner against HiGHS: 60 seeded instances here, a thousand by `python -m bench plan --oracle`."""

import random

import pytest

from oms_api.sourcing import Objective, Plan, Shortage
from sourcing.checker import amounts_of, check, standing
from sourcing.oracle import LOCATIONS, REGIMES, instance, optimum


@pytest.mark.parametrize("regime", REGIMES)
def test_carts_of_up_to_five_lines_get_the_optimum_of_the_mixed_integer_program(regime: str) -> None:
    solved = number = 0
    while solved < 20:
        number += 1
        rng = random.Random(f"{regime} {number}")
        question = instance(rng, rng.randint(1, 5), LOCATIONS[regime], regime)
        answer, best = question.plan(), optimum(question)
        if best is None:
            assert isinstance(answer, Shortage)
            continue
        found = check(question, answer)
        assert found.exact
        assert standing(question, amounts_of(question, found))[0] == best
        assert found.lower_bound == best[-1]
        solved += 1


def test_the_most_profitable_plan_is_the_one_of_the_mixed_integer_program() -> None:
    dearer = number = 0
    while dearer < 8:
        number += 1
        rng = random.Random(f"profit {number}")
        question = instance(rng, rng.randint(1, 4), 12, REGIMES[number % 3])
        costs = {one.location: {demand.sku: rng.choice([0, 150, 700]) for demand in question.demands}
                 for one in question.sources}  # fmt: skip
        question.sources = [one._replace(margins=costs[one.location]) for one in question.sources]
        question.objective = Objective.MOST_PROFITABLE
        best = optimum(question)
        if best is None:
            assert isinstance(question.plan(), Shortage)
            continue
        found = check(question, question.plan())
        assert found.exact and (found.score,) == best
        question.objective = Objective.CHEAPEST
        cheapest = question.plan()
        assert isinstance(cheapest, Plan)
        less = found.score - found.penalties.get("margin", 0) - cheapest.score
        assert less >= 0
        dearer += less > 0


@pytest.mark.parametrize(("lines", "mean"), [(8, 0.005), (10, 0.015)])
def test_longer_carts_come_close_to_it_and_no_bound_is_above_it(lines: int, mean: float) -> None:
    gaps = []
    for number in range(9):
        regime = REGIMES[number % 3]
        question = instance(random.Random(f"{lines} lines {number}"), lines, LOCATIONS[regime], regime)
        answer, best = question.plan(), optimum(question)
        if best is None:
            assert isinstance(answer, Shortage)
        elif isinstance(answer, Plan):
            check(question, answer)
            reached = standing(question, amounts_of(question, answer))[0]
            assert reached >= best
            if reached[:-1] == best[:-1]:
                assert answer.lower_bound <= best[-1]
                gaps.append((reached[-1] - best[-1]) / best[-1])
    assert len(gaps) >= 4
    assert sum(gaps) / len(gaps) <= mean
