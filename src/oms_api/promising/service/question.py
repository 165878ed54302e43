"""What a plan is made from: checked lines, what they are made of, and the stock of the channel's network."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from oms_api import allocation, catalog, inventory, sourcing
from oms_api.catalog import Item, SkuKind
from oms_api.inventory import Incoming, InsufficientStock, Stock
from oms_api.kit import clock
from oms_api.kit.db import Reading
from oms_api.kit.errors import Invalid, NotFound, Path, Refusal, refuse
from oms_api.network import Location, Network, capacity_taken, coordinate_problems
from oms_api.promising.errors import unknown_sku
from oms_api.promising.models import DeliveryMethod, Destination, Generated, Line
from oms_api.promising.queries import rulebook_of
from oms_api.promising.rules import Position, position
from oms_api.promising.service.imagining import Assumptions
from oms_api.promising.service.margins import UnitCosts
from oms_api.promising.service.place import Place, places_of
from oms_api.promising.service.reach import CAPACITY_DAYS, Reach
from oms_api.promising.service.shelf import Shelf
from oms_api.promising.service.steering import Steering, steer
from oms_api.promising.service.wanted import fenced, today_of, untimely_lines
from oms_api.sourcing import Demand, Live

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
    cm3: Mapping[str, int]
    """Volume of one unit by SKU, 0 when not known."""
    destination: Destination | None
    collected: bool
    shelf: Shelf
    offered: Mapping[str, int]
    offered_later: Mapping[str, int]
    """Units by SKU that supply adds to `offered`, sooner or later."""
    path: Path
    steering: Steering
    unit_costs: UnitCosts
    left_out: Shelf | None = None
    """Locations that the policy leaves out, with what they have; None when it leaves out none."""
    assuming: Assumptions | None = None
    """What is only imagined: such a plan cannot be held."""
    whole: Shelf | None = None
    """All locations whose stock counts for the channel's threshold, when those of `shelf` are fewer."""
    waiting: frozenset[str] = frozenset()
    """SKUs whose ATP rule brings more: their units may wait whatever is asked for on a shortage."""
    generated: Mapping[UUID, Generated] = field(default_factory=dict)
    """What such rules bring, by the id that stands for its supply."""

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

    def demands(self, units: Mapping[str, int]) -> list[Demand]:
        """These units by SKU in the planner's words."""
        values = self.steering.values
        return [
            Demand(sku, count, self.grams[sku], self.cm3[sku], values.get(sku, 0))
            for sku, count in units.items()
            if count
        ]

    def short(self, served: Sequence[int], asked: Sequence[int] | None = None) -> list[Refusal]:
        """One refusal for each SKU, as it is sold, of which fewer units are served than wanted, or than `asked`."""
        if asked is None:
            asked = [line.quantity for line in self.lines]
        demand = self.demand(asked)
        wanted: Counter[str] = Counter()
        found: Counter[str] = Counter()
        first: dict[str, int] = {}
        for i, (line, quantity, units) in enumerate(zip(self.lines, asked, served, strict=True)):
            wanted[line.sku] += quantity
            found[line.sku] += units
            if units < quantity:
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
        later = f"the rest from {promisable_at.date().isoformat()}" if promisable_at else "no supply covers the rest"
        when = self.lines[i].requested_on
        now = self.servable(self.offered, [line.quantity for line in self.lines])
        by = f"for {when}" if when else "now" if available <= now[i] else "in all"
        refusal = InsufficientStock(
            f"{requested} of {sku} were asked for, {available} can be promised {by}, {later}; "
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
    demand_class: str | None = None,
    assuming: Assumptions | None = None,
    customer_group: str | None = None,
    live: Live | None = None,
    at: datetime | None = None,
) -> Question:
    """Check the lines and read what they need: the items unless given, components of kits, stock; one statement each.

    `live` decides in place of the channel's sourcing policy; `at` is the instant in place of now. Raises every
    problem of the lines at once: Invalid, NotFound.
    """
    refuse([*_size(lines, path), *(assuming.size() if assuming is not None else ())])
    now = assuming.instant if assuming else at or clock.now()
    today = today_of(network, now)
    known, there = await _checked(reading, network, lines, destination, items, assuming, today, path)
    parts = tuple(components(known[line.sku]) for line in lines)
    stocked = sorted({sku for part in parts for sku in part})
    if unread := [sku for sku in stocked if sku not in known]:
        known = {**known, **(await catalog.items(reading, unread))}
    collected = pickup is not None
    reach = Reach(now, network, destination, there, collected=collected)
    summed = _summed(network, pickup, assuming)
    serving = [place for place in summed if place.serves(collected=collected)]
    await count_capacity(reading, reach, serving, max(line.requested_on or today for line in lines))
    stock, incoming = await _stock(reading, network, stocked, summed, assuming, collected=collected)
    book = await rulebook_of(reading, network)
    refuse(fenced(lines, parts, book, today, path))
    steering = steer(
        live or await sourcing.live_of(reading, network),
        network=network,
        lines=lines,
        items=known,
        destination=destination,
        there=there,
        collected=collected,
        customer_group=customer_group,
        places=serving,
        stock=stock,
    )
    shares = await allocation.limits(
        reading, network, stocked, demand_class, customer_group=customer_group, path=("input", "demandClass")
    )

    def shelf_of(places: Sequence[Place]) -> Shelf:
        return Shelf(places, stock, incoming, reach, book, shares)

    left_out = None
    if excluded := steering.ruled.excluded:
        left_out = shelf_of([place for place in serving if place.handle in excluded])
        serving = [place for place in serving if place.handle not in excluded]
    if not collected:
        stocked_at = {*(row.location_id for row in stock), *(row.location_id for row in incoming)}
        serving = _sending(serving, reach, stocked_at)
    whole = shelf_of(summed)
    shelf = whole if len(serving) == len(summed) else shelf_of(serving)
    offered, later = _offered(shelf, whole, stocked, network.channel.threshold)
    return Question(
        network=network,
        lines=tuple(lines),
        parts=parts,
        grams={sku: known[sku].grams for sku in stocked},
        cm3={sku: known[sku].cm3 for sku in stocked},
        destination=destination,
        collected=collected,
        shelf=shelf,
        offered=offered,
        offered_later=later,
        path=path,
        steering=steering,
        unit_costs=UnitCosts(known.values(), network.channel.currency),
        left_out=left_out,
        assuming=assuming,
        whole=whole,
    )


