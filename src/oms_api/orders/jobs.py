"""What orders do by themselves: take note of money, fill what waited, lapse."""

import asyncio
from functools import partial
from uuid import UUID

import structlog

from oms_api.inventory import (
    InventoryAdjusted,
    ReservationExpired,
    ReservationFilled,
    ReservationReleased,
    SupplyAnnounced,
    SupplyChanged,
    reservations_by_id,
)
from oms_api.kit.caller import system
from oms_api.kit.db import Tx
from oms_api.kit.events import Event
from oms_api.kit.ids import NOBODY
from oms_api.kit.jobs import Jobs, reaction, timer
from oms_api.orders import queries, service
from oms_api.orders.models import ORDER
from oms_api.payments import PaymentAuthorized, PaymentCaptured, PaymentFailed, PaymentRefunded, PaymentVoided

log = structlog.get_logger()

LAPSE_EVERY_S = 5.0
AT_ONCE_MAX = 8


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


@reaction(
    "orders.cover_backorders",
    InventoryAdjusted,
    ReservationReleased,
    ReservationExpired,
    SupplyAnnounced,
    SupplyChanged,
    outside=True,
)
async def cover_backorders(jobs: Jobs, event: Event) -> None:
    """Stock came, came free, or is expected: orders that wait for it get it, the oldest first, each in its own
    transaction. Running twice finds nothing left to do."""
    if event.data.get("delta", 1) <= 0:
        return
    skus = [event.data["sku"]] if "sku" in event.data else sorted({line["sku"] for line in event.data["lines"]})
    async with jobs.db.reading(event.tenant_id) as reading:
        waiting = await queries.waiting(reading, skus)
    for order_id in waiting:
        await jobs.db.run(
            partial(service.cover_backorders, order_id=order_id), system(event.tenant_id, event.request_id)
        )


@timer("orders.lapse", every_s=LAPSE_EVERY_S)
async def lapse(jobs: Jobs) -> None:
    """Cancel unpaid orders whose payment window has ended, each in its own transaction; one that fails stops no other.

    An order that another process is just lapsing is found CANCELLED under its lock and left alone.
    """
    async with jobs.db.reading(NOBODY) as reading:
        due = await queries.lapsing(reading)
    turns = asyncio.Semaphore(AT_ONCE_MAX)

    async def one(tenant_id: UUID, order_id: UUID) -> None:
        async with turns:
            await jobs.db.run(partial(service.lapse, order_id=order_id), system(tenant_id))

    for row, failed in zip(
        due,
        await asyncio.gather(*(one(row.tenant_id, row.id) for row in due), return_exceptions=True),
        strict=True,
    ):
        if failed is not None:
            log.error("order could not lapse", order_id=ORDER(row.id), exc_info=failed)
