"""Why a plan does not use a location."""

from typing import NamedTuple

from oms_api.network import Location
from oms_api.promising.models import RejectionReason
from oms_api.promising.service.parcels import capacity
from oms_api.promising.service.planning import Planned
from oms_api.promising.service.question import Question
from oms_api.sourcing import Demand, Reason, explain_rejected


class Rejection(NamedTuple):
    """A location of the channel that was not used."""

    location: Location
    reason: RejectionReason
    message: str


def rejections(planned: Planned) -> list[Rejection]:
    """One reason for each location of the channel without a parcel, preferred locations first."""
    question = planned.question
    reasons: dict[str, Reason] = {}
    if planned.best is not None and not question.collected:
        demands = [Demand(sku, 1, 0) for sku in question.grams]
        room = capacity(question, planned.sources)
        reasons = dict(explain_rejected(demands, planned.sources, planned.best, capacity=room))
    return [
        Rejection(location, *_why(question, location, reasons.get(location.handle)))
        for location in planned.network.locations
        if location.id not in planned.used
    ]


def _why(question: Question, location: Location, reason: Reason | None) -> tuple[RejectionReason, str]:
    name, collected = location.handle, question.collected
    assuming = question.assuming
    if assuming is not None and name in assuming.closed:
        return RejectionReason.CLOSED, f"{name} is closed, as assumed."
    if not location.active:
        return RejectionReason.NOT_ELIGIBLE, f"{name} takes no new work."
    if collected and not location.pickup:
        return RejectionReason.NOT_ELIGIBLE, f"{name} does not let customers collect."
    if not collected and not location.ships:
        return RejectionReason.NOT_ELIGIBLE, f"{name} does not send parcels."
    if not location.open_days:
        return RejectionReason.CLOSED, f"{name} is open on no day of the week."
    steering = question.steering
    if name in steering.ruled.excluded:
        said = f"Rule '{steering.ruled.excluded[name]}' of policy {steering.live.policy} leaves out {name}."
        return RejectionReason.EXCLUDED_BY_RULE, said
    if location.id not in question.shelf.places:
        return RejectionReason.NOT_ELIGIBLE, f"{name} is not where it is to be collected."
    if reason is Reason.TOO_LATE:
        return RejectionReason.TOO_LATE, f"What {name} has would arrive after the rest of the plan."
    if any(question.shelf.at(sku, location.id) for sku in question.grams):
        place = question.named[name]
        if reason is Reason.NO_CAPACITY or (place.limits and not question.shelf.reach.trips(place)):
            return RejectionReason.NO_CAPACITY, f"{name} has some of it, and no day on which it has room for more work."
        return RejectionReason.DEARER, f"{name} has some of it, but the plan is better without it."
    return RejectionReason.NO_STOCK, f"{name} has no promisable unit of it."
