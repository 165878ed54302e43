"""Demand classes and shares in the API."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import strawberry
from strawberry import UNSET

from oms_api import inventory, network
from oms_api.allocation import queries
from oms_api.allocation.models import DEMAND_CLASS, POOL, AllocationBasis
from oms_api.allocation.models import DemandClass as DemandClassRow
from oms_api.allocation.queries import ShareSet
from oms_api.allocation.service import put
from oms_api.allocation.service.limits import Free
from oms_api.kit.db import Reading, Tx
from oms_api.kit.errors import BadInput, Invalid
from oms_api.kit.graphql import (
    Info,
    Node,
    Outcome,
    Payload,
    argument,
    capped,
    describe_enum,
    field,
    found_by,
    given,
    mutation,
    node_type,
    query,
)

SKUS_MAX = 250

describe_enum(
    AllocationBasis,
    "What the targets of shares mean.",
    UNITS="Units; scaled down in proportion when there are not so many.",
    PERCENT="Basis points of all units that are free or taken: 2,500 is 25 %.",
    RATIO="Parts: all units are divided by them.",
)


@strawberry.type(description="Demand that is treated alike: of channels, or of whoever names the class.")
class DemandClass(Node):
    handle: str = field(description="Handle.")
    name: str = field(description="Name.")
    rank: int = field(description="1 goes first; a class may rob siblings of a greater number where they allow it.")
    parent: str | None = field(description="Handle of the class whose share it uses after its own.")
    channels: list[str] = field(description="Handles of the channels whose demand is of this class.")
    active: bool = field(description="Is used.")


@strawberry.type(description="A class's share.")
class AllocationShare:
    demand_class: str = field(description="Handle of the class.")
    target: int = field(description="Units, basis points or parts: see the basis.")
    hard: bool = field(description="The class gets no more than this and its parents' shares, whatever is left.")
    steal_until: date | None = field(description="Until this day siblings of better rank may take of it.")
    units: int = field(description="Units that it is now.")
    used: int = field(description="Of these, units that reservations took.")
    left: int = field(description="Of these, units that nobody took.")


@strawberry.type(description="Shares of a SKU, everywhere or at a location, always or for some days.")
class AllocationSet:
    sku: str = field(description="SKU.")
    location: str | None = field(description="Handle; null: everywhere.")
    starts_on: date | None = field(description="First day; null: it has begun.")
    ends_on: date | None = field(description="Last day; null: it does not end.")
    basis: AllocationBasis = field(description="What the targets mean.")
    shares: list[AllocationShare] = field(description="Shares, by class.")
    pool_used: int = field(description="Units that were taken of what no share takes.")
    pool_left: int = field(description="Units for everybody: no share takes them.")


def class_of(row: DemandClassRow) -> DemandClass:
    return DemandClass(
        id=strawberry.ID(DEMAND_CLASS(row.id)),
        handle=row.handle,
        name=row.name,
        rank=row.rank,
        parent=row.parent,
        channels=row.channels,
        active=row.active,
    )


node_type(DEMAND_CLASS, DemandClass, scope="availability:read", find=found_by(queries.demand_classes_by_id, class_of))


async def _allocations(reading: Reading, skus: list[str]) -> list[AllocationSet]:
    """Sets of these SKUs as they stand. Four statements at most."""
    sets = await queries.share_sets(reading, skus)
    if not sets:
        return []
    stock, incoming = await inventory.stock(reading, sorted({found.sku for found in sets}), None)
    named = sorted({found.location_id for found in sets if found.location_id is not None})
    places = await network.locations_by_id(reading, named) if named else {}
    free = Free(stock, incoming)
    return [
        _set_of(found, free.ever(found.sku, found.location_id),
                places[found.location_id].handle if found.location_id else None)
        for found in sets
    ]  # fmt: skip


def _set_of(found: ShareSet, free: int, location: str | None) -> AllocationSet:
    sizes = found.shares.sizes(free)
    rows = list(zip(found.shares.rows, sizes, strict=True))
    pool, pool_size = next(row for row in rows if row[0].demand_class == POOL)
    return AllocationSet(
        sku=found.sku,
        location=location,
        starts_on=found.starts_on,
        ends_on=found.ends_on,
        basis=found.shares.basis,
        shares=[
            AllocationShare(
                demand_class=row.demand_class,
                target=row.target,
                hard=row.hard,
                steal_until=row.steal_until,
                units=capped(size),
                used=capped(row.used),
                left=capped(size - row.used),
            )
            for row, size in rows
            if row.demand_class != POOL
        ],
        pool_used=capped(pool.used),
        pool_left=capped(pool_size - pool.used),
    )


@strawberry.input(
    description="Create or, by handle, change a demand class: an absent field stays as it is, null clears it."
)
class DemandClassInput:
    handle: str = field(description="Handle.")
    name: str = field(description="Name.")
    rank: strawberry.Maybe[int | None] = field(description="1 goes first; 1 for a new one.")
    parent: strawberry.Maybe[str | None] = field(description="Handle of another class.")
    channels: strawberry.Maybe[list[str] | None] = field(description="Handles; a channel is of one class.")
    active: strawberry.Maybe[bool | None] = field(description="Is used; true for a new one.")


@strawberry.input(description="Up to 100 demand classes, all or none.")
class DemandClassesPutInput:
    classes: list[DemandClassInput] = field(description="Classes.")


@strawberry.type(description="Answer.")
class DemandClassesPayload(Payload):
    classes: list[DemandClass] = field(default_factory=list, description="In the order asked.")

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> DemandClassesPayload:
        rows = await info.context.load_many(queries.demand_classes_by_id, outcome.ids)
        return DemandClassesPayload(classes=[class_of(row) for row in rows if row])


@strawberry.input(description="A class's share.")
class AllocationShareInput:
    demand_class: str = field(description="Handle of a class.")
    target: int = field(description="Units, basis points (2,500 is 25 %) or parts.")
    hard: bool = field(default=False, description="The class gets no more than this and its parents' shares.")
    steal_until: date | None = field(default=UNSET, description="Until this day better ranks may take of it.")


@strawberry.input(description="All shares of a SKU, everywhere or at a location, always or for some days.")
class AllocationInput:
    sku: str = field(description="SKU; of a kit, share out its components.")
    basis: AllocationBasis = field(description="What the targets mean.")
    shares: list[AllocationShareInput] = field(description="Shares; none: it is rationed there no more.")
    location: str | None = field(default=UNSET, description="Handle; everywhere when absent.")
    starts_on: date | None = field(default=UNSET, description="First day on which it is promised so.")
    ends_on: date | None = field(default=UNSET, description="Last day.")


@strawberry.input(description="Up to 250 allocations, all or none.")
class AllocationsPutInput:
    allocations: list[AllocationInput] = field(description="Each replaces all shares of its SKU, location and days.")


@strawberry.type(description="Answer.")
class AllocationsPayload(Payload):
    allocations: list[AllocationSet] = field(default_factory=list, description="All of the SKUs that were named.")

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> AllocationsPayload:
        skus = (outcome.extra or {})["skus"]
        return AllocationsPayload(allocations=await info.context.read(_allocations, skus=skus))


def _sharing(sent: AllocationInput) -> put.Sharing:
    return put.Sharing(
        sent.sku,
        sent.basis,
        [
            put.Part(
                share.demand_class,
                share.target,
                share.hard,
                share.steal_until if isinstance(share.steal_until, date) else None,
            )
            for share in sent.shares
        ],
        sent.location if isinstance(sent.location, str) else None,
        sent.starts_on if isinstance(sent.starts_on, date) else None,
        sent.ends_on if isinstance(sent.ends_on, date) else None,
    )


@strawberry.type
class Query:
    @query(description="Demand classes, by rank.", scope=["availability:read"])
    async def demand_classes(
        self,
        info: Info,
        handles: Annotated[list[str] | None, argument("Only these; unknown ones are left out.")] = None,
    ) -> list[DemandClass]:
        rows = await info.context.read(queries.demand_classes)
        return [class_of(row) for row in rows if handles is None or row.handle in handles]

    @query(
        description="Shares of SKUs as they stand: targets, used, left.",
        scope=["availability:read", "inventory:read"],
        weight=5,
    )
    async def allocations(
        self, info: Info, skus: Annotated[list[str], argument("Up to 250 SKUs.")]
    ) -> list[AllocationSet]:
        if not 1 <= len(skus) <= SKUS_MAX:
            raise BadInput(Invalid(f"Send 1 to {SKUS_MAX} SKUs, not {len(skus)}.", path=("skus",)))
        return await info.context.read(_allocations, skus=skus)


@strawberry.type
class Mutation:
    @mutation(DemandClassesPayload, description="Create or change demand classes.", scope=["availability:write"])
    async def demand_classes_put(tx: Tx, input: DemandClassesPutInput) -> Outcome:
        rows = await put.put_classes(tx, [given(sent) for sent in input.classes])
        return Outcome(ids=[row.id for row in rows], rows=[(queries.demand_classes_by_id, row.id, row) for row in rows])

    @mutation(AllocationsPayload, description="Share out scarce SKUs.", scope=["availability:write"])
    async def allocations_put(tx: Tx, input: AllocationsPutInput) -> Outcome:
        return Outcome(extra={"skus": await put.put_shares(tx, [_sharing(sent) for sent in input.allocations])})
