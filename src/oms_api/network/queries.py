"""Every SELECT of the network."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_
from sqlmodel import col, select

from oms_api.kit.db import Reading, any_of, columns, mine, param, prepared, row_of
from oms_api.network.models import Channel, ChannelLocation, Location


class Network(NamedTuple):
    """A channel and the locations that serve it, preferred first, inactive ones included."""

    channel: Channel
    locations: list[Location]


# Columns of both tables side by side: `id` and `handle` are in each, so those of a location carry a prefix.
_CHANNEL = list(Channel.__table__.columns.keys())  # type: ignore[attr-defined]
_LOCATION = list(Location.__table__.columns.keys())  # type: ignore[attr-defined]


def _networks() -> Any:
    """Channels, each joined with its locations by rank; a channel without a location is one row of nulls."""
    return (
        columns(
            *[getattr(Channel, name) for name in _CHANNEL],
            *[getattr(Location, name).label(f"of_{name}") for name in _LOCATION],
        )
        .select_from(Channel)
        .outerjoin(
            ChannelLocation,
            and_(
                col(ChannelLocation.tenant_id) == col(Channel.tenant_id),
                col(ChannelLocation.channel_id) == col(Channel.id),
            ),
        )
        .outerjoin(
            Location,
            and_(
                col(Location.tenant_id) == col(ChannelLocation.tenant_id),
                col(Location.id) == col(ChannelLocation.location_id),
            ),
        )
        .where(mine(Channel))
    )


class Served(NamedTuple):
    """A channel and the ids of the locations that serve it, preferred first: what a put compares with."""

    channel: Channel
    location_ids: list[UUID]


_LOCATION_IDS = prepared(select(Location.handle, Location.id).where(mine(Location), any_of(Location.handle, "handles")))
_SERVED = prepared(
    columns(*[getattr(Channel, name) for name in _CHANNEL], col(ChannelLocation.location_id).label("served_by"))
    .select_from(Channel)
    .outerjoin(
        ChannelLocation,
        and_(
            col(ChannelLocation.tenant_id) == col(Channel.tenant_id),
            col(ChannelLocation.channel_id) == col(Channel.id),
        ),
    )
    .where(mine(Channel), any_of(Channel.handle, "handles"))
    .order_by(col(Channel.id), col(ChannelLocation.rank))
)
_LOCATIONS_BY_ID = prepared(select(Location).where(mine(Location), any_of(Location.id, "ids")))
_LOCATIONS_BY_HANDLE = prepared(select(Location).where(mine(Location), any_of(Location.handle, "handles")))
_CHANNELS_BY_ID = prepared(select(Channel).where(mine(Channel), any_of(Channel.id, "ids")))
_CHANNELS_BY_HANDLE = prepared(select(Channel).where(mine(Channel), any_of(Channel.handle, "handles")))
_NETWORK = prepared(_networks().where(col(Channel.handle) == param("of")).order_by(col(ChannelLocation.rank)))
_NETWORKS = prepared(_networks().where(any_of(Channel.id, "ids")).order_by(col(Channel.id), col(ChannelLocation.rank)))


async def locations_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Location]:
    return {row.id: row for row in await reading.all(_LOCATIONS_BY_ID, {"ids": ids})}


async def locations_by_handle(reading: Reading, handles: Sequence[str]) -> Mapping[str, Location]:
    return {row.handle: row for row in await reading.all(_LOCATIONS_BY_HANDLE, {"handles": handles})}


async def channels_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Channel]:
    return {row.id: row for row in await reading.all(_CHANNELS_BY_ID, {"ids": ids})}


async def channels_by_handle(reading: Reading, handles: Sequence[str]) -> Mapping[str, Channel]:
    return {row.handle: row for row in await reading.all(_CHANNELS_BY_HANDLE, {"handles": handles})}


async def location_ids(reading: Reading, handles: Sequence[str]) -> Mapping[str, UUID]:
    return {row.handle: row.id for row in await reading.all(_LOCATION_IDS, {"handles": handles})}


async def served(reading: Reading, handles: Sequence[str]) -> Mapping[str, Served]:
    """Channels with the ids of their locations, by the channel's handle. One statement."""
    found: dict[str, Served] = {}
    for row in await reading.all(_SERVED, {"handles": handles}):
        if row.handle not in found:
            found[row.handle] = Served(row_of(Channel, {name: getattr(row, name) for name in _CHANNEL}), [])
        if row.served_by is not None:
            found[row.handle].location_ids.append(row.served_by)
    return found


async def network_of(reading: Reading, handle: str) -> Network | None:
    """A channel with its locations; None when there is no such channel. One statement."""
    return next(iter(_grouped(await reading.all(_NETWORK, {"of": handle})).values()), None)


async def networks_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Network]:
    """Channels with their locations, by the channel's id. One statement."""
    return _grouped(await reading.all(_NETWORKS, {"ids": ids}))


def _grouped(rows: Iterable[Any]) -> dict[UUID, Network]:
    found: dict[UUID, Network] = {}
    for row in rows:
        network = found.get(row.id)
        if network is None:
            channel = row_of(Channel, {name: getattr(row, name) for name in _CHANNEL})
            network = found[row.id] = Network(channel, [])
        if row.of_id is not None:
            network.locations.append(row_of(Location, {name: getattr(row, f"of_{name}") for name in _LOCATION}))
    return found
