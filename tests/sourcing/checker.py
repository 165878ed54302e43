"""What a plan may be and what it scores, from the definitions and not from the engine: an independent checker."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from oms_api.sourcing import Demand, Objective, Plan, Room, Shortage, Source, Weights, plan

Amounts = Mapping[int, Mapping[str, int]]
"""Units by SKU that each source (its place in the list) sends in its one parcel."""


@dataclass
class Question:
    """Everything that is given to the planner."""

    demands: Sequence[Demand]
    sources: Sequence[Source]
    objective: Objective = Objective.CHEAPEST
    weights: Weights = field(default_factory=Weights)
    due_on: int | None = None
    max_shipments: int | None = None
    min_split_value: int = 0
    capacity: dict[tuple[str, int], Room] = field(default_factory=dict)

    def plan(self, **given: Any) -> Plan | Shortage:
        """The planner's answer."""
        return plan(
            self.demands,
            self.sources,
            objective=self.objective,
            weights=self.weights,
            due_on=self.due_on,
            max_shipments=self.max_shipments,
            min_split_value=self.min_split_value,
            capacity=self.capacity,
            **given,
        )

    @property
    def wanted(self) -> dict[str, int]:
        """Units of each SKU."""
        units: dict[str, int] = defaultdict(int)
        for demand in self.demands:
            units[demand.sku] += demand.quantity
        return dict(units)

    @property
    def margin_weight(self) -> int:
        """How often margin lost counts."""
        return self.weights.margin or (1 if self.objective is Objective.MOST_PROFITABLE else 0)

    def total(self, units: Mapping[str, int], what: str) -> int:
        """Sum of grams, cm3 or value."""
        one = {demand.sku: int(getattr(demand, what)) for demand in self.demands}
        return sum(amount * one[sku] for sku, amount in units.items())


