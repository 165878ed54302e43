"""Allow a return, refuse it, or give it up."""

from uuid import UUID

from oms_api import fulfillment
from oms_api.kit import clock
from oms_api.kit.db import Tx
from oms_api.kit.errors import check_version, refuse
from oms_api.kit.events import emit
from oms_api.orders import ORDER
from oms_api.returns import rules
from oms_api.returns.events import ReturnApproved, ReturnDeclined, ReturnExpired
from oms_api.returns.models import RETURN, Return, ReturnStatus
from oms_api.returns.service.work import name, open_return, write


async def approve(tx: Tx, return_id: UUID, *, expected_version: int | None = None) -> Return:
    """Allow it. Raises NotFound, VersionConflict, InvalidTransition."""
    row = (await open_return(tx, return_id)).row
    check_version(row.version, expected_version, name(row))
    status = rules.STATES.after("returnApprove", row.status, name(row))
    emit(
        tx,
        ReturnApproved(order_id=ORDER(row.order_id), number=rules.number(row.number)),
        subject=RETURN.ref(row.id),
        owner=row.order_id,
        updated=["status"],
    )
    return await write(tx, row, status=status)


async def decline(tx: Tx, return_id: UUID, *, reason: str, expected_version: int | None = None) -> Return:
    """Refuse it; its units may be asked for again. Raises Invalid, NotFound, VersionConflict, InvalidTransition."""
    refuse(fulfillment.not_a_code(reason, ("input", "reason")))
    row = (await open_return(tx, return_id)).row
    check_version(row.version, expected_version, name(row))
    status = rules.STATES.after("returnDecline", row.status, name(row))
    emit(
        tx,
        ReturnDeclined(order_id=ORDER(row.order_id), number=rules.number(row.number), reason=reason),
        subject=RETURN.ref(row.id),
        owner=row.order_id,
        updated=["status"],
    )
    return await write(tx, row, status=status)


async def expire(tx: Tx, return_id: UUID) -> None:
    """Give it up when nobody answered, or nothing came, in time; its units may be asked for again."""
    row = (await open_return(tx, return_id)).row
    if row.expires_at is None or row.expires_at > clock.now():
        return
    emit(
        tx,
        ReturnExpired(order_id=ORDER(row.order_id), number=rules.number(row.number)),
        subject=RETURN.ref(row.id),
        owner=row.order_id,
        updated=["status"],
    )
    await write(tx, row, status=ReturnStatus.EXPIRED)
