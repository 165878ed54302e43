"""ATP rules as data, through the API."""

from typing import Any

import pytest

from promising.shop import shop
from world import Api

PUT = """mutation($input: AtpRulesPutInput!) { atpRulesPut(input: $input) {
  rules { handle skus mode pastDueSupplyDays delayedOffsetDays horizonDays leadTimeDays active
          generators { kind location leadDays perDay openDays components { sku quantity } } }
  userErrors { code message path } } }"""
RULES = "{ atpRules { handle skus mode active } }"


async def put(api: Api, *rules: dict[str, Any]) -> dict[str, Any]:
    answer = await api(PUT, input={"rules": list(rules)})
    found: dict[str, Any] = answer["atpRulesPut"]
    return found


async def test_a_rule_is_made_and_changed_by_its_handle(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 1}, "B": {"nyc": 1}})
    made = await put(api, {"handle": "short", "skus": ["A"], "horizonDays": 30, "pastDueSupplyDays": 7})
    assert made["userErrors"] == []
    assert made["rules"] == [{
        "handle": "short", "skus": ["A"], "mode": "CUMULATIVE", "pastDueSupplyDays": 7, "delayedOffsetDays": 1,
        "horizonDays": 30, "leadTimeDays": None, "active": True, "generators": [],
    }]  # fmt: skip
    await put(api, {"handle": "short", "skus": ["A", "B"], "horizonDays": None})
    changed = await put(api, {"handle": "all", "mode": "LEAD_TIME", "leadTimeDays": 9})
    assert changed["userErrors"] == []
    assert (await api(RULES))["atpRules"] == [
        {"handle": "all", "skus": [], "mode": "LEAD_TIME", "active": True},
        {"handle": "short", "skus": ["A", "B"], "mode": "CUMULATIVE", "active": True},
    ]


async def test_generators_are_kept_as_they_were_sent(api: Api) -> None:
    await shop(api, {"nyc": {}, "chi": {}}, {"LEG": {"nyc": 1}, "TOP": {"nyc": 1}})
    made = await put(api, {"handle": "table", "generators": [
        {"kind": "TRANSFER", "location": "chi", "leadDays": 2},
        {"kind": "DROP_SHIP", "leadDays": 5, "openDays": [5, 1], "perDay": 10},
        {"kind": "MAKE", "leadDays": 1, "perDay": 3, "components": [{"sku": "LEG", "quantity": 4}, {"sku": "TOP"}]},
    ]})  # fmt: skip
    assert made["userErrors"] == []
    every = [1, 2, 3, 4, 5, 6, 7]
    assert made["rules"][0]["generators"] == [
        {"kind": "TRANSFER", "location": "chi", "leadDays": 2, "perDay": None, "openDays": every, "components": []},
        {"kind": "DROP_SHIP", "location": None, "leadDays": 5, "perDay": 10, "openDays": [1, 5], "components": []},
        {"kind": "MAKE", "location": None, "leadDays": 1, "perDay": 3, "openDays": every,
         "components": [{"sku": "LEG", "quantity": 4}, {"sku": "TOP", "quantity": 1}]},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "code", "path", "words"),
    [
        ({"handle": "-"}, "INVALID", ["handle"], "not a handle"),
        ({"handle": "x", "horizonDays": -1}, "INVALID", ["horizonDays"], "horizonDays -1"),
        ({"handle": "x", "periodDays": 0}, "INVALID", ["periodDays"], "periodDays 0"),
        ({"handle": "x", "mode": "LEAD_TIME"}, "REQUIRED", ["leadTimeDays"], "leadTimeDays"),
        ({"handle": "x", "skus": ["NONE"]}, "NOT_FOUND", ["skus", "0"], "'NONE'"),
        ({"handle": "x", "skus": ["A", "A"]}, "INVALID", ["skus"], "once"),
        (
            {"handle": "x", "generators": [{"kind": "TRANSFER", "location": "mars"}]},
            "NOT_FOUND", ["generators", "0", "location"], "'mars'",
        ),
        ({"handle": "x", "generators": [{"kind": "TRANSFER"}]}, "INVALID", ["generators", "0", "location"], "TRANSFER"),
        ({"handle": "x", "generators": [{"kind": "MAKE"}]}, "INVALID", ["generators", "0", "components"], "MAKE"),
        (
            {"handle": "x", "generators": [{"kind": "DROP_SHIP", "openDays": [0]}]},
            "INVALID", ["generators", "0", "openDays"], "weekdays",
        ),
        ({"handle": "x", "skus": ["B"]}, "TAKEN", ["skus"], "B has the rule b"),
        ({"handle": "x"}, "TAKEN", ["skus"], "rest is for all SKUs"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_named_and_nothing_is_kept(
    api: Api, rule: dict[str, Any], code: str, path: list[str], words: str
) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 1}, "B": {"nyc": 1}, "C": {"nyc": 1}})
    await put(api, {"handle": "b", "skus": ["B"]}, {"handle": "rest"})
    before = await api(RULES)
    answer = await put(
        api, {"handle": "good", "skus": ["C"]}, rule if "skus" in rule or code == "TAKEN" else {**rule, "active": False}
    )
    assert answer["rules"] == []
    (error,) = answer["userErrors"]
    assert (error["code"], error["path"]) == (code, ["input", "rules", "1", *path])
    assert words in error["message"]
    assert await api(RULES) == before


async def test_an_inactive_rule_gives_its_skus_away(api: Api) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 1}})
    await put(api, {"handle": "old", "skus": ["A"]})
    answer = await put(api, {"handle": "old", "active": False}, {"handle": "new", "skus": ["A"]})
    assert answer["userErrors"] == []
