"""The verbs of the orders, by verb. Every one that changes an order locks its row first (`lock`)."""

from oms_api.orders.service.again import move_to, source_again
from oms_api.orders.service.attention import backorder_overdue
from oms_api.orders.service.backorders import cover_backorders, fill_backorders
from oms_api.orders.service.confirm import confirm, settle_money
from oms_api.orders.service.funds import funds_of, not_now, paid_for, remaining
from oms_api.orders.service.lapse import lapse
from oms_api.orders.service.new import NewAdjustment, NewGroup, NewLine, NewOrder, NewPayment
from oms_api.orders.service.pay import EFFECT, authorize
from oms_api.orders.service.place import Placed, place
from oms_api.orders.service.row import lock
from oms_api.orders.service.units import CancelUnits, cancel_units, credit, move

__all__ = [
    "EFFECT",
    "CancelUnits",
    "NewAdjustment",
    "NewGroup",
    "NewLine",
    "NewOrder",
    "NewPayment",
    "Placed",
    "authorize",
    "backorder_overdue",
    "cancel_units",
    "confirm",
    "cover_backorders",
    "credit",
    "fill_backorders",
    "funds_of",
    "lapse",
    "lock",
    "move",
    "move_to",
    "not_now",
    "paid_for",
    "place",
    "remaining",
    "settle_money",
    "source_again",
]
