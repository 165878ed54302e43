"""What of an order waits for a person: told once, and over as soon as its cause is."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Uuid, delete
from sqlmodel import col

from oms_api.kit import clock
from oms_api.kit.db import Choice, Tx, mine, param, prepared, table_of
from oms_api.kit.events import emit
from oms_api.orders import queries
from oms_api.orders.events import OrderAttentionNeeded
from oms_api.orders.models import ORDER, AttentionKind, Order, OrderAttention, OrderLine, UnitState
from oms_api.orders.rules.units import described

# the state whose units are the cause
CAUSES = {UnitState.PENDING: AttentionKind.SOURCING_FAILED, UnitState.BACKORDERED: AttentionKind.BACKORDER_OVERDUE}

_OVER = prepared(
    delete(table_of(OrderAttention)).where(
        mine(OrderAttention),
        col(OrderAttention.order_id) == param("of", Uuid()),
        col(OrderAttention.kind) == param("kind", Choice(AttentionKind)),
    )
)


async def need(
    tx: Tx, order: Order, kind: AttentionKind, lines: Mapping[UUID, OrderLine], units: Mapping[UUID, int]
) -> None:
    """A locked order waits for a person because of these units (by line); told when it did not before."""
    row = {"tenant_id": tx.tenant_id, "order_id": order.id, "kind": kind, "since": clock.now()}
    if await tx.upsert(OrderAttention, [row], key=("tenant_id", "order_id", "kind")):
        emit(
            tx,
            OrderAttentionNeeded(kind=kind, lines=described(lines, units)),
            subject=ORDER.ref(order.id),
            updated=["attention"],
        )


async def over(tx: Tx, order_id: UUID, kind: AttentionKind) -> None:
    """The cause is gone."""
    await tx.run(_OVER, {"of": order_id, "kind": kind})


async def backorder_overdue(tx: Tx, order_id: UUID) -> None:
    """Units of an order have waited for stock too long: a person is to look, unless they have got it meanwhile."""
    order = await queries.locked(tx, order_id)
    if order is None:
        return
    lines = {line.id: line for line in (await queries.lines_of(tx, [order_id]))[order_id]}
    today = clock.now().date()
    waiting = {
        line.id: line.backordered
        for line in lines.values()
        if line.backordered and (line.promised_on is None or line.promised_on < today)
    }
    if waiting:
        await need(tx, order, AttentionKind.BACKORDER_OVERDUE, lines, waiting)
