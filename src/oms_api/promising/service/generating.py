"""Capable to promise: what ATP rules bring of the units that ATP cannot serve, as a question for another plan.

Asked only when a plan came up short. Nothing here is kept: `bringing` makes it true when it is held.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from oms_api import inventory
from oms_api.inventory import Incoming, Stock
from oms_api.kit import ids
from oms_api.kit.db import Reading
from oms_api.kit.errors import Refusal
from oms_api.promising.errors import NoSource
from oms_api.promising.models import AtpMode, DeliveryMethod, Generated, GeneratorKind, Parcel
from oms_api.promising.queries import Applied
from oms_api.promising.rules import Steps, atp
from oms_api.promising.service.place import Place, places_of
from oms_api.promising.service.question import Question
from oms_api.promising.service.shelf import Shelf

LOADS_MAX = 31
"""So many days of generators serve one SKU of a plan."""
_ANYHOW = (AtpMode.INFINITE, AtpMode.LEAD_TIME)
_LAST = time(23, 59, 59)

Taken = Counter[tuple[str, date]]
"""Units of the days of origins."""


async def widened(
    reading: Reading, question: Question, short: Sequence[Refusal], *, backorder: bool
) -> Question | None:
    """The question with what rules bring of what a plan is short of; None when they bring nothing of it.

    Of the SKUs that rules help, units may then wait for announced supply too: what is there first is sold first. No
    statement when no rule helps, at most two else: what was sold of generators' days, and stock of components.
    """
    book = question.shelf.book
    if question.assuming is not None and question.assuming.alone:
        return None
    helped = [(sku, applied) for sku in _failing(question, short) if _helps(applied := book.of(sku))]
    if not helped:
        return None
    taken = Taken()
    if origins := sorted({origin for _, applied in helped for origin in limited(applied)}):
        taken.update(await inventory.brought(reading, origins, question.shelf.day_zero - timedelta(days=1)))
    stock = await _stock(reading, question, helped)
    groups = [[place] for place in question.candidates] if question.collected else [question.candidates]
    found: list[Generated] = []
    for places in groups:
        found += _Bringer(question, places, taken.copy(), stock).bring(helped)
    counted_in: Counter[tuple[str, UUID]] = Counter()
    loads, added, now = list[Incoming](), Counter[str](), Counter[str]()
    for one in found:
        if one.kind == AtpMode.INFINITE:
            counted_in[one.sku, one.location_id] += one.quantity
            now[one.sku] += one.quantity
        else:
            loads.append(Incoming(one.id, one.sku, one.location_id, one.quantity, one.expected_at))
            added[one.sku] += one.quantity
    waiting = frozenset(sku for sku, _ in helped if added[sku] or now[sku] or question.offered_later.get(sku))
    if not waiting:
        return None
    shelf = question.shelf.beside(loads, counted_in)
    whole = question.whole or question.shelf
    known = question.offered_later
    return replace(
        question,
        shelf=shelf,
        whole=shelf if whole is question.shelf else whole.beside(loads, counted_in),
        offered={sku: question.offered.get(sku, 0) + now[sku] for sku in question.grams},
        offered_later={sku: known.get(sku, 0) + added[sku] for sku in question.grams if backorder or sku in waiting},
        waiting=waiting,
        generated={one.id: one for one in found},
    )


def used_of(question: Question, parcels: Iterable[Parcel]) -> tuple[Generated, ...]:
    """What rules bring for these parcels, and no more of it."""
    if not question.generated:
        return ()
    waits: Counter[UUID | None] = Counter()
    on_hand: Counter[tuple[str, UUID]] = Counter()
    for parcel in parcels:
        for units in parcel.lines:
            waits[units.supply_id] += units.quantity
            if units.supply_id is None:
                on_hand[units.sku, parcel.location_id] += units.quantity
    found = []
    for one in question.generated.values():
        wanted = waits[one.id]
        if one.kind == AtpMode.INFINITE:  # what is there goes first
            there = question.shelf.at(one.sku, one.location_id) - one.quantity
            wanted = on_hand[one.sku, one.location_id] - there
        if wanted > 0:
            found.append(one._replace(quantity=wanted))
    return tuple(found)


def _failing(question: Question, short: Sequence[Refusal]) -> list[str]:
    """Stocked SKUs of the lines that a plan is short of; of all lines when it does not say."""
    named = {str(part.details["sku"]) for part in short if part.details and "sku" in part.details}
    every = any(isinstance(part, NoSource) for part in short)
    lines = zip(question.lines, question.parts, strict=True)
    return list(dict.fromkeys(sku for line, parts in lines if every or line.sku in named for sku in parts))


def _helps(applied: Applied) -> bool:
    return bool(applied.generators) or applied.rule.mode in _ANYHOW


def origin(applied: Applied, number: int, kind: str) -> str:
    return f"{applied.handle}/{kind}/{number}"


def generator(
    name: str, sent: Mapping[str, Any], zero: date, parts: Sequence[tuple[int, int]], taken: Callable[[date], int]
) -> atp.Generator:
    """A generator of a rule as it works from day `zero` on. `parts`: (units on hand, units of it in one) of all that it
    takes; `taken`: units of its days that are sold."""
    per_day, open_days = sent["perDay"], frozenset(sent["openDays"])

    def works(day: int) -> bool:
        return (zero + timedelta(days=day)).isoweekday() in open_days

    def taken_on(day: int) -> int:
        return taken(zero + timedelta(days=day))

    def capacity(day: int) -> int | None:
        if not works(day):
            return 0
        return None if per_day is None else max(per_day - taken_on(day), 0)

    if sent["kind"] == GeneratorKind.DROP_SHIP:
        return atp.drop_shipped(name, sent["leadDays"], works=works, per_day=per_day, taken=taken_on)
    there = [((atp.Step(0, units),), each) for units, each in parts]
    return atp.made(name, there, lead_days=sent["leadDays"], capacity=capacity)


def limited(applied: Applied) -> Iterable[str]:
    """Origins whose days are limited, in the order of the rule."""
    for number, sent in enumerate(applied.generators, 1):
        if sent["perDay"] is not None:
            yield origin(applied, number, sent["kind"])


async def _stock(reading: Reading, question: Question, helped: Sequence[tuple[str, Applied]]) -> Shelf:
    """Stock of what is made into others or comes from another location, everywhere in the channel."""
    skus = {part for _, rule in helped for sent in rule.generators for part, _ in sent["components"]}
    skus |= {sku for sku, rule in helped if any(sent["location"] for sent in rule.generators)}
    closed = question.assuming.closed if question.assuming else ()
    places = [place for place in places_of(question.network) if place.active and place.handle not in closed]
    stock: Sequence[Stock] = ()
    if skus:
        ids_, channel = [place.id for place in places], question.network.channel.handle
        known = await inventory.known_stock(
            reading, sorted(skus), ids_, method=DeliveryMethod.SHIPPING, channel=channel
        )
        stock = known.stock
        if question.assuming is not None:
            stock = question.assuming.imagined(stock, {place.handle: place for place in places}, skus)
    return Shelf(places, stock, (), question.shelf.reach, limits=question.shelf.limits)


class _Bringer:
    """What rules bring to some locations, of which a plan takes all it needs: `taken` and `spent` are what the SKUs
    before have used of days and of stock."""

    def __init__(self, question: Question, places: Sequence[Place], taken: Taken, stock: Shelf) -> None:
        self.question = question
        self.places = places
        self.taken = taken
        self.stock = stock
        self.whole = question.whole or question.shelf
        self.zero = question.shelf.day_zero
        self.demand = question.demand([line.quantity for line in question.lines])
        self.spent: Counter[tuple[str, UUID]] = Counter()

    def bring(self, helped: Iterable[tuple[str, Applied]]) -> list[Generated]:
        reach = self.question.shelf.reach
        goals = [place for place in self.places if reach.trip(place) is not None]
        return [one for sku, applied in helped for one in self._bring(sku, applied, goals)] if goals else []

    def _bring(self, sku: str, applied: Applied, goals: Sequence[Place]) -> Iterable[Generated]:
        steps, wanted, mode = self._atp(sku), self.demand[sku], applied.rule.mode
        if mode is AtpMode.INFINITE:
            missing = wanted - steps[0].quantity
            if missing > 0:
                yield self._generated(sku, applied, 0, mode, goals[0], 0, missing)
            return
        at: dict[str, tuple[int, str, Place]] = {}
        generators = list[atp.Generator]()
        if mode is AtpMode.LEAD_TIME:
            at["0"] = 0, mode, goals[0]
            generators.append(atp.drop_shipped("0", applied.rule.lead_time_days or 0))
        for number, sent in enumerate(applied.generators, 1):
            goal = max(goals, key=lambda place: self._makes(sent, place)) if sent["components"] else goals[0]
            at[str(number)] = number, sent["kind"], goal
            generators.append(self._generator(sku, str(number), sent, origin(applied, number, sent["kind"]), goal))
        for load in atp.gathered(steps, wanted, generators, loads_max=LOADS_MAX):
            if load.by:
                number, kind, goal = at[load.by]
                yield from self._loaded(sku, applied, number, kind, goal, load)

    def _loaded(
        self, sku: str, applied: Applied, number: int, kind: str, goal: Place, load: atp.Load
    ) -> Iterable[Generated]:
        one = self._generated(sku, applied, number, kind, goal, load.on, load.quantity)
        if not self.question.shelf.counts(Incoming(one.id, sku, goal.id, one.quantity, one.expected_at)):
            return
        if one.capacity_on is not None:
            self.taken[one.origin, one.capacity_on] += one.quantity
        for part, location_id, units in one.takes:
            self.spent[part, location_id] += units * one.quantity
        yield one

    def _generated(
        self, sku: str, applied: Applied, number: int, kind: str, goal: Place, on: int, quantity: int
    ) -> Generated:
        sent: Mapping[str, Any] = applied.generators[number - 1] if number else {}
        day = max(self.zero + timedelta(days=on), self.question.shelf.reach.today(goal))
        expected_at = datetime.combine(day, _LAST, ZoneInfo(goal.timezone)).astimezone(UTC)
        capacity_on = None
        takes: tuple[tuple[str, UUID, int], ...] = ()
        if number and sent["perDay"] is not None:
            capacity_on = self._capacity_day(sent, on)
        if kind == GeneratorKind.TRANSFER:
            lane = self._lane(sent)
            takes = ((sku, lane.id, 1),) if lane else ()
        elif number:
            takes = tuple((part, goal.id, units) for part, units in sent["components"])
        return Generated(
            ids.new(), str(applied.handle), number, kind, sku, goal.id, quantity, expected_at, capacity_on, takes
        )

    def _capacity_day(self, sent: Mapping[str, Any], on: int) -> date:
        """A supplier's day is the one on which it is there, that of a workshop or a lane the one on which it begins."""
        begun = on if sent["kind"] == GeneratorKind.DROP_SHIP else on - sent["leadDays"]
        return self.zero + timedelta(days=begun)

    def _atp(self, sku: str) -> Steps:
        """What a plan over these locations can take of a SKU, by day."""
        own = atp.combined([self.question.shelf.steps_at(sku, place.id) for place in self.places])
        whole = self.whole.steps(sku, self.question.network.channel.threshold)
        days = sorted({step.on for step in (*own, *whole)})
        return tuple(atp.Step(day, min(atp.quantity_on(own, day), atp.quantity_on(whole, day))) for day in days)

    def _generator(self, sku: str, name: str, sent: Mapping[str, Any], of: str, goal: Place) -> atp.Generator:
        return generator(name, sent, self.zero, self._parts(sku, sent, goal), lambda day: self.taken[of, day])

    def _parts(self, sku: str, sent: Mapping[str, Any], goal: Place) -> list[tuple[int, int]]:
        if sent["kind"] == GeneratorKind.TRANSFER:
            return [(self._sends(sku, sent), 1)]
        return [(self._free(part, goal), units) for part, units in sent["components"]]

    def _sends(self, sku: str, sent: Mapping[str, Any]) -> int:
        """Units that a lane's location can promise; those of one that serves the cart itself are counted already."""
        lane = self._lane(sent)
        if lane is None or lane in self.places:
            return 0
        free = self.stock.at(sku, lane.id) - self.spent[sku, lane.id]
        here = self._atp(sku)[0].quantity
        offered = self.stock.offered(sku, self.question.network.channel.threshold) - here
        return max(min(free, offered), 0)

    def _makes(self, sent: Mapping[str, Any], place: Place) -> int:
        """Units that a location has the components of."""
        return min(self._free(part, place) // int(units) for part, units in sent["components"])

    def _free(self, part: str, place: Place) -> int:
        """Units of a component that are neither wanted themselves nor made into something else already."""
        return max(self.stock.at(part, place.id) - self.spent[part, place.id] - self.demand[part], 0)

    def _lane(self, sent: Mapping[str, Any]) -> Place | None:
        return next((place for place in self.stock.places.values() if place.handle == sent["location"]), None)
