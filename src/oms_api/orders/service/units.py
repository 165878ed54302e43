"""Units of lines move between their states; the order's amounts and status follow."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, update
from sqlmodel import col

from oms_api import inventory, promising
from oms_api.inventory import ReservationLine, Units
from oms_api.kit.db import Tx, changed, json_rows, mine, param, prepared, table_of
from oms_api.kit.errors import ExceedsRemaining, Invalid, InvalidAmount, Path, Refusal, refuse
from oms_api.kit.events import emit
from oms_api.orders import queries
from oms_api.orders.events import OrderCancelled
from oms_api.orders.models import LINE, ORDER, Order, OrderLine, OrderStatus, UnitState
from oms_api.orders.rules.amounts import amounts
from oms_api.orders.rules.status import outstanding, status
from oms_api.orders.rules.units import (
    Move,
    cancellable,
    deltas,
    described,
    shortfalls,
    to_cancel,
    to_release,
)
from oms_api.orders.service import attention
from oms_api.orders.service.funds import funds_of, paid_for
from oms_api.orders.service.row import lock, save

Keep = Mapping[tuple[UUID, str, UUID], int]
"""Units that stay held, by line, SKU and location: those that a location works on."""

_deltas = json_rows("deltas", {"line_id": Uuid()} | {f"d_{state}": BigInteger() for state in UnitState})
_SHIFT = prepared(
    update(table_of(OrderLine))
    .where(
        mine(OrderLine),
        col(OrderLine.order_id) == param("of", Uuid()),
        col(OrderLine.id) == _deltas.c.line_id,
        *[col(getattr(OrderLine, state)) + _deltas.c[f"d_{state}"] >= 0 for state in UnitState],
    )
    .values(**{state: col(getattr(OrderLine, state)) + _deltas.c[f"d_{state}"] for state in UnitState})
    .returning(OrderLine)
)


class CancelUnits(NamedTuple):
    """So many units of a line are given up. `path` leads to where the caller asked for it."""

    line_id: UUID
    quantity: int
    path: Path = ()


async def move(tx: Tx, order_id: UUID, moves: Sequence[Move]) -> Order:
    """Units go from one state to another, all or none; the order's version, amounts and status follow.

    Five statements, for any number of lines. Raises NotFound, ExceedsRemaining when fewer units are in a state than
    are to leave it, Invalid for a line of another order; ValueError for a step that does not exist (`rules.units`).
    """
    return await shift(tx, await lock(tx, order_id), moves)


async def shift(
    tx: Tx,
    order: Order,
    moves: Sequence[Move],
    *,
    present: OrderStatus | None = None,
    payments_version: int | None = None,
    last_day: int | None = None,
) -> Order:
    """`move` for a locked order. `present`: the status it is taken to have, when a decision changes that too;
    `last_day`: the latest promised date of its lines, when that changed, as a day number."""
    lines = {line.id: line for line in (await queries.lines_of(tx, [order.id])).get(order.id, ())}
    changes = deltas(moves)
    refuse(shortfalls(lines, changes))
    if changes:
        rows = [
            {"line_id": line_id, **{f"d_{state}": change[state] for state in UnitState}}
            for line_id, change in changes.items()
        ]
        lines |= {line.id: line for line in await tx.all(_SHIFT, {"of": order.id, "deltas": rows})}
    for state in {step.from_state for step in moves} & attention.CAUSES.keys():
        if not any(getattr(line, state) for line in lines.values()):
            await attention.over(tx, order.id, attention.CAUSES[state])
    worth = amounts(lines.values(), order.shipping_minor)
    owed = changed(order, total_minor=worth.total)
    # only an order that arrived in full asks how its money stands
    arrived = all(line.delivered + line.returned + line.cancelled == line.quantity for line in lines.values())
    left = outstanding(owed, funds_of(await paid_for(tx, order))) if arrived else 1
    return await save(
        tx,
        order,
        subtotal_minor=worth.subtotal,
        discount_minor=worth.discount,
        tax_minor=worth.tax,
        total_minor=worth.total,
        status=status(present or order.status, lines.values(), left),
        payments_version=order.payments_version if payments_version is None else payments_version,
        promised_asc=order.promised_asc if last_day is None else last_day,
        promised_desc=order.promised_desc if last_day is None else last_day,
    )


async def credit(tx: Tx, order_id: UUID, amount_minor: int) -> Order:
    """Credit an amount afterwards (a return, goodwill): `outstanding` falls by it. Minor units, more than zero."""
    if amount_minor <= 0:
        raise InvalidAmount(f"{amount_minor} minor units cannot be credited; send more than zero.", path=("input",))
    order = await lock(tx, order_id)
    return await save(tx, order, credited_minor=order.credited_minor + amount_minor)


# --- cancelling ----------------------------------------------------------------------------------------------------


async def cancel_units(
    tx: Tx, order_id: UUID, units: Sequence[CancelUnits] | None, *, reason: str, keep: Keep | None = None
) -> Order:
    """Give up units that are at no location yet (pending, backordered, reserved), all of them when none is named.

    What the order holds for them is let go; `keep` is what locations work on. Money is the caller's to give back.
    Raises NotFound, ExceedsRemaining, Invalid. The caller has checked that the order may be cancelled.
    """
    return await cancel(tx, await lock(tx, order_id), units, reason=reason, keep=keep)


async def cancel(
    tx: Tx, order: Order, units: Sequence[CancelUnits] | None, *, reason: str, keep: Keep | None = None
) -> Order:
    """`cancel_units` for a locked order."""
    lines = {line.id: line for line in (await queries.lines_of(tx, [order.id])).get(order.id, ())}
    if units is None:
        units = [CancelUnits(line.id, count) for line in lines.values() if (count := cancellable(line))]
    wanted = _wanted(lines, units)
    moves = [step for line_id, count in wanted.items() for step in to_cancel(lines[line_id], count)]
    after = await shift(tx, order, moves)
    await _let_go(tx, order.id, lines, wanted, keep or {})
    if moves:
        emit(
            tx,
            OrderCancelled(
                number=str(order.number),
                reason=reason,
                lines=described(lines, wanted),
                whole=after.status is OrderStatus.CANCELLED,
            ),
            subject=ORDER.ref(order.id),
            updated=["lines.quantities", "total", "status"],
        )
    return after


def _wanted(lines: Mapping[UUID, OrderLine], units: Iterable[CancelUnits]) -> dict[UUID, int]:
    """Units to cancel by line. Raises what is wrong with them."""
    found: list[Refusal] = []
    wanted: dict[UUID, int] = defaultdict(int)
    for line_id, quantity, path in units:
        line = lines.get(line_id)
        if line is None:
            found.append(Invalid(f"{LINE(line_id)} is not a line of this order.", path=path))
            continue
        wanted[line_id] += quantity
        there = cancellable(line)
        if quantity < 1:
            found.append(Invalid(f"{quantity} of {line.sku}: send at least 1.", path=path))
        elif wanted[line_id] > there:
            found.append(
                ExceedsRemaining(
                    f"{wanted[line_id]} of {line.sku} cannot be cancelled; {there} are at no location yet.",
                    path=path,
                    details={"subject_id": LINE(line_id), "sku": line.sku, "remaining_quantity": there},
                )
            )
    refuse(found)
    return wanted


async def _let_go(
    tx: Tx, order_id: UUID, lines: Mapping[UUID, OrderLine], wanted: Mapping[UUID, int], keep: Keep
) -> None:
    """Give back what the order holds beyond what its lines still want; units yet to come first."""
    held = await held_for(tx, order_id)
    units = [
        Units(line_id, row.sku, row.location_id, count)
        for line_id, count in wanted.items()
        for row, count in to_release(lines[line_id], count, held.get(line_id, ()), keep)
    ]
    if units:
        await promising.let_go(tx, order_id, units)


async def held_for(tx: Tx, order_id: UUID) -> dict[UUID, list[ReservationLine]]:
    """What is held for the order, by its line."""
    held: dict[UUID, list[ReservationLine]] = defaultdict(list)
    for row in (await inventory.reservation_lines_of(tx, [order_id])).get(order_id, ()):
        if row.quantity and row.line_id is not None:
            held[row.line_id].append(row)
    return held
