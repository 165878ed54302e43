"""Facts of the orders. Amounts are minor units of `currency`; lines are `[{lineId, sku, quantity}]`."""

from dataclasses import dataclass

from oms_api.kit.events import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCreated(Fact):
    """An order was placed; its units are held."""

    number: str
    channel: str
    lines: list[dict[str, str | int]]
    total_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderConfirmed(Fact):
    """An order is committed: work may begin and money may be taken."""

    number: str
    total_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBackordersFilled(Fact):
    """Stock came for units that waited for it: they are held now."""

    lines: list[dict[str, str | int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAttentionNeeded(Fact):
    """An order waits for a person: why, and which units."""

    kind: str
    lines: list[dict[str, str | int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderShipped(Fact):
    """The last unit of an order left."""

    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCompleted(Fact):
    """Everything arrived and nothing is owed either way."""

    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCancelled(Fact):
    """Units were cancelled; `whole` when none is left."""

    number: str
    reason: str
    lines: list[dict[str, str | int]]
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLapsed(Fact):
    """An unpaid order came to the end of its channel's payment window and was cancelled."""

    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcingWaveStarted(Fact):
    """A wave was asked for: many orders are planned again together."""

    dry_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcingWaveFinished(Fact):
    """A wave is over: how many orders it looked at, and how many of them have other units now."""

    state: str
    orders: int
    changed: int
