"""The planner: published cases, and what it promises."""

import json
from pathlib import Path
from typing import Any

import pytest

from oms_api.sourcing import (
    Chosen,
    Demand,
    Objective,
    Plan,
    Rejected,
    RejectionReason,
    Room,
    Shortage,
    ShortLine,
    Source,
    explain_rejected,
    plan,
)
from sourcing.brute_force import contents, source
from sourcing.checker import Question, check

CASES: dict[str, dict[str, Any]] = {
    case["case"]: case for case in json.loads((Path(__file__).parent / "cases" / "sourcing.json").read_text())
}


# — published cases ————————————————————————————————————————————————————————————————————————————————————————————


def by_preference(case: dict[str, Any]) -> tuple[list[Demand], list[Source]]:
    """Demands and sources of a case whose only cost is a location's place in the order of preference."""
    demands = [Demand(sku, units, 1000) for sku, units in case["request"].items()]
    sources = [
        source(location, case["stock"][location], rank=rank, fixed=0, per_kg=rank)
        for rank, location in enumerate(case["preference"])
    ]
    return demands, sources


@pytest.mark.parametrize("name", ["priority order of sources", "spill over exactly the remainder"])
@pytest.mark.parametrize("state_budget", [1, 4096])
def test_published_preference_cases_come_out(name: str, state_budget: int) -> None:
    demands, sources = by_preference(CASES[name])
    answer = plan(demands, sources, state_budget=state_budget)
    assert contents(answer) == CASES[name]["plan"]
    assert isinstance(answer, Plan)
    assert answer.exact
    check(Question(demands, sources), answer)


def test_single_locations_come_before_pairs_and_pairs_before_triples() -> None:
    demands = [Demand(sku, 1, 100) for sku in "ABC"]
    thirds = [source(f"near-{sku}", {sku: 9}, fixed=10) for sku in "ABC"]
    pair = source("pair", {"A": 9, "B": 9}, fixed=700)
    dear, cheap = source("dear", dict.fromkeys("ABC", 9), fixed=9000), source("cheap", {"B": 1, "C": 1}, fixed=600)
    fewest = Objective.FEWEST_SHIPMENTS
    assert list(contents(plan(demands, [*thirds, pair, cheap, dear], objective=fewest))) == ["dear"]
    assert contents(plan(demands, [*thirds, pair, cheap], objective=fewest)) == {
        "cheap": {"B": 1, "C": 1},
        "near-A": {"A": 1},
    }
    assert len(contents(plan(demands, thirds, objective=fewest))) == 3
    assert list(contents(plan(demands, [*thirds, pair, cheap, dear]))) == ["near-A", "near-B", "near-C"]


# — what the planner promises ——————————————————————————————————————————————————————————————————————————————————


def test_the_cheapest_location_wins_and_its_cost_is_told_by_term() -> None:
    answer = plan(
        [Demand("A", 2, 255)],
        [source("far", {"A": 5}, fixed=600, per_kg=100), source("near", {"A": 5}, fixed=550, per_kg=100)],
    )
    assert isinstance(answer, Plan)
    assert contents(answer) == {"near": {"A": 2}}
    assert (answer.cost, answer.lower_bound, answer.exact) == (601, 601, True)  # 510 g: 51, rounded up per parcel
    assert answer.terms == {"shipping_fixed": 550, "shipping_weight": 51}


def test_ties_go_to_the_earlier_arrival_then_to_preference_then_to_the_location_id() -> None:
    wanted = [Demand("A", 1, 100)]
    late, early = source("a", {"A": 1}, arrives_on=3), source("z", {"A": 1}, rank=9, arrives_on=2)
    assert list(contents(plan(wanted, [late, early]))) == ["z"]
    assert list(contents(plan(wanted, [source("a", {"A": 1}, rank=1), source("z", {"A": 1})]))) == ["z"]
    assert list(contents(plan(wanted, [source("z", {"A": 1}), source("a", {"A": 1})]))) == ["a"]


def test_the_fastest_plan_pays_for_an_earlier_last_arrival() -> None:
    demands = [Demand("A", 1, 0), Demand("B", 1, 0)]
    both = source("both", {"A": 1, "B": 1}, arrives_on=5, fixed=100)
    quick_a, quick_b = source("a", {"A": 1}, arrives_on=2), source("b", {"B": 1}, arrives_on=3)
    fastest = plan(demands, [both, quick_a, quick_b], objective=Objective.FASTEST)
    assert isinstance(fastest, Plan)
    assert (fastest.latest, fastest.cost) == (3, 1000)
    cheapest = plan(demands, [both, quick_a, quick_b])
    assert isinstance(cheapest, Plan)
    assert (cheapest.latest, cheapest.cost) == (5, 100)
    capped = plan(demands, [both, quick_a, quick_b], objective=Objective.FASTEST, max_shipments=1)
    assert isinstance(capped, Plan)
    assert (capped.latest, capped.cost) == (5, 100)


