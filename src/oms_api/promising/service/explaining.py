"""Why a promise does not use a location, as its decision would tell, and what its lines earn."""

from collections.abc import Sequence
from typing import NamedTuple

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


class LineMargin(NamedTuple):
    """What a line brings and what its units cost where they are sent from, in minor units; None when not known."""

    sku: str
    quantity: int
    price: int | None
    cost: int | None

    @property
    def margin(self) -> int | None:
        return None if self.price is None or self.cost is None else self.price - self.cost


def line_margins(planned: Planned, unit_prices: Sequence[int | None]) -> list[LineMargin]:
    """What each line of a plan that serves all of it earns, before shipping; list prices where none is given."""
    question = planned.question
    costs: list[int | None] = [0 if parts else None for parts in question.parts]
    for parcel in planned.parcels:
        handle = planned.used[parcel.location_id].handle
        for sku, quantity, i, _ in parcel.lines:
            unit, so_far = question.unit_costs.at(handle, sku), costs[i]
            costs[i] = None if unit is None or so_far is None else so_far + unit * quantity
    listed = question.steering.values
    prices = [
        listed.get(line.sku) if given is None else given
        for line, given in zip(question.lines, unit_prices, strict=True)
    ]
    return [
        LineMargin(line.sku, line.quantity, None if price is None else price * line.quantity, cost)
        for line, price, cost in zip(question.lines, prices, costs, strict=True)
    ]
