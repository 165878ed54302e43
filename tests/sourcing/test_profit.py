"""The most profitable plan: what units cost where they lie is weighed against what parcels cost, and told."""

from typing import Any

import pytest

from orders.store import Store, sku, usd
from promising.shop import CHANNELS, LOS_ANGELES, SKUS, TO_NEW_YORK, lines
from sourcing.test_decisions import decisions, replay
from sourcing.test_policies import option, promote, publish, sent_from
from sourcing.test_settings import a_rule
from world import Api, World

PROMISE = """query($input: PromiseInput!) { promise(input: $input) {
  promise { options { token cost { minorAmount } shipments { location { handle } }
    margins { sku quantity price { amount } cost { amount } margin { amount } } explanation { objective } } }
  userErrors { code message path } } }"""
SKU = """query { sku(code: "A") { unitCost { amount currency } locationCosts { location unitCost { amount } } } }"""


async def cost(api: Api, near: str = "10.00", far: str | None = None, code: str = "A") -> None:
    costs = [{"location": "far", "unitCost": usd(far)}] if far else []
    await api.ok(SKUS, input={"skus": [{"code": code, "name": code, "unitCost": usd(near), "locationCosts": costs}]})


@pytest.fixture
async def store(world: World, api: Api) -> Store:
    """One of A costs 6.00 to send from `near` (New York), 9.00 from `far` (Los Angeles); it sells for 10.00."""
    stock = {"A": {"near": 5, "far": 5}, "B": {"near": 5, "far": 5}}
    return await Store(world, api).open(stock, locations={"near": {}, "far": LOS_ANGELES})


async def best(api: Api, **more: Any) -> dict[str, Any]:
    asked = {"channel": "web", "lines": lines(A=1), "destination": TO_NEW_YORK, "objective": "MOST_PROFITABLE", **more}
    found: dict[str, Any] = (await api.ok(PROMISE, input=asked))["promise"]["options"][0]
    return found


@pytest.mark.parametrize(
    ("units", "far", "place"),
    [(1, "7.01", "near"), (1, "7.00", "near"), (1, "6.99", "far"), (2, "8.51", "near"), (2, "8.49", "far")],
)
async def test_a_dearer_parcel_wins_exactly_when_the_units_in_it_cost_less_by_more(
    store: Store, units: int, far: str, place: str
) -> None:
    await cost(store.api, "10.00", far)
    found = await best(store.api, lines=lines(A=units))
    assert (sent_from(found), found["explanation"]["objective"]) == ([place], "MOST_PROFITABLE")
    assert sent_from(await best(store.api, lines=lines(A=units), objective="CHEAPEST")) == ["near"]


async def test_without_unit_costs_the_most_profitable_plan_is_the_cheapest(store: Store) -> None:
    assert sent_from(await best(store.api)) == ["near"]
    await cost(store.api, "10.00")
    assert sent_from(await best(store.api)) == ["near"]


async def test_a_location_where_a_unit_costs_more_is_avoided(store: Store) -> None:
    costs = [{"location": "near", "unitCost": usd("3.01")}]
    await store.api.ok(
        SKUS, input={"skus": [{"code": "A", "name": "A", "unitCost": usd("0.00"), "locationCosts": costs}]}
    )
    assert sent_from(await best(store.api)) == ["far"]


async def test_a_channel_and_a_policy_may_want_the_most_profitable_plan_too(store: Store) -> None:
    await cost(store.api, "10.00", "1.00")
    assert sent_from(await option(store.api, lines=lines(A=1))) == ["near"]
    web = {"handle": "web", "name": "Web", "currency": "USD", "locations": ["near", "far"]}
    await store.api.ok(CHANNELS, input={"channels": [{**web, "objective": "MOST_PROFITABLE"}]})
    assert sent_from(await option(store.api, lines=lines(A=1))) == ["far"]
    await store.api.ok(CHANNELS, input={"channels": [{**web, "objective": "CHEAPEST"}]})
    await publish(store.api, a_rule(objective="MOST_PROFITABLE"))
    await promote(store.api, 1, "web")
    assert sent_from(await option(store.api, lines=lines(A=1))) == ["far"]
    order = await store.create({"A": 1})
    (decision,) = await decisions(store, order)
    assert [parcel["location"] for parcel in decision["shipments"]] == ["far"]
    assert (await replay(store.api, decision))["same"] is True
    assert (await replay(store.api, decision, policy="built-in", number=1))["shipments"][0]["location"] == "near"


async def test_how_often_unit_cost_counts_can_be_set_with_any_objective(store: Store) -> None:
    await cost(store.api, "10.00", "8.90")  # 1.10 less, 3.00 to send
    for number, (weight, place) in enumerate(((0, "near"), (2, "near"), (3, "far")), 1):
        await publish(store.api, a_rule(unitCostWeight=weight, perDayLate=usd("0")))
        await promote(store.api, number, "web")
        assert sent_from(await option(store.api, lines=lines(A=1))) == [place]


