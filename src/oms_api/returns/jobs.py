"""What returns do when they hear of money."""

from oms_api.kit.db import Tx
from oms_api.kit.events import Event
from oms_api.kit.ids import NOBODY
from oms_api.kit.jobs import reaction
from oms_api.payments import PaymentOperationFailed, PaymentRefunded
from oms_api.returns import service
from oms_api.returns.models import RECEIPT


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
