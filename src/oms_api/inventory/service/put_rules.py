"""Stock rules: put by handle, and taken away again."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import delete

from oms_api import catalog, network
from oms_api.inventory import queries
from oms_api.inventory.events import InventoryRuleChanged
from oms_api.inventory.models import STOCK_RULE, UNITS_MAX, StockRule, StockRuleKind
from oms_api.inventory.service.places import check_size
from oms_api.kit import clock, ids
from oms_api.kit.db import Tx, any_of, mine, prepared, table_of
from oms_api.kit.errors import Invalid, NotFound, Path, Refusal, Required, refuse
from oms_api.kit.events import emit, rfc3339
from oms_api.kit.times import out_of_reach
from oms_api.network import LOCATION

HANDLE_LENGTH_MAX = 255
SAID = ("kind", "sku", "location_id", "method", "channel", "units", "starts_at", "ends_at")
_REMOVE = prepared(
    delete(table_of(StockRule)).where(mine(StockRule), any_of(StockRule.handle, "handles")).returning(StockRule)
)


class Ruled(NamedTuple):
    """A rule as `StockRule` has it; `location` and `channel` are handles, `units` None takes the rule away."""

    handle: str
    kind: StockRuleKind
    sku: str
    units: int | None
    location: str | None = None
    method: str | None = None
    channel: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


async def put_rules(tx: Tx, ruled: Sequence[Ruled]) -> list[StockRule]:
    """Put or take away rules by handle, all or none; the rules that stand, in the order named.

    What is promised already stays promised. Raises Invalid, Required, NotFound.
    """
    check_size(ruled, "rules")
    problems = _problems(ruled)
    items = await catalog.items(tx, sorted({row.sku for row in ruled}))
    places = await network.locations_by_handle(tx, sorted({row.location for row in ruled if row.location}))
    channels = await network.channels_by_handle(tx, sorted({row.channel for row in ruled if row.channel}))
    for i, row in enumerate(ruled):
        path = ("input", "rules", i)
        if row.sku not in items:
            problems.append(
                NotFound(f"{row.sku[:100]!r} is not a known SKU; create it with skuPut first.", path=(*path, "sku"))
            )
        if row.location is not None and row.location not in places:
            problems.append(
                NotFound(
                    f"{row.location[:100]!r} is not a known location; create it with locationPut first.",
                    path=(*path, "location"),
                )
            )
        if row.channel is not None and row.channel not in channels:
            problems.append(
                NotFound(
                    f"{row.channel[:100]!r} is not a known channel; create it with channelPut first.",
                    path=(*path, "channel"),
                )
            )
    refuse(problems)
    known = await queries.rules_by_handle(tx, [row.handle for row in ruled])
    at = clock.now()
    wanted: list[dict[str, Any]] = [
        {
            "tenant_id": tx.tenant_id,
            "id": ids.new(),
            "handle": row.handle,
            "kind": row.kind,
            "sku": row.sku,
            "location_id": places[row.location].id if row.location else None,
            "method": row.method,
            "channel": row.channel,
            "units": row.units,
            "starts_at": row.starts_at,
            "ends_at": row.ends_at,
            "updated_at": at,
        }
        for row in ruled
        if row.units is not None
    ]
    fresh = [row for row in wanted if not _same(known.get(row["handle"]), row)]
    fresh.sort(key=lambda row: row["handle"])
    saved = {
        row.handle: row
        for row in await tx.upsert(StockRule, fresh, key=("tenant_id", "handle"), change=(*SAID, "updated_at"))
    }
    gone_handles = sorted(row.handle for row in ruled if row.units is None and row.handle in known)
    gone = await tx.all(_REMOVE, {"handles": gone_handles}) if gone_handles else []
    for rule in saved.values():
        _tell(tx, rule, rule.units, rule.handle in known)
    for rule in gone:
        _tell(tx, rule, None, True)
    return [saved.get(row.handle) or known[row.handle] for row in ruled if row.units is not None]


def _same(old: StockRule | None, row: dict[str, Any]) -> bool:
    return old is not None and all(getattr(old, name) == row[name] for name in SAID)


def _problems(ruled: Sequence[Ruled]) -> list[Refusal]:
    found: list[Refusal] = []
    named = Counter(row.handle for row in ruled)
    for i, row in enumerate(ruled):
        path: Path = ("input", "rules", i)
        if not 1 <= len(row.handle) <= HANDLE_LENGTH_MAX or not row.handle.isprintable():
            found.append(
                Invalid(
                    f"{row.handle[:40]!r}: a handle has 1 to {HANDLE_LENGTH_MAX} printable characters.",
                    path=(*path, "handle"),
                )
            )
        if named[row.handle] > 1:
            found.append(Invalid(f"{row.handle[:100]} is named twice; send each rule once.", path=(*path, "handle")))
        if row.units is not None and not 0 <= row.units <= UNITS_MAX:
            found.append(Invalid(f"{row.units} units must be 0 to {UNITS_MAX:,}.", path=(*path, "units")))
        found += out_of_reach(row.starts_at, (*path, "startsAt"))
        found += out_of_reach(row.ends_at, (*path, "endsAt"))
        if row.starts_at and row.ends_at and row.ends_at <= row.starts_at:
            found.append(
                Invalid(
                    f"endsAt {rfc3339(row.ends_at)} is not after startsAt {rfc3339(row.starts_at)}; send a later end.",
                    path=(*path, "endsAt"),
                )
            )
        found += _scope(row, path)
    return found


def _scope(row: Ruled, path: Path) -> list[Refusal]:
    """Where each kind of rule can speak of."""
    found: list[Refusal] = []
    if row.kind is StockRuleKind.SAFETY_STOCK:
        if row.channel is not None:
            found.append(
                Invalid("Safety stock lies at locations; a channel withholds a THRESHOLD.", path=(*path, "channel"))
            )
        if row.method is not None and row.location is None:
            found.append(Required("Name the location whose delivery method is meant.", path=(*path, "location")))
        return found
    if row.method is not None:
        found.append(Invalid(f"{row.kind} is the same for every delivery method.", path=(*path, "deliveryMethod")))
    if row.kind is StockRuleKind.THRESHOLD:
        if row.location is not None:
            found.append(
                Invalid("A threshold is a channel's; a location keeps SAFETY_STOCK.", path=(*path, "location"))
            )
        if row.channel is None:
            found.append(Required("Name the channel that withholds them.", path=(*path, "channel")))
    elif (row.location is None) == (row.channel is None):
        found.append(
            Required("Say where a day's units are counted: at a location, or in a channel; one of both.", path=path)
        )
    return found


def _tell(tx: Tx, row: StockRule, units: int | None, known: bool) -> None:
    emit(
        tx,
        InventoryRuleChanged(
            handle=row.handle,
            kind=row.kind,
            sku=row.sku,
            units=units,
            location_id=_location(row.location_id),
            method=row.method,
            channel=row.channel,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
        ),
        subject=STOCK_RULE.ref(row.id),
        added=() if known else ["stockRule"],
        updated=["units"] if known and units is not None else (),
        removed=["stockRule"] if units is None else (),
    )


def _location(id_: UUID | None) -> str | None:
    return LOCATION(id_) if id_ is not None else None
