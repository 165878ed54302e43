"""Tables of returns. Amounts are minor units of the order's currency."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, text
from sqlmodel import Field, SQLModel

from oms_api.kit import ids
from oms_api.kit.db import Choice, Instant, Keyed

RETURN = ids.Prefix("ret")
RETURN_LINE = ids.Prefix("rtl")
RECEIPT = ids.Prefix("rcp")

_EXPIRES = text("expires_at IS NOT NULL")


class ReturnStatus(StrEnum):
    REQUESTED = "REQUESTED"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    PARTIALLY_RECEIVED = "PARTIALLY_RECEIVED"
    RECEIVED = "RECEIVED"
    EXPIRED = "EXPIRED"
    CLOSED = "CLOSED"


class Disposition(StrEnum):
    RESTOCK = "RESTOCK"
    REFURBISH = "REFURBISH"
    SCRAP = "SCRAP"
    VENDOR = "VENDOR"
    QUARANTINE = "QUARANTINE"
    KEPT = "KEPT"


class Return(Keyed, table=True):
    """Units of an order that come back, and their money.

    `credited_minor` was taken off what the customer owes, `due_minor` of it is to be given back (the rest was never
    captured), `refunded_minor` was; `failed_minor` is what the provider refused to refund and nobody has given back.
    `expires_at`: when it is given up unless something happens, null when nothing is waited for.
    """

    __tablename__ = "returns"
    __table_args__ = (
        Index("uq_returns_number", "tenant_id", "number", unique=True),
        Index("ix_returns_order", "tenant_id", "order_id"),
        Index("ix_returns_expires", "expires_at", sqlite_where=_EXPIRES, postgresql_where=_EXPIRES),
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        CheckConstraint("0 <= due_minor AND due_minor <= credited_minor", name="due"),
        CheckConstraint("0 <= refunded_minor AND 0 <= failed_minor", name="refunded"),
        CheckConstraint("refunded_minor + failed_minor <= due_minor", name="settled"),
    )
    order_id: UUID
    number: int = Field(sa_type=BigInteger)
    status: ReturnStatus = Field(sa_type=Choice(ReturnStatus))
    currency: str
    credited_minor: int = Field(default=0, sa_type=BigInteger)
    due_minor: int = Field(default=0, sa_type=BigInteger)
    refunded_minor: int = Field(default=0, sa_type=BigInteger)
    failed_minor: int = Field(default=0, sa_type=BigInteger)
    expires_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    version: int = Field(default=1, sa_type=BigInteger)
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class ReturnNumbers(SQLModel, table=True):
    """How many returns of a tenant have a number: the counter behind `Return.number`."""

    __tablename__ = "return_numbers"
    tenant_id: UUID = Field(primary_key=True)
    taken: int = Field(sa_type=BigInteger)


class ReturnLine(Keyed, table=True):
    """Units of an order line: `quantity` were asked for, `received` arrived, `inspected` of these are decided upon."""

    __tablename__ = "return_lines"
    __table_args__ = (
        Index("ix_return_lines_return", "tenant_id", "return_id"),
        Index("ix_return_lines_order", "tenant_id", "order_id"),
        ForeignKeyConstraint(["tenant_id", "return_id"], ["returns.tenant_id", "returns.id"]),
        ForeignKeyConstraint(["tenant_id", "order_line_id"], ["order_lines.tenant_id", "order_lines.id"]),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("0 <= inspected AND inspected <= received AND received <= quantity", name="received"),
    )
    order_id: UUID
    return_id: UUID
    order_line_id: UUID
    sku: str
    quantity: int = Field(sa_type=BigInteger)
    reason: str
    received: int = Field(default=0, sa_type=BigInteger)
    inspected: int = Field(default=0, sa_type=BigInteger)


class Receipt(Keyed, table=True):
    """One arrival or inspection at a location, and the cause under which its money is given back. Never changes."""

    __tablename__ = "return_receipts"
    __table_args__ = (
        Index("ix_return_receipts_return", "tenant_id", "return_id"),
        ForeignKeyConstraint(["tenant_id", "return_id"], ["returns.tenant_id", "returns.id"]),
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
        CheckConstraint("0 <= due_minor AND due_minor <= credited_minor", name="due"),
    )
    return_id: UUID
    location_id: UUID
    credited_minor: int = Field(sa_type=BigInteger)
    due_minor: int = Field(sa_type=BigInteger)
    created_at: datetime = Field(sa_type=Instant)


class Inspection(Keyed, table=True):
    """What became of units of a return line. Never changes."""

    __tablename__ = "return_inspections"
    __table_args__ = (
        Index("ix_return_inspections_line", "tenant_id", "return_line_id"),
        ForeignKeyConstraint(["tenant_id", "return_line_id"], ["return_lines.tenant_id", "return_lines.id"]),
        ForeignKeyConstraint(["tenant_id", "receipt_id"], ["return_receipts.tenant_id", "return_receipts.id"]),
        CheckConstraint("quantity > 0", name="quantity"),
    )
    receipt_id: UUID
    return_line_id: UUID
    disposition: Disposition = Field(sa_type=Choice(Disposition))
    quantity: int = Field(sa_type=BigInteger)
