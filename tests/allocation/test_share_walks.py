"""Random walks of carts and orders of several classes through the API; after each step the shares stand as in the
model that counts a unit at a time."""

import random
from typing import Any

import pytest

from allocation.scarce import CLASSES, SHARES, stand
from allocation.share_model import NOBODY, POOL, Model, Part
from fulfillment.desk import CANCEL, Desk, key
from invariants import check
from promising.shop import TO_NEW_YORK, put_stock
from world import travel

HOLD = """mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) {
  reservation { id } userErrors { code details { available } } } }"""
RELEASE = """mutation($input: ReservationReleaseInput!) { reservationRelease(input: $input) {
  reservation { id } userErrors { code } } }"""
CREATE = """mutation($input: OrderCreateInput!) { orderCreate(input: $input) {
  order { id demandClass lines { id } } userErrors { code details { available } } } }"""
ASK = """query($input: AvailabilityInput!) { availability(input: $input) {
  availability { available } userErrors { code } } }"""
ADDRESS = {"name": "Ada", "lines": ["1 Main St"], "city": "New York", "postalCode": "10001", "country": "US"}
PRICE = {"amount": "10.00", "currency": "USD"}
LADDER: dict[str, tuple[int, str | None]] = {"top": (1, None), "vip": (1, "top"), "web": (2, "top"), "out": (3, "top")}
STEPS = 80
CART_S = 600


