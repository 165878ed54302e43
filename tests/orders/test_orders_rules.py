"""Amounts, units and states of orders: tables and properties, without a database."""

import itertools
from collections import Counter
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_api.catalog import SkuKind
from oms_api.network import PaymentRule
from oms_api.orders.models import AdjustmentKind, OrderStatus, UnitState
from oms_api.orders.rules.amounts import Amounts, Sums, amounts, slice_of, spread, sums, worth
from oms_api.orders.rules.status import Funds, is_paid, missing, outstanding, status
from oms_api.orders.rules.units import MOVES, Move, covered, deltas, parts_of, shortfalls, to_cancel, to_release

S = UnitState
O = OrderStatus  # noqa: E741
ONE, TWO = UUID(int=1), UUID(int=2)


def adjustment(kind: AdjustmentKind, amount: int, included: bool = False) -> Any:
    return SimpleNamespace(kind=kind, amount_minor=amount, included=included)


def line(quantity: int = 1, price: int = 0, share: Sums | None = None, **values: Any) -> Any:
    share = share or Sums()
    return SimpleNamespace(
        **{
            "id": ONE,
            "sku": "A",
            "kind": SkuKind.PHYSICAL,
            "components": [],
            "quantity": quantity,
            "unit_price_minor": price,
            "discount_minor": share.discount,
            "included_discount_minor": share.included_discount,
            "tax_minor": share.tax,
            "included_tax_minor": share.included_tax,
            "fee_minor": share.fee,
            **{state.value: 0 for state in UnitState},
            **values,
        }
    )


# --- amounts -------------------------------------------------------------------------------------------------------


def test_adjustments_add_up_by_kind_and_contained_fees_nowhere() -> None:
    K = AdjustmentKind
    given_ = [
        adjustment(K.DISCOUNT, 100), adjustment(K.DISCOUNT, 30, True), adjustment(K.TAX, 19),
        adjustment(K.TAX, 7, True), adjustment(K.FEE, 5), adjustment(K.FEE, 3, True), adjustment(K.TAX, 1),
    ]  # fmt: skip
    assert sums(given_) == Sums(discount=100, included_discount=30, tax=20, included_tax=7, fee=5)
    assert sums(given_).extra == 20 + 5 - 100


def test_a_discount_of_the_order_is_spread_by_what_lines_cost_after_their_own() -> None:
    # 30.00 less 10.00 of its own weighs twice as much as 10.00
    shares = spread(Sums(discount=300), [(3000, Sums(discount=1000)), (1000, Sums())])
    assert shares == [Sums(discount=1200), Sums(discount=100)]


def test_the_cent_that_does_not_divide_goes_to_the_largest_remainder() -> None:
    assert [share.discount for share in spread(Sums(discount=100), [(1000, Sums())] * 3)] == [34, 33, 33]


def test_an_order_is_worth_what_its_units_that_are_not_cancelled_are() -> None:
    of = line(3, 1000, Sums(discount=100, included_tax=479), cancelled=1)
    assert amounts([of], 500) == Amounts(subtotal=2000, discount=66, tax=319, total=2000 - 66 + 500)


def test_an_order_without_a_unit_is_worth_nothing_not_even_its_shipping() -> None:
    assert amounts([line(2, 1000, Sums(tax=100), cancelled=2)], 500) == Amounts(0, 0, 0, 0)


def test_a_unit_costs_its_price_with_its_slice_of_what_comes_on_top() -> None:
    of = line(3, 1000, Sums(discount=100, tax=50, fee=10, included_tax=300))
    assert [worth(of, start, 1) for start in range(3)] == [986, 987, 987]
    assert worth(of, 0, 3) == 3000 - 100 + 50 + 10


sums_ = st.builds(Sums, *[st.integers(0, 10_000)] * 5)
priced = st.tuples(st.integers(1, 50), st.integers(0, 10_000), sums_)


