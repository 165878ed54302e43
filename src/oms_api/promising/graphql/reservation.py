"""Reservations in the API: a hold on stock with an end."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry
from strawberry import UNSET

from oms_api import inventory, network
from oms_api.inventory import RESERVATION
from oms_api.kit.db import Tx
from oms_api.kit.graphql import Info, Node, Outcome, Payload, describe_enum, field, found_by, mutation, node_type
from oms_api.network.graphql import Location, location_of
from oms_api.promising.graphql.availability import DestinationInput, destination_of
from oms_api.promising.graphql.promise import PromiseLineInput, lines_of
from oms_api.promising.models import ShortagePolicy
from oms_api.promising.service import reserving

describe_enum(
    ShortagePolicy,
    "What happens to units without stock.",
    REJECT="Refuse the whole order with INSUFFICIENT_STOCK.",
    BACKORDER="Take it; short units wait for supply with a promised date.",
    PARTIAL="Take what there is; short units are cancelled at once.",
)


@strawberry.type(description="Units held.")
class ReservationLine:
    location_id: strawberry.Private[UUID | None]
    supply_id: strawberry.Private[UUID | None]
    sku: str = field(description="SKU.")
    quantity: int = field(description="Units.")

    @field(description="Where; null while held for the channel as a whole.")
    async def location(self, info: Info) -> Location | None:
        if self.location_id is None:
            return None
        row = await info.context.load(network.locations_by_id, self.location_id)
        return location_of(row) if row else None

    @field(description="When the units are there; null when they are on hand.")
    async def expected_at(self, info: Info) -> datetime | None:
        if self.supply_id is None:
            return None
        row = await info.context.load(inventory.supplies_by_id, self.supply_id)
        return inventory.due_at(row) if row else None


@strawberry.type(description="A hold on stock with an end.")
class Reservation(Node):
    reservation_id: strawberry.Private[UUID]
    expires_at: datetime | None = field(description="When it lets go by itself; null once an order owns it.")
    version: int = field(description="Version.")

    @field(description="What and how much.")
    async def lines(self, info: Info) -> list[ReservationLine]:
        rows = await info.context.load(inventory.lines_by_reservation, self.reservation_id)
        return [
            ReservationLine(
                # an order's units are where they stand: it was placed for these locations
                location_id=None if row.floats and self.expires_at is not None else row.location_id,
                supply_id=row.supply_id,
                sku=row.sku,
                quantity=row.quantity,
            )
            for row in rows or ()
            if row.quantity
        ]


def reservation_of(row: inventory.Reservation) -> Reservation:
    return Reservation(
        id=strawberry.ID(RESERVATION(row.id)),
        reservation_id=row.id,
        expires_at=row.expires_at,
        version=row.version,
    )


node_type(
    RESERVATION, Reservation, scope="reservations:read", find=found_by(inventory.reservations_by_id, reservation_of)
)


@strawberry.input(description="Hold stock.")
class ReservationCreateInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    promise_token: str | None = field(default=UNSET, description="From a promise, exactly as planned.")
    lines: list[PromiseLineInput] | None = field(
        default=UNSET, description="Or plain lines of a channel: planned and reserved in one step."
    )
    channel: str | None = field(default=UNSET, description="Channel handle, with `lines`.")
    destination: DestinationInput | None = field(default=UNSET, description="Where to, with `lines`.")
    on_shortage: ShortagePolicy = field(
        default=ShortagePolicy.REJECT, description="Refuse (default), wait for supply, or hold what there is."
    )
    at_channel: bool = field(
        default=False,
        description="Hold them for the channel as a whole: no location is promised until `reservationPin` names one.",
    )
    ttl_seconds: int = field(default=900, description="Seconds to hold, up to the tenant's cap.")
    demand_class: str | None = field(
        default=UNSET,
        description="Handle of the demand class that asks; the channel's when absent; a token has its own.",
    )
    may_arrive_earlier: bool = field(
        default=False, description="Lines may arrive before their `requestedOn` when nothing arrives on that day."
    )


@strawberry.input(description="Hold it longer.")
class ReservationExtendInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    id: strawberry.ID = field(description="Reservation.")
    expected_version: int | None = field(default=UNSET, description="Guard.")
    ttl_seconds: int = field(
        description="It then ends this many seconds from now, up to the tenant's cap; never earlier than before."
    )


@strawberry.input(description="Units of it to let go.")
class ReservationReleaseLineInput:
    sku: str = field(description="SKU.")
    quantity: int = field(description="Units.")
    location: str | None = field(default=UNSET, description="Held at this location (a handle); anywhere when absent.")


@strawberry.input(description="Let it go.")
class ReservationReleaseInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    id: strawberry.ID = field(description="Reservation.")
    expected_version: int | None = field(default=UNSET, description="Guard.")
    lines: list[ReservationReleaseLineInput] | None = field(
        default=UNSET, description="So many units of these SKUs; all of it when absent."
    )


@strawberry.input(description="Units that are to be held elsewhere.")
class ReservationMoveInput:
    sku: str = field(description="SKU.")
    quantity: int | None = field(default=UNSET, description="Units; all of them when absent.")
    from_location: str = field(description="Where they are held: a location handle.")
    to_location: str = field(description="Where they are held from now on.")


@strawberry.input(description="Hold units at other locations: given back there and held here in one step.")
class ReservationTransferInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    id: strawberry.ID = field(description="Reservation.")
    expected_version: int | None = field(default=UNSET, description="Guard.")
    moves: list[ReservationMoveInput] = field(description="1 to 100 moves, all or none.")


@strawberry.input(description="Where units are held that were held for the channel as a whole.")
class ReservationPinLineInput:
    sku: str = field(description="SKU.")
    quantity: int | None = field(default=UNSET, description="Units; all that have no location yet when absent.")
    location: str = field(description="Location handle.")


@strawberry.input(description="Choose the locations of units that are held for the channel as a whole.")
class ReservationPinInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    id: strawberry.ID = field(description="Reservation.")
    expected_version: int | None = field(default=UNSET, description="Guard.")
    pins: list[ReservationPinLineInput] = field(description="1 to 100 pins, all or none.")


@strawberry.type(description="Answer.")
class ReservationPayload(Payload):
    reservation: Reservation | None = field(default=None, description="The reservation.")

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> ReservationPayload:
        row = await info.context.load(inventory.reservations_by_id, outcome.ids[0])
        return ReservationPayload(reservation=reservation_of(row) if row else None)


def _outcome(row: inventory.Reservation) -> Outcome:
    return Outcome(ids=[row.id], rows=[(inventory.reservations_by_id, row.id, row)])


@strawberry.type
class Mutation:
    @mutation(
        ReservationPayload,
        description="Hold stock for a while.",
        scope=["reservations:write"],
        errors=["EXPIRED", "INSUFFICIENT_STOCK"],
    )
    async def reservation_create(tx: Tx, input: ReservationCreateInput) -> Outcome:
        return _outcome(
            await reserving.create(
                tx,
                token=input.promise_token or None,
                lines=lines_of(input.lines, early=input.may_arrive_earlier) if isinstance(input.lines, list) else None,
                channel=input.channel or None,
                destination=destination_of(input.destination),
                on_shortage=input.on_shortage,
                ttl_s=input.ttl_seconds,
                demand_class=input.demand_class or None,
                floats=input.at_channel,
            )
        )

    @mutation(ReservationPayload, description="Hold it longer.", scope=["reservations:write"])
    async def reservation_extend(tx: Tx, input: ReservationExtendInput) -> Outcome:
        return _outcome(
            await reserving.extend(
                tx,
                RESERVATION.parse(input.id),
                ttl_s=input.ttl_seconds,
                expected_version=_guard(input.expected_version),
            )
        )

    @mutation(
        ReservationPayload,
        description="Let it go, or units of it.",
        scope=["reservations:write"],
    )
    async def reservation_release(tx: Tx, input: ReservationReleaseInput) -> Outcome:
        parts = input.lines if isinstance(input.lines, list) else None
        return _outcome(
            await reserving.release(
                tx,
                RESERVATION.parse(input.id),
                None if parts is None else [(row.sku, row.quantity, row.location or None) for row in parts],
                expected_version=_guard(input.expected_version),
            )
        )

    @mutation(
        ReservationPayload,
        description="Hold units of it at another location, in one step.",
        scope=["reservations:write"],
        errors=["INSUFFICIENT_STOCK", "NO_CAPACITY", "EXCEEDS_REMAINING", "EXPIRED"],
    )
    async def reservation_transfer(tx: Tx, input: ReservationTransferInput) -> Outcome:
        return _outcome(
            await reserving.transfer(
                tx,
                RESERVATION.parse(input.id),
                [
                    (
                        row.sku,
                        row.quantity if isinstance(row.quantity, int) else None,
                        row.from_location,
                        row.to_location,
                    )
                    for row in input.moves
                ],
                expected_version=_guard(input.expected_version),
            )
        )

    @mutation(
        ReservationPayload,
        description="Choose where units are held that the channel holds as a whole.",
        scope=["reservations:write"],
        errors=["INSUFFICIENT_STOCK", "NO_CAPACITY", "EXCEEDS_REMAINING", "EXPIRED"],
    )
    async def reservation_pin(tx: Tx, input: ReservationPinInput) -> Outcome:
        return _outcome(
            await reserving.pin(
                tx,
                RESERVATION.parse(input.id),
                [
                    (row.sku, row.quantity if isinstance(row.quantity, int) else None, row.location)
                    for row in input.pins
                ],
                expected_version=_guard(input.expected_version),
            )
        )


def _guard(version: int | None) -> int | None:
    return version if isinstance(version, int) else None
