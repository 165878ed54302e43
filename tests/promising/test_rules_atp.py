"""Tables and properties of available to promise."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_api.promising.rules import atp

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "cases" / "atp.json").read_text())


def cases(mode: str) -> list[Any]:
    return [pytest.param(case, id=case["case"]) for case in CASES if case.get("mode") == mode]


def by_day(amounts: dict[str, int]) -> dict[int, int]:
    return {int(day): units for day, units in amounts.items()}


@pytest.mark.parametrize("case", cases("cumulative look-ahead"))
def test_published_look_ahead_tables_come_out(case: dict[str, Any]) -> None:
    supply, demand = by_day(case["supply"]), by_day(case["demand"])
    projected = atp.project(case["on_hand"], 0, supply, demand)
    assert atp.daily(projected, case["days"]) == case["projected"]
    assert atp.daily(atp.steps(case["on_hand"], 0, supply, demand), case["days"]) == case["atp"]


@pytest.mark.parametrize("case", cases("per period, backward consumption"))
def test_published_backward_consumption_tables_come_out(case: dict[str, Any]) -> None:
    assert len(case["supply"]) == case["periods"]
    assert atp.project_periods(case["supply"], case["demand"]) == case["projected"]
    assert atp.period_atp(case["supply"], case["demand"]) == case["atp"]


def test_the_published_delivery_proposal_has_one_date_per_quantity_step() -> None:
    case = next(case for case in CASES if case["case"] == "one date per quantity step")
    expected = tuple(atp.Step(step["on"], step["quantity"]) for step in case["steps"])
    ample = atp.steps(200, 0, {2: 100, 5: 90})
    assert atp.delivery_steps(case["ask"], ample) == expected


def test_every_published_case_is_used() -> None:
    looked_at = cases("cumulative look-ahead") + cases("per period, backward consumption")
    assert len(looked_at) + 1 == len(CASES)


def test_past_due_supply_counts_from_tomorrow_and_past_due_demand_from_today() -> None:
    assert atp.project(5, 0, {-3: 10}, {-1: 2}) == (atp.Step(0, 3), atp.Step(1, 13))
    assert atp.project(5, 0, {-3: 10}, past_due_supply_day=0) == (atp.Step(0, 15),)


def test_safety_stock_is_never_offered() -> None:
    assert atp.steps(10, 4) == (atp.Step(0, 6),)
    assert atp.steps(3, 4, {2: 5}) == (atp.Step(0, 0), atp.Step(2, 4))


def test_a_shortage_offers_nothing_but_the_projection_shows_it() -> None:
    assert atp.project(2, 0, (), {1: 5}) == (atp.Step(0, 2), atp.Step(1, -3))
    assert atp.steps(2, 0, (), {1: 5}) == (atp.Step(0, 0),)


def test_supplies_of_one_day_add_up() -> None:
    assert atp.steps(0, 0, [(3, 2), (3, 5)]) == (atp.Step(0, 0), atp.Step(3, 7))


def test_the_first_day_is_when_the_quantity_is_reached() -> None:
    steps = atp.steps(2, 0, {4: 3, 9: 1})
    assert [atp.first_day(steps, quantity) for quantity in (0, 2, 3, 5, 6, 7)] == [0, 0, 4, 4, 9, None]


def test_a_proposal_for_more_than_ever_comes_gives_what_there_is() -> None:
    assert atp.delivery_steps(10, atp.steps(2, 0, {4: 3})) == (atp.Step(0, 2), atp.Step(4, 3))
    assert atp.delivery_steps(10, atp.steps(0, 0)) == ()


def test_a_channel_sums_its_locations_less_its_threshold() -> None:
    parts = [atp.steps(2, 0, {3: 4}), atp.steps(0, 0, {1: 1})]
    assert atp.combined(parts) == (atp.Step(0, 2), atp.Step(1, 3), atp.Step(3, 7))
    assert atp.combined(parts, threshold=3) == (atp.Step(0, 0), atp.Step(3, 4))
    assert atp.combined([], threshold=3) == (atp.Step(0, 0),)


def test_a_kit_is_as_available_as_its_scarcest_component() -> None:
    shirt, button = atp.steps(1, 0, {5: 9}), atp.steps(9, 0, {2: 20})
    assert atp.kit([(shirt, 1), (button, 8)]) == (atp.Step(0, 1), atp.Step(5, 3))
    with pytest.raises(ValueError, match="one unit or more"):
        atp.kit([(shirt, 0)])


def test_negative_units_are_refused() -> None:
    with pytest.raises(ValueError, match="supply of -1"):
        atp.project(0, 0, {1: -1})
    with pytest.raises(ValueError, match="demand of -1"):
        atp.project(0, 0, (), {1: -1})


def test_a_later_shortage_consumes_the_nearest_earlier_period_first() -> None:
    assert atp.period_atp([5, 5, 0], [0, 0, 7]) == [3, 0, 0]
    assert atp.period_atp([0, 0], [2, 0], on_hand=5) == [3, 0]


amounts = st.lists(st.tuples(st.integers(-3, 12), st.integers(0, 20)), max_size=12)


@given(st.integers(-10, 40), st.integers(0, 10), amounts, amounts)
def test_steps_equal_the_definition_day_by_day_and_never_fall(
    on_hand: int, safety: int, supply: list[tuple[int, int]], demand: list[tuple[int, int]]
) -> None:
    def projected(day: int) -> int:
        came = sum(units for due, units in supply if (due if due >= 0 else 1) <= day)
        went = sum(units for due, units in demand if max(due, 0) <= day)
        return on_hand - safety + came - went

    horizon = 15
    levels = [projected(day) for day in range(horizon)]
    expected = [max(0, min(levels[day:])) for day in range(horizon)]
    assert atp.daily(atp.project(on_hand, safety, supply, demand), horizon) == levels
    steps = atp.steps(on_hand, safety, supply, demand)
    assert atp.daily(steps, horizon) == expected
    assert steps[0].on == 0
    assert all(a.on < b.on and a.quantity < b.quantity for a, b in pairwise(steps))


@given(st.integers(0, 20), amounts, amounts, st.integers(1, 60))
def test_a_proposal_hands_out_what_the_steps_allow(
    on_hand: int, supply: list[tuple[int, int]], demand: list[tuple[int, int]], ask: int
) -> None:
    steps = atp.steps(on_hand, 0, supply, demand)
    proposal = atp.delivery_steps(ask, steps)
    assert sum(units for _, units in proposal) == min(ask, steps[-1].quantity)
    given_so_far = 0
    for day, units in proposal:
        given_so_far += units
        assert units > 0
        assert atp.first_day(steps, given_so_far) == day


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=10))
def test_backward_consumption_keeps_the_sum_of_the_periods(periods: list[tuple[int, int]]) -> None:
    supply, demand = [more for more, _ in periods], [less for _, less in periods]
    left = atp.period_atp(supply, demand)
    assert sum(left) == sum(supply) - sum(demand)
    for period, units in enumerate(left):
        if units < 0:
            assert all(earlier <= 0 for earlier in left[:period])
