"""Waves from their definitions: random ones, a checker of outcomes, and the optimum as one mixed-integer program."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from oms_api.sourcing import Demand, Room, Source, Weights
from oms_api.sourcing.rules.wave import NEVER_WORSE, WEIGHT, Claim, Held, Outcome, WaveStrategy, wave
from sourcing.checker import Question, penalties, price
from sourcing.oracle import ALL, NONE, Model, _weigh


@dataclass
class Wave:
    """Everything that is given to the solver."""

    claims: Sequence[Claim]
    weights: Weights = field(default_factory=Weights)
    capacity: dict[tuple[str, int], Room] = field(default_factory=dict)
    waiting: int = 5000

    def solve(self) -> Outcome:
        """The solver's answer."""
        return wave(self.claims, weights=self.weights, capacity=self.capacity, waiting=self.waiting)

    def question(self, claim: Claim) -> Question:
        """A claim by itself."""
        return Question(claim.demands, claim.sources, weights=self.weights, due_on=claim.due_on)

    def level(self, location: str, sku: str, day: int) -> int:
        """Units that may leave a location by a day."""
        return max(
            (
                source.stock.get(sku, 0)
                for claim in self.claims
                for source in claim.sources
                if source.location == location and source.ships_on <= day
            ),
            default=0,
        )


def held(claim: Claim) -> dict[str, int]:
    """Units of each SKU that a claim has."""
    units: dict[str, int] = defaultdict(int)
    for one in claim.held:
        for sku, amount in one.units.items():
            units[sku] += amount
    return dict(units)


def score(given: Wave, claim: Claim, sent: Sequence[tuple[Source, dict[str, int]]], waiting: dict[str, int]) -> int:
    """What a claim scores, and what of it waits; KEEP does not ask for more than it has."""
    question = given.question(claim)
    question.sources = [source for source, _ in sent]
    amounts = dict(enumerate(units for _, units in sent))
    total = sum(sum(price(question, source, units)) for source, units in sent) * given.weights.shipping
    if sent:
        total += sum(penalties(question, amounts).values())
    if claim.strategy is not WaveStrategy.KEEP and any(waiting.values()):
        total += sum(waiting.values()) * given.waiting * WEIGHT[claim.strategy] + given.weights.split * bool(sent)
    return total


def breaches(given: Wave, found: Outcome) -> list[str]:
    """Every rule that an outcome breaks."""
    wrong = []
    gone: dict[tuple[str, str, int], int] = defaultdict(int)
    rooms: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0, 0])
    total = 0
    for claim, share in zip(given.claims, found.shares, strict=True):
        assert claim.key == share.key
        wanted = {demand.sku: demand.quantity for demand in claim.demands}
        got: dict[str, int] = defaultdict(int)
        before = held(claim)
        latest = {
            sku: max(one.source.arrives_on for one in claim.held if sku in one.units) for sku in before
        }  # fmt: skip
        for source, units in share.sent:
            assert any(source is one for one in (*claim.sources, *(one.source for one in claim.held)))
            room = rooms[source.location, source.ships_on]
            room[0], room[1], room[2] = room[0] + 1, room[1] + len(units), room[2] + sum(units.values())
            for sku, amount in units.items():
                assert amount > 0
                got[sku] += amount
                gone[source.location, sku, source.ships_on] += amount
                if claim.strategy in NEVER_WORSE and sku in latest and source.arrives_on > latest[sku]:
                    wrong.append(f"{share.key} gets {sku} later than it had it")
        if claim.strategy in NEVER_WORSE:
            wrong += [f"{share.key} lost {sku}" for sku, units in before.items() if got[sku] < units]
        if claim.strategy is WaveStrategy.KEEP and dict(got) != before:
            wrong.append(f"{share.key} keeps {dict(got)} of {before}")
        waiting = {sku: units - got[sku] for sku, units in wanted.items() if units > got[sku]}
        if dict(share.waiting) != waiting or any(units < 0 for units in share.waiting.values()):
            wrong.append(f"{share.key} waits for {share.waiting}, not {waiting}")
        total += score(given, claim, [(source, dict(units)) for source, units in share.sent], waiting)
    for location, sku, day in list(gone):
        by_day = sum(units for (at, of, on), units in gone.items() if (at, of) == (location, sku) and on <= day)
        if by_day > given.level(location, sku, day):
            wrong.append(f"{location} sends {by_day} {sku} by {day}")
    for key, used in rooms.items():
        for most, amount in zip(given.capacity.get(key, Room()), used, strict=True):
            if most is not None and amount > most:
                wrong.append(f"{key} takes {used}")
    if total != found.score:
        wrong.append(f"scores {total}, said {found.score}")
    return wrong


