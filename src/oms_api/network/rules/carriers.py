"""Carrier services: which zone a parcel goes to, how long it takes and what it costs. Pure and immutable.

A zone's row says for whom it holds: an origin zone of locations, a destination country and its postal codes by prefix,
and a distance. The most specific rows decide: postal codes before country before anywhere, and in each a named origin
before any. Within them the first distance that reaches.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

HIGHEST = "\uffff"


class Zone(NamedTuple):
    """Where a parcel goes, in the carrier's words, and the business days that it takes."""

    name: str
    transit_days: int
    transit_days_p80: int | None


class Break(NamedTuple):
    """What a parcel costs up to a weight: `fixed` and `per_kg` for all of its weight, by the gram, in minor units."""

    up_to_grams: int | None
    fixed: int
    per_kg: int


class Rate(NamedTuple):
    """Weight breaks, lightest first; beyond the last its price holds. `dim_divisor`: cm3 that count as a kilogram."""

    breaks: tuple[Break, ...]
    dim_divisor: int | None = None


def prefix_of(postal_code: str | None) -> str:
    """A postal code as prefixes are compared: upper case, without blanks and hyphens."""
    return "".join(char for char in (postal_code or "").upper() if char not in " -")


class CarrierPlan:
    """One service as it is planned with; made once for as long as its row does not change."""

    def __init__(self, row: Any, calendars: Sequence[Any] = ()) -> None:
        self.handle: str = row.handle
        self.carrier: str = row.carrier
        self.business_days = frozenset(row.business_days)
        self.pickup_days = frozenset(row.pickup_days)
        self.last_pickup: str | None = row.last_pickup
        self.dim_divisor: int | None = row.dim_divisor
        self.calendars = tuple(calendars)
        self._zones: list[Mapping[str, Any]] = row.zones
        self._rates: list[Mapping[str, Any]] = row.rates

    def closed(self, country: str | None, region: str | None) -> frozenset[date]:
        """Days on which it does nothing at a place: those of calendars without a country, and of that country's."""
        return frozenset(
            day
            for calendar in self.calendars
            if calendar.country is None or (calendar.country == country and calendar.region in (None, region))
            for day in calendar.days
        )

    @cached_property
    def _ranges(self) -> dict[tuple[str | None, str], tuple[list[str], list[tuple[str, list[Any]]]]]:
        """(origin, country) → starts of its postal ranges in order, and their (end, rows by distance)."""
        found: dict[Any, dict[tuple[str, str], list[Any]]] = {}
        for row in self._zones:
            if row["postalFrom"] is not None:
                key = (row["postalFrom"], row["postalTo"] + HIGHEST)
                found.setdefault((row["originZone"], row["country"]), {}).setdefault(key, []).append(row)
        return {
            scope: (
                [start for start, _ in sorted(ranges)],
                [(end, _by_distance(rows)) for (_, end), rows in sorted(ranges.items())],
            )
            for scope, ranges in found.items()
        }

    @cached_property
    def _wide(self) -> dict[tuple[str | None, str | None], list[Any]]:
        """(origin, country or None) → rows without postal codes, by distance."""
        found: dict[tuple[str | None, str | None], list[Any]] = {}
        for row in self._zones:
            if row["postalFrom"] is None:
                found.setdefault((row["originZone"], row["country"]), []).append(row)
        return {scope: _by_distance(rows) for scope, rows in found.items()}

    def zone(self, origin: str | None, country: str | None, postal_code: str | None, km: float | None) -> Zone | None:
        """The zone of a destination; None when it does not go there. `km` None counts as the farthest."""
        code = prefix_of(postal_code)
        origins = (origin, None) if origin is not None else (None,)
        if code and country is not None:
            for from_ in origins:
                starts, ranges = self._ranges.get((from_, country), ((), ()))
                at = bisect_right(starts, code) - 1
                if at >= 0 and code <= ranges[at][0]:
                    found = _reaching(ranges[at][1], km)
                    if found is not None:
                        return found
        for to in (country, None) if country is not None else (None,):
            for from_ in origins:
                found = _reaching(self._wide.get((from_, to), ()), km)
                if found is not None:
                    return found
        return None

    def farthest(self, origin: str | None) -> Zone | None:
        """The zone that takes longest from an origin, of those to wherever it goes."""
        rows = [row for row in self._zones if row["originZone"] in (None, origin)]
        zones = [Zone(row["zone"], row["transitDays"], row["transitDaysP80"]) for row in rows]
        return max(zones, key=lambda zone: (zone.transit_days_p80 or zone.transit_days, zone.name), default=None)

    @cached_property
    def _cards(self) -> dict[tuple[str, str], list[tuple[date, Rate]]]:
        """(zone, currency) → (valid from, rate), the newest first."""
        by_start: dict[tuple[str, str], dict[date, list[Break]]] = {}
        for row in self._rates:
            start = date.fromisoformat(row["validFrom"]) if row["validFrom"] else date.min
            card = by_start.setdefault((row["zone"], row["currency"]), {}).setdefault(start, [])
            card.append(Break(row["upToGrams"], row["fixed"], row["perKg"]))
        return {
            key: [
                (start, Rate(tuple(sorted(card, key=_lightest_first)), self.dim_divisor))
                for start, card in sorted(cards.items(), reverse=True)
            ]
            for key, cards in by_start.items()
        }

    def rate(self, zone: str, currency: str, on: date) -> Rate | None:
        """What it costs to a zone in a currency on a day; None when it is not sold so."""
        for start, rate in self._cards.get((zone, currency), ()):
            if start <= on:
                return rate
        return None


def _lightest_first(one: Break) -> tuple[bool, int]:
    return one.up_to_grams is None, one.up_to_grams or 0


def _by_distance(rows: Sequence[Mapping[str, Any]]) -> list[tuple[float | None, Zone]]:
    ordered = sorted(rows, key=lambda row: (row["upToKm"] is None, row["upToKm"] or 0))
    return [(row["upToKm"], Zone(row["zone"], row["transitDays"], row["transitDaysP80"])) for row in ordered]


def _reaching(rows: Sequence[tuple[float | None, Zone]], km: float | None) -> Zone | None:
    if km is None:
        return rows[-1][1] if rows else None
    for up_to, zone in rows:
        if up_to is None or km <= up_to:
            return zone
    return None
