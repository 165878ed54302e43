"""What a plan is made from: checked lines, what they are made of, and the stock of the channel's network."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from oms_api import catalog, inventory
from oms_api.catalog import Item, SkuKind
from oms_api.inventory import InsufficientStock
from oms_api.kit import clock
from oms_api.kit.db import Reading
from oms_api.kit.errors import Invalid, NotFound, Path, Refusal, refuse
from oms_api.network import Location, Network
from oms_api.promising.models import Destination, Line
from oms_api.promising.rules import Position, position
from oms_api.promising.service.place import Place, places_of
from oms_api.promising.service.reach import Reach
from oms_api.promising.service.shelf import Shelf

LINES_MAX = 500
QUANTITY_MAX = 10_000_000
POSTAL_CODE_MAX = 20
UNSTOCKED = frozenset({SkuKind.DIGITAL, SkuKind.SERVICE})


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that was read, at one instant.

    `parts[i]` is what one unit of line i takes from stock (units by SKU; empty when it needs none). `shelf` has the
    locations that can serve it, `offered` caps each SKU's units on hand after the channel's threshold.
    """

    network: Network
    lines: tuple[Line, ...]
    parts: tuple[Mapping[str, int], ...]
    grams: Mapping[str, int]
    destination: Destination | None
    collected: bool
    shelf: Shelf
    offered: Mapping[str, int]
    offered_later: Mapping[str, int]
    """Units by SKU that supply adds to `offered`, sooner or later."""
    path: Path

    @property
    def candidates(self) -> list[Place]:
        """Locations that can serve it, preferred first."""
        return [place for place in places_of(self.network) if place.id in self.shelf.places]

    @property
    def named(self) -> dict[str, Place]:
        """Those locations by handle."""
        return {place.handle: place for place in self.shelf.places.values()}

    @property
    def now(self) -> datetime:
        return self.shelf.reach.now

    def servable(self, offered: Mapping[str, int], wanted: Sequence[int]) -> list[int]:
        """Units of each line that these units of stock serve, earlier lines first; whole kits only."""
        left = dict(offered)
        served = []
        for parts, quantity in zip(self.parts, wanted, strict=True):
            units = min((left.get(sku, 0) // per_unit for sku, per_unit in parts.items()), default=quantity)
            units = min(units, quantity)
            for sku, per_unit in parts.items():
                left[sku] -= units * per_unit
            served.append(units)
        return served

    def demand(self, wanted: Sequence[int]) -> Counter[str]:
        """Units by SKU that these units of the lines take from stock."""
        found: Counter[str] = Counter()
        for parts, quantity in zip(self.parts, wanted, strict=True):
            for sku, per_unit in parts.items():
                found[sku] += quantity * per_unit
        return found

    def short(self, served: Sequence[int]) -> list[Refusal]:
        """One refusal for each SKU, as it is sold, of which fewer units are served than wanted."""
        demand = self.demand([line.quantity for line in self.lines])
        wanted: Counter[str] = Counter()
        found: Counter[str] = Counter()
        first: dict[str, int] = {}
        for i, (line, units) in enumerate(zip(self.lines, served, strict=True)):
            wanted[line.sku] += line.quantity
            found[line.sku] += units
            if units < line.quantity:
                first.setdefault(line.sku, i)
        return [
            self._insufficient(i, sku, wanted[sku], found[sku], self._promisable_at(self.parts[i], demand))
            for sku, i in first.items()
        ]

    def _promisable_at(self, parts: Mapping[str, int], demand: Mapping[str, int]) -> datetime | None:
        threshold = self.network.channel.threshold
        instants = [self.shelf.promisable_at(sku, demand[sku], threshold) for sku in parts if self.lacks(sku, demand)]
        found = [instant for instant in instants if instant is not None]
        return max(found) if found and len(found) == len(instants) else None

    def lacks(self, sku: str, demand: Mapping[str, int]) -> bool:
        return self.offered.get(sku, 0) < demand[sku]

    def _insufficient(
        self, i: int, sku: str, requested: int, available: int, promisable_at: datetime | None
    ) -> InsufficientStock:
        later = f"the rest from {promisable_at.date().isoformat()}" if promisable_at else "no supply is expected for it"
        refusal = InsufficientStock(
            f"{requested} of {sku} were asked for, {available} can be promised now, {later}; "
            "ask for fewer or allow a later date.",
            path=(*self.path, i, "quantity"),
            details={"sku": sku, "requested": requested, "available": available},
        )
        if promisable_at and refusal.details:
            refusal.details["next_available_at"] = promisable_at
        return refusal


def components(item: Item) -> Mapping[str, int]:
    """Units by SKU that one unit takes from stock: a kit's components, nothing for what has no stock."""
    if item.kind is SkuKind.KIT:
        return item.components
    return {} if item.kind in UNSTOCKED else {item.code: 1}


async def read(
    reading: Reading,
    *,
    network: Network,
    lines: Sequence[Line],
    destination: Destination | None,
    pickup: Sequence[Location] | None,
    items: Mapping[str, Item] | None,
    path: Path,
) -> Question:
    """Check the lines and read what they need: the items unless given, components of kits, stock; one statement each.

    Raises every problem of the lines at once: Invalid, NotFound.
    """
    problems = _problems(lines, path)
    refuse(problems)
    there = located(destination, problems)
    known = items if items is not None else await catalog.items(reading, list({line.sku for line in lines}))
    problems += [unknown_sku(line.sku, (*path, i, "sku")) for i, line in enumerate(lines) if line.sku not in known]
    refuse(problems)
    parts = tuple(components(known[line.sku]) for line in lines)
    stocked = {sku for part in parts for sku in part}
    unread = [sku for sku in stocked if sku not in known]
    all_known = {**known, **(await catalog.items(reading, unread))} if unread else known
    collected = pickup is not None
    reach = Reach(clock.now(), there, collected=collected)
    places = places_of(network)
    if pickup is not None:
        wanted = {row.id for row in pickup}
        places = tuple(place for place in places if place.id in wanted)
    # the threshold is withheld from the sum over the channel's locations, also over those that cannot send
    summed = [place for place in places if place.active and (place.ships or place.pickup)]
    serving = [place for place in summed if place.serves(collected=collected)]
    stock, incoming = (
        await inventory.stock(reading, sorted(stocked), [place.id for place in summed])
        if stocked and summed
        else ([], [])
    )
    whole = Shelf(summed, stock, incoming, reach)
    shelf = whole if len(serving) == len(summed) else Shelf(serving, stock, incoming, reach)
    offered, later = _offered(shelf, whole, stocked, network.channel.threshold)
    return Question(
        network=network,
        lines=tuple(lines),
        parts=parts,
        grams={sku: all_known[sku].grams for sku in stocked},
        destination=destination,
        collected=collected,
        shelf=shelf,
        offered=offered,
        offered_later=later,
        path=path,
    )


def _offered(shelf: Shelf, summed: Shelf, skus: set[str], threshold: int) -> tuple[dict[str, int], dict[str, int]]:
    """Units by SKU that the channel may promise now, and those that supply adds."""
    now: dict[str, int] = {}
    later: dict[str, int] = {}
    for sku in skus:
        now[sku] = min(shelf.now(sku), max(summed.now(sku) - threshold, 0))
        if summed.coming.get(sku):
            in_all = min(shelf.steps(sku, 0)[-1].quantity, summed.steps(sku, threshold)[-1].quantity)
            later[sku] = in_all - now[sku]
    return now, later


def _problems(lines: Sequence[Line], path: Path) -> list[Refusal]:
    if not 1 <= len(lines) <= LINES_MAX:
        return [Invalid(f"Send 1 to {LINES_MAX} lines, not {len(lines)}.", path=path)]
    return [
        Invalid(f"{line.quantity} of {line.sku[:60]} must be 1 to {QUANTITY_MAX:,}.", path=(*path, i, "quantity"))
        for i, line in enumerate(lines)
        if not 1 <= line.quantity <= QUANTITY_MAX
    ]


def unknown_sku(sku: str, path: Path) -> NotFound:
    return NotFound(f"There is no SKU {sku[:60]!r}; put it first.", path=path)


def unknown_channel(handle: str) -> NotFound:
    return NotFound(f"There is no channel {handle[:60]!r}; put it first.", path=("input", "channel"))


def located(destination: Destination | None, problems: list[Refusal]) -> Position | None:
    """Where a destination is; what is wrong with it is added to `problems`."""
    if destination is None:
        return None
    if len(destination.postal_code or "") > POSTAL_CODE_MAX:
        problems.append(
            Invalid(
                f"postalCode must have at most {POSTAL_CODE_MAX} characters.",
                path=("input", "destination", "postalCode"),
            )
        )
        return None
    there = position(destination.country, destination.postal_code)
    if there is None:
        problems.append(
            Invalid(
                f"We do not know where {destination.country!r} is; send an ISO 3166-1 alpha-2 country.",
                path=("input", "destination", "country"),
            )
        )
    return there
