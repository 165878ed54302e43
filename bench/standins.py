"""Stand-ins for how orders are routed elsewhere, over the same candidates and prices as the planner.

A location that has the whole cart is preferred to any split by all of them; nearest is what a parcel costs least from.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations

from oms_api.sourcing import Demand, Source

MOST_ENUMERATED = 30
"""Locations of which pairs, triples… are tried: the first of all, and the first five that have a line in full."""

Sent = list[tuple[Source, dict[str, int]]]


def cost(demands: Sequence[Demand], sent: Sent) -> int:
    """Minor units of all parcels."""
    grams = {demand.sku: demand.grams for demand in demands}
    total = 0
    for source, units in sent:
        weight = sum(amount * grams[sku] for sku, amount in units.items())
        total += source.fixed + (source.per_kg * weight + 999) // 1000
    return total


def _served(demands: Iterable[Demand], sources: Iterable[Source]) -> Sent | None:
    """Take from each in turn what it has of what is left."""
    left = {demand.sku: demand.quantity for demand in demands}
    sent: Sent = []
    for source in sources:
        units = {sku: min(source.stock.get(sku, 0), wanted) for sku, wanted in left.items()}
        units = {sku: amount for sku, amount in units.items() if amount > 0}
        if units:
            sent.append((source, units))
            for sku, amount in units.items():
                left[sku] -= amount
            left = {sku: wanted for sku, wanted in left.items() if wanted}
            if not left:
                return sent
    return None


def _nearest(sources: Iterable[Source]) -> list[Source]:
    return sorted(sources, key=lambda source: (source.fixed, source.rank))


def _preferred(sources: Iterable[Source]) -> list[Source]:
    return sorted(sources, key=lambda source: (source.rank, source.fixed))


def _whole(demands: Sequence[Demand], ranked: Iterable[Source]) -> Sent | None:
    """All of it from the first that has it."""
    for source in ranked:
        if all(source.stock.get(demand.sku, 0) >= demand.quantity for demand in demands):
            return _served(demands, [source])
    return None


def greedy_ranked(demands: Sequence[Demand], sources: Sequence[Source]) -> Sent | None:
    """The nearest location that has all; else each in turn, nearest first, sends what it has of what is left."""
    ranked = _nearest(sources)
    return _whole(demands, ranked) or _served(demands, ranked)


def greedy_most_lines(demands: Sequence[Demand], sources: Sequence[Source]) -> Sent | None:
    """The nearest location that has all; else the one that has most of what is left, nearest first, again and again."""
    ranked = _nearest(sources)
    left = {demand.sku: demand.quantity for demand in demands}
    chosen: list[Source] = []
    while left:
        best = max(
            ranked,
            key=lambda source: (
                sum(1 for sku, units in left.items() if source.stock.get(sku, 0) >= units),
                sum(min(source.stock.get(sku, 0), units) for sku, units in left.items()),
            ),
        )
        if not any(best.stock.get(sku, 0) for sku in left):
            return None
        chosen.append(best)
        ranked = [source for source in ranked if source is not best]
        left = {sku: units - best.stock.get(sku, 0) for sku, units in left.items() if units > best.stock.get(sku, 0)}
    return _served(demands, chosen)


def _fewest(demands: Sequence[Demand], ranked: Sequence[Source]) -> Sent | None:
    """Single locations, then pairs, then triples…: the first set that has all of it."""
    whole = _whole(demands, ranked)
    if whole is not None:
        return whole
    few = {id(source) for source in ranked[:MOST_ENUMERATED]}
    for demand in demands:
        having = [source for source in ranked if source.stock.get(demand.sku, 0) >= demand.quantity]
        few.update(id(source) for source in having[:5])
    looked_at = [source for source in ranked if id(source) in few]
    for size in range(2, 6):
        for chosen in combinations(looked_at, size):
            if all(sum([one.stock.get(demand.sku, 0) for one in chosen]) >= demand.quantity for demand in demands):
                sent = _served(demands, chosen)
                if sent is not None:
                    return sent
    return _served(demands, ranked)


def fewest_splits(demands: Sequence[Demand], sources: Sequence[Source]) -> Sent | None:
    """The first of the smallest sets of locations, in the merchant's order of preference, as order routing has it."""
    return _fewest(demands, _preferred(sources))


def fewest_splits_nearest(demands: Sequence[Demand], sources: Sequence[Source]) -> Sent | None:
    """The first of the smallest sets of locations, nearest first."""
    return _fewest(demands, _nearest(sources))
