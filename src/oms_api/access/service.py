"""The verbs of access."""

import re
import secrets as random
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Uuid, update
from sqlmodel import col

from oms_api.access.models import CLIENT, ApiKey, Tenant, is_scope
from oms_api.access.queries import key_by_hash, tenant_by_handle
from oms_api.kit import clock, ids
from oms_api.kit.caller import ActorKind, Caller
from oms_api.kit.db import Database, Instant, Tx, param, prepared, table_of
from oms_api.kit.errors import Invalid, NotFound
from oms_api.kit.ids import NOBODY
from oms_api.kit.secrets import hashed

_HANDLE = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_KEY_SHAPE = re.compile(r"oms_(test|live)_[A-Za-z0-9_-]{43}")


class NewKey(NamedTuple):
    """A key as it is shown once."""

    id: str
    key: str
    tenant: str
    tenant_id: UUID
    scopes: list[str]


async def ensure_tenant(tx: Tx, handle: str, *, test: bool = True) -> Tenant:
    """The tenant with this handle, made when it is new."""
    if not _HANDLE.fullmatch(handle):
        raise Invalid(f"{handle!r} is not a tenant handle; use a-z, 0-9, '-' and '_', at most 63 characters.")
    new = await tx.upsert(
        Tenant,
        [{"tenant_id": ids.new(), "handle": handle, "test": test, "created_at": clock.now()}],
        key=("handle", "test"),
    )
    if new:
        return new[0]
    found = await tenant_by_handle(tx, handle, test)
    assert found is not None
    return found


async def create_key(tx: Tx, *, tenant: str, scopes: Sequence[str], name: str = "", test: bool = True) -> NewKey:
    """A fresh key of 256 random bits; only its hash is kept. Raises Invalid for an unknown scope."""
    unknown = [scope for scope in scopes if not is_scope(scope)]
    if unknown or not scopes:
        raise Invalid(f"{', '.join(unknown) or 'No scope'}: name scopes such as orders:read, or '*' for all.")
    owner = await ensure_tenant(tx, tenant, test=test)
    key = f"oms_{'test' if test else 'live'}_{random.token_urlsafe(32)}"
    row = await tx.add(
        ApiKey,
        tenant_id=owner.tenant_id,
        id=ids.new(),
        hash=hashed(key),
        name=name or f"key of {tenant}",
        scopes=sorted(set(scopes)),
        created_at=clock.now(),
    )
    return NewKey(CLIENT(row.id), key, tenant, owner.tenant_id, row.scopes)


_REVOKE = prepared(
    update(table_of(ApiKey))
    .where(col(ApiKey.id) == param("of", Uuid()), col(ApiKey.revoked_at).is_(None))
    .values(revoked_at=param("at", Instant()))
)


async def revoke_key(tx: Tx, key_id: str) -> None:
    """Stop a key for good. Raises NotFound when there is no such key in use."""
    if not await tx.run(_REVOKE, {"of": CLIENT.parse(key_id), "at": clock.now()}):
        raise NotFound(f"There is no key {key_id!r} in use.")


async def credential(db: Database, key: str) -> Caller | None:
    """Whose key this is; None when it is malformed, unknown or revoked, without saying which."""
    if not _KEY_SHAPE.fullmatch(key):
        return None
    async with db.reading(NOBODY) as reading:
        row: Any = await key_by_hash(reading, hashed(key))
    if row is None or row.revoked_at is not None:
        return None
    return Caller(
        tenant_id=row.tenant_id,
        tenant=row.handle,
        kind=ActorKind.CLIENT,
        client_id=CLIENT(row.id),
        name=row.name,
        scopes=frozenset(row.scopes),
        test=row.test,
    )
