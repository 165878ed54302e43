"""What-if: the same question over stock, supply, closures and a time that are only imagined."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from oms_api import inventory
from oms_api.inventory import UNITS_MAX, Incoming, Stock
from oms_api.kit import clock, ids
from oms_api.kit.db import Reading
from oms_api.kit.errors import Invalid, NotFound, Path, Refusal, refuse
from oms_api.kit.times import out_of_reach
from oms_api.promising.errors import unknown_sku
from oms_api.promising.service.place import Place

ASSUMING = ("input", "assuming")
CHANGES_MAX = 1000


def not_of_channel(handle: str, path: Path) -> NotFound:
    return NotFound(
        f"{handle[:60]!r} is not a location of this channel; name one that is, or add it with channelPut first.",
        path=path,
    )


class ImaginedStock(NamedTuple):
    """Units more, or fewer, at a location, by its handle."""

    sku: str
    location: str
    delta: int


class ImaginedSupply(NamedTuple):
    """A supply as it would stand: it takes the place of the one with its reference; 0 withdraws it."""

    reference: str
    sku: str
    location: str
    quantity: int
    expected_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What is imagined; `closed` are handles of locations."""

    closed: Sequence[str] = ()
    stock: Sequence[ImaginedStock] = ()
    supply: Sequence[ImaginedSupply] = ()
    now: datetime | None = None
    policy: tuple[str, int] | None = None
    """A published version of a sourcing policy that decides in place of the live one."""
    alone: bool = False
    """The imagined stock is all that there is, and no supply comes."""
    path: Path = ASSUMING

    @property
    def instant(self) -> datetime:
        """As of when it is asked; now, when that is out of reach."""
        return clock.now() if self.now is None or out_of_reach(self.now, (), "") else self.now

    @property
    def skus(self) -> set[str]:
        """The SKUs whose stock or supply is imagined."""
        return {row.sku for row in self.stock} | {row.sku for row in self.supply}

    def size(self) -> list[Refusal]:
        """Whether it is too much to look at."""
        if len(self.closed) + len(self.stock) + len(self.supply) > CHANGES_MAX:
            return [Invalid(f"Assume at most {CHANGES_MAX:,} changes at once.", path=self.path)]
        return []

    def problems(self, places: Mapping[str, Place], known: Container[str]) -> list[Refusal]:
        """What names no location of the channel, no known SKU or no possible number, in the order of the input."""
        found: list[Refusal] = [
            not_of_channel(handle, (*self.path, "closedLocations", i))
            for i, handle in enumerate(self.closed)
            if handle not in places
        ]
        changes: list[tuple[str, Sequence[ImaginedStock | ImaginedSupply]]]
        changes = [("stock", self.stock), ("supply", self.supply)]
        for name, rows in changes:
            for i, row in enumerate(rows):
                path = (*self.path, name, i)
                if row.sku not in known:
                    found.append(unknown_sku(row.sku, (*path, "sku")))
                if row.location not in places:
                    found.append(not_of_channel(row.location, (*path, "location")))
                if isinstance(row, ImaginedSupply):
                    if not 0 <= row.quantity <= UNITS_MAX:
                        found.append(
                            Invalid(
                                f"{row.quantity} units cannot come; assume 0 to {UNITS_MAX:,}.",
                                path=(*path, "quantity"),
                            )
                        )
                    found += out_of_reach(row.expected_at, (*path, "expectedAt"), "assume")
        found += out_of_reach(self.now, (*self.path, "now"), "assume")
        return found

    async def imagine(
        self,
        reading: Reading,
        stock: Sequence[Stock],
        incoming: Sequence[Incoming],
        places: Mapping[str, Place],
        skus: Container[str],
    ) -> tuple[list[Stock], list[Incoming]]:
        """These rows, all that there are of these SKUs at these places, as they would be. What is imagined of others
        changes nothing. Raises Invalid for units that are not there to be taken away."""
        if self.alone:
            return self.imagined((), places, skus), []
        return self.imagined(stock, places, skus), await self._supply(reading, incoming, places)

    def imagined(self, stock: Sequence[Stock], places: Mapping[str, Place], skus: Container[str]) -> list[Stock]:
        """These rows, as `imagine` has them."""
        rows = {(row.sku, row.location_id): row for row in stock}
        problems: list[Refusal] = []
        for i, change in enumerate(self.stock):
            if change.sku not in skus or change.location not in places:
                continue
            key = (change.sku, places[change.location].id)
            row = rows.get(key) or Stock(*key, on_hand=0, reserved=0, safety=0, updated_at=self.instant)
            units = row.on_hand + change.delta
            if not 0 <= units <= UNITS_MAX:
                problems.append(
                    Invalid(
                        f"{change.delta:+} of {change.sku[:60]} at {change.location} would leave {units:,} on hand; "
                        f"it has {row.on_hand:,}.",
                        path=(*self.path, "stock", i, "delta"),
                    )
                )
                continue
            rows[key] = row._replace(on_hand=units)
        refuse(problems)
        return list(rows.values())

    async def _supply(
        self, reading: Reading, incoming: Sequence[Incoming], places: Mapping[str, Place]
    ) -> list[Incoming]:
        if not self.supply:
            return list(incoming)
        rows: dict[UUID, Incoming] = {row.id: row for row in incoming}
        known = await inventory.supplies_by_reference(reading, [row.reference for row in self.supply])
        for change in self.supply:
            if change.location not in places:
                continue
            old = known.get(change.reference)
            id_ = old.id if old else ids.new()
            promised = old.reserved if old else 0
            rows[id_] = Incoming(
                id_,
                change.sku,
                places[change.location].id,
                max(change.quantity - promised, 0),
                change.expected_at,
            )
        return list(rows.values())
