"""Count what a reservation takes of shares, in its own transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, update
from sqlmodel import col

from oms_api import inventory
from oms_api.allocation import queries
from oms_api.allocation.models import Allocation, AllocationUse
from oms_api.allocation.queries import ShareSet
from oms_api.allocation.service.give_back import give_back
from oms_api.allocation.service.limits import Free
from oms_api.inventory import InsufficientStock, LetGo, Moved, Reservation
from oms_api.kit import clock, ids
from oms_api.kit.db import Tx, json_rows, mine, now, prepared, table_of
from oms_api.kit.errors import Refusal, refuse


class Wish(NamedTuple):
    """Units of a SKU at a location; `awaited` are not on hand yet."""

    sku: str
    location_id: UUID
    quantity: int
    awaited: bool = False


class Claim(NamedTuple):
    """Units of one share that were taken, in the order taken."""

    allocation_id: UUID
    sku: str
    location_id: UUID | None
    units: int


_taken = json_rows("taken", {"id": Uuid(), "units": BigInteger(), "most": BigInteger()})
# `most` was worked out under the rows' locks: who slips in nevertheless finds the guard
_TAKE = prepared(
    update(table_of(Allocation))
    .where(
        mine(Allocation),
        col(Allocation.id) == _taken.c.id,
        col(Allocation.used) + _taken.c.units <= _taken.c.most,
    )
    .values(used=col(Allocation.used) + _taken.c.units, updated_at=now())
    .returning(col(Allocation.id))
)


async def lock(tx: Tx, skus: Iterable[str]) -> None:
    """Nobody else takes of the shares of these SKUs until commit: to be called before positions are locked."""
    await queries.lock_shares(tx, skus)


async def take(tx: Tx, demand_class: str | None, wishes: Sequence[Wish]) -> list[Claim]:
    """Take these units of the shares that the class may use, before they are reserved. Raises InsufficientStock.

    Locks the shares of the SKUs first, then nobody else takes of them until commit: take before positions are locked.
    One statement for SKUs without shares, five otherwise.
    """
    sets = await queries.share_sets(tx, sorted({wish.sku for wish in wishes}), lock=True)
    return await _take(tx, demand_class, wishes, sets)


async def follow(tx: Tx, held: Reservation, moved: Sequence[Moved]) -> None:
    """A reservation holds units at another location since this transaction moved them: of shares that are one
    location's they are given back there and taken here. Raises InsufficientStock when its class has none left here.

    One statement for SKUs without shares; `lock` comes before positions are locked.
    """
    skus = sorted({one.sku for one in moved})
    sets = [found for found in await queries.share_sets(tx, skus) if found.location_id is not None] if skus else []
    if not sets:
        return
    left = [LetGo(held.id, one.sku, one.from_id, one.units) for one in moved]
    await give_back(tx, left, everywhere=False)
    sets = [found for found in await queries.share_sets(tx, skus) if found.location_id is not None]
    wishes = [Wish(one.sku, one.to_id, one.units, one.awaited) for one in moved]
    claims = await _take(tx, held.demand_class, wishes, sets, held=[one for one in moved if not one.awaited])
    await record(tx, claims, held.id, held.expires_at)
    if claims:
        await inventory.ration(tx, held.id, sorted({claim.sku for claim in claims}))


async def _take(
    tx: Tx, demand_class: str | None, wishes: Sequence[Wish], sets: Sequence[ShareSet], held: Sequence[Moved] = ()
) -> list[Claim]:
    """Take of these sets, which are locked; `held` are units among the wishes that the books have as reserved."""
    if not sets:
        return []
    stock, incoming = await inventory.stock(tx, sorted({found.sku for found in sets}), None)
    free, ladder = Free(stock, incoming), queries.ladder(await queries.demand_classes(tx))
    for one in held:
        free.add(one.sku, one.to_id, one.units)
    claims: list[Claim] = []
    problems: list[Refusal] = []
    guard: dict[UUID, list[int]] = {}
    for found in sets:
        mine_ = [
            wish
            for wish in wishes
            if wish.sku == found.sku and (found.location_id is None or found.location_id == wish.location_id)
        ]
        units, today = sum(wish.quantity for wish in mine_), clock.now().date()
        if not units or not found.holds_on(today):
            continue
        at = found.location_id
        on_hand = sum(wish.quantity for wish in mine_ if not wish.awaited)
        reach = found.shares.reach(free.now(found.sku, at), demand_class, ladder.rungs, today)
        parts = found.shares.take(units, free.ever(found.sku, at), demand_class, ladder.rungs, today)
        if parts is None or on_hand > reach:
            ever = found.shares.reach(free.ever(found.sku, at), demand_class, ladder.rungs, today)
            can = min(ever, reach) if on_hand > reach else ever
            whose = f"demand class {demand_class}" if demand_class else "demand without a class"
            problems.append(
                InsufficientStock(
                    f"{units} of {found.sku} were asked for, {can} are left for {whose}; ask for fewer.",
                    details={"sku": found.sku, "requested": units, "available": can},
                )
            )
            continue
        for share, part, most in parts:
            claims.append(Claim(share.id, found.sku, at, part))
            guard.setdefault(share.id, [0, most + share.booked - share.used])[0] += part
    refuse(problems)
    if guard:
        rows = [{"id": id_, "units": units, "most": most} for id_, (units, most) in sorted(guard.items())]
        if len(await tx.all(_TAKE, {"taken": rows})) < len(rows):
            raise InsufficientStock("Others took of the same shares at this moment; ask again.")
    return claims


async def record(tx: Tx, claims: Sequence[Claim], reservation_id: UUID, expires_at: datetime | None) -> None:
    """Write down for which reservation they were taken. One statement, none when nothing was."""
    await tx.insert(
        AllocationUse,
        [
            {
                "tenant_id": tx.tenant_id,
                "id": ids.new(),
                "allocation_id": claim.allocation_id,
                "reservation_id": reservation_id,
                "sku": claim.sku,
                "location_id": claim.location_id,
                "nth": nth,
                "taken": claim.units,
                "quantity": claim.units,
                "expires_at": expires_at,
            }
            for nth, claim in enumerate(claims)
        ],
    )
