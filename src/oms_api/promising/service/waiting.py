"""Units that are not on hand yet: which supply they wait for, and when they can then leave."""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from oms_api.promising import rules
from oms_api.promising.models import Parcel, PlannedUnits
from oms_api.promising.rules import Demand, Objective, Plan, Shortage, Source, atp
from oms_api.promising.service.parcels import Claims, parcel, source
from oms_api.promising.service.place import Place
from oms_api.promising.service.question import Question

Used = Counter[tuple[UUID, str]]


class Waiting(NamedTuple):
    """Parcels that leave when supply is there, and the units of each line that they bring."""

    parcels: list[Parcel]
    served: list[int]
    plan: Plan


def plan_rest(
    question: Question,
    candidates: Sequence[Place],
    rest: Sequence[int],
    parcels: Iterable[Parcel],
    max_shipments: int | None,
) -> Waiting | Shortage | None:
    """The earliest way to serve the rest of the lines from supply and from what the given parcels leave on hand.

    None when supply brings nothing of it. A component on hand waits for its kit's others where that is no later.
    """
    used: Used = Counter()
    for sent in parcels:
        for units in sent.lines:
            used[sent.location_id, units.sku] += units.quantity
    taken = Counter[str]()
    for (_, sku), quantity in used.items():
        taken[sku] += quantity
    wanted = question.demand(rest)
    here = {place.id for place in candidates}
    offered = {}
    for sku in wanted:
        in_all = question.offered.get(sku, 0) + question.offered_later.get(sku, 0)
        if question.collected:
            in_all = min(in_all, sum(question.shelf.steps_at(sku, id_)[-1].quantity for id_ in here))
        offered[sku] = in_all - taken[sku]
    served = question.servable(offered, rest)
    demand = question.demand(served)
    if not any(demand.values()):
        return None
    sources: dict[tuple[str, int], Source] = {}
    for rank, place in enumerate(candidates):
        for one in _sources(question, place, rank, demand, used):
            # what comes later on days with the same ship day includes what came before
            sources[one.location, one.ships_on] = one
    found = rules.plan(
        [Demand(sku, units, question.grams[sku]) for sku, units in demand.items() if units],
        list(sources.values()),
        objective=Objective.FASTEST,
        max_shipments=max_shipments,
    )
    if isinstance(found, Shortage):
        return found
    return Waiting(_parcels(question, found, served, used), served, found)


def _sources(question: Question, place: Place, rank: int, demand: Iterable[str], used: Used) -> Iterable[Source]:
    """A location's trips: now with what is left on hand, then after each day on which supply is due."""
    shelf = question.shelf
    skus = list(demand)
    steps = {sku: shelf.steps_at(sku, place.id) for sku in skus}
    days = sorted({shelf.reach.due(place, row.expected_at) for sku in skus for row in shelf.supplies_at(sku, place.id)})
    left = {sku: shelf.at(sku, place.id) - used[place.id, sku] for sku in skus}
    trips: list[tuple[date | None, dict[str, int]]] = [(None, left)]
    for day in days:
        offset = (day - shelf.day_zero).days
        trips.append((day, {sku: atp.quantity_on(steps[sku], offset) - used[place.id, sku] for sku in skus}))
    for not_before, stock in trips:
        trip = shelf.reach.trip(place, not_before)
        some = {sku: units for sku, units in stock.items() if units > 0}
        if trip is not None and some:
            yield source(place, rank, some, trip)


def _parcels(question: Question, plan: Plan, served: Sequence[int], used: Used) -> list[Parcel]:
    """The planned parcels, each unit from what is on hand or from the supply that it waits for."""
    claims = Claims(question, served)
    pools: dict[tuple[UUID, str], deque[_Lot]] = {}
    sent = []
    for planned in sorted(plan.parcels, key=lambda planned: planned.source.ships_on):
        place = question.named[planned.source.location]
        lines = []
        for sku, units in planned.lines:
            pool = pools.get((place.id, sku))
            if pool is None:
                pool = pools[place.id, sku] = deque(_pool(question, place.id, sku, used[place.id, sku]))
            for supply_id, taken in _take(pool, units):
                lines += [PlannedUnits(sku, part, line, supply_id) for line, part in claims.give(sku, taken)]
        sent.append(parcel(question, planned.source, lines))
    return sent


class _Lot(NamedTuple):
    supply_id: UUID | None
    quantity: int


def _pool(question: Question, location_id: UUID, sku: str, used: int) -> Iterable[_Lot]:
    """Units of a SKU at a location in the order in which they are there; supply fills what is short first."""
    free = question.shelf.free.get(sku, {}).get(location_id, 0)
    if free - used > 0:
        yield _Lot(None, free - used)
    owed = max(-free, 0)
    for supply in question.shelf.supplies_at(sku, location_id):
        filled = min(owed, supply.quantity)
        owed -= filled
        if supply.quantity > filled:
            yield _Lot(supply.id, supply.quantity - filled)


def _take(pool: deque[_Lot], units: int) -> Iterable[_Lot]:
    while units:
        lot = pool.popleft()
        taken = min(units, lot.quantity)
        if taken < lot.quantity:
            pool.appendleft(_Lot(lot.supply_id, lot.quantity - taken))
        units -= taken
        yield _Lot(lot.supply_id, taken)
