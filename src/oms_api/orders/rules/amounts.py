"""What an order is worth, to the minor unit.

Adjustments of the order are spread over its lines, weighted by each line's amount after its own discounts, by largest
remainder; a line's units carry cumulative slices of its amounts. So whatever is cancelled or returned, in whatever
steps, the parts add up to the whole.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from oms_api.kit.money import prorate, unit_slice
from oms_api.orders.models import AdjustmentKind


class Adjusted(Protocol):
    """An adjustment, as a row or as an input."""

    @property
    def kind(self) -> AdjustmentKind: ...
    @property
    def amount_minor(self) -> int: ...
    @property
    def included(self) -> bool: ...


class Sums(NamedTuple):
    """Adjustments added up; the `included` ones are contained in prices and change no total.

    A contained fee changes nothing that is ever added up, so it has no sum.
    """

    discount: int = 0
    included_discount: int = 0
    tax: int = 0
    included_tax: int = 0
    fee: int = 0

    @property
    def extra(self) -> int:
        """What they add to the price; may be negative."""
        return self.tax + self.fee - self.discount


class Amounts(NamedTuple):
    """An order's amounts. `discount` and `tax` count contained ones too."""

    subtotal: int
    discount: int
    tax: int
    total: int


class Priced(Protocol):
    """A line with its amounts for the whole quantity."""

    quantity: int
    cancelled: int
    unit_price_minor: int
    discount_minor: int
    included_discount_minor: int
    tax_minor: int
    included_tax_minor: int
    fee_minor: int


def sums(adjustments: Iterable[Adjusted]) -> Sums:
    """`adjustments` added up by kind."""
    found = dict.fromkeys(Sums._fields, 0)
    for adjustment in adjustments:
        name = adjustment.kind.lower()
        if adjustment.included:
            if adjustment.kind is not AdjustmentKind.FEE:
                found[f"included_{name}"] += adjustment.amount_minor
        else:
            found[name] += adjustment.amount_minor
    return Sums(**found)


def spread(of_order: Sums, lines: Sequence[tuple[int, Sums]]) -> list[Sums]:
    """Each line's own sums plus its share of the order's. `lines` are (price of all units, own sums)."""
    weights = [max(0, price - own.discount) for price, own in lines]
    shares = [prorate(amount, weights) for amount in of_order]
    return [Sums(*(own[i] + shares[i][j] for i in range(len(Sums._fields)))) for j, (_, own) in enumerate(lines)]


def slice_of(line: Priced, start: int, count: int) -> Sums:
    """The sums that units `start … start+count-1` of a line carry. Cancelled units are its last ones."""
    return Sums(
        *(
            unit_slice(amount, line.quantity, start, count) if amount else 0
            for amount in (
                line.discount_minor,
                line.included_discount_minor,
                line.tax_minor,
                line.included_tax_minor,
                line.fee_minor,
            )
        )
    )


def worth(line: Priced, start: int, count: int) -> int:
    """What units `start … start+count-1` of a line cost, discounts, fees and tax included: what a refund of them is."""
    return line.unit_price_minor * count + slice_of(line, start, count).extra


def amounts(lines: Iterable[Priced], shipping: int) -> Amounts:
    """An order's amounts: no cancelled unit counts, and shipping only while any unit is left."""
    subtotal = discount = tax = extra = 0
    any_left = False
    for line in lines:
        kept = line.quantity - line.cancelled
        if not kept:
            continue
        any_left = True
        carried = slice_of(line, 0, kept)
        subtotal += line.unit_price_minor * kept
        discount += carried.discount + carried.included_discount
        tax += carried.tax + carried.included_tax
        extra += carried.extra
    return Amounts(subtotal, discount, tax, subtotal + extra + (shipping if any_left else 0))
