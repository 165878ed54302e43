"""A promise is held as it was shown, by the tenant to whom it was given, while it lasts."""

import base64
from datetime import timedelta
from typing import Any

import orjson
import pytest

from oms_api.kit import secrets
from oms_api.promising.service.tokens import PURPOSE
from promising.shop import CHANNELS, CHICAGO, LOCATIONS, MONDAY_NOON, TO_NEW_YORK, at, lines, put_stock, shop
from world import Api, World, statements

PROMISE = """query($input: PromiseInput!) { promise(input: $input) {
  promise { options { token shipments { location { handle } } } } userErrors { code } } }"""
RESERVE = """mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) {
  reservation { id version expiresAt lines { sku quantity location { handle } expectedAt } }
  userErrors { code message path details { sku requested available } } } }"""
AVAILABLE = """query($skus: [String!]!) { availability(input: { channel: "web", skus: $skus }) {
  availability { available } userErrors { code } } }"""


async def tokens(api: Api, wanted: list[dict[str, Any]], **more: Any) -> list[str]:
    more = more or {"destination": TO_NEW_YORK}
    answer = await api.ok(PROMISE, input={"channel": "web", "lines": wanted, **more})
    return [option["token"] for option in answer["promise"]["options"]]


async def available(api: Api, *skus: str) -> list[int]:
    return [row["available"] for row in (await api.ok(AVAILABLE, skus=list(skus)))["availability"]]


async def reserve(api: Api, token: str) -> dict[str, Any]:
    found: dict[str, Any] = (await api.ok(RESERVE, input={"promiseToken": token}))["reservation"]
    return found


async def test_a_token_is_held_exactly_as_planned(api: Api) -> None:
    await shop(api, {"nyc": {}, "chi": CHICAGO}, {"A": {"nyc": 6, "chi": 7}})
    (token,) = await tokens(api, lines(A=10))
    await put_stock(api, {"A": {"nyc": 60}})  # a better plan by now; the promise stays
    held = await reserve(api, token)
    assert [(line["location"]["handle"], line["quantity"]) for line in held["lines"]] == [("nyc", 6), ("chi", 4)]
    assert await available(api, "A") == [57]


async def test_every_option_can_be_held(api: Api) -> None:
    await shop(api, {"nyc": {}, "chi": {**CHICAGO, "pickup": True}, "la": {"pickup": True}}, {"A": {"chi": 5, "la": 5}})
    first, second = await tokens(api, lines(A=2), pickupLocations=["chi", "la"])
    for token, place in ((second, "la"), (first, "chi")):
        (line,) = (await reserve(api, token))["lines"]
        assert (line["location"]["handle"], line["quantity"]) == (place, 2)


async def test_a_token_ends_after_fifteen_minutes(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 6}})
    with at(MONDAY_NOON):
        (token,) = await tokens(api, lines(A=1))
    with at(MONDAY_NOON + timedelta(minutes=15, seconds=1)):
        (error,) = await api.refused(RESERVE, input={"promiseToken": token})
        assert (error["code"], error["path"]) == ("EXPIRED", ["input", "promiseToken"])
        assert await available(api, "A") == [6]
    with at(MONDAY_NOON + timedelta(minutes=14)):
        await reserve(api, token)


async def test_a_changed_token_is_invalid(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 6}})
    (token,) = await tokens(api, lines(A=1))
    body, signature = token.split(".")
    content = orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    assert content["l"] == [["A", 1]]
    content["l"] = [["A", 5]]
    changed = base64.urlsafe_b64encode(orjson.dumps(content)).decode().rstrip("=")
    for bad in (f"{changed}.{signature}", f"{body}.{signature[:-2]}xx", body, "", ".", "🙂", "x" * 5000, token + "A"):
        (error,) = await api.refused(RESERVE, input={"promiseToken": bad})
        assert error["code"] == ("INVALID" if bad else "REQUIRED")
    assert await available(api, "A") == [6]


async def test_a_token_of_an_earlier_version_has_ended_and_one_of_no_version_never_was(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 6}})
    (token,) = await tokens(api, lines(A=1))
    body = token.split(".")[0]
    content = orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    for version, code in ((1, "EXPIRED"), (2, "EXPIRED"), (0, "INVALID"), (99, "INVALID")):
        (error,) = await api.refused(RESERVE, input={"promiseToken": secrets.sign(PURPOSE, {**content, "v": version})})
        assert (error["code"], error["path"]) == (code, ["input", "promiseToken"])
    foreign = secrets.sign(PURPOSE, {**content, "v": 2, "t": "0" * 32})
    (error,) = await api.refused(RESERVE, input={"promiseToken": foreign})
    assert error["code"] == "INVALID"
    assert await available(api, "A") == [6]


async def test_another_tenant_s_token_is_as_unknown_as_a_changed_one(world: World, api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 6}})
    (token,) = await tokens(api, lines(A=1))
    other = await world.tenant()
    await shop(other, {"nyc": {}}, {"A": {"nyc": 6}})
    (foreign,) = await other.refused(RESERVE, input={"promiseToken": token})
    (changed,) = await api.refused(RESERVE, input={"promiseToken": token + "A"})
    assert foreign == changed
    assert await available(other, "A") == [6]


async def test_what_was_sold_meanwhile_is_told_and_nothing_is_held(api: Api) -> None:
    await shop(api, {"nyc": {}, "chi": CHICAGO}, {"A": {"nyc": 6, "chi": 7}, "B": {"nyc": 1}})
    (token,) = await tokens(api, lines(A=10, B=1))
    await put_stock(api, {"A": {"chi": 3}})
    (error,) = await api.refused(RESERVE, input={"promiseToken": token})
    assert error["code"] == "INSUFFICIENT_STOCK"
    assert error["details"] == {"sku": "A", "requested": 10, "available": 9}
    assert await available(api, "A", "B") == [9, 1]


@pytest.mark.parametrize("gone", ["no more work", "not of the channel"])
async def test_a_location_that_takes_no_more_work_redeems_nothing(api: Api, gone: str) -> None:
    await shop(api, {"nyc": {}, "chi": CHICAGO}, {"A": {"nyc": 5, "chi": 5}})
    token, *_ = await tokens(api, lines(A=2))
    if gone == "no more work":
        off = {"handle": "nyc", "name": "nyc", "active": False}
        await api.ok(LOCATIONS, input={"locations": [off]})
        name = "nyc"
    else:
        web = {"handle": "web", "name": "Web", "currency": "USD", "locations": ["chi"]}
        await api.ok(CHANNELS, input={"channels": [web]})
        name = "a location"
    (error,) = await api.refused(RESERVE, input={"promiseToken": token})
    assert (error["code"], error["path"]) == ("NO_SOURCE", ["input", "promiseToken"])
    assert (
        error["message"] == f"Since it was promised {name} takes no more work for channel web; ask for a new promise."
    )
    assert await available(api, "A") == [5]
    assert len(await tokens(api, lines(A=5))) == 1


async def test_a_token_stays_small(api: Api) -> None:
    stock = {f"SKU-{i}": {"nyc": 9, "chi": 9} for i in range(50)}
    await shop(api, {"nyc": {}, "chi": CHICAGO}, stock)
    (one,) = await tokens(api, lines(**{"SKU-0": 1}))
    (fifty,) = await tokens(api, lines(**dict.fromkeys(stock, 2)))
    assert len(one) < 700  # of these 250 for how it was decided, encrypted
    assert len(fifty) < 3250
    with statements() as few:
        await reserve(api, one)
    with statements() as many:
        await reserve(api, fifty)
    assert len(many) == len(few)
