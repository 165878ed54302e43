"""A decision: a question, the rules of a policy, and the plan. Packed, so that it can be made again later.

The same question and rules give the same plan in any process: nothing else is looked at.
"""

import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from oms_api.sourcing.rules.plan import plan
from oms_api.sourcing.rules.policy import Cart, Rule, Ruled, Settings, Spot, apply
from oms_api.sourcing.rules.words import Break, Demand, Objective, Plan, Rate, Room, Shortage, Source, Weights

ENGINE = 1
"""Grows when the same question may get another plan."""


class Asked(NamedTuple):
    """Everything that a decision looks at.

    `objective` is what the caller wants, `fallback` what the channel does when neither caller nor policy say;
    `tags` are those of the SKUs. Room by (location, ship day), as the planner takes it.
    """

    cart: Cart
    demands: tuple[Demand, ...]
    sources: tuple[Source, ...]
    spots: tuple[Spot, ...]
    fallback: Objective
    objective: Objective | None = None
    max_shipments: int | None = None
    tags: Mapping[str, Sequence[str]] = {}
    room: Mapping[tuple[str, int], Room] = {}
    waits: Mapping[tuple[str, int], int] = {}
    """Sources that wait for supply, by location and ship day: for how many days."""
    aside: Mapping[str, Sequence[str]] = {}
    """Locations that the planner is not asked about, by why (`explain.Aside`); the plan does not depend on them."""


class Decided(NamedTuple):
    """A plan and what the policy had to say."""

    plan: Plan | Shortage
    objective: Objective
    ruled: Ruled


def decide(asked: Asked, rules: Sequence[Rule], ruled: Ruled | None = None) -> Decided:
    """The best plan for a question by these rules; `ruled` when they were applied to it already."""
    if ruled is None:
        ruled = apply(rules, asked.cart, asked.spots)
    settings = ruled.settings
    by = asked.objective or (Objective(settings.objective) if settings.objective else asked.fallback)
    demands, sources = steered(asked, ruled)
    most = [n for n in (asked.max_shipments, settings.max_shipments) if n is not None]

    def best(sources: Sequence[Source]) -> Plan | Shortage:
        weights, due_on = weighed(settings, sources)
        return plan(
            demands,
            sources,
            objective=by,
            weights=weights,
            due_on=due_on,
            capacity=asked.room,
            max_shipments=min(most, default=None),
            min_split_value=settings.min_shipment_value or 0,
        )

    if asked.waits and not settings.prices_waiting:  # another policy asked: here nothing waits that need not
        found = best([source for source in sources if (source.location, source.ships_on) not in asked.waits])
        if isinstance(found, Plan):
            return Decided(found, by, ruled)
    return Decided(best(sources), by, ruled)


def weighed(settings: Settings, sources: Sequence[Source]) -> tuple[Weights, int | None]:
    """What counts in a plan by these settings, and the day from which a parcel is late: the first possible arrival."""
    weights = Weights(
        shipping=1 if settings.shipping_weight is None else settings.shipping_weight,
        late_per_day=settings.per_day_late or 0,
        split=settings.per_extra_shipment or 0,
        preference=settings.per_rank or 0,
        balance=settings.per_last_unit or 0,
        margin=settings.unit_cost_weight or 0,
    )
    return weights, min((source.arrives_on for source in sources), default=None)


def steered(asked: Asked, ruled: Ruled) -> tuple[list[Demand], list[Source]]:
    """Demands and sources of a question as the rules that were applied to it make them."""
    sources = [_ruled(source, ruled, asked.waits) for source in asked.sources if source.location not in ruled.excluded]
    return [_bound(demand, asked, ruled) for demand in asked.demands], sources


def _ruled(source: Source, ruled: Ruled, waits: Mapping[tuple[str, int], int]) -> Source:
    """A source with its rank and its surcharges by the policy; without a place in its order the rank stays."""
    extras = ruled.extras.get(source.location, ())
    days = waits.get((source.location, source.ships_on))
    if ruled.ranks is None and not extras and days is None:
        return source
    return source._replace(
        rank=source.rank if ruled.ranks is None else ruled.ranks.get(source.location, source.rank),
        surcharge=source.surcharge + sum(extra.per_shipment for extra in extras),
        per_line=source.per_line + sum(extra.per_line for extra in extras),
        per_unit=source.per_unit
        + sum(extra.per_unit for extra in extras)
        + (0 if days is None else ruled.settings.waiting(days)),
    )


