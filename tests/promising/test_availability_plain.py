"""What availability tells from what it worked out before is what a plain reading of the same rows says."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from random import Random
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import configure_mappers

from oms_api.inventory import Incoming, OfSku, Stock
from oms_api.kit.db import row_of
from oms_api.network import Channel, Location, Network, Taken
from oms_api.network.queries.carriers import NO_CARRIERS, Carriers, ClosedDays
from oms_api.network.rules import CarrierPlan
from oms_api.promising.models import Destination
from oms_api.promising.queries import PLAIN
from oms_api.promising.rules import (
    Pickup,
    Position,
    delivery_day,
    distance_km,
    pickup_day,
    position,
    ship_day,
    zone_between,
)
from oms_api.promising.rules.zones import STANDARD
from oms_api.promising.service.availability import Aisle, Offer
from oms_api.promising.service.ground import ground_of
from oms_api.promising.service.place import Place, places_of
from oms_api.promising.service.reach import Reach
from oms_api.promising.service.shelf import Shelf

SKUS = ("A", "B", "C")
CHANGED = datetime(2026, 11, 1, tzinfo=UTC)
MONDAY = datetime(2026, 11, 30, tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)
ZONES = ("America/New_York", "America/Los_Angeles", "Asia/Kathmandu")
SPOTS: tuple[Position | None, ...] = ((40.7, -74.0), (34.0, -118.2), (27.7, 85.3), None)
DESTINATIONS = (Destination("US", "10001"), Destination("NP", None))
_numbers = count(1)
configure_mappers()  # rows are made here before there is a database


def new_id() -> UUID:
    return UUID(int=next(_numbers))


def location(rng: Random) -> Location:
    here = rng.choice(SPOTS)
    own = [
        {"service": handle, "pickupDays": rng.choice((None, [2, 4])), "lastPickup": rng.choice((None, "14:00"))}
        for handle in rng.sample(("ground", "air", "gone"), rng.randint(0, 3))
    ]
    return row_of(
        Location,
        {
            "id": new_id(),
            "handle": "here",
            "active": rng.random() < 0.9,
            "ships": rng.random() < 0.9,
            "pickup": rng.random() < 0.5,
            "safety_stock": rng.randint(0, 2),
            "timezone": rng.choice(ZONES),
            "open_days": rng.choice(([1, 2, 3, 4, 5], [6, 7], [1, 2, 3, 4, 5, 6, 7], [])),
            "cut_off": rng.choice((None, "00:00", "14:00", "14:01")),
            "processing_days": rng.choice((0, 0, 1, 2)),
            "hours": None,
            "exceptions": None,
            "calendar": rng.choice((None, "closed")),
            "latitude": here and here[0],
            "longitude": here and here[1],
            "address": None,
            "daily_capacity": rng.choice((None, None, 0, 3)),
            "capacities": None,
            "origin_zone": None,
            "services": rng.choice((None, own)),
        },
    )


CLOSED = ClosedDays("closed", None, None, frozenset({date(2026, 12, 1), date(2026, 12, 3)}))


def service(handle: str, days: int, km: float | None) -> CarrierPlan:
    zone = {"zone": "near", "originZone": None, "country": None, "postalFrom": None, "postalTo": None,
            "upToKm": km, "transitDays": days, "transitDaysP80": None}  # fmt: skip
    rate = {"zone": "near", "currency": "USD", "validFrom": None, "upToGrams": None, "fixed": 900 // days, "perKg": 0}
    return CarrierPlan(
        SimpleNamespace(handle=handle, carrier="c", business_days=[1, 2, 3, 4, 5, 6], pickup_days=[1, 2, 3, 4, 5],
                        last_pickup=None, dim_divisor=None, zones=[zone], rates=[rate]),
        [CLOSED],
    )  # fmt: skip


SERVICES = {"ground": service("ground", 4, None), "air": service("air", 1, 5000.0)}


def network(rng: Random) -> Network:
    channel = row_of(Channel, {"handle": "web", "currency": "USD", "threshold": rng.randint(0, 3)})
    carriers = rng.choice((NO_CARRIERS, Carriers({"closed": CLOSED}, SERVICES)))
    return Network(channel, [location(rng) for _ in range(rng.randint(1, 9))], None, carriers)


def goods(rng: Random, places: Sequence[UUID]) -> dict[str, OfSku]:
    found = {}
    for sku in SKUS:
        at = rng.sample(places, rng.randint(0, len(places)))
        stock = [
            Stock(sku, id_, rng.randint(-1, 9), rng.randint(0, 3), rng.randint(0, 1),
                  CHANGED + timedelta(hours=rng.randint(0, 9)))
            for id_ in [*at, new_id()]  # one of another channel
        ]  # fmt: skip
        incoming = [
            Incoming(
                new_id(), sku, rng.choice(places), rng.randint(1, 9), MONDAY + timedelta(hours=rng.randint(-30, 200))
            )
            for _ in range(rng.choice((0, 0, 0, 2)))
        ]
        rules = [
            SimpleNamespace(part=3, reserved=kind, sku=sku, word=rng.choice((None, "web", "SHIPPING", "x")),
                            location_id=rng.choice((None, *places)), units=rng.randint(0, 9), at=None)
            for kind in rng.choice(((), (), (0,), (1,), (2,), (0, 1, 2)))
        ]  # fmt: skip
        found[sku] = OfSku(stock, incoming, rules, CHANGED, NEVER)
    return found


# beside the cut-offs in New York and Los Angeles, and the last pick-ups
INSTANTS = [
    MONDAY + timedelta(hours=hour, minutes=minute, seconds=second)
    for hour in (19, 22)
    for minute, second in ((-1, 59), (0, 0), (0, 59), (1, 0))
]


class Asked(NamedTuple):
    at: datetime
    to: Destination
    full: frozenset[int]
    """Locations whose first days are full, by their place in the order."""


def question(rng: Random) -> Asked:
    full = frozenset(i for i in range(9) if rng.random() < 0.3)
    return Asked(rng.choice(INSTANTS), rng.choice(DESTINATIONS), full)


PARTS: tuple[dict[str, int], ...] = ({"A": 1}, {"B": 1}, {"C": 1}, {"A": 1, "B": 2}, {"C": 2}, {"B": 1, "C": 1})


def days_taken(found: Network, asked: Asked) -> dict[UUID, dict[date, Taken]]:
    """A day's orders are all taken of the locations that are full for two days."""
    return {
        row.id: {asked.at.date() + timedelta(days=i): Taken(3, 3, 3) for i in range(2)}
        for i, row in enumerate(found.locations)
        if i in asked.full and row.daily_capacity is not None
    }


