"""Carrier services in the API."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from oms_api.kit.db import Tx
from oms_api.kit.errors import Path, Refusal, refuse
from oms_api.kit.graphql import (
    CountryCode,
    Info,
    Money,
    MoneyInput,
    Node,
    Outcome,
    Payload,
    add_field,
    argument,
    field,
    found_by,
    given,
    money_of,
    mutation,
    node_type,
    query,
)
from oms_api.network import models, queries, rules, service
from oms_api.network.graphql.places import Location, LocationPayload
from oms_api.network.models import CARRIER_SERVICE


@strawberry.type(description="Where a carrier service goes, and how long it takes.")
class CarrierZone:
    zone: str = field(description="The carrier's name for it; rates name it.")
    origin_zone: str | None = field(description="From locations with this origin zone; null: from all.")
    country: CountryCode | None = field(description="To this country; null: to all.")
    postal_from: str | None = field(description="To postal codes from this prefix on.")
    postal_to: str | None = field(description="To postal codes up to this prefix, included.")
    up_to_km: float | None = field(description="Up to this great-circle distance; null: however far.")
    transit_days: int = field(description="Business days in transit.")
    transit_days_p80: int | None = field(description="Business days in which four of five parcels arrive.")


@strawberry.type(description="What a parcel to a zone costs, up to a weight.")
class CarrierRate:
    zone: str = field(description="Zone.")
    valid_from: date | None = field(description="From this date on; null: always.")
    up_to_grams: int | None = field(description="Up to this weight; null: however heavy.")
    fixed: Money = field(description="A parcel.")
    per_kg: Money = field(description="A kilogram, by the gram.")


@strawberry.type(description="A way to send parcels.")
class CarrierService(Node):
    row: strawberry.Private[models.CarrierService]
    handle: str = field(description="Your name for it, unique; plans and shipments name it.")
    name: str = field(description="Name.")
    carrier: str = field(description="Who carries.")
    active: bool = field(description="Whether plans may use it.")
    business_days: list[int] = field(description="ISO weekdays that count in transit and on which it delivers.")
    pickup_days: list[int] = field(description="ISO weekdays on which it fetches.")
    last_pickup: time | None = field(description="Local time after which a parcel of the day waits; null: none waits.")
    calendars: list[str] = field(description="Handles of calendars with its holidays.")
    dim_divisor: int | None = field(description="Cubic centimetres that count as a kilogram.")

    @field(description="Where it goes.")
    async def zones(self) -> list[CarrierZone]:
        return [
            CarrierZone(
                zone=row["zone"],
                origin_zone=row["originZone"],
                country=row["country"],
                postal_from=row["postalFrom"],
                postal_to=row["postalTo"],
                up_to_km=row["upToKm"],
                transit_days=row["transitDays"],
                transit_days_p80=row["transitDaysP80"],
            )
            for row in self.row.zones
        ]

    @field(description="What it costs.")
    async def rates(self) -> list[CarrierRate]:
        return [
            CarrierRate(
                zone=row["zone"],
                valid_from=date.fromisoformat(row["validFrom"]) if row["validFrom"] else None,
                up_to_grams=row["upToGrams"],
                fixed=money_of(row["fixed"], row["currency"]),
                per_kg=money_of(row["perKg"], row["currency"]),
            )
            for row in self.row.rates
        ]


def service_of(row: models.CarrierService) -> CarrierService:
    return CarrierService(
        row=row,
        id=strawberry.ID(CARRIER_SERVICE(row.id)),
        handle=row.handle,
        name=row.name,
        carrier=row.carrier,
        active=row.active,
        business_days=row.business_days,
        pickup_days=row.pickup_days,
        last_pickup=time.fromisoformat(row.last_pickup) if row.last_pickup else None,
        calendars=row.holidays,
        dim_divisor=row.dim_divisor,
    )


node_type(CARRIER_SERVICE, CarrierService, scope="network:read", find=found_by(queries.services_by_id, service_of))


@strawberry.type(description="A carrier service as a location offers it.")
class LocationService:
    service: str = field(description="Handle of the carrier service.")
    pickup_days: list[int] | None = field(description="ISO weekdays on which it fetches here; null: as everywhere.")
    last_pickup: time | None = field(description="Local time of the last pick-up here; null: as everywhere.")


async def _location_services(self: Location) -> list[LocationService] | None:
    if self.row.services is None:
        return None
    return [
        LocationService(
            service=row["service"],
            pickup_days=row["pickupDays"],
            last_pickup=time.fromisoformat(row["lastPickup"]) if row["lastPickup"] else None,
        )
        for row in self.row.services
    ]


async def _origin_zone(self: Location) -> str | None:
    return self.row.origin_zone


add_field(
    Location,
    "services",
    field(_location_services, description="Carrier services that it offers; null: all of yours."),
)
add_field(Location, "origin_zone", field(_origin_zone, description="Its name in the zones of carrier services."))


@strawberry.input(description="Where a carrier service goes. The most specific zone of a destination counts.")
class CarrierZoneInput:
    zone: str = field(description="The carrier's name for it; rates name it.")
    origin_zone: str | None = field(default=UNSET, description="From locations with this origin zone only.")
    country: CountryCode | None = field(default=UNSET, description="To this country only.")
    postal_from: str | None = field(default=UNSET, description="To postal codes from this prefix on; needs `country`.")
    postal_to: str | None = field(default=UNSET, description="To postal codes up to this prefix, included.")
    up_to_km: float | None = field(default=UNSET, description="Up to this great-circle distance.")
    transit_days: int = field(description="Business days in transit, 0 to 90.")
    transit_days_p80: int | None = field(
        default=UNSET, description="Business days in which four of five parcels arrive; promised when given."
    )


@strawberry.input(description="What a parcel to a zone costs.")
class CarrierRateInput:
    zone: str = field(description="Zone.")
    valid_from: date | None = field(default=UNSET, description="From this date on; the latest begun counts.")
    up_to_grams: int | None = field(default=UNSET, description="Up to this weight; a heavier parcel takes the next.")
    fixed: MoneyInput = field(description="A parcel. Channels of this currency can use it.")
    per_kg: MoneyInput | None = field(default=UNSET, description="A kilogram, by the gram; 0 when absent.")


@strawberry.input(
    description="Create or, by handle, change a carrier service: an absent field stays as it is, null clears it."
)
class CarrierServiceInput:
    handle: str = field(description="Handle.")
    name: str = field(description="Name.")
    carrier: str = field(description="Who carries.")
    active: strawberry.Maybe[bool | None] = field(description="Plans may use it; true for a new one.")
    business_days: strawberry.Maybe[list[int] | None] = field(
        description="ISO weekdays that count in transit and on which it delivers; 1 to 5 for a new one."
    )
    pickup_days: strawberry.Maybe[list[int] | None] = field(
        description="ISO weekdays on which it fetches; 1 to 5 for a new one."
    )
    last_pickup: strawberry.Maybe[time | None] = field(
        description="Local time of the location after which a parcel of the day waits for the next pick-up."
    )
    calendars: strawberry.Maybe[list[str] | None] = field(
        description="Handles of calendars with its holidays: those with a country count for parcels from or to it."
    )
    dim_divisor: strawberry.Maybe[int | None] = field(
        description="Cubic centimetres that count as a kilogram where that is more than the weight: `5000`."
    )
    zones: strawberry.Maybe[list[CarrierZoneInput] | None] = field(
        description="Where it goes, at most 1,000; replaces all. Needed for a new one."
    )
    rates: strawberry.Maybe[list[CarrierRateInput] | None] = field(
        description="What it costs, at most 1,000; replaces all. Needed for a new one."
    )


@strawberry.input(description="Up to 250 carrier services, all or none.")
class CarrierServicePutInput:
    services: list[CarrierServiceInput] = field(description="Carrier services.")


@strawberry.type(description="Answer.")
class CarrierServicePayload(Payload):
    services: list[CarrierService] = field(default_factory=list, description="In the order asked.")

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> CarrierServicePayload:
        rows = await info.context.load_many(queries.services_by_id, outcome.ids)
        return CarrierServicePayload(services=[service_of(row) for row in rows if row])


@strawberry.input(description="A carrier service as a location offers it.")
class LocationServiceInput:
    service: str = field(description="Handle of the carrier service.")
    pickup_days: list[int] | None = field(default=UNSET, description="ISO weekdays on which it fetches here.")
    last_pickup: time | None = field(default=UNSET, description="Local time of the last pick-up here.")


@strawberry.input(description="What a location offers: an absent field stays as it is, null clears it.")
class LocationServicesInput:
    location: str = field(description="Handle.")
    services: strawberry.Maybe[list[LocationServiceInput] | None] = field(
        description="Services that it offers; replaces all. Null: all of yours."
    )
    origin_zone: strawberry.Maybe[str | None] = field(description="Its name in the zones of carrier services.")


@strawberry.input(description="Up to 250 locations, all or none.")
class LocationServicesPutInput:
    locations: list[LocationServicesInput] = field(description="Locations.")


def _text(value: Any) -> str | None:
    return value.strftime("%H:%M") if isinstance(value, time) else None


def _zone(row: CarrierZoneInput) -> dict[str, Any]:
    return {
        "zone": row.zone,
        "originZone": row.origin_zone or None,
        "country": row.country or None,
        "postalFrom": rules.prefix_of(row.postal_from) or None,
        "postalTo": rules.prefix_of(row.postal_to) or None,
        "upToKm": None if row.up_to_km is UNSET else row.up_to_km,
        "transitDays": row.transit_days,
        "transitDaysP80": None if row.transit_days_p80 is UNSET else row.transit_days_p80,
    }


def _rate(row: CarrierRateInput, path: Path, problems: list[Refusal]) -> dict[str, Any]:
    fixed = per_kg = 0
    try:
        fixed = row.fixed.minor((*path, "fixed"))
        if row.per_kg:
            per_kg = row.per_kg.minor((*path, "perKg"), row.fixed.currency)
    except Refusal as refusal:
        problems.append(refusal)
    return {
        "zone": row.zone,
        "currency": row.fixed.currency,
        "validFrom": row.valid_from.isoformat() if row.valid_from else None,
        "upToGrams": None if row.up_to_grams is UNSET else row.up_to_grams,
        "fixed": fixed,
        "perKg": per_kg,
    }


def _change(sent: CarrierServiceInput, path: Path, problems: list[Refusal]) -> dict[str, Any]:
    change = given(sent)
    if "calendars" in change:
        change["holidays"] = change.pop("calendars")
    if "last_pickup" in change:
        change["last_pickup"] = _text(change["last_pickup"])
    if change.get("zones") is not None:
        change["zones"] = [_zone(row) for row in change["zones"]]
    if change.get("rates") is not None:
        change["rates"] = [_rate(row, (*path, "rates", i), problems) for i, row in enumerate(change["rates"])]
    return change


def _offer_change(sent: LocationServicesInput) -> dict[str, Any]:
    change = given(sent)
    if change.get("services") is not None:
        change["services"] = [
            {
                "service": row.service,
                "pickupDays": sorted(row.pickup_days) if row.pickup_days else None,
                "lastPickup": _text(row.last_pickup),
            }
            for row in change["services"]
        ]
    return change


@strawberry.type
class Query:
    @query(description="Your carrier services, by handle.", scope=["network:read"])
    async def carrier_services(self, info: Info) -> list[CarrierService]:
        return [service_of(row) for row in await info.context.read(queries.all_services)]

    @query(description="A carrier service by its handle.", scope=["network:read"])
    async def carrier_service(
        self, info: Info, handle: Annotated[str, argument("Its handle.")]
    ) -> CarrierService | None:
        row = await info.context.load(queries.services_by_handle, handle)
        return service_of(row) if row else None


@strawberry.type
class Mutation:
    @mutation(CarrierServicePayload, description="Create or change carrier services.", scope=["network:write"])
    async def carrier_service_put(tx: Tx, input: CarrierServicePutInput) -> Outcome:
        problems: list[Refusal] = []
        changes = [_change(sent, ("input", "services", i), problems) for i, sent in enumerate(input.services)]
        refuse(problems)
        rows = await service.put_services(tx, changes)
        return Outcome(ids=[row.id for row in rows], rows=[(queries.services_by_id, row.id, row) for row in rows])

    @mutation(LocationPayload, description="Say which carrier services locations offer.", scope=["network:write"])
    async def location_services_put(tx: Tx, input: LocationServicesPutInput) -> Outcome:
        rows = await service.put_location_services(tx, [_offer_change(sent) for sent in input.locations])
        return Outcome(ids=[row.id for row in rows], rows=[(queries.locations_by_id, row.id, row) for row in rows])
