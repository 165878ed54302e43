"""Expired reservations give their units back: to a reserve that comes up short, and to the timer."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import String, Uuid, and_, update
from sqlmodel import col, select

from oms_api.inventory import queries
from oms_api.inventory.events import ReservationExpired
from oms_api.inventory.models import RESERVATION, Reservation, ReservationLine, ReservationState
from oms_api.inventory.service import ledger
from oms_api.inventory.service.daily import give_back
from oms_api.inventory.service.ledger import Key
from oms_api.kit.db import Tx, any_of, columns, json_rows, mine, now, prepared, table_of
from oms_api.kit.events import emit

_keys = json_rows("keys", {"sku": String(), "location_id": Uuid()})
_LAPSED = prepared(
    select(ReservationLine)
    .join(_keys, and_(col(ReservationLine.sku) == _keys.c.sku, col(ReservationLine.location_id) == _keys.c.location_id))
    .where(mine(ReservationLine), queries.LAPSING, col(ReservationLine.expires_at) <= now())
)
_lapsed = (
    columns(col(Reservation.id))
    .where(mine(Reservation), any_of(Reservation.id, "ids"))
    .order_by(col(Reservation.id))
    .with_for_update(of=Reservation, key_share=True)
    .cte("lapsed")
)
# An order that takes the reservation at the same moment changes the same row: one of the two finds it changed.
_EXPIRE = prepared(
    update(table_of(Reservation))
    .where(
        mine(Reservation),
        col(Reservation.id) == _lapsed.c.id,
        col(Reservation.state) == ReservationState.OPEN,
        col(Reservation.expires_at) <= now(),
    )
    .values(state=ReservationState.EXPIRED, version=col(Reservation.version) + 1)
    .returning(col(Reservation.id))
)
_EXPIRED = prepared(
    columns(col(Reservation.id)).where(
        mine(Reservation), any_of(Reservation.id, "ids"), col(Reservation.state) == ReservationState.EXPIRED
    )
)


async def free_expired(tx: Tx, keys: Iterable[Key]) -> bool:
    """Give back what expired reservations hold at these positions, which must be locked. Whether there was anything.

    The reservation is EXPIRED from now on. What it holds at other positions is free as well, and is given back when
    those are locked: by a reserve that needs it, or by the timer. So no lock is ever taken out of order.
    """
    lines: list[ReservationLine] = await tx.all(_LAPSED, {"keys": ledger.in_order(keys)})
    if not lines:
        return False
    asked = {"ids": sorted({line.reservation_id for line in lines})}
    newly: set[UUID] = set(await tx.all(_EXPIRE, asked))
    expired: set[UUID] = set(await tx.all(_EXPIRED, asked))
    free = [(line, line.quantity) for line in lines if line.reservation_id in expired]
    await ledger.change(tx, (), await ledger.take_lines(tx, free))
    await give_back(tx, free)
    if newly:
        held: Any = await queries.lines_by_reservation(tx, sorted(newly))
        for id_ in sorted(newly):
            emit(
                tx,
                ReservationExpired(lines=ledger.told((line, line.asked) for line in held[id_])),
                subject=RESERVATION.ref(id_),
                updated=["state"],
            )
    return bool(free)
