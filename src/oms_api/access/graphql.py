"""`viewer`: the first thing to ask."""

import strawberry

from oms_api import __version__
from oms_api.access.models import SCOPES
from oms_api.kit.graphql import Info, field, query


@strawberry.type(description="Budget.")
class RateLimit:
    limit: int = field(description="Bucket.")
    remaining: int = field(description="Left.")
    restore_rate: int = field(description="Points a second.")


@strawberry.type(description="Who is asking.")
class Viewer:
    tenant: str = field(description="Tenant handle.")
    client_id: strawberry.ID = field(description="Key or token id.")
    scopes: list[str] = field(description="Scopes held.")
    test: bool = field(description="Test mode.")
    rate_limit: RateLimit = field(description="Points left and refill a second.")
    server_version: str = field(description="Server version, e.g. 1.4.0.")


@strawberry.type
class Query:
    @query(description="The caller: first thing to ask.")
    async def viewer(self, info: Info) -> Viewer:
        caller = info.context.known_caller()
        limit, remaining, restore_rate = info.context.rate
        return Viewer(
            tenant=caller.tenant,
            client_id=strawberry.ID(caller.client_id or ""),
            scopes=sorted(SCOPES if "*" in caller.scopes else caller.scopes),
            test=caller.test,
            rate_limit=RateLimit(limit=limit, remaining=remaining, restore_rate=restore_rate),
            server_version=__version__,
        )
