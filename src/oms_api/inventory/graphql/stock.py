"""Stock as it lies in the API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import UNSET

from oms_api import network
from oms_api.inventory import models, queries, rules
from oms_api.inventory.models import POSITION, StockBucket
from oms_api.inventory.service.adjust import Change, Quantity, adjust, set_quantities
from oms_api.inventory.service.move import Transfer, move
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
    found_by,
    mutation,
    node_type,
    query,
)
from oms_api.network.graphql import Location, location_of

FILTER_MAX = 250

describe_enum(
    StockBucket,
    "Why units at a location cannot be sold.",
    AVAILABLE="Can be sold.",
    DAMAGED="Damaged.",
    QUALITY_CONTROL="Being inspected.",
    IN_TRANSFER="Leaving for, or arriving from, another location.",
)


async def location_row(info: Info, id_: UUID) -> network.Location:
    row = await info.context.load(network.locations_by_id, id_)
    assert row is not None  # a foreign key
    return row


@strawberry.type(description="One SKU at one location.")
class InventoryPosition(Node):
    row: strawberry.Private[models.Position]
    sku: str = field(description="SKU code.")
    on_hand: int = field(description="Units there and usable.")
    unavailable: int = field(description="Units there that may not be sold: damaged, in inspection, in transfer.")
    damaged: int = field(description="Of the unavailable: damaged.")
    quality_control: int = field(description="Of the unavailable: being inspected.")
    in_transfer: int = field(description="Of the unavailable: leaving for, or arriving from, another location.")
    updated_at: datetime = field(description="Last change.")

    @field(description="Where.")
    async def location(self, info: Info) -> Location:
        return location_of(await location_row(info, self.row.location_id))

    @field(description="Units promised to a demand.")
    async def reserved(self, info: Info) -> int:
        return self.row.reserved - (await self._beside(info)).lapsed

    @field(description="Units never promised: of the most specific stock rule, else of the location.")
    async def safety_stock(self, info: Info) -> int:
        return await self._kept(info)

    @field(description="Units that can be promised now.")
    async def available(self, info: Info) -> int:
        return rules.available(self.row, await self._kept(info), (await self._beside(info)).lapsed)

    @field(description="Units expected.")
    async def incoming(self, info: Info) -> int:
        return capped((await self._beside(info)).incoming)

    async def _kept(self, info: Info) -> int:
        rule = (await self._beside(info)).rule
        if rule is not None:
            return rule
        return self.row.safety_stock + (await location_row(info, self.row.location_id)).safety_stock

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
        damaged=row.damaged,
        quality_control=row.quality_control,
        in_transfer=row.in_transfer,
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


node_type(POSITION, InventoryPosition, scope="inventory:read", find=found_by(queries.positions_by_id, position_of))


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


@strawberry.input(description="Units that change their place.")
class InventoryMoveRowInput:
    sku: str = field(description="SKU.")
    quantity: int = field(description="Units.")
    location: str = field(description="Where they are: a location handle.")
    to_location: str | None = field(default=UNSET, description="Where they go; the same location when absent.")
    bucket: StockBucket = field(default=StockBucket.AVAILABLE, description="What they are.")
    to_bucket: StockBucket = field(default=StockBucket.AVAILABLE, description="What they become.")


@strawberry.input(description="Move stock between buckets and locations; a movement for each end.")
class InventoryMoveInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    moves: list[InventoryMoveRowInput] = field(description="Up to 250 moves, all or none.")
    reason: str = field(description="Why: `inspected`, `transferred`...")
    reference_url: Url | None = field(default=UNSET, description="Document it belongs to.")


@strawberry.input(description="Set stock to absolutes; for the system of record only.")
class InventorySetInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    quantities: list[InventoryQuantityInput] = field(description="Up to 250, all or none.")
    reason: str = field(description="Why.")


async def positions_of(info: Info, ids: Sequence[UUID]) -> list[InventoryPosition]:
    rows = await info.context.load_many(queries.positions_by_id, ids)
    return [position_of(row) for row in rows if row]


@strawberry.type(description="Answer.")
class InventoryPayload(Payload):
    positions: list[InventoryPosition] = field(
        default_factory=list, description="The positions that changed, as they are now."
    )

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> InventoryPayload:
        return InventoryPayload(positions=await positions_of(info, outcome.ids))


def _moved(rows: Sequence[models.Position]) -> Outcome:
    return Outcome(ids=[row.id for row in rows], rows=[(queries.positions_by_id, row.id, row) for row in rows])


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
            page_info=PageInfo.of(page),
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

    @mutation(
        InventoryPayload,
        description="Stock from one bucket or location to another, in one step.",
        scope=["inventory:write"],
    )
    async def inventory_move(tx: Tx, input: InventoryMoveInput) -> Outcome:
        moves = [
            Transfer(
                row.sku,
                row.location,
                row.quantity,
                row.to_location if isinstance(row.to_location, str) else row.location,
                row.bucket,
                row.to_bucket,
            )
            for row in input.moves
        ]
        url = input.reference_url if isinstance(input.reference_url, str) else None
        return _moved(await move(tx, moves, reason=input.reason, reference_url=url))
