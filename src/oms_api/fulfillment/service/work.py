"""What all verbs share: an order's work, read under the order's lock, and the one way to change its figures."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, String, Uuid, update
from sqlmodel import col

from oms_api import inventory, orders, promising
from oms_api.fulfillment import queries, rules
from oms_api.fulfillment.models import FULFILLMENT, FULFILLMENT_LINE, Fulfillment, FulfillmentLine
from oms_api.kit import clock
from oms_api.kit.db import Instant, Tx, changed, json_rows, mine, prepared, table_of
from oms_api.kit.errors import NotFound, Path
from oms_api.kit.events import emit
from oms_api.orders import LINE, ORDER

FIGURES = ("shipped", "cancelled", "asked", "delivered", "moved")
OVER = (rules.SHIPPED, rules.REJECTED, rules.CANCELLED)

_deltas = json_rows("deltas", {"id": Uuid(), **dict.fromkeys(FIGURES, BigInteger())})
_CHANGE_LINES = prepared(
    update(table_of(FulfillmentLine))
    .where(mine(FulfillmentLine), col(FulfillmentLine.id) == _deltas.c.id)
    .values({name: getattr(FulfillmentLine, name) + _deltas.c[name] for name in FIGURES})
)
_INSTANTS = ("accepted_at", "rejected_at", "due_at", "updated_at")
_states = json_rows("states", {"id": Uuid(), "status": String(), **dict.fromkeys(_INSTANTS, Instant())})
_CHANGE_FULFILLMENTS = prepared(
    update(table_of(Fulfillment))
    .where(mine(Fulfillment), col(Fulfillment.id) == _states.c.id)
    .values(
        status=_states.c.status,
        **{name: _states.c[name] for name in _INSTANTS},
        version=col(Fulfillment.version) + 1,
    )
)


@dataclass
class OrderWork:
    """An order, its lines and what locations do for it; nobody else changes them until the transaction ends."""

    order: orders.Order
    order_lines: dict[UUID, orders.OrderLine]
    fulfillments: dict[UUID, Fulfillment]
    lines: dict[UUID, FulfillmentLine]

    def of_line(self, order_line_id: UUID) -> list[FulfillmentLine]:
        return [line for line in self.lines.values() if line.order_line_id == order_line_id]

    def of_fulfillment(self, fulfillment_id: UUID) -> list[FulfillmentLine]:
        return [line for line in self.lines.values() if line.fulfillment_id == fulfillment_id]


async def open_order(tx: Tx, order_id: UUID) -> OrderWork:
    """Lock an order and read its work: four statements."""
    order = await orders.lock(tx, order_id)
    order_lines = (await orders.lines_of(tx, [order_id])).get(order_id, [])
    fulfillments = (await queries.fulfillments_of(tx, [order_id])).get(order_id, [])
    lines = await queries.lines_of_order(tx, order_id) if fulfillments else []
    return OrderWork(
        order,
        {line.id: line for line in order_lines},
        {row.id: row for row in fulfillments},
        {line.id: line for line in lines},
    )


async def open_fulfillment(tx: Tx, fulfillment_id: UUID, path: Path = ("input", "id")) -> tuple[OrderWork, Fulfillment]:
    """Lock the order of a fulfillment. Raises NotFound."""
    found = (await queries.fulfillments_by_id(tx, [fulfillment_id])).get(fulfillment_id)
    if found is None:
        raise NotFound(FULFILLMENT.missing("fulfillment", fulfillment_id), path=path)
    work = await open_order(tx, found.order_id)
    return work, work.fulfillments[fulfillment_id]


async def change(tx: Tx, work: OrderWork, deltas: Mapping[UUID, Mapping[str, int]]) -> list[rules.Step]:
    """Add to figures of fulfillment lines (by line: figure → units) and let each fulfillment's status follow.

    At most two statements. Gives back how the order lines follow; the caller moves them and says why.
    """
    await tx.run(
        _CHANGE_LINES,
        {"deltas": [{"id": id_, **{name: by.get(name, 0) for name in FIGURES}} for id_, by in deltas.items()]},
    )
    for id_, by in deltas.items():
        line = work.lines[id_]
        work.lines[id_] = changed(line, **{name: getattr(line, name) + units for name, units in by.items()})
    await follow(tx, work, {work.lines[id_].fulfillment_id for id_, by in deltas.items() if by.keys() - {"delivered"}})
    touched = {work.lines[id_].order_line_id for id_ in deltas}
    return [
        step
        for line_id, parts in rules.grouped(work.lines.values()).items()
        if line_id in touched
        for step in rules.steps(figures(work.order_lines[line_id]), parts)
    ]


async def follow(tx: Tx, work: OrderWork, fulfillment_ids: Collection[UUID]) -> None:
    """Write the statuses that the lines' figures amount to; versions grow. One statement, none for no fulfillment."""
    if not fulfillment_ids:
        return
    now = clock.now()
    lines_of: dict[UUID, list[FulfillmentLine]] = defaultdict(list)
    for line in work.lines.values():
        lines_of[line.fulfillment_id].append(line)
    states: list[dict[str, Any]] = []
    for id_ in sorted(fulfillment_ids):
        row = work.fulfillments[id_]
        status = rules.status_of(
            lines_of[id_], accepted=row.accepted_at is not None, rejected=row.rejected_at is not None
        )
        due_at = None if status in OVER else row.due_at
        row = changed(row, status=status, version=row.version + 1, due_at=due_at, updated_at=now)
        work.fulfillments[id_] = row
        states.append({"id": id_, "status": str(status), **{name: getattr(row, name) for name in _INSTANTS}})
    await tx.run(_CHANGE_FULFILLMENTS, {"states": states})


