"""The GraphQL kit: scalars and shared types, root fields with the one write path, loaders, execution and its limits."""

from oms_api.kit.graphql.context import Context, Info
from oms_api.kit.graphql.fields import Cost, Effect, Outcome, Payload, mutation, query
from oms_api.kit.graphql.scalars import BigInt, CountryCode, CurrencyCode, Json, Url
from oms_api.kit.graphql.types import (
    Count,
    CountPrecision,
    DateTimeFilter,
    HasMetadata,
    MetadataEntry,
    MetadataEntryInput,
    Money,
    MoneyInput,
    Node,
    PageInfo,
    SortDirection,
    StringFilter,
    UserError,
    UserErrorDetails,
    add_field,
    argument,
    describe_enum,
    field,
    money_of,
    user_errors,
)

__all__ = [
    "BigInt", "Context", "Cost", "Count", "CountPrecision", "CountryCode", "CurrencyCode", "DateTimeFilter", "Effect",
    "HasMetadata", "Info", "Json", "MetadataEntry", "MetadataEntryInput", "Money", "MoneyInput", "Node", "Outcome",
    "PageInfo", "Payload", "SortDirection", "StringFilter", "Url", "UserError", "UserErrorDetails", "add_field",
    "argument", "describe_enum", "field", "money_of", "mutation", "query", "user_errors",
]  # fmt: skip
