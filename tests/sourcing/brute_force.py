"""Every plan there is, one by one, and random worlds small enough for that."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from hypothesis import strategies as st

from oms_api.sourcing import Break, Demand, Objective, Plan, Rate, Room, Shortage, Source, Weights
from sourcing.checker import Question, breaches, standing

CARDS = (
    Rate((Break(500, 300, 0), Break(2000, 100, 500), Break(None, 900, 150))),
    Rate((Break(1000, 0, 400), Break(3000, 600, 0)), cm3_per_kg=5000),
)
"""The second one's price falls and rises; beyond 3 kg its last step holds."""


def source(location: str, stock: dict[str, int], **given: Any) -> Source:
    """A source with plain facts where none are given."""
    facts: dict[str, Any] = {"rank": 0, "ships_on": 0, "arrives_on": 1, "fixed": 500, "per_kg": 0, **given}
    return Source(location, stock=stock, **facts)


def contents(answer: Plan | Shortage) -> dict[str, dict[str, int]]:
    """Units by location and SKU."""
    assert isinstance(answer, Plan)
    sent: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for parcel in answer.parcels:
        for sku, units in parcel.lines:
            sent[parcel.location][sku] += units
    return {location: dict(lines) for location, lines in sent.items()}


def splits(quantity: int, limits: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """All ways to part a quantity over sources."""
    if len(limits) == 1:
        if quantity <= limits[0]:
            yield (quantity,)
        return
    for first in range(min(quantity, limits[0]) + 1):
        for rest in splits(quantity - first, limits[1:]):
            yield (first, *rest)


def exhaustive(question: Question) -> tuple[Any, ...] | None:
    """The least standing over every way to split every line; None when there is no plan."""
    best: tuple[Any, ...] | None = None
    wanted = question.wanted
    choices = [
        list(splits(quantity, [max(one.stock.get(sku, 0), 0) for one in question.sources]))
        for sku, quantity in wanted.items()
    ]
    for lines in product(*choices):
        amounts = {}
        for at, units in enumerate(zip(*lines, strict=True)):
            if any(units):
                amounts[at] = {sku: amount for sku, amount in zip(wanted, units, strict=True) if amount}
        if question.max_shipments is not None and len(amounts) > question.max_shipments:
            continue
        if breaches(question, amounts):
            continue
        here = standing(question, amounts)
        best = here if best is None else min(best, here)
    return best


def small_world(rng: random.Random, objective: Objective, *, rich: bool, most_ways: int = 2500) -> Question:
    """A random cart of 1 to 4 lines over 1 to 6 locations, some with several sources, tight in stock.

    `rich`: with everything else that a question can ask.
    """
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
            question = Question(demands, sources, objective, max_shipments=rng.choice([None, None, None, 1, 2, 3]))
            return enriched(rng, question) if rich else question


def enriched(rng: random.Random, question: Question) -> Question:
    """The same question with rate cards, penalties, capacity, groups and limits, each in some of the worlds."""

    def some(share: float = 0.4) -> bool:
        return rng.random() < share

    demands = [
        demand._replace(
            cm3=rng.choice([0, 100, 4000]),
            value=rng.choice([500, 2000]),
            whole=some(0.15),
            group=rng.choice(["", "", "g", "h"]) if some(0.3) else "",
        )
        for demand in question.demands
    ]
    cards, surcharges, margins = some(), some(), some()
    sources = [
        one._replace(
            rate=rng.choice(CARDS) if cards and some(0.7) else None,
            surcharge=rng.choice([0, 70]) if surcharges else 0,
            per_line=rng.choice([0, 30]) if surcharges else 0,
            per_unit=rng.choice([0, 0, 110]) if surcharges else 0,
            margins={demand.sku: rng.randint(0, 90) for demand in demands} if margins and some(0.7) else None,
        )
        for one in question.sources
    ]
    capacity = {}
    if some():
        for one in sources:
            if some(0.6):
                most = (rng.choice([None, 1, 2]), rng.choice([None, 1, 2]), rng.choice([None, 0, 1, 2, 3, 4]))
                capacity[one.location, one.ships_on] = Room(*most)
    weights = Weights()
    if some(0.6):
        weights = Weights(
            shipping=rng.choice([1, 1, 0, 3]),
            late_per_day=rng.choice([0, 40]),
            split=rng.choice([0, 25]),
            preference=rng.choice([0, 60]),
            balance=rng.choice([0, 0, 150]),
            margin=rng.choice([0, 2]),
        )
    return Question(
        demands,
        sources,
        question.objective,
        weights,
        due_on=rng.choice([None, 0, 2]),
        max_shipments=question.max_shipments,
        min_split_value=rng.choice([0, 0, 700, 2500]),
        capacity=capacity,
    )


@st.composite
def worlds(draw: st.DrawFn) -> Question:
    """Small questions for Hypothesis: what they do not name shrinks to nothing."""
    quantities = draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    demands = [
        Demand(f"S{line}", units, 10 * line, value=100, whole=draw(st.booleans()) and line == 0)
        for line, units in enumerate(quantities)
    ]
    level = st.integers(0, 3)
    sources = []
    capacity = {}
    for place in range(draw(st.integers(1, 5))):
        for way in range(draw(st.integers(1, 2))):
            stock = {demand.sku: draw(level) for demand in demands}
            costs = {"fixed": draw(st.integers(0, 5)) * 100, "per_kg": draw(st.sampled_from([0, 100, 150]))}
            day = draw(st.integers(0, 2))
            facts = {"rank": place % 2, "ships_on": day, "arrives_on": day + 1, "service": f"w{way}"}
            sources.append(source(f"L{place}", stock, **costs, **facts, per_unit=draw(st.sampled_from([0, 0, 7]))))
            units = draw(st.sampled_from([None, None, 1, 4]))
            if units is not None:
                capacity[f"L{place}", day] = Room(units=units)
    weights = draw(st.sampled_from([Weights(), Weights(late_per_day=30, split=20), Weights(preference=50)]))
    return Question(demands, sources, draw(st.sampled_from(list(Objective))), weights, due_on=1, capacity=capacity)
