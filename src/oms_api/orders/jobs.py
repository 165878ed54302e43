"""What orders do by themselves: take note of money, fill what waited, lapse."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog

from oms_api.allocation import AllocationChanged
from oms_api.inventory import (
    InventoryAdjusted,
    ReservationExpired,
    ReservationFilled,
    ReservationReleased,
    SupplyAnnounced,
    SupplyChanged,
    SupplyLate,
    owners_of,
    reservations_by_id,
)
from oms_api.kit import clock
from oms_api.kit.caller import system
from oms_api.kit.db import TryAgain, Tx
from oms_api.kit.errors import Overloaded
from oms_api.kit.events import Event
from oms_api.kit.ids import NOBODY
from oms_api.kit.jobs import Jobs, apart, reaction, timer
from oms_api.orders import queries, service
from oms_api.orders.events import SourcingWaveStarted
from oms_api.orders.models import ORDER
from oms_api.orders.queries.waves import stale as stale_waves
from oms_api.orders.service import wave
from oms_api.orders.service.redate import cover_waiting
from oms_api.orders.service.redate import redate as service_redate
from oms_api.payments import PaymentAuthorized, PaymentCaptured, PaymentFailed, PaymentRefunded, PaymentVoided

log = structlog.get_logger()

LAPSE_EVERY_S = 5.0
BACKORDERS_EVERY_S = 300.0
WAVES_EVERY_S = 60.0
BACKORDER_WAITS = timedelta(days=30)
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
    AllocationChanged,
    outside=True,
    together=True,
)
async def cover_backorders(jobs: Jobs, events: Sequence[Event]) -> None:
    """Stock came, came free, is expected, or is shared out anew: orders that wait for it get it, the oldest first, each
    in its own transaction; one that fails stops no other. Running twice finds nothing left to do."""
    skus: set[str] = set()
    for event in events:
        if event.data.get("delta", 1) > 0:
            skus |= {event.data["sku"]} if "sku" in event.data else {line["sku"] for line in event.data["lines"]}
    caller = system(events[0].tenant_id, events[0].request_id)
    after = NOBODY
    with apart() as each:
        while skus:
            async with jobs.db.reading(caller.tenant_id) as reading:
                waiting = await queries.waiting(reading, sorted(skus), after)
            if not waiting:
                break
            for order_id in waiting:
                await each(jobs.db.run(partial(cover_waiting, order_id=order_id), caller), ORDER(order_id))
            after = waiting[-1]


@reaction("orders.redate", SupplyChanged, SupplyLate, outside=True)
async def redate(jobs: Jobs, event: Event) -> None:
    """A supply slipped, is overdue or comes sooner: orders that lean on it are dated anew, each in its own transaction;
    one that fails stops no other. Running twice finds nothing left to do.
    """
    reason = "supply_late" if event.topic == SupplyLate.topic else "supply_changed"
    caller = system(event.tenant_id, event.request_id)
    after = NOBODY
    with apart() as each:
        while True:
            async with jobs.db.reading(caller.tenant_id) as reading:
                owners = await owners_of(reading, event.subject_id, after)
            if not owners:
                break
            for order_id in owners:
                work = partial(service_redate, order_id=order_id, supply_id=event.subject_id, reason=reason)
                await each(jobs.db.run(work, caller), ORDER(order_id))
            after = owners[-1]


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


@timer("orders.backorders_overdue", every_s=BACKORDERS_EVERY_S)
async def backorders_overdue(jobs: Jobs) -> None:
    """Units that have waited for stock for long, and for no date or one that has passed, wait for a person; one that
    fails stops no other."""
    at = clock.now()
    async with jobs.db.reading(NOBODY) as reading:
        found = await queries.backorders_overdue(reading, at - BACKORDER_WAITS, at.date())
    with apart() as each:
        for row in found:
            work = partial(service.backorder_overdue, order_id=row.order_id)
            await each(jobs.db.run(work, system(row.tenant_id)), ORDER(row.order_id))


@reaction("orders.run_wave", SourcingWaveStarted, outside=True)
async def run_wave(jobs: Jobs, event: Event) -> None:
    """Run a wave that was asked for. One that another process runs is left to it."""
    await _run_wave(jobs, event.tenant_id, event.subject_id)


@timer("orders.waves", every_s=WAVES_EVERY_S)
async def waves(jobs: Jobs) -> None:
    """Waves whose process died are begun again; after some times they fail."""
    async with jobs.db.reading(NOBODY) as reading:
        found = await stale_waves(reading, clock.now() - wave.STALE_AFTER)
    for row in found:
        await _run_wave(jobs, row.tenant_id, row.id)


async def _run_wave(jobs: Jobs, tenant_id: UUID, wave_id: UUID) -> None:
    try:
        await wave.run(jobs, tenant_id, wave_id)
    except (Overloaded, TryAgain):
        raise  # the database is away: the timer begins it again
    except Exception as error:  # noqa: BLE001 - whatever it is, the wave says so and is over
        await wave.fail(jobs, tenant_id, wave_id, error)
