"""What should have happened by now: told once, to whoever listens."""

from datetime import date, datetime, time, timedelta, timezone
from uuid import UUID

from sqlalchemy import Uuid, update
from sqlmodel import col

from oms_api import orders
from oms_api.fulfillment import queries
from oms_api.fulfillment.events import FulfillmentOverdue, ShipmentLate
from oms_api.fulfillment.models import FULFILLMENT, SHIPMENT, Fulfillment, Shipment
from oms_api.kit import clock
from oms_api.kit.db import Tx, mine, param, prepared, table_of
from oms_api.kit.events import emit
from oms_api.network import LOCATION
from oms_api.orders import ORDER

SHIP_WITHIN = timedelta(days=3)
"""Until when work that was promised for no instant should have left."""
ARRIVE_WITHIN = timedelta(days=14)
"""Until when a shipment that was promised for no day should have arrived."""
_LAST_ZONE = timezone(timedelta(hours=-12))

_WORK_TOLD = prepared(
    update(table_of(Fulfillment))
    .where(mine(Fulfillment), col(Fulfillment.id) == param("of", Uuid()))
    .values(due_at=None)
)
_PARCEL_TOLD = prepared(
    update(table_of(Shipment)).where(mine(Shipment), col(Shipment.id) == param("of", Uuid())).values(due_at=None)
)


def work_due(ship_by: datetime | None) -> datetime:
    """When work is overdue."""
    return clock.now() + SHIP_WITHIN if ship_by is None else ship_by


def arrival_due(deliver_by: date | None) -> datetime:
    """When a shipment is late: the promised day is over everywhere on earth."""
    if deliver_by is None:
        return clock.now() + ARRIVE_WITHIN
    return datetime.combine(deliver_by + timedelta(days=1), time(), _LAST_ZONE)


async def tell_overdue(tx: Tx, fulfillment_id: UUID) -> None:
    """Tell that a fulfillment should have left, unless it has, was told of, or is over."""
    found = (await queries.fulfillments_by_id(tx, [fulfillment_id])).get(fulfillment_id)
    if found is None:
        return
    await orders.lock(tx, found.order_id)
    row = (await queries.fulfillments_by_id(tx, [fulfillment_id]))[fulfillment_id]
    if row.due_at is None or row.due_at > clock.now():
        return
    await tx.run(_WORK_TOLD, {"of": row.id})
    emit(
        tx,
        FulfillmentOverdue(
            order_id=ORDER(row.order_id),
            location_id=LOCATION(row.location_id),
            status=row.status,
            ship_by=row.ship_by,
        ),
        subject=FULFILLMENT.ref(row.id),
        owner=row.order_id,
    )


async def tell_late(tx: Tx, shipment_id: UUID) -> None:
    """Tell that a shipment should have arrived, unless it has or was told of."""
    found = (await queries.shipments_by_id(tx, [shipment_id])).get(shipment_id)
    if found is None:
        return
    await orders.lock(tx, found.order_id)
    row = (await queries.shipments_by_id(tx, [shipment_id]))[shipment_id]
    if row.due_at is None or row.due_at > clock.now():
        return
    await tx.run(_PARCEL_TOLD, {"of": row.id})
    work = (await queries.fulfillments_by_id(tx, [row.fulfillment_id]))[row.fulfillment_id]
    emit(
        tx,
        ShipmentLate(
            order_id=ORDER(row.order_id),
            fulfillment_id=FULFILLMENT(row.fulfillment_id),
            status=row.status,
            promised_on=work.deliver_by,
        ),
        subject=SHIPMENT.ref(row.id),
        owner=row.order_id,
    )
