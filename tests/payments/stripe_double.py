"""Stripe's API on loopback, as strict as the real one where money is concerned, over real HTTP.

It refuses an unknown API version, a request without its key, a POST without an idempotency key, the same key with other
parameters, a capture above the authorization and a refund above the capture. `trouble` makes the next requests fail,
before or after the work is done. What happens is told in `told` as signed callbacks, which a test delivers as it likes;
`on_change` delivers them before the call itself is answered.
"""

import asyncio
import contextlib
import itertools
import json
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import stripe
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from oms_api.kit import clock, ids
from oms_api.serve import Server

KEY = "sk_test_double"
SECRET = "whsec_double"
PERSON = "jenny.rosen@example.com"
SLOW_S = 1.0
WORK_S = 0.01
NEXT_ACTION = "https://hooks.stripe.example/3ds/"
DECLINES = {"pm_card_chargeDeclined": "generic_decline", "pm_card_insufficientFunds": "insufficient_funds"}


class Fault(Exception):
    """An answer of status 4xx."""

    def __init__(self, status: int, kind: str, code: str | None, **more: Any) -> None:
        super().__init__(code)
        self.status, self.body = status, {"error": {"type": kind, "code": code, "message": f"({code})", **more}}


def _invalid(code: str) -> Fault:
    return Fault(400, "invalid_request_error", code)


