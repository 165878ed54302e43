"""One claim of a wave as the planner sees it: its problem on the wave's scale, and parcels of it as columns."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from oms_api.sourcing.rules.plan import plan
from oms_api.sourcing.rules.problem import Problem
from oms_api.sourcing.rules.wave.words import NEVER_WORSE, WEIGHT, Claim, WaveStrategy
from oms_api.sourcing.rules.words import Capacity, Objective, Plan, Source, Weights, tie_order

SCALE = 1000
"""Parts of a minor unit in which scores of a wave are counted: as fine as a price of a unit can be."""
WAITS = "\x00waits"
"""The location of the source that units which wait are planned at."""

Key = tuple[str, str, int]
"""What claims compete for: units of a SKU at a location by a ship day, or (SKU empty) a part of a day's room, whose
ship day then goes with the part: `day * 3 + part`."""
Uses = Mapping[Key, int]
Parcels = tuple[tuple[Source, tuple[tuple[str, int], ...]], ...]


class Column(NamedTuple):
    """One way to serve a claim: on the scale of the wave, without prices."""

    claim: int
    parcels: Parcels
    score: int
    uses: Uses

    @property
    def name(self) -> tuple[object, ...]:
        """Two columns of a name are the same."""
        parcels = ((one.location, one.ships_on, one.arrives_on, one.service, lines) for one, lines in self.parcels)
        return (self.claim, self.score, *parcels)


class Rows:
    """The keys that claims can run short of, and how much there is of each."""

    def __init__(self, claims: Sequence[Claim], capacity: Capacity) -> None:
        wanted: dict[str, int] = {}
        levels: dict[tuple[str, str], dict[int, int]] = {}
        held: dict[tuple[str, str, int], int] = {}
        for claim in claims:
            skus = {demand.sku for demand in claim.demands}
            for demand in claim.demands:
                wanted[demand.sku] = wanted.get(demand.sku, 0) + demand.quantity
            for source in (*claim.sources, *(one.source for one in claim.held)):
                for sku in skus:
                    units = source.stock.get(sku, 0)
                    if units > 0:
                        days = levels.setdefault((source.location, sku), {})
                        if days.get(source.ships_on, 0) < units:
                            days[source.ships_on] = units
            for one in claim.held:
                for sku, units in one.units.items():
                    key = (one.source.location, sku, one.source.ships_on)
                    held[key] = held.get(key, 0) + units
        self.most: dict[Key, int] = {}
        self.days: dict[tuple[str, str], tuple[int, ...]] = {}
        """Ship days with a row, by location and SKU."""
        for (location, sku), days in levels.items():
            chain: list[tuple[int, int]] = []
            level = taken = 0
            for day in sorted(days):
                taken += held.get((location, sku, day), 0)
                # what is held is there for its holders, whatever the books say
                level = max(level, days[day], taken)
                if chain and chain[-1][1] == level:
                    chain.pop()
                chain.append((day, level))
            rows = [day for day, level in chain if level < wanted[sku]]
            for day, level in chain:
                if level < wanted[sku]:
                    self.most[location, sku, day] = level
            if rows:
                self.days[location, sku] = tuple(rows)
        used: dict[Key, int] = {}
        for claim in claims:
            for key, units in self._room_uses((one.source, tuple(one.units.items())) for one in claim.held):
                used[key] = used.get(key, 0) + units
        for (location, day), room in capacity.items():
            for part, most in enumerate(room):
                if most is not None:
                    key = (location, "", day * 3 + part)
                    self.most[key] = max(most, used.get(key, 0))
        self.rooms = capacity

    def _room_uses(self, parcels: Iterable[tuple[Source, tuple[tuple[str, int], ...]]]) -> Iterable[tuple[Key, int]]:
        for source, units in parcels:
            for part, amount in enumerate((1, len(units), sum(amount for _, amount in units))):
                yield (source.location, "", source.ships_on * 3 + part), amount

    def uses(self, parcels: Parcels) -> Uses:
        """What parcels take of what can run short."""
        found: dict[Key, int] = {}
        for source, units in parcels:
            for sku, amount in units:
                for day in self.days.get((source.location, sku), ()):
                    if day >= source.ships_on:
                        key = (source.location, sku, day)
                        found[key] = found.get(key, 0) + amount
        if self.rooms:
            for key, amount in self._room_uses(parcels):
                if key in self.most:
                    found[key] = found.get(key, 0) + amount
        return found


class Priced(NamedTuple):
    """The best way to serve a claim at some prices, what it scores with them, and what none goes below."""

    column: Column
    score: int
    bound: int


class Asked:
    """A claim, ready to be planned again and again."""

    def __init__(self, number: int, claim: Claim, rows: Rows, weights: Weights, waiting: int) -> None:
        self.number = number
        self.claim = claim
        self.rows = rows
        self.weights = Weights(*(SCALE * weight for weight in weights))._replace(margin=1)
        self.margin = SCALE * weights.margin
        self.waiting = SCALE * waiting * WEIGHT[claim.strategy]
        held: dict[str, int] = {}
        latest: dict[str, int] = {}
        for one in claim.held:
            for sku, units in one.units.items():
                held[sku] = held.get(sku, 0) + units
                latest[sku] = max(latest.get(sku, one.source.arrives_on), one.source.arrives_on)
        self.safe = claim.strategy in NEVER_WORSE
        self.demands = list(claim.demands)
        wanted: dict[str, int] = {}
        for demand in claim.demands:
            wanted[demand.sku] = wanted.get(demand.sku, 0) + demand.quantity
        if any(units > wanted.get(sku, 0) for sku, units in held.items()):
            raise ValueError(f"claim {claim.key!r} holds more than it wants")
        self.wanted = wanted
        may_wait = {sku: units - (held.get(sku, 0) if self.safe else 0) for sku, units in wanted.items()}
        if claim.strategy is WaveStrategy.KEEP:
            # it gets no more, so that the rest is not asked for
            merged = {demand.sku: demand for demand in claim.demands}
            self.demands = [merged[sku]._replace(quantity=units) for sku, units in sorted(held.items()) if units]
            may_wait = {}
        self.wait = Source(WAITS, 0, may_wait, 0, claim.due_on or 0, 0, per_unit=self.waiting)
        self.own: dict[int, Source] = {}
        """The claim's source of each of those below, by its id."""
        self.sources: list[Source] = []
        # a source that arrives after what is held has nothing of it: it could only make it later
        tight = latest if self.safe else {}
        cut: dict[tuple[int, tuple[str, ...]], Mapping[str, int]] = {}
        for source in claim.sources:
            late = tuple(sku for sku, day in tight.items() if source.arrives_on > day)
            stock = source.stock
            if late:
                stock = cut.setdefault(
                    (id(stock), late), {sku: units for sku, units in stock.items() if sku not in late}
                )
            if any(stock.get(sku, 0) > 0 for sku in wanted):
                self.sources.append(self._scaled(source, stock))
        self.sources.append(self.wait)
        self.sources.sort(key=tie_order)
        self.problem = Problem(self.demands, self.sources, Objective.CHEAPEST, self.weights, due_on=claim.due_on)
        self.keys = [
            (at, [(sku, source.location, self.rows.days[source.location, sku]) for sku in wanted
                  if (source.location, sku) in self.rows.days and source.stock.get(sku, 0) > 0])
            for at, source in enumerate(self.sources)
        ]  # fmt: skip
        """By source: SKUs that can run short there, and the days of their rows."""
        self.keys = [(at, found) for at, found in self.keys if found]
        self.touches: set[Key] = {
            (location, sku, day) for _, found in self.keys for sku, location, days in found for day in days
        }
        if rows.rooms:
            self.touches |= {
                key
                for source in self.sources
                for part in range(3)
                if (key := (source.location, "", source.ships_on * 3 + part)) in rows.most
            }
        self.held = self._held(wanted, held)
        self.touches.update(self.held.uses)
        self.nothing = self._nothing()

    def _scaled(self, source: Source, stock: Mapping[str, int]) -> Source:
        margins = source.margins
        if self.margin and margins:
            margins = {sku: self.margin * lost for sku, lost in margins.items() if sku in self.wanted}
        else:
            margins = None
        scaled = source._replace(
            stock=stock,
            surcharge=SCALE * source.surcharge,
            per_line=SCALE * source.per_line,
            per_unit=SCALE * source.per_unit,
            margins=margins,
        )
        self.own[id(scaled)] = source
        return scaled

    def _held(self, wanted: Mapping[str, int], held: Mapping[str, int]) -> Column:
        """What it has, the rest waits."""
        parcels = [
            (self._scaled(one.source, one.source.stock), tuple(sorted(one.units.items()))) for one in self.claim.held
        ]
        rest = tuple(
            (sku, units - held.get(sku, 0)) for sku, units in sorted(wanted.items()) if units > held.get(sku, 0)
        )
        if rest and self.claim.strategy is not WaveStrategy.KEEP:
            parcels.append((self.wait, rest))
        return self.column(parcels)

    def _nothing(self) -> Column:
        """All of it waits; what it has, when it must not be worse off."""
        if self.safe:
            return self.held
        return self.column([(self.wait, tuple(sorted(self.wanted.items())))])

    def column(self, parcels: Iterable[tuple[Source, tuple[tuple[str, int], ...]]]) -> Column:
        """Parcels (on the wave's scale, without prices) as a column."""
        ordered = tuple(sorted(parcels, key=lambda one: (tie_order(one[0]), one[1])))
        score = -self.weights.split if ordered else 0
        for source, lines in ordered:
            units = dict(lines)
            score += self.problem.score(source, [units.get(sku, 0) for sku in self.problem.skus])
        return Column(self.number, ordered, score, self.rows.uses(ordered))

    def best(self, prices: Mapping[Key, int]) -> Priced:
        """The best way to serve it when what can run short costs so much."""
        stay = self.held.score + paid(self.held, prices)
        found = self._planned(self._offered(prices, {}), self.rows.rooms, earliest=False)
        if found is None:
            return Priced(self.held, stay, stay)
        plan, column = found
        if stay <= plan.score:
            return Priced(self.held, stay, min(plan.lower_bound, stay))
        return Priced(column, plan.score, min(plan.lower_bound, stay))

    def second(self, prices: Mapping[Key, int], most: Mapping[Key, int]) -> Column | None:
        """The best way with no more than `most` of some units; what it has is not looked at."""
        found = self._planned(self._offered(prices, most), self.rows.rooms, earliest=False)
        return None if found is None else found[1]

    def within(self, left: Mapping[Key, int], prices: Mapping[Key, int]) -> Column:
        """The best way to serve it at these prices with no more than what is left of everything."""
        rooms = {
            (location, day): room._replace(
                **{
                    name: max(left[location, "", day * 3 + part], 0)
                    for part, name in enumerate(room._fields)
                    if room[part] is not None
                }
            )
            for (location, day), room in self.rows.rooms.items()
        }
        found = self._planned(self._offered(prices, left), rooms)
        return self.nothing if found is None else found[1]

    def _offered(self, prices: Mapping[Key, int], most: Mapping[Key, int]) -> list[Source]:
        """Its sources at these prices, with no more than `most` of some units."""
        offered = list(self.sources)
        price_of, most_of = prices.get, most.get
        for at, found in self.keys:
            source = offered[at]
            day = source.ships_on
            margins: dict[str, int] | None = None
            stock: dict[str, int] | None = None
            for sku, location, days in found:
                price = 0
                for row in days:
                    if row < day:
                        continue
                    key = (location, sku, row)
                    price += price_of(key, 0)
                    limit = most_of(key)
                    if limit is not None and limit < (source.stock if stock is None else stock)[sku]:
                        stock = dict(source.stock) if stock is None else stock
                        stock[sku] = limit
                if price:
                    margins = dict(source.margins or ()) if margins is None else margins
                    margins[sku] = margins.get(sku, 0) + price
            if margins is not None or stock is not None:
                offered[at] = source._replace(
                    margins=source.margins if margins is None else margins,
                    stock=source.stock if stock is None else stock,
                )
        if self.rows.rooms and prices:
            for at, source in enumerate(offered):
                day = source.ships_on * 3
                parcel, line, unit = (price_of((source.location, "", day + part), 0) for part in range(3))
                if parcel or line or unit:
                    offered[at] = source._replace(
                        surcharge=source.surcharge + parcel,
                        per_line=source.per_line + line,
                        per_unit=source.per_unit + unit,
                    )
        return offered

    def _planned(
        self, sources: Sequence[Source], rooms: Capacity, *, earliest: bool = True
    ) -> tuple[Plan, Column] | None:
        if not self.demands:
            return None
        found = plan(
            self.demands,
            sources,
            weights=self.weights,
            due_on=self.claim.due_on,
            max_shipments=self.claim.max_shipments,
            min_split_value=self.claim.min_split_value,
            capacity=rooms,
            earliest=earliest,
        )
        if not isinstance(found, Plan):
            return None
        plain = {id(offered): source for offered, source in zip(sources, self.sources, strict=True)}
        return found, self.column((plain[id(parcel.source)], parcel.lines) for parcel in found.parcels)


def paid(column: Column, prices: Mapping[Key, int]) -> int:
    """What a column's uses cost at these prices."""
    return sum([prices.get(key, 0) * units for key, units in column.uses.items()])
