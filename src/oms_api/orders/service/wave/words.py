"""What is asked of a wave, and what it comes to for an order: as data, kept with its row."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from oms_api.orders.models import Order
from oms_api.sourcing import WaveStrategy


class WaveUnits(StrEnum):
    """Which units a wave looks at."""

    BACKORDERS = "BACKORDERS"
    ALL = "ALL"


class WaveOutcome(StrEnum):
    """What became of a proposed change."""

    PROPOSED = "PROPOSED"
    COMMITTED = "COMMITTED"
    SKIPPED = "SKIPPED"


class Segment(NamedTuple):
    """Orders that a strategy is for: all that is said must hold, what is not said holds for all."""

    strategy: WaveStrategy
    customer_groups: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    value_at_least_minor: int | None = None
    older_than_days: int | None = None

    def fits(self, order: Order, channel: str, at: datetime) -> bool:
        return (
            (not self.customer_groups or order.customer_group in self.customer_groups)
            and (not self.channels or channel in self.channels)
            and (self.value_at_least_minor is None or order.total_minor >= self.value_at_least_minor)
            and (self.older_than_days is None or order.placed_at <= at - timedelta(days=self.older_than_days))
        )


class Asked(NamedTuple):
    """A wave as it was asked for. `per_day_late_minor`: what a day by which a parcel comes sooner is worth."""

    channels: tuple[str, ...]
    units: WaveUnits
    placed_since: datetime | None
    skus: tuple[str, ...]
    segments: tuple[Segment, ...]
    otherwise: WaveStrategy
    per_day_late_minor: int | None
    """None: as the policies say."""

    def strategy(self, order: Order, channel: str, at: datetime) -> WaveStrategy:
        """That of the first segment that fits."""
        return next((one.strategy for one in self.segments if one.fits(order, channel, at)), self.otherwise)

    def data(self) -> dict[str, Any]:
        return {
            **self._asdict(),
            "placed_since": self.placed_since.isoformat() if self.placed_since else None,
            "segments": [one._asdict() for one in self.segments],
        }

    @staticmethod
    def of(data: Mapping[str, Any]) -> "Asked":
        since = data["placed_since"]
        return Asked(
            channels=tuple(data["channels"]),
            units=WaveUnits(data["units"]),
            placed_since=datetime.fromisoformat(since) if since else None,
            skus=tuple(data["skus"]),
            segments=tuple(
                Segment(
                    WaveStrategy(one["strategy"]),
                    tuple(one["customer_groups"]),
                    tuple(one["channels"]),
                    one["value_at_least_minor"],
                    one["older_than_days"],
                )
                for one in data["segments"]
            ),
            otherwise=WaveStrategy(data["otherwise"]),
            per_day_late_minor=data["per_day_late_minor"],
        )


class Change(NamedTuple):
    """A line that gets other units than it has. `released` and `taken` are units on hand by location handle."""

    line_id: UUID
    sku: str
    released: Mapping[str, int]
    taken: Mapping[str, int]
    awaited_released: int
    waiting_before: int
    waiting_after: int
    promised_on: date | None
    new_promised_on: date | None

    def data(self) -> dict[str, Any]:
        return {
            **self._asdict(),
            "line_id": self.line_id.hex,
            "promised_on": _text(self.promised_on),
            "new_promised_on": _text(self.new_promised_on),
        }


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None


def row_of(order_id: UUID, strategy: WaveStrategy, lines: Sequence[Change]) -> dict[str, Any]:
    """A proposed change of an order, as a wave keeps it."""
    return {
        "order_id": order_id.hex,
        "strategy": strategy.value,
        "outcome": WaveOutcome.PROPOSED.value,
        "reason": None,
        "lines": [line.data() for line in lines],
    }