class StripeDouble:
    """Its books: PaymentIntents and refunds by id. `multicapture`: whether cards keep the rest of a partial capture."""

    def __init__(self) -> None:
        self.intents: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.told: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.faults: list[str | None] = []
        self.trouble: list[str] = []
        self.multicapture = False
        self.on_change: Callable[[dict[str, Any]], Awaitable[None]] | None = None
        self._answered: dict[str, tuple[str, int, dict[str, Any]]] = {}
        self._running: set[str] = set()
        self._numbers: Iterator[int] = itertools.count(1)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        handle = Route("/v1/{path:path}", self._handle, methods=["GET", "POST"])
        self._server = Server(
            uvicorn.Config(Starlette(routes=[handle]), lifespan="off", access_log=False, log_config=None)
        )
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        await self._server.ready(self._serving)

    async def stop(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        assert self._serving is not None
        await self._serving
        self._socket.close()

    # --- as a tenant's storefront, its customers and Stripe's people use it ---

    def storefront_intent(self, amount: int, **more: Any) -> dict[str, Any]:
        """An intent that the storefront made with its own server, waiting for the payment form."""
        wanted = {"amount": str(amount), "currency": "eur", "capture_method": "manual", **more}
        return self._new_intent({name: str(value) for name, value in wanted.items()})

    async def customer_pays(self, intent_id: str, method: str = "pm_card_visa") -> None:
        """The customer completes the payment form, or what the bank asked for."""
        with contextlib.suppress(Fault):
            self._confirm(self.intents[intent_id], method)
        await self._changed()

    def forget_keys(self) -> None:
        """A day later."""
        self._answered.clear()

    def books(self) -> list[tuple[int, int, int, str]]:
        """(capturable, received, refunded, status) of every intent, oldest first."""
        return [
            (each["amount_capturable"], each["amount_received"], self._refunded(each["id"]), each["status"])
            for each in self.intents.values()
        ]

    # --- the wire ---

    async def _handle(self, request: Request) -> Response:
        path = request.path_params["path"]
        self.requests.append(f"{request.method} {path}")
        trouble = self.trouble.pop(0) if self.trouble else ""
        try:
            if trouble == "rate_limit":
                raise Fault(429, "invalid_request_error", "rate_limit")
            if trouble == "away":
                return Response("<html>bad gateway</html>", 502)
            if trouble == "drop":
                return await self._broken(request)
            self._known_client(request)
            if request.method == "GET":
                return JSONResponse(self._get(path, dict(request.query_params)))
            status, body = await self._once(request, path, trouble)
        except Fault as fault:
            status, body = fault.status, fault.body
            self.faults.append(body["error"]["code"])
        if trouble == "lost_answer":
            return await self._broken(request)
        if trouble == "slow":
            await asyncio.sleep(SLOW_S)
        return JSONResponse(body, status, {"Request-Id": "req_double"})

    async def _broken(self, request: Request) -> Response:
        """No answer: the connection is closed in the middle of one."""

        class Broken(Response):
            async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
                await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9999")]})
                await send({"type": "http.response.body", "body": b"{", "more_body": True})
                raise ConnectionAbortedError

        return Broken()

    def _known_client(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise Fault(401, "invalid_request_error", None)
        if request.headers.get("stripe-version") != stripe.api_version:
            raise _invalid("unknown_api_version")

    async def _once(self, request: Request, path: str, trouble: str) -> tuple[int, dict[str, Any]]:
        """A POST under its idempotency key: the first answer is kept, also when it is an error."""
        key = request.headers.get("idempotency-key")
        if not key:
            raise _invalid("idempotency_key_missing")
        if request.headers.get("content-type") != "application/x-www-form-urlencoded":
            raise _invalid("content_type")
        body = (await request.body()).decode()
        content = f"{path}?{body}"
        if key in self._running:
            raise Fault(409, "idempotency_error", "idempotency_key_in_use")
        if key in self._answered:
            before, status, answer = self._answered[key]
            if before != content:
                raise Fault(400, "idempotency_error", None)
            return status, answer
        self._running.add(key)
        try:
            await asyncio.sleep(WORK_S)
            try:
                status, answer = 200, self._post(path, dict(parse_qsl(body, keep_blank_values=True)))
            except Fault as fault:
                status, answer = fault.status, fault.body
            if trouble == "error_after":
                status, answer = 500, {"error": {"type": "api_error", "message": "sorry"}}
            answer = json.loads(json.dumps(answer))
            await self._changed()
            self._answered[key] = (content, status, answer)
        finally:
            self._running.discard(key)
        return status, answer

    # --- what it does ---

    def _get(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        if path == "refunds":
            found = [each for each in self.refunds.values() if each["payment_intent"] == query["payment_intent"]]
            return {"object": "list", "data": found[: int(query["limit"])], "has_more": False, "url": "/v1/refunds"}
        if path == "payment_intents/search":
            wanted = query["query"].split("'")[3]
            found = [each for each in self.intents.values() if each["metadata"].get("operation") == wanted]
            return {"object": "search_result", "data": found, "has_more": False, "url": "/v1/payment_intents/search"}
        return self._intent(path.removeprefix("payment_intents/"))

    def _intent(self, intent_id: str) -> dict[str, Any]:
        if intent_id not in self.intents:
            raise Fault(404, "invalid_request_error", "resource_missing")
        return self.intents[intent_id]

    def _post(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        if path == "payment_intents":
            made = self._new_intent(form)
            if form.get("confirm") == "true":
                self._confirm(made, form["payment_method"], form.get("return_url"))
            return made
        if path == "refunds":
            return self._refund(form)
        _, intent_id, *rest = path.split("/")
        intent = self._intent(intent_id)
        intent["metadata"] |= _metadata(form)
        match rest:
            case ["capture"]:
                self._capture(intent, form)
            case ["cancel"]:
                self._cancel(intent)
            case ["confirm"]:
                self._confirm(intent, form.get("payment_method", "pm_card_visa"))
            case []:
                pass
            case _:
                raise Fault(404, "invalid_request_error", "no_such_path")
        return intent

    def _new_intent(self, form: dict[str, str]) -> dict[str, Any]:
        amount = int(form["amount"])
        if amount < 1:
            raise _invalid("amount_too_small")
        made = {
            "id": f"pi_{ids.new().hex}{next(self._numbers)}",
            "object": "payment_intent",
            "amount": amount,
            "amount_capturable": 0,
            "amount_received": 0,
            "currency": form["currency"],
            "capture_method": form.get("capture_method", "automatic"),
            "metadata": _metadata(form),
            "status": "requires_payment_method",
            "next_action": None,
            "last_payment_error": None,
            "latest_charge": None,
            "receipt_email": PERSON,
            "return_url": form.get("return_url"),
        }
        made["client_secret"] = f"{made['id']}_secret_double"
        self.intents[made["id"]] = made
        return made

    def _confirm(self, intent: dict[str, Any], method: str, return_url: str | None = None) -> None:
        if intent["status"] not in ("requires_payment_method", "requires_confirmation", "requires_action"):
            raise _invalid("payment_intent_unexpected_state")
        if method in DECLINES:
            error = {"code": "card_declined", "decline_code": DECLINES[method]}
            intent |= {"status": "requires_payment_method", "last_payment_error": error, "next_action": None}
            self._tell("payment_intent.payment_failed", intent)
            raise Fault(402, "card_error", "card_declined", decline_code=DECLINES[method], payment_intent=intent)
        if method == "pm_card_threeDSecure2Required" and intent["status"] != "requires_action":
            action: dict[str, Any] = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
            if return_url:
                url = {"url": f"{NEXT_ACTION}{intent['id']}", "return_url": return_url}
                action = {"type": "redirect_to_url", "redirect_to_url": url}
            intent |= {"status": "requires_action", "next_action": action}
            self._tell("payment_intent.requires_action", intent)
            return
        if not method.startswith("pm_card_"):
            raise _invalid("resource_missing")
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"], "next_action": None}
        available = {"status": "available" if self.multicapture else "unavailable"}
        intent["latest_charge"] = {
            "id": f"ch_{intent['id'][3:]}",
            "object": "charge",
            "payment_method_details": {"card": {"multicapture": available}},
        }
        self._tell("payment_intent.amount_capturable_updated", intent)

    def _capture(self, intent: dict[str, Any], form: dict[str, str]) -> None:
        amount, keeps = int(form["amount_to_capture"]), form.get("final_capture") == "false"
        if intent["status"] != "requires_capture":
            raise _invalid("payment_intent_unexpected_state")
        if amount > intent["amount_capturable"]:
            raise _invalid("amount_too_large")
        if keeps and not self.multicapture:
            raise _invalid("capture_not_allowed")
        intent["amount_received"] += amount
        intent["amount_capturable"] -= amount
        if not keeps:
            intent |= {"amount_capturable": 0, "status": "succeeded"}
        self._tell("payment_intent.amount_capturable_updated" if keeps else "payment_intent.succeeded", intent)

    def _cancel(self, intent: dict[str, Any]) -> None:
        if intent["status"] in ("canceled", "succeeded"):
            raise _invalid("payment_intent_unexpected_state")
        intent |= {"amount_capturable": 0, "status": "canceled", "next_action": None}
        self._tell("payment_intent.canceled", intent)

    def _refunded(self, intent_id: str) -> int:
        return sum(each["amount"] for each in self.refunds.values() if each["payment_intent"] == intent_id)

    def _refund(self, form: dict[str, str]) -> dict[str, Any]:
        intent, amount = self._intent(form["payment_intent"]), int(form["amount"])
        if self._refunded(intent["id"]) + amount > intent["amount_received"]:
            raise _invalid("charge_already_refunded")
        made = {
            "id": f"re_{ids.new().hex}",
            "object": "refund",
            "payment_intent": intent["id"],
            "amount": amount,
            "currency": intent["currency"],
            "metadata": _metadata(form),
            "status": "succeeded",
        }
        self.refunds[made["id"]] = made
        self._tell("refund.created", made)
        return made

    # --- what it tells ---

    def _tell(self, kind: str, about: dict[str, Any]) -> None:
        copied = json.loads(json.dumps(about))
        self.told.append({"id": f"evt_{ids.new().hex}", "object": "event", "type": kind, "data": {"object": copied}})

    async def _changed(self) -> None:
        if self.on_change is not None:
            for event in self.told:
                await self.on_change(event)


def _metadata(form: dict[str, str]) -> dict[str, str]:
    return {name[9:-1]: value for name, value in form.items() if name.startswith("metadata[")}


def signed(event: Any, secret: str = SECRET, *, age_s: int = 0) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a callback, signed as Stripe does."""
    body = event if isinstance(event, str) else json.dumps(event)
    at = int(clock.now().timestamp()) - age_s
    header = stripe.WebhookSignature.generate_signature_header(body, secret, at)  # type: ignore[no-untyped-call]
    return body.encode(), {"stripe-signature": str(header), "content-type": "application/json; charset=utf-8"}