async def _checked(
    reading: Reading,
    network: Network,
    lines: Sequence[Line],
    destination: Destination | None,
    items: Mapping[str, Item] | None,
    assuming: Assumptions | None,
    today: date,
    path: Path,
) -> tuple[Mapping[str, Item], Position | None]:
    """What is sold by these lines, and where they go. Raises all that is wrong with them."""
    known = items
    if known is None:
        imagined = assuming.skus if assuming else set()
        known = await catalog.items(reading, list({line.sku for line in lines} | imagined))
    problems = _problems(lines, known if items is None else None, path)
    problems += untimely_lines(lines, today, path)
    problems.sort(key=lambda problem: int(problem.path[len(path)]))
    there = located(destination, problems)
    if assuming is not None:
        problems += assuming.problems({place.handle: place for place in places_of(network)}, known)
    refuse(problems)
    return known, there


def _summed(network: Network, pickup: Sequence[Location] | None, assuming: Assumptions | None) -> list[Place]:
    """Locations whose stock counts: the threshold is withheld from their sum, also over those that cannot send."""
    closed = set(assuming.closed) if assuming is not None else ()
    wanted = None if pickup is None else {row.id for row in pickup}
    return [
        place
        for place in places_of(network)
        if place.active
        and (place.ships or place.pickup)
        and place.handle not in closed
        and (wanted is None or place.id in wanted)
    ]


