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
from oms_api.sourcing.graphql.enums import DecisionReason
from oms_api.sourcing.models import SOURCING_DECISION
from oms_api.sourcing.rules import Plan
from oms_api.sourcing.rules.decide import plan_json
from oms_api.sourcing.service import decisions


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


@strawberry.type(description="From where units were to come: made once, kept with everything that it was made from.")
class SourcingDecision(Node):
    reason: DecisionReason = field(description="Why it was made.")
    channel: str = field(description="Channel handle.")
    policy: str = field(description="Policy that decided; `built-in` has no rules.")
    policy_number: int = field(description="Its version.")
    engine: int = field(description="Version of the planner.")
    cost: Money = field(description="Cost of the plan.")
    lower_bound: Money = field(description="No plan scores less, penalties included; equal: proven best.")
    shipments: list[DecidedShipment] = field(description="The plan.")
    created_at: datetime = field(description="When.")


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


def decision_of(row: models.Decision) -> SourcingDecision:
    return SourcingDecision(
        id=strawberry.ID(SOURCING_DECISION(row.id)),
        reason=row.reason,
        channel=row.channel,
        policy=row.policy,
        policy_number=row.policy_number,
        engine=row.engine,
        cost=money_of(row.cost_minor, row.currency),
        lower_bound=money_of(row.lower_bound_minor, row.currency),
        shipments=_shipments(row.plan, row.currency),
        created_at=row.created_at,
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
        except NotFound as refusal:
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
