"""What a demand class can be promised of rationed SKUs: read once for a question, asked as often as needed."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from oms_api import inventory
from oms_api.allocation import queries
from oms_api.allocation.queries import Ladder, ShareSet
from oms_api.inventory import Incoming, LetGo, Stock
from oms_api.kit import clock
from oms_api.kit.db import Reading
from oms_api.kit.errors import NotFound, Path
from oms_api.network import Network


class Free:
    """Units of rationed SKUs that are free, now and when all that is announced has come; everywhere or at a place."""

    def __init__(self, stock: Sequence[Stock], incoming: Sequence[Incoming]) -> None:
        self._now: dict[tuple[str, UUID | None], int] = {}
        self._more: dict[tuple[str, UUID | None], int] = {}
        for row in stock:
            units = max(row.free(), 0)
            for key in ((row.sku, None), (row.sku, row.location_id)):
                self._now[key] = self._now.get(key, 0) + units
        for supply in incoming:
            for key in ((supply.sku, None), (supply.sku, supply.location_id)):
                self._more[key] = self._more.get(key, 0) + supply.quantity

    def add(self, sku: str, location_id: UUID, units: int) -> None:
        """So many more are free at a location, and everywhere."""
        for key in ((sku, None), (sku, location_id)):
            self._now[key] = self._now.get(key, 0) + units

    def now(self, sku: str, location_id: UUID | None) -> int:
        return self._now.get((sku, location_id), 0)

    def ever(self, sku: str, location_id: UUID | None) -> int:
        return self.now(sku, location_id) + self._more.get((sku, location_id), 0)


class Limits:
    """The most that one class can be promised of each SKU, everywhere and at each location."""

    def __init__(self, demand_class: str | None, ladder: Ladder, sets: Sequence[ShareSet], free: Free) -> None:
        self.demand_class = demand_class
        self.ladder = ladder
        self.free = free
        self._today = clock.now().date()
        self._of: dict[tuple[str, UUID | None], ShareSet] = {
            (found.sku, found.location_id): found for found in sets if found.holds_on(self._today)
        }

    @property
    def any(self) -> bool:
        """Whether any of the SKUs is rationed today."""
        return bool(self._of)

    def now(self, sku: str, location_id: UUID | None = None) -> int | None:
        """Of what is on hand; None: it is not rationed there."""
        return self.reach(sku, location_id, self.free.now(sku, location_id))

    def later(self, sku: str, more: int, location_id: UUID | None = None) -> int | None:
        """When so many units more than now are free."""
        return self.reach(sku, location_id, self.free.now(sku, location_id) + more)

    def reach(self, sku: str, location_id: UUID | None, free: int) -> int | None:
        found = self._of.get((sku, location_id))
        return None if found is None else found.shares.reach(free, self.demand_class, self.ladder.rungs, self._today)


def class_for(ladder: Ladder, network: Network, named: str | None, path: Path) -> str | None:
    """The class of a question: the one that it names, else its channel's. Raises NotFound for one that is not known."""
    if named is None:
        return ladder.of_channel.get(network.channel.handle)
    check_class(ladder, named, path)
    return named


def check_class(ladder: Ladder, named: str, path: Path) -> None:
    """Raises NotFound for a class that is not known, or not active."""
    if named not in ladder.rungs:
        raise NotFound(
            f"There is no active demand class {named[:60]!r}; create it with demandClassesPut first.", path=path
        )


async def class_of(reading: Reading, network: Network, kept: str | None) -> str | None:
    """The class that was kept with something; None when there is none, or when it is not active any more."""
    return kept if kept is not None and kept in (await queries.ladder_of(reading, network)).rungs else None


async def limits(
    reading: Reading,
    network: Network,
    skus: Sequence[str],
    demand_class: str | None = None,
    path: Path = (),
    *,
    customer_group: str | None = None,
    given_up: Sequence[LetGo] = (),
    held: Mapping[tuple[str, UUID], int] | None = None,
) -> Limits | None:
    """What a class, else the customer group's (of that handle), else the channel's, can be promised of these SKUs; None
    when the tenant has no classes.

    As if reservations had let go the units `given_up`, of which `held`, by SKU and location, are on hand. No statement
    for a tenant without classes, one for SKUs without shares, three otherwise, and one for units that are given up.
    """
    ladder = await queries.ladder_of(reading, network)
    if demand_class is None and customer_group in ladder.rungs:
        demand_class = customer_group
    of = class_for(ladder, network, demand_class, path)
    if not ladder.rungs:
        return None
    sets = await queries.share_sets(reading, skus) if skus else []
    if not sets:
        return Limits(of, ladder, (), Free((), ()))
    stock, incoming = await inventory.stock(reading, sorted({found.sku for found in sets}), None)
    free = Free(stock, incoming)
    for (sku, location_id), units in (held or {}).items():
        free.add(sku, location_id, units)
    return Limits(of, ladder, await queries.given_up(reading, sets, given_up) if given_up else sets, free)
