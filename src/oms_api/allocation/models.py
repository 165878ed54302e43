"""Tables of allocation."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, text
from sqlmodel import Field

from oms_api.kit import ids
from oms_api.kit.db import Choice, Instant, Json, Keyed

DEMAND_CLASS = ids.Prefix("dcl")
ALLOCATION = ids.Prefix("alc")

POOL = ""
"""The class of the row that holds what no share takes."""


class AllocationBasis(StrEnum):
    UNITS = "UNITS"
    PERCENT = "PERCENT"
    RATIO = "RATIO"


class DemandClass(Keyed, table=True):
    """Demand that is treated alike. `rank` 1 goes first; `channels` are handles whose demand is of this class."""

    __tablename__ = "demand_classes"
    __table_args__ = (
        Index("uq_demand_classes_handle", "tenant_id", "handle", unique=True),
        CheckConstraint("rank >= 1", name="rank"),
    )
    handle: str
    name: str
    rank: int
    parent: str | None = None
    channels: list[str] = Field(sa_type=Json)
    active: bool
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class Allocation(Keyed, table=True):
    """A class's share of a SKU, or the pool's row (class "", target 0), which every set of shares has.

    `scope` names the set within the SKU: location, first and last day. `target` is units, basis points of 10,000, or
    parts. `used` are units that reservations took of it and did not give back. Others may take of it until
    `steal_until`, when their rank is better.
    """

    __tablename__ = "allocations"
    __table_args__ = (
        Index("uq_allocations_share", "tenant_id", "sku", "scope", "demand_class", unique=True),
        ForeignKeyConstraint(["tenant_id", "sku"], ["skus.tenant_id", "skus.code"]),
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
        CheckConstraint("target >= 0", name="target"),
        CheckConstraint("used >= 0", name="used"),
        CheckConstraint("starts_on IS NULL OR ends_on IS NULL OR starts_on <= ends_on", name="dates"),
    )
    sku: str
    scope: str
    location_id: UUID | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    demand_class: str
    basis: AllocationBasis = Field(sa_type=Choice(AllocationBasis))
    target: int = Field(sa_type=BigInteger)
    hard: bool
    steal_until: date | None = None
    used: int = Field(default=0, sa_type=BigInteger)
    updated_at: datetime = Field(sa_type=Instant)


class AllocationUse(Keyed, table=True):
    """Units of a share that a reservation took. `quantity` of `taken` are not given back; `nth` in the order taken.

    `given` were given back, but the share's `used` still has them: it is put right by a reaction, so that who lets go
    never waits for who takes. Whoever reads `used` takes them off it.
    `expires_at` is the reservation's when it was made: whether it has lapsed says the reservation itself.
    """

    __tablename__ = "allocation_uses"
    __table_args__ = (
        Index("ix_allocation_uses_reservation", "tenant_id", "reservation_id"),
        Index(
            "ix_allocation_uses_lapsing",
            "tenant_id",
            "allocation_id",
            "expires_at",
            sqlite_where=text("quantity > 0 AND expires_at IS NOT NULL"),
            postgresql_where=text("quantity > 0 AND expires_at IS NOT NULL"),
        ),
        Index(
            "ix_allocation_uses_given",
            "tenant_id",
            "allocation_id",
            sqlite_where=text("given > 0"),
            postgresql_where=text("given > 0"),
        ),
        ForeignKeyConstraint(["tenant_id", "allocation_id"], ["allocations.tenant_id", "allocations.id"]),
        ForeignKeyConstraint(["tenant_id", "reservation_id"], ["reservations.tenant_id", "reservations.id"]),
        CheckConstraint("quantity >= 0 AND taken > 0 AND quantity <= taken", name="quantity"),
    )
    allocation_id: UUID
    reservation_id: UUID
    sku: str
    location_id: UUID | None = None
    nth: int
    taken: int = Field(sa_type=BigInteger)
    quantity: int = Field(sa_type=BigInteger)
    expires_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    given: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
