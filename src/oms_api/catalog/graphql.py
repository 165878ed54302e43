"""SKUs in the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import strawberry

from oms_api.catalog import models, queries, service
from oms_api.catalog.models import SKU, SkuKind, TrackingMode
from oms_api.kit.db import Tx
from oms_api.kit.graphql import (
    CountryCode,
    HasMetadata,
    Info,
    MetadataEntryInput,
    Money,
    MoneyInput,
    Outcome,
    Payload,
    argument,
    describe_enum,
    field,
    given,
    money_of,
    mutation,
    node_type,
    query,
)

describe_enum(
    SkuKind,
    "What a SKU is.",
    PHYSICAL="Has stock and is shipped.",
    KIT="Made of other SKUs, which have the stock.",
    DIGITAL="No stock, delivered by message.",
    SERVICE="No stock, performed.",
)
describe_enum(
    TrackingMode, "How units of a SKU are told apart.", NONE="They are not.", LOT="By lot.", SERIAL="One by one."
)


@strawberry.type(description="Something that can be ordered.")
class Sku(HasMetadata):
    parts: strawberry.Private[Sequence[tuple[str, int]]]
    code: str = field(description="The code that everybody uses.")
    name: str = field(description="Name.")
    kind: SkuKind = field(description="What it is.")
    weight_grams: int | None = field(description="Grams.")
    barcodes: list[str] = field(description="GTIN, EAN, UPC…; each names one SKU.")
    length_mm: int | None = field(description="Longest side, millimetres.")
    width_mm: int | None = field(description="Second side, millimetres.")
    height_mm: int | None = field(description="Third side, millimetres.")
    hs_code: str | None = field(description="Customs tariff number.")
    origin_country: CountryCode | None = field(description="Where it was made.")
    tracking: TrackingMode = field(description="How units are told apart.")
    unit: str = field(description="What one unit is: `piece`, `mm`, `g`.")
    list_price: Money | None = field(description="Price while no price list names it.")

    @field(description="What a kit is made of.")
    async def components(self, info: Info) -> list[KitComponent]:
        rows = await info.context.load_many(queries.skus_by_code, [code for code, _ in self.parts])
        return [
            KitComponent(item=sku_of(row), quantity=quantity)
            for row, (_, quantity) in zip(rows, self.parts, strict=True)
            if row is not None
        ]


@strawberry.type(description="Part of a kit.")
class KitComponent:
    item: Sku = field(description="Part.")
    quantity: int = field(description="Units of it in one kit.")


def sku_of(row: models.Sku) -> Sku:
    return Sku(
        id=strawberry.ID(SKU(row.id)),
        entries=row.entries,
        parts=[(code, quantity) for code, quantity in row.components],
        code=row.code,
        name=row.name,
        kind=row.kind,
        weight_grams=row.weight_grams,
        barcodes=row.barcodes,
        length_mm=row.length_mm,
        width_mm=row.width_mm,
        height_mm=row.height_mm,
        hs_code=row.hs_code,
        origin_country=CountryCode(row.origin_country) if row.origin_country else None,
        tracking=row.tracking,
        unit=row.unit,
        list_price=money_of(row.list_price_minor, row.list_price_currency)
        if row.list_price_minor is not None and row.list_price_currency
        else None,
    )


async def _find(info: Info, id_: UUID) -> Sku | None:
    row = await info.context.load(queries.skus_by_id, id_)
    return sku_of(row) if row else None


node_type(SKU, Sku, scope="catalog:read", find=_find)


@strawberry.input(description="Part of a kit.")
class KitComponentInput:
    sku: str = field(description="SKU code.")
    quantity: int = field(description="Units of it in one kit.")


@strawberry.input(description="Create or, by code, change a SKU: an absent field stays as it is, null clears it.")
class SkuInput:
    code: str = field(description="Code.")
    name: str = field(description="Name.")
    kind: strawberry.Maybe[SkuKind | None] = field(description="What it is.")
    weight_grams: strawberry.Maybe[int | None] = field(description="Grams.")
    components: strawberry.Maybe[list[KitComponentInput] | None] = field(description="For kits.")
    metadata: strawberry.Maybe[list[MetadataEntryInput] | None] = field(description="Metadata.")
    barcodes: strawberry.Maybe[list[str] | None] = field(description="GTIN, EAN, UPC…; each names one SKU.")
    length_mm: strawberry.Maybe[int | None] = field(description="Longest side, millimetres.")
    width_mm: strawberry.Maybe[int | None] = field(description="Second side, millimetres.")
    height_mm: strawberry.Maybe[int | None] = field(description="Third side, millimetres.")
    hs_code: strawberry.Maybe[str | None] = field(description="Customs tariff number.")
    origin_country: strawberry.Maybe[CountryCode | None] = field(description="Where it was made.")
    tracking: strawberry.Maybe[TrackingMode | None] = field(description="How units are told apart.")
    unit: strawberry.Maybe[str | None] = field(description="What one unit is: `piece`, `mm`, `g`.")
    list_price: strawberry.Maybe[MoneyInput | None] = field(description="Price while no price list names it.")


@strawberry.input(description="Up to 250 SKUs, all or none.")
class SkuPutInput:
    skus: list[SkuInput] = field(description="SKUs.")


@strawberry.type(description="Answer.")
class SkuPayload(Payload):
    skus: list[Sku] = field(default_factory=list, description="In the order asked.")

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> SkuPayload:
        rows = await info.context.load_many(queries.skus_by_id, outcome.ids)
        return SkuPayload(skus=[sku_of(row) for row in rows if row])


def _change(item: SkuInput, path: tuple[str | int, ...]) -> dict[str, Any]:
    change = given(item)  # only what was sent; Some(None) is None
    if change.get("components"):
        change["components"] = [[part.sku, part.quantity] for part in change["components"]]
    if "list_price" in change:
        price: MoneyInput | None = change.pop("list_price")
        change["list_price_minor"] = price.minor((*path, "listPrice")) if price else None
        change["list_price_currency"] = price.currency if price else None
    return change


@strawberry.type
class Query:
    @query(description="A SKU by its code.", scope=["catalog:read"])
    async def sku(self, info: Info, code: Annotated[str, argument("Its code.")]) -> Sku | None:
        row = await info.context.load(queries.skus_by_code, code)
        return sku_of(row) if row else None


@strawberry.type
class Mutation:
    @mutation(SkuPayload, description="Create or change SKUs.", scope=["catalog:write"])
    async def sku_put(tx: Tx, input: SkuPutInput) -> Outcome:
        changes = [_change(item, ("input", "skus", i)) for i, item in enumerate(input.skus)]
        rows = await service.put(tx, changes)
        return Outcome(ids=[row.id for row in rows], rows=[(queries.skus_by_id, row.id, row) for row in rows])
