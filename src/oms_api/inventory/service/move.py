"""Units that change their place: from one bucket to another, from one location to another."""

from collections.abc import Sequence
from typing import NamedTuple

from oms_api.inventory.models import UNITS_MAX, Position, StockBucket
from oms_api.inventory.service import ledger
from oms_api.inventory.service.adjust import reason_problems, settled, too_many
from oms_api.inventory.service.ledger import Delta
from oms_api.inventory.service.places import check_size, places
from oms_api.kit.db import Tx
from oms_api.kit.errors import Invalid, Refusal, refuse


class Transfer(NamedTuple):
    """Units that go from a bucket of a position to another one, there or at another location (handles)."""

    sku: str
    location: str
    quantity: int
    to_location: str
    bucket: StockBucket = StockBucket.AVAILABLE
    to_bucket: StockBucket = StockBucket.AVAILABLE


async def move(
    tx: Tx, transfers: Sequence[Transfer], *, reason: str, reference_url: str | None = None
) -> list[Position]:
    """Move units in one step, all or none; a movement for each end, so that nothing is lost on the way.

    Returns the positions as they are now, in the order first named. Raises Invalid, NotFound, LimitExceeded.
    """
    check_size(transfers, "moves")
    problems: list[Refusal] = reason_problems(reason)
    for i, row in enumerate(transfers):
        if not 1 <= row.quantity <= UNITS_MAX:
            problems.append(
                Invalid(f"{row.quantity} units cannot move; send 1 to {UNITS_MAX:,}.", path=_path(i, "quantity"))
            )
        if (row.location, row.bucket) == (row.to_location, row.to_bucket):
            problems.append(
                Invalid(
                    f"{row.sku} is {row.bucket} at {row.location} already; name another bucket or location.",
                    path=("input", "moves", i),
                )
            )
    keys = await places(tx, [(row.sku, row.location) for row in transfers], "moves", problems, complete=False)
    there: list[Refusal] = []
    to = [(row.sku, row.to_location) for row in transfers]
    into = await places(tx, to, "moves", there, field="toLocation", complete=False)
    # a SKU, or a location that the units stay at, is told once
    elsewhere = [str(i) for i, row in enumerate(transfers) if row.to_location != row.location]
    refuse([*problems, *(one for one in there if one.path[-1] == "toLocation" and one.path[2] in elsewhere)])
    deltas = [
        Delta(*key, units, bucket)
        for row, leaves, comes in zip(transfers, keys, into, strict=True)
        for key, units, bucket in ((leaves, -row.quantity, row.bucket), (comes, row.quantity, row.to_bucket))
    ]
    named = [key for pair in zip(keys, into, strict=True) for key in pair]
    await ledger.open_positions(tx, named)
    rows = await ledger.change(tx, deltas)
    if len(rows) < len(set(named)):
        told = [
            (row.sku, place, _path(i, "quantity"))
            for i, row in enumerate(transfers)
            for place in (row.location, row.to_location)
        ]
        refuse(too_many(await ledger.lock(tx, set(named) - rows.keys()), deltas, told))
    await ledger.record(tx, deltas, rows, reason=reason, reference_url=reference_url)
    return await settled(tx, deltas, rows, named)


def _path(i: int, field: str) -> tuple[str | int, ...]:
    return ("input", "moves", i, field)
