"""A decision can be packed, and made again with the same bytes, in this process and in another."""

import os
import subprocess
import sys
import zlib
from base64 import b64decode, b64encode
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_api.sourcing.rules.decide import Asked, canonical, decide, packed, plan_json, unpacked
from oms_api.sourcing.rules.policy import Cart, Costs, Extra, Rule, Settings, SourcingEffect, SourcingSort, Spot, Where
from oms_api.sourcing.rules.words import Break, Demand, Objective, Plan, Rate, Room, Shortage, Source

CARD = Rate((Break(1000, 400, 0), Break(None, 600, 90)), 5000)
SHARED = {"A": 2, "B": 5}


def asked(**more: Any) -> Asked:
    values: dict[str, Any] = {
        "cart": Cart("web", "SHIPPING", 2, 5000, "gold", frozenset({"x", "y"}), "US", "10001"),
        "demands": (Demand("A", 3, 500, value=1000), Demand("B", 2, 250, 100, 900)),
        "sources": (
            Source("dc", 0, SHARED, 10, 12, 500, 100, "standard"),
            Source("dc", 0, SHARED, 10, 11, 900, 0, "express", CARD),
            Source("store", 1, {"A": 9}, 11, 13, 550, 100, "standard", None, 0, 5, 1, {"A": 7}),
        ),
        "spots": (Spot("dc", "WAREHOUSE", frozenset({"cold"}), "US", 40, 7), Spot("store", "STORE", km=9, units=9)),
        "fallback": Objective.CHEAPEST,
        "max_shipments": 3,
        "tags": {"A": ("x",), "B": ("x", "y")},
        "room": {("dc", 10): Room(parcels=1)},
        "waits": {("store", 11): 1},
    } | more
    return Asked(**values)


def plan_of(question: Asked, *rules: Rule) -> Plan:
    found = decide(question, rules).plan
    assert isinstance(found, Plan)
    return found


def taken(plan: Plan) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for parcel in plan.parcels:
        for sku, units in parcel.lines:
            there = found.setdefault(parcel.location, {})
            there[sku] = there.get(sku, 0) + units
    return found


def test_what_was_packed_is_unpacked_equal_and_decided_equally() -> None:
    question = asked()
    again = unpacked(packed(question))
    assert again == question
    assert canonical(plan_json(decide(again, ()).plan)) == canonical(plan_json(decide(question, ()).plan))


def test_what_was_packed_before_anything_could_wait_is_read() -> None:
    data = orjson.loads(zlib.decompress(b64decode(packed(asked()))))
    del data["waits"]
    assert unpacked(b64encode(zlib.compress(orjson.dumps(data))).decode()) == asked(waits={})


def test_what_waits_is_left_out_by_a_policy_without_a_price_for_it_unless_it_is_needed() -> None:
    sources = (Source("near", 0, {"A": 9}, 12, 13, 100, 0), Source("far", 1, {"A": 3}, 10, 15, 900, 0))
    question = asked(sources=sources, room={}, demands=(Demand("A", 3, 0),), waits={("near", 12): 2})
    assert taken(plan_of(question)) == {"far": {"A": 3}}
    assert taken(plan_of(question._replace(demands=(Demand("A", 5, 0),)))) == {"near": {"A": 5}}
    for day, place in ((133, "near"), (134, "far")):
        price = Settings(per_backordered_unit=0, per_backordered_day=day)
        plan = plan_of(question, Rule(name="r", effect=SourcingEffect.SET, settings=price))
        assert (taken(plan), plan.cost) == ({place: {"A": 3}}, 100 if place == "near" else 900)


def test_stock_and_rate_cards_that_sources_share_are_packed_once() -> None:
    again = unpacked(packed(asked()))
    assert again.sources[0].stock is again.sources[1].stock
    assert again.sources[1].rate == CARD


