"""Callers that race for hot SKUs, and what each of them saw: see `bench/oversell.py`."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

from bench.holds import CLOCKS_S, Hold, Key, Refused
from oms_api import inventory, network, promising
from oms_api.inventory import InsufficientStock, Reservation, Wanted
from oms_api.kit import ids
from oms_api.kit.caller import system
from oms_api.kit.db import Database, Tx
from oms_api.kit.errors import Overloaded, Refusal, refuse
from oms_api.promising import Destination, Line, ShortagePolicy

T = TypeVar("T")

SKUS = [f"HOT-{number:02}" for number in range(20)]
UNITS = ((1, 70), (2, 20), (3, 10))
"""Units of a line and their weight."""
WANTED = 2.8
"""Units of a cart on average."""
FATES = (("order", 40), ("adopt", 20), ("release", 20), ("lapse", 20))
CLASSES = {"loyal": 40, "public": 60}
"""Demand classes and percent of the units, and of the carts, that are theirs."""
CHANNEL = "web"
THERE = Destination("US", "10001")


class Stocked(NamedTuple):
    """Where units are: locations, and supplies of each SKU with the location that they come to."""

    locations: tuple[UUID, ...]
    supplies: Mapping[str, Mapping[UUID, UUID]]
    shared: bool
    """Every SKU is shared out among the classes, to the last unit."""


class Cart(NamedTuple):
    """What a caller asks for. `chosen` names a location or a supply for each line; None: the planner decides."""

    lines: Sequence[tuple[str, int]]
    chosen: Sequence[UUID] | None
    policy: ShortagePolicy
    demand_class: str | None


@dataclass
class Log:
    """What the callers of one process saw."""

    begun: float = 0.0
    ended: float = 0.0
    """When the last reserve was answered."""
    cpu_s: float = 0.0
    clashes: int = 0
    gave_up: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    holds: list[Hold] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


class Caller:
    """One of the callers of a process."""

    def __init__(self, db: Database, tenant_id: UUID, seed: str, stocked: Stocked, log: Log) -> None:
        self.db, self.tenant_id, self.stocked, self.log = db, tenant_id, stocked, log
        self.rng = random.Random(seed)
        self.waiting: list[tuple[float, str, UUID, Hold]] = []

    async def calls(self, count: int, done: Callable[[], None]) -> None:
        for _ in range(count):
            await self._reserve()
            done()
            await self._let_go(time.time())
        self.log.ended = time.time()
        while self.waiting:
            await asyncio.sleep(max(0.0, min(self.waiting)[0] - time.time()))
            await self._let_go(time.time())

    async def _run(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        tries = 0

        async def counted(tx: Tx) -> T:
            nonlocal tries
            tries += 1
            return await work(tx)

        try:
            return await self.db.run(counted, system(self.tenant_id))
        finally:
            self.log.clashes += max(tries - 1, 0)

    def _cart(self) -> Cart:
        rng, stocked = self.rng, self.stocked
        units = rng.choices([units for units, _ in UNITS], [weight for _, weight in UNITS], k=3)
        lines = list(zip(rng.sample(SKUS, rng.randint(1, 3)), units, strict=False))
        demand_class = rng.choices([*CLASSES], [*CLASSES.values()])[0] if stocked.shared else None
        planned = rng.random() < 0.6 or stocked.shared  # who names a location passes the shares by
        supplies = any(stocked.supplies.values())
        # of shares of what is there and what will come, what can be had now depends on what others took of supply
        awaits = supplies and (stocked.shared or rng.random() < 0.5)
        policy = ShortagePolicy.BACKORDER if planned and awaits else ShortagePolicy.REJECT
        if planned:
            return Cart(lines, None, policy, demand_class)
        chosen = [rng.choice([*stocked.locations, *stocked.supplies.get(sku, ())]) for sku, _ in lines]
        return Cart(lines, chosen, policy, None)

    async def _hold(self, tx: Tx, cart: Cart, owner_id: UUID | None, expires_at: datetime | None) -> Reservation:
        if cart.chosen is not None:
            rows = []
            for (sku, quantity), chosen in zip(cart.lines, cart.chosen, strict=True):
                at = self.stocked.supplies.get(sku, {}).get(chosen)
                rows.append(Wanted(sku, at or chosen, quantity, supply_id=chosen if at else None))
            return await inventory.reserve(tx, rows, owner_id=owner_id, expires_at=expires_at, channel=CHANNEL)
        found = await network.network_of(tx, CHANNEL)
        assert found is not None
        planned, held = await promising.plan_and_hold(
            tx,
            network=found,
            lines=[Line(sku, quantity) for sku, quantity in cart.lines],
            destination=THERE,
            on_shortage=cart.policy,
            owner_id=owner_id,
            expires_at=expires_at,
            demand_class=cart.demand_class,
        )
        refuse(planned.short)  # all or none, also of what waits
        assert held is not None
        return held

    def _wanted(self, cart: Cart) -> tuple[tuple[str, tuple[UUID, ...], int], ...]:
        """Where each line could have come from."""
        if cart.chosen is not None:
            return tuple(
                (sku, (chosen,), quantity) for (sku, quantity), chosen in zip(cart.lines, cart.chosen, strict=True)
            )
        later = self.stocked.supplies if cart.policy is ShortagePolicy.BACKORDER else {}
        return tuple((sku, (*self.stocked.locations, *later.get(sku, ())), quantity) for sku, quantity in cart.lines)

    async def _reserve(self) -> None:
        rng, cart = self.rng, self._cart()
        (fate,) = rng.choices([fate for fate, _ in FATES], [weight for _, weight in FATES])
        seconds = rng.uniform(0.1, 1.5) if fate == "lapse" else 60.0
        later = rng.uniform(0.0, 0.5)
        late = fate == "lapse" and rng.random() < 1 / 3
        owner_id = ids.new() if fate == "order" else None
        begun = time.time()
        expires_at = None if owner_id else datetime.fromtimestamp(begun + seconds, UTC)

        async def held_lines(tx: Tx) -> tuple[UUID, tuple[tuple[Key, int], ...]]:
            held = await self._hold(tx, cart, owner_id, expires_at)
            (lines,) = (await inventory.lines_by_reservation(tx, [held.id])).values()
            return held.id, tuple(((line.sku, line.supply_id or line.location_id), line.quantity) for line in lines)

        try:
            id_, lines = await self._run(held_lines)
        except Overloaded:
            self.log.gave_up += 1
            return
        except Refusal as refusal:
            if not all(isinstance(part, InsufficientStock) for part in refusal.parts()):
                raise
            shares = tuple((sku, cart.demand_class, quantity) for sku, quantity in cart.lines if cart.demand_class)
            self.log.refused.append(Refused(begun, time.time(), self._wanted(cart), shares))
            return
        units: Counter[Key] = Counter()
        for key, quantity in lines:
            units[key] += quantity
            if cart.demand_class:
                units[key[0], cart.demand_class] += quantity
        hold = Hold(begun, time.time(), tuple(units.items()))
        if expires_at is None:
            self._end(hold, "order")
            return
        ends = begun + seconds
        lapsing = hold._replace(let_go=ends - CLOCKS_S, gone=ends + CLOCKS_S)
        due = ends + rng.uniform(-0.1, 0.02) if late else ends if fate == "lapse" else begun + later
        self.waiting.append((due, "adopt" if late else fate, id_, lapsing))

    def _end(self, hold: Hold, how: str) -> None:
        self.log.holds.append(hold)
        self.log.ends[how] += 1

    async def _let_go(self, now: float) -> None:
        """Adopt or release what is due; what has ended by then has ended."""
        due = [one for one in self.waiting if one[0] <= now]
        self.waiting = [one for one in self.waiting if one[0] > now]
        for _, fate, id_, lapsing in due:
            if fate == "lapse":
                self._end(lapsing, "lapse")
                continue

            async def change(tx: Tx, fate: str = fate, id_: UUID = id_) -> None:
                if fate == "adopt":
                    await inventory.adopt(tx, id_, owner_id=ids.new())
                else:
                    await inventory.release(tx, id_)

            begun = time.time()
            try:
                await self._run(change)
            except Overloaded:
                self.log.gave_up += 1
                self._end(lapsing, "lapse")
            except Refusal as refusal:
                if {part.code for part in refusal.parts()} != {"EXPIRED"}:
                    raise
                self._end(lapsing, "too late")
            else:
                if fate == "adopt":
                    self._end(Hold(lapsing.begun, lapsing.answered, lapsing.units), fate)
                else:
                    let_go, gone = min(begun, lapsing.let_go), min(time.time(), lapsing.gone)
                    self._end(lapsing._replace(let_go=let_go, gone=gone), fate)
