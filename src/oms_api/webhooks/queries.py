"""Every SELECT of webhooks."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, and_, exists, func, or_
from sqlmodel import col, select

from oms_api.kit import paging
from oms_api.kit.db import Instant, Reading, any_of, columns, mine, now, param, prepared
from oms_api.kit.events import Event, EventLog
from oms_api.webhooks.models import (
    Attempt,
    Delivery,
    Subscription,
    WebhookDeliveryStatus,
    WebhookSubscriptionStatus,
)

FAN_OUT_BATCH_MAX = 500
FORGET_BATCH_MAX = 500
DUE_SUBSCRIPTIONS_MAX = 5_000
SETTLED = (WebhookDeliveryStatus.DELIVERED, WebhookDeliveryStatus.DEAD)

# --- subscriptions -------------------------------------------------------------------------------------------------

_HERE = col(Subscription.handle).is_not(None)
_BY_ID = prepared(select(Subscription).where(mine(Subscription), any_of(Subscription.id, "ids"), _HERE))
_BY_HANDLE = prepared(select(Subscription).where(mine(Subscription), any_of(Subscription.handle, "handles")))
_LOCK = prepared(
    select(Subscription).where(mine(Subscription), col(Subscription.id) == param("id", Uuid())).with_for_update()
)
_LOCK_BY_HANDLE = prepared(
    select(Subscription).where(mine(Subscription), col(Subscription.handle) == param("handle")).with_for_update()
)
_COUNT = prepared(select(func.count().label("count")).select_from(Subscription).where(mine(Subscription), _HERE))
_END = prepared(select(EventLog.position).where(mine(EventLog)))
_BEHIND = prepared(
    select(Subscription.id)
    .join(EventLog, col(EventLog.tenant_id) == col(Subscription.tenant_id))
    .where(mine(Subscription), _HERE, col(Subscription.position) < col(EventLog.position))
)
_TENANTS_BEHIND = prepared(
    select(Subscription.tenant_id)
    .join(EventLog, col(EventLog.tenant_id) == col(Subscription.tenant_id))
    .where(_HERE, col(Subscription.position) < col(EventLog.position))
    .distinct()
)


async def subscriptions_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Subscription]:
    return {row.id: row for row in await reading.all(_BY_ID, {"ids": ids})}


async def subscriptions_by_handle(reading: Reading, handles: Sequence[str]) -> Mapping[str, Subscription]:
    return {row.handle: row for row in await reading.all(_BY_HANDLE, {"handles": handles}) if row.handle}


async def locked(reading: Reading, id_: UUID) -> Subscription | None:
    """A subscription, removed or not, that nobody else claims for, records for or changes until commit."""
    found: Subscription | None = await reading.first(_LOCK, {"id": id_})
    return found


async def locked_by_handle(reading: Reading, handle: str) -> Subscription | None:
    found: Subscription | None = await reading.first(_LOCK_BY_HANDLE, {"handle": handle})
    return found


async def subscriptions_count(reading: Reading) -> int:
    return await reading.first(_COUNT) or 0


# --- the log -------------------------------------------------------------------------------------------------------

_EVENTS_AFTER = prepared(
    columns(Event.id, Event.topic, Event.subject_id, Event.sequence, Event.position, Event.occurred_at)
    .where(mine(Event), col(Event.position) > param("after", BigInteger()))
    .order_by(col(Event.position))
    .limit(FAN_OUT_BATCH_MAX)
)
_EVENTS = prepared(select(Event).where(mine(Event), any_of(Event.id, "ids")))
_LAST_EVENT = prepared(
    select(Event)
    .where(
        mine(Event),
        col(Event.subject_id) == param("subject", Uuid()),
        col(Event.topic) == param("topic"),
        col(Event.position).is_not(None),
    )
    .order_by(col(Event.sequence).desc())
    .limit(1)
)


async def end_of_log(reading: Reading) -> int:
    """The last position that was stamped."""
    return await reading.first(_END) or 0


async def behind(reading: Reading) -> list[UUID]:
    """Subscriptions that have not yet seen the log to its end."""
    return await reading.all(_BEHIND)


async def tenants_behind(reading: Reading) -> list[UUID]:
    """Tenants with such subscriptions. Spans tenants: only the timer asks."""
    return await reading.all(_TENANTS_BEHIND)


async def events_after(reading: Reading, position: int) -> list[Any]:
    """The next stamped events: id, topic, subject, sequence, position, occurred_at; FAN_OUT_BATCH_MAX at most."""
    return await reading.all(_EVENTS_AFTER, {"after": position})


async def events(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Event]:
    return {row.id: row for row in await reading.all(_EVENTS, {"ids": ids})}


async def last_event(reading: Reading, subject_id: UUID, topic: str) -> Event | None:
    found: Event | None = await reading.first(_LAST_EVENT, {"subject": subject_id, "topic": topic})
    return found


# --- deliveries ----------------------------------------------------------------------------------------------------

_DUE = prepared(
    columns(Subscription.tenant_id, Subscription.id)
    .where(
        col(Subscription.status) == WebhookSubscriptionStatus.ACTIVE,
        _HERE,
        exists().where(
            col(Delivery.tenant_id) == col(Subscription.tenant_id),
            col(Delivery.subscription_id) == col(Subscription.id),
            col(Delivery.next_attempt_at) <= now(),
        ),
    )
    .limit(DUE_SUBSCRIPTIONS_MAX)
)
_IN_FLIGHT = prepared(
    select(func.count().label("count"))
    .select_from(Delivery)
    .where(
        mine(Delivery),
        col(Delivery.subscription_id) == param("subscription", Uuid()),
        col(Delivery.claimed_until) > now(),
    )
)
_QUEUED = prepared(
    columns(col(Delivery.subject_id))
    .where(
        mine(Delivery),
        col(Delivery.subscription_id) == param("subscription", Uuid()),
        any_of(Delivery.subject_id, "subjects"),
        col(Delivery.next_attempt_at).is_not(None),
    )
    .distinct()
)
_DELIVERIES = prepared(select(Delivery).where(mine(Delivery), any_of(Delivery.id, "ids")))
_ATTEMPTS = prepared(
    select(Attempt)
    .where(mine(Attempt), any_of(Attempt.delivery_id, "deliveries"))
    .order_by(col(Attempt.at), col(Attempt.id))
)


async def due_subscriptions(reading: Reading) -> list[Any]:
    """(tenant_id, id) of active subscriptions with something to send now. Spans tenants: only the sender asks."""
    return await reading.all(_DUE)


async def in_flight(reading: Reading, subscription_id: UUID) -> int:
    """Deliveries of a subscription that some worker is sending at this moment."""
    return await reading.first(_IN_FLIGHT, {"subscription": subscription_id}) or 0


async def queued_subjects(reading: Reading, subscription_id: UUID, subjects: Sequence[UUID]) -> set[UUID]:
    """Those of the subjects that have deliveries queued."""
    return set(await reading.all(_QUEUED, {"subscription": subscription_id, "subjects": subjects}))


async def deliveries_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Delivery]:
    return {row.id: row for row in await reading.all(_DELIVERIES, {"ids": ids})}


async def attempts_of(reading: Reading, delivery_ids: Sequence[UUID]) -> Mapping[UUID, list[Attempt]]:
    """Attempts by delivery, oldest first."""
    found: dict[UUID, list[Attempt]] = defaultdict(list)
    for row in await reading.all(_ATTEMPTS, {"deliveries": delivery_ids}):
        found[row.delivery_id].append(row)
    return found


async def deliveries_page(
    reading: Reading, subscription_id: UUID, status: WebhookDeliveryStatus | None, asked: paging.Window
) -> list[Delivery]:
    """A page, newest first, and one row more."""
    statement = select(Delivery).where(mine(Delivery), col(Delivery.subscription_id) == subscription_id)
    if status is not None:
        statement = statement.where(col(Delivery.status) == status)
    order = [col(Delivery.occurred_at), col(Delivery.id)]
    return list(await reading.all(paging.keyset(statement, order, [True, True], asked)))


def replayable() -> Any:
    """Deliveries that were tried, in a range of time and of these states, and that nobody is sending now."""
    return and_(
        mine(Delivery),
        col(Delivery.subscription_id) == param("subscription", Uuid()),
        col(Delivery.occurred_at) >= param("since", Instant()),
        col(Delivery.occurred_at) < param("until", Instant()),
        any_of(Delivery.status, "states"),
        col(Delivery.event_id).is_not(None),
        or_(col(Delivery.claimed_until).is_(None), col(Delivery.claimed_until) <= now()),
    )


_REPLAYABLE = prepared(select(func.count().label("count")).select_from(Delivery).where(replayable()))


async def replayable_count(reading: Reading, values: Mapping[str, Any]) -> int:
    return await reading.first(_REPLAYABLE, values) or 0


# --- what is no longer kept ----------------------------------------------------------------------------------------

_AGED = and_(
    or_(*[col(Delivery.status) == status for status in SETTLED]),
    col(Delivery.occurred_at) < param("before", Instant()),  # it is never settled before it happened: uses the index
    col(Delivery.settled_at) < param("before", Instant()),
)
_FORGETTABLE = prepared(
    columns(Subscription.tenant_id, Subscription.id).where(
        or_(
            ~_HERE,
            exists().where(
                col(Delivery.tenant_id) == col(Subscription.tenant_id),
                col(Delivery.subscription_id) == col(Subscription.id),
                _AGED,
            ),
        )
    )
)
_OF = (mine(Delivery), col(Delivery.subscription_id) == param("subscription", Uuid()))
_OLD = prepared(select(Delivery.id).where(*_OF, _AGED).limit(FORGET_BATCH_MAX))
_LEFT = prepared(
    select(Delivery.id)
    .where(*_OF, or_(col(Delivery.claimed_until).is_(None), col(Delivery.claimed_until) <= now()))
    .limit(FORGET_BATCH_MAX)
)
_ANY = prepared(select(Delivery.id).where(*_OF).limit(1))


async def forgettable(reading: Reading, before: datetime) -> list[Any]:
    """(tenant_id, id) of subscriptions that were removed or have settled deliveries older than `before`. Spans tenants:
    only the timer asks."""
    return await reading.all(_FORGETTABLE, {"before": before})


async def old_deliveries(reading: Reading, subscription_id: UUID, before: datetime) -> list[UUID]:
    return await reading.all(_OLD, {"subscription": subscription_id, "before": before})


async def left_deliveries(reading: Reading, subscription_id: UUID) -> list[UUID]:
    """Any deliveries of a subscription but those in flight."""
    return await reading.all(_LEFT, {"subscription": subscription_id})


async def has_deliveries(reading: Reading, subscription_id: UUID) -> bool:
    return await reading.first(_ANY, {"subscription": subscription_id}) is not None
