"""Order sourcing as a mixed-integer program, solved by HiGHS, and random instances for it.

Written from the definitions. It knows everything but `balance`, which is not linear, and rate cards whose price
falls with weight.
"""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import gcd

import highspy

from oms_api.sourcing import Break, Demand, Objective, Rate, Room, Source, Weights
from sourcing.checker import Question

CARDS = (
    Rate((Break(500, 80, 0), Break(2000, 150, 60), Break(None, 200, 100)), cm3_per_kg=5000),
    Rate((Break(1000, 0, 120), Break(5000, 120, 90), Break(None, 500, 80))),
)


SECONDS = 60.0
"""Of HiGHS for a program, after which it is left undecided: TimeoutError."""


class Model:
    """Integer variables and rows of one program."""

    def __init__(self) -> None:
        self.highs = highspy.Highs()
        self.highs.silent()
        for option, value in (("mip_rel_gap", 0.0), ("mip_abs_gap", 0.5), ("threads", 1), ("random_seed", 1)):
            self.highs.setOptionValue(option, value)
        self.highs.setOptionValue("time_limit", SECONDS)
        self.count = 0

    def integer(self, most: float, cost: int = 0) -> int:
        """A variable from 0 to `most`."""
        self.highs.addCol(cost, 0, most, 0, [], [])
        self.highs.changeColIntegrality(self.count, highspy.HighsVarType.kInteger)
        self.count += 1
        return self.count - 1

    def row(self, least: float, terms: Mapping[int, float], most: float) -> None:
        """least ≤ sum of terms ≤ most."""
        scale = gcd(*(abs(int(factor)) for factor in terms.values())) or 1
        factors = [factor / scale for factor in terms.values()]
        self.highs.addRow(least / scale, most / scale, len(terms), list(terms), factors)

    def solve(self) -> int | None:
        """The least cost; None when there is no solution."""
        self.highs.run()
        status = self.highs.getModelStatus()
        if status == highspy.HighsModelStatus.kTimeLimit:
            raise TimeoutError
        if status == highspy.HighsModelStatus.kInfeasible:
            return None
        assert status == highspy.HighsModelStatus.kOptimal, status
        return round(self.highs.getInfo().objective_function_value)


NONE, ALL = -highspy.kHighsInf, highspy.kHighsInf


def optimum(question: Question) -> tuple[int, ...] | None:
    """The least of what the objective compares: score, after last arrival or shipments where these go first."""
    if question.objective is Objective.FASTEST:
        for day in sorted({source.arrives_on for source in question.sources}):
            score = _solved(question, [source for source in question.sources if source.arrives_on <= day])
            if score is not None:
                return day, score
        return None
    if question.objective is Objective.FEWEST_SHIPMENTS:
        fewest = _solved(question, question.sources, count=True)
        if fewest is None:
            return None
        score = _solved(question, question.sources, exactly=fewest)
        assert score is not None
        return fewest, score
    score = _solved(question, question.sources)
    return None if score is None else (score,)


