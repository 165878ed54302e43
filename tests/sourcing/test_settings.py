"""What a policy's settings say through the API: each turns the choice, and what makes no sense is refused by name."""

from typing import Any

import pytest

from promising.shop import TO_NEW_YORK, lines
from sourcing.test_policies import PROMISE, PUBLISH, option, promote, publish, refused, rows, sent_from, world_of_two
from world import Api


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


def a_rule(**settings: Any) -> dict[str, Any]:
    return {"name": "weigh", "effect": "SET", "settings": settings}


async def policy(api: Api, number: int, **settings: Any) -> None:
    await publish(api, a_rule(**settings))
    await promote(api, number, "web")


async def unavailable(api: Api, **units: int) -> list[dict[str, Any]]:
    asked = {"channel": "web", "lines": lines(**units), "destination": TO_NEW_YORK}
    promise = (await api.ok(PROMISE, input=asked))["promise"]
    assert promise["options"] == []
    found: list[dict[str, Any]] = promise["unavailable"]
    return found


async def test_a_cart_whose_parcels_would_be_worth_too_little_is_not_split_and_says_so(api: Api) -> None:
    await world_of_two(api, A={"store": 5, "dc": 0}, B={"store": 0, "dc": 5})
    put = "mutation($input: SkuPutInput!) { skuPut(input: $input) { userErrors { message } } }"
    prices = [{"code": code, "name": code, "listPrice": money(price)} for code, price in (("A", "20"), ("B", "5"))]
    await api.ok(put, input={"skus": prices})
    await policy(api, 1, minShipmentValue=money("5.00"))
    assert sent_from(await option(api, lines=lines(A=1, B=1))) == ["store", "dc"]
    await policy(api, 2, minShipmentValue=money("5.01"))
    assert await unavailable(api, A=1, B=1) == [
        {
            "code": "NO_SOURCE",
            "message": "It would take several shipments, and sourcing policy main allows none that is worth less than "
            "5.01 USD; ask for more, ask for less of it, or change the policy.",
        }
    ]
    assert sent_from(await option(api, lines=lines(A=1, B=2))) == ["store", "dc"]
    assert sent_from(await option(api, lines=lines(B=1))) == ["dc"]


async def test_weights_turn_the_choice_and_are_not_told_as_cost(api: Api) -> None:
    await world_of_two(api, A={"store": 1, "dc": 100})
    near = await option(api, lines=lines(A=1))
    assert (sent_from(near), near["cost"]["minorAmount"]) == (["store"], "650")
    await policy(api, 1, perLastUnit=money("10.00"))
    far = await option(api, lines=lines(A=1))
    assert (sent_from(far), far["cost"]["minorAmount"]) == (["dc"], "800")
    await policy(api, 2, perLastUnit=money("10.00"), shippingWeight=7)
    assert sent_from(await option(api, lines=lines(A=1))) == ["store"]
    await policy(api, 3, shippingWeight=0, perRank=money("0.01"), sort=["WAREHOUSES_FIRST"])
    assert sent_from(await option(api, lines=lines(A=1))) == ["dc"]


@pytest.mark.parametrize(
    ("settings", "code", "message", "at"),
    [
        ({"shippingWeight": -1}, "INVALID", "-1 must be 0 to 1,000.", "shippingWeight"),
        ({"shippingWeight": 1001}, "INVALID", "1001 must be 0 to 1,000.", "shippingWeight"),
        ({"perRank": money("-1")}, "INVALID_AMOUNT", "-1 is negative; amounts are positive.", "perRank"),
        ({"perLastUnit": money("10000000.01")}, "INVALID_AMOUNT",
         "10000000.01 USD weighs too much; send 10000000.00 USD or less.", "perLastUnit"),
        ({"perDayLate": money("99999999")}, "INVALID_AMOUNT",
         "99999999.00 USD weighs too much; send 10000000.00 USD or less.", "perDayLate"),
        ({"minShipmentValue": {"amount": "1", "currency": "EUR"}}, "INVALID_AMOUNT",
         "EUR was sent where the currency is USD.", "minShipmentValue"),
    ],
)  # fmt: skip
async def test_a_weight_that_makes_no_sense_is_refused_by_name(
    api: Api, settings: dict[str, Any], code: str, message: str, at: str
) -> None:
    await world_of_two(api)
    assert await refused(api, a_rule(**settings)) == [(code, message, ["rules", "0", "settings", at])]
    assert await rows(api) == (0, 0)


async def test_what_is_not_there_is_named_with_what_is_allowed(api: Api) -> None:
    await world_of_two(api)
    rule = {
        "name": "r", "effect": "EXCLUDE", "when": {"methods": ["NOPE"], "countries": ["XX"]},
        "locations": {"handles": ["store", "moon"], "countries": ["QQ"]},
    }  # fmt: skip
    assert await refused(api, rule) == [
        ("INVALID", f"Rule 'r': {said}; change it or leave it out.", ["rules", "0", *at])
        for said, at in (
            ("'NOPE' is not a method; SHIPPING and PICKUP are", ["when", "methods"]),
            ("'XX' is not an ISO 3166-1 alpha-2 country such as 'DE'", ["when", "countries"]),
            ("there is no location 'moon'", ["locations", "handles"]),
            ("'QQ' is not an ISO 3166-1 alpha-2 country such as 'DE'", ["locations", "countries"]),
        )
    ]
    assert await rows(api) == (0, 0)


async def test_an_example_that_sends_from_an_unknown_location_says_which(api: Api) -> None:
    await world_of_two(api)
    example = {
        "name": "e", "channel": "web", "lines": lines(A=2), "country": "US",
        "stock": [{"location": "dc", "sku": "A", "quantity": 9}],
        "shipments": [{"location": "dc", "lines": lines(A=1)}, {"location": "moon", "lines": lines(A=1)}],
    }  # fmt: skip
    assert await refused(api, a_rule(maxShipments=2), examples=[example]) == [
        (
            "NOT_FOUND",
            "'moon' is not a location of this channel; name one that is, or add it with channelPut first.",
            ["examples", "0", "shipments", "1", "location"],
        )
    ]
    assert await rows(api) == (0, 0)


async def test_an_unknown_objective_is_refused_by_naming_it_and_what_is_close(api: Api) -> None:
    await world_of_two(api)
    body = await api.answer(
        PUBLISH, input={"policy": "main", "currency": "USD", "rules": [a_rule(objective="CHEAPER")]}
    )
    (error,) = body["errors"]
    assert "'CHEAPER' does not exist in 'SourcingObjective' enum" in error["message"], error
    assert await rows(api) == (0, 0)
