"""What a wave looks at: orders, what they have, and what could be sent to them; read once."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple
from uuid import UUID

from oms_api import inventory, network, promising
from oms_api.catalog import SkuKind
from oms_api.inventory import LetGo, ReservationLine
from oms_api.kit import clock
from oms_api.kit.db import Reading
from oms_api.orders import queries
from oms_api.orders.models import DeliveryGroup, Order, OrderLine
from oms_api.orders.queries.waves import chosen, refused
from oms_api.orders.rules.units import parts_of
from oms_api.orders.service.source import destination_of
from oms_api.orders.service.wave.words import Asked, WaveUnits
from oms_api.promising import DeliveryMethod, Line, Offer, Wish
from oms_api.sourcing import Capacity, Claim, Held, Room, Source, WaveStrategy, weighed

ORDERS_MAX = 1000
PER_DAY_LATE_MINOR = 100
"""What a day is worth by which a parcel comes sooner, when neither caller nor policy say."""
NO_KIT = UUID(int=0)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
AWAITED = "\x00awaited"
"""The location of the source that stands for the supply which a claim's units wait for: nobody else may have it."""


class Planned(NamedTuple):
    """Units of a line that a wave plans, and the rows that hold some of them, by id."""

    line: OrderLine
    units: int
    rows: tuple[ReservationLine, ...]
    on: date | None = None
    """The date for which they are wanted, when it is to come."""

    @property
    def parts(self) -> dict[str, int]:
        """Units by SKU that one unit takes from stock."""
        return parts_of(self.line)

    def made_of(self, rows: Iterable[ReservationLine]) -> int:
        """Whole units that these rows make up."""
        return made_of(self.parts, rows)


