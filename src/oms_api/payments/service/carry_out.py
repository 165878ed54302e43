"""Intent → call → record: asks the provider outside of any transaction, and never forgets an intent."""

import asyncio
from datetime import timedelta
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, update
from sqlmodel import col

from oms_api.kit import clock
from oms_api.kit.caller import Caller, system
from oms_api.kit.db import Database, Instant, Tx, mine, param, prepared, table_of
from oms_api.kit.graphql.fields import Effect
from oms_api.payments import queries, rules
from oms_api.payments.models import OPERATION, Operation, OperationState
from oms_api.payments.provider import Answer, Ask, Result
from oms_api.payments.service.accounts import MANUAL, provider_of
from oms_api.payments.service.begin import void
from oms_api.payments.service.record import found, record, settle

CALL_TIMEOUT_S = 8.0  # below the 10 s that a GraphQL operation has

_NEXT = prepared(
    update(table_of(Operation))
    .where(mine(Operation), col(Operation.id) == param("operation", Uuid()))
    .values(attempts=param("tried", BigInteger()), next_attempt_at=param("next_at", Instant()))
)


async def call(db: Database, caller: Caller, operation_id: UUID, charge: str | None = None) -> Answer:
    """Ask the provider, under the operation's id as idempotency key; SETTLED when it has answered before.

    `charge`: the provider's reference to the authorization, when a message told it before the answer did.
    """
    async with db.reading(caller.tenant_id) as reading:
        operation = await queries.operation(reading, operation_id)
        if operation is None:
            raise LookupError(f"no operation {OPERATION(operation_id)}")
        if operation.state in (OperationState.SUCCEEDED, OperationState.FAILED):
            return Answer(Result.SETTLED)
        payment = (await queries.payments_by_id(reading, [operation.payment_id]))[operation.payment_id]
        provider, config = await provider_of(reading, MANUAL if payment.external else payment.provider)
    ask = Ask(
        key=operation.id,
        kind=operation.kind,
        amount_minor=operation.amount_minor,
        currency=operation.currency,
        method=payment.external_reference,
        charge=payment.provider_reference or charge,
        config=config,
    )
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            return await provider(db, caller, ask)
    except TimeoutError:
        return Answer(Result.UNANSWERED, code="timeout")


EFFECT = Effect(call=call, record=record)


async def carry_out(db: Database, tenant_id: UUID, operation_id: UUID) -> None:
    """One attempt of an operation that is due; nothing when it is settled or somebody else has just asked."""
    caller = system(tenant_id)
    if await db.run(lambda tx: _claim(tx, operation_id), caller):
        answer = await call(db, caller, operation_id)
        await db.run(lambda tx: record(tx, operation_id, answer), caller)


async def _claim(tx: Tx, operation_id: UUID) -> bool:
    """Whether to ask now. The next attempt is set before this one: a process that dies in it costs one wait."""
    payment, operation = await found(tx, operation_id)
    now = clock.now()
    if operation.next_attempt_at is None or operation.next_attempt_at > now:
        return False
    attempts, wait = operation.attempts, timedelta()
    if operation.state is OperationState.REQUIRES_ACTION:
        age = now - operation.created_at
        wait = rules.poll_after(age)
        if age >= rules.ACTION_WINDOW and rules.voidable(payment):
            await void(tx, payment.id)
    elif attempts >= rules.ATTEMPTS_MAX:
        await settle(tx, payment, operation, OperationState.UNKNOWN, Answer(Result.UNANSWERED, code="unknown"))
        return False
    else:
        attempts += 1
        wait = rules.back_off(attempts)
    await tx.run(_NEXT, {"operation": operation_id, "tried": attempts, "next_at": now + wait})
    return True
