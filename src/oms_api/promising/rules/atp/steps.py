"""Step functions over days: a projection of stock, what of it may still be promised, and sums of such.

Cumulative ATP with look-ahead: P(t) = on hand - safety + supply(<= t) - demand(<= t), and
ATP(t) = max(0, min over u >= t of P(u)); promising it today never takes units from a demand already accepted
for later.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

PAST_DUE_SUPPLY_DAY = 1
"""Supply expected before today and not here yet is promised from tomorrow."""


class Step(NamedTuple):
    """From day `on`, `quantity` units."""

    on: int
    quantity: int


Steps = tuple[Step, ...]
Amounts = Mapping[int, int] | Iterable[tuple[int, int]]
"""Units by day, as a mapping or as (day, units) pairs; a day may occur more than once."""

_day = attrgetter("on")
_units = attrgetter("quantity")


def project(
    on_hand: int,
    safety: int,
    supply: Amounts = (),
    demand: Amounts = (),
    *,
    past_due_supply_day: int = PAST_DUE_SUPPLY_DAY,
) -> Steps:
    """Projected stock P(t); may be negative. Past-due demand is owed today. ValueError on negative units."""
    changes: dict[int, int] = {0: on_hand - safety}
    for day, units in pairs(supply):
        if units < 0:
            raise ValueError(f"supply of {units} units on day {day}: units cannot be negative")
        day = past_due_supply_day if day < 0 else day
        changes[day] = changes.get(day, 0) + units
    for day, units in pairs(demand):
        if units < 0:
            raise ValueError(f"demand of {units} units on day {day}: units cannot be negative")
        day = max(day, 0)
        changes[day] = changes.get(day, 0) - units
    return stepped(changes)


def stepped(changes: Mapping[int, int]) -> Steps:
    """The running sum of changes by day, a step for each day on which it is another; day 0 must be among them."""
    level = 0
    found: list[Step] = []
    for day in sorted(changes):
        level += changes[day]
        if not found or level != found[-1].quantity:
            found.append(Step(day, level))
    return tuple(found)


def look_ahead(projected: Steps) -> Steps:
    """ATP of a projection: the least it will ever be from each day on, at least 0. Never falls."""
    least: list[Step] = []
    for day, level in reversed(projected):
        level = max(level, 0)
        if not least:
            least.append(Step(day, level))
        elif level >= least[-1].quantity:
            # Held down by a later day: the later level already counts from here.
            least[-1] = Step(day, least[-1].quantity)
        else:
            least.append(Step(day, level))
    return tuple(reversed(least))


def risen(steps: Steps) -> Steps:
    """The most that was offered up to each day: never falls."""
    found: list[Step] = []
    for step in steps:
        if not found or step.quantity > found[-1].quantity:
            found.append(step)
    return tuple(found)


def steps(
    on_hand: int,
    safety: int,
    supply: Amounts = (),
    demand: Amounts = (),
    *,
    past_due_supply_day: int = PAST_DUE_SUPPLY_DAY,
) -> Steps:
    """Cumulative ATP with look-ahead, O(E log E) for E supplies and demands."""
    return look_ahead(project(on_hand, safety, supply, demand, past_due_supply_day=past_due_supply_day))


def quantity_on(steps: Steps, day: int) -> int:
    """Units on a day; a day before the first step counts as the first."""
    return steps[max(bisect_right(steps, day, key=_day) - 1, 0)].quantity


def daily(steps: Steps, days: int) -> list[int]:
    """Units on each of the days 0 .. days - 1."""
    return [quantity_on(steps, day) for day in range(days)]


def first_day(steps: Steps, quantity: int) -> int | None:
    """First day on which ATP reaches the quantity; None when never. For ATP steps: they never fall."""
    at = bisect_left(steps, quantity, key=_units)
    return steps[at].on if at < len(steps) else None


def delivery_steps(ask: int, steps: Steps) -> Steps:
    """What can be delivered when: one (day, units) per rise of ATP until the ask is met.

    The units add up to `ask`, or to less when ATP never reaches it (SAP Business One's delivery proposal).
    """
    proposal: list[Step] = []
    given = 0
    for day, level in steps:
        more = min(level, ask) - given
        if more > 0:
            proposal.append(Step(day, more))
            given += more
        if given >= ask:
            break
    return tuple(proposal)


def combined(parts: Iterable[Steps], *, threshold: int = 0) -> Steps:
    """ATP of several locations together, less a channel's threshold, at least 0."""
    changes: dict[int, int] = {0: -threshold}
    for part in parts:
        before = 0
        for day, level in part:
            changes[day] = changes.get(day, 0) + level - before
            before = level
    level = 0
    total: list[Step] = []
    for day in sorted(changes):
        level += changes[day]
        offered = max(level, 0)
        if not total or offered != total[-1].quantity:
            total.append(Step(day, offered))
    return tuple(total)


def kit(components: Sequence[tuple[Steps, int]]) -> Steps:
    """ATP of a kit from (component's ATP, units of it per kit): whole kits, the scarcest decides."""
    if not components or any(per_kit <= 0 for _, per_kit in components):
        raise ValueError("a kit needs components, one unit or more of each")
    days = sorted({step.on for part, _ in components for step in part})
    total: list[Step] = []
    for day in days:
        level = min(quantity_on(part, day) // per_kit for part, per_kit in components)
        if not total or level != total[-1].quantity:
            total.append(Step(day, level))
    return tuple(total)


def pairs(amounts: Amounts) -> Iterable[tuple[int, int]]:
    """Amounts as (day, units)."""
    return amounts.items() if isinstance(amounts, Mapping) else amounts
