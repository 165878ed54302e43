"""What can be promised: availability, where from, by when, at which cost and why.

The mind over the ledgers: it reads network, catalog and inventory, decides by pure rules (`rules/`), and has no tables
of its own. A promise is an answer, not a state: it is signed into a token, and only a reservation holds units. This
domain refuses to know orders; they call `plan_and_hold`, or `open_token` and `redeem`.
"""

from oms_api.promising.errors import NoSource
from oms_api.promising.events import PromiseChanged
from oms_api.promising.models import DeliveryMethod, Destination, Line, Parcel, PlannedUnits, Promised, ShortagePolicy
from oms_api.promising.service.arriving import Arrival, Awaiting, arrivals
from oms_api.promising.service.holding import hold, plan_and_hold
from oms_api.promising.service.letting_go import let_go, release_carts, take_back
from oms_api.promising.service.offers import Offer, Wish, offers
from oms_api.promising.service.planning import Planned, plan
from oms_api.promising.service.redeeming import redeem
from oms_api.promising.service.reserving import adopt
from oms_api.promising.service.tokens import open_token, token_of
from oms_api.promising.service.wanted import today_of, untimely

__all__ = [
    "Arrival", "Awaiting", "DeliveryMethod", "Destination", "Line", "NoSource", "Offer", "Parcel", "Planned",
    "PlannedUnits", "PromiseChanged", "Promised", "ShortagePolicy", "Wish", "adopt", "arrivals", "hold", "let_go",
    "offers", "open_token", "plan", "plan_and_hold", "redeem", "release_carts", "take_back", "today_of", "token_of",
    "untimely",
]  # fmt: skip
