"""Decisions: written down with everything that they were made from, and made again from it."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Uuid, delete, update
from sqlmodel import col

from oms_api.kit import clock, ids
from oms_api.kit.db import Reading, Tx, any_of, columns, mine, param, prepared, table_of
from oms_api.kit.errors import Invalid, NotFound, Path
from oms_api.sourcing import queries
from oms_api.sourcing.models import Decision, DecisionReason, Policy, Shadow
from oms_api.sourcing.rules import Plan
from oms_api.sourcing.rules.decide import ENGINE, Asked, Decided, canonical, decide, packed, plan_json, unpacked
from oms_api.sourcing.rules.policy import Rule, apply
from oms_api.sourcing.rules.rejected import Rejection, rejections
from oms_api.sourcing.service.world import BUILT_IN, Live

_of = col(Decision.owner_id) == param("of", Uuid())
_OWNED = prepared(columns(col(Decision.id)).where(mine(Decision), _of))
_HAND_OVER = prepared(update(table_of(Decision)).where(mine(Decision), _of).values(owner_id=param("to", Uuid())))
_FORGET_SHADOWS = prepared(delete(table_of(Shadow)).where(mine(Shadow), any_of(Shadow.id, "ids")))
_FORGET = prepared(delete(table_of(Decision)).where(mine(Decision), any_of(Decision.id, "ids")))


class Replayed(NamedTuple):
    """A decision made again. By its own version `same` is the whole plan, byte for byte; by another, its parcels."""

    decided: Decided
    policy: str
    number: int
    same: bool


async def record(
    tx: Tx,
    *,
    owner_id: UUID,
    reason: DecisionReason,
    currency: str,
    live: Live,
    made: Sequence[tuple[Asked, Plan]],
) -> None:
    """Write decisions down in the transaction that acts on them. One statement."""
    await _insert(
        tx,
        [(asked.cart.channel, packed(asked), plan_json(found)) for asked, found in made],
        owner_id=owner_id,
        reason=reason,
        currency=currency,
        policy=live.policy,
        policy_number=live.number,
        engine=ENGINE,
    )


async def record_promised(
    tx: Tx,
    *,
    owner_id: UUID,
    channel: str,
    currency: str,
    policy: str,
    number: int,
    engine: int,
    plan: dict[str, Any],
) -> None:
    """Write down what was promised when what it was made from is not known any more. One statement."""
    await _insert(
        tx,
        [(channel, "", plan)],
        owner_id=owner_id,
        reason=DecisionReason.PROMISE,
        currency=currency,
        policy=policy,
        policy_number=number,
        engine=engine,
    )


async def _insert(tx: Tx, made: Sequence[tuple[str, str, dict[str, Any]]], **same: Any) -> None:
    """Decisions: (channel, packed inputs, plan as plain data), and what all of them have in common."""
    at = clock.now()
    rows = [
        {
            "tenant_id": tx.tenant_id,
            "id": ids.new(),
            "channel": channel,
            "inputs": inputs,
            "plan": plan,
            "cost_minor": plan["cost"],
            "lower_bound_minor": plan["lowerBound"],
            "created_at": at,
            **same,
        }
        for channel, inputs, plan in made
    ]
    await tx.insert(Decision, rows)


async def hand_over(tx: Tx, owner_id: UUID, to: UUID) -> None:
    """What was decided for a cart's reservation is from now on its order's. One statement."""
    await tx.run(_HAND_OVER, {"of": owner_id, "to": to})


async def forget(tx: Tx, owner_id: UUID) -> None:
    """Nobody took what this was decided for. One statement, three when there is anything."""
    made = await tx.all(_OWNED, {"of": owner_id})
    if made:
        await tx.run(_FORGET_SHADOWS, {"ids": made})
        await tx.run(_FORGET, {"ids": made})


async def rules_of(reading: Reading, handle: str, number: int, path: Path = ("policy",)) -> tuple[Rule, ...]:
    """The rules of a version. Raises NotFound."""
    if handle == BUILT_IN:
        return ()
    policy = (await queries.policies_by_handle(reading, [handle])).get(handle)
    version = await queries.version(reading, policy.id, number) if policy else None
    if version is None:
        raise NotFound(
            f"There is no version {number} of sourcing policy {handle[:60]!r}; "
            "publish it with sourcingPolicyPublish first.",
            path=path,
        )
    return tuple(Rule.model_validate(rule) for rule in version.effective)


def rejected(decision: Decision, rules: Sequence[Any]) -> list[Rejection]:
    """The locations that a decision did not use, by the rules (as kept) of its version; none of a PROMISE."""
    if decision.reason is DecisionReason.PROMISE:
        return []
    asked = unpacked(decision.inputs)
    ruled = apply([Rule.model_validate(rule) for rule in rules], asked.cart, asked.spots)
    return rejections(asked, ruled, decision.plan, policy=decision.policy, currency=decision.currency)


async def replay(reading: Reading, decision: Decision, policy: tuple[str, int] | None = None) -> Replayed:
    """Make a decision again, by the version that made it or by another one. Raises NotFound, Invalid for a PROMISE."""
    if decision.reason is DecisionReason.PROMISE:
        raise Invalid(
            "This was promised, and could not be decided again when the order came: what it was made from is not kept.",
            path=("decision",),
        )
    handle, number = policy or (decision.policy, decision.policy_number)
    rules = await rules_of(reading, handle, number)
    decided = decide(unpacked(decision.inputs), rules)
    again = plan_json(decided.plan)
    same = canonical(again) == canonical(decision.plan) if policy is None else _same_parcels(decision.plan, again)
    return Replayed(decided, handle, number, same)


def _same_parcels(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return canonical(one.get("parcels")) == canonical(other.get("parcels"))


async def try_shadow(tx: Tx, policy: Policy, rules: tuple[Rule, ...], decision: Decision) -> None:
    """Make a decision again as a candidate would, and write down how it differs. Once for each decision."""
    assert policy.shadow is not None
    decided = decide(unpacked(decision.inputs), rules)
    candidate, live = decided.plan, decision.plan
    served = isinstance(candidate, Plan)
    last = max((parcel["arrivesOn"] for parcel in live["parcels"]), default=0)
    row = {
        "tenant_id": tx.tenant_id,
        "id": decision.id,
        "policy_id": policy.id,
        "number": policy.shadow,
        "same": _same_parcels(live, plan_json(candidate)),
        "served": served,
        "cost_minor": candidate.cost if isinstance(candidate, Plan) else 0,
        "live_cost_minor": decision.cost_minor,
        "shipments": candidate.shipments if isinstance(candidate, Plan) else 0,
        "live_shipments": len(live["parcels"]),
        "days": (candidate.latest or last) - last if isinstance(candidate, Plan) else 0,
        "created_at": clock.now(),
    }
    await tx.upsert(Shadow, [row], key=("tenant_id", "policy_id", "number", "id"))
