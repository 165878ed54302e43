"""The words of order sourcing: what is wanted, from where it could come, and the plan that was chosen.

Units, grams, cubic centimetres, days and minor units of money are integers. Days are whatever day number the
caller uses (offsets or ordinals), the same for all sources.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
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
    MOST_PROFITABLE = "MOST_PROFITABLE"
    """Cost plus the margin lost: `Weights.margin` counts, once unless it says how often."""


class Demand(NamedTuple):
    """Units wanted of a SKU, in weight, volume and value of one unit. Demands of the same SKU are added up."""

    sku: str
    quantity: int
    grams: int
    cm3: int = 0
    value: int = 0
    """Minor units; counts for `min_split_value` only."""
    whole: bool = False
    """All units travel in one parcel."""
    group: str = ""
    """Demands of one group travel whole and in the same parcel; empty: in no group."""


class Break(NamedTuple):
    """A weight step of a rate card."""

    up_to: int | None
    """Grams, inclusive; None: without limit."""
    fixed: int
    per_kg: int
    """For all of the parcel's weight, by the gram, rounded up once per parcel."""


class Rate(NamedTuple):
    """A rate card by weight steps, lightest first; beyond the last its price holds."""

    breaks: tuple[Break, ...]
    cm3_per_kg: int = 0
    """Dimensional weight: a parcel counts as a kilogram for so many cubic centimetres, if that is more; 0: never."""

    def check(self) -> None:
        """ValueError unless the steps rise, only the last is without limit, and nothing is negative."""
        limits = [step.up_to for step in self.breaks]
        closed = [limit for limit in limits if limit is not None]
        if not limits or None in limits[:-1] or closed != sorted({*closed}) or (closed and closed[0] < 1):
            raise ValueError(f"weight steps up to {limits}: want rising grams, and at most the last without limit")
        if self.cm3_per_kg < 0 or any(step.fixed < 0 or step.per_kg < 0 for step in self.breaks):
            raise ValueError("a rate card has a negative cost")

    def cost(self, grams: int, cm3: int) -> int:
        """Minor units for a parcel of this weight and volume."""
        if self.cm3_per_kg:
            grams = max(grams, -(-cm3 * 1000 // self.cm3_per_kg))
        for step in self.breaks:
            if step.up_to is None or grams <= step.up_to:
                break
        return step.fixed - (-step.per_kg * grams // 1000)


class Source(NamedTuple):
    """One way in which a location can send one parcel: leaving on a day, by a service, at a price.

    Several sources of a location share its stock: what they send together by a ship day never exceeds the
    largest stock that any of the location's sources names up to that day (give each source the units that can
    be promised by its ship day). A parcel costs `fixed` and its weight: `per_kg` a kilogram, rounded up once per
    parcel, or what the `rate` says instead.

    Pick-up is a source that costs nothing; ship-to-store and transfer add their days and cost; a supplier that
    drop-ships is a location with all the stock it could need; a backorder is a source with the stock and the days
    of the supply it waits for, and a penalty.
    """

    location: str
    rank: int
    """The location's preference, 0 or more; smaller is preferred. Decides between plans that are otherwise equal,
    and costs what `Weights.preference` says."""
    stock: Mapping[str, int]
    """Promisable units by SKU."""
    ships_on: int
    arrives_on: int
    fixed: int
    per_kg: int = 0
    service: str = ""
    """The caller's name for the way of sending; opaque here."""
    rate: Rate | None = None
    """Replaces `per_kg`. Give equal cards as one object: they are priced once."""
    surcharge: int = 0
    """Penalty for a parcel, beside `per_line` for each of its SKUs and `per_unit` for each of its units: chosen by,
    not part of the cost."""
    per_line: int = 0
    per_unit: int = 0
    margins: Mapping[str, int] | None = None
    """Margin lost on a unit of a SKU that is sent from here; weighed by `Weights.margin`."""


class Weights(NamedTuple):
    """How much each term counts in a plan's score, as whole numbers: multiply all to express fractions."""

    shipping: int = 1
    """For a minor unit of cost."""
    late_per_day: int = 0
    """For a parcel and day by which it arrives later than `due_on`."""
    split: int = 0
    """For each parcel beyond the first."""
    preference: int = 0
    """For a parcel and point of its location's rank."""
    balance: int = 0
    """For using a location's last unit of a SKU; less goes with the square of the share (BALANCED: 400)."""
    margin: int = 0
    """For a minor unit of margin lost."""


PLAIN = Weights()
"""Cost counts as it is, and nothing else does but what sources say."""


class Room(NamedTuple):
    """What a location can still send on a ship day, over all its sources; None: as much as there is."""

    parcels: int | None = None
    lines: int | None = None
    """SKUs of an order that leave that day."""
    units: int | None = None


Capacity = Mapping[tuple[str, int], Room]
"""By location and ship day; a day that is not named has all the room."""


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
    penalties: Mapping[str, int]
    """What else was weighed, by term of `Weights`, and `surcharge`; terms that are nothing are left out."""
    score: int
    """The weighed cost and all penalties: what the objective makes as small as it can."""
    lower_bound: int
    """No plan that is as good at the objective has a smaller score; equal to it when the plan is proven best."""
    latest: int | None
    """Last arrival; None when nothing is shipped."""
    exact: bool
    """Proven best at the objective, ties included."""

    @property
    def shipments(self) -> int:
        """Number of parcels."""
        return len(self.parcels)

    @property
    def gap(self) -> int:
        """By how much of its score the plan can be improved at most."""
        return self.score - self.lower_bound

    @property
    def penalty(self) -> int:
        """All penalties; not part of `cost`."""
        return sum(self.penalties.values())


class ShortLine(NamedTuple):
    """A SKU of which the locations together have too little."""

    sku: str
    requested: int
    available: int


@dataclass(frozen=True)
class Shortage:
    """No plan: the stock is short (`lines`), nobody has all of what must travel together (`together`), more
    parcels are needed than allowed (`fewest_shipments`), parcels would be worth too little (`worth_too_little`), or
    capacity forbids it (none of these; then `proven` says whether that is sure)."""

    lines: tuple[ShortLine, ...]
    fewest_shipments: int | None = None
    """Number of parcels that could serve it, the least when that is proven, when only `max_shipments` forbids."""
    together: tuple[tuple[str, ...], ...] = ()
    """SKUs of each line or group that must travel whole and that no source has in full."""
    proven: bool = True
    """False: the search ended before it had looked everywhere; a smaller question may find a plan."""
    worth_too_little: bool = False
    """Only the least value of a parcel forbids a plan."""


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