def made_of(parts: Mapping[str, int], rows: Iterable[ReservationLine]) -> int:
    """Whole units of these parts that rows make up."""
    units: Counter[str] = Counter()
    for row in rows:
        units[row.sku] += row.quantity
    return min(units[sku] // each for sku, each in parts.items())


class Piece(NamedTuple):
    """What of an order goes to one place, as soon as it can or for one date; a kit is a piece of its own."""

    order: Order
    group: DeliveryGroup
    lines: tuple[Planned, ...]
    offer: Offer
    claim: Claim


class Key(NamedTuple):
    """What of an order is planned together: by group, wanted date (`date.min`: none), and kit."""

    group_id: UUID
    on: date
    early: bool
    kit: UUID


class Gathered(NamedTuple):
    pieces: list[Piece]
    capacity: Capacity
    orders: int
    left_out: int


async def gather(reading: Reading, asked: Asked) -> Gathered:
    """Everything that a wave plans from. The oldest orders first, at most ORDERS_MAX."""
    everything = asked.units is WaveUnits.ALL
    ids = await chosen(reading, asked.channels, asked.placed_since or EPOCH, asked.skus, held=everything)
    left_out = max(len(ids) - ORDERS_MAX, 0)
    ids = ids[:ORDERS_MAX]
    orders = await queries.orders_by_id(reading, ids)
    lines = await queries.lines_of(reading, ids)
    groups = await queries.groups_by_id(reading, sorted({line.group_id for some in lines.values() for line in some}))
    rows = await inventory.reservation_lines_of(reading, ids)
    no = await refused(reading, ids)
    networks = await network.networks_by_id(reading, sorted({order.channel_id for order in orders.values()}))
    planned: dict[UUID, dict[Key, list[Planned]]] = defaultdict(lambda: defaultdict(list))
    today = clock.now().date()
    for id_ in ids:
        if id_ not in orders:
            continue
        of_line: dict[UUID, list[ReservationLine]] = defaultdict(list)
        for row in rows.get(id_, ()):
            if row.quantity and row.line_id is not None:
                of_line[row.line_id].append(row)
        for line in lines.get(id_, ()):
            if not asked.skus or line.sku in asked.skus:
                one = _planned(line, of_line.get(line.id, ()), today, everything=everything)
                if one is not None:
                    kit = line.id if line.kind is SkuKind.KIT else NO_KIT
                    early = line.may_arrive_earlier and one.on is not None
                    planned[id_][Key(line.group_id, one.on or date.min, early, kit)].append(one)
    pieces: list[Piece] = []
    rooms: dict[tuple[str, int], Room] = {}
    at = clock.now()
    for channel_id, channel in sorted(networks.items(), key=lambda one: one[1].channel.handle):
        own = [
            (orders[id_], groups[key.group_id], tuple(some))
            for id_, by_key in planned.items()
            if orders[id_].channel_id == channel_id
            for key, some in sorted(by_key.items())
        ]
        held: dict[tuple[str, UUID], int] = defaultdict(int)
        given_up: list[LetGo] = []
        for by_group in planned.values():
            for row in (row for plans in by_group.values() for one in plans for row in one.rows):
                if row.rationed is not False:
                    given_up.append(LetGo(row.reservation_id, row.sku, row.location_id, row.quantity))
                if not row.supply_id:
                    held[row.sku, row.location_id] += row.quantity
        wishes = [_wish(order, group, some, no) for order, group, some in own]
        handles = {row.id: row.handle for row in channel.locations}
        for (order, group, some), offer in zip(
            own, await promising.offers(reading, channel, wishes, held, given_up), strict=True
        ):
            strategy = asked.strategy(order, channel.channel.handle, at)
            claim = _claim(order, group, some, offer, strategy, handles, held, asked.per_day_late_minor)
            pieces.append(Piece(order, group, some, offer, claim))
            rooms.update(offer.room)
    return Gathered(pieces, rooms, len({piece.order.id for piece in pieces}), left_out)


def _planned(line: OrderLine, rows: Sequence[ReservationLine], today: date, *, everything: bool) -> Planned | None:
    """What of a line may be planned; None when it has none, or when what it holds cannot be told apart."""
    parts = parts_of(line)
    if not parts:
        return None
    kit, free = line.kind is SkuKind.KIT, everything and not line.allocated
    if kit and not free and (line.allocated or line.reserved):
        return None  # which parts are of which units cannot be told
    on = line.requested_on if line.requested_on is not None and line.requested_on > today else None
    # supply that is in time for a wanted date stays: what is on hand is for those who want it sooner
    stays = [row for row in rows if row.supply_id and on is not None and row.deliver_by and row.deliver_by <= on]
    if kit and stays:
        return None
    kept = {row.id for row in stays}
    own = tuple(row for row in rows if (row.supply_id is not None or free or kit) and row.id not in kept)
    waits = line.backordered - sum(row.quantity for row in stays)
    units = waits + (line.reserved if free else 0)
    on_hand = [row for row in own if row.supply_id is None]
    if units <= 0 or (free and made_of(parts, on_hand) != line.reserved):
        return None
    held: Counter[str] = Counter()
    for row in own:
        held[row.sku] += row.quantity
    awaited = sum(row.quantity for row in own if row.supply_id is not None)
    if any(count > units * parts.get(sku, 0) for sku, count in held.items()) or (not kit and awaited > waits):
        return None
    if any(row.floats for row in own):
        return None
    places = {(row.sku, row.location_id) for row in on_hand}
    if any((row.sku, row.location_id) in places for row in own if row.supply_id is not None):
        return None  # units on hand and units yet to come at one place are let go together
    return Planned(line, units, own, on)


def _wish(order: Order, group: DeliveryGroup, some: Sequence[Planned], no: Mapping[UUID, set[UUID]]) -> Wish:
    collected = group.method is DeliveryMethod.PICKUP
    return Wish(
        lines=tuple(
            Line(one.line.sku, one.units, one.on, one.line.may_arrive_earlier and one.on is not None) for one in some
        ),
        parts=tuple(one.parts for one in some),
        destination=destination_of(group.address),
        pickup=group.pickup_location_id if collected else None,
        customer_group=order.customer_group,
        demand_class=order.demand_class,
        without=frozenset(id_ for one in some for id_ in no.get(one.line.id, ())),
    )


def _claim(
    order: Order,
    group: DeliveryGroup,
    some: Sequence[Planned],
    offer: Offer,
    strategy: WaveStrategy,
    handles: Mapping[UUID, str],
    pool: Mapping[tuple[str, UUID], int],
    per_day_late: int | None,
) -> Claim:
    """An order's units in the words of the solver. Supply that it waits for is its own: nobody else is offered it."""
    today = offer.question.shelf.day_zero
    dearest = max(offer.sources, key=lambda source: source.fixed, default=None)
    by_place: dict[str, list[Source]] = defaultdict(list)
    for source in offer.sources:
        by_place[source.location].append(source)
    units: dict[tuple[str, int], dict[str, int]] = defaultdict(dict)
    where: dict[str, UUID] = {}
    for one in some:
        for row in one.rows:
            place = AWAITED if row.supply_id else handles.get(row.location_id, row.location_id.hex)
            where[place] = row.location_id
            due = row.deliver_by or one.line.promised_on or today
            key = (place, max(due, today).toordinal())
            units[key][row.sku] = units[key].get(row.sku, 0) + row.quantity
    held = []
    awaited: list[Source] = []
    for (place, day), own in sorted(units.items()):
        known = sorted(by_place.get(place, ()), key=lambda source: (source.arrives_on > day, source.fixed))
        if known:
            source = known[0]._replace(arrives_on=day)
        else:
            stock = {sku: pool.get((sku, where[place]), count) for sku, count in own.items()}
            source = Source(
                f"{AWAITED} {order.id.hex} {some[0].line.id.hex} {day}" if place == AWAITED else place,
                0,
                own if place == AWAITED else stock,
                day if place == AWAITED else today.toordinal(),
                day,
                dearest.fixed if dearest else 0,
                dearest.per_kg if dearest else 0,
                rate=dearest.rate if dearest else None,
            )
            if place == AWAITED:
                awaited.append(source)
        held.append(Held(source, own))
    first = some[0]
    settings = offer.settings
    late = settings.per_day_late if per_day_late is None else per_day_late
    weights, _ = weighed(settings, ())
    name = f"{order.id.hex} {group.position:04}"
    if first.on is not None:
        name += f" {first.on} {first.line.may_arrive_earlier}"
    return Claim(
        key=f"{name} {first.line.position:04}" if first.line.kind is SkuKind.KIT else name,
        demands=offer.demands,
        sources=(*offer.sources, *awaited),
        strategy=strategy,
        held=held,
        due_on=max(first.on or today, today).toordinal(),
        max_shipments=offer.max_shipments,
        min_split_value=settings.min_shipment_value or 0,
        weights=weights._replace(late_per_day=PER_DAY_LATE_MINOR if late is None else late),
    )


def day_of(source: Source) -> date:
    return date.fromordinal(source.arrives_on)
