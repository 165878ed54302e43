"""From plan to units held: only inventory's guarded statement is truth."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from oms_api import allocation, inventory
from oms_api.allocation import Wish
from oms_api.catalog import Item
from oms_api.inventory import InsufficientStock, Reservation, Wanted
from oms_api.kit.db import Tx
from oms_api.kit.errors import Path, Refusal, refuse
from oms_api.network import Location, Network, NoCapacity, SourcingObjective, Work, take_capacity
from oms_api.promising.models import Destination, Line, Promised, ShortagePolicy
from oms_api.promising.service.asides import Without, less
from oms_api.promising.service.bringing import bring, lock
from oms_api.promising.service.planning import LINES, Planned, plan, write_down
from oms_api.sourcing import DecisionReason

PLANS_MAX = 3
"""The first plan, and two more when others were quicker."""


async def hold(
    tx: Tx,
    promised: Promised,
    *,
    owner_id: UUID | None,
    expires_at: datetime | None,
    line_ids: Sequence[UUID] | None = None,
    floats: bool = False,
) -> Reservation | None:
    """Hold the units of every parcel, for an owner or until `expires_at`; None when no parcel has any.

    `line_ids[i]` is the order line of line i; with `floats` they are held for the channel as a whole.
    Raises InsufficientStock when it is no longer there as planned, NoCapacity when the day of a location has filled up.
    """
    if not any(parcel.lines for parcel in promised.parcels):
        return None
    # shares before positions, everywhere in this order: so nobody waits for each other in a circle
    claims = await allocation.take(tx, promised.demand_class, _wishes(promised)) if promised.rationed else []
    counted = {claim.sku for claim in claims}
    brought = await bring(tx, promised)
    wanted = [
        Wanted(
            units.sku,
            parcel.location_id,
            units.quantity,
            supply_id=brought.get(units.supply_id, units.supply_id) if units.supply_id else None,
            line_id=line_ids[units.line_index] if line_ids is not None else None,
            method=parcel.method,
            ship_by=parcel.ship_by,
            deliver_by=parcel.delivered_by,
            rationed=units.sku in counted,
        )
        for parcel in promised.parcels
        for units in parcel.lines
    ]
    held = await inventory.reserve(
        tx,
        wanted,
        owner_id=owner_id,
        expires_at=expires_at,
        channel=promised.channel,
        floats=floats,
        demand_class=promised.demand_class,
    )
    await allocation.record(tx, claims, held.id, expires_at)
    work = [
        Work(parcel.location_id, parcel.works_on, units.sku, units.quantity)
        for parcel in promised.parcels
        for units in parcel.lines
        if parcel.works_on is not None
    ]
    if work and not floats:
        await take_capacity(tx, work, holder_id=held.id, expires_at=expires_at)
    return held


def _wishes(promised: Promised) -> list[Wish]:
    """What is taken of shares; what an ATP rule brings for it is nobody's."""
    generated = {one.id for one in promised.generated}
    counted_in = {(one.sku, one.location_id): one.quantity for one in promised.generated if not one.waits}
    found = []
    for parcel in promised.parcels:
        for units in parcel.lines:
            own = units.quantity
            if units.supply_id is None and (key := (units.sku, parcel.location_id)) in counted_in:
                own -= (some := min(own, counted_in[key]))
                counted_in[key] -= some
            if own and units.supply_id not in generated:
                found.append(Wish(units.sku, parcel.location_id, own, awaited=units.supply_id is not None))
    return found


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
    floats: bool = False,
    customer_group: str | None = None,
    reason: DecisionReason = DecisionReason.ORDER,
    demand_class: str | None = None,
    without: Without | None = None,
) -> tuple[Planned, Reservation | None]:
    """Plan and hold in one step; when others were quicker, plan again with fresh rows, at most twice.

    The last plan is made with shares, stock and the rules that bring more of it locked: nobody is refused because of
    others who are quicker each time.
    Raises what cannot be promised (InsufficientStock, NoSource) with REJECT, and when nobody could be quicker any more;
    with PARTIAL and BACKORDER that is in the plan's `short`. What is held is written down as a decision, for
    the owner, else for the reservation until an order takes it.
    `without`: locations that are not to be asked, and why.
    """
    asked = less(network, without or ())
    last: Refusal | None = None
    locked = False
    for number in range(1, PLANS_MAX + 1):
        planned = await plan(
            tx,
            network=asked,
            lines=lines,
            destination=destination,
            pickup=pickup,
            on_shortage=on_shortage,
            objective=objective,
            items=items,
            path=path,
            customer_group=customer_group,
            demand_class=demand_class,
        )
        # Shares and stock are read by several statements: what others take in between looks like a shortage.
        doubtful = not locked and _shared_out(planned)
        if not doubtful:
            if on_shortage is ShortagePolicy.REJECT:
                refuse(planned.short)
            try:
                # a reserve that comes up short has raised some positions already: they are let go before the next plan
                async with tx.attempt():
                    held = await hold(
                        tx, planned, owner_id=owner_id, expires_at=expires_at, line_ids=line_ids, floats=floats
                    )
            except Refusal as error:
                if not all(isinstance(part, InsufficientStock | NoCapacity) for part in error.parts()):
                    raise
                last = error
            else:
                if held is not None:
                    await write_down(tx, planned, owner_id or held.id, reason, without)
                return planned, held
        if not locked and (doubtful or number == PLANS_MAX - 1):
            await _lock(tx, planned)
            locked = True
    assert last is not None
    raise last


def _shared_out(planned: Planned) -> bool:
    """Whether it is short of units that are shared out."""
    limits = planned.question.shelf.limits
    return limits is not None and limits.any and any(isinstance(part, InsufficientStock) for part in planned.short)


async def _lock(tx: Tx, planned: Planned) -> None:
    """Nobody else takes what the next plan will see: shares before positions, and rules last, as in `hold`. At most two
    statements, four when rules bring some of it."""
    question = planned.question
    if question.shelf.limits is not None:
        await allocation.lock(tx, question.grams)
    stock = question.shelf.free
    await lock(tx, {(sku, id_) for sku, there in stock.items() for id_ in there}, planned.generated)
