"""Locations and channels in the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import UNSET

from oms_api.kit.db import Tx
from oms_api.kit.errors import Path, Refusal
from oms_api.kit.graphql import (
    CountryCode,
    CurrencyCode,
    HasMetadata,
    Info,
    MetadataEntryInput,
    Outcome,
    Payload,
    argument,
    describe_enum,
    field,
    found_by,
    given,
    mutation,
    node_type,
    query,
)
from oms_api.network import models, queries, rules, service
from oms_api.network.models import CHANNEL, LOCATION, LocationKind, PaymentRule, SourcingObjective
from oms_api.network.queries import Network

describe_enum(
    SourcingObjective,
    "What a plan must be best at.",
    CHEAPEST="Least total cost, lateness priced in.",
    FASTEST="Earliest last arrival, then cheapest.",
    FEWEST_SHIPMENTS="Fewest shipments, then cheapest.",
    BALANCED="Cost, with full locations made dearer.",
    MOST_PROFITABLE="Least total cost and unit cost by location: what the lines earn at most (profitable-to-promise).",
)
describe_enum(
    LocationKind,
    "What a location is.",
    WAREHOUSE="Warehouse or distribution centre.",
    STORE="Shop: ships, hands over, takes returns.",
    SUPPLIER="Supplier that ships to the customer itself.",
    THIRD_PARTY="Warehouse of a logistics partner.",
)
describe_enum(
    PaymentRule,
    "When an order may be confirmed.",
    AUTHORIZED="Authorized or captured in full.",
    CAPTURED="Captured in full.",
    NONE="At once: paid later, on account or on delivery.",
)


@strawberry.type(description="A postal address.")
class Address:
    name: str = field(description="Name.")
    lines: list[str] = field(description="Lines 1-3.")
    city: str = field(description="City.")
    region: str | None = field(description="Region code.")
    postal_code: str | None = field(description="Postal code.")
    country: CountryCode = field(description="Country.")
    company: str | None = field(description="Company.")
    phone: str | None = field(description="E.164 phone for the carrier.")
    latitude: float | None = field(description="Degrees, when it was sent.")
    longitude: float | None = field(description="Degrees, when it was sent.")


@strawberry.input(description="A postal address.")
class AddressInput:
    name: str = field(description="Name.")
    lines: list[str] = field(description="Lines 1-3.")
    city: str = field(description="City.")
    region: str | None = field(default=UNSET, description="Region code.")
    postal_code: str | None = field(default=UNSET, description="Postal code.")
    country: CountryCode = field(description="Country.")
    company: str | None = field(default=UNSET, description="Company.")
    phone: str | None = field(default=UNSET, description="E.164 phone for the carrier.")
    latitude: float | None = field(
        default=UNSET, description="Degrees, of where to send to; with `longitude`, distances go by it."
    )
    longitude: float | None = field(default=UNSET, description="Degrees, with `latitude`.")


def address_of(stored: Mapping[str, Any] | None) -> Address | None:
    """An address as a row holds it: every key of `address_json`."""
    if stored is None:
        return None
    return Address(
        name=stored["name"],
        lines=stored["lines"],
        city=stored["city"],
        region=stored["region"],
        postal_code=stored["postalCode"],
        country=CountryCode(stored["country"]),
        company=stored["company"],
        phone=stored["phone"],
        latitude=stored.get("latitude"),
        longitude=stored.get("longitude"),
    )


def address_json(sent: AddressInput, path: Path, problems: list[Refusal]) -> dict[str, Any]:
    """What a row stores of an address, every key present; what is wrong with it is added to `problems`."""
    address = _plain(sent)
    rules.check_address(address, path, problems)
    return address


def _plain(sent: AddressInput) -> dict[str, Any]:
    return {
        "name": sent.name,
        "lines": sent.lines,
        "city": sent.city,
        "region": sent.region or None,
        "postalCode": sent.postal_code or None,
        "country": sent.country,
        "company": sent.company or None,
        "phone": sent.phone or None,
        # only where sent: what was stored without them stays equal
        **{name: value for name in ("latitude", "longitude") if isinstance(value := getattr(sent, name), float)},
    }


@strawberry.type(description="A place that holds or receives goods.")
class Location(HasMetadata):
    row: strawberry.Private[models.Location]
    handle: str = field(description="Your name for it, unique.")
    name: str = field(description="Name.")
    kind: LocationKind = field(description="What it is.")
    timezone: str = field(description="IANA zone.")
    address: Address | None = field(description="Where.")
    active: bool = field(description="Whether it takes new work.")
    ships: bool = field(description="May send parcels.")
    pickup: bool = field(description="Customers may collect.")
    accepts_returns: bool = field(description="Takes returns.")
    tags: list[str] = field(description="Words that sourcing rules go by: `hazmat`, `cold`.")
    open_days: list[int] = field(description="Weekdays open, ISO 1-7.")
    cut_off: time | None = field(description="Local time after which work starts the next open day.")
    processing_days: int = field(description="Open days from order to carrier.")
    daily_capacity: int | None = field(description="Orders a day at most.")
    safety_stock: int = field(description="Units never promised, per SKU.")


def location_of(row: models.Location) -> Location:
    return Location(
        row=row,
        id=strawberry.ID(LOCATION(row.id)),
        entries=row.entries,
        handle=row.handle,
        name=row.name,
        kind=row.kind,
        timezone=row.timezone,
        address=address_of(row.address),
        active=row.active,
        ships=row.ships,
        pickup=row.pickup,
        accepts_returns=row.accepts_returns,
        tags=row.tags or [],
        open_days=row.open_days,
        cut_off=time.fromisoformat(row.cut_off) if row.cut_off else None,
        processing_days=row.processing_days,
        daily_capacity=row.daily_capacity,
        safety_stock=row.safety_stock,
    )


@strawberry.type(description="A place where things are sold.")
class Channel(HasMetadata):
    channel_id: strawberry.Private[UUID]
    served_by: strawberry.Private[Sequence[models.Location] | None]
    handle: str = field(description="Your name for it, unique.")
    name: str = field(description="Name.")
    currency: CurrencyCode = field(description="What it sells in.")
    payment_rule: PaymentRule = field(description="When an order may be confirmed.")
    threshold: int = field(description="Units withheld from it, per SKU.")
    objective: SourcingObjective = field(description="What a plan must be best at.")
    max_shipments: int | None = field(description="Shipments an order may be split into at most.")
    max_reassignments: int = field(
        description="How often units of a line are given to another location when one says no; then they wait for a "
        "person. 3 unless set."
    )
    payment_window_seconds: int = field(description="Seconds an unpaid order may hold its units; 86,400 unless set.")

    @field(description="Locations that serve it, preferred first.")
    async def locations(self, info: Info) -> list[Location]:
        rows = self.served_by
        if rows is None:
            network = await info.context.load(queries.networks_by_id, self.channel_id)
            rows = network.locations if network else ()
        return [location_of(row) for row in rows]


def channel_of(known: Network | models.Channel) -> Channel:
    """From a channel's row, or from its network when the locations are at hand."""
    row, served_by = (known.channel, known.locations) if isinstance(known, Network) else (known, None)
    return Channel(
        id=strawberry.ID(CHANNEL(row.id)),
        entries=row.entries,
        channel_id=row.id,
        served_by=served_by,
        handle=row.handle,
        name=row.name,
        currency=CurrencyCode(row.currency),
        payment_rule=row.payment_rule,
        threshold=row.threshold,
        objective=row.objective,
        max_shipments=row.max_shipments,
        max_reassignments=row.max_reassignments,
        payment_window_seconds=row.payment_window_s,
    )


