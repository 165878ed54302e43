"""Units leave a location."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from oms_api import inventory, orders
from oms_api.fulfillment import rules
from oms_api.fulfillment.events import ShipmentCreated, ShipmentDelivered
from oms_api.fulfillment.models import (
    FULFILLMENT,
    SHIPMENT,
    Fulfillment,
    FulfillmentLine,
    Package,
    Shipment,
    ShipmentLine,
    TrackingScan,
    TrackingStatus,
)
from oms_api.fulfillment.service.overdue import arrival_due
from oms_api.fulfillment.service.work import OrderWork, change, move, name, open_fulfillment, told
from oms_api.kit import clock, ids
from oms_api.kit.db import Tx
from oms_api.kit.errors import ExceedsRemaining, Invalid, NotFound, Path, Refusal, refuse
from oms_api.kit.events import emit, rfc3339
from oms_api.network import LOCATION
from oms_api.orders import ORDER
from oms_api.promising import DeliveryMethod

_TEXT_MAX = 100


class Tracking(NamedTuple):
    """The caller's own label."""

    carrier: str
    number: str
    url: str | None


class Handover(NamedTuple):
    """Without a carrier: at the counter, or by own vehicle."""

    pickup_code: str | None


async def ship(
    tx: Tx,
    fulfillment_id: UUID,
    *,
    lines: Sequence[tuple[UUID, int]] | None,
    how: Tracking | Handover,
) -> Shipment:
    """Units leave: `lines` are (fulfillment line, units), all that remain when None.

    Stock falls, the order's units are shipped; handed over for collection they are delivered. Raises NotFound,
    InvalidTransition, Invalid, ExceedsRemaining. The number of statements does not depend on that of the lines.
    """
    _check(how)
    work, row = await open_fulfillment(tx, fulfillment_id, ("input", "fulfillmentId"))
    taken = _chosen(work, row, lines)
    rules.STATES.after("shipmentCreate", row.status, name(row), ("input", "fulfillmentId"))
    collected = isinstance(how, Handover) and await _is_collected(tx, row)
    shipment = await _insert(tx, row, taken, how, collected)
    await inventory.ship(
        tx,
        row.order_id,
        [inventory.Units(line.order_line_id, line.sku, row.location_id, units) for line, units in taken],
        SHIPMENT.ref(shipment.id),
    )
    steps = await change(
        tx, work, {line.id: {"shipped": units, "delivered": units if collected else 0} for line, units in taken}
    )
    emit(
        tx,
        ShipmentCreated(
            order_id=ORDER(row.order_id),
            fulfillment_id=FULFILLMENT(row.id),
            location_id=LOCATION(row.location_id),
            lines=told(taken),
        ),
        subject=SHIPMENT.ref(shipment.id),
        owner=row.order_id,
        added=["shipment"],
    )
    if shipment.delivered_at is not None:
        emit(
            tx,
            ShipmentDelivered(
                order_id=ORDER(row.order_id), delivered_at=rfc3339(shipment.delivered_at), lines=told(taken)
            ),
            subject=SHIPMENT.ref(shipment.id),
            owner=row.order_id,
            updated=["status", "deliveredAt"],
        )
    await move(tx, row.order_id, steps)
    return shipment


def _check(how: Tracking | Handover) -> None:
    problems: list[Refusal] = []
    values = how._asdict() | ({"url": None} if isinstance(how, Tracking) else {})
    branch = "tracking" if isinstance(how, Tracking) else "handover"
    for field, value in values.items():
        if value is not None and not (value.strip() and len(value) <= _TEXT_MAX):
            path: Path = ("input", "shipping", branch, field)
            problems.append(Invalid(f"{field} must have 1 to {_TEXT_MAX} characters.", path=path))
    refuse(problems)


def _chosen(
    work: OrderWork, row: Fulfillment, lines: Sequence[tuple[UUID, int]] | None
) -> list[tuple[FulfillmentLine, int]]:
    mine = {line.id: line for line in work.of_fulfillment(row.id)}
    if lines is None:
        return [(line, line.remaining) for line in mine.values() if line.remaining]
    problems: list[Refusal] = []
    if not lines:
        problems.append(Invalid("lines is empty; leave it out to ship all that is left.", path=("input", "lines")))
    chosen: dict[UUID, int] = {}
    for i, (id_, units) in enumerate(lines):
        path: Path = ("input", "lines", i)
        line = mine.get(id_)
        if line is None:
            problems.append(NotFound(f"{name(row)} has no such line.", path=(*path, "fulfillmentLineId")))
        elif id_ in chosen:
            problems.append(Invalid(f"{line.sku} is named twice; send each line once.", path=path))
        elif units < 1:
            problems.append(Invalid(f"{units} units cannot be shipped; send 1 or more.", path=(*path, "quantity")))
        elif units > line.remaining:
            problems.append(
                ExceedsRemaining(
                    f"{units} of {line.sku} were asked for; {line.remaining} are left in {name(row)}.",
                    path=(*path, "quantity"),
                    details={"sku": line.sku, "requested": units, "remaining_quantity": line.remaining},
                )
            )
        chosen[id_] = units
    refuse(problems)
    return [(mine[id_], units) for id_, units in chosen.items()]


async def _is_collected(tx: Tx, row: Fulfillment) -> bool:
    group = (await orders.groups_by_id(tx, [row.delivery_group_id]))[row.delivery_group_id]
    return group.method is DeliveryMethod.PICKUP


async def _insert(
    tx: Tx,
    row: Fulfillment,
    taken: Sequence[tuple[FulfillmentLine, int]],
    how: Tracking | Handover,
    collected: bool,
) -> Shipment:
    now = clock.now()
    label: dict[str, Any] = (
        {"carrier": how.carrier, "tracking_number": how.number, "tracking_url": how.url}
        if isinstance(how, Tracking)
        else {"pickup_code": how.pickup_code}
    )
    shipment = await tx.add(
        Shipment,
        tenant_id=tx.tenant_id,
        id=ids.new(),
        order_id=row.order_id,
        fulfillment_id=row.id,
        status=TrackingStatus.DELIVERED if collected else TrackingStatus.IN_TRANSIT,
        status_at=now if collected else None,
        delivered_at=now if collected else None,
        due_at=None if collected else arrival_due(row.deliver_by),
        version=1,
        created_at=now,
        updated_at=now,
        **label,
    )
    package = await tx.add(
        Package,
        tenant_id=tx.tenant_id,
        id=ids.new(),
        shipment_id=shipment.id,
        tracking_number=shipment.tracking_number,
        tracking_url=shipment.tracking_url,
    )
    await tx.insert(
        ShipmentLine,
        [
            {
                "tenant_id": tx.tenant_id,
                "id": ids.new(),
                "shipment_id": shipment.id,
                "package_id": package.id,
                "fulfillment_line_id": line.id,
                "order_line_id": line.order_line_id,
                "sku": line.sku,
                "per_unit": line.per_unit,
                "quantity": units,
            }
            for line, units in taken
        ],
    )
    if collected:
        await tx.add(
            TrackingScan,
            tenant_id=tx.tenant_id,
            id=ids.new(),
            shipment_id=shipment.id,
            status=TrackingStatus.DELIVERED,
            at=now,
        )
    return shipment
