"""From where, when and at which cost: a question becomes a plan."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ParamSpec, TypeVar
from uuid import UUID

from oms_api import sourcing
from oms_api.catalog import Item
from oms_api.kit.db import Reading, Tx
from oms_api.kit.errors import Path, Refusal
from oms_api.network import Location, Network, SourcingObjective
from oms_api.promising.errors import NoSource
from oms_api.promising.models import (
    Destination,
    Line,
    Parcel,
    PlannedUnits,
    Promised,
    ShortagePolicy,
)
from oms_api.promising.service.asides import Without, asides
from oms_api.promising.service.generating import used_of, widened
from oms_api.promising.service.parcels import Claims, asked_for, parcel, source
from oms_api.promising.service.place import Place, places_of
from oms_api.promising.service.question import Question, read
from oms_api.promising.service.shelf import Shelf
from oms_api.promising.service.steering import spots_of
from oms_api.promising.service.unserved import nobody, not_together, too_many
from oms_api.promising.service.waiting import Waiting, plan_at_once, plan_rest, plan_wanted
from oms_api.promising.service.wanted import whens
from oms_api.sourcing import Asked, DecisionReason, Objective, Plan, Shortage, Source

P = ParamSpec("P")
T = TypeVar("T")
PROMISE_VALID = timedelta(minutes=15)
MANY_SKUS = 10
"""From so many stocked SKUs on a plan is looked for in a thread of its own."""
LINES = ("input", "lines")


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned(Promised):
    """A plan and how it came about. `short` says what it does not serve; with REJECT it then serves nothing.

    Amounts are minor units of the channel's currency.
    """

    network: Network
    objective: SourcingObjective
    """What the plan is best at: as asked for, else as the policy or the channel says."""
    short: tuple[Refusal, ...] = ()
    cost_minor: int = 0
    lower_bound_minor: int = 0
    terms: Mapping[str, int]
    question: Question
    sources: Sequence[Source] = ()
    best: Plan | None = None
    made: tuple[tuple[Asked, Plan], ...] = ()
    """What the planner was asked, and what it found: for units on hand, then for those that wait for supply."""

    @property
    def used(self) -> dict[UUID, Location]:
        """Locations of its parcels by id."""
        used = {parcel.location_id for parcel in self.parcels}
        return {location.id: location for location in self.network.locations if location.id in used}


async def plan(
    reading: Reading,
    *,
    network: Network,
    lines: Sequence[Line],
    destination: Destination | None = None,
    pickup: Sequence[Location] | None = None,
    on_shortage: ShortagePolicy = ShortagePolicy.REJECT,
    objective: SourcingObjective | None = None,
    items: Mapping[str, Item] | None = None,
    path: Path = LINES,
    customer_group: str | None = None,
    demand_class: str | None = None,
) -> Planned:
    """The best plan for these lines: sent to `destination`, or collected at one of the locations `pickup`.

    Reads the SKUs (unless `items` has them), components of kits, and stock: at most three statements. Without a
    destination every location is taken to be in the farthest zone, so that preference decides. REJECT serves all or
    nothing, PARTIAL what is on hand, BACKORDER also what supply will bring, in parcels of their own; all of them take
    what ATP rules bring of what is short, for two statements more.
    Raises Invalid and NotFound for lines that are wrong; what cannot be promised is in `short`.
    """
    question = await read(
        reading,
        network=network,
        lines=lines,
        destination=destination,
        pickup=pickup,
        items=items,
        path=path,
        customer_group=customer_group,
        demand_class=demand_class,
    )
    planned = await apart(question, solve, question, on_shortage, objective)
    if planned.short:
        backorder = on_shortage is ShortagePolicy.BACKORDER
        more = await widened(reading, question, planned.short, backorder=backorder)
        if more is not None:
            return better(planned, await apart(more, solve, more, on_shortage, objective))
    return planned


def better(planned: Planned, other: Planned) -> Planned:
    """The plan with what rules bring, unless it does less than the one without."""
    if not other.short or _units(other) > _units(planned):
        return other
    worse = _units(other) < _units(planned) or any(isinstance(part, NoSource) for part in other.short)
    return planned if worse else other


async def apart(question: Question, decide: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Decide; in a thread when there are so many SKUs that other requests would wait for it."""
    if len(question.grams) < MANY_SKUS:
        return decide(*args, **kwargs)
    return await asyncio.to_thread(decide, *args, **kwargs)


