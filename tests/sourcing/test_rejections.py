"""A decision tells why each other location was not used, from what it keeps."""

import random

import pytest

from oms_api.sourcing import (
    Aside,
    Asked,
    Cart,
    Demand,
    Objective,
    Plan,
    Room,
    Rule,
    Source,
    decide,
    plan_json,
    rejections,
)
from oms_api.sourcing.rules.decide import packed, unpacked
from oms_api.sourcing.rules.policy import Spot
from orders.store import Store
from promising.shop import CHICAGO, LOS_ANGELES
from sourcing.brute_force import source
from sourcing.test_policies import promote, publish
from world import Api, World, statements

REJECTED = """query($id: ID!) { order(by: { id: $id }) { sourcingDecisions {
  reason cost { minorAmount } terms { name amount { minorAmount } } penalties { name amount { minorAmount } }
  lowerBound { minorAmount } gap { minorAmount } shipments { location }
  rejected { location reason message dearerBy { minorAmount } } } } }"""
CART = Cart("web", "SHIPPING", 1)


@pytest.fixture
async def store(world: World, api: Api) -> Store:
    """Locations of every kind; 9 of A where there is any."""
    return await Store(world, api).open(
        {"A": {"near": 9, "far": 9, "some": 1, "shop": 9, "off": 9, "desk": 9, "empty": 0}},
        locations={
            "near": {}, "far": LOS_ANGELES, "some": CHICAGO,
            "shop": {"kind": "STORE"}, "off": {"active": False}, "desk": {"ships": False, "pickup": True}, "empty": {},
        },
    )  # fmt: skip


def test_every_location_has_one_reason_whichever_way_it_was_left_out() -> None:
    sources = (
        source("used", {"A": 2}, fixed=100), source("dear", {"A": 2}, fixed=350),
        source("equal", {"A": 2}, fixed=100, rank=1),
        source("part", {"A": 1}, fixed=1, per_unit=500), source("full", {"A": 2}), source("out", {"A": 2}),
    )  # fmt: skip
    asked = Asked(
        cart=CART, demands=(Demand("A", 2, 0),), sources=sources, fallback=Objective.CHEAPEST,
        spots=tuple(Spot(one.location, "WAREHOUSE") for one in sources), room={("full", 0): Room(parcels=0)},
        aside={"EMPTY": ("none",), "REFUSED": ("sulky",), "NO_PARCELS": ("desk",)},
    )  # fmt: skip
    rules = [Rule.model_validate({"name": "not out", "effect": "EXCLUDE", "locations": {"handles": ["out"]}})]
    decided = decide(asked, rules)
    assert isinstance(decided.plan, Plan)
    kept = unpacked(packed(asked))
    assert kept == asked._replace(aside={why: list(names) for why, names in asked.aside.items()})
    found = rejections(kept, decided.ruled, plan_json(decided.plan), policy="main", currency="USD")
    assert [(one.location, one.reason.value, one.message, one.dearer_by) for one in found] == [
        ("dear", "DEARER", "dear has all of it, but is dearer by 2.50 USD.", 250),
        ("full", "NO_CAPACITY", "full has some of it, and no day on which it has room for more work.", None),
        ("part", "DEARER", "part has some of it, but the plan is better without it.", None),
        ("equal", "DEARER", "equal has all of it and costs as much, but is less preferred.", 0),
        ("out", "EXCLUDED_BY_RULE", "Rule 'not out' of policy main leaves out out.", None),
        ("none", "NO_STOCK", "none has no promisable unit of it.", None),
        ("sulky", "REJECTED_BEFORE", "sulky said no to it before.", None),
        ("desk", "NOT_ELIGIBLE", "desk does not send parcels.", None),
    ]


def test_what_was_not_asked_about_changes_no_plan() -> None:
    asked = Asked(CART, (Demand("A", 1, 0),), (source("a", {"A": 1}),), (), Objective.CHEAPEST)
    other = asked._replace(aside={Aside.EMPTY.value: ["b"]})
    assert decide(asked, ()) == decide(other, ())


