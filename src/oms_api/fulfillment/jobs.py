"""What fulfillment does when it hears of something."""

from oms_api.fulfillment import service
from oms_api.kit.db import Tx
from oms_api.kit.events import Event
from oms_api.kit.jobs import reaction
from oms_api.orders import OrderBackordersFilled, OrderConfirmed


@reaction("fulfillment.plan", OrderConfirmed, OrderBackordersFilled)
async def plan(tx: Tx, event: Event) -> None:
    """A committed order becomes work at locations, and so does what waited for supply once it is there."""
    await service.plan(tx, event.subject_id)
