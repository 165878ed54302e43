"""What payments do by themselves: ask the providers for what is wanted, and ask again."""

import asyncio
from functools import partial
from uuid import UUID

import structlog

from oms_api.kit.caller import provider, system
from oms_api.kit.events import Event
from oms_api.kit.ids import NOBODY
from oms_api.kit.jobs import Jobs, apart, reaction, timer
from oms_api.payments import queries
from oms_api.payments.events import PaymentCallbackReceived, PaymentOperationRequested
from oms_api.payments.models import OPERATION, PAYMENT
from oms_api.payments.service import carry_out, hear, tell_overdue

log = structlog.get_logger()

RETRY_EVERY_S = 5.0
OVERDUE_EVERY_S = 60.0
AT_ONCE_MAX = 8


@reaction("payments.carry_out", PaymentOperationRequested, outside=True)
async def carry_out_requested(jobs: Jobs, event: Event) -> None:
    """Ask at once, unless the one who wanted it is about to."""
    await carry_out(jobs.db, event.tenant_id, OPERATION.parse(event.data["operationId"]))


@reaction("payments.hear", PaymentCallbackReceived, outside=True)
async def hear_callback(jobs: Jobs, event: Event) -> None:
    """Bring up to date what a provider's message is about."""
    await hear(jobs.db, provider(event.tenant_id, event.data["provider"]), event.subject_id)


@timer("payments.overdue", every_s=OVERDUE_EVERY_S)
async def overdue(jobs: Jobs) -> None:
    """Tell of money that nobody collected in time; one that fails stops no other."""
    async with jobs.db.reading(NOBODY) as reading:
        late = await queries.overdue(reading)
    with apart() as each:
        for tenant_id, payment_id in late:
            await each(
                jobs.db.run(partial(tell_overdue, payment_id=payment_id), system(tenant_id)), PAYMENT(payment_id)
            )


@timer("payments.retry", every_s=RETRY_EVERY_S)
async def retry(jobs: Jobs) -> None:
    """Ask again for what is unanswered, and whether customers have acted; one bad operation stops no other."""
    async with jobs.db.reading(NOBODY) as reading:
        due = await queries.due(reading)
    turns = asyncio.Semaphore(AT_ONCE_MAX)

    async def one(tenant_id: UUID, operation_id: UUID) -> None:
        async with turns:
            await carry_out(jobs.db, tenant_id, operation_id)

    for (_, operation_id), failed in zip(
        due, await asyncio.gather(*(one(*it) for it in due), return_exceptions=True), strict=True
    ):
        if failed is not None:
            log.error("payment operation failed", operation_id=OPERATION(operation_id), exc_info=failed)
