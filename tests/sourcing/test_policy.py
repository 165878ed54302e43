"""Rules of a sourcing policy: when they apply, whom they are about, what they do."""

from typing import Any

import pytest

from oms_api.sourcing.rules.policy import (
    Cart,
    Condition,
    Costs,
    Extra,
    Rule,
    Settings,
    SourcingEffect,
    SourcingSort,
    Spot,
    Where,
    World,
    apply,
    rule_problems,
)

CART = Cart(
    "web", "SHIPPING", 2, 5000, customer_group="gold", sku_tags=frozenset({"bulky"}), country="US", postal_code="10001"
)
SPOTS = [
    Spot("dc", "WAREHOUSE", frozenset({"cold"}), "US", 900, 5),
    Spot("near", "STORE", frozenset(), "US", 3, 2),
    Spot("far", "STORE", frozenset({"cold"}), "CA", 2500, 9),
    Spot("lost", "SUPPLIER", frozenset(), None, None, 1),
]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({}, True),
        ({"channels": ("web", "app")}, True),
        ({"channels": ("app",)}, False),
        ({"customer_groups": ("gold",)}, True),
        ({"customer_groups": ("silver",)}, False),
        ({"sku_tags": ("bulky", "hazmat")}, True),
        ({"sku_tags": ("hazmat",)}, False),
        ({"methods": ("PICKUP",)}, False),
        ({"countries": ("US",)}, True),
        ({"countries": ("CA",)}, False),
        ({"postal_code_prefixes": ("9", "100")}, True),
        ({"postal_code_prefixes": ("9",)}, False),
        ({"value_at_least": 5000}, True),
        ({"value_at_least": 5001}, False),
        ({"value_below": 5000}, False),
        ({"value_below": 5001}, True),
        ({"lines_at_least": 2, "lines_at_most": 2}, True),
        ({"lines_at_most": 1}, False),
        ({"channels": ("web",), "countries": ("CA",)}, False),
    ],
)
def test_every_part_of_a_condition_must_hold(condition: dict[str, Any], holds: bool) -> None:
    assert Condition(**condition).holds(CART) is holds


@pytest.mark.parametrize(
    ("where", "matched"),
    [
        ({}, ["dc", "near", "far", "lost"]),
        ({"handles": ("near", "dc")}, ["dc", "near"]),
        ({"kinds": ("STORE",)}, ["near", "far"]),
        ({"tags": ("cold",)}, ["dc", "far"]),
        ({"countries": ("US",)}, ["dc", "near"]),
        ({"km_at_most": 900}, ["dc", "near"]),
        ({"km_at_least": 900}, ["dc", "far"]),
        ({"kinds": ("STORE",), "tags": ("cold",)}, ["far"]),
    ],
)
def test_every_part_of_a_filter_must_match_and_unknown_distances_match_none(
    where: dict[str, Any], matched: list[str]
) -> None:
    assert [spot.handle for spot in SPOTS if Where(**where).matches(spot)] == matched


def test_hard_filters_leave_locations_out_by_the_name_of_the_first_rule_that_does() -> None:
    rules = [
        Rule(name="cold chain", effect=SourcingEffect.ONLY, locations=Where(tags=("cold",))),
        Rule(name="no stores", effect=SourcingEffect.EXCLUDE, locations=Where(kinds=("STORE",))),
    ]
    ruled = apply(rules, CART, SPOTS)
    assert ruled.excluded == {"near": "cold chain", "lost": "cold chain", "far": "no stores"}
    assert (ruled.extras, ruled.settings, ruled.ranks) == ({}, Settings(), None)


def test_soft_filters_and_costs_add_up_by_location_and_distance_is_rounded_up() -> None:
    rules = [
        Rule(name="prefer dc", effect=SourcingEffect.ONLY, hard=False, penalty=300, locations=Where(handles=("dc",))),
        Rule(name="picking", effect=SourcingEffect.COST, locations=Where(kinds=("STORE",)),
             costs=Costs(per_shipment=100, per_line=20, per_unit=5, per_100_km=10)),
        Rule(name="out", effect=SourcingEffect.EXCLUDE, locations=Where(handles=("far",))),
    ]  # fmt: skip
    assert apply(rules, CART, SPOTS).extras == {
        "near": (Extra("prefer dc", 300, 0, 0), Extra("picking", 101, 20, 5)),
        "lost": (Extra("prefer dc", 300, 0, 0),),
    }


def test_a_rule_whose_condition_does_not_hold_does_nothing() -> None:
    rules = [Rule(name="app only", effect=SourcingEffect.EXCLUDE, when=Condition(channels=("app",)))]
    assert apply(rules, CART, SPOTS).excluded == {}