node_type(LOCATION, Location, scope="network:read", find=found_by(queries.locations_by_id, location_of))
node_type(CHANNEL, Channel, scope="network:read", find=found_by(queries.channels_by_id, channel_of))


@strawberry.input(
    description="Create or, by handle, change a location: an absent field stays as it is, null clears it."
)
class LocationInput:
    handle: str = field(description="Handle.")
    name: str = field(description="Name.")
    kind: strawberry.Maybe[LocationKind | None] = field(description="What it is; WAREHOUSE for a new one.")
    timezone: strawberry.Maybe[str | None] = field(description="IANA zone; UTC for a new one.")
    address: strawberry.Maybe[AddressInput | None] = field(description="Where.")
    latitude: strawberry.Maybe[float | None] = field(description="Degrees north; from the postal code when absent.")
    longitude: strawberry.Maybe[float | None] = field(description="Degrees east.")
    ships: strawberry.Maybe[bool | None] = field(description="May send parcels; true for a new one.")
    pickup: strawberry.Maybe[bool | None] = field(description="Customers may collect; false for a new one.")
    accepts_returns: strawberry.Maybe[bool | None] = field(description="Takes returns; true for a new one.")
    tags: strawberry.Maybe[list[str] | None] = field(
        description="Words that sourcing rules go by: `hazmat`, `cold`; 50 at most."
    )
    open_days: strawberry.Maybe[list[int] | None] = field(description="Weekdays open, ISO 1-7; 1 to 5 for a new one.")
    cut_off: strawberry.Maybe[time | None] = field(
        description="Local time after which work starts the next open day, `14:00`."
    )
    processing_days: strawberry.Maybe[int | None] = field(
        description="Open days from order to carrier; 0 for a new one."
    )
    daily_capacity: strawberry.Maybe[int | None] = field(description="Orders a day at most.")
    safety_stock: strawberry.Maybe[int | None] = field(description="Units never promised, per SKU; 0 for a new one.")
    active: strawberry.Maybe[bool | None] = field(description="Takes new work; true for a new one.")
    metadata: strawberry.Maybe[list[MetadataEntryInput] | None] = field(description="Metadata.")


