"""Verbs of sending: claim what is due, knock, record what came of it.

Each locks its subscription's row first, so that two workers never claim for one endpoint at the same moment.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import BigInteger, Text, Uuid, and_, exists, func, or_, update
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from oms_api.kit import clock, ids
from oms_api.kit.db import Choice, Instant, Tx, mine, now, param, prepared, table_of
from oms_api.kit.events import EVENT, Event
from oms_api.webhooks import queries, rules, sender
from oms_api.webhooks.models import (
    MESSAGE,
    Attempt,
    Delivery,
    Subscription,
    WebhookDeliveryStatus,
    WebhookSubscriptionStatus,
)
from oms_api.webhooks.service import subscriptions, turns

log = structlog.get_logger()

LEASE = timedelta(seconds=60)
"""How long a claim keeps others away: three times the sender's time-out."""
PER_ENDPOINT_MAX = 4
"""Deliveries to one endpoint at the same time, over all workers; one while it fails."""

# --- claim ---------------------------------------------------------------------------------------------------------


class Letter(NamedTuple):
    """A delivery as it goes out: where, what and signed with which secrets, newest first."""

    delivery: Delivery
    url: str
    secrets: list[str]
    body: bytes

    @property
    def message_id(self) -> str:
        return MESSAGE(self.delivery.id)

    def headers(self, at: datetime) -> dict[str, str]:
        return rules.headers(self.message_id, int(at.timestamp()), self.body, self.secrets, replay=self.delivery.replay)


def _claiming(ordered: bool) -> Any:
    due: Any = select(Delivery.id).where(
        mine(Delivery),
        col(Delivery.subscription_id) == param("subscription", Uuid()),
        col(Delivery.next_attempt_at) <= now(),
    )
    if ordered:
        first, other = aliased(Delivery), aliased(Delivery)
        head = select(func.min(col(first.sequence))).where(
            col(first.tenant_id) == col(Delivery.tenant_id),
            col(first.subscription_id) == col(Delivery.subscription_id),
            col(first.subject_id) == col(Delivery.subject_id),
            col(first.next_attempt_at).is_not(None),
        )
        sending = exists().where(
            col(other.tenant_id) == col(Delivery.tenant_id),
            col(other.subscription_id) == col(Delivery.subscription_id),
            col(other.subject_id) == col(Delivery.subject_id),
            col(other.claimed_until) > now(),
        )
        due = due.where(
            or_(
                col(Delivery.subject_id).is_(None),
                and_(col(Delivery.sequence) == head.scalar_subquery(), ~sending),
            )
        )
    claimed = (
        due.order_by(col(Delivery.next_attempt_at), col(Delivery.id))
        .limit(param("limit", BigInteger()))
        .with_for_update(of=Delivery, skip_locked=True)
        .cte("due")
    )
    return prepared(
        update(table_of(Delivery))
        .where(mine(Delivery), col(Delivery.id) == claimed.c.id)
        .values(next_attempt_at=param("until", Instant()), claimed_until=param("until", Instant()))
        .returning(Delivery)
    )


_CLAIM, _CLAIM_ORDERED = _claiming(ordered=False), _claiming(ordered=True)


async def claim(tx: Tx, subscription_id: UUID, limit: int) -> list[Letter]:
    """Take up to `limit` due deliveries for LEASE; nobody else gets them meanwhile.

    An ordered subscription gives one delivery of a subject at a time, in sequence: a delivery waits while an earlier
    one is queued or any is being sent. A failing endpoint is asked one at a time.
    """
    row = await queries.locked(tx, subscription_id)
    if row is None or row.status is not WebhookSubscriptionStatus.ACTIVE:
        return []
    free = (1 if row.failing_since else PER_ENDPOINT_MAX) - await queries.in_flight(tx, row.id)
    if free < 1:
        return []
    claimed: list[Delivery] = await tx.all(
        _CLAIM_ORDERED if row.ordered else _CLAIM,
        {"subscription": row.id, "limit": min(limit, free), "until": clock.now() + LEASE},
    )
    return await _letters(tx, row, claimed) if claimed else []


async def _letters(tx: Tx, row: Subscription, claimed: Sequence[Delivery]) -> list[Letter]:
    signing = subscriptions.signing(row)
    unwritten = [delivery.event_id for delivery in claimed if delivery.body is None and delivery.event_id]
    events = await queries.events(tx, unwritten) if unwritten else {}
    found = []
    for delivery in claimed:
        try:
            body = delivery.body.encode() if delivery.body is not None else written(events[delivery.event_id])  # type: ignore[index]
        except rules.BodyTooLarge as error:
            await _settle(tx, row, delivery, Tried(clock.now(), None, sender.Answer(error=str(error))), _TOO_LARGE)
        else:
            found.append(Letter(delivery, row.url, signing, body))
    return found


