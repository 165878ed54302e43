"""Reservations in the API: a hold on stock with an end."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry
from strawberry import UNSET

from oms_api import inventory, network
from oms_api.inventory import RESERVATION
from oms_api.kit.db import Tx
from oms_api.kit.graphql import Info, Node, Outcome, Payload, describe_enum, field, mutation, node_type
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
    location_id: strawberry.Private[UUID]
    supply_id: strawberry.Private[UUID | None]
    sku: str = field(description="SKU.")
    quantity: int = field(description="Units.")

    @field(description="Where; null while held for the channel as a whole.")
    async def location(self, info: Info) -> Location | None:
        row = await info.context.load(network.locations_by_id, self.location_id)
        return location_of(row) if row else None

    @field(description="When the units are there; null when they are on hand.")
    async def expected_at(self, info: Info) -> datetime | None:
        if self.supply_id is None:
            return None
        row = await info.context.load(inventory.supplies_by_id, self.supply_id)
        return row.expected_at if row else None


@strawberry.type(description="A hold on stock with an end.")
class Reservation(Node):
    reservation_id: strawberry.Private[UUID]
    expires_at: datetime | None = field(description="When it lets go by itself; null once an order owns it.")
    version: int = field(description="Version.")

    @field(description="What and how much.")
    async def lines(self, info: Info) -> list[ReservationLine]:
        rows = await info.context.load(inventory.lines_by_reservation, self.reservation_id)
        return [
            ReservationLine(location_id=row.location_id, supply_id=row.supply_id, sku=row.sku, quantity=row.quantity)
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


async def _find(info: Info, id_: UUID) -> Reservation | None:
    row = await info.context.load(inventory.reservations_by_id, id_)
    return reservation_of(row) if row else None


node_type(RESERVATION, Reservation, scope="reservations:read", find=_find)


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
    ttl_seconds: int = field(default=900, description="Seconds to hold, up to the tenant's cap.")


@strawberry.input(description="Hold it longer.")
class ReservationExtendInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    id: strawberry.ID = field(description="Reservation.")
    expected_version: int | None = field(default=UNSET, description="Guard.")
    ttl_seconds: int = field(
        description="It then ends this many seconds from now, up to the tenant's cap; never earlier than before."
    )


@strawberry.input(description="Let it go.")
class ReservationReleaseInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    id: strawberry.ID = field(description="Reservation.")
    expected_version: int | None = field(default=UNSET, description="Guard.")


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
                lines=lines_of(input.lines) if isinstance(input.lines, list) else None,
                channel=input.channel or None,
                destination=destination_of(input.destination),
                on_shortage=input.on_shortage,
                ttl_s=input.ttl_seconds,
            )
        )

    @mutation(ReservationPayload, description="Hold it longer.", scope=["reservations:write"])
    async def reservation_extend(tx: Tx, input: ReservationExtendInput) -> Outcome:
        return _outcome(
            await reserving.extend(
                tx,
                RESERVATION.parse(input.id),
                ttl_s=input.ttl_seconds,
                expected_version=input.expected_version if isinstance(input.expected_version, int) else None,
            )
        )

    @mutation(ReservationPayload, description="Let it go.", scope=["reservations:write"])
    async def reservation_release(tx: Tx, input: ReservationReleaseInput) -> Outcome:
        return _outcome(
            await inventory.release(
                tx,
                RESERVATION.parse(input.id),
                input.expected_version if isinstance(input.expected_version, int) else None,
            )
        )
