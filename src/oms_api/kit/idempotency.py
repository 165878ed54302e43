"""Same key and same input, same answer: kept seven days, written in the effect's own transaction.

A key's row is claimed in the first transaction and answered in the last. Stored is the outcome (ids, refusals,
one-time secrets encrypted), not JSON: a replay renders the objects as they are now, with the caller's selection. A
second transaction with the same key waits in the claiming INSERT until the first has ended: the database decides.
"""

import dataclasses
import hashlib
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Index, delete, tuple_, update
from sqlmodel import Field, SQLModel, col, select
from strawberry import UNSET, Some

from oms_api.kit import clock
from oms_api.kit.db import Instant, Json, TryAgain, Tx, columns, mine, param, prepared, table_of
from oms_api.kit.errors import IdempotencyInProgress, IdempotencyKeyReused, Invalid, camel

KEPT = timedelta(days=7)
KEY_LENGTH_MAX = 255
FORGET_BATCH_MAX = 500


class IdempotencyKey(SQLModel, table=True):
    """A key that a client used. `outcome` is null while the first request runs; `intent_id` is then its intent."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)
    tenant_id: UUID = Field(primary_key=True)
    client_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    operation: str
    input_hash: str
    outcome: dict[str, Any] | None = Field(default=None, sa_type=Json, nullable=True)
    intent_id: UUID | None = None
    created_at: datetime = Field(sa_type=Instant)


def canonical(value: Any) -> Any:
    """A coerced input as plain JSON: without `idempotencyKey` and without what is absent or equals its default."""
    if dataclasses.is_dataclass(value):
        found = {}
        for field in dataclasses.fields(value):
            item = getattr(value, field.name)
            if item is UNSET or item is None or field.name == "idempotency_key":
                continue
            if field.default is not dataclasses.MISSING and item == field.default:
                continue
            found[field.name] = canonical(item)
        return found
    if isinstance(value, Some):
        return [canonical(value.value)]
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.timestamp()
    return value


def hash_of(operation: str, value: Any) -> str:
    body = orjson.dumps([operation, canonical(value)], option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.sha256(body).hexdigest()


_FIND = prepared(
    select(IdempotencyKey).where(
        mine(IdempotencyKey),
        col(IdempotencyKey.client_id) == param("client"),
        col(IdempotencyKey.key) == param("key"),
    )
)
_SETTLE = prepared(
    update(table_of(IdempotencyKey))
    .where(
        mine(IdempotencyKey),
        col(IdempotencyKey.client_id) == param("client"),
        col(IdempotencyKey.key) == param("of_key"),
    )
    .values(outcome=param("outcome"), intent_id=param("intent"))
)


async def claim(tx: Tx, key: str, operation: str, input_hash: str) -> IdempotencyKey | None:
    """Claim the key for this request; None when it is now ours, else the first request's row.

    Raises IdempotencyKeyReused, Invalid.
    """
    if not 1 <= len(key) <= KEY_LENGTH_MAX or not key.isprintable():
        raise Invalid(
            f"idempotencyKey must be 1 to {KEY_LENGTH_MAX} printable characters.", path=("input", "idempotencyKey")
        )
    client = tx.caller.client_id or ""
    row = {
        "tenant_id": tx.tenant_id,
        "client_id": client,
        "key": key,
        "operation": operation,
        "input_hash": input_hash,
        "created_at": clock.now(),
    }
    try:
        new = await tx.upsert(IdempotencyKey, [row], key=("tenant_id", "client_id", "key"))
    except TryAgain as error:  # the first request's transaction stayed open for longer than the lock time-out (2 s)
        raise IdempotencyInProgress(
            "The first request with this key is still running; send it again in a moment.",
            path=("input", "idempotencyKey"),
            details={"retry_after_seconds": 1},
        ) from error
    if new:
        return None
    first = await tx.first(_FIND, {"client": client, "key": key})
    if first is None:
        raise IdempotencyInProgress(
            "The first request with this key has just ended without effect; send it again.",
            details={"retry_after_seconds": 1},
        )
    if first.input_hash != input_hash:
        raise IdempotencyKeyReused(
            f"{key[:60]!r} was used before by {camel(first.operation)} with other input; use a fresh key for a new "
            "request.",
            path=("input", "idempotencyKey"),
        )
    return first


async def settle(tx: Tx, key: str, outcome: dict[str, Any] | None, intent_id: UUID | None = None) -> None:
    """Store the outcome, or while a provider is asked, the intent that a repeat resumes."""
    await tx.run(
        _SETTLE,
        {"client": tx.caller.client_id or "", "of_key": key, "outcome": outcome, "intent": intent_id},
    )


_OLD = (
    columns(col(IdempotencyKey.client_id), col(IdempotencyKey.key))
    .where(mine(IdempotencyKey), col(IdempotencyKey.created_at) < param("before", Instant()))
    .limit(FORGET_BATCH_MAX)
)
_FORGET = prepared(
    delete(table_of(IdempotencyKey)).where(
        mine(IdempotencyKey), tuple_(col(IdempotencyKey.client_id), col(IdempotencyKey.key)).in_(_OLD)
    )
)


async def forget(tx: Tx) -> int:
    """Delete a batch of the tenant's keys that are older than seven days; how many there were."""
    return await tx.run(_FORGET, {"before": clock.now() - KEPT})