def solve(
    question: Question,
    on_shortage: ShortagePolicy,
    objective: SourcingObjective | None,
    sources: Sequence[Source] | None = None,
) -> Planned:
    """The best plan by one objective, the policy's or the channel's when none is asked for.

    `sources` as another plan of the same question has them. Pure.
    """
    if question.collected:
        plans = [solve_over(question, on_shortage, objective, [place]) for place in question.candidates]
        served = [plan for plan in plans if not plan.short] or [plan for plan in plans if plan.parcels]
        if served:
            return min(served, key=lambda plan: (-_units(plan), plan.delivered_by or question.now.date()))
        if plans and on_shortage is ShortagePolicy.REJECT:
            if any(line.requested_on for line in question.lines):
                return plans[0] if len(plans) == 1 else _nothing(question, objective, [not_together(question)])
            if not question.short(_servable(question)):
                return _nothing(question, objective, [not_together(question)])
    return solve_over(question, on_shortage, objective, question.candidates, sources)


def _units(plan: Planned) -> int:
    return sum(units.quantity for parcel in plan.parcels for units in parcel.lines)


def _servable(question: Question) -> list[int]:
    return question.servable(question.offered, [line.quantity for line in question.lines])


def solve_over(
    question: Question,
    on_shortage: ShortagePolicy,
    objective: SourcingObjective | None,
    candidates: Sequence[Place],
    sources: Sequence[Source] | None = None,
) -> Planned:
    """The best plan over some of the locations. Pure."""
    shelf, wanted = question.shelf, [line.quantity for line in question.lines]
    demand = question.demand(wanted)
    if demand and not candidates:
        return _nothing(question, objective, [nobody(question)])
    offered = question.offered
    if question.collected:
        offered = {
            sku: min(units, sum(shelf.at(sku, place.id) for place in candidates)) for sku, units in offered.items()
        }
    at_once = [0 if line.requested_on else line.quantity for line in question.lines]
    now = question.servable(offered, at_once)
    short = question.short(now, at_once)
    if short and on_shortage is ShortagePolicy.REJECT and not question.waiting:
        return _nothing(question, objective, short)
    draft = _Draft(now, sources)
    shortage = _fill(draft, question, on_shortage, Objective(objective.value) if objective else None, candidates)
    if shortage is not None:
        return _nothing(question, objective, [too_many(question, shortage)])
    short = question.short(draft.served)
    if short and on_shortage is ShortagePolicy.REJECT:
        return _nothing(question, objective, short)
    parcels, terms, limits = draft.parcels, draft.terms, shelf.limits
    return Planned(
        channel=question.network.channel.handle,
        lines=question.lines,
        destination=question.destination,
        pickup=parcels[0].location_id if parcels and question.collected else None,
        parcels=tuple(parcels),
        expires_at=question.now + PROMISE_VALID,
        imagined=question.assuming is not None,
        rationed=limits is not None,
        demand_class=limits.demand_class if limits else None,
        generated=used_of(question, parcels),
        network=question.network,
        objective=SourcingObjective(draft.objective.value) if draft.objective else question.network.channel.objective,
        short=tuple(short),
        cost_minor=sum(terms.values()),
        lower_bound_minor=max(draft.bound, 0),
        terms=terms,
        question=question,
        sources=draft.sources or (),
        best=draft.made[0][1] if draft.made else None,
        made=tuple(draft.made),
    )


def _fill(
    draft: "_Draft",
    question: Question,
    on_shortage: ShortagePolicy,
    best_by: Objective | None,
    candidates: Sequence[Place],
) -> Shortage | None:
    """Plan what leaves as soon as it can, what waits, and what is wanted on each date; a shortage if one cannot be."""
    now, dates = draft.served, whens(question.lines)
    at_once = [0 if line.requested_on else line.quantity for line in question.lines]
    backorder = on_shortage is ShortagePolicy.BACKORDER
    priced = backorder and question.steering.ruled.settings.prices_waiting
    joint = plan_at_once(question, candidates, at_once, best_by) if priced else None
    if joint is not None:
        draft.served, draft.sources = [0] * len(now), joint.asked.sources
        draft.take(joint)
    elif any(at_once) or not dates:
        if draft.sources is None:
            draft.sources = tuple(sources_of(question, candidates, question.demand(at_once)))
        asked = asked_for(question, question.demand(now), draft.sources, best_by)
        decided = sourcing.decide(asked, question.steering.live.rules, question.steering.ruled)
        if isinstance(decided.plan, Shortage):
            return decided.plan
        draft.add(decided.objective, asked, decided.plan, _parcels(question, decided.plan, now))
    rest = [quantity - units for quantity, units in zip(at_once, now, strict=True)]
    waits = joint is None and any(rest) and (question.waiting or backorder)
    if waits and (shortage := draft.take(plan_rest(question, candidates, rest, draft.parcels))):
        return shortage
    for when in dates:
        those = [line.quantity if line[2:] == when else 0 for line in question.lines]
        if shortage := draft.take(plan_wanted(question, candidates, those, when, draft.parcels, best_by)):
            return shortage
        if backorder:
            rest = [max(quantity - units, 0) for quantity, units in zip(those, draft.served, strict=True)]
            if shortage := draft.take(plan_rest(question, candidates, rest, draft.parcels, when)):
                return shortage
    return None


