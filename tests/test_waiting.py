"""Who waits for somebody else's lock decides by what that one left behind: no false refusal, no false success.

On PostgreSQL a statement goes on with the newest version of the row that it waited for, but with everything else as it
was when it began. So each guarded statement is tried by two transactions on two connections: the first has done its
work and commits, or rolls back, only when the second already waits. On SQLite the second waits at the gate.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from inventory.stock_world import Shop, open_shop
from oms_api import catalog, inventory, network, orders, payments, returns, webhooks
from oms_api.fulfillment import FULFILLMENT
from oms_api.fulfillment import service as fulfillment
from oms_api.fulfillment.models import RefundTarget
from oms_api.inventory import Change, Quantity, Receipt
from oms_api.kit import clock, events, idempotency, ids
from oms_api.kit.caller import system
from oms_api.kit.db import Tx
from oms_api.kit.errors import Refusal
from oms_api.orders import ORDER
from oms_api.orders.service import NewLine, NewOrder
from oms_api.payments.provider import Answer, Result
from oms_api.webhooks.service import queue, sending, subscriptions
from payments.till import Till
from whole_walk import Walk
from world import Api, World

Verb = Callable[[Tx], Awaitable[Any]]


async def behind(
    world: World, api: Api, first: Verb, second: Verb, *, rolled_back: bool = False, retried: bool = False
) -> Any:
    """What `second` gives when it has to wait for `first` to end; a refusal as its codes.

    It is not retried unless it is meant to be: that would hide what is looked for.
    """
    caller = system(api.tenant_id)

    async def alone() -> Any:
        if retried:
            return await world.db.run(second, caller)
        async with world.db.transaction(caller) as tx:
            return await second(tx)

    async with world.db.transaction(caller) as tx:
        await first(tx)
        if rolled_back:
            tx.discard()
        waiting = asyncio.create_task(alone())
        done, _ = await asyncio.wait({waiting}, timeout=0.15)
        assert not done, "it did not wait"
    try:
        return await waiting
    except Refusal as refusal:
        return [part.code for part in refusal.parts()]


@pytest.fixture
async def shop(world: World) -> Shop:
    return await open_shop(world)


@pytest.fixture
def till(world: World, api: Api) -> Till:
    return Till(world, api)


# --- stock ---------------------------------------------------------------------------------------------------------


def _holds(shop: Shop, *wanted: inventory.Wanted) -> Verb:
    return lambda tx: inventory.reserve(tx, wanted, owner_id=ids.new())


@pytest.mark.parametrize("rolled_back", [False, True])
async def test_a_reserve_behind_another_gets_the_last_unit_only_when_that_one_is_undone(
    shop: Shop, rolled_back: bool
) -> None:
    await shop.stocked(A=1)
    hold = _holds(shop, shop.want("A", 1))
    got = await behind(shop.world, shop.api, hold, hold, rolled_back=rolled_back)
    assert isinstance(got, inventory.Reservation) if rolled_back else got == ["INSUFFICIENT_STOCK"]
    assert (await shop.position("A")).reserved == 1
    await shop.sound()


@pytest.mark.parametrize("rolled_back", [False, True])
async def test_a_reserve_behind_a_release_gets_its_units(shop: Shop, rolled_back: bool) -> None:
    await shop.stocked(A=1)
    supply = await shop.announced("PO", "B", 1)
    wanted = (shop.want("A", 1), shop.want("B", 1, supply_id=supply))
    cart = await shop.reserve(*wanted)

    async def release(tx: Tx) -> Any:
        return await inventory.release(tx, cart.id)

    got = await behind(shop.world, shop.api, release, _holds(shop, *wanted), rolled_back=rolled_back)
    assert got == ["INSUFFICIENT_STOCK"] * 2 if rolled_back else isinstance(got, inventory.Reservation)
    assert ((await shop.position("A")).reserved, (await shop.supplies())["PO"].reserved) == (1, 1)
    await shop.sound()


@pytest.mark.parametrize(("delta", "left"), [(1, 0), (-1, 0)])
async def test_an_adjustment_behind_another_counts_from_what_that_one_left(shop: Shop, delta: int, left: int) -> None:
    """One unit off: after one came to an empty position it can go; after the only one went it cannot."""

    def adjust(units: int) -> Verb:
        return lambda tx: inventory.adjust(tx, [Change("A", "east", units)], reason="count")

    await shop.stocked(A=1)
    if delta > 0:
        await shop.run(adjust(-1))
    got = await behind(shop.world, shop.api, adjust(delta), adjust(-1))
    assert (got == ["INVALID"]) == (delta < 0)
    assert (await shop.position("A")).on_hand == left
    await shop.sound()


@pytest.mark.parametrize(("expected", "on_hand"), [(5, 6), (6, 7)])
async def test_an_absolute_behind_another_is_held_to_what_that_one_set(shop: Shop, expected: int, on_hand: int) -> None:
    await shop.stocked(A=5)

    def put(units: int, seen: int) -> Verb:
        return lambda tx: inventory.set_quantities(tx, [Quantity("A", "east", units, seen)], reason="count")

    got = await behind(shop.world, shop.api, put(6, 5), put(7, expected))
    assert (got == ["STALE_QUANTITY"]) == (expected == 5)
    assert (await shop.position("A")).on_hand == on_hand
    await shop.sound()


async def test_a_receipt_behind_another_finds_what_is_still_to_come(shop: Shop) -> None:
    await shop.announced("PO", "A", 5)

    async def receive(tx: Tx) -> Any:
        return await inventory.receive_supplies(tx, [Receipt("PO", 3)])

    async def raise_it(tx: Tx) -> Any:
        return await inventory.put_supplies(tx, [inventory.Expected("PO", "A", "east", 4, clock.now())])

    assert await behind(shop.world, shop.api, receive, receive) == ["EXCEEDS_REMAINING"]
    assert await behind(shop.world, shop.api, raise_it, receive) != ["EXCEEDS_REMAINING"]
    supply = (await shop.supplies())["PO"]
    assert (supply.quantity, supply.received, (await shop.position("A")).on_hand) == (1, 6, 6)
    await shop.sound()


async def test_of_an_order_a_release_and_an_extension_of_one_cart_each_sees_what_came_before(shop: Shop) -> None:
    await shop.stocked(A=10)

    async def adopt(tx: Tx) -> Any:
        return await inventory.adopt(tx, cart.id, owner_id=ids.new())

    async def release(tx: Tx) -> Any:
        return await inventory.release(tx, cart.id)

    async def extend(tx: Tx) -> Any:
        return await inventory.extend(tx, cart.id, clock.now() + timedelta(hours=1), cart.version)

    for first, second, refusal in (
        (adopt, adopt, "INVALID"), (adopt, release, "INVALID"), (release, adopt, "INVALID_TRANSITION"),
        (adopt, extend, "INVALID"), (extend, extend, "VERSION_CONFLICT"), (release, release, "INVALID_TRANSITION"),
    ):  # fmt: skip
        cart = await shop.reserve(shop.want("A", 1))
        assert await behind(shop.world, shop.api, first, second) == [refusal], (first, second)
    cart = await shop.reserve(shop.want("A", 1))
    assert isinstance(await behind(shop.world, shop.api, release, adopt, rolled_back=True), tuple)
    await shop.sound()


@pytest.mark.parametrize("takes", ["adopt", "extend"])
async def test_a_receipt_behind_who_takes_a_cart_over_fills_its_lines_as_they_are_then(shop: Shop, takes: str) -> None:
    """A line that is filled in part becomes two: both are the order's, and neither lapses any more."""
    supply = await shop.announced("PO", "A", 10)
    cart = await shop.reserve(shop.want("A", 6, supply_id=supply), seconds=60)
    (line,) = await shop.lines()
    order_line, until = ids.new(), clock.now() + timedelta(hours=1)

    async def take(tx: Tx) -> Any:
        if takes == "extend":
            return await inventory.extend(tx, cart.id, until)
        await inventory.adopt(tx, cart.id, owner_id=ids.new())
        return await inventory.tie(tx, cart.id, {line.id: order_line})

    async def receive(tx: Tx) -> Any:
        return await inventory.receive_supplies(tx, [Receipt("PO", 4)])

    await behind(shop.world, shop.api, take, receive)
    waits, filled = await shop.lines()
    assert [(row.quantity, row.supply_id) for row in (waits, filled)] == [(2, supply), (4, None)]
    expected = (order_line, None) if takes == "adopt" else (None, until)
    assert [(row.line_id, row.expires_at) for row in (waits, filled)] == [expected, expected]
    await shop.sound()


