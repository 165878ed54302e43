"""What every verb does to positions: lock them, change them, write the movements, give held units back.

Locks are taken on positions alone, in the order of SKU and location, so that transactions never wait for each other in
a circle; supplies and lines of a position are changed only under its lock, and reservations after it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, String, Uuid, and_, update
from sqlmodel import col, select

from oms_api.inventory.events import InventoryAdjusted, InventoryShort, SupplyUnclaimed
from oms_api.inventory.models import (
    COLUMNS,
    POSITION,
    SUPPLY,
    UNITS_MAX,
    Movement,
    Position,
    ReservationLine,
    StockBucket,
    Supply,
)
from oms_api.kit import clock, ids
from oms_api.kit.db import Tx, columns, json_rows, mine, now, prepared, table_of
from oms_api.kit.errors import camel
from oms_api.kit.events import emit
from oms_api.network import LOCATION

Key = tuple[str, UUID]
BUCKETS = tuple(COLUMNS.values())

_keys = json_rows("keys", {"sku": String(), "location_id": Uuid()})
_LOCK = prepared(
    select(Position)
    .join(_keys, and_(col(Position.sku) == _keys.c.sku, col(Position.location_id) == _keys.c.location_id))
    .where(mine(Position))
    .order_by(col(Position.sku), col(Position.location_id))
    .with_for_update(of=Position, key_share=True)
)
_changes = json_rows(
    "changes",
    {"sku": String(), "location_id": Uuid()} | {name: BigInteger() for name in (*BUCKETS, "reserved")},
)
_locked = (
    columns(
        col(Position.id),
        *[_changes.c[name] for name in (*BUCKETS, "reserved")],
        *[(col(getattr(Position, name)) + _changes.c[name]).label(f"{name}_then") for name in (*BUCKETS, "reserved")],
    )
    .join(_changes, and_(col(Position.sku) == _changes.c.sku, col(Position.location_id) == _changes.c.location_id))
    .where(mine(Position))
    .order_by(col(Position.sku), col(Position.location_id))
    .with_for_update(of=Position, key_share=True)
    .cte("locked")
)
_CHANGE = prepared(
    update(table_of(Position))
    .where(
        mine(Position),
        col(Position.id) == _locked.c.id,
        # by the locked row: the one of the statement's snapshot may be older
        *[_locked.c[f"{name}_then"].between(0, UNITS_MAX) for name in (*BUCKETS, "reserved")],
    )
    .values(
        **{name: col(getattr(Position, name)) + _locked.c[name] for name in (*BUCKETS, "reserved")}, updated_at=now()
    )
    .returning(Position)
)
_taken = json_rows("taken", {"id": Uuid(), "units": BigInteger()})
_TAKE_LINES = prepared(
    update(table_of(ReservationLine))
    .where(mine(ReservationLine), col(ReservationLine.id) == _taken.c.id)
    .values(quantity=col(ReservationLine.quantity) - _taken.c.units)
)
_TAKE_SUPPLIES = prepared(
    update(table_of(Supply))
    .where(mine(Supply), col(Supply.id) == _taken.c.id)
    .values(reserved=col(Supply.reserved) - _taken.c.units)
    .returning(Supply)
)


class Delta(NamedTuple):
    """Units that come to a bucket of a position, or leave it when negative; `source` is what caused it."""

    sku: str
    location_id: UUID
    quantity: int
    bucket: StockBucket = StockBucket.AVAILABLE
    source: ids.Ref | None = None


def in_order(keys: Iterable[Key]) -> list[dict[str, Any]]:
    return [{"sku": sku, "location_id": location_id} for sku, location_id in sorted(set(keys))]


async def open_positions(tx: Tx, keys: Iterable[Key]) -> None:
    """Make the positions that do not exist yet, empty. One statement."""
    at = clock.now()
    rows = [{"tenant_id": tx.tenant_id, "id": ids.new(), **key, "updated_at": at} for key in in_order(keys)]
    await tx.upsert(Position, rows, key=("tenant_id", "sku", "location_id"))


async def lock(tx: Tx, keys: Iterable[Key]) -> dict[Key, Position]:
    """Lock positions until the transaction ends and give them as they are. One statement."""
    return {(row.sku, row.location_id): row for row in await tx.all(_LOCK, {"keys": in_order(keys)})}


async def change(tx: Tx, deltas: Sequence[Delta], reserved: Mapping[Key, int] | None = None) -> dict[Key, Position]:
    """Add to buckets and to `reserved` of positions, locked in their order. One statement.

    A position where a bucket or `reserved` would leave 0 to 2,147,483,647 is not changed and not in the answer.
    """
    sums: dict[Key, dict[str, int]] = defaultdict(lambda: dict.fromkeys((*BUCKETS, "reserved"), 0))
    for delta in deltas:
        sums[delta.sku, delta.location_id][COLUMNS[delta.bucket]] += delta.quantity
    for key, units in (reserved or {}).items():
        sums[key]["reserved"] += units
    if not sums:
        return {}
    rows = [{"sku": sku, "location_id": location_id, **sums[sku, location_id]} for sku, location_id in sorted(sums)]
    return {(row.sku, row.location_id): row for row in await tx.all(_CHANGE, {"changes": rows})}


async def record(
    tx: Tx,
    deltas: Sequence[Delta],
    now_: Mapping[Key, Position],
    *,
    reason: str,
    reference_url: str | None = None,
) -> None:
    """Write a movement for each delta and tell `inventory.adjusted` for each bucket that changed. One statement."""
    at = clock.now()
    sums: dict[tuple[Key, StockBucket], int] = defaultdict(int)
    for delta in deltas:
        sums[(delta.sku, delta.location_id), delta.bucket] += delta.quantity
    await tx.insert(
        Movement,
        [
            {
                "tenant_id": tx.tenant_id,
                "id": ids.new(),
                "sku": delta.sku,
                "location_id": delta.location_id,
                "bucket": delta.bucket,
                "delta": delta.quantity,
                "reason": reason,
                "reference_url": reference_url,
                "source_type": delta.source.prefix if delta.source else None,
                "source_id": delta.source.id if delta.source else None,
                "created_at": at,
            }
            for delta in deltas
        ],
    )
    for (key, bucket), units in sums.items():
        if units:
            row = now_[key]
            emit(
                tx,
                InventoryAdjusted(
                    sku=row.sku,
                    location_id=LOCATION(row.location_id),
                    bucket=bucket,
                    delta=units,
                    on_hand=row.on_hand,
                    reason=reason,
                ),
                subject=POSITION.ref(row.id),
                updated=[camel(COLUMNS[bucket])],
            )


def tell_short(tx: Tx, rows: Iterable[Position]) -> None:
    """Tell `inventory.short` of the positions that promised more than is there."""
    for row in rows:
        if row.on_hand < row.reserved:
            emit(
                tx,
                InventoryShort(sku=row.sku, location_id=LOCATION(row.location_id), short=row.reserved - row.on_hand),
                subject=POSITION.ref(row.id),
            )


def tell_supply_short(tx: Tx, row: Supply) -> None:
    """Tell `inventory.short` of a supply of which more is promised than is to come."""
    if row.quantity < row.reserved:
        emit(
            tx,
            InventoryShort(
                sku=row.sku,
                location_id=LOCATION(row.location_id),
                short=row.reserved - row.quantity,
                supply_id=SUPPLY(row.id),
            ),
            subject=SUPPLY.ref(row.id),
        )


async def cut_lines(tx: Tx, taken: Sequence[tuple[ReservationLine, int]]) -> None:
    """Lines hold fewer units, their positions locked; where these are counted is the caller's. One statement."""
    await tx.run(_TAKE_LINES, {"taken": [{"id": line.id, "units": units} for line, units in taken]})


