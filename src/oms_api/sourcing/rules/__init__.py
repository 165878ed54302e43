"""The exact engine: integers for units, days and money; the same question gives the same plan, byte for byte."""

from oms_api.sourcing.rules.explain import Aside, Chosen, Rejected, RejectionReason, explain_rejected
from oms_api.sourcing.rules.plan import plan
from oms_api.sourcing.rules.words import (
    Break,
    Capacity,
    Demand,
    Objective,
    Parcel,
    Plan,
    Rate,
    Room,
    Shortage,
    ShortLine,
    Source,
    Weights,
)

__all__ = [
    "Aside", "Break", "Capacity", "Chosen", "Demand", "Objective", "Parcel", "Plan", "Rate", "Rejected",
    "RejectionReason", "Room", "ShortLine", "Shortage", "Source", "Weights",
    "explain_rejected", "plan",
]  # fmt: skip
