"""What an order would be: the answer of a dry run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import strawberry

from oms_api import payments
from oms_api.kit.db import Tx
from oms_api.kit.graphql import Money, field, money_of
from oms_api.orders import models, queries, service
from oms_api.orders.models import LINE
from oms_api.orders.rules.status import outstanding


@strawberry.type(
    description="What an order would be. No id on purpose: a client's cache must not take it for the order."
)
class OrderPreview:
    total: Money = field(description="Total with tax and shipping.")
    outstanding: Money = field(description="Still owed.")
    lines: list[OrderLinePreview] = field(description="Lines.")


@strawberry.type(description="What a line would be.")
class OrderLinePreview:
    line_id: strawberry.ID | None = field(description="The line; null when it would be new.")
    sku: str = field(description="SKU.")
    quantity: int = field(description="Units, cancelled ones included.")
    unit_price: Money = field(description="Unit price.")
    promised_on: date | None = field(description="When it would arrive.")


def preview_of(
    order: models.Order,
    lines: Sequence[models.OrderLine],
    paid: Sequence[payments.Payment],
    *,
    new: bool = False,
) -> OrderPreview:
    """What an order would be, from the rows that a dry run has made. `new`: its lines have no id yet."""
    return OrderPreview(
        total=money_of(order.total_minor, order.currency),
        outstanding=money_of(outstanding(order, service.funds_of(paid)), order.currency),
        lines=[
            OrderLinePreview(
                line_id=None if new else strawberry.ID(LINE(line.id)),
                sku=line.sku,
                quantity=line.quantity,
                unit_price=money_of(line.unit_price_minor, line.currency),
                promised_on=line.promised_on,
            )
            for line in lines
        ],
    )


async def preview(tx: Tx, order_id: UUID) -> OrderPreview:
    """What an order would be, read at the end of a dry run."""
    order = (await queries.orders_by_id(tx, [order_id]))[order_id]
    lines = (await queries.lines_of(tx, [order_id]))[order_id]
    return preview_of(order, lines, await service.paid_for(tx, order))
