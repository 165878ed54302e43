"""Which ATP applies: a mode, its fences, and what they make of on hand, supply and demand.

The words are Oracle's where it has them. A rule is data: nothing here knows SKUs or tenants.
"""

from collections.abc import Iterable
from typing import NamedTuple

from oms_api.promising.models import AtpMode
from oms_api.promising.rules.atp.periods import discrete_steps, period_steps
from oms_api.promising.rules.atp.steps import PAST_DUE_SUPPLY_DAY, Amounts, Step, Steps, look_ahead, pairs, project

UNLIMITED = 2**31 - 1
"""Units of what stock does not limit: more than any ledger holds."""


Mode = AtpMode


class Rule(NamedTuple):
    """How ATP is worked out. Days; None: no fence.

    `past_due_supply_days`: supply is counted on until so many days after it was due, then no more; it is promised
    `delayed_offset_days` from today. `past_due_demand_days`: demand is owed until so many days after its date.
    `horizon_days`: supply and demand after that day are not looked at. `lead_time_days`: with LEAD_TIME anything can be
    had from that day on. `period_days`, `backward`, `forward` and `accumulation_periods` are PERIOD's.
    """

    mode: Mode = Mode.CUMULATIVE
    past_due_supply_days: int | None = None
    past_due_demand_days: int | None = None
    delayed_offset_days: int = PAST_DUE_SUPPLY_DAY
    horizon_days: int | None = None
    lead_time_days: int | None = None
    period_days: int = 1
    backward: bool = True
    forward: bool = False
    accumulation_periods: int | None = None


DEFAULT = Rule()


class Projection(NamedTuple):
    """`projected` is the balance by day and may be negative; `steps` what is offered, at least 0.

    With PERIOD and a limited accumulation the steps may fall; in every other mode they never do.
    """

    projected: Steps
    steps: Steps


def projected_by(rule: Rule, on_hand: int, safety: int, supply: Amounts = (), demand: Amounts = ()) -> Projection:
    """Projection and ATP by a rule. Days before 0 are past due."""
    counted = list(fenced_supply(rule, supply))
    owed = list(fenced_demand(rule, demand))
    projected = project(on_hand, safety, counted, owed)
    free = on_hand - safety
    if rule.mode is Mode.DISCRETE:
        return Projection(projected, discrete_steps(free, counted, owed))
    if rule.mode is Mode.PERIOD:
        steps = period_steps(
            free,
            counted,
            owed,
            period_days=rule.period_days,
            backward=rule.backward,
            forward=rule.forward,
            window=rule.accumulation_periods,
        )
        return Projection(projected, steps)
    return Projection(projected, beyond(look_ahead(projected), rule))


def beyond(steps: Steps, rule: Rule) -> Steps:
    """Steps of stock and supply, with what can be had whatever is there: at once, or from the lead time on."""
    if rule.mode is Mode.INFINITE:
        return (Step(0, UNLIMITED),)
    if rule.mode is Mode.LEAD_TIME:
        lead_days = rule.lead_time_days or 0
        return (*(step for step in steps if step.on < lead_days), Step(lead_days, UNLIMITED))
    return steps


def fenced_supply(rule: Rule, supply: Amounts) -> Iterable[tuple[int, int]]:
    """Supply as it counts: what is past due later, what is too late or too far away not at all."""
    for day, units in pairs(supply):
        if day < 0:
            if rule.past_due_supply_days is not None and -day > rule.past_due_supply_days:
                continue
            day = rule.delayed_offset_days
        if rule.horizon_days is None or day <= rule.horizon_days:
            yield day, units


def fenced_demand(rule: Rule, demand: Amounts) -> Iterable[tuple[int, int]]:
    """Demand as it counts: past due owed today, what is given up or too far away not at all."""
    for day, units in pairs(demand):
        if day < 0:
            if rule.past_due_demand_days is not None and -day > rule.past_due_demand_days:
                continue
            day = 0
        if rule.horizon_days is None or day <= rule.horizon_days:
            yield day, units
