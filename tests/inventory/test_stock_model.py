"""Random walks through all verbs, each step compared with the ledger in plain Python."""

import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from inventory.stock_model import Ask, Hold, Model, No, Place
from inventory.stock_world import Shop, soon
from oms_api import inventory
from oms_api.inventory import Change, Expected, Quantity, Receipt, StockBucket, Units, Wanted
from oms_api.kit import clock, ids
from oms_api.kit.db import Tx
from oms_api.kit.errors import Refusal
from world import travel

STEPS = 250
SKUS, PLACES, REFERENCES = "AB", ("east", "west"), ("PO-1", "PO-2", "PO-3")
SOURCE = ids.Ref("shp", ids.new())
STEP_S = 60.0
# carts end between two steps of the clock, far from both, so that real seconds do not matter
TTLS_S = (90.0, 150.0)
# how often each step is taken
SHARES = {
    "adjust": 5, "set": 2, "put": 4, "receive": 4, "reserve": 12, "adopt": 4, "release": 2, "leave": 6, "restock": 2,
    "move": 2, "count": 3, "give_part": 3, "relocate": 4, "pass_time": 1.5, "expire": 1,
}  # fmt: skip


class Walk:
    """The same step in the model and in the ledger."""

    def __init__(self, shop: Shop, seed: int) -> None:
        self.shop, self.model, self.chance = shop, Model(), random.Random(seed)
        self.holds: list[tuple[Hold, UUID]] = []
        self.owners = [ids.new() for _ in range(3)]
        self.line_ids = [ids.new() for _ in range(3)]
        self.supplies: dict[str, UUID] = {}
        self.counts: dict[str, int] = {}

    def at(self) -> Place:
        return self.chance.choice(SKUS), self.chance.choice(PLACES)

    def units(self, most: int = 6) -> int:
        return self.chance.randint(1, most)

    async def both(self, expect: Callable[[], Any], work: Callable[[Tx], Awaitable[Any]]) -> Any:
        """Run both; both must succeed or be refused with the same code. (what the model gave, what the ledger gave)"""
        wanted: str | None = None
        expected = got = None
        try:
            expected = expect()
        except No as no:
            wanted = str(no)
        try:
            got = await self.shop.run(work)
            code = None
        except Refusal as refusal:
            (code,) = {part.code for part in refusal.parts()}
        assert code == wanted
        return (expected, got) if code is None else None

    async def adjust(self) -> None:
        rows = [
            (self.at(), self.chance.choice([-3, -2, -1, 1, 2, 4, 6]), self.chance.random() < 0.8)
            for _ in range(self.units(3))
        ]
        changes = [
            Change(sku, place, delta, StockBucket.AVAILABLE if whole else StockBucket.DAMAGED)
            for (sku, place), delta, whole in rows
        ]
        await self.both(lambda: self.model.adjust(rows), lambda tx: inventory.adjust(tx, changes, reason="cycle_count"))

    async def set(self) -> None:
        at, quantity = self.at(), self.chance.randint(0, 9)
        expected = self.chance.choice([None, self.model.usable[at], self.chance.randint(0, 9)])
        rows = [Quantity(*at, quantity, expected)]
        await self.both(
            lambda: self.model.set(at, quantity, expected),
            lambda tx: inventory.set_quantities(tx, rows, reason="cycle_count"),
        )

    async def put(self) -> None:
        reference, at, quantity = self.chance.choice(REFERENCES), self.at(), self.chance.randint(0, 8)
        if reference in self.model.coming and self.chance.random() < 0.8:
            at = self.model.coming[reference].at
        rows = [Expected(reference, *at, quantity, soon(days=3))]
        done = await self.both(
            lambda: self.model.put(reference, at, quantity), lambda tx: inventory.put_supplies(tx, rows)
        )
        if done:
            self.supplies[reference] = done[1][0][0].id

    async def receive(self) -> None:
        reference, quantity = self.chance.choice(REFERENCES), self.chance.randint(0, 5)
        close = self.chance.random() < 0.2
        await self.both(
            lambda: self.model.receive(reference, quantity, close),
            lambda tx: inventory.receive_supplies(tx, [Receipt(reference, quantity, close)]),
        )

    async def reserve(self) -> None:
        asks = []
        for _ in range(self.units(3)):
            supply = self.chance.choice([None, None, *self.supplies])
            sku, place = self.model.coming[supply].at if supply and self.chance.random() < 0.9 else self.at()
            asks.append(Ask(sku, place, self.units(3), supply, self.chance.randrange(3)))
        owner = self.chance.choice([None, 0, 1, 2])
        seconds = self.chance.choice(TTLS_S)
        wanted = [
            Wanted(
                ask.sku,
                self.shop.locations[ask.place],
                ask.units,
                supply_id=self.supplies[ask.supply] if ask.supply else None,
                line_id=self.line_ids[ask.line or 0],
            )
            for ask in asks
        ]
        done = await self.both(
            lambda: self.model.reserve(asks, owner, seconds),
            lambda tx: inventory.reserve(
                tx,
                wanted,
                owner_id=None if owner is None else self.owners[owner],
                expires_at=soon(seconds=seconds) if owner is None else None,
            ),
        )
        if done:
            self.holds.append((done[0], done[1].id))

    async def adopt(self) -> None:
        if self.holds:
            hold, id_ = self.chance.choice(self.holds)
            owner = self.chance.randrange(3)
            if hold.open and (hold.owner is None or self.chance.random() < 0.1):
                if hold.owner is not None and all(line.units == 0 for line in self.model.lines if line.hold is hold):
                    return  # closed in the ledger, which the model does not tell from open
                await self.both(
                    lambda: self.model.adopt(hold, owner),
                    lambda tx: inventory.adopt(tx, id_, owner_id=self.owners[owner]),
                )

    async def release(self) -> None:
        carts = [(hold, id_) for hold, id_ in self.holds if hold.owner is None and hold.open]
        carts = [(hold, id_) for hold, id_ in carts if hold.ends is not None and hold.ends > self.model.clock]
        if carts:
            hold, id_ = self.chance.choice(carts)
            await self.both(lambda: self.model.release(hold), lambda tx: inventory.release(tx, id_))
            await self.both(lambda: self.model.release(hold), lambda tx: inventory.release(tx, id_))

    async def move(self) -> None:
        sku, units = self.chance.choice(SKUS), self.units(4)
        here, there = self.chance.sample(PLACES, 2)
        rows = [inventory.Transfer(sku, here, units, there)]
        await self.both(
            lambda: self.model.move((sku, here), (sku, there), units),
            lambda tx: inventory.move(tx, rows, reason="transferred"),
        )

    async def count(self) -> None:
        at, counted = self.at(), self.chance.randint(0, 9)
        rows = [inventory.Counted(*at, counted)]
        await self.both(
            lambda: self.model.count(at, counted, 3),
            lambda tx: inventory.count(tx, rows, reason="cycle_count", recount_above=3),
        )

    def cart(self) -> tuple[Hold, UUID] | None:
        carts = [one for one in self.holds if one[0].open and one[0].ends is not None]
        carts = [one for one in carts if (one[0].ends or 0) > self.model.clock]
        return self.chance.choice(carts) if carts else None

    async def give_part(self) -> None:
        if one := self.cart():
            sku, units = self.chance.choice(SKUS), self.units(3)
            parts = [inventory.Part(sku, units)]
            await self.both(
                lambda: self.model.give_part(one[0], sku, units),
                lambda tx: inventory.release(tx, one[1], None, parts),
            )

    async def relocate(self) -> None:
        if one := self.cart():
            sku, units = self.chance.choice(SKUS), self.units(2)
            here, there = self.chance.sample(PLACES, 2)
            places = self.shop.locations
            rows = [inventory.Relocation(sku, places[there], units, places[here])]
            await self.both(
                lambda: self.model.relocate(one[0], (sku, here), (sku, there), units),
                lambda tx: inventory.relocate(tx, one[1], rows),
            )

    async def leave(self) -> None:
        owner, line, units = self.chance.randrange(3), self.chance.randrange(3), self.units(2)
        shipped = self.chance.random() < 0.6
        mine = [row for row in self.model.lines if row.hold.owner is not None and row.units]
        at = self.at()
        if mine and self.chance.random() < 0.8:
            row = self.chance.choice(mine)
            owner, line, at = row.hold.owner or 0, row.line or 0, row.at
        rows = [Units(self.line_ids[line], at[0], self.shop.locations[at[1]], units)]

        async def work(tx: Tx) -> None:
            if shipped:
                await inventory.ship(tx, self.owners[owner], rows, SOURCE)
            else:
                await inventory.let_go(tx, self.owners[owner], rows)

        await self.both(lambda: self.model.leave(owner, line, at, units, shipped=shipped), work)

    async def restock(self) -> None:
        at, units, whole = self.at(), self.units(2), self.chance.random() < 0.5
        bucket = StockBucket.AVAILABLE if whole else StockBucket.DAMAGED
        rows = [(at[0], self.shop.locations[at[1]], units, bucket)]
        await self.both(
            lambda: self.model.restock(at, units, whole=whole), lambda tx: inventory.restock(tx, rows, SOURCE)
        )

    async def pass_time(self) -> None:
        clock.set_offset(clock.offset() + timedelta(seconds=STEP_S))
        self.model.clock += STEP_S

    async def expire(self) -> None:
        await self.shop.world.tick("inventory.expire")
        for hold, _ in self.holds:
            if hold.ends is not None and hold.ends <= self.model.clock:
                hold.open = False

    async def step(self) -> str:
        name = self.chance.choices(list(SHARES), list(SHARES.values()))[0]
        await getattr(self, name)()
        return name

    async def compare(self) -> None:
        """What the ledger says of every position and supply is what the model says, and its books are right."""
        places = {id_: name for name, id_ in self.shop.locations.items()}
        async with self.shop.world.db.reading(self.shop.api.tenant_id) as reading:
            stock, incoming = await inventory.stock(reading, SKUS, None)
        positions = {(row.sku, places[row.location_id]): row for row in await self.shop.positions()}
        assert {at: (row.on_hand, row.damaged) for at, row in positions.items()} == {
            at: (self.model.usable.get(at, 0), self.model.damaged.get(at, 0)) for at in positions
        }
        assert all(at in positions for at, units in self.model.usable.items() if units)
        assert {(row.sku, places[row.location_id]): row.reserved for row in stock} == {
            at: self.model.held(at) for at in positions
        }
        supplies = await self.shop.supplies()
        assert {name: (row.quantity, row.received) for name, row in supplies.items()} == {
            name: (row.left, row.received) for name, row in self.model.coming.items()
        }
        names = {id_: name for name, id_ in self.supplies.items()}
        left = {name: row.left - self.model.promised(name) for name, row in self.model.coming.items()}
        assert {names[row.id]: row.quantity for row in incoming} == {
            name: units for name, units in left.items() if units > 0 and self.model.coming[name].left
        }
        await self.shop.sound()


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_verb_comes_to_what_the_model_says(shop: Shop, seed: int) -> None:
    walk = Walk(shop, seed)
    seen = set()
    with travel():
        for number in range(STEPS):
            name = await walk.step()
            seen.add(name)
            try:
                await walk.compare()
            except AssertionError as error:
                raise AssertionError(f"seed {seed}, step {number}: after {name}") from error
    assert seen == SHARES.keys()
    assert sum(line.units for line in walk.model.lines) > 0
