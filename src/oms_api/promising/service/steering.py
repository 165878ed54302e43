"""What the channel's sourcing policy says of a question: who is left out, what costs more, how to plan."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from oms_api.catalog import Item
from oms_api.inventory import Stock
from oms_api.network import Network
from oms_api.promising.models import DeliveryMethod, Destination, Line
from oms_api.promising.rules import Position, distance_km
from oms_api.promising.service.place import Place
from oms_api.sourcing import Cart, Live, Ruled, Spot, apply_rules


@dataclass(frozen=True, slots=True)
class Steering:
    """A policy applied to a question. `spots` are the candidates that it looked at, preferred first."""

    live: Live
    cart: Cart
    spots: tuple[Spot, ...]
    ruled: Ruled
    there: Position | None
    tags: Mapping[str, Sequence[str]]
    """Tags of stocked SKUs that have any."""
    values: Mapping[str, int]
    """List price of a unit of each SKU in minor units of the channel's currency, where it has one."""
    most_shipments: int | None
    """Parcels at most: what the channel and the policy allow."""


def steer(
    live: Live,
    *,
    network: Network,
    lines: Sequence[Line],
    items: Mapping[str, Item],
    destination: Destination | None,
    there: Position | None,
    collected: bool,
    customer_group: str | None,
    places: Sequence[Place],
    stock: Sequence[Stock],
) -> Steering:
    """Apply a policy to the candidates. Distances and stock are looked at only when there are rules."""
    currency = network.channel.currency
    values = {
        sku: item.price_minor
        for sku, item in items.items()
        if item.price_minor is not None and item.price_currency == currency
    }
    tags = {sku: item.tags for sku, item in items.items() if item.tags}
    cart = Cart(
        channel=network.channel.handle,
        method=DeliveryMethod.PICKUP if collected else DeliveryMethod.SHIPPING,
        lines=len(lines),
        value=sum(values.get(line.sku, 0) * line.quantity for line in lines),
        customer_group=customer_group,
        sku_tags=frozenset(tag for line in lines for tag in tags.get(line.sku, ())),
        country=destination.country if destination else None,
        postal_code=destination.postal_code if destination else None,
    )
    spots: tuple[Spot, ...] = ()
    if live.rules:
        units: Counter[UUID] = Counter()
        for row in stock:
            units[row.location_id] += max(row.on_hand - row.reserved, 0)
        spots = spots_of(places, there, units.__getitem__)
    ruled = apply_rules(live.rules, cart, spots)
    most = [n for n in (network.channel.max_shipments, ruled.settings.max_shipments) if n is not None]
    return Steering(live, cart, spots, ruled, there, tags, values, min(most, default=None))


def spots_of(places: Sequence[Place], there: Position | None, units_at: Callable[[UUID], int]) -> tuple[Spot, ...]:
    """Locations as rules look at them."""
    return tuple(
        Spot(
            handle=place.handle,
            kind=place.row.kind,
            tags=frozenset(place.row.tags or ()),
            country=place.row.address["country"] if place.row.address else None,
            km=None if place.position is None or there is None else round(distance_km(place.position, there)),
            units=units_at(place.id),
        )
        for place in places
    )
