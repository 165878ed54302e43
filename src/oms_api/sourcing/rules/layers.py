"""What one location can send as a whole: its sources share its stock, and those of a day its capacity."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from oms_api.sourcing.rules.columns import Columns
from oms_api.sourcing.rules.problem import fits


class Choice(NamedTuple):
    """Parcels of a plan or of a part of one, comparable: the smaller is to be preferred at equal score."""

    places: tuple[int, ...] = ()
    """Numbers of their locations, sorted."""
    columns: tuple[tuple[int, int], ...] = ()
    """(Number of the source, minus the sub-cart), sorted: more goes to the preferred source."""

    def joined(self, other: "Choice") -> "Choice":
        """Both parts together."""
        return Choice(tuple(sorted(self.places + other.places)), tuple(sorted(self.columns + other.columns)))


class Option(NamedTuple):
    """One way for a location to serve a sub-cart."""

    cost: int
    choice: Choice


Table = dict[int, dict[int, Option]]
"""Sub-cart → number of parcels → best option."""


def layer(columns: Columns, place: int, numbers: Sequence[int], fixed: Mapping[int, int], per_cost: int) -> Table:
    """What these sources of one location can serve between them; each sends one parcel at most."""
    if not numbers:
        return {}
    carts, problem, sources = columns.carts, columns.problem, columns.sources
    location = sources[numbers[0]].location
    limits = {day: carts.packed(units) for day, units in problem.chain(location)}
    table: Table = {0: {0: Option(0, Choice())}}
    by_day = sorted(numbers, key=lambda number: (sources[number].ships_on, number))
    for day, own in groupby(by_day, key=lambda number: sources[number].ships_on):
        table = _with_day(columns, place, table, list(own), limits[day], fixed, per_cost)
    del table[0]
    for code, options in table.items():
        penalty = per_cost * problem.penalty(location, carts.units(code))
        if penalty:
            table[code] = {parcels: Option(cost + penalty, how) for parcels, (cost, how) in options.items()}
    return table


def _with_day(
    columns: Columns,
    place: int,
    before: Table,
    numbers: Sequence[int],
    limit: tuple[int, ...],
    fixed: Mapping[int, int],
    per_cost: int,
) -> Table:
    """What can leave by the end of a day: what left before, and what the sources of the day add."""
    carts = columns.carts
    room = columns.problem.room(columns.sources[numbers[0]])
    table: Table = {code: dict(options) for code, options in before.items()}
    for sent, options in before.items():
        gone = carts.digits[sent]
        left = tuple(most - digit for most, digit in zip(limit, gone, strict=True))
        today: Table = {0: {0: Option(0, Choice())}}
        for number in numbers:
            _send(columns, place, number, today, left, fixed[number], per_cost)
        for code, ways in today.items():
            if not code:
                continue
            lines, units = carts.line_counts[code], carts.unit_counts[code]
            there = table.setdefault(sent + code, {})
            for parcels, way in ways.items():
                if not fits(room, parcels, lines, units):
                    continue
                columns.steps.spend(len(options))
                for earlier, (cost, choice) in options.items():
                    option = Option(cost + way.cost, choice.joined(way.choice))
                    there[earlier + parcels] = min(there.get(earlier + parcels, option), option)
            if not there:
                del table[sent + code]
    return table


def _send(
    columns: Columns,
    place: int,
    number: int,
    today: Table,
    left: tuple[int, ...],
    fixed: int,
    per_cost: int,
) -> None:
    """Add what one source could send to what others of its day do."""
    carts = columns.carts
    covered = carts.digits[columns.codes[number]]
    contents = columns.contents(columns.cards[number])
    grown: list[tuple[int, int, Option]] = []
    for sent, options in today.items():
        room = carts.encoded(
            min(has, most - gone) for has, most, gone in zip(covered, left, carts.digits[sent], strict=True)
        )
        columns.steps.spend(carts.counts[room] * 3)
        for code in carts.within(room):
            if not columns.allowed(code):
                continue
            own = Choice((place,), ((number, -code),))
            added = fixed + per_cost * contents[code]
            grown += [
                (sent + code, parcels + 1, Option(cost + added, choice.joined(own)))
                for parcels, (cost, choice) in options.items()
            ]
    for code, parcels, option in grown:
        there = today.setdefault(code, {})
        there[parcels] = min(there.get(parcels, option), option)
