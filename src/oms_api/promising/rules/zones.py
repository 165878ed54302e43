"""Where a postal code is, how far that is, and what the built-in carrier service makes of it.

Positions come from package data (credits in its NOTICE): US postal codes, and one centre per country. Zones
are bands of great-circle distance. Money is in minor units of whatever currency the caller counts in.
"""

import csv
import gzip
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from math import asin, cos, radians, sin, sqrt

Position = tuple[float, float]
"""Latitude and longitude in degrees, WGS 84."""

EARTH_RADIUS_KM = 6371.0088
ZONE_LIMITS_KM = (240, 480, 970, 1610, 2250, 2900)
"""Zones 1 to 6 reach this far, inclusive; zone 7 is all beyond."""

_PREFIXES = (5, 3, 2, 1)


def position(country: str, postal_code: str | None = None) -> Position | None:
    """Position of a postal code in an ISO 3166-1 alpha-2 country; None for an unknown country.

    In the US an unknown code takes the mean of the known codes with the same first 3, else 2, else 1 digits.
    Other countries, and a US address without a usable code, take the country's centre.
    """
    country = country.strip().upper()
    if country == "US" and postal_code is not None:
        digits = postal_code.strip()[:5]
        if digits.isascii() and digits.isdigit():
            known = _us_positions()
            for length in _PREFIXES:
                if len(digits) >= length and digits[:length] in known:
                    return known[digits[:length]]
    return _country_centres().get(country)


def distance_km(here: Position, there: Position) -> float:
    """Great-circle distance (haversine on a sphere of mean radius)."""
    lat_1, lat_2 = radians(here[0]), radians(there[0])
    half_lat = sin((lat_2 - lat_1) / 2)
    half_lon = sin(radians(there[1] - here[1]) / 2)
    chord = half_lat * half_lat + cos(lat_1) * cos(lat_2) * half_lon * half_lon
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(chord)))


def zone(km: float) -> int:
    """Carrier zone, 1 to 7, of a distance."""
    if km < 0:
        raise ValueError(f"a distance of {km} km: it cannot be negative")
    return bisect_left(ZONE_LIMITS_KM, km) + 1


@lru_cache(maxsize=1 << 17)
def zone_between(here: Position, there: Position) -> int:
    """Carrier zone between two positions; remembered, since locations and destinations recur."""
    return zone(distance_km(here, there))


@dataclass(frozen=True, slots=True)
class CarrierService:
    """A rate card by zone: `base + per_zone * zone` a parcel and `per_kg` a kilogram, in minor units."""

    handle: str
    base: int
    per_zone: int
    per_kg: int
    transit_days: tuple[int, ...]
    """Business days of the carrier (Monday to Friday) for zones 1, 2, …"""

    def transit(self, zone: int) -> int:
        """Business days in transit."""
        return self.transit_days[zone - 1]

    def fixed(self, zone: int) -> int:
        """What a parcel costs before its weight."""
        return self.base + self.per_zone * zone

    def weight_cost(self, grams: int) -> int:
        """What a parcel's weight costs: by the gram, rounded up once for the parcel."""
        return -(-self.per_kg * grams // 1000)

    def parcel_cost(self, zone: int, grams: int) -> int:
        """What a parcel costs in all."""
        return self.fixed(zone) + self.weight_cost(grams)


STANDARD = CarrierService("standard", base=500, per_zone=50, per_kg=100, transit_days=(1, 2, 3, 4, 5, 6, 7))
"""The built-in service: as many business days as the zone counts."""


def _data() -> Traversable:
    return resources.files("oms_api.promising") / "data"


@lru_cache(maxsize=1)
def _us_positions() -> dict[str, Position]:
    """Postal codes, and the mean position of all codes under each prefix of 1, 2 and 3 digits."""
    packed = (_data() / "us_postal_codes.csv.gz").read_bytes()
    known: dict[str, Position] = {}
    sums: dict[str, tuple[float, float, int]] = {}
    for code, lat_text, lon_text in csv.reader(gzip.decompress(packed).decode("ascii").splitlines()):
        lat, lon = float(lat_text), float(lon_text)
        known[code] = (lat, lon)
        for length in _PREFIXES[1:]:
            lat_sum, lon_sum, count = sums.get(code[:length], (0.0, 0.0, 0))
            sums[code[:length]] = (lat_sum + lat, lon_sum + lon, count + 1)
    known.update({prefix: (lat / count, lon / count) for prefix, (lat, lon, count) in sums.items()})
    return known


@lru_cache(maxsize=1)
def _country_centres() -> dict[str, Position]:
    text = (_data() / "country_centres.csv").read_text("ascii")
    return {code: (float(lat), float(lon)) for code, lat, lon in csv.reader(text.splitlines())}
