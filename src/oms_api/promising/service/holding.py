"""From plan to units held: only inventory's guarded statement is truth."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from oms_api import inventory
from oms_api.catalog import Item
from oms_api.inventory import InsufficientStock, Reservation, Wanted
from oms_api.kit.db import Tx
from oms_api.kit.errors import Path, Refusal, refuse
from oms_api.network import Location, Network, SourcingObjective
from oms_api.promising.models import Destination, Line, Promised, ShortagePolicy
from oms_api.promising.service.planning import LINES, Planned, plan

PLANS_MAX = 3
"""The first plan, and two more when others were quicker."""


async def hold(
    tx: Tx,
    promised: Promised,
    *,
    owner_id: UUID | None,
    expires_at: datetime | None,
    line_ids: Sequence[UUID] | None = None,
) -> Reservation | None:
    """Hold the units of every parcel, for an owner or until `expires_at`; None when no parcel has any.

    `line_ids[i]` is the order line of line i. Raises InsufficientStock when it is no longer there as planned.
    """
    wanted = [
        Wanted(
            units.sku,
            parcel.location_id,
            units.quantity,
            safety=parcel.safety,
            supply_id=units.supply_id,
            line_id=line_ids[units.line_index] if line_ids is not None else None,
        )
        for parcel in promised.parcels
        for units in parcel.lines
    ]
    if not wanted:
        return None
    return await inventory.reserve(tx, wanted, owner_id=owner_id, expires_at=expires_at)


async def plan_and_hold(
    tx: Tx,
    *,
    network: Network,
    lines: Sequence[Line],
    destination: Destination | None = None,
    pickup: Sequence[Location] | None = None,
    on_shortage: ShortagePolicy = ShortagePolicy.REJECT,
    objective: SourcingObjective | None = None,
    items: Mapping[str, Item] | None = None,
    path: Path = LINES,
    owner_id: UUID | None,
    expires_at: datetime | None,
    line_ids: Sequence[UUID] | None = None,
) -> tuple[Planned, Reservation | None]:
    """Plan and hold in one step; when others were quicker, plan again with fresh rows, at most twice.

    Raises what cannot be promised (InsufficientStock, NoSource) with REJECT, and when nobody could be quicker any more;
    with PARTIAL and BACKORDER that is in the plan's `short`.
    """
    last: Refusal | None = None
    for _ in range(PLANS_MAX):
        planned = await plan(
            tx,
            network=network,
            lines=lines,
            destination=destination,
            pickup=pickup,
            on_shortage=on_shortage,
            objective=objective,
            items=items,
            path=path,
        )
        if on_shortage is ShortagePolicy.REJECT:
            refuse(planned.short)
        # a reserve that comes up short has raised some positions already: they are let go before the next plan
        told = len(tx.notes.get("facts", ()))
        await tx.text("SAVEPOINT planned")
        try:
            return planned, await hold(tx, planned, owner_id=owner_id, expires_at=expires_at, line_ids=line_ids)
        except Refusal as error:
            if not all(isinstance(part, InsufficientStock) for part in error.parts()):
                raise
            last = error
        await tx.text("ROLLBACK TO SAVEPOINT planned")
        if "facts" in tx.notes:
            del tx.notes["facts"][told:]
    assert last is not None
    raise last
