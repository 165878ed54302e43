"""What fulfillment does when it hears of something."""

from oms_api.fulfillment import service
from oms_api.kit.db import Tx
from oms_api.kit.events import EVENT, Event
from oms_api.kit.jobs import reaction
from oms_api.orders import OrderBackordersFilled, OrderConfirmed
from oms_api.payments import PaymentCaptured


@reaction("fulfillment.plan", OrderConfirmed, OrderBackordersFilled)
async def plan(tx: Tx, event: Event) -> None:
    """A committed order becomes work at locations, and so does what waited for supply once it is there."""
    await service.plan(tx, event.subject_id)


@reaction("fulfillment.refund_late", PaymentCaptured)
async def refund_late(tx: Tx, event: Event) -> None:
    """Money that is taken after its units were cancelled goes back, once, in the name of the capture."""
    await service.refund_late(tx, event.owner_id, event.data["amountMinor"], EVENT.ref(event.id))
