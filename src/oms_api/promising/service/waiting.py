"""Units that do not leave today: which supply they wait for, and when they leave."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from oms_api import sourcing
from oms_api.promising.models import Parcel, PlannedUnits
from oms_api.promising.rules import atp
from oms_api.promising.service.parcels import Claims, asked_for, parcel, source
from oms_api.promising.service.place import Place
from oms_api.promising.service.question import Question
from oms_api.promising.service.reach import Trip
from oms_api.promising.service.wanted import When
from oms_api.sourcing import Asked, Objective, Plan, Shortage, Source


class _Used:
    """Units of a plan's other parcels: by SKU, by location, and by the supply that they wait for. At its location a
    unit on hand that the demand class may not have is used as well: its share of what will come is no title to it."""

    def __init__(self, question: Question, candidates: Sequence[Place], parcels: Sequence[Parcel]) -> None:
        self.of: Counter[str] = Counter()
        self.at: Counter[tuple[str, UUID]] = Counter()
        self.lot: Counter[tuple[str, UUID, UUID | None]] = Counter()
        for sent in parcels:
            for units in sent.lines:
                self.of[units.sku] += units.quantity
                self.at[units.sku, sent.location_id] += units.quantity
                self.lot[units.sku, sent.location_id, units.supply_id] += units.quantity
        if question.shelf.limits is not None:
            for sku in question.grams:
                self._set_apart(question, candidates, sku)

    def _set_apart(self, question: Question, candidates: Sequence[Place], sku: str) -> None:
        shelf = question.shelf
        share = shelf.limits.now(sku) if shelf.limits is not None else None
        if share is None:
            return
        left = share - sum(units for (used, _, supply), units in self.lot.items() if used == sku and supply is None)
        for place in candidates:
            there = max(shelf.at(sku, place.id) - self.lot[sku, place.id, None], 0)
            own = min(there, max(left, 0))
            left -= own
            self.at[sku, place.id] += there - own
            self.lot[sku, place.id, None] += there - own


class Waiting(NamedTuple):
    """Parcels that leave later, and the units of each line that they bring."""

    parcels: list[Parcel]
    served: list[int]
    plan: Plan
    asked: Asked
    objective: Objective


def plan_rest(
    question: Question,
    candidates: Sequence[Place],
    rest: Sequence[int],
    parcels: Sequence[Parcel],
    when: When | None = None,
) -> Waiting | Shortage | None:
    """The earliest way to serve the rest of the lines from supply and from what the given parcels leave on hand, no
    earlier than wanted.

    None when supply brings nothing of it. A component on hand waits for its kit's others where that is no later.
    """
    used = _Used(question, candidates, parcels)
    in_all = _in_all(question, candidates, question.demand(rest))
    offered = {sku: units - used.of[sku] for sku, units in in_all.items()}
    served = question.servable(offered, rest)
    demand = question.demand(served)
    if question.shelf.limits is None:  # shares of a demand class are of both, what is on hand and what comes
        _withhold(question, candidates, demand, used)
    sources: dict[tuple[str, int, str], Source] = {}
    for rank, place in enumerate(candidates):
        rows = (
            _sources(question, place, rank, demand, used)
            if when is None
            else _sources_in_time(question, place, rank, demand, used, when, later=True)
        )
        for one in rows:
            # what comes later on days with the same ship day includes what came before
            sources[one.location, one.ships_on, one.service] = one
    return _planned(question, list(sources.values()), served, parcels, used, Objective.FASTEST, when)


def plan_at_once(
    question: Question, candidates: Sequence[Place], wanted: Sequence[int], objective: Objective | None
) -> Waiting | None:
    """One plan over what is on hand and what supply will bring, for a policy that says what waiting weighs.

    None when nothing comes, when shares of a demand class count the two apart, or when there is no such plan.
    """
    shelf = question.shelf
    served = question.servable(_in_all(question, candidates, question.demand(wanted)), wanted)
    demand = question.demand(served)
    if shelf.limits is not None or not any(_due_days(question, place, demand) for place in candidates):
        return None
    used = _Used(question, candidates, ())
    _withhold(question, candidates, demand, used)
    sources: dict[tuple[str, int, str], Source] = {}
    waits: dict[tuple[str, int], int] = {}
    for rank, place in enumerate(candidates):
        first = shelf.reach.trip(place)
        if first is None:
            continue
        if place.limits and (some := _stock(question, place, demand, used, None)):  # that day may be too full
            for trip in shelf.reach.trips(place, after=first.ships_on):
                one = source(place, rank, some, trip)
                sources[one.location, one.ships_on, one.service] = one
        for one in _sources(question, place, rank, demand, used):
            sources[one.location, one.ships_on, one.service] = one
            if days := one.ships_on - first.ships_on.toordinal():
                waits[one.location, one.ships_on] = days
    found = _planned(question, list(sources.values()), served, (), used, objective, None, waits)
    return None if isinstance(found, Shortage) else found


def _withhold(question: Question, candidates: Sequence[Place], demand: Mapping[str, int], used: _Used) -> None:
    """Count as used what the channel withholds of units on hand and could be taken otherwise: the least preferred."""
    shelf = question.shelf
    for sku, units in demand.items():
        offered = question.offered.get(sku, 0)
        if units + used.of[sku] <= offered:
            continue
        over = sum(shelf.at(sku, place.id) for place in candidates) - offered
        for place in reversed(candidates):
            kept = min(over, shelf.at(sku, place.id) - used.at[sku, place.id])
            if kept > 0:
                over -= kept
                used.at[sku, place.id] += kept
                used.lot[sku, place.id, None] += kept


def plan_wanted(
    question: Question,
    candidates: Sequence[Place],
    wanted: Sequence[int],
    when: When,
    parcels: Sequence[Parcel],
    objective: Objective | None,
) -> Waiting | Shortage | None:
    """The best way to serve units that are wanted on a date: each location sends as late as is in time, from what is
    there by then and not used by the given parcels. None when nothing is."""
    used = _Used(question, candidates, parcels)
    demand = question.demand(wanted)
    sources = [
        one
        for rank, place in enumerate(candidates)
        for one in _sources_in_time(question, place, rank, demand, used, when, later=False)
    ]
    whole = question.whole or question.shelf
    last = max((date.fromordinal(one.ships_on) for one in sources), default=whole.day_zero)
    offered = {}
    for sku in demand:
        at: dict[str, int] = {}
        for one in sources:
            at[one.location] = max(at.get(one.location, 0), one.stock.get(sku, 0))
        steps = whole.steps(sku, question.network.channel.threshold)
        by_then = max(question.offered.get(sku, 0), atp.quantity_on(steps, (last - whole.day_zero).days))
        offered[sku] = min(sum(at.values()), by_then - used.of[sku])
    return _planned(question, sources, question.servable(offered, wanted), parcels, used, objective, when)


def _in_all(question: Question, candidates: Sequence[Place], skus: Iterable[str]) -> dict[str, int]:
    """Units by SKU that are promised at these locations, sooner or later."""
    found = {sku: question.offered.get(sku, 0) + question.offered_later.get(sku, 0) for sku in skus}
    if question.collected:
        shelf = question.shelf
        return {
            sku: min(units, sum(shelf.steps_at(sku, place.id)[-1].quantity for place in candidates))
            for sku, units in found.items()
        }
    return found


def _planned(
    question: Question,
    sources: Sequence[Source],
    served: list[int],
    parcels: Sequence[Parcel],
    used: _Used,
    objective: Objective | None,
    when: When | None,
    waits: Mapping[tuple[str, int], int] | None = None,
) -> Waiting | Shortage | None:
    demand = question.demand(served)
    if not any(demand.values()):
        return None
    asked = asked_for(question, demand, sources, objective, parcels)._replace(waits=waits or {})
    decided = sourcing.decide(asked, question.steering.live.rules, question.steering.ruled)
    if isinstance(decided.plan, Shortage):
        return decided.plan
    sent = _parcels(question, decided.plan, served, used, when)
    return Waiting(sent, served, decided.plan, asked, decided.objective)


def _sources(question: Question, place: Place, rank: int, demand: Iterable[str], used: _Used) -> Iterable[Source]:
    """A location's trips: now with what is left on hand, then after each day on which supply is due."""
    for not_before in (None, *_due_days(question, place, demand)):
        some = _stock(question, place, demand, used, not_before)
        if some:
            for trip in question.shelf.reach.trips(place, not_before):
                yield source(place, rank, some, trip)


