"""An order is of the demand class that it names, or that its promise or reservation was made for, for as long as its
units are looked for."""

from typing import Any

import pytest

from allocation.scarce import classes, hard, share, stand
from fulfillment.desk import REJECT, Desk, key, units
from promising.shop import CHICAGO, NEW_YORK, put_stock

TWO = {"near": NEW_YORK, "far": CHICAGO}
CREATE = """mutation($input: OrderCreateInput!) { orderCreate(input: $input) {
  order { id demandClass } userErrors { code message path } } }"""
PROMISE = """query($input: PromiseInput!) { promise(input: $input) { promise { options { token } }
  userErrors { code } } }"""
HOLD = """mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) {
  reservation { id } userErrors { code } } }"""
WAVE = "mutation($input: SourcingWaveRunInput!) { sourcingWaveRun(input: $input) { userErrors { code message } } }"
OF = "query($id: ID!) { order(by: { id: $id }) { demandClass } }"
TO_NEW_YORK = {"country": "US", "postalCode": "10001"}


async def class_of(desk: Desk, order: dict[str, Any]) -> str | None:
    found: str | None = (await desk.api(OF, id=order["id"]))["order"]["demandClass"]
    return found


async def two_classes(desk: Desk, stock: int = 12, **parts: Any) -> None:
    """Units that vip has 5 of, web, which is the channel's class, 4, and nobody the rest."""
    await desk.open({"A": {"near": stock}})
    await classes(desk.api)
    await share(desk.api, **(parts or {"vip": hard(5), "web": hard(4)}))


async def token(desk: Desk, count: int, **more: Any) -> str:
    asked = {"channel": "web", "destination": TO_NEW_YORK, "lines": [{"sku": "A", "quantity": count}], **more}
    (option,) = (await desk.api.ok(PROMISE, input=asked))["promise"]["options"]
    found: str = option["token"]
    return found


async def reservation(desk: Desk, count: int, **more: Any) -> str:
    asked = {"channel": "web", "destination": TO_NEW_YORK, "lines": [{"sku": "A", "quantity": count}], **more}
    found: str = (await desk.api.ok(HOLD, input=asked))["reservation"]["id"]
    return found


async def refused(desk: Desk, count: int, **more: Any) -> list[dict[str, Any]]:
    address = {"name": "Ada", "lines": ["1 Main St"], "city": "New York", "postalCode": "10001", "country": "US"}
    price = {"amount": "10.00", "currency": "USD"}
    sent = {"idempotencyKey": key(), "channel": "web", "customer": {}, "shippingAddress": address}
    lines = [{"sku": "A", "quantity": count, "unitPrice": price}]
    return await desk.api.refused(CREATE, input={**sent, "lines": lines, **more})


async def test_units_of_a_named_class_are_taken_of_its_shares(desk: Desk) -> None:
    await two_classes(desk)
    named = await desk.order(lines={"A": 5}, demandClass="vip")
    assert await class_of(desk, named) == "vip"
    assert await stand(desk.api) == [{"vip": (5, 0), "web": (0, 4), "pool": (0, 3)}]
    plain = await desk.order(lines={"A": 4})
    assert await class_of(desk, plain) is None
    assert await stand(desk.api) == [{"vip": (5, 0), "web": (4, 0), "pool": (0, 3)}]
    of_group = await desk.order(lines={"A": 1}, demandClass="out", customer={"group": "vip"})
    assert await class_of(desk, of_group) == "out"
    assert await stand(desk.api) == [{"vip": (5, 0), "web": (4, 0), "pool": (1, 2)}]


@pytest.mark.parametrize("named", ["gold", "old", ""])
async def test_a_class_that_is_not_known_or_not_active_is_refused_and_nothing_is_written(
    desk: Desk, named: str
) -> None:
    await two_classes(desk)
    await classes(desk.api, old={"active": False})
    before = await stand(desk.api)
    assert await refused(desk, 1, demandClass=named) == [
        {
            "code": "NOT_FOUND",
            "message": f"There is no active demand class {named!r}; create it with demandClassesPut first.",
            "path": ["input", "demandClass"],
        }
    ]
    assert await stand(desk.api) == before
    assert await desk.stock("A") == {("A", "near"): (12, 0)}
    assert (await desk.api("{ orders { nodes { id } } }"))["orders"]["nodes"] == []


async def test_without_classes_none_can_be_named(desk: Desk) -> None:
    await desk.open({"A": {"near": 12}})
    assert [error["code"] for error in await refused(desk, 1, demandClass="vip")] == ["NOT_FOUND"]
    assert await class_of(desk, await desk.order(lines={"A": 1})) is None