@given(sums_, st.lists(priced, min_size=1, max_size=8))
def test_what_is_spread_over_lines_adds_up_to_the_minor_unit(
    of_order: Sums, items: Sequence[tuple[int, int, Sums]]
) -> None:
    shares = spread(of_order, [(quantity * price, own) for quantity, price, own in items])
    for at in range(5):
        assert sum(share[at] for share in shares) == of_order[at] + sum(own[at] for _, _, own in items)


@given(priced, st.lists(st.integers(1, 10), max_size=10))
def test_cancelling_in_any_steps_leaves_what_cancelling_at_once_leaves(
    item: tuple[int, int, Sums], steps: list[int]
) -> None:
    quantity, price, share = item
    before = amounts([line(quantity, price, share)], 0).total
    cancelled, given_back = 0, 0
    for step in steps:
        step = min(step, quantity - cancelled)
        given_back += worth(line(quantity, price, share), quantity - cancelled - step, step)
        cancelled += step
        after = amounts([line(quantity, price, share, cancelled=cancelled)], 0)
        assert after.total == before - given_back
        assert after.subtotal == price * (quantity - cancelled)


@given(priced, st.data())
def test_refunding_unit_by_unit_equals_refunding_at_once(item: tuple[int, int, Sums], data: st.DataObject) -> None:
    quantity, price, share = item
    of = line(quantity, price, share)
    cuts = sorted(data.draw(st.sets(st.integers(0, quantity))) | {0, quantity})
    parts = [worth(of, start, end - start) for start, end in itertools.pairwise(cuts)]
    assert sum(parts) == worth(of, 0, quantity) == amounts([of], 0).total
    assert slice_of(of, 0, quantity) == share


@given(st.lists(priced, min_size=1, max_size=6), st.integers(0, 5000), st.data())
def test_the_total_is_lines_less_discounts_plus_shipping_fees_and_tax_that_prices_do_not_contain(
    items: Sequence[tuple[int, int, Sums]], shipping: int, data: st.DataObject
) -> None:
    lines = [
        line(quantity, price, share, cancelled=data.draw(st.integers(0, quantity))) for quantity, price, share in items
    ]
    found = amounts(lines, shipping)
    kept = [(of, of.quantity - of.cancelled) for of in lines]
    carried = [slice_of(of, 0, count) for of, count in kept]
    assert found.subtotal == sum(of.unit_price_minor * count for of, count in kept)
    assert found.discount == sum(part.discount + part.included_discount for part in carried)
    assert found.tax == sum(part.tax + part.included_tax for part in carried)
    on_top = sum(part.tax + part.fee - part.discount for part in carried)
    assert found.total == found.subtotal + on_top + (shipping if any(count for _, count in kept) else 0)


# --- units ---------------------------------------------------------------------------------------------------------


def test_moves_add_up_by_line_and_state() -> None:
    found = deltas([Move(ONE, S.RESERVED, S.ALLOCATED, 3), Move(ONE, S.ALLOCATED, S.SHIPPED, 2)])
    assert found == {ONE: Counter({S.SHIPPED: 2, S.ALLOCATED: 1, S.RESERVED: -3})}


@pytest.mark.parametrize(
    ("from_state", "to_state"),
    [(S.DELIVERED, S.SHIPPED), (S.CANCELLED, S.RESERVED), (S.RETURNED, S.DELIVERED), (S.PENDING, S.SHIPPED)],
)
def test_a_step_that_the_trade_does_not_know_is_a_bug_of_the_caller(from_state: S, to_state: S) -> None:
    with pytest.raises(ValueError, match="units do not go"):
        deltas([Move(ONE, from_state, to_state, 1)])


def test_fewer_than_one_unit_cannot_move() -> None:
    with pytest.raises(ValueError, match="0 units cannot move"):
        deltas([Move(ONE, S.RESERVED, S.ALLOCATED, 0)])


