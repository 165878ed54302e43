"""Refusals of the orders."""

from oms_api.kit.errors import Refusal


class PriceMismatch(Refusal):
    """A price, discount, tax or total sent differs from ours.

    Leave the price out to take the list's, or use a key with `prices:write`.
    """
