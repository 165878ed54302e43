"""A location as planning sees it: plain attributes, worked out once for as long as its network does not change."""

from datetime import time
from functools import lru_cache

from oms_api.network import Location, Network
from oms_api.promising.rules import Position, WorkingHours, position

LATEST_CUT_OFF = time(23, 59)
"""Of a location that names none."""
NETWORKS_REMEMBERED_MAX = 32


class Place:
    """A location. Reading an attribute of its row costs ten times as much, 500 locations times 5 SKUs a cart."""

    __slots__ = ("active", "handle", "hours", "id", "pickup", "position", "row", "safety_stock", "ships", "timezone")

    def __init__(self, row: Location) -> None:
        self.row = row
        self.id = row.id
        self.handle = row.handle
        self.active = row.active
        self.ships = row.ships
        self.pickup = row.pickup
        self.safety_stock = row.safety_stock
        self.timezone = row.timezone
        self.hours = _hours(row.timezone, tuple(row.open_days), row.cut_off, row.processing_days)
        self.position = _position(row)

    def serves(self, *, collected: bool) -> bool:
        """Whether it may serve what is collected, or what is sent."""
        return self.active and bool(self.hours.open_days) and (self.pickup if collected else self.ships)


@lru_cache(maxsize=4096)
def _hours(timezone: str, open_days: tuple[int, ...], cut_off: str | None, processing_days: int) -> WorkingHours:
    """How a location works; one and the same object for locations that work alike."""
    return WorkingHours(
        time_zone=timezone,
        open_days=frozenset(open_days),
        cut_off=time.fromisoformat(cut_off) if cut_off else LATEST_CUT_OFF,
        processing_days=processing_days,
    )


def _position(row: Location) -> Position | None:
    """Where a location is: its coordinates, else its address' postal code or country; None when neither is known."""
    if row.latitude is not None and row.longitude is not None:
        return row.latitude, row.longitude
    return position(row.address["country"], row.address["postalCode"]) if row.address else None


class _Same:
    """A network as a key: the same object, not an equal one. `network_of` gives the same one until it changes."""

    __slots__ = ("network",)

    def __init__(self, network: Network) -> None:
        self.network = network

    def __hash__(self) -> int:
        return id(self.network)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.network is self.network


@lru_cache(maxsize=NETWORKS_REMEMBERED_MAX)
def _places(same: _Same) -> tuple[Place, ...]:
    return tuple(Place(row) for row in same.network.locations)


def places_of(network: Network) -> tuple[Place, ...]:
    """The locations of a channel, preferred first."""
    return _places(_Same(network))
