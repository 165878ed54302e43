"""Refusals of promising."""

from oms_api.kit.errors import Refusal


class NoSource(Refusal):
    """No location can serve the line under the constraints.

    Relax what the message names: another destination, other locations of the channel, more shipments, or pick-up.
    """
