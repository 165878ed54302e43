"""Sourcing in the API."""

from strawberry.tools import merge_types

from oms_api.sourcing.graphql import decisions, policies
from oms_api.sourcing.graphql.decisions import CostTerm, SourcingDecision, cost_terms, decisions_of
from oms_api.sourcing.graphql.enums import RejectionReason
from oms_api.sourcing.graphql.inputs import Reader, SourcingExampleInput, SourcingRuleInput
from oms_api.sourcing.graphql.policies import (
    Mutation,
    SourcingPolicy,
    SourcingPolicyPayload,
    outcome_of,
    version_of,
)

Query = merge_types("Query", (policies.Query, decisions.Query))

__all__ = [
    "CostTerm",
    "Mutation",
    "Query",
    "Reader",
    "RejectionReason",
    "SourcingDecision",
    "SourcingExampleInput",
    "SourcingPolicy",
    "SourcingPolicyPayload",
    "SourcingRuleInput",
    "cost_terms",
    "decisions_of",
    "outcome_of",
    "version_of",
]
