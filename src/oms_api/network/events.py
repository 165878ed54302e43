"""Facts of the network. They carry handles and kinds, never a name or an address."""

from dataclasses import dataclass

from oms_api.kit.events import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationCreated(Fact):
    """A place that holds or receives goods is known from now on."""

    handle: str
    kind: str
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationUpdated(Fact):
    """Something about a location changed; `changes` names the fields."""

    handle: str
    kind: str
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelCreated(Fact):
    """There is a new place where things are sold."""

    handle: str
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelUpdated(Fact):
    """Something about a channel changed; `changes` names the fields."""

    handle: str
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarCreated(Fact):
    """There is a calendar of closed days."""

    handle: str
    country: str | None
    region: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarUpdated(Fact):
    """Something about a calendar changed, its days too; `changes` names the fields."""

    handle: str
    country: str | None
    region: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierServiceCreated(Fact):
    """There is another way to send parcels."""

    handle: str
    carrier: str
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierServiceUpdated(Fact):
    """Something about a carrier service changed; `changes` names the fields."""

    handle: str
    carrier: str
    active: bool
