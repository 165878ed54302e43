"""A small world of locations, SKUs and stock, made through the API."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from oms_api.kit import clock
from world import Api

LOCATIONS = "mutation($input: LocationPutInput!) { locationPut(input: $input) { userErrors { code message path } } }"
CHANNELS = "mutation($input: ChannelPutInput!) { channelPut(input: $input) { userErrors { code message path } } }"
SKUS = "mutation($input: SkuPutInput!) { skuPut(input: $input) { userErrors { code message path } } }"
SET = "mutation($input: InventorySetInput!) { inventorySet(input: $input) { userErrors { code message path } } }"
SUPPLIES = "mutation($input: SupplyPutInput!) { supplyPut(input: $input) { userErrors { code message path } } }"

# Real places, so that zones can be told by anyone with a map.
NEW_YORK = {"latitude": 40.7128, "longitude": -74.0060, "timezone": "America/New_York"}
CHICAGO = {"latitude": 41.8781, "longitude": -87.6298, "timezone": "America/Chicago"}
LOS_ANGELES = {"latitude": 34.0522, "longitude": -118.2437, "timezone": "America/Los_Angeles"}
TO_NEW_YORK = {"country": "US", "postalCode": "10001"}

MONDAY_NOON = datetime(2026, 11, 30, 17, 0, tzinfo=UTC)  # 12:00 in New York


@contextlib.contextmanager
def at(instant: datetime) -> Iterator[None]:
    """Everything inside happens at this instant (and the milliseconds that it takes)."""
    before = clock.offset()
    clock.set_offset(instant - datetime.now(UTC))
    try:
        yield
    finally:
        clock.set_offset(before)


async def shop(
    api: Api,
    locations: Mapping[str, Mapping[str, Any]],
    stock: Mapping[str, Mapping[str, int]] | None = None,
    *,
    skus: Sequence[Mapping[str, Any]] = (),
    **channel: Any,
) -> None:
    """A channel `web` served by these locations, preferred first, with `stock` by SKU and location.

    `locations` gives what differs from a location that ships from New York, never closes, and has no cut-off.
    """
    base = {**NEW_YORK, "openDays": [1, 2, 3, 4, 5, 6, 7]}
    await api.ok(
        LOCATIONS,
        input={"locations": [{"handle": handle, "name": handle, **base, **own} for handle, own in locations.items()]},
    )
    web = {"handle": "web", "name": "Web", "currency": "USD", "locations": list(locations), **channel}
    await api.ok(CHANNELS, input={"channels": [web]})
    named = {sku["code"] for sku in skus}
    plain = [{"code": code, "name": code, "weightGrams": 1000} for code in stock or () if code not in named]
    if plain or skus:
        await api.ok(SKUS, input={"skus": [*plain, *skus]})
    if stock:
        await put_stock(api, stock)


async def put_stock(api: Api, stock: Mapping[str, Mapping[str, int]]) -> None:
    quantities = [
        {"sku": sku, "location": location, "quantity": quantity}
        for sku, at_locations in stock.items()
        for location, quantity in at_locations.items()
    ]
    await api.ok(SET, input={"quantities": quantities, "reason": "count"})


async def put_supply(api: Api, reference: str, sku: str, location: str, quantity: int, expected_at: datetime) -> None:
    supply = {
        "reference": reference,
        "sku": sku,
        "location": location,
        "quantity": quantity,
        "expectedAt": expected_at.isoformat(),
    }
    await api.ok(SUPPLIES, input={"supplies": [supply]})


def lines(**units: int) -> list[dict[str, Any]]:
    return [{"sku": sku, "quantity": quantity} for sku, quantity in units.items()]
