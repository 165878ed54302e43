"""Money: exact, refused rather than rounded, shared to the last minor unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_api.kit import money
from oms_api.kit.errors import InvalidAmount

# Published vectors: Vendure's proration tests.
PRORATED = [
    ([4000, 2000, 2000], 300, [150, 75, 75]),
    ([4300, 1400, 2300], 299, [161, 52, 86]),
    ([100, 100], -20, [-10, -10]),
    ([0, 0], 10, [5, 5]),
]


@pytest.mark.parametrize(("weights", "total", "shares"), PRORATED)
def test_published_prorations_come_out_exactly(weights: list[int], total: int, shares: list[int]) -> None:
    assert money.prorate(total, weights) == shares


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(0, 10**9), min_size=1, max_size=60))
def test_shares_always_sum_to_the_total(total: int, weights: list[int]) -> None:
    shares = money.prorate(total, weights)
    assert sum(shares) == total
    assert all(share * total >= 0 for share in shares)


@given(st.integers(0, 10**9), st.integers(1, 50), st.data())
def test_refunding_unit_by_unit_equals_refunding_at_once(total: int, units: int, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, units))
    at_once = money.unit_slice(total, units, 0, units)
    apart = money.unit_slice(total, units, 0, cut) + money.unit_slice(total, units, cut, units - cut)
    assert at_once == apart == total
    assert sum(money.unit_slice(total, units, i, 1) for i in range(units)) == total


def test_a_discount_of_4_over_3_units_is_1_1_2_in_some_order() -> None:
    assert sorted(money.unit_slice(4, 3, i, 1) for i in range(3)) == [1, 1, 2]


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("19.90", "EUR", 1990), ("19.9", "EUR", 1990), ("5", "JPY", 5), ("1.234", "KWD", 1234), ("19.900", "EUR", 1990)],
)
def test_major_units_become_minor_units_of_the_currency(text: str, currency: str, minor: int) -> None:
    assert money.parse(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [("19.901", "EUR"), ("5.1", "JPY"), ("1.2345", "KWD"), ("NaN", "EUR"), ("1e5", "EUR"), ("1" * 5000, "EUR"),
     ("10000000000000.01", "EUR"), ("1", "XXQ"), ("", "EUR"), ("1,50", "EUR"), ("٣", "EUR")],
)  # fmt: skip
def test_what_is_not_exact_is_refused_never_rounded(text: str, currency: str) -> None:
    with pytest.raises(InvalidAmount):
        money.parse(text, currency)


@given(st.integers(-(10**15), 10**15), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_what_is_written_reads_back(minor: int, currency: str) -> None:
    assert money.parse(money.major(minor, currency), currency) == minor
