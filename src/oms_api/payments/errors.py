"""Refusals of payments."""

from oms_api.kit.errors import Refusal


class PaymentDeclined(Refusal):
    """The provider declined the payment."""
