"""The verbs of the network, a file a noun."""

from oms_api.network.service.calendars import Applied, apply_holidays, put_calendars, put_location_calendars
from oms_api.network.service.capacity import (
    Work,
    date_capacity,
    give_back_capacity,
    put_capacities,
    take_capacity,
)
from oms_api.network.service.carriers import put_location_services, put_services
from oms_api.network.service.put import put_channels, put_locations, stamp_policy

__all__ = [
    "Applied", "Work", "apply_holidays", "date_capacity", "give_back_capacity", "put_calendars", "put_capacities",
    "put_channels", "put_location_calendars", "put_location_services", "put_locations", "put_services", "stamp_policy",
    "take_capacity",
]  # fmt: skip
