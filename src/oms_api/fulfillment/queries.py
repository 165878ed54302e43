"""Every SELECT of fulfillment."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Uuid
from sqlmodel import col, select

from oms_api.fulfillment.models import (
    Cancellation,
    CancellationState,
    Fulfillment,
    FulfillmentLine,
    Package,
    Shipment,
    ShipmentLine,
    TrackingScan,
)
from oms_api.kit.db import Reading, any_of, columns, mine, now, param, prepared

R = TypeVar("R")
OVERDUE_BATCH_MAX = 200

_FULFILLMENTS = prepared(select(Fulfillment).where(mine(Fulfillment), any_of(Fulfillment.id, "ids")))
_OF_ORDERS = prepared(
    select(Fulfillment).where(mine(Fulfillment), any_of(Fulfillment.order_id, "ids")).order_by(col(Fulfillment.id))
)
_LINES = prepared(select(FulfillmentLine).where(mine(FulfillmentLine), any_of(FulfillmentLine.id, "ids")))
_LINES_OF_FULFILLMENTS = prepared(
    select(FulfillmentLine)
    .where(mine(FulfillmentLine), any_of(FulfillmentLine.fulfillment_id, "ids"))
    .order_by(col(FulfillmentLine.id))
)
_LINES_OF_ORDERS = prepared(
    select(FulfillmentLine)
    .where(mine(FulfillmentLine), any_of(FulfillmentLine.order_id, "ids"))
    .order_by(col(FulfillmentLine.id))
)
_SHIPMENTS = prepared(select(Shipment).where(mine(Shipment), any_of(Shipment.id, "ids")))
_SHIPMENTS_OF = prepared(
    select(Shipment).where(mine(Shipment), any_of(Shipment.fulfillment_id, "ids")).order_by(col(Shipment.id))
)
_SHIPMENT_LINES = prepared(select(ShipmentLine).where(mine(ShipmentLine), any_of(ShipmentLine.id, "ids")))
_SHIPMENT_LINES_OF = prepared(
    select(ShipmentLine)
    .where(mine(ShipmentLine), any_of(ShipmentLine.shipment_id, "ids"))
    .order_by(col(ShipmentLine.id))
)
_PACKAGES = prepared(select(Package).where(mine(Package), any_of(Package.id, "ids")))
_PACKAGES_OF = prepared(
    select(Package).where(mine(Package), any_of(Package.shipment_id, "ids")).order_by(col(Package.id))
)
_SCANS_OF = prepared(
    select(TrackingScan)
    .where(mine(TrackingScan), any_of(TrackingScan.shipment_id, "ids"))
    .order_by(col(TrackingScan.at).desc(), col(TrackingScan.id).desc())
)
_ASKED = prepared(
    select(Cancellation).where(
        mine(Cancellation),
        col(Cancellation.order_id) == param("order", Uuid()),
        col(Cancellation.state) == CancellationState.ASKED,
    )
)
_LAST = prepared(
    select(Cancellation)
    .where(
        mine(Cancellation),
        col(Cancellation.order_id) == param("order", Uuid()),
        col(Cancellation.state) == CancellationState.DONE,
    )
    .order_by(col(Cancellation.id).desc())
    .limit(1)
)
_DELIVERIES = prepared(
    columns(
        ShipmentLine.order_line_id,
        ShipmentLine.sku,
        ShipmentLine.per_unit,
        ShipmentLine.quantity,
        Shipment.delivered_at,
    )
    .join(
        Shipment,
        (col(Shipment.tenant_id) == col(ShipmentLine.tenant_id)) & (col(Shipment.id) == col(ShipmentLine.shipment_id)),
    )
    .where(mine(ShipmentLine), mine(Shipment), any_of(ShipmentLine.order_line_id, "lines"))
)


_OVERDUE = prepared(
    columns(col(Fulfillment.tenant_id), col(Fulfillment.id))
    .where(col(Fulfillment.due_at).is_not(None), col(Fulfillment.due_at) <= now())
    .order_by(col(Fulfillment.due_at))
    .limit(OVERDUE_BATCH_MAX)
)
_LATE = prepared(
    columns(col(Shipment.tenant_id), col(Shipment.id))
    .where(col(Shipment.due_at).is_not(None), col(Shipment.due_at) <= now())
    .order_by(col(Shipment.due_at))
    .limit(OVERDUE_BATCH_MAX)
)


def _by(rows: Iterable[R], name: str) -> dict[UUID, list[R]]:
    found: dict[UUID, list[R]] = defaultdict(list)
    for row in rows:
        found[getattr(row, name)].append(row)
    return found


async def overdue(reading: Reading) -> list[Any]:
    """(tenant_id, id) of work that should have left. Spans tenants: only the timer asks."""
    return await reading.all(_OVERDUE)


async def late(reading: Reading) -> list[Any]:
    """(tenant_id, id) of shipments that should have arrived. Spans tenants: only the timer asks."""
    return await reading.all(_LATE)


async def fulfillments_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Fulfillment]:
    return {row.id: row for row in await reading.all(_FULFILLMENTS, {"ids": ids})}


async def fulfillments_of(reading: Reading, order_ids: Sequence[UUID]) -> Mapping[UUID, list[Fulfillment]]:
    """By order, oldest first."""
    return _by(await reading.all(_OF_ORDERS, {"ids": order_ids}), "order_id")


async def lines_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, FulfillmentLine]:
    return {row.id: row for row in await reading.all(_LINES, {"ids": ids})}


async def lines_of(reading: Reading, fulfillment_ids: Sequence[UUID]) -> Mapping[UUID, list[FulfillmentLine]]:
    return _by(await reading.all(_LINES_OF_FULFILLMENTS, {"ids": fulfillment_ids}), "fulfillment_id")


async def lines_of_order(reading: Reading, order_id: UUID) -> list[FulfillmentLine]:
    return list(await reading.all(_LINES_OF_ORDERS, {"ids": [order_id]}))


async def shipments_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Shipment]:
    return {row.id: row for row in await reading.all(_SHIPMENTS, {"ids": ids})}


async def shipments_of(reading: Reading, fulfillment_ids: Sequence[UUID]) -> Mapping[UUID, list[Shipment]]:
    """By fulfillment, oldest first."""
    return _by(await reading.all(_SHIPMENTS_OF, {"ids": fulfillment_ids}), "fulfillment_id")


async def shipment_lines_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, ShipmentLine]:
    return {row.id: row for row in await reading.all(_SHIPMENT_LINES, {"ids": ids})}


async def shipment_lines_of(reading: Reading, shipment_ids: Sequence[UUID]) -> Mapping[UUID, list[ShipmentLine]]:
    return _by(await reading.all(_SHIPMENT_LINES_OF, {"ids": shipment_ids}), "shipment_id")


async def packages_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Package]:
    return {row.id: row for row in await reading.all(_PACKAGES, {"ids": ids})}


async def packages_of(reading: Reading, shipment_ids: Sequence[UUID]) -> Mapping[UUID, list[Package]]:
    return _by(await reading.all(_PACKAGES_OF, {"ids": shipment_ids}), "shipment_id")


async def scans_of(reading: Reading, shipment_ids: Sequence[UUID]) -> Mapping[UUID, list[TrackingScan]]:
    """By shipment, newest first."""
    return _by(await reading.all(_SCANS_OF, {"ids": shipment_ids}), "shipment_id")


async def asked_of(reading: Reading, order_id: UUID) -> dict[UUID, Cancellation]:
    """Cancellations of the order that wait for a location, by fulfillment: at most one each."""
    return {row.fulfillment_id: row for row in await reading.all(_ASKED, {"order": order_id}) if row.fulfillment_id}


async def last_cancellation(reading: Reading, order_id: UUID) -> Cancellation | None:
    """The order's youngest cancellation that took effect."""
    found: Cancellation | None = await reading.first(_LAST, {"order": order_id})
    return found


async def deliveries(reading: Reading, order_line_ids: Sequence[UUID]) -> Mapping[UUID, list[Any]]:
    """What left for these order lines: rows of `sku`, `per_unit`, `quantity` and `delivered_at` (null on the way)."""
    return _by(await reading.all(_DELIVERIES, {"lines": order_line_ids}), "order_line_id")
