"""The main job as a story: one order from "is it available?" to "money back", over HTTP, with verified webhooks."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import uvicorn
from rich.console import Console
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oms_api import dev, log, seed
from oms_api.client import Client, Failed
from oms_api.kit import clock, ids
from oms_api.kit.events import rfc3339
from oms_api.serve import Server, stop_on_signals, until_stopped

ERRORS = "userErrors { code path message }"
HOOK = "demo-receiver"
TOPICS = ["order.*", "payment.*", "fulfillment.*", "shipment.*", "return.*"]
WANTED = [
    "order.created", "payment.authorized", "order.confirmed", "fulfillment.offered", "fulfillment.accepted",
    "shipment.created", "payment.captured", "shipment.delivered", "return.requested", "return.approved",
    "return.received", "payment.refunded", "return.closed",
]  # fmt: skip

SUBSCRIBE = f"""mutation($input: WebhookSubscriptionInput!) {{
  webhookSubscriptionPut(input: $input) {{ secret {ERRORS} }} }}"""
FORGET = "mutation($input: WebhookSubscriptionDeleteInput!) { webhookSubscriptionDelete(input: $input) { secret } }"
AVAILABILITY = f"""query($input: AvailabilityInput!) {{ availability(input: $input) {{
  availability {{ sku available status earliestDelivery }} {ERRORS} }} }}"""
PROMISE = f"""query($input: PromiseInput!) {{ promise(input: $input) {{
  promise {{ options {{ token deliveredBy cost {{ amount currency }}
    shipments {{ location {{ handle }} deliveredBy lines {{ sku quantity }} }} }} unavailable {{ code message }} }}
  {ERRORS} }} }}"""
CREATE = f"""mutation($input: OrderCreateInput!) {{ orderCreate(input: $input) {{
  order {{ id number status total {{ amount currency }} lines {{ id sku quantity promisedOn }} }} {ERRORS} }} }}"""
AUTHORIZE = f"""mutation($input: PaymentAuthorizeInput!) {{ paymentAuthorize(input: $input) {{
  payment {{ id status authorized {{ amount currency }} order {{ status }} }} {ERRORS} }} }}"""
ORDER = """query($id: ID!) { order(by: {id: $id}) { status outstanding { amount }
  lines { id quantities { reserved allocated shipped delivered returned } }
  fulfillments { id status location { handle } lines { sku quantity } shipments { id status } }
  payments { status captured { amount } refunded { amount currency } } } }"""
ACCEPT = f"""mutation($input: FulfillmentAcceptInput!) {{ fulfillmentAccept(input: $input) {{
  fulfillment {{ status }} {ERRORS} }} }}"""
SHIP = f"""mutation($input: ShipmentCreateInput!) {{ shipmentCreate(input: $input) {{
  shipment {{ id status trackingNumber }} {ERRORS} }} }}"""
CAPTURE = f"""mutation($input: PaymentCaptureInput!) {{ paymentCapture(input: $input) {{
  payment {{ status captured {{ amount currency }} }} {ERRORS} }} }}"""
TRACK = f"""mutation($input: ShipmentTrackInput!) {{ shipmentTrack(input: $input) {{
  shipment {{ status }} {ERRORS} }} }}"""
REQUEST = f"""mutation($input: ReturnRequestInput!) {{ returnRequest(input: $input) {{
  rma {{ id number status lines {{ id quantity }} }} {ERRORS} }} }}"""
APPROVE = (
    f"""mutation($input: ReturnApproveInput!) {{ returnApprove(input: $input) {{ rma {{ status }} {ERRORS} }} }}"""
)
RECEIVE = f"""mutation($input: ReturnReceiveInput!) {{ returnReceive(input: $input) {{
  rma {{ status refunded {{ amount currency }} }} {ERRORS} }} }}"""
TIMELINE = "query($id: ID!) { order(by: {id: $id}) { timeline(first: 50) { nodes { topic } } } }"


class Receiver:
    """A partner's endpoint: verifies every signature and remembers what it heard."""

    def __init__(self) -> None:
        self.secret = ""
        self.heard: list[str] = []
        self.forged = 0
        self.app = Starlette(routes=[Route("/hook", self._hear, methods=["POST"])])

    async def _hear(self, request: Request) -> Response:
        body = await request.body()
        try:
            Webhook(self.secret).verify(body, dict(request.headers))
        except WebhookVerificationError:
            self.forged += 1
            return Response(status_code=401)
        self.heard.append(json.loads(body)["type"])
        return Response(status_code=204)

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        sock = dev.free_socket(0, lambda _: None)
        server = Server(uvicorn.Config(self.app, access_log=False, log_config=None, lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[sock]))
        await server.ready(serving)
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}/hook"
        finally:
            server.should_exit = True
            await serving
            sock.close()


