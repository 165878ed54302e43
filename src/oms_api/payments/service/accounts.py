"""Which provider a handle means, and with which configuration."""

from collections.abc import Mapping
from typing import Any

import orjson

from oms_api.kit import clock, ids, secrets
from oms_api.kit.db import Reading, Tx
from oms_api.kit.errors import Invalid, Path, Unsupported
from oms_api.payments import fake, manual, queries, stripe
from oms_api.payments.models import ProviderAccount
from oms_api.payments.provider import Provider

_PURPOSE = "payment account"

MANUAL = "manual"
WITHOUT_ACCOUNT: Mapping[str, Provider] = {"fake": fake.carry_out, MANUAL: manual.carry_out}
PROVIDERS: Mapping[str, Provider] = {**WITHOUT_ACCOUNT, "stripe": stripe.carry_out}
HANDLE_LENGTH_MAX = 60


async def put_account(
    tx: Tx, *, handle: str, provider: str, config: Mapping[str, Any], path: Path = ("input",)
) -> ProviderAccount:
    """Create or replace the tenant's account `handle` with a provider; nothing changes when it is so already.

    Raises Unsupported, Invalid.
    """
    if provider not in PROVIDERS:
        raise Unsupported(
            f"{provider[:60]!r} is not a payment provider; known are {', '.join(PROVIDERS)}.", path=(*path, "provider")
        )
    if not 1 <= len(handle) <= HANDLE_LENGTH_MAX or not handle.isprintable() or handle == MANUAL:
        raise Invalid(
            f"A provider's handle has 1 to {HANDLE_LENGTH_MAX} printable characters and is not {MANUAL}.",
            path=(*path, "handle"),
        )
    before = await queries.account(tx, handle)
    if before is not None and _is_so(before, provider, config):
        return before
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
    if handle in WITHOUT_ACCOUNT or await queries.account(reading, handle) is not None:
        return
    known = sorted({*WITHOUT_ACCOUNT, *(account.handle for account in await queries.accounts(reading))})
    raise Unsupported(f"{handle[:60]!r} is not a payment provider; known are {', '.join(known)}.", path=path)


async def provider_of(reading: Reading, handle: str) -> tuple[Provider, Mapping[str, Any]]:
    """The provider behind a handle, and its configuration; a row goes before the built-in of the same name."""
    if handle == MANUAL:
        return PROVIDERS[MANUAL], {}
    account = await queries.account(reading, handle)
    if account is None:
        return WITHOUT_ACCOUNT[handle], {}
    return PROVIDERS[account.provider], config_of(account)


def config_of(account: ProviderAccount) -> Mapping[str, Any]:
    """An account's configuration, decrypted. Raises Unsigned when none of our keys can read it any more."""
    found: Mapping[str, Any] = orjson.loads(secrets.decrypt(_PURPOSE, account.config))
    return found


def _is_so(account: ProviderAccount, provider: str, config: Mapping[str, Any]) -> bool:
    try:
        return account.provider == provider and config_of(account) == config
    except secrets.Unsigned:
        return False
