"""Orders: what was sold, to whom, where each unit is, and what is still owed.

An order is PENDING until its channel's payment rule is met (or it lapses, and lets its units go), CONFIRMED while it is
being fulfilled, PARTIALLY_SHIPPED, SHIPPED, COMPLETED when all has arrived and nothing is owed, or CANCELLED. A line's
units are in eight states that always add up to its quantity (`UnitState`); upper domains move them by `move` and cancel
those at no location yet by `cancel_units`. Every change locks the order's row first (`lock`) and grows its version.
This domain refuses to know locations' work, parcels, and why something came back.
"""

from oms_api.orders.errors import PriceMismatch
from oms_api.orders.events import (
    OrderAttentionNeeded,
    OrderBackordersFilled,
    OrderCancelled,
    OrderCompleted,
    OrderConfirmed,
    OrderCreated,
    OrderLapsed,
    OrderShipped,
)
from oms_api.orders.models import (
    GROUP,
    LINE,
    ORDER,
    DeliveryGroup,
    Order,
    OrderAdjustment,
    OrderLine,
    OrderStatus,
    UnitState,
)
from oms_api.orders.queries import groups_by_id, groups_of, lines_by_id, lines_of, orders_by_id
from oms_api.orders.rules.amounts import worth
from oms_api.orders.rules.status import Funds, Standing, action, outstanding
from oms_api.orders.rules.units import Move, parts_of
from oms_api.orders.service import (
    CancelUnits,
    NewOrder,
    cancel_units,
    confirm,
    credit,
    fill_backorders,
    lapse,
    lock,
    move,
    move_to,
    not_now,
    place,
    settle_money,
    source_again,
)
from oms_api.orders.service.redate import cover_short

__all__ = [
    "GROUP",
    "LINE",
    "ORDER",
    "CancelUnits",
    "DeliveryGroup",
    "Funds",
    "Move",
    "NewOrder",
    "Order",
    "OrderAdjustment",
    "OrderAttentionNeeded",
    "OrderBackordersFilled",
    "OrderCancelled",
    "OrderCompleted",
    "OrderConfirmed",
    "OrderCreated",
    "OrderLapsed",
    "OrderLine",
    "OrderShipped",
    "OrderStatus",
    "PriceMismatch",
    "Standing",
    "UnitState",
    "action",
    "cancel_units",
    "confirm",
    "cover_short",
    "credit",
    "fill_backorders",
    "groups_by_id",
    "groups_of",
    "lapse",
    "lines_by_id",
    "lines_of",
    "lock",
    "move",
    "move_to",
    "not_now",
    "orders_by_id",
    "outstanding",
    "parts_of",
    "place",
    "settle_money",
    "source_again",
    "worth",
]
