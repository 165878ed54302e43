"""Capable to promise: what could be had beyond ATP, from generators that are asked only when ATP fails.

A generator yields loads in the order of their day and is never asked for more of them than are needed: a transfer lane,
a supplier who sends himself, a workshop. What it costs to look at a year of capacity is paid for the days looked at.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from typing import NamedTuple

from oms_api.promising.rules.atp.steps import Steps, delivery_steps, first_day, quantity_on

HORIZON_DAYS = 3650
"""No generator looks further ahead."""


class Load(NamedTuple):
    """On day `on`, `quantity` more units that `by` brings."""

    on: int
    quantity: int
    by: str


class Capable(NamedTuple):
    """By day `on` all units are there: these from ATP, the rest in these loads (each cut to what is needed of it)."""

    on: int
    from_atp: int
    loads: tuple[Load, ...]


Generator = Callable[[], Iterable[Load]]


def capable(steps: Steps, quantity: int, generators: Sequence[Generator], *, by: int | None = None) -> Capable | None:
    """When a quantity can be had: from ATP if that is enough (by day `by`, when given), else with the generators' help.

    None when not even they ever bring it. The generators are started only when ATP fails, and read only as far as
    needed. `steps` must not fall.
    """
    first = first_day(steps, quantity)
    if first is not None and (by is None or first <= by):
        return Capable(first, quantity, ())
    found = gathered(steps, quantity, generators)
    loads = tuple(one for one in found if one.by)
    from_atp = sum(one.quantity for one in found if not one.by)
    if from_atp + sum(one.quantity for one in loads) < quantity:
        return None
    return Capable(found[-1].on, from_atp, loads)


def gathered(
    steps: Steps, quantity: int, generators: Sequence[Generator], *, loads_max: int | None = None
) -> list[Load]:
    """The earliest units, up to a quantity: of ATP (`by` nothing), and of generators in at most so many loads."""
    taken: list[Load] = []
    brought = loads = 0
    rises = [Load(day, units, "") for day, units in delivery_steps(quantity, steps)]
    for load in merge(rises, *(generator() for generator in generators), key=_day):
        part = min(load.quantity, quantity - brought)
        if part > 0 and (not load.by or loads != loads_max):
            taken.append(load._replace(quantity=part))
            brought += part
            loads += bool(load.by)
        if brought >= quantity:
            break
    return taken


def drop_shipped(
    name: str,
    lead_days: int,
    *,
    works: Callable[[int], bool] = lambda day: True,
    per_day: int | None = None,
    taken: Callable[[int], int] = lambda day: 0,
) -> Generator:
    """A supplier who needs so many working days, then sends what is wanted, or so many units a working day, less what
    others have `taken` of them."""

    def loads() -> Iterator[Load]:
        left = lead_days
        for day in range(HORIZON_DAYS):
            if not works(day):
                continue
            if left == 0:
                yield Load(day, _ANY if per_day is None else per_day - taken(day), name)
                if per_day is None:
                    return
            else:
                left -= 1

    return loads


def made(
    name: str,
    components: Sequence[tuple[Steps, int]],
    *,
    lead_days: int = 0,
    capacity: Callable[[int], int | None] = lambda day: None,
) -> Generator:
    """What can be assembled: on each day what components (ATP, units of it in one) and that day's capacity allow. What
    a lane carries is made of what is there at its other end.

    `capacity(day)`: units that can be started that day, None for any number; each is there `lead_days` later.
    """

    def loads() -> Iterator[Load]:
        started = 0
        last = max((part[-1].on for part, _ in components), default=0)
        most = min((part[-1].quantity // per for part, per in components), default=_ANY)
        for day in range(HORIZON_DAYS):
            can = min((quantity_on(part, day) // per for part, per in components), default=_ANY) - started
            room = capacity(day)
            units = can if room is None else min(can, room)
            if units > 0:
                started += units
                yield Load(day + lead_days, units, name)
            if day >= last and started >= most:
                return

    return loads


_ANY = 2**31 - 1


def _day(load: Load) -> int:
    return load.on
