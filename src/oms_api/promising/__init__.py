"""What can be promised: availability, where from, by when, at which cost and why.

The mind over the ledgers: it reads network, catalog and inventory, decides by pure rules (`rules/`), and has no tables
of its own. A promise is an answer, not a state: it is signed into a token and only a reservation holds units. This
domain refuses to know orders; they call `plan`, `open_token` and `hold`.

    plan(reading, *, network, lines, destination=None, pickup=None, on_shortage=REJECT, objective=None, items=None)
        -> Planned (a Promised; and .short: refusals of what cannot be promised, .cost_minor, .locations)
    token_of(tenant_id, planned) -> str
    open_token(reading, token, path=("input", "promiseToken")) -> Promised   raises Invalid, Expired
    hold(tx, promised, *, owner_id, expires_at, line_ids=None) -> Reservation | None (nothing to hold)
    plan_and_hold(tx, ..., owner_id, expires_at, line_ids=None) -> (Planned, Reservation | None); plans again when
        others were quicker
"""

from oms_api.promising.errors import NoSource
from oms_api.promising.models import DeliveryMethod, Destination, Line, Parcel, PlannedUnits, Promised, ShortagePolicy

__all__ = ["DeliveryMethod", "Destination", "Line", "NoSource", "Parcel", "PlannedUnits", "Promised", "ShortagePolicy"]
