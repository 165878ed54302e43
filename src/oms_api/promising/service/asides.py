"""Locations about which the planner is not asked, and why: kept with a decision, told with a promise."""

from collections.abc import Collection, Mapping, Sequence

from oms_api.network import Location, Network
from oms_api.promising.service.place import Place, places_of
from oms_api.promising.service.question import Question
from oms_api.sourcing import Aside, Asked

Without = Mapping[str, Aside]
"""Locations that are not to be asked, by handle."""


def less(network: Network, without: Collection[str]) -> Network:
    """A channel's network without some locations."""
    if not without:
        return network
    return network._replace(locations=[row for row in network.locations if row.handle not in without])


def asides(question: Question, asked: Asked, without: Without | None = None) -> dict[str, Sequence[str]]:
    """By why: the locations of the channel that are not among the sources and that no rule of the policy leaves out;
    preferred first. `without` are those that were taken off the network before."""
    found: dict[Aside, list[str]] = {}
    for handle, reason in (without or {}).items():
        found.setdefault(reason, []).append(handle)
    told = {source.location for source in asked.sources} | question.steering.ruled.excluded.keys() | {*(without or ())}
    skus = [demand.sku for demand in asked.demands]
    places = {place.id: place for place in places_of(question.network)}
    for row in question.network.locations:
        if row.handle not in told:
            found.setdefault(_why(question, row, places.get(row.id), skus), []).append(row.handle)
    return {why.value: handles for why, handles in found.items()}


def _why(question: Question, row: Location, place: Place | None, skus: Sequence[str]) -> Aside:
    if question.assuming is not None and row.handle in question.assuming.closed:
        return Aside.CLOSED
    if not row.active or place is None:
        return Aside.INACTIVE
    if question.collected and not row.pickup:
        return Aside.NO_PICKUP
    if not question.collected and not row.ships:
        return Aside.NO_PARCELS
    if not place.hours.ever_open:
        return Aside.NEVER_OPEN
    shelf = question.whole or question.shelf
    if row.id not in shelf.places:
        return Aside.ELSEWHERE
    if not any(shelf.at(sku, row.id) > 0 for sku in skus):
        return Aside.EMPTY
    if not shelf.reach.trips(place):
        return Aside.FULL if place.limits else Aside.NO_WAY
    # a wanted date that no trip of its meets, or another place where all is collected
    return Aside.ANOTHER if question.collected else Aside.EMPTY
