"""From where, when and at which cost: a question becomes a plan."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from oms_api.catalog import Item
from oms_api.kit.db import Reading
from oms_api.kit.errors import Path, Refusal
from oms_api.network import Location, Network, SourcingObjective
from oms_api.promising import rules
from oms_api.promising.errors import NoSource
from oms_api.promising.models import (
    Destination,
    Line,
    Parcel,
    PlannedUnits,
    Promised,
    ShortagePolicy,
)
from oms_api.promising.rules import Demand, Objective, Plan, Shortage, Source
from oms_api.promising.service.parcels import Claims, parcel, source
from oms_api.promising.service.place import Place
from oms_api.promising.service.question import Question, read
from oms_api.promising.service.waiting import plan_rest

PROMISE_VALID = timedelta(minutes=15)
LINES = ("input", "lines")
TERMS = {"shipping_fixed": "shipping", "shipping_weight": "weight"}
"""The planner's terms in the API's words: each parcel's base by zone, and its weight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned(Promised):
    """A plan and how it came about. `short` says what it does not serve; with REJECT it then serves nothing.

    Amounts are minor units of the channel's currency.
    """

    network: Network
    objective: SourcingObjective
    short: tuple[Refusal, ...] = ()
    cost_minor: int = 0
    lower_bound_minor: int = 0
    terms: Mapping[str, int]
    question: Question
    sources: Sequence[Source] = ()
    best: Plan | None = None

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
) -> Planned:
    """The best plan for these lines: sent to `destination`, or collected at one of the locations `pickup`.

    Reads the SKUs (unless `items` has them), components of kits, and stock: at most three statements. Without a
    destination every location is taken to be in the farthest zone, so that preference decides. REJECT serves all or
    nothing, PARTIAL what is on hand, BACKORDER also what supply will bring, in parcels of their own.
    Raises Invalid and NotFound for lines that are wrong; what cannot be promised is in `short`.
    """
    question = await read(
        reading, network=network, lines=lines, destination=destination, pickup=pickup, items=items, path=path
    )
    return solve(question, on_shortage, objective or network.channel.objective)


def solve(
    question: Question,
    on_shortage: ShortagePolicy,
    objective: SourcingObjective,
    sources: Sequence[Source] | None = None,
) -> Planned:
    """The best plan by one objective; `sources` as another plan of the same question has them. Pure."""
    if question.collected:
        plans = [solve_over(question, on_shortage, objective, [place]) for place in question.candidates]
        served = [plan for plan in plans if not plan.short] or [plan for plan in plans if plan.parcels]
        if served:
            return min(served, key=lambda plan: (-_units(plan), plan.delivered_by or question.now.date()))
        if plans and on_shortage is ShortagePolicy.REJECT and not question.short(_servable(question)):
            return _nothing(question, objective, [_apart(question)])
    return solve_over(question, on_shortage, objective, question.candidates, sources)


def _units(plan: Planned) -> int:
    return sum(units.quantity for parcel in plan.parcels for units in parcel.lines)


def _servable(question: Question) -> list[int]:
    return question.servable(question.offered, [line.quantity for line in question.lines])


def solve_over(
    question: Question,
    on_shortage: ShortagePolicy,
    objective: SourcingObjective,
    candidates: Sequence[Place],
    sources: Sequence[Source] | None = None,
) -> Planned:
    """The best plan over some of the locations. Pure."""
    shelf, wanted = question.shelf, [line.quantity for line in question.lines]
    demand = question.demand(wanted)
    if demand and not candidates:
        return _nothing(question, objective, [_nobody(question)])
    offered = question.offered
    if question.collected:
        offered = {
            sku: min(units, sum(shelf.at(sku, place.id) for place in candidates)) for sku, units in offered.items()
        }
    now = question.servable(offered, wanted)
    short = question.short(now)
    if short and on_shortage is ShortagePolicy.REJECT:
        return _nothing(question, objective, short)
    if sources is None:
        sources = tuple(_sources(question, candidates, demand))
    by = Objective(objective.value)
    most = question.network.channel.max_shipments
    found = rules.plan(_demands(question, now), sources, objective=by, max_shipments=most)
    if isinstance(found, Shortage):
        return _nothing(question, objective, [_too_many(question, found)])
    parcels = _parcels(question, found, now)
    terms = {TERMS[name]: amount for name, amount in found.terms.items()}
    bound = found.lower_bound
    if short and on_shortage is ShortagePolicy.BACKORDER:
        rest = [quantity - units for quantity, units in zip(wanted, now, strict=True)]
        later = plan_rest(question, candidates, rest, parcels, most)
        if isinstance(later, Shortage):
            return _nothing(question, objective, [_too_many(question, later)])
        if later is not None:
            parcels += later.parcels
            bound += later.plan.lower_bound
            for name, amount in later.plan.terms.items():
                terms[TERMS[name]] += amount
            now = [units + more for units, more in zip(now, later.served, strict=True)]
            short = question.short(now)
    return Planned(
        channel=question.network.channel.handle,
        lines=question.lines,
        destination=question.destination,
        pickup=parcels[0].location_id if parcels and question.collected else None,
        parcels=tuple(parcels),
        expires_at=question.now + PROMISE_VALID,
        network=question.network,
        objective=objective,
        short=tuple(short),
        cost_minor=sum(terms.values()),
        lower_bound_minor=bound,
        terms=terms,
        question=question,
        sources=sources,
        best=found,
    )


def _demands(question: Question, wanted: Sequence[int]) -> list[Demand]:
    return [Demand(sku, units, question.grams[sku]) for sku, units in question.demand(wanted).items() if units]


def _sources(question: Question, candidates: Iterable[Place], demand: Iterable[str]) -> Iterable[Source]:
    """The next trip of each location that has any of it."""
    reach = question.shelf.reach
    free = [(sku, question.shelf.free.get(sku, {})) for sku in demand]
    for rank, place in enumerate(candidates):
        stock = {sku: units for sku, there in free if (units := there.get(place.id, 0)) > 0}
        if stock:
            trip = reach.trip(place)
            if trip is not None:
                yield source(place, rank, stock, trip)


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


def _nothing(question: Question, objective: SourcingObjective, short: Sequence[Refusal]) -> Planned:
    """A plan that serves nothing, and why."""
    return Planned(
        channel=question.network.channel.handle,
        lines=question.lines,
        destination=question.destination,
        pickup=None,
        parcels=(),
        expires_at=question.now + PROMISE_VALID,
        network=question.network,
        objective=objective,
        short=tuple(short),
        terms={},
        question=question,
    )


def _nobody(question: Question) -> NoSource:
    what = "lets customers collect" if question.collected else "sends parcels"
    return NoSource(
        f"No active location of channel {question.network.channel.handle} {what}; add one, or choose another way.",
        path=question.path,
    )


def _apart(question: Question) -> NoSource:
    return NoSource(
        "No single location has all of it for collection; ask for less, or have it sent.", path=question.path
    )


def _too_many(question: Question, shortage: Shortage) -> NoSource:
    allowed = question.network.channel.max_shipments
    return NoSource(
        f"It would take {shortage.fewest_shipments} shipments, channel {question.network.channel.handle} allows "
        f"{allowed}; ask for less or raise maxShipments."
        if shortage.fewest_shipments
        else "No open location can serve it; ask again when one works.",
        path=question.path,
    )
