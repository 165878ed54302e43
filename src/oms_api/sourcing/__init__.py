"""Where from: the choice among the ways in which an order could be sent, and the policies that steer it.

A pure engine (`rules/`): what is wanted and the ways to send it go in; the best plan, its cost by term, its bound and
the reasons against what was not chosen come out. A policy is versioned data: rules that leave locations out, make them
dearer, or say how to plan; one version is live, another may run beside it. Every decision that units are held by is
kept with all that it was made from, and can be made again. This domain refuses to know how stock and dates come about:
`promising` builds the sources and asks.
"""

from oms_api.sourcing.models import DecisionReason, Policy, PolicyVersion
from oms_api.sourcing.rules import (
    Aside,
    Break,
    Capacity,
    Chosen,
    Demand,
    Objective,
    Parcel,
    Plan,
    Rate,
    Rejected,
    RejectionReason,
    Room,
    Shortage,
    ShortLine,
    Source,
    Weights,
    explain_rejected,
    plan,
)
from oms_api.sourcing.rules.decide import ENGINE, Asked, decide, plan_json, steered, weighed
from oms_api.sourcing.rules.policy import Cart, Content, Example, Rule, Ruled, Settings, Spot
from oms_api.sourcing.rules.policy import apply as apply_rules
from oms_api.sourcing.rules.rejected import Rejection, rejections
from oms_api.sourcing.rules.wave import Claim, Held, Outcome, Share, WaveStrategy, wave
from oms_api.sourcing.service.decisions import forget, hand_over, record, record_promised, rules_of
from oms_api.sourcing.service.policies import publish
from oms_api.sourcing.service.world import NOTHING, Live, live_of

__all__ = [
    "ENGINE", "NOTHING", "Aside", "Asked", "Break", "Capacity", "Cart", "Chosen", "Claim", "Content",
    "DecisionReason", "Demand", "Example", "Held", "Live", "Objective", "Outcome", "Parcel", "Plan", "Policy",
    "PolicyVersion", "Rate", "Rejected", "Rejection", "RejectionReason", "Room", "Rule", "Ruled", "Settings",
    "Share", "ShortLine", "Shortage", "Source", "Spot", "WaveStrategy", "Weights", "apply_rules", "decide",
    "explain_rejected", "forget", "hand_over", "live_of", "plan", "plan_json", "publish", "record", "record_promised",
    "rejections", "rules_of", "steered", "wave", "weighed",
]  # fmt: skip
