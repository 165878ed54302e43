"""A second, exhaustive implementation of order sourcing, an independent checker of plans, and random worlds."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from hypothesis import strategies as st

from oms_api.promising.rules import Demand, Objective, Plan, Shortage, Source


def source(location: str, stock: dict[str, int], **given: Any) -> Source:
    facts: dict[str, Any] = {"rank": 0, "ships_on": 0, "arrives_on": 1, "fixed": 500, "per_kg": 0, **given}
    return Source(location, stock=stock, **facts)


def contents(answer: Plan | Shortage) -> dict[str, dict[str, int]]:
    assert isinstance(answer, Plan)
    sent: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for parcel in answer.parcels:
        for sku, units in parcel.lines:
            sent[parcel.location][sku] += units
    return {location: dict(lines) for location, lines in sent.items()}


def cost_of(source: Source, units: Sequence[int], demands: Sequence[Demand]) -> int:
    grams = sum(amount * demand.grams for amount, demand in zip(units, demands, strict=True))
    return source.fixed + (source.per_kg * grams + 999) // 1000


def fits(sources: Sequence[Source], amounts: Sequence[Sequence[int]], skus: Sequence[str]) -> bool:
    """Whether stock allows it: each source its own, each location what it has by each ship day."""
    for line, sku in enumerate(skus):
        for one in sources:
            of_location = [i for i, other in enumerate(sources) if other.location == one.location]
            by_day = [i for i in of_location if sources[i].ships_on <= one.ships_on]
            limit = max(sources[i].stock.get(sku, 0) for i in by_day)
            if sum(amounts[i][line] for i in by_day) > max(limit, 0):
                return False
        if any(amounts[i][line] > max(one.stock.get(sku, 0), 0) for i, one in enumerate(sources) if amounts[i][line]):
            return False
    return True


def penalty_of(sources: Sequence[Source], amounts: Sequence[Sequence[int]], skus: Sequence[str]) -> int:
    total = 0
    for location in {one.location for one in sources}:
        own = [i for i, one in enumerate(sources) if one.location == location]
        for line, sku in enumerate(skus):
            taken = sum(amounts[i][line] for i in own)
            if taken:
                total += 400 * taken**2 // max(sources[i].stock.get(sku, 0) for i in own) ** 2
    return total


def splits(quantity: int, limits: Sequence[int]) -> Iterator[tuple[int, ...]]:
    if len(limits) == 1:
        if quantity <= limits[0]:
            yield (quantity,)
        return
    for first in range(min(quantity, limits[0]) + 1):
        for rest in splits(quantity - first, limits[1:]):
            yield (first, *rest)


def exhaustive(
    demands: Sequence[Demand], sources: Sequence[Source], objective: Objective, most: int | None
) -> tuple[Any, ...] | None:
    """The least (objective, shipments, latest, preferred locations) over every way to split every line."""
    skus = [demand.sku for demand in demands]
    best: tuple[Any, ...] | None = None
    choices = [
        list(splits(demand.quantity, [max(one.stock.get(demand.sku, 0), 0) for one in sources])) for demand in demands
    ]
    for lines in product(*choices):
        amounts = list(zip(*lines, strict=True))
        used = [i for i, units in enumerate(amounts) if any(units)]
        if (most is not None and len(used) > most) or not fits(sources, amounts, skus):
            continue
        cost = sum(cost_of(sources[i], amounts[i], demands) for i in used)
        latest = max(sources[i].arrives_on for i in used)
        value: tuple[int, ...] = (cost,)
        if objective is Objective.FASTEST:
            value = (latest, cost)
        elif objective is Objective.FEWEST_SHIPMENTS:
            value = (len(used), cost)
        elif objective is Objective.BALANCED:
            value = (cost + penalty_of(sources, amounts, skus),)
        places = sorted((sources[i].rank, sources[i].location) for i in used)
        best = min(best or (value, len(used), latest, places), (value, len(used), latest, places))
    return best


def standing(answer: Plan) -> tuple[Any, ...]:
    """A plan in the words of `exhaustive`."""
    assert answer.latest is not None
    value: tuple[int, ...] = (answer.cost + answer.penalty,)
    if answer.objective is Objective.FASTEST:
        value = (answer.latest, answer.cost)
    elif answer.objective is Objective.FEWEST_SHIPMENTS:
        value = (answer.shipments, answer.cost)
    places = sorted((parcel.source.rank, parcel.location) for parcel in answer.parcels)
    return (value, answer.shipments, answer.latest, places)


def check(answer: Plan, demands: Sequence[Demand], sources: Sequence[Source]) -> None:
    """Every promise of a plan, computed anew from its parcels."""
    skus = sorted({demand.sku for demand in demands})
    weights = {demand.sku: demand.grams for demand in demands}
    amounts = [[0] * len(skus) for _ in sources]
    fixed = weight = 0
    for parcel in answer.parcels:
        at = sources.index(parcel.source)
        assert not any(amounts[at]), "one parcel a source"
        assert parcel.lines
        assert all(units > 0 for _, units in parcel.lines)
        for sku, units in parcel.lines:
            amounts[at][skus.index(sku)] += units
        grams = sum(units * weights[sku] for sku, units in parcel.lines)
        assert parcel.grams == grams
        assert parcel.cost == parcel.source.fixed + (parcel.source.per_kg * grams + 999) // 1000
        fixed += parcel.source.fixed
        weight += (parcel.source.per_kg * grams + 999) // 1000
    assert fits(sources, amounts, skus)
    for line, sku in enumerate(skus):
        wanted = sum(demand.quantity for demand in demands if demand.sku == sku)
        assert sum(units[line] for units in amounts) == wanted
    assert answer.terms == {"shipping_fixed": fixed, "shipping_weight": weight}
    assert answer.cost == fixed + weight
    assert answer.lower_bound <= answer.cost
    assert answer.latest == max(parcel.source.arrives_on for parcel in answer.parcels)
    expected = penalty_of(sources, amounts, skus) if answer.objective is Objective.BALANCED else 0
    assert answer.penalty == expected


def small_world(rng: random.Random, *, most_ways: int = 4000) -> tuple[list[Demand], list[Source], int | None]:
    """A random cart of 1 to 4 lines over 1 to 6 locations, some with several sources, tight in stock."""
    while True:
        lines = rng.choice([1, 2, 2, 3, 3, 4])
        demands = [
            Demand(f"S{line}", rng.choice([1, 1, 1, 2, 2, 3, 5]), rng.choice([0, 1, 250, 333, 1000, 2500]))
            for line in range(lines)
        ]
        few_costs = rng.random() < 0.5  # many ties
        sources = []
        for place in range(rng.randint(1, 6)):
            levels = [0] * lines
            rank, day = rng.randint(0, 2), rng.randint(0, 1)
            nested = rng.random() < 0.7
            for way in range(rng.choice([1, 1, 2, 3])):
                levels = [(level if nested else 0) + rng.choice([0, 0, 1, 1, 2, 3]) for level in levels]
                sources.append(
                    Source(
                        f"L{place}",
                        rank,
                        {f"S{line}": level for line, level in enumerate(levels)},
                        ships_on=day,
                        arrives_on=day + rng.randint(1, 3),
                        fixed=rng.choice([500, 550]) if few_costs else rng.randint(0, 900),
                        per_kg=100 if few_costs else rng.choice([0, 100, 130, 700]),
                        service=f"w{way}",
                    )
                )
                day += rng.randint(0, 1)
        rng.shuffle(sources)
        ways = 1
        for demand in demands:
            ways *= sum(1 for _ in splits(demand.quantity, [one.stock[demand.sku] for one in sources]))
        if 0 < ways <= most_ways:
            return demands, sources, rng.choice([None, None, None, 1, 2, 3])


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Demand], list[Source], Objective]:
    quantities = draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    demands = [Demand(f"S{line}", units, 10 * line) for line, units in enumerate(quantities)]
    level = st.integers(0, 3)
    sources = []
    for place in range(draw(st.integers(1, 5))):
        for way in range(draw(st.integers(1, 2))):
            stock = {demand.sku: draw(level) for demand in demands}
            costs = {"fixed": draw(st.integers(0, 5)) * 100, "per_kg": draw(st.sampled_from([0, 100, 150]))}
            day = draw(st.integers(0, 2))
            facts = {"rank": place % 2, "ships_on": day, "arrives_on": day + 1, "service": f"w{way}"}
            sources.append(source(f"L{place}", stock, **costs, **facts))
    return demands, sources, draw(st.sampled_from(list(Objective)))
