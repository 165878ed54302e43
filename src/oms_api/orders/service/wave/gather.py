"""What a wave looks at: orders, what they have, and what could be sent to them; read once."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple
from uuid import UUID

from oms_api import inventory, network, promising
from oms_api.catalog import SkuKind
from oms_api.inventory import ReservationLine
from oms_api.kit import clock
from oms_api.kit.db import Reading
from oms_api.orders import queries
from oms_api.orders.models import DeliveryGroup, Order, OrderLine
from oms_api.orders.queries.waves import chosen, refused
from oms_api.orders.service.source import destination_of
from oms_api.orders.service.wave.words import Asked, WaveUnits
from oms_api.promising import DeliveryMethod, Line, Offer, Wish
from oms_api.sourcing import Capacity, Claim, Held, Room, Source, WaveStrategy

ORDERS_MAX = 1000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
AWAITED = "\x00awaited"
"""The location of the source that stands for the supply which a claim's units wait for: nobody else may have it."""


class Planned(NamedTuple):
    """Units of a line that a wave plans, and the rows that hold some of them, by id."""

    line: OrderLine
    units: int
    rows: tuple[ReservationLine, ...]


class Piece(NamedTuple):
    """What of an order goes to one place."""

    order: Order
    group: DeliveryGroup
    lines: tuple[Planned, ...]
    offer: Offer
    claim: Claim


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
    planned: dict[UUID, dict[UUID, list[Planned]]] = defaultdict(lambda: defaultdict(list))
    for id_ in ids:
        if id_ not in orders:
            continue
        of_line: dict[UUID, list[ReservationLine]] = defaultdict(list)
        for row in rows.get(id_, ()):
            if row.quantity and row.line_id is not None:
                of_line[row.line_id].append(row)
        for line in lines.get(id_, ()):
            if not asked.skus or line.sku in asked.skus:
                one = _planned(line, of_line.get(line.id, ()), everything=everything)
                if one is not None:
                    planned[id_][line.group_id].append(one)
    pieces: list[Piece] = []
    rooms: dict[tuple[str, int], Room] = {}
    at = clock.now()
    for channel_id, channel in sorted(networks.items(), key=lambda one: one[1].channel.handle):
        own = [
            (orders[id_], groups[group_id], tuple(some))
            for id_, by_group in planned.items()
            if orders[id_].channel_id == channel_id
            for group_id, some in sorted(by_group.items())
        ]
        held: dict[tuple[str, UUID], int] = defaultdict(int)
        for by_group in planned.values():
            for row in (row for plans in by_group.values() for one in plans for row in one.rows if not row.supply_id):
                held[row.sku, row.location_id] += row.quantity
        wishes = [_wish(order, group, some, no) for order, group, some in own]
        handles = {row.id: row.handle for row in channel.locations}
        for (order, group, some), offer in zip(
            own, await promising.offers(reading, channel, wishes, held), strict=True
        ):
            strategy = asked.strategy(order, channel.channel.handle, at)
            claim = _claim(order, group, some, offer, strategy, handles, held)
            pieces.append(Piece(order, group, some, offer, claim))
            rooms.update(offer.room)
    return Gathered(pieces, rooms, len({piece.order.id for piece in pieces}), left_out)


def _planned(line: OrderLine, rows: Sequence[ReservationLine], *, everything: bool) -> Planned | None:
    """What of a line may be planned; None when it has none, or when what it holds cannot be told apart."""
    if line.kind is not SkuKind.PHYSICAL or line.requested_on is not None:
        return None  # what is wanted on a day of its own was planned for that day
    free = everything and not line.allocated
    own = tuple(row for row in rows if row.supply_id is not None or free)
    units = line.backordered + (line.reserved if free else 0)
    on_hand = sum(row.quantity for row in own if row.supply_id is None)
    awaited = sum(row.quantity for row in own if row.supply_id is not None)
    if not units or awaited > line.backordered or (free and on_hand != line.reserved):
        return None
    if any(row.floats for row in own):
        return None
    places = {row.location_id for row in own if row.supply_id is None}
    if any(row.location_id in places for row in own if row.supply_id is not None):
        return None  # units on hand and units yet to come at one place are let go together
    return Planned(line, units, own)


def _wish(order: Order, group: DeliveryGroup, some: Sequence[Planned], no: Mapping[UUID, set[UUID]]) -> Wish:
    collected = group.method is DeliveryMethod.PICKUP
    return Wish(
        lines=tuple(Line(one.line.sku, one.units) for one in some),
        destination=destination_of(group.address),
        pickup=group.pickup_location_id if collected else None,
        customer_group=order.customer_group,
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
                f"{AWAITED} {order.id.hex} {group.id.hex} {day}" if place == AWAITED else place,
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
    return Claim(
        key=f"{order.id.hex} {group.position:04}",
        demands=offer.demands,
        sources=(*offer.sources, *awaited),
        strategy=strategy,
        held=held,
        due_on=today.toordinal(),
        max_shipments=offer.max_shipments,
    )


def day_of(source: Source) -> date:
    return date.fromordinal(source.arrives_on)
