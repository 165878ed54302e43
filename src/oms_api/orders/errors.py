"""Refusals of the orders."""

from oms_api.kit.errors import Refusal


class PriceMismatch(Refusal):
    """A price, discount, tax or total sent differs from ours."""
