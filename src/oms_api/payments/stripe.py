"""Stripe, by PaymentIntents that are captured by hand. The only file that imports its SDK.

An authorization is a PaymentIntent. Its method (`providerReference`) is

    absent      one that the customer completes in the storefront's payment form (`client_secret`)
    pm_…        one that is confirmed at once with this PaymentMethod
    pi_…        the storefront's own, with the same amount and currency and `capture_method: manual`

Every request carries our operation's id, as idempotency key and in the object's metadata: Stripe forgets keys after a
day, so what is asked again looks there first and finds what was done. A partial capture keeps the rest reserved where
Stripe offers multicapture for the card; elsewhere Stripe lets the rest go with it, and so do we (`Answer.released`).

The account's configuration: `secret_key`, `api_base`, `webhook_secrets` (one, or two while it is being changed) and
`return_url` (where a bank sends the customer back to; without it only Stripe's own form can ask the customer to act).
"""

import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

import httpx2
import orjson
import stripe
from stripe import RequestOptions, StripeClient

from oms_api.kit import clock
from oms_api.kit.caller import Caller
from oms_api.kit.db import Database
from oms_api.kit.money import digits
from oms_api.payments.models import OPERATION, OperationKind
from oms_api.payments.provider import Answer, Ask, Result

API_BASE = "https://api.stripe.com"
REQUEST_TIMEOUT_S = 7.0
KEY_KEPT = timedelta(hours=20)  # Stripe says: at least 24 h
REFUNDS_MAX = 100
CALLBACK_TOLERANCE_S = 300
ID_LENGTH_MAX = 255

# https://docs.stripe.com/currencies#minor-units; where Stripe counts other minor units than ISO 4217 does
_DIGITS = {"ISK": 2, "UGX": 2, "MGA": 0}
_LAST_DIGIT_ZERO = {"BHD", "JOD", "KWD", "OMR", "TND"}

Intent = Mapping[str, Any]


class Unrepresentable(ValueError):
    """An amount that Stripe cannot take in this currency."""


def amount_of(minor: int, currency: str) -> int:
    """Our minor units as Stripe counts them. Raises Unrepresentable."""
    shift = _DIGITS.get(currency, digits(currency)) - digits(currency)
    whole, rest = divmod(minor, 10 ** max(0, -shift))
    if rest or (currency in _LAST_DIGIT_ZERO and minor % 10):
        raise Unrepresentable(f"{minor} {currency}")
    return int(whole * 10 ** max(0, shift))


async def carry_out(db: Database, caller: Caller, ask: Ask) -> Answer:
    """Ask Stripe. What it refuses is DECLINED with its code; whatever leaves a doubt is UNANSWERED, to be asked again.

    A conflict of idempotency keys is a doubt too: something was done under this key, and the next look finds what.
    """
    try:
        async with httpx2.AsyncClient(timeout=REQUEST_TIMEOUT_S, verify=_tls(), trust_env=False) as http:
            return await _DO[ask.kind](_client(ask.config, http), ask)
    except Unrepresentable:
        return Answer(Result.DECLINED, code="invalid_amount")
    except stripe.CardError as error:
        told = _error(error)
        intent = told.get("payment_intent") or {}
        return Answer(Result.DECLINED, reference=intent.get("id"), code=told.get("decline_code") or error.code)
    except stripe.InvalidRequestError as error:
        return Answer(Result.DECLINED, code=error.code or "invalid_request")
    except stripe.StripeError as error:
        return Answer(Result.UNANSWERED, code=_error(error).get("code") or type(error).__name__)


def _error(error: stripe.StripeError) -> dict[str, Any]:
    body = error.json_body
    found = body.get("error") if isinstance(body, dict) else None
    return found if isinstance(found, dict) else {}


class _Http(stripe.HTTPClient):
    """Carries the SDK's requests over our HTTP client; never follows a redirect, never retries."""

    name = "httpx2"

    def __init__(self, http: httpx2.AsyncClient) -> None:
        super().__init__()
        self._http = http

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        try:
            response = await self._http.request(method, url, headers=dict(headers), content=post_data)
        except (httpx2.HTTPError, OSError) as error:
            raise stripe.APIConnectionError(type(error).__name__) from None  # type: ignore[no-untyped-call]
        return response.content, response.status_code, response.headers


