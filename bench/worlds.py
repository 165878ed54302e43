"""Worlds for the planner bench: real stores, destinations by population, published cart shapes, three ways to stock.

Stores and postal codes are those of `tests/fixtures`; beyond 500 locations the rest stand at random postal codes.
"""

import csv
import random
from pathlib import Path

from oms_api.promising.rules import STANDARD, Position, position, zone_between
from oms_api.sourcing import Demand, Source

FIXTURES = Path(__file__).parents[1] / "tests" / "fixtures"
APPAREL = ((1, 35), (2, 25), (3, 18), (4, 13), (5, 9))
"""Lines a cart and their weight."""
OLIST = ((1, 9680), (2, 280), (3, 33), (4, 9))
QUANTITIES = ((1, 930), (2, 54), (3, 15))
SKUS = 400

Cart = tuple[list[Demand], Position]


def drawn(rng: random.Random, shape: tuple[tuple[int, int], ...]) -> int:
    return rng.choices([value for value, _ in shape], [weight for _, weight in shape])[0]


class World:
    """Locations with stock as a snapshot holds it: small maps of each SKU's locations, zones of a destination."""

    def __init__(self, seed: str, locations: int, coverage: float, ways: int = 1) -> None:
        rng = self.rng = random.Random(f"{seed} {locations} {coverage} {ways}")
        with (FIXTURES / "stores.csv").open() as file:
            self.places = [(float(row["latitude"]), float(row["longitude"])) for row in csv.DictReader(file)]
        del self.places[locations:]
        while len(self.places) < locations:
            at = position("US", f"{rng.randrange(1000, 100_000):05}")
            if at is not None:
                self.places.append(at)
        with (FIXTURES / "postal_codes.csv").open() as file:
            rows = list(csv.DictReader(file))
        self.people = [int(row["population"]) for row in rows]
        self.destinations = [(float(row["latitude"]), float(row["longitude"])) for row in rows]
        self.grams = [rng.randrange(50, 2500) for _ in range(SKUS)]
        self.stock = {
            f"SKU{sku}": {at: rng.choice((1, 1, 2, 3, 8)) for at in range(locations) if rng.random() < coverage}
            for sku in range(SKUS)
        }
        self.names = [f"loc{at:04}" for at in range(locations)]
        self.ships_on = [rng.randrange(3) for _ in range(locations)]
        self.ways = ways
        self.fixed = [0, *(STANDARD.fixed(zone) for zone in range(1, 8))]
        self._zones: dict[Position, list[int]] = {}

    def zones(self, there: Position) -> list[int]:
        """Carrier zone of each location to a destination, kept."""
        known = self._zones.get(there)
        if known is None:
            known = self._zones[there] = [zone_between(here, there) for here in self.places]
        return known

    def cart(self, lines: int) -> Cart:
        """SKUs and quantities, and a destination drawn by population."""
        rng = self.rng
        demands = [
            Demand(f"SKU{sku}", drawn(rng, QUANTITIES), self.grams[sku]) for sku in rng.sample(range(SKUS), lines)
        ]
        there = rng.choices(self.destinations, self.people)[0]
        self.zones(there)
        return demands, there

    def candidates(self, cart: Cart) -> list[Source]:
        """Each way of each location that has any of the cart."""
        demands, there = cart
        stock: dict[int, dict[str, int]] = {}
        for demand in demands:
            sku = demand.sku
            for at, units in self.stock[sku].items():
                own = stock.get(at)
                if own is None:
                    stock[at] = {sku: units}
                else:
                    own[sku] = units
        zones, names, days, fixed = self.zones(there), self.names, self.ships_on, self.fixed
        found = [
            Source(names[at], at, own, days[at], days[at] + zones[at], fixed[zones[at]], STANDARD.per_kg, "standard")
            for at, own in stock.items()
        ]
        if self.ways > 1:
            found += [
                Source(
                    names[at],
                    at,
                    own,
                    days[at],
                    days[at] + (zones[at] + 1) // 2,
                    2 * fixed[zones[at]],
                    2 * STANDARD.per_kg,
                    "express",
                )
                for at, own in stock.items()
            ]
        return found