def test_of_two_settings_the_later_wins_and_what_it_leaves_open_stays() -> None:
    rules = [
        Rule(name="a", effect=SourcingEffect.SET, settings=Settings(objective="FASTEST", max_shipments=2)),
        Rule(name="b", effect=SourcingEffect.SET, settings=Settings(objective="CHEAPEST", together_tags=("bulky",))),
    ]
    assert apply(rules, CART, SPOTS).settings == Settings(
        objective="CHEAPEST", max_shipments=2, together_tags=("bulky",)
    )


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ((SourcingSort.CHANNEL,), ["dc", "near", "far", "lost"]),
        ((SourcingSort.DISTANCE,), ["near", "dc", "far", "lost"]),
        ((SourcingSort.STORES_FIRST,), ["near", "far", "dc", "lost"]),
        ((SourcingSort.WAREHOUSES_FIRST, SourcingSort.DISTANCE), ["dc", "near", "far", "lost"]),
        ((SourcingSort.MOST_STOCK,), ["far", "dc", "near", "lost"]),
        ((SourcingSort.STORES_FIRST, SourcingSort.MOST_STOCK), ["far", "near", "dc", "lost"]),
    ],
)
def test_sorting_says_who_is_preferred_and_the_channels_order_breaks_ties(
    sort: tuple[SourcingSort, ...], order: list[str]
) -> None:
    ranks = apply([Rule(name="s", effect=SourcingEffect.SET, settings=Settings(sort=sort))], CART, SPOTS).ranks
    assert ranks == {handle: rank for rank, handle in enumerate(order)}


WORLD = World({"web"}, SPOTS, {"bulky"}, {"US", "CA"})


@pytest.mark.parametrize(
    ("rule", "problems"),
    [
        ({"effect": "EXCLUDE", "locations": Where(kinds=("STORE",))}, []),
        ({"effect": "EXCLUDE", "locations": Where(kinds=("THIRD_PARTY",))},
         [(("locations",), "it matches no location")]),
        ({"effect": "EXCLUDE", "locations": Where(handles=("dc",), kinds=("STORE",))},
         [(("locations",), "it matches no location")]),
        ({"effect": "EXCLUDE", "when": Condition(channels=("moon",))},
         [(("when", "channels"), "there is no channel 'moon'")]),
        ({"effect": "EXCLUDE", "when": Condition(sku_tags=("frozen",))},
         [(("when", "skuTags"), "no SKU has the tag 'frozen'")]),
        ({"effect": "EXCLUDE", "when": Condition(value_at_least=5, value_below=5)},
         [(("when", "valueBelow"), "its bounds leave nothing between them")]),
        ({"effect": "EXCLUDE", "when": Condition(lines_at_least=5, lines_at_most=5)}, []),
        ({"effect": "EXCLUDE", "locations": Where(km_at_least=6, km_at_most=5)},
         [(("locations", "kmAtMost"), "its bounds leave nothing between them")]),
        ({"effect": "EXCLUDE", "when": Condition(methods=("PICKUP", "NOPE"), countries=("US", "XX"))},
         [(("when", "methods"), "'NOPE' is not a method; SHIPPING and PICKUP are"),
          (("when", "countries"), "'XX' is not an ISO 3166-1 alpha-2 country such as 'DE'")]),
        ({"effect": "EXCLUDE", "locations": Where(handles=("dc", "moon"), tags=("cold", "hot"))},
         [(("locations", "handles"), "there is no location 'moon'"),
          (("locations", "tags"), "no location has the tag 'hot'")]),
        ({"effect": "ONLY", "locations": Where(countries=("XX",))},
         [(("locations", "countries"), "'XX' is not an ISO 3166-1 alpha-2 country such as 'DE'")]),
        ({"effect": "ONLY", "hard": False, "locations": Where(kinds=("STORE",))},
         [(("penalty",), "a soft rule needs a penalty above zero")]),
        ({"effect": "ONLY"}, [(("locations",), "it names no locations, so it leaves none out")]),
        ({"effect": "COST"}, [(("costs",), "it adds no cost")]),
        ({"effect": "SET"}, [(("settings",), "it sets nothing")]),
        ({"effect": "SET", "settings": Settings(together_tags=("frozen",))},
         [(("settings", "togetherTags"), "no SKU has the tag 'frozen'")]),
        ({"effect": "EXCLUDE", "when": Condition(lines_at_most=0)},
         [(("when", "linesAtMost"), "its bounds leave nothing between them")]),
        ({"effect": "EXCLUDE", "when": Condition(value_below=0)},
         [(("when", "valueBelow"), "its bounds leave nothing between them")]),
        ({"effect": "EXCLUDE", "when": Condition(methods=("PICKUP",), countries=("US",))},
         [(("when", "methods"), "what is collected goes nowhere, so no destination matches it")]),
        ({"effect": "EXCLUDE", "when": Condition(methods=("PICKUP", "SHIPPING"), countries=("US",))}, []),
        ({"effect": "EXCLUDE", "when": Condition(postal_code_prefixes=("9", ""))},
         [(("when", "postalCodePrefixes"), "every postal code begins with ''")]),
        ({"effect": "EXCLUDE", "penalty": 5}, [(("penalty",), "hard EXCLUDE does not look at its penalty")]),
        ({"effect": "COST", "costs": Costs(per_line=1), "settings": Settings(max_shipments=2)},
         [(("settings",), "COST does not look at its settings")]),
        ({"effect": "SET", "settings": Settings(max_shipments=2), "locations": Where(kinds=("STORE",)),
          "costs": Costs(per_line=1)},
         [(("locations",), "SET does not look at its locations"), (("costs",), "SET does not look at its costs")]),
    ],
)  # fmt: skip
def test_a_rule_that_can_match_nothing_or_does_nothing_is_a_mistake(
    rule: dict[str, Any], problems: list[tuple[tuple[str, ...], str]]
) -> None:
    assert rule_problems(Rule(name="r", **rule), WORLD) == problems
