"""Reservations of a cart: from a token exactly as planned, or planned and held in one step."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from oms_api import allocation, inventory, network, sourcing
from oms_api.inventory import UNITS_MAX, Reservation, ReservationLine
from oms_api.kit import clock
from oms_api.kit.db import Tx
from oms_api.kit.errors import Invalid, NotFound, Refusal, Required, refuse
from oms_api.promising.models import Destination, Line, ShortagePolicy
from oms_api.promising.service.following import relocate
from oms_api.promising.service.holding import plan_and_hold
from oms_api.promising.service.place import places_of
from oms_api.promising.service.question import unknown_channel
from oms_api.promising.service.redeeming import redeem
from oms_api.promising.service.tokens import open_token

ROWS_MAX = 100
TTL_MAX_S = 86_400
"""Longest hold of a cart: a day."""


async def create(
    tx: Tx,
    *,
    token: str | None,
    lines: Sequence[Line] | None,
    channel: str | None,
    destination: Destination | None,
    on_shortage: ShortagePolicy,
    ttl_s: int,
    demand_class: str | None = None,
    floats: bool = False,
) -> Reservation:
    """Hold the units of a promise, or of lines of a channel, for `ttl_s` seconds; with `floats` for the channel as a
    whole.

    Raises Invalid, Required, NotFound for a wrong question; Expired for an old token; InsufficientStock and
    NoSource. With BACKORDER what is short is held of the supply that will bring it; what no supply brings is refused.
    With PARTIAL it is left out, and refused when nothing at all is left.
    """
    problems: list[Refusal] = _ttl(ttl_s)
    if token is not None and (lines is not None or channel is not None or destination is not None):
        problems.append(
            Invalid(
                "A token says everything: send `promiseToken`, or `lines` with `channel`, not both.",
                path=("input", "promiseToken"),
            )
        )
    if token is None and lines is None:
        problems.append(Required("Send `promiseToken`, or `lines` with `channel`.", path=("input", "lines")))
    if token is None and lines is not None and channel is None:
        problems.append(Required("Name the `channel` of these lines.", path=("input", "channel")))
    refuse(problems)
    expires_at = clock.now() + timedelta(seconds=ttl_s)
    promised = open_token(tx, token) if token is not None else None
    handle = promised.channel if promised else channel
    assert handle is not None
    found = await network.network_of(tx, handle)
    if found is None:
        raise unknown_channel(handle)
    short: Sequence[Refusal] = ()
    if promised is not None:
        held = await redeem(tx, promised, network=found, owner_id=None, expires_at=expires_at, floats=floats)
    else:
        assert lines is not None
        planned, held = await plan_and_hold(
            tx,
            network=found,
            lines=lines,
            destination=destination,
            on_shortage=on_shortage,
            owner_id=None,
            expires_at=expires_at,
            demand_class=demand_class,
            floats=floats,
        )
        short = planned.short
        if on_shortage is ShortagePolicy.BACKORDER:
            refuse(short)
    if held is None:
        refuse(short)
        raise Invalid("None of these SKUs has stock: there is nothing to hold.", path=("input", "lines"))
    return held


async def extend(tx: Tx, id: UUID, *, ttl_s: int, expected_version: int | None) -> Reservation:
    """Hold it until `ttl_s` seconds from now, never shorter than before. Raises Invalid and what inventory raises."""
    refuse(_ttl(ttl_s))
    until = clock.now() + timedelta(seconds=ttl_s)
    await network.date_capacity(tx, id, until)
    return await inventory.extend(tx, id, until, expected_version)


async def adopt(
    tx: Tx, found: network.Network, reservation_id: UUID, *, owner_id: UUID
) -> tuple[Reservation, list[ReservationLine]]:
    """A cart's reservation in a channel becomes an order's, with its lines, the capacity that it has taken, and what
    was decided for it.

    Raises what `inventory.adopt` raises.
    """
    if any(place.limits for place in places_of(found)):
        await network.date_capacity(tx, reservation_id, None)
    adopted = await inventory.adopt(tx, reservation_id, owner_id=owner_id)
    await sourcing.hand_over(tx, reservation_id, owner_id)
    return adopted


async def release(
    tx: Tx,
    id: UUID,
    parts: Sequence[tuple[str, int, str | None]] | None,
    *,
    expected_version: int | None,
) -> Reservation:
    """Let it go, or parts of it: (SKU, units, location handle or None for any). Raises what inventory raises."""
    if parts is None:
        row, freed = await inventory.release(tx, id, expected_version)
        await allocation.give_back(tx, freed)
        return row
    problems = _size(parts, "lines")
    problems += _units([quantity for _, quantity, _ in parts], "lines")
    places = await _places(tx, [(handle, ("lines", i, "location")) for i, (*_, handle) in enumerate(parts)], problems)
    refuse(problems)
    chosen = [inventory.Part(sku, quantity, places[handle] if handle else None) for sku, quantity, handle in parts]
    row, freed = await inventory.release(tx, id, expected_version, chosen)
    await allocation.give_back(tx, freed)
    return row


async def transfer(
    tx: Tx, id: UUID, moves: Sequence[tuple[str, int | None, str, str]], *, expected_version: int | None
) -> Reservation:
    """Hold units at other locations: (SKU, units or None for all, from, to). Raises what inventory raises."""
    problems = _size(moves, "moves")
    problems += _units([quantity for _, quantity, *_ in moves], "moves")
    problems += [
        Invalid(f"{sku} is held at {here[:60]} already; name another location.", path=("input", "moves", i))
        for i, (sku, _, here, there) in enumerate(moves)
        if here == there
    ]
    named = [
        (handle, ("moves", i, name))
        for i, (*_, here, there) in enumerate(moves)
        for handle, name in ((here, "fromLocation"), (there, "toLocation"))
    ]
    places = await _places(tx, named, problems)
    refuse(problems)
    chosen = [
        inventory.Relocation(sku, places[there], quantity, from_id=places[here], path=("input", "moves", i))
        for i, (sku, quantity, here, there) in enumerate(moves)
    ]
    return await relocate(tx, id, chosen, expected_version)


async def pin(
    tx: Tx, id: UUID, pins: Sequence[tuple[str, int | None, str]], *, expected_version: int | None
) -> Reservation:
    """Hold units of the channel at locations: (SKU, units or None for all, location). Raises what inventory raises."""
    problems = _size(pins, "pins")
    problems += _units([quantity for _, quantity, _ in pins], "pins")
    places = await _places(tx, [(handle, ("pins", i, "location")) for i, (*_, handle) in enumerate(pins)], problems)
    refuse(problems)
    chosen = [
        inventory.Relocation(sku, places[handle], quantity, path=("input", "pins", i))
        for i, (sku, quantity, handle) in enumerate(pins)
    ]
    return await relocate(tx, id, chosen, expected_version)


def _size(rows: Sequence[object], name: str) -> list[Refusal]:
    if 1 <= len(rows) <= ROWS_MAX:
        return []
    return [Invalid(f"Send 1 to {ROWS_MAX} {name}, not {len(rows)}.", path=("input", name))]


def _units(quantities: Sequence[int | None], name: str) -> list[Refusal]:
    return [
        Invalid(f"{quantity} units: send 1 to {UNITS_MAX:,}.", path=("input", name, i, "quantity"))
        for i, quantity in enumerate(quantities)
        if quantity is not None and not 1 <= quantity <= UNITS_MAX
    ]


async def _places(
    tx: Tx, named: Sequence[tuple[str | None, tuple[str | int, ...]]], problems: list[Refusal]
) -> dict[str, UUID]:
    """Ids of locations by handle; one that is not known is a problem. One statement, none when none is named."""
    handles = sorted({handle for handle, _ in named if handle is not None})
    rows = await network.locations_by_handle(tx, handles) if handles else {}
    found = {handle: row.id for handle, row in rows.items()}
    problems += [
        NotFound(f"{handle[:60]!r} is not a known location; name one that is.", path=("input", *path))
        for handle, path in named
        if handle is not None and handle not in found
    ]
    return found


def _ttl(ttl_s: int) -> list[Refusal]:
    if 1 <= ttl_s <= TTL_MAX_S:
        return []
    return [Invalid(f"ttlSeconds {ttl_s} must be 1 to {TTL_MAX_S:,}.", path=("input", "ttlSeconds"))]
