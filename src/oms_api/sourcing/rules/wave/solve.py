"""Many orders share out the same stock: columns are ways to serve one claim, found by the planner at the prices of
what runs short.

The linear program over the columns known so far prices each scarce unit; the planner, asked at these prices, finds
the best way to serve each claim, exactly. That is a new column, or proves that there is none: what all claims score
at the prices, less the worth of all there is, is a bound below every outcome. Prices are whole numbers, so the bound
is exact arithmetic.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from oms_api.sourcing.rules.wave.claims import SCALE, WAITS, Asked, Column, Key, Priced, Rows, paid
from oms_api.sourcing.rules.wave.master import Master
from oms_api.sourcing.rules.wave.words import WEIGHT, Claim, Outcome, Sent, Share
from oms_api.sourcing.rules.words import PLAIN, Capacity, Weights

FREE: Mapping[Key, int] = {}
"""Prices at which nothing is scarce."""
GAP = 5e-4
"""Share of the score up to which the bound is closed."""
ROUNDS_MAX = 60
NODES_MAX = 500
ENRICH_FROM = 3e-3
PLANS_A_CLAIM = 20
PLANS = 2000
"""From which gap on second bests are searched for, and how many plans that may take, of a claim and in all."""


def wave(
    claims: Sequence[Claim],
    *,
    weights: Weights = PLAIN,
    capacity: Capacity | None = None,
    waiting: int | None = None,
    rounds: int = ROUNDS_MAX,
    choose_s: float = 6.0,
) -> Outcome:
    """Share stock out over claims so that least waits, by strategy, and it costs least.

    `waiting` is what a unit of LOSE that waits scores, in minor units; others weigh more (`WEIGHT`). Without it: twice
    what any unit could cost to send, so that a unit is sent when it can be. `capacity` is the room that orders of the
    wave share, what they hold now included. `choose_s` bounds the last step in seconds: the same again comes out the
    same unless that ends it, as it may when very much is scarce. A claim may have `weights` of
    its own; `Weights.balance` does not count: it goes by what one order takes. ValueError for two claims of a key and
    what `plan` refuses.
    """
    started = time.process_time()
    if len({claim.key for claim in claims}) < len(claims):
        raise ValueError("two claims of a wave have the same key")
    if not claims:
        return Outcome((), 0, 0, 0, 0, 0, 0.0)
    rows = Rows(claims, capacity or {})
    if waiting is None:
        waiting = _dearest(claims, weights)
    ordered = sorted(claims, key=lambda claim: claim.key)
    asked = [
        Asked(number, claim, rows, (claim.weights or weights)._replace(balance=0), waiting)
        for number, claim in enumerate(ordered)
    ]
    run = _Run(asked, rows)
    best = run.start()
    done = 0
    while done < rounds:
        done += 1
        if run.round():
            break
    best = run.chosen(best, choose_s)
    worth = _total(best) - run.bound
    if worth > ENRICH_FROM * run.bound and run.enrich(worth):
        best = run.chosen(best, choose_s)
    best = run.settled(best)
    shares = {one.claim.key: _share(one, column) for one, column in zip(asked, best, strict=True)}
    score, bound = _total(best), min(run.bound, _total(best))
    return Outcome(
        shares=tuple(shares[claim.key] for claim in claims),
        score_before=_minor(sum(one.held.score for one in asked)),
        score=_minor(score),
        bound=-(-bound // SCALE),
        columns=len(run.master.columns),
        rounds=done,
        seconds=time.process_time() - started,
    )


class _Run:
    """Columns, prices and the bound, round by round."""

    def __init__(self, asked: Sequence[Asked], rows: Rows) -> None:
        self.asked = asked
        self.rows = rows
        self.most = rows.most
        self.master = Master(len(asked), rows.most)
        self.order = sorted(asked, key=lambda one: (-WEIGHT[one.claim.strategy], one.claim.key))
        self.bound = -(10**30)
        self._prices: dict[Key, int] = {}
        self._centre: dict[Key, int] = {}
        self._priced: list[Priced] = []

    def start(self) -> list[Column]:
        """A first choice: one after the other, the first to be served first, from what those before leave."""
        best = [one.nothing for one in self.asked]
        for one in self.asked:
            self.master.add(one.nothing)
            self.master.add(one.held)
        best = self.improved(best)
        # the program knows too few columns to price anything yet: without a guess its first bounds are worth nothing
        self._ask(self._guessed(best))
        return best

    def _guessed(self, best: Sequence[Column]) -> dict[Key, int]:
        """Prices of a choice: of a SKU that is short, about what it costs that the first unit beyond it waits."""
        worths: dict[str, list[int]] = defaultdict(list)
        served: Counter[str] = Counter()
        for one, column in zip(self.asked, best, strict=True):
            for demand in one.demands:
                worths[demand.sku] += [one.waiting] * demand.quantity
            for source, lines in column.parcels:
                if source.location != WAITS:
                    for sku, units in lines:
                        served[sku] += units
        short = {sku: sorted(some)[-1 - served[sku]] for sku, some in worths.items() if served[sku] < len(some)}
        return {(place, sku, days[-1]): short[sku] for (place, sku), days in self.rows.days.items() if sku in short}

    def chosen(self, best: Sequence[Column], seconds: float) -> list[Column]:
        """The best choice of the columns known, no worse than the one given, and what can be improved in it at once."""
        # served in turn at these prices, nobody takes what is worth more to those after it
        frugal = self.improved(self.improved([one.nothing for one in self.asked], self._centre))
        start = min(best, frugal, key=_total)
        found = self.master.choose(start, seconds, NODES_MAX)
        return self.improved(start if found is None or _total(found) >= _total(start) else found)

    def improved(self, best: Sequence[Column], prices: Mapping[Key, int] = FREE) -> list[Column]:
        """Each claim in turn served anew from what the others leave, where that is better at these prices."""
        chosen = list(best)
        left = dict(self.most)
        for column in chosen:
            for key, units in column.uses.items():
                left[key] -= units
        for one in self.order:
            own = chosen[one.number]
            for key, units in own.uses.items():
                left[key] += units
            found = one.within(left, prices)
            if found.score + paid(found, prices) < own.score + paid(own, prices):
                self.master.add(found)
                own = chosen[one.number] = found
            for key, units in own.uses.items():
                left[key] -= units
        return chosen

    def settled(self, best: Sequence[Column]) -> list[Column]:
        """Nobody is moved for nothing: who would be served as well by what it has keeps that, where it can."""
        held = [one.held for one in self.asked]
        left = dict(self.most)
        for column in held:
            for key, units in column.uses.items():
                left[key] -= units
        if _total(held) <= _total(best) and min(left.values(), default=0) >= 0:
            return held
        chosen = list(best)
        left = dict(self.most)
        for column in chosen:
            for key, units in column.uses.items():
                left[key] -= units
        for one in self.asked:
            own, had = chosen[one.number], one.held
            if own.score >= had.score and all(
                left[key] + own.uses.get(key, 0) >= units for key, units in had.uses.items()
            ):
                for key, units in own.uses.items():
                    left[key] += units
                for key, units in had.uses.items():
                    left[key] -= units
                chosen[one.number] = had
        return chosen

    def round(self) -> bool:
        """Price what is known, ask for better ways; whether there are none worth having any more."""
        prices = self.master.prices()
        assert prices is not None
        centred = self._centred(prices)
        new = self._ask(centred)
        if not new and centred != prices:
            new = self._ask(prices)
        return not new or self.master.value - self.bound <= GAP * max(abs(self.bound), 1)

    def enrich(self, worth: int) -> bool:
        """Add other ways to serve each claim that are within `worth` of its best at the prices of the bound: those with
        less of what it takes of what is scarce, and those that scarcity makes dear. Whether there are any.

        The prices bring about what is best for each; what is best for all may be made of second bests.
        """
        prices, new = self._centre, False
        for one in self.order:
            plans = min(PLANS_A_CLAIM, 2 + PLANS // len(self.asked))
            best = one.best(prices)
            most = best.bound + worth
            ways: list[tuple[Column, dict[Key, int]]] = [(best.column, {})]
            for key in sorted(one.touches & prices.keys(), key=lambda key: (-prices[key], key))[: plans // 2]:
                plans -= 1
                other = one.second({its: price for its, price in prices.items() if its != key}, {})
                if other is not None and other.score + paid(other, prices) <= most:
                    ways.append((other, {}))
            while ways:
                column, limits = ways.pop()
                new = self.master.add(column) or new
                for key, units in column.uses.items():
                    if key[1] and plans > 0:
                        plans -= 1
                        less = {**limits, key: units - 1}
                        other = one.second(prices, less)
                        if other is not None and other.score + paid(other, prices) <= most:
                            ways.append((other, less))
        return new

    def _centred(self, prices: Mapping[Key, int]) -> dict[Key, int]:
        """Prices between these and those of the best bound: they swing less, and every one of them gives a bound."""
        if not self._centre:
            return dict(prices)
        keys = {*prices, *self._centre}
        # of what no column takes yet, the program has no price
        known = {key: prices.get(key, 0) if key in self.master.rows else self._centre[key] for key in keys}
        mixed = {key: (price + self._centre.get(key, 0)) // 2 for key, price in known.items()}
        return {key: price for key, price in mixed.items() if price}

    def _ask(self, prices: dict[Key, int]) -> bool:
        """Whether a claim has a way that is new at these prices. Only those are asked for whom it can be another."""
        if self._priced:
            before = self._prices
            changed = {key for key in {*before, *prices} if before.get(key, 0) != prices.get(key, 0)}
            fallen = {key for key in changed if prices.get(key, 0) < before.get(key, 0)}
            for at, one in enumerate(self.asked):
                last = self._priced[at]
                # dearer elsewhere changes neither the best way nor what it scores
                if not fallen.isdisjoint(one.touches) or any(key in changed for key in last.column.uses):
                    self._priced[at] = one.best(prices)
        else:
            self._priced = [one.best(prices) for one in self.asked]
        self._prices = prices
        bound = sum(priced.bound for priced in self._priced)
        bound -= sum(price * self.most[key] for key, price in prices.items())
        if bound > self.bound:
            self.bound = bound
            self._centre = prices
        return sum(self.master.add(priced.column) for priced in self._priced) > 0


def _dearest(claims: Sequence[Claim], weights: Weights) -> int:
    """Twice what a unit of any claim could score at most, sent in a parcel of its own."""
    most = 0
    for claim in claims:
        own = claim.weights or weights
        grams = max((demand.grams for demand in claim.demands), default=0)
        cm3 = max((demand.cm3 for demand in claim.demands), default=0)
        for source in claim.sources:
            weight = -(-source.per_kg * grams // 1000) if source.rate is None else source.rate.cost(grams, cm3)
            late = max(source.arrives_on - claim.due_on, 0) if claim.due_on is not None else 0
            lost = max((source.margins or {}).values(), default=0)
            most = max(
                most,
                own.shipping * (source.fixed + weight)
                + source.surcharge
                + source.per_line
                + source.per_unit
                + own.late_per_day * late
                + own.preference * source.rank
                + own.margin * lost
                + own.split,
            )
    return 2 * most + 1


def _total(columns: Sequence[Column]) -> int:
    return sum(column.score for column in columns)


def _minor(score: int) -> int:
    assert score % SCALE == 0
    return score // SCALE


def _share(one: Asked, column: Column) -> Share:
    """What a claim gets, by its own sources."""
    waiting = dict(one.wanted)
    sent = []
    score = column.score
    for source, lines in column.parcels:
        if source.location == WAITS:
            score -= sum(units for _, units in lines) * one.waiting
            continue
        for sku, units in lines:
            waiting[sku] -= units
        sent.append(Sent(one.own[id(source)], dict(lines)))
    return Share(
        key=one.claim.key,
        sent=tuple(sent),
        waiting={sku: units for sku, units in sorted(waiting.items()) if units},
        score=_minor(score),
        changed=column.name != one.held.name,
    )
