"""Orders and what belongs to them, by id and by order; one statement for any number."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Date, Uuid, and_, exists, or_, text
from sqlmodel import col, select

from oms_api.catalog import SkuKind
from oms_api.kit.db import Instant, Reading, any_of, columns, mine, now, param, prepared
from oms_api.network import Channel
from oms_api.orders.models import (
    AttentionKind,
    DeliveryGroup,
    LineRefusal,
    Order,
    OrderAdjustment,
    OrderAttention,
    OrderLine,
    OrderStatus,
)

LAPSE_BATCH_MAX = 200
BACKORDERS_BATCH_MAX = 100

_BY_ID = prepared(select(Order).where(mine(Order), any_of(Order.id, "ids")))
_LOCKED = prepared(
    select(Order).where(mine(Order), col(Order.id) == param("of", Uuid())).with_for_update(key_share=True)
)
_BY_NUMBER = prepared(select(Order).where(mine(Order), col(Order.number) == param("of", BigInteger())))
_BY_EXTERNAL_ID = prepared(
    select(Order)
    .join(Channel, and_(col(Channel.tenant_id) == col(Order.tenant_id), col(Channel.id) == col(Order.channel_id)))
    .where(mine(Order), col(Channel.handle) == param("channel"), col(Order.external_id) == param("of"))
)
_LINES = prepared(
    select(OrderLine).where(mine(OrderLine), any_of(OrderLine.order_id, "ids")).order_by(col(OrderLine.position))
)
_LINES_BY_ID = prepared(select(OrderLine).where(mine(OrderLine), any_of(OrderLine.id, "ids")))
_GROUPS = prepared(
    select(DeliveryGroup)
    .where(mine(DeliveryGroup), any_of(DeliveryGroup.order_id, "ids"))
    .order_by(col(DeliveryGroup.position))
)
_GROUPS_BY_ID = prepared(select(DeliveryGroup).where(mine(DeliveryGroup), any_of(DeliveryGroup.id, "ids")))
_ADJUSTMENTS = prepared(
    select(OrderAdjustment)
    .where(mine(OrderAdjustment), any_of(OrderAdjustment.order_id, "ids"))
    .order_by(col(OrderAdjustment.position))
)
_REFUSALS = prepared(select(LineRefusal).where(mine(LineRefusal), col(LineRefusal.order_id) == param("of", Uuid())))
_ATTENTIONS = prepared(
    select(OrderAttention)
    .where(mine(OrderAttention), any_of(OrderAttention.order_id, "ids"))
    .order_by(col(OrderAttention.since), col(OrderAttention.kind))
)
_WAITING = prepared(
    columns(col(OrderLine.order_id))
    .where(
        mine(OrderLine),
        text("order_lines.backordered > 0"),  # a literal, so that the partial index is seen to fit
        col(OrderLine.order_id) > param("after", Uuid()),
        or_(any_of(OrderLine.sku, "skus"), col(OrderLine.kind) == SkuKind.KIT),
    )
    .distinct()
    .order_by(col(OrderLine.order_id))
    .limit(BACKORDERS_BATCH_MAX)
)
_OVERDUE = prepared(
    columns(col(OrderLine.tenant_id), col(OrderLine.order_id))
    .join(Order, and_(col(Order.tenant_id) == col(OrderLine.tenant_id), col(Order.id) == col(OrderLine.order_id)))
    .where(
        text("order_lines.backordered > 0"),
        or_(col(OrderLine.promised_on).is_(None), col(OrderLine.promised_on) < param("today", Date())),
        col(Order.created_at) <= param("before", Instant()),
        col(Order.status) != OrderStatus.PENDING,
        ~exists().where(
            col(OrderAttention.tenant_id) == col(Order.tenant_id),
            col(OrderAttention.order_id) == col(Order.id),
            col(OrderAttention.kind) == AttentionKind.BACKORDER_OVERDUE,
        ),
    )
    .distinct()
    .limit(LAPSE_BATCH_MAX)
)
_LAPSING = prepared(
    columns(col(Order.tenant_id), col(Order.id))
    .where(col(Order.lapses_at).is_not(None), col(Order.lapses_at) <= now())
    .order_by(col(Order.lapses_at))
    .limit(LAPSE_BATCH_MAX)
)


async def orders_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Order]:
    return {row.id: row for row in await reading.all(_BY_ID, {"ids": ids})}


async def locked(reading: Reading, order_id: UUID) -> Order | None:
    """The order, locked until the transaction ends. Every change of an order takes this lock first."""
    found: Order | None = await reading.first(_LOCKED, {"of": order_id})
    return found


async def by_number(reading: Reading, number: int) -> Order | None:
    found: Order | None = await reading.first(_BY_NUMBER, {"of": number})
    return found


async def by_external_id(reading: Reading, channel: str, external_id: str) -> Order | None:
    """By the id that the channel (a handle) knows it by."""
    found: Order | None = await reading.first(_BY_EXTERNAL_ID, {"channel": channel, "of": external_id})
    return found


async def lines_of(reading: Reading, order_ids: Sequence[UUID]) -> Mapping[UUID, list[OrderLine]]:
    """Lines by order, in their order."""
    found: dict[UUID, list[OrderLine]] = defaultdict(list)
    for row in await reading.all(_LINES, {"ids": order_ids}):
        found[row.order_id].append(row)
    return found


async def lines_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, OrderLine]:
    return {row.id: row for row in await reading.all(_LINES_BY_ID, {"ids": ids})}


async def groups_of(reading: Reading, order_ids: Sequence[UUID]) -> Mapping[UUID, list[DeliveryGroup]]:
    """Delivery groups by order, in their order."""
    found: dict[UUID, list[DeliveryGroup]] = defaultdict(list)
    for row in await reading.all(_GROUPS, {"ids": order_ids}):
        found[row.order_id].append(row)
    return found


async def groups_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, DeliveryGroup]:
    return {row.id: row for row in await reading.all(_GROUPS_BY_ID, {"ids": ids})}


async def adjustments_of(
    reading: Reading, order_ids: Sequence[UUID]
) -> Mapping[UUID, Mapping[UUID | None, list[OrderAdjustment]]]:
    """Adjustments by order, then by line; those of the order as a whole under None."""
    found: dict[UUID, dict[UUID | None, list[OrderAdjustment]]] = defaultdict(lambda: defaultdict(list))
    for row in await reading.all(_ADJUSTMENTS, {"ids": order_ids}):
        found[row.order_id][row.line_id].append(row)
    return found


async def refusals_of(reading: Reading, order_id: UUID) -> Mapping[UUID, dict[UUID, int]]:
    """How often locations said no, by line and location."""
    found: dict[UUID, dict[UUID, int]] = defaultdict(dict)
    for row in await reading.all(_REFUSALS, {"of": order_id}):
        found[row.line_id][row.location_id] = row.times
    return found


async def attentions_of(reading: Reading, order_ids: Sequence[UUID]) -> Mapping[UUID, list[OrderAttention]]:
    """Why orders wait for a person, by order, the oldest reason first."""
    found: dict[UUID, list[OrderAttention]] = defaultdict(list)
    for row in await reading.all(_ATTENTIONS, {"ids": order_ids}):
        found[row.order_id].append(row)
    return found


async def waiting(reading: Reading, skus: Sequence[str], after: UUID) -> list[UUID]:
    """Orders with units that wait for one of these SKUs, or for a kit that may have it; the oldest first, those that
    come after `after`, BACKORDERS_BATCH_MAX at most."""
    found: list[UUID] = await reading.all(_WAITING, {"skus": skus, "after": after})
    return found


async def backorders_overdue(reading: Reading, before: datetime, today: date) -> list[Any]:
    """(tenant_id, order_id) of orders made before `before` with units that wait for stock, and for no date or one
    before `today`, unless that is known already. Spans tenants: only the timer asks."""
    return await reading.all(_OVERDUE, {"before": before, "today": today})


async def lapsing(reading: Reading) -> list[Any]:
    """(tenant_id, id) of orders whose payment window has ended. Spans tenants: only the timer asks."""
    return await reading.all(_LAPSING)
