"""Stock rules in the API: they name delivery methods, which inventory does not know."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import UNSET

from oms_api import inventory, network
from oms_api.inventory import STOCK_RULE, Ruled, StockRuleKind
from oms_api.kit import paging
from oms_api.kit.db import Tx
from oms_api.kit.errors import BadInput, Invalid
from oms_api.kit.graphql import (
    Info,
    Node,
    Outcome,
    PageInfo,
    Payload,
    argument,
    describe_enum,
    field,
    found_by,
    mutation,
    node_type,
    query,
)
from oms_api.network.graphql import Location, location_of
from oms_api.promising.models import DeliveryMethod

SKUS_MAX = 250

describe_enum(
    StockRuleKind,
    "What a stock rule limits.",
    SAFETY_STOCK="Units of a SKU that a location never promises: everywhere, at one location, or there by one delivery "
    "method. The most specific rule wins, also over the location's own safety stock.",
    THRESHOLD="Units of a SKU that a channel withholds of the sum over its locations, in place of its own threshold.",
    MAX_PER_DAY="Units of a SKU that may be promised in a day (UTC), at a location or in a channel.",
)


@strawberry.type(description="Units of a SKU that are kept back, or allowed a day.")
class StockRule(Node):
    location_id: strawberry.Private[UUID | None]
    handle: str = field(description="Your name of it, unique per tenant.")
    kind: StockRuleKind = field(description="What it limits.")
    sku: str = field(description="SKU code.")
    channel: str | None = field(description="Handle of the channel that it is for.")
    delivery_method: DeliveryMethod | None = field(description="Only for units delivered so.")
    units: int = field(description="Units.")
    starts_at: datetime | None = field(description="From when; null: always.")
    ends_at: datetime | None = field(description="Until when; null: for good.")

    @field(description="Only at this location.")
    async def location(self, info: Info) -> Location | None:
        if self.location_id is None:
            return None
        row = await info.context.load(network.locations_by_id, self.location_id)
        return location_of(row) if row else None


def rule_of(row: inventory.StockRule) -> StockRule:
    return StockRule(
        id=strawberry.ID(STOCK_RULE(row.id)),
        location_id=row.location_id,
        handle=row.handle,
        kind=row.kind,
        sku=row.sku,
        channel=row.channel,
        delivery_method=DeliveryMethod(row.method) if row.method else None,
        units=row.units,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
    )


node_type(STOCK_RULE, StockRule, scope="inventory:read", find=found_by(inventory.rules_by_id, rule_of))


@strawberry.type(description="A rule with its cursor.")
class StockRuleEdge:
    cursor: str = field(description="Cursor.")
    node: StockRule = field(description="The rule.")


@strawberry.type(description="Page of rules.")
class StockRuleConnection:
    nodes: list[StockRule] = field(description="The rules.")
    edges: list[StockRuleEdge] = field(description="With cursors.")
    page_info: PageInfo = field(description="Paging.")


@strawberry.input(description="A stock rule.")
class StockRuleInput:
    handle: str = field(description="Your name of it; a second put with it replaces the first.")
    kind: StockRuleKind = field(description="What it limits.")
    sku: str = field(description="SKU.")
    units: int | None = field(description="Units; null takes the rule away.")
    location: str | None = field(default=UNSET, description="Location handle; SAFETY_STOCK, MAX_PER_DAY.")
    delivery_method: DeliveryMethod | None = field(
        default=UNSET, description="Only for units delivered so, at the location; SAFETY_STOCK."
    )
    channel: str | None = field(default=UNSET, description="Channel handle; THRESHOLD, MAX_PER_DAY.")
    starts_at: datetime | None = field(default=UNSET, description="From when; always when absent.")
    ends_at: datetime | None = field(default=UNSET, description="Until when; for good when absent.")


@strawberry.input(description="Up to 250 rules, all or none.")
class StockRulesPutInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    rules: list[StockRuleInput] = field(description="Rules.")


@strawberry.type(description="Answer.")
class StockRulesPayload(Payload):
    stock_rules: list[StockRule] = field(
        default_factory=list, description="Those that stand, in the order asked; empty when it failed."
    )

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> StockRulesPayload:
        rows = await info.context.load_many(inventory.rules_by_id, outcome.ids)
        return StockRulesPayload(stock_rules=[rule_of(row) for row in rows if row])


@strawberry.type
class Query:
    @query(description="Stock rules, by handle.", scope=["inventory:read"], sized_by=["first"])
    async def stock_rules(
        self,
        info: Info,
        skus: Annotated[list[str] | None, argument("Of these SKUs; of all when absent.")] = UNSET,
        first: Annotated[int | None, argument("How many; 20 when absent, at most 100.")] = UNSET,
        after: Annotated[str | None, argument("Those after this cursor.")] = UNSET,
    ) -> StockRuleConnection:
        codes = skus if isinstance(skus, list) else None
        if codes is not None and len(codes) > SKUS_MAX:
            raise BadInput(Invalid(f"skus: {len(codes)} are too many; ask for {SKUS_MAX} at most.", path=("skus",)))
        bound = paging.binding(info.context.known_caller().tenant_id, "stockRules", codes and sorted(codes))
        window = paging.window(
            bound, first=first if isinstance(first, int) else None, after=after if isinstance(after, str) else None
        )
        rows = await info.context.read(
            inventory.rule_page, skus=codes, after=window.after[0] if window.after else None, limit=window.limit
        )
        page = paging.page(bound, rows, window, lambda row: (row.handle,))
        nodes = [rule_of(row) for row in page.rows]
        return StockRuleConnection(
            nodes=nodes,
            edges=[StockRuleEdge(cursor=cursor, node=node) for cursor, node in zip(page.cursors, nodes, strict=True)],
            page_info=PageInfo.of(page),
        )


@strawberry.type
class Mutation:
    @mutation(StockRulesPayload, description="Keep units back, or limit a day's.", scope=["inventory:write"])
    async def stock_rules_put(tx: Tx, input: StockRulesPutInput) -> Outcome:
        rows = await inventory.put_rules(
            tx,
            [
                Ruled(
                    row.handle,
                    row.kind,
                    row.sku,
                    row.units,
                    row.location or None,
                    str(row.delivery_method) if isinstance(row.delivery_method, DeliveryMethod) else None,
                    row.channel or None,
                    row.starts_at if isinstance(row.starts_at, datetime) else None,
                    row.ends_at if isinstance(row.ends_at, datetime) else None,
                )
                for row in input.rules
            ],
        )
        return Outcome(ids=[row.id for row in rows], rows=[(inventory.rules_by_id, row.id, row) for row in rows])