@cache
def _tls() -> ssl.SSLContext:
    """The system's certificate authorities, read once (some 20 ms)."""
    return httpx2.create_ssl_context()


def _client(config: Mapping[str, Any], http: httpx2.AsyncClient) -> StripeClient:
    return StripeClient(
        config["secret_key"],
        base_addresses={"api": config.get("api_base") or API_BASE},
        max_network_retries=0,
        http_client=_Http(http),
    )


def _key(ask: Ask) -> RequestOptions:
    return {"idempotency_key": OPERATION(ask.key)}


def _is_old(ask: Ask) -> bool:
    """Whether Stripe may have forgotten the key; a UUIDv7 begins with its milliseconds."""
    return clock.now() - datetime.fromtimestamp((ask.key.int >> 80) / 1000, UTC) > KEY_KEPT


# --- authorize -----------------------------------------------------------------------------------------------------


async def _authorize(client: StripeClient, ask: Ask) -> Answer:
    operation = OPERATION(ask.key)
    amount = amount_of(ask.amount_minor, ask.currency)
    intents = client.v1.payment_intents
    if ask.charge is None and not _brings_intent(ask) and _is_old(ask):
        found = await intents.search_async({"query": f"metadata['operation']:'{operation}'", "limit": 1})
        if found.data:
            return _standing(ask, found.data[0].to_dict())
    if ask.charge is None and not _brings_intent(ask):
        made = await intents.create_async(_new_intent(ask, amount), _key(ask))  # type: ignore[arg-type]
        return _standing(ask, made.to_dict())
    intent = (await intents.retrieve_async(ask.charge or ask.method or "")).to_dict()
    owner = intent["metadata"].get("operation")
    if not owner and _brings_intent(ask):
        asked = (amount, ask.currency.lower(), "manual")
        if (intent["amount"], intent["currency"], intent["capture_method"]) != asked:
            return Answer(Result.DECLINED, code="payment_intent_mismatch")
        told = await intents.update_async(intent["id"], {"metadata": {"operation": operation}}, _key(ask))
        intent, owner = told.to_dict(), operation
    if owner != operation:
        return Answer(Result.DECLINED, code="authorization_in_use")
    return _standing(ask, intent)


def _brings_intent(ask: Ask) -> bool:
    return (ask.method or "").startswith("pi_")


def _new_intent(ask: Ask, amount: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "amount": amount,
        "currency": ask.currency.lower(),
        "capture_method": "manual",
        "metadata": {"operation": OPERATION(ask.key)},
        "payment_method_options": {"card": {"request_multicapture": "if_available"}},
        "automatic_payment_methods": {"enabled": True},
    }
    if ask.method is not None:
        found |= {"payment_method": ask.method, "confirm": True}
        if return_url := ask.config.get("return_url"):
            found["return_url"] = return_url
        else:
            found["automatic_payment_methods"]["allow_redirects"] = "never"
    return found


def _standing(ask: Ask, intent: Intent) -> Answer:
    """What a PaymentIntent says about the authorization that it is."""
    status, reference = intent["status"], intent["id"]
    if status in ("requires_capture", "succeeded"):
        return Answer(Result.OK, reference=reference)
    if status == "canceled":
        return Answer(Result.DECLINED, reference=reference, code="canceled")
    action = intent.get("next_action") or {}
    waiting = Answer(
        Result.REQUIRES_ACTION,
        reference=reference,
        client_secret=intent.get("client_secret"),
        next_action_url=(action.get("redirect_to_url") or {}).get("url"),
    )
    if status == "requires_action":
        return waiting
    by_form = ask.method is None or _brings_intent(ask)
    if status in ("requires_payment_method", "requires_confirmation") and by_form:
        return waiting
    if status == "requires_payment_method" and (failed := intent.get("last_payment_error")):
        return Answer(Result.DECLINED, reference=reference, code=failed.get("decline_code") or failed.get("code"))
    return Answer(Result.UNANSWERED, reference=reference, code=status)


# --- capture, void, refund -----------------------------------------------------------------------------------------