@strawberry.input(description="Up to 250 locations, all or none.")
class LocationPutInput:
    locations: list[LocationInput] = field(description="Locations.")


@strawberry.type(description="Answer.")
class LocationPayload(Payload):
    locations: list[Location] = field(default_factory=list, description="In the order asked.")

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> LocationPayload:
        rows = await info.context.load_many(queries.locations_by_id, outcome.ids)
        return LocationPayload(locations=[location_of(row) for row in rows if row])


@strawberry.input(description="Create or, by handle, change a channel: an absent field stays as it is, null clears it.")
class ChannelInput:
    handle: str = field(description="Handle.")
    name: str = field(description="Name.")
    currency: CurrencyCode = field(description="What it sells in.")
    locations: list[str] = field(description="Handles, preferred first.")
    payment_rule: strawberry.Maybe[PaymentRule | None] = field(
        description="When an order may be confirmed; AUTHORIZED for a new one."
    )
    threshold: strawberry.Maybe[int | None] = field(
        description="Units withheld from this channel, per SKU, after adding up its locations."
    )
    objective: strawberry.Maybe[SourcingObjective | None] = field(
        description="What a plan must be best at; CHEAPEST for a new one."
    )
    max_shipments: strawberry.Maybe[int | None] = field(description="Shipments an order may be split into at most.")
    max_reassignments: strawberry.Maybe[int | None] = field(
        description="How often units of a line are given to another location when one says no; 3 for a new one."
    )
    metadata: strawberry.Maybe[list[MetadataEntryInput] | None] = field(description="Metadata.")
    payment_window_seconds: strawberry.Maybe[int | None] = field(
        description="Seconds an unpaid order may hold its units; 86,400 unless set."
    )


@strawberry.input(description="Up to 50 channels, all or none.")
class ChannelPutInput:
    channels: list[ChannelInput] = field(description="Channels.")


@strawberry.type(description="Answer.")
class ChannelPayload(Payload):
    channels: list[Channel] = field(default_factory=list, description="In the order asked.")

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> ChannelPayload:
        rows = await info.context.load_many(queries.channels_by_id, outcome.ids)
        return ChannelPayload(channels=[channel_of(row) for row in rows if row])


def _location_change(sent: LocationInput) -> dict[str, Any]:
    change = given(sent)
    if change.get("address") is not None:
        change["address"] = _plain(change["address"])
    if change.get("cut_off") is not None:
        change["cut_off"] = change["cut_off"].strftime("%H:%M")
    return change


def _channel_change(sent: ChannelInput) -> dict[str, Any]:
    change = given(sent)
    if "payment_window_seconds" in change:
        change["payment_window_s"] = change.pop("payment_window_seconds")
    return change


@strawberry.type
class Query:
    @query(description="A location by its handle.", scope=["network:read"])
    async def location(self, info: Info, handle: Annotated[str, argument("Its handle.")]) -> Location | None:
        row = await info.context.load(queries.locations_by_handle, handle)
        return location_of(row) if row else None

    @query(description="A channel by its handle.", scope=["network:read"])
    async def channel(self, info: Info, handle: Annotated[str, argument("Its handle.")]) -> Channel | None:
        row = await info.context.load(queries.channels_by_handle, handle)
        return channel_of(row) if row else None


@strawberry.type
class Mutation:
    @mutation(LocationPayload, description="Create or change locations.", scope=["network:write"])
    async def location_put(tx: Tx, input: LocationPutInput) -> Outcome:
        rows = await service.put_locations(tx, [_location_change(sent) for sent in input.locations])
        return Outcome(ids=[row.id for row in rows], rows=[(queries.locations_by_id, row.id, row) for row in rows])

    @mutation(ChannelPayload, description="Create or change channels.", scope=["network:write"])
    async def channel_put(tx: Tx, input: ChannelPutInput) -> Outcome:
        rows = await service.put_channels(tx, [_channel_change(sent) for sent in input.channels])
        return Outcome(ids=[row.id for row in rows], rows=[(queries.channels_by_id, row.id, row) for row in rows])
