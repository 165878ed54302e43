"""Facts of returns. `lines` are `{lineId, sku, quantity}`: the return line and units; amounts are minor units."""

from dataclasses import dataclass
from typing import Any

from oms_api.kit.events import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnRequested(Fact):
    """A customer wants to send units back."""

    order_id: str
    number: str
    lines: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnApproved(Fact):
    """A return was allowed."""

    order_id: str
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnDeclined(Fact):
    """A return was refused."""

    order_id: str
    number: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnExpired(Fact):
    """A return was not answered, or its units did not come, in time."""

    order_id: str
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnReceived(Fact):
    """Units arrived, or were inspected; `disposition` of a line is null for what is to be inspected later.

    `credited_minor` was taken off what the customer owes, `due_minor` of it is given back.
    """

    order_id: str
    number: str
    location_id: str
    lines: list[dict[str, Any]]
    credited_minor: int
    due_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnClosed(Fact):
    """Everything arrived, was inspected, and its money was given back."""

    order_id: str
    number: str
    refunded_minor: int
    currency: str
