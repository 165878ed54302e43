"""Every SELECT of the catalog."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlmodel import col, select

from oms_api.catalog.models import Sku, SkuBarcode, SkuKind
from oms_api.kit.db import Reading, any_of, columns, mine, prepared

_BY_CODE = prepared(select(Sku).where(mine(Sku), any_of(Sku.code, "codes")))
_LOCKED = prepared(
    select(Sku).where(mine(Sku), any_of(Sku.code, "codes")).order_by(col(Sku.code)).with_for_update(key_share=True)
)
_BY_ID = prepared(select(Sku).where(mine(Sku), any_of(Sku.id, "ids")))
_ITEMS = prepared(
    columns(Sku.code, Sku.kind, Sku.weight_grams, Sku.components, Sku.list_price_minor, Sku.list_price_currency).where(
        mine(Sku), any_of(Sku.code, "codes")
    )
)
_BARCODES = prepared(select(SkuBarcode).where(mine(SkuBarcode), any_of(SkuBarcode.barcode, "barcodes")))


class Item(NamedTuple):
    """What ordering must know of a SKU. `components`: code → units in one kit."""

    code: str
    kind: SkuKind
    grams: int
    components: dict[str, int]
    price_minor: int | None
    price_currency: str | None


async def skus_by_code(reading: Reading, codes: Sequence[str]) -> Mapping[str, Sku]:
    return {row.code: row for row in await reading.all(_BY_CODE, {"codes": codes})}


async def locked(reading: Reading, codes: Sequence[str]) -> Mapping[str, Sku]:
    """SKUs by code, locked until commit: nobody changes them meanwhile."""
    return {row.code: row for row in await reading.all(_LOCKED, {"codes": codes})}


async def skus_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Sku]:
    return {row.id: row for row in await reading.all(_BY_ID, {"ids": ids})}


async def barcodes(reading: Reading, codes: Sequence[str]) -> Mapping[str, SkuBarcode]:
    return {row.barcode: row for row in await reading.all(_BARCODES, {"barcodes": codes})}


async def items(reading: Reading, codes: Sequence[str]) -> dict[str, Item]:
    """Known SKUs by code; unknown codes are left out. One statement."""
    return {
        row.code: Item(
            row.code,
            row.kind,
            row.weight_grams or 0,
            dict(row.components),
            row.list_price_minor,
            row.list_price_currency,
        )
        for row in await reading.all(_ITEMS, {"codes": codes})
    }
