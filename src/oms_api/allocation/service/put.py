"""Put demand classes and shares."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import delete

from oms_api import catalog, network
from oms_api.allocation import queries
from oms_api.allocation.events import AllocationChanged, DemandClassChanged
from oms_api.allocation.models import (
    ALLOCATION,
    DEMAND_CLASS,
    POOL,
    Allocation,
    AllocationBasis,
    AllocationUse,
    DemandClass,
)
from oms_api.allocation.rules import WHOLE
from oms_api.inventory import UNITS_MAX
from oms_api.kit import clock, ids
from oms_api.kit.db import Tx, any_of, mine, prepared, table_of
from oms_api.kit.errors import Invalid, LimitExceeded, NotFound, Path, Refusal, Taken, refuse
from oms_api.kit.events import emit
from oms_api.kit.texts import is_text
from oms_api.kit.times import out_of_reach

CLASSES_MAX = 100
PUT_MAX = 250
RANK_MAX = 1000
_FORGET_USES = prepared(
    delete(table_of(AllocationUse)).where(mine(AllocationUse), any_of(AllocationUse.allocation_id, "ids"))
)
_FORGET = prepared(delete(table_of(Allocation)).where(mine(Allocation), any_of(Allocation.id, "ids")))


class Part(NamedTuple):
    """A class's share: units, basis points or parts."""

    demand_class: str
    target: int
    hard: bool = False
    steal_until: date | None = None


class Sharing(NamedTuple):
    """All shares of a SKU everywhere or at a location (a handle), from a day to a day; none: it is rationed no more."""

    sku: str
    basis: AllocationBasis
    parts: Sequence[Part]
    location: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None


async def put_classes(tx: Tx, changes: Sequence[Mapping[str, Any]]) -> list[DemandClass]:
    """Create or, by `handle`, change demand classes, all or none: an absent key stays as it is, None clears it.

    Raises every problem at once: Invalid (also for parents in a circle), NotFound, Taken for a channel of two classes.
    """
    if not 1 <= len(changes) <= CLASSES_MAX:
        raise Invalid(f"Send 1 to {CLASSES_MAX} classes, not {len(changes)}.", path=("input", "classes"))
    await network.stamp_policy(tx)  # puts of a tenant run one after another
    known = {row.handle: row for row in await queries.demand_classes(tx)}
    counted = Counter(change["handle"] for change in changes)
    at, problems = clock.now(), list[Refusal]()
    rows: list[dict[str, Any]] = []
    for i, change in enumerate(changes):
        old, path = known.get(change["handle"]), ("input", "classes", i)
        new: dict[str, Any] = {"rank": 1, "parent": None, "channels": [], "active": True}
        row: dict[str, Any] = {"tenant_id": tx.tenant_id, "id": ids.new(), **new, "created_at": at}
        if old is not None:
            row = dict(old.__dict__)
        row |= {key: new.get(key) if value is None else value for key, value in change.items()}
        rows.append({**row, "updated_at": at})
        network.check_handle(row["handle"], path, counted, problems)
        if not is_text(row["name"], 255):
            problems.append(Invalid("name must have 1 to 255 characters, no control characters.", path=(*path, "name")))
        if not 1 <= row["rank"] <= RANK_MAX:
            problems.append(Invalid(f"rank {row['rank']} must be 1 to {RANK_MAX:,}.", path=(*path, "rank")))
    after = {**{handle: row.__dict__ for handle, row in known.items()}, **{row["handle"]: row for row in rows}}
    if len(after) > CLASSES_MAX:
        problems.append(LimitExceeded(f"There would be {len(after)} demand classes, at most {CLASSES_MAX} are kept."))
    problems += await _check_ties(tx, rows, after)
    refuse(problems)
    columns = [name for name in rows[0] if name not in ("tenant_id", "id", "handle", "created_at")]
    saved = {row.handle: row for row in await tx.upsert(DemandClass, rows, key=("tenant_id", "handle"), change=columns)}
    for row in rows:
        new_ = saved[row["handle"]]
        said = DemandClassChanged(
            handle=new_.handle, rank=new_.rank, parent=new_.parent, channels=new_.channels, active=new_.active
        )
        subject = DEMAND_CLASS.ref(new_.id)
        if new_.handle in known:
            emit(tx, said, subject=subject, updated=["demandClass"])
        else:
            emit(tx, said, subject=subject, added=["demandClass"])
    return [saved[row["handle"]] for row in rows]


