"""Policies as data: who may serve a cart, at which extra cost, and what the plan must be best at.

A policy is a list of rules. All rules whose condition holds for the cart apply, in order: filters leave locations out
(hard) or make them dearer (soft), costs add to what a location's parcels cost, settings say how to plan; of two
settings the later rule's wins. Immutable, so that a decision can be made again from a version's number.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict


class SourcingEffect(StrEnum):
    """What a rule does."""

    ONLY = "ONLY"
    EXCLUDE = "EXCLUDE"
    COST = "COST"
    SET = "SET"


class SourcingSort(StrEnum):
    """What makes one location preferred to another when plans are otherwise equal."""

    CHANNEL = "CHANNEL"
    DISTANCE = "DISTANCE"
    WAREHOUSES_FIRST = "WAREHOUSES_FIRST"
    STORES_FIRST = "STORES_FIRST"
    MOST_STOCK = "MOST_STOCK"


class Data(BaseModel):
    """Plain, immutable, and nothing unknown in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Condition(Data):
    """When a rule applies: every part that is named must hold; within a list any one. Values are minor units."""

    channels: tuple[str, ...] = ()
    customer_groups: tuple[str, ...] = ()
    sku_tags: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    postal_code_prefixes: tuple[str, ...] = ()
    value_at_least: int | None = None
    value_below: int | None = None
    lines_at_least: int | None = None
    lines_at_most: int | None = None

    def holds(self, cart: "Cart") -> bool:
        postal_code = cart.postal_code or ""
        return (
            (not self.channels or cart.channel in self.channels)
            and (not self.customer_groups or cart.customer_group in self.customer_groups)
            and (not self.sku_tags or any(tag in cart.sku_tags for tag in self.sku_tags))
            and (not self.methods or cart.method in self.methods)
            and (not self.countries or cart.country in self.countries)
            and (not self.postal_code_prefixes or postal_code.startswith(self.postal_code_prefixes))
            and (self.value_at_least is None or cart.value >= self.value_at_least)
            and (self.value_below is None or cart.value < self.value_below)
            and (self.lines_at_least is None or cart.lines >= self.lines_at_least)
            and (self.lines_at_most is None or cart.lines <= self.lines_at_most)
        )


class Where(Data):
    """Which locations a rule is about: every part that is named must match; nothing named is all of them.

    A location whose distance is not known matches no distance.
    """

    handles: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    km_at_least: int | None = None
    km_at_most: int | None = None

    def matches(self, spot: "Spot") -> bool:
        return self.may_match(spot) and (
            (self.km_at_least is None and self.km_at_most is None)
            or (
                spot.km is not None
                and (self.km_at_least is None or spot.km >= self.km_at_least)
                and (self.km_at_most is None or spot.km <= self.km_at_most)
            )
        )

    def may_match(self, spot: "Spot") -> bool:
        """Whether it matches at some distance."""
        return (
            (not self.handles or spot.handle in self.handles)
            and (not self.kinds or spot.kind in self.kinds)
            and (not self.tags or any(tag in spot.tags for tag in self.tags))
            and (not self.countries or spot.country in self.countries)
        )


class Costs(Data):
    """Minor units that a location's parcels cost more."""

    per_shipment: int = 0
    per_line: int = 0
    per_unit: int = 0
    per_100_km: int = 0


class Settings(Data):
    """How to plan; None leaves it to earlier rules and the channel. Amounts are minor units."""

    objective: str | None = None
    max_shipments: int | None = None
    split_from_value: int | None = None
    """A line of which all units together are worth less is never split over locations."""
    together_tags: tuple[str, ...] = ()
    """SKUs with one of these tags travel in one parcel."""
    per_day_late: int | None = None
    """What a day until the last arrival costs."""
    per_extra_shipment: int | None = None
    min_shipment_value: int | None = None
    """What each parcel of several must be worth, by list price."""
    shipping_weight: int | None = None
    """How often a minor unit of shipping cost counts: 0 not at all, more where the other amounts are fractions."""
    unit_cost_weight: int | None = None
    """How often a minor unit counts by which a unit costs more at its location than elsewhere."""
    per_rank: int | None = None
    """What a parcel weighs more for each place by which its location is less preferred."""
    per_last_unit: int | None = None
    """What using a location's last unit of a SKU weighs; less goes with the square of the share."""
    per_backordered_unit: int | None = None
    """What a unit that waits for supply weighs. With this or the next, waiting is a choice."""
    per_backordered_day: int | None = None
    """What each day weighs that such a unit waits."""
    sort: tuple[SourcingSort, ...] = ()

    @property
    def prices_waiting(self) -> bool:
        """Whether units may wait for supply though others are on hand."""
        return self.per_backordered_unit is not None or self.per_backordered_day is not None

    def waiting(self, days: int) -> int:
        """What a unit weighs that waits so many days for supply."""
        return (self.per_backordered_unit or 0) + days * (self.per_backordered_day or 0)


