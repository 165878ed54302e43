"""The books against their ledger: what is stored, and what follows from movements and held lines."""

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, and_, case, func, or_
from sqlmodel import col

from oms_api.inventory import queries
from oms_api.inventory.models import COLUMNS, SUPPLY, Movement, Position, ReservationLine, Supply
from oms_api.kit.db import Reading, columns, mine, prepared

BUCKETS = tuple(COLUMNS.values())


class Difference(NamedTuple):
    """A column that does not say what its ledger says. `reference` names the supply, when it is one's."""

    sku: str
    location_id: UUID
    column: str
    stored: int
    rebuilt: int
    reference: str | None = None


def _sum(value: Any) -> Any:
    return func.coalesce(func.sum(value), 0).cast(BigInteger())


_moved = (
    columns(
        col(Movement.sku),
        col(Movement.location_id),
        *[
            _sum(case((col(Movement.bucket) == bucket, col(Movement.delta)), else_=0)).label(name)
            for bucket, name in COLUMNS.items()
        ],
    )
    .where(mine(Movement))
    .group_by(col(Movement.sku), col(Movement.location_id))
    .subquery("moved")
)
_held = (
    columns(
        col(ReservationLine.sku),
        col(ReservationLine.location_id),
        _sum(col(ReservationLine.quantity)).label("reserved"),
    )
    .where(mine(ReservationLine), queries.HELD, col(ReservationLine.supply_id).is_(None))
    .group_by(col(ReservationLine.sku), col(ReservationLine.location_id))
    .subquery("held")
)
_rebuilt = {name: func.coalesce(_moved.c[name], 0) for name in BUCKETS} | {
    "reserved": func.coalesce(_held.c.reserved, 0)
}
_POSITIONS = prepared(
    columns(
        col(Position.sku),
        col(Position.location_id),
        *[col(getattr(Position, name)) for name in _rebuilt],
        *[value.label(f"rebuilt_{name}") for name, value in _rebuilt.items()],
    )
    .outerjoin(_moved, and_(_moved.c.sku == col(Position.sku), _moved.c.location_id == col(Position.location_id)))
    .outerjoin(_held, and_(_held.c.sku == col(Position.sku), _held.c.location_id == col(Position.location_id)))
    .where(mine(Position), or_(*[col(getattr(Position, name)) != value for name, value in _rebuilt.items()]))
)
_promised = (
    columns(col(ReservationLine.supply_id), _sum(col(ReservationLine.quantity)).label("reserved"))
    .where(mine(ReservationLine), queries.HELD, col(ReservationLine.supply_id).is_not(None))
    .group_by(col(ReservationLine.supply_id))
    .subquery("promised")
)
_arrived = (
    columns(col(Movement.source_id), _sum(col(Movement.delta)).label("received"))
    .where(mine(Movement), col(Movement.source_type) == SUPPLY.text)
    .group_by(col(Movement.source_id))
    .subquery("arrived")
)
_reserved = func.coalesce(_promised.c.reserved, 0)
_received = func.coalesce(_arrived.c.received, 0)
_SUPPLIES = prepared(
    columns(
        col(Supply.reference),
        col(Supply.sku),
        col(Supply.location_id),
        col(Supply.reserved),
        col(Supply.received),
        _reserved.label("rebuilt_reserved"),
        _received.label("rebuilt_received"),
    )
    .outerjoin(_promised, _promised.c.supply_id == col(Supply.id))
    .outerjoin(_arrived, _arrived.c.source_id == col(Supply.id))
    .where(mine(Supply), or_(col(Supply.reserved) != _reserved, col(Supply.received) != _received))
)


async def rebuild(reading: Reading) -> list[Difference]:
    """Every column of a position or supply that differs from what its ledger gives; empty when the books are right.

    Buckets are the sum of their movements; `reserved` is what lines still hold; `received` is what arrived of a supply.
    """
    found = [
        Difference(row.sku, row.location_id, name, getattr(row, name), getattr(row, f"rebuilt_{name}"))
        for row in await reading.all(_POSITIONS)
        for name in (*BUCKETS, "reserved")
    ]
    found += [
        Difference(row.sku, row.location_id, name, getattr(row, name), getattr(row, f"rebuilt_{name}"), row.reference)
        for row in await reading.all(_SUPPLIES)
        for name in ("reserved", "received")
    ]
    return [difference for difference in found if difference.stored != difference.rebuilt]
