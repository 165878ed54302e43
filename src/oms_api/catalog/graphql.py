"""SKUs in the API."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

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
    found_by,
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
    tags: list[str] = field(description="Words that sourcing rules go by: `hazmat`, `bulky`.")
    length_mm: int | None = field(description="Longest side, millimetres.")
    width_mm: int | None = field(description="Second side, millimetres.")
    height_mm: int | None = field(description="Third side, millimetres.")
    hs_code: str | None = field(description="Customs tariff number.")
    origin_country: CountryCode | None = field(description="Where it was made.")
    tracking: TrackingMode = field(description="How units are told apart.")
    unit: str = field(description="What one unit is: `piece`, `mm`, `g`.")
    list_price: Money | None = field(description="Price while no price list names it.")
    row: strawberry.Private[models.Sku]

    @field(description="What one unit costs, where no `locationCosts` says otherwise; null without `sourcing:read`.")
    def unit_cost(self, info: Info) -> Money | None:
        return self._cost(info, self.row.unit_cost_minor)

    @field(description="Locations where a unit costs otherwise; null without `sourcing:read`.")
    def location_costs(self, info: Info) -> list[SkuLocationCost] | None:
        if not info.context.known_caller().may("sourcing:read"):
            return None
        return [
            SkuLocationCost(location=handle, unit_cost=money_of(minor, str(self.row.unit_cost_currency)))
            for handle, minor in sorted((self.row.location_costs or {}).items())
        ]

    def _cost(self, info: Info, minor: int | None) -> Money | None:
        if minor is None or not info.context.known_caller().may("sourcing:read"):
            return None
        return money_of(minor, str(self.row.unit_cost_currency))

    @field(description="SKUs that may stand in for it, best first.")
    async def substitutes(self, info: Info) -> list[Substitute]:
        found = await info.context.load(queries.substitutes_of, self.code) or ()
        rows = await info.context.load_many(queries.skus_by_code, [one.sku for one in found])
        return [
            Substitute(item=sku_of(row), ratio=one.ratio, needs_consent=one.needs_consent)
            for one, row in zip(found, rows, strict=True)
            if row is not None
        ]

    @field(description="What a kit is made of: goods, and kits, whose parts count for its stock.")
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


@strawberry.type(description="What a unit costs at a location.")
class SkuLocationCost:
    location: str = field(description="Location handle.")
    unit_cost: Money = field(description="What one unit costs there.")


@strawberry.type(description="SKU that may stand in.")
class Substitute:
    item: Sku = field(description="The one that stands in.")
    ratio: Decimal = field(description='Units of it for one unit: `"1"`.')
    needs_consent: bool = field(description="Whether the customer must agree first.")


def sku_of(row: models.Sku) -> Sku:
    return Sku(
        id=strawberry.ID(SKU(row.id)),
        row=row,
        entries=row.entries,
        parts=[(code, quantity) for code, quantity in row.components],
        code=row.code,
        name=row.name,
        kind=row.kind,
        weight_grams=row.weight_grams,
        barcodes=row.barcodes,
        tags=row.tags or [],
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


node_type(SKU, Sku, scope="catalog:read", find=found_by(queries.skus_by_id, sku_of))


@strawberry.input(description="Part of a kit.")
class KitComponentInput:
    sku: str = field(description="SKU code.")
    quantity: int = field(description="Units of it in one kit.")


@strawberry.input(description="What a unit costs at a location.")
class SkuLocationCostInput:
    location: str = field(description="Location handle.")
    unit_cost: MoneyInput = field(description="What one unit costs there; in the currency of the SKU's `unitCost`.")


@strawberry.input(description="SKU that may stand in.")
class SubstituteInput:
    sku: str = field(description="SKU code.")
    ratio: Decimal | None = field(default=UNSET, description='Units of it for one unit; `"1"` when absent.')
    needs_consent: bool | None = field(
        default=UNSET, description="Whether the customer must agree first; true when absent."
    )


@strawberry.input(description="Create or, by code, change a SKU: an absent field stays as it is, null clears it.")
class SkuInput:
    code: str = field(description="Code.")
    name: str = field(description="Name.")
    kind: strawberry.Maybe[SkuKind | None] = field(
        description="What it is, for good: the kind of a SKU that is there cannot change. Absent or null on a new one "
        "is PHYSICAL."
    )
    weight_grams: strawberry.Maybe[int | None] = field(description="Grams.")
    components: strawberry.Maybe[list[KitComponentInput] | None] = field(
        description="For kits: goods, and kits, at most 5 within each other."
    )
    substitutes: strawberry.Maybe[list[SubstituteInput] | None] = field(description="Best first.")
    metadata: strawberry.Maybe[list[MetadataEntryInput] | None] = field(description="Metadata.")
    barcodes: strawberry.Maybe[list[str] | None] = field(description="GTIN, EAN, UPC…; each names one SKU.")
    tags: strawberry.Maybe[list[str] | None] = field(
        description="Words that sourcing rules go by: `hazmat`, `bulky`; 50 at most."
    )
    length_mm: strawberry.Maybe[int | None] = field(description="Longest side, millimetres.")
    width_mm: strawberry.Maybe[int | None] = field(description="Second side, millimetres.")
    height_mm: strawberry.Maybe[int | None] = field(description="Third side, millimetres.")
    hs_code: strawberry.Maybe[str | None] = field(description="Customs tariff number.")
    origin_country: strawberry.Maybe[CountryCode | None] = field(description="Where it was made.")
    tracking: strawberry.Maybe[TrackingMode | None] = field(description="How units are told apart.")
    unit: strawberry.Maybe[str | None] = field(description="What one unit is: `piece`, `mm`, `g`.")
    list_price: strawberry.Maybe[MoneyInput | None] = field(description="Price while no price list names it.")
    unit_cost: strawberry.Maybe[MoneyInput | None] = field(
        description="What one unit costs you: plans that are MOST_PROFITABLE, and margins, go by it."
    )
    location_costs: strawberry.Maybe[list[SkuLocationCostInput] | None] = field(
        description="Locations where a unit costs otherwise, all of them; needs `unitCost`."
    )


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


_ONE = Decimal(1)


def _change(item: SkuInput, path: tuple[str | int, ...]) -> dict[str, Any]:
    change = given(item)  # only what was sent; Some(None) is None
    if change.get("components"):
        change["components"] = [[part.sku, part.quantity] for part in change["components"]]
    if change.get("substitutes"):
        change["substitutes"] = [
            queries.Substitution(
                one.sku, one.ratio if isinstance(one.ratio, Decimal) else _ONE, one.needs_consent is not False
            )
            for one in change["substitutes"]
        ]
    for name, at in (("list_price", "listPrice"), ("unit_cost", "unitCost")):
        if name in change:
            sent: MoneyInput | None = change.pop(name)
            change[f"{name}_minor"] = sent.minor((*path, at)) if sent else None
            change[f"{name}_currency"] = sent.currency if sent else None
    if change.get("location_costs"):
        change["location_costs"] = [
            (one.location, one.unit_cost.minor((*path, "locationCosts", j, "unitCost")), one.unit_cost.currency)
            for j, one in enumerate(change["location_costs"])
        ]
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
