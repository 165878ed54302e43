"""A candidate beside the live policy: every decision is made again as it would have made it."""

from functools import partial

from oms_api.kit.caller import system
from oms_api.kit.db import Tx
from oms_api.kit.ids import NOBODY
from oms_api.kit.jobs import Jobs, apart, timer
from oms_api.sourcing import queries
from oms_api.sourcing.models import SOURCING_DECISION, Decision, Policy
from oms_api.sourcing.rules.policy import Rule
from oms_api.sourcing.service import decisions

SHADOW_EVERY_S = 10.0


@timer("sourcing.shadow", every_s=SHADOW_EVERY_S)
async def shadow(jobs: Jobs) -> None:
    """Try candidates on the decisions that were made since: outside of the requests, a transaction each; one that fails
    stops no other.

    A decision that comes up while this runs is tried the next time.
    """
    async with jobs.db.reading(NOBODY) as reading:
        candidates = await queries.shadowed(reading)
    with apart() as each:
        for policy in candidates:
            async with jobs.db.reading(policy.tenant_id) as reading:
                untried = await queries.untried(reading, policy)
                rules = await decisions.rules_of(reading, policy.handle, policy.shadow or 0) if untried else ()
            for decision in untried:
                work = partial(_try, policy=policy, rules=rules, decision=decision)
                await each(jobs.db.run(work, system(policy.tenant_id)), SOURCING_DECISION(decision.id))


async def _try(tx: Tx, *, policy: Policy, rules: tuple[Rule, ...], decision: Decision) -> None:
    await decisions.try_shadow(tx, policy, rules, decision)
