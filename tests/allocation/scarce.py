"""A shop whose A is shared out, and how its shares stand; through the API."""

from collections.abc import Mapping
from typing import Any

from world import Api

CLASSES = """mutation($input: DemandClassesPutInput!) { demandClassesPut(input: $input) {
  userErrors { code message path } } }"""
SHARES = """mutation($input: AllocationsPutInput!) { allocationsPut(input: $input) {
  userErrors { code message path } } }"""
STAND = """query($skus: [String!]!) { allocations(skus: $skus) {
  sku location poolUsed poolLeft shares { demandClass used left } } }"""

Part = int | Mapping[str, Any]


def hard(target: int) -> dict[str, Any]:
    return {"target": target, "hard": True}


async def classes(api: Api, **more: Mapping[str, Any]) -> None:
    """vip (1), web (2, of the channel), out (3), and what `more` says of them and others."""
    known: dict[str, dict[str, Any]] = {"vip": {"rank": 1}, "web": {"rank": 2, "channels": ["web"]}, "out": {"rank": 3}}
    for handle, said in more.items():
        known[handle] = {**known.get(handle, {}), **said}
    sent = [{"handle": handle, "name": handle, **said} for handle, said in known.items()]
    await api.ok(CLASSES, input={"classes": sent})


async def share(
    api: Api, sku: str = "A", *, basis: str = "UNITS", at: Mapping[str, Any] | None = None, **parts: Part
) -> None:
    """All shares of a SKU, at what `at` says: location, days."""
    shares = [
        {"demandClass": name, **(part if isinstance(part, Mapping) else {"target": part})}
        for name, part in parts.items()
    ]
    await api.ok(SHARES, input={"allocations": [{"sku": sku, "basis": basis, "shares": shares, **(at or {})}]})


async def stand(api: Api, *skus: str) -> list[dict[str, tuple[int, int]]]:
    """(used, left) by class, and of the pool, of each set of shares."""
    return [
        {
            **{part["demandClass"]: (part["used"], part["left"]) for part in row["shares"]},
            "pool": (row["poolUsed"], row["poolLeft"]),
        }
        for row in (await api(STAND, skus=list(skus or ("A",))))["allocations"]
    ]
