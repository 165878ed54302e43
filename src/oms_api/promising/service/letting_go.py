"""Units that are let go are free in the shares again that they were taken of, in the same transaction."""

from collections.abc import Sequence
from uuid import UUID

from oms_api import allocation, inventory
from oms_api.inventory import Place, ReservationLine, Units
from oms_api.kit.db import Tx


async def let_go(tx: Tx, owner_id: UUID, units: Sequence[Units] | None = None) -> None:
    """`inventory.let_go`; two statements more where units are counted in shares."""
    await allocation.give_back(tx, await inventory.let_go(tx, owner_id, units))


async def take_back(tx: Tx, place: Place, owner_id: UUID, taken: list[tuple[ReservationLine, int]]) -> None:
    """`inventory.take_back`; two statements more where units are counted in shares."""
    await allocation.give_back(tx, await inventory.take_back(tx, place, owner_id, taken))


async def release_carts(tx: Tx, place: Place) -> list[UUID]:
    """`inventory.release_carts`; two statements more where units are counted in shares."""
    owners, freed = await inventory.release_carts(tx, place)
    await allocation.give_back(tx, freed)
    return owners
