"""Decisions in the API: what was decided, from what, and whether it would be again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import UNSET

from oms_api.kit import ids
from oms_api.kit.errors import BadInput, Invalid, NotFound
from oms_api.kit.graphql import Info, Money, Node, argument, field, found_by, money_of, node_type, query
from oms_api.sourcing import models, queries
from oms_api.sourcing.graphql.enums import DecisionReason, RejectionReason
from oms_api.sourcing.models import SOURCING_DECISION
from oms_api.sourcing.rules import Plan
from oms_api.sourcing.rules.decide import plan_json
from oms_api.sourcing.service import decisions
from oms_api.sourcing.service.world import BUILT_IN

TERMS = {"shipping_fixed": "shipping", "shipping_weight": "weight"}
"""Each parcel's base by zone, and its weight."""


@strawberry.type(description="Units of a SKU in a decided parcel.")
class DecidedLine:
    sku: str = field(description="SKU.")
    quantity: int = field(description="Units.")


@strawberry.type(description="A parcel as it was decided.")
class DecidedShipment:
    location: str = field(description="Location handle.")
    service: str | None = field(description="Carrier service; null when it is collected.")
    ships_on: date = field(description="Leaves.")
    arrives_on: date = field(description="Arrives.")
    cost: Money = field(description="What it costs.")
    lines: list[DecidedLine] = field(description="What is in it.")


@strawberry.type(description="One term of a cost.")
class CostTerm:
    name: str = field(description="`shipping`, `handling`, `lateness`, `split`…")
    amount: Money = field(description="Amount.")


@strawberry.type(description="A location that a decision did not use.")
class DecidedRejection:
    location: str = field(description="Location handle.")
    reason: RejectionReason = field(description="Why.")
    message: str = field(description="In words.")
    dearer_by: Money | None = field(
        description="How much more, penalties included, all of it in one parcel from there would have been; null when "
        "that was not possible."
    )


@strawberry.type(description="From where units were to come: made once, kept with everything that it was made from.")
class SourcingDecision(Node):
    reason: DecisionReason = field(description="Why it was made.")
    channel: str = field(description="Channel handle.")
    policy: str = field(description="Policy that decided; `built-in` has no rules.")
    policy_number: int = field(description="Its version.")
    engine: int = field(description="Version of the planner.")
    cost: Money = field(description="Cost of the plan.")
    terms: list[CostTerm] = field(description="Cost by term; adds up to `cost`.")
    penalties: list[CostTerm] = field(description="What else was weighed, by term; not part of `cost`.")
    lower_bound: Money = field(description="No plan scores less, penalties included; equal: proven best.")
    gap: Money = field(description="How much better a plan could be at most; 0 is proven best.")
    shipments: list[DecidedShipment] = field(description="The plan.")
    created_at: datetime = field(description="When.")
    row: strawberry.Private[models.Decision]

    @field(description="Locations that were not used, each with the reason; nearly chosen ones first.")
    async def rejected(self, info: Info) -> list[DecidedRejection]:
        row = self.row
        rules = None
        if row.policy != BUILT_IN:
            rules = await info.context.load(queries.rules_of, (row.policy, row.policy_number))
        return [
            DecidedRejection(
                location=one.location,
                reason=one.reason,
                message=one.message,
                dearer_by=None if one.dearer_by is None else money_of(one.dearer_by, row.currency),
            )
            for one in decisions.rejected(row, rules or ())
        ]


@strawberry.type(description="A decision made again.")
class SourcingReplay:
    decision: SourcingDecision = field(description="The decision.")
    policy: str = field(description="Policy by which it was made again.")
    policy_number: int = field(description="Its version.")
    same: bool = field(
        description="The same: by the version that made it, byte for byte; by another one, the same parcels."
    )
    served: bool = field(description="There is a plan.")
    cost: Money | None = field(description="Its cost; null without a plan.")
    shipments: list[DecidedShipment] = field(description="The plan that it would be.")


def _shipments(plan: Mapping[str, Any], currency: str) -> list[DecidedShipment]:
    return [
        DecidedShipment(
            location=parcel["location"],
            service=parcel["service"] or None,
            ships_on=date.fromordinal(parcel["shipsOn"]),
            arrives_on=date.fromordinal(parcel["arrivesOn"]),
            cost=money_of(parcel["cost"], currency),
            lines=[DecidedLine(sku=sku, quantity=quantity) for sku, quantity in parcel["lines"]],
        )
        for parcel in plan.get("parcels", ())
    ]


def cost_terms(terms: Mapping[str, int], currency: str) -> list[CostTerm]:
    """The planner's terms in the API's words."""
    return [CostTerm(name=TERMS.get(name, name), amount=money_of(minor, currency)) for name, minor in terms.items()]


def decision_of(row: models.Decision) -> SourcingDecision:
    return SourcingDecision(
        id=strawberry.ID(SOURCING_DECISION(row.id)),
        reason=row.reason,
        channel=row.channel,
        policy=row.policy,
        policy_number=row.policy_number,
        engine=row.engine,
        cost=money_of(row.cost_minor, row.currency),
        terms=cost_terms(row.plan["terms"], row.currency),
        penalties=cost_terms(row.plan["penalties"], row.currency),
        lower_bound=money_of(row.lower_bound_minor, row.currency),
        gap=money_of(row.plan["score"] - row.lower_bound_minor, row.currency),
        shipments=_shipments(row.plan, row.currency),
        created_at=row.created_at,
        row=row,
    )


async def decisions_of(info: Info, owner_id: UUID) -> Sequence[SourcingDecision]:
    """Decisions about what belongs to an owner, oldest first."""
    rows = await info.context.load(queries.decisions_of, owner_id) or []
    return [decision_of(row) for row in rows]


node_type(
    SOURCING_DECISION, SourcingDecision, scope="sourcing:read", find=found_by(queries.decisions_by_id, decision_of)
)


@strawberry.type
class Query:
    @query(
        description="Make a decision again from what it was made from: by the version that made it, or by another one.",
        scope=["sourcing:read"],
        weight=20,
    )
    async def sourcing_replay(
        self,
        info: Info,
        decision: Annotated[strawberry.ID, argument("The decision.")],
        policy: Annotated[str | None, argument("Another policy's handle.")] = UNSET,
        number: Annotated[int | None, argument("Its version; needed with `policy`.")] = UNSET,
    ) -> SourcingReplay | None:
        prefix, id_ = ids.decode(decision)
        row = await info.context.load(queries.decisions_by_id, id_) if prefix == SOURCING_DECISION.text else None
        if row is None:
            return None
        by: tuple[str, int] | None = None
        if isinstance(policy, str):
            if not isinstance(number, int):
                raise BadInput(Invalid("Send `number`, the version of that policy.", path=("number",)))
            by = policy, number
        try:
            again = await info.context.read(decisions.replay, row, by)
        except (NotFound, Invalid) as refusal:
            raise BadInput(refusal) from refusal
        plan = again.decided.plan
        return SourcingReplay(
            decision=decision_of(row),
            policy=again.policy,
            policy_number=again.number,
            same=again.same,
            served=isinstance(plan, Plan),
            cost=money_of(plan.cost, row.currency) if isinstance(plan, Plan) else None,
            shipments=_shipments(plan_json(plan), row.currency),
        )
