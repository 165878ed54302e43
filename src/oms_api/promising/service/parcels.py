"""Between the planner's words and ours: trips become sources, planned parcels become parcels with lines."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from oms_api.promising.models import DeliveryMethod, Parcel, PlannedUnits
from oms_api.promising.service.place import Place
from oms_api.promising.service.question import Question
from oms_api.promising.service.reach import Trip
from oms_api.sourcing import Asked, Capacity, Objective, Room, Source


def source(place: Place, rank: int, stock: Mapping[str, int], trip: Trip) -> Source:
    """One way to send, or to hand over, what a location has. Collecting costs nothing."""
    ships_on, arrives_on, lane = trip.ships_on.toordinal(), trip.arrives_on.toordinal(), trip.lane
    if lane is None:
        return Source(place.handle, rank, stock, ships_on, arrives_on, fixed=0)
    return Source(
        place.handle,
        rank,
        stock,
        ships_on,
        arrives_on,
        fixed=lane.fixed,
        per_kg=lane.per_kg,
        service=lane.service,
        rate=lane.rate,
    )


def capacity(question: Question, sources: Iterable[Source], held: Iterable[Parcel] = ()) -> Capacity:
    """What the locations of these sources have left on their ship days, when the parcels `held` have theirs."""
    reach, found = question.shelf.reach, dict[tuple[str, int], Room]()
    named = question.named
    for one in sources:
        place = named[one.location]
        days = reach.days(place) if place.limits else None
        if days is not None and (one.location, one.ships_on) not in found:
            day = date.fromordinal(one.ships_on)
            room = days.room(day)
            if room is not None:
                sent = [parcel for parcel in held if (parcel.location_id, parcel.works_on) == (place.id, day)]
                skus = {units.sku for parcel in sent for units in parcel.lines}
                units = sum(units.quantity for parcel in sent for units in parcel.lines)
                used = (len(sent), len(skus), units)
                found[one.location, one.ships_on] = Room(
                    *[None if left is None else max(left - taken, 0) for left, taken in zip(room, used, strict=True)]
                )
    return found


def asked_for(
    question: Question,
    demand: Mapping[str, int],
    sources: Sequence[Source],
    objective: Objective | None,
    held: Sequence[Parcel] = (),
) -> Asked:
    """The planner's question, for these units by SKU; the parcels `held` have taken their room already."""
    steering, channel = question.steering, question.network.channel
    return Asked(
        cart=steering.cart,
        demands=tuple(question.demands(demand)),
        sources=tuple(map(question.unit_costs.priced, sources)),
        spots=steering.spots,
        fallback=Objective(channel.objective.value),
        objective=objective,
        max_shipments=channel.max_shipments,
        tags=steering.tags,
        room=capacity(question, sources, held),
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
        method=DeliveryMethod.SHIPPING if source.service else DeliveryMethod.PICKUP,
        service=source.service or None,
        ship_by=question.shelf.reach.ship_by(place, date.fromordinal(source.ships_on), source.service or None),
        delivered_by=date.fromordinal(source.arrives_on),
        lines=tuple(lines),
        works_on=date.fromordinal(source.ships_on) if place.limits else None,
    )
