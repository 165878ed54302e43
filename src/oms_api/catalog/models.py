"""Tables of the catalog."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlmodel import Field

from oms_api.kit import ids
from oms_api.kit.db import Choice, Instant, Json, Keyed

SKU = ids.Prefix("sku")


class SkuKind(StrEnum):
    PHYSICAL = "PHYSICAL"
    KIT = "KIT"
    DIGITAL = "DIGITAL"
    SERVICE = "SERVICE"


class TrackingMode(StrEnum):
    NONE = "NONE"
    LOT = "LOT"
    SERIAL = "SERIAL"


class Sku(Keyed, table=True):
    """Something that can be ordered. `components` of a kit are `[[code, quantity], …]`."""

    __tablename__ = "skus"
    __table_args__ = (
        Index("uq_skus_code", "tenant_id", "code", unique=True),
        CheckConstraint("weight_grams >= 0", name="weight_grams"),
        CheckConstraint("list_price_minor >= 0", name="list_price"),
    )
    code: str
    name: str
    kind: SkuKind = Field(sa_type=Choice(SkuKind))
    weight_grams: int | None = None
    components: list[list[Any]] = Field(sa_type=Json)
    barcodes: list[str] = Field(sa_type=Json)
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    hs_code: str | None = None
    origin_country: str | None = None
    tracking: TrackingMode = Field(sa_type=Choice(TrackingMode))
    unit: str = "piece"
    list_price_minor: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    list_price_currency: str | None = None
    entries: dict[str, Any] = Field(sa_type=Json)
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class SkuBarcode(Keyed, table=True):
    """A GTIN, EAN or UPC; each names one SKU of the tenant."""

    __tablename__ = "sku_barcodes"
    __table_args__ = (
        Index("uq_sku_barcodes_barcode", "tenant_id", "barcode", unique=True),
        Index("ix_sku_barcodes_sku", "tenant_id", "sku"),
    )
    sku: str
    barcode: str
