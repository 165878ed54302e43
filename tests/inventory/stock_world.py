"""A shop with a few SKUs and two locations, and what the tests of the stock ledger ask of it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlmodel import select

from oms_api import catalog, inventory, network
from oms_api.inventory import Position, ReservationLine, Supply, Wanted
from oms_api.kit import clock, ids
from oms_api.kit.caller import system
from oms_api.kit.db import Tx, mine, prepared
from oms_api.kit.errors import Refusal
from oms_api.kit.events import Event
from world import Api, World

T = TypeVar("T")

ADJUST = """mutation($input: InventoryAdjustInput!) { inventoryAdjust(input: $input) {
  positions { id sku location { handle } onHand reserved available unavailable safetyStock incoming }
  userErrors { code message path details { sku requested available } } } }"""
SET = """mutation($input: InventorySetInput!) { inventorySet(input: $input) {
  positions { sku onHand available } userErrors { code message path details { sku } } } }"""
PUT = """mutation($input: SupplyPutInput!) { supplyPut(input: $input) {
  supplies { id version reference sku location { handle } kind quantity received expectedAt }
  positions { sku onHand incoming } userErrors { code message path } } }"""
RECEIVE = """mutation($input: SupplyReceiveInput!) { supplyReceive(input: $input) {
  supplies { reference quantity received version } positions { sku onHand reserved incoming }
  userErrors { code message path details { remainingQuantity } } } }"""
INVENTORY = """query($skus: [String!], $locations: [String!], $first: Int, $after: String) {
  inventory(skus: $skus, locations: $locations, first: $first, after: $after) {
    nodes { id sku location { handle } onHand reserved available }
    edges { cursor node { sku } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""

_POSITIONS = prepared(select(Position).where(mine(Position)))
_SUPPLIES = prepared(select(Supply).where(mine(Supply)))
_EVENTS = prepared(select(Event).where(mine(Event)))
_LINES = prepared(select(ReservationLine).where(mine(ReservationLine)))


class Shop:
    """One tenant: SKUs A to F are physical, KIT is two A, FILE is digital; locations `east` and `west`."""

    def __init__(self, world: World, api: Api, locations: dict[str, UUID]) -> None:
        self.world, self.api, self.locations = world, api, locations
        self.east, self.west = locations["east"], locations["west"]

    async def run(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        return await self.world.db.run(work, system(self.api.tenant_id))

    async def stocked(self, **on_hand: int) -> None:
        """`A=5` puts five A into `east`; `A_west=5` into `west`."""
        changes = []
        for name, units in on_hand.items():
            sku, _, place = name.partition("_")
            changes.append({"sku": sku, "location": place or "east", "delta": units})
        await self.api.ok(ADJUST, input={"changes": changes, "reason": "received"})

    async def announced(self, reference: str, sku: str, quantity: int, *, days: int = 7) -> UUID:
        """A supply for `east`; its id."""

        async def work(tx: Tx) -> UUID:
            expected = inventory.Expected(reference, sku, "east", quantity, clock.now() + timedelta(days=days))
            return (await inventory.put_supplies(tx, [expected]))[0][0].id

        return await self.run(work)

    async def reserve(
        self, *wanted: Wanted, owner_id: UUID | None = None, seconds: float = 900
    ) -> inventory.Reservation:
        async def work(tx: Tx) -> inventory.Reservation:
            expires_at = None if owner_id else clock.now() + timedelta(seconds=seconds)
            return await inventory.reserve(tx, wanted, owner_id=owner_id, expires_at=expires_at)

        return await self.run(work)

    def want(self, sku: str, quantity: int, **kwargs: Any) -> Wanted:
        return Wanted(sku, kwargs.pop("at", self.east), quantity, **kwargs)

    async def position(self, sku: str, at: UUID | None = None) -> Position:
        (row,) = [row for row in await self.positions() if (row.sku, row.location_id) == (sku, at or self.east)]
        return row

    async def positions(self) -> list[Position]:
        async with self.world.db.reading(self.api.tenant_id) as reading:
            return await reading.all(_POSITIONS)

    async def supplies(self) -> dict[str, Supply]:
        async with self.world.db.reading(self.api.tenant_id) as reading:
            return {row.reference: row for row in await reading.all(_SUPPLIES)}

    async def lines(self) -> list[ReservationLine]:
        async with self.world.db.reading(self.api.tenant_id) as reading:
            return sorted(await reading.all(_LINES), key=lambda line: line.id)

    async def everything(self) -> tuple[Any, ...]:
        """All that a refusal must leave as it was."""
        return (
            [row.__dict__ for row in sorted(await self.positions(), key=lambda row: row.id)],
            [row.__dict__ for row in (await self.supplies()).values()],
            [row.__dict__ for row in await self.lines()],
        )

    async def stock(self, *skus: str) -> dict[str, int]:
        """What can be promised of each SKU, over all locations, as `stock()` reads it."""
        async with self.world.db.reading(self.api.tenant_id) as reading:
            rows, _ = await inventory.stock(reading, skus, None)
        found = dict.fromkeys(skus, 0)
        for row in rows:
            found[row.sku] += max(0, row.on_hand - row.reserved - row.safety)
        return found

    async def reservation(self, id_: UUID) -> inventory.Reservation:
        async with self.world.db.reading(self.api.tenant_id) as reading:
            return (await inventory.reservations_by_id(reading, [id_]))[id_]

    async def sound(self) -> None:
        """The books are right: every column equals what its ledger says, and nothing is negative."""
        async with self.world.db.reading(self.api.tenant_id) as reading:
            assert await inventory.rebuild(reading) == []
        for row in await self.positions():
            assert min(row.on_hand, row.reserved, row.damaged, row.quality_control, row.in_transfer) >= 0

    async def topics(self) -> list[str]:
        """Topics of all facts of the tenant, in the order of the log."""
        await self.world.settle()
        return [event.topic for event in await self.events()]

    async def events(self) -> Sequence[Any]:
        await self.world.settle()
        async with self.world.db.reading(self.api.tenant_id) as reading:
            rows = await reading.all(_EVENTS)
        return sorted(rows, key=lambda event: event.position)


async def open_shop(world: World) -> Shop:
    api = await world.tenant()

    async def work(tx: Tx) -> dict[str, UUID]:
        skus: list[dict[str, Any]] = [{"code": code, "name": code} for code in "ABCDEF"]
        kit = {"code": "KIT", "name": "Kit", "kind": catalog.SkuKind.KIT, "components": [["A", 2]]}
        file = {"code": "FILE", "name": "File", "kind": catalog.SkuKind.DIGITAL}
        await catalog.put(tx, [*skus, kit, file])
        rows = await network.put_locations(tx, [{"handle": name, "name": name} for name in ("east", "west")])
        return {row.handle: row.id for row in rows}

    return Shop(world, api, await world.db.run(work, system(api.tenant_id)))


async def refused(work: Awaitable[object]) -> list[Refusal]:
    """The refusals that it raises; fails the test when it raises none."""
    try:
        await work
    except Refusal as refusal:
        return refusal.parts()
    raise AssertionError("expected a refusal")


def soon(**delta: float) -> datetime:
    return clock.now() + timedelta(**delta)


def somebody() -> UUID:
    return ids.new()