def test_more_units_than_are_there_cannot_leave_a_state() -> None:
    lines = {ONE: line(5, reserved=2)}
    assert shortfalls(lines, deltas([Move(ONE, S.RESERVED, S.ALLOCATED, 2)])) == []
    (short,) = shortfalls(lines, deltas([Move(ONE, S.RESERVED, S.ALLOCATED, 3)]))
    assert (short.code, short.details and short.details["remaining_quantity"]) == ("EXCEEDS_REMAINING", 2)
    (unknown,) = shortfalls(lines, deltas([Move(TWO, S.RESERVED, S.ALLOCATED, 1)]))
    assert unknown.code == "INVALID"


steps = st.sampled_from([(a, b) for a, targets in MOVES.items() for b in sorted(targets)])


@given(st.integers(1, 20), st.lists(st.tuples(steps, st.integers(1, 20)), max_size=30))
def test_units_always_add_up_to_the_quantity_and_none_is_negative(
    quantity: int, wanted: Sequence[tuple[tuple[S, S], int]]
) -> None:
    states = Counter({S.RESERVED: quantity})
    for (from_state, to_state), count in wanted:
        of = line(quantity, **{state.value: states[state] for state in UnitState})
        change = deltas([Move(ONE, from_state, to_state, count)])
        if not shortfalls({ONE: of}, change):
            states.update(change[ONE])
        assert sum(states.values()) == quantity
        assert min(states.values()) >= 0


@pytest.mark.parametrize(
    ("quantity", "per_unit", "on_hand", "to_come", "expected"),
    [
        (3, {"A": 1}, {"A": 3}, {}, (3, 0)),
        (3, {"A": 1}, {"A": 1}, {"A": 1}, (1, 1)),
        (3, {"CUP": 4, "POT": 1}, {"CUP": 12, "POT": 2}, {"POT": 1}, (2, 1)),
        (3, {"CUP": 4, "POT": 1}, {"CUP": 7, "POT": 3}, {}, (1, 0)),  # three cups are no set
        (2, {}, {}, {}, (2, 0)),
    ],
)
def test_a_line_is_covered_by_whole_units(
    quantity: int, per_unit: dict[str, int], on_hand: dict[str, int], to_come: dict[str, int], expected: tuple[int, int]
) -> None:
    assert covered(quantity, per_unit, on_hand, to_come) == expected


def test_units_that_nobody_holds_are_cancelled_first() -> None:
    of = line(6, pending=1, backordered=2, reserved=2, allocated=1)
    assert to_cancel(of, 4) == [
        Move(ONE, S.PENDING, S.CANCELLED, 1),
        Move(ONE, S.BACKORDERED, S.CANCELLED, 2),
        Move(ONE, S.RESERVED, S.CANCELLED, 1),
    ]


def held(sku: str, location: int, quantity: int, supply: bool = False) -> Any:
    return SimpleNamespace(
        sku=sku, location_id=UUID(int=location), quantity=quantity, supply_id=UUID(int=9) if supply else None
    )


def released(of: Any, cancelled: int, rows: Sequence[Any], keep: Any = None) -> list[tuple[int, bool, int]]:
    return [
        (row.location_id.int, row.supply_id is not None, count)
        for row, count in to_release(of, cancelled, rows, keep or {})
    ]


def test_what_is_yet_to_come_is_let_go_before_what_is_on_hand() -> None:
    of = line(5, reserved=3, backordered=2)
    rows = [held("A", 1, 3), held("A", 1, 2, supply=True)]
    assert released(of, 2, rows) == [(1, True, 2)]
    assert released(of, 3, rows) == [(1, True, 2), (1, False, 1)]


def test_backordered_units_that_nothing_is_held_for_let_nothing_go() -> None:
    of = line(5, reserved=3, backordered=2)
    assert released(of, 2, [held("A", 1, 3)]) == []
    assert released(of, 4, [held("A", 1, 3)]) == [(1, False, 2)]