def _solved(
    question: Question, sources: Sequence[Source], *, count: bool = False, exactly: int | None = None
) -> int | None:
    """Least score over these sources, or least number of parcels; of exactly so many parcels when told."""
    model, weights, wanted = Model(), question.weights, question.wanted
    facts = {demand.sku: demand for demand in question.demands}
    priced = 0 if count else 1
    units: list[dict[str, int]] = []
    opened: list[int] = []
    for source in sources:
        late = 0 if question.due_on is None else max(0, source.arrives_on - question.due_on)
        base = weights.shipping * source.fixed + weights.late_per_day * late + weights.preference * source.rank
        base += weights.split + source.surcharge
        parcel = model.integer(1, base if priced else 1)
        own = {}
        for sku, quantity in wanted.items():
            most = min(quantity, source.stock.get(sku, 0))
            if most > 0:
                margin = question.margin_weight * (source.margins or {}).get(sku, 0)
                own[sku] = model.integer(most, priced * (source.per_unit + margin))
                model.row(NONE, {own[sku]: 1, parcel: -most}, 0)
                if source.per_line:
                    line = model.integer(1, priced * source.per_line)
                    model.row(NONE, {own[sku]: 1, line: -most}, 0)
        model.row(0, {parcel: -1, **dict.fromkeys(own.values(), 1)}, ALL)
        units.append(own)
        opened.append(parcel)
        if priced:
            _weigh(model, question, source, parcel, own)
    for sku, quantity in wanted.items():
        model.row(quantity, {own[sku]: 1 for own in units if sku in own}, quantity)
    _share(model, question, sources, opened, units)
    groups: dict[str, set[str]] = defaultdict(set)
    for demand in question.demands:
        if demand.whole:
            groups[f"whole {demand.sku}"].add(demand.sku)
        if demand.group:
            groups[f"group {demand.group}"].add(demand.sku)
    for skus in groups.values():
        takes = []
        for own in units:
            takes.append(model.integer(1 if skus <= set(own) else 0))
            for sku in skus & set(own):
                model.row(0, {own[sku]: 1, takes[-1]: -wanted[sku]}, 0)
        model.row(1, dict.fromkeys(takes, 1), 1)
    everything = dict.fromkeys(opened, 1)
    most = len(sources) if question.max_shipments is None else question.max_shipments
    model.row(exactly or 0, everything, exactly or most)
    if question.min_split_value:
        alone = model.integer(1)
        model.row(NONE, {**everything, alone: len(sources)}, 1 + len(sources))
        for parcel, own in zip(opened, units, strict=True):
            worth = {variable: facts[sku].value for sku, variable in own.items()}
            least = question.min_split_value
            model.row(0, {**worth, parcel: -least, alone: least}, ALL)
    best = model.solve()
    return best if best is None or count else best - weights.split


