"""What the documented orders need, to try the connector: a location, two channels, the SKUs, some stock.

`python prepare.py --url … --key …`; a second time changes nothing but the stock, which is set again.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

from client import Send, Unreachable, over_http

ERRORS = "userErrors { code message path }"
SKUS = {
    "ECHO-DOT-4-CHARCOAL": "Echo Dot (4th Gen), Charcoal",
    "FIRE-TV-4K-2021": "Fire TV Stick 4K",
    "ECHO-DOT-4-UK-CHARCOAL-3PACK": "Echo Dot (4th Gen), Charcoal, pack of three",
}
STEPS = {
    f"mutation($input: LocationPutInput!) {{ locationPut(input: $input) {{ {ERRORS} }} }}": {
        "locations": [
            {"handle": "dc-amazon", "name": "Marketplace stock", "kind": "WAREHOUSE", "timezone": "America/New_York",
             "address": {"name": "Example", "lines": ["1 Port Street"], "city": "Newark", "region": "NJ",
                         "postalCode": "07114", "country": "US"}}
        ]
    },
    f"mutation($input: ChannelPutInput!) {{ channelPut(input: $input) {{ {ERRORS} }} }}": {
        "channels": [
            # NONE: Amazon stands for the money, and cash on delivery comes after the parcel
            {"handle": "amazon", "name": "Amazon.com", "currency": "USD", "locations": ["dc-amazon"],
             "paymentRule": "NONE"},
            {"handle": "amazon-gbp", "name": "Amazon.co.uk", "currency": "GBP", "locations": ["dc-amazon"],
             "paymentRule": "NONE"},
        ]
    },
    f"mutation($input: SkuPutInput!) {{ skuPut(input: $input) {{ {ERRORS} }} }}": {
        "skus": [{"code": code, "name": name, "weightGrams": 400} for code, name in SKUS.items()]
    },
    f"mutation($input: InventorySetInput!) {{ inventorySet(input: $input) {{ {ERRORS} }} }}": {
        "quantities": [{"sku": code, "location": "dc-amazon", "quantity": 10} for code in SKUS],
        "reason": "opening_stock",
    },
}  # fmt: skip


async def prepare(send: Send) -> None:
    """Raises Unreachable with the API's words when it does not take a step."""
    for document, value in STEPS.items():
        answer = await send(document, {"input": value})
        problems = [*(answer.get("errors") or ())]
        problems += [error for payload in (answer.get("data") or {}).values() for error in payload["userErrors"]]
        if problems:
            raise Unreachable("; ".join(problem["message"] for problem in problems))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="prepare.py", description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--key", default=os.environ.get("OMS_KEY"))
    given = parser.parse_args(arguments)
    try:
        asyncio.run(prepare(over_http(given.url, given.key or "")))
    except Unreachable as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
