"""Positions, supplies, reservations and their lines, by id and in pages; and what a timer looks for."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Date, Uuid, func, text
from sqlmodel import col, select

from oms_api.inventory.models import Position, Reservation, ReservationLine, StockCount, Supply
from oms_api.kit.db import Reading, any_of, columns, mine, now, param, prepared

LAPSED_BATCH_MAX = 500
OVERDUE_BATCH_MAX = 200
OWNERS_BATCH_MAX = 50

# Literals, not parameters: only so do both engines see that the partial indexes hold all that is asked for.
COMING = text("supplies.quantity > 0")
HELD = text("reservation_lines.quantity > 0")
LAPSING = text("reservation_lines.quantity > 0 AND reservation_lines.expires_at IS NOT NULL")


# --- by id ---------------------------------------------------------------------------------------------------------

_POSITIONS = prepared(select(Position).where(mine(Position), any_of(Position.id, "ids")))
_SUPPLIES = prepared(select(Supply).where(mine(Supply), any_of(Supply.id, "ids")))
_SUPPLIES_NAMED = prepared(select(Supply).where(mine(Supply), any_of(Supply.reference, "references")))
_BROUGHT = prepared(
    columns(
        col(Supply.origin),
        col(Supply.capacity_on),
        func.sum(col(Supply.quantity) + col(Supply.received)).cast(BigInteger()).label("units"),
    )
    .where(
        mine(Supply),
        any_of(Supply.origin, "origins"),
        text("supplies.origin IS NOT NULL"),
        col(Supply.capacity_on) >= param("since", Date()),
    )
    .group_by(col(Supply.origin), col(Supply.capacity_on))
)
_COUNTS = prepared(select(StockCount).where(mine(StockCount), any_of(StockCount.id, "ids")))
_RESERVATIONS = prepared(select(Reservation).where(mine(Reservation), any_of(Reservation.id, "ids")))
_LINES = prepared(
    select(ReservationLine)
    .where(mine(ReservationLine), any_of(ReservationLine.reservation_id, "ids"))
    .order_by(col(ReservationLine.id))
)
# the owner stands on the reservation; two indexed steps of one statement
_LINES_OWNED = prepared(
    columns(col(Reservation.owner_id), *[col(getattr(ReservationLine, name)) for name in ReservationLine.model_fields])
    .join(
        ReservationLine,
        (col(ReservationLine.tenant_id) == col(Reservation.tenant_id))
        & (col(ReservationLine.reservation_id) == col(Reservation.id)),
    )
    .where(mine(Reservation), any_of(Reservation.owner_id, "owners"))
    .order_by(col(ReservationLine.id))
)

_LINES_SUPPLIED = prepared(
    select(ReservationLine)
    .where(
        mine(ReservationLine),
        any_of(ReservationLine.supply_id, "supplies"),
        HELD,
        col(ReservationLine.supply_id).is_not(None),
    )
    .order_by(col(ReservationLine.id))
)


_HELD_AT = prepared(
    select(ReservationLine)
    .where(
        mine(ReservationLine),
        col(ReservationLine.sku) == param("sku"),
        col(ReservationLine.location_id) == param("at", Uuid()),
        text("reservation_lines.quantity >= 1 AND reservation_lines.supply_id IS NULL"),
    )
    .order_by(col(ReservationLine.id))
)
_OVERDUE = prepared(
    columns(col(Supply.tenant_id), col(Supply.id))
    .where(
        text("supplies.quantity > 0 AND supplies.late_at IS NULL"),
        col(Supply.expected_at) <= now(),
        func.coalesce(col(Supply.confident_at), col(Supply.expected_at)) <= now(),
    )
    .order_by(col(Supply.expected_at))
    .limit(OVERDUE_BATCH_MAX)
)
_OWNERS = prepared(
    columns(col(Reservation.owner_id))
    .join(
        ReservationLine,
        (col(ReservationLine.tenant_id) == col(Reservation.tenant_id))
        & (col(ReservationLine.reservation_id) == col(Reservation.id)),
    )
    .where(
        mine(ReservationLine),
        mine(Reservation),
        col(ReservationLine.supply_id) == param("supply", Uuid()),
        HELD,
        col(ReservationLine.supply_id).is_not(None),
        col(Reservation.owner_id) > param("after", Uuid()),
    )
    .distinct()
    .order_by(col(Reservation.owner_id))
    .limit(OWNERS_BATCH_MAX)
)


async def positions_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Position]:
    return {row.id: row for row in await reading.all(_POSITIONS, {"ids": ids})}


async def supplies_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Supply]:
    return {row.id: row for row in await reading.all(_SUPPLIES, {"ids": ids})}


async def counts_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, StockCount]:
    return {row.id: row for row in await reading.all(_COUNTS, {"ids": ids})}


async def brought(reading: Reading, origins: Sequence[str], since: date) -> Mapping[tuple[str, date], int]:
    """Units that each origin brings, or has brought, on its days from one on. One statement."""
    rows = await reading.all(_BROUGHT, {"origins": origins, "since": since})
    return {(row.origin, row.capacity_on): row.units for row in rows}


async def supplies_by_reference(reading: Reading, references: Sequence[str]) -> Mapping[str, Supply]:
    return {row.reference: row for row in await reading.all(_SUPPLIES_NAMED, {"references": references})}


async def reservations_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Reservation]:
    return {row.id: row for row in await reading.all(_RESERVATIONS, {"ids": ids})}


async def lines_by_reservation(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, list[ReservationLine]]:
    """Lines of reservations, in the order reserved; those that hold nothing any more included."""
    found: dict[UUID, list[ReservationLine]] = defaultdict(list)
    for row in await reading.all(_LINES, {"ids": ids}):
        found[row.reservation_id].append(row)
    return found


async def lines_by_supply(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, list[ReservationLine]]:
    """Lines that wait for these supplies, the oldest first."""
    found: dict[UUID, list[ReservationLine]] = defaultdict(list)
    for row in await reading.all(_LINES_SUPPLIED, {"supplies": ids}):
        if row.supply_id is not None:
            found[row.supply_id].append(row)
    return found


async def reservation_lines_of(reading: Reading, owner_ids: Sequence[UUID]) -> Mapping[UUID, list[ReservationLine]]:
    """Lines of all reservations of these owners, in the order reserved; those that hold nothing any more included."""
    found: dict[UUID, list[ReservationLine]] = defaultdict(list)
    for row in await reading.all(_LINES_OWNED, {"owners": owner_ids}):
        line = object.__new__(ReservationLine)
        line.__dict__.update({name: getattr(row, name) for name in ReservationLine.model_fields})
        found[row.owner_id].append(line)
    return found


# --- what has lapsed -----------------------------------------------------------------------------------------------

_LAPSED = prepared(
    columns(col(ReservationLine.tenant_id), col(ReservationLine.sku), col(ReservationLine.location_id))
    .where(LAPSING, col(ReservationLine.expires_at) <= now())
    .distinct()
    .limit(LAPSED_BATCH_MAX)
)


async def lapsed(reading: Reading) -> list[Any]:
    """(tenant_id, sku, location_id) of positions where expired reservations still hold units. Spans tenants."""
    return await reading.all(_LAPSED)


async def lines_at(reading: Reading, sku: str, location_id: UUID) -> list[ReservationLine]:
    """Lines that hold units on hand of a position, the oldest first."""
    found: list[ReservationLine] = await reading.all(_HELD_AT, {"sku": sku, "at": location_id})
    return found


async def owners_of(reading: Reading, supply_id: UUID, after: UUID) -> list[UUID]:
    """Owners that lean on a supply, a batch of those after one."""
    found: list[UUID] = await reading.all(_OWNERS, {"supply": supply_id, "after": after})
    return found


async def overdue(reading: Reading) -> list[Any]:
    """(tenant_id, id) of supplies that should have come by now and of which this was not told. Spans tenants."""
    return await reading.all(_OVERDUE)


# --- pages ---------------------------------------------------------------------------------------------------------


def _page(*, skus: bool, locations: bool, after: bool) -> Any:
    statement = select(Position).where(mine(Position))
    if skus:
        statement = statement.where(any_of(Position.sku, "skus"))
    if locations:
        statement = statement.where(any_of(Position.location_id, "locations"))
    if after:
        statement = statement.where(
            col(Position.sku) >= param("after_sku"),
            (col(Position.sku) > param("after_sku")) | (col(Position.location_id) > param("after_location", Uuid())),
        )
    return prepared(statement.order_by(col(Position.sku), col(Position.location_id)).limit(param("size", BigInteger())))


_PAGES = {
    (skus, locations, after): _page(skus=skus, locations=locations, after=after)
    for skus in (False, True)
    for locations in (False, True)
    for after in (False, True)
}


async def position_page(
    reading: Reading,
    *,
    skus: Sequence[str] | None,
    location_ids: Sequence[UUID] | None,
    after: tuple[str, UUID] | None,
    limit: int,
) -> list[Position]:
    """Positions in the order of SKU and location."""
    values: dict[str, Any] = {"size": limit}
    if skus is not None:
        values["skus"] = skus
    if location_ids is not None:
        values["locations"] = location_ids
    if after is not None:
        values["after_sku"], values["after_location"] = after
    found: list[Position] = await reading.all(
        _PAGES[skus is not None, location_ids is not None, after is not None], values
    )
    return found
