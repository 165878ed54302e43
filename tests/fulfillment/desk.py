"""The clerk's view: orders, locations' work, parcels, cancellations and returns, all through the API."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from oms_api.kit import clock
from promising.shop import shop
from world import Api, World

_MONEY = "{ minorAmount }"
_ERRORS = "userErrors { code message path details { currentState allowedActions remainingQuantity currentVersion } }"
_UNITS = "pending backordered reserved allocated shipped delivered returned cancelled"
_SHIPMENT = """id status version carrier trackingNumber trackingUrl deliveredAt
  lines { id sku quantity fulfillmentLine { id } } packages { id trackingNumber lines { id } }
  fulfillments { id status } scans { status at place }"""
_FULFILLMENT = f"""id status version shipBy rejectionReason rejectionNote location {{ handle }} order {{ id }}
  actions {{ name allowed reason }}
  lines {{ id sku quantity orderLine {{ id sku }} }} shipments {{ {_SHIPMENT} }}"""
_RETURN = f"""id number status version refundable {_MONEY} refunded {_MONEY} order {{ id }}
  actions {{ name allowed reason }}
  lines {{ id sku quantity reason received orderLine {{ id }} dispositions {{ disposition quantity }} }}"""
_ORDER = f"""id number status version total {_MONEY} outstanding {_MONEY} creditedTotal {_MONEY}
  actions {{ name allowed reason }}
  attention {{ kind }} lines {{ id sku quantity promisedOn quantities {{ {_UNITS} }} }}
  payments {{ id status authorized {_MONEY} captured {_MONEY} refunded {_MONEY} }}
  fulfillments {{ {_FULFILLMENT} }} returns {{ {_RETURN} }}"""
_PREVIEW = f"preview {{ total {_MONEY} outstanding {_MONEY} lines {{ lineId sku quantity }} }}"


def _mutation(name: str, kind: str, answer: str) -> str:
    return f"mutation($input: {kind}!) {{ {name}(input: $input) {{ {answer} {_ERRORS} }} }}"


CREATE = _mutation("orderCreate", "OrderCreateInput", "order { id status }")
AUTHORIZE = _mutation("paymentAuthorize", "PaymentAuthorizeInput", "payment { id }")
CAPTURE = _mutation("paymentCapture", "PaymentCaptureInput", "payment { id }")
REFUND = _mutation("paymentRefund", "PaymentRefundInput", "payment { id }")
CANCEL = _mutation("orderCancel", "OrderCancelInput", f"order {{ {_ORDER} }} {_PREVIEW}")
ACCEPT = _mutation("fulfillmentAccept", "FulfillmentAcceptInput", f"fulfillment {{ {_FULFILLMENT} }}")
REJECT = _mutation("fulfillmentReject", "FulfillmentRejectInput", f"fulfillment {{ {_FULFILLMENT} }}")
REASSIGN = _mutation("fulfillmentReassign", "FulfillmentReassignInput", f"fulfillment {{ {_FULFILLMENT} }}")
CANCEL_ACCEPT = _mutation(
    "fulfillmentCancelAccept", "FulfillmentCancelAcceptInput", f"fulfillment {{ {_FULFILLMENT} }}"
)
CANCEL_REJECT = _mutation(
    "fulfillmentCancelReject", "FulfillmentCancelRejectInput", f"fulfillment {{ {_FULFILLMENT} }}"
)
SHIP = _mutation("shipmentCreate", "ShipmentCreateInput", f"shipment {{ {_SHIPMENT} }}")
TRACK = _mutation("shipmentTrack", "ShipmentTrackInput", f"shipment {{ {_SHIPMENT} }}")
REQUEST = _mutation("returnRequest", "ReturnRequestInput", f"rma {{ {_RETURN} }}")
APPROVE = _mutation("returnApprove", "ReturnApproveInput", f"rma {{ {_RETURN} }}")
DECLINE = _mutation("returnDecline", "ReturnDeclineInput", f"rma {{ {_RETURN} }}")
RECEIVE = _mutation("returnReceive", "ReturnReceiveInput", f"rma {{ {_RETURN} }}")
LOOK = f"query($id: ID!) {{ order(by: {{ id: $id }}) {{ {_ORDER} }} }}"
STOCK = """query($skus: [String!]!) { inventory(skus: $skus) { nodes {
  sku location { handle } onHand reserved unavailable } } }"""
RECEIVE_SUPPLY = (
    "mutation($input: SupplyReceiveInput!) { supplyReceive(input: $input) { userErrors { code message } } }"
)

ADDRESS = {"name": "Ada", "lines": ["1 Main St"], "city": "New York", "postalCode": "10001", "country": "US"}
TRACKING = {"tracking": {"carrier": "ups", "number": "1Z999", "url": "https://track.example/1Z999"}}
_keys = itertools.count()


def key() -> str:
    """A fresh idempotency key."""
    return f"key-{next(_keys)}"


def units(line: Mapping[str, Any]) -> dict[str, int]:
    """Where a line's units are, empty states left out."""
    return {state: count for state, count in line["quantities"].items() if count}


