"""Refusals of payments."""

from oms_api.kit.errors import Refusal


class PaymentDeclined(Refusal):
    """The provider declined the payment.

    Have the customer pay in another way, with a fresh idempotency key. `details.providerCode` says why it was declined.
    """
