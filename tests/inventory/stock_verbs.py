"""Random walks through every verb of the ledger, whatever it answers."""

import inspect
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from inventory.stock_world import Shop, somebody, soon
from oms_api import inventory
from oms_api.inventory import (
    Brought,
    Change,
    Counted,
    Expected,
    Place,
    Quantity,
    Receipt,
    Relocation,
    Ruled,
    StockRuleKind,
    SupplyKind,
    Transfer,
    Units,
    Wanted,
)
from oms_api.inventory.service.bring import withdraw
from oms_api.kit import clock, ids, jobs
from oms_api.kit.db import Tx
from oms_api.kit.errors import Refusal

SKUS = ["A", "B", "C"]
SOURCE = ids.Ref("shp", ids.new())


class Verbs:
    """Every verb of the ledger with random arguments; what is refused changes nothing."""

    def __init__(self, shop: Shop, seed: int) -> None:
        self.shop, self.chance = shop, random.Random(seed)
        self.carts: list[UUID] = []
        self.owners = [ids.new() for _ in range(2)]
        self.line_id = ids.new()
        self.done: set[str] = set()

    async def step(self) -> str:
        rare = ["put_rules", "pass_time", "expire", "take_back", "release_carts", "withdraw"]
        names = [*[name for name in DRIVEN if name not in rare] * 3, *rare, *["reserve"] * 9, *["adjust"] * 3]
        name = self.chance.choice(names)
        if name == "pass_time":
            clock.set_offset(clock.offset() + timedelta(seconds=self.chance.choice([20, 70, 86_400 / 3])))
            return name
        if name == "expire":
            await jobs.tick(self.shop.world.jobs, "inventory.expire")
            return name
        work: Callable[[Tx], Awaitable[object]] = getattr(self, name)
        try:
            await self.shop.run(work)
            self.done.add(name)
        except Refusal:
            pass
        return name

    def place(self) -> tuple[str, str]:
        return self.chance.choice(SKUS), self.chance.choice(["east", "west"])

    def at(self) -> tuple[str, UUID]:
        sku, place = self.place()
        return sku, self.shop.locations[place]

    def some(self) -> int:
        return self.chance.randint(1, 4)

    def cart(self) -> UUID:
        return self.chance.choice(self.carts[-3:]) if self.carts else somebody()

    async def lines(self, tx: Tx, cart: UUID) -> list[inventory.ReservationLine]:
        return (await inventory.lines_by_reservation(tx, [cart])).get(cart, [])

    async def supply(self) -> inventory.Supply | None:
        rows = await self.shop.supplies()
        return self.chance.choice(list(rows.values())) if rows else None

    async def adjust(self, tx: Tx) -> None:
        changes = [Change(*self.place(), self.chance.choice([-2, 3, 5])) for _ in range(2)]
        await inventory.adjust(tx, changes, reason="r")

    async def set_quantities(self, tx: Tx) -> None:
        await inventory.set_quantities(tx, [Quantity(*self.place(), self.chance.randint(0, 9))], reason="r")

    async def count(self, tx: Tx) -> None:
        await inventory.count(tx, [Counted(*self.place(), self.chance.randint(0, 9))], reason="r")

    async def move(self, tx: Tx) -> None:
        sku, place = self.place()
        await inventory.move(tx, [Transfer(sku, place, self.some(), {"east": "west"}.get(place, "east"))], reason="r")

    async def put_supplies(self, tx: Tx) -> None:
        sku, place = self.place()
        row = Expected(f"PO-{sku}-{place}", sku, place, self.chance.randint(0, 9), soon(days=self.some()))
        await inventory.put_supplies(tx, [row])

    async def receive_supplies(self, tx: Tx) -> None:
        if row := await self.supply():
            await inventory.receive_supplies(tx, [Receipt(row.reference, self.some(), self.chance.random() < 0.2)])

    async def reserve(self, tx: Tx) -> None:
        row = await self.supply()
        wanted = [Wanted(*self.at(), self.some(), line_id=self.line_id)]
        if row and self.chance.random() < 0.4:
            wanted = [Wanted(row.sku, row.location_id, self.some(), supply_id=row.id, line_id=self.line_id)]
        owner = self.chance.choice([None, None, *self.owners])
        ends = None if owner else soon(seconds=self.chance.choice([15, 60, 9_000]))
        made = await inventory.reserve(tx, wanted, owner_id=owner, expires_at=ends, channel="web", floats=True)
        if owner is None:
            self.carts.append(made.id)

    async def bring(self, tx: Tx) -> None:
        (sku, here), (_, there) = self.at(), self.at()
        await inventory.open_positions(tx, [(sku, here)])
        await inventory.lock(tx, {(sku, here), (sku, there)})
        takes = ((sku, there, 1),) if there != here else ()
        one = Brought(ids.new(), sku, here, self.some(), SupplyKind.TRANSFER, soon(days=1), "r/TRANSFER/1", None, takes)
        await inventory.bring(tx, [one])

    async def withdraw(self, tx: Tx) -> None:
        if row := await self.supply():
            await withdraw(tx, row.id)

    async def count_in(self, tx: Tx) -> None:
        key = self.at()
        await inventory.open_positions(tx, [key])
        await inventory.lock(tx, [key])
        await inventory.count_in(tx, [(*key, self.some())], reason="infinite")

    async def adopt(self, tx: Tx) -> None:
        await inventory.adopt(tx, self.cart(), owner_id=self.chance.choice(self.owners))

    async def extend(self, tx: Tx) -> None:
        await inventory.extend(tx, self.cart(), soon(seconds=100))

    async def release(self, tx: Tx) -> None:
        cart = self.cart()
        parts = [inventory.Part(line.sku, 1) for line in await self.lines(tx, cart)]
        await inventory.release(tx, cart, None, self.chance.choice([None, parts]))

    async def tie(self, tx: Tx) -> None:
        cart = self.cart()
        await inventory.tie(tx, cart, {row.id: self.line_id for row in await self.lines(tx, cart)})

    async def date_lines(self, tx: Tx) -> None:
        rows = await self.lines(tx, self.cart())
        await inventory.date_lines(tx, [(row.id, soon(days=1), soon(days=2).date()) for row in rows])

    async def relocate(self, tx: Tx) -> None:
        cart = self.cart()
        _, there = self.at()
        for line in await self.lines(tx, cart):
            here = self.chance.choice([line.location_id, None])
            await inventory.relocate(tx, cart, [Relocation(line.sku, there, 1, here)])

    async def let_go(self, tx: Tx) -> None:
        some = [Units(self.line_id, *self.at(), 1)]
        await inventory.let_go(tx, self.chance.choice(self.owners), self.chance.choice([None, some, some]))

    async def ship(self, tx: Tx) -> None:
        await inventory.ship(tx, self.chance.choice(self.owners), [Units(self.line_id, *self.at(), 1)], SOURCE)

    async def restock(self, tx: Tx) -> None:
        await inventory.restock(tx, [(*self.at(), self.some(), inventory.StockBucket.AVAILABLE)], SOURCE)

    async def _short_place(self, tx: Tx) -> Place:
        place = Place(*self.at())
        (name,) = [name for name, id_ in self.shop.locations.items() if id_ == place.location_id]
        await inventory.set_quantities(tx, [Quantity(place.sku, name, 0)], reason="r")
        return place

    async def release_carts(self, tx: Tx) -> None:
        await inventory.release_carts(tx, await self._short_place(tx))

    async def take_back(self, tx: Tx) -> None:
        place, owner = await self._short_place(tx), self.chance.choice(self.owners)
        await inventory.take_back(tx, place, owner, await inventory.short_of(tx, place, owner))

    async def put_rules(self, tx: Tx) -> None:
        sku, place = self.place()
        bounds = self.chance.choice([(None, None), (soon(seconds=30), soon(seconds=200)), (None, soon(seconds=50))])
        kinds: list[dict[str, Any]] = [
            {"kind": StockRuleKind.SAFETY_STOCK, "location": place, "method": self.chance.choice([None, "PICKUP"])},
            {"kind": StockRuleKind.MAX_PER_DAY, "location": place},
        ]
        units = self.chance.choice([None, 0, 2, 5])
        own = {"starts_at": bounds[0], "ends_at": bounds[1], **self.chance.choice(kinds)}
        await inventory.put_rules(tx, [Ruled(f"r{self.some()}", sku=sku, units=units, **own)])


# none of them changes what stands in the books
DRIVEN = sorted(
    name
    for name in inventory.__all__
    if inspect.iscoroutinefunction(verb := getattr(inventory, name))
    and next(iter(inspect.signature(verb).parameters.values())).annotation is Tx
    and name not in ("short_of", "lock", "open_positions", "ration")
)
