"""ATP period by period: each period's supply less its demand, shortages moved to where units are left.

Oracle Inventory's ATP calculation: a shortage consumes the surplus of earlier periods, nearest first (backward), then
that of later ones, nearest first (forward); what nothing covers stays negative in its own period. Surplus is offered in
its period and, accumulated, for some periods after it. Discrete ATP is the same with a period from each receipt to the
next, consumed backward, never accumulated.
"""

from bisect import bisect_left
from collections.abc import Sequence

from oms_api.promising.rules.atp.steps import Amounts, Step, Steps, pairs, stepped


def project_periods(supply: Sequence[int], demand: Sequence[int], *, on_hand: int = 0) -> list[int]:
    """Projected stock at the end of each period."""
    level = on_hand
    projected: list[int] = []
    for more, less in zip(supply, demand, strict=True):
        level += more - less
        projected.append(level)
    return projected


def period_atp(
    supply: Sequence[int],
    demand: Sequence[int],
    *,
    on_hand: int = 0,
    backward: bool = True,
    forward: bool = False,
) -> list[int]:
    """ATP per period; the first starts with what is on hand. Negative where a shortage stays."""
    nets = [more - less for more, less in zip(supply, demand, strict=True)]
    if nets:
        nets[0] += on_hand
    return _consumed(nets, backward=backward, forward=forward)


def accumulated(left: Sequence[int], window: int | None = None) -> list[int]:
    """Units offered in each period: its own surplus and that of so many periods before it; None: of all."""
    return [
        sum(max(units, 0) for units in left[0 if window is None else max(period - window, 0) : period + 1])
        for period in range(len(left))
    ]


def discrete_atp(on_hand: int, supply: Amounts = (), demand: Amounts = ()) -> list[Step]:
    """(day, units) for today and for each later day with a receipt: what is left of it, negative when owed."""
    days = sorted({0, *(max(day, 0) for day, units in pairs(supply) if units)})
    nets = [0] * len(days)
    nets[0] = on_hand
    for day, units in pairs(supply):
        nets[_at(days, max(day, 0))] += units
    for day, units in pairs(demand):
        nets[_at(days, max(day, 0))] -= units
    left = _consumed(nets, backward=True, forward=False)
    return [Step(day, units) for day, units in zip(days, left, strict=True)]


def discrete_steps(on_hand: int, supply: Amounts = (), demand: Amounts = ()) -> Steps:
    """The most units that one receipt, or what is on hand, can give by each day: nothing is added up, nothing falls."""
    found: list[Step] = []
    for day, units in discrete_atp(on_hand, supply, demand):
        units = max(units, 0)
        if not found or units > found[-1].quantity:
            found.append(Step(day, units))
    return tuple(found)


def period_steps(
    on_hand: int,
    supply: Amounts = (),
    demand: Amounts = (),
    *,
    period_days: int = 1,
    backward: bool = True,
    forward: bool = False,
    window: int | None = None,
) -> Steps:
    """Units offered by day, in periods of so many days; may fall where surplus is accumulated for a while only.

    What is left of a period is what came last in it: nothing is offered before it is there.
    """
    if period_days < 1 or (window is not None and window < 0):
        raise ValueError(f"periods of {period_days} days, accumulated over {window}: at least 1, and 0 or more")
    nets: dict[int, int] = {0: on_hand}
    came: dict[int, list[Step]] = {0: [Step(0, max(on_hand, 0))]}
    for day, units in pairs(supply):
        period = max(day, 0) // period_days
        nets[period] = nets.get(period, 0) + units
        came.setdefault(period, []).append(Step(max(day, 0), units))
    for day, units in pairs(demand):
        period = max(day, 0) // period_days
        nets[period] = nets.get(period, 0) - units
    known = sorted(nets)
    left = _consumed([nets[period] for period in known], backward=backward, forward=forward)
    changes: dict[int, int] = {0: 0}
    for period, units in zip(known, left, strict=True):
        if units <= 0:
            continue
        if window is not None:
            end = (period + window + 1) * period_days
            changes[end] = changes.get(end, 0) - units
        for day, more in sorted(came[period], reverse=True):
            taken = min(more, units)
            changes[day] = changes.get(day, 0) + taken
            units -= taken
    return stepped(changes)


def _consumed(nets: Sequence[int], *, backward: bool, forward: bool) -> list[int]:
    """What each period has left once shortages have consumed what others have, nearest first."""
    left: list[int] = []
    open_periods: list[int] = []  # those with units left, oldest first
    for period, net in enumerate(nets):
        while backward and net < 0 and open_periods:
            earlier = open_periods[-1]
            taken = min(left[earlier], -net)
            left[earlier] -= taken
            net += taken
            if left[earlier] == 0:
                open_periods.pop()
        left.append(net)
        if net > 0:
            open_periods.append(period)
    if forward:
        owing: list[int] = []  # earlier periods that are short, oldest first
        for period, net in enumerate(left):
            while net > 0 and owing:
                earlier = owing[0]
                taken = min(net, -left[earlier])
                left[earlier] += taken
                net -= taken
                if left[earlier] == 0:
                    owing.pop(0)
            left[period] = net
            if net < 0:
                owing.append(period)
    return left


def _at(days: Sequence[int], day: int) -> int:
    """Index of the period that a day is in: the last that starts on it or before."""
    at = bisect_left(days, day)
    return at if at < len(days) and days[at] == day else at - 1
