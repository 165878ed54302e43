"""What some locations have and expect, net of what is promised and kept back: the rows of one statement, by SKU."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from operator import attrgetter
from uuid import UUID

from oms_api.allocation import Limits
from oms_api.inventory import Incoming, OfSku, Stock
from oms_api.promising.models import AtpMode
from oms_api.promising.queries import PLAIN, Rulebook
from oms_api.promising.rules import Step, Steps, atp
from oms_api.promising.service.ground import Ground
from oms_api.promising.service.place import Place
from oms_api.promising.service.reach import Reach

_expected = attrgetter("expected_at")


def _at_most(steps: Steps, most: int | None) -> Steps:
    """Steps that end where so many units are reached; all of them when None."""
    if most is None or not steps or steps[-1].quantity <= most:
        return steps
    below = tuple(step for step in steps if step.quantity < most)
    return (*below, Step(steps[len(below)].on, most))


class Shelf:
    """Stock of some locations. A location is asked for by id; one that is not among them has nothing.

    Units that are free may be negative: physical truth may fall below what is reserved, and supply fills that first.
    """

    def __init__(
        self,
        places: Iterable[Place],
        stock: Sequence[Stock],
        incoming: Sequence[Incoming],
        reach: Reach,
        book: Rulebook = PLAIN,
        limits: Limits | None = None,
    ) -> None:
        self.places: Mapping[UUID, Place] = {place.id: place for place in places}
        self.reach = reach
        self.book = book
        self.limits = limits
        self.free: dict[str, dict[UUID, int]] = {}
        self.changed_at: dict[str, datetime] = {}
        self.coming: dict[str, list[Incoming]] = {}
        self.sends: dict[str, int] = {}
        """Bits of the locations that send and have some, by SKU; only of a whole ground."""
        self._units: dict[str, int] = {}
        self._allowed: dict[tuple[str, UUID], int] = {}
        self._withheld: dict[str, int] = {}
        self._allowed_in_all: dict[str, int] = {}
        self._another_day: dict[str, int] = {}
        """Units that are there and may not be promised today any more, by SKU."""
        known, free, changed_at = self.places, self.free, self.changed_at
        for row in stock:
            place = known.get(row.location_id)
            if place is None:
                continue
            sku = row.sku
            units = row.free(place.safety_stock)
            if limits is not None and (share := limits.now(sku, row.location_id)) is not None:
                units = min(units, share)
            if row.allowed is not None:
                self._allowed[sku, row.location_id] = row.allowed
                more = row._replace(allowed=None).free(place.safety_stock) - max(units, 0)
                self._another_day[sku] = self._another_day.get(sku, 0) + max(more, 0)
            if row.threshold is not None:
                self._withheld[sku] = row.threshold
            if row.channel_allowed is not None:
                self._allowed_in_all[sku] = row.channel_allowed
            at = free.get(sku)
            if at is None:
                free[sku] = {row.location_id: units}
                changed_at[sku] = row.updated_at
            else:
                at[row.location_id] = units
                if row.updated_at > changed_at[sku]:
                    changed_at[sku] = row.updated_at
        self._day_zero: date | None = None
        self._loads: dict[tuple[str, UUID], list[Incoming]] = {}
        self._expect([row for row in incoming if row.location_id in known])

    def _expect(self, incoming: Iterable[Incoming]) -> None:
        for supply in incoming:
            if supply.quantity > 0 and self.counts(supply):
                self.coming.setdefault(supply.sku, []).append(supply)
        for supplies in self.coming.values():
            supplies.sort(key=_expected)

    @classmethod
    def of_ground(cls, ground: Ground, skus: Mapping[str, OfSku], reach: Reach, book: Rulebook) -> "Shelf":
        """What a whole ground has of some SKUs, for a class that has no limits: as from all rows, but what was worked
        out of a SKU before stands. What is free is then shared between requests: never change it."""
        shelf = cls((), (), (), reach, book)
        shelf.places = ground.by_id
        for sku, of in skus.items():
            held = ground.held(of)
            if held.changed_at is not None:
                shelf.free[sku] = held.free
                shelf.changed_at[sku] = held.changed_at
            shelf.sends[sku] = held.sends
            shelf._units[sku] = held.units
            if held.allowed:
                shelf._allowed |= {(sku, id_): units for id_, units in held.allowed.items()}
            if held.withheld is not None:
                shelf._withheld[sku] = held.withheld
            if held.allowed_in_all is not None:
                shelf._allowed_in_all[sku] = held.allowed_in_all
            if held.coming:
                shelf._expect(held.coming)
        return shelf

    def beside(self, loads: Iterable[Incoming], counted_in: Mapping[tuple[str, UUID], int]) -> "Shelf":
        """The same with what ATP rules bring: units later, and units that are there as soon as they are wanted. They
        belong to nobody's share, and fill nothing that is short."""
        found = copy.copy(self)
        found._loads = {}
        for load in loads:
            found._loads.setdefault((load.sku, load.location_id), []).append(load)
        found._units = {}
        found.free = {sku: dict(there) for sku, there in self.free.items()}
        for (sku, location_id), units in counted_in.items():
            there = found.free.setdefault(sku, {})
            there[location_id] = max(there.get(location_id, 0), 0) + units
        return found

    def at(self, sku: str, location_id: UUID) -> int:
        """Promisable units right now at one location."""
        return max(self.free.get(sku, {}).get(location_id, 0), 0)

    def units_at(self, location_id: UUID) -> int:
        """Promisable units right now at one location, of all SKUs together."""
        return sum(max(at.get(location_id, 0), 0) for at in self.free.values())

    def now(self, sku: str) -> int:
        """Promisable units right now, over all locations."""
        known = self._units.get(sku)
        return sum(units for units in self.free.get(sku, {}).values() if units > 0) if known is None else known

    def offered(self, sku: str, threshold: int, *, at_most: int | None = None) -> int:
        """Promisable units right now over all locations, less the channel's threshold for every SKU or what a rule
        withholds of this one, and no more than it may still promise today. A share binds who wants more than it has:
        not who wants `at_most` so many."""
        units = max(self.now(sku) - self._withheld.get(sku, threshold), 0)
        units = min(units, self._allowed_in_all.get(sku, units))
        share = self.limits.now(sku) if self.limits is not None else None
        return units if share is None or (at_most is not None and at_most <= share) else min(units, share)

    def withheld(self, sku: str, threshold: int) -> int:
        """Units that the channel withholds of this SKU: by a rule of its own, or `threshold` as of every SKU."""
        return self._withheld.get(sku, threshold)

    def kits_at(self, parts: Mapping[str, int], location_id: UUID) -> int:
        """Whole kits right now at one location; `parts` is units by SKU in one kit (a SKU alone: one of itself)."""
        return min(self.at(sku, location_id) // per_kit for sku, per_kit in parts.items())

    def kits(self, parts: Mapping[str, int], threshold: int) -> int:
        """Whole kits right now over all locations, when so many units of each SKU are withheld."""
        return min(self.offered(sku, threshold) // per_kit for sku, per_kit in parts.items())

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

    def generated_at(self, sku: str, location_id: UUID) -> list[Incoming]:
        """What its ATP rule would bring there."""
        return self._loads.get((sku, location_id), [])

    def due(self, supply: Incoming) -> date:
        """Local date from which a supply counts."""
        late_days = self.book.of(supply.sku).rule.delayed_offset_days
        return self.reach.due(self.places[supply.location_id], supply.expected_at, late_days)

    def counts(self, supply: Incoming) -> bool:
        """Whether it is promised at all: neither given up as too late nor beyond the horizon of its rule."""
        rule = self.book.of(supply.sku).rule
        if rule is atp.DEFAULT:
            return True
        now, given_up, horizon = self.reach.now, rule.past_due_supply_days, rule.horizon_days
        if given_up is not None and supply.expected_at < now - timedelta(days=given_up):
            return False
        today = self.reach.today(self.places[supply.location_id])
        return horizon is None or self.due(supply) <= today + timedelta(days=horizon)

    def steps_at(self, sku: str, location_id: UUID) -> Steps:
        """ATP at one location: of what is on hand and what is announced, by the SKU's rule. It never falls."""
        steps = self._known_at(sku, location_id)
        loads = self._loads.get((sku, location_id))
        if not loads:  # mostly
            return steps
        return _at_most(atp.combined([steps, self._brought(loads)]), self._allowed.get((sku, location_id)))

    def _brought(self, loads: Sequence[Incoming]) -> Steps:
        return atp.steps(0, 0, [((self.due(load) - self.day_zero).days, load.quantity) for load in loads])

    def _known_at(self, sku: str, location_id: UUID) -> Steps:
        free = self.free.get(sku, {}).get(location_id, 0)
        coming = self.supplies_at(sku, location_id)
        rule = self.book.of(sku).rule
        if not coming:  # mostly
            steps: Steps = (Step(0, max(free, 0)),)
        elif rule.mode in (AtpMode.PERIOD, AtpMode.DISCRETE):
            fenced = atp.Rule(
                rule.mode,
                period_days=rule.period_days,
                backward=rule.backward,
                forward=rule.forward,
                accumulation_periods=rule.accumulation_periods,
            )
            supply = [((self.due(row) - self.day_zero).days, row.quantity) for row in coming]
            owed = [(0, max(-free, 0))]
            steps = atp.risen(atp.projected_by(fenced, max(free, 0), 0, supply, owed).steps)
        else:
            supply = [((self.due(row) - self.day_zero).days, row.quantity) for row in coming]
            steps = atp.steps(max(free, 0), 0, supply, [(0, max(-free, 0))])
        return self._shared(_at_most(steps, self._allowed.get((sku, location_id))), sku, location_id)

    def steps(self, sku: str, threshold: int) -> Steps:
        """ATP over all locations, less the channel's threshold."""
        ids = self.free.get(sku, {}).keys() | {row.location_id for row in self.coming.get(sku, ())}
        withheld = self._withheld.get(sku, threshold)
        steps = atp.combined([self._known_at(sku, id_) for id_ in ids], threshold=withheld) or (Step(0, 0),)
        steps = self._shared(_at_most(steps, self._allowed_in_all.get(sku)), sku)
        loads = [load for (code, _), some in self._loads.items() if code == sku for load in some]
        if not loads:
            return steps
        return _at_most(atp.combined([steps, self._brought(loads)]), self._allowed_in_all.get(sku))

    def _shared(self, steps: Steps, sku: str, location_id: UUID | None = None) -> Steps:
        """Steps as far as the demand class that asks may have them."""
        if self.limits is None:
            return steps
        first, found = steps[0].quantity, list[Step]()
        for on, quantity in steps:
            share = self.limits.later(sku, quantity - first, location_id)
            quantity = quantity if share is None else min(quantity, share)
            if not found or quantity > found[-1].quantity:
                found.append(Step(on, quantity))
        return tuple(found)

    def kit_steps(self, parts: Mapping[str, int], threshold: int) -> Steps:
        """ATP of a kit over all locations, as its components' rules sell it: the scarcest decides on each day."""
        if len(parts) == 1 and 1 in parts.values():
            return self._sold(next(iter(parts)), threshold)
        sold = [(self._sold(sku, threshold), per_kit) for sku, per_kit in parts.items()]
        steps = atp.kit(sold)
        if any(part[-1].quantity < atp.UNLIMITED for part, _ in sold):  # mostly
            return steps
        endless = max(part[-1].on for part, _ in sold)
        return (*(step for step in steps if step.on < endless), Step(endless, atp.UNLIMITED))

    def anyhow(self, sku: str) -> int | None:
        """The day from which its rule sells any number of a SKU; None when it does not."""
        if self.book is PLAIN:
            return None
        rule = self.book.of(sku).rule
        return {AtpMode.INFINITE: 0, AtpMode.LEAD_TIME: rule.lead_time_days}.get(rule.mode)

    def _sold(self, sku: str, threshold: int) -> Steps:
        """ATP of a SKU, and whatever number its rule lets be promised."""
        return atp.beyond(self.steps(sku, threshold), self.book.of(sku).rule)

    def next_receipt_at(self, parts: Mapping[str, int], location_id: UUID) -> datetime | None:
        """When something of it is next expected at a location."""
        found = [row.expected_at for sku in parts for row in self.supplies_at(sku, location_id)]
        return min(found, default=None)

    def promisable_at(self, sku: str, units: int, threshold: int) -> datetime | None:
        """First instant at which so many units are promisable over all locations, or can be had by the SKU's rule; None
        when supply never suffices."""
        levels = dict(self.free.get(sku, {}))
        total = sum(level for level in levels.values() if level > 0) - self._withheld.get(sku, threshold)
        in_all, kept = self._allowed_in_all.get(sku), self._another_day.get(sku, 0)
        if (kept or (in_all is not None and in_all < total)) and total + kept >= units:
            return datetime.combine(self.reach.now.date() + timedelta(days=1), time(), UTC)
        rule, days = self.book.of(sku).rule, self.anyhow(sku)
        anyhow = None if days is None else self.reach.now + timedelta(days=days)
        late = self.reach.now + timedelta(days=rule.delayed_offset_days)
        due = sorted(
            (late if row.expected_at < self.reach.now else row.expected_at, row.location_id, row.quantity)
            for row in self.coming.get(sku, ())
        )
        if rule.mode in (AtpMode.PERIOD, AtpMode.DISCRETE):  # which do not add up all that comes
            first = atp.first_day(self.steps(sku, threshold), units)
            by = None if first is None else self.day_zero + timedelta(days=first)
            return next((row[0] for row in due if by is not None and row[0].date() >= by), anyhow)
        added = 0
        for expected_at, location_id, quantity in due:
            before = levels.get(location_id, 0)
            levels[location_id] = before + quantity
            more = max(before + quantity, 0) - max(before, 0)
            total += more
            added += more
            share = self.limits.later(sku, added) if self.limits is not None else None
            if min(total, total if share is None else share) >= units:
                return min(expected_at, anyhow) if anyhow else expected_at
        return anyhow
