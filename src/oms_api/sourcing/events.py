"""Facts of sourcing. They carry handles and numbers."""

from dataclasses import dataclass

from oms_api.kit.events import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcingPolicyPublished(Fact):
    """A policy has a new version. It decides nothing until it is promoted."""

    policy: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcingPolicyPromoted(Fact):
    """Another version of a policy decides from now on; `previous` is null for the first."""

    policy: str
    number: int
    previous: int | None
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcingShadowed(Fact):
    """A candidate runs beside the live version from now on; null: no more."""

    policy: str
    number: int | None
