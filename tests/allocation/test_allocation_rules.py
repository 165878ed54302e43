"""Shares, reach and order of consumption: tables and properties."""

from datetime import date
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oms_api.allocation.models import POOL, AllocationBasis
from oms_api.allocation.rules import Rung, Share, Shares, divide

TODAY = date(2026, 11, 30)
LADDER = {"vip": Rung(1, "shop"), "web": Rung(2, "shop"), "out": Rung(3, "shop"), "shop": Rung(1)}


def shares(basis: str, pool_used: int = 0, **rows: tuple[int, int]) -> Shares:
    """`name=(target, used)`, and the pool last."""
    made = [Share(UUID(int=i), name, target, used) for i, (name, (target, used)) in enumerate(rows.items())]
    return Shares(AllocationBasis(basis), (*made, Share(UUID(int=99), POOL, 0, pool_used)))


@pytest.mark.parametrize(
    ("given_", "free", "expected"),
    [
        (shares("UNITS", vip=(30, 0), web=(20, 0)), 100, [30, 20, 50]),
        (shares("UNITS", vip=(30, 0), web=(20, 0)), 25, [15, 10, 0]),  # scaled down in proportion
        (shares("UNITS", vip=(30, 12), web=(20, 0)), 13, [15, 10, 0]),  # 12 of vip's 15 are taken, 13 are free
        (shares("UNITS", vip=(30, 20), web=(20, 0)), 5, [20, 5, 0]),  # nobody gives back what was taken
        (shares("UNITS", 40, vip=(30, 0)), 20, [20, 40]),  # the pool was quicker
        (shares("PERCENT", vip=(3000, 0), web=(2000, 0)), 100, [30, 20, 50]),
        (shares("PERCENT", vip=(5000, 0), web=(5000, 0)), 5, [3, 2, 0]),
        (shares("PERCENT", 20, vip=(5000, 10)), 70, [50, 50]),
        (shares("RATIO", vip=(3, 0), web=(1, 0)), 8, [6, 2, 0]),
        (shares("RATIO", vip=(3, 0), web=(1, 0)), 0, [0, 0, 0]),
        (shares("UNITS", vip=(30, 0)), -5, [0, 0]),
        # 12.5, 8.3 and 4.2 of 25: the odd unit is the largest's, 30 for 13 being more than 20 for 9 or 10 for 5
        (shares("UNITS", vip=(30, 0), web=(20, 0), out=(10, 0)), 25, [13, 8, 4, 0]),
        (shares("UNITS", vip=(3, 0), web=(3, 0), out=(3, 0)), 1, [1, 0, 0, 0]),
        (shares("PERCENT", vip=(3333, 0), web=(3333, 0), out=(3334, 0)), 100, [33, 33, 34, 0]),
        (shares("RATIO", vip=(2, 0), web=(1, 0), out=(1, 0)), 7, [4, 2, 1, 0]),
    ],
)
def test_sizes_of_shares(given_: Shares, free: int, expected: list[int]) -> None:
    assert given_.sizes(free) == expected


def stealable(*names: str, until: date = TODAY) -> Shares:
    base = shares("UNITS", vip=(10, 0), web=(20, 0), out=(5, 0), shop=(7, 0))
    return Shares(
        base.basis, tuple(row._replace(steal_until=until) if row.demand_class in names else row for row in base.rows)
    )


def test_a_class_takes_its_own_share_then_its_parents_then_the_pool_then_lower_ranked_siblings() -> None:
    found = stealable("web", "out")
    taken = found.take(10 + 7 + 8 + 5 + 2, 50, "vip", LADDER, TODAY)
    assert taken is not None
    assert [(share.demand_class, units) for share, units, _ in taken] == [
        ("vip", 10), ("shop", 7), (POOL, 8), ("out", 5), ("web", 2),
    ]  # fmt: skip
    assert found.reach(50, "vip", LADDER, TODAY) == 50
    assert found.reach(50, "web", LADDER, TODAY) == 20 + 7 + 8 + 5
    assert found.reach(50, "out", LADDER, TODAY) == 5 + 7 + 8
    assert found.reach(50, "shop", LADDER, TODAY) == 7 + 8
    assert found.reach(50, None, LADDER, TODAY) == 8
    assert found.take(9, 50, None, LADDER, TODAY) is None


def test_nobody_is_robbed_after_the_day() -> None:
    found = stealable("web", until=date(2026, 11, 29))
    assert found.reach(50, "vip", LADDER, TODAY) == 10 + 7 + 8


