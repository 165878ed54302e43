"""How a walk speaks, and what it opens with: places, carriers, SKUs, stock, a sourcing policy."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from graphql import get_named_type

from documents import document, root_field
from oms_api.kit import clock
from world import Api

PERSON = {
    "email": "zebulon.quartermain@quux-mail.example",
    "phone": "+4915799988877",
    "name": "Zebulon Quartermain",
    "street": "Xanthippe-Allee 4711",
    "city": "Wolkenkuckucksheim",
    "company": "Quartermain & Daughters",
    "note": "Please ring twice, grandmother Hermine sleeps",
}


@dataclass(frozen=True)
class Step:
    """What was sent, and the root field's value that came back."""

    field: str
    variables: Mapping[str, Any]
    value: Any


Send = Callable[[str, Mapping[str, Any]], Awaitable[Any]]


class Opening:
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

    @property
    def destination(self) -> dict[str, Any]:
        return {"country": "US", "postalCode": "10001"}

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
