"""Every mutation of the schema at least once, in an order that works, for the gates that look at all of them.

`await Walk(api, "a").run()` does it for one tenant. Whatever a caller chooses (handles, codes, references) ends in the
walk's mark, so that the walks of two tenants send the same at the same place but for what is theirs alone. Documents
are written from the schema: whatever is added to an answer is selected too.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)
from sqlmodel import SQLModel

from oms_api.domains import parts
from oms_api.kit import clock
from oms_api.schema import build
from world import Api

NEST_MAX = 4
NOBODY_LISTENS = "http://127.0.0.1:9/hook"
PERSON = {
    "email": "zebulon.quartermain@quux-mail.example",
    "phone": "+4915799988877",
    "name": "Zebulon Quartermain",
    "street": "Xanthippe-Allee 4711",
    "city": "Wolkenkuckucksheim",
    "company": "Quartermain & Daughters",
    "note": "Please ring twice, grandmother Hermine sleeps",
}


@cache
def schema() -> GraphQLSchema:
    """The schema that is served."""
    return build()._schema


def selection(type_: Any, nest: int = NEST_MAX, inside: frozenset[str] = frozenset()) -> str:
    """Every field of a type that needs no argument, but for pages below the first level and what leads back to a type
    that it is in; empty for a leaf."""
    named = get_named_type(type_)
    if is_leaf_type(named):
        return ""
    if isinstance(named, GraphQLInterfaceType):
        return "{ __typename id }"
    assert isinstance(named, GraphQLObjectType)
    chosen = []
    for name, field in named.fields.items():
        inner = get_named_type(field.type)
        if any(is_required_argument(argument) for argument in field.args.values()):
            continue
        if is_leaf_type(inner):
            chosen.append(name)
        elif nest > 0 and inner.name not in inside and not (inner.name.endswith("Connection") and inside):
            chosen.append(f"{name} {selection(inner, nest - 1, inside | {named.name})}")
    return "{ " + " ".join(chosen or ["__typename"]) + " }"


def root_field(name: str) -> tuple[str, GraphQLField]:
    """("mutation" or "query", the field)."""
    for kind, root in (("mutation", schema().mutation_type), ("query", schema().query_type)):
        if root is not None and name in root.fields:
            return kind, root.fields[name]
    raise LookupError(name)


@cache
def document(name: str) -> str:
    """An operation of one root field with all its arguments as variables."""
    kind, field = root_field(name)
    declared = ", ".join(f"${argument}: {value.type}" for argument, value in field.args.items())
    passed = ", ".join(f"{argument}: ${argument}" for argument in field.args)
    head, call = (f"({declared})", f"({passed})") if declared else ("", "")
    return f"{kind}{head} {{ {name}{call} {selection(field.type)} }}"


def root_fields() -> list[str]:
    return [name for root in (schema().query_type, schema().mutation_type) if root for name in root.fields]


def tenant_tables() -> list[str]:
    """Every table that has a tenant."""
    parts("models")
    return [name for name, table in SQLModel.metadata.tables.items() if "tenant_id" in table.columns]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Every text in variables, by its place."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from leaves(inner, (*path, i))
    elif isinstance(value, str):
        yield path, value


def with_leaf(value: Any, path: tuple[Any, ...], leaf: str) -> Any:
    """Variables with another text at a place."""
    if not path:
        return leaf
    if isinstance(value, list):
        return [with_leaf(inner, path[1:], leaf) if i == path[0] else inner for i, inner in enumerate(value)]
    return {name: with_leaf(inner, path[1:], leaf) if name == path[0] else inner for name, inner in value.items()}


@dataclass(frozen=True)
class Step:
    """What was sent, and the root field's value that came back."""

    field: str
    variables: Mapping[str, Any]
    value: Any


Send = Callable[[str, Mapping[str, Any]], Awaitable[Any]]


