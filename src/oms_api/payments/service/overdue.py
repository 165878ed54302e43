"""Money that somebody else was to collect and did not in time: told once, for whoever asks after it."""

from uuid import UUID

from sqlalchemy import Uuid, update
from sqlmodel import col

from oms_api.kit import clock
from oms_api.kit.db import Instant, Tx, mine, now, param, prepared, table_of
from oms_api.kit.events import emit
from oms_api.payments.events import PaymentOverdue
from oms_api.payments.models import PAYMENT, Payment

_TELL = prepared(
    update(table_of(Payment))
    .where(
        mine(Payment),
        col(Payment.id) == param("payment", Uuid()),
        col(Payment.due_at) <= now(),
        col(Payment.overdue_at).is_(None),
    )
    .values(overdue_at=param("at", Instant()))
    .returning(Payment)
)


async def tell_overdue(tx: Tx, payment_id: UUID) -> None:
    """Nothing when it was told before, or has been collected or let go meanwhile."""
    for payment in await tx.all(_TELL, {"payment": payment_id, "at": clock.now()}):
        emit(
            tx,
            PaymentOverdue(
                payment_id=PAYMENT(payment.id), amount_minor=payment.authorizing_minor, currency=payment.currency
            ),
            subject=PAYMENT.ref(payment.id),
            owner=payment.payable_id,
        )
