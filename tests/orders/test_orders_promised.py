"""An order made from a promise or from a reservation keeps what was said."""

from orders.store import (
    ADDRESS,
    CREATE,
    HOLD,
    PROMISE,
    Store,
    units,
)
from promising.shop import CHANNELS, TO_NEW_YORK
from promising.test_following import TRANSFER
from world import travel


async def _token(store: Store, lines: dict[str, int]) -> str:
    wanted = [{"sku": code, "quantity": quantity} for code, quantity in lines.items()]
    asked = {"channel": "web", "lines": wanted, "destination": TO_NEW_YORK}
    token: str = (await store.api.ok(PROMISE, input=asked))["promise"]["options"][0]["token"]
    return token


async def test_a_promise_is_honoured_exactly_as_it_was_made(store: Store) -> None:
    await store.open({"A": {"dc": 5}, "B": {"dc": 5}})
    token = await _token(store, {"A": 2, "B": 1})
    order = await store.create({"B": 1, "A": 2}, promiseToken=token)
    assert [units(line) for line in order["lines"]] == [{"reserved": 1}, {"reserved": 2}]
    assert all(line["promisedOn"] for line in order["lines"])
    assert await store.reserved("A", "B") == {"A@dc": 2, "B@dc": 1}


async def test_an_order_that_differs_from_its_promise_is_refused(store: Store) -> None:
    await store.open({"A": {"dc": 5}, "B": {"dc": 5}})
    token = await _token(store, {"A": 2})
    wrong = [("INVALID", "input.promiseToken")]
    assert await store.refused({"A": 1}, promiseToken=token) == wrong
    assert await store.refused({"A": 2, "B": 1}, promiseToken=token) == wrong
    elsewhere = {**ADDRESS, "postalCode": "90001"}
    assert await store.refused({"A": 2}, promiseToken=token, shippingAddress=elsewhere) == wrong
    assert await store.refused({"A": 2}, promiseToken="made.up") == wrong
    with travel(minutes=16):
        assert await store.refused({"A": 2}, promiseToken=token) == [("EXPIRED", "input.promiseToken")]
    assert await store.reserved("A") == {}


async def test_a_promise_whose_units_are_gone_is_not_planned_anew(store: Store) -> None:
    await store.open({"A": {"dc": 2, "far": 2}}, locations={"dc": {}, "far": {"latitude": 34.05, "longitude": -118.24}})
    token = await _token(store, {"A": 2})
    await store.create({"A": 2}, promiseToken=token)
    assert [code for code, _ in await store.refused({"A": 2}, promiseToken=token)] == ["INSUFFICIENT_STOCK"]
    assert await store.reserved("A") == {"A@dc": 2}


async def _hold(store: Store, lines: dict[str, int]) -> str:
    wanted = [{"sku": code, "quantity": quantity} for code, quantity in lines.items()]
    held = await store.api.ok(HOLD, input={"channel": "web", "lines": wanted, "destination": TO_NEW_YORK})
    id_: str = held["reservation"]["id"]
    return id_


async def test_a_reservation_is_taken_over(store: Store) -> None:
    await store.open({"A": {"dc": 3}})
    held = await _hold(store, {"A": 3})
    assert await store.refused({"A": 2}, reservationId=held) == [("INVALID", "input.reservationId")]
    order = await store.create({"A": 3}, reservationId=held)
    assert units(order["lines"][0]) == {"reserved": 3}
    assert await store.reserved("A") == {"A@dc": 3}
    assert await store.refused({"A": 3}, reservationId=held) == [("INVALID", "input.reservationId")]


async def test_a_reservation_keeps_the_date_that_was_promised(store: Store) -> None:
    await store.open({"A": {"dc": 6}, "B": {"dc": 3}})
    held = await _hold(store, {"A": 3, "B": 1})
    planned = await store.create({"A": 3})
    taken = await store.create({"A": 3, "B": 1}, reservationId=held)
    dates = [line["promisedOn"] for line in taken["lines"]]
    assert dates[0] is not None
    assert dates == [dates[0], dates[0]]
    assert dates[0] >= planned["lines"][0]["promisedOn"]  # the cart named no destination: the farthest zone


async def test_a_reservation_that_has_ended_is_refused(store: Store) -> None:
    await store.open({"A": {"dc": 3}})
    held = await _hold(store, {"A": 3})
    with travel(minutes=16):
        assert await store.refused({"A": 3}, reservationId=held) == [("EXPIRED", "input.reservationId")]
    token = await _token(store, {"A": 1}) if (await store.reserved("A")) == {} else "any"
    both = await store.refused({"A": 3}, reservationId=held, promiseToken=token)
    assert both == [("INVALID", "input.reservationId")]


async def test_a_reservation_is_for_the_channel_and_the_place_where_its_units_are(store: Store) -> None:
    await store.open({"A": {"dc": 3, "shop": 1}}, locations={"dc": {}, "shop": {"pickup": True}})
    other = {"handle": "outlet", "name": "Outlet", "currency": "USD", "locations": ["shop"], "paymentRule": "NONE"}
    await store.api.ok(CHANNELS, input={"channels": [other]})
    held = await _hold(store, {"A": 2})
    for sent, words in (
        ({"channel": "outlet"}, "no location of channel outlet"),
        ({"pickupLocation": "shop"}, "the order is collected at shop"),
    ):
        (error,) = await store.api.refused(CREATE, input=store.input({"A": 2}, reservationId=held, **sent))
        assert (error["code"], error["path"]) == ("INVALID", ["input", "reservationId"])
        assert error["message"] == (
            f"The reservation holds A at dc, {words}; hold it elsewhere with reservationTransfer or reservationPin "
            "first."
        )
    assert await store.reserved("A") == {"A@dc": 2}
    one = await _hold(store, {"A": 1})
    move = {"sku": "A", "fromLocation": "dc", "toLocation": "shop"}
    await store.api.ok(TRANSFER, input={"id": one, "moves": [move]})
    order = await store.create({"A": 1}, reservationId=one, pickupLocation="shop")
    assert units(order["lines"][0]) == {"reserved": 1}
    assert await store.reserved("A") == {"A@dc": 2, "A@shop": 1}
