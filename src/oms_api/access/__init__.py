"""Tenants, API keys and scopes: who asks, for which tenant, and what the key may do.

A tenant has two ids, live and test, so that everything below is apart by construction. Keys are stored hashed; a
revoked key stops within seconds. This domain knows nothing of what is sold.
"""

from oms_api.access.models import CLIENT, SCOPES, ApiKey, Tenant
from oms_api.access.queries import all_tenants
from oms_api.access.service import create_key, credential, ensure_tenant, revoke_key

__all__ = [
    "CLIENT", "SCOPES", "ApiKey", "Tenant", "all_tenants", "create_key", "credential", "ensure_tenant", "revoke_key",
]  # fmt: skip
