"""What some locations have and expect, net of what is promised and kept back: the rows of one statement, by SKU."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from operator import attrgetter
from uuid import UUID

from oms_api.inventory import Incoming, Stock
from oms_api.promising.rules import Step, Steps, atp
from oms_api.promising.service.place import Place
from oms_api.promising.service.reach import Reach

_expected = attrgetter("expected_at")


class Shelf:
    """Stock of some locations. A location is asked for by id; one that is not among them has nothing.

    Units that are free may be negative: physical truth may fall below what is reserved, and supply fills that first.
    """

    def __init__(
        self, places: Iterable[Place], stock: Sequence[Stock], incoming: Sequence[Incoming], reach: Reach
    ) -> None:
        self.places = {place.id: place for place in places}
        self.reach = reach
        self.free: dict[str, dict[UUID, int]] = {}
        self.changed_at: dict[str, datetime] = {}
        self.coming: dict[str, list[Incoming]] = {}
        known, free, changed_at = self.places, self.free, self.changed_at
        for row in stock:
            place = known.get(row.location_id)
            if place is None:
                continue
            sku = row.sku
            units = row.on_hand - row.reserved - row.safety - place.safety_stock
            at = free.get(sku)
            if at is None:
                free[sku] = {row.location_id: units}
                changed_at[sku] = row.updated_at
            else:
                at[row.location_id] = units
                if row.updated_at > changed_at[sku]:
                    changed_at[sku] = row.updated_at
        for supply in incoming:
            if supply.location_id in known and supply.quantity > 0:
                self.coming.setdefault(supply.sku, []).append(supply)
        for supplies in self.coming.values():
            supplies.sort(key=_expected)
        self._day_zero: date | None = None

    def at(self, sku: str, location_id: UUID) -> int:
        """Promisable units right now at one location."""
        return max(self.free.get(sku, {}).get(location_id, 0), 0)

    def now(self, sku: str) -> int:
        """Promisable units right now, over all locations."""
        return sum(units for units in self.free.get(sku, {}).values() if units > 0)

    def kits_at(self, parts: Mapping[str, int], location_id: UUID) -> int:
        """Whole kits right now at one location; `parts` is units by SKU in one kit (a SKU alone: one of itself)."""
        return min(self.at(sku, location_id) // per_kit for sku, per_kit in parts.items())

    def kits(self, parts: Mapping[str, int], threshold: int) -> int:
        """Whole kits right now over all locations, when so many units of each SKU are withheld."""
        return min(max(self.now(sku) - threshold, 0) // per_kit for sku, per_kit in parts.items())

    # --- over time: days are counted from `day_zero` --------------------------------------------------------------

    @property
    def day_zero(self) -> date:
        """Today: the earliest local date of the locations."""
        if self._day_zero is None:
            self._day_zero = min(
                (self.reach.today(place) for place in self.places.values()), default=self.reach.now.date()
            )
        return self._day_zero

    def supplies_at(self, sku: str, location_id: UUID) -> list[Incoming]:
        """What is expected at one location, soonest first."""
        return [supply for supply in self.coming.get(sku, ()) if supply.location_id == location_id]

    def steps_at(self, sku: str, location_id: UUID) -> Steps:
        """Cumulative ATP with look-ahead at one location."""
        place = self.places[location_id]
        free = self.free.get(sku, {}).get(location_id, 0)
        supply = [
            ((self.reach.due(place, row.expected_at) - self.day_zero).days, row.quantity)
            for row in self.supplies_at(sku, location_id)
        ]
        return atp.steps(max(free, 0), 0, supply, [(0, max(-free, 0))])

    def steps(self, sku: str, threshold: int) -> Steps:
        """ATP over all locations, less the channel's threshold."""
        ids = self.free.get(sku, {}).keys() | {row.location_id for row in self.coming.get(sku, ())}
        return atp.combined([self.steps_at(sku, id_) for id_ in ids], threshold=threshold) or (Step(0, 0),)

    def kit_steps(self, parts: Mapping[str, int], threshold: int) -> Steps:
        """ATP of a kit over all locations: the scarcest component decides on each day."""
        if len(parts) == 1 and 1 in parts.values():
            return self.steps(next(iter(parts)), threshold)
        return atp.kit([(self.steps(sku, threshold), per_kit) for sku, per_kit in parts.items()])

    def next_receipt_at(self, parts: Mapping[str, int], location_id: UUID) -> datetime | None:
        """When something of it is next expected at a location."""
        found = [row.expected_at for sku in parts for row in self.supplies_at(sku, location_id)]
        return min(found, default=None)

    def promisable_at(self, sku: str, units: int, threshold: int) -> datetime | None:
        """First instant at which so many units are promisable over all locations; None when supply never suffices."""
        levels = dict(self.free.get(sku, {}))
        total = sum(level for level in levels.values() if level > 0) - threshold
        tomorrow = self.reach.now + timedelta(days=1)
        due = sorted(
            (tomorrow if row.expected_at < self.reach.now else row.expected_at, row.location_id, row.quantity)
            for row in self.coming.get(sku, ())
        )
        for expected_at, location_id, quantity in due:
            before = levels.get(location_id, 0)
            levels[location_id] = before + quantity
            total += max(before + quantity, 0) - max(before, 0)
            if total >= units:
                return expected_at
        return None
