"""What somebody counted: the books follow, with a reason; a difference too large to believe is counted twice."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import String, Uuid, and_, update
from sqlmodel import col

from oms_api.inventory.events import InventoryCounted
from oms_api.inventory.models import (
    COLUMNS,
    POSITION,
    UNITS_MAX,
    CountState,
    Position,
    StockBucket,
    StockCount,
)
from oms_api.inventory.service import ledger
from oms_api.inventory.service.adjust import reason_problems, settled
from oms_api.inventory.service.ledger import Delta
from oms_api.inventory.service.places import check_size, places
from oms_api.kit import clock, ids
from oms_api.kit.db import Tx, json_rows, mine, prepared, table_of
from oms_api.kit.errors import Invalid, Refusal, refuse
from oms_api.kit.events import emit
from oms_api.network import LOCATION

_places = json_rows("places", {"sku": String(), "location_id": Uuid(), "bucket": String()})
_SETTLE = prepared(
    update(table_of(StockCount))
    .where(
        mine(StockCount),
        and_(
            col(StockCount.sku) == _places.c.sku,
            col(StockCount.location_id) == _places.c.location_id,
            col(StockCount.bucket) == _places.c.bucket,
        ),
        col(StockCount.state) == CountState.RECOUNT,
    )
    .values(state=CountState.RECOUNTED)
    .returning(StockCount)
)


class Counted(NamedTuple):
    """Units that somebody counted in a bucket of a position. `location` is a handle, `reason` a code: why the books
    were wrong, if they were (None: the call's)."""

    sku: str
    location: str
    counted: int
    bucket: StockBucket = StockBucket.AVAILABLE
    reason: str | None = None


async def count(
    tx: Tx, counts: Sequence[Counted], *, reason: str, recount_above: int | None = None
) -> tuple[list[StockCount], list[Position]]:
    """Book what was counted, all or none; each bucket of a position once.

    A difference of more than `recount_above` units is not booked but waits for a second count, which is booked
    whatever it says. Returns the counts in the order asked, and the positions that were counted as they are now.
    Raises Invalid, NotFound.
    """
    check_size(counts, "counts")
    problems: list[Refusal] = reason_problems(reason)
    if recount_above is not None and recount_above < 0:
        problems.append(
            Invalid(
                f"recountAbove {recount_above} must be 0 or more; leave it out to book every count.",
                path=("input", "recountAbove"),
            )
        )
    for i, row in enumerate(counts):
        if not 0 <= row.counted <= UNITS_MAX:
            problems.append(
                Invalid(
                    f"{row.counted} units of {row.sku} must be 0 to {UNITS_MAX:,}.",
                    path=("input", "counts", i, "counted"),
                )
            )
        if row.reason is not None:
            problems += reason_problems(row.reason, ("input", "counts", i, "reason"))
    keys = await places(tx, [(row.sku, row.location) for row in counts], "counts", problems)
    buckets = [(key, row.bucket) for key, row in zip(keys, counts, strict=True)]
    refuse(
        [
            Invalid(
                f"{row.bucket} of {row.sku} at {row.location} is named twice; send what was counted in all.",
                path=("input", "counts", i),
            )
            for i, row in enumerate(counts)
            if buckets.index(buckets[i]) < i
        ]
    )
    await ledger.open_positions(tx, keys)
    before = await ledger.lock(tx, keys)
    again = {
        ((row.sku, row.location_id), row.bucket)
        for row in await tx.all(
            _SETTLE,
            {
                "places": [
                    {"sku": sku, "location_id": location_id, "bucket": str(bucket)}
                    for (sku, location_id), bucket in buckets
                ]
            },
        )
    }
    at = clock.now()
    rows = []
    for (key, bucket), one in zip(buckets, counts, strict=True):
        booked = getattr(before[key], COLUMNS[bucket])
        doubted = recount_above is not None and abs(one.counted - booked) > recount_above
        rows.append(
            {
                "tenant_id": tx.tenant_id,
                "id": ids.new(),
                "sku": key[0],
                "location_id": key[1],
                "bucket": bucket,
                "counted": one.counted,
                "booked": booked,
                "reason": one.reason or reason,
                "state": CountState.RECOUNT if doubted and (key, bucket) not in again else CountState.BOOKED,
                "created_at": at,
            }
        )
    made = await tx.insert(StockCount, rows)
    deltas = {
        row.id: Delta(row.sku, row.location_id, row.counted - row.booked, row.bucket)
        for row in made
        if row.state is CountState.BOOKED and row.counted != row.booked
    }
    after = {**before, **await ledger.change(tx, list(deltas.values()))}
    _tell(tx, made, before)
    for why in sorted({row.reason for row in made if row.id in deltas}):
        booked_for = [deltas[row.id] for row in made if row.id in deltas and row.reason == why]
        await ledger.record(tx, booked_for, after, reason=why)
    return made, await settled(tx, list(deltas.values()), after, keys)


def _tell(tx: Tx, counts: Sequence[StockCount], positions: Mapping[ledger.Key, Position]) -> None:
    for row in counts:
        emit(
            tx,
            InventoryCounted(
                sku=row.sku,
                location_id=LOCATION(row.location_id),
                bucket=row.bucket,
                counted=row.counted,
                booked=row.booked,
                reason=row.reason,
                recount=row.state is CountState.RECOUNT,
            ),
            subject=POSITION.ref(positions[row.sku, row.location_id].id),
        )
