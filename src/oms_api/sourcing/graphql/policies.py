"""Sourcing policies in the API. Publishing, which plans examples, is `promising`'s."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import UNSET

from oms_api.kit.db import Tx
from oms_api.kit.errors import BadInput, Invalid
from oms_api.kit.graphql import (
    CurrencyCode,
    Info,
    Json,
    Money,
    Node,
    Outcome,
    Payload,
    argument,
    field,
    found_by,
    money_of,
    mutation,
    node_type,
    query,
)
from oms_api.network import channels_by_id
from oms_api.network.graphql import Channel, channel_of
from oms_api.sourcing import models, queries
from oms_api.sourcing.graphql.enums import SourcingEffect
from oms_api.sourcing.models import SOURCING_DECISION, SOURCING_POLICY
from oms_api.sourcing.service import policies

VERSIONS_MAX = 100


@strawberry.type(description="One rule of a version.")
class SourcingRule:
    name: str = field(description="Its name.")
    effect: SourcingEffect = field(description="What it does.")
    definition: Json = field(description="Everything that was sent for it; amounts in minor units.")


@strawberry.type(description="What a policy said when it was published. Never changes.")
class SourcingPolicyVersion:
    number: int = field(description="1, 2, 3…")
    extends: str | None = field(description="Policy whose rules come first.")
    extends_number: int | None = field(description="Which version of it.")
    note: str | None = field(description="Why it was made.")
    created_at: datetime = field(description="When it was published.")
    rules: list[SourcingRule] = field(description="Its own rules, in order.")
    examples: Json = field(description="Carts with the plans that it found when it was published.")


@strawberry.type(description="Who may serve a cart, at which extra cost, what plans must be best at: versioned data.")
class SourcingPolicy(Node):
    row: strawberry.Private[models.Policy]
    handle: str = field(description="Your name for it, unique.")
    currency: CurrencyCode = field(description="What its amounts are in; its channels sell in it.")
    latest: int = field(description="Number of its newest version.")
    live: int | None = field(description="The version that decides; null until one is promoted.")
    previous: int | None = field(description="The version that decided before; a roll back returns to it.")
    shadow: int | None = field(description="The candidate that runs beside.")
    version: int = field(description="Grows with every change; send it back as `expectedVersion`.")

    @field(description="Channels that it decides for.")
    async def channels(self, info: Info) -> list[Channel]:
        ids = await info.context.load(queries.channels_of, self.row.id) or []
        rows = await info.context.load_many(channels_by_id, ids)
        return sorted((channel_of(row) for row in rows if row), key=lambda channel: channel.handle)

    @field(description="Versions, newest first.")
    async def versions(
        self, info: Info, first: Annotated[int, argument("How many at most, up to 100.")] = 20
    ) -> list[SourcingPolicyVersion]:
        if not 0 <= first <= VERSIONS_MAX:
            raise BadInput(Invalid(f"first: {first} is not allowed; ask for 0 to {VERSIONS_MAX}.", path=("first",)))
        rows = await info.context.load(queries.versions_of, self.row.id) or []
        return [version_of(row) for row in rows[:first]]

    @field(description="What the candidate would have done otherwise; null without a candidate.")
    async def shadow_report(self, info: Info) -> SourcingShadowReport | None:
        number = self.row.shadow
        if number is None:
            return None
        sums = await info.context.read(queries.report, self.row.id, number)
        samples = await info.context.read(queries.different, self.row.id, number)
        served = sums.decisions - sums.unserved
        return SourcingShadowReport(
            number=number,
            since=self.row.shadow_since,
            decisions=sums.decisions,
            same=sums.same,
            unserved=sums.unserved,
            cost=money_of(sums.cost, self.currency),
            live_cost=money_of(sums.live_cost, self.currency),
            shipments=sums.shipments,
            live_shipments=sums.live_shipments,
            days_later=sums.days / served if served else 0.0,
            different=[strawberry.ID(SOURCING_DECISION(row.id)) for row in samples],
        )


@strawberry.type(description="A candidate version beside the live one, over the decisions since it began.")
class SourcingShadowReport:
    number: int = field(description="The candidate.")
    since: datetime | None = field(description="Since when.")
    decisions: int = field(description="Decisions that it was tried on.")
    same: int = field(description="Of these, those with the same plan.")
    unserved: int = field(description="Of these, those that it would have left without a plan; not in the sums below.")
    cost: Money = field(description="What its plans would have cost.")
    live_cost: Money = field(description="What the plans that were made cost.")
    shipments: int = field(description="Parcels of its plans.")
    live_shipments: int = field(description="Parcels of the plans that were made.")
    days_later: float = field(description="By how many days its plans arrive later, on average; negative is earlier.")
    different: list[strawberry.ID] = field(description="The newest decisions that it would make otherwise, 20 at most.")


def version_of(row: models.PolicyVersion) -> SourcingPolicyVersion:
    return SourcingPolicyVersion(
        number=row.number,
        extends=row.extends,
        extends_number=row.extends_number,
        note=row.note,
        created_at=row.created_at,
        rules=[
            SourcingRule(name=rule["name"], effect=SourcingEffect(rule["effect"]), definition=Json(rule))
            for rule in row.content.get("rules", ())
        ],
        examples=Json(row.content.get("examples", [])),
    )


def policy_of(row: models.Policy) -> SourcingPolicy:
    return SourcingPolicy(
        id=strawberry.ID(SOURCING_POLICY(row.id)),
        row=row,
        handle=row.handle,
        currency=CurrencyCode(row.currency),
        latest=row.latest,
        live=row.live,
        previous=row.previous,
        shadow=row.shadow,
        version=row.version,
    )


node_type(SOURCING_POLICY, SourcingPolicy, scope="sourcing:read", find=found_by(queries.policies_by_id, policy_of))


@strawberry.input(description="Let a version decide.")
class SourcingPolicyPromoteInput:
    policy: str = field(description="Policy handle.")
    number: int = field(description="Version.")
    channels: list[str] | None = field(
        default=UNSET, description="Channels that it decides for from now on, beside those that it has."
    )
    expected_version: int | None = field(default=UNSET, description="`version` as you saw it.")


@strawberry.input(description="Return to the version that decided before.")
class SourcingPolicyRollBackInput:
    policy: str = field(description="Policy handle.")
    expected_version: int | None = field(default=UNSET, description="`version` as you saw it.")


@strawberry.input(description="Let a candidate run beside the live version.")
class SourcingPolicyShadowInput:
    policy: str = field(description="Policy handle.")
    number: int | None = field(default=UNSET, description="Version; null ends it.")
    expected_version: int | None = field(default=UNSET, description="`version` as you saw it.")


@strawberry.type(description="Answer.")
class SourcingPolicyPayload(Payload):
    policy: SourcingPolicy | None = field(default=None, description="The policy.")
    preview: SourcingPolicyVersion | None = field(
        default=None, description="With `dryRun`: the version that it would be."
    )

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> SourcingPolicyPayload:
        if not outcome.ids:
            return SourcingPolicyPayload(preview=outcome.preview)
        row = await info.context.load(queries.policies_by_id, outcome.ids[0])
        return SourcingPolicyPayload(policy=policy_of(row) if row else None)


def outcome_of(row: models.Policy) -> Outcome:
    return Outcome(ids=[row.id], rows=[(queries.policies_by_id, row.id, row)])


@strawberry.type
class Query:
    @query(description="A sourcing policy by its handle.", scope=["sourcing:read"])
    async def sourcing_policy(
        self, info: Info, handle: Annotated[str, argument("Its handle.")]
    ) -> SourcingPolicy | None:
        row = await info.context.load(queries.policies_by_handle, handle)
        return policy_of(row) if row else None

    @query(description="All sourcing policies, by handle.", scope=["sourcing:read"], weight=5)
    async def sourcing_policies(self, info: Info) -> list[SourcingPolicy]:
        rows: Sequence[models.Policy] = await info.context.read(queries.policies)
        return [policy_of(row) for row in rows]


@strawberry.type
class Mutation:
    @mutation(
        SourcingPolicyPayload,
        description="Let a published version decide from now on, for the policy's channels and those named.",
        scope=["sourcing:write"],
        emits=["sourcing.policy_promoted"],
    )
    async def sourcing_policy_promote(tx: Tx, input: SourcingPolicyPromoteInput) -> Outcome:
        row = await policies.promote(
            tx,
            handle=input.policy,
            number=input.number,
            channels=list(input.channels or ()),
            expected_version=input.expected_version or None,
        )
        return outcome_of(row)

    @mutation(
        SourcingPolicyPayload,
        description="Let the version decide that did before.",
        scope=["sourcing:write"],
        emits=["sourcing.policy_promoted"],
    )
    async def sourcing_policy_roll_back(tx: Tx, input: SourcingPolicyRollBackInput) -> Outcome:
        return outcome_of(
            await policies.roll_back(tx, handle=input.policy, expected_version=input.expected_version or None)
        )

    @mutation(
        SourcingPolicyPayload,
        description="Let a version run beside the live one on every decision: nothing changes but the report.",
        scope=["sourcing:write"],
        emits=["sourcing.shadowed"],
    )
    async def sourcing_policy_shadow(tx: Tx, input: SourcingPolicyShadowInput) -> Outcome:
        row = await policies.shadow(
            tx, handle=input.policy, number=input.number or None, expected_version=input.expected_version or None
        )
        return outcome_of(row)