def test_what_a_location_works_on_stays_held() -> None:
    of = line(5, reserved=3, allocated=2)
    rows = [held("A", 1, 2), held("A", 2, 3)]
    assert released(of, 3, rows, {(ONE, "A", UUID(int=1)): 2}) == [(2, False, 3)]


def test_a_kit_lets_all_its_components_go() -> None:
    of = line(2, kind=SkuKind.KIT, components=[["CUP", 4], ["POT", 1]], reserved=2)
    assert parts_of(of) == {"CUP": 4, "POT": 1}
    assert released(of, 1, [held("CUP", 1, 8), held("POT", 1, 2)]) == [(1, False, 4), (1, False, 1)]


# --- states --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("present", "lines", "owed", "expected"),
    [
        (O.PENDING, [line(2, reserved=2)], 100, O.PENDING),
        (O.PENDING, [line(2, cancelled=2)], 0, O.CANCELLED),
        (O.CONFIRMED, [line(2, reserved=2)], 100, O.CONFIRMED),
        (O.CONFIRMED, [line(2, cancelled=2)], 0, O.CANCELLED),
        (O.CONFIRMED, [line(2, shipped=1, allocated=1)], 100, O.PARTIALLY_SHIPPED),
        (O.CONFIRMED, [line(2, shipped=1, cancelled=1)], 100, O.SHIPPED),
        (O.CONFIRMED, [line(2, shipped=2), line(1, reserved=1)], 0, O.PARTIALLY_SHIPPED),
        (O.SHIPPED, [line(2, delivered=1, shipped=1)], 0, O.SHIPPED),
        (O.SHIPPED, [line(2, delivered=2)], 1, O.SHIPPED),
        (O.SHIPPED, [line(2, delivered=2)], -1, O.SHIPPED),
        (O.SHIPPED, [line(2, delivered=1, returned=1)], 0, O.COMPLETED),
        (O.COMPLETED, [line(2, delivered=1, returned=1)], -100, O.COMPLETED),
        (O.PARTIALLY_SHIPPED, [line(2, shipped=1, cancelled=1)], 0, O.SHIPPED),
    ],
)
def test_an_orders_status_follows_from_its_units_and_what_is_owed(
    present: O, lines: Sequence[Any], owed: int, expected: O
) -> None:
    assert status(present, lines, owed) is expected


@pytest.mark.parametrize(
    ("rule", "funds", "expected"),
    [
        (PaymentRule.NONE, Funds(), 0),
        (PaymentRule.AUTHORIZED, Funds(), 1000),
        (PaymentRule.AUTHORIZED, Funds(authorized=999), 1),
        (PaymentRule.AUTHORIZED, Funds(authorized=1000), 0),
        (PaymentRule.AUTHORIZED, Funds(authorized=1200), 0),
        (PaymentRule.CAPTURED, Funds(authorized=1000, captured=400), 600),
        (PaymentRule.CAPTURED, Funds(authorized=1000, captured=1000), 0),
        (PaymentRule.CAPTURED, Funds(authorized=1000, captured=1000, refunded=1), 1),
    ],
)
def test_the_channels_rule_says_how_much_money_is_missing(rule: PaymentRule, funds: Funds, expected: int) -> None:
    assert missing(rule, 1000, funds) == expected


def test_outstanding_counts_what_is_taken_and_not_what_is_reserved() -> None:
    order: Any = SimpleNamespace(total_minor=1000, credited_minor=300)
    assert outstanding(order, Funds(authorized=1000, captured=1000, refunded=200)) == -100
    assert outstanding(order, Funds(authorized=1000)) == 700


def test_an_order_is_paid_when_money_covers_it_and_one_that_costs_nothing_never_is() -> None:
    order: Any = SimpleNamespace(total_minor=1000)
    assert [is_paid(order, Funds(authorized=amount)) for amount in (0, 999, 1000)] == [False, False, True]
    assert not is_paid(SimpleNamespace(total_minor=0), Funds())  # type: ignore[arg-type]
