"""What a provider tells by itself: kept by `receive`, dealt with by `hear`.

A message says only that something happened to an authorization. So whatever is open of its payment is asked about,
under the same keys as ever, and the answer goes into the same `record` as the call's own: whichever comes first, in any
order, as often as it likes.
"""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

from oms_api.kit import inbox
from oms_api.kit.caller import Caller
from oms_api.kit.db import Database, Reading, Tx
from oms_api.kit.events import emit
from oms_api.kit.inbox import InboxMessage, MessageState
from oms_api.payments import queries
from oms_api.payments.events import PaymentCallbackReceived
from oms_api.payments.models import OPERATION, ProviderAccount
from oms_api.payments.provider import Result
from oms_api.payments.service.carry_out import call
from oms_api.payments.service.record import record

MATCH_ATTEMPTS_MAX = 5  # with the pauses of `kit.jobs` over 23 seconds


class NotYet(Exception):
    """The message cannot be dealt with now; it is told again."""


async def receive(
    tx: Tx, account: ProviderAccount, *, external_id: str, kind: str, charge: str | None, operation: str | None
) -> bool:
    """Keep a verified message, and tell it when it may change something; whether it is new.

    `charge` is the provider's reference to the authorization that it is about (None: about no payment), `operation`
    ours to the operation that asked for it.
    """
    about = {name: value for name, value in (("charge", charge), ("operation", operation)) if value}
    message = await inbox.store(
        tx, account_id=account.id, external_id=external_id, kind=kind, about=about, ignored=charge is None
    )
    if message is not None and message.state is MessageState.WAITING:
        emit(
            tx,
            PaymentCallbackReceived(message_id=inbox.MESSAGE(message.id), provider=account.handle, kind=kind),
            subject=inbox.MESSAGE.ref(message.id),
        )
    return message is not None


async def hear(db: Database, caller: Caller, message_id: UUID) -> None:
    """Deal with a message. Raises NotYet while it matches nothing (it may have come before our own commit, and is given
    up as UNMATCHED after MATCH_ATTEMPTS_MAX), and while the provider does not answer."""
    async with db.reading(caller.tenant_id) as reading:
        message = await inbox.message(reading, message_id)
        if message is None or message.state is not MessageState.WAITING:
            return
        payment_id = await _payment_of(reading, message.about)
        open_ = await queries.open_operations(reading, payment_id) if payment_id else []
    attempts = message.attempts
    if payment_id is None:
        attempts += 1
    else:
        for operation in open_:
            answer = await call(db, caller, operation.id, charge=message.about["charge"])
            await db.run(partial(record, operation_id=operation.id, answer=answer), caller)
            if answer.result is Result.UNANSWERED:
                raise NotYet(f"{message.kind}: {OPERATION(operation.id)} is not answered ({answer.code})")
    state = MessageState.APPLIED
    if payment_id is None:
        state = MessageState.WAITING if attempts < MATCH_ATTEMPTS_MAX else MessageState.UNMATCHED
    await db.run(partial(_settle, message, state, attempts), caller)
    if state is MessageState.WAITING:
        raise NotYet(f"{message.kind}: no payment of ours has this authorization yet")


async def _settle(message: InboxMessage, state: MessageState, attempts: int, tx: Tx) -> None:
    await inbox.settle(tx, message.id, state, attempts)


async def _payment_of(reading: Reading, about: Mapping[str, str]) -> UUID | None:
    """Whose authorization it is, or will be: the operation that asked for it is committed before it is sent."""
    found = await queries.payment_of_charge(reading, about["charge"])
    if found is None and "operation" in about:
        operation = await queries.operation(reading, OPERATION.parse(about["operation"]))
        found = operation.payment_id if operation else None
    return found
