"""Who acts, for which tenant: carried by every transaction and written into every fact."""

from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID


class ActorKind(StrEnum):
    CLIENT = "CLIENT"
    STAFF = "STAFF"
    CUSTOMER = "CUSTOMER"
    PROVIDER = "PROVIDER"
    SYSTEM = "SYSTEM"


@dataclass(frozen=True, slots=True)
class Caller:
    """`tenant_id` scopes every statement; `client_id` is the public id of the key; `scopes` what it may do."""

    tenant_id: UUID
    tenant: str = ""
    kind: ActorKind = ActorKind.SYSTEM
    client_id: str | None = None
    name: str | None = None
    scopes: frozenset[str] = frozenset()
    test: bool = False
    request_id: str | None = None

    def may(self, scope: str) -> bool:
        return "*" in self.scopes or scope in self.scopes

    def for_request(self, request_id: str) -> "Caller":
        return replace(self, request_id=request_id)


def system(tenant_id: UUID, request_id: str | None = None) -> Caller:
    """The system itself: timers, policies, reactions."""
    return Caller(tenant_id, kind=ActorKind.SYSTEM, scopes=frozenset("*"), request_id=request_id)


def provider(tenant_id: UUID, name: str) -> Caller:
    """A payment provider, carrier or marketplace that calls back."""
    return Caller(tenant_id, kind=ActorKind.PROVIDER, name=name)
