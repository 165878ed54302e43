"""What a location says: yes to the work, yes or no to a cancellation."""

from uuid import UUID

from sqlalchemy import Uuid, update
from sqlmodel import col

from oms_api.fulfillment import queries, rules
from oms_api.fulfillment.events import FulfillmentAccepted, FulfillmentCancelled, FulfillmentCancelRejected
from oms_api.fulfillment.models import (
    FULFILLMENT,
    Cancellation,
    CancellationState,
    Fulfillment,
    FulfillmentStatus,
)
from oms_api.fulfillment.service.refund import settle
from oms_api.fulfillment.service.work import change, follow, give_up, name, open_fulfillment, told
from oms_api.kit import clock
from oms_api.kit.db import Choice, Instant, Tx, changed, mine, param, prepared, table_of
from oms_api.kit.errors import check_version, refuse
from oms_api.kit.events import emit
from oms_api.orders import ORDER

_ANSWER = prepared(
    update(table_of(Cancellation))
    .where(mine(Cancellation), col(Cancellation.id) == param("of", Uuid()))
    .values(state=param("outcome", Choice(CancellationState)), answered_at=param("at", Instant()))
)


async def accept(tx: Tx, fulfillment_id: UUID, *, expected_version: int | None = None) -> Fulfillment:
    """The location says yes. Raises NotFound, VersionConflict, InvalidTransition."""
    work, row = await open_fulfillment(tx, fulfillment_id)
    check_version(row.version, expected_version, name(row))
    rules.STATES.after("fulfillmentAccept", row.status, name(row))
    work.fulfillments[row.id] = changed(row, accepted_at=clock.now())
    await follow(tx, work, [row.id])
    emit(
        tx,
        FulfillmentAccepted(order_id=ORDER(row.order_id)),
        subject=FULFILLMENT.ref(row.id),
        owner=row.order_id,
        updated=["status"],
    )
    return work.fulfillments[row.id]


async def accept_cancel(tx: Tx, fulfillment_id: UUID, *, expected_version: int | None = None) -> Fulfillment:
    """The location stops: the units that it was asked for are cancelled and go back to stock, their money follows.

    Raises NotFound, VersionConflict, InvalidTransition.
    """
    work, row = await open_fulfillment(tx, fulfillment_id)
    check_version(row.version, expected_version, name(row))
    rules.STATES.after("fulfillmentCancelAccept", row.status, name(row))
    asked = (await queries.asked_of(tx, row.order_id))[row.id]
    taken = [(line, line.asked) for line in work.of_fulfillment(row.id) if line.asked]
    steps = await change(tx, work, {line.id: {"asked": -units, "cancelled": units} for line, units in taken})
    await answered(tx, asked)
    before = work.order
    await give_up(tx, work, taken, steps, asked.reason)
    await settle(tx, before, work.order, asked)
    status: FulfillmentStatus = work.fulfillments[row.id].status
    emit(
        tx,
        FulfillmentCancelled(order_id=ORDER(row.order_id), status=status, lines=told(taken)),
        subject=FULFILLMENT.ref(row.id),
        owner=row.order_id,
        updated=["status", "lines"],
    )
    return work.fulfillments[row.id]


async def answered(tx: Tx, asked: Cancellation) -> None:
    """A question to a location is over: nothing of what it was asked for is there any more."""
    await tx.run(_ANSWER, {"of": asked.id, "outcome": CancellationState.DONE, "at": clock.now()})


async def reject_cancel(
    tx: Tx, fulfillment_id: UUID, *, reason: str, expected_version: int | None = None
) -> Fulfillment:
    """The location cannot stop any more; the work goes on. Raises NotFound, VersionConflict, InvalidTransition."""
    refuse(rules.not_a_code(reason, ("input", "reason")))
    work, row = await open_fulfillment(tx, fulfillment_id)
    check_version(row.version, expected_version, name(row))
    rules.STATES.after("fulfillmentCancelReject", row.status, name(row))
    asked = (await queries.asked_of(tx, row.order_id))[row.id]
    await change(tx, work, {line.id: {"asked": -line.asked} for line in work.of_fulfillment(row.id) if line.asked})
    await tx.run(_ANSWER, {"of": asked.id, "outcome": CancellationState.REFUSED, "at": clock.now()})
    emit(
        tx,
        FulfillmentCancelRejected(order_id=ORDER(row.order_id), reason=reason),
        subject=FULFILLMENT.ref(row.id),
        owner=row.order_id,
        updated=["status"],
    )
    return work.fulfillments[row.id]
