"""Sub-carts as integers: one digit a bundle, how many packs of it, in mixed radix; a bitmask when all are 1."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import product
from math import prod

from oms_api.sourcing.rules.problem import Bundle, Problem


class SubCarts:
    """All sub-carts of a cart, with lines counted in packs that travel together.

    Codes run from 0 (empty) to `size - 1` (whole); a - b is the code of what is left when b is within a.
    """

    def __init__(self, problem: Problem, bundles: Sequence[Bundle]) -> None:
        self.problem = problem
        self.bundles = bundles
        self.most = tuple(most for _, most in bundles)
        self.digits = list(product(*(range(most + 1) for most in self.most)))
        self.size = len(self.digits)
        strides = [1] * len(self.most)
        for at in range(len(self.most) - 2, -1, -1):
            strides[at] = strides[at + 1] * (self.most[at + 1] + 1)
        self.strides = strides
        self.grams = self._sums(problem.grams)
        self.lower = [
            (code, code - stride)
            for at, stride in enumerate(strides)
            for code in range(self.size - 1, 0, -1)
            if self.digits[code][at]
        ]
        """(Code, code with one pack less), in an order that lets values run down to every sub-cart."""
        self.anchors = list(range(len(self.most)))
        """Bundles in the order in which they are served; set it to the rarest first before asking `anchored`."""
        width = max(self.most, default=0).bit_length() + 1
        self.fields = [sum(digit << at * width for at, digit in enumerate(amounts)) for amounts in self.digits]
        self.guard = sum(1 << at * width + width - 1 for at in range(len(self.most)))
        """Digits in bit fields: `(fields[r] | guard) - fields[s] & guard == guard` when s is within r."""
        self.counts = [prod(amount + 1 for amount in amounts) for amounts in self.digits]
        """How many sub-carts each has, itself and the empty one included."""
        self._simple = all(len(parts) == 1 for parts, _ in bundles)
        self._lines = [
            (problem.skus[parts[0][0]], parts[0][1], most, stride)
            for (parts, most), stride in zip(bundles, strides, strict=True)
        ]
        self._units: dict[int, tuple[int, ...]] = {}
        self._within: dict[int, list[int]] = {}
        self._anchored: dict[int, list[int]] = {}

    def _sums(self, by_unit: Sequence[int]) -> list[int]:
        by_pack = [sum(by_unit[line] * units for line, units in parts) for parts, _ in self.bundles]
        return [sum(map(int.__mul__, amounts, by_pack)) for amounts in self.digits]

    @cached_property
    def cm3(self) -> list[int]:
        """Volume of each sub-cart."""
        return self._sums(self.problem.cm3)

    @cached_property
    def values(self) -> list[int]:
        """Worth of each sub-cart."""
        return self._sums(self.problem.values)

    @cached_property
    def unit_counts(self) -> list[int]:
        """Units of each sub-cart."""
        return self._sums((1,) * len(self.problem.skus))

    @cached_property
    def line_counts(self) -> list[int]:
        """SKUs of each sub-cart."""
        by_pack = [len(parts) for parts, _ in self.bundles]
        return [sum(lines for digit, lines in zip(amounts, by_pack, strict=True) if digit) for amounts in self.digits]

    def penalties(self, by_unit: Sequence[int]) -> list[int]:
        """Sum of a penalty for a unit of each line, by sub-cart."""
        return self._sums(by_unit)

    def code(self, stock: Mapping[str, int]) -> int:
        """The most of the cart that this stock covers."""
        code = 0
        if self._simple:
            for sku, pack, most, stride in self._lines:
                packs = stock.get(sku, 0) // pack
                if packs > 0:
                    code += stride * (packs if packs < most else most)
            return code
        skus = self.problem.skus
        return self.encoded(self.packed([stock.get(sku, 0) for sku in skus]))

    def packed(self, units: Sequence[int]) -> tuple[int, ...]:
        """Digits of the most of the cart that so many units of each line cover."""
        return tuple(max(0, min(most, *(units[line] // pack for line, pack in parts))) for parts, most in self.bundles)

    def encoded(self, digits: Iterable[int]) -> int:
        """The code of these digits."""
        return sum(map(int.__mul__, digits, self.strides))

    def units(self, code: int) -> tuple[int, ...]:
        """Units by line."""
        known = self._units.get(code)
        if known is None:
            units = [0] * len(self.problem.skus)
            for (parts, _), digit in zip(self.bundles, self.digits[code], strict=True):
                for line, pack in parts:
                    units[line] = digit * pack
            known = self._units[code] = tuple(units)
        return known

    def within(self, code: int) -> list[int]:
        """All sub-carts of a sub-cart but the empty one, the largest first."""
        found = self._within.get(code)
        if found is None:
            found = self._within[code] = self._parts(code, None)
        return found

    def anchored(self, code: int) -> list[int]:
        """All smaller sub-carts with some of the first bundle (in anchor order) that the sub-cart has any of."""
        found = self._anchored.get(code)
        if found is None:
            found = self._anchored[code] = self._parts(code, self.anchor(code))[1:]
        return found

    def anchor(self, code: int) -> int:
        """First bundle in anchor order that a sub-cart, not empty, has any of."""
        digits = self.digits[code]
        return next(at for at in self.anchors if digits[at])

    def _parts(self, code: int, anchor: int | None) -> list[int]:
        parts = [0]
        for at, (digit, stride) in enumerate(zip(self.digits[code], self.strides, strict=True)):
            if digit:
                least = stride if at == anchor else 0
                parts = [part + more for part in parts for more in range(least, digit * stride + 1, stride)]
        parts.reverse()
        if parts[-1] == 0:
            parts.pop()
        return parts
