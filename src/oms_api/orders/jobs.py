"""What orders do by themselves: take note of money, fill what waited, lapse."""

from functools import partial

from oms_api.inventory import ReservationFilled, reservations_by_id
from oms_api.kit.caller import system
from oms_api.kit.db import Tx
from oms_api.kit.events import Event
from oms_api.kit.ids import NOBODY
from oms_api.kit.jobs import Jobs, reaction, timer
from oms_api.orders import queries, service
from oms_api.payments import PaymentAuthorized, PaymentCaptured, PaymentFailed, PaymentRefunded, PaymentVoided

LAPSE_EVERY_S = 5.0


@reaction(
    "orders.confirm_when_paid",
    PaymentAuthorized,
    PaymentCaptured,
    PaymentVoided,
    PaymentRefunded,
    PaymentFailed,
)
async def confirm_when_paid(tx: Tx, event: Event) -> None:
    """Confirm, complete, or let go what came after the order was cancelled."""
    await service.settle_money(tx, event.owner_id)


@reaction("orders.fill_backorders", ReservationFilled)
async def fill_backorders(tx: Tx, event: Event) -> None:
    """Supply came for a reservation: if an order owns it, its units are held now."""
    reservation = (await reservations_by_id(tx, [event.subject_id])).get(event.subject_id)
    if reservation is not None and reservation.owner_id is not None:
        await service.fill_backorders(tx, reservation.owner_id)


@timer("orders.lapse", every_s=LAPSE_EVERY_S)
async def lapse(jobs: Jobs) -> None:
    """Cancel unpaid orders whose payment window has ended, each in its own transaction."""
    async with jobs.db.reading(NOBODY) as reading:
        due = await queries.lapsing(reading)
    for row in due:
        await jobs.db.run(partial(service.lapse, order_id=row.id), system(row.tenant_id))
