"""The small deterministic demo world: three locations, one channel, four SKUs; put through the public API."""

from typing import Any

from oms_api.client import Client

ERRORS = "userErrors { code path message }"

LOCATIONS = [
    {
        "handle": "dc-east", "name": "Newark distribution centre", "kind": "WAREHOUSE", "timezone": "America/New_York",
        "address": {"name": "OMS Demo", "lines": ["1 Port Street"], "city": "Newark", "region": "NJ",
                    "postalCode": "07114", "country": "US"},
        "openDays": [1, 2, 3, 4, 5, 6, 7],
    },
    {
        "handle": "dc-west", "name": "Reno distribution centre", "kind": "WAREHOUSE", "timezone": "America/Los_Angeles",
        "address": {"name": "OMS Demo", "lines": ["2 Desert Road"], "city": "Reno", "region": "NV",
                    "postalCode": "89502", "country": "US"},
        "openDays": [1, 2, 3, 4, 5, 6, 7],
    },
    {
        "handle": "store-nyc", "name": "Shop on Seventh Avenue", "kind": "STORE", "timezone": "America/New_York",
        "address": {"name": "OMS Demo", "lines": ["3 Seventh Avenue"], "city": "New York", "region": "NY",
                    "postalCode": "10001", "country": "US"},
        "openDays": [1, 2, 3, 4, 5, 6, 7], "pickup": True,
    },
]  # fmt: skip
CHANNEL = {
    "handle": "web", "name": "Web shop", "currency": "USD", "locations": ["dc-east", "dc-west", "store-nyc"],
    "paymentRule": "AUTHORIZED",
}  # fmt: skip
SKUS: list[dict[str, Any]] = [
    {"code": "TEE-BLACK-M", "name": "T-shirt, black, M", "weightGrams": 180,
     "listPrice": {"amount": "19.90", "currency": "USD"}},
    {"code": "TEE-BLACK-L", "name": "T-shirt, black, L", "weightGrams": 200,
     "listPrice": {"amount": "19.90", "currency": "USD"}},
    {"code": "MUG-WHITE", "name": "Mug, white", "weightGrams": 350,
     "listPrice": {"amount": "9.50", "currency": "USD"}},
    {"code": "GIFT-SET", "name": "Gift set", "kind": "KIT", "listPrice": {"amount": "26.00", "currency": "USD"},
     "components": [{"sku": "TEE-BLACK-M", "quantity": 1}, {"sku": "MUG-WHITE", "quantity": 1}]},
]  # fmt: skip
STOCK = {
    ("TEE-BLACK-M", "dc-east"): 120, ("TEE-BLACK-M", "dc-west"): 80, ("TEE-BLACK-M", "store-nyc"): 6,
    ("TEE-BLACK-L", "dc-west"): 40,
    ("MUG-WHITE", "dc-west"): 200, ("MUG-WHITE", "store-nyc"): 12,
}  # fmt: skip


async def demo(client: Client) -> None:
    """Put the world; a second time changes nothing, and stock that is already there is left as it is."""
    await client(
        f"mutation($input: LocationPutInput!) {{ locationPut(input: $input) {{ {ERRORS} }} }}",
        input={"locations": LOCATIONS},
    )
    await client(
        f"mutation($input: ChannelPutInput!) {{ channelPut(input: $input) {{ {ERRORS} }} }}",
        input={"channels": [CHANNEL]},
    )
    await client(f"mutation($input: SkuPutInput!) {{ skuPut(input: $input) {{ {ERRORS} }} }}", input={"skus": SKUS})
    there = await client(
        "query($skus: [String!]) { inventory(skus: $skus, first: 100) { nodes { sku location { handle } } } }",
        skus=[sku["code"] for sku in SKUS],
    )
    known = {(node["sku"], node["location"]["handle"]) for node in there["nodes"]}
    missing = [
        {"sku": sku, "location": location, "quantity": quantity}
        for (sku, location), quantity in STOCK.items()
        if (sku, location) not in known
    ]
    if missing:
        await client(
            f"mutation($input: InventorySetInput!) {{ inventorySet(input: $input) {{ {ERRORS} }} }}",
            input={"quantities": missing, "reason": "opening_stock"},
        )