def _bound(demand: Demand, asked: Asked, ruled: Ruled) -> Demand:
    """A demand that is kept whole, or together with others, when the policy says so."""
    settings = ruled.settings
    least = settings.split_from_value
    if least is not None and demand.value * demand.quantity < least:
        demand = demand._replace(whole=True)
    tags = asked.tags.get(demand.sku, ())
    group = next((tag for tag in settings.together_tags if tag in tags), None)
    return demand if group is None else demand._replace(group=group)


def plan_json(found: Plan | Shortage) -> dict[str, Any]:
    """A plan as plain data; equal plans are equal bytes by `canonical`."""
    if isinstance(found, Shortage):
        return {"short": [list(line) for line in found.lines], "fewestShipments": found.fewest_shipments}
    return {
        "objective": found.objective.value,
        "parcels": [
            {
                "location": parcel.location,
                "service": parcel.source.service,
                "shipsOn": parcel.source.ships_on,
                "arrivesOn": parcel.source.arrives_on,
                "lines": [list(line) for line in parcel.lines],
                "cost": parcel.cost,
            }
            for parcel in found.parcels
        ],
        "terms": dict(found.terms),
        "penalties": dict(found.penalties),
        "cost": found.cost,
        "score": found.score,
        "lowerBound": found.lower_bound,
        "exact": found.exact,
    }


def canonical(data: Any) -> bytes:
    """The same bytes for the same data, whatever the order of its keys."""
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


def packed(asked: Asked) -> str:
    """A question as text, small: stocks and rate cards that sources share are written once."""
    stocks: list[Mapping[str, int]] = []
    stock_at: dict[int, int] = {}
    rates: list[Rate] = []
    rate_at: dict[int, int] = {}
    rows = []
    for source in asked.sources:
        at = stock_at.get(id(source.stock))
        if at is None:
            at = stock_at[id(source.stock)] = len(stocks)
            stocks.append(source.stock)
        card = None
        if source.rate is not None:
            card = rate_at.get(id(source.rate))
            if card is None:
                card = rate_at[id(source.rate)] = len(rates)
                rates.append(source.rate)
        rows.append([*source[:2], at, *source[3:8], card, *source[9:12], source.margins])
    data = {
        "cart": [*asked.cart[:5], sorted(asked.cart.sku_tags), *asked.cart[6:]],
        "demands": asked.demands,
        "stocks": stocks,
        "rates": rates,
        "sources": rows,
        "spots": [[spot.handle, spot.kind, sorted(spot.tags), *spot[3:]] for spot in asked.spots],
        "fallback": asked.fallback,
        "objective": asked.objective,
        "max": asked.max_shipments,
        "tags": asked.tags,
        "room": [[*key, *room] for key, room in asked.room.items()],
        "waits": [[*key, days] for key, days in asked.waits.items()],
        "aside": asked.aside,
    }
    return b64encode(zlib.compress(orjson.dumps(data, default=_plain), 1)).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)


def unpacked(text: str) -> Asked:
    """The question that was packed."""
    data: dict[str, Any] = orjson.loads(zlib.decompress(b64decode(text)))
    rates = [Rate(tuple(Break(*step) for step in steps), volume) for steps, volume in data["rates"]]
    cart: list[Any] = data["cart"]
    return Asked(
        cart=Cart._make([*cart[:5], frozenset(cart[5]), *cart[6:]]),
        demands=tuple(Demand(*demand) for demand in data["demands"]),
        sources=tuple(
            Source._make(
                [
                    *row[:2],
                    data["stocks"][row[2]],
                    *row[3:8],
                    None if row[8] is None else rates[row[8]],
                    *row[9:],
                ]
            )
            for row in data["sources"]
        ),
        spots=tuple(Spot._make([*spot[:2], frozenset(spot[2]), *spot[3:]]) for spot in data["spots"]),
        fallback=Objective(data["fallback"]),
        objective=Objective(data["objective"]) if data["objective"] else None,
        max_shipments=data["max"],
        tags={sku: tuple(tags) for sku, tags in data["tags"].items()},
        room={(location, day): Room(*limits) for location, day, *limits in data["room"]},
        waits={(location, day): days for location, day, days in data.get("waits", ())},
        aside=data.get("aside", {}),
    )
