"""Units that were taken without stock: they are held as soon as there is any, the oldest order first."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Date, Uuid, update
from sqlmodel import col

from oms_api import allocation, catalog, network, promising
from oms_api.catalog import SkuKind
from oms_api.inventory import ReservationLine
from oms_api.kit import clock
from oms_api.kit.db import Tx, json_rows, mine, prepared, table_of
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
from oms_api.sourcing import Aside, DecisionReason

_dates = json_rows("dates", {"line_id": Uuid(), "day": Date()})
_DATE = prepared(
    update(table_of(OrderLine))
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
        if line.backordered and (missing := unheld(line, held.get(line.id, ())))
    }
    if not wanted:
        return order
    came: dict[UUID, int] = {}
    days: dict[UUID, date] = {}
    channel = (await network.networks_by_id(tx, [order.channel_id]))[order.channel_id]
    refused = await queries.refusals_of(tx, order_id)
    groups = {group.id: group for group in (await queries.groups_of(tx, [order_id])).get(order_id, ())}
    for (group_id, without), chosen in by_place(lines, wanted, refused).items():
        units = await plan_units(tx, order, channel, groups[group_id], chosen, without=refusing(channel, without))
        for i, (line, count) in enumerate(chosen):
            got = units_got(units, i, line, count)
            if got.held:
                came[line.id] = got.held
            if got.held + got.awaited == count:
                days[line.id] = later(units.arrives[i], line.promised_on)
    await date_lines(tx, days)
    return await _fill(tx, order, lines, came, days) if came or days else order


def by_place(
    lines: Mapping[UUID, OrderLine], wanted: Mapping[UUID, int], refused: Mapping[UUID, Mapping[UUID, int]]
) -> dict[tuple[UUID, frozenset[UUID]], list[tuple[OrderLine, int]]]:
    """Lines that may be planned together, by delivery group and the locations that said no to them."""
    found: dict[tuple[UUID, frozenset[UUID]], list[tuple[OrderLine, int]]] = defaultdict(list)
    for line_id, count in wanted.items():
        line = lines[line_id]
        found[line.group_id, frozenset(refused.get(line_id, ()))].append((line, count))
    return found


def refusing(channel: Network, ids: Collection[UUID]) -> dict[str, Aside]:
    """Locations that said no, for the planner."""
    return {row.handle: Aside.REFUSED for row in channel.locations if row.id in ids} if ids else {}


def units_got(units: FoundUnits, i: int, line: OrderLine, count: int) -> Covered:
    """What a plan has found for `count` units of the line with this index."""
    parts = parts_of(line)
    return covered(
        count, parts, {sku: units.on_hand[i, sku] for sku in parts}, {sku: units.to_come[i, sku] for sku in parts}
    )


def later(day: date, other: date | None) -> date:
    return day if other is None else max(day, other)


async def date_lines(tx: Tx, days: Mapping[UUID, date]) -> None:
    """Write when lines are promised to arrive."""
    if days:
        await tx.run(_DATE, {"dates": [{"line_id": id_, "day": day} for id_, day in days.items()]})


def _cover(line: OrderLine, rows: Sequence[ReservationLine]) -> Covered:
    """Units of a line that what is held for it makes up, on hand and yet to come."""
    on_hand: dict[str, int] = defaultdict(int)
    to_come: dict[str, int] = defaultdict(int)
    for row in rows:
        (on_hand if row.supply_id is None else to_come)[row.sku] += row.quantity
    return covered(line.quantity, parts_of(line), on_hand, to_come)


def unheld(line: OrderLine, rows: Sequence[ReservationLine]) -> int:
    """Units of a line that wait and that nothing is held for."""
    cover = _cover(line, rows)
    return max(0, line.backordered + line.reserved + line.allocated - cover.held - cover.awaited)


async def plan_units(
    tx: Tx,
    order: Order,
    channel: Network,
    group: DeliveryGroup,
    chosen: Sequence[tuple[OrderLine, int]],
    reason: DecisionReason = DecisionReason.BACKORDER,
    *,
    without: Mapping[str, Aside],
) -> FoundUnits:
    """Hold what can be had of these units at the channel's locations but those `without`, by index in `chosen`."""
    items = await catalog.items(tx, list({line.sku for line, _ in chosen}))
    # a kit as it was sold, whatever it is made of today
    as_sold = {
        line.sku: items[line.sku]._replace(components=parts_of(line)) if line.kind is SkuKind.KIT else items[line.sku]
        for line, _ in chosen
    }
    collected = group.method is DeliveryMethod.PICKUP
    demand_class = await allocation.class_of(tx, channel, order.demand_class)
    units = FoundUnits()
    try:
        planned, _ = await promising.plan_and_hold(
            tx,
            network=channel,
            lines=[_still_wanted(line, count) for line, count in chosen],
            destination=destination_of(group.address),
            pickup=[row for row in channel.locations if row.id == group.pickup_location_id] if collected else None,
            on_shortage=ShortagePolicy.BACKORDER,
            items=as_sold,
            owner_id=order.id,
            expires_at=None,
            line_ids=[line.id for line, _ in chosen],
            customer_group=order.customer_group,
            demand_class=demand_class,
            reason=reason,
            without=without,
        )
    except Refusal:
        # others were quicker, or no location serves it any more: it goes on waiting
        return units
    collect(units, planned, range(len(chosen)))
    return units


def _still_wanted(line: OrderLine, count: int) -> Line:
    """Units of a line as they are planned again; a wanted date that is past is as good as none."""
    day = line.requested_on
    if day is None or day <= clock.now().date():
        return Line(line.sku, count)
    return Line(line.sku, count, day, line.may_arrive_earlier)


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
