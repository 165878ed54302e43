"""A token is redeemed: its units are held as they were shown, and how that was decided is written down."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from oms_api import sourcing
from oms_api.catalog import Item
from oms_api.inventory import Reservation
from oms_api.kit.db import Tx
from oms_api.kit.errors import Path, Refusal
from oms_api.network import Network, SourcingObjective
from oms_api.promising.errors import NoSource
from oms_api.promising.models import Promised, ShortagePolicy, Told
from oms_api.promising.service.holding import hold
from oms_api.promising.service.place import places_of
from oms_api.promising.service.planning import PROMISE_VALID, Planned, apart, solve, write_down
from oms_api.promising.service.question import read
from oms_api.promising.service.tokens import told_of
from oms_api.sourcing import DecisionReason

LINES: Path = ("input", "lines")


async def redeem(
    tx: Tx,
    promised: Promised,
    *,
    network: Network,
    items: Mapping[str, Item] | None = None,
    owner_id: UUID | None,
    expires_at: datetime | None = None,
    line_ids: Sequence[UUID] | None = None,
    floats: bool = False,
) -> Reservation | None:
    """Hold the units of an opened token, for an order or a cart. Raises as `hold` does.

    The token has the plan but not what it was made from, which is too much to carry: it is decided again, as of the
    instant of the promise, from the rows of today. What comes out the same is kept as any decision is; else what was
    promised is kept as a PROMISE, with its costs, and cannot be made again. Raises NoSource when a location has been
    taken off the channel or takes no more work since.
    """
    told = promised.told
    assert told is not None
    _check_places(promised, network)
    remade = await _remade(tx, promised, told, network, items)
    held = await hold(tx, promised, owner_id=owner_id, expires_at=expires_at, line_ids=line_ids, floats=floats)
    if held is None:
        return None
    owner = owner_id or held.id
    if remade is not None:
        await write_down(tx, remade, owner, DecisionReason.ORDER)
    else:
        await sourcing.record_promised(
            tx,
            owner_id=owner,
            channel=promised.channel,
            currency=network.channel.currency,
            policy=told.policy,
            number=told.number,
            engine=told.engine,
            plan=_plan(promised, told, network),
        )
    return held


def _check_places(promised: Promised, network: Network) -> None:
    working = {place.id for place in places_of(network) if place.active}
    if any(parcel.location_id not in working for parcel in promised.parcels):
        names = {row.id: row.handle for row in network.locations}
        gone = sorted({parcel.location_id for parcel in promised.parcels} - working)
        said = ", ".join(names.get(id_, "a location") for id_ in gone)
        raise NoSource(
            f"Since it was promised {said} takes no more work for channel {promised.channel}; ask for a new promise.",
            path=("input", "promiseToken"),
        )


def _plan(promised: Promised, told: Told, network: Network) -> dict[str, Any]:
    """The plan of a promise as `sourcing.plan_json` would have it, but for parts that were planned apart."""
    places = {place.id: place for place in places_of(network)}
    parcels = []
    for one, cost in zip(promised.parcels, told.costs, strict=True):
        place = places.get(one.location_id)
        units: Counter[str] = Counter()
        for part in one.lines:
            units[part.sku] += part.quantity
        zone = ZoneInfo(place.timezone if place else "UTC")
        parcels.append(
            {
                "location": place.handle if place else one.location_id.hex,
                "service": one.service or "",
                "shipsOn": one.ship_by.astimezone(zone).date().toordinal(),
                "arrivesOn": one.delivered_by.toordinal(),
                "lines": sorted(units.items()),
                "cost": cost,
            }
        )
    return {
        "objective": told.objective,
        "parcels": parcels,
        "terms": told.terms,
        "penalties": told.penalties,
        "cost": sum(told.costs),
        "score": told.score,
        "lowerBound": told.bound,
        "exact": told.exact,
    }


async def _remade(
    tx: Tx, promised: Promised, told: Told, network: Network, items: Mapping[str, Item] | None
) -> Planned | None:
    """The same plan at the same costs, decided by the same version, from the rows of today; None when it is another."""
    try:
        question = await read(
            tx,
            network=network,
            lines=promised.lines,
            destination=promised.destination,
            pickup=[row for row in network.locations if row.id == promised.pickup] if promised.pickup else None,
            items=items,
            path=LINES,
            demand_class=promised.demand_class,
            customer_group=told.customer_group,
            at=promised.expires_at - PROMISE_VALID,
        )
    except Refusal:
        return None
    planned = await apart(question, solve, question, ShortagePolicy.REJECT, SourcingObjective(told.objective))
    return planned if planned.parcels == promised.parcels and told_of(planned) == told else None