def _sources_in_time(
    question: Question, place: Place, rank: int, demand: Iterable[str], used: _Used, when: When, *, later: bool
) -> Iterable[Source]:
    """A location's last trips that are in time; with `later` also those of supply that comes after them."""
    reach = question.shelf.reach
    days = _due_days(question, place, demand)
    leaves = {day: first.ships_on for day in days if (first := reach.trip(place, day))}

    def stocked(trip: Trip) -> Iterable[Source]:
        there = max((day for day, ships_on in leaves.items() if ships_on <= trip.ships_on), default=None)
        some = _stock(question, place, demand, used, there)
        if some:
            yield source(place, rank, some, trip)

    trips = reach.in_time(place, when.on, early=when.early)
    for trip in trips:
        yield from stocked(trip)
    if place.limits and trips:  # that day may be too full for all of it
        for trip in reach.in_time(place, when.on, max(trip.ships_on for trip in trips) + date.resolution):
            yield from stocked(trip)
    for day in days if later else ():
        for trip in reach.in_time(place, when.on, day, early=when.early):
            yield from stocked(trip)


def _due_days(question: Question, place: Place, demand: Iterable[str]) -> list[date]:
    shelf = question.shelf
    return sorted(
        {
            shelf.due(row)
            for sku in demand
            for row in (*shelf.supplies_at(sku, place.id), *shelf.generated_at(sku, place.id))
        }
    )