def price(question: Question, source: Source, units: Mapping[str, int]) -> tuple[int, int]:
    """What a parcel costs: fixed, and by weight."""
    grams = question.total(units, "grams")
    if source.rate is None:
        return source.fixed, -(-source.per_kg * grams // 1000)
    if source.rate.cm3_per_kg:
        # smallest number of grams that is worth the volume
        volume = question.total(units, "cm3") * 1000
        grams = max(grams, volume // source.rate.cm3_per_kg + (volume % source.rate.cm3_per_kg > 0))
    steps = [step for step in source.rate.breaks if step.up_to is None or grams <= step.up_to]
    step = steps[0] if steps else source.rate.breaks[-1]
    return source.fixed, step.fixed + (step.per_kg * grams + 999) // 1000


def penalties(question: Question, amounts: Amounts) -> dict[str, int]:
    """Every penalty that is not nothing."""
    weights = question.weights
    found: dict[str, int] = defaultdict(int)
    taken: dict[tuple[str, str], int] = defaultdict(int)
    for at, units in amounts.items():
        source = question.sources[at]
        if question.due_on is not None:
            found["late"] += weights.late_per_day * max(0, source.arrives_on - question.due_on)
        found["preference"] += weights.preference * source.rank
        found["surcharge"] += source.surcharge
        for sku, amount in units.items():
            taken[source.location, sku] += amount
            found["surcharge"] += source.per_line + source.per_unit * amount
            found["margin"] += question.margin_weight * (source.margins or {}).get(sku, 0) * amount
    found["split"] = weights.split * (len(amounts) - 1)
    balance = weights.balance or (400 if question.objective is Objective.BALANCED else 0)
    if balance:
        for (location, sku), amount in taken.items():
            have = max(source.stock.get(sku, 0) for source in question.sources if source.location == location)
            found["balance"] += balance * amount**2 // have**2
    return {term: amount for term, amount in found.items() if amount}


def score(question: Question, amounts: Amounts) -> int:
    """What the objective makes as small as it can."""
    cost = sum(sum(price(question, question.sources[at], units)) for at, units in amounts.items())
    return question.weights.shipping * cost + sum(penalties(question, amounts).values())


def breaches(question: Question, amounts: Amounts) -> list[str]:
    """Every rule that these parcels break."""
    found = []
    sources, wanted = question.sources, question.wanted
    sent: dict[str, int] = defaultdict(int)
    for at, units in amounts.items():
        if not units or min(units.values()) <= 0:
            found.append("a parcel of nothing")
        for sku, amount in units.items():
            sent[sku] += amount
            if amount > sources[at].stock.get(sku, 0):
                found.append(f"{sources[at].location} sends {amount} {sku}")
    if dict(sent) != wanted:
        found.append(f"{dict(sent)} sent, {wanted} wanted")
    for location in {sources[at].location for at in amounts}:
        own = [at for at in amounts if sources[at].location == location]
        days = {source.ships_on for source in sources if source.location == location}
        for day in days:
            named = [source for source in sources if source.location == location and source.ships_on <= day]
            for sku in wanted:
                gone = sum(amounts[at].get(sku, 0) for at in own if sources[at].ships_on <= day)
                if gone > max(0, *(source.stock.get(sku, 0) for source in named), 0):
                    found.append(f"{location} sends {gone} {sku} by {day}")
            today = [amounts[at] for at in own if sources[at].ships_on == day]
            room = question.capacity.get((location, day), Room())
            lines = len({sku for units in today for sku in units})
            units_sent = sum(sum(units.values()) for units in today)
            for name, used, most in (
                ("parcels", len(today), room.parcels),
                ("lines", lines, room.lines),
                ("units", units_sent, room.units),
            ):
                if most is not None and used > most:
                    found.append(f"{location} sends {used} {name} on {day}")
    groups: dict[str, set[str]] = defaultdict(set)
    for demand in question.demands:
        if demand.whole:
            groups[f"whole {demand.sku}"].add(demand.sku)
        if demand.group:
            groups[f"group {demand.group}"].add(demand.sku)
    for name, skus in groups.items():
        parcels = {at for at, units in amounts.items() if skus & set(units)}
        if len(parcels) > 1:
            found.append(f"{name} is split")
    if question.max_shipments is not None and len(amounts) > question.max_shipments:
        found.append(f"{len(amounts)} parcels")
    if len(amounts) > 1:
        found += [
            f"a parcel worth {question.total(units, 'value')}"
            for units in amounts.values()
            if question.total(units, "value") < question.min_split_value
        ]
    return found


def amounts_of(question: Question, answer: Plan) -> Amounts:
    """A plan's parcels by source."""
    amounts: dict[int, dict[str, int]] = {}
    for parcel in answer.parcels:
        at = next(at for at, source in enumerate(question.sources) if source == parcel.source and at not in amounts)
        amounts[at] = dict(parcel.lines)
        assert len(amounts[at]) == len(parcel.lines)
    return amounts


def standing(question: Question, amounts: Amounts) -> tuple[Any, ...]:
    """By what plans are compared: the objective, shipments, latest arrival, preferred locations; the smaller wins."""
    value: tuple[int, ...] = (score(question, amounts),)
    latest = max(question.sources[at].arrives_on for at in amounts)
    if question.objective is Objective.FASTEST:
        value = (latest, *value)
    elif question.objective is Objective.FEWEST_SHIPMENTS:
        value = (len(amounts), *value)
    places = sorted((question.sources[at].rank, question.sources[at].location) for at in amounts)
    return (value, len(amounts), latest, places)


def check(question: Question, answer: Plan | Shortage) -> Plan:
    """Every promise of a plan, computed anew from its parcels."""
    assert isinstance(answer, Plan)
    amounts = amounts_of(question, answer)
    assert breaches(question, amounts) == []
    fixed = weight = 0
    for at, parcel in zip(amounts, answer.parcels, strict=True):
        units = amounts[at]
        own = price(question, question.sources[at], units)
        assert (parcel.grams, parcel.cost) == (question.total(units, "grams"), sum(own))
        fixed, weight = fixed + own[0], weight + own[1]
    assert answer.terms == {"shipping_fixed": fixed, "shipping_weight": weight}
    assert answer.cost == fixed + weight
    assert answer.penalties == penalties(question, amounts)
    assert answer.score == score(question, amounts)
    assert answer.lower_bound <= answer.score
    assert not answer.exact or answer.lower_bound == answer.score
    assert answer.latest == max(parcel.source.arrives_on for parcel in answer.parcels)
    return answer
