"""This project's own cases, and the world they run in: put through the public API, as a customer would.

1,000 SKUs (40 products of 20 and 200 of one), 100,000 units of each at each of three locations, one channel whose
payment rule is AUTHORIZED: an order that `orderCreate` makes stays PENDING, its units held; `place` authorizes its
payment too, which confirms it.
"""

import itertools
from collections.abc import Collection
from typing import Any

from bench.flow import Case, Step
from oms_api.client import Client

PRODUCTS, VARIANTS, SINGLES = 40, 20, 200
UNITS = 100_000
CHANGES_MAX = 250
NAMES = ("availability1", "availability20", "promise3", "order_page", "order_create", "place")
ORDERS_SHOWN = 20
LOCATIONS = [
    ("east", "America/New_York", "Newark", "NJ", "07114"),
    ("south", "America/Chicago", "Dallas", "TX", "75201"),
    ("west", "America/Los_Angeles", "Reno", "NV", "89502"),
]
POSTAL_CODES = ("10001", "02108", "30301", "33101", "48201", "55401", "60601", "77001", "80202", "90001", "98101")

ERRORS = "userErrors { code path message }"
AVAILABILITY = f"""query Availability($input: AvailabilityInput!) {{ availability(input: $input) {{
  availability {{ sku available status earliestDelivery asOf }} {ERRORS} }} }}"""
PROMISE = f"""query Promise($input: PromiseInput!) {{ promise(input: $input) {{
  promise {{
    expiresAt
    options {{ token deliveredBy cost {{ amount currency }}
      shipments {{ location {{ handle }} deliveredBy lines {{ sku quantity }} }} }}
    unavailable {{ code message }} }}
  {ERRORS} }} }}"""
CREATE = f"""mutation Create($input: OrderCreateInput!) {{ orderCreate(input: $input) {{
  order {{ id number status total {{ amount currency }} lines {{ id sku quantity promisedOn }} }} {ERRORS} }} }}"""
AUTHORIZE = f"""mutation Authorize($input: PaymentAuthorizeInput!) {{ paymentAuthorize(input: $input) {{
  payment {{ id status authorized {{ amount currency }} order {{ id number status }} }} {ERRORS} }} }}"""
ORDER_PAGE = """query OrderPage($id: ID!) { order(by: {id: $id}) {
  id number status placedAt
  subtotal { amount currency } total { amount currency } outstanding { amount currency }
  customer { email }
  shippingAddress { name lines city region postalCode country }
  lines { id sku quantity unitPrice { amount currency } promisedOn
    quantities { reserved allocated shipped delivered cancelled } }
  payments { id status provider authorized { amount currency } captured { amount currency } }
  fulfillments { id status location { handle name } lines { id sku quantity }
    shipments { id status carrier trackingNumber } } } }"""
FULFILLMENTS = "query Work($id: ID!) { order(by: {id: $id}) { fulfillments { id } } }"
ACCEPT = f"""mutation Accept($input: FulfillmentAcceptInput!) {{ fulfillmentAccept(input: $input) {{
  fulfillment {{ id }} {ERRORS} }} }}"""
SHIP = f"""mutation Ship($input: ShipmentCreateInput!) {{ shipmentCreate(input: $input) {{
  shipment {{ id }} {ERRORS} }} }}"""


def products() -> list[list[str]]:
    """SKU codes, the 20 of each product together."""
    return [[f"SHIRT-{product}-{variant}" for variant in range(VARIANTS)] for product in range(PRODUCTS)]


def singles() -> list[str]:
    return [f"MUG-{number}" for number in range(SINGLES)]


def _put(noun: str) -> str:
    root, kind = f"{noun}Put", f"{noun[0].upper()}{noun[1:]}PutInput"
    return f"mutation Put($input: {kind}!) {{ {root}(input: $input) {{ {ERRORS} }} }}"


async def furnish(client: Client) -> None:
    """Locations, channel, SKUs and stock."""
    locations = [
        {"handle": handle, "name": city, "kind": "WAREHOUSE", "timezone": zone, "openDays": [1, 2, 3, 4, 5, 6, 7],
         "address": {"name": city, "lines": ["1 Main Street"], "city": city, "region": region, "postalCode": code,
                     "country": "US"}}
        for handle, zone, city, region, code in LOCATIONS
    ]  # fmt: skip
    await client(_put("location"), input={"locations": locations})
    handles = [location[0] for location in LOCATIONS]
    channel = {"handle": "web", "name": "Web", "currency": "USD", "locations": handles, "paymentRule": "AUTHORIZED"}
    await client(_put("channel"), input={"channels": [channel]})
    skus = [*itertools.chain(*products()), *singles()]
    price = {"amount": "10.00", "currency": "USD"}
    for some in _batched(skus):
        made = [{"code": sku, "name": sku, "weightGrams": 300, "listPrice": price} for sku in some]
        await client(_put("sku"), input={"skus": made})
    stock = [{"sku": sku, "location": handle, "quantity": UNITS} for sku in skus for handle in handles]
    for quantities in _batched(stock):
        await client(
            f"mutation Set($input: InventorySetInput!) {{ inventorySet(input: $input) {{ {ERRORS} }} }}",
            input={"quantities": quantities, "reason": "opening_stock"},
        )


