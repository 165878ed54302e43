"""Between the planner's words and ours: trips become sources, planned parcels become parcels with lines."""

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import date

from oms_api.promising.models import DeliveryMethod, Parcel, PlannedUnits
from oms_api.promising.rules import STANDARD, Source
from oms_api.promising.service.place import Place
from oms_api.promising.service.question import Question
from oms_api.promising.service.reach import Trip


def source(place: Place, rank: int, stock: Mapping[str, int], trip: Trip) -> Source:
    """One way to send, or to hand over, what a location has. Collecting costs nothing."""
    ships_on, arrives_on = trip.ships_on.toordinal(), trip.arrives_on.toordinal()
    if not trip.zone:
        return Source(place.handle, rank, stock, ships_on, arrives_on, fixed=0, per_kg=0)
    return Source(
        place.handle,
        rank,
        stock,
        ships_on,
        arrives_on,
        fixed=STANDARD.fixed(trip.zone),
        per_kg=STANDARD.per_kg,
        service=STANDARD.handle,
    )


class Claims:
    """Units that lines still want, by SKU: earlier lines are served first."""

    def __init__(self, question: Question, wanted: Sequence[int]) -> None:
        self._open: dict[str, deque[list[int]]] = {}
        for i, (parts, quantity) in enumerate(zip(question.parts, wanted, strict=True)):
            if quantity:
                for sku, per_unit in parts.items():
                    self._open.setdefault(sku, deque()).append([i, quantity * per_unit])

    def give(self, sku: str, units: int) -> list[tuple[int, int]]:
        """Give units to the lines that wait for them: (line, units)."""
        given = []
        queue = self._open[sku]
        while units:
            line, wanted = queue[0]
            taken = min(units, wanted)
            given.append((line, taken))
            units -= taken
            if taken == wanted:
                queue.popleft()
            else:
                queue[0][1] -= taken
        return given


def parcel(question: Question, source: Source, lines: Sequence[PlannedUnits]) -> Parcel:
    """What one source sends, as it is promised."""
    place = question.named[source.location]
    return Parcel(
        location_id=place.id,
        safety=place.safety_stock,
        method=DeliveryMethod.SHIPPING if source.service else DeliveryMethod.PICKUP,
        service=source.service or None,
        ship_by=question.shelf.reach.ship_by(place, date.fromordinal(source.ships_on)),
        delivered_by=date.fromordinal(source.arrives_on),
        lines=tuple(lines),
    )
