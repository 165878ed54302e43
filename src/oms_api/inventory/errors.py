"""Refusals of the stock ledger."""

from oms_api.kit.errors import Refusal


class StaleQuantity(Refusal):
    """`expectedQuantity` is stale.

    Read the position again, count again if need be, and send what is on hand now as `expectedQuantity`.
    """


class InsufficientStock(Refusal):
    """Not enough promisable stock.

    Order at most `details.available` of `details.sku`, wait until `details.nextAvailableAt`, or allow another
    `onShortage`. With a promise, ask for a new one.
    """
