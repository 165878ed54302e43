"""Verbs about policies: publish a version, promote one, roll back, let one run beside."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from oms_api import network
from oms_api.kit import clock, ids
from oms_api.kit.db import Conflict, TryAgain, Tx
from oms_api.kit.errors import Invalid, InvalidTransition, NotFound, Refusal, check_version, refuse
from oms_api.kit.events import emit
from oms_api.kit.texts import is_text
from oms_api.sourcing import queries
from oms_api.sourcing.events import SourcingPolicyPromoted, SourcingPolicyPublished, SourcingShadowed
from oms_api.sourcing.models import SOURCING_POLICY, Policy, PolicyChannel, PolicyVersion
from oms_api.sourcing.rules.policy import Content, Example, Rule, rule_problems
from oms_api.sourcing.service.world import BUILT_IN, world_of

RULES_MAX = 100
EXAMPLES_MAX = 50
EXTENDS_MAX = 5
Check = Callable[[Sequence[Rule], Sequence[Example]], Awaitable[Sequence[Refusal]]]
"""Plans examples by these rules and says which of them come out otherwise than expected."""


async def publish(
    tx: Tx,
    *,
    handle: str,
    currency: str,
    content: Content,
    extends: str | None,
    note: str | None,
    expected_version: int | None,
    check: Check,
) -> tuple[Policy, PolicyVersion]:
    """A new version; it decides nothing until it is promoted, and is never changed afterwards.

    Its rules come after those of the version of `extends` that is live now (else its latest). Raises every problem at
    once: Invalid, NotFound, VersionConflict; then what `check` says of the examples.
    """
    problems = _problems(handle, content, note)
    old = await queries.locked(tx, handle)
    if old is not None:
        check_version(old.version, expected_version, SOURCING_POLICY(old.id))
        if old.currency != currency:
            problems.append(
                Invalid(
                    f"{handle} counts in {old.currency}, not {currency}; name another policy.",
                    path=("input", "currency"),
                )
            )
    world = await world_of(tx, content.rules)
    parent = await _parent(tx, handle, extends, currency, problems)
    inherited = [Rule.model_validate(rule) for rule in parent.effective] if parent else []
    taken = {rule.name for rule in inherited}
    for i, rule in enumerate(content.rules):
        path = ("input", "rules", i)
        if rule.name in taken:
            problems.append(
                Invalid(f"{extends} has a rule '{rule.name}' already; name this one otherwise.", path=(*path, "name"))
            )
        problems += [
            Invalid(f"Rule '{rule.name}': {said}; change it or leave it out.", path=(*path, *at))
            for at, said in rule_problems(rule, world)
        ]
    refuse(problems)
    effective = [*inherited, *content.rules]
    refuse(list(await check(effective, content.examples)))
    policy = await _next(tx, old, handle, currency)
    row = {
        "tenant_id": tx.tenant_id,
        "id": ids.new(),
        "policy_id": policy.id,
        "number": policy.latest,
        "extends": extends,
        "extends_number": parent.number if parent else None,
        "content": content.model_dump(mode="json", exclude_defaults=True),
        "effective": [rule.model_dump(mode="json", exclude_defaults=True) for rule in effective],
        "note": note,
        "created_at": clock.now(),
    }
    (version,) = await tx.insert(PolicyVersion, [row])
    emit(
        tx,
        SourcingPolicyPublished(policy=handle, number=policy.latest),
        subject=SOURCING_POLICY.ref(policy.id),
        added=["versions"],
    )
    return policy, version


def _problems(handle: str, content: Content, note: str | None) -> list[Refusal]:
    found: list[Refusal] = []
    if not is_text(handle, 100) or handle == BUILT_IN:
        found.append(
            Invalid(
                f"{handle[:40]!r}: a policy's handle has 1 to 100 characters and is not '{BUILT_IN}'.",
                path=("input", "policy"),
            )
        )
    if note is not None and not is_text(note, 1000):
        found.append(Invalid("note must have 1 to 1,000 characters.", path=("input", "note")))
    for name, items, most in (("rules", content.rules, RULES_MAX), ("examples", content.examples, EXAMPLES_MAX)):
        if len(items) > most:
            found.append(Invalid(f"Send at most {most} {name}, not {len(items)}.", path=("input", name)))
        names = [item.name for item in items]
        for i, item_name in enumerate(names):
            if not is_text(item_name, 100):
                found.append(Invalid("A name has 1 to 100 characters.", path=("input", name, i, "name")))
            elif item_name in names[:i]:
                found.append(Invalid(f"'{item_name}' is named twice.", path=("input", name, i, "name")))
    return found


async def _parent(
    tx: Tx, handle: str, extends: str | None, currency: str, problems: list[Refusal]
) -> PolicyVersion | None:
    """The version that is extended. A policy that would extend itself, by whatever way, is a problem."""
    path = ("input", "extends")
    chain, found = [handle], None
    next_, number = extends, None
    while next_ is not None:
        chain.append(next_)
        said = " → ".join(chain)
        if next_ == handle:
            problems.append(Invalid(f"{handle} would extend itself: {said}.", path=path))
            return None
        if len(chain) > EXTENDS_MAX + 1:
            problems.append(Invalid(f"{said} is deeper than {EXTENDS_MAX}; extend a simpler one.", path=path))
            return None
        policy = (await queries.policies_by_handle(tx, [next_])).get(next_)
        if policy is None:
            problems.append(
                NotFound(
                    f"There is no sourcing policy {next_[:60]!r}; publish it with sourcingPolicyPublish first.",
                    path=path,
                )
            )
            return None
        version = await queries.version(tx, policy.id, number or policy.live or policy.latest)
        assert version is not None, f"{next_} has lost version {number}"
        if found is None:
            found = version
            if policy.currency != currency:
                problems.append(
                    Invalid(f"{next_} counts in {policy.currency}, not {currency}; extend another.", path=path)
                )
        next_, number = version.extends, version.extends_number
    return found


async def _next(tx: Tx, old: Policy | None, handle: str, currency: str) -> Policy:
    if old is not None:
        return await _save(tx, old, latest=old.latest + 1)
    now = clock.now()
    row = {
        **dict.fromkeys(Policy.model_fields),
        "tenant_id": tx.tenant_id,
        "id": ids.new(),
        "handle": handle,
        "currency": currency,
        "latest": 1,
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }
    try:
        (made,) = await tx.insert(Policy, [row])
    except Conflict as error:
        raise TryAgain("another publish has made this policy a moment ago: now it gets one more version") from error
    return made


async def promote(tx: Tx, *, handle: str, number: int, channels: Sequence[str], expected_version: int | None) -> Policy:
    """A version decides from now on, for the policy's channels and those named; the one before is kept for a roll back.

    Raises NotFound, Invalid (a channel of another currency), VersionConflict. Doing it twice changes nothing.
    """
    await network.stamp_policy(tx)
    policy = await _existing(tx, handle, expected_version)
    _known(policy, number)
    assigned = await _assign(tx, policy, channels)
    if policy.live != number:
        policy = await _save(tx, policy, live=number, previous=policy.live)
    elif not assigned:
        return policy
    emit(
        tx,
        SourcingPolicyPromoted(policy=handle, number=number, previous=policy.previous, channels=tuple(assigned)),
        subject=SOURCING_POLICY.ref(policy.id),
        updated=["live"],
    )
    return policy


async def roll_back(tx: Tx, *, handle: str, expected_version: int | None) -> Policy:
    """The version that was live before decides again. Raises NotFound, InvalidTransition, VersionConflict."""
    await network.stamp_policy(tx)
    policy = await _existing(tx, handle, expected_version)
    if policy.previous is None:
        raise InvalidTransition(
            f"No version of {handle} was live before; promote the one that you want.",
            path=("input", "policy"),
            details={"subject_id": SOURCING_POLICY(policy.id)},
        )
    policy = await _save(tx, policy, live=policy.previous, previous=policy.live)
    assert policy.live is not None
    emit(
        tx,
        SourcingPolicyPromoted(policy=handle, number=policy.live, previous=policy.previous, channels=()),
        subject=SOURCING_POLICY.ref(policy.id),
        updated=["live"],
    )
    return policy


async def _assign(tx: Tx, policy: Policy, handles: Sequence[str]) -> list[str]:
    """Give channels to a policy; the handles of those that had another, or none, before."""
    known = await network.channels_by_handle(tx, list(handles))
    problems: list[Refusal] = []
    for i, handle in enumerate(handles):
        path = ("input", "channels", i)
        if handle not in known:
            problems.append(
                NotFound(f"There is no channel {handle[:60]!r}; create it with channelPut first.", path=path)
            )
        elif known[handle].currency != policy.currency:
            problems.append(
                Invalid(
                    f"{handle} sells in {known[handle].currency}, {policy.handle} counts in {policy.currency}; "
                    "name another policy.",
                    path=path,
                )
            )
    refuse(problems)
    before = set((await queries.channels_of(tx, [policy.id])).get(policy.id, ()))
    fresh = {row.id: handle for handle, row in known.items() if row.id not in before}
    await tx.upsert(
        PolicyChannel,
        [{"tenant_id": tx.tenant_id, "channel_id": id_, "policy_id": policy.id} for id_ in sorted(fresh)],
        key=("tenant_id", "channel_id"),
        change=("policy_id",),
    )
    return sorted(fresh.values())


async def shadow(tx: Tx, *, handle: str, number: int | None, expected_version: int | None) -> Policy:
    """Let a version run beside the live one, on every decision that is made from now on; None ends it.

    Raises NotFound, VersionConflict.
    """
    policy = await _existing(tx, handle, expected_version)
    if number is not None:
        _known(policy, number)
    if policy.shadow == number:
        return policy
    saved = await _save(tx, policy, shadow=number, shadow_since=clock.now() if number is not None else None)
    emit(tx, SourcingShadowed(policy=handle, number=number), subject=SOURCING_POLICY.ref(policy.id), updated=["shadow"])
    return saved


def _known(policy: Policy, number: int) -> None:
    if not 1 <= number <= policy.latest:
        raise NotFound(
            f"{policy.handle} has versions 1 to {policy.latest}, not {number}; "
            "publish it with sourcingPolicyPublish first.",
            path=("input", "number"),
        )


async def _existing(tx: Tx, handle: str, expected_version: int | None) -> Policy:
    """The policy, locked. Raises NotFound, VersionConflict."""
    row = await queries.locked(tx, handle)
    if row is None:
        raise NotFound(
            f"There is no sourcing policy {handle[:60]!r}; publish it with sourcingPolicyPublish first.",
            path=("input", "policy"),
        )
    check_version(row.version, expected_version, SOURCING_POLICY(row.id))
    return row


async def _save(tx: Tx, row: Policy, **changes: Any) -> Policy:
    changes |= {"version": row.version + 1, "updated_at": clock.now()}
    (saved,) = await tx.upsert(
        Policy, [{**row.__dict__, **changes}], key=("tenant_id", "handle"), change=tuple(changes)
    )
    return saved
