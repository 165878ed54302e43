"""Facts: one append-only log, written in the transaction that made them true.

`emit(tx, OrderConfirmed(...), subject=...)` or it did not happen. Per subject the `sequence` has no gap: the row in
`event_subjects` is locked until commit. The tenant's `cursor` is not assigned by writers, because a transaction that
commits late would be passed over by readers; one sequencer at a time stamps what is committed (`stamp`), and readers
see only stamped events. Facts carry ids, codes and quantities, never names, addresses, e-mail, phone or free text.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Index, Uuid, case, text, update
from sqlmodel import Field, SQLModel, col, select

from oms_api.kit import clock, ids
from oms_api.kit.caller import Caller
from oms_api.kit.db import (
    Database,
    Instant,
    Json,
    Keyed,
    Reading,
    Tx,
    any_of,
    columns,
    json_rows,
    mine,
    param,
    prepared,
    table_of,
)

EVENT = ids.Prefix("evt")
STAMP_BATCH_MAX = 500
TELL_AGAIN_AFTER = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that happened. The class name is the topic: `OrderConfirmed` → `order.confirmed`."""

    topics: ClassVar[dict[str, type["Fact"]]] = {}
    topic: ClassVar[str]

    def __init_subclass__(cls) -> None:
        noun, verb = re.fullmatch(r"([A-Z][a-z]+)(\w+)", cls.__name__).groups()  # type: ignore[union-attr]
        cls.topic = f"{noun.lower()}.{re.sub(r'(?<!^)(?=[A-Z])', '_', verb).lower()}"
        Fact.topics[cls.topic] = cls

    def data(self) -> dict[str, Any]:
        return {_camel(field.name): _plain(getattr(self, field.name)) for field in fields(self)}


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.title() for word in tail)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, UUID):
        raise TypeError("a fact carries public ids (`ORDER(order.id)`), not bare UUIDs")
    return value


def rfc3339(instant: datetime) -> str:
    """UTC with microseconds: `2026-11-22T04:35:10.123456Z`."""
    return f"{instant.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


class EventSubject(Keyed, table=True):
    """How many facts an object has: the lock and the counter behind its gap-free `sequence`."""

    __tablename__ = "event_subjects"
    sequence: int = Field(sa_type=BigInteger)


class EventLog(SQLModel, table=True):
    """The last position that was stamped in a tenant's log."""

    __tablename__ = "event_logs"
    tenant_id: UUID = Field(primary_key=True)
    position: int = Field(sa_type=BigInteger)


class Event(Keyed, table=True):
    """One fact. `position` is the tenant's cursor, null until it is stamped; `owner_id` the aggregate whose timeline
    tells it; `pending` how many reactions have not yet dealt with it; `tell_at` when these are told again, unless they
    have dealt with it by then (null: nobody waits for it)."""

    __tablename__ = "events"
    __table_args__ = (
        Index("uq_events_sequence", "tenant_id", "subject_id", "sequence", unique=True),
        Index("uq_events_position", "tenant_id", "position", unique=True),
        Index("ix_events_owner", "tenant_id", "owner_id", "position"),
        Index(
            "ix_events_unstamped",
            "tenant_id",
            "id",
            sqlite_where=text("position IS NULL"),
            postgresql_where=text("position IS NULL"),
        ),
        Index(
            "ix_events_tell_at",
            "tell_at",
            sqlite_where=text("tell_at IS NOT NULL"),
            postgresql_where=text("tell_at IS NOT NULL"),
        ),
    )
    topic: str
    subject_type: str
    subject_id: UUID
    owner_id: UUID
    sequence: int = Field(sa_type=BigInteger)
    position: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    occurred_at: datetime = Field(sa_type=Instant)
    added: list[str] = Field(sa_type=Json)
    updated: list[str] = Field(sa_type=Json)
    removed: list[str] = Field(sa_type=Json)
    actor_kind: str
    actor_id: str | None = None
    actor_name: str | None = None
    request_id: str | None = None
    data: dict[str, Any] = Field(sa_type=Json)
    pending: int = Field(default=0)
    tell_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)


# topic -> names of the reactions that must hear it; filled by `kit.jobs.reaction`
REACTIONS: dict[str, list[str]] = defaultdict(list)

# called after a commit that told something; the worker's relay hangs itself in here
_bells: list[Callable[[UUID], None]] = []


def on_told(bell: Callable[[UUID], None]) -> Callable[[], None]:
    """Ring `bell(tenant_id)` after each commit that emitted. Returns what takes it down again."""
    _bells.append(bell)
    return lambda: _bells.remove(bell)


def _ring(tenant_id: UUID) -> None:
    for bell in _bells:
        bell(tenant_id)


def emit(
    tx: Tx,
    fact: Fact,
    *,
    subject: ids.Ref,
    owner: UUID | None = None,
    added: Iterable[str] = (),
    updated: Iterable[str] = (),
    removed: Iterable[str] = (),
) -> None:
    """Tell a fact about `subject`, in the timeline of `owner` (the subject itself when absent)."""
    facts = tx.notes.get("facts")
    if facts is None:
        facts = tx.notes["facts"] = []
        tx.before_commit(_write)
        tx.after_commit(lambda: _ring(tx.tenant_id))
    facts.append((fact, subject, owner or subject.id, list(added), list(updated), list(removed)))


