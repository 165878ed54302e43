"""What carriers tell of a shipment."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, update
from sqlmodel import col

from oms_api import orders
from oms_api.fulfillment import queries, rules
from oms_api.fulfillment.events import ShipmentDelivered, ShipmentTracked
from oms_api.fulfillment.models import SHIPMENT, Shipment, TrackingScan, TrackingStatus
from oms_api.fulfillment.service.work import change, move, open_order, told
from oms_api.kit import clock, ids
from oms_api.kit.db import Choice, Instant, Tx, changed, mine, param, prepared, table_of
from oms_api.kit.errors import Invalid, NotFound
from oms_api.kit.events import emit, rfc3339
from oms_api.orders import ORDER

# a carrier's clock may be ahead of ours by this much; a scan from beyond would outlive all true ones
AHEAD_MAX = timedelta(hours=24)
# parcels are told to us late by some: the carrier had them for days
BEHIND_MAX = timedelta(days=7)
_PLACE_MAX = 200

_CHANGE = prepared(
    update(table_of(Shipment))
    .where(mine(Shipment), col(Shipment.id) == param("of", Uuid()))
    .values(
        status=param("new_status", Choice(TrackingStatus)),
        status_at=param("new_status_at", Instant()),
        delivered_at=param("new_delivered_at", Instant()),
        due_at=param("new_due_at", Instant()),
        version=param("new_version", BigInteger()),
        updated_at=param("now", Instant()),
    )
)


async def track(tx: Tx, shipment_id: UUID, *, status: TrackingStatus, at: datetime, place: str | None) -> Shipment:
    """Keep a scan. The same status at the same instant again changes nothing; the latest scan gives the shipment's
    status, and once DELIVERED it stays so: then the order's units are delivered, once.

    Raises NotFound, Invalid.
    """
    found = (await queries.shipments_by_id(tx, [shipment_id])).get(shipment_id)
    if found is None:
        raise NotFound(SHIPMENT.missing("shipment", shipment_id), path=("input", "id"))
    now = clock.now()
    earliest = found.created_at - BEHIND_MAX
    if not earliest <= at <= now + AHEAD_MAX:
        raise Invalid(
            f"{rfc3339(at)} is {'before the shipment was made' if at < earliest else 'in the future'}; send when it "
            f"was scanned, from {rfc3339(earliest)} to now, which is {rfc3339(now)}.",
            path=("input", "at"),
        )
    if place is not None and len(place) > _PLACE_MAX:
        raise Invalid(f"place must have at most {_PLACE_MAX} characters.", path=("input", "place"))
    await orders.lock(tx, found.order_id)
    new = await tx.upsert(
        TrackingScan,
        [
            {
                "tenant_id": tx.tenant_id,
                "id": ids.new(),
                "shipment_id": shipment_id,
                "status": status,
                "at": at,
                "place": place,
            }
        ],
        key=("tenant_id", "shipment_id", "status", "at"),
    )
    shipment = (await queries.shipments_by_id(tx, [shipment_id]))[shipment_id]
    if not new:
        return shipment
    new_status, status_at = rules.tracked(shipment.status, shipment.status_at, rules.Scan(status, at))
    arrived = new_status is TrackingStatus.DELIVERED and shipment.delivered_at is None
    after = changed(
        shipment,
        status=new_status,
        status_at=status_at,
        delivered_at=at if arrived else shipment.delivered_at,
        due_at=None if arrived else shipment.due_at,
        version=shipment.version + 1,
        updated_at=now,
    )
    await tx.run(
        _CHANGE,
        {
            "of": shipment_id,
            "new_status": after.status,
            "new_status_at": after.status_at,
            "new_delivered_at": after.delivered_at,
            "new_due_at": after.due_at,
            "new_version": after.version,
            "now": now,
        },
    )
    order_id = ORDER(shipment.order_id)
    emit(
        tx,
        ShipmentTracked(order_id=order_id, status=status, at=rfc3339(at)),
        subject=SHIPMENT.ref(shipment_id),
        owner=shipment.order_id,
        added=["scans"],
        updated=["status"] if new_status is not shipment.status else [],
    )
    if arrived:
        units = (await queries.shipment_lines_of(tx, [shipment_id])).get(shipment_id, [])
        work = await open_order(tx, shipment.order_id)
        taken = [(work.lines[line.fulfillment_line_id], line.quantity) for line in units]
        steps = await change(tx, work, {line.id: {"delivered": quantity} for line, quantity in taken})
        emit(
            tx,
            ShipmentDelivered(order_id=order_id, delivered_at=rfc3339(at), lines=told(taken)),
            subject=SHIPMENT.ref(shipment_id),
            owner=shipment.order_id,
            updated=["status", "deliveredAt"],
        )
        await move(tx, shipment.order_id, steps)
    return after
