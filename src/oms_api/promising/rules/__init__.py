"""Pure decisions of promising: what (`atp`), how far (`zones`), when (`dates`) and from where (`plan`).

No session, no clock, no I/O beyond reading package data once; integers for units, days and money.
"""

from oms_api.promising.rules import atp
from oms_api.promising.rules.atp import Step, Steps
from oms_api.promising.rules.dates import (
    WEEKDAYS,
    WorkingHours,
    delivery_day,
    leaves_at,
    ship_day,
    work_day,
)
from oms_api.promising.rules.explain import Reason, Rejected, explain_rejected
from oms_api.promising.rules.plan import plan
from oms_api.promising.rules.sourcing import (
    Demand,
    Objective,
    Parcel,
    Plan,
    Shortage,
    ShortLine,
    Source,
    split_allowed,
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
    "Demand",
    "Objective",
    "Parcel",
    "Plan",
    "Position",
    "Reason",
    "Rejected",
    "ShortLine",
    "Shortage",
    "Source",
    "Step",
    "Steps",
    "WorkingHours",
    "atp",
    "delivery_day",
    "distance_km",
    "explain_rejected",
    "leaves_at",
    "plan",
    "position",
    "ship_day",
    "split_allowed",
    "work_day",
    "zone",
    "zone_between",
]
