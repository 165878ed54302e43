"""The locations that a decision did not use, each with its reason in words: from what the decision keeps."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from oms_api.kit.money import Money
from oms_api.sourcing.rules.decide import Asked, steered, weighed
from oms_api.sourcing.rules.explain import ASIDE, Aside, Chosen, RejectionReason, explain_rejected
from oms_api.sourcing.rules.policy import Ruled


class Rejection(NamedTuple):
    """A location that was not used. `dearer_by` as in `explain.Rejected`, in minor units."""

    location: str
    reason: RejectionReason
    message: str
    dearer_by: int | None = None


def rejections(asked: Asked, ruled: Ruled, plan: Mapping[str, Any], *, policy: str, currency: str) -> list[Rejection]:
    """One reason for each location without a parcel in a plan (as plain data): those that the planner was asked about,
    preferred first, then those that the policy leaves out, then those that it was not asked about."""
    chosen = Chosen.kept(plan)
    demands, sources = steered(asked, ruled)
    weights, due_on = weighed(ruled.settings, sources)
    found = [
        Rejection(location, reason, _words(location, reason, dearer_by, currency), dearer_by)
        for location, reason, dearer_by in explain_rejected(
            demands, sources, chosen, capacity=asked.room, weights=weights, due_on=due_on
        )
    ]
    found += [
        Rejection(
            location,
            RejectionReason.EXCLUDED_BY_RULE,
            f"Rule '{rule}' of policy {policy} leaves out {location}.",
        )
        for location, rule in ruled.excluded.items()
    ]
    told = {one.location for one in found} | chosen.used
    for code, locations in asked.aside.items():
        reason, words = ASIDE[Aside(code)]
        found += [Rejection(name, reason, words.format(name)) for name in locations if name not in told]
    return found


def _words(name: str, reason: RejectionReason, dearer_by: int | None, currency: str) -> str:
    if reason is RejectionReason.TOO_LATE:
        return f"What {name} has would arrive after the rest of the plan."
    if reason is RejectionReason.NO_CAPACITY:
        return ASIDE[Aside.FULL][1].format(name)
    if reason is RejectionReason.NO_STOCK:
        return ASIDE[Aside.EMPTY][1].format(name)
    if dearer_by is None or dearer_by < 0:
        return f"{name} has some of it, but the plan is better without it."
    if dearer_by == 0:
        return f"{name} has all of it and costs as much, but is less preferred."
    return f"{name} has all of it, but is dearer by {Money(dearer_by, currency)}."
