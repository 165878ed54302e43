"""Take work on, and give it back: the guard of a location's capacity, and what a put may say of it.

The row of a location's day is the lock of its claims. Rows are locked in the order of location and day, after positions
of the stock ledger.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Date, Uuid, and_, case, delete, or_, update
from sqlmodel import col, select

from oms_api.kit import ids
from oms_api.kit.db import Instant, Tx, any_of, columns, json_rows, mine, now, param, prepared, table_of
from oms_api.kit.errors import Path, Refusal, refuse
from oms_api.network import queries, rules
from oms_api.network.errors import NoCapacity
from oms_api.network.models import LOCATION, CapacityClaim, CapacityDay, CapacityMeasure, Location
from oms_api.network.queries.capacity import LAPSING
from oms_api.network.rules import Taken
from oms_api.network.service.put import revise_locations

Day = tuple[UUID, date]


class Work(NamedTuple):
    """Units of a SKU that a location prepares on a local date."""

    location_id: UUID
    on_date: date
    sku: str
    units: int


_MEASURES = ("orders_taken", "lines_taken", "units_taken")
_work = json_rows(
    "work",
    {"location_id": Uuid(), "on_date": Date()}
    | {name: BigInteger() for name in _MEASURES}
    | {f"most_{name}": BigInteger() for name in _MEASURES},
)
_of_work = and_(col(CapacityDay.location_id) == _work.c.location_id, col(CapacityDay.on_date) == _work.c.on_date)
_days = (
    columns(
        col(CapacityDay.location_id),
        col(CapacityDay.on_date),
        *[_work.c[name] for name in _MEASURES],
        *[_work.c[f"most_{name}"] for name in _MEASURES],
        *[(col(getattr(CapacityDay, name)) + _work.c[name]).label(f"{name}_then") for name in _MEASURES],
    )
    .join(_work, _of_work)
    .where(mine(CapacityDay))
    .order_by(col(CapacityDay.location_id), col(CapacityDay.on_date))
    .with_for_update(of=CapacityDay, key_share=True)
    .cte("locked")
)
# Judged by the locked row, as it is after waiting for others.
_TAKE = prepared(
    update(table_of(CapacityDay))
    .where(
        mine(CapacityDay),
        col(CapacityDay.location_id) == _days.c.location_id,
        col(CapacityDay.on_date) == _days.c.on_date,
        *[
            or_(_days.c[f"most_{name}"].is_(None), _days.c[f"{name}_then"] <= _days.c[f"most_{name}"])
            for name in _MEASURES
        ],
    )
    .values(**{name: col(getattr(CapacityDay, name)) + _days.c[name] for name in _MEASURES})
    .returning(col(CapacityDay.location_id), col(CapacityDay.on_date))
)
_keys = json_rows("keys", {"location_id": Uuid(), "on_date": Date()})
_LOCK = prepared(
    select(CapacityDay)
    .join(_keys, and_(col(CapacityDay.location_id) == _keys.c.location_id, col(CapacityDay.on_date) == _keys.c.on_date))
    .where(mine(CapacityDay))
    .order_by(col(CapacityDay.location_id), col(CapacityDay.on_date))
    .with_for_update(of=CapacityDay, key_share=True)
)
_LAPSED = prepared(
    columns(col(CapacityClaim.id))
    .join(
        _keys,
        and_(col(CapacityClaim.location_id) == _keys.c.location_id, col(CapacityClaim.on_date) == _keys.c.on_date),
    )
    .where(mine(CapacityClaim), LAPSING, col(CapacityClaim.expires_at) <= now())
)
# What was extended or taken over at the same moment is another row now, and stays.
_FREE = prepared(
    delete(table_of(CapacityClaim))
    .where(mine(CapacityClaim), any_of(CapacityClaim.id, "ids"), col(CapacityClaim.expires_at) <= now())
    .returning(CapacityClaim)
)
_CLAIMS = prepared(select(CapacityClaim).where(mine(CapacityClaim), any_of(CapacityClaim.holder_id, "holders")))
_until = param("until", Instant())
_DATE = prepared(
    update(table_of(CapacityClaim))
    .where(mine(CapacityClaim), col(CapacityClaim.holder_id) == param("holder", Uuid()))
    .values(
        expires_at=case(
            (and_(_until.is_not(None), col(CapacityClaim.expires_at) > _until), col(CapacityClaim.expires_at)),
            else_=_until,
        )
    )
)
_DROP = prepared(delete(table_of(CapacityClaim)).where(mine(CapacityClaim), any_of(CapacityClaim.id, "ids")))
_left = json_rows("left", {"id": Uuid(), "units": BigInteger()})
_LEAVE = prepared(
    update(table_of(CapacityClaim))
    .where(mine(CapacityClaim), col(CapacityClaim.id) == _left.c.id)
    .values(units=_left.c.units)
)


async def put_capacities(tx: Tx, changes: Sequence[Mapping[str, Any]]) -> list[Location]:
    """Say what locations can do in a day, all or none. Keys: `location` (its handle), `capacities` as its column.

    Raises every problem of the input at once: Invalid, Required, NotFound.
    """

    def revise(change: Mapping[str, Any], path: Path, problems: list[Refusal]) -> dict[str, Any]:
        rules.check_capacities(change["capacities"], (*path, "capacities"), problems)
        return {"capacities": list(change["capacities"]) or None}

    return await revise_locations(tx, "locations", changes, revise)


async def take_capacity(
    tx: Tx, work: Sequence[Work], *, holder_id: UUID, expires_at: datetime | None = None, more: bool = False
) -> None:
    """Take all of this work on, or none, for a holder (a reservation), until `expires_at` or for good.

    All of a holder's work at a location on a day is one order there, each SKU of it a line. What lapsed is given back
    first where its room is needed. Raises NoCapacity for each day that is too full. Four statements, none for locations
    without a limit that day but the first. With `more` the holder may have work on these days already, which goes on
    being one order: two statements more.
    """
    rows = await queries.locations_by_id(tx, sorted({one.location_id for one in work}))
    limits = {id_: rules.limits_of(row.daily_capacity, row.capacities) for id_, row in rows.items()}
    of_day: dict[Day, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in work:
        if limits[one.location_id]:
            of_day[one.location_id, one.on_date][one.sku] += one.units
    if not of_day:
        return
    await tx.upsert(
        CapacityDay,
        [{"tenant_id": tx.tenant_id, "location_id": id_, "on_date": day} for id_, day in sorted(of_day)],
        key=("tenant_id", "location_id", "on_date"),
    )
    begun: set[Day] = set()
    if more:
        await tx.all(_LOCK, {"keys": _in_order(of_day)})
        begun = {(claim.location_id, claim.on_date) for claim in await tx.all(_CLAIMS, {"holders": [holder_id]})}
    wanted = {day: Taken(int(day not in begun), len(skus), sum(skus.values())) for day, skus in of_day.items()}
    missing = await _take(tx, wanted, limits)
    if missing and await _free_lapsed(tx, missing):
        missing = await _take(tx, {day: wanted[day] for day in missing}, limits)
    if missing:
        await _refuse(tx, {day: wanted[day] for day in missing}, rows, limits)
    await tx.insert(
        CapacityClaim,
        [
            {
                "tenant_id": tx.tenant_id,
                "id": ids.new(),
                "holder_id": holder_id,
                "location_id": id_,
                "on_date": day,
                "sku": sku,
                "units": units,
                "expires_at": expires_at,
            }
            for (id_, day), skus in sorted(of_day.items())
            for sku, units in sorted(skus.items())
        ],
    )


async def date_capacity(tx: Tx, holder_id: UUID, expires_at: datetime | None) -> None:
    """What a holder has taken lapses then and no sooner than before, or never. One statement.

    To be called before the holder itself is dated: then nobody frees it meanwhile.
    """
    await tx.run(_DATE, {"holder": holder_id, "until": expires_at})


async def give_back_capacity(tx: Tx, holder_id: UUID, units: Mapping[tuple[UUID, str], int] | None = None) -> None:
    """Give back what a holder has taken: these units by location and SKU, later days first, or all of it.

    More than it has taken is all of it. One statement when it has taken nothing, else at most six.
    """
    before = await tx.all(_CLAIMS, {"holders": [holder_id]})
    if not before:
        return
    await tx.all(_LOCK, {"keys": _in_order({(claim.location_id, claim.on_date) for claim in before})})
    claims = await tx.all(_CLAIMS, {"holders": [holder_id]})
    left = {claim.id: claim.units for claim in claims}
    if units is None:
        left = dict.fromkeys(left, 0)
    else:
        open_ = dict(units)
        for claim in sorted(claims, key=lambda claim: claim.on_date, reverse=True):
            back = min(open_.get((claim.location_id, claim.sku), 0), claim.units)
            if back:
                open_[claim.location_id, claim.sku] -= back
                left[claim.id] -= back
    freed = _freed(claims, left)
    if not freed:
        return
    gone = [id_ for id_, count in left.items() if not count]
    if gone:
        await tx.run(_DROP, {"ids": gone})
    fewer = [{"id": claim.id, "units": left[claim.id]} for claim in claims if 0 < left[claim.id] < claim.units]
    if fewer:
        await tx.run(_LEAVE, {"left": fewer})
    await _give(tx, freed)


def _freed(claims: Sequence[CapacityClaim], left: Mapping[UUID, int]) -> dict[Day, Taken]:
    """What claims of holders take less of each day when so many units are left of them."""
    by_work: dict[tuple[UUID, UUID, date], list[CapacityClaim]] = defaultdict(list)
    for claim in claims:
        by_work[claim.holder_id, claim.location_id, claim.on_date].append(claim)
    freed: dict[Day, Taken] = defaultdict(Taken)
    for (_, location_id, on_date), parts in by_work.items():
        units = sum(claim.units - left.get(claim.id, 0) for claim in parts)
        if units:
            gone = sum(1 for claim in parts if not left.get(claim.id, 0))
            so_far = freed[location_id, on_date]
            freed[location_id, on_date] = Taken(
                so_far.orders + (gone == len(parts)), so_far.lines + gone, so_far.units + units
            )
    return freed


async def _take(tx: Tx, wanted: Mapping[Day, Taken], limits: Mapping[UUID, Sequence[rules.Limit]]) -> set[Day]:
    """Add to the days that have room; those that have none."""
    work = []
    for location_id, on_date in sorted(wanted):
        most = rules.most(limits[location_id], on_date)
        row: dict[str, Any] = {"location_id": location_id, "on_date": on_date}
        for measure, name in zip(CapacityMeasure, _MEASURES, strict=True):
            row |= {name: wanted[location_id, on_date].of(measure), f"most_{name}": most.get(measure)}
        work.append(row)
    got = {(row.location_id, row.on_date) for row in await tx.all(_TAKE, {"work": work})}
    return set(wanted) - got


async def _give(tx: Tx, freed: Mapping[Day, Taken]) -> None:
    """Take away from days, which must be locked."""
    unlimited: dict[str, None] = {f"most_{name}": None for name in _MEASURES}
    work = [
        {"location_id": location_id, "on_date": on_date}
        | {name: -count for name, count in zip(_MEASURES, taken, strict=True)}
        | unlimited
        for (location_id, on_date), taken in sorted(freed.items())
    ]
    await tx.all(_TAKE, {"work": work})


def _in_order(days: Iterable[Day]) -> list[dict[str, Any]]:
    return [{"location_id": location_id, "on_date": on_date} for location_id, on_date in sorted(days)]


async def _free_lapsed(tx: Tx, days: Iterable[Day]) -> bool:
    """Give back what lapsed on these days, which must be locked. Whether there was anything."""
    lapsed = await tx.all(_LAPSED, {"keys": _in_order(days)})
    claims: list[CapacityClaim] = await tx.all(_FREE, {"ids": lapsed}) if lapsed else []
    if claims:
        await _give(tx, _freed(claims, {}))
    return bool(claims)


async def _refuse(
    tx: Tx,
    wanted: Mapping[Day, Taken],
    rows: Mapping[UUID, Location],
    limits: Mapping[UUID, Sequence[rules.Limit]],
) -> None:
    days = [day for _, day in wanted]
    taken = await queries.capacity_taken(tx, sorted({id_ for id_, _ in wanted}), min(days), max(days))
    problems: list[Refusal] = []
    for (location_id, on_date), asked in sorted(wanted.items()):
        used = taken.get(location_id, {}).get(on_date, Taken())
        for room in rules.rooms(limits[location_id], on_date, used):
            if room.left is not None and room.left < asked.of(room.measure):
                name = rows[location_id].handle
                problems.append(
                    NoCapacity(
                        f"{name} can take {room.left} more {room.measure.lower()} on {on_date} ({room.process}), not "
                        f"{asked.of(room.measure)}; ask for a new promise.",
                        details={
                            "subject_id": LOCATION(location_id),
                            "requested": asked.of(room.measure),
                            "available": room.left,
                        },
                    )
                )
    refuse(problems)
