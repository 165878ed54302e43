"""Every SELECT of the network."""

from oms_api.network.queries.capacity import Days, capacity_taken
from oms_api.network.queries.carriers import (
    NO_CARRIERS,
    Carriers,
    ClosedDays,
    all_services,
    calendar_handles,
    calendars_by_handle,
    calendars_by_id,
    carriers_at,
    closed_days,
    days_of,
    service_handles,
    services_by_handle,
    services_by_id,
)
from oms_api.network.queries.rows import (
    Network,
    Served,
    channels_by_handle,
    channels_by_id,
    every_location,
    location_ids,
    locations_by_handle,
    locations_by_id,
    network_of,
    networks_by_id,
    served,
)

__all__ = [
    "NO_CARRIERS", "Carriers", "ClosedDays", "Days", "Network", "Served", "all_services", "calendar_handles",
    "calendars_by_handle", "calendars_by_id", "capacity_taken", "carriers_at", "channels_by_handle", "channels_by_id",
    "closed_days", "days_of", "every_location", "location_ids", "locations_by_handle", "locations_by_id", "network_of",
    "networks_by_id", "served", "service_handles", "services_by_handle", "services_by_id",
]  # fmt: skip
