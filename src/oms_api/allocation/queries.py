"""Every SELECT of allocation. Classes are remembered for as long as the tenant's policy has the same name."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, and_, func, or_, union_all
from sqlmodel import col, select

from oms_api.allocation.models import Allocation, AllocationUse, DemandClass
from oms_api.allocation.rules import Rung, Share, Shares, parts_of
from oms_api.inventory import LetGo, Reservation, ReservationState
from oms_api.kit.db import Reading, any_of, columns, mine, now, param, prepared
from oms_api.kit.remembered import Remembered
from oms_api.network import Network

LADDERS_REMEMBERED_MAX = 64

_CLASSES = prepared(
    select(DemandClass).where(mine(DemandClass)).order_by(col(DemandClass.rank), col(DemandClass.handle))
)
_CLASSES_BY_ID = prepared(select(DemandClass).where(mine(DemandClass), any_of(DemandClass.id, "ids")))
_of_skus = (
    select(Allocation)
    .where(mine(Allocation), any_of(Allocation.sku, "skus"))
    .order_by(col(Allocation.sku), col(Allocation.scope), col(Allocation.demand_class))
)
_ROWS = prepared(_of_skus)
_LOCKED = prepared(_of_skus.with_for_update(key_share=True))
_its_reservation = and_(
    col(Reservation.tenant_id) == col(AllocationUse.tenant_id),
    col(Reservation.id) == col(AllocationUse.reservation_id),
)
_lapsed = (
    columns(col(AllocationUse.allocation_id).label("of"), col(AllocationUse.quantity).label("units"))
    .join(Reservation, _its_reservation)
    .where(
        mine(AllocationUse),
        any_of(AllocationUse.allocation_id, "allocations"),
        col(AllocationUse.quantity) > 0,
        col(AllocationUse.expires_at).is_not(None),
        or_(
            and_(
                col(Reservation.state) == ReservationState.OPEN,
                col(Reservation.owner_id).is_(None),
                col(Reservation.expires_at) <= now(),
            ),
            col(Reservation.state) == ReservationState.EXPIRED,
            col(Reservation.state) == ReservationState.RELEASED,
        ),
    )
)
_given = columns(col(AllocationUse.allocation_id).label("of"), col(AllocationUse.given).label("units")).where(
    mine(AllocationUse), any_of(AllocationUse.allocation_id, "allocations"), col(AllocationUse.given) > 0
)
_back = union_all(_lapsed, _given).subquery("back")
_BACK = prepared(columns(_back.c.of, func.sum(_back.c.units).cast(BigInteger()).label("units")).group_by(_back.c.of))
_uses = (
    select(AllocationUse)
    .where(
        mine(AllocationUse),
        any_of(AllocationUse.reservation_id, "reservations"),
        or_(col(AllocationUse.quantity) > 0, col(AllocationUse.given) > 0),
    )
    .order_by(col(AllocationUse.reservation_id), col(AllocationUse.nth).desc())
)
_USES = prepared(_uses)
_USES_LOCKED = prepared(_uses.with_for_update(key_share=True))
_USES_OWNED = prepared(
    select(AllocationUse)
    .join(Reservation, _its_reservation)
    .where(
        mine(AllocationUse),
        mine(Reservation),
        col(Reservation.owner_id) == param("owner", Uuid()),
        col(AllocationUse.quantity) > 0,
    )
    .order_by(col(AllocationUse.reservation_id).desc(), col(AllocationUse.nth).desc())
    .with_for_update(of=AllocationUse, key_share=True)
)
_BY_ID_LOCKED = prepared(
    select(Allocation)
    .where(mine(Allocation), any_of(Allocation.id, "ids"))
    .order_by(col(Allocation.sku), col(Allocation.scope), col(Allocation.demand_class))
    .with_for_update(key_share=True)
)


class Ladder(NamedTuple):
    """Active classes, and the class of each channel that has one. Empty: nothing is rationed."""

    rungs: Mapping[str, Rung]
    of_channel: Mapping[str, str]


class ShareSet(NamedTuple):
    """The shares of a SKU at a location, or everywhere, for a time."""

    sku: str
    scope: str
    location_id: UUID | None
    starts_on: date | None
    ends_on: date | None
    shares: Shares

    def holds_on(self, day: date) -> bool:
        return (self.starts_on is None or self.starts_on <= day) and (self.ends_on is None or day <= self.ends_on)


EMPTY = Ladder({}, {})
_remembered: Remembered[UUID, Ladder] = Remembered(LADDERS_REMEMBERED_MAX)


async def demand_classes(reading: Reading) -> list[DemandClass]:
    """All of them, by rank."""
    return await reading.all(_CLASSES)


async def demand_classes_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, DemandClass]:
    return {row.id: row for row in await reading.all(_CLASSES_BY_ID, {"ids": ids})}


def ladder(classes: Iterable[DemandClass]) -> Ladder:
    """The active ones of these classes."""
    active = [row for row in classes if row.active]
    return Ladder(
        {row.handle: Rung(row.rank, row.parent) for row in active},
        {channel: row.handle for row in active for channel in row.channels},
    )


async def ladder_of(reading: Reading, network: Network) -> Ladder:
    """The tenant's classes. No statement when there is no policy, or when this process knows it."""
    policy = network.policy
    if policy is None:
        return EMPTY
    found = _remembered.get(reading.tenant_id, policy)
    if found is None:
        found = ladder(await demand_classes(reading))
        _remembered.put(reading.tenant_id, policy, found)
    return found