def minor(money: Mapping[str, Any]) -> int:
    return int(money["minorAmount"])


class Desk:
    """A tenant with a shop, and what its people do."""

    def __init__(self, world: World, api: Api) -> None:
        self.world, self.api = world, api

    async def open(
        self,
        stock: Mapping[str, Mapping[str, int]],
        *,
        locations: Mapping[str, Mapping[str, Any]] | None = None,
        skus: Sequence[Mapping[str, Any]] = (),
        **channel: Any,
    ) -> "Desk":
        """Locations are those of the stock unless named."""
        handles = {handle for at in stock.values() for handle in at}
        await shop(
            self.api,
            locations or {handle: {} for handle in sorted(handles)},
            stock,
            skus=skus,
            **{"paymentRule": "NONE", **channel},
        )
        return self

    async def order(
        self,
        *,
        lines: Mapping[str, int] | Sequence[Mapping[str, Any]],
        price: str = "10.00",
        settle: bool = True,
        paid: str | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """Create an order, and let locations hear of it. `paid`: "authorized" or "captured" by the fake provider."""
        if isinstance(lines, Mapping):
            lines = [
                {"sku": sku, "quantity": quantity, "unitPrice": {"amount": price, "currency": "USD"}}
                for sku, quantity in lines.items()
            ]
        to = {} if {"pickupLocation", "deliveryGroups"} & more.keys() else {"shippingAddress": ADDRESS}
        created = await self.api.ok(
            CREATE,
            input={
                "idempotencyKey": key(),
                "channel": "web",
                "lines": lines,
                "customer": {"email": "ada@example.com"},
                **to,
                **more,
            },
        )
        id_ = created["order"]["id"]
        if paid:
            await self.authorize(id_)
        if paid == "captured":
            await self.capture(id_)
        if settle:
            await self.world.settle()
        return await self.look(id_)

    async def look(self, order_id: str) -> dict[str, Any]:
        return (await self.api(LOOK, id=order_id))["order"]  # type: ignore[no-any-return]

    async def authorize(self, order_id: str) -> str:
        answer = await self.api.ok(
            AUTHORIZE, input={"idempotencyKey": key(), "order": {"id": order_id}, "provider": "fake"}
        )
        return answer["payment"]["id"]  # type: ignore[no-any-return]

    async def capture(self, order_id: str, amount: str | None = None) -> None:
        (payment,) = (await self.look(order_id))["payments"]
        more = {"amount": {"amount": amount, "currency": "USD"}} if amount else {}
        await self.api.ok(CAPTURE, input={"idempotencyKey": key(), "id": payment["id"], **more})

    async def accept(self, fulfillment: Mapping[str, Any]) -> dict[str, Any]:
        return (await self.api.ok(ACCEPT, input={"id": fulfillment["id"]}))["fulfillment"]  # type: ignore[no-any-return]

    def shipping(
        self, fulfillment: Mapping[str, Any], lines: Mapping[str, int] | None = None, **more: Any
    ) -> dict[str, Any]:
        """The input of shipmentCreate; `lines` by SKU."""
        named = {}
        if lines is not None:
            of = {line["sku"]: line["id"] for line in fulfillment["lines"]}
            named["lines"] = [{"fulfillmentLineId": of[sku], "quantity": n} for sku, n in lines.items()]
        return {
            "idempotencyKey": key(), "fulfillmentId": fulfillment["id"], "shipping": TRACKING, **named, **more,
        }  # fmt: skip

    async def ship(
        self, fulfillment: Mapping[str, Any], lines: Mapping[str, int] | None = None, **more: Any
    ) -> dict[str, Any]:
        return (await self.api.ok(SHIP, input=self.shipping(fulfillment, lines, **more)))["shipment"]  # type: ignore[no-any-return]

    async def track(self, shipment: Mapping[str, Any], status: str, at: datetime | None = None) -> dict[str, Any]:
        scan = {"id": shipment["id"], "status": status, "at": (at or clock.now()).isoformat()}
        return (await self.api.ok(TRACK, input=scan))["shipment"]  # type: ignore[no-any-return]

    async def deliver(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Accept, ship and deliver everything that locations have of an order."""
        for fulfillment in order["fulfillments"]:
            if fulfillment["status"] in ("REJECTED", "CANCELLED"):
                continue
            if fulfillment["status"] == "OFFERED":
                await self.accept(fulfillment)
            await self.track(await self.ship(fulfillment), "DELIVERED")
        await self.world.settle()
        return await self.look(order["id"])

    def cancelling(
        self, order: Mapping[str, Any], lines: Mapping[str, int] | None = None, **more: Any
    ) -> dict[str, Any]:
        """The input of orderCancel; `lines` by SKU."""
        named = {}
        if lines is not None:
            of = {line["sku"]: line["id"] for line in order["lines"]}
            named["lines"] = [{"lineId": of[sku], "quantity": n} for sku, n in lines.items()]
        return {
            "idempotencyKey": key(), "order": {"id": order["id"]}, "reason": "customer_request", **named, **more,
        }  # fmt: skip

    async def cancel(
        self, order: Mapping[str, Any], lines: Mapping[str, int] | None = None, **more: Any
    ) -> dict[str, Any]:
        """Cancel, and let its money follow."""
        await self.api.ok(CANCEL, input=self.cancelling(order, lines, **more))
        await self.world.settle()
        return await self.look(order["id"])

    def returning(self, order: Mapping[str, Any], lines: Mapping[str, int], **more: Any) -> dict[str, Any]:
        """The input of returnRequest; `lines` by SKU."""
        of = {line["sku"]: line["id"] for line in order["lines"]}
        return {
            "order": {"id": order["id"]},
            "lines": [{"lineId": of[sku], "quantity": n, "reason": "too_small"} for sku, n in lines.items()],
            **more,
        }

    async def ask_back(self, order: Mapping[str, Any], lines: Mapping[str, int], **more: Any) -> dict[str, Any]:
        return (await self.api.ok(REQUEST, input=self.returning(order, lines, **more)))["rma"]  # type: ignore[no-any-return]

    async def approved(self, order: Mapping[str, Any], lines: Mapping[str, int]) -> dict[str, Any]:
        rma = await self.ask_back(order, lines)
        return (await self.api.ok(APPROVE, input={"id": rma["id"], "idempotencyKey": key()}))["rma"]  # type: ignore[no-any-return]

    def receiving(
        self, rma: Mapping[str, Any], lines: Sequence[tuple[str, int, str | None]], location: str, **more: Any
    ) -> dict[str, Any]:
        """The input of returnReceive; `lines` are (SKU, units, disposition)."""
        of = {line["sku"]: line["id"] for line in rma["lines"]}
        return {
            "idempotencyKey": key(),
            "id": rma["id"],
            "location": location,
            "lines": [
                {"returnLineId": of[sku], "quantity": n, **({"disposition": what} if what else {})}
                for sku, n, what in lines
            ],
            **more,
        }

    async def receive(
        self, rma: Mapping[str, Any], lines: Sequence[tuple[str, int, str | None]], location: str, **more: Any
    ) -> dict[str, Any]:
        """Receive, and let the money follow."""
        await self.api.ok(RECEIVE, input=self.receiving(rma, lines, location, **more))
        await self.world.settle()
        return await self.rma(rma["id"])

    async def rma(self, id_: str) -> dict[str, Any]:
        found = await self.api(f"query($id: ID!) {{ node(id: $id) {{ ... on Return {{ {_RETURN} }} }} }}", id=id_)
        return found["node"]  # type: ignore[no-any-return]

    async def stock(self, *skus: str) -> dict[tuple[str, str], tuple[int, int]]:
        """(on hand, reserved) by SKU and location; positions that are empty are left out."""
        nodes = (await self.api(STOCK, skus=list(skus)))["inventory"]["nodes"]
        return {
            (row["sku"], row["location"]["handle"]): (row["onHand"], row["reserved"])
            for row in nodes
            if row["onHand"] or row["reserved"]
        }

    async def unavailable(self, sku: str) -> int:
        """Units of a SKU that are there and may not be sold."""
        nodes = (await self.api(STOCK, skus=[sku]))["inventory"]["nodes"]
        return sum(row["unavailable"] for row in nodes)

    async def topics(self, owner: str) -> list[str]:
        """Topics of an order's timeline, oldest first."""
        await self.world.settle()
        found = await self.api(
            "query($id: ID!) { order(by: { id: $id }) { timeline(first: 100) { nodes { topic } } } }", id=owner
        )
        return [node["topic"] for node in reversed(found["order"]["timeline"]["nodes"])]


def at(hours: float) -> datetime:
    """An instant so many hours from now."""
    return datetime.fromtimestamp(clock.now().timestamp() + hours * 3600, UTC)
