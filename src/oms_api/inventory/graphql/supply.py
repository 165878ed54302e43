"""Expected stock in the API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import strawberry
from strawberry import UNSET

from oms_api.inventory import models, queries
from oms_api.inventory.graphql.stock import InventoryPosition, location_row, positions_of
from oms_api.inventory.models import SUPPLY, SupplyKind
from oms_api.inventory.service.announce import Expected, put_supplies
from oms_api.inventory.service.receive import Receipt, receive_supplies
from oms_api.kit.db import Tx
from oms_api.kit.graphql import Info, Node, Outcome, Payload, describe_enum, field, found_by, mutation, node_type
from oms_api.network.graphql import Location, location_of

describe_enum(
    SupplyKind,
    "Where supply comes from.",
    PURCHASE="Purchase order.",
    TRANSFER="Transfer between locations.",
    IN_TRANSIT="Advance ship notice.",
    PRODUCTION="Production.",
    RETURN="Expected customer return.",
)


@strawberry.type(description="Expected stock.")
class Supply(Node):
    location_id: strawberry.Private[UUID]
    version: int = field(description="Version.")
    reference: str = field(description="Your reference, unique per tenant.")
    sku: str = field(description="SKU code.")
    kind: SupplyKind = field(description="Where it comes from.")
    quantity: int = field(description="Units still to come.")
    received: int = field(description="Units that arrived.")
    expected_at: datetime = field(description="When it is expected.")
    confident_at: datetime | None = field(
        description="By when it will have come with good confidence (a p80): promises lean on it when it is known."
    )
    late_at: datetime | None = field(
        description="Since when it is known to be overdue; null while it is not. Overdue supply counts from tomorrow."
    )

    origin: str | None = field(
        description="What brings it, when it was announced because units of it were sold: ATP rule, kind and number of "
        "its generator (`rule/DROP_SHIP/1`). It is withdrawn when nobody wants it any more."
    )

    @field(description="Where.")
    async def location(self, info: Info) -> Location:
        return location_of(await location_row(info, self.location_id))


def supply_of(row: models.Supply) -> Supply:
    return Supply(
        id=strawberry.ID(SUPPLY(row.id)),
        location_id=row.location_id,
        version=row.version,
        reference=row.reference,
        sku=row.sku,
        kind=row.kind,
        quantity=row.quantity,
        received=row.received,
        expected_at=row.expected_at,
        confident_at=row.confident_at,
        late_at=row.late_at,
        origin=row.origin,
    )


node_type(SUPPLY, Supply, scope="inventory:read", find=found_by(queries.supplies_by_id, supply_of))


@strawberry.input(description="Stock that is expected.")
class SupplyInput:
    reference: str = field(
        description="Names one supply, that is one SKU at one location: a purchase order with several lines sends one "
        "reference per line (`PO-4711/3`), a second put with it replaces the first, and one that changes the SKU or "
        "location is INVALID."
    )
    sku: str = field(description="SKU.")
    location: str = field(description="Location handle.")
    quantity: int = field(description="Units still to come; 0 withdraws it.")
    expected_at: datetime = field(
        description="When it can be promised from, unless `confidentAt` is given; once it has passed, tomorrow."
    )
    confident_at: datetime | None = field(
        default=UNSET,
        description="By when it will have come with good confidence (a p80): promises lean on it. None when absent.",
    )
    kind: SupplyKind | None = field(default=UNSET, description="Where it comes from; PURCHASE for a new one.")


@strawberry.input(description="Up to 250 supplies, all or none.")
class SupplyPutInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    supplies: list[SupplyInput] = field(description="Supplies.")


@strawberry.input(description="One supply that arrived.")
class SupplyReceiptInput:
    reference: str = field(description="Your reference.")
    quantity: int = field(description="Units that arrived.")
    close: bool = field(default=False, description="No more will come.")


@strawberry.input(
    description="Supplies arrived, in whole or in part: they become stock on hand in one step, all or none."
)
class SupplyReceiveInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    receipts: list[SupplyReceiptInput] = field(description="Up to 250.")


@strawberry.type(description="Answer.")
class SupplyPayload(Payload):
    supplies: list[Supply] = field(default_factory=list, description="In the order asked; empty when it failed.")
    positions: list[InventoryPosition] = field(
        default_factory=list, description="The positions that changed, as they are now."
    )

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> SupplyPayload:
        rows = await info.context.load_many(queries.supplies_by_id, outcome.ids)
        positions = [UUID(text) for text in (outcome.extra or {})["positions"]]
        return SupplyPayload(
            supplies=[supply_of(row) for row in rows if row], positions=await positions_of(info, positions)
        )


def _supplied(supplies: Sequence[models.Supply], positions: Sequence[models.Position]) -> Outcome:
    return Outcome(
        ids=[row.id for row in supplies],
        extra={"positions": [row.id.hex for row in positions]},
        rows=[
            *[(queries.supplies_by_id, row.id, row) for row in supplies],
            *[(queries.positions_by_id, row.id, row) for row in positions],
        ],
    )


@strawberry.type
class Mutation:
    @mutation(SupplyPayload, description="Announce, change or withdraw expected stock.", scope=["inventory:write"])
    async def supply_put(tx: Tx, input: SupplyPutInput) -> Outcome:
        supplies = [
            Expected(
                row.reference,
                row.sku,
                row.location,
                row.quantity,
                row.expected_at,
                row.kind if isinstance(row.kind, SupplyKind) else None,
                row.confident_at if isinstance(row.confident_at, datetime) else None,
            )
            for row in input.supplies
        ]
        return _supplied(*await put_supplies(tx, supplies))

    @mutation(
        SupplyPayload,
        description="Turn expected stock into stock on hand.",
        scope=["inventory:write"],
        errors=["NOT_FOUND", "EXCEEDS_REMAINING"],
    )
    async def supply_receive(tx: Tx, input: SupplyReceiveInput) -> Outcome:
        receipts = [Receipt(row.reference, row.quantity, row.close) for row in input.receipts]
        return _supplied(*await receive_supplies(tx, receipts))