class Story:
    """Tells each step: what was asked, what came back."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.number = 0

    def step(self, title: str, *told: str) -> None:
        self.number += 1
        self.console.print(f"[bold]{self.number:>2}. {title}[/]")
        for line in told:
            self.console.print(f"    {line}", highlight=False)


async def subscribe(client: Client, receiver: Receiver, hook_url: str, story: Story) -> None:
    """A fresh subscription: the one of an earlier run, whose receiver is gone, is removed first."""
    await client(FORGET, input={"handle": HOOK})
    receiver.secret = (await client(SUBSCRIBE, input={"handle": HOOK, "url": hook_url, "topics": TOPICS}))["secret"]
    story.step("A partner subscribes to events", f"{', '.join(TOPICS)} → {hook_url}")


async def listen(client: Client, receiver: Receiver, order_id: str, story: Story) -> None:
    """Wait until the partner has heard everything, and check that nothing was forged."""
    for _ in range(200):
        if set(WANTED) <= set(receiver.heard):
            break
        await asyncio.sleep(0.05)
    else:
        raise Failed(f"the receiver still misses {sorted(set(WANTED) - set(receiver.heard))}")
    if receiver.forged:
        raise Failed(f"{receiver.forged} deliveries had a wrong signature")
    told = await client(TIMELINE, id=order_id)
    story.step(
        f"The partner heard {len(receiver.heard)} events, every signature verified",
        " → ".join(node["topic"] for node in reversed(told["timeline"]["nodes"])),
    )


async def walk(client: Client, story: Story) -> str:
    """The main job; the order's id. Raises Failed at the first step that does not do what it should.

    Every request may be sent twice: its keys are made once, at the beginning.
    """
    run = ids.new().hex

    def key(step: str) -> str:
        return f"demo-{run}-{step}"

    destination = {"country": "US", "postalCode": "10001"}
    asked = await client(
        AVAILABILITY,
        input={"channel": "web", "skus": ["TEE-BLACK-M", "MUG-WHITE", "GIFT-SET"], "destination": destination},
    )
    story.step(
        "A storefront asks: is it available?",
        *[
            f"{item['sku']:<12} {item['available']:>4} {item['status']:<9} in New York by {item['earliestDelivery']}"
            for item in asked["availability"]
        ],
    )

    lines = [{"sku": "TEE-BLACK-M", "quantity": 2}, {"sku": "MUG-WHITE", "quantity": 1}]
    promise = (await client(PROMISE, input={"channel": "web", "lines": lines, "destination": destination}))["promise"]
    if not promise["options"]:
        raise Failed(f"nothing can be promised: {promise['unavailable']}")
    option = promise["options"][0]
    story.step(
        "Where from, by when, at which cost?",
        *[
            f"{_units(parcel['lines'])} from {parcel['location']['handle']}, there by {parcel['deliveredBy']}"
            for parcel in option["shipments"]
        ],
        f"cost {option['cost']['amount']} {option['cost']['currency']}",
    )

    created = await client(
        CREATE,
        input={
            "idempotencyKey": key("create"), "channel": "web", "externalId": f"demo-{run}",
            "promiseToken": option["token"], "lines": lines,
            "customer": {"email": "ada@example.com"},
            "shippingAddress": {"name": "Ada Lovelace", "lines": ["350 Fifth Avenue"], "city": "New York",
                                "region": "NY", "postalCode": "10001", "country": "US"},
        },
    )  # fmt: skip
    order = created["order"]
    story.step(
        "The order is placed; its units are held",
        f"number {order['number']}, {order['status']}, total {order['total']['amount']} {order['total']['currency']}",
    )

    paid = (
        await client(
            AUTHORIZE, input={"idempotencyKey": key("authorize"), "order": {"id": order["id"]}, "provider": "fake"}
        )
    )["payment"]
    if paid["order"]["status"] != "CONFIRMED":
        raise Failed(f"the paid order is {paid['order']['status']}, not CONFIRMED")
    story.step(
        "The payment is authorized; the order confirms itself",
        f"{paid['status']} {paid['authorized']['amount']} {paid['authorized']['currency']}, order CONFIRMED",
    )

    planned = await client.until(ORDER, lambda now: now["fulfillments"], id=order["id"])
    for work in planned["fulfillments"]:
        await client(ACCEPT, input={"idempotencyKey": key(f"accept-{work['id']}"), "id": work["id"]})
    story.step(
        "The work is offered to the locations; they accept",
        *[f"{work['location']['handle']}: {_units(work['lines'])}" for work in planned["fulfillments"]],
    )

    shipments = []
    for number, work in enumerate(planned["fulfillments"], 1):
        shipped = await client(
            SHIP,
            input={
                "idempotencyKey": key(f"ship-{work['id']}"), "fulfillmentId": work["id"],
                "shipping": {"tracking": {"carrier": "demo", "number": f"DEMO{number:04}"}},
            },
        )  # fmt: skip
        shipments.append(shipped["shipment"])
    story.step(
        "The parcels leave", *[f"tracking {parcel['trackingNumber']}, {parcel['status']}" for parcel in shipments]
    )

    captured = (await client(CAPTURE, input={"idempotencyKey": key("capture"), "id": paid["id"]}))["payment"]
    story.step(
        "The money is captured",
        f"{captured['status']} {captured['captured']['amount']} {captured['captured']['currency']}",
    )

    at = await client("{ viewer { serverVersion } }")
    for parcel in shipments:
        await client(
            TRACK,
            input={"idempotencyKey": key(f"track-{parcel['id']}"), "id": parcel["id"], "status": "DELIVERED",
                   "at": rfc3339(clock.now()), "place": "New York"},
        )  # fmt: skip
    delivered = await client(ORDER, id=order["id"])
    story.step("The parcels arrive", f"order {delivered['status']} (server {at['serverVersion']})")

    rma = (
        await client(
            REQUEST,
            input={
                "idempotencyKey": key("return"), "order": {"id": order["id"]},
                "lines": [{"lineId": line["id"], "quantity": line["quantity"], "reason": "changed_mind"}
                          for line in order["lines"]],
            },
        )
    )["rma"]  # fmt: skip
    await client(APPROVE, input={"idempotencyKey": key("approve"), "id": rma["id"]})
    story.step("The customer changes her mind; the return is approved", f"return {rma['number']}")

    line_of = {ordered["sku"]: line["id"] for line, ordered in zip(rma["lines"], order["lines"], strict=True)}
    for work in planned["fulfillments"]:  # each location gets back what it sent
        await client(
            RECEIVE,
            input={
                "idempotencyKey": key(f"receive-{work['id']}"), "id": rma["id"], "location": work["location"]["handle"],
                "lines": [{"returnLineId": line_of[line["sku"]], "quantity": line["quantity"], "disposition": "RESTOCK"}
                          for line in work["lines"]],
            },
        )  # fmt: skip
    total = order["total"]["amount"]
    settled = await client.until(
        ORDER, lambda now: any(payment["refunded"]["amount"] == total for payment in now["payments"]), id=order["id"]
    )
    story.step(
        "The units come back, the stock is whole again, the money is returned",
        f"refunded {settled['payments'][0]['refunded']['amount']} {settled['payments'][0]['refunded']['currency']}",
    )
    order_id: str = order["id"]
    return order_id


async def tell(client: Client, receiver: Receiver, hook_url: str, story: Story) -> None:
    """The whole story, in the demo world."""
    await seed.demo(client)
    await subscribe(client, receiver, hook_url, story)
    await listen(client, receiver, await walk(client, story), story)


def _units(lines: list[dict[str, Any]]) -> str:
    return ", ".join(f"{line['quantity']} × {line['sku']}" for line in lines)


async def main(folder: Path, *, port: int, once: bool) -> int:
    """Run the walk on an embedded deployment; then keep serving, unless `once`. The exit status."""
    log.configure("warning", "console")
    console = Console(soft_wrap=True)
    stop = asyncio.Event()
    stop_on_signals(stop)
    receiver = Receiver()
    async with dev.running(folder, port=port, say=console.print) as running, receiver.listening() as hook_url:
        async with Client(running.url, running.api_key) as client:
            try:
                await until_stopped(tell(client, receiver, hook_url, Story(console)), stop)
            except Failed as error:
                console.print(f"[red]That did not work:[/] {error}")
                return 1
        if stop.is_set():
            return 0
        console.print("[green]The order has travelled from availability to money back.[/]\n")
        if once:
            return 0
        query = json.dumps({"query": "{ viewer { tenant scopes serverVersion } }"})
        console.print(f"GraphQL   {running.url}/graphql", highlight=False)
        console.print(f"Explorer  {running.url}/explorer#key={running.api_key}", highlight=False)
        console.print(f"API key   {running.api_key}", highlight=False)
        console.print(
            f"Try it    curl -s {running.url}/graphql -H 'Authorization: Bearer {running.api_key}' "
            f"-H 'Content-Type: application/json' -d '{query}'",
            highlight=False,
        )
        console.print("Ctrl-C ends it.")
        await stop.wait()
    return 0
