"""The order's own row: locked first, written last, its version grown with every change."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, update
from sqlmodel import col

from oms_api.kit import clock
from oms_api.kit.db import Choice, Instant, Tx, changed, mine, param, prepared, table_of
from oms_api.kit.errors import NotFound, Path
from oms_api.kit.events import emit
from oms_api.orders import queries
from oms_api.orders.events import OrderCompleted, OrderShipped
from oms_api.orders.models import ORDER, Order, OrderStatus

_NUMBERS = ("version", "subtotal_minor", "discount_minor", "tax_minor", "total_minor", "credited_minor",
            "payments_version", "promised_asc", "promised_desc")  # fmt: skip
_SAVE = prepared(
    update(table_of(Order))
    .where(mine(Order), col(Order.id) == param("of", Uuid()))
    .values(
        **{name: param(f"new_{name}", BigInteger()) for name in _NUMBERS},
        status=param("new_status", Choice(OrderStatus)),
        lapses_at=param("new_lapses_at", Instant()),
        updated_at=param("new_updated_at", Instant()),
    )
)
_PUT_OFF = prepared(
    update(table_of(Order))
    .where(mine(Order), col(Order.id) == param("of", Uuid()))
    .values(lapses_at=param("until", Instant()))
)
_GONE = (OrderStatus.SHIPPED, OrderStatus.COMPLETED)


async def lock(tx: Tx, order_id: UUID, path: Path = ("input", "order")) -> Order:
    """The order, locked until the transaction ends. Raises NotFound."""
    order = await queries.locked(tx, order_id)
    if order is None:
        raise NotFound(ORDER.missing("order", order_id), path=path)
    return order


async def save(tx: Tx, order: Order, **values: Any) -> Order:
    """Write a locked order's new values; its version grows by one. What follows from its status is told."""
    after = changed(order, **values, version=order.version + 1, updated_at=clock.now())
    if after.status is not OrderStatus.PENDING:
        after = changed(after, lapses_at=None)
    await tx.run(
        _SAVE,
        {
            "of": order.id,
            **{f"new_{name}": getattr(after, name) for name in (*_NUMBERS, "status", "lapses_at", "updated_at")},
        },
    )
    tell_progress(tx, order.status, after)
    return after


async def put_off(tx: Tx, order: Order, lapses_at: datetime) -> Order:
    """Let a locked pending order lapse later. No change that anybody sees, so its version stays."""
    await tx.run(_PUT_OFF, {"of": order.id, "until": lapses_at})
    return changed(order, lapses_at=lapses_at)


def tell_progress(tx: Tx, before: OrderStatus, order: Order) -> None:
    """Tell `order.shipped` and `order.completed` when the order has just come there."""
    subject, number = ORDER.ref(order.id), str(order.number)
    if order.status in _GONE and before not in _GONE:
        emit(tx, OrderShipped(number=number), subject=subject, updated=["status"])
    if order.status is OrderStatus.COMPLETED and before is not OrderStatus.COMPLETED:
        emit(tx, OrderCompleted(number=number), subject=subject, updated=["status"])
