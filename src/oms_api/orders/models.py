"""Tables of the orders."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, false, text
from sqlmodel import Field, SQLModel

from oms_api.catalog import SkuKind
from oms_api.kit import ids
from oms_api.kit.db import Choice, Instant, Json, Keyed
from oms_api.promising import DeliveryMethod

ORDER = ids.Prefix("ord")
LINE = ids.Prefix("orl")
GROUP = ids.Prefix("dgr")
SOURCING_WAVE = ids.Prefix("swv")

# The order's row is inserted after those that refer to it, because its number is taken last: see service/place.py.
_LATER: dict[str, Any] = {"deferrable": True, "initially": "DEFERRED"}


class OrderStatus(StrEnum):
    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    PARTIALLY_SHIPPED = "PARTIALLY_SHIPPED"
    SHIPPED = "SHIPPED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


class AdjustmentKind(StrEnum):
    DISCOUNT = "DISCOUNT"
    TAX = "TAX"
    FEE = "FEE"


class ExternalPaymentState(StrEnum):
    """How far money is that somebody else handles; `payments.ExternalState` by its public name."""

    DUE = "DUE"
    AUTHORIZED = "AUTHORIZED"
    CAPTURED = "CAPTURED"


class AttentionKind(StrEnum):
    """Why an order waits for a person."""

    SOURCING_FAILED = "SOURCING_FAILED"
    BACKORDER_OVERDUE = "BACKORDER_OVERDUE"


class WaveState(StrEnum):
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"


class UnitState(StrEnum):
    """What became of a line's unit; each value is the name of its column."""

    PENDING = "pending"
    BACKORDERED = "backordered"
    RESERVED = "reserved"
    ALLOCATED = "allocated"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    RETURNED = "returned"
    CANCELLED = "cancelled"


class Order(Keyed, table=True):
    """An order. Amounts are minor units of `currency`; they count no cancelled unit and follow from the lines.

    `discount_minor` and `tax_minor` include what is contained in prices. `promised_asc` and `promised_desc` are the
    latest promised date of its lines as a day number (`date.toordinal`), twice: an order without one comes last in
    both directions. `payments_version` is the sum of its payments' versions that the order has taken note of.
    `lapses_at` is when it cancels itself, null once it is committed. `demand_class`: the class as which its units are
    looked for; null: its customer group's, else its channel's.
    """

    __tablename__ = "orders"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "channel_id"], ["channels.tenant_id", "channels.id"]),
        Index("uq_orders_number", "tenant_id", "number", unique=True),
        Index("uq_orders_external_id", "tenant_id", "external_id", "channel_id", unique=True),
        Index("ix_orders_created", "tenant_id", "created_at", "id"),
        Index("ix_orders_updated", "tenant_id", "updated_at", "id"),
        Index("ix_orders_promised_asc", "tenant_id", "promised_asc", "id"),
        Index("ix_orders_promised_desc", "tenant_id", "promised_desc", "id"),
        Index("ix_orders_email", "tenant_id", text("lower(customer_email)")),
        Index(
            "ix_orders_lapse",
            "lapses_at",
            sqlite_where=text("lapses_at IS NOT NULL"),
            postgresql_where=text("lapses_at IS NOT NULL"),
        ),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("total_minor >= 0", name="total"),
        CheckConstraint("shipping_minor >= 0", name="shipping"),
        CheckConstraint("credited_minor >= 0", name="credited"),
    )
    channel_id: UUID
    number: int = Field(sa_type=BigInteger)
    external_id: str | None = None
    status: OrderStatus = Field(sa_type=Choice(OrderStatus))
    version: int = Field(default=1, sa_type=BigInteger)
    auto_confirm: bool
    currency: str
    subtotal_minor: int = Field(sa_type=BigInteger)
    shipping_minor: int = Field(sa_type=BigInteger)
    discount_minor: int = Field(sa_type=BigInteger)
    tax_minor: int = Field(sa_type=BigInteger)
    total_minor: int = Field(sa_type=BigInteger)
    credited_minor: int = Field(default=0, sa_type=BigInteger)
    payments_version: int = Field(default=0, sa_type=BigInteger)
    customer_email: str | None = None
    customer_phone: str | None = None
    customer_external_id: str | None = None
    customer_group: str | None = None
    demand_class: str | None = None
    billing_address: dict[str, Any] | None = Field(default=None, sa_type=Json, nullable=True)
    promised_asc: int
    promised_desc: int
    lapses_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    placed_at: datetime = Field(sa_type=Instant)
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)
    entries: dict[str, Any] = Field(sa_type=Json)