async def test_an_option_tells_what_each_line_earns_where_it_is_sent_from(store: Store) -> None:
    await cost(store.api, "10.00", "6.00")
    found = await best(
        store.api, lines=[{"sku": "A", "quantity": 2, "unitPrice": usd("12.50")}, {"sku": "B", "quantity": 1}]
    )
    assert sent_from(found) == ["far"]
    assert found["margins"] == [
        {"sku": "A", "quantity": 2, "price": {"amount": "25.00"}, "cost": {"amount": "12.00"},
         "margin": {"amount": "13.00"}},
        {"sku": "B", "quantity": 1, "price": {"amount": "10.00"}, "cost": None, "margin": None},
    ]  # fmt: skip


async def test_a_kit_costs_what_its_parts_cost_and_a_loss_is_told_and_served(store: Store) -> None:
    await cost(store.api, "4.00")
    await cost(store.api, "3.50", code="B")
    parts = [{"sku": "A", "quantity": 2}, {"sku": "B", "quantity": 1}]
    await store.api.ok(SKUS, input={"skus": [sku("K", price="10.00", kind="KIT", components=parts)]})
    found = await best(store.api, lines=lines(K=2))
    assert found["margins"] == [
        {"sku": "K", "quantity": 2, "price": {"amount": "20.00"}, "cost": {"amount": "23.00"},
         "margin": {"amount": "-3.00"}},
    ]  # fmt: skip
    assert (await store.create({"K": 2}, promiseToken=found["token"]))["lines"][0]["quantities"]["reserved"] == 2


async def test_costs_and_margins_are_for_those_who_may_see_costs(store: Store, world: World) -> None:
    await cost(store.api, "10.00", "6.00")
    assert (await store.api(SKU))["sku"] == {
        "unitCost": {"amount": "10.00", "currency": "USD"},
        "locationCosts": [{"location": "far", "unitCost": {"amount": "6.00"}}],
    }
    clerk = await world.key(store.api.handle, "availability:read", "catalog:read")
    assert (await clerk(SKU))["sku"] == {"unitCost": None, "locationCosts": None}
    found = await best(clerk)
    assert (sent_from(found), found["cost"], found["margins"]) == (["far"], None, None)


async def test_a_price_in_another_currency_is_refused(store: Store) -> None:
    line = {"sku": "A", "quantity": 1, "unitPrice": {"amount": "1", "currency": "EUR"}}
    asked = {"channel": "web", "lines": [line], "destination": TO_NEW_YORK}
    assert await store.api.refused(PROMISE, input=asked) == [
        {"code": "INVALID_AMOUNT", "message": "EUR was sent where the currency is USD.",
         "path": ["input", "lines", "0", "unitPrice"]}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "code", "message", "at"),
    [
        ({"unitCost": None}, "REQUIRED", "Send unitCost too: locationCosts say where it costs otherwise.", "unitCost"),
        ({"unitCost": usd("10000000.01")}, "INVALID", "unitCost is 1,000,000,000 minor units at most.", "unitCost"),
        ({"unitCost": usd("-1")}, "INVALID_AMOUNT", "-1 is negative; amounts are positive.", "unitCost"),
        ({"locationCosts": [{"location": "far", "unitCost": {"amount": "1", "currency": "EUR"}}]}, "INVALID_AMOUNT",
         "EUR was sent where the unit cost is in USD.", "locationCosts.0.unitCost"),
        ({"locationCosts": [{"location": "", "unitCost": usd("1")}]}, "INVALID",
         "'' is not a location's handle; name each once.", "locationCosts.0.location"),
        ({"unitCost": {"amount": "1", "currency": "EUR"}}, "INVALID",
         "locationCosts are in USD; send them in EUR too.", "unitCost"),
    ],
)  # fmt: skip
async def test_costs_that_make_no_sense_are_refused_and_change_nothing(
    store: Store, change: dict[str, Any], code: str, message: str, at: str
) -> None:
    await cost(store.api, "10.00", "6.00")
    before = await store.api(SKU)
    assert await store.api.refused(SKUS, input={"skus": [{"code": "A", "name": "A", **change}]}) == [
        {"code": code, "message": message, "path": ["input", "skus", "0", *at.split(".")]}
    ]
    assert await store.api(SKU) == before


async def test_only_what_has_stock_has_a_unit_cost(store: Store) -> None:
    gift = {"code": "CARD", "name": "Card", "kind": "DIGITAL", "unitCost": usd("1")}
    assert await store.api.refused(SKUS, input={"skus": [gift]}) == [
        {"code": "INVALID", "message": "CARD is DIGITAL; what has stock has a unit cost.",
         "path": ["input", "skus", "0", "unitCost"]}
    ]  # fmt: skip


async def test_costs_are_cleared_by_null(store: Store) -> None:
    await cost(store.api, "10.00", "6.00")
    cleared = {"code": "A", "name": "A", "unitCost": None, "locationCosts": None}
    await store.api.ok(SKUS, input={"skus": [cleared]})
    assert (await store.api(SKU))["sku"] == {"unitCost": None, "locationCosts": []}
