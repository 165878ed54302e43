"""When units that are held arrive, asked again: their supply has another date, or the calendar moved on."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from oms_api.kit import clock
from oms_api.network import Network
from oms_api.promising.models import Destination
from oms_api.promising.service.place import places_of
from oms_api.promising.service.question import located
from oms_api.promising.service.reach import Reach


class Arrival(NamedTuple):
    """The instant by which units leave and the local date of their arrival, or from which they can be collected."""

    ship_by: datetime
    delivered_by: date


class Awaiting(NamedTuple):
    """Units held at a location: when supply brings them (None: they are on hand), and when they are wanted."""

    location_id: UUID
    at: datetime | None
    requested_on: date | None = None
    early: bool = False


def arrivals(
    network: Network,
    waits: Sequence[Awaiting],
    *,
    destination: Destination | None,
    collected: bool,
) -> list[Arrival | None]:
    """When units at these locations arrive, no earlier than they are wanted.

    Overdue supply counts from tomorrow. None for a location that the channel does not have or that never opens.
    """
    reach = Reach(clock.now(), network, destination, located(destination, []), collected=collected)
    places = {place.id: place for place in places_of(network)}
    found: list[Arrival | None] = []
    for location_id, at, wanted, early in waits:
        place = places.get(location_id)
        due = reach.due(place, at) if place and at else None
        if place and wanted and wanted >= reach.today(place):
            trips = reach.in_time(place, wanted, due, early=early)
            trip = min(trips, key=lambda trip: (trip.arrives_on, trip.ships_on), default=None)
        else:
            trip = reach.trip(place, due) if place else None
        if place is None or trip is None:
            found.append(None)
            continue
        service = trip.lane.service if trip.lane else None
        found.append(Arrival(reach.ship_by(place, trip.ships_on, service), trip.arrives_on))
    return found