def _batched(rows: list[Any]) -> list[list[Any]]:
    return [rows[start : start + CHANGES_MAX] for start in range(0, len(rows), CHANGES_MAX)]


def _destination(number: int) -> dict[str, str]:
    return {"country": "US", "postalCode": POSTAL_CODES[number % len(POSTAL_CODES)]}


def _order(lines: int) -> dict[str, Any]:
    """The input of `orderCreate` with places for the SKUs, the postal code and an externalId that is new each time."""
    return {
        "channel": "web",
        "externalId": "{n}",
        "lines": [{"sku": f"{{sku{number}}}", "quantity": 1 + number % 2} for number in range(lines)],
        "customer": {"email": "c{n}@example.com"},
        "shippingAddress": {"name": "A B", "lines": ["1 High Street"], "city": "Town", "postalCode": "{code}",
                            "country": "US"},
    }  # fmt: skip


def _order_sets() -> list[dict[str, str]]:
    """Three different SKUs and a postal code, over the whole catalogue in turn."""
    skus = [*itertools.chain(*products()), *singles()]
    return [
        {
            "code": _destination(number)["postalCode"],
            "sku0": sku,
            "sku1": skus[number - 241],
            "sku2": skus[number - 602],
        }
        for number, sku in enumerate(skus)
    ]


def _authorize() -> Step:
    given = {"idempotencyKey": "pay-{n}", "order": {"id": "{order}"}, "provider": "fake"}
    wanted = {"data.paymentAuthorize.payment.status": "AUTHORIZED",
              "data.paymentAuthorize.payment.order.status": "CONFIRMED"}  # fmt: skip
    return Step(AUTHORIZE, {"input": given}, wanted=wanted)


async def orders_to_show(client: Client) -> list[str]:
    """Ids of orders of three lines that are paid and shipped with a tracking number."""
    ids = []
    for number in range(ORDERS_SHOWN):
        skus = [products()[number][0], products()[number][1], singles()[number]]
        made = await client(
            CREATE,
            input={
                "channel": "web", "externalId": f"page-{number}", "customer": {"email": "page@example.com"},
                "lines": [{"sku": sku, "quantity": quantity} for quantity, sku in enumerate(skus, 1)],
                "shippingAddress": {"name": "A B", "lines": ["1 High Street"], "city": "Town",
                                    "country": "US", "postalCode": _destination(number)["postalCode"]},
            },
        )  # fmt: skip
        order = made["order"]["id"]
        await client(
            AUTHORIZE, input={"idempotencyKey": f"page-pay-{number}", "order": {"id": order}, "provider": "fake"}
        )
        ids.append(order)
    for number, order in enumerate(ids):
        planned = await client.until(FULFILLMENTS, lambda now: now["fulfillments"], seconds=60, id=order)
        for part, work in enumerate(planned["fulfillments"]):
            await client(ACCEPT, input={"idempotencyKey": f"page-accept-{number}-{part}", "id": work["id"]})
            tracking = {"carrier": "post", "number": f"T{number}-{part}"}
            await client(
                SHIP,
                input={"idempotencyKey": f"page-ship-{number}-{part}", "fulfillmentId": work["id"],
                       "shipping": {"tracking": tracking}},
            )  # fmt: skip
    return ids


async def own_cases(client: Client, wanted: Collection[str]) -> list[Case]:
    """The wanted cases of ours, in the order in which they run: reads before writes."""
    shelf = "data.availability.availability"
    asked = {"channel": "web", "destination": {"country": "US", "postalCode": "{code}"}}
    codes = [_destination(number)["postalCode"] for number in range(max(PRODUCTS, SINGLES))]
    page = "data.order"
    shown = await orders_to_show(client) if "order_page" in wanted else []
    cases = [
        Case("availability1", "availability of 1 SKU",
             [Step(AVAILABILITY, {"input": {**asked, "skus": ["{sku}"]}}, wanted={shelf: 1})],
             [{"sku": sku, "code": code} for sku, code in zip(singles(), codes, strict=False)]),
        Case("availability20", "availability of 20 SKUs × 5 fields",
             [Step(AVAILABILITY, {"input": {**asked, "skus": "{skus}"}}, wanted={shelf: VARIANTS})],
             [{"skus": skus, "code": code} for skus, code in zip(products(), codes, strict=False)]),
        Case("promise3", "promise of 3 lines",
             [Step(PROMISE, {"input": {**asked, "lines": _order(3)["lines"]}},
                   wanted={"data.promise.promise.unavailable": 0})], _order_sets()),
        Case("order_page", "order page: 3 lines, payment, fulfillment",
             [Step(ORDER_PAGE, {"id": "{id}"},
                   wanted={f"{page}.lines": 3, f"{page}.payments": 1, f"{page}.fulfillments.0.shipments": 1})],
             [{"id": order} for order in shown]),
        Case("order_create", "orderCreate of 3 lines, units held",
             [Step(CREATE, {"input": _order(3)}, wanted={"data.orderCreate.order.status": "PENDING"})],
             _order_sets(), writes=True),
        Case("place", "place: an order of 1 line, paid",
             [Step(CREATE, {"input": _order(1)}, keep={"order": "data.orderCreate.order.id"}), _authorize()],
             _order_sets(), writes=True),
    ]  # fmt: skip
    return [case for case in cases if case.name in wanted]
