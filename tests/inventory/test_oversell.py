"""Processes race for hot SKUs: a small run of `python -m bench oversell`, and its judge on what it must see."""

from uuid import UUID, uuid4

import pytest
from bench.holds import Hold, Refused, oversold, refused_while_free
from bench.oversell import run

EAST, WEST = UUID(int=1), UUID(int=2)
ON_HAND = {("A", EAST): 5, ("A", WEST): 2, ("B", EAST): 1}


def held(begun: float, answered: float, *units: tuple[str, UUID, int], until: float | None = None) -> Hold:
    lines = tuple(((sku, at), quantity) for sku, at, quantity in units)
    return Hold(begun, answered, lines) if until is None else Hold(begun, answered, lines, until, until)


def test_two_processes_that_race_for_hot_skus_promise_each_unit_once_and_refuse_none_that_is_free(
    database_url: str,
) -> None:
    outcome = run(database_url, reserves=600, processes=2, seed=uuid4().hex)
    assert outcome.oversell == outcome.underfill == outcome.lost == outcome.wrong == 0
    assert outcome.held + outcome.refused == 600
    assert outcome.gave_up == 0
    assert outcome.refused > 50
    assert {"order", "adopt", "release", "lapse"} <= outcome.ends.keys()


@pytest.mark.parametrize("supplies", [False, True])
def test_classes_that_race_for_their_shares_of_what_is_there_and_will_come_get_all_of_them_and_no_more(
    database_url: str, supplies: bool
) -> None:
    outcome = run(database_url, reserves=400, processes=2, seed=uuid4().hex, classes=True, supplies=supplies)
    assert outcome.oversell == outcome.underfill == outcome.lost == outcome.wrong == 0
    assert outcome.held + outcome.refused == 400
    assert outcome.gave_up == 0
    assert outcome.refused > 30


def test_units_that_two_surely_held_at_one_moment_are_oversold() -> None:
    first, second = held(0, 1, ("A", EAST, 4), until=9), held(2, 3, ("A", EAST, 3))
    assert oversold(ON_HAND, [first, second]) == 2
    assert oversold(ON_HAND, [held(0, 1, ("A", EAST, 4), until=3), second]) == 0
    assert oversold(ON_HAND, [held(0, 4, ("A", EAST, 4), until=5), held(1, 5, ("A", EAST, 3))]) == 0


def test_a_refusal_is_unjust_only_when_all_that_was_wanted_was_free_whoever_held_units_meanwhile() -> None:
    holds = [held(0, 1, ("A", EAST, 4), until=5), held(8, 9, ("A", EAST, 5))]
    early = Refused(4, 4.5, (("A", (EAST,), 2),))
    between = Refused(6, 7, (("A", (EAST,), 5), ("B", (EAST,), 1)))
    two_of_b = Refused(6, 7, (("A", (EAST,), 5), ("B", (EAST,), 2)))
    while_taken = Refused(6, 8.5, (("A", (EAST,), 1),))
    anywhere = Refused(10, 11, (("A", (EAST, WEST), 2),))
    nowhere = Refused(10, 11, (("A", (EAST, WEST), 3),))
    own_share = Refused(6, 7, (("A", (EAST,), 2),), (("A", "loyal", 2),))
    not_so_large = Refused(6, 7, (("A", (EAST,), 2),), (("A", "public", 2),))
    refused = [early, between, two_of_b, while_taken, anywhere, nowhere, own_share, not_so_large]
    there = {**ON_HAND, ("A", "loyal"): 2, ("A", "public"): 1}
    assert refused_while_free(there, holds, refused) == [between, anywhere, own_share]
