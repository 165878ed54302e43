"""Where an order's units come from: a promise that was made, a reservation that is held, or a plan made now.

Whichever it is, the units are held for the order when this returns, and each line knows how many of its units are on
hand, how many wait for supply, and when they arrive.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from oms_api import inventory, promising
from oms_api.catalog import Item, SkuKind
from oms_api.inventory import InsufficientStock, ReservationLine
from oms_api.kit import clock
from oms_api.kit.db import Tx
from oms_api.kit.errors import Details, Invalid, Refusal, refuse
from oms_api.network import Network, locations_by_id
from oms_api.orders.rules.units import covered
from oms_api.orders.service.check import UNSTOCKED, Checked
from oms_api.orders.service.new import INPUT, NewOrder
from oms_api.promising import DeliveryMethod, Destination, Line, NoSource, Promised, ShortagePolicy

Found = Counter[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Sourced:
    """A line's units: on hand, waiting for supply, and not to be had (`rest`); and when the last arrives."""

    held: int
    awaited: int
    rest: int
    promised_on: date | None


@dataclass(slots=True)
class FoundUnits:
    """Units found, by index of the line and SKU; `arrives` by index of the line."""

    on_hand: Found = field(default_factory=Counter)
    to_come: Found = field(default_factory=Counter)
    arrives: dict[int, date] = field(default_factory=dict)
    short: list[Refusal] = field(default_factory=list)
    demand_class: str | None = None


async def source(
    tx: Tx,
    new: NewOrder,
    checked: Checked,
    network: Network,
    items: Mapping[str, Item],
    *,
    order_id: UUID,
    line_ids: Sequence[UUID],
) -> tuple[list[Sourced], str | None]:
    """Hold the units of an order; what becomes of each line's, and the demand class that was named for them.

    Raises InsufficientStock, NoSource, Expired, Invalid.
    """
    if new.promise_token is not None:
        units = await _as_promised(tx, new, checked, network, items, new.promise_token, order_id, line_ids)
    elif new.reservation_id is not None:
        units = await _as_reserved(tx, new, checked, network, items, new.reservation_id, order_id, line_ids)
    else:
        units = await _as_planned(tx, new, checked, network, items, order_id, line_ids)
    found = [_sourced(i, line.quantity, items[line.sku], units) for i, line in enumerate(new.lines)]
    # PARTIAL takes what there is: an order of nothing is none
    nothing = new.on_shortage is ShortagePolicy.PARTIAL and not any(line.held + line.awaited for line in found)
    if nothing or new.on_shortage is ShortagePolicy.REJECT:
        refuse(units.short or _uncovered(new, found))
    return found, units.demand_class


def per_unit(item: Item) -> Mapping[str, int]:
    """Units by SKU that one unit of a line takes from stock: a kit's components, nothing for what has no stock."""
    if item.kind is SkuKind.KIT:
        return item.components
    return {} if item.kind in UNSTOCKED else {item.code: 1}


def _sourced(i: int, quantity: int, item: Item, units: FoundUnits) -> Sourced:
    parts = per_unit(item)
    if not parts:
        # sent by message or performed: there is nothing to wait for
        return Sourced(quantity, 0, 0, clock.now().date())
    on_hand = {sku: units.on_hand[i, sku] for sku in parts}
    got = covered(quantity, parts, on_hand, {sku: units.to_come[i, sku] for sku in parts})
    return Sourced(got.held, got.awaited, quantity - got.held - got.awaited, units.arrives.get(i))


def _uncovered(new: NewOrder, found: Sequence[Sourced]) -> list[Refusal]:
    """Refusals for what a promise or a reservation does not hold."""
    return [
        InsufficientStock(
            f"{line.quantity} of {line.sku} were asked for, {line.quantity - sourced.rest} are held; ask for a new "
            "promise.",
            path=(*INPUT, "lines", i, "quantity"),
            details={"sku": line.sku, "requested": line.quantity, "available": line.quantity - sourced.rest},
        )
        for i, (line, sourced) in enumerate(zip(new.lines, found, strict=True))
        if sourced.rest
    ]


def collect(units: FoundUnits, promised: Promised, line_of: Sequence[int]) -> None:
    """Add a plan's units to those found; `line_of[i]` is the order's line of the plan's line i."""
    for parcel in promised.parcels:
        for sku, quantity, line_index, supply_id in parcel.lines:
            i = line_of[line_index]
            (units.on_hand if supply_id is None else units.to_come)[i, sku] += quantity
            units.arrives[i] = max(units.arrives.get(i, parcel.delivered_by), parcel.delivered_by)


