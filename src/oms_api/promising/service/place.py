"""A location as planning sees it: plain attributes, worked out once for as long as its network does not change."""

from datetime import date, time
from functools import lru_cache

from oms_api.network import Location, Network, limits_of
from oms_api.promising.rules import Position, WorkingHours, position

LATEST_CUT_OFF = time(23, 59)
"""Of a location that names none."""
NETWORKS_REMEMBERED_MAX = 32


class Place:
    """A location. Reading an attribute of its row costs ten times as much, 500 locations times 5 SKUs a cart."""

    __slots__ = (
        "active", "handle", "hours", "id", "land", "limits", "pickup", "position", "row", "safety_stock", "ships",
        "timezone",
    )  # fmt: skip

    def __init__(self, row: Location, closed: frozenset[date]) -> None:
        self.row = row
        self.id = row.id
        self.handle = row.handle
        self.active = row.active
        self.ships = row.ships
        self.pickup = row.pickup
        self.safety_stock = row.safety_stock
        self.timezone = row.timezone
        self.hours = _working(row, closed)
        self.position = _position(row)
        self.land: tuple[str | None, str | None] = (
            (row.address["country"], row.address["region"]) if row.address else (None, None)
        )
        self.limits = limits_of(row.daily_capacity, row.capacities)

    def serves(self, *, collected: bool) -> bool:
        """Whether it may serve what is collected, or what is sent."""
        return self.active and self.hours.ever_open and (self.pickup if collected else self.ships)


def _working(row: Location, closed: frozenset[date]) -> WorkingHours:
    """How a location works: its hours, its exceptions, and the days that its calendar is `closed`."""
    if row.hours is None and row.exceptions is None and not closed:
        return _hours(row.timezone, tuple(row.open_days), row.cut_off, row.processing_days)
    cut_offs: dict[int, time] = {}
    collect: dict[int, time] = {}
    for window in row.hours or ():
        day, closes = window["weekday"], time.fromisoformat(window["closes"])
        last = time.fromisoformat(window["cutOff"]) if window["cutOff"] else closes
        until = time.fromisoformat(window["collectUntil"]) if window["collectUntil"] else closes
        cut_offs[day] = max(cut_offs.get(day, last), last)
        collect[day] = max(collect.get(day, until), until)
    own = {date.fromisoformat(day["date"]): day for day in row.exceptions or ()}
    openings = {
        day: time.fromisoformat(one["cutOff"] or one["closes"]) for day, one in own.items() if one["opens"] is not None
    }
    return _hours(
        row.timezone,
        tuple(row.open_days),
        row.cut_off,
        row.processing_days,
        closed.union(own).difference(openings),
        tuple(sorted(cut_offs.items())),
        tuple(sorted(openings.items())),
        tuple(sorted(collect.items())),
    )


@lru_cache(maxsize=4096)
def _hours(
    timezone: str,
    open_days: tuple[int, ...],
    cut_off: str | None,
    processing_days: int,
    closures: frozenset[date] = frozenset(),
    cut_offs: tuple[tuple[int, time], ...] = (),
    openings: tuple[tuple[date, time], ...] = (),
    collect_until: tuple[tuple[int, time], ...] = (),
) -> WorkingHours:
    """How a location works; one and the same object for locations that work alike."""
    return WorkingHours(
        time_zone=timezone,
        open_days=frozenset(open_days),
        cut_off=time.fromisoformat(cut_off) if cut_off else LATEST_CUT_OFF,
        processing_days=processing_days,
        closures=closures,
        cut_offs=cut_offs,
        openings=openings,
        collect_until=collect_until,
    )


def _position(row: Location) -> Position | None:
    """Where a location is: its coordinates, else its address' postal code or country; None when neither is known."""
    if row.latitude is not None and row.longitude is not None:
        return row.latitude, row.longitude
    return position(row.address["country"], row.address["postalCode"]) if row.address else None


class Same:
    """A network as a key: the same object, not an equal one. `network_of` gives the same one until it changes."""

    __slots__ = ("network",)

    def __init__(self, network: Network) -> None:
        self.network = network

    def __hash__(self) -> int:
        return id(self.network)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.network is self.network


@lru_cache(maxsize=NETWORKS_REMEMBERED_MAX)
def _places(same: Same) -> tuple[Place, ...]:
    calendars = same.network.carriers.calendars
    return tuple(
        Place(row, calendars[row.calendar].days if row.calendar and row.calendar in calendars else frozenset())
        for row in same.network.locations
    )


def places_of(network: Network) -> tuple[Place, ...]:
    """The locations of a channel, preferred first."""
    return _places(Same(network))
