"""Money, orders and what follows: who waits decides by what the one before left behind."""

from typing import Any
from uuid import UUID

import pytest

from oms_api import orders, payments, returns
from oms_api.fulfillment import FULFILLMENT
from oms_api.fulfillment import service as fulfillment
from oms_api.fulfillment.models import RefundTarget
from oms_api.kit import clock, ids
from oms_api.kit.caller import system
from oms_api.kit.db import Tx
from oms_api.orders import ORDER
from oms_api.orders.service import NewLine, NewOrder
from oms_api.payments.provider import Answer, Result
from payments.till import Till
from waiting.behind import Verb, behind
from whole_walk import Walk
from world import Api, World


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
