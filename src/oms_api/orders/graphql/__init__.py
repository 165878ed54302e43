"""Orders in the API. Upper domains take `Order`, `OrderRef`, `OrderPayload`, `resolve_ref` and `preview` from here."""

from strawberry.tools import merge_types

from oms_api.orders.graphql import reads, wave, writes
from oms_api.orders.graphql.inputs import MetadataFilter, OrderRef, OrderWhere
from oms_api.orders.graphql.objects import (
    AvailableAction,
    DeliveryGroup,
    Order,
    OrderLine,
    group_of,
    line_of,
    order_of,
)
from oms_api.orders.graphql.preview import OrderPreview, preview, preview_of
from oms_api.orders.graphql.reads import resolve_ref
from oms_api.orders.graphql.writes import OrderPayload

Query = merge_types("Query", (reads.Query, wave.Query))
Mutation = merge_types("Mutation", (writes.Mutation, wave.Mutation))

__all__ = [
    "AvailableAction",
    "DeliveryGroup",
    "MetadataFilter",
    "Mutation",
    "Order",
    "OrderLine",
    "OrderPayload",
    "OrderPreview",
    "OrderRef",
    "OrderWhere",
    "Query",
    "group_of",
    "line_of",
    "order_of",
    "preview",
    "preview_of",
    "resolve_ref",
]
