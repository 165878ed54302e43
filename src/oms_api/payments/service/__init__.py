"""The verbs of payments: `begin` writes intents, `carry_out` asks, `hear` listens, `record` writes down the answers."""

from oms_api.payments.service.accounts import put_account
from oms_api.payments.service.begin import authorize, capture, refund, refund_payable, void, void_payable
from oms_api.payments.service.carry_out import EFFECT, call, carry_out
from oms_api.payments.service.hear import hear
from oms_api.payments.service.overdue import tell_overdue
from oms_api.payments.service.record import record, record_external

__all__ = [
    "EFFECT", "authorize", "call", "capture", "carry_out", "hear", "put_account", "record", "record_external",
    "refund", "refund_payable", "tell_overdue", "void", "void_payable",
]  # fmt: skip