class Rule(Data):
    """One rule. `penalty` is what a soft filter adds to each shipment of a location that it does not want."""

    name: str
    effect: SourcingEffect
    when: Condition = Condition()
    locations: Where = Where()
    hard: bool = True
    penalty: int = 0
    costs: Costs = Costs()
    settings: Settings = Settings()


class ExampleStock(Data):
    """Imagined units that can be promised at a location."""

    location: str
    sku: str
    quantity: int


class ExampleLine(Data):
    """Units of a SKU."""

    sku: str
    quantity: int


class ExampleShipment(Data):
    """What one location sends."""

    location: str
    lines: tuple[ExampleLine, ...]


class Example(Data):
    """A cart with the plan that the policy must find; no shipments: nothing may be found."""

    name: str
    channel: str
    lines: tuple[ExampleLine, ...]
    country: str | None = None
    postal_code: str | None = None
    pickup: tuple[str, ...] = ()
    customer_group: str | None = None
    stock: tuple[ExampleStock, ...]
    shipments: tuple[ExampleShipment, ...]


class Content(Data):
    """What a version says of itself."""

    rules: tuple[Rule, ...] = ()
    examples: tuple[Example, ...] = ()


class Cart(NamedTuple):
    """What conditions look at. `value` is minor units of the channel's currency, by list price."""

    channel: str
    method: str
    lines: int
    value: int = 0
    customer_group: str | None = None
    sku_tags: frozenset[str] = frozenset()
    country: str | None = None
    postal_code: str | None = None


class Spot(NamedTuple):
    """What filters look at; `km` is the distance to the destination, `units` what it has of the cart."""

    handle: str
    kind: str
    tags: frozenset[str] = frozenset()
    country: str | None = None
    km: int | None = None
    units: int = 0


class Extra(NamedTuple):
    """What a rule adds to the cost of a location's parcels, in minor units."""

    rule: str
    per_shipment: int
    per_line: int
    per_unit: int


@dataclass(frozen=True, slots=True)
class Ruled:
    """What a policy says of one cart. Locations are handles."""

    excluded: dict[str, str]
    """Location → the rule that leaves it out."""
    extras: dict[str, tuple[Extra, ...]]
    settings: Settings
    ranks: dict[str, int] | None
    """Location → its place in the order of preference, when a rule sorts."""


_KINDS_FIRST = {SourcingSort.WAREHOUSES_FIRST: "WAREHOUSE", SourcingSort.STORES_FIRST: "STORE"}


def apply(rules: Sequence[Rule], cart: Cart, spots: Sequence[Spot]) -> Ruled:
    """What these rules say of a cart; `spots` are the candidates, preferred first. O(rules x spots)."""
    excluded: dict[str, str] = {}
    extras: dict[str, list[Extra]] = {}
    settings = Settings()
    for rule in rules:
        if not rule.when.holds(cart):
            continue
        if rule.effect is SourcingEffect.SET:
            settings = settings.model_copy(update=rule.settings.model_dump(exclude_defaults=True))
            continue
        wants = rule.effect is SourcingEffect.ONLY
        for spot in spots:
            if spot.handle in excluded or rule.locations.matches(spot) == wants:
                continue
            if rule.effect is SourcingEffect.COST:
                extras.setdefault(spot.handle, []).append(_cost(rule, spot))
            elif rule.hard:
                excluded[spot.handle] = rule.name
            elif rule.penalty:
                extras.setdefault(spot.handle, []).append(Extra(rule.name, rule.penalty, 0, 0))
    kept = {handle: tuple(found) for handle, found in extras.items() if handle not in excluded}
    return Ruled(excluded, kept, settings, _ranks(settings.sort, spots) if settings.sort else None)


