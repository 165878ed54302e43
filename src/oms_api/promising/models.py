"""Words of promising, and its one table: positions, supplies and reservations are inventory's."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from oms_api.kit import ids
from oms_api.kit.db import Choice, Instant, Json, Keyed

ATP_RULE = ids.Prefix("atr")


class AtpMode(StrEnum):
    INFINITE = "INFINITE"
    LEAD_TIME = "LEAD_TIME"
    CUMULATIVE = "CUMULATIVE"
    PERIOD = "PERIOD"
    DISCRETE = "DISCRETE"


class GeneratorKind(StrEnum):
    TRANSFER = "TRANSFER"
    DROP_SHIP = "DROP_SHIP"
    MAKE = "MAKE"


class AtpRule(Keyed, table=True):
    """How ATP is worked out for some SKUs, or (none named) for every SKU that no other active rule names.

    Days; null is no fence. `generators` are `{kind, location, leadDays, perDay, openDays, components}` in the order in
    which equals are asked, every key present: `location` a handle (TRANSFER), `openDays` ISO weekdays, `components`
    `[[code, quantity], …]` (MAKE).
    """

    __tablename__ = "atp_rules"
    __table_args__ = (
        Index("uq_atp_rules_handle", "tenant_id", "handle", unique=True),
        CheckConstraint("past_due_supply_days >= 0", name="past_due_supply_days"),
        CheckConstraint("past_due_demand_days >= 0", name="past_due_demand_days"),
        CheckConstraint("delayed_offset_days >= 0", name="delayed_offset_days"),
        CheckConstraint("horizon_days >= 0", name="horizon_days"),
        CheckConstraint("lead_time_days >= 0", name="lead_time_days"),
        CheckConstraint("period_days >= 1", name="period_days"),
        CheckConstraint("accumulation_periods >= 0", name="accumulation_periods"),
    )
    handle: str
    skus: list[str] = Field(sa_type=Json)
    mode: AtpMode = Field(sa_type=Choice(AtpMode))
    past_due_supply_days: int | None = None
    past_due_demand_days: int | None = None
    delayed_offset_days: int
    horizon_days: int | None = None
    lead_time_days: int | None = None
    period_days: int
    consume_backward: bool
    consume_forward: bool
    accumulation_periods: int | None = None
    generators: list[dict[str, Any]] = Field(sa_type=Json)
    active: bool
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class AvailabilityStatus(StrEnum):
    IN_STOCK = "IN_STOCK"
    LOW = "LOW"
    BACKORDER = "BACKORDER"
    OUT_OF_STOCK = "OUT_OF_STOCK"


class ShortagePolicy(StrEnum):
    REJECT = "REJECT"
    BACKORDER = "BACKORDER"
    PARTIAL = "PARTIAL"


class DeliveryMethod(StrEnum):
    SHIPPING = "SHIPPING"
    PICKUP = "PICKUP"
    DIGITAL = "DIGITAL"
    SERVICE = "SERVICE"


class Line(NamedTuple):
    """Units wanted of a SKU, as it is sold: a kit is named, not its components.

    `requested_on` is the date of arrival that is wanted, None as soon as it can be; with `early` it may arrive before
    when nothing arrives on that day.
    """

    sku: str
    quantity: int
    requested_on: date | None = None
    early: bool = False


class Destination(NamedTuple):
    """Where to: ISO 3166-1 alpha-2 country and postal code; coordinates, both or none, when the caller knows them."""

    country: str
    postal_code: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class Generated(NamedTuple):
    """Units of a SKU that its ATP rule brings to a location beyond ATP, announced only when they are held.

    `generator` is which of the rule's generators, from 1 on; 0 its mode. Of a promise `id` stands for the supply that
    units wait for; `capacity_on` is the day whose `perDay` they take, None when there is none. `takes` is what one is
    made or moved from: (SKU, location, units). INFINITE units are on hand when they are held.
    """

    id: UUID
    rule: str
    generator: int
    kind: str
    sku: str
    location_id: UUID
    quantity: int
    expected_at: datetime
    capacity_on: date | None = None
    takes: tuple[tuple[str, UUID, int], ...] = ()

    @property
    def waits(self) -> bool:
        """Whether units wait for it, as for a supply."""
        return self.kind != AtpMode.INFINITE

    @property
    def origin(self) -> str:
        """What brings it, as the supply says."""
        return f"{self.rule}/{self.kind}/{self.generator}"


class PlannedUnits(NamedTuple):
    """Units of one stocked SKU in a parcel. `line_index` is the line that wants them (of a kit: its component's units);
    `supply_id` the supply that they wait for, or what a rule generates; None when they are on hand."""

    sku: str
    quantity: int
    line_index: int
    supply_id: UUID | None = None


class Parcel(NamedTuple):
    """What one location sends, or hands over, together. `service` None for pick-up; `delivered_by` the local date of
    arrival, or from which it can be collected."""

    location_id: UUID
    method: DeliveryMethod
    service: str | None
    ship_by: datetime
    delivered_by: date
    lines: tuple[PlannedUnits, ...]
    works_on: date | None = None
    """Local date whose capacity of the location it takes; None: the location has no limits."""


class Told(NamedTuple):
    """How a promise was decided: by which version of a policy and of the planner, what it is best at, for which
    customer group, and what it costs, in minor units. A token carries it encrypted: costs are not for every reader."""

    policy: str
    number: int
    engine: int
    objective: str
    customer_group: str | None
    costs: list[int]
    """By parcel."""
    terms: dict[str, int]
    penalties: dict[str, int]
    score: int
    bound: int
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """A plan that can be held: what a token carries. Lines without units in any parcel are digital, services or short.

    `channel` is its handle; `pickup` the location where all is collected, None when it is sent.
    """

    channel: str
    lines: tuple[Line, ...]
    destination: Destination | None
    pickup: UUID | None
    parcels: tuple[Parcel, ...]
    expires_at: datetime
    imagined: bool = False
    """Made from assumptions: it can be looked at, never held."""
    rationed: bool = False
    """The tenant has demand classes: what is held is counted for `demand_class`, None being demand without one."""
    demand_class: str | None = None
    told: Told | None = None
    """Only of a token that was opened."""
    generated: tuple[Generated, ...] = ()
    """What ATP rules bring for it."""

    @property
    def delivered_by(self) -> date | None:
        """Last arrival; None when nothing is sent or collected."""
        return max((parcel.delivered_by for parcel in self.parcels), default=None)
