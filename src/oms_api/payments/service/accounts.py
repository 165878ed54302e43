"""Which provider a handle means, and with which configuration."""

from collections.abc import Mapping
from typing import Any

import orjson

from oms_api.kit import clock, ids, secrets
from oms_api.kit.db import Reading, Tx
from oms_api.kit.errors import Invalid, Path, Unsupported
from oms_api.payments import fake, manual, queries
from oms_api.payments.models import ProviderAccount
from oms_api.payments.provider import Provider

_PURPOSE = "payment account"

# A Stripe adapter is one more file and one more line here.
MANUAL = "manual"
PROVIDERS: Mapping[str, Provider] = {"fake": fake.carry_out, MANUAL: manual.carry_out}
HANDLE_LENGTH_MAX = 60


async def put_account(
    tx: Tx, *, handle: str, provider: str, config: Mapping[str, Any], path: Path = ("input",)
) -> ProviderAccount:
    """Create or replace the tenant's account `handle` with a provider. Raises Unsupported, Invalid."""
    if provider not in PROVIDERS:
        raise Unsupported(
            f"{provider[:60]!r} is not a payment provider; known are {', '.join(PROVIDERS)}.", path=(*path, "provider")
        )
    if not 1 <= len(handle) <= HANDLE_LENGTH_MAX or not handle.isprintable() or handle == MANUAL:
        raise Invalid(
            f"A provider's handle has 1 to {HANDLE_LENGTH_MAX} printable characters and is not {MANUAL}.",
            path=(*path, "handle"),
        )
    now = clock.now()
    row = {
        "tenant_id": tx.tenant_id,
        "id": ids.new(),
        "handle": handle,
        "provider": provider,
        "config": secrets.encrypt(_PURPOSE, orjson.dumps(dict(config)).decode()),
        "created_at": now,
        "updated_at": now,
    }
    (saved,) = await tx.upsert(
        ProviderAccount, [row], key=("tenant_id", "handle"), change=("provider", "config", "updated_at")
    )
    return saved


async def check_handle(reading: Reading, handle: str, path: Path) -> None:
    """Raises Unsupported, naming what is known. `fake` and `manual` need no row."""
    if handle in PROVIDERS or await queries.account(reading, handle) is not None:
        return
    known = sorted({*PROVIDERS, *(account.handle for account in await queries.accounts(reading))})
    raise Unsupported(f"{handle[:60]!r} is not a payment provider; known are {', '.join(known)}.", path=path)


async def provider_of(reading: Reading, handle: str) -> tuple[Provider, Mapping[str, Any]]:
    """The provider behind a handle, and its configuration; a row goes before the built-in of the same name."""
    if handle == MANUAL:
        return PROVIDERS[MANUAL], {}
    account = await queries.account(reading, handle)
    if account is None:
        return PROVIDERS[handle], {}
    config: Mapping[str, Any] = orjson.loads(secrets.decrypt(_PURPOSE, account.config))
    return PROVIDERS[account.provider], config
