"""What is taken of the capacity of locations, without a lock."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, Date, func, text, union_all
from sqlmodel import col

from oms_api.kit.db import Reading, any_of, columns, mine, now, param, prepared
from oms_api.network.models import CapacityClaim, CapacityDay
from oms_api.network.rules import Taken

# A literal, not a parameter: only so do both engines see that the partial index holds all that is asked for.
LAPSING = text("capacity_claims.expires_at IS NOT NULL")

_within = col(CapacityDay.on_date).between(param("first", Date()), param("last", Date()))
# What lapsed counts as free: an order is a holder's work at a location on a day, a line each SKU of it.
_day = columns(
    col(CapacityDay.location_id),
    col(CapacityDay.on_date),
    col(CapacityDay.orders_taken),
    col(CapacityDay.lines_taken),
    col(CapacityDay.units_taken),
).where(mine(CapacityDay), any_of(CapacityDay.location_id, "locations"), _within)
_lapsed = (
    columns(
        col(CapacityClaim.location_id),
        col(CapacityClaim.on_date),
        (-func.count(col(CapacityClaim.holder_id).distinct())).cast(BigInteger()),
        (-func.count()).cast(BigInteger()),
        (-func.sum(col(CapacityClaim.units))).cast(BigInteger()),
    )
    .where(
        mine(CapacityClaim),
        any_of(CapacityClaim.location_id, "locations"),
        col(CapacityClaim.on_date).between(param("first", Date()), param("last", Date())),
        LAPSING,
        col(CapacityClaim.expires_at) <= now(),
    )
    .group_by(col(CapacityClaim.location_id), col(CapacityClaim.on_date))
)
_together = union_all(_day, _lapsed).subquery("taken")
_TAKEN = prepared(columns(*_together.c))

Days = Mapping[date, Taken]


async def capacity_taken(
    reading: Reading, location_ids: Sequence[UUID], first: date, last: date
) -> Mapping[UUID, Days]:
    """What is taken by location and day, first and last included; days without work are left out. One statement."""
    found: dict[UUID, dict[date, Taken]] = defaultdict(dict)
    rows = await reading.all(_TAKEN, {"locations": sorted(location_ids), "first": first, "last": last})
    for location_id, on_date, orders, lines, units in rows:
        before = found[location_id].get(on_date, Taken())
        found[location_id][on_date] = Taken(before.orders + orders, before.lines + lines, before.units + units)
    return found
