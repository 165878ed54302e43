"""Every SELECT of access."""

from sqlmodel import col, select

from oms_api.access.models import ApiKey, Tenant
from oms_api.kit.db import Reading, columns, param, prepared

_BY_HASH = prepared(
    columns(ApiKey.id, ApiKey.tenant_id, ApiKey.name, ApiKey.scopes, ApiKey.revoked_at, Tenant.handle, Tenant.test)
    .join(Tenant, col(Tenant.tenant_id) == col(ApiKey.tenant_id))
    .where(col(ApiKey.hash) == param("hash"))
)
_TENANT = prepared(select(Tenant).where(col(Tenant.handle) == param("handle"), col(Tenant.test) == param("test")))
_TENANTS = prepared(select(Tenant).order_by(col(Tenant.tenant_id)))


async def key_by_hash(reading: Reading, hash_: str) -> object | None:
    """The credential with its tenant: the one look-up that precedes knowing the tenant."""
    found: object | None = await reading.first(_BY_HASH, {"hash": hash_})
    return found


async def tenant_by_handle(reading: Reading, handle: str, test: bool) -> Tenant | None:
    found: Tenant | None = await reading.first(_TENANT, {"handle": handle, "test": test})
    return found


async def all_tenants(reading: Reading) -> list[Tenant]:
    """Every tenant of the deployment, for timers that go through all of them."""
    return await reading.all(_TENANTS)
