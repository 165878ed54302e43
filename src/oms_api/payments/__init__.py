"""The ledger of every minor unit: what was reserved, taken, let go and given back, and what was asked of whom.

A payment belongs to a payable: an id of the caller's, an amount, a currency. This domain refuses to know what is paid.
Every operation is intent → call → record: the Operation is committed, the provider is called outside of any transaction
with the operation's id as idempotency key, and the answer is written down by one verb (`record`), by whoever hears it
first. An intent is never forgotten: the reaction `payments.carry_out` asks when nobody else does, the timer
`payments.retry` asks again, and what stays unanswered is given up as UNKNOWN for a person to look up (`unresolved`).
What a provider tells by itself (`callbacks`) goes through an inbox and makes the reaction `payments.hear` ask.

A payment is PENDING, REQUIRES_ACTION, AUTHORIZED, CAPTURED, REFUNDED, VOIDED or FAILED (`rules.status`); an operation
PENDING → REQUIRES_ACTION | SUCCEEDED | FAILED | UNKNOWN, which a late answer still settles.
"""

from oms_api.payments.errors import PaymentDeclined
from oms_api.payments.events import (
    PaymentAuthorized,
    PaymentCallbackReceived,
    PaymentCaptured,
    PaymentFailed,
    PaymentOperationFailed,
    PaymentOperationRequested,
    PaymentOperationUnresolved,
    PaymentOverdue,
    PaymentRefunded,
    PaymentRequiresAction,
    PaymentVoided,
)
from oms_api.payments.models import (
    ACCOUNT,
    OPERATION,
    PAYMENT,
    ExternalState,
    Operation,
    OperationKind,
    OperationState,
    Payable,
    Payment,
    PaymentStatus,
)
from oms_api.payments.queries import Totals, operation, payments_by_id, payments_of, totals, unresolved
from oms_api.payments.service import (
    EFFECT,
    authorize,
    call,
    capture,
    put_account,
    record,
    record_external,
    refund,
    refund_payable,
    void,
    void_payable,
)

__all__ = [
    "ACCOUNT", "EFFECT", "OPERATION", "PAYMENT", "ExternalState", "Operation", "OperationKind", "OperationState",
    "Payable", "Payment", "PaymentAuthorized", "PaymentCallbackReceived", "PaymentCaptured", "PaymentDeclined",
    "PaymentFailed", "PaymentOperationFailed", "PaymentOperationRequested", "PaymentOperationUnresolved",
    "PaymentOverdue", "PaymentRefunded", "PaymentRequiresAction", "PaymentStatus", "PaymentVoided", "Totals",
    "authorize", "call", "capture", "operation", "payments_by_id", "payments_of", "put_account", "record",
    "record_external", "refund", "refund_payable", "totals", "unresolved", "void", "void_payable",
]  # fmt: skip
