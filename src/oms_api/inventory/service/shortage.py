"""Units that are promised but not there: carts give them back at once, and the owners that must are named."""

from collections import defaultdict
from typing import NamedTuple
from uuid import UUID

from oms_api.inventory import queries, rules
from oms_api.inventory.events import ReservationShort
from oms_api.inventory.models import RESERVATION, SUPPLY, ReservationLine, Supply
from oms_api.inventory.service import ledger
from oms_api.inventory.service.daily import give_back
from oms_api.inventory.service.expire import free_expired
from oms_api.inventory.service.ledger import LetGo
from oms_api.inventory.service.units import close
from oms_api.kit.db import Tx
from oms_api.kit.events import emit


class Place(NamedTuple):
    """Where units are short: on hand of a SKU at a location, or of a supply for it."""

    sku: str
    location_id: UUID
    supply_id: UUID | None = None


async def _short(tx: Tx, place: Place) -> tuple[int, list[ReservationLine]]:
    """Units that are short, their position locked, and the lines that hold units there."""
    key = place.sku, place.location_id
    position = (await ledger.lock(tx, [key])).get(key)
    if position is None:
        return 0, []
    if place.supply_id is not None:
        supply: Supply | None = (await queries.supplies_by_id(tx, [place.supply_id])).get(place.supply_id)
        found = (await queries.lines_by_supply(tx, [place.supply_id])).get(place.supply_id, [])
        return (supply.reserved - supply.quantity if supply else 0), found
    if position.on_hand < position.reserved and await free_expired(tx, [key]):
        position = (await ledger.lock(tx, [key]))[key]
    return position.reserved - position.on_hand, await queries.lines_at(tx, *key)


async def release_carts(tx: Tx, place: Place) -> tuple[list[UUID], list[LetGo]]:
    """Carts give back what is short at a place, the youngest first; the owners of what is still short, the youngest
    first, and what is counted in shares too. At most eight statements."""
    short, lines = await _short(tx, place)
    if short <= 0:
        return [], []
    chosen = rules.youngest(lines, short)
    carts = [(line, units) for line, units in chosen if line.expires_at is not None]
    freed = await _take(tx, place, carts, None)
    orders = [line.reservation_id for line, _ in chosen if line.expires_at is None]
    reservations = await queries.reservations_by_id(tx, list(set(orders)))
    owners = (reservations[id_].owner_id for id_ in orders)
    return list(dict.fromkeys(owner for owner in owners if owner is not None)), freed


async def short_of(tx: Tx, place: Place, owner_id: UUID) -> list[tuple[ReservationLine, int]]:
    """Which units of an owner must be given back for what is short at a place, its youngest first; nothing is changed.

    The place stays locked until the transaction ends.
    """
    short, lines = await _short(tx, place)
    if short <= 0:
        return []
    reservations = await queries.reservations_by_id(tx, list({line.reservation_id for line in lines}))
    own = [line for line in lines if reservations[line.reservation_id].owner_id == owner_id]
    return rules.youngest(own, short)


async def take_back(tx: Tx, place: Place, owner_id: UUID, taken: list[tuple[ReservationLine, int]]) -> list[LetGo]:
    """Units of an owner that `short_of` named, or parts of kits that belong to them, are held no more; those that are
    counted in shares too."""
    return await _take(tx, place, taken, owner_id)


async def _take(tx: Tx, place: Place, taken: list[tuple[ReservationLine, int]], owner_id: UUID | None) -> list[LetGo]:
    if not taken:
        return []
    await ledger.change(tx, (), await ledger.take_lines(tx, taken))
    await give_back(tx, taken)
    await close(tx, taken)
    of: dict[UUID, list[tuple[ReservationLine, int]]] = defaultdict(list)
    for line, units in taken:
        of[line.reservation_id].append((line, units))
    for id_, parts in of.items():
        emit(
            tx,
            ReservationShort(lines=ledger.told(parts), supply_id=SUPPLY(place.supply_id) if place.supply_id else None),
            subject=RESERVATION.ref(id_),
            owner=owner_id,
            updated=["lines"],
        )
    return ledger.rationed(taken)
