"""`sourcingPolicyPublish`: the one verb about policies that plans."""

from __future__ import annotations

import strawberry
from strawberry import UNSET

from oms_api.kit.db import Tx
from oms_api.kit.errors import refuse
from oms_api.kit.graphql import CurrencyCode, Outcome, field, mutation
from oms_api.promising.service import publishing
from oms_api.sourcing.graphql import (
    Reader,
    SourcingExampleInput,
    SourcingPolicyPayload,
    SourcingRuleInput,
    outcome_of,
    version_of,
)


@strawberry.input(
    description="A new version of a policy. Nothing changes until it is promoted; no version ever changes."
)
class SourcingPolicyPublishInput:
    policy: str = field(description="Policy handle; a new one makes the policy.")
    currency: CurrencyCode = field(description="What its amounts are in; for good.")
    rules: list[SourcingRuleInput] = field(description="In order; up to 100.")
    examples: list[SourcingExampleInput] | None = field(
        default=UNSET, description="Carts with the plans that these rules must find, else it is refused; up to 50."
    )
    extends: str | None = field(
        default=UNSET, description="Policy whose rules come first, as of its version that is live now."
    )
    note: str | None = field(default=UNSET, description="Why.")
    expected_version: int | None = field(default=UNSET, description="`version` of the policy as you saw it.")
    dry_run: bool = field(default=False, description="Check everything, the examples too; keep nothing.")


@strawberry.type
class Mutation:
    @mutation(
        SourcingPolicyPayload,
        description="Publish a version: checked against the network, its examples planned. It decides once promoted.",
        scope=["sourcing:write"],
        emits=["sourcing.policy_published"],
        weight=50,
    )
    async def sourcing_policy_publish(tx: Tx, input: SourcingPolicyPublishInput) -> Outcome:
        reader = Reader(input.currency)
        content = reader.content(input.rules, input.examples or ())
        refuse(reader.problems)
        policy, version = await publishing.publish(
            tx,
            handle=input.policy,
            currency=input.currency,
            content=content,
            extends=input.extends or None,
            note=input.note or None,
            expected_version=input.expected_version or None,
        )
        if input.dry_run:
            return Outcome(preview=version_of(version))
        return outcome_of(policy)