async def take_lines(tx: Tx, taken: Sequence[tuple[ReservationLine, int]]) -> dict[Key, int]:
    """Units of lines are held no more: on the lines and on their supplies; their positions must be locked.

    Returns the units to take off `reserved` of each position, negative, for `change`. One or two statements.
    """
    positions: dict[Key, int] = defaultdict(int)
    supplies: dict[UUID, int] = defaultdict(int)
    for line, units in taken:
        if line.supply_id is None:
            positions[line.sku, line.location_id] -= units
        else:
            supplies[line.supply_id] += units
    await cut_lines(tx, taken)
    if supplies:
        rows = await tx.all(_TAKE_SUPPLIES, {"taken": [{"id": id_, "units": units} for id_, units in supplies.items()]})
        for row in rows:
            if row.origin is not None and row.quantity > row.reserved:
                emit(
                    tx,
                    SupplyUnclaimed(
                        reference=row.reference,
                        sku=row.sku,
                        location_id=LOCATION(row.location_id),
                        quantity=row.quantity - row.reserved,
                    ),
                    subject=SUPPLY.ref(row.id),
                )
    return positions


class LetGo(NamedTuple):
    """Units that a reservation holds no more."""

    reservation_id: UUID
    sku: str
    location_id: UUID
    units: int


def rationed(taken: Iterable[tuple[ReservationLine, int]]) -> list[LetGo]:
    """Those of the units that are counted in shares too, or may be: lines from before that was written down."""
    return [
        LetGo(line.reservation_id, line.sku, line.location_id, units)
        for line, units in taken
        if line.rationed is not False
    ]


def told(lines: Iterable[tuple[ReservationLine, int]]) -> list[dict[str, Any]]:
    """Lines as facts carry them."""
    return [{"sku": line.sku, "locationId": LOCATION(line.location_id), "quantity": units} for line, units in lines]
