"""Pure checks of what a put says, and what calendars, carriers and limits mean. No session, no clock."""

from oms_api.network.rules.capacity import WHOLE, Limit, Room, Taken, check_capacities, limits_of, most, rooms
from oms_api.network.rules.carrier_checks import check_offers, check_service, check_weekdays
from oms_api.network.rules.carriers import Break, CarrierPlan, Rate, Zone, prefix_of
from oms_api.network.rules.checks import (
    CHANNEL_LOCATIONS_MAX,
    COUNT_MAX,
    PAYMENT_WINDOW_S,
    PROCESSING_DAYS_MAX,
    check_address,
    check_channel,
    check_handle,
    check_location,
    check_number,
    check_served_by,
    check_text,
    coordinate_problems,
    countries,
    timezones,
    unknown_location,
)
from oms_api.network.rules.hours import (
    check_calendar,
    check_days,
    check_exceptions,
    check_hours,
    short_form,
    unknown_calendar,
)

__all__ = [
    "CHANNEL_LOCATIONS_MAX", "COUNT_MAX", "PAYMENT_WINDOW_S", "PROCESSING_DAYS_MAX", "WHOLE", "Break", "CarrierPlan",
    "Limit", "Rate", "Room", "Taken", "Zone", "check_address", "check_calendar", "check_capacities", "check_channel",
    "check_days", "check_exceptions", "check_handle", "check_hours", "check_location", "check_number", "check_offers",
    "check_served_by", "check_service", "check_text", "check_weekdays", "coordinate_problems",
    "countries", "limits_of", "most", "prefix_of", "rooms", "short_form", "timezones", "unknown_calendar",
    "unknown_location",
]  # fmt: skip
