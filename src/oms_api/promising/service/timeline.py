"""The whole reasoning behind what can be promised of one SKU: balance, supply and demand by date, ATP, and its rule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from oms_api import allocation, catalog, inventory, network
from oms_api.inventory import Due, Incoming, Owed, Stock
from oms_api.kit import clock
from oms_api.kit.db import Reading
from oms_api.kit.errors import Invalid, LimitExceeded, Refusal, refuse
from oms_api.promising.errors import unknown_sku
from oms_api.promising.models import GeneratorKind
from oms_api.promising.queries import Applied, rulebook_of
from oms_api.promising.rules import Steps, atp
from oms_api.promising.service.availability import chosen
from oms_api.promising.service.generating import generator, limited, origin
from oms_api.promising.service.place import Place, places_of
from oms_api.promising.service.question import QUANTITY_MAX, components, unknown_channel
from oms_api.promising.service.reach import Reach
from oms_api.promising.service.shelf import Shelf

ROWS_MAX = 1000
"""Supplies and dates of demand in one answer."""


class DatedSupply(NamedTuple):
    """A supply; `counts_on` the local date from which it is promised, None when its rule does not count it."""

    row: Due
    place: Place
    counts_on: date | None


class DatedDemand(NamedTuple):
    """Units that leave a location on a local date, today when nobody said when; `waits_for` a supply's reference."""

    place: Place
    leaves_on: date
    quantity: int
    waits_for: str | None


class Day(NamedTuple):
    """What comes and goes on a day, what is then left, and what can be promised by then (None: any number)."""

    on: date
    supply: int
    demand: int
    projected: int
    available: int | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """One SKU at some locations of a channel. `kept` is safety stock, `threshold` what the channel withholds."""

    sku: str
    applied: Applied
    day_zero: date
    on_hand: int
    reserved: int
    kept: int
    threshold: int
    days: list[Day]
    supplies: list[DatedSupply]
    demands: list[DatedDemand]
    steps: Steps
    by_place: list[tuple[Place, Stock | None, Steps]]
    demand_class: str | None
    _generators: Sequence[atp.Generator]

    def schedule(self, steps: Steps) -> list[tuple[date, int | None]]:
        return [(self.day_zero + timedelta(days=on), _told(units)) for on, units in steps]

    def capable(self, quantity: int) -> tuple[date, int, list[tuple[date, int, str]]] | None:
        """When so many units could be had: of it from ATP, the rest in loads (day, units, of which generator).

        Raises Invalid for a quantity that is no number of units.
        """
        if not 1 <= quantity <= QUANTITY_MAX:
            raise Invalid(f"{quantity} units must be 1 to {QUANTITY_MAX:,}.", path=("quantity",))
        found = atp.capable(self.steps, quantity, self._generators)
        if found is None:
            return None

        def day(on: int) -> date:
            return self.day_zero + timedelta(days=on)

        return day(found.on), found.from_atp, [(day(load.on), load.quantity, load.by) for load in found.loads]


def _told(units: int) -> int | None:
    return None if units >= atp.UNLIMITED else units


async def timeline(
    reading: Reading, *, sku: str, channel: str, locations: Sequence[str] | None, demand_class: str | None = None
) -> Timeline:
    """The reasoning for one SKU at all locations of a channel, or at some of them. Three statements, three more
    when it is rationed, one more when its rule has generators of so many units a day.

    Raises NotFound for what is not known, Invalid for a kit or for what has no stock, LimitExceeded when there are
    more supplies and dates of demand than are told at once.
    """
    found = await network.network_of(reading, channel)
    if found is None:
        raise unknown_channel(channel)
    problems: list[Refusal] = []
    places = [place for place in places_of(found) if place.active and (place.ships or place.pickup)]
    asked = places
    if locations is not None:
        ids = {row.id for row in chosen(found, locations, problems, ("input", "locations"))}
        asked = [place for place in places if place.id in ids]
    refuse(problems)
    book = await rulebook_of(reading, found)
    applied = book.of(sku)
    read = [sku, *{part for sent in applied.generators for part, _ in sent["components"]}]
    stock, incoming = await inventory.stock(reading, read, [place.id for place in places], channel=found.channel.handle)
    if not any(row.sku == sku for row in stock):
        await _check_sku(reading, sku)
    due, owed, whole = await inventory.dated(reading, sku, [place.id for place in asked], ROWS_MAX)
    if not whole:
        raise LimitExceeded(
            f"{sku} has more than {ROWS_MAX:,} supplies and dates of demand there; name fewer locations.",
            path=("input", "locations"),
        )
    reach = Reach(clock.now(), found, None, None)
    limits = await allocation.limits(reading, found, [sku], demand_class, ("input", "demandClass"))
    shelf = Shelf(asked, stock, incoming, reach, book, limits)
    wide = Shelf(places, stock, incoming, reach, book, limits)
    origins = sorted(limited(applied))
    taken = await inventory.brought(reading, origins, shelf.day_zero - timedelta(days=1)) if origins else {}
    generators = [
        generator(
            " ".join(filter(None, (sent["kind"], sent["location"]))),
            sent,
            shelf.day_zero,
            _parts(sku, sent, shelf, wide, found.channel.threshold),
            partial(_taken, taken, origin(applied, number, sent["kind"])),
        )
        for number, sent in enumerate(applied.generators, 1)
    ]
    return _told_of(sku, applied, shelf, generators, stock, due, owed, found.channel)


