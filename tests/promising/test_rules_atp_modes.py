"""Modes, fences and generators of available to promise."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oms_api.promising.rules import atp
from oms_api.promising.rules.atp import Load, Mode, Rule, Step

SUPPLY = [6, 4, 2, 4, 8, 4, 4, 4]
DEMAND = [6, 2, 3, 6, 6, 1, 2, 2]


def test_forward_consumption_takes_what_backward_leaves_short_from_the_nearest_later_period() -> None:
    assert atp.period_atp(SUPPLY, DEMAND, forward=True) == [0, 0, 0, 0, 1, 3, 2, 2]
    assert atp.period_atp(SUPPLY, DEMAND, backward=False) == [0, 2, -1, -2, 2, 3, 2, 2]
    assert atp.period_atp(SUPPLY, DEMAND, backward=False, forward=True) == [0, 2, 0, 0, 0, 2, 2, 2]


def test_surplus_is_offered_for_as_many_periods_as_it_is_accumulated() -> None:
    left = [0, 0, 0, -1, 2, 3, 2, 2]
    assert atp.accumulated(left) == [0, 0, 0, 0, 2, 5, 7, 9]
    assert atp.accumulated(left, 0) == [0, 0, 0, 0, 2, 3, 2, 2]
    assert atp.accumulated(left, 1) == [0, 0, 0, 0, 2, 5, 5, 4]


def test_period_steps_fall_when_the_window_has_passed() -> None:
    assert atp.period_steps(3, {2: 5}, window=1) == (Step(0, 3), Step(2, 5), Step(4, 0))
    assert atp.period_steps(3, {2: 5}) == (Step(0, 3), Step(2, 8))


def test_a_week_offers_nothing_before_it_is_there() -> None:
    # the first week has 3 on hand and 5 from Thursday, of which 2 are wanted on Saturday
    assert atp.period_steps(3, {3: 5}, {5: 2}, period_days=7) == (Step(0, 1), Step(3, 6))


def test_discrete_atp_is_what_each_receipt_has_left() -> None:
    assert atp.discrete_atp(10, {5: 20, 9: 4}, {1: 3, 6: 22, 9: 1}) == [Step(0, 5), Step(5, 0), Step(9, 3)]
    assert atp.discrete_steps(10, {5: 20, 9: 4}, {1: 3, 6: 4, 9: 9}) == (Step(0, 7), Step(5, 11))


def test_an_infinite_sku_is_promised_without_limit_and_its_balance_still_told() -> None:
    found = atp.projected_by(Rule(Mode.INFINITE), 2, 0, (), {1: 5})
    assert found.projected == (Step(0, 2), Step(1, -3))
    assert found.steps == (Step(0, atp.UNLIMITED),)


def test_beyond_the_lead_time_anything_can_be_had() -> None:
    rule = Rule(Mode.LEAD_TIME, lead_time_days=7)
    assert atp.projected_by(rule, 2, 0, {3: 4, 9: 4}).steps == (Step(0, 2), Step(3, 6), Step(7, atp.UNLIMITED))
    assert atp.projected_by(Rule(Mode.LEAD_TIME, lead_time_days=0), 2, 0).steps == (Step(0, atp.UNLIMITED),)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule(), [5, 15, 15, 25]),
        (Rule(past_due_supply_days=3), [5, 5, 5, 15]),
        (Rule(past_due_supply_days=4), [5, 15, 15, 25]),
        (Rule(delayed_offset_days=2), [5, 5, 15, 25]),
        (Rule(horizon_days=2), [5, 15, 15, 15]),
        (Rule(horizon_days=0), [5, 5, 5, 5]),
    ],
)
def test_fences_on_supply(rule: Rule, expected: list[int]) -> None:
    # one supply is four days late, one comes in three days
    assert atp.daily(atp.projected_by(rule, 5, 0, {-4: 10, 3: 10}).steps, 4) == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule(), [1, 1]),
        (Rule(past_due_demand_days=2), [3, 3]),
        (Rule(past_due_demand_days=3), [1, 1]),
        (Rule(horizon_days=5), [2, 2]),
    ],
)
def test_fences_on_demand(rule: Rule, expected: list[int]) -> None:
    assert atp.daily(atp.projected_by(rule, 5, 1, (), {-3: 2, 9: 1}).steps, 2) == expected


# --- capable to promise --------------------------------------------------------------------------------------------


def never() -> Iterator[Load]:
    raise AssertionError("asked although ATP is enough")
    yield  # pragma: no cover


def test_generators_are_asked_only_when_atp_fails() -> None:
    steps = atp.steps(2, 0, {4: 3})
    assert atp.capable(steps, 5, [never]) == atp.Capable(4, 5, ())
    assert atp.capable(steps, 5, [never], by=4) == atp.Capable(4, 5, ())
    with pytest.raises(AssertionError, match="asked"):
        atp.capable(steps, 5, [never], by=3)


def test_a_transfer_fills_what_atp_lacks() -> None:
    lane = atp.made("from chi", [(atp.steps(3, 0, {6: 9}), 1)], lead_days=2)
    assert atp.capable(atp.steps(2, 0), 4, [lane]) == atp.Capable(2, 2, (Load(2, 2, "from chi"),))
    assert atp.capable(atp.steps(2, 0), 7, [lane]) == atp.Capable(
        8, 2, (Load(2, 3, "from chi"), Load(8, 2, "from chi"))
    )
    assert atp.capable(atp.steps(2, 0), 15, [lane]) is None


def test_the_sooner_generator_wins_and_only_a_deadline_makes_later_atp_fail() -> None:
    slow, quick = atp.drop_shipped("slow", 9), atp.drop_shipped("quick", 2)
    assert atp.capable(atp.steps(1, 0), 5, [slow, quick]) == atp.Capable(2, 1, (Load(2, 4, "quick"),))
    late = atp.steps(1, 0, {20: 50})
    assert atp.capable(late, 5, [slow]) == atp.Capable(20, 5, ())
    assert atp.capable(late, 5, [slow], by=10) == atp.Capable(9, 1, (Load(9, 4, "slow"),))


def test_a_supplier_counts_working_days_and_sends_so_many_a_day() -> None:
    def weekdays(day: int) -> bool:  # day 0 is a Friday
        return day % 7 not in (1, 2)

    assert atp.capable((Step(0, 0),), 1, [atp.drop_shipped("s", 2, works=weekdays)]) == atp.Capable(
        4, 0, (Load(4, 1, "s"),)
    )
    assert atp.capable((Step(0, 0),), 7, [atp.drop_shipped("s", 0, works=weekdays, per_day=3)]) == atp.Capable(
        4, 0, (Load(0, 3, "s"), Load(3, 3, "s"), Load(4, 1, "s"))
    )
    assert atp.capable((Step(0, 0),), 1, [atp.drop_shipped("s", 0, works=lambda day: False)]) is None


def test_a_workshop_makes_what_components_and_capacity_allow() -> None:
    legs, top = atp.steps(8, 0, {3: 40}), atp.steps(9, 0)
    table = atp.made("workshop", [(legs, 4), (top, 1)], lead_days=1)
    assert atp.capable((Step(0, 0),), 5, [table]) == atp.Capable(4, 0, (Load(1, 2, "workshop"), Load(4, 3, "workshop")))
    assert atp.capable((Step(0, 0),), 10, [table]) is None
    busy = atp.made("workshop", [(legs, 4), (top, 1)], capacity=lambda day: 0 if day == 3 else 3)
    assert atp.capable((Step(0, 0),), 8, [busy]) == atp.Capable(
        5, 0, (Load(0, 2, "workshop"), Load(4, 3, "workshop"), Load(5, 3, "workshop"))
    )


def test_no_more_days_are_looked_at_than_needed() -> None:
    looked: list[int] = []

    def capacity(day: int) -> int:
        looked.append(day)
        return 1

    assert atp.capable((Step(0, 0),), 3, [atp.made("m", [], capacity=capacity)]) is not None
    assert looked == [0, 1, 2]


# --- properties ----------------------------------------------------------------------------------------------------

calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
amounts = st.lists(st.tuples(st.integers(-4, 12), st.integers(0, 20)), max_size=10)
fence = st.none() | st.integers(0, 12)
rules = st.builds(
    Rule,
    st.sampled_from([Mode.CUMULATIVE, Mode.LEAD_TIME, Mode.DISCRETE, Mode.INFINITE, Mode.PERIOD]),
    fence,
    fence,
    st.integers(0, 5),
    fence,
    fence,
    st.integers(1, 4),
    st.booleans(),
    st.booleans(),
    st.none(),
)


@calm
@given(rules, st.integers(-9, 40), st.integers(0, 9), amounts, amounts)
def test_what_is_offered_is_never_negative_and_never_falls(
    rule: Rule, on_hand: int, safety: int, supply: list[tuple[int, int]], demand: list[tuple[int, int]]
) -> None:
    steps = atp.projected_by(rule, on_hand, safety, supply, demand).steps
    assert steps[0].on == 0
    assert steps[0].quantity >= 0
    assert all(a.on < b.on and a.quantity < b.quantity for a, b in pairwise(steps))


@calm
@given(rules, st.integers(-9, 40), amounts, amounts, st.tuples(st.integers(0, 12), st.integers(1, 20)))
def test_more_supply_never_lowers_what_is_offered_by_any_day(
    rule: Rule, on_hand: int, supply: list[tuple[int, int]], demand: list[tuple[int, int]], more: tuple[int, int]
) -> None:
    if rule.mode is Mode.DISCRETE or (rule.mode is Mode.PERIOD and not (rule.backward and rule.forward)):
        # a receipt between others cuts discrete ATP's periods anew; a shortage left standing hides no later surplus
        return
    before = atp.daily(atp.projected_by(rule, on_hand, 0, supply, demand).steps, 20)
    after = atp.daily(atp.projected_by(rule, on_hand, 0, [*supply, more], demand).steps, 20)
    assert all(b <= a for b, a in zip(before, after, strict=True))
    assert all(
        b <= a
        for b, a in zip(
            before, atp.daily(atp.projected_by(rule, on_hand + more[1], 0, supply, demand).steps, 20), strict=True
        )
    )


@calm
@given(st.integers(0, 40), amounts, amounts)
def test_periods_of_a_day_consumed_both_ways_and_never_forgotten_are_cumulative_atp(
    on_hand: int, supply: list[tuple[int, int]], demand: list[tuple[int, int]]
) -> None:
    look_ahead = atp.projected_by(Rule(), on_hand, 0, supply, demand).steps
    periods = atp.projected_by(Rule(Mode.PERIOD, forward=True), on_hand, 0, supply, demand).steps
    assert periods == look_ahead


@calm
@given(st.integers(0, 40), amounts, amounts)
def test_discrete_atp_adds_up_to_cumulative_atp_where_nothing_is_owed(
    on_hand: int, supply: list[tuple[int, int]], demand: list[tuple[int, int]]
) -> None:
    came = [(day, units) for day, units in supply if day >= 0]
    projected = atp.project(on_hand, 0, came, demand)
    if min(step.quantity for step in projected) < 0:
        return
    total = 0
    for day, left in atp.discrete_atp(on_hand, came, demand):
        total += left
        assert total == atp.quantity_on(atp.look_ahead(projected), day)


@calm
@given(st.integers(-9, 20), amounts, amounts, st.booleans(), st.booleans(), st.none() | st.integers(0, 4))
def test_period_steps_equal_the_table_period_by_period(
    on_hand: int,
    supply: list[tuple[int, int]],
    demand: list[tuple[int, int]],
    backward: bool,
    forward: bool,
    window: int | None,
) -> None:
    days = 20
    came, went = [0] * days, [0] * days
    for day, units in supply:
        came[max(day, 0)] += units
    for day, units in demand:
        went[max(day, 0)] += units
    left = atp.period_atp(came, went, on_hand=on_hand, backward=backward, forward=forward)
    assert sum(left) == on_hand + sum(came) - sum(went)
    steps = atp.period_steps(on_hand, supply, demand, backward=backward, forward=forward, window=window)
    assert atp.daily(steps, days) == atp.accumulated(left, window)


@calm
@given(st.integers(0, 10), st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), max_size=5), st.integers(1, 30))
def test_what_can_be_had_equals_a_day_by_day_search(on_hand: int, lane: list[tuple[int, int]], ask: int) -> None:
    source = atp.steps(0, 0, lane)
    found = atp.capable(atp.steps(on_hand, 0), ask, [atp.made("lane", [(source, 1)], lead_days=2)])
    day = next((d for d in range(30) if on_hand + (atp.quantity_on(source, d - 2) if d >= 2 else 0) >= ask), None)
    if day is None:
        assert found is None
    else:
        assert found is not None
        assert found.on == day
        assert found.from_atp + sum(load.quantity for load in found.loads) == ask
