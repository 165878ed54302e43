"""Whose turn it is in an ordered subscription: of each subject the first that is queued; the others wait behind it.

The turn is a hint that keeps long queues out of the index of what is due; that order is kept is the claim's own guard.
All of these are called under the lock of the subscription's row.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, exists, func, or_, update
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from oms_api.kit.db import Instant, Tx, mine, now, param, prepared, table_of
from oms_api.webhooks.models import BEHIND, Delivery

_OF = (mine(Delivery), col(Delivery.subscription_id) == param("subscription", Uuid()))
_earlier: Any = aliased(Delivery)
_FREE = or_(col(Delivery.claimed_until).is_(None), col(Delivery.claimed_until) <= now())


_CALL = prepared(
    update(table_of(Delivery))
    .where(
        *_OF,
        col(Delivery.subject_id) == param("subject", Uuid()),
        col(Delivery.sequence)
        == select(func.min(col(_earlier.sequence)))
        .where(
            mine(_earlier),
            col(_earlier.subscription_id) == param("subscription", Uuid()),
            col(_earlier.subject_id) == param("subject", Uuid()),
            col(_earlier.next_attempt_at).is_not(None),
        )
        .scalar_subquery(),
        col(Delivery.next_attempt_at) == param("behind", Instant()),
    )
    .values(next_attempt_at=now())
)
_LINE_UP = prepared(
    update(table_of(Delivery))
    .where(
        *_OF,
        col(Delivery.next_attempt_at) < param("behind", Instant()),
        _FREE,
        exists().where(
            col(_earlier.tenant_id) == col(Delivery.tenant_id),
            col(_earlier.subscription_id) == col(Delivery.subscription_id),
            col(_earlier.subject_id) == col(Delivery.subject_id),
            col(_earlier.sequence) < col(Delivery.sequence),
            col(_earlier.next_attempt_at).is_not(None),
        ),
    )
    .values(next_attempt_at=param("behind", Instant()))
)
_BREAK_UP = prepared(
    update(table_of(Delivery))
    .where(*_OF, col(Delivery.next_attempt_at) == param("behind", Instant()))
    .values(next_attempt_at=now())
)


async def call_next(tx: Tx, subscription_id: UUID, subject_id: UUID) -> None:
    """Let the first of a subject's queue be due, if it waited behind another."""
    await tx.run(_CALL, {"subscription": subscription_id, "subject": subject_id, "behind": BEHIND})


async def line_up(tx: Tx, subscription_id: UUID) -> None:
    """Let everything that is queued wait behind the first of its subject: ordered from now on, or queued anew."""
    await tx.run(_LINE_UP, {"subscription": subscription_id, "behind": BEHIND})


async def break_up(tx: Tx, subscription_id: UUID) -> None:
    """Let nothing wait behind another any more: no longer ordered."""
    await tx.run(_BREAK_UP, {"subscription": subscription_id, "behind": BEHIND})
