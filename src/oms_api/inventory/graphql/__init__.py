"""Stock and supply in the API."""

from strawberry.tools import merge_types

from oms_api.inventory.graphql import count, stock, supply
from oms_api.inventory.graphql.stock import InventoryChangeInput, InventoryPosition, Query, position_of
from oms_api.inventory.graphql.supply import Supply, SupplyInput, supply_of

Mutation = merge_types("Mutation", (stock.Mutation, count.Mutation, supply.Mutation))

__all__ = [
    "InventoryChangeInput",
    "InventoryPosition",
    "Mutation",
    "Query",
    "Supply",
    "SupplyInput",
    "position_of",
    "supply_of",
]
