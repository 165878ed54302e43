"""Where goods are and where they are sold: locations, the channels that they serve, and the carriers between.

A location is a warehouse, shop, supplier or partner with its address, opening hours and limits; a channel names its
locations, preferred first, and says how its orders are paid and sourced. Calendars are closed days that locations and
carrier services share; a carrier service has zones, transit times and rates. All are named by a handle, for good, and
never deleted: what is no longer used is made inactive. What a location takes on for a day is counted here, for holders
that are only an id. This domain knows no stock, no order, and no way to choose between locations.
"""

from oms_api.network.errors import NoCapacity
from oms_api.network.events import (
    CalendarCreated,
    CalendarUpdated,
    CarrierServiceCreated,
    CarrierServiceUpdated,
    ChannelCreated,
    ChannelUpdated,
    LocationCreated,
    LocationUpdated,
)
from oms_api.network.models import (
    CHANNEL,
    LOCATION,
    CapacityMeasure,
    Channel,
    ChannelLocation,
    Location,
    LocationKind,
    PaymentRule,
    SourcingObjective,
)
from oms_api.network.queries import (
    NO_CARRIERS,
    Carriers,
    ClosedDays,
    Network,
    capacity_taken,
    channels_by_handle,
    channels_by_id,
    closed_days,
    every_location,
    locations_by_handle,
    locations_by_id,
    network_of,
    networks_by_id,
)
from oms_api.network.rules import (
    Break,
    CarrierPlan,
    Limit,
    Rate,
    Taken,
    Zone,
    check_handle,
    coordinate_problems,
    countries,
    limits_of,
    most,
    prefix_of,
)
from oms_api.network.service import (
    Work,
    date_capacity,
    give_back_capacity,
    put_channels,
    put_locations,
    stamp_policy,
    take_capacity,
)

__all__ = [
    "CHANNEL", "LOCATION", "NO_CARRIERS", "Break", "CalendarCreated", "CalendarUpdated", "CapacityMeasure",
    "CarrierPlan", "CarrierServiceCreated", "CarrierServiceUpdated", "Carriers", "Channel", "ChannelCreated",
    "ChannelLocation", "ChannelUpdated", "ClosedDays", "Limit", "Location", "LocationCreated", "LocationKind",
    "LocationUpdated", "Network", "NoCapacity", "PaymentRule", "Rate", "SourcingObjective", "Taken", "Work", "Zone",
    "capacity_taken", "channels_by_handle", "channels_by_id", "check_handle", "closed_days", "coordinate_problems",
    "countries", "date_capacity", "every_location", "give_back_capacity", "limits_of", "locations_by_handle",
    "locations_by_id", "most", "network_of", "networks_by_id", "prefix_of", "put_channels", "put_locations",
    "stamp_policy", "take_capacity",
]  # fmt: skip
