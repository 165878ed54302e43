"""Every SELECT of the orders: `rows` by id and by order, `page` for lists."""

from oms_api.orders.queries.rows import (
    adjustments_of,
    by_external_id,
    by_number,
    groups_by_id,
    groups_of,
    lapsing,
    lines_by_id,
    lines_of,
    locked,
    orders_by_id,
    waiting,
)

__all__ = [
    "adjustments_of",
    "by_external_id",
    "by_number",
    "groups_by_id",
    "groups_of",
    "lapsing",
    "lines_by_id",
    "lines_of",
    "locked",
    "orders_by_id",
    "waiting",
]
