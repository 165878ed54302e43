"""Units that come back, and the money that goes with them.

A return (RMA) is REQUESTED by a customer within the window, APPROVED or DECLINED, PARTIALLY_RECEIVED, RECEIVED, and
CLOSED when everything arrived, was inspected and its refund was made. What becomes of a unit decides whether it goes
back to stock; whatever becomes of it, it is credited once. Money that was never captured is only credited. This domain
refuses to know how a parcel finds its way back.
"""

from oms_api.returns.errors import ReturnNotEligible
from oms_api.returns.events import ReturnApproved, ReturnClosed, ReturnDeclined, ReturnReceived, ReturnRequested
from oms_api.returns.models import RETURN, RETURN_LINE, Disposition, Return, ReturnLine, ReturnStatus
from oms_api.returns.queries import returns_by_id, returns_of
from oms_api.returns.service import approve, decline, receive, request

__all__ = [
    "RETURN", "RETURN_LINE", "Disposition", "Return", "ReturnApproved", "ReturnClosed", "ReturnDeclined", "ReturnLine",
    "ReturnNotEligible", "ReturnReceived", "ReturnRequested", "ReturnStatus", "approve", "decline", "receive",
    "request", "returns_by_id", "returns_of",
]  # fmt: skip