async def _write(tx: Tx) -> None:
    facts = tx.notes["facts"]
    counts = Counter(subject.id for _, subject, *_ in facts)
    rows = [{"tenant_id": tx.tenant_id, "id": id_, "sequence": counts[id_]} for id_ in sorted(counts)]
    now = await tx.upsert(EventSubject, rows, key=("tenant_id", "id"), add=("sequence",))
    following = {row.id: row.sequence - counts[row.id] for row in now}
    caller: Caller = tx.caller
    occurred_at = clock.now()
    events = []
    for fact, subject, owner, added, updated, removed in facts:
        following[subject.id] += 1
        events.append(
            {
                "tenant_id": tx.tenant_id,
                "id": ids.new(),
                "topic": fact.topic,
                "subject_type": subject.prefix,
                "subject_id": subject.id,
                "owner_id": owner,
                "sequence": following[subject.id],
                "occurred_at": occurred_at,
                "added": added,
                "updated": updated,
                "removed": removed,
                "actor_kind": str(caller.kind),
                "actor_id": caller.client_id,
                "actor_name": caller.name,
                "request_id": caller.request_id,
                "data": fact.data(),
                "pending": len(REACTIONS.get(fact.topic, ())),
            }
        )
    await tx.insert(Event, events)


# --- the sequencer -------------------------------------------------------------------------------------------------

_FIELDS = (col(Event.id), col(Event.topic), col(Event.subject_id), col(Event.sequence))
_UNSTAMPED = prepared(
    columns(*_FIELDS).where(mine(Event), col(Event.position).is_(None)).order_by(col(Event.id)).limit(STAMP_BATCH_MAX)
)
_UNSTAMPED_OF = prepared(
    columns(*_FIELDS)
    .where(mine(Event), any_of(Event.subject_id, "subjects"), col(Event.position).is_(None))
    .order_by(col(Event.id))
)
# ordered like the partial index: for DISTINCT alone SQLite reads the whole log
_UNSTAMPED_TENANTS = prepared(
    columns(col(Event.tenant_id), col(Event.id))
    .where(col(Event.position).is_(None))
    .order_by(col(Event.tenant_id), col(Event.id))
    .limit(STAMP_BATCH_MAX)
)
_stamps = json_rows("stamps", {"id": Uuid(), "position": BigInteger()})
_STAMP = prepared(
    update(table_of(Event))
    .where(mine(Event), col(Event.id) == _stamps.c.id)
    .values(
        position=_stamps.c.position,
        tell_at=case((col(Event.pending) > 0, param("again", Instant())), else_=None),
    )
)
_LOG = prepared(select(EventLog).where(mine(EventLog)).with_for_update())


async def unstamped_tenants(reading: Reading) -> Sequence[UUID]:
    """Tenants with committed events that are not in their log yet; some of them, when many events wait.

    Spans tenants: only the relay asks.
    """
    return list({row.tenant_id for row in await reading.all(_UNSTAMPED_TENANTS)})


async def stamp(db: Database, caller: Caller) -> list[tuple[UUID, str]]:
    """Give committed events the tenant's next positions; returns (id, topic) of those stamped, in order.

    One sequencer at a time: the tenant's `event_logs` row is locked first. Never an event before its predecessor of
    the same subject, even when clocks of two machines disagree about the order of their ids.
    """

    async def work(tx: Tx) -> list[tuple[UUID, str]]:
        log = await tx.first(_LOG)
        if log is None:
            (log,) = await tx.upsert(
                EventLog, [{"tenant_id": tx.tenant_id, "position": 0}], key=("tenant_id",), add=("position",)
            )
        waiting = await tx.all(_UNSTAMPED)
        if not waiting:
            tx.discard()  # another relay was faster
            return []
        if len(waiting) == STAMP_BATCH_MAX:  # a predecessor may have an id beyond the batch
            waiting = await tx.all(_UNSTAMPED_OF, {"subjects": list({event.subject_id for event in waiting})})
        of_subject: dict[UUID, list[Any]] = defaultdict(list)
        for event in waiting:
            of_subject[event.subject_id].append(event)
        turns = {
            subject: iter(sorted(events, key=lambda event: event.sequence)) for subject, events in of_subject.items()
        }
        ordered = [next(turns[event.subject_id]) for event in waiting]
        await tx.run(
            _STAMP,
            {
                "stamps": [{"id": event.id, "position": log.position + i} for i, event in enumerate(ordered, 1)],
                "again": clock.now() + TELL_AGAIN_AFTER,
            },
        )
        await tx.upsert(
            EventLog,
            [{"tenant_id": tx.tenant_id, "position": len(ordered)}],
            key=("tenant_id",),
            add=("position",),
        )
        return [(event.id, event.topic) for event in ordered]

    return await db.run(work, caller)
