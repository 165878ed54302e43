"""What fulfillment does when it hears of something."""

from functools import partial

from oms_api.fulfillment import queries, service
from oms_api.fulfillment.models import FULFILLMENT, SHIPMENT
from oms_api.fulfillment.service.short import give_up_short
from oms_api.inventory import SUPPLY, InventoryShort, Place
from oms_api.kit.caller import system
from oms_api.kit.db import Tx
from oms_api.kit.events import EVENT, Event
from oms_api.kit.ids import NOBODY
from oms_api.kit.jobs import Jobs, apart, reaction, timer
from oms_api.network import LOCATION
from oms_api.orders import ORDER, OrderBackordersFilled, OrderConfirmed
from oms_api.payments import PaymentCaptured
from oms_api.promising import release_carts

OVERDUE_EVERY_S = 30.0


@reaction("fulfillment.plan", OrderConfirmed, OrderBackordersFilled)
async def plan(tx: Tx, event: Event) -> None:
    """A committed order becomes work at locations, and so does what waited for supply once it is there."""
    await service.plan(tx, event.subject_id)


@reaction("fulfillment.take_back_short", InventoryShort, outside=True)
async def take_back_short(jobs: Jobs, event: Event) -> None:
    """What is promised and not there is taken back until nothing short stays promised: from carts, then from orders, of
    each the youngest first, each order in its own transaction; one that fails stops no other. Running twice finds
    nothing left to do."""
    supply = event.data["supplyId"]
    place = Place(event.data["sku"], LOCATION.parse(event.data["locationId"]), SUPPLY.parse(supply) if supply else None)
    caller = system(event.tenant_id, event.request_id)
    with apart() as each:
        for order_id in await jobs.db.run(partial(release_carts, place=place), caller):
            await each(jobs.db.run(partial(give_up_short, place=place, order_id=order_id), caller), ORDER(order_id))


@reaction("fulfillment.refund_late", PaymentCaptured)
async def refund_late(tx: Tx, event: Event) -> None:
    """Money that is taken after its units were cancelled goes back, once, in the name of the capture."""
    await service.refund_late(tx, event.owner_id, event.data["amountMinor"], EVENT.ref(event.id))


@timer("fulfillment.overdue", every_s=OVERDUE_EVERY_S)
async def overdue(jobs: Jobs) -> None:
    """Tell once of work that should have left and of parcels that should have arrived, each in its own transaction; one
    that fails stops no other."""
    async with jobs.db.reading(NOBODY) as reading:
        work, parcels = await queries.overdue(reading), await queries.late(reading)
    due = [
        *((row.tenant_id, partial(service.tell_overdue, fulfillment_id=row.id), FULFILLMENT(row.id)) for row in work),
        *((row.tenant_id, partial(service.tell_late, shipment_id=row.id), SHIPMENT(row.id)) for row in parcels),
    ]
    with apart() as each:
        for tenant_id, tell, subject in due:
            await each(jobs.db.run(tell, system(tenant_id)), subject)