# --- money ---------------------------------------------------------------------------------------------------------


async def test_an_authorization_behind_another_fits_beside_what_that_one_left(till: Till) -> None:
    one, other = ids.new(), ids.new()

    def authorize(payable: UUID) -> Verb:
        return lambda tx: payments.authorize(
            tx, payable_id=payable, amount_minor=60, currency="EUR", ceiling_minor=100, provider="fake"
        )

    declined = (await till.begin(one, 60, ceiling=100)).id

    async def decline(tx: Tx) -> Any:
        return await payments.record(tx, declined, Answer(Result.DECLINED, code="no"))

    assert isinstance(await behind(till.world, till.api, decline, authorize(one)), payments.Operation)
    assert await behind(till.world, till.api, authorize(other), authorize(other)) == ["EXCEEDS_REMAINING"]
    assert [await till.committed(payable) for payable in (one, other)] == [60, 60]


@pytest.mark.parametrize("kind", ["capture", "refund", "void"])
async def test_an_operation_behind_the_answer_to_another_sees_the_money_as_it_is_then(till: Till, kind: str) -> None:
    payment = await (till.captured() if kind == "refund" else till.authorized())

    async def begin(tx: Tx) -> Any:
        return await getattr(payments, kind)(tx, payment.id)

    refusal = ["INVALID_TRANSITION" if kind == "void" else "EXCEEDS_REMAINING"]
    begun: list[payments.Operation] = []

    async def first(tx: Tx) -> Any:
        begun.append(await begin(tx))

    assert await behind(till.world, till.api, first, begin) == refusal

    async def decline(tx: Tx) -> Any:
        return await payments.record(tx, begun[-1].id, Answer(Result.DECLINED, code="no"))

    again = await behind(till.world, till.api, decline, begin)
    assert isinstance(again, payments.Operation)
    assert (
        await behind(till.world, till.api, lambda tx: payments.record(tx, again.id, Answer(Result.OK)), begin)
        == refusal
    )


