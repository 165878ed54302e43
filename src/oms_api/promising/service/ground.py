"""What a channel sends from, worked out once for as long as its network does not change, and what it has of a SKU."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import count
from typing import NamedTuple
from uuid import UUID

from oms_api.inventory import Incoming, OfSku
from oms_api.network import Network
from oms_api.promising.models import DeliveryMethod
from oms_api.promising.service.place import NETWORKS_REMEMBERED_MAX, Same, places_of

_numbers = count()


class Held(NamedTuple):
    """What the locations of a ground have and expect of a SKU: positions by themselves, before what is asked of them.

    `sends`: a bit for each location that sends and has some, in the order of `Ground.places`. The rest is as a `Shelf`
    keeps it.
    """

    free: dict[UUID, int]
    units: int
    sends: int
    changed_at: datetime | None
    coming: Sequence[Incoming]
    allowed: Mapping[UUID, int]
    withheld: int | None
    allowed_in_all: int | None


class Ground:
    """The locations of a channel that count for what is sent, preferred first."""

    def __init__(self, network: Network) -> None:
        self.number = next(_numbers)
        """Stands for it where it must not be kept alive."""
        self.places = [place for place in places_of(network) if place.active and (place.ships or place.pickup)]
        self.by_id = {place.id: place for place in self.places}
        self._channel = network.channel.handle
        self._bit = {place.id: 1 << i for i, place in enumerate(self.places) if place.serves(collected=False)}
        self.limited = sum(self._bit.get(place.id, 0) for place in self.places if place.limits)
        """Bits of the locations whose days may be full."""

    def held(self, of: OfSku) -> Held:
        """What it has of a SKU; remembered with the SKU."""
        return of.view(self.number, self._held)

    def _held(self, of: OfSku) -> Held:
        free: dict[UUID, int] = {}
        allowed: dict[UUID, int] = {}
        units, sends = 0, 0
        changed_at: datetime | None = None
        withheld, allowed_in_all = None, None
        for row in of.stock(self.by_id, DeliveryMethod.SHIPPING, self._channel):
            id_ = row.location_id
            left = free[id_] = row.free(self.by_id[id_].safety_stock)
            if left > 0:
                units += left
                sends |= self._bit.get(id_, 0)
            if changed_at is None or row.updated_at > changed_at:
                changed_at = row.updated_at
            if row.allowed is not None:
                allowed[id_] = row.allowed
            withheld, allowed_in_all = row.threshold, row.channel_allowed  # of all rows the same
        coming = [row for row in of.incoming if row.location_id in self.by_id]
        return Held(free, units, sends, changed_at, coming, allowed, withheld, allowed_in_all)


@lru_cache(maxsize=NETWORKS_REMEMBERED_MAX)
def _ground(same: Same) -> Ground:
    return Ground(same.network)


def ground_of(network: Network) -> Ground:
    """What a channel sends from."""
    return _ground(Same(network))