def arrival(found: Network, place: Place, asked: Asked) -> date | None:
    """The soonest arrival of what is at a location: every service tried, nothing shared, nothing remembered."""
    row = place.row
    taken = days_taken(found, asked).get(place.id, {})
    full = set(taken)
    if row.daily_capacity == 0:
        full |= {asked.at.date() + timedelta(days=i) for i in range(-2, 1200)}
    leaves = ship_day(asked.at, place.hours, full=full)
    if leaves is None:
        return None
    there = position(asked.to.country, asked.to.postal_code)
    assert there is not None
    here = place.position
    if not found.carriers.services:
        far = len(STANDARD.transit_days)
        zone = far if here is None else zone_between(here, there)
        return delivery_day(leaves, STANDARD.transit(zone))
    days = []
    for handle, plan in found.carriers.services.items():
        own: Any = next((one for one in row.services or () if one["service"] == handle), None)
        if row.services is not None and own is None:
            continue
        km = None if here is None else distance_km(here, there)
        zone_found = plan.zone(None, asked.to.country, asked.to.postal_code, km)
        if zone_found is None:
            continue
        last = own and own["lastPickup"]
        pickup = Pickup(
            frozenset((own and own["pickupDays"]) or plan.pickup_days),
            datetime.strptime(last, "%H:%M").time() if last else None,  # noqa: DTZ007 - a local time of day
            CLOSED.days,
        )
        fetched = pickup_day(asked.at, place.hours, pickup, leaves)
        if fetched is not None:
            days.append(
                delivery_day(fetched, zone_found.transit_days, business_days=plan.business_days, holidays=CLOSED.days)
            )
    return min(days, default=None)


def told(offer: Offer) -> tuple[Any, ...]:
    return offer.sku, offer.available, offer.status, offer.as_of, offer.schedule(), offer.places()


@settings(max_examples=30)
@given(st.integers(0, 2**32))
def test_what_is_remembered_of_stock_and_trips_answers_as_plain_rows_do(seed: int) -> None:
    rng = Random(seed)
    found = network(rng)
    of = goods(rng, [row.id for row in found.locations])
    ground = ground_of(found)
    rows = [row for one in of.values() for row in one.stock(ground.by_id, "SHIPPING", "web")]
    incoming = [row for one in of.values() for row in one.incoming]
    questions = [question(rng) for _ in range(6)]
    for asked in [*questions, *[asked._replace(full=frozenset()) for asked in questions]]:
        first, second = (
            Reach(asked.at, found, asked.to, position(asked.to.country, asked.to.postal_code)) for _ in range(2)
        )
        for reach in (first, second):
            reach.count(ground.places, days_taken(found, asked))
        shelf = Shelf(ground.places, rows, incoming, first)
        plain = Aisle(found.channel, places_of(found), shelf, asked.to, collected=False)
        whole = Shelf.of_ground(ground, of, second, PLAIN)
        remembered = Aisle(found.channel, places_of(found), whole, asked.to, collected=False, ground=ground)
        days = {place.id: arrival(found, place, asked) for place in ground.places if place.serves(collected=False)}
        for parts in PARTS:
            offer = Offer(remembered, "kit", parts)
            wanted = Offer(plain, "kit", parts)
            assert told(offer) == told(wanted)
            assert [offer.earliest_delivery(units) for units in (1, 2)] == [
                wanted.earliest_delivery(units) for units in (1, 2)
            ]
            if len(parts) == 1 and not any(of[sku].incoming for sku in parts) and offer.available:
                ((sku, units),) = parts.items()
                assert offer.earliest_delivery() == soonest(days, shelf.free[sku], units)


def soonest(days: Mapping[UUID, date | None], free: Mapping[UUID, int], units: int) -> date | None:
    """When so many units have arrived, of what each location has and the day on which it arrives from there."""
    arrived = sorted(day for id_, level in free.items() if (day := days.get(id_)) is not None for _ in range(level))
    return arrived[units - 1] if len(arrived) >= units else None
