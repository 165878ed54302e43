"""Verbs about subscriptions: put, pause, rotate the secret, remove."""

import os
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, delete
from sqlmodel import col

from oms_api.kit import clock, ids, secrets
from oms_api.kit.db import Tx, mine, param, prepared, table_of
from oms_api.kit.errors import Invalid, LimitExceeded, NotFound, Path, Refusal, Required, refuse
from oms_api.kit.events import Fact
from oms_api.webhooks import addresses, queries, rules, sender
from oms_api.webhooks.models import Subscription, SubscriptionTurn, WebhookSubscriptionStatus
from oms_api.webhooks.service import turns

SUBSCRIPTIONS_MAX = 100
TOPICS_MAX = 50
OVERLAP_MAX_S = 30 * 86_400
_HANDLE = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_PURPOSE = "webhook secret"
_SECRET_BYTES = 32
_DROP = prepared(delete(table_of(Subscription)).where(mine(Subscription), col(Subscription.id) == param("of", Uuid())))


async def put(
    tx: Tx, *, handle: str, url: str, topics: Sequence[str], ordered: bool | None
) -> tuple[Subscription, str | None]:
    """Create or, by handle, change a subscription; a new one comes with its secret and starts at the log's end.

    `ordered` None leaves it as it is (False for a new one). Raises every problem of the input at once: Invalid,
    Required; LimitExceeded for more than SUBSCRIPTIONS_MAX.
    """
    problems = _topic_problems(topics)
    if not _HANDLE.fullmatch(handle):
        problems.append(
            Invalid(
                f"{handle[:63]!r} is not a handle; use a-z, 0-9, '-' and '_', at most 63 characters.",
                path=("input", "handle"),
            )
        )
    try:
        endpoint = str(addresses.checked_url(url, allow_loopback=sender.loopback_allowed()))
    except addresses.UnacceptableUrl as error:
        endpoint = ""
        problems.append(Invalid(str(error), path=("input", "url")))
    refuse(problems)
    change: dict[str, Any] = {"url": endpoint, "topics": list(topics), "updated_at": clock.now()}
    if ordered is not None:
        change["ordered"] = ordered
    old = await queries.locked_by_handle(tx, handle)
    if old is None:
        secret = rules.secret_from(os.urandom(_SECRET_BYTES))
        new = await _create(tx, handle, secret, change)
        if new is not None:
            return new, secret
        old = await existing(tx, handle)  # somebody else created it a moment ago
    saved = await save(tx, old, **change)
    if saved.ordered != old.ordered:
        await (turns.line_up if saved.ordered else turns.break_up)(tx, saved.id)
    return saved, None


async def _create(tx: Tx, handle: str, secret: str, values: dict[str, Any]) -> Subscription | None:
    """The new row; None when the handle was taken meanwhile."""
    # until commit nobody else counts: the count that follows sees what who was before us has made
    await tx.upsert(SubscriptionTurn, [{"tenant_id": tx.tenant_id, "taken": 1}], key=("tenant_id",), add=("taken",))
    if await queries.subscriptions_count(tx) >= SUBSCRIPTIONS_MAX:
        raise LimitExceeded(
            f"A tenant has at most {SUBSCRIPTIONS_MAX} webhook subscriptions; remove one or name more topics in one.",
            path=("input", "handle"),
        )
    row = {
        "tenant_id": tx.tenant_id,
        "id": ids.new(),
        "handle": handle,
        "ordered": False,
        "status": WebhookSubscriptionStatus.ACTIVE,
        "secret": secrets.encrypt(_PURPOSE, secret),
        "position": await queries.end_of_log(tx),
        "created_at": values["updated_at"],
        **values,
    }
    made = await tx.upsert(Subscription, [row], key=("tenant_id", "handle"))
    return made[0] if made else None


def _topic_problems(topics: Sequence[str]) -> list[Refusal]:
    path: Path = ("input", "topics")
    if not topics:
        return [Required("Name at least one topic; `*` is all of them.", path=path)]
    if len(topics) > TOPICS_MAX:
        return [Invalid(f"Name at most {TOPICS_MAX} topics, not {len(topics)}; `order.*` covers a kind.", path=path)]
    found: list[Refusal] = []
    for i, topic in enumerate(topics):
        problem = rules.topic_problem(topic, Fact.topics.keys())
        if problem is None and topic in topics[:i]:
            problem = f"'{topic}' is named twice; name it once."
        if problem is not None:
            found.append(Invalid(problem, path=(*path, i)))
    return found


async def pause(tx: Tx, *, handle: str, paused: bool) -> Subscription:
    """Pause, or resume what is PAUSED or FAILING; events queue meanwhile and none is lost. Raises NotFound."""
    old = await existing(tx, handle)
    status = WebhookSubscriptionStatus.PAUSED if paused else WebhookSubscriptionStatus.ACTIVE
    if old.status is status:
        return old
    since = old.failing_since if paused else None
    return await save(tx, old, status=status, failing_since=since, updated_at=clock.now())


async def rotate(tx: Tx, *, handle: str, overlap_s: int) -> tuple[Subscription, str]:
    """A new secret; the old one signs too for `overlap_s` seconds. Raises NotFound, Invalid."""
    if not 0 <= overlap_s <= OVERLAP_MAX_S:
        raise Invalid(
            f"overlapSeconds {overlap_s} must be 0 to {OVERLAP_MAX_S} (30 days).", path=("input", "overlapSeconds")
        )
    old = await existing(tx, handle)
    secret, at = rules.secret_from(os.urandom(_SECRET_BYTES)), clock.now()
    row = await save(
        tx,
        old,
        secret=secrets.encrypt(_PURPOSE, secret),
        previous_secret=old.secret if overlap_s else None,
        previous_until=at + timedelta(seconds=overlap_s) if overlap_s else None,
        updated_at=at,
    )
    return row, secret


async def remove(tx: Tx, *, handle: str) -> Subscription:
    """Remove a subscription; gives it back as it was. Nothing that is queued is sent any more. Raises NotFound.

    Its deliveries may be many, so the timer `webhooks.forget` deletes them, batch by batch.
    """
    old = await existing(tx, handle)
    await save(
        tx,
        old,
        handle=None,
        status=WebhookSubscriptionStatus.PAUSED,
        secret="",
        previous_secret=None,
        previous_until=None,
        updated_at=clock.now(),
    )
    return old


async def drop(tx: Tx, id_: UUID) -> None:
    """Delete the row of a removed subscription that has no deliveries any more."""
    await tx.run(_DROP, {"of": id_})


def signing(row: Subscription) -> list[str]:
    """The secrets that sign now, newest first."""
    found = [row.secret]
    if row.previous_secret and row.previous_until and row.previous_until > clock.now():
        found.append(row.previous_secret)
    return [secrets.decrypt(_PURPOSE, encrypted) for encrypted in found]


async def save(tx: Tx, row: Subscription, **changes: Any) -> Subscription:
    """Change columns of a locked row."""
    (saved,) = await tx.upsert(
        Subscription, [{**row.__dict__, **changes}], key=("tenant_id", "id"), change=tuple(changes)
    )
    return saved


async def existing(tx: Tx, handle: str) -> Subscription:
    """The subscription, locked. Raises NotFound."""
    row = await queries.locked_by_handle(tx, handle)
    if row is None:
        raise NotFound(
            f"There is no webhook subscription {handle[:63]!r}; create it with webhookSubscriptionPut first.",
            path=("input", "handle"),
        )
    return row