class OrderNumbers(SQLModel, table=True):
    """How many orders of a tenant have a number: the counter behind `Order.number`."""

    __tablename__ = "order_numbers"
    tenant_id: UUID = Field(primary_key=True)
    taken: int = Field(sa_type=BigInteger)


class OrderExternalId(SQLModel, table=True):
    """A channel's own id, claimed by the first create that sends it: a second one waits for the first to end."""

    __tablename__ = "order_external_ids"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], **_LATER),
        Index("ix_order_external_ids_order", "tenant_id", "order_id"),
    )
    tenant_id: UUID = Field(primary_key=True)
    channel_id: UUID = Field(primary_key=True)
    external_id: str = Field(primary_key=True)
    order_id: UUID


class DeliveryGroup(Keyed, table=True):
    """Lines of an order that go to one place by one method. `address` as in `network`, for SHIPPING only."""

    __tablename__ = "delivery_groups"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], **_LATER),
        ForeignKeyConstraint(["tenant_id", "pickup_location_id"], ["locations.tenant_id", "locations.id"]),
        Index("uq_delivery_groups_key", "tenant_id", "order_id", "key", unique=True),
    )
    order_id: UUID
    position: int
    key: str
    method: DeliveryMethod = Field(sa_type=Choice(DeliveryMethod))
    address: dict[str, Any] | None = Field(default=None, sa_type=Json, nullable=True)
    pickup_location_id: UUID | None = None


class OrderLine(Keyed, table=True):
    """A line. Its eight unit states add up to `quantity`. `components` of a kit as sold: `[[code, units], …]`.

    The five amounts are for the whole `quantity`: adjustments of the line plus its share of those of the order;
    `included_…` are contained in the price and change no total. A cancelled or returned unit carries its slice.
    """

    __tablename__ = "order_lines"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], **_LATER),
        ForeignKeyConstraint(["tenant_id", "group_id"], ["delivery_groups.tenant_id", "delivery_groups.id"], **_LATER),
        ForeignKeyConstraint(["tenant_id", "sku"], ["skus.tenant_id", "skus.code"]),
        Index("uq_order_lines_position", "tenant_id", "order_id", "position", unique=True),
        Index("uq_order_lines_external_id", "tenant_id", "order_id", "external_id", unique=True),
        Index("ix_order_lines_sku", "tenant_id", "sku"),
        Index(
            "ix_order_lines_backordered",
            "tenant_id",
            "order_id",
            sqlite_where=text("backordered > 0"),
            postgresql_where=text("backordered > 0"),
        ),
        CheckConstraint(
            "pending + backordered + reserved + allocated + shipped + delivered + returned + cancelled = quantity",
            name="units",
        ),
        CheckConstraint("pending >= 0", name="pending"),
        CheckConstraint("backordered >= 0", name="backordered"),
        CheckConstraint("reserved >= 0", name="reserved"),
        CheckConstraint("allocated >= 0", name="allocated"),
        CheckConstraint("shipped >= 0", name="shipped"),
        CheckConstraint("delivered >= 0", name="delivered"),
        CheckConstraint("returned >= 0", name="returned"),
        CheckConstraint("cancelled >= 0", name="cancelled"),
        CheckConstraint("quantity >= 1", name="quantity"),
        CheckConstraint("unit_price_minor >= 0", name="unit_price"),
    )
    order_id: UUID
    group_id: UUID
    position: int
    sku: str
    kind: SkuKind = Field(sa_type=Choice(SkuKind))
    components: list[list[Any]] = Field(sa_type=Json)
    external_id: str | None = None
    quantity: int = Field(sa_type=BigInteger)
    pending: int = Field(default=0, sa_type=BigInteger)
    backordered: int = Field(default=0, sa_type=BigInteger)
    reserved: int = Field(default=0, sa_type=BigInteger)
    allocated: int = Field(default=0, sa_type=BigInteger)
    shipped: int = Field(default=0, sa_type=BigInteger)
    delivered: int = Field(default=0, sa_type=BigInteger)
    returned: int = Field(default=0, sa_type=BigInteger)
    cancelled: int = Field(default=0, sa_type=BigInteger)
    currency: str
    unit_price_minor: int = Field(sa_type=BigInteger)
    discount_minor: int = Field(default=0, sa_type=BigInteger)
    included_discount_minor: int = Field(default=0, sa_type=BigInteger)
    tax_minor: int = Field(default=0, sa_type=BigInteger)
    included_tax_minor: int = Field(default=0, sa_type=BigInteger)
    fee_minor: int = Field(default=0, sa_type=BigInteger)
    promised_on: date | None = None
    requested_on: date | None = None
    may_arrive_earlier: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class LineRefusal(SQLModel, table=True):
    """A location has said no to units of a line so many times; the line is not given to it again by itself."""

    __tablename__ = "order_line_refusals"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "line_id"], ["order_lines.tenant_id", "order_lines.id"]),
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
        Index("ix_order_line_refusals_line", "tenant_id", "line_id"),
        Index("ix_order_line_refusals_location", "tenant_id", "location_id"),
        CheckConstraint("times >= 1", name="times"),
    )
    tenant_id: UUID = Field(primary_key=True)
    order_id: UUID = Field(primary_key=True)
    line_id: UUID = Field(primary_key=True)
    location_id: UUID = Field(primary_key=True)
    times: int