def test_another_process_with_another_hash_seed_decides_the_same_bytes() -> None:
    question = asked()
    program = (
        "import sys; from oms_api.sourcing.rules.decide import *; "
        "sys.stdout.write(canonical(plan_json(decide(unpacked(sys.argv[1]), ()).plan)).decode())"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", program, packed(question)],
            env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True, timeout=60,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert answers == {canonical(plan_json(decide(question, ()).plan))}


def test_a_hard_rule_leaves_the_location_out_and_what_it_had_is_short() -> None:
    rule = Rule(name="r", effect=SourcingEffect.EXCLUDE, locations=Where(kinds=("WAREHOUSE",)))
    decided = decide(asked(), [rule])
    assert isinstance(decided.plan, Shortage)
    assert [(line.sku, line.available) for line in decided.plan.lines] == [("B", 0)]
    assert decided.ruled.excluded == {"dc": "r"}


def test_a_cost_of_a_rule_moves_the_choice_and_is_not_part_of_the_cost_told() -> None:
    sources = (
        Source("dc", 0, {"A": 3}, 10, 12, 500, 0, "standard"),
        Source("store", 1, {"A": 3}, 10, 12, 550, 0, "standard"),
    )
    question = asked(sources=sources, demands=(Demand("A", 3, 0),), room={})
    assert taken(plan_of(question)) == {"dc": {"A": 3}}
    dear = Rule(
        name="r",
        effect=SourcingEffect.COST,
        locations=Where(handles=("dc",)),
        costs=Costs(per_shipment=10, per_unit=20),
    )
    plan = plan_of(question, dear)
    assert (taken(plan), plan.cost) == ({"store": {"A": 3}}, 550)
    assert decide(question, [dear]).ruled.extras == {"dc": (Extra("r", 10, 0, 20),)}


def test_settings_choose_the_objective_unless_the_caller_does() -> None:
    fast = Rule(name="r", effect=SourcingEffect.SET, settings=Settings(objective="FASTEST"))
    assert decide(asked(), [fast]).objective is Objective.FASTEST
    assert decide(asked(objective=Objective.CHEAPEST), [fast]).objective is Objective.CHEAPEST
    assert decide(asked(), []).objective is Objective.CHEAPEST


def test_lines_of_little_value_are_kept_whole_and_tagged_skus_travel_together() -> None:
    sources = (
        Source("one", 0, {"A": 2, "B": 2}, 10, 12, 100, 0),
        Source("two", 1, {"A": 1, "B": 2}, 10, 12, 100, 0),
        Source("all", 2, {"A": 3}, 10, 12, 900, 0),
    )
    question = asked(sources=sources, room={}, demands=(Demand("A", 3, 0, value=1000), Demand("B", 2, 0, value=900)))
    assert taken(plan_of(question)) == {"one": {"A": 2, "B": 2}, "two": {"A": 1}}
    whole = Rule(name="r", effect=SourcingEffect.SET, settings=Settings(split_from_value=3001))
    assert taken(plan_of(question, whole))["all"] == {"A": 3}
    together = Rule(name="r", effect=SourcingEffect.SET, settings=Settings(together_tags=("x",)))
    found = decide(question, [together]).plan
    assert isinstance(found, Shortage) and found.together == (("A", "B"),)


def test_the_stricter_of_two_limits_of_shipments_holds() -> None:
    sources = (Source("one", 0, {"A": 2}, 10, 12, 100, 0), Source("two", 1, {"A": 1, "B": 2}, 10, 12, 100, 0))
    one = Rule(name="r", effect=SourcingEffect.SET, settings=Settings(max_shipments=1))
    found = decide(asked(sources=sources, room={}), [one]).plan
    assert isinstance(found, Shortage) and found.fewest_shipments == 2
    three = Rule(name="r", effect=SourcingEffect.SET, settings=Settings(max_shipments=9))
    assert isinstance(decide(asked(sources=sources, room={}, max_shipments=1), [three]).plan, Shortage)


def test_a_day_of_lateness_and_a_further_parcel_weigh_what_the_rule_says() -> None:
    sources = (Source("slow", 0, {"A": 3}, 10, 15, 100, 0), Source("quick", 1, {"A": 3}, 10, 12, 250, 0))
    question = asked(sources=sources, room={}, demands=(Demand("A", 3, 0),))
    assert taken(plan_of(question)) == {"slow": {"A": 3}}
    late = Rule(name="r", effect=SourcingEffect.SET, settings=Settings(per_day_late=60))
    assert taken(plan_of(question, late)) == {"quick": {"A": 3}}


def test_sorting_decides_between_plans_that_are_otherwise_equal() -> None:
    sources = (Source("dc", 0, {"A": 3}, 10, 12, 100, 0), Source("store", 1, {"A": 3}, 10, 12, 100, 0))
    question = asked(sources=sources, room={}, demands=(Demand("A", 3, 0),))
    assert taken(plan_of(question)) == {"dc": {"A": 3}}
    near = Rule(name="r", effect=SourcingEffect.SET, settings=Settings(sort=(SourcingSort.DISTANCE,)))
    assert taken(plan_of(question, near)) == {"store": {"A": 3}}


def test_a_location_that_rules_could_not_look_at_keeps_its_place() -> None:
    sources = (Source("dc", 0, {"A": 3}, 10, 12, 100, 0), Source("store", 1, {"A": 3}, 10, 12, 100, 0))
    sort = Rule(name="r", effect=SourcingEffect.SET, settings=Settings(sort=(SourcingSort.STORES_FIRST,)))
    unseen = asked(sources=sources, room={}, demands=(Demand("A", 3, 0),), spots=())
    assert taken(plan_of(unseen, sort)) == {"dc": {"A": 3}}
    half = unseen._replace(sources=(sources[0]._replace(rank=7), sources[1]), spots=(Spot("store", "STORE"),))
    assert taken(plan_of(half, sort)) == {"store": {"A": 3}}


@pytest.mark.parametrize(
    ("settings", "chosen"),
    [
        (Settings(), "near"),
        (Settings(per_rank=49), "near"),
        (Settings(per_rank=51), "far"),
        (Settings(per_rank=51, shipping_weight=3), "near"),
        (Settings(per_rank=1, shipping_weight=0), "far"),
        (Settings(per_last_unit=51), "near"),  # a third of its units on the one side, all on the other
        (Settings(per_last_unit=57), "far"),
    ],
)  # fmt: skip
def test_each_term_weighs_what_the_rule_says(settings: Settings, chosen: str) -> None:
    sources = (Source("near", 1, {"A": 1}, 10, 12, 100, 0), Source("far", 0, {"A": 3}, 10, 12, 150, 0))
    question = asked(sources=sources, room={}, demands=(Demand("A", 1, 0),), spots=())
    assert list(taken(plan_of(question, Rule(name="r", effect=SourcingEffect.SET, settings=settings)))) == [chosen]


def test_parcels_of_several_are_worth_what_the_rule_says_or_there_is_no_plan() -> None:
    sources = (
        Source("one", 0, {"A": 1}, 10, 12, 100, 0),
        Source("two", 1, {"B": 1}, 10, 12, 100, 0),
        Source("both", 2, {"A": 1, "B": 1}, 10, 12, 900, 0),
    )
    question = asked(sources=sources, room={}, demands=(Demand("A", 1, 0, value=1000), Demand("B", 1, 0, value=900)))

    def found(least: int, question: Asked = question) -> Plan | Shortage:
        rule = Rule(name="r", effect=SourcingEffect.SET, settings=Settings(min_shipment_value=least))
        return decide(question, [rule]).plan

    for least, places in ((900, ["one", "two"]), (901, ["both"])):
        answer = found(least)
        assert isinstance(answer, Plan) and [parcel.location for parcel in answer.parcels] == places
    assert found(901, question._replace(sources=sources[:2])) == Shortage((), worth_too_little=True)
    assert found(900, question._replace(sources=sources[:2], max_shipments=1)) == Shortage((), fewest_shipments=2)


numbers = st.integers(0, 50)


@given(st.lists(st.tuples(st.sampled_from("abcd"), numbers, numbers, numbers), min_size=1, max_size=6), numbers)
def test_any_question_is_packed_without_loss(rows: list[tuple[str, int, int, int]], units: int) -> None:
    question = asked(
        sources=tuple(Source(name, rank, {"A": stock}, day, day + 2, 100, 5) for name, rank, stock, day in rows),
        demands=(Demand("A", units + 1, 3),),
    )
    assert unpacked(packed(question)) == question
