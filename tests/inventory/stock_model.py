"""The stock ledger in plain Python, for one caller at a time: what every verb must come to.

It knows nothing of locks, statements or sweeping: a reservation that has ended holds nothing, at once.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

Place = tuple[str, str]


class Ask(NamedTuple):
    """Units wanted of a SKU at a place, of a supply when one is named, for a line of an order."""

    sku: str
    place: str
    units: int
    supply: str | None = None
    line: int | None = None


@dataclass
class Line:
    number: int
    at: Place
    supply: str | None
    units: int
    line: int | None
    hold: "Hold"


@dataclass
class Hold:
    """A reservation. `ends` in seconds of the model's clock; None for an order's."""

    ends: float | None
    owner: int | None
    open: bool = True


@dataclass
class Coming:
    at: Place
    left: int
    received: int = 0


class No(Exception):
    """What the ledger must refuse; the argument is the code."""


@dataclass
class Model:
    clock: float = 0
    usable: dict[Place, int] = field(default_factory=lambda: defaultdict(int))
    damaged: dict[Place, int] = field(default_factory=lambda: defaultdict(int))
    coming: dict[str, Coming] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    numbers: "count[int]" = field(default_factory=count)
    doubted: set[Place] = field(default_factory=set)

    def live(self, line: Line) -> bool:
        return line.hold.open and (line.hold.ends is None or line.hold.ends > self.clock)

    def held(self, at: Place) -> int:
        return sum(line.units for line in self.lines if line.at == at and line.supply is None and self.live(line))

    def promised(self, supply: str) -> int:
        return sum(line.units for line in self.lines if line.supply == supply and self.live(line))

    def adjust(self, changes: list[tuple[Place, int, bool]]) -> None:
        usable, damaged = dict(self.usable), dict(self.damaged)
        for at, delta, whole in changes:
            bucket = usable if whole else damaged
            bucket[at] = bucket.get(at, 0) + delta
        if min([*usable.values(), *damaged.values()], default=0) < 0:
            raise No("INVALID")
        self.usable.update(usable)
        self.damaged.update(damaged)

    def set(self, at: Place, quantity: int, expected: int | None) -> None:
        if expected is not None and expected != self.usable[at]:
            raise No("STALE_QUANTITY")
        self.usable[at] = quantity

    def put(self, reference: str, at: Place, quantity: int) -> None:
        known = self.coming.get(reference)
        if known and known.at != at:
            raise No("INVALID")
        self.coming.setdefault(reference, Coming(at, quantity)).left = quantity

    def receive(self, reference: str, quantity: int, close: bool) -> None:
        supply = self.coming.get(reference)
        if quantity == 0 and not close:
            raise No("INVALID")
        if supply is None:
            raise No("NOT_FOUND")
        if quantity > supply.left:
            raise No("EXCEEDS_REMAINING")
        supply.left = 0 if close else supply.left - quantity
        supply.received += quantity
        self.usable[supply.at] += quantity
        waiting = [line for line in self.lines if line.supply == reference and line.units and line.hold.open]
        for line in sorted(waiting, key=lambda line: (line.hold.ends is not None, line.number)):
            part = min(quantity, line.units)
            quantity -= part
            if part == line.units:
                line.supply = None
            elif part:
                line.units -= part
                self.lines.append(Line(next(self.numbers), line.at, None, part, line.line, line.hold))

    def reserve(self, asks: list[Ask], owner: int | None, seconds: float) -> Hold:
        places: dict[Place, int] = defaultdict(int)
        supplies: dict[str, int] = defaultdict(int)
        for ask in asks:
            if ask.supply is None:
                places[ask.sku, ask.place] += ask.units
            elif self.coming[ask.supply].at != (ask.sku, ask.place):
                raise No("INSUFFICIENT_STOCK")
            else:
                supplies[ask.supply] += ask.units
        if any(self.usable[at] - self.held(at) < units for at, units in places.items()) or any(
            self.coming[name].left - self.promised(name) < units for name, units in supplies.items()
        ):
            raise No("INSUFFICIENT_STOCK")
        hold = Hold(None if owner is not None else self.clock + seconds, owner)
        for ask in asks:
            self.lines.append(Line(next(self.numbers), (ask.sku, ask.place), ask.supply, ask.units, ask.line, hold))
        return hold

    def _cart(self, hold: Hold, gone: str) -> None:
        if not hold.open:
            raise No(gone)
        if hold.owner is not None:
            raise No("INVALID")

    def adopt(self, hold: Hold, owner: int) -> None:
        if hold.open and hold.ends is not None and hold.ends <= self.clock:
            raise No("EXPIRED")
        self._cart(hold, "INVALID_TRANSITION")
        hold.owner, hold.ends = owner, None

    def release(self, hold: Hold) -> None:
        self._cart(hold, "INVALID_TRANSITION")
        hold.open = False
        for line in self.lines:
            if line.hold is hold:
                line.units = 0

    def move(self, at: Place, to: Place, units: int) -> None:
        if self.usable[at] < units:
            raise No("INVALID")
        self.usable[at] -= units
        self.usable[to] += units

    def count(self, at: Place, counted: int, above: int) -> None:
        """A difference beyond belief is booked at the second count, whatever it says."""
        if abs(counted - self.usable[at]) > above and at not in self.doubted:
            self.doubted.add(at)
            return
        self.doubted.discard(at)
        self.usable[at] = counted

    def give_part(self, hold: Hold, sku: str, units: int) -> None:
        held = [line for line in self.lines if line.hold is hold and line.at[0] == sku and line.units]
        if sum(line.units for line in held) < units:
            raise No("EXCEEDS_REMAINING")
        for line in sorted(held, key=lambda line: (line.supply is not None, line.number), reverse=True):
            part = min(units, line.units)
            line.units -= part
            units -= part
        if not any(line.units for line in self.lines if line.hold is hold):
            hold.open = False

    def relocate(self, hold: Hold, at: Place, to: Place, units: int) -> None:
        held = [line for line in self.lines if line.hold is hold and line.at == at and line.units and not line.supply]
        if sum(line.units for line in held) < units:
            raise No("EXCEEDS_REMAINING")
        if self.usable[to] - self.held(to) < units:
            raise No("INSUFFICIENT_STOCK")
        for line in sorted(held, key=lambda line: line.number):
            part = min(units, line.units)
            if part:
                line.units -= part
                units -= part
                self.lines.append(Line(next(self.numbers), to, None, part, line.line, line.hold))

    def leave(self, owner: int, line_id: int | None, at: Place, units: int, *, shipped: bool) -> None:
        held = [
            line
            for line in self.lines
            if line.hold.owner == owner and line.line == line_id and line.at == at and line.units
        ]
        held = [line for line in held if line.supply is None or not shipped]
        held.sort(key=lambda line: (line.supply is None, line.number))
        if sum(line.units for line in held) < units:
            raise No("EXCEEDS_REMAINING")
        left = units
        for line in held:
            part = min(left, line.units)
            line.units -= part
            left -= part
        if shipped:
            self.usable[at] = max(0, self.usable[at] - units)

    def restock(self, at: Place, units: int, *, whole: bool) -> None:
        (self.usable if whole else self.damaged)[at] += units