def test_the_balanced_plan_spares_a_location_that_would_be_emptied() -> None:
    nearly_out, plenty = source("nearly-out", {"A": 1}, fixed=500), source("plenty", {"A": 100}, fixed=600)
    demands = [Demand("A", 1, 0)]
    assert list(contents(plan(demands, [nearly_out, plenty]))) == ["nearly-out"]
    answer = plan(demands, [nearly_out, plenty], objective=Objective.BALANCED)
    assert isinstance(answer, Plan)
    assert list(contents(answer)) == ["plenty"]
    assert (answer.cost, answer.penalty) == (600, 0)
    alone = plan(demands, [nearly_out], objective=Objective.BALANCED)
    assert isinstance(alone, Plan)
    assert (alone.cost, alone.penalty) == (500, 400)


def test_sources_of_one_location_share_its_stock() -> None:
    today, later = source("n", {"A": 2}, fixed=0), source("n", {"A": 3}, ships_on=2, arrives_on=4, fixed=0)
    assert isinstance(plan([Demand("A", 3, 0)], [today, later]), Plan)
    assert plan([Demand("A", 4, 0)], [today, later]) == Shortage((ShortLine("A", 4, 3),))


def test_a_shortage_names_every_short_sku_with_what_there_is() -> None:
    sources = [source("n", {"A": 2, "B": 1}), source("m", {"A": 1, "C": -4})]
    answer = plan([Demand("C", 1, 0), Demand("A", 3, 0), Demand("B", 2, 0)], sources)
    assert answer == Shortage((ShortLine("B", 2, 1), ShortLine("C", 1, 0)))
    assert plan([Demand("A", 1, 0)], []) == Shortage((ShortLine("A", 1, 0),))


def test_when_only_the_cap_on_shipments_forbids_it_the_least_number_is_told() -> None:
    demands = [Demand(sku, 1, 0) for sku in "ABC"]
    sources = [source(sku, {sku: 1}) for sku in "ABC"]
    assert plan(demands, sources, max_shipments=2) == Shortage((), fewest_shipments=3)
    assert isinstance(plan(demands, sources, max_shipments=3), Plan)


def test_demands_of_one_sku_are_added_up_and_nothing_wanted_costs_nothing() -> None:
    sources = [source("n", {"A": 3}), source("m", {"A": 2}, fixed=400)]
    assert contents(plan([Demand("A", 1, 5), Demand("A", 2, 5)], sources)) == {"n": {"A": 3}}
    empty = plan([], sources)
    assert isinstance(empty, Plan)
    assert (empty.parcels, empty.cost, empty.latest, empty.exact) == ((), 0, None, True)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="0 units"):
        plan([Demand("A", 0, 0)], [])
    with pytest.raises(ValueError, match="weigh both"):
        plan([Demand("A", 1, 1), Demand("A", 1, 2)], [])
    with pytest.raises(ValueError, match="negative cost"):
        plan([Demand("A", 1, 1)], [source("n", {"A": 1}, fixed=-1)])
    with pytest.raises(ValueError, match="0 shipments"):
        plan([Demand("A", 1, 1)], [], max_shipments=0)


def test_each_unused_location_has_its_reason() -> None:
    sources = [
        source("used", {"A": 1}, arrives_on=2),
        source("slow", {"A": 1}, arrives_on=3, fixed=1),
        source("dear", {"A": 1}, arrives_on=2, fixed=999, rank=1),
        source("empty", {"A": 0, "B": 7}, fixed=1),
    ]
    demands = [Demand("A", 1, 0)]
    fastest = plan(demands, sources, objective=Objective.FASTEST)
    assert isinstance(fastest, Plan)
    assert list(contents(fastest)) == ["used"]
    assert explain_rejected(demands, sources, Chosen.of(fastest)) == (
        Rejected("empty", RejectionReason.NO_STOCK),
        Rejected("slow", RejectionReason.TOO_LATE),
        Rejected("dear", RejectionReason.DEARER, 999 - fastest.score),
    )
    cheapest = plan(demands, sources[:1])
    assert isinstance(cheapest, Plan)
    chosen = Chosen.of(cheapest)
    assert Rejected("slow", RejectionReason.DEARER, 1 - cheapest.score) in explain_rejected(demands, sources, chosen)
    assert Rejected("slow", RejectionReason.TOO_LATE) in explain_rejected(demands, sources, chosen, arrives_by=2)


def _rooms(units: list[int]) -> tuple[list[Source], dict[tuple[str, int], Room]]:
    """Locations that have some of every SKU, dearer each, with room for so many units and one SKU."""
    sources = [Source(f"L{at}", at, dict.fromkeys("ABCDEFGH", 2), 0, 1, 100 + at) for at in range(len(units))]
    return sources, {(f"L{at}", 0): Room(lines=1, units=most) for at, most in enumerate(units)}


def test_a_plan_that_greed_misses_is_found_by_looking_everywhere() -> None:
    demands = [Demand(sku, 2 if sku < "F" else 3, 10) for sku in "ABCDEFGH"]
    sources, capacity = _rooms([2] * 8 + [1] * 3)
    answer = plan(demands, sources, capacity=capacity)
    assert isinstance(answer, Plan)
    assert answer.shipments == 11


def test_a_shortage_says_whether_it_is_proven() -> None:
    demands = [Demand(sku, 3, 10) for sku in "ABCDEFGH"]
    sources, capacity = _rooms([2] * 8 + [1] * 7)
    assert plan(demands, sources, capacity=capacity, max_shipments=None) == Shortage((), proven=False)
    assert plan(demands[:2], sources[:3], capacity=capacity) == Shortage((), proven=True)
