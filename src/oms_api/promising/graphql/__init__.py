"""Availability, promises and reservations in the API."""

from strawberry.tools import merge_types

from oms_api.promising.graphql import availability, promise
from oms_api.promising.graphql.availability import Availability, DestinationInput, destination_of
from oms_api.promising.graphql.promise import PromiseLineInput, lines_of
from oms_api.promising.graphql.reservation import Mutation, Reservation, reservation_of
from oms_api.promising.models import DeliveryMethod, ShortagePolicy

Query = merge_types("Query", (availability.Query, promise.Query))

__all__ = [
    "Availability",
    "DeliveryMethod",
    "DestinationInput",
    "Mutation",
    "PromiseLineInput",
    "Query",
    "Reservation",
    "ShortagePolicy",
    "destination_of",
    "lines_of",
    "reservation_of",
]
