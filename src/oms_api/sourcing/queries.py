"""Every SELECT of sourcing."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, String, Uuid, and_, func
from sqlmodel import col, select

from oms_api.kit.db import Instant, Reading, any_of, columns, mine, param, prepared
from oms_api.sourcing.models import Decision, DecisionReason, Policy, PolicyChannel, PolicyVersion, Shadow

SAMPLES_MAX = 20
SHADOW_BATCH_MAX = 200

_BY_ID = prepared(select(Policy).where(mine(Policy), any_of(Policy.id, "ids")))
_BY_HANDLE = prepared(select(Policy).where(mine(Policy), any_of(Policy.handle, "handles")))
_LOCKED = prepared(
    select(Policy).where(mine(Policy), col(Policy.handle) == param("handle", String())).with_for_update()
)
_ALL = prepared(select(Policy).where(mine(Policy)).order_by(col(Policy.handle)))
_VERSION = prepared(
    select(PolicyVersion).where(
        mine(PolicyVersion),
        col(PolicyVersion.policy_id) == param("policy", Uuid()),
        col(PolicyVersion.number) == param("number", Integer()),
    )
)
_VERSIONS = prepared(
    select(PolicyVersion)
    .where(mine(PolicyVersion), any_of(PolicyVersion.policy_id, "policies"))
    .order_by(col(PolicyVersion.policy_id), col(PolicyVersion.number).desc())
)
_LIVE = prepared(
    columns(PolicyChannel.channel_id, Policy.handle, PolicyVersion.number, PolicyVersion.effective)
    .select_from(PolicyChannel)
    .join(
        Policy,
        and_(col(Policy.tenant_id) == col(PolicyChannel.tenant_id), col(Policy.id) == col(PolicyChannel.policy_id)),
    )
    .join(
        PolicyVersion,
        and_(
            col(PolicyVersion.tenant_id) == col(Policy.tenant_id),
            col(PolicyVersion.policy_id) == col(Policy.id),
            col(PolicyVersion.number) == col(Policy.live),
        ),
    )
    .where(mine(PolicyChannel))
)
_RULES = prepared(
    columns(Policy.handle, PolicyVersion.number, PolicyVersion.effective)
    .select_from(Policy)
    .join(
        PolicyVersion,
        and_(
            col(PolicyVersion.tenant_id) == col(Policy.tenant_id),
            col(PolicyVersion.policy_id) == col(Policy.id),
        ),
    )
    .where(mine(Policy), any_of(Policy.handle, "handles"), any_of(PolicyVersion.number, "numbers"))
)
_CHANNELS = prepared(
    columns(PolicyChannel.policy_id, PolicyChannel.channel_id).where(
        mine(PolicyChannel), any_of(PolicyChannel.policy_id, "policies")
    )
)
_DECISIONS_BY_ID = prepared(select(Decision).where(mine(Decision), any_of(Decision.id, "ids")))
_DECISIONS_OF = prepared(
    select(Decision).where(mine(Decision), any_of(Decision.owner_id, "owners")).order_by(col(Decision.id))
)
_OF_SHADOW = (
    mine(Shadow),
    col(Shadow.policy_id) == param("policy", Uuid()),
    col(Shadow.number) == param("number", Integer()),
)


def _sum(column: Any) -> Any:
    return func.coalesce(func.sum(column).filter(col(Shadow.served)), 0)


_REPORT = prepared(
    columns(
        func.count().label("decisions"),
        func.count().filter(col(Shadow.same)).label("same"),
        func.count().filter(col(Shadow.served).is_(False)).label("unserved"),
        _sum(col(Shadow.cost_minor)).label("cost"),
        _sum(col(Shadow.live_cost_minor)).label("live_cost"),
        _sum(col(Shadow.shipments)).label("shipments"),
        _sum(col(Shadow.live_shipments)).label("live_shipments"),
        _sum(col(Shadow.days)).label("days"),
    )
    .select_from(Shadow)
    .where(*_OF_SHADOW)
)
_SHADOWED = prepared(select(Policy).where(col(Policy.shadow).is_not(None)))
_UNTRIED = prepared(
    select(Decision)
    .outerjoin(
        Shadow,
        and_(
            col(Shadow.tenant_id) == col(Decision.tenant_id),
            col(Shadow.id) == col(Decision.id),
            col(Shadow.policy_id) == param("policy_id", Uuid()),
            col(Shadow.number) == param("number", Integer()),
        ),
    )
    .where(
        mine(Decision),
        col(Decision.policy) == param("policy"),
        col(Decision.reason) != DecisionReason.PROMISE,
        col(Decision.created_at) >= param("since", Instant()),
        col(Shadow.id).is_(None),
    )
    .order_by(col(Decision.created_at))
    .limit(SHADOW_BATCH_MAX)
)
_DIFFERENT = prepared(
    select(Shadow).where(*_OF_SHADOW, col(Shadow.same).is_(False)).order_by(col(Shadow.id).desc()).limit(SAMPLES_MAX)
)


async def policies_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Policy]:
    return {row.id: row for row in await reading.all(_BY_ID, {"ids": ids})}


async def policies_by_handle(reading: Reading, handles: Sequence[str]) -> Mapping[str, Policy]:
    return {row.handle: row for row in await reading.all(_BY_HANDLE, {"handles": handles})}


async def locked(reading: Reading, handle: str) -> Policy | None:
    """A policy that nobody else changes until commit."""
    found: Policy | None = await reading.first(_LOCKED, {"handle": handle})
    return found


async def policies(reading: Reading) -> Sequence[Policy]:
    """All of a tenant, by handle."""
    found: Sequence[Policy] = await reading.all(_ALL)
    return found


async def version(reading: Reading, policy_id: UUID, number: int) -> PolicyVersion | None:
    found: PolicyVersion | None = await reading.first(_VERSION, {"policy": policy_id, "number": number})
    return found


async def rules_of(reading: Reading, versions: Sequence[tuple[str, int]]) -> Mapping[tuple[str, int], list[Any]]:
    """The rules in force of versions, by the policy's handle and number."""
    values = {"handles": sorted({handle for handle, _ in versions}), "numbers": sorted({at for _, at in versions})}
    return {(row.handle, row.number): row.effective for row in await reading.all(_RULES, values)}


