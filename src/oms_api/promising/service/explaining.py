"""Why a promise does not use a location: as its decision would tell."""

from oms_api import sourcing
from oms_api.network import Location
from oms_api.promising.service.asides import asides
from oms_api.promising.service.planning import Planned
from oms_api.sourcing import Rejection


def rejected(planned: Planned) -> list[tuple[Location, Rejection]]:
    """One reason for each location of the channel without a parcel, preferred locations first."""
    if not planned.made:
        return []
    question = planned.question
    asked, found = planned.made[0]
    told = {
        row.location: row
        for row in sourcing.rejections(
            asked._replace(aside=asides(question, asked)),
            question.steering.ruled,
            sourcing.plan_json(found),
            policy=question.steering.live.policy,
            currency=question.network.channel.currency,
        )
    }
    return [
        (location, told[location.handle])
        for location in planned.network.locations
        if location.id not in planned.used and location.handle in told
    ]
