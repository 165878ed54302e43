"""Cycle counts in the API."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry
from strawberry import UNSET

from oms_api.inventory import queries
from oms_api.inventory.graphql.stock import InventoryPosition, location_row, positions_of
from oms_api.inventory.models import CountState, StockBucket
from oms_api.inventory.service.count import Counted, count
from oms_api.kit.db import Tx
from oms_api.kit.graphql import Info, Outcome, Payload, describe_enum, field, mutation
from oms_api.network.graphql import Location, location_of

describe_enum(
    CountState,
    "What became of a count.",
    BOOKED="The position says what was counted.",
    RECOUNT="Too far off to be believed once: count again.",
    RECOUNTED="It was counted again; the second count is booked.",
)


@strawberry.input(description="What somebody counted.")
class InventoryCountRowInput:
    sku: str = field(description="SKU.")
    location: str = field(description="Location handle.")
    counted: int = field(description="Units that were found.")
    bucket: StockBucket = field(default=StockBucket.AVAILABLE, description="Which units were counted.")
    reason: str | None = field(
        default=UNSET,
        description="Why the books were wrong: `theft`, `found`...; the call's reason when absent.",
    )


@strawberry.input(description="A cycle count: the books follow what was counted.")
class InventoryCountInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    counts: list[InventoryCountRowInput] = field(description="Up to 250, all or none; each bucket of a position once.")
    reason: str = field(description="Reason of the differences, as a code: `cycle_count`...")
    recount_above: int | None = field(
        default=UNSET,
        description="A difference of more units than this is not booked but waits for a second count, which is booked "
        "whatever it says. Every count is booked when absent.",
    )


@strawberry.type(description="What was counted, and what the books said then.")
class StockCount:
    location_id: strawberry.Private[UUID]
    sku: str = field(description="SKU code.")
    bucket: StockBucket = field(description="Which units.")
    counted: int = field(description="Units that were found.")
    booked: int = field(description="Units that the books had.")
    reason: str = field(description="Why they differ, as a code.")
    state: CountState = field(description="Whether it was booked.")
    counted_at: datetime = field(description="When.")

    @field(description="Where.")
    async def location(self, info: Info) -> Location:
        return location_of(await location_row(info, self.location_id))


@strawberry.type(description="Answer.")
class InventoryCountPayload(Payload):
    counts: list[StockCount] = field(default_factory=list, description="In the order asked; empty when it failed.")
    positions: list[InventoryPosition] = field(
        default_factory=list, description="The positions that were counted, as they are now."
    )

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> InventoryCountPayload:
        rows = await info.context.load_many(queries.counts_by_id, outcome.ids)
        positions = [UUID(text) for text in (outcome.extra or {})["positions"]]
        return InventoryCountPayload(
            counts=[
                StockCount(
                    location_id=row.location_id,
                    sku=row.sku,
                    bucket=row.bucket,
                    counted=row.counted,
                    booked=row.booked,
                    reason=row.reason,
                    state=row.state,
                    counted_at=row.created_at,
                )
                for row in rows
                if row
            ],
            positions=await positions_of(info, positions),
        )


@strawberry.type
class Mutation:
    @mutation(InventoryCountPayload, description="Stock by counting it.", scope=["inventory:write"])
    async def inventory_count(tx: Tx, input: InventoryCountInput) -> Outcome:
        counts = [
            Counted(
                row.sku,
                row.location,
                row.counted,
                row.bucket,
                row.reason if isinstance(row.reason, str) else None,
            )
            for row in input.counts
        ]
        above = input.recount_above if isinstance(input.recount_above, int) else None
        made, rows = await count(tx, counts, reason=input.reason, recount_above=above)
        return Outcome(
            ids=[row.id for row in made],
            extra={"positions": [row.id.hex for row in rows]},
            rows=[
                *[(queries.counts_by_id, row.id, row) for row in made],
                *[(queries.positions_by_id, row.id, row) for row in rows],
            ],
        )
