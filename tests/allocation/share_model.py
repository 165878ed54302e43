"""Shares in plain Python, a unit at a time: slow, and nothing of the application in it."""

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

POOL = ""
NOBODY = "nobody"
"""Demand without a class."""


class Part(NamedTuple):
    """A class's share."""

    target: int
    hard: bool = False
    robbed: bool = False
    """Better ranks may still take of it."""


class Model:
    """One SKU at one place: what is free, and who took how many of whose share. `ladder`: rank and parent by class."""

    def __init__(
        self, basis: str, parts: Mapping[str, Part], ladder: Mapping[str, tuple[int, str | None]], free: int
    ) -> None:
        self.basis, self.ladder, self.free = basis, ladder, free
        self.parts = dict(sorted(parts.items()))
        self.used: Counter[str] = Counter()
        self.has: Counter[tuple[str, str]] = Counter()
        """Units by class and by the share that they were taken of."""

    def put(self, basis: str, parts: Mapping[str, Part]) -> None:
        """Share out anew; what was taken stays taken."""
        kept = {name: Part(0) for name, units in self.used.items() if units and name not in parts and name != POOL}
        self.basis, self.parts = basis, dict(sorted({**parts, **kept}.items()))

    def sizes(self) -> dict[str, int]:
        whole = self.free + self.used.total()
        sizes = {POOL: self.used[POOL], **{name: self.used[name] for name in self.parts}}
        weights = {POOL: 0, **{name: part.target for name, part in self.parts.items()}}
        if self.basis == "UNITS":
            asked = {name: max(part.target, self.used[name]) for name, part in self.parts.items()}
            if sum(asked.values()) + self.used[POOL] <= whole:
                return {POOL: whole - sum(asked.values()), **asked}
        elif self.basis == "PERCENT":
            weights[POOL] = 10_000 - sum(weights.values())
        for _ in range(whole - sum(sizes.values())):
            best = max(weights, key=lambda name: Fraction(weights[name], sizes[name] + 1))
            sizes[best] += 1 if weights[best] else 0
        return sizes

    def left(self) -> dict[str, int]:
        return {name: size - self.used[name] for name, size in self.sizes().items()}

    def above(self, who: str) -> list[str]:
        found: list[str] = []
        while who in self.ladder:
            found.append(who)
            who = self.ladder[who][1] or NOBODY
        return found

    def may_take_of(self, who: str) -> list[str]:
        own = [name for name in self.above(who) if name in self.parts]
        if any(self.parts[name].hard for name in own):
            return own
        rank, parent = self.ladder.get(who, (0, None))
        lower = [
            name
            for name, part in self.parts.items()
            if part.robbed and who in self.ladder and self.ladder[name][1] == parent and self.ladder[name][0] > rank
        ]
        return [*own, POOL, *sorted(lower, key=lambda name: (-self.ladder[name][0], name))]

    def reach(self, who: str) -> int:
        left = self.left()
        return sum(left[name] for name in self.may_take_of(who))

    def take(self, who: str, units: int) -> list[str] | None:
        """The share of each unit, in the order taken; None when there are not so many for this class."""
        taken: list[str] = []
        for _ in range(units):
            left = self.left()
            share = next((name for name in self.may_take_of(who) if left[name] > 0), None)
            if share is None:
                self.give_back(who, taken, len(taken))
                return None
            taken.append(share)
            self.used[share] += 1
            self.has[who, share] += 1
            self.free -= 1
        return taken

    def give_back(self, who: str, taken: list[str], units: int) -> None:
        """The last of what was taken; `taken` is shortened."""
        for _ in range(units):
            share = taken.pop()
            self.used[share] -= 1
            self.has[who, share] -= 1
            self.free += 1
