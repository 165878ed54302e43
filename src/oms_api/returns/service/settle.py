"""Money of a return was given back, or was not."""

from uuid import UUID

from oms_api import orders
from oms_api.kit.db import Tx
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
