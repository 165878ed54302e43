"""Sourcing policies through the API: published, promoted, rolled back, tried beside, and what they decide."""

from typing import Any

import pytest
from sqlmodel import select

from oms_api.kit.db import mine, prepared
from oms_api.kit.events import Event
from oms_api.sourcing.models import Policy, PolicyVersion
from promising.shop import CHICAGO, TO_NEW_YORK, lines, put_stock, shop
from world import Api, World, statements

POLICY = """handle currency latest live previous shadow version channels { handle }
  versions { number extends extendsNumber note rules { name effect definition } examples }"""
PUBLISH = f"""mutation($input: SourcingPolicyPublishInput!) {{ sourcingPolicyPublish(input: $input) {{
  policy {{ {POLICY} }} preview {{ number rules {{ name }} }} userErrors {{ code message path }} }} }}"""
PROMOTE = f"""mutation($input: SourcingPolicyPromoteInput!) {{ sourcingPolicyPromote(input: $input) {{
  policy {{ {POLICY} }} userErrors {{ code message path }} }} }}"""
ROLL_BACK = f"""mutation($input: SourcingPolicyRollBackInput!) {{ sourcingPolicyRollBack(input: $input) {{
  policy {{ {POLICY} }} userErrors {{ code message path }} }} }}"""
SHADOW = f"""mutation($input: SourcingPolicyShadowInput!) {{ sourcingPolicyShadow(input: $input) {{
  policy {{ {POLICY} }} userErrors {{ code message path }} }} }}"""
READ = f"query($handle: String!) {{ sourcingPolicy(handle: $handle) {{ {POLICY} }} }}"
PROMISE = """query($input: PromiseInput!) { promise(input: $input) {
  promise { options { cost { minorAmount } shipments { location { handle } lines { sku quantity } }
                      explanation { objective policy policyVersion rejected { location { handle } reason message } } }
            unavailable { code message } }
  userErrors { code message path } } }"""
ORDER = """mutation($input: OrderCreateInput!) { orderCreate(input: $input) {
  order { id } userErrors { code message path } } }"""

NO_STORES = {"name": "no stores", "effect": "EXCLUDE", "locations": {"kinds": ["STORE"]}}


async def world_of_two(api: Api, **stock: dict[str, int]) -> None:
    """A store in New York, a warehouse in Chicago, both with 5 of A, unless told."""
    await shop(
        api,
        {"store": {"kind": "STORE"}, "dc": {**CHICAGO, "tags": ["cold"]}},
        stock or {"A": {"store": 5, "dc": 5}},
    )


