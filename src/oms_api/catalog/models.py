"""Tables of the catalog."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index
from sqlmodel import Field, SQLModel

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
    """Something that can be ordered. `components` of a kit are `[[code, quantity], …]` as they were put; `parts`, when
    some of them are kits, the same in SKUs with stock of their own. `location_costs` are unit costs where they are not
    `unit_cost_minor`, by the handle of the location, in the same currency."""

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
    parts: list[list[Any]] | None = Field(default=None, sa_type=Json, nullable=True)
    barcodes: list[str] = Field(sa_type=Json)
    tags: list[str] | None = Field(default=None, sa_type=Json, nullable=True)
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    hs_code: str | None = None
    origin_country: str | None = None
    tracking: TrackingMode = Field(sa_type=Choice(TrackingMode))
    unit: str = "piece"
    list_price_minor: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    list_price_currency: str | None = None
    unit_cost_minor: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    unit_cost_currency: str | None = None
    location_costs: dict[str, int] | None = Field(default=None, sa_type=Json, nullable=True)
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


class Tag(SQLModel, table=True):
    """A tag that some SKU has, or once had: what a rule about tags may name."""

    __tablename__ = "sku_tags"
    tenant_id: UUID = Field(primary_key=True)
    tag: str = Field(primary_key=True)


class KitInKit(SQLModel, table=True):
    """A kit is a component of another."""

    __tablename__ = "kits_in_kits"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "kit"], ["skus.tenant_id", "skus.code"]),
        ForeignKeyConstraint(["tenant_id", "part"], ["skus.tenant_id", "skus.code"]),
        Index("ix_kits_in_kits_part", "tenant_id", "part"),
    )
    tenant_id: UUID = Field(primary_key=True)
    kit: str = Field(primary_key=True)
    part: str = Field(primary_key=True)


class SkuSubstitute(SQLModel, table=True):
    """A SKU that may stand in for another: `ratio_millionths` units of it, in millionths, for one. Best first."""

    __tablename__ = "sku_substitutes"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "sku"], ["skus.tenant_id", "skus.code"]),
        ForeignKeyConstraint(["tenant_id", "substitute"], ["skus.tenant_id", "skus.code"]),
        Index("ix_sku_substitutes_substitute", "tenant_id", "substitute"),
        CheckConstraint("ratio_millionths > 0", name="ratio"),
        CheckConstraint("sku <> substitute", name="other"),
    )
    tenant_id: UUID = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    substitute: str = Field(primary_key=True)
    position: int
    ratio_millionths: int = Field(sa_type=BigInteger)
    needs_consent: bool
