"""Trying a subscription out: what a payload looks like, and whether the receiver takes it.

A test that is sent is a delivery without an event, with one attempt; it changes nothing of its subscription.
"""

from dataclasses import fields
from typing import NamedTuple, get_type_hints
from uuid import UUID

from oms_api.kit import clock, ids
from oms_api.kit.caller import Caller
from oms_api.kit.db import Database, Tx
from oms_api.kit.errors import Invalid, NotFound, camel
from oms_api.kit.events import EVENT, Fact
from oms_api.webhooks import queries, rules
from oms_api.webhooks.models import MESSAGE, Delivery, WebhookDeliveryStatus
from oms_api.webhooks.service import sending, subscriptions
from oms_api.webhooks.service.sending import LEASE, Letter, Tried


class Trial(NamedTuple):
    """What was or is to be sent. `intent`: the delivery that is to be sent now."""

    body: str
    headers: dict[str, str]
    intent: UUID | None


async def rehearse(tx: Tx, *, handle: str, topic: str, subject_id: str | None, send: bool) -> Trial:
    """Write the payload of the last such event of an object (a made-up one when None), and queue it if asked.

    Raises NotFound, Invalid.
    """
    row = await subscriptions.existing(tx, handle)
    fact = Fact.topics.get(topic)
    if fact is None:
        known = ", ".join(sorted(Fact.topics))
        raise Invalid(f"No event has the topic '{topic[:100]}': choose from {known}.", path=("input", "topic"))
    if subject_id is None:
        body = _example(fact)
    else:
        event = await queries.last_event(tx, ids.decode(subject_id)[1], topic)
        if event is None:
            raise NotFound(f"{subject_id[:60]!r} has no event {topic}.", path=("input", "subjectId"))
        try:
            body = sending.written(event)
        except rules.BodyTooLarge as error:
            raise Invalid(str(error), path=("input", "subjectId")) from error
    at = clock.now()
    if not send:
        headers = rules.headers(
            MESSAGE(ids.new()), int((at - clock.offset()).timestamp()), body, subscriptions.signing(row)
        )
        return Trial(body.decode(), headers, None)
    delivery = await tx.add(
        Delivery,
        tenant_id=tx.tenant_id,
        id=ids.new(),
        subscription_id=row.id,
        occurred_at=at,
        status=WebhookDeliveryStatus.PENDING,
        next_attempt_at=at + LEASE,
        claimed_until=at + LEASE,
        body=body.decode(),
    )
    return Trial(body.decode(), {}, delivery.id)


def _example(fact: type[Fact]) -> bytes:
    hints = get_type_hints(fact)
    noun = fact.topic.partition(".")[0]
    data = rules.content(
        rules.made_up({camel(field.name): hints[field.name] for field in fields(fact)}),
        event_id=EVENT(ids.new()),
        subject_id=ids.encode(noun[:3], ids.new()),
        sequence=1,
        cursor="1",
        changes={"added": [], "updated": [], "removed": []},
    )
    return rules.payload(fact.topic, clock.now(), data, None)


async def call(db: Database, caller: Caller, delivery_id: UUID) -> tuple[Letter, Tried]:
    """Send a test that was queued. Raises NotFound when its subscription was removed a moment ago."""
    async with db.reading(caller.tenant_id) as reading:
        delivery = (await queries.deliveries_by_id(reading, [delivery_id])).get(delivery_id)
        rows = await queries.subscriptions_by_id(reading, [delivery.subscription_id]) if delivery else {}
    if delivery is None or not rows:
        raise NotFound("This webhook subscription was removed a moment ago.", path=("input", "handle"))
    row = rows[delivery.subscription_id]
    letter = Letter(delivery, row.url, subscriptions.signing(row), (delivery.body or "").encode())
    return letter, await sending.send(letter)
