"""Pure decisions of promising: what (`atp`), how far (`zones`) and when (`dates`); from where is `sourcing`'s.

No session, no clock, no I/O beyond reading package data once; integers for units, days and money.
"""

from oms_api.promising.rules import atp
from oms_api.promising.rules.atp import Step, Steps
from oms_api.promising.rules.dates import (
    WEEKDAYS,
    Pickup,
    WorkingHours,
    collection_day,
    delivery_day,
    latest_ship_day,
    leaves_at,
    pickup_day,
    ship_day,
    work_day,
)
from oms_api.promising.rules.zones import (
    STANDARD,
    CarrierService,
    Position,
    distance_km,
    position,
    zone,
    zone_between,
)

__all__ = [
    "STANDARD",
    "WEEKDAYS",
    "CarrierService",
    "Pickup",
    "Position",
    "Step",
    "Steps",
    "WorkingHours",
    "atp",
    "collection_day",
    "delivery_day",
    "distance_km",
    "latest_ship_day",
    "leaves_at",
    "pickup_day",
    "position",
    "ship_day",
    "work_day",
    "zone",
    "zone_between",
]
