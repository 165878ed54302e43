"""Locations, channels, and a channel with its locations as upper domains read it."""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Uuid, and_
from sqlmodel import col, select

from oms_api.kit.db import Reading, any_of, columns, mine, param, prepared, row_of, table_of
from oms_api.kit.ids import NOBODY
from oms_api.kit.remembered import Remembered
from oms_api.network.models import Channel, ChannelLocation, Location, NetworkVersion
from oms_api.network.queries.carriers import NO_CARRIERS, Carriers, carriers_at

REMEMBERED_ROWS_MAX = 20_000  # 3.5 KB a location: 70 MB at most


class Network(NamedTuple):
    """A channel and the locations that serve it, preferred first, inactive ones included.

    `policy` names the state of what upper domains keep beside it (`stamp_policy`); None: they keep nothing. `carriers`
    are the tenant's calendars and carrier services.
    """

    channel: Channel
    locations: list[Location]
    policy: UUID | None = None
    carriers: Carriers = NO_CARRIERS


class Served(NamedTuple):
    """A channel and the ids of the locations that serve it, preferred first: what a put compares with."""

    channel: Channel
    location_ids: list[UUID]


# Columns of both tables stand side by side: `id` and `handle` are in each, so those of a location carry a prefix.
_CHANNEL = tuple(table_of(Channel).columns.keys())
_LOCATION = tuple(table_of(Location).columns.keys())
_channel_values = attrgetter(*_CHANNEL)
_location_values = attrgetter(*[f"of_{name}" for name in _LOCATION])

_channel_columns = [getattr(Channel, name) for name in _CHANNEL]
_location_columns = [getattr(Location, name).label(f"of_{name}") for name in _LOCATION]
_LINKS = and_(
    col(ChannelLocation.tenant_id) == col(Channel.tenant_id), col(ChannelLocation.channel_id) == col(Channel.id)
)
_LINKED = and_(
    col(Location.tenant_id) == col(ChannelLocation.tenant_id), col(Location.id) == col(ChannelLocation.location_id)
)
# One row a location, by rank; a channel without a location is one row of nulls, and so is what the caller has already.
_NETWORK = prepared(
    columns(
        col(NetworkVersion.version),
        col(NetworkVersion.policy),
        col(NetworkVersion.carriers),
        *_channel_columns,
        *_location_columns,
    )
    .select_from(NetworkVersion)
    .outerjoin(
        Channel,
        and_(
            col(Channel.tenant_id) == col(NetworkVersion.tenant_id),
            col(Channel.handle) == param("of"),
            col(NetworkVersion.version) != param("known", Uuid()),
        ),
    )
    .outerjoin(ChannelLocation, _LINKS)
    .outerjoin(Location, _LINKED)
    .where(mine(NetworkVersion))
    .order_by(col(ChannelLocation.rank))
)
_NETWORKS = prepared(
    columns(col(NetworkVersion.policy), col(NetworkVersion.carriers), *_channel_columns, *_location_columns)
    .select_from(Channel)
    .join(NetworkVersion, col(NetworkVersion.tenant_id) == col(Channel.tenant_id))
    .outerjoin(ChannelLocation, _LINKS)
    .outerjoin(Location, _LINKED)
    .where(mine(Channel), any_of(Channel.id, "ids"))
    .order_by(col(Channel.id), col(ChannelLocation.rank))
)
_SERVED = prepared(
    columns(*_channel_columns, col(ChannelLocation.location_id).label("served_by"))
    .select_from(Channel)
    .outerjoin(ChannelLocation, _LINKS)
    .where(mine(Channel), any_of(Channel.handle, "handles"))
    .order_by(col(Channel.id), col(ChannelLocation.rank))
)
_LOCATION_IDS = prepared(select(Location.handle, Location.id).where(mine(Location), any_of(Location.handle, "handles")))
_LOCATIONS_BY_ID = prepared(select(Location).where(mine(Location), any_of(Location.id, "ids")))
_LOCATIONS_BY_HANDLE = prepared(select(Location).where(mine(Location), any_of(Location.handle, "handles")))
_EVERY_LOCATION = prepared(
    columns(Location.handle, Location.kind, Location.tags, Location.address).where(mine(Location))
)
_CHANNELS_BY_ID = prepared(select(Channel).where(mine(Channel), any_of(Channel.id, "ids")))
_CHANNELS_BY_HANDLE = prepared(select(Channel).where(mine(Channel), any_of(Channel.handle, "handles")))


# 500 locations cost 10 ms to turn into rows again, and hardly ever change between two carts
_remembered: Remembered[tuple[UUID, str], Network] = Remembered(
    REMEMBERED_ROWS_MAX, lambda network: 1 + len(network.locations)
)


async def locations_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Location]:
    return {row.id: row for row in await reading.all(_LOCATIONS_BY_ID, {"ids": ids})}


async def locations_by_handle(reading: Reading, handles: Sequence[str]) -> Mapping[str, Location]:
    return {row.handle: row for row in await reading.all(_LOCATIONS_BY_HANDLE, {"handles": handles})}


async def every_location(reading: Reading) -> Sequence[Any]:
    """Handle, kind, tags and address of every location of the tenant, however many: for checks, not for requests."""
    found: Sequence[Any] = await reading.all(_EVERY_LOCATION)
    return found


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
            found[row.handle] = Served(_channel_of(row), [])
        if row.served_by is not None:
            found[row.handle].location_ids.append(row.served_by)
    return found


async def network_of(reading: Reading, handle: str) -> Network | None:
    """A channel with its locations; None when there is no such channel. One statement, and two more for the tenant's
    calendars and carrier services when it has any and this process does not know them as they are.

    The statement names the version that this process has in memory, and brings rows only when the tenant's network
    has another one by now. What it gives is shared between requests: never change it.
    """
    key = (reading.tenant_id, handle)
    remembered = _remembered.last(key)
    rows = await reading.all(_NETWORK, {"of": handle, "known": remembered[0] if remembered else NOBODY})
    if not rows:
        return None
    version = rows[0].version
    if remembered and remembered[0] == version:
        return remembered[1]
    network = next(iter((await _grouped(reading, rows)).values()), None)
    if network:
        _remembered.put(key, version, network)
    return network


async def networks_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Network]:
    """Channels with their locations, by the channel's id. Statements as for `network_of`."""
    return await _grouped(reading, await reading.all(_NETWORKS, {"ids": ids}))


def _channel_of(row: Any) -> Channel:
    return row_of(Channel, dict(zip(_CHANNEL, _channel_values(row), strict=True)))


async def _grouped(reading: Reading, rows: Iterable[Any]) -> dict[UUID, Network]:
    found: dict[UUID, Network] = {}
    for row in rows:
        if row.id is None:
            continue
        network = found.get(row.id)
        if network is None:
            carriers = await carriers_at(reading, row.carriers)
            network = found[row.id] = Network(_channel_of(row), [], row.policy, carriers)
        if row.of_id is not None:
            network.locations.append(row_of(Location, dict(zip(_LOCATION, _location_values(row), strict=True))))
    return found
