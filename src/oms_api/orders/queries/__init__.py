"""Every SELECT of the orders: `rows` by id and by order, `page` for lists."""

from oms_api.orders.queries.rows import (
    adjustments_of,
    attentions_of,
    backorders_overdue,
    by_external_id,
    by_number,
    groups_by_id,
    groups_of,
    lapsing,
    lines_by_id,
    lines_of,
    locked,
    orders_by_id,
    refusals_of,
    waiting,
)

__all__ = [
    "adjustments_of",
    "attentions_of",
    "backorders_overdue",
    "by_external_id",
    "by_number",
    "groups_by_id",
    "groups_of",
    "lapsing",
    "lines_by_id",
    "lines_of",
    "locked",
    "orders_by_id",
    "refusals_of",
    "waiting",
]
