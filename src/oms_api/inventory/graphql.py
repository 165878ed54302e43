"""Stock and supply in the API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import UNSET

from oms_api import network
from oms_api.inventory import models, queries, rules
from oms_api.inventory.models import POSITION, SUPPLY, StockBucket, SupplyKind
from oms_api.inventory.service.adjust import Change, Quantity, adjust, set_quantities
from oms_api.inventory.service.announce import Expected, put_supplies
from oms_api.inventory.service.receive import Receipt, receive_supplies
from oms_api.kit import paging
from oms_api.kit.db import Tx
from oms_api.kit.errors import BadInput, Invalid
from oms_api.kit.graphql import (
    Info,
    Node,
    Outcome,
    PageInfo,
    Payload,
    Url,
    argument,
    capped,
    describe_enum,
    field,
    mutation,
    node_type,
    query,
)
from oms_api.network.graphql import Location, location_of

FILTER_MAX = 250

describe_enum(
    SupplyKind,
    "Where supply comes from.",
    PURCHASE="Purchase order.",
    TRANSFER="Transfer between locations.",
    IN_TRANSIT="Advance ship notice.",
    PRODUCTION="Production.",
    RETURN="Expected customer return.",
)
describe_enum(
    StockBucket,
    "Why units at a location cannot be sold.",
    AVAILABLE="Can be sold.",
    DAMAGED="Damaged.",
    QUALITY_CONTROL="Being inspected.",
    IN_TRANSFER="Leaving for, or arriving from, another location.",
)


async def _location(info: Info, id_: UUID) -> network.Location:
    row = await info.context.load(network.locations_by_id, id_)
    assert row is not None  # a foreign key
    return row


@strawberry.type(description="One SKU at one location.")
class InventoryPosition(Node):
    row: strawberry.Private[models.Position]
    sku: str = field(description="SKU code.")
    on_hand: int = field(description="Units there and usable.")
    unavailable: int = field(description="Units there that may not be sold: damaged, in inspection, in transfer.")
    updated_at: datetime = field(description="Last change.")

    @field(description="Where.")
    async def location(self, info: Info) -> Location:
        return location_of(await _location(info, self.row.location_id))

    @field(description="Units promised to a demand.")
    async def reserved(self, info: Info) -> int:
        return self.row.reserved - (await self._beside(info)).lapsed

    @field(description="Units never promised.")
    async def safety_stock(self, info: Info) -> int:
        return self.row.safety_stock + (await _location(info, self.row.location_id)).safety_stock

    @field(description="Units that can be promised now.")
    async def available(self, info: Info) -> int:
        location = await _location(info, self.row.location_id)
        return rules.available(self.row, location.safety_stock, (await self._beside(info)).lapsed)

    @field(description="Units expected.")
    async def incoming(self, info: Info) -> int:
        return capped((await self._beside(info)).incoming)

    async def _beside(self, info: Info) -> queries.Beside:
        found = await info.context.load(queries.beside, (self.row.sku, self.row.location_id))
        return found or queries.Beside(0, 0)


def position_of(row: models.Position) -> InventoryPosition:
    return InventoryPosition(
        id=strawberry.ID(POSITION(row.id)),
        row=row,
        sku=row.sku,
        on_hand=row.on_hand,
        unavailable=capped(row.damaged + row.quality_control + row.in_transfer),
        updated_at=row.updated_at,
    )


@strawberry.type(description="A position with its cursor.")
class InventoryPositionEdge:
    cursor: str = field(description="Cursor.")
    node: InventoryPosition = field(description="The position.")


@strawberry.type(description="Page of positions.")
class InventoryPositionConnection:
    nodes: list[InventoryPosition] = field(description="The positions.")
    edges: list[InventoryPositionEdge] = field(description="With cursors.")
    page_info: PageInfo = field(description="Paging.")


@strawberry.type(description="Expected stock.")
class Supply(Node):
    location_id: strawberry.Private[UUID]
    version: int = field(description="Version.")
    reference: str = field(description="Your reference, unique per tenant.")
    sku: str = field(description="SKU code.")
    kind: SupplyKind = field(description="Where it comes from.")
    quantity: int = field(description="Units still to come.")
    received: int = field(description="Units that arrived.")
    expected_at: datetime = field(description="When it can be promised from.")

    @field(description="Where.")
    async def location(self, info: Info) -> Location:
        return location_of(await _location(info, self.location_id))


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
    )


async def _find_position(info: Info, id_: UUID) -> InventoryPosition | None:
    row = await info.context.load(queries.positions_by_id, id_)
    return position_of(row) if row else None


async def _find_supply(info: Info, id_: UUID) -> Supply | None:
    row = await info.context.load(queries.supplies_by_id, id_)
    return supply_of(row) if row else None


node_type(POSITION, InventoryPosition, scope="inventory:read", find=_find_position)
node_type(SUPPLY, Supply, scope="inventory:read", find=_find_supply)


@strawberry.input(description="One delta.")
class InventoryChangeInput:
    sku: str = field(description="SKU.")
    location: str = field(description="Location handle.")
    delta: int = field(description="Plus or minus.")
    bucket: StockBucket = field(
        default=StockBucket.AVAILABLE, description="Which units; on-hand that can be sold when absent."
    )


@strawberry.input(description="Change stock by deltas; commutes, so no guard is needed.")
class InventoryAdjustInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    changes: list[InventoryChangeInput] = field(description="Up to 250 changes, all or none.")
    reason: str = field(description="Why: `received`, `cycle_count`, `damaged`...")
    reference_url: Url | None = field(default=UNSET, description="Document it belongs to.")


@strawberry.input(description="One absolute.")
class InventoryQuantityInput:
    sku: str = field(description="SKU.")
    location: str = field(description="Location handle.")
    quantity: int = field(description="New on-hand.")
    expected_quantity: int | None = field(
        default=UNSET, description="STALE_QUANTITY unless it is this now; leave out to overwrite."
    )


@strawberry.input(description="Set stock to absolutes; for the system of record only.")
class InventorySetInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    quantities: list[InventoryQuantityInput] = field(description="Up to 250, all or none.")
    reason: str = field(description="Why.")


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
    expected_at: datetime = field(description="When it can be promised from.")
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


async def _positions(info: Info, ids: Sequence[UUID]) -> list[InventoryPosition]:
    rows = await info.context.load_many(queries.positions_by_id, ids)
    return [position_of(row) for row in rows if row]


@strawberry.type(description="Answer.")
class InventoryPayload(Payload):
    positions: list[InventoryPosition] = field(
        default_factory=list, description="The positions that changed, as they are now."
    )

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> InventoryPayload:
        return InventoryPayload(positions=await _positions(info, outcome.ids))


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
            supplies=[supply_of(row) for row in rows if row], positions=await _positions(info, positions)
        )


def _moved(rows: Sequence[models.Position]) -> Outcome:
    return Outcome(ids=[row.id for row in rows], rows=[(queries.positions_by_id, row.id, row) for row in rows])


def _supplied(supplies: Sequence[models.Supply], positions: Sequence[models.Position]) -> Outcome:
    return Outcome(
        ids=[row.id for row in supplies],
        extra={"positions": [row.id.hex for row in positions]},
        rows=[
            *[(queries.supplies_by_id, row.id, row) for row in supplies],
            *[(queries.positions_by_id, row.id, row) for row in positions],
        ],
    )


def _filter(values: list[str] | None, name: str) -> list[str] | None:
    if not isinstance(values, list):
        return None
    if len(values) > FILTER_MAX:
        raise BadInput(Invalid(f"{name}: {len(values)} are too many; ask for {FILTER_MAX} at most.", path=(name,)))
    return values


@strawberry.type
class Query:
    @query(description="Stock as it lies, by SKU and location.", scope=["inventory:read"], sized_by=["first"])
    async def inventory(
        self,
        info: Info,
        skus: Annotated[list[str] | None, argument("Of these SKUs; of all when absent.")] = UNSET,
        locations: Annotated[list[str] | None, argument("At these locations; at all when absent.")] = UNSET,
        first: Annotated[int | None, argument("How many; 20 when absent, at most 100.")] = UNSET,
        after: Annotated[str | None, argument("Those after this cursor.")] = UNSET,
    ) -> InventoryPositionConnection:
        codes, handles = _filter(skus, "skus"), _filter(locations, "locations")
        tenant_id = info.context.known_caller().tenant_id
        bound = paging.binding(tenant_id, "inventory", codes and sorted(codes), handles and sorted(handles))
        window = paging.window(
            bound,
            first=first if isinstance(first, int) else None,
            after=after if isinstance(after, str) else None,
        )
        location_ids = None
        if handles is not None:
            found = await info.context.read(network.locations_by_handle, handles)
            location_ids = [row.id for row in found.values()]
        rows = await info.context.read(
            queries.position_page, skus=codes, location_ids=location_ids, after=window.after, limit=window.limit
        )
        page = paging.page(bound, rows, window, lambda row: (row.sku, row.location_id))
        nodes = [position_of(row) for row in page.rows]
        return InventoryPositionConnection(
            nodes=nodes,
            edges=[
                InventoryPositionEdge(cursor=cursor, node=node)
                for cursor, node in zip(page.cursors, nodes, strict=True)
            ],
            page_info=PageInfo(
                has_next_page=page.has_next,
                has_previous_page=page.has_previous,
                start_cursor=page.cursors[0] if page.cursors else None,
                end_cursor=page.cursors[-1] if page.cursors else None,
            ),
        )


@strawberry.type
class Mutation:
    @mutation(InventoryPayload, description="Stock by deltas.", scope=["inventory:write"])
    async def inventory_adjust(tx: Tx, input: InventoryAdjustInput) -> Outcome:
        changes = [Change(row.sku, row.location, row.delta, row.bucket) for row in input.changes]
        url = input.reference_url if isinstance(input.reference_url, str) else None
        return _moved(await adjust(tx, changes, reason=input.reason, reference_url=url))

    @mutation(InventoryPayload, description="Stock by absolutes.", scope=["inventory:write"], errors=["STALE_QUANTITY"])
    async def inventory_set(tx: Tx, input: InventorySetInput) -> Outcome:
        quantities = [
            Quantity(
                row.sku,
                row.location,
                row.quantity,
                row.expected_quantity if isinstance(row.expected_quantity, int) else None,
            )
            for row in input.quantities
        ]
        return _moved(await set_quantities(tx, quantities, reason=input.reason))

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