def figures(line: orders.OrderLine) -> rules.Line:
    return rules.Line(
        line.id,
        line.pending + line.backordered + line.reserved,
        line.allocated,
        line.shipped,
        line.delivered,
        line.returned,
    )


def told(lines: Iterable[tuple[FulfillmentLine, int]]) -> list[dict[str, Any]]:
    """Units of fulfillment lines as facts carry them."""
    return [{"lineId": FULFILLMENT_LINE(line.id), "sku": line.sku, "quantity": units} for line, units in lines]


async def give_up(
    tx: Tx,
    work: OrderWork,
    taken: Sequence[tuple[FulfillmentLine, int]],
    steps: Sequence[rules.Step],
    reason: str,
) -> None:
    """Units that were taken off locations' work go back to stock and are cancelled in the order."""
    if not taken:
        return
    await promising.let_go(
        tx,
        work.order.id,
        [
            inventory.Units(line.order_line_id, line.sku, work.fulfillments[line.fulfillment_id].location_id, units)
            for line, units in taken
        ],
    )
    if not steps:
        return
    work.order = await move(tx, work.order.id, steps)
    cancelled = [step for step in steps if step.to_state == orders.UnitState.CANCELLED]
    emit(
        tx,
        orders.OrderCancelled(
            number=str(work.order.number),
            reason=reason,
            lines=[
                {
                    "lineId": LINE(step.line_id),
                    "sku": work.order_lines[step.line_id].sku,
                    "quantity": step.quantity,
                }
                for step in cancelled
            ],
            whole=work.order.status is orders.OrderStatus.CANCELLED,
        ),
        subject=ORDER.ref(work.order.id),
        updated=["lines.quantities", "total", "status"],
    )


async def move(tx: Tx, order_id: UUID, steps: Sequence[rules.Step]) -> orders.Order:
    return await orders.move(
        tx,
        order_id,
        [
            orders.Move(step.line_id, orders.UnitState(step.from_state), orders.UnitState(step.to_state), step.quantity)
            for step in steps
        ],
    )


def name(row: Fulfillment) -> str:
    return FULFILLMENT(row.id)
