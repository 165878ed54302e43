"""Locations, channels, calendars, carriers and capacity in the API."""

from strawberry.tools import merge_types

from oms_api.network.graphql import calendars, capacity, carriers, places
from oms_api.network.graphql.places import (
    Address,
    AddressInput,
    Channel,
    Location,
    address_json,
    address_of,
    channel_of,
    location_of,
)

_PARTS = (places, calendars, carriers, capacity)
Query = merge_types("Query", tuple(part.Query for part in _PARTS))
Mutation = merge_types("Mutation", tuple(part.Mutation for part in _PARTS))

__all__ = [
    "Address",
    "AddressInput",
    "Channel",
    "Location",
    "Mutation",
    "Query",
    "address_json",
    "address_of",
    "channel_of",
    "location_of",
]