def _weigh(model: Model, question: Question, source: Source, parcel: int, own: Mapping[str, int]) -> None:
    """What the weight of a parcel costs, rounded up."""
    facts = {demand.sku: demand for demand in question.demands}
    grams = {variable: facts[sku].grams for sku, variable in own.items()}
    shipping = question.weights.shipping
    heaviest = sum(facts[sku].grams * units for sku, units in question.wanted.items())
    rate = source.rate
    if rate is None:
        cost = model.integer(source.per_kg * heaviest // 1000 + 1, shipping)
        model.row(NONE, {**{at: weight * source.per_kg for at, weight in grams.items()}, cost: -1000}, 0)
        return
    if rate.cm3_per_kg:
        volume = sum(facts[sku].cm3 * units for sku, units in question.wanted.items())
        heaviest = max(heaviest, volume * 1000 // rate.cm3_per_kg + 1)
    billed = model.integer(heaviest)
    model.row(NONE, {**grams, billed: -1}, 0)
    if rate.cm3_per_kg:
        volumes = {variable: facts[sku].cm3 * 1000 for sku, variable in own.items()}
        model.row(NONE, {**volumes, billed: -rate.cm3_per_kg}, 0)
    cost = model.integer(max(step.per_kg for step in rate.breaks) * heaviest // 1000 + 1, shipping)
    steps: dict[int, float] = {}
    for step in rate.breaks:
        chosen = model.integer(1, shipping * step.fixed)
        steps[chosen] = -(heaviest if step.up_to is None else min(step.up_to, heaviest))
        most = step.per_kg * heaviest
        model.row(NONE, {billed: step.per_kg, cost: -1000, chosen: most}, most)
    model.row(NONE, {billed: 1, **steps}, 0)
    model.row(0, {parcel: -1, **dict.fromkeys(steps, 1)}, 0)


def _share(
    model: Model,
    question: Question,
    sources: Sequence[Source],
    opened: Sequence[int],
    units: Sequence[Mapping[str, int]],
) -> None:
    """What sources of one location share: stock by each ship day, and the room of a day."""
    for location in {source.location for source in sources}:
        own = [at for at, source in enumerate(sources) if source.location == location]
        for day in {sources[at].ships_on for at in own}:
            by_day = [at for at in own if sources[at].ships_on <= day]
            named = [one for one in question.sources if one.location == location and one.ships_on <= day]
            for sku in question.wanted:
                terms = {units[at][sku]: 1 for at in by_day if sku in units[at]}
                if len(terms) > 1:
                    model.row(NONE, terms, max(one.stock.get(sku, 0) for one in named))
            room = question.capacity.get((location, day), Room())
            today = [at for at in own if sources[at].ships_on == day]
            if room.parcels is not None:
                model.row(NONE, {opened[at]: 1 for at in today}, room.parcels)
            if room.units is not None:
                model.row(NONE, {at: 1 for one in today for at in units[one].values()}, room.units)
            if room.lines is not None:
                lines = []
                for sku, quantity in question.wanted.items():
                    lines.append(model.integer(1))
                    for at in today:
                        if sku in units[at]:
                            model.row(NONE, {units[at][sku]: 1, lines[-1]: -quantity}, 0)
                model.row(NONE, dict.fromkeys(lines, 1), room.lines)


REGIMES = ("plenty", "scarce", "split")
LOCATIONS = {"plenty": 10, "scarce": 40, "split": 14}
"""So few that HiGHS takes about a tenth of a second, so many that most carts can be served."""


def instance(rng: random.Random, lines: int, locations: int, regime: str) -> Question:
    """A cart over a network: stock of a regime, one to three ways to send, some with capacity, cards, penalties."""
    most = {"plenty": 3, "scarce": 2, "split": 6 if lines <= 3 else 3}[regime]
    demands = [
        Demand(
            f"S{line}",
            rng.randint(2 if regime == "split" else 1, most),
            rng.randrange(50, 2500),
            cm3=rng.randrange(100, 9000),
            value=rng.randrange(500, 5000),
        )
        for line in range(lines)
    ]
    share = {"plenty": 0.6, "scarce": 0.12, "split": 0.35}[regime]
    levels = {"plenty": (2, 3, 5, 9), "scarce": (1, 1, 2), "split": (1, 1, 1, 2)}[regime]
    extras, cards, limited = rng.random() < 0.35, rng.random() < 0.35, rng.random() < 0.35
    ways = rng.choice([1, 1, 2, 3])
    sources = []
    capacity = {}
    for place in range(locations):
        zone, day = rng.randint(1, 7), rng.randint(0, 2)
        stock = {demand.sku: rng.choice(levels) for demand in demands if rng.random() < share}
        card = rng.choice(CARDS) if cards and rng.random() < 0.7 else None
        for way in range(ways):
            ships_on = day + way // 2
            sources.append(
                Source(
                    f"L{place:03}",
                    place % 7,
                    {sku: units + (way // 2) for sku, units in stock.items()},
                    ships_on,
                    ships_on + (zone if way % 2 == 0 else (zone + 1) // 2),
                    fixed=(500 + 50 * zone) * (1 + way % 2) + rng.randrange(20),
                    per_kg=100 * (1 + way % 2),
                    service=f"w{way}",
                    rate=card,
                    surcharge=rng.choice([0, 90]) if extras else 0,
                    per_line=rng.choice([0, 25]) if extras else 0,
                    per_unit=15 * (way // 2),
                )
            )
            if limited and rng.random() < 0.5:
                room = (rng.choice([None, 1]), rng.choice([None, 1, 2]), rng.choice([None, 1, 2, 4]))
                capacity[f"L{place:03}", ships_on] = Room(*room)
    return Question(
        demands,
        sources,
        rng.choice([Objective.CHEAPEST, Objective.CHEAPEST, Objective.FASTEST, Objective.FEWEST_SHIPMENTS]),
        Weights(late_per_day=30, split=40, preference=10) if extras else Weights(),
        due_on=3,
        max_shipments=rng.choice([None, None, None, 2, 3]),
        min_split_value=rng.choice([0, 0, 0, 1500]),
        capacity=capacity,
    )
