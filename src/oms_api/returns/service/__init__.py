"""The verbs of returns. All lock the order first, as fulfillment does."""

from oms_api.returns.service.decide import approve, decline, expire
from oms_api.returns.service.receive import receive
from oms_api.returns.service.request import Asked, request
from oms_api.returns.service.settle import captured_late, refund_failed, refunded, refunded_by_hand

__all__ = [
    "Asked", "approve", "captured_late", "decline", "expire", "receive", "refund_failed", "refunded",
    "refunded_by_hand", "request",
]  # fmt: skip
