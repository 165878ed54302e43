"""Facts of the catalog."""

from dataclasses import dataclass

from oms_api.kit.events import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuCreated(Fact):
    """A SKU can be ordered from now on."""

    code: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuUpdated(Fact):
    """What ordering knows of a SKU changed; `changes` names the fields."""

    code: str
    kind: str
