"""The verbs of fulfillment, each in a file of its own. All lock the order first: whatever happens to one order happens
one after the other, and no two verbs can wait for each other."""

from oms_api.fulfillment.service.answer import accept, accept_cancel, reject_cancel
from oms_api.fulfillment.service.cancel import Why, cancel_order
from oms_api.fulfillment.service.overdue import tell_late, tell_overdue
from oms_api.fulfillment.service.plan import plan
from oms_api.fulfillment.service.refund import refund_late
from oms_api.fulfillment.service.reject import reassign, reject
from oms_api.fulfillment.service.ship import Handover, Tracking, ship
from oms_api.fulfillment.service.track import track

__all__ = [
    "Handover", "Tracking", "Why", "accept", "accept_cancel", "cancel_order", "plan", "reassign", "refund_late",
    "reject", "reject_cancel", "ship", "tell_late", "tell_overdue", "track",
]  # fmt: skip