# --- orders and what follows ---------------------------------------------------------------------------------------


async def _accepted(walk: Walk, **more: Any) -> tuple[UUID, UUID, Any]:
    """A committed order of two mugs whose location has accepted: order, fulfillment, order's row of the API."""
    await walk._world()
    await walk._stock()
    order = await walk._order([{"sku": walk.my("MUG"), "quantity": 2}], **more)
    await walk._pay(order)
    work = await walk._work(order)
    await walk.do("fulfillmentAccept", id=work["id"])
    return ORDER.parse(order["id"]), FULFILLMENT.parse(work["id"]), order


async def test_a_parcel_behind_a_cancellation_and_the_other_way_round(world: World, api: Api) -> None:
    order_id, work_id, _ = await _accepted(Walk(api, "w"))
    handed = fulfillment.Handover(None)
    why = fulfillment.Why("changed_mind", RefundTarget.NONE)

    async def ship(tx: Tx) -> Any:
        return await fulfillment.ship(tx, work_id, lines=None, how=handed)

    async def cancel(tx: Tx) -> Any:
        return await fulfillment.cancel_order(tx, order_id, lines=None, why=why)

    assert await behind(world, api, cancel, ship) == ["INVALID_TRANSITION"]
    await world.db.run(lambda tx: fulfillment.reject_cancel(tx, work_id, reason="packed"), system(api.tenant_id))
    assert await behind(world, api, ship, cancel) == ["INVALID_TRANSITION"]


async def test_a_decision_behind_another_about_one_order_sees_it(world: World, api: Api) -> None:
    walk = Walk(api, "w")
    await walk._world()

    async def ordered() -> UUID:
        order = await walk._order([{"sku": walk.my("CARD"), "quantity": 1}], autoConfirm=False)
        await walk._pay(order)
        return ORDER.parse(order["id"])

    def confirm(order_id: UUID) -> Verb:
        return lambda tx: orders.confirm(tx, order_id)

    def cancel(order_id: UUID) -> Verb:
        return lambda tx: orders.cancel_units(tx, order_id, None, reason="x")

    undone, cancelled, confirmed = await ordered(), await ordered(), await ordered()
    got = await behind(world, api, cancel(undone), confirm(undone), rolled_back=True)
    assert got.status is orders.OrderStatus.SHIPPED  # a gift card is there as soon as it is sold
    assert await behind(world, api, cancel(cancelled), confirm(cancelled)) == ["INVALID_TRANSITION"]
    assert await behind(world, api, confirm(confirmed), confirm(confirmed)) == ["INVALID_TRANSITION"]


async def test_orders_placed_behind_each_other_have_their_own_numbers_and_external_ids_one_order(
    world: World, api: Api
) -> None:
    walk = Walk(api, "w")
    await walk._world()
    channel = walk.my("web")

    def place(external_id: str) -> Verb:
        return lambda tx: orders.place(
            tx,
            NewOrder(
                channel=channel, lines=[NewLine(walk.my("CARD"), 1)], groups=[], named_groups=False,
                external_id=external_id,
            ),
        )  # fmt: skip

    other = await behind(world, api, place("a"), place("b"))
    assert (other.first, other.order.number) == (False, 1002)
    again = await behind(world, api, place("c"), place("c"))
    assert (again.first, again.order) == (True, None)
    alone = await behind(world, api, place("d"), place("d"), rolled_back=True)
    assert (alone.first, alone.order.number) == (False, 1004)


