"""Refusals of returns."""

from oms_api.kit.errors import Refusal


class ReturnNotEligible(Refusal):
    """Outside the return policy.

    Ask for at most `details.remainingQuantity` units; the rest arrived too long ago.
    """
