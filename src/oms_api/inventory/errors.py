"""Refusals of the stock ledger."""

from oms_api.kit.errors import Refusal


class StaleQuantity(Refusal):
    """`expectedQuantity` is stale."""


class InsufficientStock(Refusal):
    """Not enough promisable stock."""