def written(event: Event) -> bytes:
    """The body that tells an event. Raises rules.BodyTooLarge."""
    data = rules.content(
        event.data,
        event_id=EVENT(event.id),
        subject_id=ids.encode(event.subject_type, event.subject_id),
        sequence=event.sequence,
        cursor=str(event.position),
        changes={"added": event.added, "updated": event.updated, "removed": event.removed},
    )
    return rules.payload(event.topic, event.occurred_at, data, None)


# --- send and record -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt, made outside of any transaction. `headers` is None when there was nothing to send."""

    at: datetime
    headers: dict[str, str] | None
    answer: sender.Answer


_TOO_LARGE = rules.Verdict(rules.Outcome.DEAD)


async def send(letter: Letter) -> Tried:
    """Knock once. Never raises for what a receiver or the network does."""
    at = clock.now()
    headers = letter.headers(at - clock.offset())  # receivers judge its age by their own clock, which has not travelled
    answer = await sender.send(letter.url, letter.body, headers, allow_loopback=sender.loopback_allowed())
    return Tried(at, headers, answer)


_SETTLE = prepared(
    update(table_of(Delivery))
    .where(
        mine(Delivery),
        col(Delivery.id) == param("of", Uuid()),
        # whose claim ran out does not overrule who claimed after it
        col(Delivery.claimed_until) == param("claim", Instant()),
    )
    .values(
        status=param("to", Choice(WebhookDeliveryStatus)),
        attempts=param("tried", BigInteger()),
        next_attempt_at=param("next", Instant()),
        settled_at=param("settled", Instant()),
        claimed_until=None,
        body=param("sent", Text()),
    )
)


async def record(tx: Tx, letter: Letter, tried: Tried) -> None:
    """Write an attempt down: what becomes of the delivery, and of a subscription that only fails."""
    delivery = letter.delivery
    row = await queries.locked(tx, delivery.subscription_id)
    if row is None:  # removed, and its last delivery forgotten
        return
    at = clock.now()
    verdict = rules.judge(
        tried.answer.status,
        attempts_made=delivery.attempts + 1,
        random=random.random(),
        retry_after_s=rules.retry_after_seconds(tried.answer.retry_after, at),
    )
    if delivery.event_id is None and verdict.outcome is not rules.Outcome.DELIVERED:
        verdict = rules.Verdict(rules.Outcome.DEAD)  # a test is over, whatever it shows
    await _settle(tx, row, delivery, tried, verdict, letter.body)
    if delivery.event_id is None:
        return
    since = rules.failing_since(row.failing_since, succeeded=verdict.outcome is rules.Outcome.DELIVERED, at=tried.at)
    failing = verdict.outcome is rules.Outcome.GONE or rules.is_failing(since, at)
    if failing and row.status is WebhookSubscriptionStatus.ACTIVE:
        log.warning("webhook subscription is failing", tenant_id=tx.tenant_id.hex, handle=row.handle)
        await subscriptions.save(tx, row, status=WebhookSubscriptionStatus.FAILING, failing_since=since)
    elif since != row.failing_since:
        await subscriptions.save(tx, row, failing_since=since)


async def _settle(
    tx: Tx, row: Subscription, delivery: Delivery, tried: Tried, verdict: rules.Verdict, body: bytes | None = None
) -> None:
    """Write the attempt and its outcome; what waited behind a delivery that is over has its turn."""
    at = clock.now()
    following = None if verdict.delay_s is None else at + timedelta(seconds=verdict.delay_s)
    status = {
        rules.Outcome.DELIVERED: WebhookDeliveryStatus.DELIVERED,
        rules.Outcome.RETRYING: WebhookDeliveryStatus.RETRYING,
    }.get(verdict.outcome, WebhookDeliveryStatus.DEAD)
    values = {
        "of": delivery.id,
        "claim": delivery.claimed_until,
        "to": status,
        "tried": delivery.attempts + 1,
        "next": following,
        "settled": at if following is None else None,
        "sent": None if body is None else body.decode(),
    }
    ours = await tx.run(_SETTLE, values)
    answer = tried.answer
    await tx.add(
        Attempt,
        tenant_id=tx.tenant_id,
        id=ids.new(),
        delivery_id=delivery.id,
        at=tried.at,
        response_status=answer.status,
        response_body=answer.text if answer.status is not None else None,
        error=answer.error,
        duration_us=round(answer.duration_s * 1_000_000),
        next_attempt_at=following if ours else None,
    )
    if row.ordered and following is None and delivery.subject_id is not None:
        await turns.call_next(tx, row.id, delivery.subject_id)
