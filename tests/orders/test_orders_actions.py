"""What may be done with an order in each of its states: as the table says, as `actions` says, as refusals say, and as
trying it shows."""

from typing import Any

import pytest

from documents import document
from fulfillment.desk import Desk, key
from world import Api, World

ACTIONS = "query($id: ID!) { order(by: { id: $id }) { status version actions { name allowed } } }"
STATES = (
    "PENDING", "PENDING, paid", "CONFIRMED", "CONFIRMED, unpaid", "PARTIALLY_SHIPPED", "SHIPPED", "COMPLETED",
    "CANCELLED",
)  # fmt: skip
# the verbs of an order by the states that permit them
MAY: dict[str, set[str]] = {
    "orderConfirm": {"PENDING, paid"},
    "orderCancel": {"PENDING", "PENDING, paid", "CONFIRMED", "CONFIRMED, unpaid", "PARTIALLY_SHIPPED"},
    "paymentAuthorize": {"PENDING", "CONFIRMED, unpaid", "SHIPPED"},
    "returnRequest": {"PARTIALLY_SHIPPED", "SHIPPED", "COMPLETED"},
}


async def stood(desk: Desk, state: str) -> dict[str, Any]:
    """A new order of three units in this state; of what was sent all has arrived."""
    await desk.open(
        {"A": {"north": 9}}, paymentRule="NONE" if "unpaid" in state or state == "SHIPPED" else "AUTHORIZED"
    )
    status = state.split(",")[0]
    paid = {"PENDING": None, "CONFIRMED, unpaid": None, "SHIPPED": None, "COMPLETED": "captured"}
    order = await desk.order(lines={"A": 3}, paid=paid.get(state, "authorized"), autoConfirm=status != "PENDING")
    if status == "PARTIALLY_SHIPPED":
        (work,) = order["fulfillments"]
        await desk.accept(work)
        await desk.track(await desk.ship(work, {"A": 1}), "DELIVERED")
    elif status in ("SHIPPED", "COMPLETED"):
        await desk.deliver(order)
    elif status == "CANCELLED":
        await desk.cancel(order)
    found: dict[str, Any] = (await desk.api(ACTIONS, id=order["id"]))["order"]
    assert found["status"] == status
    return {**order, **found}


def sent(order: dict[str, Any], verb: str) -> dict[str, Any]:
    """The least that a verb takes."""
    one = {"lineId": order["lines"][0]["id"], "quantity": 1, "reason": "broken"}
    more: dict[str, Any] = {
        "orderConfirm": {},
        "orderCancel": {"reason": "changed_mind"},
        "paymentAuthorize": {"provider": "fake"},
        "returnRequest": {"lines": [one]},
    }[verb]
    return {"idempotencyKey": key(), "order": {"id": order["id"]}, **more}


@pytest.mark.parametrize("state", STATES)
async def test_each_verb_does_in_each_state_what_the_table_says(world: World, api: Api, state: str) -> None:
    desk = Desk(world, api)
    order = await stood(desk, state)
    may = {verb for verb, states in MAY.items() if state in states}
    told = {action["name"]: action["allowed"] for action in order["actions"]}
    assert told.keys() == MAY.keys(), "a verb that is new belongs into the table, and what it takes into `sent`"
    assert {verb for verb, allowed in told.items() if allowed} == may
    for verb in sorted(MAY.keys() - may):
        (error,) = await api.refused(document(verb), input=sent(order, verb))
        named = error["details"]
        if error["code"] == "INVALID_TRANSITION":
            assert (named["currentState"], set(named["allowedActions"])) == (order["status"], may)
            assert all(name in error["message"] for name in may)
        else:
            assert error["code"] == "EXCEEDS_REMAINING"
    assert (await api(ACTIONS, id=order["id"]))["order"] == {
        name: order[name] for name in ("status", "version", "actions")
    }


@pytest.mark.parametrize(("verb", "state"), [(verb, state) for verb in MAY for state in STATES if state in MAY[verb]])
async def test_each_verb_is_accepted_where_the_table_says_so(world: World, api: Api, verb: str, state: str) -> None:
    order = await stood(Desk(world, api), state)
    await api.ok(document(verb), input=sent(order, verb))
