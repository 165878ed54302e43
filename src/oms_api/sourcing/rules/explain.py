"""Why a location that was looked at is not in the plan."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from oms_api.sourcing.rules.problem import ALL_THE_ROOM, Problem, fits
from oms_api.sourcing.rules.words import PLAIN, Capacity, Demand, Objective, Plan, Source, Weights


class RejectionReason(StrEnum):
    """Why a location was not used."""

    NO_STOCK = "NO_STOCK"
    """Has no promisable unit of anything wanted."""
    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    EXCLUDED_BY_RULE = "EXCLUDED_BY_RULE"
    CLOSED = "CLOSED"
    REJECTED_BEFORE = "REJECTED_BEFORE"
    TOO_LATE = "TOO_LATE"
    """Whatever it has would arrive later than wanted."""
    NO_CAPACITY = "NO_CAPACITY"
    """Has some of it, and no room left on the day on which it could leave."""
    DEARER = "DEARER"
    """Usable, but the plan is better without it."""


class Aside(StrEnum):
    """Why the planner was not asked about a location; kept with the question."""

    INACTIVE = "INACTIVE"
    NO_PICKUP = "NO_PICKUP"
    NO_PARCELS = "NO_PARCELS"
    NEVER_OPEN = "NEVER_OPEN"
    CLOSED = "CLOSED"
    ELSEWHERE = "ELSEWHERE"
    ANOTHER = "ANOTHER"
    REFUSED = "REFUSED"
    NOT_NAMED = "NOT_NAMED"
    FULL = "FULL"
    NO_WAY = "NO_WAY"
    EMPTY = "EMPTY"
    SHARED = "SHARED"
    RULED = "RULED"


_R = RejectionReason
ASIDE: Mapping[Aside, tuple[RejectionReason, str]] = {
    Aside.INACTIVE: (_R.NOT_ELIGIBLE, "{} takes no new work."),
    Aside.NO_PICKUP: (_R.NOT_ELIGIBLE, "{} does not let customers collect."),
    Aside.NO_PARCELS: (_R.NOT_ELIGIBLE, "{} does not send parcels."),
    Aside.NEVER_OPEN: (_R.CLOSED, "{} is open on no day of the week."),
    Aside.CLOSED: (_R.CLOSED, "{} is closed, as assumed."),
    Aside.ELSEWHERE: (_R.NOT_ELIGIBLE, "{} is not where it is to be collected."),
    Aside.ANOTHER: (_R.DEARER, "{} has some of it, but the plan is better without it."),
    Aside.REFUSED: (_R.REJECTED_BEFORE, "{} said no to it before."),
    Aside.NOT_NAMED: (_R.NOT_ELIGIBLE, "{} is not where it was asked to go."),
    Aside.FULL: (_R.NO_CAPACITY, "{} has some of it, and no day on which it has room for more work."),
    Aside.NO_WAY: (_R.NOT_ELIGIBLE, "{} has some of it, and no day and service that take it there."),
    Aside.EMPTY: (_R.NO_STOCK, "{} has no promisable unit of it."),
    Aside.SHARED: (_R.DEARER, "{} has some of it, but over all orders of the wave it is better without it."),
    Aside.RULED: (_R.EXCLUDED_BY_RULE, "A rule of the sourcing policy leaves out {}."),
}
"""The reason and words of each, {} being the location."""


class Chosen(NamedTuple):
    """What of a plan others are compared with."""

    objective: Objective
    used: frozenset[str]
    latest: int | None
    score: int

    @staticmethod
    def of(plan: Plan) -> "Chosen":
        return Chosen(plan.objective, frozenset(one.location for one in plan.parcels), plan.latest, plan.score)

    @staticmethod
    def kept(data: Mapping[str, Any]) -> "Chosen":
        """Of a plan as plain data (`decide.plan_json`)."""
        parcels = data["parcels"]
        return Chosen(
            Objective(data["objective"]),
            frozenset(parcel["location"] for parcel in parcels),
            max((parcel["arrivesOn"] for parcel in parcels), default=None),
            data["score"],
        )


class Rejected(NamedTuple):
    """A location that the plan does not use. `dearer_by`: how much more than the plan one parcel with everything would
    score from there; None when it could not send that."""

    location: str
    reason: RejectionReason
    dearer_by: int | None = None


def explain_rejected(
    demands: Sequence[Demand],
    sources: Sequence[Source],
    chosen: Chosen,
    *,
    arrives_by: int | None = None,
    capacity: Capacity | None = None,
    weights: Weights = PLAIN,
    due_on: int | None = None,
) -> tuple[Rejected, ...]:
    """One reason for each location without a parcel, preferred locations first.

    `arrives_by` is the last day that would have been accepted. A FASTEST plan sets it itself: nothing that
    arrives after its last parcel was of use.
    """
    if chosen.objective is Objective.FASTEST and chosen.latest is not None:
        arrives_by = chosen.latest if arrives_by is None else min(arrives_by, chosen.latest)
    problem = Problem(demands, sources, chosen.objective, weights, due_on=due_on, capacity=capacity)
    reasons: dict[str, tuple[int, RejectionReason]] = {}
    alone: dict[str, int] = {}
    for source in sources:
        location = source.location
        if location in chosen.used:
            continue
        if all(source.stock.get(sku, 0) <= 0 for sku in problem.skus):
            reason = _R.NO_STOCK
        elif arrives_by is not None and source.arrives_on > arrives_by:
            reason = _R.TOO_LATE
        elif not fits(problem.capacity.get((location, source.ships_on), ALL_THE_ROOM), 1, 1, 1):
            reason = _R.NO_CAPACITY
        else:
            reason = _R.DEARER
            score = _alone(problem, source)
            if score is not None:
                alone[location] = min(score, alone.get(location, score))
        rank, before = reasons.get(location, (source.rank, reason))
        reasons[location] = (min(rank, source.rank), max(before, reason, key=_CLOSENESS.index))
    ordered = sorted((rank, location, reason) for location, (rank, reason) in reasons.items())
    return tuple(
        Rejected(location, reason, alone[location] - chosen.score if location in alone else None)
        for _, location, reason in ordered
    )


def _alone(problem: Problem, source: Source) -> int | None:
    """What one parcel with everything scores from a source; None when it cannot send that."""
    wanted = problem.quantities
    if any(source.stock.get(sku, 0) < units for sku, units in zip(problem.skus, wanted, strict=True)):
        return None
    if not problem.fits_alone(source, len(wanted), sum(wanted)):
        return None
    return problem.score(source, wanted) - problem.weights.split + problem.penalty(source.location, wanted)


_CLOSENESS = [_R.NO_STOCK, _R.TOO_LATE, _R.NO_CAPACITY, _R.DEARER]
"""From hopeless to nearly chosen: the best of a location's sources speaks for it."""