class Walk:
    """The same step in the model and through the API. `holds`: id, class, the share of each unit, line of an order."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self.desk, self.chance = desk, random.Random(seed)
        self.model = Model("UNITS", {}, LADDER, 0)
        self.on_hand = self.passed_s = 0
        self.carts: list[tuple[str, str, list[str]]] = []
        self.orders: list[tuple[dict[str, Any], str, list[str]]] = []

    async def open(self) -> None:
        await self.desk.open({"A": {"near": 0}})
        sent = [{"handle": name, "name": name, "rank": rank, "parent": up} for name, (rank, up) in LADDER.items()]
        await self.desk.api.ok(CLASSES, input={"classes": sent})
        await self.come()
        await self.put()

    async def step(self) -> None:
        verbs = [self.hold] * 5 + [self.order] * 3 + [self.adopt] * 2 + [self.release] * 3 + [self.cancel] * 3
        with travel(seconds=self.passed_s):
            await self.chance.choice([*verbs, self.come, self.put, self.expire, self.settle])()
        with travel(seconds=self.passed_s):
            await self.compare()

    async def compare(self) -> None:
        (found,) = await stand(self.desk.api, "A")
        left = self.model.left()
        wanted = {name: (self.model.used[name], left[name]) for name in self.model.parts}
        assert found == {**wanted, "pool": (self.model.used[POOL], left[POOL])}
        who = self.who()
        assert await self.available(who) == self.model.reach(who)

    def who(self) -> str:
        return self.chance.choice([*LADDER, NOBODY])

    async def available(self, who: str) -> int:
        asked = {"channel": "web", "skus": ["A"], **({} if who == NOBODY else {"demandClass": who})}
        units: int = (await self.desk.api.ok(ASK, input=asked))["availability"][0]["available"]
        return units

    def take(self, answer: dict[str, Any], made: str, who: str, units: int) -> list[str] | None:
        """Both take or both refuse; the model says of which shares."""
        reach = self.model.reach(who)
        taken = self.model.take(who, units)
        if taken is None:
            (error,) = answer["userErrors"]
            assert (error["code"], error["details"]["available"]) == ("INSUFFICIENT_STOCK", reach)
        else:
            assert answer["userErrors"] == []
            assert answer[made] is not None
        return taken

    async def hold(self) -> None:
        who, units = self.who(), self.chance.randint(1, 7)
        asked = {"channel": "web", "destination": TO_NEW_YORK, "lines": [{"sku": "A", "quantity": units}]}
        more = {} if who == NOBODY else {"demandClass": who}
        answer = (await self.desk.api(HOLD, input={**asked, **more, "ttlSeconds": CART_S}))["reservationCreate"]
        taken = self.take(answer, "reservation", who, units)
        if taken is not None:
            self.carts.append((answer["reservation"]["id"], who, taken))

    def ordering(self, units: int, who: str, **more: Any) -> dict[str, Any]:
        named = {} if who == NOBODY else {"demandClass": who}
        return {
            "idempotencyKey": key(), "channel": "web", "customer": {}, "shippingAddress": ADDRESS,
            "lines": [{"sku": "A", "quantity": units, "unitPrice": PRICE}], **named, **more,
        }  # fmt: skip

    async def order(self) -> None:
        who, units = self.who(), self.chance.randint(1, 7)
        answer = (await self.desk.api(CREATE, input=self.ordering(units, who)))["orderCreate"]
        taken = self.take(answer, "order", who, units)
        if taken is not None:
            self.orders.append((answer["order"], who, taken))

    async def adopt(self) -> None:
        if not self.carts:
            return
        id_, who, taken = self.carts.pop(self.chance.randrange(len(self.carts)))
        sent = self.ordering(len(taken), self.chance.choice([who, NOBODY]), reservationId=id_)
        order = (await self.desk.api.ok(CREATE, input=sent))["order"]
        assert order["demandClass"] == (None if who == NOBODY else who)
        self.orders.append((order, who, taken))

    async def release(self) -> None:
        if not self.carts:
            return
        at = self.chance.randrange(len(self.carts))
        id_, who, taken = self.carts[at]
        units = self.chance.randint(1, len(taken))
        part = {"lines": [{"sku": "A", "quantity": units}]} if units < len(taken) else {}
        await self.desk.api.ok(RELEASE, input={"id": id_, **part})
        self.model.give_back(who, taken, units)
        if not taken:
            del self.carts[at]

    async def cancel(self) -> None:
        if not self.orders:
            return
        at = self.chance.randrange(len(self.orders))
        order, who, taken = self.orders[at]
        units = self.chance.randint(1, len(taken))
        part = {"lines": [{"lineId": order["lines"][0]["id"], "quantity": units}]}
        asked = {"idempotencyKey": key(), "order": {"id": order["id"]}, "reason": "customer_request", **part}
        await self.desk.api.ok(CANCEL, input=asked)
        self.model.give_back(who, taken, units)
        if not taken:
            del self.orders[at]

    async def come(self) -> None:
        more = self.chance.randint(5, 15)
        self.on_hand += more
        self.model.free += more
        await put_stock(self.desk.api, {"A": {"near": self.on_hand}})

    async def put(self) -> None:
        basis = self.chance.choice(["UNITS", "PERCENT", "RATIO"])
        most = {"UNITS": 12, "PERCENT": 2500, "RATIO": 9}[basis]
        parts = {
            name: Part(self.chance.randint(1, most), self.chance.random() < 0.3, self.chance.random() < 0.5)
            for name in self.chance.sample(list(LADDER), self.chance.randint(1, 4))
        }
        shares = [
            {"demandClass": name, "target": part.target, "hard": part.hard,
             "stealUntil": "2099-12-31" if part.robbed else "2020-01-01"}
            for name, part in parts.items()
        ]  # fmt: skip
        await self.desk.api.ok(SHARES, input={"allocations": [{"sku": "A", "basis": basis, "shares": shares}]})
        self.model.put(basis, parts)

    async def expire(self) -> None:
        """All carts end; whoever looks then sees it at once, and sees the same once it was noticed."""
        for _, who, taken in self.carts:
            self.model.give_back(who, taken, len(taken))
        self.carts.clear()
        self.passed_s += CART_S + 1

    async def settle(self) -> None:
        await self.desk.world.settle()


@pytest.mark.parametrize("seed", range(6))
async def test_shares_stand_as_in_the_model_after_every_step(desk: Desk, seed: int) -> None:
    walk = Walk(desk, seed)
    await walk.open()
    for _ in range(STEPS):
        await walk.step()
    with travel(seconds=walk.passed_s):
        await walk.settle()
        await walk.compare()
    await check(desk.world, desk.api.tenant_id)