async def versions_of(reading: Reading, policy_ids: Sequence[UUID]) -> Mapping[UUID, list[PolicyVersion]]:
    """Versions by policy, newest first."""
    found: dict[UUID, list[PolicyVersion]] = {}
    for row in await reading.all(_VERSIONS, {"policies": policy_ids}):
        found.setdefault(row.policy_id, []).append(row)
    return found


async def live(reading: Reading) -> Sequence[Any]:
    """What decides for each channel that has a policy with a live version: channel_id, handle, number, effective."""
    found: Sequence[Any] = await reading.all(_LIVE)
    return found


async def channels_of(reading: Reading, policy_ids: Sequence[UUID]) -> Mapping[UUID, list[UUID]]:
    """Ids of channels by policy."""
    found: dict[UUID, list[UUID]] = {}
    for row in await reading.all(_CHANNELS, {"policies": policy_ids}):
        found.setdefault(row.policy_id, []).append(row.channel_id)
    return found


async def decisions_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Decision]:
    return {row.id: row for row in await reading.all(_DECISIONS_BY_ID, {"ids": ids})}


async def decisions_of(reading: Reading, owners: Sequence[UUID]) -> Mapping[UUID, list[Decision]]:
    """Decisions by owner, oldest first."""
    found: dict[UUID, list[Decision]] = {}
    for row in await reading.all(_DECISIONS_OF, {"owners": owners}):
        found.setdefault(row.owner_id, []).append(row)
    return found


async def report(reading: Reading, policy_id: UUID, number: int) -> Any:
    """Sums over the decisions that a candidate was tried on: decisions, same, unserved; cost, live_cost, shipments,
    live_shipments and days over those that it served."""
    return await reading.first(_REPORT, {"policy": policy_id, "number": number})


async def different(reading: Reading, policy_id: UUID, number: int) -> Sequence[Shadow]:
    """The newest decisions that a candidate would have made otherwise."""
    found: Sequence[Shadow] = await reading.all(_DIFFERENT, {"policy": policy_id, "number": number})
    return found


async def shadowed(reading: Reading) -> Sequence[Policy]:
    """Policies with a candidate beside. Spans tenants: only the timer asks."""
    found: Sequence[Policy] = await reading.all(_SHADOWED)
    return found


async def untried(reading: Reading, policy: Policy) -> Sequence[Decision]:
    """The oldest decisions by a policy, since its candidate began, that the candidate was not tried on."""
    values = {
        "policy_id": policy.id,
        "number": policy.shadow,
        "policy": policy.handle,
        "since": policy.shadow_since,
    }
    found: Sequence[Decision] = await reading.all(_UNTRIED, values)
    return found
