"""Supply has another date: what leans on it is promised anew, and who was promised hears of it."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Date, Uuid, update
from sqlmodel import col

from oms_api import inventory, network, promising
from oms_api.inventory import SUPPLY, ReservationLine
from oms_api.kit.db import Tx, json_rows, mine, prepared, table_of
from oms_api.kit.events import emit
from oms_api.orders import queries
from oms_api.orders.models import LINE, ORDER, Order, OrderLine, OrderStatus
from oms_api.orders.service.backorders import cover_backorders, unheld
from oms_api.orders.service.source import destination_of
from oms_api.orders.service.units import held_for, shift
from oms_api.promising import DeliveryMethod, PromiseChanged

OVER = (OrderStatus.CANCELLED, OrderStatus.COMPLETED)

_dates = json_rows("dates", {"line_id": Uuid(), "day": Date()})
_DATE = prepared(
    update(table_of(OrderLine))
    .where(mine(OrderLine), col(OrderLine.id) == _dates.c.line_id)
    .values(promised_on=_dates.c.day)
)


async def redate(tx: Tx, order_id: UUID, *, supply_id: UUID, reason: str) -> Order | None:
    """Date the lines of an order anew that wait for a supply, by when it is expected now.

    A line arrives with the last of its units; those on hand keep what they were promised. Tells `promise.changed` for
    each line whose date is another. Run again it changes nothing. None when there is no such order any more.
    """
    order = await queries.locked(tx, order_id)
    if order is None or order.status in OVER:
        return order
    lines = {line.id: line for line in (await queries.lines_of(tx, [order_id])).get(order_id, ())}
    held = await held_for(tx, order_id)
    waiting = {line_id: rows for line_id, rows in held.items() if any(row.supply_id == supply_id for row in rows)}
    if not waiting:
        return order
    dated = await _dated(tx, order, lines, waiting)
    await inventory.date_lines(tx, [(row.id, *arrival) for row, arrival in dated.values()])
    days: dict[UUID, date | None] = {}
    for line_id, rows in waiting.items():
        old = lines[line_id].promised_on
        found = [dated[row.id][1].delivered_by for row in rows if row.id in dated]
        if not found:
            continue
        on_hand = [day for row in rows if row.supply_id is None and (day := row.deliver_by or old)]
        new = max([*found, *on_hand])
        if old is not None and new != old:
            days[line_id] = new
    return await dates_changed(tx, order, lines, days, reason=reason, supply_id=supply_id)


async def cover_waiting(tx: Tx, order_id: UUID) -> Order | None:
    """Plan the units of an order that nothing is held for, and tell `promise.changed` for each line that has another
    date than before, or one at all. None when there is no such order any more."""
    if await queries.locked(tx, order_id) is None:
        return None
    before = {line.id: line for line in (await queries.lines_of(tx, [order_id])).get(order_id, ())}
    order = await cover_backorders(tx, order_id)
    if order is None or order.status in OVER:
        return order
    lines = (await queries.lines_of(tx, [order_id])).get(order_id, ())
    days = {line.id: line.promised_on for line in lines if line.promised_on != before[line.id].promised_on}
    return await dates_changed(tx, order, before, days, reason="stock_found")


async def cover_short(tx: Tx, order_id: UUID, line_ids: Collection[UUID]) -> Order | None:
    """Units of these lines are held no more, and wait: plan them again, from other stock or supply.

    A line of which units cannot be had any more has no date until they can. Tells `promise.changed` for each line whose
    date is another. Raises NotFound.
    """
    before = {line.id: line for line in (await queries.lines_of(tx, [order_id])).get(order_id, ())}
    order = await cover_backorders(tx, order_id)
    if order is None or order.status in OVER:
        return order
    lines = (await queries.lines_of(tx, [order_id])).get(order_id, ())
    held = await held_for(tx, order_id)
    days: dict[UUID, date | None] = {}
    for line in lines:
        if line.id in line_ids:
            new = None if unheld(line, held.get(line.id, ())) else line.promised_on
            if new != before[line.id].promised_on:
                days[line.id] = new
    return await dates_changed(tx, order, before, days, reason="stock_short")


async def dates_changed(
    tx: Tx,
    order: Order,
    lines: Mapping[UUID, OrderLine],
    days: Mapping[UUID, date | None],
    *,
    reason: str,
    supply_id: UUID | None = None,
) -> Order:
    """Write other dates of lines of a locked order (None: not known any more), and tell of each."""
    if not days:
        return order
    await tx.run(_DATE, {"dates": [{"line_id": id_, "day": day} for id_, day in days.items()]})
    known = {line.id: line.promised_on for line in lines.values()} | dict(days)
    for line_id, new in days.items():
        emit(
            tx,
            PromiseChanged(
                line_id=LINE(line_id),
                sku=lines[line_id].sku,
                old=lines[line_id].promised_on,
                new=new,
                reason=reason,
                supply_id=SUPPLY(supply_id) if supply_id else None,
            ),
            subject=ORDER.ref(order.id),
            updated=["lines.promisedOn"],
        )
    last = max((day.toordinal() for day in known.values() if day is not None), default=None)
    return await shift(tx, order, [], last_day=last)


async def _dated(
    tx: Tx, order: Order, lines: Mapping[UUID, OrderLine], waiting: Mapping[UUID, Sequence[ReservationLine]]
) -> dict[UUID, tuple[ReservationLine, promising.Arrival]]:
    """When the units that wait for any supply arrive, by reservation line."""
    rows = [(line_id, row) for line_id, some in waiting.items() for row in some if row.supply_id is not None]
    supplies = await inventory.supplies_by_id(tx, list({row.supply_id for _, row in rows if row.supply_id}))
    channel = (await network.networks_by_id(tx, [order.channel_id]))[order.channel_id]
    of: dict[UUID, list[tuple[ReservationLine, promising.Awaiting]]] = defaultdict(list)
    for line_id, row in rows:
        assert row.supply_id is not None
        line, due_at = lines[line_id], inventory.due_at(supplies[row.supply_id])
        wait = promising.Awaiting(row.location_id, due_at, line.requested_on, line.may_arrive_earlier)
        of[line.group_id].append((row, wait))
    found: dict[UUID, tuple[ReservationLine, promising.Arrival]] = {}
    for group in (await queries.groups_of(tx, [order.id])).get(order.id, ()):
        chosen = of.get(group.id, [])
        answers = promising.arrivals(
            channel,
            [wait for _, wait in chosen],
            destination=destination_of(group.address),
            collected=group.method is DeliveryMethod.PICKUP,
        )
        for (row, _), arrival in zip(chosen, answers, strict=True):
            if arrival is not None:
                found[row.id] = (row, arrival)
    return found