def _stock(question: Question, place: Place, demand: Iterable[str], used: _Used, on: date | None) -> dict[str, int]:
    """Units by SKU that are there on a day (None: now) and that no other parcel has."""
    shelf, found = question.shelf, dict[str, int]()
    for sku in demand:
        units = shelf.at(sku, place.id)
        if on is not None:
            units = max(units, atp.quantity_on(shelf.steps_at(sku, place.id), (on - shelf.day_zero).days))
        units -= used.at[sku, place.id]
        if units > 0:
            found[sku] = units
    return found


def _parcels(question: Question, plan: Plan, served: Sequence[int], used: _Used, when: When | None) -> list[Parcel]:
    """The planned parcels, each unit from what is on hand or from the supply that it waits for.

    What is wanted later takes the last supply that is in time: what is on hand stays for those who want it sooner. A
    demand class has shares of both, and takes what is on hand first.
    """
    claims = Claims(question, served)
    last_first = when is not None and question.shelf.limits is None
    pools: dict[tuple[UUID, str], list[_Lot]] = {}
    sent = []
    for planned in sorted(plan.parcels, key=lambda planned: planned.source.ships_on):
        place = question.named[planned.source.location]
        lines = []
        for sku, units in planned.lines:
            pool = pools.get((place.id, sku))
            if pool is None:
                pool = pools[place.id, sku] = list(_pool(question, place, sku, used))
            there = [lot for lot in pool if when is None or lot.ships_on <= planned.source.ships_on]
            for supply_id, taken in _take(there[::-1] if last_first else there, units):
                lines += [PlannedUnits(sku, part, line, supply_id) for line, part in claims.give(sku, taken)]
        sent.append(parcel(question, planned.source, lines))
    return sent


class _Lot:
    """Units that are there together, and the first day (an ordinal) on which they can leave."""

    def __init__(self, supply_id: UUID | None, quantity: int, ships_on: int) -> None:
        self.supply_id = supply_id
        self.quantity = quantity
        self.ships_on = ships_on


def _pool(question: Question, place: Place, sku: str, used: _Used) -> Iterable[_Lot]:
    """Units of a SKU at a location in the order in which they are there; supply fills what is short first."""
    shelf = question.shelf
    free = shelf.free.get(sku, {}).get(place.id, 0)
    left = free - used.lot[sku, place.id, None]
    if left > 0:
        yield _Lot(None, left, 0)
    owed = max(-free, 0)
    generated = shelf.generated_at(sku, place.id)
    known = shelf.supplies_at(sku, place.id)
    for supply in sorted([*known, *generated], key=attrgetter("expected_at")) if generated else known:
        filled = 0 if supply in generated else min(owed, supply.quantity)
        owed -= filled
        left = supply.quantity - filled - used.lot[sku, place.id, supply.id]
        trip = shelf.reach.trip(place, shelf.due(supply)) if left > 0 else None
        if trip is not None:
            yield _Lot(supply.id, left, trip.ships_on.toordinal())


def _take(lots: Iterable[_Lot], units: int) -> Iterable[tuple[UUID | None, int]]:
    for lot in lots:
        taken = min(units, lot.quantity)
        if taken:
            lot.quantity -= taken
            units -= taken
            yield lot.supply_id, taken
    assert not units, "a plan sends no more than is there"