async def publish(api: Api, *rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    sent = {"policy": "main", "currency": "USD", "rules": list(rules), **more}
    found: dict[str, Any] = await api.ok(PUBLISH, input=sent)
    return found


async def refused(api: Api, *rules: dict[str, Any], **more: Any) -> list[tuple[str, str, list[str]]]:
    sent = {"policy": "main", "currency": "USD", "rules": list(rules), **more}
    return [(error["code"], error["message"], error["path"][1:]) for error in await api.refused(PUBLISH, input=sent)]


async def promote(api: Api, number: int = 1, *channels: str, policy: str = "main") -> dict[str, Any]:
    sent = {"policy": policy, "number": number, "channels": list(channels)}
    found: dict[str, Any] = (await api.ok(PROMOTE, input=sent))["policy"]
    return found


async def option(api: Api, **more: Any) -> dict[str, Any]:
    asked = {"channel": "web", "lines": lines(A=2), "destination": TO_NEW_YORK, **more}
    found: dict[str, Any] = (await api.ok(PROMISE, input=asked))["promise"]["options"][0]
    return found


def sent_from(option: dict[str, Any]) -> list[str]:
    return [shipment["location"]["handle"] for shipment in option["shipments"]]


async def rows(api: Api) -> tuple[int, int]:
    async with api.world.db.reading(api.tenant_id) as reading:
        policies = await reading.all(prepared(select(Policy).where(mine(Policy))))
        versions = await reading.all(prepared(select(PolicyVersion).where(mine(PolicyVersion))))
    return len(policies), len(versions)


async def topics(api: Api) -> list[str]:
    async with api.world.db.reading(api.tenant_id) as reading:
        events = await reading.all(prepared(select(Event).where(mine(Event)).order_by(Event.id)))
    return [event.topic for event in events if event.topic.startswith("sourcing.")]


async def test_a_published_version_decides_nothing_until_it_is_promoted(api: Api) -> None:
    await world_of_two(api)
    assert sent_from(await option(api)) == ["store"]
    policy = (await publish(api, NO_STORES, note="Stores are for walking in"))["policy"]
    assert policy == {
        "handle": "main", "currency": "USD", "latest": 1, "live": None, "previous": None, "shadow": None, "version": 1,
        "channels": [],
        "versions": [{
            "number": 1, "extends": None, "extendsNumber": None, "note": "Stores are for walking in", "examples": [],
            "rules": [{"name": "no stores", "effect": "EXCLUDE",
                       "definition": {"name": "no stores", "effect": "EXCLUDE", "locations": {"kinds": ["STORE"]}}}],
        }],
    }  # fmt: skip
    assert sent_from(await option(api)) == ["store"]
    promoted = await promote(api, 1, "web")
    assert (promoted["live"], promoted["channels"], promoted["version"]) == (1, [{"handle": "web"}], 2)
    found = await option(api)
    assert sent_from(found) == ["dc"]
    explanation = found["explanation"]
    assert (explanation["policy"], explanation["policyVersion"]) == ("main", 1)
    assert explanation["rejected"] == [{
        "location": {"handle": "store"}, "reason": "EXCLUDED_BY_RULE",
        "message": "Rule 'no stores' of policy main leaves out store.",
    }]  # fmt: skip
    assert await topics(api) == ["sourcing.policy_published", "sourcing.policy_promoted"]


async def test_a_roll_back_returns_to_the_version_before_and_back_again(api: Api) -> None:
    await world_of_two(api)
    await publish(api, NO_STORES)
    await publish(api, {"name": "no dc", "effect": "EXCLUDE", "locations": {"tags": ["cold"]}})
    await promote(api, 1, "web")
    await promote(api, 2)
    assert sent_from(await option(api)) == ["store"]
    back = (await api.ok(ROLL_BACK, input={"policy": "main"}))["policy"]
    assert (back["live"], back["previous"]) == (1, 2)
    assert sent_from(await option(api)) == ["dc"]
    again = (await api.ok(ROLL_BACK, input={"policy": "main"}))["policy"]
    assert (again["live"], again["previous"]) == (2, 1)


async def test_a_first_version_cannot_be_rolled_back(api: Api) -> None:
    await world_of_two(api)
    await publish(api, NO_STORES)
    await promote(api, 1, "web")
    (error,) = await api.refused(ROLL_BACK, input={"policy": "main"})
    assert (error["code"], error["message"]) == (
        "INVALID_TRANSITION", "No version of main was live before; promote the one that you want.",
    )  # fmt: skip
    assert (await api(READ, handle="main"))["sourcingPolicy"]["live"] == 1


async def test_promoting_twice_changes_nothing(api: Api) -> None:
    await world_of_two(api)
    await publish(api, NO_STORES)
    first = await promote(api, 1, "web")
    assert await promote(api, 1, "web") == first
    assert (await topics(api)).count("sourcing.policy_promoted") == 1


async def test_examples_must_come_out_as_they_say(api: Api) -> None:
    await world_of_two(api)
    example = {
        "name": "two shirts", "channel": "web", "lines": lines(A=2), "country": "US", "postalCode": "10001",
        "stock": [{"location": place, "sku": "A", "quantity": 9} for place in ("store", "dc")],
        "shipments": [{"location": "store", "lines": lines(A=2)}],
    }  # fmt: skip
    assert await refused(api, NO_STORES, examples=[example]) == [
        ("INVALID",
         "Example 'two shirts' wants 2 of A from store; these rules plan 2 of A from dc. Change one of them.",
         ["examples", "0", "shipments"]),
    ]  # fmt: skip
    assert await refused(api, NO_STORES, examples=[{**example, "stock": example["stock"][:1]}]) == [
        ("INVALID",
         "Example 'two shirts' wants 2 of A from store; these rules plan nothing, since 2 of A were asked for, 0 can "
         "be promised now, no supply covers the rest; ask for fewer or allow a later date. Change one of them.",
         ["examples", "0", "shipments"]),
    ]  # fmt: skip
    assert await refused(api, NO_STORES, examples=[{**example, "stock": example["stock"][:1] * 2}]) == [
        ("INVALID", "A at store is named twice; send each once.", ["examples", "0", "stock", str(i)]) for i in (0, 1)
    ]
    assert await rows(api) == (0, 0)
    right = {**example, "shipments": [{"location": "dc", "lines": lines(A=2)}]}
    nothing = {**example, "name": "no stock", "stock": [], "shipments": []}
    published = await publish(api, NO_STORES, examples=[right, nothing])
    assert [one["name"] for one in published["policy"]["versions"][0]["examples"]] == ["two shirts", "no stock"]


async def test_an_example_names_only_what_there_is(api: Api) -> None:
    await world_of_two(api)
    good = {
        "name": "e", "channel": "web", "lines": lines(A=2), "country": "US",
        "stock": [{"location": "dc", "sku": "A", "quantity": 9}], "shipments": [],
    }  # fmt: skip
    found = await refused(
        api, NO_STORES,
        examples=[
            {**good, "name": "a", "channel": "moon"},
            {**good, "name": "b", "lines": lines(X=1)},
            {**good, "name": "c", "stock": [{"location": "moon", "sku": "A", "quantity": 9}]},
            {**good, "name": "d", "country": None},
        ],
    )  # fmt: skip
    assert [(code, path) for code, _, path in found] == [
        ("NOT_FOUND", ["examples", "0", "channel"]),
        ("NOT_FOUND", ["examples", "1", "lines", "0", "sku"]),
        ("NOT_FOUND", ["examples", "2", "stock", "0", "location"]),
        ("INVALID", ["examples", "3", "country"]),
    ]
    assert await rows(api) == (0, 0)


async def test_a_rule_that_matches_nothing_is_refused_and_nothing_is_written(api: Api) -> None:
    await world_of_two(api)
    found = await refused(
        api,
        {"name": "a", "effect": "EXCLUDE", "locations": {"kinds": ["SUPPLIER"]}},
        {"name": "b", "effect": "COST", "costs": {"perShipment": {"amount": "1.00", "currency": "EUR"}}},
        {"name": "c", "effect": "SET"},
        {"name": "c", "effect": "SET", "settings": {"maxShipments": 0}},
    )
    assert found == [
        ("INVALID_AMOUNT", "EUR was sent where the currency is USD.", ["rules", "1", "costs", "perShipment"]),
        ("INVALID", "0 must be 1 to 1,000,000,000.", ["rules", "3", "settings", "maxShipments"]),
    ]
    found = await refused(
        api,
        {"name": "a", "effect": "EXCLUDE", "locations": {"kinds": ["SUPPLIER"]}},
        {"name": "c", "effect": "SET"},
        {"name": "c", "effect": "SET", "settings": {"maxShipments": 2}},
        {"name": "d", "effect": "ONLY"},
    )
    assert found == [
        ("INVALID", "'c' is named twice.", ["rules", "2", "name"]),
        ("INVALID", "Rule 'a': it matches no location; change it or leave it out.", ["rules", "0", "locations"]),
        ("INVALID", "Rule 'c': it sets nothing; change it or leave it out.", ["rules", "1", "settings"]),
        (
            "INVALID",
            "Rule 'd': it names no locations, so it leaves none out; change it or leave it out.",
            ["rules", "3", "locations"],
        ),
    ]
    assert await rows(api) == (0, 0)


@pytest.mark.parametrize(
    ("document", "more"),
    [(PROMOTE, {"number": 1}), (ROLL_BACK, {}), (SHADOW, {"number": 1})],
    ids=("promote", "roll back", "shadow"),
)
async def test_a_policy_that_is_not_there_is_told_at_the_field_that_named_it(
    api: Api, document: str, more: dict[str, Any]
) -> None:
    assert await api.refused(document, input={"policy": "moon", **more}) == [
        {
            "code": "NOT_FOUND",
            "message": "There is no sourcing policy 'moon'; publish it with sourcingPolicyPublish first.",
            "path": ["input", "policy"],
        }
    ]


async def test_where_an_example_goes_is_told_within_the_example(api: Api) -> None:
    await world_of_two(api)
    example = {
        "name": "afar", "channel": "web", "country": "XX", "lines": [{"sku": "A", "quantity": 1}],
        "stock": [{"location": "dc", "sku": "A", "quantity": 1}],
        "shipments": [{"location": "dc", "lines": [{"sku": "A", "quantity": 1}]}],
    }  # fmt: skip
    assert await refused(api, NO_STORES, examples=[example]) == [
        (
            "INVALID",
            "We do not know where 'XX' is; send an ISO 3166-1 alpha-2 country.",
            ["examples", "0", "country"],
        )
    ]


async def test_rules_of_the_policy_that_is_extended_come_first_as_they_were_at_publishing(api: Api) -> None:
    await world_of_two(api)
    await publish(api, NO_STORES, policy="base")
    await publish(api, {"name": "fast", "effect": "SET", "settings": {"objective": "FASTEST"}}, extends="base")
    await publish(api, {"name": "nothing", "effect": "EXCLUDE"}, policy="base")
    await promote(api, 1, "web")
    found = await option(api)
    assert (sent_from(found), found["explanation"]["objective"]) == (["dc"], "FASTEST")


async def test_a_policy_cannot_extend_itself_by_whatever_way(api: Api) -> None:
    await world_of_two(api)
    await publish(api, NO_STORES, policy="a")
    await publish(api, {**NO_STORES, "name": "b"}, policy="b", extends="a")
    for extends, said in (("a", "a → a"), ("b", "a → b → a")):
        (error,) = await refused(api, {**NO_STORES, "name": "c"}, policy="a", extends=extends)
        assert error == ("INVALID", f"a would extend itself: {said}.", ["extends"])
    (error,) = await refused(api, NO_STORES, extends="moon")
    assert error[0] == "NOT_FOUND"
    assert await rows(api) == (2, 2)


async def test_conditions_go_by_tags_value_group_and_destination(api: Api) -> None:
    await world_of_two(api)
    put = "mutation($input: SkuPutInput!) { skuPut(input: $input) { userErrors { message } } }"
    price = {"amount": "20.00", "currency": "USD"}
    await api.ok(put, input={"skus": [{"code": "A", "name": "A", "tags": ["bulky"], "listPrice": price}]})
    for i, when in enumerate((
        {"skuTags": ["bulky"]}, {"valueAtLeast": {"amount": "40.00", "currency": "USD"}},
        {"customerGroups": ["gold"]}, {"countries": ["US"], "postalCodePrefixes": ["100"]}, {"methods": ["SHIPPING"]},
    ), 1):  # fmt: skip
        await publish(api, {**NO_STORES, "when": when})
        await promote(api, i, "web")
        assert sent_from(await option(api, customerGroup="gold")) == ["dc"], when
    for i, when in enumerate((
        {"valueBelow": {"amount": "40.00", "currency": "USD"}}, {"customerGroups": ["silver"]},
        {"countries": ["CA"]}, {"linesAtLeast": 2},
    ), 6):  # fmt: skip
        await publish(api, {**NO_STORES, "when": when})
        await promote(api, i)
        assert sent_from(await option(api, customerGroup="gold")) == ["store"], when


async def test_soft_rules_cost_when_choosing_and_are_not_told_as_cost(api: Api) -> None:
    await world_of_two(api)
    dear = {"name": "picking", "effect": "COST", "locations": {"kinds": ["STORE"]},
            "costs": {"perUnit": {"amount": "5.00", "currency": "USD"}}}  # fmt: skip
    cost = (await option(api, pickupLocations=None))["cost"]["minorAmount"]
    await publish(api, dear)
    await promote(api, 1, "web")
    found = await option(api)
    assert sent_from(found) == ["dc"]
    assert int(found["cost"]["minorAmount"]) > int(cost)
    await put_stock(api, {"A": {"dc": 0}})
    assert (await option(api))["cost"]["minorAmount"] == cost


async def test_a_policy_that_leaves_everybody_out_says_so(api: Api) -> None:
    await world_of_two(api)
    await publish(api, {"name": "nobody", "effect": "EXCLUDE"})
    await promote(api, 1, "web")
    asked = {"channel": "web", "lines": lines(A=2), "destination": TO_NEW_YORK}
    promise = (await api.ok(PROMISE, input=asked))["promise"]
    assert promise == {"options": [], "unavailable": [{
        "code": "NO_SOURCE",
        "message": "Sourcing policy main leaves out every location that sends parcels (dc, store); change it, or "
                   "choose another way.",
    }]}  # fmt: skip


async def test_a_dry_run_publishes_nothing_and_shows_the_version(api: Api) -> None:
    await world_of_two(api)
    found = await publish(api, NO_STORES, dryRun=True)
    assert found == {"policy": None, "preview": {"number": 1, "rules": [{"name": "no stores"}]}, "userErrors": []}
    assert await rows(api) == (0, 0)


async def test_unknown_names_stale_versions_and_other_currencies_are_refused(api: Api) -> None:
    await world_of_two(api)
    await publish(api, NO_STORES)
    codes = [
        await api.codes(PROMOTE, input={"policy": "moon", "number": 1}),
        await api.codes(PROMOTE, input={"policy": "main", "number": 2}),
        await api.codes(PROMOTE, input={"policy": "main", "number": 1, "channels": ["moon"]}),
        await api.codes(PROMOTE, input={"policy": "main", "number": 1, "expectedVersion": 7}),
        await api.codes(SHADOW, input={"policy": "main", "number": 2}),
        [code for code, _, _ in await refused(api, NO_STORES, currency="EUR")],
    ]
    assert codes == [["NOT_FOUND"]] * 3 + [["VERSION_CONFLICT"], ["NOT_FOUND"], ["INVALID"]]
    assert (await api(READ, handle="main"))["sourcingPolicy"]["version"] == 1


@pytest.mark.parametrize("with_policy", [False, True])
async def test_a_policy_costs_a_promise_no_statement(api: Api, with_policy: bool) -> None:
    await world_of_two(api)
    if with_policy:
        await publish(api, NO_STORES)
        await promote(api, 1, "web")
    await option(api)
    with statements() as found:
        await option(api)
    assert len(found) <= 4


async def test_another_tenants_policies_are_not_there(api: Api, world: World) -> None:
    await world_of_two(api)
    await publish(api, NO_STORES)
    other = await world.tenant()
    assert (await other(READ, handle="main"))["sourcingPolicy"] is None
    assert (await other("{ sourcingPolicies { handle } }"))["sourcingPolicies"] == []
    assert (await api("{ sourcingPolicies { handle } }"))["sourcingPolicies"] == [{"handle": "main"}]