async def test_what_comes_back_behind_what_came_back_is_not_taken_twice(world: World, api: Api) -> None:
    walk = Walk(api, "w")
    _, work_id, order = await _accepted(walk)
    shipped = await walk.do("shipmentCreate", fulfillmentId=FULFILLMENT(work_id), shipping={"handover": {}})
    at = clock.now().isoformat()
    await walk.do("shipmentTrack", id=shipped["shipment"]["id"], status="DELIVERED", at=at)
    lines = [{"lineId": order["lines"][0]["id"], "quantity": 2, "reason": "broken"}]
    rma = (await walk.do("returnRequest", order={"id": order["id"]}, lines=lines))["rma"]
    await walk.do("returnApprove", id=rma["id"])
    line_id = returns.RETURN_LINE.parse(rma["lines"][0]["id"])
    entries = [returns.rules.Arrived(line_id, 1, returns.Disposition.RESTOCK)]

    async def receive(tx: Tx) -> Any:
        return await returns.receive(tx, returns.RETURN.parse(rma["id"]), location=walk.my("dc"), entries=entries)

    assert (await behind(world, api, receive, receive)).status is returns.ReturnStatus.CLOSED
    assert await walk.api.codes(
        "mutation($input: ReturnReceiveInput!) { returnReceive(input: $input) { userErrors { code } } }",
        input={
            "idempotencyKey": "once more", "id": rma["id"], "location": walk.my("dc"),
            "lines": [{"returnLineId": rma["lines"][0]["id"], "quantity": 1, "disposition": "RESTOCK"}],
        },
    ) == ["INVALID_TRANSITION"]  # fmt: skip


# --- what is put, claimed, remembered ------------------------------------------------------------------------------


async def test_a_put_behind_another_changes_only_what_it_names(world: World, api: Api) -> None:
    """An absent field stays as it is: as the other one left it."""

    def sku(**change: Any) -> Verb:
        return lambda tx: catalog.put(tx, [{"code": "A", "name": "A", **change}])

    def place(**change: Any) -> Verb:
        return lambda tx: network.put_locations(tx, [{"handle": "dc", "name": "DC", **change}])

    def channel(**change: Any) -> Verb:
        sent = {"handle": "web", "name": "Web", "currency": "EUR", "locations": ["dc"], **change}
        return lambda tx: network.put_channels(tx, [sent])

    for put, one, other in (
        (sku, {"weight_grams": 5}, {"unit": "box"}),
        (place, {"safety_stock": 5}, {"daily_capacity": 7}),
        (channel, {"threshold": 5}, {"max_shipments": 7}),
    ):
        # the first time both make it, then both change it
        for _ in range(2):
            (row,) = await behind(world, api, put(**one), put(**other), retried=True)
            assert {name: getattr(row, name) for name in {**one, **other}} == {**one, **other}


async def test_a_barcode_behind_the_same_one_is_taken(world: World, api: Api) -> None:
    def put(code: str) -> Verb:
        return lambda tx: catalog.put(tx, [{"code": code, "name": code, "barcodes": ["400"]}])

    answers = await asyncio.gather(
        *(world.db.run(put(code), system(api.tenant_id)) for code in "ABCDE"), return_exceptions=True
    )
    refused = [answer.code for answer in answers if isinstance(answer, Refusal)]
    assert refused == ["TAKEN"] * 4
    assert sum(isinstance(answer, list) for answer in answers) == 1


async def test_a_worker_behind_another_claims_other_deliveries(world: World, api: Api) -> None:
    webhooks.configure(allow_loopback=True)

    async def put(tx: Tx) -> Any:
        return await subscriptions.put(tx, handle="a", url="http://127.0.0.1:9/", topics=["*"], ordered=False)

    (first, secret), (second, none) = await world.db.run(put, system(api.tenant_id)), await behind(world, api, put, put)
    assert (first.id, bool(secret), none) == (second.id, True, None)
    skus = [{"code": code, "name": code} for code in "ABCDEF"]
    await world.db.run(lambda tx: catalog.put(tx, skus), system(api.tenant_id))
    await _queue(world, api, first.id)
    got: list[UUID] = []

    async def claim(tx: Tx) -> Any:
        letters = await sending.claim(tx, first.id, 2)
        got.extend(letter.delivery.id for letter in letters)

    await behind(world, api, claim, claim)
    assert len(got) == len(set(got)) == 4


async def _queue(world: World, api: Api, subscription_id: UUID) -> None:
    while await events.stamp(world.db, system(api.tenant_id)):
        pass
    assert (await world.db.run(lambda tx: queue.fan_out(tx, subscription_id), system(api.tenant_id)))[0] == 6


@pytest.mark.parametrize("rolled_back", [False, True])
async def test_a_key_behind_the_same_one_is_ours_only_when_that_one_is_undone(
    world: World, api: Api, rolled_back: bool
) -> None:
    async def claim(tx: Tx) -> Any:
        first = await idempotency.claim(tx, "k", "verb", "hash")
        if first is None:
            await idempotency.settle(tx, "k", {"ids": []})
        return first

    got = await behind(world, api, claim, claim, rolled_back=rolled_back)
    assert got is None if rolled_back else got.outcome == {"ids": []}
