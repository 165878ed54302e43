"""Every mutation of the schema at least once, in an order that works, for the gates that look at all of them.

`await Walk(api, "a").run()` does it for one tenant. Whatever a caller chooses (handles, codes, references) ends in the
walk's mark, so that the walks of two tenants send the same at the same place but for what is theirs alone.
"""

from datetime import timedelta
from typing import Any

from oms_api.kit import clock
from walk_opening import PERSON, Opening

NOBODY_LISTENS = "http://127.0.0.1:9/hook"


class Walk(Opening):
    """From opening to last look."""

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
        order = await self._order([{"sku": self.my("TEE"), "quantity": 1}])
        await self._pay(order)
        await self.api.world.settle()
        work = await self._work(order)
        (to,) = {self.my("dc"), self.my("store")} - {work["location"]["handle"]}
        await self.do("fulfillmentReassign", id=work["id"], location=to, reason="overload")
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
