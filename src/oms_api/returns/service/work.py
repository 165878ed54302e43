"""What all verbs share: a return read under its order's lock, and the one way to write it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, update
from sqlmodel import col

from oms_api import orders
from oms_api.kit import clock
from oms_api.kit.db import Choice, Instant, Tx, changed, mine, param, prepared, table_of
from oms_api.kit.errors import NotFound
from oms_api.kit.events import emit
from oms_api.orders import ORDER
from oms_api.returns import queries, rules
from oms_api.returns.events import ReturnClosed
from oms_api.returns.models import RETURN, RETURN_LINE, Return, ReturnLine, ReturnStatus

_AMOUNTS = ("credited_minor", "due_minor", "refunded_minor", "failed_minor", "version")
_WRITE = prepared(
    update(table_of(Return))
    .where(mine(Return), col(Return.id) == param("of", Uuid()))
    .values(
        {name: param(f"new_{name}", BigInteger()) for name in _AMOUNTS}
        | {"status": param("new_status", Choice(ReturnStatus)), "updated_at": param("now", Instant())}
        | {"expires_at": param("new_expires_at", Instant())}
    )
)


@dataclass
class ReturnWork:
    """A return, its order, and the lines of every return of that order; nobody else changes them meanwhile."""

    order: orders.Order
    row: Return
    all_lines: list[ReturnLine]

    @property
    def lines(self) -> dict[UUID, ReturnLine]:
        return {line.id: line for line in self.all_lines if line.return_id == self.row.id}


async def open_return(tx: Tx, return_id: UUID) -> ReturnWork:
    """Lock the order of a return and read it: four statements. Raises NotFound."""
    found = (await queries.returns_by_id(tx, [return_id])).get(return_id)
    if found is None:
        raise NotFound(RETURN.missing("return", return_id), path=("input", "id"))
    order = await orders.lock(tx, found.order_id)
    row = (await queries.returns_by_id(tx, [return_id]))[return_id]
    return ReturnWork(order, row, await queries.lines_of_order(tx, found.order_id))


async def write(tx: Tx, row: Return, **values: Any) -> Return:
    """Change a return; its version grows, and when that closes it, so it is told. One statement."""
    now = clock.now()
    after = changed(row, **values, version=row.version + 1, updated_at=now)
    after = changed(after, expires_at=rules.expires_at(after.status, now))
    await tx.run(
        _WRITE,
        {
            "of": row.id,
            **{f"new_{name}": getattr(after, name) for name in _AMOUNTS},
            "new_status": after.status,
            "new_expires_at": after.expires_at,
            "now": now,
        },
    )
    if after.status is ReturnStatus.CLOSED and row.status is not ReturnStatus.CLOSED:
        emit(
            tx,
            ReturnClosed(
                order_id=ORDER(row.order_id),
                number=rules.number(row.number),
                refunded_minor=after.refunded_minor,
                currency=row.currency,
            ),
            subject=RETURN.ref(row.id),
            owner=row.order_id,
            updated=["status"],
        )
    return after


def name(row: Return) -> str:
    return RETURN(row.id)


def told(lines: Iterable[tuple[ReturnLine, int]]) -> list[dict[str, Any]]:
    return [{"lineId": RETURN_LINE(line.id), "sku": line.sku, "quantity": units} for line, units in lines]