def optimum(given: Wave) -> int:
    """The least score of any outcome."""
    model = Model()
    model.highs.setOptionValue("mip_abs_gap", 0.5)
    units: list[tuple[Claim, Source, int, dict[str, int]]] = []
    constant = 0
    for claim in given.claims:
        question = given.question(claim)
        before = held(claim)
        wanted = {demand.sku: demand.quantity for demand in claim.demands}
        latest = {sku: max(one.source.arrives_on for one in claim.held if sku in one.units) for sku in before}
        own: list[tuple[int, dict[str, int]]] = []
        for source in claim.sources:
            late = max(0, source.arrives_on - (source.arrives_on if claim.due_on is None else claim.due_on))
            base = given.weights.shipping * source.fixed + given.weights.late_per_day * late
            base += given.weights.preference * source.rank + given.weights.split + source.surcharge
            parcel = model.integer(1, base)
            takes = {}
            for sku, quantity in wanted.items():
                most = min(quantity, source.stock.get(sku, 0))
                if claim.strategy in NEVER_WORSE and sku in latest and source.arrives_on > latest[sku]:
                    most = 0
                if most > 0:
                    takes[sku] = model.integer(most, source.per_unit)
                    model.row(NONE, {takes[sku]: 1, parcel: -most}, 0)
                    if source.per_line:
                        line = model.integer(1, source.per_line)
                        model.row(NONE, {takes[sku]: 1, line: -most}, 0)
            model.row(0, {parcel: -1, **dict.fromkeys(takes.values(), 1)}, ALL)
            _weigh(model, question, source, parcel, takes)
            own.append((parcel, takes))
            units.append((claim, source, parcel, takes))
        keep = claim.strategy is WaveStrategy.KEEP
        late_parcel = model.integer(1, given.weights.split)
        for sku, quantity in wanted.items():
            least = before.get(sku, 0) if claim.strategy in NEVER_WORSE else 0
            waits = model.integer(quantity - least, 0 if keep else given.waiting * WEIGHT[claim.strategy])
            if keep:
                quantity = least
                model.row(0, {waits: 1}, 0)
            model.row(NONE, {waits: 1, late_parcel: -quantity}, 0)
            model.row(quantity, {waits: 1, **{takes[sku]: 1 for _, takes in own if sku in takes}}, quantity)
        if not keep or before:
            constant += given.weights.split
    for location, sku in {(source.location, sku) for _, source, _, takes in units for sku in takes}:
        here = [(source, takes[sku]) for _, source, _, takes in units if source.location == location and sku in takes]
        for day in {source.ships_on for source, _ in here}:
            terms = {taken: 1 for source, taken in here if source.ships_on <= day}
            model.row(NONE, terms, given.level(location, sku, day))
    for (location, day), room in given.capacity.items():
        today = [one for one in units if (one[1].location, one[1].ships_on) == (location, day)]
        if room.parcels is not None:
            model.row(NONE, {parcel: 1 for _, _, parcel, _ in today}, room.parcels)
        if room.units is not None:
            model.row(NONE, {taken: 1 for _, _, _, takes in today for taken in takes.values()}, room.units)
    best = model.solve()
    assert best is not None
    return int(best) - constant


def random_wave(rng: random.Random, count: int, locations: int) -> Wave:
    """Claims for a few SKUs that are scarce; some have been served already, some ways leave on another day with more
    stock, some locations have room for so much a day."""
    skus = [f"S{at}" for at in range(4)]
    grams = {sku: rng.randrange(100, 2500) for sku in skus}
    extras, limited, later = rng.random() < 0.4, rng.random() < 0.4, rng.random() < 0.5
    stock = {f"L{at}": {sku: rng.choice((1, 1, 2, 3)) for sku in skus if rng.random() < 0.6} for at in range(locations)}
    coming = {place: {sku: units + rng.choice((0, 0, 2)) for sku, units in own.items()} for place, own in stock.items()}
    left = {place: dict(own) for place, own in stock.items()}
    claims = []
    for number in range(count):
        chosen = rng.sample(skus, rng.randint(1, 3))
        demands = [Demand(sku, rng.choice((1, 1, 1, 2)), grams[sku]) for sku in chosen]
        sources = []
        for at, place in enumerate(stock):
            zone = rng.randint(1, 7)
            first = Source(
                place, at, stock[place], 0, zone, 500 + 50 * zone, 100,
                surcharge=rng.choice((0, 90)) if extras else 0,
                per_line=rng.choice((0, 25)) if extras else 0,
            )  # fmt: skip
            sources.append(first)
            if later:
                sources.append(first._replace(stock=coming[place], ships_on=2, arrives_on=2 + zone))
        have: list[Held] = []
        if rng.random() < 0.6:
            for source in rng.sample(sources, len(sources)):
                units = {
                    demand.sku: taken
                    for demand in demands
                    if (taken := min(
                        left[source.location].get(demand.sku, 0),
                        demand.quantity - sum(one.units.get(demand.sku, 0) for one in have),
                    )) > 0
                }  # fmt: skip
                if units and source.ships_on == 0 and rng.random() < 0.7:
                    have.append(Held(source, units))
                    for sku, amount in units.items():
                        left[source.location][sku] -= amount
        claims.append(Claim(f"c{number}", demands, sources, rng.choice(list(WaveStrategy)), have, due_on=3))
    used: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for claim in claims:
        for one in claim.held:
            used[one.source.location][0] += 1
            used[one.source.location][1] += sum(one.units.values())
    capacity = {}
    if limited:
        for place in stock:
            if rng.random() < 0.6:
                parcels, amount = used[place]
                capacity[place, 0] = Room(parcels + rng.randint(0, 1), None, amount + rng.randint(0, 2))
    weights = Weights(late_per_day=30, split=40, preference=10) if extras else Weights()
    return Wave(claims, weights, capacity)
