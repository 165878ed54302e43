"""Availability, promises and reservations in the API."""

from strawberry.tools import merge_types

from oms_api.promising.graphql import availability, promise, publishing, reservation, rules, stock_rule, timeline
from oms_api.promising.graphql.availability import Availability, DestinationInput, destination_of
from oms_api.promising.graphql.promise import PromiseLineInput, lines_of
from oms_api.promising.graphql.reservation import Reservation, reservation_of
from oms_api.promising.models import DeliveryMethod, ShortagePolicy

Query = merge_types("Query", (availability.Query, promise.Query, rules.Query, stock_rule.Query, timeline.Query))
Mutation = merge_types("Mutation", (reservation.Mutation, publishing.Mutation, rules.Mutation, stock_rule.Mutation))

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
