"""One question of order sourcing: merged demands, all sources, and what each parcel and location costs and may do.

Scores are additive over parcels but for the penalty of `balance`, which goes by location.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from operator import itemgetter
from typing import NamedTuple

from oms_api.sourcing.rules.words import (
    BALANCE_WEIGHT,
    PLAIN,
    Capacity,
    Demand,
    Objective,
    Rate,
    Room,
    Source,
    Weights,
)

ALL_THE_ROOM = Room()

Bundle = tuple[tuple[tuple[int, int], ...], int]
"""(Line, units) that travel together, and how many such packs are wanted."""


class Card(NamedTuple):
    """Why the contents of two parcels cost the same: equal cards, equal costs."""

    rate: Rate | int
    """A rate card, or the price of a kilogram."""
    per_line: int
    units: tuple[int, ...] | None
    """Penalty for a unit of each line; None when there is none."""


@dataclass(frozen=True)
class Prices:
    """What parcels of some sources score."""

    bases: list[int]
    keys: list[object]
    by_key: dict[object, Card]

    @cached_property
    def distinct(self) -> list[Card]:
        """Each card once."""
        return list({id(card): card for card in self.by_key.values()}.values())

    @cached_property
    def cards(self) -> list[Card]:
        """The card of each source; equal cards are one object."""
        return list(map(self.by_key.__getitem__, self.keys))


_CARD = itemgetter(*[Source._fields.index(name) for name in ("per_kg", "per_line", "per_unit")])


class Problem:
    """Merged demands and all sources; answers what does not depend on which sources are looked at.

    ValueError for what makes no sense: quantities below 1, negative costs, a SKU of two weights.
    """

    def __init__(
        self,
        demands: Sequence[Demand],
        sources: Sequence[Source],
        objective: Objective,
        weights: Weights = PLAIN,
        *,
        due_on: int | None = None,
        capacity: Capacity | None = None,
        min_split_value: int = 0,
        part: bool = False,
    ) -> None:
        wanted: dict[str, Demand] = {}
        groups: dict[str, list[str]] = {}
        for demand in demands:
            sku, quantity, grams, cm3, value, _, group = demand
            if quantity <= 0 or grams < 0 or cm3 < 0 or value < 0:
                raise ValueError(f"{quantity} units of {grams} g of {sku!r}: want one or more, nothing negative")
            before = wanted.get(sku)
            if before is not None:
                if before.grams != grams:
                    raise ValueError(f"{sku!r} cannot weigh both {before.grams} g and {grams} g")
                if (before.cm3, before.value) != (cm3, value):
                    raise ValueError(f"{sku!r} cannot have two volumes or values")
                demand = before._replace(quantity=before.quantity + quantity, whole=before.whole or demand.whole)
            wanted[sku] = demand
            if group:
                groups.setdefault(group, []).append(sku)
        if min(weights) < 0:
            raise ValueError(f"{weights}: a weight cannot be negative")
        self.skus = tuple(sorted(wanted))
        lines = [wanted[sku] for sku in self.skus]
        self.quantities = tuple(line.quantity for line in lines)
        self.grams = tuple(line.grams for line in lines)
        self.cm3 = tuple(line.cm3 for line in lines)
        self.values = tuple(line.value for line in lines)
        self.together = self._joined([groups[name] for name in sorted(groups)], lines)
        """Lines of each group; a line that may not be split is a group."""
        self.sources = sources
        self.objective = objective
        if objective is Objective.MOST_PROFITABLE and not weights.margin:
            weights = weights._replace(margin=1)
        self.weights = weights
        self.due_on = due_on
        self.capacity: Capacity = capacity or {}
        self.min_split_value = min_split_value
        self.part = part
        """Whether other parcels are sent beside those of this problem."""
        self.balance = weights.balance or (BALANCE_WEIGHT if objective is Objective.BALANCED else 0)
        self._plain = weights == PLAIN
        self._prices: dict[int, tuple[Sequence[Source], Prices]] = {}  # by id; kept with it, so it stays theirs
        self._chains: dict[str, list[tuple[int, tuple[int, ...]]]] = {}

    def _joined(self, groups: Sequence[Sequence[str]], lines: Sequence[Demand]) -> tuple[tuple[int, ...], ...]:
        """Groups that share a SKU are one; ordered by their first line."""
        sets = [{self.skus.index(sku) for sku in group} for group in groups]
        sets += [{at} for at, line in enumerate(lines) if line.whole]
        joined: list[set[int]] = []
        for own in sets:
            for other in [other for other in joined if other & own]:
                own |= other
                joined.remove(other)
            joined.append(own)
        return tuple(sorted(tuple(sorted(own)) for own in joined))

    def bundles(self, kept_whole: Sequence[int] = ()) -> list[Bundle]:
        """What travels together, these lines included, in the order of the lines that come first."""
        grouped = {line for lines in self.together for line in lines}
        found: list[Bundle] = [(tuple((line, self.quantities[line]) for line in lines), 1) for lines in self.together]
        for line, quantity in enumerate(self.quantities):
            if line not in grouped:
                whole = line in kept_whole
                found.append((((line, quantity if whole else 1),), 1 if whole else quantity))
        return sorted(found)

    @cached_property
    def by_location(self) -> dict[str, list[Source]]:
        """Sources of each location."""
        places: dict[str, list[Source]] = {}
        for source in self.sources:
            places.setdefault(source.location, []).append(source)
        return places

    def chain(self, location: str) -> list[tuple[int, tuple[int, ...]]]:
        """(Ship day, units of each SKU that may leave by it), by rising day; never falls."""
        chain = self._chains.get(location)
        if chain is None:
            level = [0] * len(self.skus)
            by_day: dict[int, tuple[int, ...]] = {}
            for source in sorted(self.by_location[location], key=lambda source: source.ships_on):
                level = [max(have, source.stock.get(sku, 0)) for have, sku in zip(level, self.skus, strict=True)]
                by_day[source.ships_on] = tuple(level)
            chain = self._chains[location] = list(by_day.items())
        return chain

    def together_at(self, sources: Sequence[Source], line: int) -> int:
        """Units of a line that these sources of one location can send between them."""
        sku = self.skus[line]
        if len(sources) == 1:
            return max(sources[0].stock.get(sku, 0), 0)
        units = 0
        limits = {day: limit[line] for day, limit in self.chain(sources[0].location)}
        for source in sorted(sources, key=lambda source: source.ships_on):
            units = min(units + max(source.stock.get(sku, 0), 0), limits[source.ships_on])
        return units

    def may_leave(self, parcels: Sequence[tuple[Source, Sequence[int]]]) -> bool:
        """Whether one location can send these (source, units by line) together; each alone fits its source."""
        for day, limit in self.chain(parcels[0][0].location):
            leaving = [units for source, units in parcels if source.ships_on <= day]
            if any(sum(amounts) > most for amounts, most in zip(zip(*leaving, strict=True), limit, strict=False)):
                return False
        if not self.capacity:
            return True
        for day in {source.ships_on for source, _ in parcels}:
            today = [units for source, units in parcels if source.ships_on == day]
            sent = [sum(amounts) for amounts in zip(*today, strict=True)]
            if not fits(self.room(parcels[0][0]), len(today), sum(map(bool, sent)), sum(sent)):
                return False
        return True

    def room(self, source: Source) -> Room:
        """What the location can send on the source's ship day."""
        return self.capacity.get((source.location, source.ships_on), ALL_THE_ROOM)

    def open_to(self, source: Source) -> bool:
        """Whether capacity leaves the source anything to send."""
        return fits(self.room(source), 1, 1, 1)

    def fits_alone(self, source: Source, lines: int, units: int) -> bool:
        """Whether one parcel of so much fits into the source's day."""
        return fits(self.room(source), 1, lines, units)

    def penalty(self, location: str, units: Sequence[int]) -> int:
        """What taking these units from a location costs in balance."""
        if not self.balance:
            return 0
        stock = self.chain(location)[-1][1]
        weight = self.balance
        return sum(weight * taken * taken // (have * have) for taken, have in zip(units, stock, strict=True) if taken)

    # — what a parcel scores: its base, and its contents by its card ——————————————————————————————————————————————

    def late(self, source: Source) -> int:
        """Days by which it arrives too late."""
        return 0 if self.due_on is None else max(source.arrives_on - self.due_on, 0)

    def base(self, source: Source) -> int:
        """What a parcel scores before it has contents; `split` counts for the first one too."""
        if self._plain:
            return source.fixed + source.surcharge
        shipping, late, split, preference, _, _ = self.weights
        extra = late * self.late(source) if late else 0
        return shipping * source.fixed + source.surcharge + extra + split + preference * source.rank

    def card(self, source: Source) -> Card:
        """By what the contents of a parcel are priced."""
        rate: Rate | int = source.per_kg if source.rate is None else source.rate
        return Card(rate, source.per_line, self.unit_penalties(source))

    def prices(self, sources: Sequence[Source]) -> "Prices":
        """What parcels of these sources score; ValueError for negative costs. Answers are kept."""
        known = self._prices.get(id(sources))
        if known is None:
            known = self._prices[id(sources)] = sources, Prices(self._bases(sources), *self._cards(sources))
        return known[1]

    def _bases(self, sources: Sequence[Source]) -> list[int]:
        fixed, surcharges = [source.fixed for source in sources], [source.surcharge for source in sources]
        ranks = [source.rank for source in sources] if self.weights.preference else ()
        for problem, values in (("cost", fixed), ("cost", surcharges), ("rank, and preference costs", ranks)):
            if min(values, default=0) < 0:
                at = next(at for at, value in enumerate(values) if value < 0)
                raise ValueError(f"{sources[at].location!r} has a source of negative {problem}")
        if self._plain:
            return list(map(int.__add__, fixed, surcharges))
        return [self.base(source) for source in sources]

    def _cards(self, sources: Sequence[Source]) -> tuple[list[object], dict[object, Card]]:
        """By what each source prices contents, and the card of it."""
        keys: list[object] = list(map(_CARD, sources))
        rates = [source.rate for source in sources]
        if rates.count(None) < len(rates):
            keys = list(zip(keys, map(id, rates), strict=True))
        if self.weights.margin:
            keys = list(zip(keys, (id(source.margins) for source in sources), strict=True))
        once: dict[Card, Card] = {}
        known: dict[object, Card] = {}
        for key, source in dict(zip(keys, sources, strict=True)).items():
            card = self._checked(source)
            known[key] = once.setdefault(card, card)
        return keys, known

    def _checked(self, source: Source) -> Card:
        if source.per_kg < 0 or source.per_line < 0 or source.per_unit < 0:
            raise ValueError(f"{source.location!r} has a source of negative cost")
        if source.rate is not None:
            source.rate.check()
        return self.card(source)

    def unit_penalties(self, source: Source) -> tuple[int, ...] | None:
        """Penalty for a unit of each line; None when there is none."""
        margins, weight = source.margins, self.weights.margin
        if weight and margins:
            units = tuple(weight * margins.get(sku, 0) + source.per_unit for sku in self.skus)
            return units if any(units) else None
        return (source.per_unit,) * len(self.skus) if source.per_unit else None

    def contents(self, card: Card, units: Sequence[int]) -> int:
        """What these units score in a parcel of this card."""
        rate, per_line, penalties = card
        grams = sum(map(int.__mul__, units, self.grams))
        if isinstance(rate, int):
            cost = -(-rate * grams // 1000)
        else:
            cost = rate.cost(grams, sum(map(int.__mul__, units, self.cm3)))
        cost *= self.weights.shipping
        if per_line:
            cost += per_line * sum(map(bool, units))
        if penalties is not None:
            cost += sum(map(int.__mul__, units, penalties))
        return cost

    def score(self, source: Source, units: Sequence[int]) -> int:
        """What a parcel scores."""
        return self.base(source) + self.contents(self.card(source), units)

    def least(self, card: Card) -> tuple[int, Fraction]:
        """(Amount, price of a gram) that no contents of this card go below, penalties aside."""
        rate, shipping = card.rate, self.weights.shipping
        if isinstance(rate, int):
            return 0, Fraction(shipping * rate, 1000)
        fixed = min(step.fixed for step in rate.breaks)
        most = sum(map(int.__mul__, self.quantities, self.grams))
        if rate.cm3_per_kg:
            most = max(most, -(-sum(map(int.__mul__, self.quantities, self.cm3)) * 1000 // rate.cm3_per_kg))
        slope: Fraction | None = None
        for up_to, own, per_kg in rate.breaks:
            # Fixed cost by the gram falls within a step, so it is least at its end.
            end = most if up_to is None or up_to > most else up_to
            price = Fraction(per_kg, 1000) + (Fraction(own - fixed, end) if end > 0 else 0)
            slope = price if slope is None else min(slope, price)
            if end == most:
                break
        if end < most:
            slope = min(slope or Fraction(0), Fraction(per_kg, 1000) + Fraction(own - fixed, most))
        return shipping * fixed, shipping * (slope or Fraction(0))


def fits(room: Room, parcels: int, lines: int, units: int) -> bool:
    """Whether so much fits into a room."""
    return (
        (room.parcels is None or parcels <= room.parcels)
        and (room.lines is None or lines <= room.lines)
        and (room.units is None or units <= room.units)
    )
