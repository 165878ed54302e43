"""What a policy is made of, as it is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import strawberry
from strawberry import UNSET

from oms_api.kit.errors import Invalid, InvalidAmount, Path, Refusal
from oms_api.kit.graphql import CountryCode, MoneyInput, field
from oms_api.kit.money import Money
from oms_api.network import LocationKind, SourcingObjective
from oms_api.sourcing.graphql.enums import SourcingEffect, SourcingSort
from oms_api.sourcing.rules import policy

NUMBER_MAX = 1_000_000_000
WEIGHT_MAX = 1_000
UNIT_COST_WEIGHT_MAX = 100
_BOUNDS = {
    "max_shipments": (1, NUMBER_MAX),
    "shipping_weight": (0, WEIGHT_MAX),
    "unit_cost_weight": (0, UNIT_COST_WEIGHT_MAX),
}
_NOT_WEIGHED = frozenset({"value_at_least", "value_below", "split_from_value", "min_shipment_value"})
"""Amounts that something is compared with; of the others the sum over a plan must stay a number that can be stored."""


@strawberry.input(
    description="When a rule applies: every part that is sent must hold, of a list any one; nothing sent: always."
)
class SourcingConditionInput:
    channels: list[str] | None = field(default=UNSET, description="Channel handles.")
    customer_groups: list[str] | None = field(default=UNSET, description="Groups of the customer, in your words.")
    sku_tags: list[str] | None = field(default=UNSET, description="A line has one of these tags.")
    methods: list[str] | None = field(default=UNSET, description="`SHIPPING`, `PICKUP`.")
    countries: list[CountryCode] | None = field(default=UNSET, description="Where to.")
    postal_code_prefixes: list[str] | None = field(default=UNSET, description="The destination's code begins so.")
    value_at_least: MoneyInput | None = field(default=UNSET, description="Value of the lines, by list price.")
    value_below: MoneyInput | None = field(default=UNSET, description="Value of the lines, by list price.")
    lines_at_least: int | None = field(default=UNSET, description="Lines.")
    lines_at_most: int | None = field(default=UNSET, description="Lines.")


@strawberry.input(
    description="Which locations a rule is about: every part that is sent must match, of a list any one; nothing sent: "
    "all. Where a distance is not known, no bound on it matches."
)
class SourcingLocationFilterInput:
    handles: list[str] | None = field(default=UNSET, description="Location handles.")
    kinds: list[LocationKind] | None = field(default=UNSET, description="What they are.")
    tags: list[str] | None = field(default=UNSET, description="They have one of these tags.")
    countries: list[CountryCode] | None = field(default=UNSET, description="Where they are.")
    km_at_least: int | None = field(default=UNSET, description="Kilometres to the destination, as the crow flies.")
    km_at_most: int | None = field(default=UNSET, description="Kilometres to the destination, as the crow flies.")


@strawberry.input(description="What a location's parcels cost more; weighed when choosing, not part of the cost told.")
class SourcingCostsInput:
    per_shipment: MoneyInput | None = field(default=UNSET, description="Each parcel.")
    per_line: MoneyInput | None = field(default=UNSET, description="Each SKU in a parcel.")
    per_unit: MoneyInput | None = field(default=UNSET, description="Each unit.")
    per_100_km: MoneyInput | None = field(
        default=UNSET, name="per100Km", description="Each parcel, by distance, rounded up."
    )


@strawberry.input(description="How to plan; what is not sent stays as earlier rules or the channel have it.")
class SourcingSettingsInput:
    objective: SourcingObjective | None = field(default=UNSET, description="What the plan must be best at.")
    max_shipments: int | None = field(default=UNSET, description="Parcels at most.")
    split_from_value: MoneyInput | None = field(
        default=UNSET, description="A line worth less in all is never split over parcels."
    )
    together_tags: list[str] | None = field(
        default=UNSET, description="SKUs with one of these tags travel in one parcel, those of each tag together."
    )
    per_day_late: MoneyInput | None = field(
        default=UNSET, description="What each day between the earliest possible arrival and a parcel's weighs."
    )
    per_extra_shipment: MoneyInput | None = field(default=UNSET, description="What each further parcel weighs.")
    min_shipment_value: MoneyInput | None = field(
        default=UNSET, description="What each parcel must be worth, by list price, when it is not the only one."
    )
    shipping_weight: int | None = field(
        default=UNSET,
        description="How often shipping cost counts beside what these amounts weigh: 1 unless set, 0 not at all, "
        f"{WEIGHT_MAX:,} at most.",
    )
    unit_cost_weight: int | None = field(
        default=UNSET,
        description="How often it counts that a unit costs more at its location than elsewhere (`unitCost` of SKUs): 1 "
        f"with MOST_PROFITABLE, else 0 unless set, {UNIT_COST_WEIGHT_MAX} at most.",
    )
    per_rank: MoneyInput | None = field(
        default=UNSET, description="What a parcel weighs more for each place by which its location is less preferred."
    )
    per_last_unit: MoneyInput | None = field(
        default=UNSET,
        description="What taking a location's last unit of a SKU weighs; a part of its stock goes with the square.",
    )
    per_backordered_unit: MoneyInput | None = field(
        default=UNSET,
        description="What a unit weighs that waits for supply. With this or `perBackorderedDay`, BACKORDER lets units "
        "wait where that weighs less than to send what is on hand elsewhere; with neither, what is on hand goes first.",
    )
    per_backordered_day: MoneyInput | None = field(
        default=UNSET, description="What each day weighs that such a unit leaves later than its location could send."
    )
    sort: list[SourcingSort] | None = field(default=UNSET, description="Which location is preferred, first word first.")


@strawberry.input(description="One rule of a sourcing policy.")
class SourcingRuleInput:
    name: str = field(description="Its name, unique in the policy; explanations use it.")
    effect: SourcingEffect = field(description="What it does.")
    when: SourcingConditionInput | None = field(default=UNSET, description="When it applies.")
    locations: SourcingLocationFilterInput | None = field(default=UNSET, description="Which locations it is about.")
    hard: bool = field(default=True, description="Filters only: leave out (true), or let it cost `penalty`.")
    penalty: MoneyInput | None = field(default=UNSET, description="Of a soft filter, a shipment.")
    costs: SourcingCostsInput | None = field(default=UNSET, description="For COST.")
    settings: SourcingSettingsInput | None = field(default=UNSET, description="For SET.")


@strawberry.input(description="Units of a SKU.")
class SourcingExampleLineInput:
    sku: str = field(description="SKU.")
    quantity: int = field(description="Units.")


@strawberry.input(description="Units that can be promised at a location, in an example.")
class SourcingExampleStockInput:
    location: str = field(description="Location handle.")
    sku: str = field(description="SKU.")
    quantity: int = field(description="Units.")


@strawberry.input(description="What one location sends, in an example.")
class SourcingExampleShipmentInput:
    location: str = field(description="Location handle.")
    lines: list[SourcingExampleLineInput] = field(description="What is in it.")


@strawberry.input(
    description="A cart with the plan that the policy must find. Locations, distances and services are the real ones, "
    "stock is only what the example names."
)
class SourcingExampleInput:
    name: str = field(description="Its name, unique in the policy.")
    channel: str = field(description="Channel handle.")
    lines: list[SourcingExampleLineInput] = field(description="Units wanted.")
    country: CountryCode | None = field(default=UNSET, description="Where to.")
    postal_code: str | None = field(default=UNSET, description="Where to.")
    pickup_locations: list[str] | None = field(default=UNSET, description="To be collected at one of these.")
    customer_group: str | None = field(default=UNSET, description="The customer's group.")
    stock: list[SourcingExampleStockInput] = field(description="What there is.")
    shipments: list[SourcingExampleShipmentInput] = field(description="The plan; none: nothing may be found.")


class Reader:
    """Turns what was sent into a policy's content; what is wrong is added to `problems`."""

    def __init__(self, currency: str) -> None:
        self.currency = currency
        self.problems: list[Refusal] = []

    def content(self, rules: Iterable[SourcingRuleInput], examples: Iterable[SourcingExampleInput]) -> policy.Content:
        return policy.Content(
            rules=tuple(self.rule(rule, ("input", "rules", i)) for i, rule in enumerate(rules)),
            examples=tuple(self.example(example, ("input", "examples", i)) for i, example in enumerate(examples)),
        )

    def rule(self, sent: SourcingRuleInput, path: Path) -> policy.Rule:
        return policy.Rule(
            name=sent.name,
            effect=sent.effect,
            when=policy.Condition(**self._part(sent.when, (*path, "when"))),
            locations=policy.Where(**self._part(sent.locations, (*path, "locations"))),
            hard=sent.hard,
            penalty=self._minor(sent.penalty, (*path, "penalty")) or 0,
            costs=policy.Costs(**self._part(sent.costs, (*path, "costs"))),
            settings=policy.Settings(**self._part(sent.settings, (*path, "settings"))),
        )

    def example(self, sent: SourcingExampleInput, path: Path) -> policy.Example:
        for i, line in enumerate(sent.lines):
            self._number(line.quantity, (*path, "lines", i, "quantity"), least=1)
        for i, stock in enumerate(sent.stock):
            self._number(stock.quantity, (*path, "stock", i, "quantity"))
        return policy.Example(
            name=sent.name,
            channel=sent.channel,
            lines=_lines(sent.lines),
            country=sent.country or None,
            postal_code=sent.postal_code or None,
            pickup=tuple(sent.pickup_locations or ()),
            customer_group=sent.customer_group or None,
            stock=tuple(
                policy.ExampleStock(location=row.location, sku=row.sku, quantity=row.quantity) for row in sent.stock
            ),
            shipments=tuple(
                policy.ExampleShipment(location=row.location, lines=_lines(row.lines)) for row in sent.shipments
            ),
        )

    def _part(self, sent: Any, path: Path) -> Mapping[str, Any]:
        """The fields that were sent: lists as tuples, money as minor units."""
        found: dict[str, Any] = {}
        for name, value in vars(sent).items() if sent else ():
            if value is UNSET or value is None:
                continue
            at = (*path, "per100Km" if name == "per_100_km" else name)
            if isinstance(value, MoneyInput):
                found[name] = self._minor(value, at, None if name in _NOT_WEIGHED else NUMBER_MAX)
            elif value == []:
                self.problems.append(Invalid("Name at least one, or leave the field out.", path=at))
            elif isinstance(value, list):
                found[name] = tuple(map(str, value)) if name != "sort" else tuple(value)
            elif isinstance(value, int) and not isinstance(value, bool):
                found[name] = self._number(value, at, *_BOUNDS.get(name, (0, NUMBER_MAX)))
            else:
                found[name] = value
        return found

    def _minor(self, sent: MoneyInput | None, path: Path, most: int | None = NUMBER_MAX) -> int | None:
        if not sent:
            return None
        try:
            minor = sent.minor(path, self.currency)
        except Refusal as refusal:
            self.problems += refusal.parts()
            return 0
        if most is not None and minor > most:
            said = f"{Money(minor, self.currency)} weighs too much; send {Money(most, self.currency)} or less."
            self.problems.append(InvalidAmount(said, path=path))
        return minor

    def _number(self, value: int, path: Path, least: int = 0, most: int = NUMBER_MAX) -> int:
        if not least <= value <= most:
            self.problems.append(Invalid(f"{value} must be {least} to {most:,}.", path=path))
        return value


def _lines(sent: Iterable[SourcingExampleLineInput]) -> tuple[policy.ExampleLine, ...]:
    return tuple(policy.ExampleLine(sku=row.sku, quantity=row.quantity) for row in sent)
