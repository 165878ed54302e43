"""Facts of allocation."""

from dataclasses import dataclass
from typing import Any

from oms_api.kit.events import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandClassChanged(Fact):
    """A demand class is known from now on, or something about it changed."""

    handle: str
    rank: int
    parent: str | None
    channels: list[str]
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationChanged(Fact):
    """Shares of a SKU were put; `shares` is empty when it is rationed no more."""

    sku: str
    location_id: str | None
    starts_on: str | None
    ends_on: str | None
    basis: str
    shares: list[dict[str, Any]]
