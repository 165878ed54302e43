"""What returns do when they hear of money, and when nothing happens."""

from functools import partial

from oms_api.kit.caller import system
from oms_api.kit.db import Tx
from oms_api.kit.events import EVENT, Event
from oms_api.kit.ids import NOBODY
from oms_api.kit.jobs import Jobs, apart, reaction, timer
from oms_api.payments import PaymentCaptured, PaymentOperationFailed, PaymentRefunded
from oms_api.returns import queries, service
from oms_api.returns.models import RECEIPT, RETURN

EXPIRE_EVERY_S = 60.0


@reaction("returns.settle", PaymentRefunded, PaymentOperationFailed)
async def settle(tx: Tx, event: Event) -> None:
    """Refunds name the receipt that asked for them; one without a cause was made by hand."""
    amount, cause = event.data["amountMinor"], event.data["cause"]
    receipt_id = RECEIPT.parse(cause) if cause else NOBODY
    if event.topic == PaymentOperationFailed.topic:
        if receipt_id != NOBODY:
            await service.refund_failed(tx, receipt_id, amount)
    elif receipt_id != NOBODY:
        await service.refunded(tx, receipt_id, amount)
    elif cause is None:
        await service.refunded_by_hand(tx, event.owner_id, amount)


@reaction("returns.refund_late", PaymentCaptured)
async def refund_late(tx: Tx, event: Event) -> None:
    """Money that is taken after its units came back goes back, once, in the name of the capture."""
    await service.captured_late(tx, event.owner_id, event.data["amountMinor"], EVENT.ref(event.id))


@timer("returns.expire", every_s=EXPIRE_EVERY_S)
async def expire(jobs: Jobs) -> None:
    """Give up returns that nobody answered or that did not come, each in its own transaction; one that fails stops no
    other."""
    async with jobs.db.reading(NOBODY) as reading:
        due = await queries.expiring(reading)
    with apart() as each:
        for row in due:
            await each(jobs.db.run(partial(service.expire, return_id=row.id), system(row.tenant_id)), RETURN(row.id))
