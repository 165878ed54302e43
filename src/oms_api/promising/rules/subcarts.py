"""Sub-carts as integers: one digit a line, the quantity of it, in mixed radix; a bitmask when all are 1."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from math import prod


class SubCarts:
    """All sub-carts of a cart, with lines counted in packs.

    `packs[i]` units of line i always travel together; it divides the line's quantity. Codes run from 0 (empty)
    to `size - 1` (whole); a - b is the code of what is left when b is within a.
    """

    def __init__(
        self, skus: Sequence[str], quantities: Sequence[int], grams: Sequence[int], packs: Sequence[int]
    ) -> None:
        self.packs = tuple(packs)
        self.most = tuple(quantity // pack for quantity, pack in zip(quantities, packs, strict=True))
        self.digits = list(product(*(range(most + 1) for most in self.most)))
        self.size = len(self.digits)
        strides = [1] * len(self.most)
        for line in range(len(self.most) - 2, -1, -1):
            strides[line] = strides[line + 1] * (self.most[line + 1] + 1)
        self.strides = strides
        by_pack = [weight * pack for weight, pack in zip(grams, packs, strict=True)]
        self.grams = [sum(map(int.__mul__, amounts, by_pack)) for amounts in self.digits]
        self.lower = [
            (code, code - stride)
            for line, stride in enumerate(strides)
            for code in range(self.size - 1, 0, -1)
            if self.digits[code][line]
        ]
        """(Code, code with one less of a line), in an order that lets values run down to every sub-cart."""
        self.anchors = list(range(len(self.most)))
        """Lines in the order in which they are served; set it to the rarest first before asking `anchored`."""
        width = max(self.most, default=0).bit_length() + 1
        fields = [sum(digit << at * width for at, digit in enumerate(amounts)) for amounts in self.digits]
        guard = sum(1 << at * width + width - 1 for at in range(len(self.most)))
        self.fields, self.guard = fields, guard
        """Digits in bit fields: `(fields[r] | guard) - fields[s] & guard == guard` when s is within r."""
        self.counts = [prod(amount + 1 for amount in amounts) for amounts in self.digits]
        """How many sub-carts each has, itself and the empty one included."""
        self._lines = list(zip(skus, packs, self.most, strides, strict=True))
        self._within: dict[int, list[int]] = {}
        self._anchored: dict[int, list[int]] = {}

    def code(self, stock: Mapping[str, int]) -> int:
        """The most of the cart that this stock covers."""
        code = 0
        for sku, pack, most, stride in self._lines:
            packs = stock.get(sku, 0) // pack
            if packs > 0:
                code += stride * (packs if packs < most else most)
        return code

    def packed(self, units: Sequence[int]) -> tuple[int, ...]:
        """Digits of the most of the cart that so many units of each line cover."""
        return tuple(map(min, map(int.__floordiv__, units, self.packs), self.most))

    def encoded(self, digits: Iterable[int]) -> int:
        """The code of these digits."""
        return sum(map(int.__mul__, digits, self.strides))

    def units(self, code: int) -> tuple[int, ...]:
        """Units by line."""
        return tuple(map(int.__mul__, self.digits[code], self.packs))

    def within(self, code: int) -> list[int]:
        """All sub-carts of a sub-cart but the empty one, the largest first."""
        found = self._within.get(code)
        if found is None:
            found = self._within[code] = self._parts(code, None)
        return found

    def anchored(self, code: int) -> list[int]:
        """All smaller sub-carts with some of the first line (in anchor order) that the sub-cart has any of."""
        found = self._anchored.get(code)
        if found is None:
            found = self._anchored[code] = self._parts(code, self.anchor(code))[1:]
        return found

    def anchor(self, code: int) -> int:
        """First line in anchor order that a sub-cart, not empty, has any of."""
        digits = self.digits[code]
        return next(line for line in self.anchors if digits[line])

    def _parts(self, code: int, anchor: int | None) -> list[int]:
        parts = [0]
        for line, (digit, stride) in enumerate(zip(self.digits[code], self.strides, strict=True)):
            if digit:
                least = stride if line == anchor else 0
                parts = [part + more for part in parts for more in range(least, digit * stride + 1, stride)]
        parts.reverse()
        if parts[-1] == 0:
            parts.pop()
        return parts
