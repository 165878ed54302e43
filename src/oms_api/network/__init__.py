"""Where goods are and where they are sold: locations, and the channels that they serve.

A location is a warehouse, shop, supplier or partner with its address, opening days and limits; a channel names its
locations, preferred first, and says how its orders are paid and sourced. Both are named by a handle, for good, and are
never deleted: a location that is no longer used is made inactive. This domain knows no stock, no order, and no way
to choose between locations.
"""

from oms_api.network.events import ChannelCreated, ChannelUpdated, LocationCreated, LocationUpdated
from oms_api.network.models import (
    CHANNEL,
    LOCATION,
    Channel,
    ChannelLocation,
    Location,
    LocationKind,
    PaymentRule,
    SourcingObjective,
)
from oms_api.network.queries import (
    Network,
    channels_by_handle,
    channels_by_id,
    locations_by_handle,
    locations_by_id,
    network_of,
    networks_by_id,
)
from oms_api.network.service import put_channels, put_locations

__all__ = [
    "CHANNEL",
    "LOCATION",
    "Channel",
    "ChannelCreated",
    "ChannelLocation",
    "ChannelUpdated",
    "Location",
    "LocationCreated",
    "LocationKind",
    "LocationUpdated",
    "Network",
    "PaymentRule",
    "SourcingObjective",
    "channels_by_handle",
    "channels_by_id",
    "locations_by_handle",
    "locations_by_id",
    "network_of",
    "networks_by_id",
    "put_channels",
    "put_locations",
]
