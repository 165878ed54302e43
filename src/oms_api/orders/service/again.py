"""Units that left a location's work without having left the location get another place."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from oms_api import network
from oms_api.kit.db import Tx
from oms_api.kit.errors import NotFound, Path
from oms_api.orders import queries
from oms_api.orders.models import AttentionKind, LineRefusal, Order, UnitState
from oms_api.orders.rules.units import Move
from oms_api.orders.service import attention
from oms_api.orders.service.backorders import by_place, date_lines, later, plan_units, refusing, units_got
from oms_api.orders.service.row import lock
from oms_api.orders.service.units import shift
from oms_api.promising import DeliveryMethod, NoSource
from oms_api.sourcing import Aside, DecisionReason


async def source_again(tx: Tx, order_id: UUID, units: Mapping[UUID, int], *, refused_by: UUID) -> Order:
    """Plan units (by line) that a location said no to, without the locations that did; the caller has moved them to
    RESERVED and let go what was held for them.

    What cannot be had at once is BACKORDERED. What was refused more often than the channel gives units of a line to
    another location, or by the only place where it can be collected, is PENDING and waits for a person.
    """
    order = await lock(tx, order_id)
    lines = {line.id: line for line in (await queries.lines_of(tx, [order_id]))[order_id]}
    key = ("tenant_id", "order_id", "line_id", "location_id")
    await tx.upsert(
        LineRefusal,
        [
            dict(zip(key, (tx.tenant_id, order_id, line_id, refused_by), strict=True), times=1)
            for line_id in sorted(units)
        ],
        key=key,
        add=("times",),
    )
    refused = await queries.refusals_of(tx, order_id)
    groups = {group.id: group for group in (await queries.groups_of(tx, [order_id]))[order_id]}
    channel = (await network.networks_by_id(tx, [order.channel_id]))[order.channel_id]
    given_up: dict[UUID, int] = {}
    wanted: dict[UUID, int] = {}
    for line_id, count in units.items():
        group = groups[lines[line_id].group_id]
        only = group.method is DeliveryMethod.PICKUP and group.pickup_location_id in refused[line_id]
        tired = sum(refused[line_id].values()) > channel.channel.max_reassignments
        (given_up if only or tired else wanted)[line_id] = count
    moves = [Move(line_id, UnitState.RESERVED, UnitState.PENDING, count) for line_id, count in given_up.items()]
    days: dict[UUID, date] = {}
    for (group_id, without), chosen in by_place(lines, wanted, refused).items():
        found = await plan_units(
            tx,
            order,
            channel,
            groups[group_id],
            chosen,
            DecisionReason.REASSIGNMENT,
            without=refusing(channel, without),
        )
        for i, (line, count) in enumerate(chosen):
            got = units_got(found, i, line, count)
            if got.held < count:
                moves.append(Move(line.id, UnitState.RESERVED, UnitState.BACKORDERED, count - got.held))
            if got.held + got.awaited == count:
                days[line.id] = later(found.arrives[i], line.promised_on)
    await date_lines(tx, days)
    dates = [days.get(line.id, line.promised_on) for line in lines.values()]
    last = max((day.toordinal() for day in dates if day is not None), default=None)
    order = await shift(tx, order, moves, last_day=last)
    if given_up:
        await attention.need(tx, order, AttentionKind.SOURCING_FAILED, lines, given_up)
    return order


async def move_to(
    tx: Tx, order_id: UUID, units: Mapping[UUID, int], *, to: str | None, away_from: UUID, path: Path
) -> Order:
    """Hold units (by line) at the location with this handle, or where the planner puts them but where they were.

    The caller has moved them to RESERVED and let go what was held for them. All or nothing: raises NotFound (no
    such location in the channel), NoSource when they are not all on hand there.
    """
    order = await lock(tx, order_id)
    lines = {line.id: line for line in (await queries.lines_of(tx, [order_id]))[order_id]}
    groups = {group.id: group for group in (await queries.groups_of(tx, [order_id]))[order_id]}
    channel = (await network.networks_by_id(tx, [order.channel_id]))[order.channel_id]
    chosen_places = [row.id for row in channel.locations if (row.handle == to if to else row.id != away_from)]
    if not chosen_places:
        handle = channel.channel.handle
        if to:
            raise NotFound(f"Channel {handle} has no location {to[:60]!r}; name one of its locations.", path=path)
        raise NoSource(f"Channel {handle} has no other location.", path=path)
    without = {row.handle: Aside.NOT_NAMED for row in channel.locations if row.id not in chosen_places}
    days: dict[UUID, date] = {}
    for (group_id, _), chosen in by_place(lines, units, {}).items():
        found = await plan_units(
            tx, order, channel, groups[group_id], chosen, DecisionReason.REASSIGNMENT, without=without
        )
        for i, (line, count) in enumerate(chosen):
            got = units_got(found, i, line, count)
            if got.held < count:
                raise NoSource(
                    f"{count} of {line.sku} cannot be sent from {to or 'another location'} now, {got.held} can; "
                    "name another location, or leave them where they are.",
                    path=path,
                )
            days[line.id] = later(found.arrives[i], line.promised_on)
    await date_lines(tx, days)
    dates = [days.get(line.id, line.promised_on) for line in lines.values()]
    return await shift(tx, order, [], last_day=max(day.toordinal() for day in dates if day is not None))
