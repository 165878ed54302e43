"""ATP rules in the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from oms_api.kit.db import Tx
from oms_api.kit.graphql import (
    Info,
    Node,
    Outcome,
    Payload,
    argument,
    describe_enum,
    field,
    found_by,
    given,
    mutation,
    node_type,
    query,
)
from oms_api.promising import queries
from oms_api.promising.models import ATP_RULE, AtpMode, AtpRule, GeneratorKind
from oms_api.promising.service import ruling

describe_enum(
    AtpMode,
    "How what can be promised by a date is worked out.",
    INFINITE="Any number at any time, whatever is there.",
    LEAD_TIME="Stock and supply as they come, and any number from the lead time on.",
    CUMULATIVE="Everything that came until then, less what later demand needs: the default.",
    PERIOD="Period by period; shortages consume earlier surplus, later surplus, or both.",
    DISCRETE="From one receipt, or from what is on hand: nothing is added up.",
)
describe_enum(
    GeneratorKind,
    "Where units could come from beyond ATP.",
    TRANSFER="Another location sends what it can promise.",
    DROP_SHIP="A supplier sends what is wanted.",
    MAKE="It is made or assembled from components.",
)


@strawberry.type(description="Units of a component in one.")
class GeneratorComponent:
    sku: str = field(description="SKU.")
    quantity: int = field(description="Units.")


@strawberry.type(description="Where units could come from beyond ATP: asked only when ATP fails.")
class AtpGenerator:
    kind: GeneratorKind = field(description="How.")
    location: str | None = field(description="Handle of the location that it comes from; null unless TRANSFER.")
    lead_days: int = field(description="Days until it is there: of the supplier's open days for DROP_SHIP.")
    per_day: int | None = field(description="Units an open day at most; null for any number.")
    open_days: list[int] = field(description="Weekdays on which it works, ISO 1-7.")
    components: list[GeneratorComponent] = field(description="What one is made of; empty unless MAKE.")


@strawberry.type(name="AtpRule", description="How what can be promised by a date is worked out, and for which SKUs.")
class AtpRuleType(Node):
    handle: str = field(description="Handle.")
    skus: list[str] = field(description="SKUs that it is for; none: for every SKU that no other active rule names.")
    mode: AtpMode = field(description="Mode.")
    past_due_supply_days: int | None = field(
        description="Supply is counted on until so many days after it was due; null: until it is withdrawn."
    )
    past_due_demand_days: int | None = field(
        description="Demand stands in the projected balance until so many days after its date; null: for ever."
    )
    delayed_offset_days: int = field(description="Past-due supply is promised so many days from today.")
    horizon_days: int | None = field(description="Supply after so many days is not promised; null: no such fence.")
    lead_time_days: int | None = field(description="With LEAD_TIME: any number can be had from so many days on.")
    period_days: int = field(description="With PERIOD: days of a period.")
    consume_backward: bool = field(description="With PERIOD: a shortage consumes the surplus of earlier periods.")
    consume_forward: bool = field(description="With PERIOD: then that of later ones.")
    accumulation_periods: int | None = field(
        description="With PERIOD: surplus is offered for so many periods after its own; null: for ever."
    )
    generators: list[AtpGenerator] = field(description="Where units could come from when ATP fails.")
    active: bool = field(description="Is applied.")
    updated_at: datetime = field(description="Last change.")


def rule_of(row: AtpRule) -> AtpRuleType:
    return AtpRuleType(
        id=strawberry.ID(ATP_RULE(row.id)),
        handle=row.handle,
        skus=row.skus,
        mode=row.mode,
        past_due_supply_days=row.past_due_supply_days,
        past_due_demand_days=row.past_due_demand_days,
        delayed_offset_days=row.delayed_offset_days,
        horizon_days=row.horizon_days,
        lead_time_days=row.lead_time_days,
        period_days=row.period_days,
        consume_backward=row.consume_backward,
        consume_forward=row.consume_forward,
        accumulation_periods=row.accumulation_periods,
        generators=[
            AtpGenerator(
                kind=GeneratorKind(generator["kind"]),
                location=generator["location"],
                lead_days=generator["leadDays"],
                per_day=generator["perDay"],
                open_days=generator["openDays"],
                components=[GeneratorComponent(sku=sku, quantity=units) for sku, units in generator["components"]],
            )
            for generator in row.generators
        ],
        active=row.active,
        updated_at=row.updated_at,
    )


node_type(ATP_RULE, AtpRuleType, scope="availability:read", find=found_by(queries.atp_rules_by_id, rule_of))


@strawberry.input(description="Units of a component in one.")
class GeneratorComponentInput:
    sku: str = field(description="SKU.")
    quantity: int = field(default=1, description="Units.")


@strawberry.input(description="Where units could come from beyond ATP.")
class AtpGeneratorInput:
    kind: GeneratorKind = field(description="How.")
    location: str | None = field(default=UNSET, description="Handle; needed by TRANSFER, for no other.")
    lead_days: int = field(default=0, description="Days until it is there.")
    per_day: int | None = field(default=UNSET, description="Units an open day at most; any number when absent.")
    open_days: list[int] | None = field(default=UNSET, description="Weekdays, ISO 1-7; every day when absent.")
    components: list[GeneratorComponentInput] | None = field(
        default=UNSET, description="What one is made of; needed by MAKE, for no other."
    )


@strawberry.input(
    description="Create or, by handle, change an ATP rule: an absent field stays as it is, null clears it."
)
class AtpRuleInput:
    handle: str = field(description="Handle.")
    skus: strawberry.Maybe[list[str] | None] = field(description="SKUs, up to 1,000; none: all that no other names.")
    mode: strawberry.Maybe[AtpMode | None] = field(description="Mode; CUMULATIVE for a new one.")
    past_due_supply_days: strawberry.Maybe[int | None] = field(description="Days that late supply is counted on.")
    past_due_demand_days: strawberry.Maybe[int | None] = field(description="Days that late demand stands.")
    delayed_offset_days: strawberry.Maybe[int | None] = field(
        description="Days from today when late supply is promised; 1 for a new one."
    )
    horizon_days: strawberry.Maybe[int | None] = field(description="Days that are looked ahead.")
    lead_time_days: strawberry.Maybe[int | None] = field(description="Days; needed by LEAD_TIME.")
    period_days: strawberry.Maybe[int | None] = field(description="Days of a period; 1 for a new one.")
    consume_backward: strawberry.Maybe[bool | None] = field(description="True for a new one.")
    consume_forward: strawberry.Maybe[bool | None] = field(description="False for a new one.")
    accumulation_periods: strawberry.Maybe[int | None] = field(description="Periods that surplus is kept on offer.")
    generators: strawberry.Maybe[list[AtpGeneratorInput] | None] = field(description="Up to 10.")
    active: strawberry.Maybe[bool | None] = field(description="Is applied; true for a new one.")


@strawberry.input(description="Up to 100 ATP rules, all or none.")
class AtpRulesPutInput:
    rules: list[AtpRuleInput] = field(description="Rules.")


@strawberry.type(description="Answer.")
class AtpRulesPayload(Payload):
    rules: list[AtpRuleType] = field(default_factory=list, description="In the order asked.")

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> AtpRulesPayload:
        rows = await info.context.load_many(queries.atp_rules_by_id, outcome.ids)
        return AtpRulesPayload(rules=[rule_of(row) for row in rows if row])


def _change(sent: AtpRuleInput) -> dict[str, Any]:
    change = given(sent)
    if change.get("generators") is not None:
        change["generators"] = [
            {
                "kind": str(one.kind),
                "location": one.location or None,
                "leadDays": one.lead_days,
                "perDay": one.per_day if isinstance(one.per_day, int) else None,
                "openDays": sorted(one.open_days) if isinstance(one.open_days, list) else [1, 2, 3, 4, 5, 6, 7],
                "components": [[part.sku, part.quantity] for part in one.components or ()],
            }
            for one in change["generators"]
        ]
    return change


@strawberry.type
class Query:
    @query(description="Rules for what can be promised by a date, by handle.", scope=["availability:read"], weight=5)
    async def atp_rules(
        self,
        info: Info,
        handles: Annotated[list[str] | None, argument("Only these; unknown ones are left out.")] = None,
    ) -> list[AtpRuleType]:
        rows = await info.context.read(queries.atp_rules)
        return [rule_of(row) for row in rows if handles is None or row.handle in handles]


@strawberry.type
class Mutation:
    @mutation(AtpRulesPayload, description="Create or change ATP rules.", scope=["availability:write"])
    async def atp_rules_put(tx: Tx, input: AtpRulesPutInput) -> Outcome:
        rows = await ruling.put_rules(tx, [_change(sent) for sent in input.rules])
        return Outcome(ids=[row.id for row in rows], rows=[(queries.atp_rules_by_id, row.id, row) for row in rows])