# --- a promise -----------------------------------------------------------------------------------------------------


async def _as_promised(
    tx: Tx,
    new: NewOrder,
    checked: Checked,
    network: Network,
    items: Mapping[str, Item],
    token: str,
    order_id: UUID,
    line_ids: Sequence[UUID],
) -> FoundUnits:
    promised = promising.open_token(tx, token)
    line_of = _check_promise(new, checked, promised)
    await promising.redeem(
        tx, promised, network=network, items=items, owner_id=order_id, line_ids=[line_ids[i] for i in line_of]
    )
    units = FoundUnits(demand_class=promised.demand_class)
    collect(units, promised, line_of)
    return units


def _check_promise(new: NewOrder, checked: Checked, promised: Promised) -> list[int]:
    """The order's line of each promised line. Raises Invalid for what differs from the promise."""
    found: list[Refusal] = []
    path = (*INPUT, "promiseToken")
    if promised.channel != new.channel:
        found.append(Invalid(f"The promise was made for channel {promised.channel}.", path=path))
    open_lines: dict[Line, list[int]] = defaultdict(list)
    for i in reversed(range(len(new.lines))):
        open_lines[new.wanted(i)].append(i)
    line_of = []
    for wanted in promised.lines:
        left = open_lines[wanted]
        if left:
            line_of.append(left.pop())
    if len(line_of) != len(promised.lines) or any(open_lines.values()):
        if sorted(line[:2] for line in promised.lines) == sorted((line.sku, line.quantity) for line in new.lines):
            for wanted in promised.lines:
                ours = [line for line in open_lines if line[:2] == wanted[:2] and line != wanted and open_lines[line]]
                found += [
                    Invalid(
                        f"{line.sku} is {_when(line)}, the promise has it {_when(wanted)}; send requestedOn and "
                        "mayArriveEarlier as they were promised.",
                        path=path,
                    )
                    for line in ours[:1]
                ]
        else:
            found.append(Invalid("SKUs and quantities of the lines differ from those of the promise.", path=path))
    if len(checked.groups) > 1:
        found.append(Invalid("A promise is for one place; this order has several delivery groups.", path=path))
    elif destination_of(checked.groups[0].address) != promised.destination:
        found.append(
            Invalid("Country, postal code or coordinates differ from the destination of the promise.", path=path)
        )
    elif promised.pickup != (checked.pickups[0].id if checked.pickups[0] else None):
        found.append(Invalid("The promise was made for another way or place of delivery.", path=path))
    found += _other_class(new, promised.demand_class, "promise")
    refuse(found)
    return line_of


def _other_class(new: NewOrder, kept: str | None, what: str) -> list[Refusal]:
    """The order names another class than the promise or reservation that it comes from."""
    if new.demand_class is None or new.demand_class == kept:
        return []
    return [
        Invalid(
            f"The {what} was made for {f'demand class {kept}' if kept else 'no demand class'}, not for "
            f"{new.demand_class}; leave demandClass out, or make a {what} for {new.demand_class}.",
            path=(*INPUT, "demandClass"),
        )
    ]


def _when(line: Line) -> str:
    day = f"wanted on {line.requested_on}" if line.requested_on else "wanted as soon as it can be"
    return f"{day} or before" if line.early else day


def destination_of(address: Mapping[str, Any] | None) -> Destination | None:
    if not address:
        return None
    return Destination(address["country"], address["postalCode"], address.get("latitude"), address.get("longitude"))


# --- a reservation -------------------------------------------------------------------------------------------------


async def _as_reserved(
    tx: Tx,
    new: NewOrder,
    checked: Checked,
    network: Network,
    items: Mapping[str, Item],
    reservation_id: UUID,
    order_id: UUID,
    line_ids: Sequence[UUID],
) -> FoundUnits:
    reservation, rows = await promising.adopt(tx, network, reservation_id, owner_id=order_id)
    refuse(_other_class(new, reservation.demand_class, "reservation"))
    line_of = _match(new, items, rows)
    await _check_places(tx, new, checked, network, rows, line_of)
    await inventory.tie(tx, reservation.id, {row.id: line_ids[i] for row, i in zip(rows, line_of, strict=True)})
    units = FoundUnits(demand_class=reservation.demand_class)
    for row, i in zip(rows, line_of, strict=True):
        (units.on_hand if row.supply_id is None else units.to_come)[i, row.sku] += row.quantity
        if row.deliver_by is not None:
            wanted = new.wanted(i)
            if wanted.requested_on and row.deliver_by < wanted.requested_on and not wanted.early:
                raise Invalid(
                    f"The reservation has {row.sku} arrive on {row.deliver_by}, before {wanted.requested_on} as the "
                    "order wants it; reserve it with that requestedOn.",
                    path=(*INPUT, "reservationId"),
                )
            units.arrives[i] = max(units.arrives.get(i, row.deliver_by), row.deliver_by)
    return units