def test_a_hard_share_keeps_its_class_to_itself_and_its_parents() -> None:
    found = stealable("web", "out")
    hard = Shares(found.basis, tuple(row._replace(hard=row.demand_class == "vip") for row in found.rows))
    assert hard.reach(500, "vip", LADDER, TODAY) == 10 + 7


def test_a_hard_share_binds_the_classes_below_it_too() -> None:
    ladder = {"shop": Rung(1), "web": Rung(1, "shop"), "app": Rung(1, "web")}
    made = shares("UNITS", shop=(7, 0), web=(5, 0))
    below_hard = Shares(made.basis, tuple(row._replace(hard=row.demand_class == "web") for row in made.rows))
    assert [made.reach(20, name, ladder, TODAY) for name in ("app", "web", "shop")] == [20, 20, 15]
    assert [below_hard.reach(20, name, ladder, TODAY) for name in ("app", "web", "shop")] == [12, 12, 15]


def test_the_share_of_a_class_that_is_not_active_is_for_everybody_but_those_with_a_hard_one() -> None:
    made = shares("UNITS", old=(10, 0), vip=(5, 0), web=(3, 0))
    hard = Shares(made.basis, tuple(row._replace(hard=row.demand_class == "web") for row in made.rows))
    assert [hard.reach(20, name, LADDER, TODAY) for name in ("vip", "web", "out", None)] == [17, 3, 12, 12]
    taken = hard.take(9, 20, "vip", LADDER, TODAY)
    assert taken is not None
    assert [(share.demand_class, units) for share, units, _ in taken] == [("vip", 5), (POOL, 2), ("old", 2)]


def test_a_class_without_a_share_has_its_parents_and_the_pool() -> None:
    assert shares("UNITS", shop=(7, 0)).reach(20, "web", LADDER, TODAY) == 20
    assert shares("UNITS", shop=(7, 0), vip=(5, 0)).reach(20, "web", LADDER, TODAY) == 15


def highest_averages(whole: int, weights: list[int], least: list[int]) -> list[int]:
    found = list(least)
    for _ in range(max(whole - sum(least), 0)):
        if not any(weights):
            break
        best = max(range(len(weights)), key=lambda i: (Fraction(weights[i], found[i] + 1), -i))
        found[best] += 1
    return found


calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
claims = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 9)), min_size=1, max_size=5)


@calm
@given(st.integers(0, 60), claims)
def test_division_is_that_of_highest_averages_unit_by_unit(whole: int, of: list[tuple[int, int]]) -> None:
    weights, least = [weight for weight, _ in of], [units for _, units in of]
    assert divide(whole, weights, least) == highest_averages(whole, weights, least)


rows = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 15)), min_size=1, max_size=4)


@calm
@given(st.sampled_from(AllocationBasis), rows, st.integers(0, 15), st.integers(0, 60))
def test_shares_add_up_and_more_supply_makes_none_smaller(
    basis: AllocationBasis, of: list[tuple[int, int]], pool_used: int, free: int
) -> None:
    names = ["vip", "web", "out", "shop"]
    targets = [(target % 40 + 1 if basis is not AllocationBasis.PERCENT else target, used) for target, used in of]
    made = shares(str(basis), pool_used, **dict(zip(names, targets, strict=False)))
    sizes, more = made.sizes(free), made.sizes(free + 1)
    assert sum(sizes) == free + sum(row.used for row in made.rows)
    assert all(size >= row.used for size, row in zip(sizes, made.rows, strict=True))
    assert all(a <= b for a, b in zip(sizes, more, strict=True))
    assert sum(made.left(free)) == free


@calm
@given(rows, st.integers(0, 60), st.lists(st.tuples(st.sampled_from([*LADDER, None]), st.integers(1, 9)), max_size=12))
def test_whatever_is_taken_nobody_gets_more_than_there_is_or_than_he_may(
    of: list[tuple[int, int]], free: int, asks: list[tuple[str | None, int]]
) -> None:
    names = ["vip", "web", "out", "shop"]
    targets = {name: (target % 30, 0) for name, (target, _) in zip(names, of, strict=False)}
    made = shares("UNITS", 0, **targets)
    left = free
    for demand_class, units in asks:
        reach = made.reach(left, demand_class, LADDER, TODAY)
        assert 0 <= reach <= left
        taken = made.take(units, left, demand_class, LADDER, TODAY)
        assert (taken is None) == (units > reach)
        if taken is not None:
            assert sum(part for _, part, _ in taken) == units
            used = {share.id: part for share, part, _ in taken}
            made = Shares(made.basis, tuple(row._replace(used=row.used + used.get(row.id, 0)) for row in made.rows))
            left -= units
    assert sum(row.used for row in made.rows) + left == free