async def _stock(
    reading: Reading,
    network: Network,
    skus: Sequence[str],
    places: Sequence[Place],
    assuming: Assumptions | None,
    *,
    collected: bool,
) -> tuple[Sequence[Stock], Sequence[Incoming]]:
    """What there is and what comes at these places, as far as it is not imagined otherwise."""
    stock: Sequence[Stock] = ()
    incoming: Sequence[Incoming] = ()
    if skus and places:
        method = DeliveryMethod.PICKUP if collected else DeliveryMethod.SHIPPING
        ids, channel = [place.id for place in places], network.channel.handle
        stock, incoming, _ = await inventory.known_stock(reading, skus, ids, method=method, channel=channel)
    if assuming is None:
        return stock, incoming
    return await assuming.imagine(reading, stock, incoming, {place.handle: place for place in places}, skus)


def _sending(places: Sequence[Place], reach: Reach, stocked: Collection[UUID]) -> list[Place]:
    """Those of the `stocked` from which a parcel goes to the destination some day, and the others; none when no service
    goes there from any."""
    found = [place for place in places if place.id not in stocked or reach.trips(place)]
    return found if any(map(reach.goes, found)) else []


async def count_capacity(reading: Reading, reach: Reach, places: Sequence[Place], until: date | None = None) -> None:
    """Read what is taken of the locations that have limits, also after the day `until` when that is later: one
    statement, none when no location has any."""
    limited = [place for place in places if place.limits]
    if limited:
        first = reach.now.date() - timedelta(days=1)
        last = max(first, until or first) + timedelta(days=CAPACITY_DAYS)
        reach.count(limited, await capacity_taken(reading, [place.id for place in limited], first, last))


def _offered(shelf: Shelf, summed: Shelf, skus: Sequence[str], threshold: int) -> tuple[dict[str, int], dict[str, int]]:
    """Units by SKU that the channel may promise now, and those that supply adds."""
    now: dict[str, int] = {}
    later: dict[str, int] = {}
    for sku in skus:
        now[sku] = min(shelf.now(sku), summed.offered(sku, threshold))
        if summed.coming.get(sku):
            in_all = min(shelf.steps(sku, 0)[-1].quantity, summed.steps(sku, threshold)[-1].quantity)
            later[sku] = in_all - now[sku]
    return now, later


def _size(lines: Sequence[Line], path: Path) -> list[Refusal]:
    if 1 <= len(lines) <= LINES_MAX:
        return []
    return [Invalid(f"Send 1 to {LINES_MAX} lines, not {len(lines)}.", path=path)]


def _problems(lines: Sequence[Line], known: Mapping[str, Item] | None, path: Path) -> list[Refusal]:
    """What is wrong with SKUs, unless `known` is None, and quantities."""
    found: list[Refusal] = []
    for i, line in enumerate(lines):
        if known is not None and line.sku not in known:
            found.append(unknown_sku(line.sku, (*path, i, "sku")))
        if not 1 <= line.quantity <= QUANTITY_MAX:
            found.append(
                Invalid(
                    f"{line.quantity} of {line.sku[:60]} must be 1 to {QUANTITY_MAX:,}.", path=(*path, i, "quantity")
                )
            )
    return found


def unknown_channel(handle: str) -> NotFound:
    return NotFound(f"There is no channel {handle[:60]!r}; create it with channelPut first.", path=("input", "channel"))


def located(destination: Destination | None, problems: list[Refusal]) -> Position | None:
    """Where a destination is: by its coordinates, else by its postal code or country. What is wrong with it is added to
    `problems`."""
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
        return None
    here = destination.latitude, destination.longitude
    if wrong := coordinate_problems(*here, ("input", "destination")):
        problems += wrong
        return None
    return there if here[0] is None or here[1] is None else (here[0], here[1])
