"""Why a location that was looked at is not in the plan."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from oms_api.sourcing.rules.problem import ALL_THE_ROOM, fits
from oms_api.sourcing.rules.words import Capacity, Demand, Objective, Plan, Source


class Reason(StrEnum):
    """Why a location was not used."""

    NO_STOCK = "NO_STOCK"
    """Has no promisable unit of anything wanted."""
    TOO_LATE = "TOO_LATE"
    """Whatever it has would arrive later than wanted."""
    NO_CAPACITY = "NO_CAPACITY"
    """Has some of it, and no room left on the day on which it could leave."""
    DEARER = "DEARER"
    """Usable, but the plan is better without it."""


class Rejected(NamedTuple):
    """A location that the plan does not use."""

    location: str
    reason: Reason


def explain_rejected(
    demands: Sequence[Demand],
    sources: Sequence[Source],
    plan: Plan,
    *,
    arrives_by: int | None = None,
    capacity: Capacity | None = None,
) -> tuple[Rejected, ...]:
    """One reason for each location without a parcel, preferred locations first.

    `arrives_by` is the last day that would have been accepted. A FASTEST plan sets it itself: nothing that
    arrives after its last parcel was of use.
    """
    if plan.objective is Objective.FASTEST and plan.latest is not None:
        arrives_by = plan.latest if arrives_by is None else min(arrives_by, plan.latest)
    skus = {demand.sku for demand in demands}
    used = {parcel.source.location for parcel in plan.parcels}
    reasons: dict[str, tuple[int, Reason]] = {}
    for source in sources:
        location = source.location
        if location in used:
            continue
        if all(source.stock.get(sku, 0) <= 0 for sku in skus):
            reason = Reason.NO_STOCK
        elif arrives_by is not None and source.arrives_on > arrives_by:
            reason = Reason.TOO_LATE
        elif capacity and not fits(capacity.get((location, source.ships_on), ALL_THE_ROOM), 1, 1, 1):
            reason = Reason.NO_CAPACITY
        else:
            reason = Reason.DEARER
        rank, before = reasons.get(location, (source.rank, reason))
        reasons[location] = (min(rank, source.rank), max(before, reason, key=_CLOSENESS.index))
    ordered = sorted((rank, location, reason) for location, (rank, reason) in reasons.items())
    return tuple(Rejected(location, reason) for _, location, reason in ordered)


_CLOSENESS = [Reason.NO_STOCK, Reason.TOO_LATE, Reason.NO_CAPACITY, Reason.DEARER]
"""From hopeless to nearly chosen: the best of a location's sources speaks for it."""
