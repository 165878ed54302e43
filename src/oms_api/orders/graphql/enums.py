"""Enums of the orders, described before any type uses them."""

from oms_api.kit.graphql import describe_enum
from oms_api.orders.models import AdjustmentKind, AttentionKind, ExternalPaymentState, OrderStatus
from oms_api.orders.queries.page import OrderSortKey

describe_enum(
    OrderStatus,
    "State of an order as a whole; lines, payments and shipments have their own.",
    PENDING="Created, not yet committed. Holds its units until the channel's `paymentWindowSeconds` end, then cancels "
    "itself and lets them go; with `autoConfirm` it confirms itself the moment its last hold is released and the "
    "payment rule is met.",
    CONFIRMED="Committed, being fulfilled.",
    PARTIALLY_SHIPPED="Some units shipped.",
    SHIPPED="All units shipped.",
    COMPLETED="Delivered, nothing owed either way.",
    CANCELLED="Cancelled in full.",
)
describe_enum(
    AttentionKind,
    "Why an order waits for a person.",
    SOURCING_FAILED="Locations said no as often as they may be asked, or the only one did: units are `pending` until "
    "somebody reassigns or cancels them.",
    BACKORDER_OVERDUE="Units have waited for stock for 30 days, and for no date or one that has passed: find some, or "
    "cancel them.",
)
describe_enum(
    AdjustmentKind,
    "What kind of amount an adjustment is.",
    DISCOUNT="Lowers what is owed.",
    TAX="Tax.",
    FEE="Any other charge: gift wrap, deposit, duty.",
)
describe_enum(
    OrderSortKey,
    "Sort keys; the id is always the last tie-break.",
    CREATED_AT="Creation time.",
    UPDATED_AT="Last change.",
    NUMBER="Order number.",
    PROMISED_ON="Latest promised date of its lines; orders without one come last.",
)
describe_enum(
    ExternalPaymentState,
    "How far money handled by somebody else is.",
    DUE="Still to be collected: cash on delivery, bank transfer.",
    AUTHORIZED="Reserved there; they take it when told of the shipment.",
    CAPTURED="Taken.",
)

__all__ = ["AdjustmentKind", "AttentionKind", "ExternalPaymentState", "OrderSortKey", "OrderStatus"]
