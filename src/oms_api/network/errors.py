"""Refusals of the network."""

from oms_api.kit.errors import Refusal


class NoCapacity(Refusal):
    """A location has no room left for the work on that day.

    Ask for a new promise: it names another day or location. `details` says what was asked and what is left.
    """
