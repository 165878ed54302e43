"""What tests of capable-to-promise ask: rules, promises with what they generate, and the supplies that come of them."""

from collections.abc import Mapping
from typing import Any

from fulfillment.desk import Desk
from promising.shop import TO_NEW_YORK

RULES = "mutation($input: AtpRulesPutInput!) { atpRulesPut(input: $input) { userErrors { code message path } } }"
PROMISE = """query($input: PromiseInput!) { promise(input: $input) {
  promise {
    options { token deliveredBy shipments { location { handle } method deliveredBy lines { sku quantity } }
      explanation { generated { sku quantity rule generator dueOn location { handle } } } }
    unavailable { code message details { sku requested available nextAvailableAt } } }
  userErrors { code message path } } }"""
HOLD = """mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) {
  reservation { id lines { sku quantity expectedAt location { handle } } } userErrors { code message path
  details { sku requested available } } } }"""
RELEASE = "mutation($id: ID!) { reservationRelease(input: { id: $id }) { userErrors { code } } }"
SUPPLIES = """query($input: AtpTimelineInput!) { atpTimeline(input: $input) { timeline {
  supplies { reference kind quantity promised countsFrom } } userErrors { code message } } }"""
POSITIONS = """query($skus: [String!]!) { inventory(skus: $skus) { nodes { sku location { handle } onHand reserved
  inTransfer } } }"""
PUT = "mutation($input: SupplyPutInput!) { supplyPut(input: $input) { userErrors { code message } } }"
RECEIVE = "mutation($input: SupplyReceiveInput!) { supplyReceive(input: $input) { userErrors { code message } } }"


async def rule(desk: Desk, handle: str, *skus: str, **more: Any) -> None:
    await desk.api.ok(RULES, input={"rules": [{"handle": handle, "skus": list(skus), **more}]})


async def drop_ship(desk: Desk, sku: str, *, lead: int = 5, per_day: int | None = None) -> None:
    await rule(desk, "sup", sku, generators=[{"kind": "DROP_SHIP", "leadDays": lead, "perDay": per_day}])


def cart(lines: Mapping[str, int], **more: Any) -> dict[str, Any]:
    to = {} if "pickupLocations" in more else {"destination": TO_NEW_YORK}
    return {"channel": "web", "lines": [{"sku": sku, "quantity": n} for sku, n in lines.items()], **to, **more}


async def promise(desk: Desk, lines: Mapping[str, int], **more: Any) -> dict[str, Any]:
    return (await desk.api.ok(PROMISE, input=cart(lines, **more)))["promise"]  # type: ignore[no-any-return]


async def supplies(desk: Desk, sku: str) -> list[tuple[str, int, int]]:
    """(kind, still to come, promised of it) of what is expected of a SKU."""
    return [(row["kind"], row["quantity"], row["promised"]) for row in await announced(desk, sku)]


async def announced(desk: Desk, sku: str) -> list[dict[str, Any]]:
    found = await desk.api.ok(SUPPLIES, input={"channel": "web", "sku": sku})
    return found["timeline"]["supplies"]  # type: ignore[no-any-return]


async def receive(desk: Desk, sku: str) -> None:
    """All that is expected of a SKU arrives."""
    receipts = [{"reference": row["reference"], "quantity": row["quantity"]} for row in await announced(desk, sku)]
    await desk.api.ok(RECEIVE, input={"receipts": receipts})
    await desk.world.settle()


async def positions(desk: Desk, *skus: str) -> dict[str, tuple[int, int, int]]:
    """(on hand, reserved, in transfer) by `SKU@location`; positions that are empty are left out."""
    nodes = (await desk.api(POSITIONS, skus=list(skus)))["inventory"]["nodes"]
    units = {f"{row['sku']}@{row['location']['handle']}": (row["onHand"], row["reserved"], row["inTransfer"])
             for row in nodes}  # fmt: skip
    return {key: row for key, row in units.items() if any(row)}
