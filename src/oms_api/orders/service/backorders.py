"""Units that were taken without stock: they are held as soon as there is any, the oldest order first."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Date, Uuid, update
from sqlmodel import col

from oms_api import catalog, network, promising
from oms_api.catalog import SkuKind
from oms_api.inventory import ReservationLine
from oms_api.kit.db import Tx, json_rows, mine, prepared
from oms_api.kit.errors import Refusal
from oms_api.kit.events import emit
from oms_api.network import Network
from oms_api.orders import queries
from oms_api.orders.events import OrderBackordersFilled
from oms_api.orders.models import ORDER, DeliveryGroup, Order, OrderLine, OrderStatus, UnitState
from oms_api.orders.rules.units import Covered, Move, covered, described, parts_of
from oms_api.orders.service.row import lock
from oms_api.orders.service.source import FoundUnits, collect, destination_of
from oms_api.orders.service.units import held_for, shift
from oms_api.promising import DeliveryMethod, Line, ShortagePolicy

_dates = json_rows("dates", {"line_id": Uuid(), "day": Date()})
_DATE = prepared(
    update(OrderLine.__table__)  # type: ignore[attr-defined]
    .where(mine(OrderLine), col(OrderLine.id) == _dates.c.line_id)
    .values(promised_on=_dates.c.day)
)


async def fill_backorders(tx: Tx, order_id: UUID) -> Order:
    """Units that waited for supply are held once what is held for them is on hand. Raises NotFound."""
    order = await lock(tx, order_id)
    lines = {line.id: line for line in (await queries.lines_of(tx, [order_id])).get(order_id, ())}
    held = await held_for(tx, order_id)
    came: dict[UUID, int] = {}
    for line in lines.values():
        there = _cover(line, held.get(line.id, ())).held - line.reserved - line.allocated
        if line.backordered and there > 0:
            came[line.id] = min(there, line.backordered)
    return await _fill(tx, order, lines, came) if came else order


async def cover_backorders(tx: Tx, order_id: UUID) -> Order | None:
    """Plan the units of an order that nothing is held for: from stock, or from supply, which gives them a date.

    What still cannot be had goes on waiting. None when there is no such order any more.
    """
    order = await queries.locked(tx, order_id)
    if order is None or order.status in (OrderStatus.CANCELLED, OrderStatus.COMPLETED):
        return order
    lines = {line.id: line for line in (await queries.lines_of(tx, [order_id])).get(order_id, ())}
    held = await held_for(tx, order_id)
    wanted = {
        line.id: missing
        for line in lines.values()
        if line.backordered and (missing := _missing(line, held.get(line.id, ())))
    }
    if not wanted:
        return order
    came: dict[UUID, int] = {}
    days: dict[UUID, date] = {}
    channel = (await network.networks_by_id(tx, [order.channel_id]))[order.channel_id]
    for group in (await queries.groups_of(tx, [order_id])).get(order_id, ()):
        chosen = [(lines[id_], count) for id_, count in wanted.items() if lines[id_].group_id == group.id]
        if not chosen:
            continue
        units = await _plan(tx, order, channel, group, chosen)
        for i, (line, count) in enumerate(chosen):
            parts = parts_of(line)
            got = covered(
                count,
                parts,
                {sku: units.on_hand[i, sku] for sku in parts},
                {sku: units.to_come[i, sku] for sku in parts},
            )
            if got.held:
                came[line.id] = got.held
            if got.held + got.awaited == count:
                days[line.id] = max(units.arrives[i], line.promised_on or units.arrives[i])
    if days:
        await tx.run(_DATE, {"dates": [{"line_id": id_, "day": day} for id_, day in days.items()]})
    return await _fill(tx, order, lines, came, days) if came or days else order


def _cover(line: OrderLine, rows: Sequence[ReservationLine]) -> Covered:
    """Units of a line that what is held for it makes up, on hand and yet to come."""
    on_hand: dict[str, int] = defaultdict(int)
    to_come: dict[str, int] = defaultdict(int)
    for row in rows:
        (on_hand if row.supply_id is None else to_come)[row.sku] += row.quantity
    return covered(line.quantity, parts_of(line), on_hand, to_come)


def _missing(line: OrderLine, rows: Sequence[ReservationLine]) -> int:
    """Units of a line that wait and that nothing is held for."""
    cover = _cover(line, rows)
    return max(0, line.backordered + line.reserved + line.allocated - cover.held - cover.awaited)


async def _plan(
    tx: Tx, order: Order, channel: Network, group: DeliveryGroup, chosen: Sequence[tuple[OrderLine, int]]
) -> FoundUnits:
    """Hold what can be had of these units, by index in `chosen`."""
    items = await catalog.items(tx, list({line.sku for line, _ in chosen}))
    # a kit as it was sold, whatever it is made of today
    as_sold = {
        line.sku: items[line.sku]._replace(components=parts_of(line)) if line.kind is SkuKind.KIT else items[line.sku]
        for line, _ in chosen
    }
    collected = group.method is DeliveryMethod.PICKUP
    units = FoundUnits()
    try:
        planned, _ = await promising.plan_and_hold(
            tx,
            network=channel,
            lines=[Line(line.sku, count) for line, count in chosen],
            destination=destination_of(group.address),
            pickup=[row for row in channel.locations if row.id == group.pickup_location_id] if collected else None,
            on_shortage=ShortagePolicy.BACKORDER,
            items=as_sold,
            owner_id=order.id,
            expires_at=None,
            line_ids=[line.id for line, _ in chosen],
        )
    except Refusal:
        # others were quicker, or no location serves it any more: it goes on waiting
        return units
    collect(units, planned, range(len(chosen)))
    return units


async def _fill(
    tx: Tx,
    order: Order,
    lines: Mapping[UUID, OrderLine],
    came: Mapping[UUID, int],
    days: Mapping[UUID, date] | None = None,
) -> Order:
    known = {line.id: line.promised_on for line in lines.values()} | dict(days or {})
    last = max((day.toordinal() for day in known.values() if day is not None), default=None)
    if came:
        emit(
            tx,
            OrderBackordersFilled(lines=described(lines, came)),
            subject=ORDER.ref(order.id),
            updated=["lines.quantities"],
        )
    moves = [Move(line_id, UnitState.BACKORDERED, UnitState.RESERVED, count) for line_id, count in came.items()]
    return await shift(tx, order, moves, last_day=last)
