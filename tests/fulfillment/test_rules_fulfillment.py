"""What becomes of an order line, which units a cancellation takes, what a scan does: the pure decisions."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import configure_mappers

from oms_api.fulfillment import rules
from oms_api.fulfillment.models import FulfillmentLine, FulfillmentStatus, TrackingStatus
from oms_api.fulfillment.rules import Held, Line, Scan, Step, Wanted, Work
from oms_api.kit.db import changed, row_of

configure_mappers()  # reading a row's attributes needs it

LINE, OTHER = UUID(int=1), UUID(int=2)
NORTH, SOUTH = UUID(int=11), UUID(int=12)
HERE, THERE = UUID(int=21), UUID(int=22)
OFFERED, ACCEPTED = FulfillmentStatus.OFFERED, FulfillmentStatus.ACCEPTED


def work(sku: str = "A", quantity: int = 5, *, at: UUID = HERE, per_unit: int = 1, **figures: int) -> FulfillmentLine:
    zero = {"shipped": 0, "cancelled": 0, "asked": 0, "delivered": 0, "moved": 0}
    return row_of(
        FulfillmentLine,
        {
            "id": UUID(int=hash((sku, at)) & (1 << 60) - 1),
            "order_line_id": LINE,
            "fulfillment_id": at,
            "sku": sku,
            "per_unit": per_unit,
            "quantity": quantity,
            **zero,
            **figures,
        },
    )


def order_line(unplanned: int = 0, allocated: int = 0, shipped: int = 0, delivered: int = 0, returned: int = 0) -> Line:
    return Line(LINE, unplanned, allocated, shipped, delivered, returned)


# --- steps ---------------------------------------------------------------------------------------------------------


def test_shipped_units_leave_allocated() -> None:
    assert rules.steps(order_line(allocated=5), [work(shipped=2)]) == [Step(LINE, "allocated", "shipped", 2)]


def test_units_handed_over_for_collection_are_shipped_and_delivered_in_one() -> None:
    assert rules.steps(order_line(allocated=5), [work(shipped=2, delivered=2)]) == [
        Step(LINE, "allocated", "shipped", 2),
        Step(LINE, "shipped", "delivered", 2),
    ]


def test_a_unit_that_came_back_is_not_delivered_again() -> None:
    assert rules.steps(order_line(returned=2, delivered=3), [work(shipped=5, delivered=5)]) == []


def test_a_kit_has_left_when_its_last_part_has() -> None:
    cups, plates = work("CUP", 8, per_unit=4, shipped=8), work("PLATE", 2, at=THERE)
    assert rules.steps(order_line(allocated=2), [cups, plates]) == []
    shipped = changed(plates, shipped=1)
    assert rules.steps(order_line(allocated=2), [cups, shipped]) == [Step(LINE, "allocated", "shipped", 1)]


def test_a_kit_of_which_one_location_cancelled_and_another_shipped_counts_as_shipped() -> None:
    cups, plates = work("CUP", 4, per_unit=4, cancelled=4), work("PLATE", 1, at=THERE, shipped=1)
    assert rules.steps(order_line(allocated=1), [cups, plates]) == [Step(LINE, "allocated", "shipped", 1)]
    arrived = changed(plates, delivered=1)
    assert rules.steps(order_line(shipped=1), [cups, arrived]) == [Step(LINE, "shipped", "delivered", 1)]


@st.composite
def histories(draw: st.DrawFn) -> tuple[int, list[tuple[str, int]], list[tuple[str, int, int]]]:
    """Units of a line, its parts, and what happens to units of parts one after the other."""
    units = draw(st.integers(1, 4))
    parts = draw(st.sampled_from([[("A", 1)], [("CUP", 4), ("PLATE", 1)], [("X", 2), ("Y", 3)]]))
    deed = st.tuples(st.sampled_from(["shipped", "cancelled", "delivered"]), st.integers(0, 1), st.integers(1, 6))
    return units, parts, draw(st.lists(deed, max_size=12))


@given(histories())
def test_whatever_happens_to_parts_the_line_adds_up_and_no_figure_falls(
    history: tuple[int, list[tuple[str, int]], list[tuple[str, int, int]]],
) -> None:
    units, parts, deeds = history
    state = {"allocated": units, "shipped": 0, "delivered": 0, "cancelled": 0}
    lines = [work(sku, units * each, per_unit=each) for sku, each in parts]
    for figure, at, count in deeds:
        line = lines[at % len(lines)]
        room = line.shipped - line.delivered if figure == "delivered" else line.remaining
        lines[at % len(lines)] = changed(line, **{figure: getattr(line, figure) + min(room, count)})
        before = order_line(0, state["allocated"], state["shipped"], state["delivered"])
        for step in rules.steps(before, lines):
            state[step.from_state] -= step.quantity
            state[step.to_state] += step.quantity
        assert min(state.values()) >= 0
        assert sum(state.values()) == units
    if all(line.remaining == 0 for line in lines):
        assert state["allocated"] == 0
    if all(line.cancelled == line.quantity for line in lines):
        assert state["cancelled"] == units
    if all(line.delivered == line.quantity for line in lines):
        assert state["delivered"] == units


# --- cancelling ----------------------------------------------------------------------------------------------------


def taken(found: Sequence[tuple[FulfillmentLine, int]]) -> list[tuple[str, UUID, int]]:
    return [(line.sku, line.fulfillment_id, units) for line, units in found]


def test_units_at_no_location_go_first_then_those_nobody_accepted_then_the_others() -> None:
    parts = [work(quantity=2, at=THERE), work(quantity=3, at=HERE)]
    chosen = rules.take(order_line(unplanned=1, allocated=5), 5, parts, {HERE: OFFERED, THERE: ACCEPTED})
    assert chosen.unplanned == 1
    assert taken(chosen.at_once) == [("A", HERE, 3)]
    assert taken(chosen.to_ask) == [("A", THERE, 1)]


def test_of_a_kit_whole_units_are_taken_and_every_part_is_asked_for_when_one_must_be() -> None:
    parts = [work("CUP", 8, at=HERE, per_unit=4), work("PLATE", 2, at=THERE)]
    chosen = rules.take(order_line(allocated=2), 1, parts, {HERE: OFFERED, THERE: ACCEPTED})
    assert chosen.at_once == []
    assert taken(chosen.to_ask) == [("CUP", HERE, 4), ("PLATE", THERE, 1)]


def test_a_kit_that_nobody_accepted_is_cancelled_at_once() -> None:
    parts = [work("CUP", 8, at=HERE, per_unit=4), work("PLATE", 2, at=THERE)]
    chosen = rules.take(order_line(allocated=2), 2, parts, {HERE: OFFERED, THERE: OFFERED})
    assert taken(chosen.at_once) == [("CUP", HERE, 8), ("PLATE", THERE, 2)]
    assert chosen.to_ask == []


def test_units_that_left_or_were_asked_for_cannot_be_cancelled() -> None:
    assert rules.cancellable(order_line(unplanned=1, allocated=3, shipped=2), [work(shipped=2, asked=1)]) == 3


def test_a_kit_of_which_a_part_left_cannot_be_cancelled() -> None:
    parts = [work("CUP", 8, per_unit=4, shipped=1), work("PLATE", 2)]
    assert rules.cancellable(order_line(allocated=2), parts) == 1


def test_a_cancellation_gives_back_what_was_paid_for_it_and_no_more() -> None:
    assert rules.to_refund(40, owed=60, captured=100, given_back=0) == 40
    assert rules.to_refund(40, owed=60, captured=70, given_back=0) == 10
    assert rules.to_refund(40, owed=60, captured=100, given_back=30) == 10
    assert rules.to_refund(40, owed=60, captured=0, given_back=0) == 0


# --- offering ------------------------------------------------------------------------------------------------------


def test_each_location_is_offered_what_it_holds() -> None:
    held = [Held(LINE, "A", SOUTH, 2), Held(LINE, "A", NORTH, 3), Held(OTHER, "B", NORTH, 1)]
    wanted = [Wanted(LINE, 5, {"A": 1}), Wanted(OTHER, 1, {"B": 1})]
    assert rules.to_offer(wanted, held, []) == [
        Work(NORTH, LINE, "A", 1, 3),
        Work(NORTH, OTHER, "B", 1, 1),
        Work(SOUTH, LINE, "A", 1, 2),
    ]


def test_what_is_at_work_is_not_offered_again() -> None:
    held = [Held(LINE, "A", NORTH, 5)]
    assert rules.to_offer([Wanted(LINE, 2, {"A": 1})], held, [(LINE, "A", NORTH, 3)]) == [Work(NORTH, LINE, "A", 1, 2)]


def test_a_kit_waits_until_all_its_parts_are_there() -> None:
    wanted = [Wanted(LINE, 2, {"CUP": 4, "PLATE": 1})]
    assert rules.to_offer(wanted, [Held(LINE, "CUP", NORTH, 8)], []) == []
    held = [Held(LINE, "CUP", NORTH, 8), Held(LINE, "PLATE", SOUTH, 1)]
    assert rules.to_offer(wanted, held, []) == [Work(NORTH, LINE, "CUP", 4, 4), Work(SOUTH, LINE, "PLATE", 1, 1)]


# --- statuses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("figures", "accepted", "status"),
    [
        ({}, False, "OFFERED"),
        ({}, True, "ACCEPTED"),
        ({"asked": 1}, True, "CANCEL_REQUESTED"),
        ({"shipped": 2}, True, "PARTIALLY_SHIPPED"),
        ({"shipped": 5}, True, "SHIPPED"),
        ({"shipped": 2, "cancelled": 3}, True, "SHIPPED"),
        ({"cancelled": 2}, False, "OFFERED"),
        ({"cancelled": 5}, True, "CANCELLED"),
    ],
)
def test_the_status_of_a_fulfillment_follows_from_its_figures(
    figures: dict[str, int], accepted: bool, status: str
) -> None:
    assert rules.status_of([work(**figures)], accepted=accepted) == status


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "before_at", "scan", "after"),
    [
        ("IN_TRANSIT", None, ("OUT_FOR_DELIVERY", 0), "OUT_FOR_DELIVERY"),
        ("OUT_FOR_DELIVERY", 0, ("IN_TRANSIT", -1), "OUT_FOR_DELIVERY"),
        ("OUT_FOR_DELIVERY", 0, ("DELAYED", 1), "DELAYED"),
        ("OUT_FOR_DELIVERY", 0, ("DELIVERED", -1), "DELIVERED"),
        ("DELIVERED", 0, ("IN_TRANSIT", 1), "DELIVERED"),
        ("DELIVERED", 0, ("RETURNED", 1), "DELIVERED"),
        ("IN_TRANSIT", None, ("LABEL_CREATED", 1), "IN_TRANSIT"),
    ],
)
def test_the_latest_scan_gives_the_status_and_delivered_is_the_end(
    before: str, before_at: int | None, scan: tuple[Any, int], after: str
) -> None:
    at = None if before_at is None else NOON + timedelta(hours=before_at)
    told = Scan(TrackingStatus(scan[0]), NOON + timedelta(hours=scan[1]))
    assert rules.tracked(TrackingStatus(before), at, told)[0] == after