def _taken(taken: Mapping[tuple[str, date], int], of: str, day: date) -> int:
    return taken.get((of, day), 0)


def _parts(sku: str, sent: Mapping[str, Any], shelf: Shelf, wide: Shelf, threshold: int) -> list[tuple[int, int]]:
    """Units on hand of what a generator takes, and units of it in one: components at the location that has most of
    them; of a lane what its other end can promise, unless it is asked about too: then it counts already."""
    if sent["kind"] == GeneratorKind.TRANSFER:
        lane = next((place for place in wide.places.values() if place.handle == sent["location"]), None)
        if lane is None or lane.id in shelf.places:
            return [(0, 1)]
        offered = wide.offered(sku, threshold) - shelf.offered(sku, threshold)
        return [(max(min(wide.at(sku, lane.id), offered), 0), 1)]
    parts = [[(shelf.at(part, id_), int(each)) for part, each in sent["components"]] for id_ in shelf.places]
    return max(parts, key=lambda some: min((units // each for units, each in some), default=0), default=[])


async def _check_sku(reading: Reading, sku: str) -> None:
    item = (await catalog.items(reading, [sku])).get(sku)
    if item is None:
        raise unknown_sku(sku, ("input", "sku"))
    if components(item) != {sku: 1}:
        raise Invalid(f"{sku} is {item.kind}: ask for SKUs that have stock of their own.", path=("input", "sku"))


def _told_of(
    sku: str,
    applied: Applied,
    shelf: Shelf,
    generators: Sequence[atp.Generator],
    stock: Sequence[Stock],
    due: Sequence[Due],
    owed: Sequence[Owed],
    channel: network.Channel,
) -> Timeline:
    rule, zero = applied.rule, shelf.day_zero
    rows = {row.location_id: row for row in stock if row.sku == sku and row.location_id in shelf.places}
    threshold = shelf.withheld(sku, channel.threshold)
    references = {row.id: row for row in due}
    demands = sorted((_demand(shelf, references, row) for row in owed), key=_by_date)
    supplies = [_supply(shelf, sku, row) for row in sorted(due, key=lambda row: (row.expected_at, row.id))]
    came = [((one.row.expected_at.date() - zero).days if one.row.expected_at < shelf.reach.now
             else (one.counts_on - zero).days, one.row.quantity)
            for one in supplies if one.counts_on is not None]  # fmt: skip
    went = [((one.leaves_on - zero).days, one.quantity) for one in demands]
    on_hand = sum(row.on_hand for row in rows.values())
    kept = sum(_kept(row, shelf.places[id_]) for id_, row in rows.items())
    projected = atp.projected_by(rule, on_hand, kept + threshold, came, went).projected
    steps = shelf.steps(sku, channel.threshold)
    if rule.mode is atp.Mode.INFINITE or rule.mode is atp.Mode.LEAD_TIME:
        steps = atp.beyond(steps, rule)
    counted, left = dict[int, int](), dict[int, int]()
    for day, units in atp.fenced_supply(rule, came):
        counted[day] = counted.get(day, 0) + units
    for day, units in atp.fenced_demand(rule, went):
        left[day] = left.get(day, 0) + units
    on = sorted({0, *counted, *left, *(step.on for step in projected), *(step.on for step in steps)})
    days = [
        Day(
            zero + timedelta(days=day),
            counted.get(day, 0),
            left.get(day, 0),
            atp.quantity_on(projected, day),
            _told(atp.quantity_on(steps, day)),
        )
        for day in on
    ]
    by_place = [(place, rows.get(place.id), shelf.steps_at(sku, place.id)) for place in shelf.places.values()]
    reserved = sum(row.reserved for row in rows.values())
    of = shelf.limits.demand_class if shelf.limits else None
    return Timeline(
        sku, applied, zero, on_hand, reserved, kept, threshold, days, supplies, demands, steps, by_place, of, generators
    )


def _kept(row: Stock, place: Place) -> int:
    return row.safety + place.safety_stock if row.rule is None else row.rule


def _supply(shelf: Shelf, sku: str, row: Due) -> DatedSupply:
    seen = Incoming(row.id, sku, row.location_id, row.quantity, row.expected_at)
    return DatedSupply(row, shelf.places[row.location_id], shelf.due(seen) if shelf.counts(seen) else None)


def _demand(shelf: Shelf, supplies: dict[UUID, Due], row: Owed) -> DatedDemand:
    place = shelf.places[row.location_id]
    today = shelf.reach.today(place)
    leaves_on = row.leaves_at.astimezone(ZoneInfo(place.timezone)).date() if row.leaves_at else today
    supply = supplies.get(row.supply_id) if row.supply_id else None
    return DatedDemand(place, leaves_on, row.quantity, supply.reference if supply else None)


def _by_date(demand: DatedDemand) -> tuple[date, str, str]:
    return demand.leaves_on, demand.place.handle, demand.waits_for or ""