class OrderAttention(SQLModel, table=True):
    """An order waits for a person, since when and why; gone as soon as the cause is."""

    __tablename__ = "order_attentions"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),)
    tenant_id: UUID = Field(primary_key=True)
    order_id: UUID = Field(primary_key=True)
    kind: AttentionKind = Field(sa_type=Choice(AttentionKind), primary_key=True)
    since: datetime = Field(sa_type=Instant)


class OrderAdjustment(Keyed, table=True):
    """A discount, tax or fee as it was sent, on a line or (`line_id` null) on the order as a whole. Never negative."""

    __tablename__ = "order_adjustments"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], **_LATER),
        ForeignKeyConstraint(["tenant_id", "line_id"], ["order_lines.tenant_id", "order_lines.id"], **_LATER),
        Index("uq_order_adjustments_position", "tenant_id", "order_id", "position", unique=True),
        Index("ix_order_adjustments_line", "tenant_id", "line_id"),
        CheckConstraint("amount_minor >= 0", name="amount"),
    )
    order_id: UUID
    line_id: UUID | None = None
    position: int
    kind: AdjustmentKind = Field(sa_type=Choice(AdjustmentKind))
    label: str
    amount_minor: int = Field(sa_type=BigInteger)
    included: bool


class SourcingWave(Keyed, table=True):
    """Many orders planned again together: what was asked, how it went, and every change that it proposed.

    `asked` is `service.wave.Asked` as data; `changes` are `service.wave.Change`s as data, by order. Costs are minor
    units of `currency` and count units that wait by the weight of their strategy. `attempts` counts how often it was
    begun, `beat_at` is when it last was seen alive.
    """

    __tablename__ = "sourcing_waves"
    __table_args__ = (
        Index(
            "ix_sourcing_waves_running",
            "beat_at",
            sqlite_where=text("state = 'RUNNING'"),
            postgresql_where=text("state = 'RUNNING'"),
        ),
        CheckConstraint("(state = 'RUNNING') = (finished_at IS NULL)", name="finished"),
        CheckConstraint("attempts >= 0 AND orders >= 0 AND left_out >= 0", name="counts"),
        CheckConstraint("bound_minor <= cost_after_minor AND cost_after_minor <= cost_before_minor", name="costs"),
    )
    state: WaveState = Field(sa_type=Choice(WaveState))
    dry_run: bool
    asked: dict[str, Any] = Field(sa_type=Json)
    currency: str
    orders: int = 0
    left_out: int = 0
    waiting_before: int = Field(default=0, sa_type=BigInteger)
    waiting_after: int = Field(default=0, sa_type=BigInteger)
    cost_before_minor: int = Field(default=0, sa_type=BigInteger)
    cost_after_minor: int = Field(default=0, sa_type=BigInteger)
    bound_minor: int = Field(default=0, sa_type=BigInteger)
    changes: list[dict[str, Any]] = Field(default=[], sa_type=Json)
    error: str | None = None
    attempts: int = 0
    beat_at: datetime = Field(sa_type=Instant)
    created_at: datetime = Field(sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
