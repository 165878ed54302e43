"""Units that may be promised in a day: counted where a MAX_PER_DAY rule says so, and given back with the units."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Date, String, and_, case, update
from sqlmodel import col

from oms_api.inventory import queries, rules
from oms_api.inventory.errors import InsufficientStock
from oms_api.inventory.models import ReservationLine, StockDay
from oms_api.kit import clock, ids
from oms_api.kit.db import Tx, columns, json_rows, mine, prepared, table_of
from oms_api.kit.errors import refuse

if TYPE_CHECKING:
    from oms_api.inventory.service.reserve import Wanted

NOT_COUNTED: Mapping[str, Any] = {"counted_on": None, "counted_at": None, "counted_for": None}

_counts = json_rows(
    "counts",
    {"sku": String(), "scope": String(), "day": Date(), "units": BigInteger(), "most": BigInteger()},
)
_locked = (
    columns(col(StockDay.id), _counts.c.units, (_counts.c.most - col(StockDay.promised)).label("left"))
    .join(
        _counts,
        and_(
            col(StockDay.sku) == _counts.c.sku,
            col(StockDay.scope) == _counts.c.scope,
            col(StockDay.day) == _counts.c.day,
        ),
    )
    .where(mine(StockDay))
    .order_by(col(StockDay.sku), col(StockDay.day), col(StockDay.scope))
    .with_for_update(of=StockDay, key_share=True)
    .cte("locked")
)
_COUNT = prepared(
    update(table_of(StockDay))
    .where(mine(StockDay), col(StockDay.id) == _locked.c.id, _locked.c.left >= _locked.c.units)
    .values(promised=col(StockDay.promised) + _locked.c.units)
    .returning(col(StockDay.sku), col(StockDay.scope))
)
_GIVE_BACK = prepared(
    update(table_of(StockDay))
    .where(mine(StockDay), col(StockDay.id) == _locked.c.id)
    .values(
        promised=case(
            (col(StockDay.promised) > _locked.c.units, col(StockDay.promised) - _locked.c.units),
            else_=0,
        )
    )
)


async def count(tx: Tx, wanted: "Sequence[Wanted]", channel: str | None) -> "dict[Wanted, Mapping[str, Any]]":
    """Count units against what may be promised today, in the order of SKU and scope; their positions are locked.

    Gives what each line must remember to give its units back. Raises InsufficientStock, with when the next day begins.
    """
    caps = await queries.caps(tx, sorted({want.sku for want in wanted}), channel)
    of: dict[str, list[rules.Rule]] = defaultdict(list)
    for row in caps:
        of[row.sku].append(rules.Rule(row.kind, row.location_id, None, row.channel, row.units, row.starts_at))
    day = clock.now().date()
    units: dict[tuple[str, str], int] = defaultdict(int)
    most: dict[tuple[str, str], int] = {}
    remembered: dict[Wanted, Mapping[str, Any]] = {}
    for want in wanted:
        at = rules.allowance(of[want.sku], want.location_id)
        sold = rules.allowance(of[want.sku], None)
        for found, scope in (
            (at, queries.scope_of(want.location_id)),
            (sold, queries.scope_of(channel=channel)),
        ):
            if found is not None:
                units[want.sku, scope] += want.quantity
                most[want.sku, scope] = found
        if at is not None or sold is not None:
            remembered[want] = {
                "counted_on": day,
                "counted_at": want.location_id if at is not None else None,
                "counted_for": channel if sold is not None else None,
            }
    if not units:
        return {}
    keys = sorted(units)
    own = {"tenant_id": tx.tenant_id, "day": day, "promised": 0}
    await tx.upsert(
        StockDay,
        [{**own, "id": ids.new(), "sku": sku, "scope": scope} for sku, scope in keys],
        key=("tenant_id", "sku", "day", "scope"),
    )
    rows = [
        {"sku": sku, "scope": scope, "day": day, "units": units[sku, scope], "most": most[sku, scope]}
        for sku, scope in keys
    ]
    got = {(row.sku, row.scope) for row in await tx.all(_COUNT, {"counts": rows})}
    lacking = [key for key in keys if key not in got]
    if lacking:
        await _refuse(tx, lacking, units, most)
    return remembered


async def _refuse(
    tx: Tx,
    lacking: Sequence[tuple[str, str]],
    units: Mapping[tuple[str, str], int],
    most: Mapping[tuple[str, str], int],
) -> None:
    now = clock.now()
    promised = await queries.counted(tx, sorted({sku for sku, _ in lacking}), now.date())
    tomorrow = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
    problems = []
    for key in lacking:
        left = max(0, most[key] - promised.get(key, 0))
        problems.append(
            InsufficientStock(
                f"{units[key]} of {key[0]} were asked for, {left} of {most[key]} may still be promised today; ask for "
                "fewer, or tomorrow.",
                details={
                    "sku": key[0], "requested": units[key], "available": left, "next_available_at": tomorrow,
                },
            )
        )  # fmt: skip
    refuse(problems)


async def give_back(tx: Tx, taken: Sequence[tuple[ReservationLine, int]]) -> None:
    """Units that are not promised any more may be promised again, on the day that they were counted. One statement,
    none where nothing was counted."""
    units: dict[tuple[str, Any, str], int] = defaultdict(int)
    for line, some in taken:
        if line.counted_on is None:
            continue
        if line.counted_at is not None:
            units[line.sku, line.counted_on, queries.scope_of(line.counted_at)] += some
        if line.counted_for is not None:
            units[line.sku, line.counted_on, queries.scope_of(channel=line.counted_for)] += some
    if units:
        rows = [
            {"sku": sku, "scope": scope, "day": day, "units": some, "most": 0}
            for (sku, day, scope), some in sorted(units.items())
        ]
        await tx.run(_GIVE_BACK, {"counts": rows})
