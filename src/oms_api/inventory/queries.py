"""Every SELECT of the stock ledger that takes no lock."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, String, Uuid, and_, func, literal_column, null, text, union_all
from sqlmodel import col, select

from oms_api.inventory.models import Position, Reservation, ReservationLine, Supply
from oms_api.kit.db import Instant, Reading, any_of, columns, json_rows, mine, now, param, prepared

LAPSED_BATCH_MAX = 500

# Literals, not parameters: only so do both engines see that the partial indexes hold all that is asked for.
COMING = text("supplies.quantity > 0")
HELD = text("reservation_lines.quantity > 0")
LAPSING = text("reservation_lines.quantity > 0 AND reservation_lines.expires_at IS NOT NULL")


class Stock(NamedTuple):
    """A position as a promise sees it: `reserved` without what has lapsed, `safety` of the position alone."""

    sku: str
    location_id: UUID
    on_hand: int
    reserved: int
    safety: int
    updated_at: datetime


class Incoming(NamedTuple):
    """A supply as a promise sees it: `quantity` is still to come and not promised."""

    id: UUID
    sku: str
    location_id: UUID
    quantity: int
    expected_at: datetime


def _zero() -> Any:
    return literal_column("0", BigInteger())


def _stock(*, at: bool) -> Any:
    """Positions, supplies and what lapsed of both, told apart by `part`, each through an index of its own."""
    chosen: list[Any] = []
    for model, *rest in (
        (
            Position,
            literal_column("0", BigInteger()).label("part"),
            col(Position.sku),
            col(Position.location_id),
            null().cast(Uuid()).label("of"),
            col(Position.on_hand).label("units"),
            col(Position.reserved).label("reserved"),
            col(Position.safety_stock).label("safety"),
            col(Position.updated_at).label("at"),
        ),
        (
            Supply,
            literal_column("1", BigInteger()),
            col(Supply.sku),
            col(Supply.location_id),
            col(Supply.id),
            col(Supply.quantity),
            col(Supply.reserved),
            _zero(),
            col(Supply.expected_at),
        ),
        (
            ReservationLine,
            literal_column("2", BigInteger()),
            col(ReservationLine.sku),
            col(ReservationLine.location_id),
            col(ReservationLine.supply_id),
            func.sum(col(ReservationLine.quantity)).cast(BigInteger()),
            _zero(),
            _zero(),
            null().cast(Instant()),
        ),
    ):
        statement = columns(*rest).where(mine(model), any_of(model.sku, "skus"))
        if at:
            statement = statement.where(any_of(model.location_id, "locations"))
        if model is Supply:
            statement = statement.where(COMING)
        if model is ReservationLine:
            statement = statement.where(LAPSING, col(ReservationLine.expires_at) <= now()).group_by(
                col(ReservationLine.sku), col(ReservationLine.location_id), col(ReservationLine.supply_id)
            )
        chosen.append(statement)
    together = union_all(*chosen).subquery("stock")
    return columns(*together.c)


_STOCK = prepared(_stock(at=False))
_STOCK_AT = prepared(_stock(at=True))


async def stock(
    reading: Reading, skus: Sequence[str], location_ids: Sequence[UUID] | None
) -> tuple[list[Stock], list[Incoming]]:
    """Positions and supplies of these SKUs, at these locations or all. Expired reservations hold nothing.

    One statement; SKUs without a position are left out.
    """
    if location_ids is None:
        rows = await reading.all(_STOCK, {"skus": skus})
    else:
        rows = await reading.all(_STOCK_AT, {"skus": skus, "locations": location_ids})
    lapsed: dict[Any, int] = {}
    for row in rows:
        if row.part == 2:
            lapsed[row.of or (row.sku, row.location_id)] = row.units
    free = lapsed.get
    positions = [
        Stock(
            row.sku,
            row.location_id,
            row.units,
            row.reserved - free((row.sku, row.location_id), 0) if lapsed else row.reserved,
            row.safety,
            row.at,
        )
        for row in rows
        if row.part == 0
    ]
    supplies = [
        Incoming(row.of, row.sku, row.location_id, left, row.at)
        for row in rows
        if row.part == 1 and (left := row.units - row.reserved + free(row.of, 0)) > 0
    ]
    return positions, supplies


# --- by id ---------------------------------------------------------------------------------------------------------

_POSITIONS = prepared(select(Position).where(mine(Position), any_of(Position.id, "ids")))
_SUPPLIES = prepared(select(Supply).where(mine(Supply), any_of(Supply.id, "ids")))
_SUPPLIES_NAMED = prepared(select(Supply).where(mine(Supply), any_of(Supply.reference, "references")))
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


async def positions_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Position]:
    return {row.id: row for row in await reading.all(_POSITIONS, {"ids": ids})}


async def supplies_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Supply]:
    return {row.id: row for row in await reading.all(_SUPPLIES, {"ids": ids})}


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


# --- beside a position ---------------------------------------------------------------------------------------------


class Beside(NamedTuple):
    """What a position's row does not say: units held by expired reservations, and units expected."""

    lapsed: int
    incoming: int


_beside = json_rows("keys", {"sku": String(), "location_id": Uuid()})


def _at(model: Any, part: str, *conditions: Any) -> Any:
    return (
        columns(
            literal_column(part, BigInteger()).label("part"),
            _beside.c.sku,
            _beside.c.location_id,
            func.sum(col(model.quantity)).cast(BigInteger()).label("units"),
        )
        .join(_beside, and_(col(model.sku) == _beside.c.sku, col(model.location_id) == _beside.c.location_id))
        .where(mine(model), *conditions)
        .group_by(_beside.c.sku, _beside.c.location_id)
    )


_both = union_all(
    _at(Supply, "0", COMING),
    _at(
        ReservationLine,
        "1",
        LAPSING,
        col(ReservationLine.supply_id).is_(None),
        col(ReservationLine.expires_at) <= now(),
    ),
).subquery("beside")
_BESIDE = prepared(columns(*_both.c))


async def beside(reading: Reading, keys: Sequence[tuple[str, UUID]]) -> Mapping[tuple[str, UUID], Beside]:
    """By (SKU, location), for every key asked."""
    found: dict[tuple[str, UUID], list[int]] = {key: [0, 0] for key in keys}
    rows = await reading.all(_BESIDE, {"keys": [{"sku": sku, "location_id": id_} for sku, id_ in found]})
    for row in rows:
        found[row.sku, row.location_id][row.part] = row.units
    return {key: Beside(lapsed, incoming) for key, (incoming, lapsed) in found.items()}


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
