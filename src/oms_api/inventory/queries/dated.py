"""What one SKU is owed and expects, by date: supplies with what is promised of them, and demand as it will leave."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, String, cast, func, literal_column, null, or_, text, union_all
from sqlmodel import col

from oms_api.inventory.models import ReservationLine, Supply, SupplyKind
from oms_api.inventory.queries.rows import COMING
from oms_api.kit.db import Reading, any_of, columns, mine, now, param, prepared


class Due(NamedTuple):
    """A supply with its whole rest: `reserved` of `quantity` is promised; `expected_at` with confidence."""

    id: UUID
    location_id: UUID
    reference: str
    kind: SupplyKind
    quantity: int
    reserved: int
    expected_at: datetime


class Owed(NamedTuple):
    """Units held at a location that leave at one instant (None: nobody said when), of a supply or of what is there."""

    location_id: UUID
    supply_id: UUID | None
    leaves_at: datetime | None
    quantity: int


_zero = literal_column("0", BigInteger())


def _owed(which: Any) -> Any:
    return (
        columns(
            literal_column("1", BigInteger()),
            col(ReservationLine.location_id),
            col(ReservationLine.supply_id),
            func.sum(col(ReservationLine.quantity)).cast(BigInteger()),
            _zero,
            col(ReservationLine.ship_by),
            null().cast(String()),
            null().cast(String()),
        )
        .where(
            mine(ReservationLine),
            col(ReservationLine.sku) == param("of_sku"),
            any_of(ReservationLine.location_id, "locations"),
            or_(col(ReservationLine.expires_at).is_(None), col(ReservationLine.expires_at) > now()),
            which,
        )
        .group_by(col(ReservationLine.location_id), col(ReservationLine.supply_id), col(ReservationLine.ship_by))
    )


_both = union_all(
    columns(
        _zero.label("part"),
        col(Supply.location_id),
        col(Supply.id).label("of"),
        col(Supply.quantity).label("units"),
        col(Supply.reserved),
        func.coalesce(col(Supply.confident_at), col(Supply.expected_at)).label("at"),
        col(Supply.reference),
        cast(col(Supply.kind), String()).label("kind"),
    ).where(mine(Supply), col(Supply.sku) == param("of_sku"), any_of(Supply.location_id, "locations"), COMING),
    # each half in the words of its own index
    _owed(text("reservation_lines.quantity >= 1 AND reservation_lines.supply_id IS NULL")),
    _owed(text("reservation_lines.quantity > 0 AND reservation_lines.supply_id IS NOT NULL")),
).subquery("dated")
_DATED = prepared(columns(*_both.c).limit(param("size", BigInteger())))


async def dated(
    reading: Reading, sku: str, location_ids: Sequence[UUID], limit: int
) -> tuple[list[Due], list[Owed], bool]:
    """Supplies and demand of one SKU at these locations, and whether that is all of it: at most `limit` rows. What
    expired reservations hold is no demand. One statement."""
    rows: list[Any] = await reading.all(_DATED, {"of_sku": sku, "locations": location_ids, "size": limit + 1})
    due = [
        Due(row.of, row.location_id, row.reference, SupplyKind(row.kind), row.units, row.reserved, row.at)
        for row in rows[:limit]
        if row.part == 0
    ]
    owed = [Owed(row.location_id, row.of, row.at, row.units) for row in rows[:limit] if row.part == 1]
    return due, owed, len(rows) <= limit
