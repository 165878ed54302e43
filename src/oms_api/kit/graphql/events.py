"""The event log in the API: `events`, and the timeline of one object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy import BigInteger, Uuid, or_
from sqlmodel import col, select
from strawberry import UNSET

from oms_api.kit import events, ids, paging
from oms_api.kit.caller import ActorKind
from oms_api.kit.db import Reading, any_of, mine, param, prepared
from oms_api.kit.errors import BadInput, Invalid
from oms_api.kit.events import EVENT
from oms_api.kit.graphql.context import Info
from oms_api.kit.graphql.fields import query
from oms_api.kit.graphql.node import found_by, node_type
from oms_api.kit.graphql.scalars import Json
from oms_api.kit.graphql.types import Node, PageInfo, argument, describe_enum, field

describe_enum(
    ActorKind,
    "What an actor is.",
    CLIENT="API key or client.",
    STAFF="Person of the tenant.",
    CUSTOMER="Customer or guest.",
    PROVIDER="Payment provider, carrier, marketplace.",
    SYSTEM="The system itself: timers, policies.",
)


@strawberry.type(description="Who acts.")
class Actor:
    kind: ActorKind = field(description="What it is.")
    id: strawberry.ID | None = field(description="Key, user, customer or provider; null for the system.")
    name: str | None = field(description="For humans.")
    on_behalf_of: Actor | None = field(default=None, description="For whom, when an agent acts for a customer.")


@strawberry.type(description="What changed.")
class FieldChanges:
    added: list[str] = field(description="New paths.")
    updated: list[str] = field(description="Changed paths.")
    removed: list[str] = field(description="Gone paths.")


@strawberry.type(description="Something that happened. Immutable, ordered per object by `sequence`.")
class Event(Node):
    topic: str = field(description="`order.confirmed`, `shipment.delivered`...")
    occurred_at: datetime = field(description="When it happened.")
    cursor: str = field(
        description="Position in the tenant's log. Good for `events` and every subscription whatever their filters "
        "(page cursors are not); without `after` the query starts at the oldest event kept and the subscription at "
        "now, order is oldest first, and a cursor older than what is kept is EXPIRED, never a silent gap."
    )
    subject_id: strawberry.ID = field(description="The object.")
    sequence: int = field(description="1, 2, 3... per object.")
    changes: FieldChanges = field(description="Paths added, updated, removed.")
    actor: Actor = field(description="Who did it.")
    data: Json = field(description="Facts at that moment.")


@strawberry.type(description="An event with its cursor.")
class EventEdge:
    cursor: str = field(description="Cursor.")
    node: Event = field(description="The event.")


@strawberry.type(description="Page of events.")
class EventConnection:
    nodes: list[Event] = field(description="The events.")
    edges: list[EventEdge] = field(description="With cursors.")
    page_info: PageInfo = field(description="Paging.")


def event_of(row: events.Event) -> Event:
    return Event(
        id=strawberry.ID(EVENT(row.id)),
        topic=row.topic,
        occurred_at=row.occurred_at,
        cursor=str(row.position),
        subject_id=strawberry.ID(ids.encode(row.subject_type, row.subject_id)),
        sequence=row.sequence,
        changes=FieldChanges(added=row.added, updated=row.updated, removed=row.removed),
        actor=Actor(
            kind=ActorKind(row.actor_kind),
            id=strawberry.ID(row.actor_id) if row.actor_id else None,
            name=row.actor_name,
        ),
        data=Json(row.data),
    )


_BY_ID = prepared(
    select(events.Event).where(
        mine(events.Event), any_of(events.Event.id, "ids"), col(events.Event.position).is_not(None)
    )
)


async def events_by_id(reading: Reading, keys: Sequence[UUID]) -> Mapping[UUID, events.Event]:
    """Stamped events."""
    return {row.id: row for row in await reading.all(_BY_ID, {"ids": keys})}


node_type(EVENT, Event, scope="events:read", find=found_by(events_by_id, event_of))


def _connection(page: paging.Page[events.Event]) -> EventConnection:
    nodes = [event_of(row) for row in page.rows]
    return EventConnection(
        nodes=nodes,
        edges=[EventEdge(cursor=cursor, node=node) for cursor, node in zip(page.cursors, nodes, strict=True)],
        page_info=PageInfo.of(page),
    )


async def timeline(info: Info, owner_id: UUID, *, first: int, after: str | None) -> EventConnection:
    """What happened to an aggregate and what belongs to it, newest first."""
    bound = paging.binding(info.context.known_caller().tenant_id, "timeline", owner_id)
    asked = paging.window(bound, first=first, after=after)

    async def read(reading: Reading) -> list[events.Event]:
        statement = select(events.Event).where(
            mine(events.Event), col(events.Event.owner_id) == owner_id, col(events.Event.position).is_not(None)
        )
        return list(await reading.all(paging.keyset(statement, [col(events.Event.position)], [True], asked)))

    return _connection(paging.page(bound, await info.context.read(read), asked, lambda row: [row.position]))


_AFTER = (
    select(events.Event)
    .where(mine(events.Event), col(events.Event.position) > param("after", BigInteger()))
    .order_by(col(events.Event.position))
    .limit(param("limit", BigInteger()))
)
_BY_SUBJECT = prepared(_AFTER.where(col(events.Event.subject_id) == param("subject", Uuid())))
_ALL = prepared(_AFTER)


def position_of(cursor: str | None) -> int:
    """A log cursor as a number; raises BadInput when it is none."""
    if cursor is None:
        return 0
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
        raise BadInput(
            Invalid(f"{cursor[:40]!r} is not an event cursor; send `Event.cursor` as it came.", path=("after",))
        )
    return int(cursor)


def _topics(topics: Sequence[str]) -> Any:
    conditions = []
    for pattern in topics:
        if pattern == "*":
            return None
        if pattern.endswith(".*"):
            conditions.append(col(events.Event.topic).startswith(pattern[:-1], autoescape=True))
        else:
            conditions.append(col(events.Event.topic) == pattern)
    return conditions


@strawberry.type
class Query:
    @query(
        description="The event log: poll it, or catch up after an outage.", scope=["events:read"], sized_by=["first"]
    )
    async def events(
        self,
        info: Info,
        after: Annotated[str | None, argument("Cursor of the last event that you have.")] = UNSET,
        topics: Annotated[list[str] | None, argument("Only these topics; `order.*` allowed.")] = UNSET,
        subject_id: Annotated[strawberry.ID | None, argument("Only this object's.")] = UNSET,
        first: Annotated[int, argument("How many at most, up to 100.")] = 100,
    ) -> EventConnection:
        position = position_of(after or None)
        if not 0 <= first <= paging.MAX:
            raise BadInput(Invalid(f"first: {first} is not allowed; ask for 0 to {paging.MAX}.", path=("first",)))
        values: dict[str, Any] = {"after": position, "limit": first + 1}
        statement: Any = _ALL
        if topics:
            conditions = _topics(topics)
            if conditions:
                base = _AFTER.where(or_(*conditions))
                statement = (
                    base.where(col(events.Event.subject_id) == ids.decode(subject_id)[1]) if subject_id else base
                )
            elif subject_id:
                statement = _BY_SUBJECT
        elif subject_id:
            statement = _BY_SUBJECT
        if statement is _BY_SUBJECT:
            values["subject"] = ids.decode(subject_id or "")[1]

        async def read(reading: Reading) -> list[events.Event]:
            return list(await reading.all(statement, values))

        rows = await info.context.read(read)
        kept = rows[:first]
        return _connection(
            paging.Page(
                kept, [str(row.position) for row in kept], has_next=len(rows) > first, has_previous=position > 0
            )
        )