async def _capture(client: StripeClient, ask: Ask) -> Answer:
    operation, amount = OPERATION(ask.key), amount_of(ask.amount_minor, ask.currency)
    intents = client.v1.payment_intents
    intent = (await intents.retrieve_async(ask.charge or "", {"expand": ["latest_charge"]})).to_dict()
    if operation not in intent["metadata"]:
        wanted: dict[str, Any] = {"amount_to_capture": amount, "metadata": {operation: str(amount)}}
        if amount < intent["amount_capturable"] and _keeps_the_rest(intent):
            wanted["final_capture"] = False
        intent = (await intents.capture_async(intent["id"], wanted, _key(ask))).to_dict()  # type: ignore[arg-type]
    over = intent["status"] in ("succeeded", "canceled")
    return Answer(Result.OK, reference=intent["id"], released=over and intent["amount_received"] < intent["amount"])


def _keeps_the_rest(intent: Intent) -> bool:
    details = (intent.get("latest_charge") or {}).get("payment_method_details") or {}
    multicapture = (details.get("card") or {}).get("multicapture") or {}
    return bool(multicapture.get("status") == "available")


async def _void(client: StripeClient, ask: Ask) -> Answer:
    """Nothing is held of an intent that is over: canceled, or captured for good."""
    intents = client.v1.payment_intents
    intent = await intents.retrieve_async(ask.charge or "")
    if intent.status not in ("canceled", "succeeded"):
        intent = await intents.cancel_async(intent.id, {}, _key(ask))
    return Answer(Result.OK, reference=intent.id)


async def _refund(client: StripeClient, ask: Ask) -> Answer:
    operation, amount = OPERATION(ask.key), amount_of(ask.amount_minor, ask.currency)
    before = await client.v1.refunds.list_async({"payment_intent": ask.charge or "", "limit": REFUNDS_MAX})
    refunds = [refund.to_dict() for refund in before.data]
    made = next((refund for refund in refunds if (refund["metadata"] or {}).get("operation") == operation), None)
    if made is None:
        wanted: Any = {"payment_intent": ask.charge, "amount": amount, "metadata": {"operation": operation}}
        made = (await client.v1.refunds.create_async(wanted, _key(ask))).to_dict()
    if made["status"] in ("failed", "canceled"):
        return Answer(Result.DECLINED, reference=made["id"], code=made.get("failure_reason") or made["status"])
    return Answer(Result.OK, reference=made["id"])


_DO = {
    OperationKind.AUTHORIZE: _authorize,
    OperationKind.CAPTURE: _capture,
    OperationKind.VOID: _void,
    OperationKind.REFUND: _refund,
}


# --- callbacks -----------------------------------------------------------------------------------------------------


class Message(NamedTuple):
    """A verified callback, without what it says about people: ids and Stripe's word for what happened. `charge`: the
    PaymentIntent, None when it is about something else."""

    external_id: str
    kind: str
    charge: str | None
    operation: str | None


def verified(payload: bytes, signature: str, secrets: Sequence[str]) -> Message | None:
    """The message, when one of the secrets signed it within the last 300 s; None otherwise. Raises ValueError when it
    is signed but not an event."""
    if not any(_signed(payload, signature, secret) for secret in secrets):
        return None
    event = orjson.loads(payload)
    about = _inner(event, "data", "object")
    external_id, kind = _text(event, "id"), _text(event, "type")
    if external_id is None or kind is None:
        raise ValueError("neither id nor type")
    charge, operation = None, None
    if kind.startswith("payment_intent."):
        charge, operation = _text(about, "id"), _text(_inner(about, "metadata"), "operation")
    elif kind.startswith(("charge.", "refund.")) and not kind.startswith("charge.dispute."):
        charge = _text(about, "payment_intent")
    return Message(external_id, kind, charge, operation)


def _signed(payload: bytes, signature: str, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(payload, signature, secret)
        signed_at = next(int(part[2:]) for part in signature.split(",") if part.startswith("t="))
    except (stripe.SignatureVerificationError, ValueError, TypeError, StopIteration):
        return False  # TypeError: a signature that is not ASCII
    return abs(clock.now().timestamp() - signed_at) <= CALLBACK_TOLERANCE_S


def _inner(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _text(value: Any, name: str) -> str | None:
    found = _inner(value, name)
    return found if isinstance(found, str) and 0 < len(found) <= ID_LENGTH_MAX and found.isprintable() else None
