"""Verbs of the queue: put in what happened, put in again what was tried, forget what is over.

Each locks its subscription's row first, as sending does.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, update

from oms_api.kit import clock, ids
from oms_api.kit.db import Tx, any_of, mine, now, prepared, table_of
from oms_api.kit.errors import Invalid, LimitExceeded
from oms_api.webhooks import queries, rules
from oms_api.webhooks.models import BEHIND, Attempt, Delivery, WebhookDeliveryStatus
from oms_api.webhooks.service import subscriptions, turns

REPLAY_MAX = 50_000


async def fan_out(tx: Tx, subscription_id: UUID) -> tuple[int, bool]:
    """Queue the next events of the log that a subscription wants, and move its position on.

    Gives how many were queued and whether there may be more. Paused and failing ones queue too.
    """
    row = await queries.locked(tx, subscription_id)
    if row is None or row.handle is None:
        return 0, False
    events = await queries.events_after(tx, row.position)
    if not events:
        return 0, False
    wanted = [event for event in events if rules.matches(row.topics, event.topic)]
    waiting = (
        await queries.queued_subjects(tx, row.id, [event.subject_id for event in wanted]) if row.ordered else set()
    )
    rows = []
    for event in wanted:
        rows.append(
            {
                "tenant_id": tx.tenant_id,
                "id": ids.new(),
                "subscription_id": row.id,
                "event_id": event.id,
                "subject_id": event.subject_id,
                "sequence": event.sequence,
                "occurred_at": event.occurred_at,
                "status": WebhookDeliveryStatus.PENDING,
                "next_attempt_at": BEHIND if event.subject_id in waiting else event.occurred_at,
            }
        )
        if row.ordered:
            waiting.add(event.subject_id)
    await tx.insert(Delivery, rows)
    await subscriptions.save(tx, row, position=events[-1].position)
    return len(wanted), len(events) == queries.FAN_OUT_BATCH_MAX


# --- replay --------------------------------------------------------------------------------------------------------

_REPLAY = prepared(
    update(table_of(Delivery))
    .where(queries.replayable())
    .values(
        status=WebhookDeliveryStatus.PENDING,
        attempts=0,
        replay=True,
        next_attempt_at=now(),
        claimed_until=None,
        settled_at=None,
    )
)


async def replay(
    tx: Tx,
    *,
    handle: str,
    since: datetime,
    until: datetime | None,
    states: Sequence[WebhookDeliveryStatus] | None,
) -> int:
    """Queue again what was tried before: events that happened from `since` to before `until` (now when None).

    `states`: only these; PENDING ones are on their way already and stay as they are. Each keeps its message id and
    begins a new timetable. Raises NotFound, Invalid, LimitExceeded for more than REPLAY_MAX.
    """
    row = await subscriptions.existing(tx, handle)
    end = until or clock.now()
    if end <= since:
        raise Invalid("until must be later than since.", path=("input", "until" if until else "since"))
    tried = [status for status in states or WebhookDeliveryStatus if status is not WebhookDeliveryStatus.PENDING]
    values = {"subscription": row.id, "since": since, "until": end, "states": tried}
    count = await queries.replayable_count(tx, values)
    if count > REPLAY_MAX:
        raise LimitExceeded(
            f"{count} deliveries are in this range; at most {REPLAY_MAX} are replayed at once: narrow it.",
            path=("input", "since"),
        )
    replayed = await tx.run(_REPLAY, values)
    if row.ordered:
        await turns.line_up(tx, row.id)
    return replayed


# --- forget --------------------------------------------------------------------------------------------------------

_FORGET_ATTEMPTS = prepared(delete(table_of(Attempt)).where(mine(Attempt), any_of(Attempt.delivery_id, "deliveries")))
_FORGET = prepared(delete(table_of(Delivery)).where(mine(Delivery), any_of(Delivery.id, "ids")))


async def forget(tx: Tx, subscription_id: UUID, before: datetime) -> bool:
    """Delete a batch of deliveries that settled before `before`, or of a removed subscription all that nobody sends
    just now, at last its row. True when there may be more."""
    row = await queries.locked(tx, subscription_id)
    if row is None:
        return False
    if row.handle is not None:
        found = await queries.old_deliveries(tx, row.id, before)
    else:
        found = await queries.left_deliveries(tx, row.id)
    if found:
        await tx.run(_FORGET_ATTEMPTS, {"deliveries": found})
        await tx.run(_FORGET, {"ids": found})
    elif row.handle is None and not await queries.has_deliveries(tx, row.id):
        await subscriptions.drop(tx, row.id)
    return bool(found)
