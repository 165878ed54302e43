"""Timers and reactions of the stock ledger."""

from collections import defaultdict
from uuid import UUID

from oms_api.inventory import queries
from oms_api.inventory.events import SupplyUnclaimed
from oms_api.inventory.service import ledger
from oms_api.inventory.service.bring import withdraw
from oms_api.inventory.service.expire import free_expired
from oms_api.inventory.service.late import tell_late
from oms_api.inventory.service.ledger import Key
from oms_api.kit.caller import system
from oms_api.kit.db import Tx
from oms_api.kit.events import Event
from oms_api.kit.ids import NOBODY
from oms_api.kit.jobs import Jobs, reaction, timer

EXPIRE_EVERY_S = 15
LATE_EVERY_S = 60
POSITIONS_PER_TRANSACTION_MAX = 50


@timer("inventory.expire", every_s=EXPIRE_EVERY_S)
async def expire(jobs: Jobs) -> None:
    """Give back what expired reservations hold. Nobody waits for this: readers and reserves count it free already."""
    while True:
        async with jobs.db.reading(NOBODY) as reading:
            rows = await queries.lapsed(reading)
        of: dict[UUID, list[Key]] = defaultdict(list)
        for row in rows:
            of[row.tenant_id].append((row.sku, row.location_id))
        freed = 0
        for tenant_id, keys in of.items():
            for start in range(0, len(keys), POSITIONS_PER_TRANSACTION_MAX):
                part = keys[start : start + POSITIONS_PER_TRANSACTION_MAX]

                async def work(tx: Tx, part: list[Key] = part) -> bool:
                    await ledger.lock(tx, part)
                    return await free_expired(tx, part)

                freed += await jobs.db.run(work, system(tenant_id))
        # what was extended or taken at the same moment stays; it is not asked for again at once
        if len(rows) < queries.LAPSED_BATCH_MAX or not freed:
            return


@timer("inventory.late", every_s=LATE_EVERY_S)
async def late(jobs: Jobs) -> None:
    """Tell of supplies that are overdue, each once; those who made promises of them date these anew."""
    while True:
        async with jobs.db.reading(NOBODY) as reading:
            rows = await queries.overdue(reading)
        of: dict[UUID, list[UUID]] = defaultdict(list)
        for row in rows:
            of[row.tenant_id].append(row.id)
        told = 0
        for tenant_id, ids in of.items():

            async def work(tx: Tx, ids: list[UUID] = ids) -> int:
                return await tell_late(tx, ids)

            told += await jobs.db.run(work, system(tenant_id))
        if len(rows) < queries.OVERDUE_BATCH_MAX or not told:
            return


@reaction("inventory.withdraw", SupplyUnclaimed)
async def withdraw_unclaimed(tx: Tx, event: Event) -> None:
    """Supply that was announced for a demand is not wanted any more: in a transaction of its own, because what it takes
    is locked with it, in the order of all positions."""
    await withdraw(tx, event.subject_id)