def _cost(rule: Rule, spot: Spot) -> Extra:
    costs = rule.costs
    distance = -(-costs.per_100_km * spot.km // 100) if spot.km is not None else 0
    return Extra(rule.name, costs.per_shipment + distance, costs.per_line, costs.per_unit)


def _ranks(sort: Iterable[SourcingSort], spots: Sequence[Spot]) -> dict[str, int]:
    farthest = max((spot.km or 0 for spot in spots), default=0) + 1
    order = list(enumerate(spots))

    def key(item: tuple[int, Spot]) -> tuple[int, ...]:
        channel_rank, spot = item
        found = []
        for by in sort:
            if by is SourcingSort.CHANNEL:
                found.append(channel_rank)
            elif by is SourcingSort.DISTANCE:
                found.append(farthest if spot.km is None else spot.km)
            elif by is SourcingSort.MOST_STOCK:
                found.append(-spot.units)
            else:
                found.append(spot.kind != _KINDS_FIRST[by])
        return (*found, channel_rank)

    return {spot.handle: rank for rank, (_, spot) in enumerate(sorted(order, key=key))}


class World(NamedTuple):
    """What a policy can refer to."""

    channels: Collection[str]
    spots: Sequence[Spot]
    sku_tags: Collection[str]
    countries: Collection[str]


METHODS = ("SHIPPING", "PICKUP")
"""Ways in which units that have stock reach a customer."""


def rule_problems(rule: Rule, world: World) -> list[tuple[tuple[str, ...], str]]:
    """What makes no sense in a rule: (path within it, what to do). A rule that can match nothing is a mistake."""
    when, where = rule.when, rule.locations
    handles = {spot.handle for spot in world.spots}
    tags = {tag for spot in world.spots for tag in spot.tags}
    no_country = "{} is not an ISO 3166-1 alpha-2 country such as 'DE'"
    found = _unknown(
        (("when", "channels"), when.channels, world.channels, "there is no channel {}"),
        (("when", "skuTags"), when.sku_tags, world.sku_tags, "no SKU has the tag {}"),
        (("when", "methods"), when.methods, METHODS, f"{{}} is not a method; {' and '.join(METHODS)} are"),
        (("when", "countries"), when.countries, world.countries, no_country),
        (("settings", "togetherTags"), rule.settings.together_tags, world.sku_tags, "no SKU has the tag {}"),
    )
    nowhere = _unknown(
        (("locations", "handles"), where.handles, handles, "there is no location {}"),
        (("locations", "tags"), where.tags, tags, "no location has the tag {}"),
        (("locations", "countries"), where.countries, world.countries, no_country),
    )
    found += nowhere
    for low, high, at in (
        (when.value_at_least or 0, when.value_below, ("when", "valueBelow")),
        (
            max(when.lines_at_least or 0, 1),
            None if when.lines_at_most is None else when.lines_at_most + 1,
            ("when", "linesAtMost"),
        ),
        (where.km_at_least or 0, None if where.km_at_most is None else where.km_at_most + 1, ("locations", "kmAtMost")),
    ):
        if high is not None and low >= high:
            found.append((at, "its bounds leave nothing between them"))
    if when.methods == ("PICKUP",) and (when.countries or when.postal_code_prefixes):
        found.append((("when", "methods"), "what is collected goes nowhere, so no destination matches it"))
    if "" in when.postal_code_prefixes:
        found.append((("when", "postalCodePrefixes"), "every postal code begins with ''"))
    matched = any(where.may_match(spot) for spot in world.spots)
    if rule.effect is not SourcingEffect.SET and not matched and not nowhere:
        found.append((("locations",), "it matches no location"))
    if rule.effect is SourcingEffect.ONLY and where == Where():
        found.append((("locations",), "it names no locations, so it leaves none out"))
    if rule.effect in (SourcingEffect.ONLY, SourcingEffect.EXCLUDE) and not rule.hard and rule.penalty <= 0:
        found.append((("penalty",), "a soft rule needs a penalty above zero"))
    if rule.effect is SourcingEffect.COST and rule.costs == Costs():
        found.append((("costs",), "it adds no cost"))
    if rule.effect is SourcingEffect.SET and rule.settings == Settings():
        found.append((("settings",), "it sets nothing"))
    return found + _unused(rule)


def _unused(rule: Rule) -> list[tuple[tuple[str, ...], str]]:
    """Parts that its effect does not look at: whoever sent them expects something of them."""
    filters = rule.effect in (SourcingEffect.ONLY, SourcingEffect.EXCLUDE)
    used = {
        "locations": rule.effect is not SourcingEffect.SET,
        "penalty": filters and not rule.hard,
        "costs": rule.effect is SourcingEffect.COST,
        "settings": rule.effect is SourcingEffect.SET,
    }
    kind = f"{'hard ' if filters and rule.hard else ''}{rule.effect}"
    empty = Rule(name=rule.name, effect=rule.effect)
    return [
        ((part,), f"{kind} does not look at its {part}")
        for part, looked_at in used.items()
        if not looked_at and getattr(rule, part) != getattr(empty, part)
    ]


def _unknown(*parts: tuple[tuple[str, ...], Iterable[str], Collection[str], str]) -> list[tuple[tuple[str, ...], str]]:
    """What a list names that is not there: (path, what to say)."""
    return [
        (at, said.format(repr(name[:60]))) for at, names, known, said in parts for name in names if name not in known
    ]
