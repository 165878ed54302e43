"""The words of order sourcing: what is wanted, from where it could come, and the plan that was chosen.

Units, grams, days and minor units of money are integers. Days are whatever day number the caller uses (offsets
or ordinals), the same for all sources.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

BALANCE_WEIGHT = 400
"""BALANCED: minor units of penalty for using a location's last unit of a SKU; less goes with the square."""


class Objective(StrEnum):
    """What a plan must be best at."""

    CHEAPEST = "CHEAPEST"
    FASTEST = "FASTEST"
    """Earliest last arrival, then cheapest."""
    FEWEST_SHIPMENTS = "FEWEST_SHIPMENTS"
    """Fewest parcels, then cheapest."""
    BALANCED = "BALANCED"
    """Cost plus a penalty, convex in the share of a location's stock that the plan uses."""


class Demand(NamedTuple):
    """Units wanted of a SKU; `grams` is the weight of one unit. Demands of the same SKU are added up."""

    sku: str
    quantity: int
    grams: int


class Source(NamedTuple):
    """One way in which a location can send one parcel: leaving on a day, by a service, at a price.

    Several sources of a location share its stock: what they send together by a ship day never exceeds the
    largest stock that any of the location's sources names up to that day (give each source the units that can
    be promised by its ship day). A parcel costs `fixed` and `per_kg` a kilogram, rounded up once per parcel.
    """

    location: str
    rank: int
    """The location's preference; smaller is preferred. Decides only between plans that are otherwise equal."""
    stock: Mapping[str, int]
    """Promisable units by SKU."""
    ships_on: int
    arrives_on: int
    fixed: int
    per_kg: int
    service: str = ""
    """The caller's name for the way of sending; opaque here."""


class Parcel(NamedTuple):
    """What one source sends."""

    source: Source
    lines: tuple[tuple[str, int], ...]
    """(SKU, units), by SKU."""
    grams: int
    weight_cost: int

    @property
    def location(self) -> str:
        """Where it leaves from."""
        return self.source.location

    @property
    def cost(self) -> int:
        """Minor units."""
        return self.source.fixed + self.weight_cost


@dataclass(frozen=True)
class Plan:
    """A way to serve every demand in full."""

    objective: Objective
    parcels: tuple[Parcel, ...]
    """By location preference, location, arrival."""
    terms: Mapping[str, int]
    """`shipping_fixed` and `shipping_weight`; they add up to `cost`."""
    cost: int
    lower_bound: int
    """No plan that is as good at the objective costs less; equal to `cost` when the plan is proven best."""
    latest: int | None
    """Last arrival; None when nothing is shipped."""
    exact: bool
    """Proven best at the objective, ties included."""
    penalty: int = 0
    """BALANCED's penalty, used for choosing only; not part of `cost`."""

    @property
    def shipments(self) -> int:
        """Number of parcels."""
        return len(self.parcels)


class ShortLine(NamedTuple):
    """A SKU of which the locations together have too little."""

    sku: str
    requested: int
    available: int


@dataclass(frozen=True)
class Shortage:
    """No plan: the stock is short (`lines`), or more parcels are needed than allowed (`fewest_shipments`)."""

    lines: tuple[ShortLine, ...]
    fewest_shipments: int | None = None
    """Least number of parcels that could serve it, when only `max_shipments` forbids."""


class Problem:
    """Merged demands and all sources; answers what does not depend on which sources are looked at."""

    def __init__(self, demands: Sequence[Demand], sources: Sequence[Source], objective: Objective) -> None:
        wanted: dict[str, tuple[int, int]] = {}
        for sku, quantity, grams in demands:
            if quantity <= 0 or grams < 0:
                raise ValueError(f"{quantity} units of {grams} g of {sku!r}: want one or more, 0 g or more")
            before = wanted.get(sku, (0, grams))
            if before[1] != grams:
                raise ValueError(f"{sku!r} cannot weigh both {before[1]} g and {grams} g")
            wanted[sku] = (before[0] + quantity, grams)
        self.skus = tuple(sorted(wanted))
        self.quantities = tuple(wanted[sku][0] for sku in self.skus)
        self.grams = tuple(wanted[sku][1] for sku in self.skus)
        self.sources = sources
        self.objective = objective
        self._chains: dict[str, list[tuple[int, tuple[int, ...]]]] = {}

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

    def together(self, sources: Sequence[Source], line: int) -> int:
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
        """Whether one location can send these (source, units by SKU) together; each alone fits its source."""
        chain = self.chain(parcels[0][0].location)
        for day, limit in chain:
            leaving = [units for source, units in parcels if source.ships_on <= day]
            if any(sum(amounts) > most for amounts, most in zip(zip(*leaving, strict=True), limit, strict=False)):
                return False
        return True

    def penalty(self, location: str, units: Sequence[int]) -> int:
        """BALANCED's penalty for taking these units from a location; 0 for the other objectives."""
        if self.objective is not Objective.BALANCED:
            return 0
        stock = self.chain(location)[-1][1]
        return sum(
            BALANCE_WEIGHT * taken * taken // (have * have) for taken, have in zip(units, stock, strict=True) if taken
        )


def weight_cost(per_kg: int, grams: int) -> int:
    """Cost of a parcel's weight: by the gram, rounded up."""
    return -(-per_kg * grams // 1000)


def tie_order(source: Source) -> tuple[int, str, int, int, str, int, int]:
    """Which of two otherwise equal sources comes first: preference, location, then what arrives earlier."""
    return (
        source.rank,
        source.location,
        source.arrives_on,
        source.ships_on,
        source.service,
        source.fixed,
        source.per_kg,
    )


def split_allowed(item_values_minor: Sequence[int], threshold_minor: int) -> bool:
    """Whether an order may be sent in several parcels: only when every item is worth the threshold or more."""
    return all(value >= threshold_minor for value in item_values_minor)
