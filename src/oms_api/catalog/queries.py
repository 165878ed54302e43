"""Every SELECT of the catalog."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import exists
from sqlmodel import col, select

from oms_api.catalog.models import KitInKit, Sku, SkuBarcode, SkuKind, SkuSubstitute, Tag
from oms_api.kit.db import Reading, any_of, columns, mine, prepared

MILLION = 1_000_000

_BY_CODE = prepared(select(Sku).where(mine(Sku), any_of(Sku.code, "codes")))
_LOCKED = prepared(
    select(Sku).where(mine(Sku), any_of(Sku.code, "codes")).order_by(col(Sku.code)).with_for_update(key_share=True)
)
_BY_ID = prepared(select(Sku).where(mine(Sku), any_of(Sku.id, "ids")))
_ITEMS = prepared(
    columns(
        Sku.code,
        Sku.kind,
        Sku.weight_grams,
        Sku.components,
        Sku.parts,
        Sku.list_price_minor,
        Sku.list_price_currency,
        Sku.length_mm,
        Sku.width_mm,
        Sku.height_mm,
        Sku.tags,
        Sku.unit_cost_minor,
        Sku.unit_cost_currency,
        Sku.location_costs,
        exists().where(mine(SkuSubstitute), col(SkuSubstitute.sku) == col(Sku.code)).label("substituted"),
    ).where(mine(Sku), any_of(Sku.code, "codes"))
)
_TAGS = prepared(select(Tag.tag).where(mine(Tag), any_of(Tag.tag, "tags")))
_BARCODES = prepared(select(SkuBarcode).where(mine(SkuBarcode), any_of(SkuBarcode.barcode, "barcodes")))
_HELD = prepared(select(KitInKit).where(mine(KitInKit), any_of(KitInKit.kit, "kits")))
_HOLDERS = prepared(select(KitInKit).where(mine(KitInKit), any_of(KitInKit.part, "parts")))
_SUBSTITUTES = prepared(
    select(SkuSubstitute)
    .where(mine(SkuSubstitute), any_of(SkuSubstitute.sku, "codes"))
    .order_by(col(SkuSubstitute.sku), col(SkuSubstitute.position))
)


class UnitCost(NamedTuple):
    """What a unit costs, in minor units; `at` has locations, by handle, where it costs otherwise."""

    minor: int
    currency: str
    at: dict[str, int]


class Item(NamedTuple):
    """What ordering must know of a SKU. `components`: code → units in one kit; SKUs with stock of their own, whatever
    kits the kit holds."""

    code: str
    kind: SkuKind
    grams: int
    components: dict[str, int]
    price_minor: int | None
    price_currency: str | None
    cm3: int = 0
    """Volume of one, begun cubic centimetres; 0 when a side is not known."""
    tags: tuple[str, ...] = ()
    unit_cost: UnitCost | None = None
    substituted: bool = False
    """Something may stand in for it: `substitutes_of` says what."""


async def skus_by_code(reading: Reading, codes: Sequence[str]) -> Mapping[str, Sku]:
    return {row.code: row for row in await reading.all(_BY_CODE, {"codes": codes})}


async def locked(reading: Reading, codes: Sequence[str]) -> Mapping[str, Sku]:
    """SKUs by code, locked until commit: nobody changes them meanwhile."""
    return {row.code: row for row in await reading.all(_LOCKED, {"codes": codes})}


async def skus_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Sku]:
    return {row.id: row for row in await reading.all(_BY_ID, {"ids": ids})}


async def barcodes(reading: Reading, codes: Sequence[str]) -> Mapping[str, SkuBarcode]:
    return {row.barcode: row for row in await reading.all(_BARCODES, {"barcodes": codes})}


async def known_tags(reading: Reading, tags: Sequence[str]) -> set[str]:
    """Those of these tags that some SKU has, or once had."""
    return set(await reading.all(_TAGS, {"tags": tags}))


async def items(reading: Reading, codes: Sequence[str]) -> dict[str, Item]:
    """Known SKUs by code; unknown codes are left out. One statement."""
    return {
        row.code: Item(
            row.code,
            row.kind,
            row.weight_grams or 0,
            dict(row.components if row.parts is None else row.parts),
            row.list_price_minor,
            row.list_price_currency,
            -(-(row.length_mm or 0) * (row.width_mm or 0) * (row.height_mm or 0) // 1000),
            tuple(row.tags or ()),
            None
            if row.unit_cost_minor is None
            else UnitCost(row.unit_cost_minor, row.unit_cost_currency, row.location_costs or {}),
            bool(row.substituted),
        )
        for row in await reading.all(_ITEMS, {"codes": codes})
    }


async def held_kits(reading: Reading, kits: Collection[str]) -> set[str]:
    """Kits in these kits, and in those, at whatever depth: one statement a level."""
    return await _walk(kits, lambda ahead: reading.all(_HELD, {"kits": ahead}), "part")


async def holders(reading: Reading, kits: Collection[str]) -> set[str]:
    """Kits that hold these kits, and those that hold them, at whatever depth: one statement a level."""
    return await _walk(kits, lambda ahead: reading.all(_HOLDERS, {"parts": ahead}), "kit")


async def _walk(
    kits: Collection[str], step: Callable[[list[str]], Awaitable[Sequence[KitInKit]]], end: str
) -> set[str]:
    found: set[str] = set()
    ahead = sorted(kits)
    while ahead:
        ahead = sorted({getattr(row, end) for row in await step(ahead)} - found)
        found.update(ahead)
    return found


class Substitution(NamedTuple):
    """A SKU that may stand in: `ratio` units of it for one, and whether the customer must agree first."""

    sku: str
    ratio: Decimal
    needs_consent: bool


async def substitutes_of(reading: Reading, codes: Sequence[str]) -> Mapping[str, list[Substitution]]:
    """What may stand in for these SKUs, by SKU, best first; SKUs without any are left out. One statement."""
    found: dict[str, list[Substitution]] = defaultdict(list)
    for row in await reading.all(_SUBSTITUTES, {"codes": codes}):
        ratio = (Decimal(row.ratio_millionths) / MILLION).normalize()
        found[row.sku].append(Substitution(row.substitute, Decimal(f"{ratio:f}"), row.needs_consent))
    return found
