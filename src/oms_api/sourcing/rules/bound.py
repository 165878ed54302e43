"""An honest lower bound on what any plan over some sources scores, for when no search proves one."""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

from oms_api.sourcing.rules.problem import Card, Problem
from oms_api.sourcing.rules.words import Source

PRICE_ROUNDS = 12
"""Small raises of every line's price before each takes what is left: the more, the tighter the bound."""
MOST_FILLED = 8
"""Lines of which the scarcest are looked at one by one."""


class Offer(NamedTuple):
    """What each of some locations can do at best: no parcel of them costs less, no line of them goes further."""

    locations: int
    """How many have the same of everything."""
    fixed: int
    """Of the one where it is least."""
    prices: tuple[float, ...]
    """For a unit of each line."""
    most: tuple[int, ...]
    """Units of each line, no more than wanted."""


def lower_bound(problem: Problem, sources: Sequence[Source], steps: int) -> int:
    """A score that no plan over these sources undercuts: the best of three relaxations.

    Each line's units come by the cheapest price, as far as stock goes; to this comes (a) the fixed cost
    that one line alone needs, spread over the units each location has, or (b) two parcels, when no location has
    all. (c) Prices for the lines that no location can undercut with its fixed and unit costs (dual ascent, about
    `steps` of it). `split` counts for every parcel but the first.
    """
    offers = _offers(problem, sources)
    lines = range(len(problem.skus))
    by_weight = _by_weight(problem, offers)
    total = sum(by_weight)
    holders = [sum(1 for offer in offers if offer.most[line]) for line in lines]
    scarcest = sorted(lines, key=lambda line: (holders[line], line))[:MOST_FILLED]
    bounds = [total - by_weight[line] + _with_fixed(problem, offers, line) for line in scarcest]
    bounds.append(_prices(problem, offers, scarcest_first=sorted(lines, key=holders.__getitem__), steps=steps))
    if all(offer.most != problem.quantities for offer in offers):
        bounds.append(total + 2 * min(offer.fixed for offer in offers))
    # Sums of rounded floats may exceed the true bound by a hair: give that back before rounding up.
    return max(ceil(bound * (1 - 1e-9) - 1e-6) for bound in bounds) - problem.weights.split


def _offers(problem: Problem, sources: Sequence[Source]) -> list[Offer]:
    """What locations can do at best, those that have the same of everything as one."""
    least: dict[Card, tuple[int, tuple[float, ...]]] = {}
    by_location: dict[str, list[tuple[Source, Card]]] = {}
    for source, card in zip(sources, problem.prices(sources).cards, strict=True):
        by_location.setdefault(source.location, []).append((source, card))
        if card not in least:
            fixed, price = problem.least(card)
            penalties = card.units or (0,) * len(problem.skus)
            unit = [float(price * grams) + more for grams, more in zip(problem.grams, penalties, strict=True)]
            least[card] = fixed + card.per_line, tuple(unit)
    found: dict[tuple[tuple[float, ...], tuple[int, ...]], list[int]] = {}
    wanted = list(zip(problem.skus, problem.quantities, strict=True))
    for own in by_location.values():
        fixed = min([problem.base(source) + least[card][0] for source, card in own])
        if len(own) == 1:
            stock = own[0][0].stock.get
            most = tuple([max(min(stock(sku, 0), quantity), 0) for sku, quantity in wanted])
            prices = least[own[0][1]][1]
        else:
            only = [source for source, _ in own]
            most = tuple(
                [min(quantity, problem.together_at(only, line)) for line, quantity in enumerate(problem.quantities)]
            )
            prices = tuple(map(min, *[least[card][1] for _, card in own]))
        known = found.setdefault((prices, most), [0, fixed])
        known[0] += 1
        known[1] = min(known[1], fixed)
    return [Offer(count, fixed, prices, most) for (prices, most), (count, fixed) in found.items()]


def _by_weight(problem: Problem, offers: Sequence[Offer]) -> list[float]:
    """Least cost of each line without fixed costs: the cheapest units first."""
    stock: dict[tuple[float, ...], list[int]] = {}
    for offer in offers:
        units = offer.most if offer.locations == 1 else tuple([units * offer.locations for units in offer.most])
        before = stock.get(offer.prices)
        stock[offer.prices] = list(units) if before is None else list(map(int.__add__, before, units))
    return [
        _filled(quantity, [(prices[line], units[line]) for prices, units in stock.items() if units[line]])
        for line, quantity in enumerate(problem.quantities)
    ]


def _with_fixed(problem: Problem, offers: Sequence[Offer], line: int) -> float:
    """Least cost of one line with the fixed costs spread over the units each location has."""
    prices = [
        (offer.prices[line] + offer.fixed / offer.most[line], offer.most[line] * offer.locations)
        for offer in offers
        if offer.most[line]
    ]
    return _filled(problem.quantities[line], prices)


def _filled(quantity: int, prices: list[tuple[float, int]]) -> float:
    left, cost = quantity, 0.0
    for price, units in sorted(prices):
        taken = min(left, units)
        cost += taken * price
        left -= taken
        if not left:
            break
    return cost


def _prices(problem: Problem, offers: Sequence[Offer], *, scarcest_first: Sequence[int], steps: int) -> float:
    """Sum of prices of the lines, raised in turn as far as no location could serve any of them for less.

    Price v of a line is safe while at each location the sum of share x max(0, v - unit costs) over its lines
    stays within the fixed cost, where share is the part of the line that the location has (weak duality).
    """
    slack = [float(offer.fixed) for offer in offers]
    ways = [
        [
            (at, offer.prices[line] * quantity, offer.most[line] / quantity)
            for at, offer in enumerate(offers)
            if offer.most[line]
        ]
        for line, quantity in enumerate(problem.quantities)
    ]
    prices = [min([weight for _, weight, _ in way]) for way in ways]
    rounds = min(PRICE_ROUNDS, steps // sum(map(len, ways)))
    step = max(slack) / max(rounds, 1)
    for round_number in range(rounds + 1):
        for line in scarcest_first:
            way, price = ways[line], prices[line]
            raised = min([(price if price > weight else weight) + slack[at] / share for at, weight, share in way])
            if round_number < rounds:
                raised = min(raised, price + step)
            if raised > price:
                for at, weight, share in way:
                    if raised > weight:
                        slack[at] -= share * (raised - (price if price > weight else weight))
                prices[line] = raised
    return sum(prices)