@pytest.mark.parametrize("source", ["promiseToken", "reservationId"])
async def test_an_order_is_of_the_class_that_it_was_promised_or_reserved_for(desk: Desk, source: str) -> None:
    made = token if source == "promiseToken" else reservation
    await two_classes(desk)
    silent = await desk.order(lines={"A": 3}, **{source: await made(desk, 3, demandClass="vip")})
    said = await desk.order(lines={"A": 2}, demandClass="vip", **{source: await made(desk, 2, demandClass="vip")})
    of_channel = await desk.order(lines={"A": 1}, **{source: await made(desk, 1)})
    assert [await class_of(desk, order) for order in (silent, said, of_channel)] == ["vip", "vip", "web"]
    assert await stand(desk.api) == [{"vip": (5, 0), "web": (1, 3), "pool": (0, 3)}]


@pytest.mark.parametrize(("source", "what"), [("promiseToken", "promise"), ("reservationId", "reservation")])
async def test_another_class_than_that_of_the_promise_or_reservation_is_refused(
    desk: Desk, source: str, what: str
) -> None:
    made = token if source == "promiseToken" else reservation
    await two_classes(desk)
    id_ = await made(desk, 3, demandClass="vip")
    before = await stand(desk.api), await desk.stock("A")
    assert await refused(desk, 3, demandClass="web", **{source: id_}) == [
        {
            "code": "INVALID",
            "message": f"The {what} was made for demand class vip, not for web; leave demandClass out, or make a "
            f"{what} for web.",
            "path": ["input", "demandClass"],
        }
    ]
    assert (await stand(desk.api), await desk.stock("A")) == before
    assert await class_of(desk, await desk.order(lines={"A": 3}, **{source: id_})) == "vip"


async def test_what_waits_is_filled_of_the_shares_of_its_class(desk: Desk) -> None:
    await two_classes(desk, 2, vip=hard(5))
    waits = await desk.order(lines={"A": 5}, demandClass="vip", onShortage="BACKORDER")
    assert units(waits["lines"][0]) == {"allocated": 2, "backordered": 3}
    await put_stock(desk.api, {"A": {"near": 9}})
    await desk.world.settle()
    assert units((await desk.look(waits["id"]))["lines"][0]) == {"allocated": 5}
    assert await stand(desk.api) == [{"vip": (5, 0), "pool": (0, 4)}]


@pytest.mark.parametrize("source", ["promiseToken", "reservationId"])
async def test_what_a_location_refuses_is_looked_for_as_the_class_of_the_promise(desk: Desk, source: str) -> None:
    made = token if source == "promiseToken" else reservation
    await desk.open({"A": {"near": 5, "far": 5}}, locations=TWO)
    await classes(desk.api)
    await share(desk.api, vip=hard(5), web=hard(5))
    order = await desk.order(lines={"A": 5}, **{source: await made(desk, 5, demandClass="vip")})
    await desk.api.ok(REJECT, input={"id": order["fulfillments"][0]["id"], "reason": "not_found"})
    after = await desk.look(order["id"])
    assert [row["location"]["handle"] for row in after["fulfillments"]] == ["near", "far"]
    assert units(after["lines"][0]) == {"allocated": 5}
    assert await stand(desk.api) == [{"vip": (5, 0), "web": (0, 5), "pool": (0, 0)}]


async def test_a_wave_takes_of_the_shares_of_each_orders_class(desk: Desk) -> None:
    await two_classes(desk, 0, vip=hard(3), web=hard(2))
    vip = await desk.order(lines={"A": 3}, demandClass="vip", onShortage="BACKORDER")
    web = await desk.order(lines={"A": 4}, onShortage="BACKORDER")
    await put_stock(desk.api, {"A": {"near": 5}})  # nobody has reacted yet
    await desk.api.ok(WAVE, input={"idempotencyKey": key(), "channels": ["web"]})
    await desk.world.settle()
    found = [units((await desk.look(order["id"]))["lines"][0]) for order in (vip, web)]
    assert found == [{"allocated": 3}, {"allocated": 2, "backordered": 2}]
    assert await stand(desk.api) == [{"vip": (3, 0), "web": (2, 0), "pool": (0, 0)}]


async def test_an_order_of_a_class_that_is_not_active_any_more_is_filled_as_its_channels(desk: Desk) -> None:
    await two_classes(desk, 0, web=hard(4))
    waits = await desk.order(lines={"A": 2}, demandClass="vip", onShortage="BACKORDER")
    await classes(desk.api, vip={"active": False})
    await put_stock(desk.api, {"A": {"near": 4}})
    await desk.world.settle()
    assert units((await desk.look(waits["id"]))["lines"][0]) == {"allocated": 2}
    assert await stand(desk.api) == [{"web": (2, 2), "pool": (0, 0)}]
