"""An order as it is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from oms_api.kit.errors import Path, Refusal
from oms_api.orders.models import AdjustmentKind
from oms_api.payments import ExternalState
from oms_api.promising import DeliveryMethod, Line, ShortagePolicy

INPUT: Path = ("input",)


class Amount(Protocol):
    """Money as it was sent."""

    def minor(self, path: Path, currency: str | None = None) -> int:
        """In minor units, not negative. Raises InvalidAmount."""


@dataclass(frozen=True, slots=True)
class NewAdjustment:
    kind: AdjustmentKind
    label: str
    amount: Amount
    included: bool


@dataclass(frozen=True, slots=True)
class NewLine:
    sku: str
    quantity: int
    unit_price: Amount | None = None
    group: str | None = None
    external_id: str | None = None
    adjustments: Sequence[NewAdjustment] = ()
    requested_on: date | None = None


@dataclass(frozen=True, slots=True)
class NewGroup:
    """`path` leads to where the caller sent it; `address` as in `network`; `pickup` is a handle."""

    key: str
    method: DeliveryMethod
    address: dict[str, Any] | None
    pickup: str | None
    path: Path


@dataclass(frozen=True, slots=True)
class NewPayment:
    method: str
    amount: Amount
    state: ExternalState
    reference: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """`problems` are those that the reading of the input has found already."""

    channel: str
    lines: Sequence[NewLine]
    groups: Sequence[NewGroup]
    named_groups: bool
    on_shortage: ShortagePolicy = ShortagePolicy.REJECT
    has_key: bool = False
    dry_run: bool = False
    auto_confirm: bool = True
    external_id: str | None = None
    promise_token: str | None = None
    reservation_id: UUID | None = None
    placed_at: datetime | None = None
    email: str | None = None
    phone: str | None = None
    customer_external_id: str | None = None
    customer_group: str | None = None
    demand_class: str | None = None
    billing_address: dict[str, Any] | None = None
    shipping_charge: Amount | None = None
    adjustments: Sequence[NewAdjustment] = ()
    payments: Sequence[NewPayment] = ()
    metadata: Mapping[str, Any] | None = None
    requested_on: date | None = None
    may_arrive_earlier: bool = False
    problems: Sequence[Refusal] = ()

    def wanted(self, i: int) -> Line:
        """Line i as it is promised: with its own wanted date, else the order's."""
        line = self.lines[i]
        day = line.requested_on or self.requested_on
        return Line(line.sku, line.quantity, day, self.may_arrive_earlier and day is not None)