class Walk:
    """`send(field, variables)` gives the root field's value; it is the API unless a gate does more with each step."""

    def __init__(self, api: Api, mark: str, send: Send | None = None) -> None:
        self.api, self.mark = api, mark
        self.steps: list[Step] = []
        self._send = send or self.plain
        self._keys = 0

    async def plain(self, field: str, variables: Mapping[str, Any]) -> Any:
        return await self.api.ok(document(field), **variables)

    async def ask(self, field: str, **variables: Any) -> Any:
        value = await self._send(field, variables)
        self.steps.append(Step(field, variables, value))
        return value

    async def do(self, field: str, **sent: Any) -> Any:
        """A mutation; with a fresh idempotency key where it takes one."""
        (argument,) = root_field(field)[1].args.values()
        if "idempotencyKey" in get_named_type(argument.type).fields:
            self._keys += 1
            sent = {"idempotencyKey": f"walk-{self.mark}-{self._keys}", **sent}
        return await self.ask(field, input=sent)

    def my(self, name: str) -> str:
        return f"{name}-{self.mark}"

    @property
    def address(self) -> dict[str, Any]:
        return {
            "name": PERSON["name"], "lines": [PERSON["street"], PERSON["note"]], "city": PERSON["city"],
            "postalCode": "10001", "country": "US", "company": PERSON["company"], "phone": PERSON["phone"],
        }  # fmt: skip

    async def run(self) -> "Walk":
        await self._world()
        await self._stock()
        await self._source()
        await self._ask()
        await self._hold()
        shipped = await self._sell()
        await self._send_back(shipped)
        await self._cancel()
        await self._refuse()
        await self._let_go()
        await self._webhooks(shipped)
        await self._look(shipped)
        await self.api.world.settle()
        return self

    async def _world(self) -> None:
        dc, store = self.my("dc"), self.my("store")
        place = {"kind": "WAREHOUSE", "timezone": "America/New_York", "openDays": [1, 2, 3, 4, 5, 6, 7]}
        home = {**self.address, "phone": None}
        await self.do(
            "locationPut",
            locations=[
                {"handle": dc, "name": "Distribution centre", **place, "address": home},
                {"handle": store, "name": "Shop", **place, "kind": "STORE", "pickup": True, "safetyStock": 1},
            ],
        )
        await self._carriers(dc)
        channel = {"name": "Web", "currency": "USD", "locations": [dc, store], "paymentRule": "AUTHORIZED"}
        await self.do("channelPut", channels=[{"handle": self.my("web"), **channel}])
        await self.do(
            "webhookSubscriptionPut",
            handle=self.my("partner"),
            url="http://127.0.0.1:9/hook",
            topics=["*"],
            ordered=True,
        )
        price = {"listPrice": {"amount": "19.90", "currency": "USD"}}
        tee, mug = self.my("TEE"), self.my("MUG")
        parts = [{"sku": tee, "quantity": 1}, {"sku": mug, "quantity": 2}]
        await self.do(
            "skuPut",
            skus=[
                {"code": tee, "name": "T-shirt", "weightGrams": 200, "barcodes": [f"400{self.mark}"], **price},
                {"code": mug, "name": "Mug", "weightGrams": 350, "metadata": [{"key": "a.b", "value": 1}], **price},
                {"code": self.my("SET"), "name": "Set", "kind": "KIT", "components": parts, **price},
                {"code": self.my("CARD"), "name": "Gift card", "kind": "DIGITAL", **price},
            ],
        )

    async def _carriers(self, dc: str) -> None:
        closed, ground = self.my("closed"), self.my("ground")
        await self.do("calendarPut", calendars=[{"handle": closed, "name": "Closed days"}])
        await self.do("holidaysApply", calendar=closed, country="US", years=[2026])
        await self.do("locationCalendarPut", locations=[{"location": dc, "calendar": closed, "processingDays": 0}])
        everywhere = {"zones": [{"zone": "all", "transitDays": 3}]}
        price = {"rates": [{"zone": "all", "fixed": {"amount": "5.50", "currency": "USD"}}]}
        service = {"handle": ground, "name": "Ground", "carrier": "Roadrunner", "calendars": [closed]}
        await self.do("carrierServicePut", services=[{**service, **everywhere, **price}])
        await self.do("locationServicesPut", locations=[{"location": dc, "services": [{"service": ground}]}])
        limit = {"process": "PICK", "measure": "UNITS", "perDay": 100_000}
        await self.do("locationCapacityPut", locations=[{"location": dc, "capacities": [limit]}])
        await self.ask("calendar", handle=closed)
        await self.ask("carrierService", handle=ground)
        await self.ask("locationCapacity", locations=[dc], fromOn="2026-12-01", toOn="2026-12-02")
        await self.ask("carrierServices")

    async def _stock(self) -> None:
        dc, tee, mug = self.my("dc"), self.my("TEE"), self.my("MUG")
        await self.do(
            "inventorySet",
            quantities=[{"sku": sku, "location": dc, "quantity": 100} for sku in (tee, mug)],
            reason="opening_stock",
        )
        await self.do(
            "inventoryAdjust",
            changes=[
                {"sku": tee, "location": self.my("store"), "delta": 7},
                {"sku": mug, "location": dc, "delta": -1, "bucket": "AVAILABLE"},
                {"sku": mug, "location": dc, "delta": 1, "bucket": "DAMAGED"},
            ],
            reason="cycle_count",
            referenceUrl="https://erp.example/count/1",
        )
        po, at = self.my("PO"), (clock.now() + timedelta(days=5)).isoformat()
        await self.do(
            "supplyPut", supplies=[{"reference": po, "sku": tee, "location": dc, "quantity": 20, "expectedAt": at}]
        )
        await self.do("supplyReceive", receipts=[{"reference": po, "quantity": 5}])
        await self.do(
            "inventoryMove",
            moves=[{"sku": tee, "location": dc, "quantity": 1, "toBucket": "QUALITY_CONTROL"}],
            reason="inspection",
            referenceUrl="https://erp.example/move/1",
        )
        await self.do(
            "inventoryCount",
            counts=[{"sku": tee, "location": dc, "bucket": "DAMAGED", "counted": 1, "reason": "broken"}],
            reason="cycle_count",
        )
        rule = {"handle": self.my("keep"), "kind": "SAFETY_STOCK", "sku": tee, "units": 1, "location": dc}
        await self.do("stockRulesPut", rules=[rule])

    async def _source(self) -> None:
        policy, dc, store = self.my("policy"), self.my("dc"), self.my("store")
        one = {"sku": self.my("TEE"), "quantity": 1}
        example = {
            "name": "a shirt", "channel": self.my("web"), "lines": [one], **self.destination,
            "stock": [{**one, "location": dc}], "shipments": [{"location": dc, "lines": [one]}],
        }  # fmt: skip
        where = {"handles": [store], "kinds": ["STORE"]}
        cost = {"costs": {"perShipment": {"amount": "1.00", "currency": "USD"}}}
        rule = {"name": "stores cost", "effect": "COST", "when": {"channels": [self.my("web")]}, "locations": where}
        sent = {"policy": policy, "currency": "USD", "rules": [{**rule, **cost}], "examples": [example]}
        await self.do("sourcingPolicyPublish", **sent, note=PERSON["note"])
        await self.do("sourcingPolicyPromote", policy=policy, number=1, channels=[self.my("web")])
        await self.do("sourcingPolicyPublish", **{**sent, "examples": []}, extends=None)
        await self.do("sourcingPolicyPromote", policy=policy, number=2)
        await self.do("sourcingPolicyRollBack", policy=policy)
        await self.do("sourcingPolicyShadow", policy=policy, number=2)
        await self.ask("sourcingPolicy", handle=policy)
        await self.ask("sourcingPolicies")

    @property
    def destination(self) -> dict[str, Any]:
        return {"country": "US", "postalCode": "10001"}

    async def _ask(self) -> None:
        skus, web = [self.my("TEE"), self.my("SET")], self.my("web")
        lane = {"kind": "TRANSFER", "location": self.my("store"), "leadDays": 2}
        await self.do("atpRulesPut", rules=[{"handle": self.my("rule"), "skus": skus[:1], "generators": [lane]}])
        await self.ask("atpRules", handles=[self.my("rule")])
        vip = {"handle": self.my("vip"), "name": "Loyal customers", "rank": 1, "channels": [web]}
        out = {"handle": self.my("out"), "name": "Outlet", "rank": 2, "parent": self.my("vip")}
        await self.do("demandClassesPut", classes=[vip, out])
        await self.ask("demandClasses", handles=[self.my("vip")])
        part = {"demandClass": self.my("out"), "target": 1}
        place = {"sku": skus[0], "location": self.my("dc"), "basis": "UNITS"}
        await self.do("allocationsPut", allocations=[{**place, "shares": [part]}])
        await self.ask("allocations", skus=skus[:1])
        await self.ask("atpTimeline", input={"channel": web, "sku": skus[0], "locations": [self.my("dc")]})
        await self.ask("viewer")
        await self.ask("sku", code=skus[0])
        await self.ask("location", handle=self.my("dc"))
        await self.ask("channel", handle=web)
        await self.ask("inventory", skus=skus, locations=[self.my("dc")], first=5)
        await self.ask("stockRules", skus=skus, first=5)
        await self.ask("availability", input={"channel": web, "skus": skus, "destination": self.destination})
        await self.ask("availability", input={"channel": web, "skus": skus, "locations": [self.my("store")]})

    async def _hold(self) -> None:
        lines = [{"sku": self.my("TEE"), "quantity": 1}]
        cart = {"lines": lines, "channel": self.my("web"), "destination": self.destination}
        held = (await self.do("reservationCreate", **cart))["reservation"]
        held = (await self.do("reservationExtend", id=held["id"], ttlSeconds=1200))["reservation"]
        await self.do("reservationRelease", id=held["id"], expectedVersion=held["version"])
        held = (await self.do("reservationCreate", **cart, atChannel=True))["reservation"]
        held = (
            await self.do("reservationPin", id=held["id"], pins=[{"sku": self.my("TEE"), "location": self.my("dc")}])
        )["reservation"]
        await self.do(
            "reservationTransfer",
            id=held["id"],
            moves=[
                {"sku": self.my("TEE"), "quantity": 1, "fromLocation": self.my("dc"), "toLocation": self.my("store")}
            ],
        )
        await self.do("reservationRelease", id=held["id"], lines=[{"sku": self.my("TEE"), "quantity": 1}])
        held = (await self.do("reservationCreate", **cart))["reservation"]
        await self._order(lines, reservationId=held["id"])

    async def _order(self, lines: list[dict[str, Any]], **more: Any) -> Any:
        created = await self.do(
            "orderCreate",
            channel=self.my("web"),
            externalId=f"{self.my('shop')}-{self._keys}",
            lines=lines,
            customer={"email": PERSON["email"], "phone": PERSON["phone"], "externalId": "customer-1"},
            shippingAddress=self.address,
            **more,
        )
        return created["order"]

    async def _pay(self, order: Any) -> Any:
        paid = await self.do("paymentAuthorize", order={"id": order["id"]}, provider="fake", providerReference="ok")
        await self.api.world.settle()
        return paid["payment"]

    async def _work(self, order: Any) -> Any:
        """The only fulfillment of an order."""
        return (await self.ask("order", by={"id": order["id"]}))["fulfillments"][0]

    async def _sell(self) -> Any:
        lines = [{"sku": self.my("TEE"), "quantity": 3}, {"sku": self.my("SET"), "quantity": 1}]
        asked = {"channel": self.my("web"), "lines": lines, "destination": self.destination}
        token = (await self.ask("promise", input=asked))["promise"]["options"][0]["token"]
        adjustments = [{"kind": "DISCOUNT", "label": "Welcome", "amount": {"amount": "1.00", "currency": "USD"}}]
        order = await self._order(
            lines, promiseToken=token, billingAddress=self.address, adjustments=adjustments,
            metadata=[{"key": "shop.note", "value": PERSON["note"]}],
        )  # fmt: skip
        payment = await self._pay(order)
        work = await self._work(order)
        await self.do("fulfillmentAccept", id=work["id"], expectedVersion=work["version"])
        label = {"carrier": "ups", "number": self.my("1Z"), "url": "https://track.example/1Z"}
        first = work["lines"][0]
        part = [{"fulfillmentLineId": first["id"], "quantity": 1}]
        for more in ({"lines": part}, {}):
            shipped = await self.do("shipmentCreate", fulfillmentId=work["id"], shipping={"tracking": label}, **more)
            await self.do(
                "shipmentTrack",
                id=shipped["shipment"]["id"],
                status="DELIVERED",
                at=clock.now().isoformat(),
                place=PERSON["city"],
            )
        await self.do("paymentCapture", id=payment["id"], reason=PERSON["note"])
        await self.api.world.settle()
        return order

    async def _send_back(self, order: Any) -> None:
        tee, kit = order["lines"]
        wanted = [{"lineId": tee["id"], "quantity": 2, "reason": "too_small"}]
        declined = (await self.do("returnRequest", order={"id": order["id"]}, lines=wanted))["rma"]
        await self.do("returnDecline", id=declined["id"], reason="worn")
        wanted.append({"lineId": kit["id"], "quantity": 1, "reason": "broken"})
        rma = (await self.do("returnRequest", order={"number": order["number"]}, lines=wanted))["rma"]
        await self.do("returnApprove", id=rma["id"])
        back = [{"returnLineId": line["id"], "quantity": 1, "disposition": "RESTOCK"} for line in rma["lines"]]
        await self.do("returnReceive", id=rma["id"], location=self.my("dc"), lines=back)
        await self.api.world.settle()
        payment = (await self.ask("order", by={"id": order["id"]}))["payments"][0]
        money = {"amount": "1.50", "currency": "USD"}
        await self.do("paymentRefund", id=payment["id"], amount=money, reason=PERSON["note"])
        await self.api.world.settle()

    async def _cancel(self) -> None:
        order = await self._order([{"sku": self.my("MUG"), "quantity": 2}], autoConfirm=False)
        segment = {"strategy": "WIN", "channels": [self.my("web")], "customerGroups": [self.my("vip")]}
        asked = {"channels": [self.my("web")], "skus": [self.my("MUG")], "units": "ALL", "segments": [segment]}
        wave = await self.do("sourcingWaveRun", **asked)
        await self.api.world.settle()
        await self.ask("sourcingWave", id=wave["wave"]["id"])
        decision = order["sourcingDecisions"][0]["id"]
        await self.ask("sourcingReplay", decision=decision, policy=self.my("policy"), number=2)
        await self._pay(order)
        await self.do("orderConfirm", order={"id": order["id"]})
        await self.api.world.settle()
        work = await self._work(order)
        await self.do("fulfillmentAccept", id=work["id"])
        by = {"external": {"channel": self.my("web"), "id": order["externalId"]}}
        one = [{"lineId": order["lines"][0]["id"], "quantity": 1}]
        await self.do("orderCancel", order=by, lines=one, reason="changed_mind")
        await self.do("fulfillmentCancelReject", id=work["id"], reason="packed")
        await self.do("orderCancel", order=by, reason="changed_mind")
        await self.do("fulfillmentCancelAccept", id=work["id"])
        await self.api.world.settle()

    async def _refuse(self) -> None:
        order = await self._order([{"sku": self.my("MUG"), "quantity": 1}])
        await self._pay(order)
        await self.api.world.settle()
        work = await self._work(order)
        await self.do("fulfillmentReassign", id=work["id"], location=self.my("dc"), reason="overload")
        given = (await self.ask("order", by={"id": order["id"]}))["fulfillments"][-1]
        part = [{"fulfillmentLineId": given["lines"][0]["id"], "quantity": 1}]
        await self.do("fulfillmentReject", id=given["id"], lines=part, reason="not_found", note=PERSON["note"])
        await self.do("orderCancel", order={"id": order["id"]}, reason="changed_mind")
        await self.api.world.settle()

    async def _let_go(self) -> None:
        payment = await self._pay(await self._order([{"sku": self.my("CARD"), "quantity": 1}]))
        await self.do("paymentVoid", id=payment["id"], reason=PERSON["note"])
        await self.api.world.settle()

    async def _webhooks(self, order: Any) -> None:
        handle = self.my("partner")
        await self.do("webhookSubscriptionPause", handle=handle, paused=True)
        await self.do("webhookSubscriptionPause", handle=handle, paused=False)
        await self.do("webhookSecretRotate", handle=handle, overlapSeconds=60)
        await self.do("webhookTest", handle=handle, topic="order.created", subjectId=order["id"])
        since = (clock.now() - timedelta(hours=1)).isoformat()
        await self.do("webhookReplay", handle=handle, since=since, status=["DEAD"], dryRun=False)
        await self.ask("webhookSubscription", handle=handle)
        other = self.my("other")
        await self.do("webhookSubscriptionPut", handle=other, url=NOBODY_LISTENS, topics=["order.*"])
        await self.do("webhookSubscriptionDelete", handle=other)

    async def _look(self, order: Any) -> None:
        where = {"channel": {"eq": self.my("web")}, "sku": {"eq": self.my("TEE")}}
        found = await self.ask("orders", where=where, search=self.my("TEE"), first=1)
        await self.ask("orders", where=where, search=self.my("TEE"), first=1, after=found["pageInfo"]["endCursor"])
        await self.ask("events", topics=["order.*"], subjectId=order["id"], first=10)
        await self.ask("node", id=order["lines"][0]["id"])
        await self.ask("nodes", ids=[order["id"], order["lines"][0]["id"]])
