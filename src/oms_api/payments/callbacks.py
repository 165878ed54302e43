"""`POST /callbacks/stripe/{account}`: verify, put in the inbox, answer 200. The work is done by `payments.hear`.

Nothing of a callback is logged. An account that does not exist and a signature that is not right are one answer.
"""

import secrets
from contextlib import suppress
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from oms_api.kit import caller
from oms_api.kit.db import Database, Tx
from oms_api.kit.errors import Overloaded
from oms_api.kit.ids import NOBODY
from oms_api.kit.secrets import Unsigned
from oms_api.payments import queries, stripe
from oms_api.payments.models import ACCOUNT
from oms_api.payments.service.accounts import config_of
from oms_api.payments.service.hear import receive

BODY_BYTES_MAX = 256 * 1024
NOBODYS_SECRET = secrets.token_hex()  # so that an unknown account takes as long as a wrong signature


def routes(db: Database) -> list[Route]:
    async def heard(request: Request) -> Response:
        try:
            return await _stripe(db, request)
        except ClientDisconnect:
            return Response(status_code=499)
        except Overloaded as error:
            refused = _refused(503, "The database is away; send it again.")
            refused.headers["Retry-After"] = str(error.retry_after_s)
            return refused

    return [Route("/callbacks/stripe/{account}", heard, methods=["POST"])]


async def _stripe(db: Database, request: Request) -> Response:
    payload = b""
    async for chunk in request.stream():
        payload += chunk
        if len(payload) > BODY_BYTES_MAX:
            return _refused(413, f"The body is larger than {BODY_BYTES_MAX} bytes.")
    async with db.reading(NOBODY) as reading:
        account = await queries.account_of_callback(reading, ACCOUNT.parse(request.path_params["account"]))
    known: list[str] = []
    if account is not None and account.provider == "stripe":
        with suppress(Unsigned):  # none of our keys can read its secrets any more: nobody is believed
            known = config_of(account).get("webhook_secrets", [])
    try:
        message = stripe.verified(payload, request.headers.get("stripe-signature", ""), known or [NOBODYS_SECRET])
    except ValueError:
        return _refused(400, "The body is signed, but not an event of Stripe's.")
    if message is None or account is None:
        return _refused(
            400,
            "No account of this address has signed this body within the last "
            f"{stripe.CALLBACK_TOLERANCE_S} seconds: compare the address and the signing secret with Stripe's.",
        )
    about: dict[str, Any] = message._asdict()

    async def keep(tx: Tx) -> bool:
        return await receive(tx, account, **about)

    await db.run(keep, caller.provider(account.tenant_id, account.handle))
    return JSONResponse({"received": True})


def _refused(status: int, why: str) -> Response:
    return JSONResponse({"error": why}, status, {"Cache-Control": "no-store"})