def test_penalties_count_in_what_is_dearer() -> None:
    sources = (source("used", {"A": 1}, arrives_on=1, fixed=100), source("late", {"A": 1}, arrives_on=4, fixed=50))
    asked = Asked(CART, (Demand("A", 1, 0),), sources, (), Objective.CHEAPEST)
    rules = [Rule.model_validate({"name": "soon", "effect": "SET", "settings": {"per_day_late": 40}})]
    decided = decide(asked, rules)
    (one,) = rejections(asked, decided.ruled, plan_json(decided.plan), policy="main", currency="USD")
    assert (one.location, one.dearer_by) == ("late", 50 + 3 * 40 - 100)


@pytest.mark.parametrize(("lines", "most"), [(1, 11_000), (5, 15_000)])
def test_a_decision_over_500_locations_takes_few_bytes(lines: int, most: int) -> None:
    rng = random.Random(1)
    handles = [f"store-{i:03}" for i in range(500)]
    sources = [
        Source(handle, i, {f"SKU-{n}": rng.randint(1, 40) for n in range(lines)}, 739_000, 739_000 + rng.randint(1, 6),
               rng.choice((500, 700, 900, 1200)), 100, service="standard")
        for i, handle in enumerate(handles[:250])
    ]  # fmt: skip
    asked = Asked(
        cart=CART, demands=tuple(Demand(f"SKU-{n}", 2, 500) for n in range(lines)), sources=tuple(sources),
        spots=tuple(Spot(handle, "STORE", km=rng.randint(1, 4000)) for handle in handles), fallback=Objective.CHEAPEST,
        aside={"EMPTY": handles[250:]},
    )  # fmt: skip
    assert len(packed(asked)) < most


async def test_an_orders_decision_tells_every_location_its_costs_and_its_bound(store: Store) -> None:
    await publish(
        store.api,
        {"name": "no stores", "effect": "EXCLUDE", "locations": {"kinds": ["STORE"]}},
        {"name": "soon", "effect": "SET", "settings": {"perDayLate": {"amount": "0.10", "currency": "USD"}}},
    )
    await promote(store.api, 1, "web")
    order = await store.create({"A": 2})
    (decision,) = (await store.api(REJECTED, id=order["id"]))["order"]["sourcingDecisions"]
    far = decision["rejected"][0].pop("dearerBy")
    assert 380 <= int(far["minorAmount"]) <= 430  # the zone, and a dime for each day later
    assert decision.pop("rejected") == [
        {
            "location": "far", "reason": "DEARER",
            "message": f"far has all of it, but is dearer by {int(far['minorAmount']) / 100:.2f} USD.",
        },
        *(
            {"location": location, "reason": reason, "message": message, "dearerBy": None}
            for location, reason, message in (
                ("some", "DEARER", "some has some of it, but the plan is better without it."),
                ("shop", "EXCLUDED_BY_RULE", "Rule 'no stores' of policy main leaves out shop."),
                ("off", "NOT_ELIGIBLE", "off takes no new work."),
                ("desk", "NOT_ELIGIBLE", "desk does not send parcels."),
                ("empty", "NO_STOCK", "empty has no promisable unit of it."),
            )
        ),
    ]  # fmt: skip
    assert decision == {
        "reason": "ORDER", "cost": {"minorAmount": "650"}, "lowerBound": {"minorAmount": "650"},
        "terms": [
            {"name": "shipping", "amount": {"minorAmount": "550"}},
            {"name": "weight", "amount": {"minorAmount": "100"}},
        ],
        "penalties": [], "gap": {"minorAmount": "0"}, "shipments": [{"location": "near"}],
    }  # fmt: skip


async def test_the_rules_of_many_decisions_are_read_by_one_statement(store: Store) -> None:
    await publish(store.api, {"name": "any", "effect": "SET", "settings": {"maxShipments": 5}})
    await promote(store.api, 1, "web")
    for _ in range(3):
        await store.create({"A": 1})
    everything = "{ orders { nodes { sourcingDecisions { rejected { location reason } } } } }"
    with statements() as found:
        orders = (await store.api(everything))["orders"]["nodes"]
    assert [len(order["sourcingDecisions"]) for order in orders] == [1, 1, 1]
    assert len([sql for sql in found if "sourcing_policy_versions" in sql]) == 1
