"""What is physically there: stock by deltas, and by absolutes."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from oms_api.inventory.errors import StaleQuantity
from oms_api.inventory.models import COLUMNS, UNITS_MAX, Position, StockBucket
from oms_api.inventory.service import ledger
from oms_api.inventory.service.expire import free_expired
from oms_api.inventory.service.ledger import Delta, Key
from oms_api.inventory.service.places import beyond, check_size, places
from oms_api.kit.db import Tx
from oms_api.kit.errors import Invalid, Path, Refusal, refuse

_REASON = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}")


class Change(NamedTuple):
    """Units that come to a bucket, or leave it when negative. `location` is a handle."""

    sku: str
    location: str
    delta: int
    bucket: StockBucket = StockBucket.AVAILABLE


class Quantity(NamedTuple):
    """New on-hand of a position, if it is `expected` now (None: whatever it is). `location` is a handle."""

    sku: str
    location: str
    quantity: int
    expected: int | None = None


async def adjust(tx: Tx, changes: Sequence[Change], *, reason: str, reference_url: str | None = None) -> list[Position]:
    """Change buckets by deltas, all or none; a position named twice gets the sum, and a movement for each.

    `reason` is a code (it becomes part of a fact). On hand may fall below what is reserved: then `inventory.short` is
    told. Returns the positions as they are now, in the order first named. Raises Invalid, NotFound, LimitExceeded.
    """
    check_size(changes, "changes")
    problems: list[Refusal] = reason_problems(reason)
    problems += [
        Invalid("A delta of 0 changes nothing; leave the row out.", path=("input", "changes", i, "delta"))
        for i, change in enumerate(changes)
        if change.delta == 0
    ]
    keys = await places(tx, [(change.sku, change.location) for change in changes], "changes", problems)
    deltas = [
        Delta(sku, location_id, change.delta, change.bucket)
        for (sku, location_id), change in zip(keys, changes, strict=True)
    ]
    await ledger.open_positions(tx, keys)
    rows = await ledger.change(tx, deltas)
    if len(rows) < len(set(keys)):
        told = [(change.sku, change.location, ("input", "changes", i, "delta")) for i, change in enumerate(changes)]
        refuse(too_many(await ledger.lock(tx, set(keys) - rows.keys()), deltas, told))
    await ledger.record(tx, deltas, rows, reason=reason, reference_url=reference_url)
    return await settled(tx, deltas, rows, keys)


async def set_quantities(tx: Tx, quantities: Sequence[Quantity], *, reason: str) -> list[Position]:
    """Set on-hand of positions, all or none; each position once. For the system of record.

    Raises StaleQuantity (with the SKU) where on-hand is not what was expected, Invalid, NotFound.
    """
    check_size(quantities, "quantities")
    problems: list[Refusal] = reason_problems(reason)
    for i, row in enumerate(quantities):
        if not 0 <= row.quantity <= UNITS_MAX:
            problems.append(
                Invalid(
                    f"{row.quantity} units of {row.sku} must be 0 to {UNITS_MAX:,}.",
                    path=("input", "quantities", i, "quantity"),
                )
            )
    keys = await places(tx, [(row.sku, row.location) for row in quantities], "quantities", problems)
    problems += [
        Invalid(
            f"{row.sku} at {row.location} is named twice; send each position once.",
            path=("input", "quantities", i),
        )
        for i, row in enumerate(quantities)
        if keys.index(keys[i]) < i
    ]
    refuse(problems)
    await ledger.open_positions(tx, keys)
    # what was counted replaces what was booked: the movement is the difference, taken under the position's lock
    before = await ledger.lock(tx, keys)
    refuse(
        [
            StaleQuantity(
                f"{row.sku} at {row.location} has {before[key].on_hand} on hand, not {row.expected}: "
                "read it again, count again, retry.",
                path=("input", "quantities", i, "expectedQuantity"),
                details={"sku": row.sku},
            )
            for i, (row, key) in enumerate(zip(quantities, keys, strict=True))
            if row.expected is not None and row.expected != before[key].on_hand
        ]
    )
    deltas = [
        Delta(*key, row.quantity - before[key].on_hand)
        for row, key in zip(quantities, keys, strict=True)
        if row.quantity != before[key].on_hand
    ]
    rows = {**before, **await ledger.change(tx, deltas)}
    await ledger.record(tx, deltas, rows, reason=reason)
    return await settled(tx, deltas, rows, keys)


def reason_problems(reason: str, path: Path = ("input", "reason")) -> list[Refusal]:
    """What is wrong with a reason: it becomes part of a fact, so it is a code."""
    if _REASON.fullmatch(reason):
        return []
    return [
        Invalid(
            f"{reason[:60]!r} is not a reason; send a code such as 'cycle_count': 1 to 64 letters, digits, _ . : / -",
            path=path,
        )
    ]


def too_many(
    now: Mapping[Key, Position], deltas: Sequence[Delta], told: Sequence[tuple[str, str, Path]]
) -> list[Refusal]:
    """One problem for each bucket of these positions that would leave its bounds, at the first row that names it.

    `told` says of each delta its SKU, its location's handle and where in the input it stands.
    """
    sums: dict[tuple[Key, StockBucket], int] = defaultdict(int)
    first: dict[tuple[Key, StockBucket], int] = {}
    for i, delta in enumerate(deltas):
        bucket = (delta.sku, delta.location_id), delta.bucket
        sums[bucket] += delta.quantity
        first.setdefault(bucket, i)
    problems = []
    for (key, bucket_), units in sums.items():
        if key not in now:
            continue
        i = first[key, bucket_]
        problem = beyond(
            f"{told[i][0]} at {told[i][1]} ({bucket_})", getattr(now[key], COLUMNS[bucket_]), units, told[i][2]
        )
        if problem:
            problems.append(problem)
    return problems


async def settled(tx: Tx, deltas: Sequence[Delta], rows: Mapping[Key, Position], keys: Sequence[Key]) -> list[Position]:
    """Tell which positions are short now, after what expired reservations hold there; rows in the order named."""
    fell = {
        (delta.sku, delta.location_id)
        for delta in deltas
        if delta.quantity < 0 and delta.bucket is StockBucket.AVAILABLE
    }
    short = {key for key in fell if rows[key].on_hand < rows[key].reserved}
    if short:
        if await free_expired(tx, short):
            rows = {**rows, **await ledger.lock(tx, short)}
        ledger.tell_short(tx, [rows[key] for key in sorted(short)])
    return [rows[key] for key in dict.fromkeys(keys)]
