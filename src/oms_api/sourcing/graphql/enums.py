"""Enums of sourcing, described."""

from oms_api.kit.graphql import describe_enum
from oms_api.sourcing.models import DecisionReason
from oms_api.sourcing.rules.explain import RejectionReason
from oms_api.sourcing.rules.policy import SourcingEffect, SourcingSort

__all__ = ["DecisionReason", "RejectionReason", "SourcingEffect", "SourcingSort"]

describe_enum(
    SourcingEffect,
    "What a sourcing rule does.",
    ONLY="Only the locations that it names may serve; when soft, others cost its penalty a shipment.",
    EXCLUDE="The locations that it names may not serve; when soft, they cost its penalty a shipment.",
    COST="Parcels of the locations that it names cost more.",
    SET="Says how to plan.",
)
describe_enum(
    SourcingSort,
    "What makes one location preferred to another when plans are otherwise equal.",
    CHANNEL="The channel's own order.",
    DISTANCE="Nearest to the destination first.",
    WAREHOUSES_FIRST="Warehouses before others.",
    STORES_FIRST="Stores before others.",
    MOST_STOCK="Most units of the cart first.",
)


describe_enum(
    DecisionReason,
    "Why it had to be decided from where units come.",
    ORDER="The order was placed.",
    PROMISE="The order was placed with a promise that could not be decided again the same: kept as it was promised.",
    BACKORDER="Stock or supply came for what was backordered.",
    REASSIGNMENT="A location could not do it.",
    WAVE="A wave looked at many orders together.",
)
describe_enum(
    RejectionReason,
    "Why a location was not used.",
    NO_STOCK="No promisable unit there.",
    NOT_ELIGIBLE="Not in the channel's network, or lacks the capability.",
    CLOSED="Closed or past cut-off for the wanted date.",
    NO_CAPACITY="Its capacity is used up.",
    TOO_LATE="Cannot arrive in time.",
    REJECTED_BEFORE="It said no to these units before.",
    EXCLUDED_BY_RULE="A rule of the policy leaves it out.",
    DEARER="Usable, but a better plan exists.",
)
