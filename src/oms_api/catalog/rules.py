"""Pure decisions of the catalog: what a kit that holds kits is made of."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from oms_api.kit.errors import Invalid, Refusal

NESTING_MAX = 5
"""Kits within each other, the outermost included."""
PARTS_MAX = 500
UNITS_MAX = 1_000_000

Made = Mapping[str, Sequence[tuple[str, int]]]
"""Kits by code: what each is made of as it was put, (code, units); what is not a key has stock of its own."""


def circle(kits: Made, kit: str) -> list[str] | None:
    """The way from a kit back to itself through the kits that it holds, both ends included; None when there is none."""
    ways = [[kit]]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for part, _ in kits.get(way[-1], ()):
            if part == kit:
                return [*way, part]
            if part in kits and part not in seen:
                seen.add(part)
                ways.append([*way, part])
    return None


class Kit(NamedTuple):
    """A kit worked out: how many kits are within each other, itself included, and its units of SKUs with own stock."""

    nesting: int
    parts: dict[str, int]


def worked_out(kits: Made, kit: str, known: dict[str, Kit]) -> Kit:
    """A kit by its stocked parts; each kit is looked at once (`known`). There must be no circle."""
    if kit not in known:
        deep, units = 0, Counter[str]()
        for part, quantity in kits[kit]:
            if part in kits:
                inner = worked_out(kits, part, known)
                deep = max(deep, inner.nesting)
                for sku, each in inner.parts.items():
                    units[sku] += each * quantity
            else:
                units[part] += quantity
        known[kit] = Kit(1 + deep, dict(units))
    return known[kit]


def misfits(kits: Made, changed: Iterable[str], known: dict[str, Kit]) -> dict[str, Refusal]:
    """What is wrong with how these kits hold each other, by kit; `known` is filled when there is no circle."""
    found: dict[str, Refusal] = {}
    circles: set[frozenset[str]] = set()  # each told once, where it is met first
    for kit in changed:
        way = circle(kits, kit)
        if way and frozenset(way) not in circles:
            circles.add(frozenset(way))
            found[kit] = Invalid(f"{' > '.join(way)}: a kit cannot hold itself; take one out of the other.")
    if found:
        return found
    for kit in changed:
        deep, parts = worked_out(kits, kit, known)
        if deep > NESTING_MAX:
            found[kit] = Invalid(f"{kit} would be {deep} kits deep; at most {NESTING_MAX} may be within each other.")
        elif len(parts) > PARTS_MAX or max(parts.values()) > UNITS_MAX:
            found[kit] = Invalid(
                f"{kit} would be made of {len(parts)} SKUs, of one {max(parts.values()):,} units; at most {PARTS_MAX} "
                f"and {UNITS_MAX:,} are allowed."
            )
    return found
