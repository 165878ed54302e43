"""A store for tests of orders: a channel with stock, and what a shop front does with it, through the API."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from promising.shop import shop
from world import Api, World

MONEY = "{ minorAmount }"
ERRORS = """userErrors { code message path retryable
  details { sku requested available currentState allowedActions currentVersion remainingAmount { minorAmount } } }"""
UNITS = "pending backordered reserved allocated shipped delivered returned cancelled"
ADJUSTMENTS = f"adjustments {{ kind label amount {MONEY} included }}"
LINE = f"""id sku externalId quantity quantities {{ {UNITS} }} unitPrice {MONEY} promisedOn {ADJUSTMENTS}
  deliveryGroup {{ id key }}"""
ORDER = f"""id number externalId status version test total {MONEY} outstanding {MONEY} subtotal {MONEY}
  shippingCharge {MONEY} discountTotal {MONEY} taxTotal {MONEY} creditedTotal {MONEY} {ADJUSTMENTS}
  channel {{ handle }} customer {{ email phone externalId }} lines {{ {LINE} }}
  shippingAddress {{ name postalCode country }} billingAddress {{ name }} pickupLocation {{ handle }}
  deliveryGroups {{ id key method shippingAddress {{ postalCode }} pickupLocation {{ handle }} lines {{ sku }} }}
  payments {{ provider status authorized {MONEY} captured {MONEY} }}
  actions {{ name allowed reason }} metadata {{ key value }} placedAt createdAt updatedAt"""
PREVIEW = f"preview {{ total {MONEY} outstanding {MONEY} lines {{ lineId sku quantity promisedOn }} }}"

CREATE = f"""mutation($input: OrderCreateInput!) {{ orderCreate(input: $input) {{
  order {{ {ORDER} }} {PREVIEW} {ERRORS} }} }}"""
CREATE_BRIEFLY = f"""mutation($input: OrderCreateInput!) {{ orderCreate(input: $input) {{
  order {{ id number status total {MONEY} lines {{ sku quantity }} }} {ERRORS} }} }}"""
CONFIRM = f"""mutation($input: OrderConfirmInput!) {{ orderConfirm(input: $input) {{
  order {{ {ORDER} }} {PREVIEW} {ERRORS} }} }}"""
AUTHORIZE = f"""mutation($input: PaymentAuthorizeInput!) {{ paymentAuthorize(input: $input) {{
  payment {{ id status authorized {MONEY} order {{ id status version outstanding {MONEY} }} }} {ERRORS} }} }}"""
CAPTURE = f"""mutation($input: PaymentCaptureInput!) {{ paymentCapture(input: $input) {{
  payment {{ id status captured {MONEY} }} {ERRORS} }} }}"""
LOOK = f"query($id: ID!) {{ order(by: {{ id: $id }}) {{ {ORDER} }} }}"
TOPICS = "query($id: ID!) { order(by: { id: $id }) { timeline(first: 100) { nodes { topic data } } } }"
STOCK = "query($skus: [String!]!) { inventory(skus: $skus) { nodes { sku location { handle } onHand reserved } } }"
PROMISE = """query($input: PromiseInput!) { promise(input: $input) { promise {
  options { token deliveredBy } } userErrors { code message } } }"""
HOLD = """mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) {
  reservation { id } userErrors { code message path } } }"""

ADDRESS = {"name": "Ada", "lines": ["1 Main St"], "city": "New York", "postalCode": "10001", "country": "US"}
_keys = itertools.count()


def key() -> str:
    """A fresh idempotency key."""
    return f"key-{next(_keys)}"


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


def units(line: Mapping[str, Any]) -> dict[str, int]:
    """Where a line's units are, empty states left out."""
    return {state: count for state, count in line["quantities"].items() if count}


def minor(money: Mapping[str, Any]) -> int:
    return int(money["minorAmount"])


def sku(code: str, price: str | None = "10.00", **more: Any) -> dict[str, Any]:
    listed = {"listPrice": usd(price)} if price is not None else {}
    return {"code": code, "name": code, "weightGrams": 500, **listed, **more}


class Store:
    """A tenant with a channel `web` in USD. Its SKUs cost 10.00 unless said otherwise."""

    def __init__(self, world: World, api: Api) -> None:
        self.world, self.api = world, api

    async def open(
        self,
        stock: Mapping[str, Mapping[str, int]],
        *,
        skus: Sequence[Mapping[str, Any]] = (),
        locations: Mapping[str, Mapping[str, Any]] | None = None,
        **channel: Any,
    ) -> "Store":
        handles = sorted({handle for at in stock.values() for handle in at}) or ["dc"]
        named = {item["code"] for item in skus}
        await shop(
            self.api,
            locations or {handle: {} for handle in handles},
            stock,
            skus=[*skus, *(sku(code) for code in stock if code not in named)],
            **{"paymentRule": "NONE", **channel},
        )
        return self

    def input(self, lines: Mapping[str, int] | Sequence[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
        if isinstance(lines, Mapping):
            lines = [{"sku": code, "quantity": quantity} for code, quantity in lines.items()]
        sent_to = {} if {"pickupLocation", "deliveryGroups"} & more.keys() else {"shippingAddress": ADDRESS}
        named = {} if "externalId" in more or "idempotencyKey" in more else {"idempotencyKey": key()}
        return {
            "channel": "web",
            "lines": lines,
            "customer": {"email": "ada@example.com"},
            **named,
            **{name: value for name, value in {**sent_to, **more}.items() if value is not None},
        }

    async def create(self, lines: Mapping[str, int] | Sequence[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
        order: dict[str, Any] = (await self.api.ok(CREATE, input=self.input(lines, **more)))["order"]
        return order

    async def refused(self, lines: Mapping[str, int] | Sequence[Mapping[str, Any]], **more: Any) -> list[Any]:
        """(code, path) of every problem."""
        errors = await self.api.refused(CREATE, input=self.input(lines, **more))
        return [(error["code"], ".".join(error["path"])) for error in errors]

    async def look(self, order: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = (await self.api(LOOK, id=order["id"]))["order"]
        return found

    async def topics(self, order: Mapping[str, Any]) -> list[str]:
        """What happened to an order, oldest first."""
        await self.world.settle()
        nodes = (await self.api(TOPICS, id=order["id"]))["order"]["timeline"]["nodes"]
        return [node["topic"] for node in reversed(nodes)]

    async def reserved(self, *codes: str) -> dict[str, int]:
        """Units reserved by SKU and location; nothing where none is."""
        nodes = (await self.api(STOCK, skus=list(codes)))["inventory"]["nodes"]
        return {f"{node['sku']}@{node['location']['handle']}": node["reserved"] for node in nodes if node["reserved"]}

    async def authorize(self, order: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """The payload of `paymentAuthorize`, whatever it says."""
        sent = {"idempotencyKey": key(), "order": {"id": order["id"]}, "provider": "fake", **more}
        answer: dict[str, Any] = (await self.api(AUTHORIZE, input=sent))["paymentAuthorize"]
        return answer
