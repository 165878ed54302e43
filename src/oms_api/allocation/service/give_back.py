"""Give back to shares what reservations let go, in the transaction that lets go, the last taken first."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, func, update
from sqlmodel import col

from oms_api.allocation import queries
from oms_api.allocation.models import Allocation, AllocationUse
from oms_api.allocation.rules import parts_of
from oms_api.inventory import LetGo
from oms_api.kit.db import Tx, json_rows, mine, now, prepared, table_of

_units = json_rows("units_of", {"id": Uuid(), "units": BigInteger()})
_GIVE = prepared(
    update(table_of(AllocationUse))
    .where(mine(AllocationUse), col(AllocationUse.id) == _units.c.id)
    .values(
        quantity=col(AllocationUse.quantity) - _units.c.units,
        given=func.coalesce(col(AllocationUse.given), 0) + _units.c.units,
    )
)
_SETTLE = prepared(
    update(table_of(AllocationUse))
    .where(mine(AllocationUse), col(AllocationUse.id) == _units.c.id)
    .values(quantity=col(AllocationUse.quantity) - _units.c.units, given=None)
)
_LESS_USED = prepared(
    update(table_of(Allocation))
    .where(mine(Allocation), col(Allocation.id) == _units.c.id)
    .values(used=col(Allocation.used) - _units.c.units, updated_at=now())
)


async def give_back(tx: Tx, let_go: Sequence[LetGo], *, everywhere: bool = True) -> None:
    """Reservations let these units go: from now on they are in the shares again that they were taken of. Without
    `everywhere` only in shares of a location.

    No share is locked, so that it may come after positions; `settle` takes them off the shares' rows. At most two
    statements, none for no units.
    """
    if not let_go:
        return
    of: dict[UUID, list[LetGo]] = defaultdict(list)
    for one in let_go:
        of[one.reservation_id].append(one)
    uses = await queries.uses_of(tx, of, lock=True)
    parts = [part for id_, gone in of.items() for part in parts_of(uses.get(id_, ()), [one[1:] for one in gone])]
    await _give(tx, [(use, units) for use, units in parts if everywhere or use.location_id is not None])


async def came_back(tx: Tx, owner_id: UUID, units: Iterable[tuple[str, UUID, int]]) -> None:
    """Units that an owner had (SKU, location, units) come back and can be promised again: so they are in the shares
    again, as `give_back` has it. To be called before positions are locked. One statement when no share is concerned."""
    uses = await queries.uses_owned(tx, owner_id)
    parts = parts_of(uses, units) if uses else []
    await _give(tx, parts)
    for id_ in sorted({use.reservation_id for use, _ in parts}):
        await settle(tx, id_, expired=False)


async def settle(tx: Tx, reservation_id: UUID, *, expired: bool) -> None:
    """Take off the shares' rows what a reservation gave back; all that it took when it has `expired`. One statement
    when there is nothing to do, four otherwise."""
    uses = (await queries.uses_of(tx, [reservation_id], lock=True)).get(reservation_id, [])
    back: dict[UUID, int] = defaultdict(int)
    for use in uses:
        back[use.allocation_id] += (use.given or 0) + (use.quantity if expired else 0)
    if not any(back.values()):
        return
    await queries.locked_by_id(tx, sorted(back))
    await tx.run(_SETTLE, {"units_of": [{"id": use.id, "units": use.quantity if expired else 0} for use in uses]})
    await tx.run(_LESS_USED, {"units_of": [{"id": id_, "units": units} for id_, units in sorted(back.items())]})


async def _give(tx: Tx, parts: Sequence[tuple[AllocationUse, int]]) -> None:
    if parts:
        await tx.run(_GIVE, {"units_of": [{"id": use.id, "units": units} for use, units in parts]})
