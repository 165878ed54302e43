"""The words of a wave: orders that want the same stock at the same time, and who must not lose by it.

Scores are minor units, as in `plan`; stock, rooms and days too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from oms_api.sourcing.rules.words import Demand, Source, Weights


class WaveStrategy(StrEnum):
    """What a wave may do to an order, and how much a unit of it that waits weighs against others' units."""

    WIN = "WIN"
    """Served first, with units of REDISTRIBUTE, FILL and LOSE where it takes them; never worse than before."""
    KEEP = "KEEP"
    """Keeps what it has, perhaps from a cheaper place; gets no more."""
    IMPROVE = "IMPROVE"
    """Gets more, or what it has earlier, if there is any; never worse than before."""
    REDISTRIBUTE = "REDISTRIBUTE"
    """May get anything, and lose anything."""
    FILL = "FILL"
    """Takes what those before it leave, and may lose what it has to them."""
    LOSE = "LOSE"
    """Gives way to everybody, and may lose all."""


WEIGHT: Mapping[WaveStrategy, int] = {
    WaveStrategy.WIN: 60,
    WaveStrategy.KEEP: 20,
    WaveStrategy.IMPROVE: 20,
    WaveStrategy.REDISTRIBUTE: 8,
    WaveStrategy.FILL: 3,
    WaveStrategy.LOSE: 1,
}
"""How many units of LOSE may wait rather than one of these. Steps are wide enough that place and price never decide
between two strategies."""

NEVER_WORSE = frozenset({WaveStrategy.WIN, WaveStrategy.KEEP, WaveStrategy.IMPROVE})
"""What such an order has stays its own: as many units, arriving no later."""


class Held(NamedTuple):
    """Units that an order has already: from a source as it would be offered today. Its stock counts all units that
    orders of the wave hold there."""

    source: Source
    units: Mapping[str, int]


class Claim(NamedTuple):
    """An order, or what of it goes to one place: what it wants, the ways to send it, and what it has.

    Sources name all the stock that orders of the wave may share out: free units and those that any of them holds.
    What they do not serve waits: units that wait are as a parcel that is sent later.
    """

    key: str
    """Unique in its wave; decides between claims that are otherwise equal."""
    demands: Sequence[Demand]
    sources: Sequence[Source]
    strategy: WaveStrategy = WaveStrategy.REDISTRIBUTE
    held: Sequence[Held] = ()
    due_on: int | None = None
    """From this day on `Weights.late_per_day` counts."""
    max_shipments: int | None = None
    min_split_value: int = 0
    weights: Weights | None = None
    """What counts for it; what counts for all of the wave when None."""


class Sent(NamedTuple):
    """What one source sends of a claim."""

    source: Source
    units: Mapping[str, int]


class Share(NamedTuple):
    """What a claim gets."""

    key: str
    sent: tuple[Sent, ...]
    """By source in tie order."""
    waiting: Mapping[str, int]
    score: int
    """Cost and penalties of what is sent, without what waits."""
    changed: bool
    """Whether it is anything else than what it has."""


@dataclass(frozen=True)
class Outcome:
    """What a wave comes to. Scores count what waits, by strategy; `bound` is what no other outcome goes below."""

    shares: tuple[Share, ...]
    """By claim, in their order."""
    score_before: int
    score: int
    bound: int
    columns: int
    rounds: int
    seconds: float
    """Of CPU."""

    @property
    def gap(self) -> float:
        """By what share of its score the outcome could be better at most."""
        return (self.score - self.bound) / self.score if self.score else 0.0
