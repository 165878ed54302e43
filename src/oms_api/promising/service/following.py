"""What goes with units that are held at another location, in the same step: the work of a day, and shares there."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from oms_api import allocation, inventory, network
from oms_api.inventory import Moved, Relocation, Reservation
from oms_api.kit import clock
from oms_api.kit.db import Tx
from oms_api.network import Work, limits_of, take_capacity
from oms_api.promising.rules import ship_day
from oms_api.promising.service.place import Place


async def relocate(tx: Tx, id: UUID, chosen: Sequence[Relocation], expected_version: int | None) -> Reservation:
    """Hold a cart's units elsewhere; capacity and shares of the locations follow. Raises what inventory raises,
    InsufficientStock when its class has no share there, NoCapacity when the day there is full.

    What was taken of the day at the old location is given back by a reaction.
    """
    await allocation.lock(tx, {one.sku for one in chosen})  # shares before positions, as in `hold`
    held, moved = await inventory.relocate(tx, id, chosen, expected_version=expected_version)
    await allocation.follow(tx, held, [one for one in moved if one.from_id != one.to_id])
    await _work(tx, held, [one for one in moved if one.pinned or one.from_id != one.to_id])
    return held


async def _work(tx: Tx, held: Reservation, moved: Sequence[Moved]) -> None:
    """Take the work on where the units are now: on the day that was promised, or the first after it that can be."""
    rows = await network.locations_by_id(tx, sorted({one.to_id for one in moved}))
    limited = [row for row in rows.values() if limits_of(row.daily_capacity, row.capacities)]
    if not limited:
        return
    closed = await network.closed_days(tx, limited)
    places = {row.id: Place(row, closed.get(row.id, frozenset())) for row in limited}
    work = []
    for one in moved:
        place = places.get(one.to_id)
        day = None if place is None else _day(place, one)
        if day is not None:
            work.append(Work(one.to_id, day, one.sku, one.units))
    if work:
        await take_capacity(tx, work, holder_id=held.id, expires_at=held.expires_at, more=True)


def _day(place: Place, one: Moved) -> date | None:
    promised = one.ship_by.astimezone(ZoneInfo(place.timezone)).date() if one.ship_by is not None else None
    first = ship_day(clock.now(), place.hours)
    if first is None or promised is None or promised <= first:
        return first
    return place.hours.next_open(promised)