class _Draft:
    """A plan of several parts: what leaves as soon as it can, what waits, and what is wanted on a date."""

    def __init__(self, served: Sequence[int], sources: Sequence[Source] | None) -> None:
        self.served = list(served)
        self.sources = sources
        """Of what leaves as soon as it can; None as long as nobody has looked for them."""
        self.parcels: list[Parcel] = []
        self.made: list[tuple[Asked, Plan]] = []
        self.terms: dict[str, int] = {}
        self.bound = 0
        self.objective: Objective | None = None

    def add(self, objective: Objective, asked: Asked, found: Plan, parcels: Sequence[Parcel]) -> None:
        self.objective = self.objective or objective
        self.made.append((asked, found))
        self.parcels += parcels
        self.bound += found.cost - found.gap
        for name, amount in found.terms.items():
            self.terms[name] = self.terms.get(name, 0) + amount

    def take(self, part: Waiting | Shortage | None) -> Shortage | None:
        """Add a part; the shortage if it is one."""
        if isinstance(part, Shortage):
            return part
        if part is not None:
            self.add(part.objective, part.asked, part.plan, part.parcels)
            self.served = [units + more for units, more in zip(self.served, part.served, strict=True)]
        return None


def sources_of(
    question: Question, candidates: Iterable[Place], demand: Mapping[str, int], shelf: Shelf | None = None
) -> Iterable[Source]:
    """The next trips of each location that has any of it; of one whose days are too full for it, more of them."""
    shelf = shelf or question.shelf
    reach = shelf.reach
    free = [(sku, shelf.free.get(sku, {})) for sku in demand]
    for rank, place in enumerate(candidates):
        stock = {sku: units for sku, there in free if (units := there.get(place.id, 0)) > 0}
        if stock:
            trips = reach.trips(place)
            for trip in trips:
                yield source(place, rank, stock, trip)
            units = sum(min(demand[sku], stock[sku]) for sku in stock) if place.limits else 0
            for trip in reach.further(place, trips, len(stock), units) if units else ():
                yield source(place, rank, stock, trip)


async def write_down(
    tx: Tx, planned: Planned, owner_id: UUID, reason: DecisionReason, without: Without | None = None
) -> None:
    """Keep the decisions of a plan that is held, with the locations that were left out, by the policy or else: one
    statement. `without`: those that were not to be asked."""
    question = planned.question
    aside: tuple[Source, ...] = ()
    if question.left_out is not None and planned.made:
        demand = {row.sku: row.quantity for row in planned.made[0][0].demands}
        places = [place for place in places_of(question.network) if place.id in question.left_out.places]
        aside = tuple(map(question.unit_costs.priced, sources_of(question, places, demand, question.left_out)))
    await sourcing.record(
        tx,
        owner_id=owner_id,
        reason=reason,
        currency=question.network.channel.currency,
        live=question.steering.live,
        made=[
            (
                _whole(
                    question,
                    asked._replace(
                        sources=(*asked.sources, *(aside if i == 0 else ())), aside=asides(question, asked, without)
                    ),
                ),
                found,
            )
            for i, (asked, found) in enumerate(planned.made)
        ],
    )


def _whole(question: Question, asked: Asked) -> Asked:
    """What was asked, with what rules could look at: another policy may be tried on it."""
    if asked.spots:
        return asked
    used = {source.location for source in asked.sources}
    places = [place for place in places_of(question.network) if place.handle in used]
    return asked._replace(spots=spots_of(places, question.steering.there, question.shelf.units_at))


def _parcels(question: Question, plan: Plan, wanted: Sequence[int]) -> list[Parcel]:
    """The parcels of a plan, their units given to the lines that want them."""
    claims = Claims(question, wanted)
    return [
        parcel(
            question,
            sent.source,
            [PlannedUnits(sku, taken, line) for sku, units in sent.lines for line, taken in claims.give(sku, units)],
        )
        for sent in plan.parcels
    ]


def _nothing(question: Question, objective: SourcingObjective | None, short: Sequence[Refusal]) -> Planned:
    """A plan that serves nothing, and why."""
    return Planned(
        channel=question.network.channel.handle,
        lines=question.lines,
        destination=question.destination,
        pickup=None,
        parcels=(),
        expires_at=question.now + PROMISE_VALID,
        imagined=question.assuming is not None,
        network=question.network,
        objective=objective or question.network.channel.objective,
        short=tuple(short),
        terms={},
        question=question,
    )
