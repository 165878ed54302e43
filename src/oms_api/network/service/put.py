"""Put locations and channels."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete

from oms_api.kit import clock, ids
from oms_api.kit.db import Tx, any_of, mine, prepared, table_of
from oms_api.kit.errors import Invalid, Path, Refusal, camel, refuse
from oms_api.kit.events import emit
from oms_api.kit.metadata import merged
from oms_api.network import queries, rules
from oms_api.network.events import ChannelCreated, ChannelUpdated, LocationCreated, LocationUpdated
from oms_api.network.models import (
    CHANNEL,
    LOCATION,
    REASSIGNMENTS,
    Channel,
    ChannelLocation,
    Location,
    LocationKind,
    NetworkVersion,
    PaymentRule,
    SourcingObjective,
)

Revise = Callable[[Mapping[str, Any], Path, list[Refusal]], dict[str, Any]]

LOCATIONS_MAX = 250
CHANNELS_MAX = 50

_NEW_LOCATION: dict[str, Any] = {
    "kind": LocationKind.WAREHOUSE,
    "timezone": "UTC",
    "ships": True,
    "pickup": False,
    "accepts_returns": True,
    "open_days": [1, 2, 3, 4, 5],
    "processing_days": 0,
    "safety_stock": 0,
    "active": True,
}
_NEW_CHANNEL: dict[str, Any] = {
    "payment_rule": PaymentRule.AUTHORIZED,
    "threshold": 0,
    "objective": SourcingObjective.CHEAPEST,
    "max_reassignments": REASSIGNMENTS,
    "payment_window_s": 86_400,
}
_KEPT = ("tenant_id", "id", "handle", "created_at")
_BESIDE_COLUMNS = ("metadata", "locations")
_PUBLIC = {"entries": "metadata", "payment_window_s": "paymentWindowSeconds"}
_UNLINK = prepared(
    delete(table_of(ChannelLocation)).where(mine(ChannelLocation), any_of(ChannelLocation.channel_id, "channels"))
)


async def put_locations(tx: Tx, changes: Sequence[Mapping[str, Any]]) -> list[Location]:
    """Create or, by `handle`, change locations, all or none: an absent key stays as it is, None clears it.

    Keys are the columns of `Location` but for `metadata` (key → value, None deletes a key). `handle` and `name` are
    needed. Raises every problem of the input at once: Invalid, Required, LimitExceeded.
    """
    check_size(changes, LOCATIONS_MAX, "locations")
    await take_turn(tx)
    handles = [change["handle"] for change in changes]
    known = await queries.locations_by_handle(tx, handles)
    counted = Counter(handles)
    problems: list[Refusal] = []
    rows = []
    for i, change in enumerate(changes):
        path = ("input", "locations", i)
        rules.check_handle(change["handle"], path, counted, problems)
        row = _row(tx, Location, known.get(change["handle"]), change, _NEW_LOCATION, path, problems)
        rules.check_location(change, row, path, problems)
        row["open_days"] = sorted(row["open_days"])
        row["tags"] = sorted(set(row["tags"] or ())) or None
        if change.keys() & {"open_days", "cut_off"}:
            row["hours"] = None  # the short form replaces the long one
        rows.append(row)
    refuse(problems)
    return await _write(tx, rows, known)


async def revise_locations(tx: Tx, noun: str, changes: Sequence[Mapping[str, Any]], revise: Revise) -> list[Location]:
    """Change some columns of known locations, all or none; `noun` is the input's list, each of it names a `location`.

    `revise` gives a change's values by column, and adds what is wrong with it to the problems. Raises those, NotFound.
    """
    check_size(changes, LOCATIONS_MAX, noun)
    await take_turn(tx)
    handles = [change["location"] for change in changes]
    known = await queries.locations_by_handle(tx, handles)
    counted = Counter(handles)
    problems: list[Refusal] = []
    rows = []
    for i, change in enumerate(changes):
        path = ("input", noun, i)
        old = known.get(change["location"])
        if old is None:
            problems.append(rules.unknown_location(change["location"], (*path, "location")))
        elif counted[old.handle] > 1:
            problems.append(Invalid(f"{old.handle} is named twice; send it once.", path=(*path, "location")))
        values = revise(change, path, problems)
        if old is not None:
            rows.append({**old.__dict__, **values})
    refuse(problems)
    return await _write(tx, rows, known)


async def _write(tx: Tx, rows: Sequence[dict[str, Any]], known: Mapping[str, Location]) -> list[Location]:
    saved = {**known, **{row.handle: row for row in await _save(tx, Location, rows, known)}}
    handles = [row["handle"] for row in rows]
    for handle in handles:
        old, new = known.get(handle), saved[handle]
        subject = LOCATION.ref(new.id)
        said = {"handle": handle, "kind": str(new.kind), "active": new.active}
        if old is None:
            emit(tx, LocationCreated(**said), subject=subject, added=["location"])
        elif updated := _differences(old, new.__dict__):
            emit(tx, LocationUpdated(**said), subject=subject, updated=[_public(name) for name in updated])
    return [saved[handle] for handle in handles]


async def put_channels(tx: Tx, changes: Sequence[Mapping[str, Any]]) -> list[Channel]:
    """Create or, by `handle`, change channels, all or none: an absent key stays as it is, None clears it.

    Keys are the columns of `Channel` but for `metadata`, and `locations`: handles, preferred first. `handle`, `name`,
    `currency` and `locations` are needed. Raises every problem of the input at once: Invalid (also for another
    currency), NotFound for a location that is not known, LimitExceeded.
    """
    check_size(changes, CHANNELS_MAX, "channels")
    await take_turn(tx)
    handles = [change["handle"] for change in changes]
    known = await queries.served(tx, handles)
    served_by = {handle for change in changes for handle in change["locations"]}
    locations = await queries.location_ids(tx, sorted(served_by))
    counted = Counter(handles)
    problems: list[Refusal] = []
    rows = []
    for i, change in enumerate(changes):
        path = ("input", "channels", i)
        old = known[change["handle"]].channel if change["handle"] in known else None
        rules.check_handle(change["handle"], path, counted, problems)
        row = _row(tx, Channel, old, change, _NEW_CHANNEL, path, problems)
        rules.check_channel(change, row, old.currency if old else None, path, problems)
        rules.check_served_by(change["locations"], locations, path, problems)
        rows.append(row)
    refuse(problems)
    before = {handle: served.channel for handle, served in known.items()}
    saved = {**before, **{row.handle: row for row in await _save(tx, Channel, rows, before)}}
    relinked = await _link(tx, changes, saved, known, locations)
    for handle in handles:
        old, new = before.get(handle), saved[handle]
        subject = CHANNEL.ref(new.id)
        said = {"handle": handle, "currency": new.currency}
        if old is None:
            emit(tx, ChannelCreated(**said), subject=subject, added=["channel"])
            continue
        updated = [_public(name) for name in _differences(old, new.__dict__)]
        if handle in relinked:
            updated.append("locations")
        if updated:
            emit(tx, ChannelUpdated(**said), subject=subject, updated=updated)
    return [saved[handle] for handle in handles]


def check_size(changes: Sequence[Any], max_: int, noun: str) -> None:
    if not 1 <= len(changes) <= max_:
        raise Invalid(f"Send 1 to {max_} {noun}, not {len(changes)}.", path=("input", noun))


async def stamp_policy(tx: Tx) -> None:
    """Say that what upper domains keep beside the network is another from now on. Their puts run one after another.

    One statement, which is to be the first of such a put: then nobody remembers what is not committed.
    """
    row = {"tenant_id": tx.tenant_id, "version": ids.new(), "policy": ids.new()}
    await tx.upsert(NetworkVersion, [row], key=("tenant_id",), change=("version", "policy"))


async def take_turn(tx: Tx, *, carriers: bool = False) -> None:
    """Puts of a tenant run one after another: the second one sees what the first one made.

    `carriers`: calendars or carrier services are other ones from now on.
    """
    version = {"tenant_id": tx.tenant_id, "version": ids.new()}
    change = ["version"]
    if carriers:
        version["carriers"] = ids.new()
        change.append("carriers")
    await tx.upsert(NetworkVersion, [version], key=("tenant_id",), change=change)


def _row(
    tx: Tx,
    model: Any,
    old: Any,
    change: Mapping[str, Any],
    new: Mapping[str, Any],
    path: Path,
    problems: list[Refusal],
) -> dict[str, Any]:
    """What the row would be after the change; the same values as before when nothing changes."""
    now = clock.now()
    row: dict[str, Any] = (
        dict(old.__dict__)
        if old
        else {
            **dict.fromkeys(model.model_fields),
            **new,
            "tenant_id": tx.tenant_id,
            "id": ids.new(),
            "entries": {},
            "created_at": now,
            "updated_at": now,
        }
    )
    for name, value in change.items():
        if name not in _BESIDE_COLUMNS:
            row[name] = new.get(name) if value is None else value
    row["entries"] = merged(row["entries"], change.get("metadata"), (*path, "metadata"), problems)
    return row


async def _save(tx: Tx, model: Any, rows: Sequence[dict[str, Any]], known: Mapping[str, Any]) -> list[Any]:
    """Write what is new or different; what stays as it is is not touched, `updated_at` neither."""
    now = clock.now()
    different = [
        {**row, "updated_at": now}
        for row in rows
        if row["handle"] not in known or _differences(known[row["handle"]], row)
    ]
    change = [name for name in model.model_fields if name not in _KEPT]
    return await tx.upsert(model, different, key=("tenant_id", "handle"), change=change)


async def _link(
    tx: Tx,
    changes: Sequence[Mapping[str, Any]],
    saved: Mapping[str, Channel],
    known: Mapping[str, queries.Served],
    locations: Mapping[str, UUID],
) -> set[str]:
    """Write which locations serve which channel, in order; gives the handles of the channels where that changed."""
    wanted = {change["handle"]: [locations[handle] for handle in change["locations"]] for change in changes}
    relinked = {
        handle
        for handle, location_ids in wanted.items()
        if location_ids != (known[handle].location_ids if handle in known else [])
    }
    if any(handle in known for handle in relinked):
        await tx.run(_UNLINK, {"channels": [saved[handle].id for handle in relinked]})
    await tx.insert(
        ChannelLocation,
        [
            {"tenant_id": tx.tenant_id, "channel_id": saved[handle].id, "rank": rank, "location_id": location_id}
            for handle in sorted(relinked)
            for rank, location_id in enumerate(wanted[handle])
        ],
    )
    return relinked


def _differences(old: Any, new: Mapping[str, Any]) -> list[str]:
    return [name for name, value in new.items() if name != "updated_at" and old.__dict__[name] != value]


def _public(name: str) -> str:
    return _PUBLIC.get(name) or camel(name)
