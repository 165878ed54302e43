"""Webhook subscriptions and their deliveries in the API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import UNSET

from oms_api.kit import clock, paging
from oms_api.kit.db import Tx
from oms_api.kit.errors import Refusal, UpstreamUnavailable
from oms_api.kit.graphql import (
    Cost,
    Effect,
    Info,
    Json,
    Node,
    Outcome,
    PageInfo,
    Payload,
    Url,
    argument,
    describe_enum,
    field,
    found_by,
    given,
    mutation,
    node_type,
    query,
)
from oms_api.kit.graphql.events import Event, event_of, events_by_id
from oms_api.webhooks import models, queries
from oms_api.webhooks.models import (
    DELIVERY,
    MESSAGE,
    SUBSCRIPTION,
    WebhookDeliveryStatus,
    WebhookSubscriptionStatus,
)
from oms_api.webhooks.service import queue, sending, subscriptions, trial

describe_enum(
    WebhookSubscriptionStatus,
    "State of a subscription.",
    ACTIVE="Delivering.",
    PAUSED="Paused by you; events queue.",
    FAILING="Stopped by us; events queue.",
)
describe_enum(
    WebhookDeliveryStatus,
    "State of a delivery.",
    PENDING="Waiting.",
    DELIVERED="2xx.",
    RETRYING="Failed, will retry.",
    DEAD="Gave up; can be replayed.",
)


@strawberry.type(description="A partner's standing order for events.")
class WebhookSubscription(Node):
    row: strawberry.Private[models.Subscription]
    handle: str = field(description="Your name for it, unique.")
    url: Url = field(description="Where.")
    topics: list[str] = field(description="Topics, `order.*` allowed.")
    ordered: bool = field(description="Deliver events of one object in order, one at a time.")
    status: WebhookSubscriptionStatus = field(
        description="ACTIVE, PAUSED, or FAILING (stopped by us after 72 h of failures, nothing lost)."
    )

    @field(
        description="Deliveries, newest first, kept 30 days whatever their result.",
        directives=[Cost(weight=1, sized_by=["first"])],
    )
    async def deliveries(
        self,
        info: Info,
        first: Annotated[int, argument("How many at most, up to 100.")] = paging.DEFAULT,
        after: Annotated[str | None, argument("Cursor of the last one that you have.")] = UNSET,
        status: Annotated[WebhookDeliveryStatus | None, argument("Only these.")] = UNSET,
    ) -> WebhookDeliveryConnection:
        only = status if isinstance(status, WebhookDeliveryStatus) else None
        bound = paging.binding(self.row.tenant_id, "webhook_deliveries", self.row.id, only)
        asked = paging.window(bound, first=first, after=after or None)
        rows = await info.context.read(queries.deliveries_page, self.row.id, only, asked)
        page = paging.page(bound, rows, asked, lambda row: [row.occurred_at, row.id])
        nodes = [delivery_of(row) for row in page.rows]
        return WebhookDeliveryConnection(
            nodes=nodes,
            edges=[
                WebhookDeliveryEdge(cursor=cursor, node=node) for cursor, node in zip(page.cursors, nodes, strict=True)
            ],
            page_info=PageInfo.of(page),
        )


@strawberry.type(description="One event to one subscription.")
class WebhookDelivery(Node):
    key: strawberry.Private[UUID]
    event_ids: strawberry.Private[Sequence[UUID]]
    message_id: str = field(description="`webhook-id` header; the same on every attempt.")
    status: WebhookDeliveryStatus = field(description="State.")
    body: str | None = field(description="Exact body of the last try; null before the first.")

    @field(description="Events in it: one, several when batched, none for a test.")
    async def events(self, info: Info) -> list[Event]:
        rows = await info.context.load_many(events_by_id, self.event_ids)
        return [event_of(row) for row in rows if row is not None]

    @field(description="Tries.")
    async def attempts(self, info: Info) -> list[WebhookAttempt]:
        rows = await info.context.load(queries.attempts_of, self.key)
        return [attempt_of(row) for row in rows or ()]


@strawberry.type(description="One try.")
class WebhookAttempt:
    at: datetime = field(description="When.")
    response_status: int | None = field(description="HTTP status, null when no answer.")
    response_body: str | None = field(description="First 4 KiB of the answer.")
    error: str | None = field(description="Why there was no answer, or no complete one.")
    duration_seconds: float = field(description="How long it took.")
    next_attempt_at: datetime | None = field(description="Next try.")


@strawberry.type(description="Page of deliveries.")
class WebhookDeliveryConnection:
    nodes: list[WebhookDelivery] = field(description="The deliveries.")
    edges: list[WebhookDeliveryEdge] = field(description="With cursors.")
    page_info: PageInfo = field(description="Paging.")


@strawberry.type(description="A delivery with its cursor.")
class WebhookDeliveryEdge:
    cursor: str = field(description="Cursor.")
    node: WebhookDelivery = field(description="The delivery.")


def subscription_of(row: models.Subscription) -> WebhookSubscription:
    return WebhookSubscription(
        id=strawberry.ID(SUBSCRIPTION(row.id)),
        row=row,
        handle=row.handle or "",
        url=Url(row.url),
        topics=row.topics,
        ordered=row.ordered,
        status=row.status,
    )


def delivery_of(row: models.Delivery) -> WebhookDelivery:
    return WebhookDelivery(
        id=strawberry.ID(DELIVERY(row.id)),
        key=row.id,
        event_ids=[row.event_id] if row.event_id else [],
        message_id=MESSAGE(row.id),
        status=row.status,
        body=row.body,
    )


def attempt_of(row: models.Attempt) -> WebhookAttempt:
    return WebhookAttempt(
        at=row.at,
        response_status=row.response_status,
        response_body=row.response_body,
        error=row.error,
        duration_seconds=row.duration_us / 1_000_000,
        next_attempt_at=row.next_attempt_at,
    )


node_type(
    SUBSCRIPTION,
    WebhookSubscription,
    scope="webhooks:manage",
    find=found_by(queries.subscriptions_by_id, subscription_of),
)
node_type(DELIVERY, WebhookDelivery, scope="webhooks:manage", find=found_by(queries.deliveries_by_id, delivery_of))


@strawberry.input(description="Create or, by handle, change: an absent field stays as it is, null clears it.")
class WebhookSubscriptionInput:
    handle: str = field(description="Your name for it.")
    url: Url = field(description="Where.")
    topics: list[str] = field(description="Topics.")
    ordered: strawberry.Maybe[bool | None] = field(description="In order per object; false for a new one.")


@strawberry.input(description="Remove a subscription.")
class WebhookSubscriptionDeleteInput:
    handle: str = field(description="Your name for it.")


@strawberry.input(description="Pause or resume a subscription.")
class WebhookSubscriptionPauseInput:
    handle: str = field(description="Your name for it.")
    paused: bool = field(description="True pauses, false resumes; resuming also ends FAILING.")


@strawberry.input(description="New secret.")
class WebhookSecretRotateInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    handle: str = field(description="Your name for it.")
    overlap_seconds: int = field(default=86400, description="Seconds during which the old one signs too.")


@strawberry.input(description="Render a payload.")
class WebhookTestInput:
    handle: str = field(description="Your name for it.")
    topic: str = field(description="Topic.")
    subject_id: strawberry.ID | None = field(default=UNSET, description="Object; a made-up one when absent.")
    send: bool = field(default=False, description="Really send it.")


@strawberry.input(description="Replay.")
class WebhookReplayInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    handle: str = field(description="Subscription.")
    since: datetime = field(description="From.")
    until: datetime | None = field(default=UNSET, description="To.")
    status: list[WebhookDeliveryStatus] | None = field(default=UNSET, description="Only these states.")
    dry_run: bool = field(default=False, description="Count only.")


@strawberry.type(description="Answer. `secret` is shown once.")
class WebhookSubscriptionPayload(Payload):
    webhook_subscription: WebhookSubscription | None = field(default=None, description="The subscription.")
    secret: str | None = field(default=None, description="`whsec_...`, only on create and rotate.")
    previous_secret_expires_at: datetime | None = field(default=None, description="When the old secret stops signing.")

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> WebhookSubscriptionPayload:
        row = await info.context.load(queries.subscriptions_by_id, outcome.ids[0])
        until = row.previous_until if row else None
        return WebhookSubscriptionPayload(
            webhook_subscription=subscription_of(row) if row else None,
            secret=outcome.secret,
            previous_secret_expires_at=until if until and until > clock.now() else None,
        )


@strawberry.type(description="Answer of test and dry run.")
class WebhookTestPayload(Payload):
    body: str | None = field(default=None, description="What was or would be sent.")
    headers: Json | None = field(default=None, description="Headers, signature included.")
    response_status: int | None = field(default=None, description="Receiver's status when sent.")

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> WebhookTestPayload:
        return WebhookTestPayload(**(outcome.extra or {}))


@strawberry.type(description="Answer.")
class WebhookReplayPayload(Payload):
    queued: int = field(default=0, description="Deliveries queued.")

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> WebhookReplayPayload:
        return WebhookReplayPayload(**(outcome.extra or {}))


def _outcome(row: models.Subscription, secret: str | None = None) -> Outcome:
    return Outcome(ids=[row.id], secret=secret, rows=[(queries.subscriptions_by_id, row.id, row)])


async def _record(tx: Tx, delivery_id: UUID, answer: Any) -> Outcome:
    letter, tried = answer
    await sending.record(tx, letter, tried)
    refusals: list[Refusal] = []
    if tried.answer.status is None:
        refusals.append(UpstreamUnavailable(tried.answer.error, path=("input", "handle")))
    return Outcome(
        extra={
            "body": letter.body.decode(),
            "headers": tried.headers,
            "response_status": tried.answer.status,
        },
        refusals=refusals,
    )


@strawberry.type
class Query:
    @query(description="A subscription by handle.", scope=["webhooks:manage"])
    async def webhook_subscription(
        self, info: Info, handle: Annotated[str, argument("Your name for it.")]
    ) -> WebhookSubscription | None:
        row = await info.context.load(queries.subscriptions_by_handle, handle)
        return subscription_of(row) if row else None


@strawberry.type
class Mutation:
    @mutation(
        WebhookSubscriptionPayload,
        description="Create, or change the one with this handle.",
        scope=["webhooks:manage"],
    )
    async def webhook_subscription_put(tx: Tx, input: WebhookSubscriptionInput) -> Outcome:
        change = given(input)
        row, secret = await subscriptions.put(
            tx,
            handle=input.handle,
            url=input.url,
            topics=input.topics,
            ordered=bool(change["ordered"]) if "ordered" in change else None,
        )
        return _outcome(row, secret)

    @mutation(WebhookSubscriptionPayload, description="Remove.", scope=["webhooks:manage"])
    async def webhook_subscription_delete(tx: Tx, input: WebhookSubscriptionDeleteInput) -> Outcome:
        return _outcome(await subscriptions.remove(tx, handle=input.handle))

    @mutation(
        WebhookSubscriptionPayload,
        description="Pause or resume; nothing is lost.",
        scope=["webhooks:manage"],
    )
    async def webhook_subscription_pause(tx: Tx, input: WebhookSubscriptionPauseInput) -> Outcome:
        return _outcome(await subscriptions.pause(tx, handle=input.handle, paused=input.paused))

    @mutation(
        WebhookSubscriptionPayload,
        description="New secret; both sign for the overlap.",
        scope=["webhooks:manage"],
    )
    async def webhook_secret_rotate(tx: Tx, input: WebhookSecretRotateInput) -> Outcome:
        row, secret = await subscriptions.rotate(tx, handle=input.handle, overlap_s=input.overlap_seconds)
        return _outcome(row, secret)

    @mutation(
        WebhookTestPayload,
        description="Render a payload for an object and, if asked, send it.",
        scope=["webhooks:manage"],
        effect=Effect(trial.call, _record),
    )
    async def webhook_test(tx: Tx, input: WebhookTestInput) -> Outcome:
        done = await trial.rehearse(
            tx, handle=input.handle, topic=input.topic, subject_id=input.subject_id or None, send=input.send
        )
        if done.intent is not None:
            return Outcome(intent=done.intent)
        return Outcome(extra={"body": done.body, "headers": done.headers})

    @mutation(WebhookReplayPayload, description="Send again.", scope=["webhooks:manage"])
    async def webhook_replay(tx: Tx, input: WebhookReplayInput) -> Outcome:
        queued = await queue.replay(
            tx,
            handle=input.handle,
            since=input.since,
            until=input.until or None,
            states=input.status or None,
        )
        return Outcome(extra={"queued": queued})
