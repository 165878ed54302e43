"""Facts of promising."""

from dataclasses import dataclass
from datetime import date

from oms_api.kit.events import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class AtpRuleCreated(Fact):
    """There is a new rule for what can be promised by when; `skus` names no SKU when it is for all others."""

    handle: str
    mode: str
    skus: list[str]
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AtpRuleUpdated(Fact):
    """Something about a rule for what can be promised by when changed; `changes` names the fields."""

    handle: str
    mode: str
    skus: list[str]
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseChanged(Fact):
    """Units of an order line arrive on another day than was promised, or on none that is known. `reason` is a code:
    `supply_changed`, `supply_late`, `stock_short`, `stock_found` (units that waited are planned), `wave`."""

    line_id: str
    sku: str
    old: date | None
    new: date | None
    reason: str
    supply_id: str | None = None
