"""The best parcel for each sub-cart over all sources: the columns of the exact search.

What a parcel scores is its base and its contents. Sources with the same card price all contents alike, so of these
the one with the least base is best for a sub-cart and for all it may be part of: coverage is pushed down once a card.
Sources that are few of a card, or that capacity or balance sets apart, are priced sub-cart by sub-cart.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from math import isqrt

from oms_api.sourcing.rules.problem import Card, Problem, fits
from oms_api.sourcing.rules.steps import Steps
from oms_api.sourcing.rules.subcarts import SubCarts
from oms_api.sourcing.rules.words import Source

NEVER = 1 << 512


class Columns:
    """What parcels of some sources score, by sub-cart. Sources by tie order, with the most that each covers."""

    def __init__(
        self, problem: Problem, carts: SubCarts, sources: Sequence[Source], codes: Sequence[int], steps: Steps
    ) -> None:
        self.problem = problem
        self.carts = carts
        self.sources = sources
        self.codes = codes
        self.steps = steps
        self.number_bits = len(sources).bit_length()
        prices = problem.prices(sources)
        self.bases, self.cards = prices.bases, prices.cards
        self._contents: dict[Card, list[int]] = {}
        self._penalties: dict[tuple[tuple[int, ...], int], int] = {}
        self._alone = [self._stands_alone(number) for number in range(len(sources))] if self._any_alone else None

    @property
    def _any_alone(self) -> bool:
        return bool(self.problem.balance or self.problem.capacity)

    def _stands_alone(self, number: int) -> bool:
        """Whether balance or capacity set a source apart from others of its card."""
        if self.problem.balance:
            return True
        room, code = self.problem.room(self.sources[number]), self.codes[number]
        return not fits(room, 1, self.carts.line_counts[code], self.carts.unit_counts[code])

    def contents(self, card: Card) -> list[int]:
        """What contents score in a parcel of a card, by sub-cart."""
        known = self._contents.get(card)
        if known is not None:
            return known
        carts, shipping = self.carts, self.problem.weights.shipping
        rate, per_line, penalties = card
        self.steps.spend(carts.size * (1 if isinstance(rate, int) else 4))
        if isinstance(rate, int):
            price = rate
            found = [shipping * -(-price * grams // 1000) for grams in carts.grams]
        else:
            found = [shipping * rate.cost(grams, cm3) for grams, cm3 in zip(carts.grams, carts.cm3, strict=True)]
        if per_line:
            found = [score + per_line * lines for score, lines in zip(found, carts.line_counts, strict=True)]
        if penalties is not None:
            found = list(map(int.__add__, found, carts.penalties(penalties)))
        self._contents[card] = found
        return found

    @cached_property
    def dearest(self) -> int:
        """What no parcel scores more than."""
        scores = [max(self.contents(card)) for card in set(self.cards)]
        balance = self.problem.balance * len(self.problem.skus)
        return max(self.bases, default=0) + max(scores, default=0) + balance

    @cached_property
    def least_contents(self) -> list[int]:
        """What contents score at least, by sub-cart, however they are parted into parcels."""
        cards = set(self.cards)
        if not cards:
            return [0] * self.carts.size
        price = min(self.problem.least(card)[1] for card in cards)
        minus, parts = -price.numerator, price.denominator
        found = [-(minus * grams // parts) for grams in self.carts.grams]
        per_line = min(card.per_line for card in cards)
        if per_line:
            found = [score + per_line * lines for score, lines in zip(found, self.carts.line_counts, strict=True)]
        if all(card.units is not None for card in cards):
            by_unit = [min(units) for units in zip(*(card.units or () for card in cards), strict=True)]
            found = list(map(int.__add__, found, self.carts.penalties(by_unit)))
        return found

    def allowed(self, code: int) -> bool:
        """Whether a sub-cart is worth a parcel of its own."""
        least = self.problem.min_split_value
        if not least or self.carts.values[code] >= least:
            return True
        return code == self.carts.size - 1 and not self.problem.part

    def of(self, numbers: Iterable[int], fixed: Mapping[int, int], per_cost: int) -> list[int]:
        """For each sub-cart the least (score, number of the source) in one integer.

        `fixed` is what a parcel of a source scores without its contents, on a scale where 1 is `per_cost`.
        """
        carts, bits, alone = self.carts, self.number_bits, self._alone
        unit = per_cost << bits
        column = [NEVER << bits] * carts.size
        by_card: dict[Card, list[int]] = {}
        for number in numbers:
            if alone is not None and alone[number]:
                self._price(column, number, fixed[number] << bits | number, unit)
            else:
                by_card.setdefault(self.cards[number], []).append(number)
        push_down = len(carts.lower) + carts.size
        for card, own in by_card.items():
            contents = self.contents(card)
            if len(own) * 2 < push_down and sum([carts.counts[self.codes[number]] for number in own]) < push_down:
                for number in own:
                    start = fixed[number] << bits | number
                    parts = carts.within(self.codes[number])
                    self.steps.spend(len(parts))
                    for code in parts:
                        total = start + contents[code] * unit
                        if total < column[code]:
                            column[code] = total
                continue
            best = [NEVER << bits] * carts.size
            for number in own:
                start = fixed[number] << bits | number
                if start < best[self.codes[number]]:
                    best[self.codes[number]] = start
            self.steps.spend(push_down)
            for code, below in carts.lower:
                if best[code] < best[below]:
                    best[below] = best[code]
            for code, start in enumerate(best):
                total = start + contents[code] * unit
                if total < column[code]:
                    column[code] = total
        if self.problem.min_split_value:
            column = [total if self.allowed(code) else NEVER << bits for code, total in enumerate(column)]
        return column

    def _price(self, column: list[int], number: int, start: int, unit: int) -> None:
        """Price each sub-cart that a source can send by itself."""
        carts, source = self.carts, self.sources[number]
        contents = self.contents(self.cards[number])
        parts = carts.within(self.codes[number])
        self.steps.spend(len(parts))
        room = self.problem.room(source)
        lines = carts.line_counts if room.lines is not None else None
        units = carts.unit_counts if room.units is not None else None
        if not fits(room, 1, 1, 1):
            return
        balanced = bool(self.problem.balance)
        key = self._room(number) if balanced else ()
        for code in parts:
            if (lines and lines[code] > (room.lines or 0)) or (units and units[code] > (room.units or 0)):
                continue
            extra = contents[code] + (self._penalty(key, number, code) if balanced else 0)
            column[code] = min(column[code], start + extra * unit)

    def _room(self, number: int) -> tuple[int, ...]:
        """Stock of a source's location as far as the penalty can tell: equal rooms, equal penalties."""
        stock = self.problem.chain(self.sources[number].location)[-1][1]
        most = isqrt(self.problem.balance) + 1
        return tuple(min(have, wanted * most) for have, wanted in zip(stock, self.problem.quantities, strict=True))

    def _penalty(self, room: tuple[int, ...], number: int, code: int) -> int:
        known = self._penalties.get((room, code))
        if known is None:
            location = self.sources[number].location
            known = self._penalties[room, code] = self.problem.penalty(location, self.carts.units(code))
        return known
