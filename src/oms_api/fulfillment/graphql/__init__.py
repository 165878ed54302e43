"""Fulfillment in the API: `objects` are what is read, `writes` the mutations."""

from oms_api.fulfillment.graphql.objects import Fulfillment, Shipment, fulfillment_of, shipment_of
from oms_api.fulfillment.graphql.writes import Mutation

__all__ = ["Fulfillment", "Mutation", "Shipment", "fulfillment_of", "shipment_of"]
