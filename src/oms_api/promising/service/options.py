"""Ways to serve a cart: the best by the wanted objective first, then others that are better at something."""

from collections.abc import Sequence
from datetime import date

from oms_api import network, sourcing
from oms_api.kit import clock
from oms_api.kit.db import Reading
from oms_api.kit.errors import Refusal, Refusals, Required, refuse
from oms_api.network import SourcingObjective
from oms_api.promising.models import Destination, Line, ShortagePolicy
from oms_api.promising.service.availability import chosen
from oms_api.promising.service.generating import widened
from oms_api.promising.service.imagining import Assumptions
from oms_api.promising.service.planning import LINES, Planned, apart, better, solve, solve_over
from oms_api.promising.service.question import Question, read, unknown_channel
from oms_api.promising.service.wanted import today_of, untimely
from oms_api.sourcing import Live

OTHERS = (SourcingObjective.CHEAPEST, SourcingObjective.FASTEST, SourcingObjective.FEWEST_SHIPMENTS)


async def options(
    reading: Reading,
    *,
    channel: str,
    lines: Sequence[Line],
    destination: Destination | None,
    pickup: Sequence[str] | None,
    objective: SourcingObjective | None,
    assuming: Assumptions | None = None,
    customer_group: str | None = None,
    demand_class: str | None = None,
    requested_on: date | None = None,
) -> list[Planned]:
    """Plans that serve all of it, best first; a single one with its `short` when nothing does.

    Four statements at most for any number of lines: channel, SKUs, components of kits, stock; imagined supply, policies
    and what ATP rules bring of what is short cost more. For collection each location that has all of it is an option,
    soonest first. `requested_on` is the date of lines that name none. Raises what is wrong with the question.
    """
    problems: list[Refusal] = []
    found = await network.network_of(reading, channel)
    if found is None:
        raise Refusals([unknown_channel(channel)])
    rows = None if pickup is None else chosen(found, pickup, problems, ("input", "pickupLocations"))
    if pickup is None and destination is None:
        problems.append(
            Required("Send `destination`, or `pickupLocations` for collection.", path=("input", "destination"))
        )
    now = assuming.instant if assuming is not None else clock.now()
    problems += untimely(requested_on, today_of(found, now), ("input", "requestedOn"))
    refuse(problems)
    live = None
    if assuming is not None and assuming.policy is not None:
        handle, number = assuming.policy
        rules = await sourcing.rules_of(reading, handle, number, (*assuming.path, "policy"))
        live = Live(handle, number, rules)
    question = await read(
        reading,
        network=found,
        lines=lines,
        destination=destination if pickup is None else None,
        pickup=rows,
        items=None,
        path=LINES,
        assuming=assuming,
        live=live,
        customer_group=customer_group,
        demand_class=demand_class,
    )
    answer = await apart(question, _options, question, objective)
    if answer[0].short:
        more = await widened(reading, question, answer[0].short, backorder=False)
        if more is not None:
            other = await apart(more, _options, more, objective)
            return answer if better(answer[0], other[0]) is answer[0] else other
    return answer


def _options(question: Question, objective: SourcingObjective | None) -> list[Planned]:
    best = solve(question, ShortagePolicy.REJECT, objective)
    if best.short or not best.parcels:
        return [best]
    return _collected(question, best) if question.collected else _sent(question, best)


def _sent(question: Question, best: Planned) -> list[Planned]:
    """The best, and what is better in something; not looked for where the best itself was too much to prove."""
    answer = [best]
    for objective in OTHERS:
        if objective is best.objective or best.best is None or not best.best.exact:
            continue
        other = solve(question, ShortagePolicy.REJECT, objective, best.sources)
        if not other.short and not any(_no_better(other, known) for known in answer):
            answer.append(other)
    return answer


def _no_better(plan: Planned, known: Planned) -> bool:
    """Whether a plan is in nothing better than one that is offered already."""
    return all(mine >= theirs for mine, theirs in zip(_measures(plan), _measures(known), strict=True))


def _measures(plan: Planned) -> tuple[int, int, int]:
    return plan.cost_minor, plan.delivered_by.toordinal() if plan.delivered_by else 0, len(plan.parcels)


def _collected(question: Question, best: Planned) -> list[Planned]:
    others = [
        solve_over(question, ShortagePolicy.REJECT, best.objective, [place])
        for place in question.candidates
        if place.id != best.pickup
    ]
    served = [plan for plan in others if not plan.short]
    return [best, *sorted(served, key=lambda plan: plan.delivered_by or question.now.date())]
