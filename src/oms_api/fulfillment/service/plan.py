"""Give locations their work."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from oms_api import inventory, orders
from oms_api.fulfillment import rules
from oms_api.fulfillment.events import FulfillmentOffered
from oms_api.fulfillment.models import FULFILLMENT, Fulfillment, FulfillmentLine, FulfillmentStatus
from oms_api.fulfillment.service.overdue import work_due
from oms_api.fulfillment.service.work import OrderWork, open_order, told
from oms_api.inventory import ReservationLine
from oms_api.kit import clock, ids
from oms_api.kit.db import Tx
from oms_api.kit.events import emit
from oms_api.network import LOCATION
from oms_api.orders import ORDER

IDLE = (orders.OrderStatus.PENDING, orders.OrderStatus.CANCELLED)


async def plan(tx: Tx, order_id: UUID) -> list[Fulfillment]:
    """One fulfillment a location and delivery group for the units that an order holds on hand and nobody works on yet.

    Units that wait for supply are planned when it has arrived; of a kit only whole units are offered. Run again it
    does what is missing, and nothing for an order that is not committed.
    """
    work = await open_order(tx, order_id)
    if work.order.status in IDLE:
        return []
    held = (await inventory.reservation_lines_of(tx, [order_id])).get(order_id, [])
    wanted = rules.to_offer(
        (
            rules.Wanted(line.id, line.reserved, orders.parts_of(line))
            for line in work.order_lines.values()
            if line.reserved
        ),
        (
            rules.Held(line.line_id, line.sku, line.location_id, line.quantity)
            for line in held
            if line.line_id is not None and line.supply_id is None and line.quantity
        ),
        (
            (line.order_line_id, line.sku, work.fulfillments[line.fulfillment_id].location_id, line.remaining)
            for line in work.lines.values()
        ),
    )
    return await _offer(tx, work, wanted, held) if wanted else []


async def _offer(
    tx: Tx, work: OrderWork, wanted: list[rules.Work], held: Sequence[ReservationLine]
) -> list[Fulfillment]:
    now = clock.now()
    groups: dict[tuple[UUID, UUID], list[rules.Work]] = defaultdict(list)
    for item in wanted:
        groups[item.location_id, work.order_lines[item.order_line_id].group_id].append(item)
    fulfillments: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    for (location_id, group_id), items in groups.items():
        of = {item.order_line_id for item in items}
        units = [line for line in held if line.line_id in of and line.location_id == location_id and line.quantity]
        ship_by = min((line.ship_by for line in units if line.ship_by), default=None)
        fulfillments.append(
            {
                "tenant_id": tx.tenant_id,
                "id": ids.new(),
                "order_id": work.order.id,
                "delivery_group_id": group_id,
                "location_id": location_id,
                "status": FulfillmentStatus.OFFERED,
                "ship_by": ship_by,
                "deliver_by": max((line.deliver_by for line in units if line.deliver_by), default=None),
                "due_at": work_due(ship_by),
                "version": 1,
                "created_at": now,
                "updated_at": now,
            }
        )
        lines += [
            {
                "tenant_id": tx.tenant_id,
                "id": ids.new(),
                "order_id": work.order.id,
                "fulfillment_id": fulfillments[-1]["id"],
                "order_line_id": item.order_line_id,
                "sku": item.sku,
                "per_unit": item.per_unit,
                "quantity": item.quantity,
            }
            for item in items
        ]
    made = await tx.insert(Fulfillment, fulfillments)
    given = await tx.insert(FulfillmentLine, lines)
    await orders.move(
        tx,
        work.order.id,
        [
            orders.Move(line_id, orders.UnitState.RESERVED, orders.UnitState.ALLOCATED, rules.planned(of_line))
            for line_id, of_line in rules.grouped(given).items()
        ],
    )
    for row in made:
        emit(
            tx,
            FulfillmentOffered(
                order_id=ORDER(row.order_id),
                location_id=LOCATION(row.location_id),
                lines=told((line, line.quantity) for line in given if line.fulfillment_id == row.id),
            ),
            subject=FULFILLMENT.ref(row.id),
            owner=row.order_id,
            added=["fulfillment"],
        )
    return made