async def lock_shares(reading: Reading, skus: Iterable[str]) -> list[Allocation]:
    """Lock the shares of these SKUs, in their order, until the transaction ends. One statement."""
    return await reading.all(_LOCKED, {"skus": sorted(skus)})


async def share_sets(reading: Reading, skus: Sequence[str], *, lock: bool = False) -> list[ShareSet]:
    """The shares of these SKUs, with what was taken of each; what expired or gave units back is not.

    One statement, and a second when there are any. With `lock`, nobody else takes of them until commit.
    """
    rows = await lock_shares(reading, skus) if lock else await reading.all(_ROWS, {"skus": sorted(skus)})
    if not rows:
        return []
    back = {row.of: row.units for row in await reading.all(_BACK, {"allocations": [row.id for row in rows]})}
    return _sets(rows, back)


def _sets(rows: Iterable[Allocation], back: Mapping[UUID, int]) -> list[ShareSet]:
    of: dict[tuple[str, str], list[Allocation]] = {}
    for row in rows:
        of.setdefault((row.sku, row.scope), []).append(row)
    return [
        ShareSet(
            sku,
            scope,
            members[0].location_id,
            members[0].starts_on,
            members[0].ends_on,
            Shares(
                members[0].basis,
                tuple(
                    Share(
                        row.id,
                        row.demand_class,
                        row.target,
                        max(row.used - back.get(row.id, 0), 0),
                        row.hard,
                        row.steal_until,
                        row.used,
                    )
                    for row in members
                ),
            ),
        )
        for (sku, scope), members in of.items()
    ]


async def locked_by_id(reading: Reading, ids: Sequence[UUID]) -> list[Allocation]:
    return await reading.all(_BY_ID_LOCKED, {"ids": ids})


async def uses_of(
    reading: Reading, reservation_ids: Iterable[UUID], *, lock: bool = False
) -> Mapping[UUID, list[AllocationUse]]:
    """What each of these reservations took and did not give back, or gave back and still stands in `used`; the last
    taken first. With `lock` they stay as they are until the transaction ends."""
    found: dict[UUID, list[AllocationUse]] = defaultdict(list)
    asked = {"reservations": sorted(set(reservation_ids))}
    for use in await reading.all(_USES_LOCKED if lock else _USES, asked):
        found[use.reservation_id].append(use)
    return found


async def given_up(reading: Reading, sets: Iterable[ShareSet], units: Sequence[LetGo]) -> list[ShareSet]:
    """These sets as if reservations had let those units go. One statement."""
    uses = await uses_of(reading, (one.reservation_id for one in units))
    back: dict[UUID, int] = defaultdict(int)
    for id_, taken in uses.items():
        for use, part in parts_of(taken, [one[1:] for one in units if one.reservation_id == id_]):
            back[use.allocation_id] += part
    return [
        found._replace(
            shares=found.shares._replace(
                rows=tuple(row._replace(used=max(row.used - back[row.id], 0)) for row in found.shares.rows)
            )
        )
        for found in sets
    ]


async def uses_owned(reading: Reading, owner_id: UUID) -> list[AllocationUse]:
    """What all reservations of an owner took and did not give back, the last taken first; locked."""
    return await reading.all(_USES_OWNED, {"owner": owner_id})