def _match(new: NewOrder, items: Mapping[str, Item], rows: Iterable[ReservationLine]) -> list[int]:
    """The order's line that each row is held for: the first that still wants so many. Raises Invalid."""
    wants: dict[str, dict[int, int]] = defaultdict(dict)
    for i, line in enumerate(new.lines):
        for sku, each in per_unit(items[line.sku]).items():
            wants[sku][i] = line.quantity * each
    line_of = []
    for row in rows:
        at = next((i for i, left in wants[row.sku].items() if left >= row.quantity), None)
        if at is None:
            raise Invalid(
                f"The reservation holds {row.quantity} of {row.sku} that no line of the order wants; "
                "order what was reserved.",
                path=(*INPUT, "reservationId"),
            )
        wants[row.sku][at] -= row.quantity
        line_of.append(at)
    return line_of


async def _check_places(
    tx: Tx, new: NewOrder, checked: Checked, network: Network, rows: Sequence[ReservationLine], line_of: Sequence[int]
) -> None:
    """Units must be held where the order can have them from: in its channel, and where it is collected."""
    ours = {location.id for location in network.locations}
    for row, i in zip(rows, line_of, strict=True):
        pickup = checked.pickups[checked.group_of[i]]
        if not row.quantity or row.location_id in ({pickup.id} if pickup else ours):
            continue
        there = (await locations_by_id(tx, [row.location_id]))[row.location_id].handle
        wanted = f"the order is collected at {pickup.handle}" if pickup else f"no location of channel {new.channel}"
        raise Invalid(
            f"The reservation holds {row.sku} at {there}, {wanted}; hold it elsewhere with reservationTransfer or "
            "reservationPin first.",
            path=(*INPUT, "reservationId"),
        )


# --- a plan made now -----------------------------------------------------------------------------------------------


async def _as_planned(
    tx: Tx,
    new: NewOrder,
    checked: Checked,
    network: Network,
    items: Mapping[str, Item],
    order_id: UUID,
    line_ids: Sequence[UUID],
) -> FoundUnits:
    """Each group is planned with what those before it have left."""
    units = FoundUnits(demand_class=new.demand_class)
    for at, group in enumerate(checked.groups):
        if group.method not in (DeliveryMethod.SHIPPING, DeliveryMethod.PICKUP):
            continue
        line_of = [i for i, member in enumerate(checked.group_of) if member == at]
        if all(items[new.lines[i].sku].kind in UNSTOCKED for i in line_of):
            continue
        location = checked.pickups[at]
        try:
            planned, _ = await promising.plan_and_hold(
                tx,
                network=network,
                lines=[new.wanted(i) for i in line_of],
                destination=destination_of(group.address),
                pickup=[location] if location else None,
                on_shortage=new.on_shortage,
                items=items,
                owner_id=order_id,
                expires_at=None,
                line_ids=[line_ids[i] for i in line_of],
                customer_group=new.customer_group,
                demand_class=new.demand_class,
            )
        except Refusal as refusal:
            _readdress(refusal.parts(), line_of, group.path)
            raise
        _readdress(planned.short, line_of, group.path)
        refuse([part for part in planned.short if isinstance(part, NoSource)])
        units.short.extend(planned.short)
        collect(units, planned, line_of)
    return units


def _readdress(refusals: Iterable[Refusal], line_of: Sequence[int], group: Sequence[str | int]) -> None:
    """Turn paths of a promise's question into those of the order's input, and its advice into what an order can do."""
    for refusal in refusals:
        path = refusal.path
        if isinstance(refusal, InsufficientStock) and refusal.details:
            refusal.message = _advised(refusal.details)
        if path[:2] == ["input", "lines"] and len(path) > 2:
            path[2] = str(line_of[int(path[2])])
        elif path[:2] == ["input", "destination"]:
            refusal.path = [*map(str, group), "shippingAddress", *path[2:]]


def _advised(details: Details) -> str:
    later = details.get("next_available_at")
    return (
        f"{details['requested']} of {details['sku']} were asked for, {details['available']} can be promised now, "
        + (f"the rest from {later.date().isoformat()}; " if later else "no supply covers the rest; ")
        + "order fewer, or send onShortage: BACKORDER and the rest waits for stock."
    )
