"""Which orders a wave looks at, and waves themselves."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, text
from sqlmodel import col, select

from oms_api.catalog import SkuKind
from oms_api.kit.db import Instant, Reading, any_of, columns, mine, param, prepared
from oms_api.network import Channel
from oms_api.orders.models import LineRefusal, Order, OrderLine, OrderStatus, SourcingWave, WaveState

WAVES_BATCH_MAX = 20

_WAVES = prepared(select(SourcingWave).where(mine(SourcingWave), any_of(SourcingWave.id, "ids")))
_STALE = prepared(
    columns(col(SourcingWave.tenant_id), col(SourcingWave.id))
    .where(col(SourcingWave.state) == WaveState.RUNNING, col(SourcingWave.beat_at) < param("before", Instant()))
    .limit(WAVES_BATCH_MAX)
)
_REFUSED = prepared(select(LineRefusal).where(mine(LineRefusal), any_of(LineRefusal.order_id, "ids")))


def _chosen(*, held: bool, some: bool) -> Any:
    statement = (
        columns(col(Order.id))
        .join(
            OrderLine, and_(col(OrderLine.tenant_id) == col(Order.tenant_id), col(OrderLine.order_id) == col(Order.id))
        )
        .join(Channel, and_(col(Channel.tenant_id) == col(Order.tenant_id), col(Channel.id) == col(Order.channel_id)))
        .where(
            mine(Order),
            mine(OrderLine),
            any_of(Channel.handle, "channels"),
            col(Order.status) != OrderStatus.CANCELLED,
            col(Order.status) != OrderStatus.COMPLETED,
            col(Order.placed_at) >= param("since", Instant()),
            (col(OrderLine.kind) == SkuKind.PHYSICAL) | (col(OrderLine.kind) == SkuKind.KIT),
            text(
                "(order_lines.backordered > 0 OR (order_lines.reserved > 0 AND order_lines.allocated = 0))"
                if held
                else "order_lines.backordered > 0"
            ),
        )
    )
    if some:
        statement = statement.where(any_of(OrderLine.sku, "skus"))
    return prepared(statement.distinct().order_by(col(Order.id)))


_CHOSEN = {(held, some): _chosen(held=held, some=some) for held in (False, True) for some in (False, True)}


async def chosen(
    reading: Reading, channels: Sequence[str], since: datetime, skus: Sequence[str], *, held: bool
) -> list[UUID]:
    """Orders of these channels with units that wait, or (`held`) that no location works on yet; the oldest first."""
    values: dict[str, Any] = {"channels": channels, "since": since}
    if skus:
        values["skus"] = skus
    found: list[UUID] = await reading.all(_CHOSEN[held, bool(skus)], values)
    return found


async def refused(reading: Reading, order_ids: Sequence[UUID]) -> Mapping[UUID, set[UUID]]:
    """Locations that said no, by line."""
    found: dict[UUID, set[UUID]] = defaultdict(set)
    for row in await reading.all(_REFUSED, {"ids": order_ids}):
        found[row.line_id].add(row.location_id)
    return found


async def waves_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, SourcingWave]:
    return {row.id: row for row in await reading.all(_WAVES, {"ids": ids})}


async def stale(reading: Reading, before: datetime) -> list[Any]:
    """(tenant_id, id) of waves that run and were not seen alive since `before`. Spans tenants: only the timer asks."""
    return await reading.all(_STALE, {"before": before})