async def _check_ties(
    tx: Tx, rows: Sequence[Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> list[Refusal]:
    """Parents and channels must exist; nobody is his own ancestor; a channel has one class."""
    problems: list[Refusal] = []
    named = sorted({channel for row in rows for channel in row["channels"]})
    channels = await network.channels_by_handle(tx, named) if named else {}
    owner: dict[str, str] = {}
    sent = {row["handle"] for row in rows}
    for handle in sorted(after, key=lambda handle: handle in sent):
        if after[handle]["active"]:
            for channel in after[handle]["channels"]:
                owner.setdefault(channel, handle)
    for i, row in enumerate(rows):
        path: Path = ("input", "classes", i)
        parent, seen = row["parent"], {row["handle"]}
        if parent is not None and parent not in after:
            problems.append(
                NotFound(
                    f"There is no demand class {parent[:60]!r}; create it with demandClassesPut first.",
                    path=(*path, "parent"),
                )
            )
        while parent in after and parent not in seen:
            seen.add(parent)
            parent = after[parent]["parent"]
        if parent in seen:
            problems.append(
                Invalid(f"{row['handle']} would be above itself; choose another parent.", path=(*path, "parent"))
            )
        for j, channel in enumerate(row["channels"]):
            if channel not in channels:
                problems.append(
                    NotFound(
                        f"There is no channel {channel[:60]!r}; create it with channelPut first.",
                        path=(*path, "channels", j),
                    )
                )
            elif row["active"] and owner.get(channel, row["handle"]) != row["handle"]:
                problems.append(
                    Taken(f"{channel} is of class {owner[channel]}; take it out there.", path=(*path, "channels", j))
                )
    return problems


async def put_shares(tx: Tx, sent: Sequence[Sharing]) -> list[str]:
    """Put all shares of each SKU at a location and time anew; what was taken of a class's share stays taken.

    Gives back the SKUs, each once. Raises every problem at once: Invalid, NotFound, Taken for times that overlap.
    """
    if not 1 <= len(sent) <= PUT_MAX:
        raise Invalid(f"Send 1 to {PUT_MAX} allocations, not {len(sent)}.", path=("input", "allocations"))
    await network.stamp_policy(tx)
    problems: list[Refusal] = []
    classes = {row.handle for row in await queries.demand_classes(tx) if row.active}
    skus = list(dict.fromkeys(sharing.sku for sharing in sent))
    items = await catalog.items(tx, skus)
    handles = sorted({sharing.location for sharing in sent if sharing.location is not None})
    places = await network.locations_by_handle(tx, handles) if handles else {}
    spans_sent = [(sharing.sku, sharing.location, sharing.starts_on, sharing.ends_on) for sharing in sent]
    for i, sharing in enumerate(sent):
        if spans_sent.index(spans_sent[i]) < i:
            problems.append(Invalid(f"{sharing.sku} is named twice there for the same time; send all its shares once.",
                                    path=("input", "allocations", i)))  # fmt: skip
        _check(sharing, classes, ("input", "allocations", i), problems)
        if sharing.sku not in items:
            problems.append(NotFound(f"There is no SKU {sharing.sku[:60]!r}; create it with skuPut first.",
                                     path=("input", "allocations", i, "sku")))  # fmt: skip
        if sharing.location is not None and sharing.location not in places:
            problems.append(NotFound(f"There is no location {sharing.location[:60]!r}; "
                                     "create it with locationPut first.",
                                     path=("input", "allocations", i, "location")))  # fmt: skip
    refuse(problems)
    known = await queries.share_sets(tx, skus, lock=True)
    spans = {(found.sku, found.location_id, found.scope): (found.starts_on, found.ends_on) for found in known}
    at, gone, rows = clock.now(), list[UUID](), list[dict[str, Any]]()
    for i, sharing in enumerate(sent):
        place = places[sharing.location].id if sharing.location is not None else None
        scope = f"{place.hex if place else '*'}:{sharing.starts_on or ''}:{sharing.ends_on or ''}"
        old = {share.demand_class: share for found in known if (found.sku, found.scope) == (sharing.sku, scope)
               for share in found.shares.rows}  # fmt: skip
        spans.pop((sharing.sku, place, scope), None)
        if sharing.parts:
            for (sku, location_id, _), span in spans.items():
                if (sku, location_id) == (sharing.sku, place) and _overlap(span, (sharing.starts_on, sharing.ends_on)):
                    problems.append(
                        Taken(
                            f"{sku} has other shares there from {span[0] or 'ever'} to {span[1] or 'ever'}; send days "
                            "that do not overlap, or end those first.",
                            path=("input", "allocations", i),
                        )
                    )
            spans[sharing.sku, place, scope] = (sharing.starts_on, sharing.ends_on)
            parts = {part.demand_class: part for part in (*sharing.parts, Part(POOL, 0))}
            kept = {name: Part(name, 0) for name, share in old.items() if name not in parts and share.used}
            rows += [
                {
                    "tenant_id": tx.tenant_id, "id": ids.new(), "sku": sharing.sku, "scope": scope,
                    "location_id": place, "starts_on": sharing.starts_on, "ends_on": sharing.ends_on,
                    "demand_class": part.demand_class, "basis": sharing.basis, "target": part.target,
                    "hard": part.hard, "steal_until": part.steal_until, "updated_at": at,
                }
                for part in (parts | kept).values()
            ]  # fmt: skip
            gone += [share.id for name, share in old.items() if name not in parts and name not in kept]
        else:
            gone += [share.id for share in old.values()]
        emit(
            tx,
            AllocationChanged(
                sku=sharing.sku,
                location_id=network.LOCATION(place) if place else None,
                starts_on=sharing.starts_on.isoformat() if sharing.starts_on else None,
                ends_on=sharing.ends_on.isoformat() if sharing.ends_on else None,
                basis=str(sharing.basis),
                shares=[{"demandClass": part.demand_class, "target": part.target} for part in sharing.parts],
            ),
            subject=ALLOCATION.ref(next((share.id for share in old.values()), None) or ids.new()),
            updated=["shares"],
        )
    refuse(problems)
    if gone:
        await tx.run(_FORGET_USES, {"ids": gone})
        await tx.run(_FORGET, {"ids": gone})
    await tx.upsert(
        Allocation,
        rows,
        key=("tenant_id", "sku", "scope", "demand_class"),
        change=("basis", "target", "hard", "steal_until", "updated_at"),
    )
    return skus


def _overlap(a: tuple[date | None, date | None], b: tuple[date | None, date | None]) -> bool:
    return (a[0] or date.min) <= (b[1] or date.max) and (b[0] or date.min) <= (a[1] or date.max)


def _check(sharing: Sharing, classes: set[str], path: Path, problems: list[Refusal]) -> None:
    problems += out_of_reach(sharing.starts_on, (*path, "startsOn"))
    problems += out_of_reach(sharing.ends_on, (*path, "endsOn"))
    if sharing.starts_on and sharing.ends_on and sharing.starts_on > sharing.ends_on:
        problems.append(
            Invalid(
                f"It would end on {sharing.ends_on}, before it starts on {sharing.starts_on}.", path=(*path, "endsOn")
            )
        )
    most = {AllocationBasis.UNITS: UNITS_MAX, AllocationBasis.PERCENT: WHOLE, AllocationBasis.RATIO: 1_000_000}
    counted = Counter(part.demand_class for part in sharing.parts)
    for j, part in enumerate(sharing.parts):
        at = (*path, "shares", j)
        problems += out_of_reach(part.steal_until, (*at, "stealUntil"))
        if part.demand_class not in classes:
            problems.append(
                NotFound(f"There is no active demand class {part.demand_class[:60]!r}; "
                         "create it with demandClassesPut first.",
                         path=(*at, "demandClass"))
            )  # fmt: skip
        elif counted[part.demand_class] > 1:
            problems.append(Invalid(f"{part.demand_class} is named twice; send it once.", path=(*at, "demandClass")))
        if not (0 if sharing.basis is AllocationBasis.UNITS else 1) <= part.target <= most[sharing.basis]:
            problems.append(
                Invalid(f"target {part.target} must be up to {most[sharing.basis]:,}.", path=(*at, "target"))
            )
    whole = sum(part.target for part in sharing.parts)
    if sharing.basis is AllocationBasis.PERCENT and whole > WHOLE:
        problems.append(
            Invalid(f"The shares add up to {whole} basis points; {WHOLE:,} is all there is.", path=(*path, "shares"))
        )
