"""What providers tell us by themselves: stored once, dealt with later, kept for a while.

The HTTP handle verifies a message and stores it here in one transaction, unique on the account that it came to and the
provider's own id: repeated, it is stored once. What is kept are the ids of what it is about, never the message itself,
which may name people. The job that deals with it asks for the present state of these, so that order does not matter.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Uuid, delete, update
from sqlmodel import Field, col, select

from oms_api.kit import clock, ids, jobs
from oms_api.kit.caller import system
from oms_api.kit.db import Choice, Instant, Json, Keyed, Reading, Tx, mine, param, prepared, table_of
from oms_api.kit.ids import NOBODY

MESSAGE = ids.Prefix("inm")

KEPT = timedelta(days=30)
FORGET_TENANTS_MAX = 500
FORGET_BATCH_MAX = 500


class MessageState(StrEnum):
    """WAITING has a job; APPLIED: what it is about was brought up to date; UNMATCHED: it is about nothing of ours;
    IGNORED: messages of its kind change nothing here."""

    WAITING = "WAITING"
    APPLIED = "APPLIED"
    UNMATCHED = "UNMATCHED"
    IGNORED = "IGNORED"


class InboxMessage(Keyed, table=True):
    """A provider's message. `external_id` is the provider's, `kind` its word for what happened, `about` the ids that it
    names; `attempts` counts the times that nothing of ours was found."""

    __tablename__ = "inbox_messages"
    __table_args__ = (
        Index("uq_inbox_messages_external", "tenant_id", "account_id", "external_id", unique=True),
        Index("ix_inbox_messages_received", "received_at", "tenant_id"),
    )
    account_id: UUID
    external_id: str
    kind: str
    about: dict[str, str] = Field(sa_type=Json)
    state: MessageState = Field(sa_type=Choice(MessageState))
    attempts: int = Field(default=0, sa_type=BigInteger)
    received_at: datetime = Field(sa_type=Instant)


_MESSAGE = prepared(select(InboxMessage).where(mine(InboxMessage), col(InboxMessage.id) == param("of", Uuid())))
_SETTLE = prepared(
    update(table_of(InboxMessage))
    .where(mine(InboxMessage), col(InboxMessage.id) == param("of", Uuid()))
    .values(state=param("to_state", Choice(MessageState)), attempts=param("tried", BigInteger()))
)
_TENANTS_WITH_OLD = prepared(
    select(InboxMessage.tenant_id)
    .where(col(InboxMessage.received_at) < param("before", Instant()))
    .distinct()
    .limit(FORGET_TENANTS_MAX)
)
_OLD = (
    select(InboxMessage.id)
    .where(mine(InboxMessage), col(InboxMessage.received_at) < param("before", Instant()))
    .limit(FORGET_BATCH_MAX)
)
_FORGET = prepared(delete(table_of(InboxMessage)).where(mine(InboxMessage), col(InboxMessage.id).in_(_OLD)))


async def store(
    tx: Tx, *, account_id: UUID, external_id: str, kind: str, about: Mapping[str, str], ignored: bool = False
) -> InboxMessage | None:
    """Keep a message; None when it was here before."""
    row: dict[str, Any] = {
        "tenant_id": tx.tenant_id,
        "id": ids.new(),
        "account_id": account_id,
        "external_id": external_id,
        "kind": kind,
        "about": dict(about),
        "state": MessageState.IGNORED if ignored else MessageState.WAITING,
        "received_at": clock.now(),
    }
    new = await tx.upsert(InboxMessage, [row], key=("tenant_id", "account_id", "external_id"))
    return new[0] if new else None


async def message(reading: Reading, message_id: UUID) -> InboxMessage | None:
    found: InboxMessage | None = await reading.first(_MESSAGE, {"of": message_id})
    return found


async def settle(tx: Tx, message_id: UUID, state: MessageState, attempts: int) -> None:
    await tx.run(_SETTLE, {"of": message_id, "to_state": state, "tried": attempts})


async def forget(tx: Tx) -> int:
    """Delete a batch of the tenant's messages that are older than 30 days; how many there were."""
    return await tx.run(_FORGET, {"before": clock.now() - KEPT})


@jobs.timer("kit.forget_inbox", every_s=3600)
async def forget_messages(jobs: jobs.Jobs) -> None:
    """Messages are kept for 30 days: longer than any provider repeats them."""
    async with jobs.db.reading(NOBODY) as reading:
        tenants = await reading.all(_TENANTS_WITH_OLD, {"before": clock.now() - KEPT})
    for tenant_id in tenants:
        while not jobs.stopping.is_set() and await jobs.db.run(forget, system(tenant_id)) == FORGET_BATCH_MAX:
            pass
