"""Facts of the stock ledger. `lines` are `[{sku, locationId, quantity}, …]`."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from oms_api.kit.events import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryAdjusted(Fact):
    """Units came to a bucket of a position or left it. `on_hand` is what can be used there now."""

    sku: str
    location_id: str
    bucket: str
    delta: int
    on_hand: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryCounted(Fact):
    """Units were counted: `counted`, where the books said `booked`. The difference is booked by `inventory.adjusted`,
    unless `recount`: then it waits for a second count."""

    sku: str
    location_id: str
    bucket: str
    counted: int
    booked: int
    reason: str
    recount: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryRuleChanged(Fact):
    """Other units are kept back, or allowed a day, from now on; `units` null: the rule is gone."""

    handle: str
    kind: str
    sku: str
    units: int | None
    location_id: str | None = None
    method: str | None = None
    channel: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryShort(Fact):
    """More is promised from a position, or from a supply when one is named, than is there: `short` units of it."""

    sku: str
    location_id: str
    short: int
    supply_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyAnnounced(Fact):
    """Stock is expected. `origin` is what brings it, when it was announced because units of it were sold."""

    reference: str
    sku: str
    location_id: str
    kind: str
    quantity: int
    expected_at: datetime
    confident_at: datetime | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyUnclaimed(Fact):
    """Of a supply that was announced because units of it were sold, `quantity` units are wanted by nobody any more."""

    reference: str
    sku: str
    location_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyChanged(Fact):
    """Another quantity or another day is expected; a quantity of 0 withdraws the supply."""

    reference: str
    sku: str
    location_id: str
    kind: str
    quantity: int
    expected_at: datetime
    confident_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyLate(Fact):
    """Units that promises lean on are not there when they were due: `quantity` of them. Told once a date."""

    reference: str
    sku: str
    location_id: str
    quantity: int
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyReceived(Fact):
    """Units of a supply arrived; `quantity` are still to come."""

    reference: str
    sku: str
    location_id: str
    arrived: int
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationCreated(Fact):
    """Units are held for a demand."""

    lines: list[dict[str, Any]]
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationExtended(Fact):
    """Units are held longer."""

    expires_at: datetime
    lines: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationAdopted(Fact):
    """An order took a cart's reservation over; it does not expire any more."""

    lines: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationReleased(Fact):
    """Units that were held can be promised again."""

    lines: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationExpired(Fact):
    """Nobody took the reservation in time; its units can be promised again."""

    lines: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationFilled(Fact):
    """Supply arrived: these units of the reservation are now on hand, held there for the same demand."""

    lines: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationMoved(Fact):
    """Units are held at another location for the same demand: `lines` say where now (`locationId`), and where they were
    (`fromLocationId`). `pinned`: they had been held for the channel as a whole."""

    lines: list[dict[str, Any]]
    pinned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationShort(Fact):
    """Units that were held are not there after all, and are held no more."""

    lines: list[dict[str, Any]]
    supply_id: str | None = None
