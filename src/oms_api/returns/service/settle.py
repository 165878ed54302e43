"""Money of a return was given back, or was not."""

from uuid import UUID

from oms_api import orders, payments
from oms_api.kit.db import Tx
from oms_api.kit.ids import Ref
from oms_api.returns import queries, rules
from oms_api.returns.models import Return, ReturnStatus
from oms_api.returns.service.work import open_return, write


async def refunded(tx: Tx, receipt_id: UUID, amount_minor: int) -> Return | None:
    """The provider gave back what a receipt asked for; the return closes when nothing is left to do."""
    return await _settle(tx, receipt_id, refunded=amount_minor)


async def refund_failed(tx: Tx, receipt_id: UUID, amount_minor: int) -> Return | None:
    """The provider refused: the amount is still owed, and a refund by hand makes up for it."""
    return await _settle(tx, receipt_id, failed=amount_minor)


async def _settle(tx: Tx, receipt_id: UUID, *, refunded: int = 0, failed: int = 0) -> Return | None:
    receipt = (await queries.receipts_by_id(tx, [receipt_id])).get(receipt_id)
    if receipt is None:
        return None
    work = await open_return(tx, receipt.return_id)
    given_back = work.row.refunded_minor + refunded
    return await write(
        tx,
        work.row,
        refunded_minor=given_back,
        failed_minor=work.row.failed_minor + failed,
        status=rules.status_of(work.lines.values(), due=work.row.due_minor, refunded=given_back),
    )


async def captured_late(tx: Tx, order_id: UUID, captured_minor: int, cause: Ref) -> None:
    """Give back what was taken for units that had come back, and were credited, by then; at most what this capture
    took.

    What else is owed to the customer (a cancellation that kept the money) is not touched.
    """
    if order_id not in await queries.returns_of(tx, [order_id]):
        return
    order = await orders.lock(tx, order_id)
    rows = (await queries.returns_of(tx, [order_id]))[order_id]
    credited = sum(row.credited_minor - row.due_minor for row in rows)
    paid = (await payments.payments_of(tx, [order_id])).get(order_id, [])
    amount = rules.due(
        min(captured_minor, credited),
        total=order.total_minor,
        credited=order.credited_minor,
        captured=sum(row.captured_minor for row in paid),
        given_back=sum(row.refunded_minor + row.refunding_minor for row in paid),
    )
    if amount:
        await payments.refund_payable(tx, order_id, amount, cause=cause)


async def refunded_by_hand(tx: Tx, order_id: UUID, amount_minor: int) -> None:
    """A refund without a cause of ours makes up for those that the provider refused, the oldest return first."""
    await orders.lock(tx, order_id)
    for row in reversed((await queries.returns_of(tx, [order_id])).get(order_id, [])):
        taken = rules.recovered(row, amount_minor)
        if not taken:
            continue
        amount_minor -= taken
        lines = (await queries.lines_of(tx, [row.id])).get(row.id, [])
        given_back = row.refunded_minor + taken
        status: ReturnStatus = rules.status_of(lines, due=row.due_minor, refunded=given_back)
        await write(tx, row, refunded_minor=given_back, failed_minor=row.failed_minor - taken, status=status)
